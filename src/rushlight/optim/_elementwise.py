"""The mechanism of optimizers whose rule works element by element, which is nearly all of them.

A NumPy call costs more than the arithmetic on a small array. So the small parameters of a group are gathered into one
flat array, updated by one run of the rule, and scattered again, while their state lives in flat arrays for good. Large
parameters are updated where they are, in blocks that stay in the cache from the rule's first call to its last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays.basic import empty_like, zeros_like
from ..autograd.modes import enable_grad
from ..tensor import Tensor, wrap
from .optimizer import Optimizer, note_changes, scalar_type

if TYPE_CHECKING:
    from collections.abc import Callable

SMALL = 16_384  # elements up to which copying a parameter is cheaper than calling the rule for it alone
BLOCK = 2**18  # bytes of each array that a rule handles at a time

_REAL = {np.dtype(np.complex64): np.dtype(np.float32), np.dtype(np.complex128): np.dtype(np.float64)}


class Elementwise(Optimizer):
    """An optimizer that declares its state and its rule.

    `numbers` are the state's scalars, with their first values; `buffers(group)` its arrays of the parameter's shape,
    with theirs. `rule(group, numbers, fresh)` is called once per step, advances the scalars (arrays of equal values)
    and returns `update(param, grad, s, t, *buffers)`, which changes `param` and the buffers in place with ufuncs; `s`
    and `t` are scratch, `grad` is only read. `fresh` says that this is the state's first step. Weight decay and
    `maximize` are done here.
    """

    _numbers: tuple[str, ...] = ("step",)
    _plans: dict[int, Plan] | None = None

    def _first_numbers(self, group: dict[str, Any]) -> tuple[float, ...]:
        return (0.0,) * len(self._numbers)

    def _buffers(self, group: dict[str, Any]) -> dict[str, float]:
        raise NotImplementedError(f"{type(self).__name__} does not say what its state is")

    def _rule(self, group: dict[str, Any], numbers: list[Any], fresh: bool) -> Callable[..., None]:
        raise NotImplementedError(f"{type(self).__name__} has no rule")

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Updates the parameters once. `closure` computes the loss and its gradients anew; its result is returned."""
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        if self._plans is None:
            self._plans = {}
        for index, group in enumerate(self.param_groups):
            if group.get("differentiable"):
                from ._recorded import step_recorded

                step_recorded(self, group)
                continue
            plan = self._plans.get(index)
            params = [param for param in group["params"] if param._grad is not None]
            if not params:
                continue
            if plan is None or not plan.fits(params, self.state, (*self._numbers, *self._buffers(group))):
                plan = self._plans[index] = Plan(self, group, params)
            note_changes(params)
            for run in plan.runs:
                run.step(self, group)
        return loss

    def _lr(self, group: dict[str, Any]) -> Any:
        """The learning rate as a Python float (a NumPy scalar would promote float32 arrays); a tensor where it is
        differentiated.
        """
        lr = group["lr"]
        return lr if group.get("differentiable") and isinstance(lr, Tensor) else float(lr)

    def _entry(self, group: dict[str, Any], param: Tensor) -> tuple[dict[str, Any], bool]:
        """The state of a parameter, made where it is missing, and whether it was."""
        buffers = self._buffers(group)
        if not buffers:
            return {}, False
        entry = self.state[param]
        fresh = any(entry.get(name) is None for name in (*self._numbers, *buffers))
        for name, first in zip(self._numbers, self._first_numbers(group), strict=True):
            if entry.get(name) is None:
                entry[name] = wrap(np.array(first, scalar_type()))
        for name, first in buffers.items():
            if entry.get(name) is None:
                values = zeros_like(param._array)
                if first:
                    real(values.reshape(-1)).fill(first)
                entry[name] = wrap(values)
        return entry, fresh

    def __setstate__(self, saved: dict[str, Any]) -> None:
        super().__setstate__(saved)
        self._plans = None


def advance(number: Any) -> float:
    """Counts a step in a scalar of the state; returns the new count."""
    count = number.item(0) + 1.0
    number.fill(count)
    return count


