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

from .basic import zeros_like

CHUNK = 1 << 19  # elements of unfolded images at a time: they stay in cache, and little memory is asked for


def counts(size: tuple, kernel: tuple, stride: tuple, dilation: tuple) -> tuple:
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


class Sliding:
    """Windows of padded images of the extents `whole`: one column for each."""

    def __init__(self, whole: tuple, kernel: tuple, stride: tuple, dilation: tuple, size: tuple) -> None:
        self.kernel, self.stride, self.dilation, self.size = kernel, stride, dilation, size
        self.places = prod(size)

    def view(self, x: Any) -> Any:
        """The windows of images (N, C, ...): a view (N, C, *K, *places)."""
        rank = len(self.kernel)
        found = windows(x, self.kernel, self.stride, self.dilation)[(slice(None), slice(None), *map(slice, self.size))]
        return found.transpose(0, 1, *range(2 + rank, 2 + 2 * rank), *range(2, 2 + rank))

    def shifted(self, x: Any) -> list:
        """For each tap of a window the pixels that it meets: views (N, C, *places)."""
        return [x[(slice(None), slice(None), *where)] for where in taps(self.kernel, self.size, self.stride, self.dilation)]

    def spread(self, g: Any) -> Any:
        """Results (N, O, *L) as columns."""
        return g.reshape(*g.shape[:2], self.places)

    def empty(self, samples: int, channels: int, kind: Any) -> tuple[Any, Any]:
        """Memory for results, as columns (N, O, places), and as it is in the end (N, O, *L)."""
        result = np.empty((samples, channels, *self.size), kind)
        return result.reshape(samples, channels, self.places), result


class Running:
    """The same for windows that move by one: planes are read as lines, and windows run on over the ends of rows.

    The columns of windows across an end are computed in vain; in return memory is copied in long runs.
    """

    def __init__(self, whole: tuple, kernel: tuple, dilation: tuple, size: tuple) -> None:
        self.kernel, self.size = kernel, size
        self.steps = [prod(whole[d + 1 :]) for d in range(len(whole))]
        self.jumps = [step * d for step, d in zip(self.steps, dilation, strict=True)]
        self.rows = (size[0], *whole[1:])
        self.places = sum((n - 1) * step for n, step in zip(size, self.steps, strict=True)) + 1

    def view(self, x: Any) -> Any:
        if not x.flags.c_contiguous:
            x = np.ascontiguousarray(x)
        strides = (*x.strides[:2], *[jump * x.itemsize for jump in self.jumps], x.itemsize)
        return np.ndarray((*x.shape[:2], *self.kernel, self.places), x.dtype, x, 0, strides)

    def shifted(self, x: Any) -> list:
        lines = x.reshape(*x.shape[:2], -1)
        starts = [sum(map(int.__mul__, tap, self.jumps)) for tap in np.ndindex(self.kernel)]
        return [lines[:, :, start : start + self.places] for start in starts]

    def spread(self, g: Any) -> Any:
        columns, results = self.empty(*g.shape[:2], g.dtype)
        results.base[...] = 0
        results[...] = g
        return columns

    def empty(self, samples: int, channels: int, kind: Any) -> tuple[Any, Any]:
        memory = np.empty((samples, channels, *self.rows), kind)
        lines = memory.reshape(samples, channels, prod(self.rows))
        return lines[:, :, : self.places], memory[(slice(None), slice(None), *map(slice, self.size))]


def unfolding(whole: tuple, kernel: tuple, stride: tuple, dilation: tuple, size: tuple) -> Any:
    """The better way to unfold images of the extents `whole` into as many windows as `size` says."""
    if max(stride) == 1 and prod(size) and prod(whole[1:]) * size[0] <= 1.5 * prod(size):
        return Running(whole, kernel, dilation, size)
    return Sliding(whole, kernel, stride, dilation, size)


