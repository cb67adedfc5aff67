"""Indexing: `x[...]`, `x[...] = value`, and the ops beneath them.

Integers, slices, None and Ellipsis give a view; integer arrays and masks (tensors, arrays, lists) pick copies. The transposes of
both are ops as well, and serve as derivatives of everything else that picks or places elements.
"""

from __future__ import annotations

from types import EllipsisType, NoneType
from typing import Any

import numpy as np

from ..arrays.accumulate import spread
from ..arrays.basic import generic, is_array, ndarray, zeros_like
from ..arrays.promotion import NUMBERS, scalar_array
from ..autograd.graph import next_order, version_cell
from ..autograd.inplace import change, check_memory, check_writable
from ..autograd.modes import thread
from ..autograd.views import rebase
from ..dtypes import type_word, type_word_of
from ..overridable import SILENT, overriding
from ..tensor import Tensor, plain_types, wrap
from ..warning import warn
from .filling import copy
from .kinds import Array, linear
from .samples import T, call
from .shapes import expand, reshape

ALL = slice(None)
int64 = np.dtype("int64")
BASIC = frozenset((int, slice, NoneType, EllipsisType))
POSITIVE_STEP = "step must be greater than zero"

# --- views -----------------------------------------------------------------------------------------------------------------------


def basic_name(node: Any, input: Any, index: tuple) -> str:
    """PyTorch takes an index apart into one op per entry: the name of the last of these."""
    shape, dim, name = node.shapes[0], 0, "AliasBackward0"
    rank = len(shape) - sum(one is not None and one is not ... for one in index)
    for one in index:
        if one is ...:
            dim += rank
            continue
        if one is None:
            name = "UnsqueezeBackward0"
            continue
        if not isinstance(one, slice):
            name = "SelectBackward0"
        elif len(index) == 1 or one.indices(shape[dim]) != (0, shape[dim], 1):
            name = "SliceBackward0"
        dim += 1
    return name


@linear(
    lambda g, x_shape, index: basic_spread(g, x_shape, index), view=True, node=basic_name, method=False,
    samples=lambda: [call(T((3, 4)), (1, ...)), call(T((3, 4)), (slice(1, None, 2), None, ..., -1))],
)  # fmt: skip
def basic_index(input: Array, index: tuple) -> Array:
    """The view that a tuple of integers, slices, None and one Ellipsis selects."""
    try:
        return input[index]
    except IndexError:
        raise index_error(input.shape, index) from None


@linear(lambda g, index: basic_index(g, index), method=False, samples=lambda: [call(T((4,)), (3, 4), (1, ...))])
def basic_spread(input: Array, shape: tuple, index: tuple) -> Array:
    """Zeros of that shape with the input at `index`."""
    result = zeros_like(input, shape, input.dtype)
    result[index] = input
    return result


def index_error(shape: tuple, index: tuple) -> IndexError:
    """What is wrong with a basic index."""
    rank = len(shape)
    used = sum(one is not None and one is not ... for one in index)
    if used > rank:
        if rank:
            return IndexError(f"too many indices for tensor of dimension {rank}")
        if any(isinstance(one, slice) for one in index):
            return IndexError("slice() cannot be applied to a 0-dim tensor.")
        return IndexError(
            "invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` in C++ to convert a 0-dim tensor "
            "to a number"
        )
    dim = 0
    for one in index:
        if one is ...:
            dim += rank - used
        elif one is not None:
            if not isinstance(one, slice) and not -shape[dim] <= one < shape[dim]:
                return IndexError(f"index {one} is out of bounds for dimension {dim} with size {shape[dim]}")
            dim += 1
    return IndexError("an index can only have a single ellipsis ('...')")


# --- picking ---------------------------------------------------------------------------------------------------------------------


def raw(value: Any) -> Any:
    """The array of a Tensor, anything else as it is."""
    return value._array if isinstance(value, Tensor) else value


@linear(
    lambda g, x_shape, indices: index_spread(g, x_shape, indices), method=False,
    samples=lambda: [call(T((3, 4)), (np.array([2, 0, 2]),)), call(T((3, 4)), (ALL, np.array([[1, 3], [1, -1]])))],
)  # fmt: skip
def index(input: Array, indices: tuple) -> Array:
    """The elements that a tuple of full slices, int64 arrays and masks picks: a copy, in the order of memory."""
    try:
        arrays = [dim for dim, one in enumerate(indices) if one is not ALL]
        if len(arrays) == 1 and indices[arrays[0]].dtype == int64:
            return input.take(indices[arrays[0]], arrays[0])
        result = input[indices]
    except IndexError as error:
        raise picking_error(input.shape, indices, error) from None
    return result if result.flags.c_contiguous else result.copy()


