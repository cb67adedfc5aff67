"""Windows for pooling: which lines they meet, their maxima and sums.

Along each dimension a window is a list of taps; a table (taps, windows) says which line each tap meets in each window.
"""

from __future__ import annotations

from itertools import product
from math import prod
from typing import Any

import numpy as np

from .basic import zeros_like


def line_table(size: int, kernel: int, stride: int, padding: int, dilation: int, count: int) -> Any:
    """The table of sliding windows; lines outside are replaced by the first or last line that the window has inside."""
    lines = np.arange(0, kernel * dilation, dilation)[:, None] + (np.arange(count) * stride - padding)
    first = lines[0]
    first = np.where(first < 0, first + -(first // dilation) * dilation, first)
    last = first + (size - 1 - first) // dilation * dilation
    return np.minimum(np.maximum(lines, first), last)


def adaptive_table(size: int, count: int) -> Any:
    """The table of `count` windows that cover a dimension evenly, each from floor(i * size / count) to ceil((i + 1) * size /
    count).
    """
    number = np.arange(count)
    first, last = number * size // count, -(-(number + 1) * size // count) - 1
    taps = int((last - first).max(initial=0)) + 1
    return np.minimum(first + np.arange(taps)[:, None], last)


def as_slice(lines: Any) -> Any:
    """Line numbers as a slice where they are evenly spaced, which is quicker; else the numbers."""
    if len(lines) == 1:
        return slice(int(lines[0]), int(lines[0]) + 1)
    step = int(lines[1] - lines[0])
    if step > 0 and (np.diff(lines) == step).all():
        return slice(int(lines[0]), int(lines[-1]) + 1, step)
    return lines


def picked(x: Any, lines: list) -> Any:
    """The elements of the last dimensions at the crossings of these lines, one list per dimension."""
    first = x.ndim - len(lines)
    for dim, one in enumerate(lines):
        x = x[(slice(None),) * (first + dim) + (one,)]
    return x


def largest(x: Any, tables: list) -> tuple[Any, Any]:
    """The maxima of windows over the last dimensions, and where they stand in the flattened last dimensions (the first of equals).

    NaN counts as larger than anything.
    """
    taps = list(product(*[range(len(table)) for table in tables]))
    slices = [[as_slice(line) for line in table] for table in tables]
    parts = [picked(x, [one[t] for one, t in zip(slices, tap, strict=True)]) for tap in taps]
    best = parts[0].copy()
    numbers = np.zeros(best.shape, np.min_scalar_type(len(taps)))
    for number, values in enumerate(parts[1:], 1):
        larger = values > best
        np.maximum(numbers, np.multiply(larger, numbers.dtype.type(number)), out=numbers)  # taps come in ascending order
        np.maximum(best, values, out=best)
    if x.dtype.kind == "f" and best.size and np.isnan(np.maximum.reduce(best, None)):
        for number, values in enumerate(parts):
            np.copyto(numbers, number, where=np.isnan(values), casting="unsafe")
    return best, places_of_taps(numbers, np.array(taps, np.int64), tables, x.shape[x.ndim - len(tables) :])


def places_of_taps(numbers: Any, taps: Any, tables: list, size: tuple) -> Any:
    """The indices into flattened planes of the taps of these numbers (..., windows)."""
    steps = [prod(size[dim + 1 :]) for dim in range(len(size))]
    first: Any = 0
    for table, step in zip(tables, steps, strict=True):
        first = np.add.outer(first, table[0] * step)
    if all((table - table[0] == table[:, :1] - table[0, 0]).all() for table in tables):
        offsets = sum((table[taps[:, dim], 0] - table[0, 0]) * steps[dim] for dim, table in enumerate(tables))
        return np.take(offsets, numbers) + first
    result: Any = 0
    for dim, (table, step) in enumerate(zip(tables, steps, strict=True)):
        windows = np.arange(table.shape[1]).reshape(-1, *(1,) * (len(tables) - 1 - dim))
        result = result + np.take(table * step, np.take(taps[:, dim] * table.shape[1], numbers) + windows)
    return result


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