def in_chunks(samples: int, each: int) -> list[slice]:
    """Ranges of samples that have about CHUNK elements together."""
    step = max(1, CHUNK // max(each, 1))
    return [slice(i, min(i + step, samples)) for i in range(0, samples, step)]


def single(array: Any) -> Any:
    """Half precision in single; other arrays as they are."""
    return array.astype(np.float32) if array.dtype.itemsize == 2 and array.dtype.kind in "fV" else array


def convolve(x: Any, w: Any, stride: tuple, padding: tuple, dilation: tuple, groups: int) -> Any:
    """The convolution (without flipping, as usual in neural networks)."""
    kind, x, w = x.dtype, padded(single(x), padding), single(w)
    samples, channels, outputs, kernel = x.shape[0], x.shape[1], w.shape[0], w.shape[2:]
    size = counts(x.shape[2:], kernel, stride, dilation)
    each, rows = outputs // groups, channels // groups * prod(kernel)
    if size == x.shape[2:] and prod(kernel) == 1:
        image = x.reshape(samples, groups, rows, prod(size))
        return np.matmul(w.reshape(groups, each, rows), image).reshape(samples, outputs, *size).astype(kind, copy=False)
    plan = unfolding(x.shape[2:], kernel, stride, dilation, size)
    columns, result = plan.empty(samples, outputs, w.dtype)
    if groups == channels > 1:
        target = columns.reshape(samples, channels, each, plan.places)
        factors = w.reshape(channels, each, prod(kernel))
        for tap, part in enumerate(plan.shifted(x)):
            lines = part.reshape(samples, channels, 1, plan.places)
            if tap:
                target += lines * factors[:, :, tap, None]
            else:
                np.multiply(lines, factors[:, :, tap, None], out=target)
    else:
        view, matrix = plan.view(x), w.reshape(groups, each, rows)
        target = columns.reshape(samples, groups, each, plan.places)
        for part in in_chunks(samples, groups * rows * plan.places):
            np.matmul(matrix, view[part].reshape(-1, groups, rows, plan.places), out=target[part])
    return np.ascontiguousarray(result, kind)


def spread_image(g: Any, w: Any, size: tuple, stride: tuple, padding: tuple, dilation: tuple, groups: int) -> Any:
    """The transpose of `convolve` with respect to the image, whose extents are `size`: a transposed convolution."""
    kind, g, w = g.dtype, single(g), single(w)
    samples, outputs, kernel, channels = g.shape[0], w.shape[0], w.shape[2:], w.shape[1] * groups
    whole = zeros_like(g, (samples, channels, *[n + 2 * p for n, p in zip(size, padding, strict=True)]))
    plan = unfolding(whole.shape[2:], kernel, stride, dilation, g.shape[2:])
    each, count = outputs // groups, prod(kernel)
    rows, columns = w.shape[1] * count, plan.spread(g).reshape(samples, groups, each, plan.places)
    if groups == channels > 1:
        factors = w.reshape(groups, each, count)
        for tap, part in enumerate(plan.shifted(whole)):
            part += np.add.reduce(columns * factors[:, :, tap, None], 2).reshape(part.shape)
    else:
        matrix = w.reshape(groups, each, rows).transpose(0, 2, 1)
        for chunk in in_chunks(samples, groups * rows * plan.places):
            parts = plan.shifted(whole[chunk])
            products = np.matmul(matrix, columns[chunk]).reshape(-1, channels, count, *parts[0].shape[2:])
            for tap, part in enumerate(parts):
                part += products[:, :, tap]
    return np.ascontiguousarray(whole[inner(size, padding)], kind)


def correlate(g: Any, x: Any, kernel: tuple, stride: tuple, padding: tuple, dilation: tuple, groups: int) -> Any:
    """The transpose of `convolve` with respect to the kernel, of extents K."""
    kind, g, x = g.dtype, single(g), padded(single(x), padding)
    samples, channels, outputs = x.shape[0], x.shape[1], g.shape[1]
    each, taken, count = outputs // groups, channels // groups, prod(kernel)
    plan = unfolding(x.shape[2:], kernel, stride, dilation, g.shape[2:])
    total = zeros_like(g, (groups, each, taken * count))
    columns = plan.spread(g)
    if groups == channels > 1:
        parts = columns.reshape(samples, groups, each, plan.places)
        for tap, image in enumerate(plan.shifted(x)):
            total[:, :, tap] = np.add.reduce(np.matmul(parts, image.reshape(samples, groups, plan.places, 1))[..., 0], 0)
    else:
        view = np.moveaxis(plan.view(x), 0, 1 + len(kernel))  # (C, *K, N, places)
        for chunk in in_chunks(samples, groups * taken * count * plan.places):
            images = view[(slice(None),) * (1 + len(kernel)) + (chunk,)].reshape(groups, taken * count, -1)
            vectors = columns[chunk].transpose(1, 0, 2).reshape(groups, each, -1)
            total += np.matmul(vectors, images.transpose(0, 2, 1))
    return total.reshape(outputs, taken, *kernel).astype(kind, copy=False)
