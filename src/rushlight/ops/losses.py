"""Losses: of probabilities, margins and distances; those of differences and of classes stand in files of their own.

`reduction` is mean, sum or none, for each.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..arrays.elementary import log1p_exp, logistic
from ..dtypes import type_word_of
from ..tensor import Tensor, wrap
from .activations import logsigmoid
from .along import take_along
from .checks import alike, check_reduction, somewhere
from .comparisons import clamp_min, minimum, where
from .ctc import ctc_loss
from .dispatch import value_error
from .distances import cosine_similarity, pairwise_distance
from .functions import exp, log, xlogy
from .kinds import Array, composite, fused
from .reductions import sum
from .regression import reduced, total
from .samples import T, call

REDUCTIONS = ("mean", "sum", "none")


def each_reduction(*args: Any, **options: Any) -> list:
    """A sample call with each reduction."""
    return [call(*args, **options, reduction=reduction) for reduction in REDUCTIONS]


# --- yes or no --------------------------------------------------------------------------------------------------------------------


def bce_composite(input: Any, target: Any, weight: Any = None, reduction: str = "mean") -> Any:
    losses = -(target * log(input).clamp(min=-100) + (1 - target) * log(1 - input).clamp(min=-100))
    return reduced(losses if weight is None else losses * weight, reduction)


def bce_joint(g: Any, residuals: Any, needs: tuple, x: Any, target: Any, weight: Any, reduction: str) -> tuple:
    log_yes, log_no = residuals
    if reduction == "mean":
        g = g / max(x.size, 1)
    if weight is not None:
        g = g * weight
    through = None
    if needs[0]:
        through = (x - target) / np.maximum((1.0 - x) * x, 1e-12)
        through *= g
    return through, (log_no - log_yes) * g if needs[1] else None


@fused(
    bce_composite, bce_joint, leading=2, method=False,
    samples=lambda: [*each_reduction(T((2, 3), 0.1, 0.9), T((2, 3), 0.1, 0.9)),
    call(T((2, 3), 0.1, 0.9), T((2, 3), 0.1, 0.9), T((3,), 0.5, 2, grad=False))],
)  # fmt: skip
def binary_cross_entropy(input: Array, target: Array, weight: Array | None = None, reduction: str = "mean") -> Array:
    """-(target * log(input) + (1 - target) * log(1 - input)), each logarithm at least -100.

    `weight` broadcasts to the shape of both. Raises RuntimeError for elements outside [0, 1].
    """
    check_reduction(reduction)
    for name, array in (("input", input), ("target", target)):
        if array.dtype != input.dtype:
            words = [type_word_of(one) for one in (target, input)]
            raise RuntimeError(f"Found dtype {words[0]} but expected {words[1]}")
        if not ((array >= 0) & (array <= 1)).all():
            raise RuntimeError(f"all elements of {name} should be between 0 and 1")
    log_yes, log_no = np.maximum(np.log(input), -100.0), np.maximum(np.log1p(-input), -100.0)
    losses = log_no - target * (log_no - log_yes)
    losses = -losses
    return total(losses if weight is None else losses * weight, reduction, input.dtype), (log_yes, log_no)


def logits_composite(
    input: Any, target: Any, weight: Any = None, pos_weight: Any = None, reduction: str = "mean"
) -> Any:
    scale = 1 if pos_weight is None else (pos_weight - 1) * target + 1
    losses = (1 - target) * input - scale * logsigmoid(input)
    return reduced(losses if weight is None else losses * weight, reduction)


def logits_joint(
    g: Any, residuals: Any, needs: tuple, x: Any, target: Any, weight: Any, pos_weight: Any, reduction: str
) -> tuple:
    if reduction == "mean":
        g = g / max(x.size, 1)
    if weight is not None:
        g = g * weight
    through = onto_target = None
    if needs[0]:
        through = logistic(x)
        if pos_weight is not None:
            through -= 1.0
            through *= (pos_weight - 1.0) * target + 1.0
            through += 1.0
        through -= target
        through = through * g
    if needs[1]:
        onto_target = -x * g if pos_weight is None else ((pos_weight - 1.0) * residuals - x) * g
    return through, onto_target


@fused(
    logits_composite, logits_joint, leading=2, method=False, node="BinaryCrossEntropyWithLogitsBackward0",
    samples=lambda: [*each_reduction(T((2, 3)), T((2, 3), 0.1, 0.9)),
    call(T((2, 3)), T((2, 3), 0, 1), *[T((3,), 0.5, 2, grad=False)] * 2)],
)  # fmt: skip
def binary_cross_entropy_with_logits(
    input: Array, target: Array, weight: Array | None = None, pos_weight: Array | None = None, reduction: str = "mean"
) -> Array:
    """`binary_cross_entropy` of sigmoid(input), without overflow; `pos_weight` weighs the positive targets.

    Raises ValueError where input and target differ in shape.
    """
    check_reduction(reduction)
    if target.shape != input.shape:
        raise _shape_error(input, target)
    if target.dtype.kind in "biu" and input.dtype.kind == "f":
        raise RuntimeError(f"result type Float can't be cast to the desired output type {type_word_of(target)}")
    input, target, weight, pos_weight = alike(input, target, weight, pos_weight)
    below = log1p_exp(-input)
    scaled = below if pos_weight is None else below * ((pos_weight - 1.0) * target + 1.0)
    losses = (1.0 - target) * input + scaled
    losses = losses if weight is None else losses * weight
    return total(losses, reduction, input.dtype), None if pos_weight is None else below


def _shape_error(input: Any, target: Any) -> Exception:
    from ..tensor import Size

    return value_error(f"Target size ({Size(target.shape)}) must be the same as input size ({Size(input.shape)})")


# --- distributions ----------------------------------------------------------------------------------------------------------------


@composite(method=False, samples=lambda: [
    *each_reduction(T((2, 3)), T((2, 3), 0.1, 0.9)), call(T((2, 3)), T((2, 3)), reduction="batchmean", log_target=True)
])  # fmt: skip
def kl_div(input: Any, target: Any, reduction: str = "mean", log_target: bool = False) -> Any:
    """target * (log(target) - input): the divergence of `target` from exp(input); `log_target`: the target's logarithm is given.

    `batchmean` is the sum over the first extent.
    """
    losses = exp(target) * (target - input) if log_target else xlogy(target, target) - target * input
    if reduction == "batchmean":
        return sum(losses) / (input.shape[0] if input.ndim else 1)
    return reduced(losses, reduction)


@composite(method=False, samples=lambda: [
    *each_reduction(T((2, 3)), T((2, 3), 0.1, 3.0)), call(T((2, 3), 0.5, 2.0), T((2, 3), 1.5, 3.0), False, True)
])  # fmt: skip
def poisson_nll_loss(
    input: Any, target: Any, log_input: bool = True, full: bool = False, eps: float = 1e-8, reduction: str = "mean"
) -> Any:
    """rate - target * log(rate), where `input` is the rate or (`log_input`) its logarithm; `full` adds Stirling's log(target!)."""
    check_reduction(reduction)
    losses = exp(input) - target * input if log_input else input - target * log(input + eps)
    if full:
        stirling = target * log(target) - target + 0.5 * log(2 * math.pi * target)
        losses = losses + where(target <= 1, 0.0, stirling)
    return reduced(losses, reduction)


