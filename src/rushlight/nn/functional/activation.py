"""Activations, softmax and dropout, with the arguments of `torch.nn.functional`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...autograd.inplace import change
from ...ops import activations
from ...ops import dropout as dropping
from ...ops import softmax as softmaxes
from ...ops.activations import gelu, glu, hardshrink, logsigmoid, prelu, softplus, softshrink, softsign, tanhshrink
from ...ops.functions import sigmoid, tanh
from ...tensor import Tensor, wrap
from ...warning import warn

if TYPE_CHECKING:
    from ...dtypes import dtype as DType

# --- activations that may replace their input -------------------------------------------------------------------------------------


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """max(input, 0)."""
    return relu_(input) if inplace else activations.relu(input)


def relu_(input: Tensor) -> Tensor:
    """In-place form of `relu`."""
    return change(input, activations.relu.op, (), {})


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """min(max(input, 0), 6)."""
    return hardtanh(input, 0.0, 6.0, inplace)


def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    """The input limited to [min_val, max_val]."""
    return hardtanh_(input, min_val, max_val) if inplace else activations.hardtanh(input, min_val, max_val)


def hardtanh_(input: Tensor, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    """In-place form of `hardtanh`."""
    return change(input, activations.hardtanh.op, (min_val, max_val), {})


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """The input where positive, elsewhere `negative_slope` times it."""
    return leaky_relu_(input, negative_slope) if inplace else activations.leaky_relu(input, negative_slope)


def leaky_relu_(input: Tensor, negative_slope: float = 0.01) -> Tensor:
    """In-place form of `leaky_relu`."""
    return change(input, activations.leaky_relu.op, (negative_slope,), {})


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """The input where positive, alpha * (exp(input) - 1) elsewhere."""
    return elu_(input, alpha) if inplace else activations.elu(input, alpha)


def elu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """In-place form of `elu`."""
    return change(input, activations.elu.op, (alpha,), {})


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """`elu` with the constants that keep mean and variance."""
    return selu_(input) if inplace else activations.selu(input)


def selu_(input: Tensor) -> Tensor:
    """In-place form of `selu`."""
    return change(input, activations.elu.op, (activations.SELU_ALPHA, activations.SELU_SCALE), {})


def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """max(0, input) + min(0, alpha * (exp(input / alpha) - 1))."""
    return celu_(input, alpha) if inplace else activations.celu(input, alpha)


def celu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """In-place form of `celu`."""
    return change(input, activations.celu.op, (alpha,), {})


def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """The input where greater than `threshold`, `value` elsewhere."""
    return threshold_(input, threshold, value) if inplace else activations.threshold(input, threshold, value)


def threshold_(input: Tensor, threshold: float, value: float) -> Tensor:
    """In-place form of `threshold`."""
    return change(input, activations.threshold.op, (threshold, value), {})


def rrelu(
    input: Tensor, lower: float = 1.0 / 8, upper: float = 1.0 / 3, training: bool = False, inplace: bool = False
) -> Tensor:
    """The input where positive; elsewhere times a random slope of [lower, upper) in training, else times their mean."""
    return rrelu_(input, lower, upper, training) if inplace else activations.rrelu(input, lower, upper, training)


def rrelu_(input: Tensor, lower: float = 1.0 / 8, upper: float = 1.0 / 3, training: bool = False) -> Tensor:
    """In-place form of `rrelu`."""
    noise = wrap(activations.random_slopes(input._array, lower, upper, training))
    return change(input, activations.rrelu_with_noise.op, (noise, lower, upper, training), {})


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """input * sigmoid(input)."""
    return change(input, activations.silu.op, (), {}) if inplace else activations.silu(input)


def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """input * tanh(softplus(input))."""
    return change(input, activations.mish.op, (), {}) if inplace else activations.mish(input)


def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """input / 6 + 1/2, limited to [0, 1]."""
    return change(input, activations.hardsigmoid.op, (), {}) if inplace else activations.hardsigmoid(input)


def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """input * hardsigmoid(input)."""
    return change(input, activations.hardswish.op, (), {}) if inplace else activations.hardswish(input)


# --- softmax ----------------------------------------------------------------------------------------------------------------------


def implicit_dimension(name: str, rank: int) -> int:
    """The dimension that PyTorch takes where none is given, with its warning."""
    warn(f"Implicit dimension choice for {name} has been deprecated. Change the call to include dim=X as an argument.")
    return 0 if rank in (0, 1, 3) else 1


def softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: DType | None = None) -> Tensor:
    """exp(input) over its sum along `dim`, computed in `dtype` if given."""
    return softmaxes.softmax(input, implicit_dimension("softmax", input.ndim) if dim is None else dim, dtype)


def log_softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: DType | None = None) -> Tensor:
    """The logarithm of the softmax along `dim`, computed in `dtype` if given."""
    return softmaxes.log_softmax(input, implicit_dimension("log_softmax", input.ndim) if dim is None else dim, dtype)


def softmin(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: DType | None = None) -> Tensor:
    """The softmax of the negative input."""
    return softmaxes.softmax(-input, implicit_dimension("softmin", input.ndim) if dim is None else dim, dtype)


def gumbel_softmax(logits: Tensor, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1) -> Tensor:
    """A sample of the Gumbel-softmax distribution; `hard`: one-hot, with the gradient of the soft one.

    Source: Jang et al., Categorical Reparameterization with Gumbel-Softmax (2016).
    """
    if eps != 1e-10:
        warn("`eps` parameter is deprecated and has no effect.")
    from ...random import default_generator

    array = logits._array
    gumbels = -wrap(default_generator.exponential(array.shape, array.dtype)).log()
    soft = softmaxes.softmax((logits + gumbels) / tau, dim)
    if not hard:
        return soft
    index = soft.max(dim, keepdim=True)[1]
    one_hot = (soft.detach() * 0).scatter(dim, index, 1.0)
    return one_hot - soft.detach() + soft


# --- dropout ----------------------------------------------------------------------------------------------------------------------


def check_probability(p: float) -> None:
    """Raises ValueError for a probability outside [0, 1]."""
    if p < 0.0 or p > 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """In training, elements set to zero with probability p, the others divided by 1 - p."""
    check_probability(p)
    return dropping.dropout_(input, p, training) if inplace else dropping.dropout(input, p, training)


def alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """Dropout that keeps mean and variance of what comes out of `selu`."""
    check_probability(p)
    return dropping.alpha_dropout_(input, p, training) if inplace else dropping.alpha_dropout(input, p, training)


def feature_alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """`alpha_dropout` of whole channels (N, C, ...)."""
    check_probability(p)
    return (dropping.feature_alpha_dropout_ if inplace else dropping.feature_alpha_dropout)(input, p, training)


def drop_channels(input: Tensor, p: float, training: bool, inplace: bool, batched: bool) -> Tensor:
    """`dropout` of whole channels: (N, C, ...), or (C, ...)."""
    check_probability(p)
    if inplace:
        dropping.feature_dropout_(input if batched else input.unsqueeze(0), p, training)
        return input
    return dropping.feature_dropout(input if batched else input.unsqueeze(0), p, training).reshape(input.shape)


def accepted(name: str, spatial: int) -> str:
    """The end of PyTorch's messages about inputs to channel-wise dropout of another rank."""
    return (
        f"Note that {name} exists to provide channel-wise dropout on inputs with {spatial} spatial dimension"
        f"{'s' if spatial > 1 else ''}, a channel dimension, and an optional batch dimension "
        f"(i.e. {spatial + 1}D or {spatial + 2}D inputs)."
    )


