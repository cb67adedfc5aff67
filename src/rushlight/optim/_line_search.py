"""A line search for the strong Wolfe conditions, by cubic interpolation (Nocedal and Wright, 2006, algorithms 3.5 and
3.6).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

DECREASE, CURVATURE = 1e-4, 0.9  # the conditions' constants
SHORTEST, MOST = 1e-9, 25  # the smallest change and the number of evaluations after which to stop


def cubic_minimum(
    x1: float, f1: float, g1: float, x2: float, f2: float, g2: float, bounds: tuple[float, float] | None = None
) -> float:
    """The minimum, within bounds (the two points by default), of the cubic with these values and slopes at two
    points.
    """
    low, high = bounds if bounds is not None else (min(x1, x2), max(x1, x2))
    d1 = g1 + g2 - 3.0 * (f1 - f2) / (x1 - x2)
    square = d1 * d1 - g1 * g2
    if not square >= 0.0:
        return (low + high) / 2.0
    d2 = square**0.5
    if x1 <= x2:
        found = x2 - (x2 - x1) * ((g2 + d2 - d1) / (g2 - g1 + 2.0 * d2))
    else:
        found = x1 - (x1 - x2) * ((g1 + d2 - d1) / (g1 - g2 + 2.0 * d2))
    return min(max(found, low), high)


def strong_wolfe(
    at: Callable[[float], tuple[float, Any]], length: float, direction: Any, loss: float, gradient: Any, slope: float
) -> tuple[float, Any, float, int]:
    """A step length along `direction` that decreases loss and slope enough.

    `at(length)` gives loss and gradient there; `loss`, `gradient` and `slope` are those at the start. Returns loss,
    gradient, length and the number of evaluations.
    """
    extent = float(np.max(np.abs(direction)))

    def probe(length: float) -> tuple:
        value, grad = at(length)
        return length, value, grad, float(grad @ direction)

    start = (0.0, loss, gradient, slope)
    previous, current, evaluations = start, probe(length), 1
    iterations, done = 0, False
    while iterations < MOST:
        if current[1] > loss + DECREASE * current[0] * slope or (iterations > 1 and current[1] >= previous[1]):
            bracket = [previous, current]
            break
        if abs(current[3]) <= -CURVATURE * slope:
            bracket, done = [current], True
            break
        if current[3] >= 0.0:
            bracket = [previous, current]
            break
        bounds = (current[0] + 0.01 * (current[0] - previous[0]), current[0] * 10.0)
        length = cubic_minimum(previous[0], previous[1], previous[3], current[0], current[1], current[3], bounds)
        previous, current = current, probe(length)
        evaluations += 1
        iterations += 1
    else:
        bracket = [start, current]
    if done:
        best = bracket[0]
    else:
        best, used = zoom(probe, bracket, loss, slope, extent, iterations)
        evaluations += used
    return best[1], best[2], best[0], evaluations


def zoom(
    probe: Callable, bracket: list, loss: float, slope: float, extent: float, iterations: int
) -> tuple[tuple, int]:
    """The best point, after narrowing a bracket around a good one; and the number of evaluations."""
    stalled, used = False, 0
    low, high = (0, 1) if bracket[0][1] <= bracket[1][1] else (1, 0)  # which place holds the lower loss
    while iterations < MOST and abs(bracket[1][0] - bracket[0][0]) * extent >= SHORTEST:
        length = cubic_minimum(*(value for point in bracket for value in (point[0], point[1], point[3])))
        length, stalled = kept_away(length, bracket[0][0], bracket[1][0], stalled)
        point = probe(length)
        used += 1
        iterations += 1
        if point[1] > loss + DECREASE * length * slope or point[1] >= bracket[low][1]:
            bracket[high] = point
            low, high = (0, 1) if bracket[0][1] <= bracket[1][1] else (1, 0)
            continue
        if abs(point[3]) <= -CURVATURE * slope:
            return point, used
        if point[3] * (bracket[high][0] - bracket[low][0]) >= 0.0:
            bracket[high] = bracket[low]
        bracket[low] = point
    return bracket[low], used


def kept_away(length: float, first: float, second: float, stalled: bool) -> tuple[float, bool]:
    """A length within a bracket, moved away from its ends when it is close to one for the second time or beyond it."""
    left, right = min(first, second), max(first, second)
    margin = 0.1 * (right - left)
    if min(right - length, length - left) >= margin:
        return length, False
    if not stalled and left < length < right:
        return length, True
    return (right - margin if abs(length - right) < abs(length - left) else left + margin), False
