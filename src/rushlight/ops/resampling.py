"""Resampling of images to another size. Every mode is a linear map of each dimension: lines picked, or mixed by a matrix."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..arrays.lines import merge_lines
from ..arrays.pools import averaging_matrix
from ..tensor import Tensor
from ..warning import warn
from .kinds import Array, linear
from .pooling import mix_planes
from .samples import T, call

# --- picking lines ----------------------------------------------------------------------------------------------------------------


def named(node: Any, *args: Any) -> str:
    """The name that the function asked for."""
    return f"{args[-1]}Backward0"


@linear(
    lambda g, x_shape, lines, name: merge_planes(g, lines, x_shape[len(x_shape) - len(lines) :], name), method=False, node=named,
    samples=lambda: [call(T((1, 2, 3, 2)), (np.array([0, 0, 1, 2, 2]), np.array([1])), "UpsampleNearest2D")],
)  # fmt: skip
def pick_planes(input: Array, lines: tuple, name: str) -> Array:
    """The crossings of these lines (an array of numbers per dimension) of the last dimensions; `name` is for the node."""
    for dim, one in enumerate(lines, input.ndim - len(lines)):
        input = np.take(input, one, dim)
    return input


@linear(
    lambda g, lines, name: pick_planes(g, lines, name), method=False, node=named,
    samples=lambda: [call(T((1, 2, 5, 1)), (np.array([0, 0, 1, 2, 2]), np.array([1])), (3, 2), "UpsampleNearest2D")],
)  # fmt: skip
def merge_planes(input: Array, lines: tuple, size: tuple, name: str) -> Array:
    """The transpose of `pick_planes` of planes of the extents `size`."""
    for dim, (one, extent) in enumerate(zip(lines, size, strict=True), input.ndim - len(lines)):
        input = merge_lines(input, one, dim, extent)
    return input


def nearest_lines(size: int, count: int, scale: float | None, exact: bool) -> Any:
    """The lines nearest to `count` places; PyTorch reckons in single precision, and rounds down (unless `exact`)."""
    step = np.float32(1.0 / scale if scale else size / count)
    places = np.arange(count, dtype=np.float32)
    return np.minimum(np.floor((places + 0.5) * step if exact else places * step).astype(np.int64), size - 1)


# --- mixing lines -----------------------------------------------------------------------------------------------------------------


def step_between(size: int, count: int, scale: float | None, align_corners: bool) -> float:
    """The distance, in the input's lines, of neighbouring lines of the result."""
    if align_corners:
        return (size - 1) / (count - 1) if count > 1 else 0.0
    return 1.0 / scale if scale else size / count


def tap_matrix(size: int, lines: Any, weights: Any) -> Any:
    """The matrix of lines that are combinations of taps: (count, taps) line numbers, limited to those there are, and weights."""
    matrix = np.zeros((len(lines), size))
    np.add.at(matrix, (np.arange(len(lines))[:, None], np.minimum(np.maximum(lines, 0), size - 1)), weights)
    return matrix


def linear_matrix(size: int, count: int, scale: float | None, align_corners: bool) -> Any:
    """Linear interpolation between the two nearest lines."""
    step, places = step_between(size, count, scale, align_corners), np.arange(count)
    position = places * step if align_corners else np.maximum((places + 0.5) * step - 0.5, 0.0)
    first = np.minimum(position.astype(np.int64), size - 1)
    share = np.minimum(position - first, 1.0)
    return tap_matrix(size, np.stack((first, first + 1), 1), np.stack((1.0 - share, share), 1))


def cubic(distance: Any, a: float) -> Any:
    """Keys's cubic convolution kernel (1981)."""
    x = np.abs(distance)
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = (((x - 5) * x + 8) * x - 4) * a
    return np.where(x <= 1, near, np.where(x < 2, far, 0.0))


def cubic_matrix(size: int, count: int, scale: float | None, align_corners: bool) -> Any:
    """Cubic interpolation between the four nearest lines."""
    step, places = step_between(size, count, scale, align_corners), np.arange(count)
    position = places * step if align_corners else (places + 0.5) * step - 0.5
    lines = np.floor(position).astype(np.int64)[:, None] + np.arange(-1, 3)
    return tap_matrix(size, lines, cubic(position[:, None] - lines, -0.75))


FILTERS: dict[str, tuple[float, Callable]] = {  # how far each filter reaches, and the filter
    "bilinear": (1.0, lambda x: np.maximum(1.0 - np.abs(x), 0.0)),
    "bicubic": (2.0, lambda x: cubic(x, -0.5)),
    "lanczos": (3.0, lambda x: np.where(np.abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0.0)),
}


def smoothing_matrix(size: int, count: int, scale: float | None, align_corners: bool, mode: str) -> Any:
    """Interpolation by a filter that widens where the result is smaller, against aliasing."""
    reach, kernel = FILTERS[mode]
    step = step_between(size, count, scale, align_corners)
    width = max(step, 1.0)
    centre = (np.arange(count) + 0.5)[:, None] * step
    lines = np.arange(size)
    first = np.maximum((centre - reach * width + 0.5).astype(np.int64), 0)
    end = np.minimum((centre + reach * width + 0.5).astype(np.int64), size)
    weights = np.where((lines >= first) & (lines < end), kernel((lines - centre + 0.5) / width), 0.0)
    total = weights.sum(1, keepdims=True)
    return weights / np.where(total == 0.0, 1.0, total)


# --- interpolate ------------------------------------------------------------------------------------------------------------------

MODES = ("nearest", "linear", "bilinear", "bicubic", "trilinear", "lanczos", "area", "nearest-exact")
RANKS = {"linear": 1, "bilinear": 2, "bicubic": 2, "lanczos": 2, "trilinear": 3}
ALIGNABLE = ("linear", "bilinear", "bicubic", "trilinear")


