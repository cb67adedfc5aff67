"""Samplers that draw an unforeseeable number of uniforms: Poisson, binomial and gamma, one value at a time.

Each takes `draw`, a function without arguments that yields the next uniform double of [0, 1).
They spend the draws of PyTorch's CPU samplers in the same order, so that both streams stay in step.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, exp, floor, inf, lgamma, log, log1p, sqrt
from typing import Any

ONE_THIRD = 0.3333333432674408  # PyTorch's third is a float32


def poisson(rate: float, draw: Callable[[], float]) -> int:
    """A Poisson variate: Knuth's product of uniforms below a rate of 10, then Hörmann's PTRS (1993)."""
    if rate >= 10.0:
        return _poisson_by_rejection(rate, draw)
    if rate == 0.0:
        return 0
    bound, product, events = exp(-rate), draw(), 0
    while product > bound:
        product *= draw()
        events += 1
    return events


def _poisson_by_rejection(rate: float, draw: Callable[[], float]) -> int:
    log_rate = log(rate)
    b = 0.931 + 2.53 * sqrt(rate)
    a = -0.059 + 0.02483 * b
    inverse_alpha = 1.1239 + 1.1328 / (b - 3.4)
    accept_below = 0.9277 - 3.6224 / (b - 2.0)
    while True:
        u, v = draw() - 0.5, draw()
        margin = 0.5 - abs(u)
        k = floor((2.0 * a / margin + b) * u + rate + 0.43) if margin > 0.0 else -1
        if margin >= 0.07 and v <= accept_below:
            return k
        if k < 0 or (margin < 0.013 and v > margin):
            continue
        left = _log(v) + log(inverse_alpha) - log(a / (margin * margin) + b)
        if left <= -rate + k * log_rate - lgamma(k + 1.0):
            return k


def binomial(count: float, prob: float, draw: Callable[[], float]) -> float:
    """A binomial variate: sums of geometric gaps below a mean of 10, then Hörmann's BTRS (1993)."""
    if not (count > 0.0 and prob > 0.0):
        return 0.0
    if prob >= 1.0:
        return count
    if prob > 0.5:
        return count - binomial(count, 1.0 - prob, draw)
    if count * prob >= 10.0:
        return _binomial_by_rejection(count, prob, draw)
    log_failure, trials, successes = log1p(-prob), 0.0, 0
    while True:
        gap = _log(draw()) / log_failure
        trials += ceil(gap) if gap < inf else inf
        if trials > count:
            return successes
        successes += 1


def _binomial_by_rejection(count: float, prob: float, draw: Callable[[], float]) -> float:
    deviation = sqrt(count * prob * (1.0 - prob))
    b = 1.15 + 2.53 * deviation
    a = -0.0873 + 0.0248 * b + 0.01 * prob
    accept_below = 0.92 - 4.2 / b
    odds = prob / (1.0 - prob)
    alpha = (2.83 + 5.1 / b) * deviation
    mode = floor((count + 1.0) * prob)
    while True:
        u, v = draw() - 0.5, draw()
        margin = 0.5 - abs(u)
        k = floor((2.0 * a / margin + b) * u + count * prob + 0.5) if margin > 0.0 else -1
        if margin >= 0.07 and v <= accept_below:
            return k
        if k < 0 or k > count:
            continue
        bound = (
            (mode + 0.5) * log((mode + 1.0) / (odds * (count - mode + 1.0)))
            + (count + 1.0) * log((count - mode + 1.0) / (count - k + 1.0))
            + (k + 0.5) * log(odds * (count - k + 1.0) / (k + 1.0))
            + (_stirling_tail(mode) + _stirling_tail(count - mode))
            - (_stirling_tail(k) + _stirling_tail(count - k))
        )
        if _log(v * alpha / (a / (margin * margin) + b)) <= bound:
            return k


def _stirling_tail(k: float) -> float:
    """log k! less Stirling's formula at k + 1, by its asymptotic series (exact differences below 10)."""
    if k < 10:
        return lgamma(k + 1.0) - (0.9189385332046727 + (k + 0.5) * log(k + 1.0) - (k + 1.0))
    square = (k + 1.0) ** 2
    return (1.0 / 12 - (1.0 / 360 - 1.0 / 1260 / square) / square) / (k + 1.0)


def gamma(shape: Any, draw: Callable[[], float], normal: Callable[[], float]) -> float:
    """A standard gamma variate by Marsaglia and Tsang (2000); a shape below 1 is boosted by a power of a uniform.

    `shape` is a NumPy scalar: PyTorch computes what depends on it alone in its type, the rest in double. `normal`
    yields the next standard normal of the same stream.
    """
    if not shape > 0.0:
        return 0.0
    scale = 1.0
    if shape < 1.0:
        scale = (1.0 - draw()) ** float(1.0 / shape)
        shape = shape + 1.0
    d = float(shape - ONE_THIRD)
    c = 1.0 / sqrt(9.0 * d)
    while True:
        x = normal()
        y = 1.0 + c * x
        if y <= 0.0:
            continue
        v, square, u = y * y * y, x * x, 1.0 - draw()
        if u < 1.0 - 0.0331 * square * square or log(u) < 0.5 * square + d * (1.0 - v + log(v)):
            return scale * d * v


def _log(x: float) -> float:
    return log(x) if x > 0.0 else -inf
