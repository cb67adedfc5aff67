"""Order: sorting, selection by rank, distinct values and search. NaN counts as greater than everything."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import dtypes, return_types
from ..tensor import Tensor, wrap
from .along import put_along, slice_of
from .dims import position
from .kinds import Array, composite, constant_op, general
from .reductions import add, as_index, evenly_over_all, require_elements, spread_back
from .samples import T, call


def sortable(input: Any) -> Any:
    """The input, with a dimension at least. Raises RuntimeError for complex numbers."""
    if input.dtype.kind == "c":
        raise RuntimeError("Sort does not support complex dtypes on CPU")
    return input if input.ndim else input.reshape(1)


def order_of(input: Any, dim: int, descending: bool = False) -> Any:
    """The indices that sort along a dimension; equal elements stay in order."""
    if not descending:
        return as_index(input.argsort(dim, kind="stable"))
    backwards = slice_of(dim, input.ndim, slice(None, None, -1))
    return as_index(input.shape[dim] - 1 - input[backwards].argsort(dim, kind="stable")[backwards])


def picked(input: Any, index: Any, dim: int, shape: tuple) -> tuple[Any, Any]:
    """The elements at an index per slice along `dim`, and the index; both of that shape."""
    values = input[index] if input.ndim == 1 else np.take_along_axis(input, index, dim)
    return values.reshape(shape), index.reshape(shape)


def put_back(g: Any, x_shape: tuple, out: tuple, dim: int) -> Any:
    """The cotangents of reordered elements, at the places that they came from."""
    return put_along(g, out[1], dim, x_shape, True)


def without(shape: tuple, dim: int, keepdim: bool) -> tuple:
    """A shape after a reduction along one dimension."""
    if not shape:
        return shape
    dim %= len(shape)
    return (*shape[:dim], 1, *shape[dim + 1 :]) if keepdim else (*shape[:dim], *shape[dim + 1 :])


SORTED = lambda: [  # noqa: E731
    call(T((2, 3), distinct=True)), call(T((3, 2), distinct=True), 0), call(T(())), call(T((0, 2))),
    call(T((2, 3), distinct=True), dim=-2, descending=True),
]  # fmt: skip
RANKED = lambda: [  # noqa: E731
    call(T((2, 3), distinct=True), 2), call(T((3, 2), distinct=True), 1, 0), call(T(()), 1)
]  # fmt: skip
ALONG = lambda: [  # noqa: E731
    call(T((2, 3), distinct=True), 1), call(T((3, 2), distinct=True), -2, True), call(T(()), 0)
]  # fmt: skip

# --- sorting --------------------------------------------------------------------------------------


@general(
    put_back,
    node=lambda node, *args, stable=None: "SortBackward0" if stable is None else "SortBackward1",
    returns=return_types.sort, samples=SORTED,
)  # fmt: skip
def sort(input: Array, dim: int = -1, descending: bool = False, *, stable: bool | None = None) -> tuple[Array, Array]:
    """The elements sorted along a dimension, and where each was, as `(values, indices)`. Always stable."""
    vector = sortable(input)
    return picked(vector, order_of(vector, dim, descending), dim, input.shape)


@constant_op(samples=SORTED)
def argsort(input: Array, dim: int = -1, descending: bool = False, *, stable: bool | None = None) -> Array:
    """The indices that sort the elements along a dimension. Always stable."""
    return order_of(sortable(input), dim, descending).reshape(input.shape)


@composite(out=True, samples=lambda: [call(T((3, 2), distinct=True)), call(T((4,), distinct=True))])
def msort(input: Any) -> Any:
    """The elements sorted along the first dimension."""
    return sort(input, 0)[0]


def first_ranks(input: Any, k: int, dim: int, largest: bool) -> Any:
    """The indices of the k largest or smallest elements along a dimension, in order; a partition spares a sort."""
    size = input.shape[dim]
    if size < 64 or k > size // 4 or not k:
        return order_of(input, dim, largest)[slice_of(dim, input.ndim, slice(0, k))]
    cut = slice_of(dim, input.ndim, slice(size - k, None) if largest else slice(0, k))
    some = as_index(input.argpartition(size - k if largest else k - 1, dim)[cut])
    return np.take_along_axis(some, order_of(np.take_along_axis(input, some, dim), dim, largest), dim)


@general(put_back, returns=return_types.topk, samples=RANKED)
def topk(input: Array, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> tuple[Array, Array]:
    """The k largest (or smallest) elements along a dimension, in order, as `(values, indices)`."""
    vector = sortable(input)
    along = position(dim, vector.ndim)
    if not 0 <= k <= vector.shape[along]:
        raise RuntimeError("selected index k out of range")
    shape = (*vector.shape[:along], k, *vector.shape[along + 1 :]) if input.ndim else ()
    return picked(vector, first_ranks(vector, k, along, largest), along, shape)


# --- selection ------------------------------------------------------------------------------------


def ranked(name: str, input: Any, dim: int, keepdim: bool, rank: Any) -> tuple[Any, Any]:
    """The element of a rank along `dim`, as `(values, indices)`; `rank(vector, dim)` is one number or one per line."""
    vector = sortable(input)
    require_elements(name, vector.shape, dim)
    order = order_of(vector, dim)
    place = np.broadcast_to(rank(vector, dim), without(vector.shape, dim, True))
    return picked(vector, np.take_along_axis(order, place, dim), dim, without(input.shape, dim, keepdim))


@general(spread_back, returns=return_types.kthvalue, samples=RANKED)
def kthvalue(input: Array, k: int, dim: int = -1, keepdim: bool = False) -> tuple[Array, Array]:
    """The k-th smallest element along a dimension, as `(values, indices)`; k counts from 1."""
    along = position(dim, input.ndim)
    require_elements("kthvalue", input.shape, along)
    if not 0 < k <= (input.shape[along] if input.ndim else 1):
        raise RuntimeError(f"kthvalue(): selected number k out of range for dimension {along}")
    return ranked("kthvalue", input, along, keepdim, lambda vector, dim: np.int64(k - 1))


def lower_middle(vector: Any, dim: int) -> Any:
    """The rank of the median; of the first NaN where there is one."""
    size = vector.shape[dim]
    numbers = add(vector == vector, dim, np.int64, None, True)
    return np.where(numbers < size, numbers, (size - 1) // 2)


def lower_middle_of_numbers(vector: Any, dim: int) -> Any:
    """The rank of the median of what is not NaN."""
    return np.maximum(add(vector == vector, dim, np.int64, None, True) - 1, 0) // 2


def median_of(input: Any, rank: Any) -> Any:
    """The element of a rank among all; NaN where there is none."""
    if not input.size:
        return np.array(np.nan if input.dtype.kind in "fV" else np.iinfo(input.dtype).min, input.dtype)
    flat = sortable(input).reshape(-1)
    place = int(rank(flat, 0)[0])
    return np.partition(flat, place)[place]


@general(evenly_over_all, node="MedianBackward0", method=False)
def median_of_all(input: Array) -> Array:
    """The lower median of all elements, NaN if one is."""
    return median_of(input, lower_middle)


@general(evenly_over_all, node="NanmedianBackward0", method=False)
def nanmedian_of_all(input: Array) -> Array:
    """The lower median of all elements that are not NaN."""
    return median_of(input, lower_middle_of_numbers)


@general(spread_back, node="MedianBackward1", returns=return_types.median, method=False)
def median_along(input: Array, dim: int, keepdim: bool = False) -> tuple[Array, Array]:
    """The lower median along a dimension."""
    return ranked("median", input, dim, keepdim, lower_middle)


@general(spread_back, node="NanmedianBackward1", returns=return_types.nanmedian, method=False)
def nanmedian_along(input: Array, dim: int, keepdim: bool = False) -> tuple[Array, Array]:
    """The lower median along a dimension of what is not NaN."""
    return ranked("nanmedian", input, dim, keepdim, lower_middle_of_numbers)


@composite(out=True, samples=lambda: [call(T((2, 3), distinct=True)), *ALONG()])
def median(input: Any, dim: int | None = None, keepdim: bool = False) -> Any:
    """The lower median of all elements; with `dim` along it, as `(values, indices)`. NaN where an element is."""
    return median_of_all(input) if dim is None else median_along(input, dim, keepdim)


@composite(out=True, samples=lambda: [call(T((2, 3), distinct=True)), *ALONG()])
def nanmedian(input: Any, dim: int | None = None, keepdim: bool = False) -> Any:
    """As `median`, of what is not NaN."""
    return nanmedian_of_all(input) if dim is None else nanmedian_along(input, dim, keepdim)


def most_frequent(vector: Any, dim: int) -> Any:
    """The rank at which the longest run of equal elements ends."""
    line = np.sort(vector, dim, kind="stable").swapaxes(dim, -1)
    position = np.arange(line.shape[-1])
    starts = np.where(line[..., 1:] != line[..., :-1], position[1:], 0)
    begun = np.maximum.accumulate(starts, -1)
    length = position - np.concatenate([np.zeros_like(begun, shape=(*begun.shape[:-1], 1)), begun], -1)
    return length.argmax(-1, keepdims=True).swapaxes(dim, -1)


@general(spread_back, returns=return_types.mode, samples=ALONG)
def mode(input: Array, dim: int = -1, keepdim: bool = False) -> tuple[Array, Array]:
    """The most frequent element along a dimension (of several the smallest) and its last place: `(values, indices)`."""
    return ranked("mode", input, dim, keepdim, most_frequent)


# --- distinct values ------------------------------------------------------------------------------


def chosen(found: Any, inverse: Any, counts: Any, return_inverse: bool, return_counts: bool) -> Any:
    """Of `(values, inverse, counts)` what was asked for."""
    wanted = [found] + [as_index(inverse)] * return_inverse + [as_index(counts)] * return_counts
    return tuple(wanted) if len(wanted) > 1 else found


UNIQUE = lambda: [  # noqa: E731
    call(T((5,))),
    call(T((6,), 0, 3, "int")), call(T((2, 4), 0, 3, "int"), return_inverse=True, return_counts=True),
    call(T((4, 2), 0, 2, "int"), dim=0), call(T(()), return_inverse=True), call(T((0,))),
]  # fmt: skip
UNIQUE_CONSECUTIVE = lambda: [  # noqa: E731
    call(T((5,))), call(T((6,), 0, 2, "int"), return_inverse=True, return_counts=True),
    call(T((4, 2), 0, 2, "int"), dim=0),
]  # fmt: skip


@general(
    samples=UNIQUE,
    node=lambda node, input, sorted=True, return_inverse=False, return_counts=False, dim=None:
        "Unique2Backward0" if dim is None else "UniqueDimBackward0",
)  # fmt: skip
def unique(
    input: Array, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Any:
    """The distinct elements in ascending order, or the distinct slices along `dim`.

    Asked for, there follow for each element the index of its value, and for each value how often it occurs.
    """
    if dim is not None and input.ndim:
        dim = position(dim, input.ndim)
    axis = dim if input.ndim else None
    found, inverse, counts = np.unique(input, return_inverse=True, return_counts=True, axis=axis, equal_nan=False)
    inverse = inverse.reshape(input.shape if axis is None else (-1,))
    return chosen(found, inverse, counts, return_inverse, return_counts)


@general(samples=UNIQUE_CONSECUTIVE)
def unique_consecutive(
    input: Array, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Any:
    """The elements (or slices along `dim`) without those that equal their predecessor; otherwise as `unique`."""
    along = 0 if dim is None else position(dim, input.ndim)
    slices = input.reshape(-1) if dim is None else np.moveaxis(input, along, 0)
    differs = slices[1:] != slices[:-1]
    begins = np.ones(len(slices), bool)
    begins[1:] = differs if differs.ndim == 1 else differs.any(axis=tuple(range(1, differs.ndim)))
    found = slices[begins] if dim is None else np.moveaxis(slices[begins], 0, along)
    inverse = np.add.accumulate(begins, dtype=np.int64) - 1
    counts = np.diff(np.append(begins.nonzero()[0], len(slices)))
    return chosen(found, inverse.reshape(input.shape if dim is None else (-1,)), counts, return_inverse, return_counts)


# --- search ---------------------------------------------------------------------------------------


def searched(edges: Any, values: Any, right: bool, out_int32: bool) -> Any:
    """`np.searchsorted` for each row of the last dimension, or for one vector of edges."""
    side: Any = "right" if right else "left"
    kind = np.int32 if out_int32 else np.int64
    if edges.ndim == 1:
        return np.searchsorted(edges, values, side).astype(kind)
    if edges.shape[:-1] != values.shape[:-1]:
        raise RuntimeError(
            "torch.searchsorted(): boundaries tensor should be 1 dimension or the first N-1 dimensions of boundaries "
            f"tensor and input value tensor must match, but we got boundaries tensor {list(edges.shape)} and input "
            f"value tensor {list(values.shape)}"
        )
    count = math.prod(edges.shape[:-1])
    rows = zip(edges.reshape(count, edges.shape[-1]), values.reshape(count, values.shape[-1]), strict=True)
    return np.array([np.searchsorted(edge, row, side) for edge, row in rows], kind).reshape(values.shape)


@constant_op(method=False)
def search_sorted(
    input: Array, other: Array, sorter: Array | None = None, right: bool = False, out_int32: bool = False
) -> Array:
    """Where the elements of `other` would enter the sorted rows of `input`."""
    edges = input if sorter is None else np.take_along_axis(input, sorter, -1)
    return searched(edges, other, right, out_int32)


def as_operand(value: Any, model: Any) -> Any:
    """A number as a tensor of the model's type where that holds it."""
    if isinstance(value, Tensor):
        return value
    kind = model.dtype if isinstance(value, int) or model.dtype.is_floating_point else dtypes.get_default_dtype()
    return wrap(np.array(value, kind.numpy))


