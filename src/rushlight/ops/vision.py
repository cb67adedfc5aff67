"""Images: sampled at given places, and their pixels and channels rearranged. Padding and resampling have files of their own."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..dtypes import type_word
from ..tensor import Size, Tensor, wrap
from ..warning import warn
from .activations import masked
from .kinds import Array, linear
from .padding import constant_pad_nd
from .pooling import gather_planes
from .samples import T, call

ALIGN_WARNING = (
    "Default grid_sample and affine_grid behavior has changed to align_corners=False since 1.3.0. Please specify "
    "align_corners=True if the old behavior is desired. See the documentation of grid_sample for details."
)

# --- pixels and channels ----------------------------------------------------------------------------------------------------------


@linear(
    lambda g, upscale_factor: pixel_unshuffle(g, upscale_factor), method=False,
    samples=lambda: [call(T((1, 4, 2, 3)), 2), call(T((9, 1, 2)), 3)],
)  # fmt: skip
def pixel_shuffle(input: Array, upscale_factor: int) -> Array:
    """(..., C * r * r, H, W) as (..., C, H * r, W * r): channels become pixels. Raises RuntimeError where they do not divide."""
    r = upscale_factor
    if input.ndim < 3:
        raise RuntimeError(
            f"pixel_shuffle expects input to have at least 3 dimensions, but got input with {input.ndim} "
            "dimension(s)"
        )
    if r <= 0:
        raise RuntimeError(f"pixel_shuffle expects a positive upscale_factor, but got {r}")
    *before, channels, height, width = input.shape
    if channels % (r * r):
        raise RuntimeError(
            "pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of upscale_factor, but "
            f"input.size(-3)={channels} is not divisible by {r * r}"
        )
    n = len(before)
    parts = input.reshape(*before, channels // (r * r), r, r, height, width).transpose(*range(n), n, n + 3, n + 1, n + 4, n + 2)
    return parts.reshape(*before, channels // (r * r), height * r, width * r)


@linear(
    lambda g, downscale_factor: pixel_shuffle(g, downscale_factor), method=False,
    samples=lambda: [call(T((1, 2, 4, 2)), 2), call(T((1, 3, 6)), 3)],
)  # fmt: skip
def pixel_unshuffle(input: Array, downscale_factor: int) -> Array:
    """(..., C, H * r, W * r) as (..., C * r * r, H, W): the reverse of `pixel_shuffle`."""
    r = downscale_factor
    if input.ndim < 3:
        raise RuntimeError(
            f"pixel_unshuffle expects input to have at least 3 dimensions, but got input with {input.ndim} "
            "dimension(s)"
        )
    if r <= 0:
        raise RuntimeError(f"pixel_unshuffle expects a positive downscale_factor, but got {r}")
    *before, channels, height, width = input.shape
    for name, extent, number in (("height", height, 2), ("width", width, 1)):
        if extent % r:
            raise RuntimeError(
                f"pixel_unshuffle expects {name} to be divisible by downscale_factor, but input.size(-{number})={extent} is not "
                f"divisible by {r}"
            )
    n = len(before)
    parts = input.reshape(*before, channels, height // r, r, width // r, r).transpose(*range(n), n, n + 2, n + 4, n + 1, n + 3)
    return parts.reshape(*before, channels * r * r, height // r, width // r)


@linear(
    lambda g, x_shape, groups: channel_shuffle(g, x_shape[1] // groups), method=False,
    samples=lambda: [call(T((1, 6, 2)), 3), call(T((2, 4, 1, 2)), 2)],
)  # fmt: skip
def channel_shuffle(input: Array, groups: int) -> Array:
    """The channels (dimension 1) as a matrix of `groups` rows, read by columns. Raises RuntimeError where they do not divide."""
    if input.ndim < 3:
        raise RuntimeError(f"channel_shuffle expects input with > 2 dims, but got input with sizes {list(input.shape)}")
    if groups <= 0:
        raise RuntimeError(f"Number of groups to divide channels in must be positive. Value of groups:{groups}")
    samples, channels, *rest = input.shape
    if channels % groups:
        raise RuntimeError(f"Number of channels must be divisible by groups. Got {channels} channels and {groups} groups.")
    return input.reshape(samples, groups, channels // groups, *rest).swapaxes(1, 2).reshape(input.shape)


# --- sampling ---------------------------------------------------------------------------------------------------------------------


def reflected(x: Any, low: float, high: float) -> tuple[Any, Any]:
    """Places mirrored at both bounds until they lie between, and the slopes of that (1 or -1)."""
    if low == high:
        return np.zeros_like(x), np.zeros_like(x)
    offset = x - low
    sign = np.where(offset < 0, -1.0, 1.0)
    turns, rest = np.divmod(np.abs(offset), high - low)
    odd = turns % 2 == 1
    return np.where(odd, high - rest, rest + low).astype(x.dtype), np.where(odd, -sign, sign).astype(x.dtype)


def brought_inside(x: Any, size: int, padding_mode: str, align_corners: bool) -> tuple[Any, Any]:
    """An array of places as the padding mode has them, and the slopes (1, -1 or 0) of that."""
    slope = np.ones_like(x)
    if padding_mode == "reflection":
        x, slope = reflected(x, 0.0, size - 1.0) if align_corners else reflected(x, -0.5, size - 0.5)
    if padding_mode != "zeros":
        slope = slope * ((x > 0) & (x < size - 1))
        x = np.minimum(np.maximum(x, 0.0), size - 1.0)
    return x, slope


def places(grid: Tensor, size: int, padding_mode: str, align_corners: bool, bounded: bool = True) -> Tensor:
    """Coordinates of [-1, 1] as places along a dimension of that size."""
    x = (grid + 1) * ((size - 1) / 2) if align_corners else ((grid + 1) * size - 1) * 0.5
    if not bounded or padding_mode == "zeros":
        return x
    inside, slope = brought_inside(x._array, size, padding_mode, align_corners)
    kind = x._array.dtype
    offset = np.where(slope == 0, inside, inside - x._array * slope).astype(kind)
    return masked(x * wrap(slope.astype(kind, copy=False)), wrap(slope != 0)) + wrap(offset)


def fetched(input: Tensor, lines: list, padding_mode: str, align_corners: bool) -> Tensor:
    """The pixels (N, C, *P) of images (N, C, *S) at the crossings of these line numbers, an array (N, *P) per dimension."""
    size = tuple(input.shape[2:])
    present: Any = True
    index: Any = 0
    for line, extent in zip(lines, size, strict=True):
        if padding_mode == "zeros":
            present = present & (line >= 0) & (line < extent)
        else:
            line = brought_inside(line, extent, padding_mode, align_corners)[0]
        index = index * extent + np.minimum(np.maximum(np.nan_to_num(line), 0), extent - 1).astype(np.int64)
    shape = (input.shape[0], input.shape[1], *index.shape[1:])
    pixels = gather_planes(input, wrap(np.broadcast_to(index[:, None], shape)), size)
    return pixels if padding_mode != "zeros" else masked(pixels, wrap(np.broadcast_to(present[:, None], shape)))


def cubic_weights(share: Any) -> list:
    """The weights of the four pixels around a place, `share` of the way from the second to the third (Keys, a = -3/4)."""
    a = -0.75

    def near(x: Any) -> Any:
        return ((a + 2) * x - (a + 3)) * x * x + 1

    def far(x: Any) -> Any:
        return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a

    return [far(share + 1), near(share), near(1 - share), far(2 - share)]


def check_grid(input: Tensor, grid: Tensor, mode: str) -> None:
    """Raises RuntimeError unless the grid (N, ..., number of dimensions) fits the images (N, C, ...)."""
    rank = input.ndim - 2
    if input.dtype is not grid.dtype:
        raise RuntimeError(
            f"grid_sampler(): expected input and grid to have same dtype, but input has {type_word(input.dtype)} and grid has "
            f"{type_word(grid.dtype)}"
        )
    if input.shape[0] != grid.shape[0]:
        raise RuntimeError(
            f"grid_sampler(): expected grid and input to have same batch size, but got input with sizes {list(input.shape)} and "
            f"grid with sizes {list(grid.shape)}"
        )
    if grid.shape[-1] != rank:
        raise RuntimeError(
            f"grid_sampler(): expected grid to have size {rank} in last dimension, but got grid with sizes {list(grid.shape)}"
        )
    if rank not in (2, 3) or grid.ndim != input.ndim:
        raise RuntimeError(
            f"grid_sampler(): expected 4D or 5D input and grid with same number of dimensions, but got input with sizes "
            f"{list(input.shape)} and grid with sizes {list(grid.shape)}"
        )
    if 0 in input.shape[2:]:
        raise RuntimeError(
            "grid_sampler(): expected input to have non-empty spatial dimensions, but input has sizes "
            f"{list(input.shape)}"
        )
    if mode == "bicubic" and rank != 2:
        raise RuntimeError("grid_sampler(): bicubic interpolation only supports 4D input")


def grid_sample(
    input: Tensor, grid: Tensor, mode: str = "bilinear", padding_mode: str = "zeros", align_corners: bool | None = None
) -> Tensor:
    """Images (N, C, H, W) or (N, C, D, H, W) sampled at a grid (N, ..., 2 or 3) of places (x, y, z) of [-1, 1]: (N, C, ...).

    `mode`: bilinear, nearest or bicubic; `padding_mode`, for places outside: zeros, border or reflection.
    """
    if mode not in ("bilinear", "nearest", "bicubic"):
        raise ValueError(f"nn.functional.grid_sample(): expected mode to be 'bilinear', 'nearest' or 'bicubic', but got: '{mode}'")
    if padding_mode not in ("zeros", "border", "reflection"):
        raise ValueError(
            "nn.functional.grid_sample(): expected padding_mode to be 'zeros', 'border', or 'reflection', but got: "
            f"'{padding_mode}'"
        )
    if align_corners is None:
        warn(ALIGN_WARNING)
        align_corners = False
    check_grid(input, grid, mode)
    size = tuple(input.shape[2:])
    positions = [
        places(grid[..., len(size) - 1 - dim], extent, padding_mode, align_corners, mode != "bicubic")
        for dim, extent in enumerate(size)
    ]
    if mode == "nearest":
        pixels = fetched(input, [np.rint(one._array) for one in positions], padding_mode, align_corners)
        return pixels + (grid * 0).sum(-1).unsqueeze(1)  # the gradient of the grid is zero
    firsts = [np.floor(one._array) for one in positions]
    shares = [position - wrap(first) for position, first in zip(positions, firsts, strict=True)]
    weights = [cubic_weights(share) if mode == "bicubic" else [1 - share, share] for share in shares]
    begin = -1 if mode == "bicubic" else 0
    result: Any = None
    for corner in np.ndindex(*[len(one) for one in weights]):
        lines = [first + (begin + tap) for first, tap in zip(firsts, corner, strict=True)]
        weight: Any = None
        for one, tap in zip(weights, corner, strict=True):
            weight = one[tap] if weight is None else weight * one[tap]
        term = fetched(input, lines, padding_mode if mode == "bicubic" else "zeros", align_corners) * weight.unsqueeze(1)
        result = term if result is None else result + term
    return result


def base_grid(size: tuple, kind: Any, align_corners: bool) -> Any:
    """The places (..., number of dimensions + 1) of the pixels of an image, as (x, y, ..., 1)."""
    lines = []
    for extent in size:
        line = np.linspace(-1.0, 1.0, extent) if extent > 1 else np.zeros(1)
        lines.append(line if align_corners else line * (extent - 1) / extent)
    crossings = np.meshgrid(*lines, indexing="ij")
    return np.stack([*reversed(crossings), np.ones(size)], -1).astype(kind)


def affine_grid(theta: Tensor, size: Any, align_corners: bool | None = None) -> Tensor:
    """The grid for `grid_sample` of images of that size (N, C, ...) moved by affine maps (N, 2, 3) or (N, 3, 4): (N, ..., 2
    or 3).
    """
    if align_corners is None:
        warn(ALIGN_WARNING)
        align_corners = False
    size = tuple(size)
    if not theta.is_floating_point():
        raise ValueError(f"Expected theta to have floating point type, but got {theta.dtype}")
    if len(size) not in (4, 5):
        raise NotImplementedError(
            f"affine_grid only supports 4D and 5D sizes, for 2D and 3D affine transforms, respectively. Got size {Size(size)}."
        )
    rank = len(size) - 2
    if theta.ndim != 3 or tuple(theta.shape[1:]) != (rank, rank + 1):
        raise ValueError(
            f"Expected a batch of {rank}D affine matrices of shape Nx{rank}x{rank + 1} for size {size}. Got {theta.shape}."
        )
    if min(size) <= 0:
        raise ValueError(f"Expected non-zero, positive output size. Got {size}")
    base = base_grid(size[2:], theta._array.dtype, align_corners)
    grid = wrap(base.reshape(-1, rank + 1)) @ theta.mT
    return grid.reshape(size[0], *size[2:], rank)


native_channel_shuffle = channel_shuffle


def affine_grid_generator(theta: Tensor, size: Any, align_corners: bool) -> Tensor:
    """`affine_grid` by its name in the torch namespace."""
    return affine_grid(theta, size, align_corners)


def grid_sampler(input: Tensor, grid: Tensor, interpolation_mode: int, padding_mode: int, align_corners: bool) -> Tensor:
    """`grid_sample` with its modes numbered."""
    mode, outside = ("bilinear", "nearest", "bicubic")[interpolation_mode], ("zeros", "border", "reflection")[padding_mode]
    return grid_sample(input, grid, mode, outside, align_corners)


grid_sampler_2d = grid_sampler_3d = grid_sampler

__all__ = [
    "affine_grid_generator", "channel_shuffle", "constant_pad_nd", "grid_sampler", "grid_sampler_2d", "grid_sampler_3d",
    "native_channel_shuffle", "pixel_shuffle", "pixel_unshuffle",
]  # fmt: skip
