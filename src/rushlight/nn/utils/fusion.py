"""Layers that do in one what a layer and the batch norm after it do in evaluation mode."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import rushlight
from rushlight.nn.parameter import Parameter

if TYPE_CHECKING:
    from rushlight.nn.modules.module import Module
    from rushlight.tensor import Tensor

__all__ = ["fuse_conv_bn_eval", "fuse_conv_bn_weights", "fuse_linear_bn_eval", "fuse_linear_bn_weights"]


def fuse_conv_bn_eval(conv: Module, bn: Module, transpose: bool = False) -> Module:
    """A convolution (with `transpose`, a transposed one) followed by a batch norm, as one. Raises AssertionError in training."""
    if conv.training or bn.training:
        raise AssertionError("Fusion only for eval!")
    return _with_weights(conv, fuse_conv_bn_weights(conv.weight, conv.bias, *_norm(bn), transpose=transpose))


def fuse_conv_bn_weights(
    conv_w: Tensor, conv_b: Tensor | None, bn_rm: Tensor, bn_rv: Tensor, bn_eps: float, bn_w: Tensor | None,
    bn_b: Tensor | None, transpose: bool = False,
) -> tuple[Parameter, Parameter]:  # fmt: skip
    """The weight and bias of that convolution, from those of both and the running mean and variance."""
    shape = [1] * conv_w.dim()
    shape[1 if transpose else 0] = -1
    bn_w = rushlight.ones_like(bn_rm) if bn_w is None else bn_w
    bn_b = rushlight.zeros_like(bn_rm) if bn_b is None else bn_b
    return _fused(conv_w, conv_b, bn_rm, bn_w * rushlight.rsqrt(bn_rv + bn_eps), bn_b, shape)


def fuse_linear_bn_eval(linear: Module, bn: Module) -> Module:
    """A linear layer followed by a batch norm, as one. Raises AssertionError in training, or where their sizes differ."""
    if linear.training or bn.training:
        raise AssertionError("Fusion only for eval!")
    if bn.num_features not in (1, linear.out_features):
        raise AssertionError(
            "To fuse, linear.out_features == bn.num_features or bn.num_features == 1, got "
            f"linear.out_features={linear.out_features} and bn.num_features={bn.num_features}"
        )
    return _with_weights(linear, fuse_linear_bn_weights(linear.weight, linear.bias, *_norm(bn)))


def fuse_linear_bn_weights(
    linear_w: Tensor, linear_b: Tensor | None, bn_rm: Tensor, bn_rv: Tensor, bn_eps: float, bn_w: Tensor, bn_b: Tensor
) -> tuple[Parameter, Parameter]:
    """The weight and bias of that layer, from those of both and the running mean and variance."""
    return _fused(linear_w, linear_b, bn_rm, bn_w * rushlight.rsqrt(bn_rv + bn_eps), bn_b, [-1, 1])


def _norm(bn: Module) -> tuple[Tensor, Tensor, float, Tensor, Tensor]:
    """What a batch norm in evaluation mode computes with. Raises AssertionError where it keeps no running statistics."""
    if bn.running_mean is None or bn.running_var is None:
        raise AssertionError("Fusion requires bn.running_mean and bn.running_var")
    return bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias


def _fused(
    weight: Tensor, bias: Tensor | None, mean: Tensor, scale: Tensor, shift: Tensor, shape: list[int]
) -> tuple[Parameter, Parameter]:
    bias = rushlight.zeros_like(mean) if bias is None else bias
    fused_weight = (weight * scale.reshape(shape)).to(weight.dtype)
    return Parameter(fused_weight, weight.requires_grad), Parameter((bias - mean) * scale + shift, bias.requires_grad)


def _with_weights(layer: Module, weights: tuple[Parameter, Parameter]) -> Module:
    fused = copy.deepcopy(layer)
    fused.weight, fused.bias = weights
    return fused