@composite(method=False, out=True, samples=lambda: [
    call(T((5,), kind="sorted"), T((2, 3))), call(T((5,), kind="sorted"), 0.5, right=True),
    call(T((2, 5), kind="sorted"), T((2, 3)), side="right"),
])  # fmt: skip
def searchsorted(
    sorted_sequence: Any, input: Any, *, out_int32: bool = False, right: bool = False, side: str | None = None,
    sorter: Any = None,
) -> Any:  # fmt: skip
    """The indices at which `input` would be inserted into `sorted_sequence` (its last dimension) to keep it sorted.

    An index is before equal elements, or after them with `right` or `side="right"`. `sorter` sorts the sequence first.
    Raises RuntimeError where the leading dimensions differ.
    """
    if side not in (None, "left", "right"):
        raise RuntimeError(f"torch.searchsorted(): side can only be 'left' or 'right' but got {side}")
    if right and side == "left":
        raise RuntimeError(
            "torch.searchsorted(): side and right can't be set to opposites, got side of left while right was True"
        )
    if sorter is not None and tuple(sorter.shape) != tuple(sorted_sequence.shape):
        raise RuntimeError("torch.searchsorted(): boundary and sorter must have the same size")
    if not isinstance(input, Tensor) and sorted_sequence.ndim != 1:
        raise RuntimeError(
            "torch.searchsorted(): input value can be a scalar only when boundaries tensor dimension is 1"
        )
    values = as_operand(input, sorted_sequence)
    return search_sorted(sorted_sequence, values, sorter, right or side == "right", out_int32)


