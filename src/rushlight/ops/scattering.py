"""Placing elements along a dimension: scatter, index_add and their kin. Out of place they work on a copy.

Their derivatives are indexing: the places that were overwritten get zero, the source picks its cotangent from where it went.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import dtypes
from ..arrays.accumulate import spread
from ..arrays.promotion import NUMBERS, scalar_array
from ..tensor import Tensor
from .dims import position
from .dispatch import type_word
from .indexing import basic_spread, index, index_spread, int64, raw, zero_at
from .kinds import Array, general, linear
from .picking import check_flat, check_places, checked_rows, gather, index_select, places, row_index, rows_spread, same_rank
from .samples import T, call

# --- scatter ------------------------------------------------------------------------------------------------------------------------


def check_scatter(op: str, input: Any, dim: int, index: Any, src: Any = None) -> None:
    """Raises unless `index` and `src` fit `input`."""
    check_places(op, index, input, dim, to="self")
    place = position(dim, input.ndim)
    if src is None:
        return
    if src.dtype != input.dtype:
        raise RuntimeError(f"{op}(): Expected self.dtype to be equal to src.dtype")
    if index.size and index.ndim == input.ndim == src.ndim and any(
        asked > had or (asked > extent and d != place)
        for d, (asked, extent, had) in enumerate(zip(index.shape, input.shape, src.shape, strict=True))
    ):
        raise RuntimeError(
            f"Expected index {list(index.shape)} to be no larger than self {list(input.shape)} apart from dimension {place} and to be "
            f"no larger size than src {list(src.shape)}"
        )


def cropped(src: Any, index: Any) -> Any:
    """The part of a source that an index has room for."""
    return src if src.shape == index.shape else src[tuple(map(slice, index.shape))]


def scatter_into(input: Any, dim: int, index: Any, src: Any) -> Any:
    check_scatter("scatter", input, dim, index, src)
    index1, input1 = same_rank(index, input)
    if index.size:
        input1[places(index1, dim)] = cropped(src, index).reshape(index1.shape)
    return input


def scatter_number_into(input: Any, dim: int, index: Any, value: Any) -> Any:
    check_scatter("scatter", input, dim, index)
    index1, input1 = same_rank(index, input)
    if index.size:
        input1[places(index1, dim)] = scalar_array(value, dtypes.of(input))
    return input


def zero_placed(g: Any, index: Any, dim: int) -> Any:
    """A cotangent with zeros where `scatter` wrote."""
    index = raw(index)
    if not index.size or not g.shape:
        return g * (not index.size)
    return zero_at(g, places(index, dim))


def gathered(g: Any, index: Any, dim: int, src_shape: tuple) -> Any:
    """The cotangent of a source: gathered from where it went, zero for what there was no room for."""
    found = gather(g, dim, index)
    return found if tuple(found.shape) == src_shape else basic_spread(found, src_shape, tuple(map(slice, found.shape)))


INDEX = T((2, 3), 0, 3, "int")
ONCE = T((1, 3), 0, 3, "int")


@linear(
    (lambda g, index, dim: zero_placed(g, index, dim), None, lambda g, index, dim, src_shape: gathered(g, index, dim, src_shape)),
    name="scatter_src", node="ScatterBackward0", method=False, inplace=scatter_into,
    samples=lambda: [call(T((3, 3)), 0, ONCE, T((1, 3))), call(T((3, 3)), 0, ONCE, T((2, 4)))],
)  # fmt: skip
def scatter_src(input: Array, dim: int, index: Array, src: Array) -> Array:
    """A copy with the elements of `src` at `index` along a dimension."""
    return scatter_into(np.array(input), dim, index, src)


@linear(
    (lambda g, index, dim: zero_placed(g, index, dim), None), name="scatter_number", node="ScatterBackward1", method=False,
    inplace=scatter_number_into, samples=lambda: [call(T((3, 3)), 0, INDEX, 2.5)],
)  # fmt: skip
def scatter_number(input: Array, dim: int, index: Array, value: float) -> Array:
    """A copy with a number at `index` along a dimension."""
    return scatter_number_into(np.array(input), dim, index, value)


REDUCTIONS = {"add": "sum", "multiply": "prod"}


def scattering(scatter_all: Any, scatter_one: Any, reduced: Any) -> Any:
    """`scatter` or `scatter_` from its forms for a tensor, for a number, and with `reduce`."""

    def function(self: Tensor, dim: int, index: Tensor, src: Any = None, *, value: Any = None, reduce: str | None = None) -> Tensor:
        source = value if src is None else src
        if reduce is not None:
            if reduce not in REDUCTIONS:
                raise RuntimeError("reduce argument must be either add or multiply.")
            if not isinstance(source, Tensor):
                source = index.new_full(tuple(index.shape), source, dtype=self.dtype)
            return reduced(self, dim, index, source.detach(), REDUCTIONS[reduce])
        return (scatter_one if isinstance(source, NUMBERS) else scatter_all)(self, dim, index, source)

    return function


def add_into(input: Any, dim: int, index: Any, src: Any) -> Any:
    check_scatter("scatter", input, dim, index, src)
    index1, input1 = same_rank(index, input)
    if index.size:
        if input.dtype.kind in "fc":
            input1 += spread(cropped(src, index).reshape(index1.shape), full_places(index1, dim), input1.shape)
        else:
            np.add.at(input1, places(index1, dim), cropped(src, index).reshape(index1.shape))
    return input


def full_places(index: Any, dim: int) -> tuple:
    """`places`, broadcast to the shape of the index."""
    return tuple(np.broadcast_arrays(*places(index, dim)))


@linear(
    (lambda g: g, None, lambda g, index, dim, src_shape: gathered(g, index, dim, src_shape)), inplace=add_into,
    samples=lambda: [call(T((3, 3)), 0, INDEX, T((2, 3))), call(T((3, 3)), 1, INDEX, T((3, 4)))],
)  # fmt: skip
def scatter_add(input: Array, dim: int, index: Array, src: Array) -> Array:
    """A copy with the elements of `src` added at `index` along a dimension."""
    return add_into(np.array(input), dim, index, src)


# --- scatter_reduce -----------------------------------------------------------------------------------------------------------------

UFUNCS = {"sum": np.add, "mean": np.add, "prod": np.multiply, "amax": np.maximum, "amin": np.minimum}


def neutral(reduce: str, kind: np.dtype) -> Any:
    """What a reduction starts from."""
    if reduce in ("amax", "amin"):
        lowest = reduce == "amax"
        if kind.kind == "b":
            return not lowest
        if kind.kind in "iu":
            return np.iinfo(kind).min if lowest else np.iinfo(kind).max
        return -math.inf if lowest else math.inf
    return 1 if reduce == "prod" else 0


def reduce_at(input: Any, at: tuple, src: Any, reduce: str, include_self: bool) -> Any:
    """Reduces the elements of `src` into those of `input` at `at`, in place."""
    if not include_self:
        input[at] = neutral(reduce, input.dtype)
    UFUNCS[reduce].at(input, at, src)
    if reduce == "mean":
        count = np.full(input.shape, int(include_self))
        np.add.at(count, at, 1)
        count = np.maximum(count, 1)
        input[...] = input / count if input.dtype.kind in "fc" else input // count
    return input


def reduce_rule(g: Any, x: Any, out: Any, src: Any, at: tuple, reduce: str, include_self: bool) -> tuple:
    """The cotangents of `input` and `src` of a reduction at `at`; `at` has the shape of `src`."""
    own = g if include_self else zero_at(g, at)
    if reduce == "sum":
        return own, index(g, at)
    shape = tuple(x.shape)

    def summed(values: Any) -> Any:
        return index_spread(values, shape, at)

    if reduce == "mean":
        ones = np.ones(shape) if include_self else zero_at(np.ones(shape), at)
        count = ones + spread(np.ones(at[0].shape), at, shape)
        count = np.maximum(count, 1.0).astype(raw(g).dtype)
        share = g / as_like(g, count)
        return (share if include_self else zero_at(share, at)), index(share, at)
    if reduce == "prod":
        return product_rule(g, x, src, at, own, include_self)
    largest = index(out, at)
    hit, own_hit = (src == largest) * as_like(g, np.ones((), raw(g).dtype)), (x == out) * as_like(g, np.ones((), raw(g).dtype))
    if not include_self:
        own_hit = zero_at(own_hit, at)
    share = g / (own_hit + summed(hit))
    untouched = spread(np.ones(at[0].shape), at, shape) == 0
    share_own = share * own_hit
    if not include_self:
        share_own = share_own_of_untouched(g, share_own, untouched)
    return share_own, index(share, at) * hit


def as_like(g: Any, array: Any) -> Any:
    """An array as a Tensor where `g` is one."""
    from ..tensor import wrap

    return wrap(array) if isinstance(g, Tensor) else array
