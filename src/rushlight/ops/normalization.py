"""Normalisation: over a layer, root mean squares, groups, batches, instances and neighbouring channels.

`layer_norm`, `batch_norm` and `group_norm` normalise rows of a matrix each in its own way; what they share stands first.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import dtypes
from ..autograd.graph import version_cell
from ..tensor import Tensor
from .dispatch import type_word, value_error
from .kinds import Array, composite, fused
from .pointwise import rsqrt
from .reductions import mean, sum
from .samples import T, call

# --- layer_norm ---------------------------------------------------------------------------------------------------------------------


def check_layer(x: Any, shape: tuple, weight: Any, bias: Any) -> None:
    """Raises RuntimeError unless the last dimensions of x, the weight and the bias have that shape."""
    if not shape:
        raise RuntimeError("Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one element, but got "
                           "normalized_shape = []")  # fmt: skip
    for name, array in (("weight", weight), ("bias", bias)):
        if array is not None and tuple(array.shape) != shape:
            raise RuntimeError(
                f"Expected {name} to be of same shape as normalized_shape, but got {name} of shape {list(array.shape)} and "
                f"normalized_shape = {list(shape)}"
            )
    if tuple(x.shape[-len(shape) :]) != shape:
        stars = "".join(f", {extent}" for extent in shape)
        raise RuntimeError(
            f"Given normalized_shape={list(shape)}, expected input with shape [*{stars}], but got input of size{list(x.shape)}"
        )


def as_shape(normalized_shape: Any) -> tuple:
    """The shape as a tuple of integers."""
    return (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)


def layer_norm_composite(input: Any, normalized_shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    dims = tuple(range(-len(as_shape(normalized_shape)), 0))
    centred = input - mean(input, dims, True)
    result = centred * rsqrt(mean(centred * centred, dims, True) + eps)
    if weight is not None:
        result = result * weight
    return result if bias is None else result + bias


def standardised(rows: Any, eps: float) -> tuple:
    """Rows less their mean, over their standard deviation; and the reciprocal of the latter (a column)."""
    count = rows.shape[1]
    kind = rows.dtype
    result = rows - np.dot(rows, np.full(count, 1.0 / count if count else 0.0, kind))[:, None]
    scale = np.vecdot(result, result)
    scale /= count
    scale += eps
    np.sqrt(scale, out=scale)
    scale = np.reciprocal(scale, out=scale)[:, None]
    result *= scale
    return result, scale


def through_standardised(g: Any, rows: Any, scale: Any) -> Any:
    """The cotangent of rows that `standardised` made into `rows`, from that of the result; g is overwritten."""
    count = rows.shape[1]
    along = np.vecdot(g, rows)[:, None]
    along /= count
    g -= np.dot(g, np.full(count, 1.0 / count if count else 0.0, g.dtype))[:, None]
    g -= rows * along
    g *= scale
    return g


def layer_norm_joint(g: Any, residuals: Any, needs: tuple, weight: Any, x_shape: tuple) -> tuple:
    rows, scale = residuals
    g = g.reshape(rows.shape)
    through = onto_weight = onto_bias = None
    if needs[1]:
        onto_weight = np.einsum("ij,ij->j", g, rows).reshape(weight.shape)
    if len(needs) > 2 and needs[2]:
        onto_bias = np.dot(np.ones(len(g), g.dtype), g).reshape(x_shape[len(x_shape) - residual_rank(weight, x_shape) :])
    if needs[0]:
        through = through_standardised(g * weight.reshape(-1) if weight is not None else g.copy(), rows, scale).reshape(x_shape)
    return through, onto_weight, onto_bias


