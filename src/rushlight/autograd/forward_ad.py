"""Forward mode: tensors that carry tangents, and ops that push them forward.

A tangent belongs to a level. Levels nest, each call its own, so that perturbations are not confused: the tangent of an inner level
is itself a tensor that may carry tangents of outer ones. Pointwise, linear and fused ops push by their own declaration; any other
op by the transpose of its vjp (which is linear in the cotangent, so its vjp at any cotangent is the jvp: J. Townsend, 2017, "A new
trick for calculating Jacobian vector products").
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import ref

from ..tensor import Tensor, set_requires_grad, wrap
from .engine import edges_of
from .gradients import grad
from .graph import LEAF
from .modes import _Decorator, enable_grad, refresh, state, thread
from .tangents import (
    Levels,
    aliased,
    batched_as,
    below,
    laid_out,
    lies_like,
    open_tangents,
    outside,
    set_tangent,
    tangents_of,
    with_tangent,
    zeros_of,
)  # fmt: skip

if TYPE_CHECKING:
    from ..ops.op import Op

__all__ = ["UnpackedDualTensor", "dual_level", "enter_dual_level", "exit_dual_level", "make_dual", "unpack_dual"]

next_level = count(1).__next__


class UnpackedDualTensor(NamedTuple):
    """A tensor's value, and its tangent (None without one)."""

    primal: Tensor
    tangent: Tensor | None


class dual_level(_Decorator):
    """A block (or a function, as a decorator) in which tensors may carry tangents. Raises RuntimeError when nested."""

    def __enter__(self) -> int:
        return enter_dual_level()

    def __exit__(self, *exception: Any) -> None:
        exit_dual_level()


def enter_dual_level() -> int:
    """Opens a level; returns its number, 0, since PyTorch allows but one. Raises RuntimeError when one is open already."""
    if thread.dual_level is not None:
        raise RuntimeError("Nested forward mode AD is not supported at the moment")
    thread.dual_level = push_level()
    return 0


def exit_dual_level(*, level: int | None = None) -> None:
    """Closes the level. Raises RuntimeError when none is open, or not this one."""
    current = thread.dual_level
    if level not in (None, 0) or (current is None and level == 0):
        raise RuntimeError("Trying to exit a forward AD level that was not the last one that was created. This is not supported.")
    if current is None:
        raise RuntimeError("Dual level must be a positive number.")
    thread.dual_level = None
    pop_level(current)


def __getattr__(name: str) -> Any:
    if name == "_current_level":
        return -1 if thread.dual_level is None else 0
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class _set_fwd_grad_enabled(_Decorator):
    """Switches forward mode on or off: at once as a function call, until the block's end as a context manager."""

    def __init__(self, mode: bool) -> None:
        self.mode, self.previous = mode, (thread.forward_levels, thread.forward_hidden)
        self.__enter__()

    def _again(self) -> _set_fwd_grad_enabled:
        return type(self)(self.mode)

    def __enter__(self) -> None:
        levels = thread.forward_levels if thread.forward_hidden is None else thread.forward_hidden
        thread.forward_levels, thread.forward_hidden = (levels, None) if self.mode else ((), levels)

    def __exit__(self, *exception: Any) -> None:
        thread.forward_levels, thread.forward_hidden = self.previous


def _is_fwd_grad_enabled() -> bool:
    """Whether ops push tangents."""
    return thread.forward_hidden is None


def push_level() -> int:
    """Opens a level of forward mode within those that are open."""
    level = next_level()
    thread.forward_levels = (*thread.forward_levels, level)
    refresh()
    return level


_holders: dict[int, list[ref]] = {}  # by open level: the nodes that keep tangents of their outputs


def keep_tangents(node: Any, index: int, tangents: dict[int, Tensor]) -> None:
    """Lets a node that saved its output find the output's tangents there, until their levels close: they lead back to the node."""
    node.__dict__.setdefault("out_tangents", {})[index] = tangents
    for level in tangents:
        _holders.setdefault(level, []).append(ref(node))


def pop_level(level: int) -> None:
    """Closes a level."""
    for reference in _holders.pop(level, ()):
        node = reference()
        for index, tangents in (node.__dict__.get("out_tangents", {}) if node is not None else {}).items():
            node.__dict__["out_tangents"][index] = {one: tangent for one, tangent in tangents.items() if one != level}
    thread.forward_levels = tuple(one for one in thread.forward_levels if one != level)
    refresh()


def make_dual(tensor: Tensor, tangent: Tensor, *, level: int | None = None) -> Tensor:
    """A view of `tensor` that carries `tangent`.

    Raises RuntimeError outside a level, ValueError for integers or a tangent of another shape or type.
    """
    level = open_level(level, "_make_dual")
    if level is None:
        raise RuntimeError(
            "Trying to create a dual Tensor for forward AD but no level exists, make sure to enter_dual_level() first."
        )
    check_dual(tensor, tangent)
    if tangents_of(tangent, level) is not None:
        raise RuntimeError("Setting a forward grad that itself has a forward gradient at the same level 0 is not supported.")
    if tangents_of(tensor, level) is not None:
        raise RuntimeError(
            "Making a dual Tensor based on a Tensor that already has a forward gradient at the same level 0 is not supported."
        )
    if not lies_like(tangent._array, tensor._array):
        with outside(level):
            tangent = laid_out(tangent, tensor)
    return with_tangent(tensor, tangent, level)


