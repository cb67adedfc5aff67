"""Shapes."""

from __future__ import annotations

from .kinds import Array, linear
import numpy as np


@linear(lambda g: g, view=True, method=False)
def alias(input: Array) -> Array:
    """The same tensor under another node."""
    return input[...]


@linear(lambda g, x_shape: g.sum_to_size(x_shape), view=True, variadic="size")
def expand(input: Array, *size: int) -> Array:
    return np.broadcast_to(input, size)
