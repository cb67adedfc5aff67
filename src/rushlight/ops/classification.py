"""Losses of class scores: against class indices, class probabilities, or a yes or no for each element."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import dtypes
from ..arrays.constants import averages, multiples
from ..arrays.elementary import exponentials
from ..arrays.sums import sum_along
from ..dtypes import type_word, type_word_of
from ..tensor import Tensor
from .along import take_along
from .checks import check_reduction, everywhere, floating
from .comparisons import where
from .dispatch import value_error
from .kinds import Array, composite, fused
from .reductions import sum
from .regression import reduced
from .samples import T, call
from .softmax import log_softmax

int64 = np.dtype("int64")
IGNORED = -100


def check_targets(shape: tuple, target: Any) -> None:
    """Raises ValueError or RuntimeError unless `target` has a class index for each row of scores of that shape."""
    if not shape:
        raise value_error("Expected 1 or more dimensions (got 0)")
    wanted = target.shape
    if len(shape) == 2 and wanted == shape[:1] and target.dtype is int64:
        return
    if len(shape) == 1:
        if target.size != 1 or len(wanted) > 1:
            raise value_error(f"For 1D input, 1D target must have size 1, but got target size: {target.size}")
    elif not wanted or shape[0] != wanted[0]:
        raise value_error(f"Expected input batch_size ({shape[0]}) to match target batch_size ({wanted[0] if wanted else 0}).")
    elif len(shape) == 4 and shape[2:] != wanted[1:]:
        raise RuntimeError(f"size mismatch (got input: {list(shape)} , target: {list(wanted)}")
    elif shape[2:] != wanted[1:]:
        raise RuntimeError(f"Expected target size {[shape[0], *shape[2:]]}, got {list(wanted)}")
    if target.dtype not in (int64, np.uint8):
        raise RuntimeError(f"expected target dtype to be Long or Byte, but got {type_word_of(target)}")


def places(shape: tuple, target: Any, ignore_index: int) -> tuple:
    """Where in the flattened scores of that shape each target's score stands, and which targets count (None: all).

    Targets that do not count point at class 0. Raises IndexError for a class that there is not.
    """
    classes = shape[1] if len(shape) > 1 else shape[0]
    if target.dtype is not int64:
        target = target.astype(np.int64)
    counted = None
    highest = np.maximum.reduce(target.view(np.uint64), None, initial=0)  # seen as unsigned, negative ones are too large as well
    if highest >= classes or 0 <= ignore_index < classes:
        counted = target != ignore_index
        target = target * counted
        wrong = (target < 0) | (target >= classes)
        if wrong.any() and target.size:
            raise IndexError(f"Target {target[wrong].flat[0]} is out of bounds.")
    if len(shape) == 1:
        return target, counted
    if len(shape) == 2:
        return target + multiples(shape[0], classes), counted
    inner = math.prod(shape[2:])
    if inner == 1:
        return target + multiples(shape[0], classes).reshape(-1, *(1,) * (target.ndim - 1)), counted
    rows = np.arange(shape[0])[:, None] * (classes * inner) + np.arange(inner)
    return rows.reshape(target.shape) + target * inner, counted


def class_weights(weight: Any, shape: tuple, kind: Any, target: Any, counted: Any) -> Any:
    """The weight of each target, zero for those that do not count; None where all weigh one."""
    if weight is None:
        return None if counted is None else counted.astype(kind)
    classes = shape[1] if len(shape) > 1 else shape[0]
    if weight.shape != (classes,):
        detail = f"all {classes} classes or no classes but got weight tensor of shape: {list(weight.shape)}"
        raise RuntimeError(f"weight tensor should be defined either for {detail if len(shape) < 3 else 'all or no classes'}")
    if weight.dtype != kind:
        raise RuntimeError(f"expected scalar type {type_word(dtypes.from_numpy(kind))} but found {type_word_of(weight)}")
    if counted is None:
        return weight[target]
    return weight[target * counted] * counted


def reduce_rows(losses: Any, weights: Any, reduction: str) -> tuple:
    """A loss per row, weighted and reduced, and by what the mean divided."""
    if weights is not None:
        losses = losses * weights
    if reduction == "none":
        return losses, None
    if reduction == "mean" and weights is None and losses.ndim == 1 and losses.size:
        return losses.dot(averages(losses.size, losses.dtype)), float(losses.size)
    result = np.add.reduce(losses, None)
    if reduction == "sum":
        return result, None
    divisor = losses.dtype.type(losses.size) if weights is None else np.add.reduce(weights, None)
    return result / divisor, divisor


def without_quotient(weights: Any, divisor: Any, counted: Any) -> tuple:
    """Weights and divisor for the cotangents: where no weight is left, NaN for targets that count, zero for the others."""
    if divisor is None or weights is None or everywhere(divisor != 0):
        return weights, divisor
    empty = divisor == 0
    undefined = np.where(True if counted is None else counted, math.nan, 0.0).astype(weights.dtype)
    return np.where(empty, undefined, weights), np.where(empty, 1.0, divisor).astype(weights.dtype)


def row_cotangents(g: Any, weights: Any, divisor: Any) -> Any:
    """The cotangent of each row's own loss, from that of the reduced ones."""
    if divisor is not None:
        g = g / divisor
    return g if weights is None else g * weights


