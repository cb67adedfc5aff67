"""Picking elements along a dimension: select, narrow, index_select, gather, take, masked_select."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import dtypes
from ..arrays.basic import zeros_like
from ..dtypes import type_word_of
from ..tensor import Tensor, wrap
from .dims import position
from .indexing import ALL, basic_index, index_spread, int64, raw, zero_at
from .kinds import Array, composite, linear
from .samples import T, call

# --- views -----------------------------------------------------------------------------------------------------------------------


def selection(shape: tuple, dim: int, index: int) -> tuple:
    """`index` along `dim` as a basic index. Raises IndexError for what is not there."""
    if not shape:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    place = position(dim, len(shape))
    if not -shape[place] <= index < shape[place]:
        raise IndexError(f"select(): index {index} out of range for tensor of size {list(shape)} at dimension {dim}")
    return (*(ALL,) * place, int(index), ...)


@composite(samples=lambda: [call(T((2, 3)), 0, 1), call(T((2, 3)), -1, -3)])
def select(input: Tensor, dim: int, index: int) -> Tensor:
    """The slice number `index` along a dimension, without that dimension; a view."""
    return basic_index(input, selection(tuple(input.shape), dim, index))


@composite(samples=lambda: [call(T((4, 2)), 0, 1, 2), call(T((2, 4)), -1, -3, 2)])
def narrow(input: Tensor, dim: int, start: int, length: int) -> Tensor:
    """`length` consecutive slices along a dimension from `start` on; a view."""
    shape = tuple(input.shape)
    if not shape:
        raise RuntimeError("narrow() cannot be applied to a 0-dim tensor.")
    if length < 0:
        raise RuntimeError("narrow(): length must be non-negative.")
    if isinstance(start, Tensor):
        if start.ndim or start.dtype.category != dtypes.INTEGER:
            raise RuntimeError("start must be an 0-dim integral Tensor.")
    elif not hasattr(start, "__index__"):
        raise TypeError(f"narrow(): argument 'start' must be int, not {type(start).__name__}")
    place, start = position(dim, len(shape)), int(start)
    extent = shape[place]
    if not -extent <= start <= extent:
        raise IndexError(f"start out of range (expected to be in range of [{-extent}, {extent}], but got {start})")
    start += extent if start < 0 else 0
    if start + length > extent:
        raise RuntimeError(f"start ({start}) + length ({length}) exceeds dimension size ({extent}).")
    return basic_index(input, (*(ALL,) * place, slice(start, start + length)))


@composite(out=True, samples=lambda: [call(T((4, 2)), 0, 1, 2)])
def narrow_copy(input: Tensor, dim: int, start: int, length: int) -> Tensor:
    """`narrow`, copied."""
    return narrow(input, dim, start, length).clone()


# --- by a vector of indices ------------------------------------------------------------------------------------------------------


def row_index(index: Any, dim: int, rank: int) -> tuple:
    """A vector of indices along a dimension, as an index of arrays."""
    index = raw(index)
    return (
        (*(ALL,) * position(dim, rank), index.reshape(-1).astype(int64, copy=False)) if rank else (index.reshape(-1),)
    )


def checked_rows(op: str, index: Any) -> None:
    """Raises unless `index` is a vector of integers."""
    if index.dtype not in (int64, np.int32):
        raise RuntimeError(f"{op}(): Expected dtype int32 or int64 for index")
    if index.ndim > 1:
        raise IndexError(f"{op}(): Index is supposed to be a vector")


@linear(
    (lambda g, index, dim, x_shape: rows_spread(g, x_shape, index, dim), None),
    samples=lambda: [
        call(T((3, 2)), 0, T((4,), 0, 3, "int")), call(T((2, 3)), -1, T((2,), 0, 3, "int")), call(T(()), 0, T((1,), 0, 1, "int")),
    ],
)  # fmt: skip
def index_select(input: Array, dim: int, index: Array) -> Array:
    """The slices of a dimension that a vector of indices names."""
    checked_rows("index_select", index)
    place, flat = position(dim, input.ndim), index.reshape(-1)
    extent = input.shape[place] if input.ndim else 1
    if outside(flat, extent) is not None:
        raise IndexError("index out of range in self")
    return input.take(flat, place) if input.ndim else np.array(input)


def rows_spread(g: Any, shape: tuple, index: Any, dim: int) -> Any:
    """The transpose of index_select."""
    return index_spread(g, shape, row_index(index, dim, len(shape))) if shape else g


# --- one index per element -------------------------------------------------------------------------------------------------------


def places(index: Any, dim: int) -> tuple:
    """An index of arrays: for every element of `index`, which counts along `dim`, the element at its other coordinates."""
    index = raw(index)
    rank = index.ndim
    dim %= rank or 1
    return tuple(
        index.astype(int64, copy=False)
        if d == dim
        else np.arange(extent, dtype=int64).reshape((-1,) + (1,) * (rank - d - 1))
        for d, extent in enumerate(index.shape)
    )


def outside(index: Any, extent: int) -> int | None:
    """The first index that is negative or beyond an extent, None when all are within."""
    if not index.size or (np.minimum.reduce(index, None) >= 0 and np.maximum.reduce(index, None) < extent):
        return None
    return int(index[(index < 0) | (index >= extent)].reshape(-1)[0])


def same_rank(index: Any, input: Any) -> tuple[Any, Any]:
    """Both with at least one dimension."""
    return (index.reshape(-1) if not index.ndim else index), (input.reshape(-1) if not input.ndim else input)


def check_places(op: str, index: Any, input: Any, dim: int, to: str = "input") -> None:
    """Raises unless `index` can count along a dimension of `input`."""
    if index.size and index.dtype not in (int64, np.int32):
        raise RuntimeError(f"{op}(): Expected dtype int32/int64 for index")
    place = position(dim, input.ndim)
    if max(index.ndim, 1) != max(input.ndim, 1):
        if index.size:
            raise RuntimeError(f"Index tensor must have the same number of dimensions as {to} tensor")
        return
    extent = input.shape[place] if input.ndim else 1
    wrong = outside(index, extent)
    if wrong is not None:
        raise RuntimeError(f"index {wrong} is out of bounds for dimension {dim} with size {extent}")


@linear(
    (lambda g, index, dim, x_shape: gather_spread(g, x_shape, index, dim), None),
    samples=lambda: [
        call(T((3, 4)), 1, T((3, 2), 0, 4, "int")), call(T((3, 4)), 0, T((2, 3), 0, 3, "int")), call(T(()), 0, T((), 0, 1, "int")),
        call(T((2, 3)), -1, T((2, 1), 0, 3, "int")),
    ],
)  # fmt: skip
def gather(input: Array, dim: int, index: Array, *, sparse_grad: bool = False) -> Array:
    """`out[i, j] = input[index[i, j], j]` for `dim` 0, and so on: an element for each element of `index`."""
    if input.ndim == index.ndim and index.shape != input.shape:
        for d, (asked, extent) in enumerate(zip(index.shape, input.shape, strict=True)):
            if asked > extent and d != position(dim, input.ndim):
                raise RuntimeError(
                    f"Size does not match at dimension {d} expected index {list(index.shape)} to be no larger than self "
                    f"{list(input.shape)} apart from dimension {position(dim, input.ndim)}"
                )
    check_places("gather", index, input, dim)
    if not index.size:
        return zeros_like(input, index.shape)
    index1, input1 = same_rank(index, input)
    return input1[places(index1, dim)].reshape(index.shape)


def gather_spread(g: Any, shape: tuple, index: Any, dim: int) -> Any:
    """The transpose of gather."""
    index = raw(index)
    if not index.size:
        return index_spread(g.reshape((-1,)), (math.prod(shape),), (np.empty(0, int64),)).reshape(shape)
    if not shape or not index.ndim:
        return index_spread(g.reshape((-1,)), shape or (1,), (np.zeros(index.size, int64),)).reshape(shape)
    return index_spread(g, shape, places(index, dim), index.shape[position(dim, len(shape))] == 1)


@linear(
    (lambda g, index, x_shape: index_spread(g, (math.prod(x_shape),), (raw(index),)).reshape(x_shape), None),
    samples=lambda: [call(T((2, 3)), T((2, 2), 0, 6, "int")), call(T((2, 3)), T((0,), 0, 6, "int"))],
)  # fmt: skip
def take(input: Array, index: Array) -> Array:
    """The elements of the flattened input at `index`."""
    if index.dtype != int64:
        raise RuntimeError(f"take(): Expected a long tensor for index, but got {type_word_of(index)}")
    check_flat(index, input.size)
    return input.reshape(-1).take(index)


def check_flat(index: Any, size: int) -> None:
    """Raises unless all indices are in a flat tensor of that size."""
    if index.size and (index.min() < -size or index.max() >= size):
        wrong = index.max() if index.max() >= size else index.min()
        raise IndexError(f"out of range: tried to access index {wrong} on a tensor of {size} elements.")


@composite(
    out=True, samples=lambda: [call(T((3, 4)), T((3, 1), 0, 4, "int"), 1), call(T((2, 3)), T((2,), 0, 6, "int"))]
)
def take_along_dim(input: Tensor, indices: Tensor, dim: int | None = None) -> Tensor:
    """As `gather`, with `input` and `indices` broadcast against each other elsewhere; without `dim` both are flattened."""
    if dim is None:
        return gather(input.reshape(-1), 0, indices.reshape(-1))
    if input.ndim != indices.ndim:
        raise RuntimeError(
            f"torch.take_along_dim(): input and indices should have the same number of dimensions, but got {input.ndim} dimensions "
            f"for input, and {indices.ndim} dimensions for indices"
        )
    place = position(dim, input.ndim)
    ones = [tuple(1 if d == place else extent for d, extent in enumerate(tensor.shape)) for tensor in (input, indices)]
    common = np.broadcast_shapes(*ones)

    def stretched(tensor: Tensor) -> Tensor:
        return tensor.expand(tuple(tensor.shape[place] if d == place else extent for d, extent in enumerate(common)))

    extent = input.shape[place]
    wrapped = wrap(np.where(indices._array < 0, indices._array + extent, indices._array))
    return gather(stretched(input), dim, stretched(wrapped))


# --- by a mask -------------------------------------------------------------------------------------------------------------------


def masked_spread_back(g: Any, mask: Any, x_shape: tuple) -> Any:
    mask = raw(mask)
    shape = np.broadcast_shapes(x_shape, mask.shape)
    return index_spread(g, shape or (1,), (np.broadcast_to(mask, shape).reshape(shape or (1,)),)).reshape(shape)


@linear(
    (masked_spread_back, None), broadcasts=True,
    samples=lambda: [
        call(T((2, 3)), T((2, 3), kind="bool")), call(T((2, 3)), T((3,), kind="bool")), call(T((3,)), T((2, 1), kind="bool")),
    ],
)  # fmt: skip
def masked_select(input: Array, mask: Array) -> Array:
    """The elements where the mask is true, in one dimension; input and mask broadcast."""
    if mask.dtype != bool:
        raise RuntimeError("masked_select: expected BoolTensor for mask")
    if input.shape != mask.shape:
        shape = np.broadcast_shapes(input.shape, mask.shape)
        input, mask = np.broadcast_to(input, shape), np.broadcast_to(mask, shape)
    return input[mask]


# --- the place of a view ---------------------------------------------------------------------------------------------------------


def put_view(input: Any, src: Any, index: tuple) -> Any:
    """A copy of an array with `src` in a view of it."""
    result = np.array(input)
    view = result[index]
    if view.shape != src.shape:
        raise RuntimeError(
            f"expected src to have a size equal to the slice of self. src size = {list(src.shape)}, slice size = {list(view.shape)}"
        )
    view[...] = src
    return result


@linear(
    (lambda g, dim, index: zero_at(g, selection(tuple(g.shape), dim, index)),
     lambda g, dim, index: basic_index(g, selection(tuple(g.shape), dim, index))),
    samples=lambda: [call(T((2, 3)), T((3,)), 0, 1), call(T((2, 3)), T((2,)), -1, -1)],
)  # fmt: skip
def select_scatter(input: Array, src: Array, dim: int, index: int) -> Array:
    """A copy with `src` in the place of `select(dim, index)`."""
    return put_view(input, src, selection(input.shape, dim, index))


def slicing(rank: int, dim: int, start: int | None, end: int | None, step: int) -> tuple:
    """A slice along a dimension as a basic index."""
    return (*(ALL,) * position(dim, rank), slice(start, end, step))


@linear(
    (lambda g, dim, start, end, step: zero_at(g, slicing(len(g.shape), dim, start, end, step)),
     lambda g, dim, start, end, step: basic_index(g, slicing(len(g.shape), dim, start, end, step))),
    samples=lambda: [call(T((3, 2)), T((2, 2)), 0, 1), call(T((2, 4)), T((2, 2)), 1, 0, 3, 2)],
)  # fmt: skip
def slice_scatter(
    input: Array, src: Array, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> Array:
    """A copy with `src` in the place of the slice `start:end:step` along a dimension."""
    return put_view(input, src, slicing(input.ndim, dim, start, end, step))


__all__ = [
    "gather", "index_select", "masked_select", "narrow", "narrow_copy", "select", "select_scatter", "slice_scatter", "take",
    "take_along_dim",
]  # fmt: skip