def unpack_dual(tensor: Tensor, *, level: int | None = None) -> UnpackedDualTensor:
    """The value and the tangent of a dual tensor."""
    level = open_level(level, "_unpack_dual")
    if not isinstance(tensor, Tensor):
        raise TypeError(f"_unpack_dual(): argument 'dual' (position 1) must be Tensor, not {type(tensor).__name__}")
    if level is None:
        return UnpackedDualTensor(tensor, None)
    tangent = tangents_of(tensor, level)
    return UnpackedDualTensor(below(tensor, level) if tangent is not None else tensor, tangent)


def open_level(level: int | None, caller: str) -> int | None:
    """The open level, None without one. Raises RuntimeError for the number of another."""
    if level not in (None, 0):
        raise RuntimeError(f"Invalid level given to {caller}: {level}, but the only one there can be is 0")
    return thread.dual_level


def check_dual(tensor: Any, tangent: Any) -> None:
    """Raises where a tangent does not fit its tensor."""
    for given in (tensor, tangent):
        if not isinstance(given, Tensor):
            raise TypeError(f"make_dual(): argument 'tensor' (position 1) must be Tensor, not {type(given).__name__}")
    for name, given in (("primal", tensor), ("tangent", tangent)):
        if not (given.is_floating_point() or given.is_complex()):
            raise ValueError(f"Expected {name} to be floating point or complex, but got: {given.dtype}")
    if tensor._array.shape != tangent._array.shape:
        raise RuntimeError(
            "Trying to set a forward gradient that has a different size than that of the original "
            f"Tensor, this is not supported. Tensor is of size {list(tensor._array.shape)} while "
            f"the given forward gradient is of size {list(tangent._array.shape)}."
        )
    if tensor.is_complex() != tangent.is_complex():
        raise RuntimeError(
            "Trying to set a forward gradient that is not of the same kind as "
            f"the original Tensor: {tangent.dtype} for {tensor.dtype}"
        )


def push_forward(op: Op, values: list, options: dict, given: list, outputs: list) -> None:
    """Gives the outputs of an op the tangents that follow from those of its inputs."""
    for level in thread.forward_levels:
        tangents = [tangents_of(value, level) if isinstance(value, Tensor) else None for value in given]
        if all(tangent is None for tangent in tangents) or not op.differentiable:
            continue
        with outside(level):
            primals = [below(value, level) for value in given]
            pushed = jvp(op, values, options, primals, tangents, outputs, level)
        for output, tangent in zip(outputs, pushed, strict=True):
            if output is not None and tangent is not None and output._array.dtype.kind in "fcV":
                if tangent._array.dtype != output._array.dtype:
                    tangent = tangent.real if output._array.dtype.kind != "c" and tangent.is_complex() else tangent
                    tangent = tangent.to(output.dtype)
                if not op.view and (thread.batch_levels or state.batched_nodes):
                    tangent = batched_as(tangent, output)
                set_tangent(output, level, tangent)
    for index, output in enumerate(outputs):
        if output is not None and output._tangents and output._node is not None:
            # A rule that saved this output finds its tangents there.
            node = getattr(output._node, "node", output._node)
            keep_tangents(node, index, output._tangents)


def jvp(op: Op, values: list, options: dict, primals: list, tangents: list, outputs: list, level: int) -> list:
    """The tangents of an op's outputs."""
    if op.kind == "linear" and not op.takes_list and len(op.rules) == 1:
        return listed(op.function(*replaced(op, values, [tangents[0], *primals[1:]]), **options))
    if op.composite is not None:
        duals = [
            primal if tangent is None else with_tangent(primal, tangent, level)
            for primal, tangent in zip(primals, tangents, strict=True)
        ]
        with Levels((*thread.forward_levels, level)):
            results = listed(op.composite(*replaced(op, values, duals), **options))
            return [tangents_of(result, level) for result in results]
    if op.kind == "bilinear" and not op.takes_list:
        return [bilinear_jvp(op, values, options, primals, tangents, outputs[0])]
    if op.kind == "pointwise":
        pushed = pointwise_jvp(op, primals, tangents, outputs[0])
        if pushed is not None:
            return [pushed]
    try:
        return jvp_by_transposition(op, values, options, primals, tangents)
    except NotImplementedError as error:
        raise NotImplementedError(
            f"Trying to use forward AD with {op.name} that does not support it because it has not been implemented yet: {error}"
        ) from None