def scaled(number: Any, factor: float) -> float:
    """Multiplies a scalar of the state; returns the product as it is kept."""
    number *= factor
    return number.item(0)


class Plan:
    """How the parameters of a group that have gradients are updated; good until one of the arrays is replaced."""

    def __init__(self, optimizer: Elementwise, group: dict[str, Any], params: list[Tensor]) -> None:
        self.names = (*optimizer._numbers, *optimizer._buffers(group))
        together: dict[Any, list[tuple[Tensor, dict]]] = {}
        self.held = []  # what is identified by address must stay alive
        repeated = len(params) != len({id(param) for param in params})
        for position, param in enumerate(params):
            check_dense(optimizer, param)
            array = param._array
            entry, fresh = optimizer._entry(group, param)
            values = tuple(entry[name].item() for name in optimizer._numbers)
            alone = repeated or (array.size > SMALL and array.flags.c_contiguous)
            key = array.dtype, fresh, values, position if alone else None
            together.setdefault(key, []).append((param, entry))
        self.runs = [
            Run(
                [param for param, _ in members], [entry for _, entry in members], optimizer._numbers, self.names, key[1]
            )
            for key, members in together.items()
        ]
        self._share_scratch()
        self.identity = self.identify(params, optimizer.state)
        for members in together.values():
            self.held += [(p, p._array, [entry[name]._array for name in self.names]) for p, entry in members]

    def _share_scratch(self) -> None:
        """Gives all runs of a type the same scratch arrays."""
        shared: dict[Any, list[Any]] = {}
        for run in sorted(self.runs, key=lambda run: -run.length):
            if run.param.dtype not in shared:
                shared[run.param.dtype] = [empty_like(run.param, (run.length,)) for _ in range(3)]
            run.scratch = [one[: run.length] for one in shared[run.param.dtype]]

    def identify(self, params: list[Tensor], state: Any) -> list[int]:
        """The addresses of all that is updated."""
        found = []
        names = self.names
        for param in params:
            found.append(id(param))
            found.append(id(param._array))
            if names:
                entry = state[param]
                for name in names:
                    found.append(id(entry[name]._array))
        return found

    def fits(self, params: list[Tensor], state: Any, names: tuple[str, ...]) -> bool:
        """Whether these are the parameters, the arrays and the scalars that the plan was made for."""
        if names != self.names:
            return False
        try:
            same = self.identify(params, state) == self.identity
        except (KeyError, AttributeError):  # state that was deleted or replaced
            return False
        return same and all(run.in_step() for run in self.runs)


