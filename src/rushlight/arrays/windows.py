"""Sliding windows over the last dimensions of an array, and the three products of a convolution made of them.

Shapes: images (N, C, *S), kernels (O, C / groups, *K), results (N, O, *L). A convolution is bilinear: `convolve` itself, and its
transposes with respect to the image (`spread_image`) and the kernel (`correlate`).
"""

from __future__ import annotations

from itertools import product
from math import prod
from typing import Any

import numpy as np

from .basic import zeros_like

CHUNK = 1 << 19  # elements of unfolded images at a time: they stay in cache, and little memory is asked for


def counts(size: tuple, kernel: tuple, stride: tuple, dilation: tuple) -> tuple:
    """How many windows fit, along each dimension."""
    return tuple([(n - d * (k - 1) - 1) // s + 1 for n, k, s, d in zip(size, kernel, stride, dilation, strict=True)])


def padded(x: Any, padding: tuple, value: float = 0.0) -> Any:
    """The array with as many elements as `padding` says on both sides of each of the last dimensions."""
    if not any(padding):
        return x
    first = x.ndim - len(padding)
    shape = x.shape[:first] + tuple([n + 2 * p for n, p in zip(x.shape[first:], padding, strict=True)])
    result = zeros_like(x, shape)
    if value:
        result[...] = value
    result[(..., *[slice(p, p + n) for n, p in zip(x.shape[first:], padding, strict=True)])] = x
    return result


def windows(x: Any, kernel: tuple, stride: tuple, dilation: tuple) -> Any:
    """A view (..., *L, *K): at each place of the last dimensions the window that begins there."""
    first = x.ndim - len(kernel)
    if not x.flags.c_contiguous:
        x = np.ascontiguousarray(x)
    steps = x.strides[first:]
    shape = x.shape[:first] + counts(x.shape[first:], kernel, stride, dilation) + tuple(kernel)
    strides = x.strides[:first] + tuple([a * b for a, b in zip(steps, stride, strict=True)])
    return np.ndarray(shape, x.dtype, x, 0, strides + tuple([a * b for a, b in zip(steps, dilation, strict=True)]))


def taps(kernel: tuple, size: tuple, stride: tuple, dilation: tuple) -> list[tuple]:
    """For each position within a window, in order, the slices of the image that it meets in all windows; `size` is L."""
    starts = product(*[range(0, k * d, d) for k, d in zip(kernel, dilation, strict=True)])
    return [
        tuple([slice(a, a + s * (n - 1) + 1, s) for a, n, s in zip(start, size, stride, strict=True)]) for start in starts
    ]


def in_chunks(samples: int, each: int) -> list[tuple[int, int]]:
    """Ranges of samples that have about CHUNK elements."""
    step = max(1, CHUNK // max(each, 1))
    return [(i, min(i + step, samples)) for i in range(0, samples, step)]


def single(array: Any) -> Any:
    """Half precision in single; other arrays as they are."""
    return array.astype(np.float32) if array.dtype.itemsize == 2 and array.dtype.kind in "fV" else array


def convolve(x: Any, w: Any, stride: tuple, padding: tuple, dilation: tuple, groups: int) -> Any:
    """The convolution (without flipping, as usual in neural networks)."""
    kind, x, w = x.dtype, single(x), single(w)
    x, rank, kernel = padded(x, padding), len(stride), w.shape[2:]
    samples, channels, outputs = x.shape[0], x.shape[1], w.shape[0]
    size = counts(x.shape[2:], kernel, stride, dilation)
    result = np.empty((samples, outputs, *size), w.dtype)
    if w.shape[1] == 1 and groups > 1:
        convolve_each(x, w, taps(kernel, size, stride, dilation), result)
        return result.astype(kind, copy=False)
    rows, places = channels // groups * prod(kernel), prod(size)
    matrix, target = w.reshape(groups, outputs // groups, rows), result.reshape(samples, groups, outputs // groups, places)
    if size == x.shape[2:] and prod(kernel) == 1:
        np.matmul(matrix, x.reshape(samples, groups, rows, places), out=target)
        return result.astype(kind, copy=False)
    view = windows(x, kernel, stride, dilation).transpose(0, 1, *range(2 + rank, 2 + 2 * rank), *range(2, 2 + rank))
    for start, stop in in_chunks(samples, channels * prod(kernel) * places):
        np.matmul(matrix, view[start:stop].reshape(stop - start, groups, rows, places), out=target[start:stop])
    return result.astype(kind, copy=False)


def convolve_each(x: Any, w: Any, slices: list, result: Any) -> None:
    """`convolve` where each channel has kernels of its own: tap by tap."""
    samples, channels = x.shape[:2]
    target = result.reshape(samples, channels, -1, *result.shape[2:])
    target[...] = 0
    factors = w.reshape(channels, -1, len(slices), *(1,) * (x.ndim - 2))
    for tap, where in enumerate(slices):
        target += x[(slice(None), slice(None), None, *where)] * factors[:, :, tap]


def spread_image(
    g: Any, w: Any, size: tuple, stride: tuple, padding: tuple, dilation: tuple, groups: int
) -> Any:
    """The transpose of `convolve` with respect to the image, whose extents are `size`: a transposed convolution."""
    kind, g, w = g.dtype, single(g), single(w)
    samples, outputs, places = g.shape[0], w.shape[0], prod(g.shape[2:])
    kernel, channels = w.shape[2:], w.shape[1] * groups
    whole = zeros_like(g, (samples, channels, *[n + 2 * p for n, p in zip(size, padding, strict=True)]))
    slices = taps(kernel, g.shape[2:], stride, dilation)
    rows = w.shape[1] * len(slices)
    if w.shape[1] == 1 and groups > 1:
        factors = w.reshape(groups, -1, len(slices), *(1,) * len(size))
        parts = g.reshape(samples, groups, -1, *g.shape[2:])
        for tap, where in enumerate(slices):
            whole[(slice(None), slice(None), *where)] += np.add.reduce(parts * factors[:, :, tap], 2)
    else:
        matrix = w.reshape(groups, outputs // groups, rows).transpose(0, 2, 1)
        vectors = g.reshape(samples, groups, outputs // groups, places)
        for start, stop in in_chunks(samples, channels * len(slices) * places):
            columns = np.matmul(matrix, vectors[start:stop]).reshape(stop - start, channels, len(slices), *g.shape[2:])
            for tap, where in enumerate(slices):
                whole[(slice(start, stop), slice(None), *where)] += columns[:, :, tap]
    inner = (..., *[slice(p, p + n) for n, p in zip(size, padding, strict=True)])
    return (np.ascontiguousarray(whole[inner]) if any(padding) else whole).astype(kind, copy=False)


def correlate(
    g: Any, x: Any, kernel: tuple, stride: tuple, padding: tuple, dilation: tuple, groups: int
) -> Any:
    """The transpose of `convolve` with respect to the kernel, of extents K."""
    kind, g, x = g.dtype, single(g), single(x)
    x, rank = padded(x, padding), len(stride)
    samples, channels, outputs, size = x.shape[0], x.shape[1], g.shape[1], g.shape[2:]
    each = channels // groups
    total = zeros_like(g, (groups, outputs // groups, each * prod(kernel)))
    if each == 1 and groups > 1:
        parts = g.reshape(samples, groups, -1, prod(size))
        for tap, where in enumerate(taps(kernel, size, stride, dilation)):
            image = x[(slice(None), slice(None), *where)].reshape(samples, groups, prod(size), 1)
            total[:, :, tap] = np.add.reduce(np.matmul(parts, image)[..., 0], 0)
    else:
        view = windows(x, kernel, stride, dilation)[(slice(None), slice(None), *[slice(n) for n in size])]
        view = view.transpose(1, *range(2 + rank, 2 + 2 * rank), 0, *range(2, 2 + rank))
        for start, stop in in_chunks(samples, channels * prod(kernel) * prod(size)):
            columns = view[(slice(None),) * (rank + 1) + (slice(start, stop),)].reshape(groups, each * prod(kernel), -1)
            vectors = g[start:stop].reshape(stop - start, outputs, -1).transpose(1, 0, 2).reshape(groups, outputs // groups, -1)
            total += np.matmul(vectors, columns.transpose(0, 2, 1))
    return total.reshape(outputs, each, *kernel).astype(kind, copy=False)