@composite(method=False, samples=lambda: [
    *each_reduction(T((2, 3)), T((2, 3)), T((2, 3), 0.5, 2.0)), call(T((2, 3)), T((2, 3)), T((2,), 0.5, 2.0), True),
    call(T((2, 3)), T((2, 3)), 0.7)
])  # fmt: skip
def gaussian_nll_loss(
    input: Any, target: Any, var: Any, full: bool = False, eps: float = 1e-6, reduction: str = "mean"
) -> Any:
    """(log(var) + (input - target)**2 / var) / 2, with `var` at least `eps`; `full` adds log(2 pi) / 2."""
    if not isinstance(var, Tensor):
        if var < 0:
            raise ValueError("var has negative entry/entries")
        var = var * (input.detach() * 0 + 1)
    elif somewhere(var < 0):
        raise ValueError("var has negative entry/entries")
    if tuple(var.shape) != tuple(input.shape):
        if tuple(input.shape[:-1]) == tuple(var.shape):
            var = var.unsqueeze(-1)
        elif var.ndim != input.ndim or [one for one, extent in zip(var.shape, input.shape, strict=True) if one != extent] != [1]:
            raise ValueError("var is of incorrect size")
    if reduction not in REDUCTIONS:
        raise ValueError(f"{reduction} is not valid")
    var = var + where(var < eps, eps - var, 0.0).detach()
    losses = 0.5 * (log(var) + (input - target) ** 2 / var)
    return reduced(losses + 0.5 * math.log(2 * math.pi) if full else losses, reduction)


# --- margins ----------------------------------------------------------------------------------------------------------------------


