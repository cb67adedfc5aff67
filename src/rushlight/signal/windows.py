"""Windows of `M` points, as `torch.signal.windows`: symmetric, or with `sym=False` without the last of `M + 1` points.

All raise ValueError for a negative length, a type that is no floating-point type, and parameters out of range.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import dtypes
from ..creation import finished
from ..tensor import Tensor


def window(name: str, M: int, sym: bool, values: Callable, dtype: Any, device: Any, requires_grad: bool) -> Tensor:
    """`values(n, last)` at the points n = 0, 1, ..., of which `last` is the one at the end of the symmetric window."""
    kind = dtypes.get_default_dtype() if dtype is None else dtypes.resolve(dtype)
    if M < 0:
        raise ValueError(f"{name} requires non-negative window length, got M={M}")
    if kind not in (dtypes.float32, dtypes.float64):
        raise ValueError(f"{name} expects float32 or float64 dtypes, got: {kind}")
    if M <= 1:
        return finished(np.ones(M), kind, device, requires_grad)
    return finished(values(np.arange(M), M - 1 if sym else M), kind, device, requires_grad)


def cosines(coefficients: Sequence[float]) -> Callable:
    """`a0 - a1 cos(2 pi n / last) + a2 cos(4 pi n / last) - ...`."""
    return lambda n, last: sum(
        (-1) ** i * a * np.cos(2 * math.pi * i * n / last) for i, a in enumerate(coefficients)
    )  # fmt: skip


def general_cosine(
    M: int, *, a: Sequence[float], sym: bool = True, dtype: Any = None, layout: Any = None, device: Any = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """A sum of cosines with the coefficients `a` and alternating signs."""
    if not isinstance(a, (list, tuple)):
        raise TypeError("Coefficients must be a list/tuple")
    if not a:
        raise ValueError("Coefficients cannot be empty")
    return window("general_cosine", M, sym, cosines(a), dtype, device, requires_grad)


def general_hamming(
    M: int, *, alpha: float = 0.54, sym: bool = True, dtype: Any = None, layout: Any = None, device: Any = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """`alpha - (1 - alpha) cos`."""
    return window("general_hamming", M, sym, cosines((alpha, 1 - alpha)), dtype, device, requires_grad)


def hamming(
    M: int, *, sym: bool = True, dtype: Any = None, layout: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """`0.54 - 0.46 cos`."""
    return window("hamming", M, sym, cosines((0.54, 0.46)), dtype, device, requires_grad)


def hann(
    M: int, *, sym: bool = True, dtype: Any = None, layout: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """`0.5 - 0.5 cos`."""
    return window("hann", M, sym, cosines((0.5, 0.5)), dtype, device, requires_grad)


def blackman(
    M: int, *, sym: bool = True, dtype: Any = None, layout: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """`0.42 - 0.5 cos + 0.08 cos 2`."""
    return window("blackman", M, sym, cosines((0.42, 0.5, 0.08)), dtype, device, requires_grad)


def nuttall(
    M: int, *, sym: bool = True, dtype: Any = None, layout: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Nuttall's minimum 4-term Blackman-Harris window."""
    coefficients = (0.3635819, 0.4891775, 0.1365995, 0.0106411)
    return window("nuttall", M, sym, cosines(coefficients), dtype, device, requires_grad)


def bartlett(
    M: int, *, sym: bool = True, dtype: Any = None, layout: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """A triangle from zero to zero."""
    return window("bartlett", M, sym, lambda n, last: 1 - np.abs(2 * n / last - 1), dtype, device, requires_grad)


def cosine(
    M: int, *, sym: bool = True, dtype: Any = None, layout: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Half a period of a sine."""
    points = lambda n, last: np.sin(math.pi * (n + 0.5) / (last + 1))  # noqa: E731
    return window("cosine", M, sym, points, dtype, device, requires_grad)


def exponential(
    M: int, *, center: float | None = None, tau: float = 1.0, sym: bool = True, dtype: Any = None, layout: Any = None,
    device: Any = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """`exp(-|n - center| / tau)`; the centre is the middle unless given, which it may be for `sym=False` only."""
    if tau <= 0:
        raise ValueError(f"Tau must be positive, got: {tau} instead.")
    if sym and center is not None:
        raise ValueError("Center must be None for symmetric windows")
    points = lambda n, last: np.exp(-np.abs(n - (last / 2 if center is None else center)) / tau)  # noqa: E731
    return window("exponential", M, sym, points, dtype, device, requires_grad)


def gaussian(
    M: int, *, std: float = 1.0, sym: bool = True, dtype: Any = None, layout: Any = None, device: Any = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """A Gaussian around the middle with standard deviation `std`."""
    if std <= 0:
        raise ValueError(f"Standard deviation must be positive, got: {std} instead.")
    points = lambda n, last: np.exp(-0.5 * ((n - last / 2) / std) ** 2)  # noqa: E731
    return window("gaussian", M, sym, points, dtype, device, requires_grad)


def kaiser(
    M: int, *, beta: float = 12.0, sym: bool = True, dtype: Any = None, layout: Any = None, device: Any = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """`I0(beta sqrt(1 - x^2)) / I0(beta)` for x from -1 to 1."""
    if beta < 0:
        raise ValueError(f"beta must be non-negative, got: {beta} instead.")
    points = lambda n, last: np.i0(beta * np.sqrt(np.maximum(1 - (2 * n / last - 1) ** 2, 0.0))) / np.i0(beta)  # noqa: E731
    return window("kaiser", M, sym, points, dtype, device, requires_grad)


__all__ = [
    "bartlett", "blackman", "cosine", "exponential", "gaussian", "general_cosine", "general_hamming", "hamming", "hann",
    "kaiser", "nuttall",
]  # fmt: skip
