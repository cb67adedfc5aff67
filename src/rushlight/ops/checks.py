"""What ops ask of their arguments, with PyTorch's errors."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays.promotion import cast, common_dtype
from ..dtypes import type_word_of
from .dispatch import value_error

REDUCTIONS = ("none", "mean", "sum")


def floating(input: Any, kernel: str, refused: str = "biuc") -> Any:
    """The array itself. Raises NotImplementedError for the kinds of number that PyTorch's kernel of that name refuses."""
    if input.dtype.kind in refused:
        raise NotImplementedError(f'"{kernel}" not implemented for {type_word_of(input)!r}: convert with x.float()')
    return input


def alike(*arrays: Any) -> tuple:
    """Arrays converted to their common type; None stays None."""
    first = arrays[0].dtype
    if all(array is None or array.dtype is first for array in arrays):
        return arrays
    kind = common_dtype([array for array in arrays if array is not None])
    return tuple(None if array is None else cast(array, kind) for array in arrays)


def everywhere(condition: Any) -> bool:
    """Whether a condition holds for all elements, inside vmap those of all examples: for a decision between two ways."""
    return bool(np.all(examples_of(condition)))


def somewhere(condition: Any) -> bool:
    """Whether a condition holds for any element, inside vmap of any example."""
    return bool(np.any(examples_of(condition)))


def examples_of(condition: Any) -> Any:
    array = getattr(condition, "_array", condition)
    return array.data if hasattr(array, "levels") else array


def check_reduction(reduction: Any) -> None:
    """Raises ValueError for a reduction other than none, mean and sum."""
    if reduction not in REDUCTIONS:
        raise value_error(f"{reduction} is not a valid value for reduction")
