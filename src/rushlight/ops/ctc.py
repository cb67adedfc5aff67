"""Connectionist temporal classification: the loss of all alignments of a label sequence with a sequence of class scores.

Source: Graves et al., Connectionist Temporal Classification (2006). Labels stand between blanks: 2S + 1 states for S labels.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..tensor import Tensor, wrap
from .checks import check_reduction
from .comparisons import where
from .kinds import Array, general
from .reductions import mean, sum


class States(NamedTuple):
    """The states of each sequence of a batch of N: their labels (N, 2S+1), where one may skip the blank before, the lengths."""

    labels: Any
    skips: Any
    exists: Any
    inputs: Any
    last: Any


def states_of(shape: tuple, targets: Any, input_lengths: Any, target_lengths: Any, blank: int) -> States:
    """The states for log-probabilities of that shape (T, N, C). Raises RuntimeError for lengths and labels that do not fit."""
    steps, batch, classes = shape
    if not 0 <= blank < classes:
        raise RuntimeError("blank must be in label range")
    for name, lengths in (("input", input_lengths), ("target", target_lengths)):
        if lengths.shape != (batch,):
            raise RuntimeError(f"{name}_lengths must be of size batch_size")
        if (lengths < 0).any():
            raise RuntimeError(f"{name}_lengths must be non-negative")
    if (input_lengths > steps).any():
        raise RuntimeError(f"Expected input_lengths to have value at most {steps}, but got value {input_lengths.max()}")
    longest = int(target_lengths.max(initial=0))
    positions = np.arange(longest)
    present = positions < target_lengths[:, None]
    if targets.ndim == 1:
        if targets.size != target_lengths.sum():
            raise RuntimeError(
                f"Expected targets to have {target_lengths.sum()} elements, the sum of target_lengths, got "
                f"{targets.size}"
            )
        starts = np.cumsum(target_lengths) - target_lengths
        labels = np.append(targets, blank)[np.where(present, starts[:, None] + positions, -1)]
    elif targets.shape[0] != batch or targets.shape[1] < longest:
        raise RuntimeError(
            f"Expected tensor to have size at least {longest} at dimension 1, but got size {targets.shape[1]} for argument "
            "#2 'targets' (while checking arguments for ctc_loss_cpu)"
        )
    else:
        labels = np.where(present, targets[:, :longest], blank)
    extended = np.full((batch, 2 * longest + 1), blank, np.int64)
    extended[:, 1::2] = labels
    skips = np.zeros(extended.shape, bool)
    skips[:, 2:] = (extended[:, 2:] != blank) & (extended[:, 2:] != extended[:, :-2])
    last = 2 * target_lengths
    return States(extended, skips, np.arange(extended.shape[1]) <= last[:, None], input_lengths, last)


def shift(x: Any, by: int) -> Any:
    """The columns moved by some places (right if positive), -inf entering."""
    moved = np.full_like(x, -np.inf)
    if by > 0:
        moved[:, by:] = x[:, :-by]
    else:
        moved[:, :by] = x[:, -by:]
    return moved


def forward_scores(scores: Any, states: States) -> Any:
    """alpha (T, N, 2S+1): the logarithms of the probability of being in each state, having seen the steps so far."""
    alpha = np.full(scores.shape, -np.inf, scores.dtype)
    alpha[:1, :, :2] = scores[:1, :, :2]
    alpha[:1, ~states.exists] = -np.inf
    for t in range(1, len(scores)):
        before = alpha[t - 1]
        reached = np.logaddexp(before, shift(before, 1))
        reached = np.logaddexp(reached, np.where(states.skips, shift(before, 2), -np.inf))
        alpha[t] = np.where(states.exists, reached + scores[t], -np.inf)
    return alpha


def backward_scores(scores: Any, states: States) -> Any:
    """beta (T, N, 2S+1): the same from each step to the end of the sequence, that step included."""
    beta = np.full(scores.shape, -np.inf, scores.dtype)
    columns = np.arange(scores.shape[2])
    final = (columns == states.last[:, None]) | (columns == states.last[:, None] - 1)
    skips = np.zeros_like(states.skips)
    skips[:, :-2] = states.skips[:, 2:]
    after = np.full(scores.shape[1:], -np.inf, scores.dtype)
    for t in reversed(range(len(scores))):
        reached = np.logaddexp(after, shift(after, -1))
        reached = np.logaddexp(reached, np.where(skips, shift(after, -2), -np.inf))
        reached = np.where((states.inputs == t + 1)[:, None], np.where(final, 0.0, -np.inf), reached)
        beta[t] = after = np.where(states.exists, reached + scores[t], -np.inf).astype(scores.dtype)
    return beta


def state_scores(log_probs: Any, states: States) -> Any:
    """The log-probability of each state's label at each step."""
    return np.take_along_axis(log_probs, states.labels[None], 2)