def output_size(size: tuple, wanted: Any, scale_factor: Any, recompute: bool | None) -> tuple[tuple, list]:
    """The extents of the result, and the scale factors to reckon with (None: what the extents say)."""
    rank = len(size)
    if wanted is not None and scale_factor is not None:
        raise ValueError("only one of size or scale_factor should be defined")
    if wanted is None and scale_factor is None:
        raise ValueError("either size or scale_factor should be defined")
    if wanted is not None:
        if recompute:
            raise ValueError("recompute_scale_factor is not meaningful with an explicit size.")
        counts = tuple(wanted) if isinstance(wanted, (tuple, list)) else (wanted,) * rank
        if len(counts) != rank:
            raise ValueError(
                "Input and output must have the same number of spatial dimensions, but got input with spatial dimensions of "
                f"{list(size)} and output size of {wanted}. Please provide input tensor in (N, C, d1, d2, ...,dK) format and "
                "output size in (o1, o2, ...,oK) format."
            )
        return tuple(int(count) for count in counts), [None] * rank
    scales = list(scale_factor) if isinstance(scale_factor, (tuple, list)) else [scale_factor] * rank
    if len(scales) != rank:
        raise ValueError(
            "Input and scale_factor must have the same number of spatial dimensions, but got input with spatial dimensions of "
            f"{list(size)} and scale_factor of shape {scale_factor}. Please provide input tensor in (N, C, d1, d2, ...,dK) format "
            "and scale_factor in (s1, s2, ...,sK) format."
        )
    counts = tuple(math.floor(float(n) * scale) for n, scale in zip(size, scales, strict=True))
    return counts, [None] * rank if recompute else [float(scale) for scale in scales]


def check_mode(rank: int, mode: str, align_corners: bool | None, antialias: bool) -> None:
    """Raises ValueError or NotImplementedError for options that do not go together."""
    if mode in ("nearest", "area", "nearest-exact") and align_corners is not None:
        raise ValueError(f"align_corners option can only be set with the interpolating modes: {' | '.join(ALIGNABLE)}")
    if antialias and not (mode in FILTERS and rank == 2):
        raise ValueError(
            "Anti-alias option is restricted to bilinear, bicubic, and lanczos modes and requires a 4-D tensor "
            "as input"
        )
    if mode == "lanczos" and not antialias:
        raise ValueError("Lanczos mode requires antialias=True")
    if mode not in MODES or rank not in (1, 2, 3):
        raise NotImplementedError(
            f"Input Error: Only 3D, 4D and 5D input Tensors supported (got {rank + 2}D) for the modes: {' | '.join(MODES)} (got "
            f"{mode})"
        )
    if RANKS.get(mode, rank) != rank:
        raise NotImplementedError(f"Got {rank + 2}D input, but {mode} mode needs {RANKS[mode] + 2}D input")


def interpolate(
    input: Tensor, size: Any = None, scale_factor: Any = None, mode: str = "nearest", align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None, antialias: bool = False,
) -> Tensor:  # fmt: skip
    """Images (N, C, ...) of one to three dimensions resampled to the extents `size`, or scaled by `scale_factor`.

    `mode`: nearest, nearest-exact, linear (1-d), bilinear, bicubic, lanczos (2-d), trilinear (3-d) or area. `align_corners` lets
    corner pixels fall on corner pixels rather than edges on edges; `antialias` smooths when sizing down.
    """
    rank = input.ndim - 2
    check_mode(rank, mode, align_corners, antialias)
    extents = tuple(input.shape[2:])
    counts, scales = output_size(extents, size, scale_factor, recompute_scale_factor)
    if min(counts) <= 0 or min(extents) <= 0:
        def words(sizes: tuple) -> str:
            return ", ".join(f"{name}: {n}" for name, n in zip("DHW"[3 - rank :], sizes, strict=True))

        raise RuntimeError(
            f"Input and output sizes should be greater than 0, but got input ({words(extents)}) output "
            f"({words(counts)})"
        )
    dims = list(zip(extents, counts, scales, strict=True))
    if mode in ("nearest", "nearest-exact"):
        lines = tuple(nearest_lines(*one, mode == "nearest-exact") for one in dims)
        return pick_planes(input, lines, f"UpsampleNearest{'Exact' if mode != 'nearest' else ''}{rank}D")
    if mode == "area":
        kind = input._array.dtype
        return mix_planes(
            input, tuple(averaging_matrix(n, c, kind) for n, c, _ in dims), f"AdaptiveAvgPool{max(2, rank)}D"
        )
    aligned, name = bool(align_corners), f"Upsample{mode.capitalize()}{rank}D"
    if antialias:
        return mix_planes(input, tuple(smoothing_matrix(*one, aligned, mode) for one in dims), f"{name}Aa")
    make = cubic_matrix if mode == "bicubic" else linear_matrix
    return mix_planes(input, tuple(make(*one, aligned) for one in dims), name)


def upsample(
    input: Tensor, size: Any = None, scale_factor: Any = None, mode: str = "nearest", align_corners: bool | None = None
) -> Tensor:
    """`interpolate` under its old name."""
    warn("`nn.functional.upsample` is deprecated. Use `nn.functional.interpolate` instead.")
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """`interpolate` to the nearest pixel, under its old name."""
    warn("`nn.functional.upsample_nearest` is deprecated. Use `nn.functional.interpolate` instead.")
    return interpolate(input, size, scale_factor, mode="nearest")


def upsample_bilinear(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """`interpolate` linearly with aligned corners, under its old name."""
    warn("`nn.functional.upsample_bilinear` is deprecated. Use `nn.functional.interpolate` instead.")
    return interpolate(input, size, scale_factor, mode="bilinear", align_corners=True)
