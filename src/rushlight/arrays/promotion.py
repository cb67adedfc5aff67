"""Type promotion of operands, as PyTorch does it, on arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import dtypes
from .basic import as_array

NUMBERS = (bool, int, float, complex)


def common_dtype(operands: list[Any]) -> dtypes.dtype:
    """The result type of a list of arrays and Python numbers.

    Arrays with dimensions count first, then arrays without, then Python numbers.
    """
    ranks: list[dtypes.dtype | None] = [None, None, None]
    for operand in operands:
        if isinstance(operand, NUMBERS) and not isinstance(operand, np.generic):
            rank, kind = 2, dtypes.of_scalar(operand)
        else:
            rank, kind = 0 if operand.ndim else 1, dtypes.from_numpy(operand.dtype)
        known = ranks[rank]
        ranks[rank] = kind if known is None else dtypes.promote_types(known, kind)
    return dtypes.combine(*ranks)


def cast(operand: Any, kind: dtypes.dtype) -> Any:
    """An array or number as an array of that type; the array itself where nothing changes."""
    if isinstance(operand, NUMBERS) and not isinstance(operand, np.generic):
        return scalar_array(operand, kind)
    return operand if operand.dtype == kind.numpy else convert(operand, kind)


def operand(value: Any, kind: dtypes.dtype) -> Any:
    """As `cast`, for an operand of arithmetic: an integer that does not fit wraps around."""
    if type(value) is int and kind.category == dtypes.INTEGER:
        return np.array(value).astype(kind.numpy)
    return cast(value, kind)


def convert(array: Any, kind: dtypes.dtype) -> Any:
    """A copy of an array in another type; a complex number loses its imaginary part."""
    if array.dtype.kind == "c" and not kind.is_complex and kind is not dtypes.bool:
        array = array.real
    return as_array(array.astype(kind.numpy))


def scalar_array(value: Any, kind: dtypes.dtype) -> Any:
    """A Python number as an array without dimensions. Raises RuntimeError when it does not fit."""
    if isinstance(value, complex) and not kind.is_complex:
        raise RuntimeError(f"value cannot be converted to type {kind.name} without overflow")
    if kind.category == dtypes.INTEGER:
        limits = np.iinfo(kind.numpy)
        # PyTorch lets a negative number wrap into an unsigned type.
        low = limits.min if kind.is_signed else -limits.max
        if not low <= value <= limits.max:
            raise RuntimeError(f"value cannot be converted to type {kind.name}_t without overflow")
        return np.array(int(value)).astype(kind.numpy)
    return np.array(value, kind.numpy)