class Run:
    """Parameters that are updated together, as flat arrays: several through copies, or one in place."""

    def __init__(self, params: list[Tensor], entries: list[dict], numbers: tuple, names: tuple, fresh: bool) -> None:
        arrays = [param._array for param in params]
        sizes = [array.size for array in arrays]
        first, total = arrays[0], sum(sizes)
        self.params = params
        self.fresh = fresh
        self.direct = len(params) == 1 and first.flags.c_contiguous
        self.numbers = [flat_numbers(entries, name, self.direct) for name in numbers]
        self.buffers = [real(flat_buffer(entries, name, first, sizes, self.direct)) for name in names[len(numbers) :]]
        if self.direct:
            self.param = real(first.reshape(-1))
        else:
            ends = np.cumsum(sizes).tolist()
            self.copies, self.grads = empty_like(first, (total,)), empty_like(first, (total,))
            parts = [self.copies[end - size : end] for end, size in zip(ends, sizes, strict=True)]
            self.pairs = [(array, part.reshape(array.shape)) for array, part in zip(arrays, parts, strict=True)]
            # One call gathers what is contiguous; the rest is copied one by one.
            self.sources = (
                [array.reshape(-1) for array in arrays] if all(a.flags.c_contiguous for a in arrays) else None
            )
            self.param, self.grad = real(self.copies), real(self.grads)
        self.length = min(self.param.size, BLOCK // self.param.itemsize)
        self.scratch: list[Any] = []

    def in_step(self) -> bool:
        """Whether the scalars agree for all parameters."""
        for number in self.numbers:
            values = number.tolist()
            if values.count(values[0]) != len(values):
                return False
        return True

    def step(self, optimizer: Elementwise, group: dict[str, Any]) -> None:
        """One step: gather, update block by block, scatter."""
        grad = self.gather()
        update = decayed(optimizer, group, optimizer._rule(group, self.numbers, self.fresh))
        self.fresh = False
        size, length = self.param.size, self.length
        if size == length:
            update(self.param, grad, *self.scratch, *self.buffers)
        else:
            for start in range(0, size, length):
                part = slice(start, start + length)
                scratch = self.scratch if start + length <= size else [one[: size - start] for one in self.scratch]
                update(self.param[part], grad[part], *scratch, *[buffer[part] for buffer in self.buffers])
        if not self.direct:
            for array, part in self.pairs:
                np.copyto(array, part)

    def gather(self) -> Any:
        """The gradient as a flat array; copies the parameters too unless they are updated in place."""
        if self.direct:
            return real(self.params[0]._grad._array.reshape(-1))  # type: ignore[union-attr]
        grads = [param._grad._array.reshape(-1) for param in self.params]  # type: ignore[union-attr]
        np.concatenate(grads, out=self.grads)
        if self.sources is None:
            for array, part in self.pairs:
                np.copyto(part, array)
        else:
            np.concatenate(self.sources, out=self.copies)
        return self.grad


def decayed(optimizer: Elementwise, group: dict[str, Any], rule: Callable[..., None]) -> Callable[..., None]:
    """The rule, after what `weight_decay` and `maximize` do; its update takes one more scratch array."""
    decay, maximize = group.get("weight_decay", 0), group.get("maximize", False)
    decoupled = group.get("decoupled_weight_decay", False)
    shrink = 1.0 - optimizer._lr(group) * float(decay) if decoupled else None
    decay = 0.0 if decoupled else float(decay)

    def update(param: Any, grad: Any, g: Any, *rest: Any) -> None:
        if maximize:
            grad = np.negative(grad, g)
        if shrink is not None:
            np.multiply(param, shrink, param)
        elif decay:
            scaled = np.multiply(param, decay, rest[0])
            grad = np.add(grad, scaled, g)
        rule(param, grad, *rest)

    return update


def real(array: Any) -> Any:
    """A flat array's complex numbers as pairs of real ones, sharing contiguous memory; real arrays as they are."""
    kind = _REAL.get(array.dtype)
    return array if kind is None else np.ascontiguousarray(array).view(kind)


def flat_numbers(entries: list[dict], name: str, direct: bool) -> Any:
    """A scalar of the state, of all parameters in one array whose elements the state's tensors become."""
    if direct:
        return entries[0][name]._array.reshape(1)
    flat = np.array([entry[name]._array.item() for entry in entries], entries[0][name]._array.dtype)
    for index, entry in enumerate(entries):
        entry[name]._array = flat[index, ...]
    return flat


def flat_buffer(entries: list[dict], name: str, like: Any, sizes: list[int], direct: bool) -> Any:
    """A buffer of the state, of all parameters in one flat array whose parts the state's tensors become."""
    array = entries[0][name]._array
    if direct and array.flags.c_contiguous and array.dtype == like.dtype:
        return array.reshape(-1)
    flat = empty_like(like, (sum(sizes),))
    end = 0
    for entry, size in zip(entries, sizes, strict=True):
        tensor, start, end = entry[name], end, end + size
        flat[start:end] = tensor._array.reshape(-1)
        tensor._array = flat[start:end].reshape(tensor._array.shape)
    return flat


def check_dense(optimizer: Optimizer, param: Tensor) -> None:
    """Raises RuntimeError for a sparse gradient."""
    if param._grad is not None and getattr(param._grad, "is_sparse", False):
        raise RuntimeError(f"{type(optimizer).__name__} does not support sparse gradients")
