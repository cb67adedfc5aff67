"""Normalisation, with the arguments of `torch.nn.functional`."""

from __future__ import annotations

import math

from ...autograd.inplace import overwrite
from ...ops import distances, normalization
from ...ops.normalization import layer_norm, local_response_norm, rms_norm
from ...tensor import Size, Tensor


def check_count(size: Size, count: int, what: str) -> None:
    """Raises ValueError where there is one element to take statistics of."""
    if count == 1:
        raise ValueError(f"Expected more than 1 {what} when training, got input size {size}")


def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """(input - mean) / sqrt(variance + eps) per channel of (N, C, ...), then times weight, plus bias.

    In training the statistics are the input's, and the running ones move towards them by `momentum`; otherwise the running ones
    are taken.
    """
    if training:
        size = input._array.shape
        if size[0] * math.prod(size[2:]) == 1:
            raise ValueError(f"Expected more than 1 value per channel when training, got input size {input.shape}")
    return normalization.batch_norm(input, weight, bias, running_mean, running_var, training, momentum, eps)


def instance_norm(
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """`batch_norm` of each sample of (N, C, ...) on its own."""
    if use_input_stats:
        check_count(input.shape, math.prod(input.shape[2:]), "spatial element")
    return normalization.instance_norm(input, weight, bias, running_mean, running_var, use_input_stats, momentum, eps)


def group_norm(
    input: Tensor, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> Tensor:
    """`layer_norm` of each group of channels of (N, C, ...)."""
    size = input.shape
    if len(size) < 2:
        raise RuntimeError(f"Expected at least 2 dimensions for input tensor but received {len(size)}")
    check_count(list(size), size[0] * size[1] // max(num_groups, 1) * math.prod(size[2:]), "value per channel")  # type: ignore[arg-type]
    return normalization.group_norm(input, num_groups, weight, bias, eps)


def normalize(input: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12, out: Tensor | None = None) -> Tensor:
    """The input over its p-norm along `dim`; norms below `eps` count as `eps`."""
    result = distances.normalize(input, p, dim, eps)
    if out is None:
        return result
    overwrite(out, result._array)
    return out


__all__ = ["batch_norm", "group_norm", "instance_norm", "layer_norm", "local_response_norm", "normalize", "rms_norm"]
