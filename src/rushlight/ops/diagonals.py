"""Triangles and diagonals."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import devices, dtypes
from ..arrays.basic import zeros_like
from ..tensor import Tensor, wrap
from .dims import position
from .filling import fill_
from .indexing import ALL, zero_at
from .kinds import Array, composite, linear
from .samples import T, call

# --- triangles -------------------------------------------------------------------------------------------------------------------


def _triangle(name: str, cut: Any, doc: str) -> Any:
    def forward(input: Array, diagonal: int = 0) -> Array:
        if input.ndim < 2:
            raise RuntimeError(f"{name}: input tensor must have at least 2 dimensions")
        return cut(input, diagonal)

    declare = linear(lambda g, diagonal: cut_again(g, diagonal), name=name, inplace=True, doc=doc,
                     samples=lambda: [call(T((3, 3))), call(T((2, 3, 4)), 1), call(T((3, 2)), -1)])  # fmt: skip
    cut_again = declare(forward)
    return cut_again


tril = _triangle("tril", np.tril, "The lower triangle of the matrices; `diagonal` says where it ends, zeros above.")
triu = _triangle("triu", np.triu, "The upper triangle of the matrices; `diagonal` says where it begins, zeros below.")


def _indices(name: str, find: Any, doc: str) -> Any:
    def function(
        row: int, col: int, offset: int = 0, *, dtype: Any = None, device: Any = None, layout: Any = None
    ) -> Tensor:
        for what, extent in (("row", row), ("col", col)):
            if extent < 0:
                raise RuntimeError(f"{what} must be non-negative, got{extent}")
        devices.check_device(device)
        found = np.array(find(row, offset, col), np.int64)
        return wrap(found if dtype is None else found.astype(dtypes.numpy_type(dtype)))

    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    return function


tril_indices = _indices(
    "tril_indices", np.tril_indices, "The indices of a matrix's lower triangle: a row of rows, a row of columns."
)
triu_indices = _indices(
    "triu_indices", np.triu_indices, "The indices of a matrix's upper triangle: a row of rows, a row of columns."
)

# --- diagonals -------------------------------------------------------------------------------------------------------------------


def diagonal_of(array: Any, offset: int, dim1: int, dim2: int) -> Any:
    """The view of a diagonal. NumPy's is read-only unless it is told otherwise."""
    if position(dim1, array.ndim) == position(dim2, array.ndim):
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    found = array.diagonal(offset, dim1, dim2)
    if array.flags.writeable:
        found.flags.writeable = True
    return found


DIAGONALS = [call(T((3, 3))), call(T((2, 3, 4)), 1, 0, 2), call(T((3, 2)), -1), call(T((2, 3)), 5)]


