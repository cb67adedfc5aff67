"""Arrays with hidden leading dimensions: what stands beneath the tensors inside vmap.

A batched array shows the shape of one example. All examples lie in `data`, whose first dimensions are the batches, one per level of
vmap, outermost first.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .basic import array_types, as_array


class BatchedArray:
    """The examples of one or several levels of vmap."""

    __slots__ = ("data", "levels")

    __array_ufunc__ = None  # an ndarray beside one of these must not swallow it

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
        return self.data.base

    def astype(self, dtype: Any) -> BatchedArray:
        return BatchedArray(self.data.astype(dtype), self.levels)

    def copy(self) -> BatchedArray:
        return BatchedArray(self.data.copy(), self.levels)

    @property
    def real(self) -> BatchedArray:
        return BatchedArray(self.data.real, self.levels)

    def _refuse(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError(
            "vmap: It looks like you're either (1) calling .item() on a Tensor or (2) attempting to use a Tensor in some "
            "data-dependent control flow or (3) encountering this error in PyTorch internals. We don't support vmap over that: "
            "please rewrite it with other operations (torch.where instead of an `if`, for example)."
        )

    item = tolist = __bool__ = __float__ = __int__ = __complex__ = __index__ = __array__ = _refuse


array_types.add(BatchedArray)


def levels_of(array: Any) -> tuple[int, ...]:
    """The levels at which an array is batched."""
    return array.levels if type(array) is BatchedArray else ()


def all_levels(arrays: list) -> tuple[int, ...]:
    """The levels at which any of the arrays is batched, outermost first."""
    return tuple(sorted({level for array in arrays for level in levels_of(array)}))


def example(array: Any, level: int, index: int) -> Any:
    """One example of a level; an array that is not batched there as it is."""
    levels = levels_of(array)
    if level not in levels:
        return array
    axis = levels.index(level)
    rest = levels[:axis] + levels[axis + 1 :]
    data = as_array(array.data[(slice(None),) * axis + (index,)])
    return BatchedArray(data, rest) if rest else data


def batch_size(arrays: list, level: int) -> int:
    """How many examples a level has."""
    array = next(array for array in arrays if level in levels_of(array))
    return array.data.shape[array.levels.index(level)]


def stacked(examples: list, level: int) -> Any:
    """The results for the examples of the innermost level as one batched array (tuples part by part)."""
    first = examples[0]
    if isinstance(first, (tuple, list)):
        return tuple(stacked([one[i] for one in examples], level) for i in range(len(first)))
    if first is None:
        return None
    outer = levels_of(first)
    datas = [one.data if outer else one for one in examples]
    return BatchedArray(np.stack(datas, axis=len(outer)), (*outer, level))


def aligned(array: Any, levels: tuple[int, ...], rank: int | None = None) -> Any:
    """The data with a dimension for each level (of extent one where the array is not batched), and of that rank after them."""
    own = levels_of(array)
    data = array.data if own else array
    shape = data.shape[len(own) :]
    missing = () if rank is None else (1,) * (rank - len(shape))
    extents = dict(zip(own, data.shape, strict=False))
    return data.reshape(tuple(extents.get(level, 1) for level in levels) + missing + shape)


def unwrap(array: Any, level: int, size: int) -> Any:
    """The array with the batch of that level as its first visible dimension; repeated where it is not batched."""
    levels = levels_of(array)
    data = array.data if levels else array
    outer = tuple(one for one in levels if one != level)
    if level in levels:
        data = np.moveaxis(data, levels.index(level), len(outer))
    else:
        batches = data.shape[: len(levels)]
        data = np.broadcast_to(np.expand_dims(data, len(levels)), (*batches, size, *data.shape[len(levels) :]))
    return BatchedArray(data, outer) if outer else data
