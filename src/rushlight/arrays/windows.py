"""Sliding windows over the last dimensions of an array, and the three products of a convolution made of them.

Shapes: images (N, C, *S), kernels (O, C / groups, *K), results (N, O, *L). A convolution is bilinear: `convolve` itself, and its
transposes with respect to the image (`spread_image`) and the kernel (`correlate`). Each is one matrix product per chunk of images,
with columns that hold the windows.
"""

from __future__ import annotations

from itertools import product
from math import prod
from typing import Any

import numpy as np

from .basic import unmirrored, zeros_like
from .elementary import single

CHUNK = 1 << 19  # elements of unfolded images at a time: they stay in cache, and little memory is asked for


def counts(size: list | tuple, kernel: tuple, stride: tuple, dilation: tuple) -> tuple:
    """How many windows fit, along each dimension."""
    return tuple([(n - d * (k - 1) - 1) // s + 1 for n, k, s, d in zip(size, kernel, stride, dilation, strict=True)])


def padded(x: Any, padding: tuple) -> Any:
    """The array with as many zeros as `padding` says on both sides of each of the last dimensions."""
    if not any(padding):
        return x
    first = x.ndim - len(padding)
    shape = x.shape[:first] + tuple([n + 2 * p for n, p in zip(x.shape[first:], padding, strict=True)])
    result = zeros_like(x, shape)
    result[inner(x.shape[first:], padding)] = x
    return result


def inner(size: tuple, padding: tuple) -> tuple:
    """The index of what is not padding."""
    return (..., *[slice(p, p + n) for n, p in zip(size, padding, strict=True)])


def windows(x: Any, kernel: tuple, stride: tuple, dilation: tuple) -> Any:
    """A view (..., *L, *K): at each place of the last dimensions the window that begins there."""
    first = x.ndim - len(kernel)
    x = unmirrored(x)
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


def in_chunks(samples: int, each: int) -> list[slice]:
    """Ranges of samples that have about CHUNK elements together."""
    step = max(1, CHUNK // max(each, 1))
    return [slice(i, min(i + step, samples)) for i in range(0, samples, step)]


def unfolded(x: Any, kernel: tuple, stride: tuple, dilation: tuple, size: tuple) -> Any:
    """The first `size` windows of images (N, C, *S): a view (N, C, *K, *size)."""
    rank = len(kernel)
    view = windows(x, kernel, stride, dilation)[(slice(None), slice(None), *map(slice, size))]
    return view.transpose(0, 1, *range(2 + rank, 2 + 2 * rank), *range(2, 2 + rank))


def convolve(x: Any, w: Any, stride: tuple, padding: tuple, dilation: tuple, groups: int) -> Any:
    """The convolution (without flipping, as usual in neural networks)."""
    kind, x, w = x.dtype, padded(single(x), padding), single(w)
    samples, channels, outputs, kernel = x.shape[0], x.shape[1], w.shape[0], w.shape[2:]
    size = counts(x.shape[2:], kernel, stride, dilation)
    rows, places = channels // groups * prod(kernel), prod(size)
    matrix = w.reshape(groups, outputs // groups, rows)
    if size == x.shape[2:] and prod(kernel) == 1:
        result = np.matmul(matrix, x.reshape(samples, groups, rows, places))
        return result.reshape(samples, outputs, *size).astype(kind, copy=False)
    result = np.empty((samples, groups, outputs // groups, places), w.dtype)
    view = unfolded(x, kernel, stride, dilation, size)
    for part in in_chunks(samples, groups * rows * places):
        np.matmul(matrix, view[part].reshape(part.stop - part.start, groups, rows, places), out=result[part])
    return result.reshape(samples, outputs, *size).astype(kind, copy=False)


def spread_image(g: Any, w: Any, size: tuple, stride: tuple, padding: tuple, dilation: tuple, groups: int) -> Any:
    """The transpose of `convolve` with respect to the image, whose extents are `size`: a transposed convolution."""
    kind, g, w = g.dtype, single(g), single(w)
    samples, outputs, kernel, channels = g.shape[0], w.shape[0], w.shape[2:], w.shape[1] * groups
    whole = zeros_like(g, (samples, channels, *[n + 2 * p for n, p in zip(size, padding, strict=True)]))
    places, rows = prod(g.shape[2:]), w.shape[1] * prod(kernel)
    slices = taps(kernel, g.shape[2:], stride, dilation)
    matrix = w.reshape(groups, outputs // groups, rows).transpose(0, 2, 1)
    vectors = g.reshape(samples, groups, outputs // groups, places)
    times = np.multiply if outputs == groups else np.matmul  # a column times a row is quicker without a matrix product
    for part in in_chunks(samples, groups * rows * places):
        columns = times(matrix, vectors[part]).reshape(part.stop - part.start, channels, len(slices), *g.shape[2:])
        for tap, where in enumerate(slices):
            whole[(part, slice(None), *where)] += columns[:, :, tap]
    return np.ascontiguousarray(whole[inner(size, padding)], kind)


def correlate(g: Any, x: Any, kernel: tuple, stride: tuple, padding: tuple, dilation: tuple, groups: int) -> Any:
    """The transpose of `convolve` with respect to the kernel, of extents K."""
    kind, g, x = g.dtype, single(g), padded(single(x), padding)
    samples, channels, outputs, size = x.shape[0], x.shape[1], g.shape[1], g.shape[2:]
    each, rows, places = outputs // groups, channels // groups * prod(kernel), prod(size)
    total = zeros_like(g, (groups, each, rows))
    view = unfolded(x, kernel, stride, dilation, size)
    if places < 64:  # windows of all images of a chunk in one product
        view = view.transpose(1, *range(2, 2 + len(kernel)), 0, *range(2 + len(kernel), view.ndim))
        for part in in_chunks(samples, groups * rows * places):
            columns = view[(slice(None),) * (1 + len(kernel)) + (part,)].reshape(groups, rows, -1)
            vectors = g[part].reshape(part.stop - part.start, outputs, places).transpose(1, 0, 2).reshape(groups, each, -1)
            total += np.matmul(vectors, columns.transpose(0, 2, 1))
    else:
        vectors = g.reshape(samples, groups, each, places)
        for part in in_chunks(samples, groups * rows * places):
            columns = view[part].reshape(part.stop - part.start, groups, rows, places)
            total += np.add.reduce(np.matmul(vectors[part], columns.transpose(0, 1, 3, 2)), 0)
    return total.reshape(outputs, channels // groups, *kernel).astype(kind, copy=False)
