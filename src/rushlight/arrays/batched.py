"""Arrays with hidden leading dimensions: what stands beneath the tensors inside vmap.

A batched array shows the shape of one example. All examples lie in `data`, whose first dimensions are the batches, one per level of
vmap, outermost first. NumPy's ufuncs run on all examples at once; its other functions, and the methods, on one after the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from .basic import array_types, as_array

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

READS = (
    "vmap: It looks like you're calling .item() on a Tensor. We don't support vmap over calling "
    ".item() on a Tensor, please try to rewrite what you're doing with other operations. If "
    "error is occurring somewhere inside PyTorch internals, please file a bug report."
)
BRANCHES = (
    "vmap: It looks like you're attempting to use a Tensor in some data-dependent control flow. We don't support that yet, please "
    "rewrite it with other operations (torch.where instead of an `if`, for example)."
)
WRITES = (
    "vmap: inplace arithmetic(self, *extra_args) is not possible because there exists a Tensor `other` in "
    "extra_args that has more elements than `self`. This happened due to `other` being vmapped over but `self` "
    "not being vmapped over in a vmap. Please try to use out-of-place operators instead of inplace arithmetic. "
    "If `self` was made inside the function (torch.zeros), make it of a vmapped tensor (x.new_zeros)."
)


BASIC = frozenset((int, slice, type(None), type(...)))  # what an index of that shares memory


class BatchedArray(NDArrayOperatorsMixin):
    """The examples of one or several levels of vmap."""

    __slots__ = ("data", "levels")

    def __init__(self, data: Any, levels: tuple[int, ...]) -> None:
        self.data = data
        self.levels = levels

    @property
    def shape(self) -> tuple[int, ...]:
        return self.data.shape[len(self.levels) :]

    @property
    def ndim(self) -> int:
        return self.data.ndim - len(self.levels)

    @property
    def dtype(self) -> np.dtype:
        return self.data.dtype

    @property
    def size(self) -> int:
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def itemsize(self) -> int:
        return self.data.itemsize

    @property
    def nbytes(self) -> int:
        return self.size * self.data.itemsize

    @property
    def strides(self) -> tuple[int, ...]:
        return self.data.strides[len(self.levels) :]

    @property
    def flags(self) -> Any:
        return self.data.flags

    @property
    def base(self) -> Any:
        """What owns the memory, never None: all arrays that share memory have the same."""
        return self.data if self.data.base is None else self.data.base

    @property
    def first(self) -> Any:
        """One example, sharing memory."""
        return self.data[(0,) * len(self.levels) + (...,)]

    @property
    def real(self) -> BatchedArray:
        return BatchedArray(self.data.real, self.levels)

    @property
    def imag(self) -> BatchedArray:
        return BatchedArray(self.data.imag, self.levels)

    @property
    def T(self) -> Any:
        return np.transpose(self)

    def astype(self, dtype: Any, **options: Any) -> BatchedArray:
        return BatchedArray(self.data.astype(dtype, **options), self.levels)

    def copy(self) -> BatchedArray:
        return BatchedArray(self.data.copy(), self.levels)

    def reshape(self, *shape: Any) -> BatchedArray:
        wanted = shape[0] if len(shape) == 1 and isinstance(shape[0], tuple) else shape
        return BatchedArray(self.data.reshape(self.data.shape[: len(self.levels)] + tuple(wanted)), self.levels)

    def __len__(self) -> int:
        return len(self.first)

    def __getitem__(self, index: Any) -> Any:
        parts = index if type(index) is tuple else (index,)
        if all([type(part) in BASIC for part in parts]):
            return BatchedArray(self.data[(slice(None),) * len(self.levels) + parts], self.levels)
        return by_example(lambda array, where: array[where], (self, index), {})

    def __setitem__(self, index: Any, value: Any) -> None:
        if not set(all_levels((index, value))) <= set(self.levels):
            raise RuntimeError(WRITES)

        def assign(array: Any, where: Any, part: Any) -> None:
            array[where] = part

        by_example(assign, (self, index, value), {})

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or not hasattr(np.ndarray, name):
            raise AttributeError(f"a batched array has no attribute '{name}'")

        def method(array: Any, *args: Any, **kwargs: Any) -> Any:
            return getattr(array, name)(*args, **kwargs)

        return lambda *args, **kwargs: by_example(method, (self, *args), kwargs)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        if method == "reduce" and type(inputs[0]) is BatchedArray and not batched_in(options):
            return inputs[0].reduced(ufunc, **options)
        if method != "__call__" or ufunc.signature is not None:
            return by_example(getattr(ufunc, method), inputs, options)
        levels = all_levels(inputs)
        rank = max(getattr(one, "ndim", 0) for one in inputs)
        (out,) = options.pop("out", (None,))
        if "where" in options:
            options["where"] = operand(options["where"], levels, rank)
        result = wrapped(ufunc(*(operand(one, levels, rank) for one in inputs), **options), levels)
        if out is None:
            return result
        np.copyto(out, result, casting="unsafe")
        return out

    def reduced(self, ufunc: Any, axis: Any = 0, **options: Any) -> Any:
        """`ufunc.reduce`, of each example."""
        extra, rank = len(self.levels), self.ndim
        axes = range(rank) if axis is None else (axis,) if isinstance(axis, int) else axis
        return wrapped(ufunc.reduce(self.data, tuple(one % rank + extra for one in axes), **options), self.levels)

    def __array_function__(self, function: Any, types: Any, args: tuple, kwargs: dict) -> Any:
        own = FUNCTIONS.get(function)
        return by_example(function, args, kwargs) if own is None else own(*args, **kwargs)

    def __bool__(self) -> bool:
        raise RuntimeError(BRANCHES)

    def _refuse(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError(READS)

    item = tolist = __float__ = __int__ = __complex__ = __index__ = __array__ = _refuse


array_types.add(BatchedArray)


def levels_of(array: Any) -> tuple[int, ...]:
    """The levels at which an array is batched."""
    return array.levels if type(array) is BatchedArray else ()


def whole(array: Any) -> Any:
    """All examples of an array, in a plain one."""
    return array.data if type(array) is BatchedArray else array


def all_levels(arrays: Iterable) -> tuple[int, ...]:
    """The levels at which any of the arrays is batched, outermost first."""
    return tuple(sorted({level for array in batched_in(arrays) for level in array.levels}))


def levels_among(arrays: Iterable) -> tuple[int, ...]:
    """The same for arrays that stand in no further container; anything else among them is passed over."""
    known: tuple[int, ...] = ()
    for array in arrays:
        if type(array) is BatchedArray and array.levels != known:
            known = tuple(sorted({*known, *array.levels})) if known else array.levels
    return known


def batched_in(tree: Any) -> list:
    """The batched arrays in nested tuples, lists and dicts."""
    if type(tree) is BatchedArray:
        return [tree]
    if isinstance(tree, dict):
        tree = tree.values()
    elif not isinstance(tree, (tuple, list)):
        return []
    return [one for part in tree for one in batched_in(part)]


def example(array: Any, level: int, index: int) -> Any:
    """One example of a level, sharing memory; an array that is not batched there as it is."""
    levels = levels_of(array)
    if level not in levels:
        return array
    axis = levels.index(level)
    rest = levels[:axis] + levels[axis + 1 :]
    data = array.data[(slice(None),) * axis + (index, ...)]
    return BatchedArray(data, rest) if rest else data


def examples_in(tree: Any, level: int, index: int) -> Any:
    """Nested tuples, lists and dicts with one example of a level in the places of batched arrays."""
    if isinstance(tree, dict):
        return {key: examples_in(value, level, index) for key, value in tree.items()}
    if type(tree) in (tuple, list):
        return type(tree)(examples_in(value, level, index) for value in tree)
    return example(tree, level, index)


def by_example(function: Callable, args: tuple, kwargs: dict) -> Any:
    """A function of arrays, run on one example of the innermost level after the other."""
    level = all_levels((args, kwargs))[-1]
    size = batch_size(batched_in((args, kwargs)), level)
    return stacked([function(*examples_in(args, level, i), **examples_in(kwargs, level, i)) for i in range(size)], level)


def batch_size(arrays: Iterable, level: int) -> int:
    """How many examples a level has."""
    array = next(array for array in arrays if level in levels_of(array))
    return array.data.shape[array.levels.index(level)]


def stacked(examples: list, level: int) -> Any:
    """The results for the examples of the innermost level as one batched array (tuples part by part); others are alike for all."""
    first = examples[0] if examples else None
    if isinstance(first, (tuple, list)):
        return type(first)(stacked([one[i] for one in examples], level) for i in range(len(first)))
    if not isinstance(first, (np.ndarray, np.generic, BatchedArray)):
        return first
    outer = levels_of(first)
    datas = [one.data if outer else one for one in examples]
    if any(one.shape != datas[0].shape for one in datas):
        raise RuntimeError(
            "vmap: We do not support batching operators that can output "
            "dynamic shape: the results for the examples have different shapes"
        )
    return BatchedArray(np.stack(datas, axis=len(outer)), (*outer, level))


def wrapped(result: Any, levels: tuple[int, ...]) -> Any:
    """A result for all examples as batched arrays."""
    if type(result) is np.ndarray:
        return BatchedArray(result, levels)
    if isinstance(result, (tuple, list)):
        return tuple(wrapped(one, levels) for one in result)
    return None if result is None else BatchedArray(as_array(result), levels)


def aligned(array: Any, levels: tuple[int, ...], rank: int | None = None) -> Any:
    """The data with a dimension for each level (of extent one where the array is not batched), and of that rank after them."""
    own = levels_of(array)
    data = array.data if own else array
    if own == levels and (rank is None or data.ndim == len(own) + rank):
        return data
    shape = data.shape[len(own) :]
    missing = () if rank is None else (1,) * (rank - len(shape))
    extents = dict(zip(own, data.shape, strict=False))
    return data.reshape(tuple(extents.get(level, 1) for level in levels) + missing + shape)


def operands(arrays: Iterable, levels: tuple[int, ...]) -> list:
    """Pointwise operands as plain arrays, broadcastable with each other; numbers and None as they are."""
    rank = max([array.ndim for array in arrays if hasattr(array, "ndim")])
    return [operand(array, levels, rank) for array in arrays]


def operand(array: Any, levels: tuple[int, ...], rank: int) -> Any:
    """One of them, for a result of that rank."""
    if type(array) is BatchedArray:
        data = array.data
        return data if array.levels == levels and data.ndim == len(levels) + rank else aligned(array, levels, rank)
    # An array that is the same for all examples broadcasts as it is, by NumPy's own rule.
    return array


def moved(data: Any, source: int, target: int) -> Any:
    """The data with one dimension in another place."""
    if source == target:
        return data
    order = list(range(data.ndim))
    order.insert(target, order.pop(source))
    return data.transpose(order)


def unwrap(array: Any, level: int, size: int) -> Any:
    """The array with the batch of that level as its first visible dimension; repeated where it is not batched."""
    levels = levels_of(array)
    data = array.data if levels else array
    outer = tuple(one for one in levels if one != level)
    if level in levels:
        data = moved(data, levels.index(level), len(outer))
    else:
        batches = data.shape[: len(levels)]
        data = np.broadcast_to(np.expand_dims(data, len(levels)), (*batches, size, *data.shape[len(levels) :]))
    return BatchedArray(data, outer) if outer else data


def copy_into(target: Any, values: Any, casting: str = "same_kind") -> None:
    """`np.copyto`. Raises RuntimeError where the examples' values go to memory that they would share."""
    levels = levels_of(target)
    if not set(levels_of(values)) <= set(levels):
        raise RuntimeError(WRITES)
    np.copyto(target.data, operand(values, levels, target.ndim), casting=casting)  # type: ignore[arg-type]


def filled_like(make: Callable) -> Callable:
    """`np.zeros_like` and its kin for batched arrays."""

    def like(array: Any, *args: Any, shape: Any = None, **options: Any) -> Any:
        shape = None if shape is None else array.data.shape[: len(array.levels)] + tuple(np.atleast_1d(shape).astype(int).tolist())
        return BatchedArray(make(array.data, *args, shape=shape, **options), array.levels)

    return like


FUNCTIONS: dict[Any, Callable] = {
    np.copyto: copy_into,
    np.shape: lambda array: array.shape,
    np.ndim: lambda array: array.ndim,
    np.size: lambda array: array.size,
    **{make: filled_like(make) for make in (np.zeros_like, np.ones_like, np.empty_like)},
}