# --- class indices ----------------------------------------------------------------------------------------------------------------


def picked_losses(log_probabilities: Any, target: Any, weight: Any, reduction: str, ignore_index: int) -> Any:
    """`nll_loss` in other ops."""
    shape = tuple(log_probabilities.shape)
    index = target._array if isinstance(target, Tensor) else target
    weight = weight._array if isinstance(weight, Tensor) else weight
    counted = None if weight is None and not occurs(ignore_index, index) else index != ignore_index
    if counted is not None:
        index = (index * counted).astype(np.int64)
    place = 1 if len(shape) > 1 else 0
    losses = -take_along(log_probabilities, index[(slice(None),) * place + (None,)], place).reshape(index.shape)
    if counted is None:
        return reduced(losses, reduction)
    kind = losses._array.dtype if isinstance(losses, Tensor) else losses.dtype
    weights = counted.astype(kind) if weight is None else weight[index] * counted
    losses = losses * weights
    return sum(losses) / weights.sum() if reduction == "mean" else reduced(losses, reduction)


def occurs(value: int, array: Any) -> bool:
    """Whether an array, of any example within vmap, has an element."""
    from ..arrays.batched import whole

    return bool((whole(array) == value).any())


def samples() -> list:
    """Scores and class indices of each shape, with each option."""

    def of(shape: tuple, classes: tuple, **options: Any) -> Any:
        return call(T(shape), T(classes, 0, shape[1] if len(shape) > 1 else shape[0], kind="int"), **options)

    calls = [of((4, 3), (4,), reduction=reduction) for reduction in ("mean", "sum", "none")]
    calls += [of((3,), ()), of((2, 3, 4), (2, 4)), of((2, 3, 2, 2), (2, 2, 2), reduction="none"), of((4, 3), (4,), ignore_index=1)]
    weight = T((3,), 0.5, 2.0, grad=False)
    return [*calls, of((4, 3), (4,), weight=weight), of((2, 3, 4), (2, 4), weight=weight, ignore_index=0, reduction="sum")]


def nll_composite(
    input: Any, target: Any, weight: Any = None, reduction: str = "mean", ignore_index: int = IGNORED
) -> Any:
    return picked_losses(input, target, weight, reduction, ignore_index)


def nll_joint(g: Any, residuals: Any, x_shape: tuple) -> tuple:
    flat, weights, divisor = residuals
    coefficients = row_cotangents(g, weights, divisor)
    cotangent = np.zeros_like(coefficients, shape=math.prod(x_shape))
    cotangent[flat] = -coefficients
    return (cotangent.reshape(x_shape),)


@fused(
    nll_composite, nll_joint, leading=1, method=False, samples=samples,
    node=lambda node, *args, **options: "NllLossBackward0" if len(node.shapes[0]) < 3 else "NllLoss2DBackward0",
)  # fmt: skip
def nll_loss(
    input: Array, target: Array, weight: Array | None = None, reduction: str = "mean", ignore_index: int = IGNORED
) -> Array:
    """The negative of the log-probability of each target class: (N, C, ...) and (N, ...), or (C) and ().

    `weight` (C) weighs classes, also in the mean; targets equal to `ignore_index` do not count. Raises IndexError for a class that
    there is not.
    """
    check_reduction(reduction)
    check_targets(input.shape, target)
    flat, counted = places(input.shape, target, ignore_index)
    weights = class_weights(weight, input.shape, floating(input, "nll_loss_out_frame").dtype, target, counted)
    result, divisor = reduce_rows(np.negative(np.take(input, flat)), weights, reduction)
    return result, (flat, *without_quotient(weights, divisor, counted))


def scores_composite(
    input: Any, target: Any, weight: Any = None, reduction: str = "mean", ignore_index: int = IGNORED
) -> Any:
    return picked_losses(log_softmax(input, 1 if input.ndim > 1 else 0), target, weight, reduction, ignore_index)


def scores_joint(g: Any, residuals: Any) -> tuple:
    """(softmax - onehot), each row times its cotangent."""
    powers, sums, flat, weights, divisor = residuals
    coefficients = row_cotangents(g, weights, divisor)
    if powers.ndim > 1 and coefficients.ndim:
        coefficients = coefficients.reshape(sums.shape)
    cotangent = powers * (coefficients / sums)
    cotangent.reshape(-1)[flat] -= coefficients.reshape(flat.shape) if coefficients.ndim else coefficients
    return (cotangent,)


