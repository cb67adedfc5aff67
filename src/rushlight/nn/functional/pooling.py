"""Pooling, with the arguments of `torch.nn.functional`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...ops import pooling
from ...ops.pooling import adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d, avg_pool1d, avg_pool2d, avg_pool3d
from ...tensor import Tensor, wrap

Pair = tuple[Tensor, Tensor]


def _maxima(rank: int) -> tuple[Callable, Callable]:
    """`max_pool{rank}d` and `max_pool{rank}d_with_indices`."""

    def with_indices(
        input: Tensor,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
        return_indices: bool = False,
    ) -> Pair:
        return pooling.max_pool(rank, input, kernel_size, stride, padding, dilation, ceil_mode)

    def values(
        input: Tensor,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
        return_indices: bool = False,
    ) -> Tensor | Pair:
        results = pooling.max_pool(rank, input, kernel_size, stride, padding, dilation, ceil_mode)
        return results if return_indices else results[0]

    return _named(values, f"max_pool{rank}d", f"The maxima of sliding windows over the last {rank} dimension(s).", with_indices)


def _adaptive_maxima(rank: int) -> tuple[Callable, Callable]:
    """`adaptive_max_pool{rank}d` and `adaptive_max_pool{rank}d_with_indices`."""

    def with_indices(input: Tensor, output_size: Any, return_indices: bool = False) -> Pair:
        return pooling.adaptive_maxima(rank, input, output_size)

    def values(input: Tensor, output_size: Any, return_indices: bool = False) -> Tensor | Pair:
        results = pooling.adaptive_maxima(rank, input, output_size)
        return results if return_indices else results[0]

    about = f"The maxima of `output_size` windows that cover the last {rank} dimension(s) evenly."
    return _named(values, f"adaptive_max_pool{rank}d", about, with_indices)


def _fractional_maxima(rank: int) -> tuple[Callable, Callable]:
    """`fractional_max_pool{rank}d` and `fractional_max_pool{rank}d_with_indices`."""

    def with_indices(
        input: Tensor,
        kernel_size: Any,
        output_size: Any = None,
        output_ratio: Any = None,
        return_indices: bool = False,
        _random_samples: Tensor | None = None,
    ) -> Pair:
        op = f"fractional_max_pool{rank}d"
        if output_size is None and output_ratio is None:
            raise ValueError(f"{op} requires specifying either an output_size or an output_ratio")
        images, had_batch = pooling.batched(op, input, rank)
        kernel, size = pooling.numbers(kernel_size, rank, "kernel_size", op), tuple(images.shape[2:])
        if output_size is None:
            ratios = pooling.numbers(output_ratio, rank, "output_ratio", op)
            count = tuple(int(n * ratio) for n, ratio in zip(size, ratios, strict=True))
        else:
            count = pooling.numbers(output_size, rank, "output_size", op)
        for extent, k, c in zip(size, kernel, count, strict=True):
            if c + k - 1 > extent:
                raise RuntimeError(f"{op}(): pool size {k} with {c} outputs is too large relative to an input extent of {extent}")
        if _random_samples is None:
            from ...random import default_generator

            drawn = default_generator.uniform((*images.shape[:2], rank), images._array.dtype)
            _random_samples = wrap(drawn)
        elif not had_batch:
            _random_samples = _random_samples[:1]
        return pooling.unbatched(pooling.fractional_max_pool(images, _random_samples, kernel, count), had_batch)

    def values(
        input: Tensor,
        kernel_size: Any,
        output_size: Any = None,
        output_ratio: Any = None,
        return_indices: bool = False,
        _random_samples: Tensor | None = None,
    ) -> Tensor | Pair:
        results = with_indices(input, kernel_size, output_size, output_ratio, True, _random_samples)
        return results if return_indices else results[0]

    about = f"The maxima of windows at random places over the last {rank} dimensions: `output_size`, or a ratio of the extents."
    return _named(values, f"fractional_max_pool{rank}d", about, with_indices)


def _named(values: Callable, name: str, about: str, with_indices: Callable) -> tuple[Callable, Callable]:
    """The two functions under their public names."""
    for function, full, doc in (
        (values, name, f"{about} With `return_indices` also their indices in the flattened planes."),
        (with_indices, f"{name}_with_indices", f"{about} Returns them and their indices in the flattened planes."),
    ):
        function.__name__ = function.__qualname__ = full
        function.__doc__ = doc
    return values, with_indices


max_pool1d, max_pool1d_with_indices = _maxima(1)
max_pool2d, max_pool2d_with_indices = _maxima(2)
max_pool3d, max_pool3d_with_indices = _maxima(3)
adaptive_max_pool1d, adaptive_max_pool1d_with_indices = _adaptive_maxima(1)
adaptive_max_pool2d, adaptive_max_pool2d_with_indices = _adaptive_maxima(2)
adaptive_max_pool3d, adaptive_max_pool3d_with_indices = _adaptive_maxima(3)
fractional_max_pool2d, fractional_max_pool2d_with_indices = _fractional_maxima(2)
fractional_max_pool3d, fractional_max_pool3d_with_indices = _fractional_maxima(3)


def max_unpool(
    rank: int, input: Tensor, indices: Tensor, kernel_size: Any, stride: Any, padding: Any, output_size: Any
) -> Tensor:
    """Zeros, with the input placed where `max_pool` found it."""
    op = f"max_unpool{rank}d"
    kernel = pooling.numbers(kernel_size, rank, "kernel_size", op)
    stride = kernel if stride is None else pooling.numbers(stride, rank, "stride", op)
    padding = pooling.numbers(padding, rank, "padding", op)
    size = input.shape[input.ndim - rank :]
    default = [(n - 1) * s + k - 2 * p for n, s, k, p in zip(size, stride, kernel, padding, strict=True)]
    if output_size is None:
        return pooling.unpool_planes(input, indices, tuple(default))
    wanted = tuple(output_size)
    if len(wanted) == rank + 2:
        wanted = wanted[2:]
    if len(wanted) != rank:
        raise ValueError(
            f"output_size should be a sequence containing {rank} or {rank + 2} elements, but it has a length of "
            f"'{len(wanted)}'"
        )
    for dim, (n, usual, step) in enumerate(zip(wanted, default, stride, strict=True)):
        if not usual - step < n < usual + step:
            raise ValueError(f'invalid output_size "{wanted}" (dim {dim} must be between {usual - step} and {usual + step})')
    return pooling.unpool_planes(input, indices, wanted)


def max_unpool1d(
    input: Tensor, indices: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None
) -> Tensor:
    """Zeros, with the input placed where `max_pool1d` found it."""
    return max_unpool(1, input, indices, kernel_size, stride, padding, output_size)


def max_unpool2d(
    input: Tensor, indices: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None
) -> Tensor:
    """Zeros, with the input placed where `max_pool2d` found it."""
    return max_unpool(2, input, indices, kernel_size, stride, padding, output_size)


def max_unpool3d(
    input: Tensor, indices: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None
) -> Tensor:
    """Zeros, with the input placed where `max_pool3d` found it."""
    return max_unpool(3, input, indices, kernel_size, stride, padding, output_size)


def lp_pool1d(input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Tensor:
    """(sum of x**norm_type)**(1 / norm_type) of sliding windows over the last dimension."""
    return pooling.lp_pool(1, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool2d(input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Tensor:
    """(sum of x**norm_type)**(1 / norm_type) of sliding windows over the last two dimensions."""
    return pooling.lp_pool(2, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool3d(input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Tensor:
    """(sum of x**norm_type)**(1 / norm_type) of sliding windows over the last three dimensions."""
    return pooling.lp_pool(3, input, norm_type, kernel_size, stride, ceil_mode)


__all__ = [
    "adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d", "adaptive_max_pool1d", "adaptive_max_pool1d_with_indices",
    "adaptive_max_pool2d", "adaptive_max_pool2d_with_indices", "adaptive_max_pool3d", "adaptive_max_pool3d_with_indices",
    "avg_pool1d",
    "avg_pool2d", "avg_pool3d", "fractional_max_pool2d", "fractional_max_pool2d_with_indices", "fractional_max_pool3d",
    "fractional_max_pool3d_with_indices", "lp_pool1d", "lp_pool2d", "lp_pool3d", "max_pool1d", "max_pool1d_with_indices",
    "max_pool2d",
    "max_pool2d_with_indices", "max_pool3d", "max_pool3d_with_indices", "max_unpool1d", "max_unpool2d", "max_unpool3d",
]  # fmt: skip
