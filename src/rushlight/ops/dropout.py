"""Dropout: random elements, or whole channels, set to zero. The masks are those that PyTorch draws for the same seed."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import random
from ..dtypes import type_word
from ..tensor import Tensor, wrap
from .checks import floating
from .pointwise import add, mul

SELU_LIMIT = 1.7580993408473766  # -SELU's value far below zero: alpha * scale


def keep_mask(array: Any, shape: tuple, p: float) -> Any:
    """A boolean array of that shape, true with probability 1 - p, in the memory order of `array`, in which PyTorch draws."""
    mask = random.default_generator.bernoulli(1 - p, shape, np.bool_)
    if shape == array.shape and not array.flags.c_contiguous:
        order = sorted(range(array.ndim), key=lambda dim: -abs(array.strides[dim]))
        mask = mask.reshape([shape[dim] for dim in order]).transpose(np.argsort(order))
    return mask


def checked(input: Any, p: float, train: bool) -> bool:
    """Whether there is anything to drop. Raises RuntimeError for a probability outside [0, 1]."""
    if not 0 <= p <= 1:
        raise RuntimeError(f"dropout probability has to be between 0 and 1, but got {p:g}")
    if not isinstance(input, Tensor):
        raise TypeError(f"dropout(): argument 'input' (position 1) must be Tensor, not {type(input).__name__}")
    dropping = bool(p and train and input._array.size)
    if dropping and input._array.dtype.kind in "biu":
        raise RuntimeError(f"result type Float can't be cast to the desired output type {type_word(input.dtype)}")
    return dropping


def channels(input: Tensor) -> tuple:
    """The shape of one number per channel: (N, C, 1, ...)."""
    if input.ndim < 2:
        raise RuntimeError("Feature dropout requires at least 2 dimensions in the input")
    return input._array.shape[:2] + (1,) * (input.ndim - 2)


def noise(input: Tensor, shape: tuple, p: float) -> Tensor:
    """0 with probability p, else 1 / (1 - p)."""
    array = floating(input._array, "bernoulli_scalar_cpu_", refused="c")
    if p == 1:
        return wrap(np.zeros(shape, array.dtype))
    return wrap(np.divide(keep_mask(array, shape, p), 1 - p, dtype=array.dtype))


def affine_noise(input: Tensor, shape: tuple, p: float) -> tuple[Tensor, Tensor | None]:
    """Factor and offset of alpha dropout: what is dropped becomes SELU's limit, and mean and variance stay as they were.

    Source: Klambauer et al., Self-Normalizing Neural Networks (2017).
    """
    array = input._array
    if p == 1:
        return wrap(np.zeros(shape, array.dtype)), None
    kept = keep_mask(array, shape, p).astype(array.dtype)
    scale = 1 / math.sqrt((SELU_LIMIT * SELU_LIMIT * p + 1) * (1 - p))
    offset = (kept - 1.0) * (SELU_LIMIT * scale) + SELU_LIMIT * scale * p
    kept *= scale
    return wrap(kept), wrap(offset)


def dropout(input: Tensor, p: float, train: bool) -> Tensor:
    """While training, each element set to zero with probability p, the others divided by 1 - p."""
    return mul(input, noise(input, input._array.shape, p)) if checked(input, p, train) else input


def native_dropout(input: Tensor, p: float, train: bool | None) -> tuple[Tensor, Tensor]:
    """`dropout`, and which elements were kept."""
    if train is False or not checked(input, p, True):
        return input.clone(), wrap(np.ones(input._array.shape, np.bool_))
    kept = wrap(keep_mask(input._array, input._array.shape, p) if p < 1 else np.zeros(input._array.shape, np.bool_))
    return mul(mul(input, kept), 1 / (1 - p) if p < 1 else 0.0), kept


def dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """In-place form of `dropout`."""
    return input.mul_(noise(input, input._array.shape, p)) if checked(input, p, train) else input


def feature_dropout(input: Tensor, p: float, train: bool) -> Tensor:
    """`dropout` of whole channels (N, C, ...)."""
    return mul(input, noise(input, channels(input), p)) if checked(input, p, train) else input


def feature_dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """In-place form of `feature_dropout`."""
    return input.mul_(noise(input, channels(input), p)) if checked(input, p, train) else input


def alpha_dropout(input: Tensor, p: float, train: bool) -> Tensor:
    """Dropout that keeps mean and variance of what comes out of `selu`."""
    return drop_affinely(input, input._array.shape, p, False) if checked(input, p, train) else input


def alpha_dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """In-place form of `alpha_dropout`."""
    return drop_affinely(input, input._array.shape, p, True) if checked(input, p, train) else input


def feature_alpha_dropout(input: Tensor, p: float, train: bool) -> Tensor:
    """`alpha_dropout` of whole channels (N, C, ...)."""
    return drop_affinely(input, channels(input), p, False) if checked(input, p, train) else input


def feature_alpha_dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """In-place form of `feature_alpha_dropout`."""
    return drop_affinely(input, channels(input), p, True) if checked(input, p, train) else input


def drop_affinely(input: Tensor, shape: tuple, p: float, inplace: bool) -> Tensor:
    """input * factor + offset."""
    factor, offset = affine_noise(input, shape, p)
    result = input.mul_(factor) if inplace else mul(input, factor)
    if offset is None:
        return result
    return result.add_(offset) if inplace else add(result, offset)


__all__ = [
    "alpha_dropout", "alpha_dropout_", "dropout", "dropout_", "feature_alpha_dropout", "feature_alpha_dropout_", "feature_dropout",
    "feature_dropout_", "native_dropout",
]  # fmt: skip
