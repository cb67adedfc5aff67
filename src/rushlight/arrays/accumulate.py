"""Adding values at indices that may repeat: the transpose of picking by index. NumPy's `add.at` is quick in one dimension only."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .basic import ndarray, zeros_like

# From so many values on a sparse matrix product is quicker, and worth the import of SciPy's sparse matrices.
MANY = 50_000
FEW = 256  # up to so many, `add.at` as it is costs less than what goes before the quick ways
int64 = np.dtype("int64")
SPARSE_TYPES = frozenset(map(np.dtype, ("float32", "float64", "complex64", "complex128")))


def sum_rows(rows: Any, values: Any, count: int) -> Any:
    """An array of `count` rows: the sums of those rows of `values` (a matrix) that `rows` (int64, not negative) sends there."""
    width = values.shape[1]
    if values.size >= MANY and values.dtype in SPARSE_TYPES:
        from scipy.sparse import csc_matrix

        number = len(rows)
        places = np.arange(number + 1)
        return csc_matrix((np.ones(number, values.dtype), rows, places), shape=(count, number)) @ values
    total = np.zeros(count * width, values.dtype)
    flat = rows if width == 1 else (rows[:, None] * width + np.arange(width)).reshape(-1)
    np.add.at(total, flat, values.reshape(-1))
    return total.reshape(count, width)


def spread(values: Any, index: tuple, shape: tuple, unique: bool = False) -> Any:
    """Zeros of that shape with `values` added at `index`: a tuple of slices and arrays. `unique` promises that no place repeats."""
    if not unique and any(
        getattr(one, "dtype", None) == int64 for one in index
    ):  # else slices and masks: nothing repeats
        depth = 0  # how many dimensions are indexed by arrays, when these come first
        while depth < len(index) and isinstance(index[depth], ndarray) and index[depth].dtype == int64:
            depth += 1
        count = math.prod(shape[:depth])
        if (
            depth
            and count
            and values.size > FEW
            and all(isinstance(one, slice) and one == slice(None) for one in index[depth:])
        ):
            total = sum_rows(flat_rows(index[:depth], shape), values.reshape(-1, math.prod(shape[depth:])), count)
            return total if total.shape == shape else total.reshape(shape)
        result = zeros_like(values, shape, values.dtype)
        np.add.at(result, index, values)
        return result
    result = zeros_like(values, shape, values.dtype)
    result[index] = values
    return result


def flat_rows(arrays: tuple, shape: tuple) -> Any:
    """One number for each combination of indices, counted over the dimensions that they index taken together."""
    rows: Any = 0
    for extent, one in zip(shape, arrays, strict=False):
        rows = rows * extent + (np.where(one < 0, one + extent, one) if one.size and one.min() < 0 else one)
    return rows.reshape(-1)
