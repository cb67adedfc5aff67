"""Padding: with a constant, or with what lies inside."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays.basic import zeros_like
from ..arrays.lines import merge_lines
from ..tensor import Tensor
from .kinds import Array, general, linear
from .samples import T, call

# --- with a constant --------------------------------------------------------------------------------------------------------------


def extents(shape: tuple, pad: tuple) -> list[tuple[int, int]]:
    """Before and after, for each dimension; `pad` names the last dimension first. Raises RuntimeError where it does not fit."""
    pad = tuple(pad)
    if len(pad) % 2:
        raise RuntimeError("Padding length must be divisible by 2")
    if len(pad) > 2 * len(shape):
        raise RuntimeError(
            f"Padding length should be less than or equal to two times the input dimension but got padding length {len(pad)} "
            f"and input of dimension {len(shape)}"
        )
    sides = [(0, 0)] * (len(shape) - len(pad) // 2) + [tuple(pad[i : i + 2]) for i in range(len(pad) - 2, -1, -2)]
    for extent, (before, after) in zip(shape, sides, strict=True):
        if extent + before + after < 0:
            raise RuntimeError(
                f"The input size {extent}, plus negative padding {before} and {after} resulted in a negative output size, which is "
                f"invalid. Check dimension {len(sides) - 1 - sides.index((before, after))} of your input."
            )
    return sides  # type: ignore[return-value]


@general(
    lambda g, pad: constant_pad_nd(g, tuple(-width for width in pad)), method=False,
    samples=lambda: [call(T((2, 3)), (1, 2)), call(T((2, 3)), (1, 0, 0, 2), 3.0), call(T((4,)), (-1, 2)),
    call(T((2, 1, 2)), (0, 0, 1, 1))],
)  # fmt: skip
def constant_pad_nd(input: Array, pad: tuple, value: float = 0) -> Array:
    """The input with `value` around it; `pad` says how much before and after, the last dimension first. Negative: cut off."""
    sides = extents(input.shape, pad)
    shape = tuple([extent + before + after for extent, (before, after) in zip(input.shape, sides, strict=True)])
    result = zeros_like(input, shape)
    if value:
        result[...] = value
    target = tuple([slice(max(before, 0), extent - max(after, 0)) for extent, (before, after) in zip(shape, sides, strict=True)])
    source = tuple(
        [slice(max(-before, 0), extent - max(-after, 0)) for extent, (before, after) in zip(input.shape, sides, strict=True)]
    )
    result[target] = input[source]
    return result


# --- with what lies inside --------------------------------------------------------------------------------------------------------


def reflected(extent: int, before: int, after: int) -> Any:
    """Line numbers that continue as in a mirror at the border lines, which are not repeated."""
    positions = np.abs(np.arange(-before, extent + after))
    return np.where(positions >= extent, 2 * (extent - 1) - positions, positions)


def replicated(extent: int, before: int, after: int) -> Any:
    """Line numbers that repeat the border lines."""
    return np.minimum(np.maximum(np.arange(-before, extent + after), 0), extent - 1)


def wrapped(extent: int, before: int, after: int) -> Any:
    """Line numbers that begin again at the other border; negative padding cuts off first."""
    first, last = max(-before, 0), extent - max(-after, 0)
    return first + np.arange(-max(before, 0), last - first + max(after, 0)) % max(last - first, 1)


LINES = {"reflect": reflected, "replicate": replicated, "circular": wrapped}


def line_numbers(shape: tuple, pad: tuple, mode: str) -> list:
    """The dimensions to pad, last first, each with the numbers of its lines in the result."""
    dims = [(len(shape) - 1 - i, pad[2 * i], pad[2 * i + 1]) for i in range(len(pad) // 2)]
    return [(dim, LINES[mode](shape[dim], before, after)) for dim, before, after in dims if before or after]


def border_name(node: Any, input: Any, pad: tuple, mode: str) -> str:
    """PyTorch's name of the node."""
    words = {"reflect": "ReflectionPad", "replicate": "ReplicationPad", "circular": "CircularPad"}
    return f"{words[mode]}{len(pad) // 2}DBackward0"


@linear(
    lambda g, x_shape, pad, mode: merge_border(g, x_shape, pad, mode), method=False, node=border_name,
    samples=lambda: [call(T((2, 4)), (1, 2), mode) for mode in LINES] + [call(T((1, 3, 4)), (2, 0, 1, 1), mode) for mode in LINES],
)  # fmt: skip
def pad_border(input: Array, pad: tuple, mode: str) -> Array:
    """The input with lines of its own around it."""
    for dim, lines in line_numbers(input.shape, pad, mode):
        input = np.take(input, lines, dim)
    return input


@linear(
    lambda g, pad, mode: pad_border(g, pad, mode), method=False,
    samples=lambda: [call(T((2, 7)), (2, 4), (1, 2), mode) for mode in LINES],
)  # fmt: skip
def merge_border(input: Array, shape: tuple, pad: tuple, mode: str) -> Array:
    """The transpose of `pad_border` of something of that shape: the lines around are added to those they came from."""
    for dim, lines in reversed(line_numbers(shape, pad, mode)):
        input = merge_lines(input, lines, dim, shape[dim])
    return input


def check_inner(input: Tensor, pad: tuple, name: str) -> None:
    """Raises unless there is enough inside for the padding asked for."""
    rank, count = input.ndim, len(pad) // 2
    if len(pad) % 2 or rank - count not in (1, 2) or count > 3:
        raise NotImplementedError(
            f"Padding size {len(pad)} is not supported for {rank}D input tensor.\nSupported combinations for non-constant "
            "padding:\n  - 2D or 3D input: padding size = 2 (pads last dimension)\n  - 3D or 4D input: padding size = 4 "
            "(pads last 2 dimensions)\n"
            "  - 4D or 5D input: padding size = 6 (pads last 3 dimensions)"
        )
    for i in range(count):
        extent, before, after = input.shape[rank - 1 - i], pad[2 * i], pad[2 * i + 1]
        if name == "reflect" and (before >= extent or after >= extent):
            raise RuntimeError(
                f"Argument #{4 + 2 * i}: Padding size should be less than the corresponding input dimension, but got: "
                f"padding ({before}, {after}) at dimension {rank - 1 - i} of input {list(input.shape)}"
            )
        if name == "circular" and (before > extent or after > extent):
            raise RuntimeError("Padding value causes wrapping around more than once.")
        if extent + before + after < 1 or not extent:
            raise RuntimeError(f"input (of size {list(input.shape)}) is too small for padding {list(pad)}")


def pad(input: Tensor, pad: Any, mode: str = "constant", value: float | None = None) -> Tensor:
    """The input with `pad` elements more before and after, the last dimension first.

    `mode` says with what: `constant` (`value`, by default 0), `reflect`, `replicate` (of the border) or `circular`.
    """
    pad = tuple(int(width) for width in pad)
    if mode == "constant":
        return constant_pad_nd(input, pad, 0 if value is None else value)
    if mode not in LINES:
        raise NotImplementedError(f"Unrecognised padding mode {mode}")
    if value:
        raise RuntimeError(f'Padding mode "{mode}" doesn\'t take in value argument')
    check_inner(input, pad, mode)
    return pad_border(input, pad, mode)


__all__ = ["constant_pad_nd"]
