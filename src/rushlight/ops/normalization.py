"""Normalisation: over a layer, root mean squares, groups, batches, instances and neighbouring channels.

Layers and groups are rows of a matrix that is standardised; batches are standardised per channel.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import dtypes
from ..arrays.constants import averages, ones
from ..arrays.promotion import cast
from ..autograd.graph import version_cell
from ..autograd.modes import thread
from ..dtypes import type_word_of
from ..tensor import Tensor
from .checks import floating
from .dims import dimension_error
from .kinds import Array, composite, fused
from .padding import constant_pad_nd
from .pointwise import rsqrt
from .reductions import mean
from .samples import T, call

# --- rows and channels ------------------------------------------------------------------------------------------------------------


def mean_of_rows(rows: Any) -> Any:
    """The means of the rows of a matrix, a column."""
    return rows.dot(averages(rows.shape[1], rows.dtype)).reshape(-1, 1)


def standardised(rows: Any, eps: float) -> tuple:
    """Rows less their means, over their standard deviations; and these (a column)."""
    result = rows - mean_of_rows(rows)
    deviation = np.vecdot(result, result)
    deviation *= 1.0 / max(rows.shape[1], 1)
    deviation += eps
    deviation = np.sqrt(deviation, out=deviation).reshape(-1, 1)
    result /= deviation
    return result, deviation


def through_standardised(g: Any, rows: Any, deviation: Any) -> Any:
    """The cotangent of what `standardised` made into `rows`, from that of `rows`: written over g."""
    along = np.vecdot(g, rows)
    along *= 1.0 / max(rows.shape[1], 1)
    g -= mean_of_rows(g)
    g -= rows * along.reshape(-1, 1)
    g /= deviation
    return g


def by_channel(x: Any) -> Any:
    """An array (N, C, ...) as (N, C) or (N, C, L)."""
    return x if x.ndim == 2 else x.reshape(*x.shape[:2], math.prod(x.shape[2:]))


def spread(values: Any, x: Any) -> Any:
    """One value per channel, in a shape that broadcasts against (N, C) or (N, C, L)."""
    return values if x.ndim == 2 else values.reshape(-1, 1)


def channel_sums(x: Any) -> Any:
    """Sums per channel of (N, C) or (N, C, L)."""
    if x.ndim == 2:
        return ones(x.shape[0], x.dtype).dot(x)
    sums = x.reshape(-1, x.shape[2]).dot(ones(x.shape[2], x.dtype))
    return np.add.reduce(sums.reshape(x.shape[:2]), 0)


def channel_products(x: Any, y: Any) -> Any:
    """Sums of x * y per channel."""
    return np.einsum("ij,ij->j", x, y) if x.ndim == 2 else np.add.reduce(np.vecdot(x, y), 0)


def check_parameters(x: Any, *arrays: Any) -> None:
    """Raises RuntimeError for parameters of another type than x, unless that is of half precision and they are of single."""
    for array in arrays:
        if array is not None and array.dtype is not x.dtype and (x.dtype.itemsize != 2 or array.dtype.itemsize > 4):
            raise RuntimeError(f"mixed dtype (CPU): expect parameter to have scalar type of {type_word_of(x)}")


def in_single(*arrays: Any) -> tuple:
    """Half precision, and its companions, in single precision; other arrays as they are."""
    if arrays[0].dtype.itemsize == 2:
        return tuple(None if array is None else cast(array, dtypes.float32) for array in arrays)
    return arrays


# --- layers and groups ------------------------------------------------------------------------------------------------------------


def as_shape(normalized_shape: Any) -> tuple:
    """The shape of a layer as a tuple. Raises TypeError for a number."""
    if isinstance(normalized_shape, int):
        raise TypeError("layer_norm(): argument 'normalized_shape' (position 2) must be tuple of ints, not int")
    return tuple(normalized_shape)


def check_layer(name: str, x: Any, shape: tuple, weight: Any, bias: Any = None) -> None:
    """Raises RuntimeError unless the last dimensions of x, the weight and the bias have that shape."""
    fits = shape and x.shape[-len(shape) :] == shape
    if fits and (weight is None or weight.shape == shape) and (bias is None or bias.shape == shape):
        return
    if not shape:
        raise RuntimeError(
            "Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one element, but got "
            "normalized_shape = []"
        )
    for label, array in (("weight", weight), ("bias", bias)):
        if array is not None and tuple(array.shape) != shape:
            raise RuntimeError(
                f"Expected {label} to be of same shape as normalized_shape, but got {label} of shape {list(array.shape)} and "
                f"normalized_shape = {list(shape)}"
            )
    raise RuntimeError(
        f"Given normalized_shape={list(shape)}, expected input with shape [*, {', '.join(map(str, shape))}], but got input of "
        f"size{list(x.shape)}"
    )


def layer_norm_composite(input: Any, normalized_shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    dims = tuple(range(-len(as_shape(normalized_shape)), 0))
    centred = input - mean(input, dims, True)
    result = centred * rsqrt(mean(centred * centred, dims, True) + eps)
    result = result if weight is None else result * weight
    return result if bias is None else result + bias


def layer_norm_joint(g: Any, residuals: Any, needs: tuple, weight: Any, x_shape: tuple, normalized_shape: Any) -> tuple:
    rows, deviation = residuals
    shape, g = as_shape(normalized_shape), g.reshape(rows.shape).astype(rows.dtype, copy=False)
    through = onto_weight = onto_bias = None
    if needs[0]:
        scaled = g.copy() if weight is None else g * weight.reshape(-1)
        through = through_standardised(scaled, rows, deviation).reshape(x_shape)
    if needs[1]:
        onto_weight = channel_products(g, rows).reshape(shape)
    if needs[2]:
        onto_bias = channel_sums(g).reshape(shape)
    return through, onto_weight, onto_bias


@fused(
    layer_norm_composite, layer_norm_joint, method=False, node="NativeLayerNormBackward0",
    samples=lambda: [
        call(T((2, 3)), (3,)), call(T((2, 3)), (3,), T((3,)), T((3,))), call(T((2, 3, 2)), (3, 2), T((3, 2))),
        call(T((3,)), (3,), None, T((3,))), call(T((0, 3)), (3,), T((3,)), T((3,)))
    ],
)  # fmt: skip
def layer_norm(
    input: Array, normalized_shape: Any, weight: Array | None = None, bias: Array | None = None, eps: float = 1e-5
) -> Array:
    """(input - mean) / sqrt(variance + eps) over the last dimensions, of shape `normalized_shape`; then times weight, plus bias.

    Source: Ba et al., Layer Normalization (2016). Raises RuntimeError for shapes that do not fit.
    """
    shape, kind = as_shape(normalized_shape), floating(input, "LayerNormKernelImpl").dtype
    check_layer("layer_norm", input, shape, weight, bias)
    check_parameters(input, weight, bias)
    input, weight, bias = in_single(input, weight, bias)
    residuals = standardised(input.reshape(-1, math.prod(shape)), eps)
    result = residuals[0].copy() if weight is None else residuals[0] * weight.reshape(-1)
    if bias is not None:
        result += bias.reshape(-1)
    return result.reshape(input.shape).astype(kind, copy=False), residuals


@composite(method=False, samples=lambda: [call(T((2, 3)), (3,)), call(T((2, 3, 2)), (3, 2), T((3, 2)), 1e-2)])
def rms_norm(input: Any, normalized_shape: Any, weight: Any = None, eps: float | None = None) -> Any:
    """The input over its root mean square over the last dimensions, times the weight; `eps` is by default the type's epsilon.

    Source: Zhang and Sennrich, Root Mean Square Layer Normalization (2019).
    """
    shape = as_shape(normalized_shape)
    check_layer("rms_norm", input, shape, weight)
    floating(input._array if isinstance(input, Tensor) else input, "rms_norm", refused="biu")
    if eps is None:
        eps = dtypes.finfo(input.dtype).eps
    result = input * rsqrt(mean(input * input, tuple(range(-len(shape), 0)), True) + eps)
    return result if weight is None else result * weight


def check_groups(shape: tuple, groups: int, weight: Any, bias: Any) -> None:
    """Raises RuntimeError unless the channels fall into that many groups, and weight and bias have one element for each."""
    if len(shape) < 2:
        raise RuntimeError(f"Expected at least 2 dimensions for input tensor but received {len(shape)}")
    if groups <= 0:
        raise RuntimeError(f"Expected num groups to be greater than 0, got {groups}")
    channels = shape[1]
    if channels % groups:
        raise RuntimeError(
            f"Expected number of channels in input to be divisible by num_groups, but got input of shape {list(shape)} and "
            f"num_groups={groups}"
        )
    for name, array in (("weight", weight), ("bias", bias)):
        if array is not None and array.shape != (channels,):
            raise RuntimeError(
                f"Expected {name} to be a vector of size equal to the number of channels in input, but got {name} of shape "
                f"{list(array.shape)} and input of shape {list(shape)}"
            )


def group_norm_composite(input: Any, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    shape = tuple(input.shape)
    rows = input.reshape(shape[0] * num_groups, math.prod(shape[1:]) // num_groups)
    result = layer_norm_composite(rows, rows.shape[1:], eps=eps).reshape(shape)
    return affine(result, weight, bias)


def affine(x: Any, weight: Any, bias: Any) -> Any:
    """x * weight + bias, with one weight and bias per channel (dimension 1)."""
    column = (-1, *(1,) * (x.ndim - 2))
    x = x if weight is None else x * weight.reshape(column)
    return x if bias is None else x + bias.reshape(column)


def group_norm_joint(g: Any, residuals: Any, needs: tuple, weight: Any, x_shape: tuple) -> tuple:
    rows, deviation = residuals
    g = by_channel(g).astype(rows.dtype, copy=False)
    through = onto_weight = onto_bias = None
    if needs[0]:
        scaled = g.copy() if weight is None else g * spread(weight, g)
        through = through_standardised(scaled.reshape(rows.shape), rows, deviation).reshape(x_shape)
    if needs[1]:
        onto_weight = channel_products(g, rows.reshape(g.shape))
    if needs[2]:
        onto_bias = channel_sums(g)
    return through, onto_weight, onto_bias


@fused(
    group_norm_composite, group_norm_joint, method=False, node="NativeGroupNormBackward0",
    samples=lambda: [
        call(T((2, 4)), 2), call(T((2, 4, 3)), 2, T((4,)), T((4,))), call(T((2, 3, 2, 2)), 1, T((3,))),
        call(T((2, 3, 2)), 3, None, T((3,))),
    ],
)  # fmt: skip
def group_norm(
    input: Array, num_groups: int, weight: Array | None = None, bias: Array | None = None, eps: float = 1e-5
) -> Array:
    """`layer_norm` of each group of channels of (N, C, ...); weight and bias have one element per channel.

    Source: Wu and He, Group Normalization (2018). Raises RuntimeError for shapes that do not fit.
    """
    kind, shape = floating(input, "GroupNormKernelImpl").dtype, input.shape
    check_groups(shape, num_groups, weight, bias)
    input, weight, bias = in_single(input, weight, bias)
    residuals = standardised(input.reshape(shape[0] * num_groups, math.prod(shape[1:]) // num_groups), eps)
    result = affine(residuals[0].reshape(shape), weight, bias)
    return result.astype(kind, copy=weight is None and bias is None), residuals


# --- batches ----------------------------------------------------------------------------------------------------------------------


def batch_norm_composite(input: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5, found: list | None = None) -> Any:
    dims = (0, *range(2, input.ndim))
    means = mean(input, dims, True)
    centred = input - means
    variances = mean(centred * centred, dims, True)
    if found is not None:
        found += [one._array.reshape(input.shape[1]) for one in (means, variances)]
    return affine(centred * rsqrt(variances + eps), weight, bias)


def batch_norm_joint(g: Any, residuals: Any, needs: tuple, weight: Any, x_shape: tuple) -> tuple:
    centred, scale = residuals
    g = by_channel(g).astype(centred.dtype, copy=False)
    count = centred.size // max(centred.shape[1], 1)
    products, sums = channel_products(g, centred), channel_sums(g)
    through = None
    if needs[0]:
        through = centred * spread(products * scale**2 / -count, g)
        through += g
        through -= spread(sums / count, g)
        through *= spread(scale if weight is None else scale * weight, g)
        through = through.reshape(x_shape)
    return through, products * scale if needs[1] else None, sums if needs[2] else None


BATCHES = [(2, 3), (3, 2, 2), (2, 2, 2, 1)]


@fused(
    batch_norm_composite, batch_norm_joint, method=False, node="NativeBatchNormBackward0",
    samples=lambda: [call(T(shape), T(shape[1:2]), T(shape[1:2])) for shape in BATCHES] + [call(T((3, 2)))],
)  # fmt: skip
def batch_norm_training(
    input: Array, weight: Array | None = None, bias: Array | None = None, eps: float = 1e-5, found: list | None = None
) -> Array:
    """`batch_norm` by the statistics of the input itself; the means and the variances are appended to `found`."""
    kind, shape = floating(input, "batch_norm").dtype, input.shape
    input, weight, bias = in_single(input, weight, bias)
    x = by_channel(input)
    count = x.size // max(x.shape[1], 1)
    means = channel_sums(x)
    means /= count
    centred = x - spread(means, x)
    variances = channel_products(centred, centred)
    variances /= count
    if found is not None:
        found += [means, variances]
    scale = variances + eps
    scale = np.sqrt(scale, out=scale)
    scale = np.reciprocal(scale, out=scale)
    result = centred * spread(scale if weight is None else scale * weight, x)
    if bias is not None:
        result += spread(bias, x)
    return result.reshape(shape).astype(kind, copy=False), (centred, scale)


def fixed_composite(input: Any, weight: Any, bias: Any, running_mean: Any, running_var: Any, eps: float = 1e-5) -> Any:
    column = (-1, *(1,) * (input.ndim - 2))
    return affine((input - running_mean.reshape(column)) * rsqrt(running_var.reshape(column) + eps), weight, bias)


def fixed_joint(g: Any, residuals: Any, needs: tuple, x: Any, weight: Any, running_mean: Any) -> tuple:
    scale, shape = residuals, g.shape
    g, x = by_channel(g).astype(scale.dtype, copy=False), by_channel(x)
    sums = channel_sums(g) if needs[1] or needs[2] else None
    through = g * spread(scale if weight is None else scale * weight, g) if needs[0] else None
    onto_weight = (channel_products(g, x) - running_mean * sums) * scale if needs[1] else None
    return None if through is None else through.reshape(shape), onto_weight, sums if needs[2] else None


@fused(
    fixed_composite, fixed_joint, leading=3, method=False, node="NativeBatchNormBackward0",
    samples=lambda: [
        call(T(shape), T(shape[1:2]), T(shape[1:2]), T(shape[1:2], grad=False),
        T(shape[1:2], 0.5, 2.0, grad=False)) for shape in BATCHES
    ],
)  # fmt: skip
def batch_norm_fixed(
    input: Array, weight: Array | None, bias: Array | None, running_mean: Array, running_var: Array, eps: float = 1e-5
) -> Array:
    """`batch_norm` by given statistics."""
    kind, shape = floating(input, "batch_norm").dtype, input.shape
    input, weight, bias, running_mean, running_var = in_single(input, weight, bias, running_mean, running_var)
    x = by_channel(input)
    scale = np.reciprocal(np.sqrt(running_var + eps))
    factor = scale if weight is None else scale * weight
    offset = running_mean * -factor
    if bias is not None:
        offset += bias
    result = x * spread(factor, x)
    result += spread(offset, x)
    return result.reshape(shape).astype(kind, copy=False), scale


def check_channels(channels: int, *tensors: Tensor | None) -> None:
    """Raises RuntimeError unless each tensor given (the running statistics, weight, bias) has one element per channel."""
    for name, tensor in zip(("running_mean", "running_var", "weight", "bias"), tensors, strict=True):
        if tensor is not None and tensor._array.size != channels:
            raise RuntimeError(f"{name} should contain {channels} elements not {tensor._array.size}")


def update(running: Tensor, value: Any, momentum: float) -> None:
    """Moves a running statistic towards a new value, in place."""
    array = running._array
    if type(array) is np.ndarray and type(value) is not np.ndarray and thread.batch_levels:
        raise RuntimeError(
            "Batch norm got a batched tensor as input while the running_mean or running_var, which will be updated in place, "
            "were not batched.\nIf you are using a module and do not need eval mode, please set `track_running_stats` to be "
            "False. If you are using a prebuilt module, see func.stack_module_state, or replace the layer by GroupNorm."
        )
    array *= 1.0 - momentum
    array += value.astype(array.dtype, copy=False) * momentum
    version_cell(running).bump()


def batch_norm(
    input: Tensor, weight: Tensor | None, bias: Tensor | None, running_mean: Tensor | None, running_var: Tensor | None,
    training: bool,
    momentum: float, eps: float, cudnn_enabled: bool = False,
) -> Tensor:  # fmt: skip
    """(input - mean) / sqrt(variance + eps) per channel of (N, C, ...), then times weight, plus bias.

    In training the statistics are the input's, and the running ones move towards them by `momentum`; otherwise the running ones
    are taken. Source: Ioffe and Szegedy, Batch Normalization (2015). Raises RuntimeError for shapes that do not fit.
    """
    if not input._array.size:
        result = input.clone()
        # No elements: weight and bias take part, and get zeros.
        result = result if weight is None else result * weight.sum()
        return result if bias is None else result + bias.sum()
    if input._array.ndim < 2:
        check_channels(0, running_mean, running_var, weight, bias)
        raise dimension_error(1, input._array.ndim)
    check_channels(input._array.shape[1], running_mean, running_var, weight, bias)
    check_parameters(input._array, *[None if one is None else one._array for one in (weight, bias, running_mean, running_var)])
    if not training:
        if running_mean is None or running_var is None:
            missing = "running_mean" if running_mean is None else "running_var"
            raise RuntimeError(f"{missing} must be defined in evaluation mode")
        return batch_norm_fixed(input, weight, bias, running_mean, running_var, eps)
    if running_mean is None and running_var is None:
        return batch_norm_training(input, weight, bias, eps)
    found: list = []
    result = batch_norm_training(input, weight, bias, eps, found)
    if running_mean is not None:
        update(running_mean, found[0], momentum)
    if running_var is not None:
        count = input._array.size // input._array.shape[1]
        update(running_var, found[1] * (count / (count - 1)) if count > 1 else found[1] * math.nan, momentum)
    return result


def instance_norm(
    input: Tensor, weight: Tensor | None, bias: Tensor | None, running_mean: Tensor | None, running_var: Tensor | None,
    use_input_stats: bool, momentum: float, eps: float, cudnn_enabled: bool = False,
) -> Tensor:  # fmt: skip
    """`batch_norm` of each sample on its own; the running statistics are means over the samples.

    Source: Ulyanov et al., Instance Normalization (2016).
    """
    if not use_input_stats and (running_mean is None or running_var is None):
        raise RuntimeError("Expected running_mean and running_var to be defined when use_input_stats is false")
    check_channels(input._array.shape[1], running_mean, running_var, weight, bias)
    samples, channels, *rest = input.shape
    repeated = [None if one is None else one.repeat(samples) for one in (weight, bias, running_mean, running_var)]
    flat = input.reshape(1, samples * channels, *rest)
    weights, biases, means, variances = repeated
    result = batch_norm(flat, weights, biases, means, variances, use_input_stats, momentum, eps)
    for running, changed in ((running_mean, means), (running_var, variances)):
        if use_input_stats and running is not None and changed is not None:
            running._array[...] = changed._array.reshape(samples, channels).mean(0)
            version_cell(running).bump()
    return result.reshape(input.shape)


def native_layer_norm(
    input: Tensor, normalized_shape: Any, weight: Tensor | None, bias: Tensor | None, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    """`layer_norm`, the means, and the reciprocals of the standard deviations (through which no gradient flows)."""
    dims = tuple(range(-len(as_shape(normalized_shape)), 0))
    x = input.detach()
    centre = mean(x, dims, True)
    scale = rsqrt(mean((x - centre) * (x - centre), dims, True) + eps)
    return layer_norm(input, normalized_shape, weight, bias, eps), centre, scale


def native_batch_norm(
    input: Tensor, weight: Tensor | None, bias: Tensor | None, running_mean: Tensor | None, running_var: Tensor | None,
    training: bool, momentum: float, eps: float,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """`batch_norm`, and in training the means and the reciprocals of the standard deviations per channel."""
    result = batch_norm(input, weight, bias, running_mean, running_var, training, momentum, eps)
    if not training:
        return result, input.new_empty((0,)), input.new_empty((0,))
    dims = (0, *range(2, input.ndim))
    x = input.detach()
    centre = mean(x, dims, True)
    scale = rsqrt(mean((x - centre) * (x - centre), dims) + eps)
    return result, centre.reshape(-1), scale


def native_group_norm(
    input: Tensor, weight: Tensor | None, bias: Tensor | None, N: int, C: int, HxW: int, group: int, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    """`group_norm` of N samples of C channels in `group` groups, the means, and the reciprocals of the standard deviations."""
    rows = input.reshape(N, group, C // group * HxW)
    centre = mean(rows, 2, True)
    scale = rsqrt(mean((rows - centre) * (rows - centre), 2) + eps)
    return group_norm(input, group, weight, bias, eps), centre.reshape(N, group), scale


# --- neighbouring channels --------------------------------------------------------------------------------------------------------


@composite(method=False, samples=lambda: [call(T((2, 3, 2)), 2), call(T((1, 4, 2, 2)), 3, 0.1, 0.5, 2.0)])
def local_response_norm(input: Any, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Any:
    """input / (k + alpha * mean of the squares of `size` neighbouring channels)**beta. Source: Krizhevsky et al. (2012)."""
    if input.ndim < 3:
        raise ValueError(f"Expected 3D or higher dimensionality                          input (got {input.ndim} dimensions)")
    if input.numel() == 0:
        return input
    channels, before = input.shape[1], size // 2
    squares = constant_pad_nd(input * input, (0, 0) * (input.ndim - 2) + (before, size - 1 - before))
    total = squares[:, :channels]
    for shift in range(1, size):
        total = total + squares[:, shift : shift + channels]
    return input / (total * (alpha / size) + k) ** beta


__all__ = [
    "batch_norm", "group_norm", "instance_norm", "layer_norm", "native_batch_norm", "native_group_norm", "native_layer_norm",
    "rms_norm",
]  # fmt: skip