@linear(lambda g, indices: index(g, indices), method=False,
        samples=lambda: [call(T((3,)), (4,), (np.array([2, 0, 2]),)),
                         call(T((2, 2)), (2, 3), (ALL, np.array([1, 1])))])  # fmt: skip
def index_spread(input: Array, shape: tuple, indices: tuple, unique: bool = False) -> Array:
    """Zeros of that shape with the input's elements added at `indices`; `unique` promises that no place repeats."""
    return spread(input, indices, shape, unique)


@linear(lambda g, indices: zero_at(g, indices), method=False, samples=lambda: [call(T((3, 4)), (np.array([2, 0]),))])
def zero_at(input: Array, indices: tuple) -> Array:
    """A copy with zeros at `indices`."""
    result = np.array(input)
    result[indices] = 0
    return result


def picking_error(shape: tuple, indices: tuple, error: Exception) -> IndexError:
    """PyTorch's wording for what is wrong with an index of arrays."""
    arrays = [one for one in indices if one is not ALL]
    if "broadcast" in str(error):
        shapes = ", ".join(str(list(one.shape if one.dtype != bool else (np.count_nonzero(one),))) for one in arrays)
        return IndexError(f"shape mismatch: indexing tensors could not be broadcast together with shapes {shapes}")
    dim = 0
    for one in indices:
        if one is not ALL and one.dtype == int64 and one.size:
            for extreme in (one.max(), one.min()):
                if not -shape[dim] <= extreme < shape[dim]:
                    return IndexError(f"index {extreme} is out of bounds for dimension {dim} with size {shape[dim]}")
        dim += one.ndim if one is not ALL and one.dtype == bool else 1
    return IndexError(str(error))


# --- placing ---------------------------------------------------------------------------------------------------------------------


def plain_indices(args: tuple, kwargs: dict) -> tuple[tuple, dict]:
    """Arguments of index_put with its tensors of indices as arrays."""
    given = args[1] if len(args) > 1 else kwargs["indices"]
    for i, one in enumerate(given):
        if one is None:
            raise TypeError(f"expected Tensor as element {i} in argument 0, but got NoneType")
    indices = tuple([one if isinstance(one, slice) else index_array(one) for one in given])
    if thread.grad_enabled:
        indices = own(indices)
    return ((args[0], indices, *args[2:]), kwargs) if len(args) > 1 else (args, {**kwargs, "indices": indices})


def own(indices: tuple) -> tuple:
    """Copies of index arrays, for a node to keep: the caller may change his own."""
    return tuple([one if one is ALL else one.copy() for one in indices])


def put_into(input: Any, indices: tuple, values: Any, accumulate: bool = False) -> Any:
    if values.dtype != input.dtype:
        raise RuntimeError(
            f"Index put requires the source and destination dtypes match, got {type_word_of(input)} for the destination and "
            f"{type_word_of(values)} for the source."
        )
    try:
        if not accumulate:
            input[indices] = values
        elif input.dtype.kind in "fc":
            picked = np.broadcast_shapes(np.empty(input.shape, bool)[indices].shape, values.shape)
            input += spread(np.broadcast_to(values, picked), indices, input.shape)
        else:
            np.add.at(input, indices, values)
    except (IndexError, ValueError) as error:
        raise placing_error(input, indices, values, error) from None
    return input


@linear(
    (lambda g, indices, accumulate: g if accumulate else zero_at(g, indices), lambda g, indices: index(g, indices)),
    broadcasts=True, inplace=put_into, arguments=plain_indices,
    samples=lambda: [call(T((3, 4)), (np.array([2, 0]),), T((2, 4))), call(T((3, 4)), (np.array([2, 2]),), T((4,)), True)],
)  # fmt: skip
def index_put(input: Array, indices: tuple, values: Array, accumulate: bool = False) -> Array:
    """A copy with `values` (which broadcast) at `indices`, a tuple of index tensors; added to what is there with `accumulate`."""
    return put_into(np.array(input), indices, values, accumulate)


def placing_error(input: Any, indices: tuple, values: Any, error: Exception) -> Exception:
    """PyTorch's wording for values that do not fit, or places that are not there."""
    if isinstance(error, IndexError):
        return picking_error(input.shape, indices, error)
    picked = list(np.empty(input.shape, bool)[indices].shape)
    return RuntimeError(
        f"shape mismatch: value tensor of shape {list(values.shape)} cannot be broadcast to indexing result of shape {picked}"
    )


