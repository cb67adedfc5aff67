"""Placing slices of a dimension by a vector of indices: index_add, index_copy, index_fill, index_reduce.

Out of place they work on a copy. Their derivatives are indexing, as in `scattering`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import dtypes
from ..arrays.accumulate import spread
from ..arrays.promotion import scalar_array
from ..autograd.inplace import change
from ..dtypes import type_word_of
from ..tensor import Tensor
from .dims import position
from .indexing import index, int64, own, raw, zero_at
from .kinds import Array, composite, general, linear
from .picking import checked_rows, index_select, outside, row_index
from .samples import T, call
from .scattering import UFUNCS, reduce_at

ROWS = T((2,), 0, 3, "int")


def check_source(op: str, input: Any, dim: int, index: Any, source: Any) -> tuple:
    """The index of arrays for the slices that `index` names. Raises where a source does not fit them."""
    checked_rows(f"{op}_", index)
    place = position(dim, input.ndim)
    if source.dtype != input.dtype:
        given, wanted = type_word_of(source), type_word_of(input)
        raise RuntimeError(
            f"{op}_(): self and source expected to have the same dtype, but got (self) {wanted} and (source) {given}"
            if op == "index_copy"
            else f"{op}_(): self ({wanted}) and source ({given}) must have the same scalar type"
        )
    if source.ndim and source.ndim == input.ndim and index.size != source.shape[place]:
        if op == "index_copy":
            raise IndexError(
                f"{op}_(): Number of indices ({index.size}) should be equal to source.size(dim) ({source.shape[place]})"
            )
        raise RuntimeError(
            f"{op}_(): Number of indices ({index.size}) should be equal to source.size(dim): ({source.shape[place]}), "
            f"for dim: {dim}"
        )
    if (
        input.ndim
        and source.shape[:place] + source.shape[place + 1 :] != input.shape[:place] + input.shape[place + 1 :]
    ):
        raise RuntimeError(
            "source tensor shape must match self tensor shape, excluding the specified dimension. Got self.shape = "
            f"{list(input.shape)} source.shape = {list(source.shape)}"
        )
    extent = input.shape[place] if input.ndim else 1
    wrong = outside(index, extent)
    if wrong is not None:
        message = f"index {wrong} is out of bounds for dimension {place} with size {extent}"
        raise IndexError(f"index_copy_(): {message}") if op == "index_copy" else RuntimeError(message)
    return row_index(index, dim, input.ndim)


def index_add_into(input: Any, dim: int, index: Any, source: Any, *, alpha: float = 1) -> Any:
    at = check_source("index_add", input, dim, index, source)
    values = source if isinstance(alpha, int) and alpha == 1 else source * scalar_array(alpha, dtypes.of(input))
    if not input.ndim:
        input += values.sum(dtype=input.dtype)
    elif input.dtype.kind in "fc":
        input += spread(values, at, input.shape)
    else:
        np.add.at(input, at, values)
    return input


def picked_rows(g: Any, index: Any, dim: int, shape: tuple) -> Any:
    """The cotangent of a source whose slices went where `index` names."""
    found = index_select(g, dim, index)
    return found if tuple(found.shape) == shape else found.reshape(shape)


@linear(
    (lambda g: g, None, lambda g, index, dim, alpha, source_shape: picked_rows(g, index, dim, source_shape) * alpha),
    inplace=index_add_into,
    samples=lambda: [call(T((3, 2)), 0, ROWS, T((2, 2))), call(T((2, 3)), -1, ROWS, T((2, 2)), alpha=0.5)],
)  # fmt: skip
def index_add(input: Array, dim: int, index: Array, source: Array, *, alpha: float = 1) -> Array:
    """A copy with `alpha` times the slices of `source` added to those that a vector of indices names."""
    return index_add_into(np.array(input), dim, index, source, alpha=alpha)


def index_copy_into(input: Any, dim: int, index: Any, source: Any) -> Any:
    at = check_source("index_copy", input, dim, index, source)
    input[at if input.ndim else ...] = source if input.ndim else source.reshape(-1)[-1]
    return input


def without_rows(g: Any, index: Any, dim: int) -> Any:
    """A cotangent with zeros in the slices that were overwritten."""
    return zero_at(g, row_index(index, dim, len(g.shape))) if len(g.shape) else g * 0


@linear(
    (lambda g, index, dim: without_rows(g, index, dim), None,
     lambda g, index, dim, source_shape: picked_rows(g, index, dim, source_shape)), inplace=index_copy_into,
    samples=lambda: [call(T((1, 2)), 0, T((1,), 0, 1, "int"), T((1, 2))), call(T((2, 3)), -1, T((1,), 0, 3, "int"), T((2, 1)))],
)  # fmt: skip
def index_copy(input: Array, dim: int, index: Array, source: Array) -> Array:
    """A copy with the slices of `source` in the place of those that a vector of indices names."""
    return index_copy_into(np.array(input), dim, index, source)


def index_fill_into(input: Any, dim: int, index: Any, value: Any) -> Any:
    if index.dtype not in (int64, np.int32):
        raise IndexError("index_fill_(): Expected dtype int64 for index.")
    place = position(dim, input.ndim)
    if getattr(value, "ndim", 0):
        raise RuntimeError(
            f"index_fill_ only supports a 0-dimensional value tensor, but got tensor with {value.ndim} dimension(s)."
        )
    extent = input.shape[place] if input.ndim else 1
    for one in (index.min(), index.max()) if index.size else ():
        if not -extent <= one < extent:
            raise IndexError(f"index {one} is out of bounds for dimension {place} with size {extent}")
    number = value if hasattr(value, "dtype") and value.dtype == input.dtype else scalar_array(value, dtypes.of(input))
    input[row_index(index, dim, input.ndim) if input.ndim else ...] = number
    return input


def _index_filler(name: str, number: int, rules: tuple, value: str, samples: Any) -> Any:
    def forward(input: Array, dim: int, index: Array, value: Any) -> Array:
        return index_fill_into(np.array(input), dim, index, value)

    forward.__annotations__["value"] = value
    return general(*rules, name=name, node=f"IndexFillBackward{number}", method=False, inplace=index_fill_into,
                  samples=samples)(forward)  # fmt: skip


def filled_sum(g: Any, rows: Any, dim: int) -> Any:
    """The cotangent of a value that fills slices, each of them once."""
    if not len(g.shape):
        return g
    extent = g.shape[position(dim, len(g.shape))]
    return index(g, row_index(np.unique(raw(rows) % extent), dim, len(g.shape))).sum()


index_fill_number = _index_filler(
    "index_fill_number",
    0,
    (lambda g, index, dim: without_rows(g, index, dim), None),
    "float",
    lambda: [call(T((3, 2)), 0, ROWS, 2.5)],
)
index_fill_tensor = _index_filler(
    "index_fill_tensor", 1,
    (lambda g, index, dim: without_rows(g, index, dim), None,
     lambda g, index, dim: filled_sum(g, index, dim)),
    "Array", lambda: [call(T((3, 2)), 0, ROWS, T(()))],
)  # fmt: skip


@composite(out=True, samples=lambda: [call(T((3, 2)), 0, ROWS, 2.5)])
def index_fill(input: Tensor, dim: int, index: Tensor, value: Any) -> Tensor:
    """A copy with `value` (a number, or a tensor without dimensions) in the slices that a vector of indices names."""
    return (index_fill_tensor if isinstance(value, Tensor) else index_fill_number)(input, dim, index, value)


def index_fill_(self: Tensor, dim: int, index: Tensor, value: Any) -> Tensor:
    """In-place form of `index_fill`."""
    return change(
        self, (index_fill_tensor if isinstance(value, Tensor) else index_fill_number).op, (dim, index, value), {}
    )


def row_arguments(self: Tensor, dim: int, index: Tensor, source: Tensor, reduce: str, include_self: bool) -> tuple:
    """The arguments of `reduce_at` for `index_reduce`."""
    if reduce not in UFUNCS or reduce == "sum":
        raise RuntimeError(f"index_reduce(): Expected reduce to be one of prod, mean, amax or amin but got {reduce}.")
    if not self.ndim:
        self, source = self.reshape(1), source.reshape(-1)
    at = check_source("index_reduce", self._array, dim, index._array, source._array)
    return self, source, own(at), reduce, include_self, "IndexReduceBackward0"


@composite(out=True, samples=lambda: [call(T((3, 2)), 0, ROWS, T((2, 2)), "mean")])
def index_reduce(
    input: Tensor, dim: int, index: Tensor, source: Tensor, reduce: str, *, include_self: bool = True
) -> Tensor:
    """A copy with the slices of `source` reduced (`prod`, `mean`, `amax`, `amin`) into those that a vector of indices names."""
    result = reduce_at(*row_arguments(input, dim, index, source, reduce, include_self))
    return result if input.ndim else result.reshape(())


def index_reduce_(
    self: Tensor, dim: int, index: Tensor, source: Tensor, reduce: str, *, include_self: bool = True
) -> Tensor:
    """In-place form of `index_reduce`."""
    target, *arguments = row_arguments(self, dim, index, source, reduce, include_self)
    change(target, reduce_at.op, tuple(arguments), {})
    return self


Tensor.index_fill_ = index_fill_  # type: ignore[assignment]
Tensor.index_reduce_ = index_reduce_  # type: ignore[assignment]

__all__ = ["index_add", "index_copy", "index_fill", "index_reduce"]
