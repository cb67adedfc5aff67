"""Windows for pooling: which lines they meet, their maxima and sums.

Along each dimension a window is a list of taps; a table (taps, windows) says which line each tap meets in each window.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import product
from math import prod
from typing import Any

import numpy as np

from .basic import zeros_like


@lru_cache(maxsize=256)
def sliding(size: tuple, kernel: tuple, stride: tuple, padding: tuple, dilation: tuple, count: tuple) -> Windows:
    """Sliding windows; lines outside are replaced by the first or last line that the window has inside."""
    tables = []
    for extent, k, s, p, d, windows in zip(size, kernel, stride, padding, dilation, count, strict=True):
        lines = np.arange(0, k * d, d)[:, None] + (np.arange(windows) * s - p)
        first = lines[0]
        first = np.where(first < 0, first + -(first // d) * d, first)
        last = first + (extent - 1 - first) // d * d
        tables.append(np.minimum(np.maximum(lines, first), last))
    return Windows(tables, size)


@lru_cache(maxsize=256)
def covering(size: tuple, count: tuple) -> Windows:
    """Windows that cover each dimension evenly, number i from floor(i * size / count) to ceil((i + 1) * size / count)."""
    tables = []
    for extent, windows in zip(size, count, strict=True):
        number = np.arange(windows)
        first, last = number * extent // windows, -(-(number + 1) * extent // windows) - 1
        taps = int((last - first).max(initial=0)) + 1
        tables.append(np.minimum(first + np.arange(taps)[:, None], last))
    return Windows(tables, size)


class Windows:
    """Windows over the last dimensions, of extents `size`: by one table (taps, windows) of lines per dimension."""

    __slots__ = ("crossings", "_tables", "_taps", "_steps", "_first", "_offsets")

    def __init__(self, tables: list, size: tuple) -> None:
        slices = [[as_slice(line) for line in table] for table in tables]
        self._tables, self._taps = tables, np.array(list(product(*[range(len(table)) for table in tables])), np.int64)
        self._steps = [prod(size[dim + 1 :]) for dim in range(len(size))]
        # Per tap, what picks the elements that it meets, one index after the other.
        self.crossings = [crossing([one[t] for one, t in zip(slices, tap, strict=True)]) for tap in self._taps]
        self._first: Any = 0  # where each window begins in a flattened plane
        for table, step in zip(tables, self._steps, strict=True):
            self._first = np.add.outer(self._first, table[0] * step)
        alike = all((table - table[0] == table[:, :1] - table[0, 0]).all() for table in tables)
        self._offsets = alike and sum(  # of taps from there, where they are the same in all windows
            (table[self._taps[:, dim], 0] - table[0, 0]) * self._steps[dim] for dim, table in enumerate(tables)
        )

    def places(self, numbers: Any) -> Any:
        """The indices into flattened planes of the taps of these numbers (..., windows)."""
        if self._offsets is not False:
            return np.take(self._offsets, numbers) + self._first
        result: Any = 0
        for dim, (table, step) in enumerate(zip(self._tables, self._steps, strict=True)):
            windows = np.arange(table.shape[1]).reshape(-1, *(1,) * (len(self._tables) - 1 - dim))
            result = result + np.take(table * step, np.take(self._taps[:, dim] * table.shape[1], numbers) + windows)
        return result


def as_slice(lines: Any) -> Any:
    """Line numbers as a slice where they are evenly spaced, which is quicker; else the numbers."""
    if len(lines) == 1:
        return slice(int(lines[0]), int(lines[0]) + 1)
    step = int(lines[1] - lines[0])
    if step > 0 and (np.diff(lines) == step).all():
        return slice(int(lines[0]), int(lines[-1]) + 1, step)
    return lines


def crossing(lines: list) -> list[tuple]:
    """Indices that pick the crossings of lines of the last dimensions: one where all are slices, else one per dimension."""
    if all(type(one) is slice for one in lines):
        return [(..., *lines)]
    return [(..., one, *(slice(None),) * (len(lines) - 1 - dim)) for dim, one in enumerate(lines)]


def largest(x: Any, windows: Windows) -> tuple[Any, Any]:
    """The maxima of windows, and where they stand in the flattened last dimensions (the first of equals).

    NaN counts as larger than anything.
    """
    parts = []
    for indices in windows.crossings:
        part = x
        for index in indices:
            part = part[index]
        parts.append(part)
    best = parts[0].copy()
    numbers = np.zeros(best.shape, np.min_scalar_type(len(parts)))
    for number, values in enumerate(parts[1:], 1):
        larger = values > best
        np.maximum(numbers, np.multiply(larger, numbers.dtype.type(number)), out=numbers)  # taps come in ascending order
        np.maximum(best, values, out=best)
    if x.dtype.kind == "f" and best.size and np.isnan(np.maximum.reduce(best, None)):
        for number, values in enumerate(parts):
            np.copyto(numbers, number, where=np.isnan(values), casting="unsafe")
    return best, windows.places(numbers)


def sum_windows(x: Any, kernel: tuple, stride: tuple, padding: tuple, count: tuple) -> Any:
    """The sums of sliding windows, dimension by dimension."""
    first = x.ndim - len(kernel)
    for dim, (k, s, p, c) in enumerate(zip(kernel, stride, padding, count, strict=True), first):
        size, before = x.shape[dim], (slice(None),) * dim
        total = zeros_like(x, (*x.shape[:dim], c, *x.shape[dim + 1 :]))
        for tap in range(k):
            low, high = inside(tap - p, s, size, c)
            if low < high:
                lines = slice(low * s + tap - p, (high - 1) * s + tap - p + 1, s)
                total[(*before, slice(low, high))] += x[(*before, lines)]
        x = total
    return x


def spread_windows(g: Any, kernel: tuple, stride: tuple, padding: tuple, size: tuple) -> Any:
    """The transpose of `sum_windows`: each number added to all places of its window."""
    first = g.ndim - len(kernel)
    for dim, (k, s, p, n) in enumerate(zip(kernel, stride, padding, size, strict=True), first):
        count, before = g.shape[dim], (slice(None),) * dim
        total = zeros_like(g, (*g.shape[:dim], n, *g.shape[dim + 1 :]))
        for tap in range(k):
            low, high = inside(tap - p, s, n, count)
            if low < high:
                lines = slice(low * s + tap - p, (high - 1) * s + tap - p + 1, s)
                total[(*before, lines)] += g[(*before, slice(low, high))]
        g = total
    return g


def inside(offset: int, stride: int, size: int, count: int) -> tuple[int, int]:
    """Which windows, from and to, have the tap at that offset from their beginning inside a dimension."""
    return max(0, -(offset // stride)), min(count, (size - 1 - offset) // stride + 1)


def averaging_matrix(size: int, count: int, kind: Any) -> Any:
    """The matrix that takes the means of `count` windows that cover a dimension evenly."""
    number, lines = np.arange(count)[:, None], np.arange(size)
    first, end = number * size // count, -(-(number + 1) * size // count)
    return ((lines >= first) & (lines < end)).astype(kind) / np.maximum(end - first, 1).astype(kind)
