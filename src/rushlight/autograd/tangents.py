"""The tangents that tensors carry: through views, in-place changes, and levels.

A view's tangent is a view of its base's. It is made when the view is, or when it is first asked for after the base has got one: so
a tangent that a tensor gets by being changed in place lies in memory as the tensor does.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays.batched import BatchedArray, all_levels, levels_of
from ..arrays.memory import Layout, Place
from ..tensor import Tensor, wrap
from .graph import LEAF
from .modes import state, thread


class Levels:
    """A block in which only some levels are open."""

    def __init__(self, levels: tuple[int, ...]) -> None:
        self.inside = levels

    def __enter__(self) -> None:
        self.levels, thread.forward_levels = thread.forward_levels, self.inside

    def __exit__(self, *exception: Any) -> None:
        thread.forward_levels = self.levels


class NoLevels(Levels):
    """A block in which no tangents are pushed."""

    def __init__(self) -> None:
        super().__init__(())


def outside(level: int) -> Levels:
    """A block outside of a level: only those that it is nested in are open."""
    return Levels(tuple(one for one in thread.forward_levels if one < level))


# --- what a tensor carries --------------------------------------------------------------------------------------------------------


def tangents_of(tensor: Tensor, level: int) -> Tensor | None:
    """A tensor's tangent at a level, None without one."""
    if level not in thread.forward_levels:
        return None
    tangents, base = tensor._tangents, tensor._base
    if tangents is not None and level in tangents:
        return tangents[level]  # None: it has none, whatever its base has
    if base is None or base._tangents is None or base._tangents.get(level) is None or tensor._array.dtype.kind not in "fcV":
        return None
    return tangent_of_view(tensor, level)


def open_tangents(tensor: Tensor) -> dict[int, Tensor]:
    """All of a tensor's tangents, by open level."""
    found = {level: tangents_of(tensor, level) for level in thread.forward_levels}
    return {level: tangent for level, tangent in found.items() if tangent is not None}


def set_tangent(tensor: Tensor, level: int, tangent: Any) -> None:
    """Gives a tensor its tangent at a level; None: it has none, not even where its base has one."""
    tensor._tangents = {**(tensor._tangents or {}), level: tangent}


def with_tangent(tensor: Tensor, tangent: Tensor, level: int) -> Tensor:
    """A view of `tensor` that carries one more tangent."""
    dual = aliased(tensor)
    if tangent._array.dtype != tensor._array.dtype:
        tangent = tangent.to(tensor.dtype)
    if thread.batch_levels or state.batched_nodes:
        tangent = batched_as(tangent, tensor)
    dual._tangents = {**open_tangents(tensor), level: tangent}
    return dual


def below(tensor: Any, level: int) -> Any:
    """A tensor without its tangents of this level and of those within it."""
    if not isinstance(tensor, Tensor) or not (tensor._tangents or (tensor._base is not None and tensor._base._tangents)):
        return tensor
    stripped = aliased(tensor)
    hidden: dict[int, Any] = dict.fromkeys((*thread.forward_levels, level))
    stripped._tangents = {**hidden, **{one: tangent for one, tangent in open_tangents(tensor).items() if one < level}}
    return stripped


def aliased(tensor: Tensor) -> Tensor:
    """The same tensor as another object, with the same history."""
    if tensor._node is LEAF:
        from ..ops.shapes import alias

        with NoLevels():
            return alias(tensor) if thread.grad_enabled else wrap(tensor._array)
    other = wrap(tensor._array)
    other._node, other._base = tensor._node, tensor._base
    return other


def batched_as(tensor: Tensor, model: Tensor) -> Tensor:
    """A tensor that has an example of its own wherever the model has one.

    So no pass sums a cotangent over examples that differ, and what is written into the tensor has its place.
    """
    if set(levels_of(model._array)) <= set(levels_of(tensor._array)):
        return tensor
    return tensor + zeros_of(model)


def zeros_of(tensor: Tensor) -> Tensor:
    """Zeros of a tensor's shape and type."""
    return wrap(np.zeros_like(tensor._array))


# --- changes in place, views ------------------------------------------------------------------------------------------------------


def assign_tangents(target: Tensor, result: Tensor) -> None:
    """Gives a tensor that was changed in place the tangents of what it now holds; a base learns of its view's."""
    for level in thread.forward_levels:
        new, old = tangents_of(result, level), tangents_of(target, level)
        if new is None and old is None:
            continue
        with outside(level):
            if old is None or (new is not None and not set(levels_of(new._array)) <= set(levels_of(old._array))):
                old = writable_tangent(target, level, old)
            old.copy_(zeros_of(old) if new is None else new)


def writable_tangent(target: Tensor, level: int, known: Tensor | None) -> Tensor:
    """A tangent for a tensor that has none (or none with room for all examples): part of its base's, where it is a view."""
    base = target._base
    if base is None or level in (target._tangents or {}):
        set_tangent(target, level, laid_out(known, target))
    else:
        set_tangent(base, level, laid_out((base._tangents or {}).get(level), base))
        set_tangent(target, level, tangent_of_view(target, level))
    return target._tangents[level]  # type: ignore[index, return-value]


def tangent_of_view(view: Tensor, level: int) -> Tensor:
    """The part of a base's tangent that belongs to a view."""
    base: Any = view._base
    whole = base._tangents[level]
    with outside(level):
        if not lies_like(whole._array, base._array):
            whole = laid_out(whole, base)
            set_tangent(base, level, whole)
        part = seen_through(whole, Layout.of(view._array, base._array))
    set_tangent(view, level, part)
    return part


def laid_out(tangent: Tensor | None, like: Tensor) -> Tensor:
    """A tangent in memory of its own, which lies as that of `like` does, with room for all examples; zeros where there is none."""
    levels = tuple(sorted({*all_levels([one._array for one in (like, tangent) if one is not None]), *thread.batch_levels}))
    sizes = tuple(thread.batch_sizes[level] for level in levels)
    layout = Layout.of(like._array, like._array)
    buffer = np.zeros((*sizes, -(-layout.size // 16) * 16), np.uint8)
    place = layout.base
    array = np.ndarray(sizes + place.shape, place.dtype, buffer, place.offset, buffer.strides[:-1] + place.strides)
    fresh = wrap(BatchedArray(array, levels) if levels else array)
    return fresh if tangent is None else fresh.copy_(tangent)


def lies_like(array: Any, model: Any) -> bool:
    """Whether an array has the other's type and strides (those of dimensions with one element do not matter)."""
    return array.dtype == model.dtype and all(
        one == other for one, other, extent in zip(array.strides, model.strides, model.shape, strict=True) if extent > 1
    )


def seen_through(whole: Tensor, layout: Layout) -> Tensor:
    """The part of a tensor where a layout has its view, which may see complex numbers as pairs of real ones, or the reverse."""
    from ..ops.complexes import conj, view_as_complex, view_as_real
    from ..ops.shapes import as_layout

    if layout.base.dtype == layout.view.dtype:
        return as_layout(whole, layout)
    real = view_as_real(whole) if layout.base.dtype.kind == "c" else whole
    part = as_layout(real, Layout(in_reals(layout.base), in_reals(layout.view), layout.size))
    if layout.view.dtype.kind != "c":
        return part
    return conj(view_as_complex(part)) if layout.view.is_mirrored else view_as_complex(part)


def in_reals(place: Place) -> Place:
    """Where the real and imaginary parts of a place's elements lie."""
    if place.dtype.kind != "c":
        return place
    half = place.dtype.itemsize // 2
    return Place(place.offset, (*place.shape, 2), (*place.strides, half), np.dtype(f"f{half}"))
