"""How an op's forward is brought to the examples of batched arrays.

Pointwise ops broadcast. The ops in the tables below see the whole batch at once. Any other op runs once per example of the innermost
level, so that every op works inside vmap, and derivative rules, which run on Tensors there, need no second writing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays.batched import BatchedArray, aligned, all_levels, batch_size, example, levels_of, stacked
from ..arrays.basic import as_array

if TYPE_CHECKING:
    from .op import Op


def forward_batched(op: Op, call: Callable, values: list, options: dict, arrays: list) -> Any:
    """`call(values, arrays)`, the forward of an op, for all examples."""
    levels = all_levels(arrays)
    if not levels:
        return call(values, options, arrays)
    if op.kind == "pointwise":
        rank = max(array.ndim for array in arrays if hasattr(array, "ndim"))
        return rewrapped(call(values, options, [align_operand(array, levels, rank) for array in arrays]), levels)
    rule = RULES.get(op.name)
    if rule is not None:
        result = rule(call, values, options, arrays, levels)
        if result is not NotImplemented:
            return rewrapped(result, levels)
    level = levels[-1]
    examples = [
        forward_batched(op, call, values, options, [example(array, level, i) for array in arrays])
        for i in range(batch_size(arrays, level))
    ]
    return stacked(examples, level)


def align_operand(array: Any, levels: tuple[int, ...], rank: int) -> Any:
    """A pointwise operand, broadcastable with the others; a number or None as it is."""
    return aligned(array, levels, rank) if hasattr(array, "ndim") and not isinstance(array, np.generic) else array


def rewrapped(result: Any, levels: tuple[int, ...]) -> Any:
    """A result for all examples as batched arrays."""
    if isinstance(result, (tuple, list)):
        return tuple(rewrapped(one, levels) for one in result)
    return None if result is None else BatchedArray(as_array(result), levels)


def along_dimensions(call: Callable, values: list, options: dict, arrays: list, levels: tuple[int, ...]) -> Any:
    """An op on one array with an argument `dim` in second place: the dimension is counted behind the batches."""
    if len(arrays) != 1 or (len(values) > 1 and "dim" in options):
        return NotImplemented
    extra, rank = len(levels), arrays[0].ndim
    dim = options.get("dim") if "dim" in options else values[1] if len(values) > 1 else None
    if isinstance(dim, (tuple, list)) and not dim:
        dim = None
    if not rank:
        return NotImplemented
    if dim is None:
        moved: Any = tuple(range(extra, extra + rank))
    elif isinstance(dim, (tuple, list)):
        moved = tuple(one % rank + extra for one in dim)
    else:
        moved = dim % rank + extra
    data = [aligned(arrays[0], levels)]
    if "dim" in options:
        return call(values, {**options, "dim": moved}, data)
    return call([None, moved, *values[2:]], options, data)


def product(call: Callable, values: list, options: dict, arrays: list, levels: tuple[int, ...]) -> Any:
    """matmul and its kin: NumPy's matmul takes batches as leading dimensions once vectors are made matrices."""
    a, b = arrays
    rank = max(a.ndim, b.ndim, 2)
    left = aligned(a if a.ndim > 1 else expanded(a, 0), levels, rank)
    right = aligned(b if b.ndim > 1 else expanded(b, 1), levels, rank)
    result = np.matmul(left, right)
    if a.ndim == 1:
        result = result[..., 0, :]
    return result[..., 0] if b.ndim == 1 else result


def expanded(array: Any, axis: int) -> Any:
    """A vector as a matrix of one row (axis 0) or one column (axis 1)."""
    extra = len(levels_of(array))
    data = np.expand_dims(array.data if extra else array, extra + axis)
    return BatchedArray(data, array.levels) if extra else data


# Reductions, scans and the like whose forward takes `dim` second.
ALONG = (
    "sum", "mean", "amax", "amin", "logsumexp", "softmax", "log_softmax", "_softmax", "_log_softmax", "cumsum", "cumprod",
)  # fmt: skip

RULES: dict[str, Callable] = {name: along_dimensions for name in ALONG}
RULES |= {name: product for name in ("matmul", "mm", "mv", "dot", "bmm")}
