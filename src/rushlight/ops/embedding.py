"""Embeddings: rows of a table looked up by index, singly or in bags; and one-hot rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import dtypes
from ..arrays.accumulate import sum_rows
from ..autograd.graph import version_cell
from ..dtypes import type_word_of
from ..tensor import Tensor, wrap
from .kinds import Array, constant_op, general, linear
from .samples import T, call

int64, int32 = np.dtype("int64"), np.dtype("int32")
INDICES = T((2, 3), 0, 4, kind="int")


def check_indices(indices: Any, count: int, op: str = "embedding") -> None:
    """Raises RuntimeError for indices that are no integers, IndexError for one outside of `count` rows."""
    if indices.dtype != int64 and indices.dtype != int32:
        raise RuntimeError(
            "Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int; but got "
            f"torch.{type_word_of(indices)}Tensor instead (while checking arguments for {op})"
        )
    if indices.size and not 0 <= np.minimum.reduce(indices, None) <= np.maximum.reduce(indices, None) < count:
        raise IndexError(f"index out of range in self: the table has {count} rows, numbered from 0")


def shares(indices: Any, padding_idx: int, scale_grad_by_freq: bool) -> Any:
    """The factor of each looked-up row's cotangent, a column: zero for padding, one over how often the row is looked up; None
    for ones.
    """
    raw = indices._array if isinstance(indices, Tensor) else indices
    if padding_idx < 0 and not scale_grad_by_freq:
        return None
    factors = np.ones(raw.shape, dtypes.get_default_dtype().numpy)
    if scale_grad_by_freq:
        factors /= np.bincount(raw.reshape(-1))[raw] if raw.size else 1
    if padding_idx >= 0:
        factors *= raw != padding_idx
    return factors[..., None]


def scaled(rows: Any, factors: Any) -> Any:
    """Rows times their factors."""
    if factors is None:
        return rows
    return rows * (wrap(factors.astype(rows._array.dtype)) if isinstance(rows, Tensor) else factors.astype(rows.dtype))


@linear(
    lambda g, x_shape, indices, padding_idx, scale_grad_by_freq: embedding_dense_backward(
        g, indices, x_shape[0], padding_idx, scale_grad_by_freq),
    method=False, samples=lambda: [call(T((4, 2)), INDICES), call(T((4, 3)), T((), 0, 4, kind="int")),
    call(T((4, 2)), T((0,), 0, 4, kind="int"))],
)  # fmt: skip
def embedding(
    weight: Array, indices: Array, padding_idx: int = -1, scale_grad_by_freq: bool = False, sparse: bool = False
) -> Array:
    """The rows of a table (V, D) at indices of any shape: (..., D).

    No gradient reaches row `padding_idx`; `scale_grad_by_freq` divides gradients by how often a row is looked up; they are dense
    also with `sparse`. Raises IndexError for an index outside of the table.
    """
    if weight.ndim != 2:
        raise RuntimeError("'weight' must be 2-D")
    check_indices(indices, len(weight))
    return np.take(weight, indices, 0)


@linear(
    lambda g, indices, padding_idx, scale_grad_by_freq: scaled(
        embedding(g, indices), shares(indices, padding_idx, scale_grad_by_freq)),
    method=False, samples=lambda: [call(T((2, 3, 2)), INDICES, 4, 1, True)],
)  # fmt: skip
def embedding_dense_backward(
    input: Array, indices: Array, num_weights: int, padding_idx: int, scale_grad_by_freq: bool
) -> Array:
    """The cotangent of a table from that of the rows looked up, `input`."""
    rows = scaled(input, shares(indices, padding_idx, scale_grad_by_freq)).reshape(-1, input.shape[-1])
    return sum_rows(indices.reshape(-1).astype(int64, copy=False), np.ascontiguousarray(rows), num_weights)


def embedding_renorm_(weight: Tensor, indices: Tensor, max_norm: float, norm_type: float) -> Tensor:
    """Scales rows that will be looked up down to the norm `max_norm`, in place."""
    rows = np.unique(indices._array)
    table = weight._array
    norms = np.linalg.norm(table[rows], norm_type, 1)
    large = norms > max_norm
    table[rows[large]] *= (max_norm / (norms[large] + 1e-7)).astype(table.dtype)[:, None]
    version_cell(weight).bump()
    return weight


@constant_op(method=False, samples=lambda: [call(INDICES), call(INDICES, 5)])
def one_hot(input: Array, num_classes: int = -1) -> Array:
    """(..., classes) int64: one at each class number, zero elsewhere; by default as many classes as the largest number asks for."""
    if input.dtype != int64:
        raise RuntimeError("one_hot is only applicable to index tensor of type LongTensor.")
    if not input.size:
        if num_classes <= 0:
            raise RuntimeError("Can not infer total number of classes from empty tensor.")
        return np.zeros((*input.shape, num_classes), int64)
    if input.min() < 0:
        raise RuntimeError("Class values must be non-negative.")
    if num_classes == -1:
        num_classes = int(input.max()) + 1
    elif input.max() >= num_classes:
        raise RuntimeError("Class values must be smaller than num_classes.")
    return (input[..., None] == np.arange(num_classes)).astype(int64)


# --- bags -------------------------------------------------------------------------------------------------------------------------


@linear(lambda g, bags: take_bags(g, bags), method=False, node="EmbeddingBagBackward0")
def sum_bags(input: Array, bags: Array, count: int) -> Array:
    """The sums of rows (N, D) by the bag number of each (N): (count, D)."""
    return sum_rows(bags, np.ascontiguousarray(input), count)


@linear(lambda g, bags, x_shape: sum_bags(g, bags, x_shape[0]), method=False)
def take_bags(input: Array, bags: Array) -> Array:
    """For each row the number its bag has: the transpose of `sum_bags`."""
    return np.take(input, bags, 0)


@linear(lambda g, rows, x_shape: put_elements(g, rows, x_shape[0]), method=False)
def take_elements(input: Array, rows: Array) -> Array:
    """Per column, the elements in these rows; zero for row -1."""
    columns = np.arange(input.shape[1])
    return input[rows, columns] * (rows >= 0) if len(input) else np.zeros(rows.shape, input.dtype)


@linear(lambda g, rows: take_elements(g, rows), method=False)
def put_elements(input: Array, rows: Array, count: int) -> Array:
    """The transpose of `take_elements`: (count, D)."""
    result = np.zeros((count, input.shape[1]), input.dtype)
    if count:
        np.add.at(result, (np.maximum(rows, 0), np.arange(input.shape[1])), input * (rows >= 0))
    return result


@general(lambda g, out, x_shape: put_elements(g, out[1], x_shape[0]), method=False, node="EmbeddingBagBackward0")
def max_bags(input: Array, bags: Array, count: int) -> Array:
    """Per bag and column the largest element (zero for an empty bag), and its row (-1); the bag numbers ascend."""
    best = np.zeros((count, input.shape[1]), input.dtype)
    rows = np.full(best.shape, -1, int64)
    if len(bags):
        starts = np.concatenate(([0], np.nonzero(np.diff(bags))[0] + 1))
        present = bags[starts]
        best[present] = np.maximum.reduceat(input, starts, 0)
        numbers = np.where(input == best[bags], np.arange(len(bags))[:, None], len(bags) - 1)
        rows[present] = np.minimum.reduceat(numbers, starts, 0)
    return best, rows


def check_offsets(offsets: Any, length: int, include_last_offset: bool) -> None:
    """Raises RuntimeError unless the offsets begin at 0 and end within the input."""
    if len(offsets) and offsets[0] != 0:
        raise RuntimeError(
            "offsets[0] has to be 0, i.e., the first sequence in the mini-batch has to start from position 0. However, got "
            f"{offsets[0]}"
        )
    if len(offsets) and offsets[-1] > length:
        raise RuntimeError(
            f"offsets[-1] can not be greater than input's length {length} but got offsets[-1] of {offsets[-1]}"
        )
    if include_last_offset and not len(offsets):
        raise RuntimeError("include_last_offset: number of offsets should be at least 1")


def bagged(
    weight: Tensor, indices: Any, offsets: Any, scale_grad_by_freq: bool, mode: str, factors: Tensor | None,
    include_last_offset: bool, padding_idx: int | None,
) -> Tensor:  # fmt: skip
    """`embedding_bag` of a flat array of indices; bag i begins at offsets[i]."""
    check_indices(indices, weight.shape[0], "embedding_bag")
    check_offsets(offsets, len(indices), include_last_offset)
    count = len(offsets) - include_last_offset
    bags = np.searchsorted(offsets[:count], np.arange(len(indices)), "right").astype(int64) - 1
    if padding_idx is not None:
        kept = np.nonzero(indices != padding_idx)[0]
        indices, bags = indices[kept], bags[kept]
        factors = None if factors is None else factors[wrap(kept)]
    rows = embedding(weight, wrap(indices), -1, scale_grad_by_freq)
    if mode == "max":
        return max_bags(rows, wrap(bags), count)[0]
    if factors is not None:
        rows = rows * factors.unsqueeze(-1)
    if mode == "mean":
        lengths = np.maximum(np.bincount(bags, minlength=count), 1).astype(rows._array.dtype)
        rows = rows / wrap(lengths[bags][:, None])
    return sum_bags(rows, wrap(bags), count)


__all__ = ["embedding", "embedding_renorm_"]
