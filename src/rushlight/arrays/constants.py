"""Small arrays that are needed again and again: made once, and read-only."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np


@lru_cache(maxsize=64)
def ones(count: int, kind: Any) -> np.ndarray:
    """A vector of ones."""
    vector = np.ones(count, kind)
    vector.flags.writeable = False
    return vector


@lru_cache(maxsize=64)
def averages(count: int, kind: Any) -> np.ndarray:
    """The vector whose product with a vector is the mean of that."""
    vector = np.full(count, 1.0 / count if count else 0.0, kind)
    vector.flags.writeable = False
    return vector


@lru_cache(maxsize=64)
def multiples(count: int, step: int) -> np.ndarray:
    """0, step, 2 step, ...: where the rows of a flattened matrix begin."""
    vector = np.arange(0, count * step, step) if step else np.zeros(count, np.int64)
    vector.flags.writeable = False
    return vector