# --- from what stands between the brackets ---------------------------------------------------------------------------------------


def index_array(given: Any) -> Any:
    """An int64 array or a mask from a tensor, array, number or sequence that serves as an index.

    Raises IndexError for other types of elements.
    """
    array = raw(given)
    if not is_array(array):
        array = np.array([raw(one) for one in given]) if isinstance(given, (list, tuple, range)) else np.array(given)
        if not array.size:
            array = array.astype(np.int64)
        if array.dtype.kind in "OUS":
            raise TypeError(f"new(): invalid data type '{type(given).__name__}'")
    kind = array.dtype
    if kind in (int64, np.bool_):
        return array
    if kind == np.uint8:
        warn("indexing with dtype torch.uint8 is now deprecated, please use a dtype torch.bool instead.")
        return array.astype(bool)
    if kind == np.int32 or (kind.kind in "iu" and not isinstance(given, Tensor)):
        return array.astype(np.int64)
    raise IndexError("tensors used as indices must be long, int, byte or bool tensors")


def entries(given: Any) -> list:
    """What stands between the brackets, one by one: ints, slices, None, Ellipsis, int64 arrays and masks."""
    if (
        isinstance(given, list)
        and len(given) < 32
        and any(isinstance(one, (Tensor, list, tuple, slice, ndarray, NoneType, EllipsisType)) for one in given)
    ):
        warn("Using a non-tuple sequence for multidimensional indexing is deprecated; use x[tuple(seq)] instead of x[seq].")
        given = tuple(given)
    found: list[Any] = []
    for one in given if isinstance(given, tuple) else (given,):
        if isinstance(one, slice):
            if one.step is not None and one.step <= 0:
                raise ValueError(POSITIVE_STEP if one.step else "slice step cannot be zero")
        elif type(one) not in BASIC:
            if not isinstance(one, (Tensor, ndarray, generic, bool, list, tuple, range, str)):
                if not hasattr(one, "__index__"):
                    raise IndexError(
                        "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices (got "
                        f"{type(one).__name__})"
                    )
                one = int(one)
            elif not isinstance(one, str) or one:
                one = index_array(one)
                if not one.ndim and one.dtype != bool and not hasattr(one, "levels"):
                    one = int(one)
        elif one is ... and any(other is ... for other in found):
            continue
        found.append(one)
    return found


def split_index(shape: tuple, given: Any) -> tuple[tuple | None, tuple | None]:
    """An index as PyTorch reads it: first a view (None: of everything), then what is picked from that (None: nothing).

    NumPy counts integers among the arrays where there are both, and would order the dimensions of the result differently.
    """
    found = entries(given)
    rank = len(shape)
    used = sum(one.ndim if is_array(one) and one.dtype == bool else one is not None and one is not ... for one in found)
    if used > rank and any(map(is_array, found)):
        raise IndexError(f"too many indices for tensor of dimension {rank}")
    view: list[Any] = []
    picked: list[Any] = []
    dim = 0
    for one in found:
        if one is ...:
            view += [ALL] * (rank - used)
            picked += [ALL] * (rank - used)
            dim += rank - used
        elif one is None or isinstance(one, slice):
            view.append(one)
            picked.append(ALL)
            dim += one is not None
        elif not is_array(one):
            view.append(one)
            dim += 1
        elif one.dtype == bool and not one.ndim:
            view.append(None)
            picked.append(np.flatnonzero(one))
        else:
            if one.dtype == bool and one.shape != shape[dim : dim + one.ndim]:
                bad = next(i for i, extent in enumerate(one.shape) if extent != shape[dim + i])
                raise IndexError(
                    f"The shape of the mask {list(one.shape)} at index {bad} does not match the shape of the indexed tensor "
                    f"{list(shape)} at index {dim + bad}"
                )
            view += [ALL] * (one.ndim if one.dtype == bool else 1)
            dim += one.ndim if one.dtype == bool else 1
            picked.append(one)
    everything = all(isinstance(one, slice) and one == ALL for one in view)
    return None if everything and any(map(is_array, picked)) else (*view, ...), tuple(picked) if any(
        map(is_array, picked)
    ) else None


def is_basic(given: tuple) -> bool:
    """Whether a tuple has only what makes a view, as NumPy understands it."""
    dots = 0
    for one in given:
        kind = type(one)
        if kind is EllipsisType:
            dots += 1
        elif kind is slice:
            if one.step is not None and not (type(one.step) is int and one.step > 0):
                return False
        elif kind not in BASIC:
            return False
    return dots <= 1


