"""Losses, with the arguments of `torch.nn.functional`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...ops import classification, losses, regression
from ...ops.checks import check_reduction
from ...ops.complexes import abs
from ...ops.ctc import ctc_loss
from ...ops.losses import gaussian_nll_loss
from ...ops.products import linear
from ...tensor import Tensor
from ...warning import warn

if TYPE_CHECKING:
    from collections.abc import Callable

Old = bool | None  # the type of PyTorch's old arguments size_average and reduce


def chosen(size_average: Old, reduce: Old, reduction: str) -> str:
    """`reduction`, unless the old arguments are given: they win, with a warning."""
    if size_average is None and reduce is None:
        return reduction
    reduction = "none" if reduce is False else "sum" if size_average is False else "mean"
    warn(f"size_average and reduce args will be deprecated, please use reduction='{reduction}' instead.")
    return reduction


def warn_of_sizes(input: Tensor, target: Tensor) -> None:
    """Warns where input and target differ in shape, and would broadcast."""
    if input._array.shape != target._array.shape:
        warn(
            f"Using a target size ({target.shape}) that is different to the input size ({input.shape}). This will likely lead to "
            "incorrect results due to broadcasting. Please ensure they have the same size."
        )


def checked_weight(input: Tensor, weight: Tensor) -> Tensor:
    """The weight. Raises ValueError where its shape is not the input's."""
    if weight._array.shape != input._array.shape:
        raise ValueError("Weights and input must have the same size.")
    return weight


# --- differences ------------------------------------------------------------------------------------------------------------------


def mse_loss(
    input: Tensor, target: Tensor, size_average: Old = None, reduce: Old = None, reduction: str = "mean",
    weight: Tensor | None = None
) -> Tensor:
    """The mean of (input - target)**2; with `weight` the weighted mean."""
    warn_of_sizes(input, target)
    if size_average is not None or reduce is not None:
        reduction = chosen(size_average, reduce, reduction)
    if weight is None:
        return regression.mse_loss(input, target, reduction)
    return regression.weighted(regression.mse_loss(input, target, "none"), checked_weight(input, weight), reduction)


def l1_loss(
    input: Tensor, target: Tensor, size_average: Old = None, reduce: Old = None, reduction: str = "mean",
    weight: Tensor | None = None
) -> Tensor:
    """The mean of |input - target|; with `weight` the weighted mean."""
    warn_of_sizes(input, target)
    reduction = chosen(size_average, reduce, reduction)
    if weight is None:
        return regression.reduced(abs(input - target), reduction)
    return regression.weighted(abs(input - target), checked_weight(input, weight), reduction)


def smooth_l1_loss(
    input: Tensor, target: Tensor, size_average: Old = None, reduce: Old = None, reduction: str = "mean", beta: float = 1.0
) -> Tensor:
    """|input - target| - beta / 2, below beta its square over 2 beta."""
    warn_of_sizes(input, target)
    return regression.smooth_l1_loss(input, target, chosen(size_average, reduce, reduction), beta)


def huber_loss(
    input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0, weight: Tensor | None = None
) -> Tensor:
    """(input - target)**2 / 2, beyond delta: delta * (|input - target| - delta / 2); times `weight`."""
    warn_of_sizes(input, target)
    if weight is None:
        return regression.huber_loss(input, target, reduction, delta)
    terms = regression.huber_loss(input, target, "none", delta) * checked_weight(input, weight)
    return regression.reduced(terms, reduction)  # unlike the others', PyTorch's mean is over the number of elements


# --- classes ----------------------------------------------------------------------------------------------------------------------


def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: Old = None,
    ignore_index: int = -100,
    reduce: Old = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """-log softmax(input) at the target classes, or weighted with the target probabilities."""
    if size_average is not None or reduce is not None:
        reduction = chosen(size_average, reduce, reduction)
    if label_smoothing == 0.0 and isinstance(target, Tensor) and target._array.dtype.kind not in "fc":
        return classification.index_cross_entropy(input, target, weight, reduction, ignore_index)
    return classification.cross_entropy(input, target, weight, reduction, ignore_index, label_smoothing)


