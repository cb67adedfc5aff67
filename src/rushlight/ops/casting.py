"""Conversions of type."""

from __future__ import annotations

from .. import dtypes
from ..arrays.promotion import convert
from .kinds import Array, linear


@linear(lambda g: g, node="ToCopyBackward0", method=False)
def to_dtype(input: Array, dtype: dtypes.dtype) -> Array:
    """A copy in another type. The engine brings the cotangent back to the input's type."""
    return convert(input, dtype)
