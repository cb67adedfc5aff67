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
from ..autograd.inplace import change, inplace_form
from ..dtypes import type_word_of
from ..tensor import Tensor, wrap
from .dims import position
from .indexing import basic_spread, index, index_spread, int64, raw, zero_at
from .kinds import Array, composite, general, linear
from .picking import (
    check_flat,
    check_places,
    gather,
    masked_select,
    places,
    same_rank,
    take,
)  # fmt: skip
from .samples import T, call

# --- scatter ---------------------------------------------------------------------------------------------------------------------


def check_scatter(op: str, input: Any, dim: int, index: Any, src: Any = None) -> None:
    """Raises unless `index` and `src` fit `input`."""
    check_places(op, index, input, dim, to="self")
    place = position(dim, input.ndim)
    if src is None:
        return
    if src.dtype != input.dtype:
        raise RuntimeError(f"{op}(): Expected self.dtype to be equal to src.dtype")
    if index.size and (src.ndim or 1) != (index.ndim or 1):
        position(dim, src.ndim)
        raise RuntimeError("Index tensor must have the same number of dimensions as src tensor")
    if (
        index.size
        and index.ndim == input.ndim
        and any(
            asked > had or (asked > extent and d != place)
            for d, (asked, extent, had) in enumerate(zip(index.shape, input.shape, src.shape, strict=True))
        )
    ):
        raise RuntimeError(
            f"Expected index {list(index.shape)} to be no larger than self {list(input.shape)} apart from dimension {place} and to "
            f"be no larger size than src {list(src.shape)}"
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


@general(
    lambda g, index, dim: zero_placed(g, index, dim), None, name="scatter_number", node="ScatterBackward1", method=False,
    inplace=scatter_number_into, samples=lambda: [call(T((3, 3)), 0, INDEX, 2.5)],
)  # fmt: skip
def scatter_number(input: Array, dim: int, index: Array, value: float) -> Array:
    """A copy with a number at `index` along a dimension."""
    return scatter_number_into(np.array(input), dim, index, value)


REDUCTIONS = {"add": "sum", "multiply": "prod"}


def scattering(name: str, scatter_all: Any, scatter_one: Any, reduced: Any) -> Any:
    """`scatter` or `scatter_` from its forms for a tensor, for a number, and with `reduce`."""

    def function(
        input: Tensor, dim: int, index: Tensor, src: Any = None, *, value: Any = None, reduce: str | None = None
    ) -> Tensor:
        source = value if src is None else src
        if reduce is not None:
            if reduce not in REDUCTIONS:
                raise RuntimeError("reduce argument must be either add or multiply.")
            if not isinstance(source, Tensor):
                source = index.new_full(tuple(index.shape), source, dtype=input.dtype)
            return reduced(input, dim, index, source, REDUCTIONS[reduce])
        return (scatter_one if isinstance(source, NUMBERS) else scatter_all)(input, dim, index, source)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = (
        "The elements of `src` (a tensor or a number) at `index` along a dimension; `reduce` adds or multiplies."
    )
    return function


def add_into(input: Any, dim: int, index: Any, src: Any) -> Any:
    check_scatter("scatter", input, dim, index, src)
    index1, input1 = same_rank(index, input)
    if index.size:
        if input.dtype.kind in "fc":
            input1 += spread(cropped(src, index).reshape(index1.shape), places(index1, dim), input1.shape)
        else:
            np.add.at(input1, places(index1, dim), cropped(src, index).reshape(index1.shape))
    return input


@linear(
    (lambda g: g, None, lambda g, index, dim, src_shape: gathered(g, index, dim, src_shape)), inplace=add_into,
    samples=lambda: [call(T((3, 3)), 0, INDEX, T((2, 3))), call(T((3, 3)), 1, INDEX, T((3, 4)))],
)  # fmt: skip
def scatter_add(input: Array, dim: int, index: Array, src: Array) -> Array:
    """A copy with the elements of `src` added at `index` along a dimension."""
    return add_into(np.array(input), dim, index, src)


# --- scatter_reduce --------------------------------------------------------------------------------------------------------------

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


def reduce_into(input: Any, src: Any, at: tuple, reduce: str, include_self: bool, node: str) -> Any:
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
    """The cotangents of `input` and `src` of `reduce_at`: each element's share of what its place received."""
    values, sources = raw(x), raw(src)
    kind, shape = values.dtype, values.shape

    def like(array: Any) -> Any:
        return wrap(array.astype(kind)) if isinstance(g, Tensor) else array.astype(kind)

    if reduce == "sum":
        share = own = g
        part = index(g, at)
    elif reduce == "mean":
        count = spread(np.ones(sources.shape), at, shape) + include_self
        share = own = g / like(np.maximum(count, 1))
        part = index(share, at)
    elif reduce == "prod":  # the product of all others: with one zero among them only the zero itself has a share
        zero, own_zero = sources == 0, values == 0
        zeros = spread(zero.astype(kind), at, shape) + (own_zero if include_self else 0)
        rest, own_rest = src + like(zero), x + like(own_zero)
        whole = g * reduce_at(own_rest, rest, at, reduce, include_self, "")
        own_chosen, chosen = like(zeros == own_zero), like(zeros[at] == zero)
        if isinstance(g, Tensor):  # further derivatives know that a zero may become something else
            lost, own_lost = src * like(zero), x * like(own_zero)
            all_lost = index_spread(lost, shape, at) + (own_lost if include_self else 0)
            own_chosen = own_chosen + like(zeros == own_zero + 1.0) * (all_lost - own_lost)
            chosen = chosen + like(zeros[at] == zero + 1.0) * (index(all_lost, at) - lost)
        own = whole / own_rest * own_chosen
        part = index(whole, at) / rest * chosen
    else:  # equal extremes share
        hit, own_hit = sources == raw(out)[at], values == raw(out)
        count = spread(hit.astype(kind), at, shape) + (own_hit if include_self else 0)
        share = g / like(np.maximum(count, 1))
        own = share * like(own_hit)
        part = index(share, at) * like(hit)
    return own if include_self else zero_at(g, at), part


@general(
    joint=reduce_rule, method=False, inplace=reduce_into,
    node=lambda node, input, src, at, reduce, include_self, node_name: node_name,
    samples=lambda: [
        call(T((4,), 0.5, 2.0), T((3,), 0.5, 2.0), (np.array([0, 2, 2]),), reduce, own, "ScatterReduceBackward0")
        for reduce in UFUNCS for own in (True, False)
    ],
)  # fmt: skip
def reduce_at(input: Array, src: Array, at: tuple, reduce: str, include_self: bool, node_name: str) -> Array:
    """A copy with the elements of `src` reduced into those at `at`, which take part themselves with `include_self`."""
    return reduce_into(np.array(input), src, at, reduce, include_self, node_name)


def scatter_arguments(self: Tensor, dim: int, index: Tensor, src: Tensor, reduce: str, include_self: bool) -> tuple:
    """The arguments of `reduce_at` for `scatter_reduce`."""
    if not self.ndim:
        self, index, src = self.reshape(1), index.reshape(-1), src.reshape(-1)
    if reduce not in UFUNCS:
        raise RuntimeError(f"reduce argument must be either sum, prod, mean, amax or amin, got {reduce}")
    check_scatter("scatter", self._array, dim, index._array, src._array)
    if src.shape != index.shape:
        src = src[tuple(map(slice, index.shape))]
    return (
        self,
        src,
        tuple([np.array(one) for one in places(index, dim)]),
        reduce,
        include_self,
        "ScatterReduceBackward0",
    )


@composite(out=True, samples=lambda: [call(T((3, 3)), 0, INDEX, T((2, 3)), "sum")])
def scatter_reduce(
    input: Tensor, dim: int, index: Tensor, src: Tensor, reduce: str, *, include_self: bool = True
) -> Tensor:
    """A copy with the elements of `src` reduced (`sum`, `prod`, `mean`, `amax`, `amin`) into those at `index` along a dimension."""
    result = reduce_at(*scatter_arguments(input, dim, index, src, reduce, include_self))
    return result if input.ndim else result.reshape(())


def scatter_reduce_(
    self: Tensor, dim: int, index: Tensor, src: Tensor, reduce: str, *, include_self: bool = True
) -> Tensor:
    """In-place form of `scatter_reduce`."""
    target, *arguments = scatter_arguments(self, dim, index, src, reduce, include_self)
    change(target, reduce_at.op, tuple(arguments), {})
    return self


# --- flat, and by a mask ---------------------------------------------------------------------------------------------------------


def put_flat(input: Any, index: Any, source: Any, accumulate: bool = False) -> Any:
    if source.dtype != input.dtype:
        given, wanted = type_word_of(source), type_word_of(input)
        raise RuntimeError(
            f"put_(): self and source expected to have the same dtype, but got self.dtype = {wanted} and source.dtype = {given}"
        )
    if index.size != source.size:
        raise IndexError(
            "put_(): Expected source and index to have the same number of elements, but got source.numel() = "
            f"{source.size}, index.numel() = {index.size}"
        )
    check_flat(index, input.size)
    if not index.size:
        return input
    flat = input.reshape(-1)
    if accumulate:
        np.add.at(flat, index.reshape(-1), source.reshape(-1))
    else:
        flat[index.reshape(-1)] = source.reshape(-1)
    if flat.base is None and flat is not input:  # the input is no contiguous memory: it was copied
        input[...] = flat.reshape(input.shape)
    return input


@linear(
    (lambda g, index, accumulate: g if accumulate else zero_at(g.reshape((-1,)), (raw(index).reshape(-1),)).reshape(tuple(g.shape)),
     None, lambda g, index, source_shape: take(g, index).reshape(source_shape)), inplace=put_flat,
    samples=lambda: [call(T((2, 3)), T((1, 1), 0, 6, "int"), T((1,))), call(T((2, 3)), T((2, 2), 0, 6, "int"), T((2, 2)), True)],
)  # fmt: skip
def put(input: Array, index: Array, source: Array, accumulate: bool = False) -> Array:
    """A copy with the elements of `source` at `index` in the flattened tensor, or added there with `accumulate`."""
    return put_flat(np.array(input, order="C"), index, source, accumulate)


def masked_scatter_into(input: Any, mask: Any, source: Any) -> Any:
    if mask.dtype != bool:
        raise RuntimeError(f"masked_scatter_ only supports boolean masks, but got mask with dtype {dtypes.of(mask)}")
    if source.dtype != input.dtype:
        raise RuntimeError(
            f"masked_scatter: expected self and source to have same dtypes but got {type_word_of(input)} and "
            f"{type_word_of(source)}"
        )
    mask = np.broadcast_to(mask, input.shape)
    count = np.count_nonzero(mask)
    if count > source.size:
        raise RuntimeError("Number of elements of source < number of ones in mask")
    input[mask] = source.reshape(-1)[:count]
    return input


def masked_source(g: Any, mask: Any, source_shape: tuple) -> Any:
    """The cotangent of a source whose first elements went where the mask is true."""
    found = masked_select(g, mask)
    return basic_spread(found, (math.prod(source_shape),), (slice(0, found.shape[0]),)).reshape(source_shape)


@linear(
    (lambda g, mask: zero_at(g, (np.broadcast_to(raw(mask), tuple(g.shape)),)), None,
     lambda g, mask, source_shape: masked_source(g, mask, source_shape)),
    broadcasts=True, inplace=masked_scatter_into,
    samples=lambda: [call(T((2, 3)), T((2, 3), kind="bool"), T((7,))), call(T((2, 3)), T((3,), kind="bool"), T((2, 3)))],
)  # fmt: skip
def masked_scatter(input: Array, mask: Array, source: Array) -> Array:
    """A copy with the elements of `source`, in order, where the mask is true; input and mask broadcast."""
    shape = np.broadcast_shapes(input.shape, mask.shape)
    return masked_scatter_into(np.array(np.broadcast_to(input, shape), order="C"), mask, source)


def strided_places(size: tuple, stride: tuple, storage_offset: int | None) -> Any:
    """The places, in the flattened contiguous tensor, of the elements of `as_strided`."""
    grid = np.array(storage_offset or 0, int64)
    for extent, step in zip(size, stride, strict=True):
        grid = grid[..., None] + np.arange(extent, dtype=int64) * step
    return grid


@linear(
    (lambda g, size, stride, storage_offset: zero_at(
        g.reshape((-1,)), (strided_places(size, stride, storage_offset),)).reshape(tuple(g.shape)),
     lambda g, size, stride, storage_offset: index(
         g.reshape((-1,)), (strided_places(size, stride, storage_offset),))),
    samples=lambda: [call(T((3, 3)), T((2, 2)), (2, 2), (3, 1), 1)],
)  # fmt: skip
def as_strided_scatter(input: Array, src: Array, size: Any, stride: Any, storage_offset: int | None = None) -> Array:
    """A copy, contiguous, with `src` in the place of `as_strided(size, stride, storage_offset)`."""
    result = np.array(input, order="C")
    place = strided_places(size, stride, storage_offset)
    if place.shape != src.shape:
        raise RuntimeError(
            f"expected src to have a size equal to the slice of self. src size = {list(src.shape)}, "
            f"slice size = {list(place.shape)}"
        )
    result.reshape(-1)[place] = src
    return result


scatter = composite(out=True, samples=lambda: [call(T((3, 3)), 0, ONCE, T((1, 3)))])(
    scattering("scatter", scatter_src, scatter_number, scatter_reduce)
)
scatter_ = scattering("scatter_", inplace_form(scatter_src.op), inplace_form(scatter_number.op), scatter_reduce_)

Tensor.scatter_ = scatter_
Tensor.scatter_reduce_ = scatter_reduce_  # type: ignore[assignment]

__all__ = ["as_strided_scatter", "masked_scatter", "put", "scatter", "scatter_add", "scatter_reduce"]