def linear_cross_entropy(
    input: Tensor,
    linear_weight: Tensor,
    target: Tensor,
    *,
    linear_bias: Tensor | None = None,
    weight: Tensor | None = None,
    reduction: str = "mean",
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    options: Any = None,
) -> Tensor:
    """`cross_entropy` of `linear(input, linear_weight, linear_bias)`.

    The classes are the first dimension of `linear_weight`; further ones but the last are those of the target. `options` asks
    PyTorch for less memory; it changes no result, and nothing here.
    """
    classes = linear_weight.shape[:-1]
    if len(classes) > 1 and input.ndim < 2:
        raise RuntimeError(
            f"K-dimensional loss defined by linear_weight shape {list(linear_weight.shape)} requires batched input, got input "
            f"of shape {list(input.shape)}"
        )
    bias = None if linear_bias is None else linear_bias.reshape(-1)
    scores = linear(input, linear_weight.reshape(-1, linear_weight.shape[-1]), bias)
    if len(classes) > 1:
        scores = scores.reshape(*scores.shape[:-1], *classes)
    ignored = -100 if ignore_index is None else ignore_index
    return classification.cross_entropy(scores, target, weight, reduction, ignored, label_smoothing)


def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: Old = None,
    ignore_index: int = -100,
    reduce: Old = None,
    reduction: str = "mean",
) -> Tensor:
    """The negative of the log-probability `input` at each target class."""
    return classification.nll_loss(input, target, weight, chosen(size_average, reduce, reduction), ignore_index)


def binary_cross_entropy(
    input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: Old = None, reduce: Old = None,
    reduction: str = "mean"
) -> Tensor:
    """-(target * log(input) + (1 - target) * log(1 - input))."""
    if target.shape != input.shape:
        raise ValueError(
            f"Using a target size ({target.shape}) that is different to the input size ({input.shape}) is deprecated. Please "
            "ensure they have the same size."
        )
    return losses.binary_cross_entropy(input, target, weight, chosen(size_average, reduce, reduction))


def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: Old = None,
    reduce: Old = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """`binary_cross_entropy` of sigmoid(input), without overflow."""
    return losses.binary_cross_entropy_with_logits(input, target, weight, pos_weight, chosen(size_average, reduce, reduction))


def multi_margin_loss(
    input: Tensor,
    target: Tensor,
    p: int = 1,
    margin: float = 1.0,
    weight: Tensor | None = None,
    size_average: Old = None,
    reduce: Old = None,
    reduction: str = "mean",
) -> Tensor:
    """The mean over the other classes of max(0, margin - score of the target + score)**p."""
    return losses.multi_margin_loss(input, target, p, margin, weight, chosen(size_average, reduce, reduction))


def multilabel_margin_loss(
    input: Tensor, target: Tensor, size_average: Old = None, reduce: Old = None, reduction: str = "mean"
) -> Tensor:
    """The sum over labels and non-labels of max(0, 1 - (score of the label - score of the other)), over the number of classes."""
    return losses.multilabel_margin_loss(input, target, chosen(size_average, reduce, reduction))


def multilabel_soft_margin_loss(
    input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: Old = None, reduce: Old = None,
    reduction: str = "mean"
) -> Tensor:
    """The mean over the classes of `binary_cross_entropy_with_logits`."""
    return losses.multilabel_soft_margin_loss(input, target, weight, chosen(size_average, reduce, reduction))


# --- distributions, margins, distances --------------------------------------------------------------------------------------------