@composite(method=False, out=True, samples=lambda: [
    call(T((2, 3)), T((5,), kind="sorted")), call(0.5, T((5,), kind="sorted"), right=True),
])  # fmt: skip
def bucketize(input: Any, boundaries: Any, *, out_int32: bool = False, right: bool = False) -> Any:
    """The index of the bucket between sorted `boundaries` in which each element lies.

    A bucket holds its upper end, or with `right` its lower one. Raises RuntimeError unless the boundaries are a vector.
    """
    if boundaries.ndim != 1:
        raise RuntimeError(f"boundaries tensor must be 1 dimension, but got dim({boundaries.ndim})")
    return search_sorted(boundaries, as_operand(input, boundaries), None, right, out_int32)


@constant_op(method=False)
def is_in(input: Array, other: Array, invert: bool = False) -> Array:
    """Which elements of `input` occur in `other`."""
    return np.isin(input, other, invert=invert)


@composite(method=False, out=True, samples=lambda: [
    call(T((2, 3), 0, 4, "int"), T((3,), 0, 4, "int")), call(T((3,), 0, 4, "int"), 2),
])  # fmt: skip
def isin(elements: Any, test_elements: Any, *, assume_unique: bool = False, invert: bool = False) -> Any:
    """For each element whether it is one of `test_elements` (with `invert`, whether it is none of them)."""
    model = elements if isinstance(elements, Tensor) else test_elements
    return is_in(as_operand(elements, model), as_operand(test_elements, model), invert)


