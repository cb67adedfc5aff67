"""Choosing elements by a mask without branches, on bits: NumPy's own choice stumbles over masks without a pattern."""

from __future__ import annotations

from typing import Any

import numpy as np

ONE = np.array(1, np.int8)
INTEGERS = {2: np.dtype(np.int16), 4: np.dtype(np.int32), 8: np.dtype(np.int64)}


def masked(values: Any, mask: Any) -> Any:
    """`values` where `mask`, +0 elsewhere, also instead of infinities and NaN; the shapes broadcast."""
    kind = values.dtype
    if kind.kind == "c" or kind.kind == "V":
        return np.where(mask, values, np.zeros((), kind))
    if kind.kind != "f":
        return np.multiply(values, mask, dtype=kind)
    return np.bitwise_and(values.view(INTEGERS[kind.itemsize]), np.negative(mask.view(np.int8))).view(kind)


def cleared(values: Any, mask: Any) -> Any:
    """`values` where not `mask`, +0 where it is, also instead of infinities and NaN; the shapes broadcast."""
    kind = values.dtype
    if kind.kind != "f":
        return np.where(mask, np.zeros((), kind), values)
    return np.bitwise_and(values.view(INTEGERS[kind.itemsize]), np.subtract(mask.view(np.int8), ONE)).view(kind)


def select(mask: Any, chosen: Any, other: Any) -> Any:
    """`chosen` where `mask`, `other` elsewhere; one of them may be a Python number. The shapes broadcast."""
    kind = (other if hasattr(other, "dtype") else chosen).dtype
    if kind.kind != "f":
        return np.where(mask, chosen, other)
    integers = INTEGERS[kind.itemsize]
    other = other.view(integers) if hasattr(other, "dtype") else np.array(other, kind).view(integers)
    chosen = chosen.view(integers) if hasattr(chosen, "dtype") else np.array(chosen, kind).view(integers)
    return np.bitwise_xor(np.bitwise_and(np.bitwise_xor(chosen, other), np.negative(mask.view(np.int8))), other).view(kind)
