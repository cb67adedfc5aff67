"""Pooling: the maximum, the mean or a norm of windows, sliding or as many as asked for, in one to three dimensions."""

from __future__ import annotations

import builtins
from itertools import product
from math import prod
from typing import Any

import numpy as np

from ..arrays.basic import zeros_like
from ..arrays.lines import mix_lines
from ..arrays.pools import averaging_matrix, covering, largest, sliding, spread_windows, sum_windows
from ..dtypes import type_word_of
from ..tensor import Tensor
from .checks import floating
from .complexes import abs
from .functions import sign
from .kinds import Array, composite, general, linear
from .samples import T, call

int64 = np.dtype("int64")

# --- geometry ---------------------------------------------------------------------------------------------------------------------


def numbers(value: Any, rank: int, name: str, op: str) -> tuple:
    """One number per dimension, from a number or a sequence. Raises RuntimeError for another count."""
    values = tuple(value) if isinstance(value, (tuple, list)) else (value,)
    if len(values) == 1:
        values *= rank
    if len(values) != rank:
        words = {2: "two", 3: "three"}.get(rank, "one")
        raise RuntimeError(f"{op}: {name} must either be a single int, or a tuple of {words} ints")
    return values


def window_count(size: int, kernel: int, stride: int, padding: int, dilation: int, ceil_mode: bool) -> int:
    """How many windows there are along a dimension; with `ceil_mode` the last may reach over the end, but not begin there."""
    room = size + 2 * padding - dilation * (kernel - 1) - 1
    count = -(-room // stride) + 1 if ceil_mode else room // stride + 1
    return count - 1 if ceil_mode and (count - 1) * stride >= size + padding else count


def by(sizes: tuple) -> str:
    """Extents as PyTorch writes them: a plane has two at least, and channels."""
    return "x".join(map(str, (1,) * builtins.max(1, 3 - len(sizes)) + tuple(sizes)))


def geometry(
    op: str, size: tuple, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool
) -> tuple[tuple, tuple, tuple, tuple, tuple]:
    """Kernel, stride, padding, dilation and number of windows per dimension. Raises RuntimeError for what makes no sense."""
    rank = len(size)
    kernel = numbers(kernel_size, rank, "kernel_size", op)
    stride = kernel if stride is None or stride == () or stride == [] else numbers(stride, rank, "stride", op)
    padding, dilation = numbers(padding, rank, "padding", op), numbers(dilation, rank, "dilation", op)
    if min(stride) <= 0:
        raise RuntimeError("stride should not be zero")
    if min(kernel) <= 0:
        raise RuntimeError(f"kernel size should be greater than zero, but got {list(kernel)}")
    if min(dilation) <= 0:
        raise RuntimeError(f"{op}() dilation must be greater than zero, but got {min(dilation)}")
    if min(padding) < 0:
        raise RuntimeError(f"pad must be non-negative, but got pad: {min(padding)}")
    for p, k, d in zip(padding, kernel, dilation, strict=True):
        if p > (d * (k - 1) + 1) // 2:
            raise RuntimeError(
                f"pad should be at most half of effective kernel size, but got pad={p}, kernel_size={k} and dilation={d}"
            )
    count = tuple([window_count(*one, ceil_mode) for one in zip(size, kernel, stride, padding, dilation, strict=True)])
    if min(count) < 1:
        raise RuntimeError(
            f"Given input size: ({by(size)}). Calculated output size: ({by(count)}). Output size is too small"
        )
    return kernel, stride, padding, dilation, count


# --- maxima -----------------------------------------------------------------------------------------------------------------------


def plane_places(indices: Any, size: tuple) -> Any:
    """Indices within planes of those extents as indices of all planes together."""
    planes = indices.shape[: indices.ndim - len(size)]
    first = np.arange(prod(planes)).reshape(*planes, *(1,) * len(size))
    return indices + first * prod(size)


@linear(lambda g, indices, size: gather_planes(g, indices, size), method=False)
def scatter_planes(input: Array, indices: Array, size: tuple, apart: bool = False) -> Array:
    """Planes of zeros, of the extents `size`, with the input added at `indices` into each flattened plane.

    `apart` promises that no place repeats.
    """
    result = zeros_like(input, (*input.shape[: input.ndim - len(size)], *size))
    if apart:
        result.reshape(-1)[plane_places(indices, size)] = input
    else:
        np.add.at(result.reshape(-1), plane_places(indices, size).reshape(-1), input.reshape(-1))
    return result


@linear(lambda g, indices, size: scatter_planes(g, indices, size), method=False)
def gather_planes(input: Array, indices: Array, size: tuple) -> Array:
    """The elements at `indices` into each flattened plane: the transpose of `scatter_planes`."""
    return np.take(input.reshape(-1), plane_places(indices, size))


def max_pool_name(node: Any, *args: Any, **kwargs: Any) -> str:
    """PyTorch's name of the node: one-dimensional pooling is two-dimensional there."""
    return f"MaxPool{builtins.max(2, len(node.shapes[0]) - 2)}DWithIndicesBackward0"


def windows_overlap(kernel_size: Any, stride: Any) -> bool:
    """Whether windows may have pixels in common."""
    if stride is None or stride == () or stride == []:
        return False
    steps = stride if isinstance(stride, (tuple, list)) else (stride,)
    return builtins.max(kernel_size) > builtins.min(steps)


@general(
    lambda g, out, x_shape, kernel_size, stride, dilation: scatter_planes(
        g, out[1], x_shape[2:], dilation == 1 and not windows_overlap(kernel_size, stride)),
    method=False, node=max_pool_name,
    samples=lambda: [
        call(T((2, 2, 6), distinct=True), (2,)), call(T((1, 2, 5, 4), distinct=True), (3, 2), (2, 1), (1, 0), (1, 2), True),
        call(T((1, 1, 3, 4, 3), distinct=True), (2, 2, 2), (1, 2, 1)),
    ],
)  # fmt: skip
def max_pool_with_indices(
    input: Array, kernel_size: tuple, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False
) -> Array:
    """The maxima of windows of (N, C, ...), and their indices in the flattened planes. Padding counts as -inf."""
    size = floating(input, f"max_pool{builtins.max(2, input.ndim - 2)}d", refused="c").shape[2:]
    kernel, stride, padding, dilation, count = geometry(
        f"max_pool{len(size)}d", size, kernel_size, stride, padding, dilation, ceil_mode
    )
    return largest(input, sliding(size, kernel, stride, padding, dilation, count))


@general(
    lambda g, out, x_shape: scatter_planes(g, out[1], x_shape[2:]), method=False,
    node=lambda node, *args, **kwargs: f"AdaptiveMaxPool{builtins.max(2, len(node.shapes[0]) - 2)}DBackward0",
    samples=lambda: [call(T((1, 2, 5), distinct=True), (3,)), call(T((1, 2, 5, 4), distinct=True), (2, 3))],
)  # fmt: skip
def adaptive_max_pool(input: Array, count: tuple) -> Array:
    """The maxima of `count` windows that cover (N, C, ...) evenly, and their indices in the flattened planes."""
    return largest(input, covering(input.shape[2:], tuple(count)))


@general(
    lambda g, out, x_shape: scatter_planes(g, out[1], x_shape[2:]), method=False,
    node=lambda node, *args, **kwargs: f"FractionalMaxPool{len(node.shapes[0]) - 2}DBackward0",
)  # fmt: skip
def fractional_max_pool(input: Array, samples: Array, kernel: tuple, count: tuple) -> Array:
    """The maxima of `count` windows whose places `samples` (N, C, number of dimensions) shift, and their indices.

    Source: Graham, Fractional Max-Pooling (2014).
    """
    planes, size = prod(input.shape[:2]), input.shape[2:]
    images, rank = input.reshape(planes, *size), len(size)
    best: Any = None
    where: Any = None
    starts = []
    for dim in range(rank):
        column = 1 - dim if rank == 2 else dim  # PyTorch shifts the width of a plane by the first number
        shift = samples.reshape(planes, rank)[:, column : column + 1].astype(input.dtype)
        alpha = (size[dim] - kernel[dim]) / builtins.max(count[dim] - 1, 1)
        number = np.arange(count[dim])
        first = ((number + shift) * alpha).astype(np.int64) - (shift * alpha).astype(np.int64)
        first[:, -1] = size[dim] - kernel[dim]
        starts.append(first.reshape(planes, *(1,) * dim, count[dim], *(1,) * (rank - 1 - dim)))
    for tap in product(*[range(k) for k in kernel]):
        index: Any = 0
        for first, offset, extent in zip(starts, tap, size, strict=True):
            index = index * extent + first + offset
        values = np.take(images.reshape(-1), plane_places(index, size))
        if best is None:
            best, where = values, index
        else:
            larger = (values > best) | (np.isnan(values) & ~np.isnan(best))
            best, where = np.where(larger, values, best), np.where(larger, index, where)
    shape = (*input.shape[:2], *count)
    return best.reshape(shape), np.broadcast_to(where, best.shape).reshape(shape).astype(np.int64)


@linear(
    lambda g, indices, size: gather_planes(g, indices, size), method=False,
    node=lambda node, input, indices, size: f"MaxUnpool{builtins.max(2, len(size))}DBackward0",
)  # fmt: skip
def unpool_planes(input: Array, indices: Array, size: tuple) -> Array:
    """Planes of zeros, of the extents `size`, with the input placed at `indices` into each flattened plane."""
    if indices.dtype != int64:
        raise RuntimeError(f"elements in indices should be type int64 but got: {type_word_of(indices)}")
    if indices.shape != input.shape:
        raise RuntimeError(
            f"Expected shape of indices to be same as that of the input tensor ({list(input.shape)}) but got indices tensor with "
            f"shape: {list(indices.shape)}"
        )
    wrong = (indices < 0) | (indices >= prod(size))
    if wrong.any():
        raise RuntimeError(
            f"Found an invalid max index: {indices[wrong].flat[0]} (output volumes are of size {'x'.join(map(str, size))})"
        )
    result = zeros_like(input, (*input.shape[: input.ndim - len(size)], *size))
    result.reshape(-1)[plane_places(indices, size).reshape(-1)] = input.reshape(-1)
    return result


# --- means ------------------------------------------------------------------------------------------------------------------------


def averaging_name(node: Any, input: Any, matrices: tuple, name: str) -> str:
    """The name that the function asked for."""
    return f"{name}Backward0"


@linear(
    lambda g, matrices, name: mix_planes(g, tuple([matrix.T for matrix in matrices]), name), method=False, node=averaging_name,
    samples=lambda: [call(T((1, 2, 3, 4)), (np.ones((2, 3)), np.eye(4) * 2.0), "AdaptiveAvgPool2D")],
)  # fmt: skip
def mix_planes(input: Array, matrices: tuple, name: str) -> Array:
    """The last dimensions mixed, each by a matrix (lines of the result, lines of the input); `name` is for the node."""
    first = input.ndim - len(matrices)
    for dim, matrix in enumerate(matrices, first):
        if matrix.shape[0] < matrix.shape[1]:
            input = mix_lines(input, matrix.astype(input.dtype, copy=False), dim)
    for dim, matrix in enumerate(matrices, first):
        if matrix.shape[0] >= matrix.shape[1]:
            input = mix_lines(input, matrix.astype(input.dtype, copy=False), dim)
    return input


def divisors(
    size: tuple, kernel: tuple, stride: tuple, padding: tuple, count: tuple, include_pad: bool, divisor: int | None
) -> Any:
    """By what the sum of each window is divided."""
    if divisor is not None:
        return float(divisor)
    result: Any = 1.0
    for n, k, s, p, c in zip(size, kernel, stride, padding, count, strict=True):
        start = np.arange(c) * s - p
        end = np.minimum(start + k, n + p)
        extent = end - start if include_pad else np.minimum(end, n) - np.maximum(start, 0)
        result = np.multiply.outer(result, extent)
    return result


@linear(
    lambda g, x_shape, kernel, stride, padding, ceil_mode, count_include_pad, divisor_override: spread_average(
        g, x_shape[2:], kernel, stride, padding, ceil_mode, count_include_pad, divisor_override),
    method=False, node=lambda node, *args, **kwargs: f"AvgPool{builtins.max(2, len(args[1]))}DBackward0",
    samples=lambda: [
        call(T((2, 2, 6)), (2,), (2,), (0,), False, True, None), call(T((1, 2, 5, 4)), (3, 2), (2, 1), (1, 1), True, False, None),
        call(T((1, 1, 3, 4, 3)), (2, 2, 2), (1, 2, 1), (0, 1, 0), True, True, 3),
    ],
)  # fmt: skip
def average_windows(
    input: Array, kernel: tuple, stride: tuple, padding: tuple, ceil_mode: bool, count_include_pad: bool,
    divisor_override: int | None
) -> Array:
    """The means of windows of (N, C, ...), padding counting as zeros (or, without `count_include_pad`, not at all)."""
    size = input.shape[2:] if input.dtype == int64 else floating(input, f"avg_pool{len(kernel)}d").shape[2:]
    kernel, stride, padding, _, count = geometry(f"avg_pool{len(size)}d", size, kernel, stride, padding, 1, ceil_mode)
    total = sum_windows(input, kernel, stride, padding, count)
    divisor = divisors(size, kernel, stride, padding, count, count_include_pad, divisor_override)
    if total.dtype == int64:
        return np.trunc(total / divisor).astype(np.int64)
    total /= divisor
    return total


@linear(
    lambda g, kernel, stride, padding, ceil_mode, count_include_pad, divisor_override: average_windows(
        g, kernel, stride, padding, ceil_mode, count_include_pad, divisor_override),
    method=False, samples=lambda: [call(T((2, 2, 3)), (6,), (2,), (2,), (0,), False, True, None)],
)  # fmt: skip
def spread_average(
    input: Array, size: tuple, kernel: tuple, stride: tuple, padding: tuple, ceil_mode: bool, count_include_pad: bool,
    divisor_override: int | None,
) -> Array:  # fmt: skip
    """The transpose of `average_windows` of planes of the extents `size`."""
    shares = input / divisors(size, kernel, stride, padding, input.shape[2:], count_include_pad, divisor_override)
    return spread_windows(shares.astype(input.dtype, copy=False), kernel, stride, padding, tuple(size))


# --- the public functions ---------------------------------------------------------------------------------------------------------


def batched(op: str, input: Tensor, rank: int, message: str | None = None) -> tuple[Tensor, bool]:
    """The input as (N, C, ...), and whether it had a batch. Raises RuntimeError for another number of dimensions."""
    if input.ndim not in (rank + 1, rank + 2):
        if rank > 1:
            raise RuntimeError(f"{op}: non-empty {rank + 1}D or {rank + 2}D (batch mode) tensor expected for input")
        raise RuntimeError(
            f"{op}: Expected {rank + 1}D or {rank + 2}D (batch mode) tensor with optional 0 dim batch size for input, but got:"
            f"{list(input.shape)}"
        )
    if 0 in input.shape[1 if input.ndim == rank + 2 else 0 :]:
        raise RuntimeError(f"{op}: Expected input with no zero dimensions other than the batch's, but got: {list(input.shape)}")
    return (input, True) if input.ndim == rank + 2 else (input.unsqueeze(0), False)


def unbatched(results: Any, had_batch: bool) -> Any:
    """Results without the batch dimension that `batched` added."""
    if had_batch:
        return results
    return tuple(one.squeeze(0) for one in results) if isinstance(results, tuple) else results.squeeze(0)


def max_pool(
    rank: int, input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False
) -> tuple[Tensor, Tensor]:
    """Maxima and indices of sliding windows of (N, C, ...) or (C, ...)."""
    images, had_batch = batched(f"max_pool{rank}d", input, rank)
    kernel = numbers(kernel_size, rank, "kernel_size", f"max_pool{rank}d")
    return unbatched(max_pool_with_indices(images, kernel, stride, padding, dilation, ceil_mode), had_batch)


def avg_pool(
    rank: int, input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
    count_include_pad: bool = True, divisor_override: int | None = None,
) -> Tensor:  # fmt: skip
    """Means of sliding windows of (N, C, ...) or (C, ...)."""
    op = f"avg_pool{rank}d"
    images, had_batch = batched(op, input, rank)
    if divisor_override == 0:
        raise RuntimeError("divisor must be not zero")
    kernel, stride, padding, _, _ = geometry(op, tuple(images.shape[2:]), kernel_size, stride, padding, 1, ceil_mode)
    result = average_windows(images, kernel, stride, padding, ceil_mode, count_include_pad, divisor_override)
    return unbatched(result, had_batch)


def output_counts(op: str, input: Tensor, output_size: Any, rank: int) -> tuple:
    """How many windows are asked for along each of the last dimensions; None is as many as there are elements."""
    counts = tuple(output_size) if isinstance(output_size, (tuple, list)) else (output_size,) * rank
    if len(counts) != rank:
        raise RuntimeError(f"{op}(): internal error: output_size.size() must be {rank}")
    counts = tuple([n if c is None else c for c, n in zip(counts, input.shape[input.ndim - rank :], strict=True)])
    if min(counts) < 0:
        raise RuntimeError(f"{op}(): elements of output_size must be greater than or equal to 0 but received {list(counts)}")
    return counts


def adaptive_avg_pool(rank: int, input: Tensor, output_size: Any) -> Tensor:
    """The means of windows, as many as asked for, that cover (..., *S) evenly."""
    op = f"adaptive_avg_pool{rank}d"
    if isinstance(output_size, (tuple, list)) and 1 < rank >= input.ndim:
        raise ValueError(f"Input dimension should be at least {rank + 1}")
    counts = output_counts(op, input, output_size, rank)
    if input.ndim < rank:
        raise RuntimeError(f"{op}(): Expected {rank + 1}D or {rank + 2}D tensor, but got {list(input.shape)}")
    kind = floating(input._array, f"adaptive_avg_pool{rank}d").dtype
    if all(count == 1 for count in counts):
        return input.mean(tuple(range(-rank, 0)), keepdim=True)
    matrices = [averaging_matrix(n, c, kind) for n, c in zip(input.shape[input.ndim - rank :], counts, strict=True)]
    return mix_planes(input, tuple(matrices), f"AdaptiveAvgPool{builtins.max(2, rank)}D")


def adaptive_maxima(rank: int, input: Tensor, output_size: Any) -> tuple[Tensor, Tensor]:
    """The maxima, and their indices, of windows, as many as asked for, that cover (N, C, ...) or (C, ...) evenly."""
    op = f"adaptive_max_pool{rank}d"
    counts = output_counts(op, input, output_size, rank)
    images, had_batch = batched(op, input, rank)
    return unbatched(adaptive_max_pool(images, counts), had_batch)


def lp_pool(rank: int, input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Tensor:
    """The norms of windows: (sum of x**p)**(1 / p)."""
    count = prod(numbers(kernel_size, rank, "kernel_size", f"lp_pool{rank}d"))
    means = avg_pool(rank, input**norm_type, kernel_size, stride, 0, ceil_mode)
    return (sign(means) * abs(means).relu() * count) ** (1.0 / norm_type)


def _of_rank(rank: int) -> tuple:
    """The functions for one number of dimensions that the torch namespace has."""

    def maximum(
        input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False
    ) -> Tensor:
        return max_pool(rank, input, kernel_size, stride, padding, dilation, ceil_mode)[0]

    maximum.__name__ = maximum.__qualname__ = f"max_pool{rank}d"
    maximum.__doc__ = f"The maxima of sliding windows over the last {rank} dimension(s) of (N, C, ...) or (C, ...)."

    def adaptive_mean(input: Tensor, output_size: Any) -> Tensor:
        return adaptive_avg_pool(rank, input, output_size)

    adaptive_mean.__name__ = adaptive_mean.__qualname__ = f"adaptive_avg_pool{rank}d"
    adaptive_mean.__doc__ = f"The means of `output_size` windows that cover the last {rank} dimension(s) evenly."
    return maximum, adaptive_mean


max_pool1d, adaptive_avg_pool1d = _of_rank(1)
max_pool2d, adaptive_avg_pool2d = _of_rank(2)
max_pool3d, adaptive_avg_pool3d = _of_rank(3)


def max_pool1d_with_indices(
    input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False
) -> tuple[Tensor, Tensor]:
    """`max_pool1d`, and the indices of the maxima."""
    return max_pool(1, input, kernel_size, stride, padding, dilation, ceil_mode)


def adaptive_max_pool1d(input: Tensor, output_size: Any) -> tuple[Tensor, Tensor]:
    """The maxima of `output_size` windows that cover the last dimension evenly, and their indices."""
    return adaptive_maxima(1, input, output_size)


def avg_pool1d(
    input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False, count_include_pad: bool = True
) -> Tensor:
    """The means of sliding windows over the last dimension of (N, C, L) or (C, L)."""
    return avg_pool(1, input, kernel_size, stride, padding, ceil_mode, count_include_pad)


@composite(out=True, method=False)
def avg_pool2d(
    input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False, count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:  # fmt: skip
    """The means of sliding windows over the last two dimensions of (N, C, H, W) or (C, H, W)."""
    return avg_pool(2, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


@composite(out=True, method=False)
def avg_pool3d(
    input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False, count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:  # fmt: skip
    """The means of sliding windows over the last three dimensions of (N, C, D, H, W) or (C, D, H, W)."""
    return avg_pool(3, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


__all__ = ["adaptive_avg_pool1d", "adaptive_max_pool1d", "avg_pool1d", "max_pool1d", "max_pool1d_with_indices", "max_pool2d",
"max_pool3d"]
