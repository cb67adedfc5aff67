"""Activation functions: each with its derivative, which where needed is itself an op with a derivative."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import dtypes
from ..arrays.elementary import in_type_of, log1p_exp, logistic, normal_cdf, over
from ..arrays.masking import cleared, select
from ..arrays.masking import masked as masked_array
from ..dtypes import type_word, type_word_of
from ..tensor import wrap
from .checks import floating
from .dims import position
from .dispatch import value_error
from .filling import zeros_for
from .functions import erf, sigmoid, tanh
from .joining import cat
from .kinds import Array, composite, fused, general, linear, pointwise
from .samples import T, call
from .softmax import log_softmax, softmax

# Samples at some distance from the kinks.
AWAY = T((2, 3), 0.3, 2.5)
BELOW = T((2, 3), -2.5, -0.3)


def kinked(*rest: Any, **options: Any) -> Any:
    """Samples on both sides of zero, for an op with further arguments."""
    return lambda: [call(T((3, 4), distinct=True), *rest, **options), call(AWAY, *rest, **options), call(BELOW, *rest, **options)]


@linear(lambda g, mask: masked(g, mask), method=False, samples=lambda: [call(T((2, 3)), T((2, 3), kind="bool"))])
def masked(input: Array, mask: Array) -> Array:
    """`input` where the boolean `mask`, zero elsewhere (also in place of infinities and NaN). The shapes are equal."""
    return masked_array(input, mask)


ZEROS = {kind: np.zeros((), kind) for kind in (np.dtype("float32"), np.dtype("float64"))}


# --- rectifiers -------------------------------------------------------------------------------------------------------------------


# The derivatives of what is linear in pieces are ops of the cotangent and the input, so that they have a derivative, if a zero one.


@general(
    lambda g, y, threshold: threshold_backward(g, y, threshold), lambda g: zeros_for(g),
    method=False, samples=lambda: [call(T((3, 4)), T((3, 4), distinct=True), 0.1)],
)  # fmt: skip
def threshold_backward(grad_output: Array, self: Array, threshold: float) -> Array:
    """The cotangent where the input is not at `threshold` or below."""
    return cleared(grad_output, self <= threshold)


@general(
    lambda g, y, min_val, max_val: hardtanh_backward(g, y, min_val, max_val), lambda g: zeros_for(g),
    method=False, samples=lambda: [call(T((3, 4)), T((3, 4), distinct=True), -1.0, 1.0)],
)  # fmt: skip
def hardtanh_backward(grad_output: Array, self: Array, min_val: float, max_val: float) -> Array:
    """The cotangent where the input is not at the bounds or beyond them."""
    return cleared(grad_output, (self <= min_val) | (self >= max_val))


@general(
    lambda g, y, lambd: shrink_backward(g, y, lambd), lambda g: zeros_for(g),
    method=False, samples=lambda: [call(T((3, 4)), T((3, 4), distinct=True), 0.5)],
)  # fmt: skip
def shrink_backward(grad_output: Array, self: Array, lambd: float) -> Array:
    """The cotangent where the input is not within `lambd` of zero."""
    return cleared(grad_output, np.abs(self) <= lambd)


@general(lambda g, out: threshold_backward(g, out, 0), inplace=True, samples=kinked())
def relu(input: Array) -> Array:
    """max(input, 0)."""
    if input.dtype.kind in "bc":
        if input.dtype.kind == "b":
            raise RuntimeError("Boolean inputs not supported for relu")
        raise NotImplementedError("clamp is not supported for complex types")
    return np.maximum(input, ZEROS.get(input.dtype, 0))  # an array beside an array is quicker than a Python number


@general(lambda g: zeros_for(g), method=False, samples=kinked(0.2))
def leaky_relu_slope(input: Array, negative_slope: float) -> Array:
    """1 where the input is positive, `negative_slope` elsewhere."""
    positive = input > 0
    if 0.0 <= negative_slope <= 1.0:
        return in_type_of(input, np.maximum(positive, negative_slope, dtype=input.dtype if input.dtype.kind == "f" else None))
    return select(positive, 1.0, np.full_like(input, negative_slope))


@general(
    lambda g, x, negative_slope: g * leaky_relu_slope(x, negative_slope),
    method=False, samples=lambda: kinked()() + kinked(0.2)() + kinked(-1.5)(),
)  # fmt: skip
def leaky_relu(input: Array, negative_slope: float = 0.01) -> Array:
    """The input where positive, `negative_slope * input` elsewhere."""
    floating(input, "leaky_relu_cpu")
    below = in_type_of(input, input * negative_slope)
    return np.maximum(input, below) if 0.0 <= negative_slope <= 1.0 else select(input > 0, input, below)


@general(
    lambda g, x, threshold: threshold_backward(g, x, threshold),
    method=False, samples=lambda: [call(T((3, 4), distinct=True), 0.1, 20.0), call(AWAY, 0.1, -3.0), call(BELOW, -3.0, 0.0)],
)  # fmt: skip
def threshold(input: Array, threshold: float, value: float) -> Array:
    """The input where greater than `threshold`, `value` elsewhere."""
    return np.where(input <= threshold, np.array(value).astype(input.dtype), input)


@general(
    lambda g, x, min_val, max_val: hardtanh_backward(g, x, min_val, max_val),
    method=False, samples=lambda: [call(T((3, 4), distinct=True)), call(AWAY, -3.0, 3.0), call(T((3, 4), distinct=True), 0.5, 1.5)],
)  # fmt: skip
def hardtanh(input: Array, min_val: float = -1.0, max_val: float = 1.0) -> Array:
    """The input clamped to [`min_val`, `max_val`]. The derivative is zero at the bounds."""
    if min_val > max_val:
        raise value_error("min_val cannot be greater than max_val")
    return np.minimum(np.maximum(input, min_val), max_val).astype(input.dtype, copy=False)


@general(
    lambda g, x: masked(g * (1 / 6), (x > -3) & (x < 3)), method=False, samples=lambda: [call(T((3, 4), -5, 5, distinct=True))]
)  # fmt: skip
def hardsigmoid(input: Array) -> Array:
    """clamp(input / 6 + 1/2, 0, 1)."""
    return in_type_of(input, np.minimum(np.maximum(floating(input, "hardsigmoid_cpu") + 3.0, 0.0), 6.0) / 6.0)


@general(
    lambda g, x: masked(g * (1 / 3), (x > -3) & (x < 3)), method=False, samples=lambda: [call(T((3, 4), -5, 5, distinct=True))]
)  # fmt: skip
def hardswish_slope(input: Array) -> Array:
    """The derivative of `hardswish`."""
    return in_type_of(input, masked_array(input / 3.0 + 0.5, (input > -3) & (input < 3)) + ~(input < 3))


@general(lambda g, x: g * hardswish_slope(x), method=False, samples=lambda: [call(T((3, 4), -5, 5, distinct=True))])
def hardswish(input: Array) -> Array:
    """input * clamp(input / 6 + 1/2, 0, 1)."""
    return in_type_of(input, input * np.minimum(np.maximum(floating(input, "hardswish_cpu") + 3.0, 0.0), 6.0) / 6.0)


@general(lambda g, x, lambd: shrink_backward(g, x, lambd), samples=lambda: [call(T((3, 4), distinct=True)), call(AWAY, 1.1)])
def hardshrink(input: Array, lambd: float = 0.5) -> Array:
    """The input where beyond `lambd` on either side, zero elsewhere."""
    return cleared(floating(input, "hardshrink_cpu"), np.abs(input) <= lambd)


@general(
    lambda g, x, lambd: shrink_backward(g, x, lambd), method=False,
    samples=lambda: [call(T((3, 4), distinct=True)), call(AWAY, 1.1)]
)
def softshrink(input: Array, lambd: float = 0.5) -> Array:
    """The input moved towards zero by `lambd`, zero between. Raises RuntimeError for a negative `lambd`."""
    if not lambd >= 0:
        limit = dtypes.finfo(dtypes.of(input)).max
        raise RuntimeError(
            f"lambda must be in range [0, {limit:g}] for input dtype {type_word_of(input)}, but found {lambd:g}"
        )
    return in_type_of(input, input - np.minimum(np.maximum(floating(input, "softshrink_check"), -lambd), lambd))


# --- exponential units ------------------------------------------------------------------------------------------------------------

SELU_ALPHA = 1.6732632423543772848170429916717
SELU_SCALE = 1.0507009873554804934193349852946


@general(lambda g, x, out, input_scale: masked(g * out * input_scale, x < 0), method=False)
def elu_slope(input: Array, alpha: float, scale: float, input_scale: float) -> Array:
    """The derivative of `elu`."""
    slope = in_type_of(input, np.minimum(input, 0.0))
    slope *= input_scale
    slope = over(np.exp, slope)
    factor = alpha * scale * input_scale
    if factor != 1.0:
        slope *= factor
    return slope if factor == scale else select(input > 0, scale, slope)


@general(
    lambda g, x, alpha, scale, input_scale: g * elu_slope(x, alpha, scale, input_scale),
    method=False, samples=lambda: kinked()() + kinked(0.5)(),
)  # fmt: skip
def elu(input: Array, alpha: float = 1.0, scale: float = 1.0, input_scale: float = 1.0) -> Array:
    """scale * input where positive, scale * alpha * (exp(input_scale * input) - 1) elsewhere."""
    below = in_type_of(input, np.minimum(floating(input, "elu_cpu"), 0.0))
    if input_scale != 1.0:
        below *= input_scale
    below = over(np.expm1, below)
    if alpha * scale != 1.0:
        below *= alpha * scale
    above = in_type_of(input, np.maximum(input, 0.0))
    if scale != 1.0:
        above *= scale
    above += below
    return above


@composite(method=False, samples=kinked())
def selu(input: Any) -> Any:
    """`elu` with the constants that keep mean and variance. Source: Klambauer et al., Self-Normalizing Neural Networks (2017)."""
    return elu(input, SELU_ALPHA, SELU_SCALE)


@general(
    lambda g, x, alpha: g * elu_slope(x, alpha, 1.0, 1.0 / alpha), method=False, samples=lambda: kinked()() + kinked(0.5)()
)
def celu(input: Array, alpha: float = 1.0) -> Array:
    """max(input, 0) + min(0, alpha * (exp(input / alpha) - 1)). Raises RuntimeError for `alpha` zero."""
    if alpha == 0:
        raise RuntimeError("ZeroDivisionError: alpha cannot be 0 for CELU")
    below = np.expm1(np.minimum(floating(input, "celu_cpu"), 0.0) / alpha)
    return in_type_of(input, np.maximum(input, 0.0) + below * alpha)


# --- smooth ones ------------------------------------------------------------------------------------------------------------------


def silu_composite(input: Any) -> Any:
    return input * sigmoid(input)


def silu_joint(g: Any, x: Any, residuals: Any) -> tuple:
    """s * (1 + x * (1 - s)) with the sigmoid s."""
    slope = np.subtract(1.0, residuals)
    slope *= x
    slope += 1.0
    slope *= residuals
    if slope.dtype.kind == "c":
        slope = np.conjugate(slope)
    slope *= g
    return (slope,)


@fused(silu_composite, silu_joint, method=False, samples=lambda: [call(T((2, 3))), call(T(())), call(T((0, 2)))])
def silu(input: Array) -> Array:
    """input * sigmoid(input)."""
    s = logistic(floating(input, "silu_cpu", refused="biu"))
    return input * s, s


def mish_composite(input: Any) -> Any:
    return input * tanh(softplus(input))


def mish_joint(g: Any, x: Any, residuals: Any) -> tuple:
    """t + x * (1 - t**2) * sigmoid(x) with t = tanh(softplus(x))."""
    slope = residuals * residuals
    slope = np.subtract(1.0, slope)
    slope *= x
    slope *= logistic(x)
    slope += residuals
    slope *= g
    return (slope,)


@fused(mish_composite, mish_joint, method=False, samples=lambda: [call(T((2, 3))), call(T(()))])
def mish(input: Array) -> Array:
    """input * tanh(softplus(input))."""
    t = over(np.tanh, log1p_exp(floating(input, "mish_cpu")))
    return input * t, t


@general(lambda g, out, beta: g * (beta * out * (1 - out)), method=False, samples=lambda: [call(T((2, 3)), 1.0, 20.0)])
def softplus_slope(input: Array, beta: float, threshold: float) -> Array:
    """The derivative of `softplus`: sigmoid(beta * x), 1 beyond the threshold."""
    scaled = in_type_of(input, input * beta)
    slope = logistic(scaled)
    return np.where(scaled > threshold, np.ones((), slope.dtype), slope)


@general(
    lambda g, x, beta, threshold: g * softplus_slope(x, beta, threshold),
    method=False, samples=lambda: [call(T((2, 3))), call(T((2, 3)), 2.0), call(T((2, 3), distinct=True), 1.0, 0.7)],
)  # fmt: skip
def softplus(input: Array, beta: float = 1, threshold: float = 20) -> Array:
    """log(1 + exp(beta * input)) / beta; the input itself where beta * input exceeds `threshold`."""
    scaled = floating(input, "softplus_cpu") if beta == 1 else in_type_of(input, input * beta)
    result = over(np.log1p, np.exp(scaled))
    if beta != 1:
        result /= beta
    return np.where(scaled > threshold, input, result)


@general(
    lambda g, x: g * sigmoid(-x), method=False, node="LogSigmoidBackward0",
    samples=lambda: [call(T((2, 3))), call(T((2, 2), -40, 40))]
)
def logsigmoid(input: Array) -> Array:
    """log(sigmoid(input))."""
    result = np.negative(floating(input, "log_sigmoid_cpu"))
    return over(np.negative, log1p_exp(result))


@composite(method=False, samples=lambda: [call(T((2, 3))), call(T((2, 2), -40, 40))])
def softsign(input: Any) -> Any:
    """input / (1 + |input|)."""
    return input / (abs(input) + 1)


@composite(method=False, samples=lambda: [call(T((2, 3)))])
def tanhshrink(input: Any) -> Any:
    """input - tanh(input)."""
    return input - tanh(input)


ROOT_2_OVER_PI = math.sqrt(2 / math.pi)
INVERSE_ROOT_2_PI = 1 / math.sqrt(2 * math.pi)
CUBIC = 0.044715


def gelu_composite(input: Any, *, approximate: str = "none") -> Any:
    if approximate == "none":
        return input * (1 + erf(input * math.sqrt(0.5))) * 0.5
    return input * (1 + tanh(input * (1 + CUBIC * input * input) * ROOT_2_OVER_PI)) * 0.5


def gelu_joint(g: Any, x: Any, residuals: Any, approximate: str) -> tuple:
    slope = x * x
    if approximate == "none":
        slope *= -0.5
        slope = over(np.exp, slope)
        slope *= x
        slope *= INVERSE_ROOT_2_PI
    else:  # the residual is (1 + t) / 2 with the tanh t
        slope *= 3 * CUBIC
        slope += 1.0
        slope *= x
        slope *= 2 * ROOT_2_OVER_PI
        slope *= residuals
        slope *= 1.0 - residuals
    slope += residuals
    slope *= g
    return (slope,)


@fused(
    gelu_composite, gelu_joint,
    method=False, samples=lambda: [call(T((2, 3))), call(T((2, 3)), approximate="tanh"), call(T(()))],
)  # fmt: skip
def gelu(input: Array, *, approximate: str = "none") -> Array:
    """input * P(X <= input) for a standard normal X; with `approximate="tanh"` by a tanh.

    Source: Hendrycks and Gimpel, Gaussian Error Linear Units (2016).
    """
    floating(input, "GeluKernelImpl")
    if approximate == "none":
        share = normal_cdf(input)
    elif approximate == "tanh":
        share = input * input
        share *= CUBIC
        share += 1.0
        share *= input
        share *= ROOT_2_OVER_PI
        share = over(np.tanh, share)
        share += 1.0
        share *= 0.5
    else:
        raise RuntimeError("approximate argument must be either none or tanh.")
    return input * share, share


# --- with weights, halves or noise ------------------------------------------------------------------------------------------------


negative_part = pointwise("negative_part", lambda x: np.minimum(x, 0), d=lambda x: x <= 0, method=False, inplace=False,
                          doc="min(input, 0).")  # fmt: skip
prelu_slope = pointwise(
    "prelu_slope", lambda x, w: np.where(x > 0, np.ones((), w.dtype), w), d=(0, lambda x: x <= 0), method=False, inplace=False,
    doc="1 where the input is positive, the weight elsewhere.",
)  # fmt: skip
prelu_kernel = pointwise(
    "prelu_kernel", lambda x, w: np.maximum(x, 0) + w * np.minimum(x, 0),
    d=(lambda x, y: prelu_slope(x, y), lambda x: negative_part(x)),
    method=False, inplace=False, doc="The input where positive, input * weight elsewhere.",
)  # fmt: skip


@composite(samples=lambda: [call(T((2, 3, 2), distinct=True), T((3,), 0.1, 0.9)), call(T((3,), distinct=True), T((1,), 0.1, 0.9))])
def prelu(input: Any, weight: Any) -> Any:
    """The input where positive, weight * input elsewhere; `weight` has one element, or one per channel (dimension 1).

    Raises RuntimeError for another number of weights.
    """
    channels = input.shape[1] if input.ndim >= 2 else 1
    if weight.numel() != 1:
        if input.ndim == 0:
            raise RuntimeError("Not allow zero-dim input tensor.")
        if weight.numel() != channels:
            raise RuntimeError(
                f"Mismatch of parameter numbers and input channel size. Found parameter numbers = {weight.numel()} and "
                f"channel size = {channels}."
            )
    if weight.dtype != input.dtype:
        raise RuntimeError(f"prelu: Type promoting not supported. Got {type_word(input.dtype)} and {type_word(weight.dtype)}")
    if weight.ndim > 1:
        raise RuntimeError(f"prelu: Expected `weight` to be a scalar or 1D tensor, but got: ndim = {weight.ndim}")
    if input.ndim != weight.ndim:
        weight = weight.reshape(*(1,) * (input.ndim > 1), -1, *(1,) * (input.ndim - 2)) if input.ndim else weight.reshape(())
    return prelu_kernel(input, weight)


@general(
    lambda g, x, noise, training, lower, upper: g * (noise if training else leaky_relu_slope(x, (lower + upper) / 2)),
    method=False, node="RreluWithNoiseBackward0",
    samples=lambda: [call(T((3, 4), distinct=True), T((3, 4), 0.2, 0.3, grad=False), 0.1, 0.3)],
)  # fmt: skip
def rrelu_with_noise(input: Array, noise: Array, lower: float = 1 / 8, upper: float = 1 / 3, training: bool = False) -> Array:
    """input * noise in training, otherwise `leaky_relu` with the mean slope."""
    if training:
        return input * noise
    return np.maximum(input, in_type_of(input, input * ((lower + upper) / 2)))


def random_slopes(array: Any, lower: float, upper: float, training: bool) -> Any:
    """The factors of `rrelu`: in training random where the array is not positive, drawn for those alone; otherwise ones."""
    from ..random import default_generator

    if not lower <= upper:
        raise RuntimeError("Lower bound should be less than or equal to the upper bound")
    slopes = np.ones_like(array)
    if training:
        below = array <= 0
        slopes[below] = default_generator.uniform((int(below.sum()),), np.float64, lower, upper)
    return slopes


@composite(method=False, samples=kinked())
def rrelu(input: Any, lower: float = 1 / 8, upper: float = 1 / 3, training: bool = False) -> Any:
    """The input where positive; elsewhere scaled by a random slope of [lower, upper) in training, else by their mean."""
    return rrelu_with_noise(input, wrap(random_slopes(input._array, lower, upper, training)), lower, upper, training)


def halves(x: Any, dim: int) -> tuple:
    """The two halves of a dimension (not negative)."""
    before, middle = (slice(None),) * dim, x.shape[dim] // 2
    return x[(*before, slice(None, middle))], x[(*before, slice(middle, None))]


def glu_vjp(g: Any, x: Any, dim: int) -> Any:
    dim %= x.ndim
    value, gate = halves(x, dim)
    s = sigmoid(gate)
    through = g * s
    return cat([through, through * value * (1 - s)], dim)


@general(glu_vjp, method=False, samples=lambda: [call(T((2, 4))), call(T((4, 3)), 0), call(T((2, 6, 2)), 1)])
def glu(input: Array, dim: int = -1) -> Array:
    """The first half of `dim`, times the sigmoid of the second. Raises RuntimeError for an odd extent."""
    if input.ndim == 0:
        raise RuntimeError("glu does not support scalars because halving size must be even")
    dim = position(dim, input.ndim)
    if input.shape[dim] % 2:
        raise RuntimeError(f"Halving dimension must be even, but dimension {dim} is size {input.shape[dim]}")
    value, gate = halves(input, dim)
    return value * logistic(gate)


__all__ = ["celu", "hardshrink", "log_softmax", "prelu", "relu", "rrelu", "rrelu_with_noise", "selu", "softmax", "threshold"]