def kl_div(
    input: Tensor, target: Tensor, size_average: Old = None, reduce: Old = None, reduction: str = "mean", log_target: bool = False
) -> Tensor:
    """target * (log(target) - input), reduced (`batchmean`: over the first extent alone)."""
    reduction = chosen(size_average, reduce, reduction)
    if reduction == "mean":
        warn(
            "reduction: 'mean' divides the total loss by both the batch size and the support size.'batchmean' divides only by the "
            "batch size, and aligns with the KL div math definition.'mean' will be changed to behave the same as 'batchmean' "
            "in the next major release."
        )
    return losses.kl_div(input, target, reduction, log_target)


def poisson_nll_loss(
    input: Tensor,
    target: Tensor,
    log_input: bool = True,
    full: bool = False,
    size_average: Old = None,
    eps: float = 1e-8,
    reduce: Old = None,
    reduction: str = "mean",
) -> Tensor:
    """rate - target * log(rate), where `input` is the rate or (`log_input`) its logarithm."""
    return losses.poisson_nll_loss(input, target, log_input, full, eps, chosen(size_average, reduce, reduction))


def hinge_embedding_loss(
    input: Tensor, target: Tensor, margin: float = 1.0, size_average: Old = None, reduce: Old = None, reduction: str = "mean"
) -> Tensor:
    """The input where the target is 1, max(0, margin - input) where it is -1."""
    return losses.hinge_embedding_loss(input, target, margin, chosen(size_average, reduce, reduction))


def margin_ranking_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: Old = None,
    reduce: Old = None,
    reduction: str = "mean",
) -> Tensor:
    """max(0, margin - target * (input1 - input2))."""
    return losses.margin_ranking_loss(input1, input2, target, margin, chosen(size_average, reduce, reduction))


def soft_margin_loss(
    input: Tensor, target: Tensor, size_average: Old = None, reduce: Old = None, reduction: str = "mean"
) -> Tensor:
    """log(1 + exp(-target * input))."""
    return losses.soft_margin_loss(input, target, chosen(size_average, reduce, reduction))


def cosine_embedding_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: Old = None,
    reduce: Old = None,
    reduction: str = "mean",
) -> Tensor:
    """1 - cos(input1, input2) where the target is 1, max(0, cos - margin) where it is -1."""
    return losses.cosine_embedding_loss(input1, input2, target, margin, chosen(size_average, reduce, reduction))


def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    size_average: Old = None,
    reduce: Old = None,
    reduction: str = "mean",
) -> Tensor:
    """max(0, margin + d(anchor, positive) - d(anchor, negative)) with the p-norm distance d."""
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    return losses.triplet_margin_loss(anchor, positive, negative, margin, p, eps, swap, chosen(size_average, reduce, reduction))


def triplet_margin_with_distance_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    *,
    distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """`triplet_margin_loss` with any function of two tensors as the distance, by default `pairwise_distance`."""
    check_reduction(reduction)
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    if not anchor.ndim == positive.ndim == negative.ndim:
        raise RuntimeError(
            "The anchor, positive, and negative tensors are expected to have the same number of dimensions, but got: "
            f"anchor {anchor.ndim}D, positive {positive.ndim}D, and negative {negative.ndim}D inputs"
        )
    distance: Any = losses.pairwise_distance if distance_function is None else distance_function
    return losses.triplet(distance, anchor, positive, negative, margin, swap, reduction)


__all__ = [
    "binary_cross_entropy", "binary_cross_entropy_with_logits", "cosine_embedding_loss", "cross_entropy", "ctc_loss",
    "gaussian_nll_loss",
    "hinge_embedding_loss", "huber_loss", "kl_div", "l1_loss", "linear_cross_entropy", "margin_ranking_loss", "mse_loss",
    "multi_margin_loss",
    "multilabel_margin_loss", "multilabel_soft_margin_loss", "nll_loss", "poisson_nll_loss", "smooth_l1_loss", "soft_margin_loss",
    "triplet_margin_loss", "triplet_margin_with_distance_loss",
]  # fmt: skip
