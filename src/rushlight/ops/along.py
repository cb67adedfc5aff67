"""Elements along one dimension: a slice, one per line, and putting those back. Derivatives of selections use these."""

from __future__ import annotations

from typing import Any

import numpy as np

from .dims import position
from .indexing import basic_index, index_spread, raw
from .indexing import index as picked


def slice_of(dim: int, rank: int, part: slice) -> tuple:
    """The index that takes a slice along one dimension, and everything along the others."""
    return (slice(None),) * position(dim, rank) + (part,)


def part_along(x: Any, dim: int, part: slice) -> Any:
    """A slice along one dimension, as a view; its step may be negative."""
    return basic_index(x, slice_of(dim, len(x.shape), part))


def flip(x: Any, dim: int) -> Any:
    """The elements along one dimension in reverse order."""
    return part_along(x, dim, slice(None, None, -1)) if x.shape else x


def places(index: Any, shape: tuple, dim: int) -> tuple:
    """`index`, which counts along `dim`, completed to an index of all dimensions of an array of that shape."""
    rank = len(shape)
    dim %= rank
    line = [1] * rank
    return tuple(
        raw(index) if d == dim else np.arange(extent).reshape(*line[:d], extent, *line[d + 1 :])
        for d, extent in enumerate(shape)
    )


def take_along(x: Any, index: Any, dim: int) -> Any:
    """`x[i, index[i, j], ...]`: an int64 index per line along `dim`; the shapes agree, or broadcast, elsewhere."""
    return picked(x, places(index, x.shape, dim)) if x.shape else x


def put_along(g: Any, index: Any, dim: int, shape: tuple, unique: bool = False) -> Any:
    """Zeros of that shape with elements of g added where `take_along` would pick; `unique`: no place repeats."""
    return index_spread(g, shape, places(index, shape, dim), unique) if shape else g
