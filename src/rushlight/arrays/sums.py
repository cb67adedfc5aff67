"""Sums along dimensions, by products with ones where these are several times as fast as NumPy's reduction."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from .basic import ndarray
from .constants import ones

add: Any = np.add.reduce  # typed loosely: NumPy's stubs know no positional arguments, which are quicker

WORTH = 512  # elements of an array from which a product is the quicker way
LONGEST = 1024  # elements of one sum along a line: longer ones are left to NumPy, which adds pairwise and so rounds less


def sum_along(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """`np.add.reduce(x, axis, keepdims=keepdims)`, of floats."""
    size = x.size
    if size < WORTH or type(x) is not ndarray or x.dtype.char not in "fd" or not x.flags.c_contiguous:
        return add(x, axis, None, None, keepdims)
    shape, last = x.shape, x.ndim - 1
    if axis is None:
        if size % LONGEST or size > LONGEST * LONGEST:
            return add(x, None, None, None, keepdims)
        result = add(x.reshape(-1, LONGEST).dot(ones(LONGEST, x.dtype)), None)
        return result.reshape((1,) * x.ndim) if keepdims else result
    if axis == -1 or axis == last:
        if shape[last] > LONGEST:
            return add(x, axis, None, None, keepdims)
        result, kept = x.reshape(-1, shape[last]).dot(ones(shape[last], x.dtype)), (*shape[:last], 1)
        return result.reshape(kept if keepdims else shape[:last])
    first = 1 if axis == 0 else len(axis) if type(axis) is tuple and axis == tuple(range(len(axis))) else 0
    if not 0 < first <= last:
        return add(x, axis, None, None, keepdims)
    count = prod(shape[:first])
    result = ones(count, x.dtype).dot(x.reshape(count, -1))
    return result.reshape((1,) * first + shape[first:] if keepdims else shape[first:])


def sum_squares(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """`np.add.reduce(x * x, axis, keepdims=keepdims)`, of floats."""
    if type(x) is ndarray and x.size >= WORTH and x.flags.c_contiguous:
        if axis is None and not x.size % LONGEST:
            rows = x.reshape(-1, LONGEST)
            return sum_along(np.vecdot(rows, rows)).reshape((1,) * x.ndim if keepdims else ())
        if axis == -1 or axis == x.ndim - 1:
            result = np.vecdot(x, x)
            return result[..., None] if keepdims else result
    return sum_along(x * x, axis, keepdims)


def sum_products(x: Any, y: Any, axis: int) -> Any:
    """The sums of x * y along a dimension, which keeps the extent 1."""
    if axis in (-1, x.ndim - 1) and x.ndim:
        return np.vecdot(x, y)[..., None]
    return sum_along(x * y, axis, True)
