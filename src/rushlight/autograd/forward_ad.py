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

import numpy as np

from ..tensor import Tensor, wrap
from .engine import edges_of
from .gradients import grad
from .graph import LEAF
from .modes import enable_grad, refresh, state, thread

if TYPE_CHECKING:
    from ..ops.op import Op

next_level = count(1).__next__


class UnpackedDualTensor(NamedTuple):
    """A tensor's value, and its tangent (None without one)."""

    primal: Tensor
    tangent: Tensor | None


class dual_level:
    """A block in which tensors may carry tangents. Raises RuntimeError when nested."""

    def __enter__(self) -> int:
        return enter_dual_level()

    def __exit__(self, *exception: Any) -> None:
        exit_dual_level()


def enter_dual_level() -> int:
    """Opens a level; returns its number, 0, since PyTorch allows but one. Raises RuntimeError when one is open already."""
    if getattr(thread, "dual_level", None) is not None:
        raise RuntimeError("Nested forward mode AD is not supported at the moment")
    thread.dual_level = push_level()
    return 0


def exit_dual_level(*, level: int | None = None) -> None:
    """Closes the level. Raises RuntimeError when none is open, or not this one."""
    current = open_level(level)
    if current is None:
        raise RuntimeError(
            "Trying to exit a forward AD level that was not the last one that was created. This is not supported: no level is open"
        )
    thread.dual_level = None
    pop_level(current)


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
    level = open_level(level)
    if level is None:
        raise RuntimeError(
            "Trying to create a dual Tensor for forward AD but no level exists, make sure to enter_dual_level() first."
        )
    check_dual(tensor, tangent)
    if tangents_of(tangent, level) is not None:
        raise RuntimeError("Setting a forward grad that itself has a forward gradient at the same level is not supported.")
    if tangents_of(tensor, level) is not None:
        raise RuntimeError(
            "Making a dual Tensor based on a Tensor that already has a forward gradient at the same level is not supported."
        )
    return with_tangent(tensor, tangent, level)


def unpack_dual(tensor: Tensor, *, level: int | None = None) -> UnpackedDualTensor:
    """The value and the tangent of a dual tensor."""
    level = open_level(level)
    if level is None:
        return UnpackedDualTensor(tensor, None)
    tangent = tangents_of(tensor, level)
    return UnpackedDualTensor(below(tensor, level) if tangent is not None else tensor, tangent)


def open_level(level: int | None) -> int | None:
    """The open level, None without one. Raises RuntimeError for the number of another."""
    if level not in (None, 0):
        raise RuntimeError(f"Dual level {level} is not open: the only level there can be has the number 0")
    return getattr(thread, "dual_level", None)


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


def tangents_of(tensor: Any, level: int) -> Tensor | None:
    """A tensor's tangent at a level, None without one."""
    tangents = tensor._tangents
    return None if tangents is None or level not in thread.forward_levels else tangents.get(level)


def aliased(tensor: Tensor) -> Tensor:
    """The same tensor as another object, with the same history."""
    if tensor._node is LEAF:
        from ..ops.shapes import alias

        with NoLevels():
            return alias(tensor) if thread.grad_enabled else wrap(tensor._array)
    other = wrap(tensor._array)
    other._node, other._base = tensor._node, tensor._base
    return other


class NoLevels:
    """A block in which no tangents are pushed."""

    def __enter__(self) -> None:
        self.levels = thread.forward_levels
        thread.forward_levels = ()

    def __exit__(self, *exception: Any) -> None:
        thread.forward_levels = self.levels


class Levels:
    """A block in which only some levels are open."""

    def __init__(self, levels: tuple[int, ...]) -> None:
        self.inside = levels

    def __enter__(self) -> None:
        self.levels, thread.forward_levels = thread.forward_levels, self.inside

    def __exit__(self, *exception: Any) -> None:
        thread.forward_levels = self.levels


def with_tangent(tensor: Tensor, tangent: Tensor, level: int) -> Tensor:
    """A view of `tensor` that carries one more tangent."""
    dual = aliased(tensor)
    if tangent._array.dtype != tensor._array.dtype:
        tangent = tangent.to(tensor.dtype)
    if thread.batch_levels or state.batched_nodes:
        tangent = batched_as(tangent, tensor)
    dual._tangents = {**(tensor._tangents or {}), level: tangent}
    return dual


def below(tensor: Any, level: int) -> Any:
    """A tensor without its tangents of this level and of those within it."""
    if not isinstance(tensor, Tensor) or not tensor._tangents:
        return tensor
    stripped = aliased(tensor)
    stripped._tangents = {one: tangent for one, tangent in tensor._tangents.items() if one < level} or None
    return stripped