def signs() -> T:
    """Targets of 1 and -1 are no uniform samples: the tests' targets are ones."""
    return T((4,), 0.9, 1.1, grad=False)


@composite(method=False, samples=lambda: each_reduction(T((4,), -2, 0.9, distinct=True), signs()))
def hinge_embedding_loss(input: Any, target: Any, margin: float = 1.0, reduction: str = "mean") -> Any:
    """The input where the target is 1, max(0, margin - input) where it is -1."""
    check_reduction(reduction)
    losses = where(target != 1, clamp_min(margin - input, 0), 0.0) + where(target != -1, input, 0.0)
    return reduced(losses, reduction)


@composite(method=False, samples=lambda: each_reduction(T((4,), distinct=True), T((4,), 2.1, 4.0), signs()))
def margin_ranking_loss(input1: Any, input2: Any, target: Any, margin: float = 0.0, reduction: str = "mean") -> Any:
    """max(0, margin - target * (input1 - input2)): with a target of 1 the first input should be the larger."""
    check_reduction(reduction)
    if not input1.ndim == input2.ndim == target.ndim:
        raise RuntimeError(
            f"margin_ranking_loss : All input tensors should have same dimension but got sizes: input1: {input1.shape}, "
            f"input2: {input2.shape}, target: {target.shape} "
        )
    return reduced(clamp_min(margin - target * (input1 - input2), 0), reduction)


@composite(method=False, samples=lambda: each_reduction(T((4,)), signs()))
def soft_margin_loss(input: Any, target: Any, reduction: str = "mean") -> Any:
    """log(1 + exp(-target * input)), with targets of 1 and -1."""
    check_reduction(reduction)
    return reduced(log(exp(-target * input) + 1), reduction)


@composite(method=False, samples=lambda: [
    *each_reduction(T((3, 4), distinct=True), T((3,), 0, 4, kind="int")),
    call(T((4,), distinct=True), T((), 0, 4, kind="int"), 2, 0.7, T((4,), 0.5, 2))
])  # fmt: skip
def multi_margin_loss(
    input: Any, target: Any, p: int = 1, margin: float = 1.0, weight: Any = None, reduction: str = "mean"
) -> Any:
    """The mean over the classes, except the target's, of max(0, margin - score of the target + score)**p times weight[target].

    `input` is (N, C) or (C), `target` (N) or ().
    """
    check_reduction(reduction)
    if p not in (1, 2):
        raise ValueError("only p == 1 and p == 2 supported")
    if weight is not None and weight.ndim != 1:
        raise ValueError("weight must be one-dimensional")
    scores = input if input.ndim == 2 else input.reshape(1, -1)
    rows, classes = scores.shape
    if target.ndim > 1 or target.numel() != rows:
        raise RuntimeError(
            "multi_margin_loss: target tensor should be 1-D with size equal to the number of input samples (batch size). "
            f"Expected target size [{rows}], but got {list(target.shape)}. Input has shape {list(input.shape)}."
        )
    if weight is not None and weight.numel() != classes:
        raise RuntimeError(f"inconsistent weight size, expected {classes} but got {list(weight.shape)}")
    index = target._array.reshape(-1, 1)
    if ((index < 0) | (index >= classes)).any():
        raise RuntimeError("target out of range")
    own = take_along(scores, index, 1)
    terms = where(wrap(np.arange(classes) != index), clamp_min(margin - own + scores, 0), 0.0)
    terms = terms if p == 1 else terms * terms
    if weight is not None:
        terms = terms * weight[target.reshape(-1)].reshape(-1, 1)
    losses = sum(terms, 1) / classes
    return reduced(losses if target.ndim else losses.reshape(()), reduction)


@composite(method=False)
def multilabel_margin_loss(input: Any, target: Any, reduction: str = "mean") -> Any:
    """The sum over labels and non-labels of max(0, 1 - (score of the label - score of the other)), over the number of classes.

    `input` and `target` are (N, C) or (C); a row's labels are its target up to the first -1.
    """
    check_reduction(reduction)
    if tuple(input.shape) != tuple(target.shape):
        raise RuntimeError(f"inconsistent target size: {list(target.shape)} for input of size: {list(input.shape)}")
    labels = target._array.reshape(-1, target._array.shape[-1] if target.ndim else 1)
    scores = input.reshape(labels.shape)
    classes = labels.shape[1]
    if ((labels < -1) | (labels >= classes)).any():
        raise RuntimeError("argument #2 'target' is out of range")
    present = np.logical_and.accumulate(labels >= 0, 1)
    index = np.where(present, labels, 0)
    is_label = np.zeros(labels.shape, bool)
    np.logical_or.at(is_label, (np.arange(len(labels))[:, None], index), present)
    distances = 1 - (take_along(scores, index, 1).unsqueeze(2) - scores.unsqueeze(1))
    terms = where(wrap(present[:, :, None] & ~is_label[:, None, :]), clamp_min(distances, 0), 0.0)
    losses = sum(terms, (1, 2)) / classes
    return reduced(losses if input.ndim == 2 else losses.reshape(()), reduction)


