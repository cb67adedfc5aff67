"""The one place that knows which kinds of array there are."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

ndarray = np.ndarray
generic = np.generic

# Kinds of array that may stand beneath a tensor; GPU, traced and batched arrays are added here when they are loaded.
array_types: set[type] = {ndarray}


def is_array(value: Any) -> bool:
    """Whether a value is raw data that an op computes on without recording (NumPy's scalars included)."""
    return type(value) in array_types or isinstance(value, (generic, ndarray))


def as_array(value: Any) -> Any:
    """A result as an array: NumPy turns results of no dimensions into scalars."""
    return np.array(value) if isinstance(value, (generic, bool, int, float, complex)) else value


def empty_like(array: Any, shape: tuple, dtype: Any = None) -> Any:
    """Uninitialised memory of the same kind as `array`."""
    return np.empty_like(array, shape=shape, dtype=dtype, subok=False)


def unmirrored(array: Any) -> Any:
    """An array that holds its elements as they are in memory: a lazy view of conjugates or negatives (mirrored.py) is computed."""
    return array.resolved() if type(array) is not ndarray and hasattr(array, "resolved") else array


def is_absent(array: Any) -> bool:
    """Whether an array has no elements to compute on (absent.py)."""
    return type(array) is not ndarray and hasattr(array, "stand_in")


def zeros_like(array: Any, shape: tuple | None = None, dtype: Any = None) -> Any:
    """Zeros of the same kind as `array`, by default of its shape and type, C-contiguous."""
    if isinstance(array, (ndarray, generic)):
        return np.zeros(array.shape if shape is None else shape, array.dtype if dtype is None else dtype)
    return np.zeros_like(array, shape=np.shape(array) if shape is None else shape, dtype=dtype, order="C", subok=False)


def _count_of_sole_owner() -> int:
    holder = [np.empty(1)]
    array = holder.pop()
    return sys.getrefcount(array)


# What getrefcount says of an array that one local variable holds; measured, since interpreters count differently.
SOLE_OWNER = _count_of_sole_owner()