@fused(scores_composite, scores_joint, leading=1, method=False, node="NllLossBackward0", samples=samples)
def index_cross_entropy(
    input: Array, target: Array, weight: Array | None = None, reduction: str = "mean", ignore_index: int = IGNORED
) -> Array:
    """`cross_entropy` for class indices without label smoothing: nll_loss(log_softmax(input), target)."""
    shape = input.shape
    check_reduction(reduction)
    if shape == target.shape and shape != (1,):
        raise RuntimeError(f"Expected floating point type for target with class probabilities, got {type_word_of(target)}")
    check_targets(shape, target)
    flat, counted = places(shape, target, ignore_index)
    weights = class_weights(weight, shape, floating(input, "log_softmax_lastdim_kernel_impl").dtype, target, counted)
    axis = 1 if len(shape) > 1 else 0
    powers, largest = exponentials(input, axis)
    sums = sum_along(powers, axis, True)
    logarithms = np.log(sums)
    if largest is not None:
        logarithms += largest
    losses = logarithms.reshape(target.shape) - np.take(input, flat)
    result, divisor = reduce_rows(losses, weights, reduction)
    return result, (powers, sums, flat, *without_quotient(weights, divisor, counted))


@composite(method=False, samples=lambda: [
    *samples(), call(T((4, 3)), T((4,), 0, 3, kind="int"), label_smoothing=0.2), call(T((2, 3)), T((2, 3), 0.1, 0.9)),
    call(T((2, 3, 2)), T((2, 3, 2), 0.1, 0.9), weight=T((3,), 0.5, 2.0), label_smoothing=0.1, reduction="sum"),
    call(T((3,)), T((3,), 0.1, 0.9)),
])  # fmt: skip
def cross_entropy(
    input: Any, target: Any, weight: Any = None, reduction: str = "mean", ignore_index: int = IGNORED, label_smoothing: float = 0.0
) -> Any:
    """-log softmax(input) at the target classes (N, ...), or weighted with the target probabilities (N, C, ...).

    `input` is (N, C, ...) or (C). Label smoothing mixes the target with a uniform one. `weight` (C) weighs classes.
    """
    for position, (name, value) in enumerate((("input", input), ("target", target)), 1):
        if not isinstance(value, Tensor):
            found = type(value).__name__
            raise TypeError(f"cross_entropy_loss(): argument '{name}' (position {position}) must be Tensor, not {found}")
    smooth = label_smoothing > 0.0
    if not smooth and (target.ndim != input.ndim or tuple(target.shape) != tuple(input.shape)):
        return index_cross_entropy(input, target, weight, reduction, ignore_index)
    check_reduction(reduction)
    if not 0.0 <= label_smoothing <= 1.0:
        raise RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing:g}")
    axis = 1 if input.ndim > 1 else 0
    classes = input.shape[axis] if input.ndim else 1
    per_class = None if weight is None else weight.reshape(-1, *(1,) * (input.ndim - 1 - axis))
    if tuple(target.shape) == tuple(input.shape):
        if not target.is_floating_point():
            raise RuntimeError(f"Expected floating point type for target with class probabilities, got {type_word(target.dtype)}")
        if ignore_index >= 0:
            raise RuntimeError("ignore_index is not supported for floating point target")
        if smooth:
            target = target * (1 - label_smoothing) + label_smoothing / classes
        terms = log_softmax(input, axis) * target
        losses = -sum(terms if per_class is None else terms * per_class, axis)
        return sum(losses) / (input.numel() / classes) if reduction == "mean" else reduced(losses, reduction)
    return smoothed(log_softmax(input, axis), target, weight, per_class, axis, reduction, ignore_index, label_smoothing)


def smoothed(
    log_probabilities: Any, target: Any, weight: Any, per_class: Any, axis: int, reduction: str, ignore_index: int, smoothing: float
) -> Any:
    """`nll_loss` mixed with the mean over all classes."""
    sharp = nll_loss(log_probabilities, target, weight, reduction, ignore_index)
    blunt = -sum(log_probabilities if per_class is None else log_probabilities * per_class, axis)
    counted = target != ignore_index
    blunt = where(counted, blunt, 0.0)
    if reduction == "mean":
        divisor = sum(counted) if weight is None else sum(where(counted, weight[target * counted], 0.0))
        blunt = sum(blunt) / divisor
    else:
        blunt = reduced(blunt, reduction)
    return (1 - smoothing) * sharp + smoothing / log_probabilities.shape[axis] * blunt