@composite(
    method=False, samples=lambda: [*each_reduction(T((3, 4)), T((3, 4), 0, 1)), call(T((4,)), T((4,), 0, 1), T((4,), 0.5, 2))]
)  # fmt: skip
def multilabel_soft_margin_loss(input: Any, target: Any, weight: Any = None, reduction: str = "mean") -> Any:
    """`binary_cross_entropy_with_logits`, its mean over the last dimension taken first."""
    losses = -(target * logsigmoid(input) + (1 - target) * logsigmoid(-input))
    if weight is not None:
        losses = losses * weight
    if reduction not in REDUCTIONS:
        raise ValueError(f"{reduction} is not valid")
    return reduced(sum(losses, -1) / input.shape[-1], reduction)


# --- distances --------------------------------------------------------------------------------------------------------------------


@composite(method=False, samples=lambda: [
    *each_reduction(T((2, 3)), T((2, 3)), T((2, 3)), 3.0), call(T((3,)), T((3,)), T((3,)), 3.0, 3.0, swap=True)
])  # fmt: skip
def triplet_margin_loss(
    anchor: Any, positive: Any, negative: Any, margin: float = 1.0, p: float = 2.0, eps: float = 1e-6, swap: bool = False,
    reduction: str = "mean",
) -> Any:  # fmt: skip
    """max(0, margin + d(anchor, positive) - d(anchor, negative)) with the p-norm distance d of the last dimension.

    `swap` takes d(positive, negative) where it is the smaller. The shapes broadcast.
    """
    if not anchor.ndim == positive.ndim == negative.ndim:
        raise RuntimeError(
            "The anchor, positive, and negative tensors are expected to have the same number of dimensions, but got: "
            f"anchor {anchor.ndim}D, positive {positive.ndim}D, and negative {negative.ndim}D inputs"
        )

    def distance(a: Any, b: Any) -> Any:
        return pairwise_distance(a, b, p, eps)

    return triplet(distance, anchor, positive, negative, margin, swap, reduction)


def triplet(distance: Any, anchor: Any, positive: Any, negative: Any, margin: float, swap: bool, reduction: str) -> Any:
    """`triplet_margin_loss` with any function of two tensors as the distance."""
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = minimum(far, distance(positive, negative))
    return reduced(clamp_min(margin + near - far, 0), reduction)


@composite(method=False, samples=lambda: each_reduction(T((4, 3)), T((4, 3)), signs()))
def cosine_embedding_loss(input1: Any, input2: Any, target: Any, margin: float = 0.0, reduction: str = "mean") -> Any:
    """1 - cos where the target is 1, max(0, cos - margin) where it is -1: of vectors (N, D) and targets (N), or (D) and ()."""
    check_reduction(reduction)
    if target.ndim == 1 and (input1.ndim != 2 or input2.ndim != 2):
        raise RuntimeError(
            f"1D target tensor expects 2D input tensors, but found inputs with sizes {list(input1.shape)} and {list(input2.shape)}."
        )
    if target.ndim == 0 and (input1.ndim != 1 or input2.ndim != 1):
        raise RuntimeError(
            f"0D target tensor expects 1D input tensors, but found inputs with sizes {list(input1.shape)} and {list(input2.shape)}."
        )
    if target.ndim > 1:
        raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
    squares = (sum(x * x, -1) + 1e-12 for x in (input1, input2))
    cosine = sum(input1 * input2, -1) / (next(squares) * next(squares)) ** 0.5
    losses = where(target == 1, 1 - cosine, 0.0) + where(target == -1, clamp_min(cosine - margin, 0), 0.0)
    return reduced(losses, reduction)


__all__ = [
    "binary_cross_entropy_with_logits", "cosine_embedding_loss", "ctc_loss", "hinge_embedding_loss", "kl_div",
    "margin_ranking_loss",
    "cosine_similarity", "pairwise_distance", "poisson_nll_loss", "triplet_margin_loss",
]  # fmt: skip