def push_forward(op: Op, values: list, options: dict, given: list, outputs: list) -> None:
    """Gives the outputs of an op the tangents that follow from those of its inputs."""
    for level in thread.forward_levels:
        tangents = [tangents_of(value, level) if isinstance(value, Tensor) else None for value in given]
        if all(tangent is None for tangent in tangents) or not op.differentiable:
            continue
        with Levels(tuple(one for one in thread.forward_levels if one < level)):
            primals = [below(value, level) for value in given]
            pushed = jvp(op, values, options, primals, tangents, outputs, level)
        for output, tangent in zip(outputs, pushed, strict=True):
            if output is not None and tangent is not None and output._array.dtype.kind in "fcV":
                if tangent._array.dtype != output._array.dtype:
                    tangent = tangent.real if output._array.dtype.kind != "c" and tangent.is_complex() else tangent
                    tangent = tangent.to(output.dtype)
                if not op.view and (thread.batch_levels or state.batched_nodes):
                    tangent = batched_as(tangent, output)
                output._tangents = {**(output._tangents or {}), level: tangent}
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
    if op.kind == "pointwise":
        pushed = pointwise_jvp(op, primals, tangents, outputs[0])
        if pushed is not None:
            return [pushed]
    return jvp_by_transposition(op, values, options, primals, tangents)


def pointwise_jvp(op: Op, primals: list, tangents: list, output: Tensor) -> Tensor | None:
    """The sum of each tangent times the partial derivative; None where these ask for more than real operands of one type."""
    from ..ops.rules import passed

    kind = output._array.dtype
    if kind.kind != "f" or any(not isinstance(one, Tensor) or one._array.dtype != kind for one in primals):
        return None
    out = aliased(output)  # another object: the output gets the tangent, which what the tangent saves must not hold
    out._tangents = output._tangents
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
            if thread.batch_levels or state.batched_nodes:
                primals[i] = batched_as(primals[i], tangents[i])
            if primals[i]._node is None:
                inputs[i] = wrap(primals[i]._array).requires_grad_(True)
                inputs[i]._tangents = primals[i]._tangents
                private.append(inputs[i])
            else:
                inputs[i] = alias(primals[i])  # a node of its own, also when one tensor is given twice
        results = listed(op.function(*replaced(op, values, inputs), **options))
        flowing = [result for result in results if result is not None and result._node is not None]
        cotangents = [zeros_of(result).requires_grad_(True) for result in flowing]
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


def batched_as(tensor: Tensor, model: Tensor) -> Tensor:
    """A tensor that has an example of its own wherever the model has one.

    So no pass sums a cotangent over examples that differ, and what is written into the tensor has its place.
    """
    from ..arrays.batched import levels_of

    if set(levels_of(model._array)) <= set(levels_of(tensor._array)):
        return tensor
    return tensor + zeros_of(model)


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


def zeros_of(tensor: Tensor) -> Tensor:
    """Zeros of a tensor's shape and type."""
    return wrap(np.zeros_like(tensor._array))


def assign_tangents(target: Tensor, result: Tensor) -> None:
    """Gives a tensor that was changed in place the tangents of what it now holds; a base learns of its view's."""
    for level in thread.forward_levels:
        new: Any = tangents_of(result, level)
        old = tangents_of(target, level)
        if new is None and old is None:
            continue
        if target._base is not None:
            old = old if old is not None else tangent_of_view(target, level, new)
        if old is not None:
            with NoLevels():
                old.copy_(zeros_of(old) if new is None else new)
        else:
            target._tangents = {**(target._tangents or {}), level: new}


def tangent_of_view(view: Tensor, level: int, new: Tensor) -> Tensor:
    """A view's tangent as a view of its base's, which is made of zeros where there is none; with examples where `new` has some."""
    from ..arrays.batched import BatchedArray, all_levels, batch_size, operand
    from ..arrays.memory import Layout

    base = view._base
    assert base is not None
    known = tangents_of(base, level)
    layout = Layout.of(view._array, base._array)
    levels = all_levels([one._array for one in (base, new, known) if one is not None])
    sizes = tuple(batch_size([one._array for one in (base, new, known) if one is not None], level) for level in levels)
    buffer = np.zeros((*sizes, -(-layout.size // 16) * 16), np.uint8)
    whole, part = (
        np.ndarray(sizes + place.shape, place.dtype, buffer, place.offset, buffer.strides[:-1] + place.strides)
        for place in (layout.base, layout.view)
    )
    if known is not None:
        whole[...] = operand(known._array, levels, len(layout.base.shape))
    base._tangents = {**(base._tangents or {}), level: wrap(BatchedArray(whole, levels) if levels else whole)}
    tangent = wrap(BatchedArray(part, levels) if levels else part)
    view._tangents = {**(view._tangents or {}), level: tangent}
    return tangent