def quick_basic(given: Any) -> tuple | None:
    """The usual indices as a tuple with which NumPy gives a view; None for all others."""
    kind = type(given)
    if kind is int:
        return (given, ...)
    if kind is tuple:
        return (given if ... in given else (*given, ...)) if is_basic(given) else None
    if kind is slice and is_basic((given,)):
        return (given,)
    return None


def quick_picked(given: Any, shape: tuple) -> tuple | None:
    """`split_index` for the usual index that is one tensor, of int64 or a mask of the whole; None for all others."""
    if type(given) is not Tensor or not shape:
        return None
    array = given._array
    if array.ndim and (array.dtype == int64 or (array.dtype == bool and array.shape == shape)):
        return None, (array,)
    return None


def handed_on(name: str, *args: Any) -> Any:
    """What a handler makes of a call of one of these methods."""
    from ..members import own_member
    from ..overrides import call_overrides

    return call_overrides(own_member(name), args, {})


def getitem(self: Tensor, index: Any) -> Tensor:
    """`self[index]`: a view for integers, slices, None and Ellipsis; a copy for tensors, arrays and lists of indices, and masks."""
    basic = quick_basic(index)
    if basic is not None:
        return basic_index(self, basic)
    found = quick_picked(index, self._array.shape)
    if found is None:
        if overriding((index,), {}):
            return handed_on("__getitem__", self, index)
        found = split_index(self._array.shape, index)
    view, picked = found
    if picked is None:
        return basic_index(self, view)
    source = self if view is None else basic_index(self, view)
    return pick(source, own(picked) if source._node is not None and thread.grad_enabled else picked)


pick = index  # where a parameter has that name


def setitem(self: Tensor, index: Any, value: Any) -> None:
    """`self[index] = value`, a number, tensor or array that broadcasts to the place; gradients flow to `value` and to the rest."""
    if type(value) not in plain_types and type(value) not in SILENT and overriding((value,), {}):
        handed_on("__setitem__", self, index, value)
        return
    view, picked = quick_basic(index), None
    if view is None:
        found = quick_picked(index, self._array.shape)
        if found is None:
            if overriding((index,), {}):
                handed_on("__setitem__", self, index, value)
                return
            found = split_index(self._array.shape, index)
        view, picked = found
    source = assignable(self, value, picked)
    base = self if self._base is None else self._base
    recorded = thread.grad_enabled and not (self._node is base._node is source._node is None)
    if recorded or thread.forward_levels or thread.batch_levels:
        whole = view is None or all(one is ... or one == ALL for one in view)
        target = self if whole else basic_index(self, view)
        if picked is None and source._node is None and not whole and not (thread.forward_levels or thread.batch_levels):
            check_writable(target)
            source = fitted(source, target._array.shape)
            check_memory(copy.op, target._array, (source,))
            target._array[...] = source._array
            version_cell(target).bump()
            rebase(target, None)
        elif picked is None:
            change(target, copy.op, (fitted(source, target._array.shape),), {})
        else:
            change(target, index_put.op, (picked, source), {})
        return
    check_writable(self)
    place = self._array if view is None else basic_index.op.forward(self._array, view)
    if picked is None:
        source = fitted(source, place.shape)
        check_memory(copy.op, place, (source,))
        place[...] = source._array
    else:
        check_memory(index_put.op, place, (source,))
        put_into(place, picked, source._array)
    version_cell(self).bump()
    if thread.functions:
        from ..autograd.recording import note_call

        note_call("__setitem__", (self, source), self, next_order())


def assignable(target: Tensor, value: Any, picked: tuple | None) -> Tensor:
    """What is assigned to a part of `target`, as a tensor."""
    if isinstance(value, Tensor):
        if picked is not None and not value._array.ndim and value.dtype is not target.dtype:
            return value.to(target.dtype)
        return value
    if isinstance(value, NUMBERS):
        return wrap(scalar_array(value, target.dtype))
    if is_array(value):
        return wrap(np.asarray(value, target._array.dtype))
    raise TypeError(f"can't assign a {type(value).__name__} to a torch.{type_word(target.dtype)}Tensor")


def fitted(source: Tensor, shape: tuple) -> Tensor:
    """What is assigned, expanded to the shape of its place; leading extents of one may be too many."""
    have = source._array.shape
    if have == shape or not have:
        return source
    extra = len(have) - len(shape)
    if extra > 0 and all(extent == 1 for extent in have[:extra]):
        source = reshape(source, have[extra:])
    return expand(source, shape)


for _name, _member in {"__getitem__": getitem, "__setitem__": setitem}.items():
    setattr(Tensor, _name, _member)

__all__ = ["index_put"]