# --- positions ------------------------------------------------------------------------------------


@constant_op(samples=lambda: [call(T((2, 3), 0, 2, "int")), call(T(()))])
def argwhere(input: Array) -> Array:
    """The indices of all nonzero elements, a row for each."""
    return as_index(np.argwhere(input))


@constant_op(method=False)
def nonzero_by_dim(input: Array) -> tuple[Array, ...]:
    """The indices of all nonzero elements, an array for each dimension."""
    return tuple(as_index(part) for part in (input if input.ndim else input.reshape(1)).nonzero())


@composite(out=True, samples=lambda: [call(T((2, 3), 0, 2, "int")), call(T((2, 3), 0, 2, "int"), as_tuple=True)])
def nonzero(input: Any, *, as_tuple: bool = False) -> Any:
    """The indices of all nonzero elements: a row for each, or with `as_tuple` a tensor for each dimension."""
    return nonzero_by_dim(input) if as_tuple else argwhere(input)


@constant_op(samples=lambda: [call(T((2, 3), 0, 2, "int"), size=2), call(T((3,), 0, 2, "int"), size=4, fill_value=7)])
def nonzero_static(input: Array, *, size: int, fill_value: int = -1) -> Array:
    """The first `size` rows of `nonzero`, filled up with `fill_value` where there are fewer."""
    if size < 0:
        raise RuntimeError("nonzero_static: 'size' must be an non-negative integer")
    result = np.full((size, input.ndim), fill_value, np.int64)
    found = np.argwhere(input)[:size]
    result[: len(found)] = found
    return result


__all__ = [
    "sort", "argsort", "msort", "topk", "kthvalue", "median", "nanmedian", "mode", "unique", "unique_consecutive",
    "searchsorted", "bucketize", "isin", "argwhere", "nonzero", "nonzero_static",
]  # fmt: skip
ALIASES: dict[str, tuple[str, ...]] = {}
