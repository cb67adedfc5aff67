"""Lines of an array along one dimension: repeated, merged again, and mixed by a matrix."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from .basic import zeros_like


def merge_lines(x: Any, lines: Any, dim: int, extent: int) -> Any:
    """Zeros of `extent` lines along `dim`, to which the lines of x are added at the numbers `lines`: the transpose of np.take."""
    result = zeros_like(x, (*x.shape[:dim], extent, *x.shape[dim + 1 :]))
    if not lines.size:
        return result
    steps = np.diff(lines)
    if (steps < 0).any():
        order = np.argsort(lines, kind="stable")
        lines, x = lines[order], np.take(x, order, dim)
        steps = np.diff(lines)
    starts = np.concatenate(([0], np.nonzero(steps)[0] + 1))
    result[(slice(None),) * dim + (lines[starts],)] = np.add.reduceat(x, starts, dim)
    return result


def mix_lines(x: Any, matrix: Any, dim: int) -> Any:
    """Each line along `dim` of the result is a combination of those of x, by the rows of `matrix`."""
    before, after = x.shape[:dim], x.shape[dim + 1 :]
    if not after:
        result = np.matmul(x.reshape(prod(before), x.shape[dim]), matrix.T)
    else:
        result = np.matmul(matrix, x.reshape(prod(before), x.shape[dim], prod(after)))
    return result.reshape(*before, len(matrix), *after).astype(x.dtype, copy=False)