def negative_likelihoods(alpha: Any, states: States) -> Any:
    """-log of the probability of each sequence."""
    if not len(alpha):
        return np.where(states.last == 0, 0.0, np.inf).astype(alpha.dtype)
    rows = np.arange(alpha.shape[1])
    at_end = alpha[np.maximum(states.inputs - 1, 0), rows]
    ends = at_end[rows, states.last], np.where(states.last > 0, at_end[rows, np.maximum(states.last - 1, 0)], -np.inf)
    losses = -np.logaddexp(*ends)
    return np.where(states.inputs > 0, losses, np.where(states.last == 0, 0.0, np.inf)).astype(alpha.dtype)


def ctc_vjp(
    g: Any, log_probs: Any, targets: Any, input_lengths: Any, target_lengths: Any, blank: int, zero_infinity: bool
) -> Any:
    return ctc_backward(g, log_probs, targets, input_lengths, target_lengths, blank, zero_infinity)


@general(None, None, method=False)
def ctc_backward(
    input: Array, log_probs: Array, targets: Array, input_lengths: Array, target_lengths: Array, blank: int, zero_infinity: bool
) -> Array:
    """The cotangent of log_probs (T, N, C) from that of the losses, `input` (N).

    As in PyTorch it takes for granted that log_probs come from log_softmax: it differs from the derivative with respect to free
    log_probs by a term that the derivative of log_softmax does not see. It has no derivative itself.
    """
    states = states_of(log_probs.shape, targets, input_lengths, target_lengths, blank)
    scores = state_scores(log_probs, states)
    alpha = forward_scores(scores, states)
    losses = negative_likelihoods(alpha, states)
    share = np.exp(alpha + backward_scores(scores, states) - scores + losses[:, None])
    share[np.isneginf(scores)] = 0.0
    cotangent = np.exp(log_probs)
    steps, batch, classes = log_probs.shape
    at = (np.arange(steps)[:, None, None] * batch + np.arange(batch)[:, None]) * classes + states.labels
    np.subtract.at(cotangent.reshape(-1), at.reshape(-1), share.reshape(-1))
    cotangent *= input[:, None]
    cotangent[np.arange(steps)[:, None] >= states.inputs] = 0.0
    if zero_infinity:
        cotangent[:, np.isinf(losses)] = 0.0
    return cotangent


@general(ctc_vjp, method=False, node="CtcLossBackward0")
def ctc_losses(
    log_probs: Array, targets: Array, input_lengths: Array, target_lengths: Array, blank: int = 0, zero_infinity: bool = False
) -> Array:
    """The loss (N) of each sequence: log_probs (T, N, C), targets (N, S) or one after another, lengths (N)."""
    states = states_of(log_probs.shape, targets, input_lengths, target_lengths, blank)
    losses = negative_likelihoods(forward_scores(state_scores(log_probs, states), states), states)
    return np.where(np.isinf(losses), 0.0, losses).astype(losses.dtype) if zero_infinity else losses


def lengths_tensor(lengths: Any) -> Tensor:
    """Lengths given as a tensor, or as a sequence or number."""
    if isinstance(lengths, Tensor):
        if lengths.is_floating_point():
            raise RuntimeError("input_lengths and target_lengths must be integral")
        return wrap(lengths._array.reshape(-1).astype(np.int64))
    return wrap(np.array(lengths, np.int64).reshape(-1))


def ctc_loss(
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Tensor:
    """The CTC loss of log-probabilities (T, N, C), or (T, C) for one sequence.

    `targets` are (N, S), or one sequence after another; with `zero_infinity` sequences that are too short for their targets cost
    nothing. The mean divides each loss by the length of its target first.
    """
    check_reduction(reduction)
    single = log_probs.ndim == 2
    if single:
        log_probs = log_probs.unsqueeze(1)
        targets = targets.unsqueeze(0) if targets.ndim == 1 else targets
    lengths = lengths_tensor(target_lengths)
    losses = ctc_losses(log_probs, targets, lengths_tensor(input_lengths), lengths, blank, zero_infinity)
    if single:
        losses = losses.squeeze(0)
        lengths = lengths.squeeze(0)
    if reduction == "mean":
        return mean(losses / where(lengths < 1, 1, lengths))
    return sum(losses) if reduction == "sum" else losses
