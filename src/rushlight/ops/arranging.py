"""Copies, and rearrangements that copy: repeat, tile, flip, roll, rot90."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import devices
from ..tensor import Tensor
from .dims import position, positions, sizes
from .kinds import Array, composite, constant_op, linear
from .picking import index_select
from .samples import T, call
from .shapes import reshape

# --- copies ----------------------------------------------------------------------------------------------------------------------

CHANNELS_LAST = {devices.channels_last: (0, 2, 3, 1), devices.channels_last_3d: (0, 2, 3, 4, 1)}


def inverse(order: tuple) -> tuple:
    """The permutation that undoes another."""
    return tuple(sorted(range(len(order)), key=order.__getitem__))


@linear(lambda g: g, samples=lambda: [call(T((2, 3))), call(T(()))])
def clone(input: Array, *, memory_format: Any = devices.preserve_format) -> Array:
    """A copy, with the same order in memory unless another `memory_format` is asked for."""
    if memory_format in CHANNELS_LAST:
        order = CHANNELS_LAST[memory_format]
        if input.ndim != len(order):
            raise RuntimeError(f"required rank {len(order)} tensor to use channels_last format")
        return input.transpose(order).copy("C").transpose(inverse(order))
    return input.copy("K" if memory_format in (devices.preserve_format, None) else "C")


def contiguous(self: Tensor, memory_format: Any = devices.contiguous_format) -> Tensor:
    """The tensor itself when its elements lie in memory in the order of the indices, else a copy that does."""
    return self if self.is_contiguous(memory_format=memory_format) else clone(self, memory_format=memory_format)


# --- repetition ------------------------------------------------------------------------------------------------------------------


def unrepeat(g: Any, x_shape: tuple, repeats: tuple) -> Any:
    """The sum over all copies that `repeat` made."""
    times = sizes(repeats)
    shape = (1,) * (len(times) - len(x_shape)) + x_shape
    apart = tuple(n for pair in zip(times, shape, strict=True) for n in pair)
    return g.reshape(apart).sum(tuple(range(0, len(apart), 2))).reshape(x_shape) if apart else g


@linear(unrepeat, variadic="repeats",
        samples=lambda: [call(T((2, 3)), 2, 1), call(T((2,)), (3, 2)), call(T((2, 3)), 0, 2), call(T(()), 2)])  # fmt: skip
def repeat(input: Array, *repeats: int) -> Array:
    """The tensor that many times along each dimension; further numbers in front make new dimensions."""
    times = sizes(repeats)
    if len(times) < input.ndim:
        raise RuntimeError("Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor")
    if times and min(times) < 0:
        shape = [n * m for n, m in zip(times, (1,) * (len(times) - input.ndim) + input.shape, strict=True)]
        negative = next(extent for extent in shape if extent <= 0)
        raise RuntimeError(f"Trying to create tensor with negative dimension {negative}: {shape}")
    return np.tile(input, tuple(times))


def tile(input: Tensor, *args: Any, dims: Any = ()) -> Tensor:
    """As `repeat`, with ones put in front where `dims` are too few."""
    times = sizes(args) if args else tuple(dims)
    return repeat(input, (1,) * (input.ndim - len(times)) + tuple(times))


@linear(
    lambda g, x_shape, repeats, dim: g.reshape((*x_shape[: dim + 1], repeats, *x_shape[dim + 1 :])).sum(dim + 1),
    name="repeat_elements", node="ViewBackward0", method=False, samples=lambda: [call(T((2, 3)), 2, 0), call(T((2, 3)), 3, 1)],
)  # fmt: skip
def repeat_elements(input: Array, repeats: int, dim: int) -> Array:
    """Each slice of a dimension that many times in a row."""
    return input.repeat(repeats, dim)


@constant_op(method=False)
def repeated_indices(repeats: Array) -> Array:
    """0 as often as the first number says, 1 as often as the second, ..."""
    if repeats.ndim != 1:
        raise RuntimeError("repeat_interleave only accept 1D vector as repeat")
    if repeats.size and repeats.min() < 0:
        raise RuntimeError("repeats can not be negative")
    return np.repeat(np.arange(len(repeats), dtype=np.int64), repeats)


def repeat_interleave(
    input: Tensor, repeats: Any = None, dim: int | None = None, *, output_size: int | None = None
) -> Tensor:
    """Each slice of a dimension `repeats` times in a row: one number for all, or a vector with one each; flattened without `dim`.

    `repeat_interleave(counts)` alone gives the index 0 as often as the first count says, then 1, and so on.
    """
    if repeats is None:
        return repeated_indices(input)
    if dim is None:
        input, dim = reshape(input, (-1,)), 0
    place = position(dim, input.ndim)
    if isinstance(repeats, Tensor) and repeats.numel() == 1 and input.shape[place] != 1:
        repeats = int(repeats)
    if not isinstance(repeats, Tensor):
        if repeats < 0:
            raise RuntimeError("Repeats must be non-negative")
        return repeat_elements(input, repeats, place)
    if repeats.numel() != input.shape[place]:
        raise RuntimeError(
            f"repeats must have the same size as input along dim, but got repeats.size(0) = {repeats.numel()} and "
            f"input.size({place}) = {input.shape[place]}"
        )
    return index_select(input, place, repeated_indices(repeats.reshape(-1)))


# --- reversal and rotation -------------------------------------------------------------------------------------------------------


@linear(lambda g, dims: flip(g, *dims), variadic="dims",
        samples=lambda: [call(T((2, 3)), 0), call(T((2, 3)), (0, -1)), call(T((2, 3)), 1, 0)])  # fmt: skip
def flip(input: Array, *dims: int) -> Array:
    """A copy with the order along the given dimensions reversed."""
    turned = positions(sizes(dims), input.ndim)
    if not input.ndim:
        return input.copy()
    return input[tuple([slice(None, None, -1) if d in turned else slice(None) for d in range(input.ndim)])].copy()


@composite(samples=lambda: [call(T((2, 3)))])
def fliplr(input: Tensor) -> Tensor:
    """A copy with the order along dimension 1 reversed."""
    if input.ndim < 2:
        raise RuntimeError("Input must be >= 2-d.")
    return flip(input, 1)


@composite(samples=lambda: [call(T((2, 3)))])
def flipud(input: Tensor) -> Tensor:
    """A copy with the order along dimension 0 reversed."""
    if input.ndim < 1:
        raise RuntimeError("Input must be >= 1-d.")
    return flip(input, 0)


def opposite(shifts: Any) -> Any:
    return -shifts if isinstance(shifts, int) else tuple(-one for one in shifts)


@linear(lambda g, shifts, dims: roll(g, opposite(shifts), dims),
        samples=lambda: [call(T((2, 3)), 1), call(T((2, 3)), -1, 1), call(T((2, 3)), (1, 2), (0, -1)), call(T(()), 1)])  # fmt: skip
def roll(input: Array, shifts: Any, dims: Any = None) -> Array:
    """A copy rolled along dimensions, or flattened, without `dims`; what falls off the end comes in at the front."""
    steps = (shifts,) if isinstance(shifts, int) else tuple(shifts)
    if dims is None or (not isinstance(dims, int) and not len(dims)):
        if len(steps) != 1:
            raise RuntimeError(f"shifts and dimensions must align. shifts: {len(steps)}, dims:0")
        return np.roll(input, steps[0])
    along = (dims,) if isinstance(dims, int) else tuple(dims)
    if len(steps) != len(along):
        raise RuntimeError(f"shifts and dimensions must align. shifts: {len(steps)}, dims:{len(along)}")
    if not input.ndim:
        raise IndexError(f"Dimension specified as {along[0]} but tensor has no dimensions")
    return np.roll(input, steps, tuple([position(dim, input.ndim) for dim in along]))


@linear(lambda g, k, dims: rot90(g, -k, dims), node="Rot90Backward0",
        samples=lambda: [call(T((2, 3))), call(T((2, 3)), -1, [1, 0]), call(T((2, 3, 2)), 2, [0, 2])])  # fmt: skip
def rot90(input: Array, k: int = 1, dims: Any = (0, 1)) -> Array:
    """A copy turned by 90 degrees `k` times, from the first of two dimensions towards the second."""
    if len(dims) != 2:
        raise RuntimeError(f"expected total rotation dims == 2, but got dims = {len(dims)}")
    if input.ndim < 2:
        raise RuntimeError(f"expected total dims >= 2, but got total dims = {input.ndim}")
    first, second = (position(dim, input.ndim) for dim in dims)
    if first == second:
        raise RuntimeError(f"expected rotation dims to be different, but got dim0 = {dims[0]} and dim1 = {dims[1]}")
    return np.rot90(input, k, (first, second)).copy()


def resize_as_(self: Tensor, the_template: Tensor) -> Tensor:
    """`resize_` to the other's shape."""
    return self.resize_(tuple(the_template.shape))


METHODS = {"contiguous": contiguous, "resize_as_": resize_as_, "tile": tile, "repeat_interleave": repeat_interleave}

__all__ = ["clone", "flip", "fliplr", "flipud", "repeat_interleave", "roll", "rot90", "tile"]