def pointwise_jvp(op: Op, primals: list, tangents: list, output: Tensor) -> Tensor | None:
    """The sum of each tangent times the partial derivative; None where these ask for more than real operands of one type."""
    from ..ops.rules import passed

    kind = output._array.dtype
    if kind.kind != "f" or any(not isinstance(one, Tensor) or one._array.dtype != kind for one in primals):
        return None
    out = aliased(output)  # another object: the output gets the tangent, which what the tangent saves must not hold
    out._tangents = open_tangents(output)
    known = {**dict(zip(op.inputs, primals, strict=True)), "out": out}
    total: Any = None
    for partial, names, tangent in zip(op.rules, op.needed.rules, tangents, strict=True):
        if tangent is None:
            continue
        if partial is None or not known.keys() >= set(names):
            return None
        if not callable(partial):
            term = tangent * partial
        elif getattr(partial, "chooses", False):
            term = passed(tangent, partial(*(known[name] for name in names)))
        else:
            term = tangent * partial(*(known[name] for name in names))
        total = term if total is None else total + term
    return total if total._array.shape == output._array.shape else total.expand(output._array.shape)


def bilinear_jvp(op: Op, values: list, options: dict, primals: list, tangents: list, output: Tensor) -> Tensor:
    """The product rule: the sum over the inputs of the op with one of them replaced by its tangent."""
    total: Any = None
    for place, tangent in enumerate(tangents):
        if tangent is None:
            continue
        if op.addend is not None and place == 2:
            term = op.addend(tangent, output)
        else:
            inputs = [tangent if i == place else primal for i, primal in enumerate(primals)]
            if op.addend is not None:
                inputs[2] = None
            term = op.function(*replaced(op, values, inputs), **options)
        total = term if total is None else total + term
    return total


def replaced(op: Op, values: list, inputs: list) -> list:
    """An op's arguments with other tensors in the places of its inputs."""
    values = list(values)
    if op.takes_list:
        extra = len(op.positions) - 1
        values[0] = inputs[: len(inputs) - extra]
        inputs = [None, *inputs[len(inputs) - extra :]]
    for position, one in zip(op.positions, inputs, strict=True):
        if one is not None or not op.takes_list:
            values[position] = one
    return values


def listed(result: Any) -> list:
    return list(result) if isinstance(result, (tuple, list)) else [result]


def jvp_by_transposition(op: Op, values: list, options: dict, primals: list, tangents: list) -> list:
    """The jvp as the vjp of the vjp, which is linear in its cotangent."""
    from ..ops.shapes import alias

    recording = thread.grad_enabled
    active = [i for i, tangent in enumerate(tangents) if tangent is not None]
    with enable_grad():
        inputs = list(primals)
        private = []  # leaves that only this computation knows
        for i in active:
            if state.batched_nodes and not levels_are_open(tangents[i]):
                primals[i] = batched_as(primals[i], tangents[i])
            if primals[i]._node is None:
                inputs[i] = set_requires_grad(wrap(primals[i]._array), True)
                inputs[i]._tangents = open_tangents(primals[i])
                private.append(inputs[i])
            else:
                inputs[i] = alias(primals[i])  # a node of its own, also when one tensor is given twice
        results = listed(op.function(*replaced(op, values, inputs), **options))
        flowing = [result for result in results if result is not None and result._node is not None]
        cotangents = [set_requires_grad(zeros_of(result), True) for result in flowing]
        pulled = grad(flowing, [inputs[i] for i in active], cotangents, create_graph=True, allow_unused=True)
        linear = [(one, tangents[i]) for one, i in zip(pulled, active, strict=True) if one is not None and one._node is not None]
        found: Any = [None] * len(flowing)
        if linear:
            found = grad(
                [one for one, _ in linear], cotangents, [tangent for _, tangent in linear], create_graph=True, allow_unused=True
            )
    spend([*private, *cotangents])
    pushed = iter([zeros_of(out) if one is None else released(one, recording) for one, out in zip(found, flowing, strict=True)])
    return [None if result is None or result._node is None else next(pushed) for result in results]


def levels_are_open(tensor: Tensor) -> bool:
    """Whether a tensor is batched at open levels of vmap only: no pass sums cotangents over the examples of these."""
    return all(level in thread.batch_levels for level in getattr(tensor._array, "levels", ()))


def spend(variables: list) -> None:
    """Notes that a transform is done with its own variables: from now on a history that leads only to such is none."""
    for one in variables:
        if one._node is LEAF:
            one._spent = True


def released(tensor: Any, recording: bool) -> Any:
    """A result for the caller, without the history that leads only to variables that are spent."""
    if not isinstance(tensor, Tensor):
        return tensor
    tangents = tensor._tangents and {level: released(one, recording) for level, one in tensor._tangents.items()}
    keeps = tensor._node is not None and recording and leads_to_variables(tensor)
    if keeps or (tensor._node is None and not tangents):
        if keeps and tangents:
            tensor._tangents = tangents
        return tensor
    plain = wrap(tensor._array)
    plain._tangents = tangents
    return plain


def leads_to_variables(tensor: Tensor) -> bool:
    """Whether a tensor's history leads to a leaf that is not spent."""
    if tensor._node is LEAF:
        return "_spent" not in tensor.__dict__
    pending, seen = [tensor._node], {tensor._node}
    while pending:
        for edge in edges_of(pending.pop()):
            if edge is None or edge in seen:
                continue
            if edge._order is None:
                if "_spent" not in edge.__dict__:
                    return True
            else:
                seen.add(edge)
                pending.append(edge)
    return False