def warn_of_rank(name: str, rank: int, spatial: int) -> None:
    """PyTorch's warning about an input of a rank that does not suit."""
    if rank not in (spatial + 1, spatial + 2):
        warn(
            f"{name}: Received a {rank}-D input to {name}, which is deprecated and will result in an error in a future release. To "
            f"retain the behavior and silence this warning, please use dropout instead. {accepted(name, spatial)}"
        )


def dropout1d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """In training, whole channels of (N, C, L) or (C, L) set to zero with probability p."""
    if input.ndim not in (2, 3):
        raise RuntimeError(
            f"dropout1d: Expected 2D or 3D input, but received a {input.ndim}D input. {accepted('dropout1d', 1)}"
        )
    return drop_channels(input, p, training, inplace, input.ndim == 3)


def dropout2d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """In training, whole channels of (N, C, H, W) or (N, C, L) set to zero with probability p."""
    warn_of_rank("dropout2d", input.ndim, 2)
    if input.ndim == 3:
        warn(
            "dropout2d: Received a 3D input to dropout2d and assuming that channel-wise 1D dropout behavior is desired - input is "
            "interpreted as shape (N, C, L), where C is the channel dim. This behavior will change in a future release to "
            "interpret the input as one without a batch dimension, i.e. shape (C, H, W). To maintain the 1D channel-wise "
            "dropout behavior, please switch to using dropout1d instead."
        )
    return drop_channels(input, p, training, inplace, True)


def dropout3d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """In training, whole channels of (N, C, D, H, W) or (C, D, H, W) set to zero with probability p."""
    warn_of_rank("dropout3d", input.ndim, 3)
    return drop_channels(input, p, training, inplace, input.ndim != 4)


__all__ = [
    "alpha_dropout", "celu", "celu_", "dropout", "dropout1d", "dropout2d", "dropout3d", "elu", "elu_", "feature_alpha_dropout",
    "gelu",
    "glu", "gumbel_softmax", "hardshrink", "hardsigmoid", "hardswish", "hardtanh", "hardtanh_", "leaky_relu", "leaky_relu_",
    "log_softmax", "logsigmoid", "mish", "prelu", "relu", "relu6", "relu_", "rrelu", "rrelu_", "selu", "selu_", "sigmoid", "silu",
    "softmax", "softmin", "softplus", "softshrink", "softsign", "tanh", "tanhshrink", "threshold", "threshold_",
]  # fmt: skip
