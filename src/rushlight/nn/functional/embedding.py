"""Embeddings, with the arguments of `torch.nn.functional`."""

from __future__ import annotations

import numpy as np

from ...ops import embedding as tables
from ...ops.embedding import one_hot
from ...tensor import Tensor


def padding_row(padding_idx: int | None, count: int) -> int | None:
    """The number of the padding row, counted from the front. Raises AssertionError outside of the table."""
    if padding_idx is None:
        return None
    if not -count <= padding_idx < count:
        raise AssertionError("Padding_idx must be within num_embeddings")
    return padding_idx % count


def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """The rows of the table `weight` (V, D) at the indices `input`, of any shape: (..., D).

    Row `padding_idx` gets no gradient; `max_norm` first scales the rows that are looked up down to that norm, in place;
    `scale_grad_by_freq` divides gradients by how often a row is looked up. Gradients are dense, also with `sparse`.
    """
    row = padding_row(padding_idx, weight._array.shape[0])
    if max_norm is not None:
        tables.embedding_renorm_(weight, input, max_norm, norm_type)
    return tables.embedding(weight, input, -1 if row is None else row, scale_grad_by_freq, sparse)


def embedding_bag(
    input: Tensor,
    weight: Tensor,
    offsets: Tensor | None = None,
    max_norm: float | None = None,
    norm_type: float = 2,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Tensor | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Tensor:
    """The sums, means or maxima of bags of rows of the table `weight` (V, D): (bags, D).

    `input` is (bags, length), or flat with `offsets` saying where each bag begins; rows are weighted by `per_sample_weights` (sums
    only). Rows `padding_idx` are left out.
    """
    if input.dtype.is_floating_point:
        tables.check_indices(input._array, 0, "embedding_bag")
    if per_sample_weights is not None and per_sample_weights.shape != input.shape:
        raise ValueError(
            f"embedding_bag: If per_sample_weights ({tuple(per_sample_weights.shape)}) is not None, then it must have the same "
            f"shape as the input ({tuple(input.shape)})"
        )
    if input.ndim == 2:
        if offsets is not None:
            raise ValueError(
                "if input is 2D, then offsets has to be None, as input is treated is a mini-batch of fixed length sequences. "
                f"However, found offsets of type {type(offsets)}"
            )
        bags, length = input.shape
        starts = np.arange(0, bags * length, length) if length else np.zeros(bags, np.int64)
        include_last_offset = False
    elif input.ndim == 1:
        if offsets is None:
            raise ValueError("offsets has to be a 1D Tensor but got None")
        if offsets.ndim != 1:
            raise ValueError("offsets has to be a 1D Tensor")
        starts = offsets._array
    else:
        raise ValueError(f"input has to be 1D or 2D Tensor, but got Tensor of dimension {input.ndim}")
    if mode not in ("sum", "mean", "max"):
        raise ValueError("mode has to be one of sum, mean or max")
    if mode == "max" and scale_grad_by_freq:
        raise ValueError("max mode does not support scaling the gradient by the frequency")
    if mode != "sum" and per_sample_weights is not None:
        raise NotImplementedError(
            "embedding_bag: per_sample_weights was not None. per_sample_weights is only supported for mode='sum' "
            f"(got mode='{mode}'). Please open a feature request on GitHub."
        )
    row = padding_row(padding_idx, weight.shape[0])
    if max_norm is not None:
        tables.embedding_renorm_(weight, input, max_norm, norm_type)
    factors = None if per_sample_weights is None else per_sample_weights.reshape(-1)
    indices = input._array.reshape(-1)
    return tables.bagged(weight, indices, starts, scale_grad_by_freq, mode, factors, include_last_offset, row)


__all__ = ["embedding", "embedding_bag", "one_hot"]
