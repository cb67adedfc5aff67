"""Padding: with a constant, or with what lies inside."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..arrays.basic import zeros_like
from ..tensor import Tensor
from .kinds import Array, general, linear
from .samples import T, call

# --- with a constant ----------------------------------------------------------------------------------------------------------------


def extents(shape: tuple, pad: tuple) -> list[tuple[int, int]]:
    """Before and after, for each dimension; `pad` names the last dimension first. Raises RuntimeError where it does not fit."""
    pad = tuple(pad)
    if len(pad) % 2:
        raise RuntimeError("Padding length must be divisible by 2")
    if len(pad) > 2 * len(shape):
        raise RuntimeError(
            f"Padding length should be less than or equal to two times the input dimension but got padding length {len(pad)} and input "
            f"of dimension {len(shape)}"
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
    samples=lambda: [call(T((2, 3)), (1, 2)), call(T((2, 3)), (1, 0, 0, 2), 3.0), call(T((4,)), (-1, 2)), call(T((2, 1, 2)), (0, 0, 1, 1))],
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


# --- with what lies inside ----------------------------------------------------------------------------------------------------------


@linear(
    lambda g, x_shape, lines, dim: merge_lines(g, lines, dim, x_shape[dim]), method=False,
    samples=lambda: [call(T((2, 3)), np.array([1, 0, 1, 2, 1]), 1)],
)  # fmt: skip
def pick_lines(input: Array, lines: Any, dim: int) -> Array:
    """The lines of these numbers (an array of int64) along a dimension."""
    return np.take(input, lines, dim)


@linear(
    lambda g, lines, dim: pick_lines(g, lines, dim), method=False, samples=lambda: [call(T((2, 5)), np.array([1, 0, 1, 3, 1]), 1, 4)]
)
def merge_lines(input: Array, lines: Any, dim: int, extent: int) -> Array:
    """Zeros with the input's lines added where `pick_lines` picks them: the transpose of that."""
    result = zeros_like(input, (*input.shape[:dim], extent, *input.shape[dim + 1 :]))
    if not lines.size:
        return result
    steps = np.diff(lines)
    if (steps < 0).any():
        order = np.argsort(lines, kind="stable")
        lines, input = lines[order], np.take(input, order, dim)
        steps = np.diff(lines)
    starts = np.concatenate(([0], np.nonzero(steps)[0] + 1))
    result[(slice(None),) * dim + (lines[starts],)] = np.add.reduceat(input, starts, dim)
    return result


def reflected(extent: int, before: int, after: int) -> Any:
    """Line numbers that continue as in a mirror at the border lines, which are not repeated."""
    positions = np.abs(np.arange(-before, extent + after))
    return np.where(positions >= extent, 2 * (extent - 1) - positions, positions)


def replicated(extent: int, before: int, after: int) -> Any:
    """Line numbers that repeat the border lines."""
    return np.minimum(np.maximum(np.arange(-before, extent + after), 0), extent - 1)


def wrapped(extent: int, before: int, after: int) -> Any:
    """Line numbers that begin again at the other border."""
    return np.arange(-before, extent + after) % max(extent, 1)


def pad_lines(input: Any, pad: tuple, lines: Callable) -> Any:
    """Padding by repeating lines, of each dimension in turn."""
    rank, count = input.ndim, len(pad) // 2
    for i in range(count):
        dim, before, after = rank - 1 - i, pad[2 * i], pad[2 * i + 1]
        if before or after:
            input = pick_lines(input, lines(input.shape[dim], before, after), dim)
    return input


def check_inner(input: Tensor, pad: tuple, name: str) -> None:
    """Raises unless there is enough inside for the padding asked for."""
    rank, count = input.ndim, len(pad) // 2
    if len(pad) % 2 or rank - count not in (1, 2) or count > 3:
        raise NotImplementedError(
            f"Padding size {len(pad)} is not supported for {rank}D input tensor.\nSupported combinations for non-constant padding:\n"
            "  - 2D or 3D input: padding size = 2 (pads last dimension)\n  - 3D or 4D input: padding size = 4 (pads last 2 dimensions)\n"
            "  - 4D or 5D input: padding size = 6 (pads last 3 dimensions)"
        )
    for i in range(count):
        extent, before, after = input.shape[rank - 1 - i], pad[2 * i], pad[2 * i + 1]
        if name == "reflect" and (before >= extent or after >= extent):
            raise RuntimeError(
                f"Argument #{4 + 2 * (2 - count)}: Padding size should be less than the corresponding input dimension, but got: padding "
                f"({before}, {after}) at dimension {rank - 1 - i} of input {list(input.shape)}"
            )
        if name == "circular" and (before > extent or after > extent):
            raise RuntimeError("Padding value causes wrapping around more than once.")
        if extent + before + after < 1 or not extent:
            raise RuntimeError(f"input (of size {list(input.shape)}) is too small for padding {list(pad)}")


LINES = {"reflect": reflected, "replicate": replicated, "circular": wrapped}


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
    return pad_lines(input, pad, LINES[mode])


__all__ = ["constant_pad_nd"]
