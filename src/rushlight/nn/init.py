"""Initial values for parameters; each function fills its tensor in place and returns it.

The formulas are those of Glorot & Bengio (2010), He et al. (2015), Saxe et al. (2014) and Martens (2010).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import rushlight

from ..warning import warn

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

    Generator = rushlight.Generator | None

__all__ = [
    "calculate_gain",
    "constant_",
    "dirac_",
    "eye_",
    "kaiming_normal_",
    "kaiming_uniform_",
    "normal_",
    "ones_",
    "orthogonal_",
    "sparse_",
    "trunc_normal_",
    "uniform_",
    "xavier_normal_",
    "xavier_uniform_",
    "zeros_",
]

_GAINS = {
    "linear": 1,
    "conv1d": 1,
    "conv2d": 1,
    "conv3d": 1,
    "conv_transpose1d": 1,
    "conv_transpose2d": 1,
    "conv_transpose3d": 1,
    "sigmoid": 1,
    "tanh": 5.0 / 3,
    "relu": math.sqrt(2.0),
    "selu": 3.0 / 4,
}


def calculate_gain(nonlinearity: str, param: int | float | None = None) -> float:
    """The factor by which to scale initial weights before a nonlinearity.

    Args:
        nonlinearity: the name of the function in `nn.functional`.
        param: the negative slope of `leaky_relu` (0.01 if not given).
    """
    if nonlinearity == "leaky_relu":
        if param is None:
            param = 0.01
        elif isinstance(param, bool) or not isinstance(param, (int, float)):
            raise ValueError(f"negative_slope {param} not a valid number")
        return math.sqrt(2.0 / (1 + param**2))
    if nonlinearity not in _GAINS:
        raise ValueError(f"Unsupported nonlinearity {nonlinearity}")
    return _GAINS[nonlinearity]


def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Generator = None) -> Tensor:
    """Draw from the uniform distribution between `a` and `b`."""
    with rushlight.no_grad():
        return tensor.uniform_(a, b, generator=generator)


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Generator = None) -> Tensor:
    """Draw from the normal distribution."""
    with rushlight.no_grad():
        return tensor.normal_(mean, std, generator=generator)


def trunc_normal_(
    tensor: Tensor,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    generator: Generator = None,
) -> Tensor:
    """Draw from the normal distribution restricted to between `a` and `b`, by rejection.

    Candidates are normal where at least 0.3 of them fall between the bounds, else uniform between the bounds and
    accepted in proportion to the normal density (Robert 1995); these are the draws that PyTorch makes.
    """
    if mean < a - 2 * std or mean > b + 2 * std:
        warn(
            "mean is more than 2 std from [a, b] in nn.init.trunc_normal_. "
            "The distribution of values may be incorrect."
        )
    if tensor.numel() == 0:
        return tensor
    low, high = (a - mean) / std, (b - mean) / std
    share = (math.erf(high / math.sqrt(2.0)) - math.erf(low / math.sqrt(2.0))) / 2
    propose = _normal_candidates if share > 0.3 else _uniform_candidates
    with rushlight.no_grad():
        pending = rushlight.ones_like(tensor, dtype=rushlight.bool)
        while pending.any():
            candidates, accepted = propose(tensor, mean, std, a, b, generator)
            accepted &= pending
            tensor.copy_(rushlight.where(accepted, candidates, tensor))
            pending &= ~accepted
    return tensor


def _normal_candidates(
    like: Tensor, mean: float, std: float, a: float, b: float, generator: Generator
) -> tuple[Tensor, Tensor]:
    candidates = rushlight.empty_like(like).normal_(mean, std, generator=generator)
    return candidates, (candidates >= a) & (candidates <= b)


def _uniform_candidates(
    like: Tensor, mean: float, std: float, a: float, b: float, generator: Generator
) -> tuple[Tensor, Tensor]:
    low, high = (a - mean) / std, (b - mean) / std
    densest = min(max(0.0, low), high)
    scores = rushlight.empty_like(like).uniform_(low, high, generator=generator)
    chances = rushlight.empty_like(like).uniform_(0.0, 1.0, generator=generator)
    return scores * std + mean, chances <= ((densest * densest - scores * scores) / 2).exp()


def constant_(tensor: Tensor, val: float) -> Tensor:
    """Fill with `val`."""
    with rushlight.no_grad():
        return tensor.fill_(val)


def ones_(tensor: Tensor) -> Tensor:
    """Fill with ones."""
    return constant_(tensor, 1.0)


def zeros_(tensor: Tensor) -> Tensor:
    """Fill with zeros."""
    return constant_(tensor, 0.0)


def eye_(tensor: Tensor) -> Tensor:
    """Make a matrix the identity."""
    if tensor.dim() != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    with rushlight.no_grad():
        return tensor.copy_(rushlight.eye(*tensor.shape, dtype=tensor.dtype))


def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """Make the weight of a convolution (3 to 5 dimensions) keep its input channels, in each of `groups` groups."""
    if tensor.dim() not in (3, 4, 5):
        raise ValueError("Only tensors with 3, 4, or 5 dimensions are supported")
    if tensor.size(0) % groups != 0:
        raise ValueError("dim 0 must be divisible by groups")
    per_group = tensor.size(0) // groups
    centre = tuple(length // 2 for length in tensor.shape[2:])
    with rushlight.no_grad():
        tensor.zero_()
        for group in range(groups):
            for channel in range(min(per_group, tensor.size(1))):
                tensor[(group * per_group + channel, channel, *centre)] = 1
    return tensor


def _calculate_fan_in_and_fan_out(tensor: Tensor) -> tuple[int, int]:
    if tensor.dim() < 2:
        raise ValueError("Fan in and fan out can not be computed for tensor with fewer than 2 dimensions")
    field = math.prod(tensor.shape[2:])
    return tensor.shape[1] * field, tensor.shape[0] * field


def _calculate_correct_fan(tensor: Tensor, mode: str) -> int:
    modes = ["fan_in", "fan_out"]
    if mode.lower() not in modes:
        raise ValueError(f"Mode {mode.lower()} not supported, please use one of {modes}")
    return _calculate_fan_in_and_fan_out(tensor)[modes.index(mode.lower())]


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: Generator = None) -> Tensor:
    """Draw uniformly, with standard deviation `gain * sqrt(2 / (fan_in + fan_out))`."""
    std = gain * math.sqrt(2.0 / sum(_calculate_fan_in_and_fan_out(tensor)))
    bound = math.sqrt(3.0) * std
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Generator = None) -> Tensor:
    """Draw normally, with standard deviation `gain * sqrt(2 / (fan_in + fan_out))`."""
    std = gain * math.sqrt(2.0 / sum(_calculate_fan_in_and_fan_out(tensor)))
    return normal_(tensor, 0.0, std, generator)


def _kaiming_std(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    fan = _calculate_correct_fan(tensor, mode)
    return calculate_gain(nonlinearity, a) / math.sqrt(fan)


def _warn_if_empty(tensor: Tensor) -> bool:
    if 0 not in tensor.shape:
        return False
    warn("Initializing zero-element tensors is a no-op")
    return True


def kaiming_uniform_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator = None,
) -> Tensor:
    """Draw uniformly, with standard deviation `gain / sqrt(fan)`.

    Args:
        a: the negative slope, for `leaky_relu`.
        mode: `"fan_in"` keeps the variance of the forward pass, `"fan_out"` that of the backward pass.
        nonlinearity: the function that follows (see `calculate_gain`).
    """
    if _warn_if_empty(tensor):
        return tensor
    bound = math.sqrt(3.0) * _kaiming_std(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator = None,
) -> Tensor:
    """Draw normally, with standard deviation `gain / sqrt(fan)` (see `kaiming_uniform_`)."""
    if _warn_if_empty(tensor):
        return tensor
    return normal_(tensor, 0, _kaiming_std(tensor, a, mode, nonlinearity), generator)


def orthogonal_(tensor: Tensor, gain: float = 1, generator: Generator = None) -> Tensor:
    """Fill with a (semi-)orthogonal matrix times `gain`; dimensions from the second on count as columns."""
    if tensor.dim() < 2:
        raise ValueError("Only tensors with 2 or more dimensions are supported")
    if tensor.numel() == 0:
        return tensor
    rows = tensor.size(0)
    columns = tensor.numel() // rows
    with rushlight.no_grad():
        normal = rushlight.empty((rows, columns), dtype=tensor.dtype).normal_(0, 1, generator=generator)
        q, r = rushlight.linalg.qr(normal.t() if rows < columns else normal)
        q = q * rushlight.diag(r).sign()  # makes the distribution uniform over orthogonal matrices
        q = q.t() if rows < columns else q
        return tensor.copy_(q.reshape(tensor.shape)).mul_(gain)


def sparse_(tensor: Tensor, sparsity: float, std: float = 0.01, generator: Generator = None) -> Tensor:
    """Draw a matrix normally, then set the fraction `sparsity` of each column to zero."""
    if tensor.dim() != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    rows, columns = tensor.shape
    zeros = math.ceil(sparsity * rows)
    with rushlight.no_grad():
        tensor.normal_(0, std, generator=generator)
        for column in range(columns):
            tensor[rushlight.randperm(rows)[:zeros], column] = 0
    return tensor


def _deprecated(name: str) -> object:
    def fill(*args: object, **kwargs: object) -> object:
        warn(f"`nn.init.{name}` is now deprecated in favor of `nn.init.{name}_`.", FutureWarning)
        return globals()[name + "_"](*args, **kwargs)

    fill.__name__ = name
    fill.__doc__ = f"The old name of `{name}_`."
    return fill


def __getattr__(name: str) -> object:
    if name + "_" in __all__:
        return _deprecated(name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
