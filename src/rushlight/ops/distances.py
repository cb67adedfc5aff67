"""Distances and similarities of vectors."""

from __future__ import annotations

from typing import Any

from ..dtypes import type_word
from .comparisons import clamp_min
from .kinds import composite
from .norms import vector_norm
from .reductions import sum
from .samples import T, call


@composite(
    method=False, samples=lambda: [call(T((2, 3)), T((2, 3))), call(T((2, 3)), T((3,)), 0), call(T((2, 1, 3)), T((4, 3)), -1)]
)  # fmt: skip
def cosine_similarity(x1: Any, x2: Any, dim: int = 1, eps: float = 1e-8) -> Any:
    """The cosine of the angle between vectors along `dim`; norms below `eps` count as `eps`. The shapes broadcast."""
    for x in (x1, x2):
        if not x.is_floating_point():
            raise RuntimeError(f"expected common dtype to be floating point, yet common dtype is {type_word(x.dtype)}")
    shape = (x1 * 0 + x2 * 0).shape if tuple(x1.shape) != tuple(x2.shape) else x1.shape
    x1, x2 = x1.expand(shape), x2.expand(shape)
    first, second = (x / clamp_min(vector_norm(x, 2, dim, True), eps) for x in (x1, x2))
    return sum(first * second, dim)


@composite(
    method=False,
    samples=lambda: [call(T((2, 3)), T((2, 3))), call(T((3,)), T((2, 3)), 1.0), call(T((2, 3)), T((2, 3)), 3.0, keepdim=True)]
)  # fmt: skip
def pairwise_distance(x1: Any, x2: Any, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Any:
    """The p-norm of x1 - x2 + eps along the last dimension."""
    return vector_norm(x1 - x2 + eps, p, -1, keepdim)


@composite(out=True, method=False, samples=lambda: [call(T((2, 3))), call(T((2, 3)), 1.0, 0), call(T((3,)), dim=0)])
def normalize(input: Any, p: float = 2.0, dim: int = 1, eps: float = 1e-12) -> Any:
    """input over its p-norm along `dim`; norms below `eps` count as `eps`."""
    return input / clamp_min(vector_norm(input, p, dim, True), eps).expand(input.shape)

