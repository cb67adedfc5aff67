"""Losses of an element and its target: squares, absolute values and what lies between, and their reductions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..arrays.elementary import single
from .checks import alike, check_reduction, floating
from .comparisons import where
from .complexes import abs
from .kinds import Array, fused
from .pointwise import square
from .reductions import mean, sum
from .samples import T, call


def reduced(losses: Any, reduction: str) -> Any:
    """The losses, their mean, or their sum. Raises ValueError for another reduction."""
    if reduction == "mean":
        return mean(losses)
    if reduction == "sum":
        return sum(losses)
    check_reduction(reduction)
    return losses


def weighted(losses: Any, weight: Any, reduction: str) -> Any:
    """The same with a weight per element; the mean is over the sum of the weights."""
    if weight is None:
        return reduced(losses, reduction)
    if reduction == "mean":
        return sum(losses * weight) / sum(weight)
    return reduced(losses * weight, reduction)


def samples(low: float = -2.0, high: float = 2.0, **options: Any) -> Any:
    """Samples with each reduction, of pairs that differ by at least a little."""

    def make() -> list:
        pair = (T((2, 3), low, high, distinct=True), T((2, 3), high + 0.05, 2 * high - low + 0.05, distinct=True))
        near = (T((4,), 0.0, 0.4, distinct=True), T((4,), -0.41, -0.01, distinct=True))
        calls = [call(*pair, reduction=reduction) for reduction in ("mean", "sum", "none")]
        further = [near, (T((3, 2), low, high), T((2,), high + 0.05, high + 1.0)), (T(()), T(()))]
        return calls + [call(*one, **options) for one in further]

    return make


def spread(g: Any, reduction: str, count: int) -> Any:
    """The cotangent of each loss from that of the reduction."""
    return g / max(count, 1) if reduction == "mean" else g


def difference(input: Any, target: Any, kernel: str, reduction: str) -> tuple[Any, Any]:
    """input - target, halves in single precision, and the type that the loss will have."""
    check_reduction(reduction)
    input, target = alike(input, target)
    return single(np.subtract(floating(input, kernel), target)), input.dtype


def total(losses: Any, reduction: str, kind: Any) -> Any:
    """A loss per element, reduced, in the type asked for."""
    if reduction != "none":
        count = losses.size
        losses = np.add.reduce(losses, None)
        if reduction == "mean":
            losses = losses / count if count else losses * math.nan
    return losses.astype(kind, copy=False)


# --- squares ----------------------------------------------------------------------------------------------------------------------


def mse_composite(input: Any, target: Any, reduction: str = "mean") -> Any:
    return reduced(square(input - target), reduction)


def mse_joint(g: Any, residuals: Any, needs: tuple, reduction: str) -> tuple:
    cotangent = residuals * (g * (2.0 / max(residuals.size, 1) if reduction == "mean" else 2.0))
    return cotangent if needs[0] else None, -cotangent if needs[1] else None


@fused(mse_composite, mse_joint, method=False, broadcasts=True, samples=samples())
def mse_loss(input: Array, target: Array, reduction: str = "mean") -> Array:
    """The squared differences of input and target, by default their mean; the shapes broadcast."""
    distance, kind = difference(input, target, "mse_cpu", reduction)
    if reduction == "none":
        return (distance * distance).astype(kind, copy=False), distance
    line = distance.ravel("K")
    result = line.dot(line)
    if reduction == "mean":
        result = result / line.size if line.size else result * math.nan
    return result.astype(kind, copy=False), distance


# --- absolute values, and squares near zero ---------------------------------------------------------------------------------------


def square_near_zero(difference: Any, limit: float) -> Any:
    """Half the square of what is below the limit, beyond it limit * (|difference| - limit / 2)."""
    distance = abs(difference)
    near = distance < limit
    return where(near, 0.5 * square(where(near, difference, 0)), limit * (distance - 0.5 * limit))


def smooth_l1_composite(input: Any, target: Any, reduction: str = "mean", beta: float = 1.0) -> Any:
    difference = input - target
    if beta == 0:
        return reduced(abs(difference), reduction)
    return reduced(square_near_zero(difference, beta) / beta, reduction)


def smooth_l1_joint(g: Any, residuals: Any, needs: tuple, reduction: str, beta: float) -> tuple:
    slope = np.minimum(np.maximum(residuals / beta, -1.0), 1.0) if beta else np.sign(residuals)
    slope = slope * spread(g, reduction, residuals.size)
    return slope if needs[0] else None, -slope if needs[1] else None


@fused(smooth_l1_composite, smooth_l1_joint, name="smooth_l1_loss", node="SmoothL1LossBackward0", method=False, broadcasts=True,
       samples=lambda: samples()() + samples(beta=0.5)())  # fmt: skip
def smooth_l1_loss(input: Array, target: Array, reduction: str = "mean", beta: float = 1.0) -> Array:
    """The absolute differences less beta / 2, below beta their squares over 2 beta. Raises RuntimeError for a negative beta."""
    if beta < 0:
        raise RuntimeError("smooth_l1_loss does not support negative values for beta.")
    signed, kind = difference(input, target, "smooth_l1_cpu", reduction)
    distance = np.abs(signed)
    if not beta:
        return total(distance, reduction, kind), signed
    near = np.minimum(distance, beta)
    return total(near * (distance - near * 0.5) / beta, reduction, kind), signed


def huber_composite(input: Any, target: Any, reduction: str = "mean", delta: float = 1.0) -> Any:
    return reduced(square_near_zero(input - target, delta), reduction)


def huber_joint(g: Any, residuals: Any, needs: tuple, reduction: str, delta: float) -> tuple:
    slope = np.minimum(np.maximum(residuals, -delta), delta) * spread(g, reduction, residuals.size)
    return slope if needs[0] else None, -slope if needs[1] else None


@fused(huber_composite, huber_joint, method=False, broadcasts=True, samples=lambda: samples()() + samples(delta=0.5)())
def huber_loss(input: Array, target: Array, reduction: str = "mean", delta: float = 1.0) -> Array:
    """Half the squared differences; beyond delta, delta * (|difference| - delta / 2). Raises RuntimeError for delta <= 0."""
    if delta <= 0:
        raise RuntimeError("huber_loss does not support non-positive values for delta.")
    signed, kind = difference(input, target, "huber_cpu", reduction)
    distance = np.abs(signed)
    near = np.minimum(distance, delta)
    return total(near * (distance - near * 0.5), reduction, kind), signed