@linear(
    lambda g, x_shape, offset, dim1, dim2: diagonal_spread(g, x_shape, offset, dim1, dim2),
    view=True,
    samples=lambda: DIAGONALS,
)
def diagonal(input: Array, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Array:
    """The diagonal of the matrices in two dimensions, as a last dimension; a view. `offset` moves it to the right (or down)."""
    return diagonal_of(input, offset, dim1, dim2)


@linear(lambda g, x_shape, offset: diagonal_spread(g, x_shape, offset, 0, 1), node="DiagonalBackward0_copy", method=False,
        samples=lambda: [call(T((3, 3))), call(T((2, 3)), 1)])  # fmt: skip
def diagonal_copy(input: Array, offset: int = 0) -> Array:
    """The diagonal of a matrix, copied."""
    return input.diagonal(offset).copy()


@linear(lambda g, offset, dim1, dim2: diagonal(g, offset, dim1, dim2), method=False,
        samples=lambda: [call(T((3,)), (3, 3), 0, 0, 1), call(T((2, 2)), (2, 2, 3), 0, -2, -1)])  # fmt: skip
def diagonal_spread(input: Array, shape: tuple, offset: int, dim1: int, dim2: int) -> Array:
    """Zeros of that shape with the input on a diagonal."""
    result = zeros_like(input, shape, input.dtype)
    diagonal_of(result, offset, dim1, dim2)[...] = input
    return result


@linear(lambda g, offset, dim1, dim2: diagonal(g, offset, dim1, dim2),
        samples=lambda: [call(T((3,))), call(T((2, 3)), 1), call(T((2, 3)), -1, 0, 2)])  # fmt: skip
def diag_embed(input: Array, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Array:
    """Matrices, in two new dimensions, with the last dimension of the input on a diagonal."""
    if not input.ndim:
        raise IndexError("Dimension specified as -1 but tensor has no dimensions")
    rank, size = input.ndim + 1, input.shape[-1] + abs(offset)
    first, second = position(dim1, rank), position(dim2, rank)
    shape = list(input.shape[:-1])
    for dim in sorted((first, second)):
        shape.insert(dim, size)
    return diagonal_spread.op.forward(input, tuple(shape), offset, first, second)


@composite(out=True, samples=lambda: [call(T((3,))), call(T((3, 3)), 1)])
def diag(input: Tensor, diagonal: int = 0) -> Tensor:
    """A matrix with the vector on a diagonal, or the diagonal of a matrix."""
    rank = len(input.shape)
    if rank not in (1, 2):
        raise RuntimeError(f"diag(): Supports 1D or 2D tensors. Got {rank}D")
    return diag_embed(input, diagonal) if rank == 1 else diagonal_copy(input, diagonal)


@composite(samples=lambda: [call(T((2, 2))), call(T((3,)), 1)])
def diagflat(input: Tensor, offset: int = 0) -> Tensor:
    """A matrix with all elements of the input on a diagonal."""
    return diag_embed(input.reshape((-1,)), offset)


def diagonal_places(shape: tuple, offset: int, dim1: int, dim2: int) -> tuple:
    """A diagonal as an index of arrays."""
    first, second = position(dim1, len(shape)), position(dim2, len(shape))
    down, right = max(-offset, 0), max(offset, 0)
    steps = np.arange(max(min(shape[first] - down, shape[second] - right), 0))
    return tuple(steps + down if d == first else steps + right if d == second else ALL for d in range(len(shape)))


@linear(
    (lambda g, offset, dim1, dim2: zero_at(g, diagonal_places(tuple(g.shape), offset, dim1, dim2)),
     lambda g, offset, dim1, dim2: diagonal(g, offset, dim1, dim2)),
    samples=lambda: [call(T((3, 3)), T((3,))), call(T((2, 3, 4)), T((3, 2)), 1, 0, 2)],
)  # fmt: skip
def diagonal_scatter(input: Array, src: Array, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Array:
    """A copy with `src` on a diagonal."""
    result = np.array(input)
    place = diagonal_of(result, offset, dim1, dim2)
    if place.shape != src.shape:
        raise RuntimeError(
            f"expected src to have a size equal to the slice of self. src size = {list(src.shape)}, "
            f"slice size = {list(place.shape)}"
        )
    place[...] = src
    return result


def fill_diagonal_(self: Tensor, fill_value: float, wrap: bool = False) -> Tensor:
    """Fills the main diagonal with a number; of a tall matrix, with `wrap`, again after each square block."""
    shape = tuple(self.shape)
    if len(shape) < 2:
        raise RuntimeError("dimensions must larger than 1")
    if len(shape) > 2 and len(set(shape)) > 1:
        raise RuntimeError("all dimensions of input must be of equal length")
    if wrap and len(shape) == 2 and shape[0] > shape[1]:
        for start in range(0, shape[0], shape[1] + 1):
            fill_(diagonal(self[start : start + shape[1]]), fill_value)
        return self
    fill_(self.as_strided((min(shape),), (sum(self.stride()),), self.storage_offset()), fill_value)
    return self


Tensor.fill_diagonal_ = fill_diagonal_  # type: ignore[assignment]

__all__ = [
    "diag",
    "diag_embed",
    "diagflat",
    "diagonal",
    "diagonal_scatter",
    "tril",
    "tril_indices",
    "triu",
    "triu_indices",
]
