"""Picking and placing elements for a whole batch of examples at once: as `batch_rules`."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays.batched import aligned, levels_of

if TYPE_CHECKING:
    from .batching import Batch

ALL = slice(None)
MASKED = (
    "vmap: We do not support batching operators that can support dynamic shape. "
    "Attempting to batch over indexing with a boolean mask."
)


def own_numbers(batch: Batch, rank: int) -> tuple:
    """For each level the examples' numbers, as indices beside others of that rank behind the batches."""
    extra = batch.extra
    return tuple([
        np.arange(size).reshape(size, *(1,) * (extra - 1 - place + rank)) for place, size in enumerate(batch.sizes)
    ])  # fmt: skip


def indexed(batch: Batch) -> Any:
    """index and its kin: the examples' own numbers go before the other indices, if these are not the same for all."""
    indices = batch.argument("indices")
    if any(levels_of(one) and one.dtype.kind == "b" for one in indices):
        raise RuntimeError(MASKED)
    changed: dict[str, Any] = {}
    if not batch.held:
        places = [place for place, one in enumerate(indices) if one is not ALL]
        if places != list(range(places[0], places[-1] + 1)):
            return NotImplemented  # NumPy puts the picked dimensions first, before the batches
        changed["indices"] = (ALL,) * batch.extra + tuple(indices)
    elif all(hasattr(one, "ndim") and one.dtype.kind in "iu" for one in indices):
        rank = max(one.ndim for one in indices)
        changed["indices"] = (*own_numbers(batch, rank), *(aligned(one, batch.levels, rank) for one in indices))
    else:
        return NotImplemented
    if batch.op.name == "index_spread":
        changed["shape"] = batch.sizes + tuple(batch.argument("shape"))
    return batch.run([batch.full(array) for array in batch.arrays], **changed)


def put(batch: Batch) -> Any:
    """index_put: the same; the values broadcast to what the indices pick."""
    input, values = batch.arrays
    indices = batch.argument("indices")
    if not all(hasattr(one, "ndim") and one.dtype.kind in "iu" for one in indices):
        return NotImplemented
    rank = max(one.ndim for one in indices)
    picked = rank + input.ndim - len(indices)
    if values.ndim > picked:
        return NotImplemented
    changed = (*own_numbers(batch, rank), *(aligned(one, batch.levels, rank) for one in indices))
    return batch.run([batch.full(input), aligned(values, batch.levels, picked)], indices=changed)


def selected(batch: Batch) -> Any:
    """index_select: along a dimension behind the batches, or each example by its own index."""
    input, index = batch.arrays
    dim, rank = batch.argument("dim"), input.ndim
    if not rank or index.ndim != 1 or not -rank <= dim < rank:
        return NotImplemented
    place = dim % rank + batch.extra
    if not levels_of(index):
        return batch.run([input.data, index], dim=place)
    if index.data.size and not (index.data.min() >= 0 and index.data.max() < input.shape[dim]):
        return NotImplemented  # the op's own error
    first = np.moveaxis(batch.full(input), place, batch.extra)
    return np.moveaxis(first[(*own_numbers(batch, 1), aligned(index, batch.levels))], batch.extra, place)


def changed_along(batch: Batch) -> Any:
    """index_add and its kin, with one index for all examples."""
    input, index, *rest = batch.arrays
    dim, rank = batch.argument("dim"), input.ndim
    if levels_of(index) or not rank or not -rank <= dim < rank or any(one.ndim != rank for one in rest):
        return NotImplemented
    return batch.run([batch.full(input), index, *map(batch.full, rest)], dim=dim % rank + batch.extra)


def taken(batch: Batch) -> Any:
    """take: from the flattened examples."""
    input, index = batch.arrays
    flat = batch.full(input).reshape(*batch.sizes, -1)
    count = flat.shape[-1]
    found = index.data if levels_of(index) else index
    if found.dtype.kind not in "iu" or not found.size or not (-count <= found.min() and found.max() < count):
        return NotImplemented
    if not levels_of(index):
        return np.take(flat, index, -1)
    return flat[(*own_numbers(batch, index.ndim), aligned(index, batch.levels))]


def looked_up(batch: Batch) -> Any:
    """embedding: indices may have any dimensions; of tables that differ each example has its rows."""
    table, indices = batch.arrays
    if not levels_of(table):
        return batch.run([table, indices.data])
    if table.ndim != 2 or batch.argument("padding_idx") >= 0:
        return NotImplemented
    places = aligned(indices, batch.levels) + first_rows(batch, table.shape[0], indices)
    return batch.run([batch.full(table).reshape(-1, table.shape[-1]), places])


def looked_up_back(batch: Batch) -> Any:
    """Its transpose: the examples' rows lie one after the other."""
    rows, indices = batch.arrays
    count = batch.argument("num_weights")
    if batch.argument("padding_idx") >= 0 or batch.argument("scale_grad_by_freq"):
        return NotImplemented
    places = aligned(indices, batch.levels) + first_rows(batch, count, indices)
    table = batch.run([batch.full(rows), places], num_weights=count * math.prod(batch.sizes))
    return table.reshape(*batch.sizes, count, -1)


def first_rows(batch: Batch, count: int, indices: Any) -> Any:
    """Where each example's table begins in that of all, one after the other, to be added to indices."""
    return np.arange(0, count * math.prod(batch.sizes), count or 1).reshape(*batch.sizes, *(1,) * indices.ndim)


def spread(batch: Batch) -> Any:
    """basic_spread: zeros with the cotangent in the places of an index, which goes behind the batches."""
    index = batch.argument("index")
    index = (ALL,) * batch.extra + (index if isinstance(index, tuple) else (index,))
    return batch.run([batch.arrays[0].data], shape=batch.sizes + tuple(batch.argument("shape")), index=index)


# Those that look at batched arrays among their other arguments.
HOLDING = (indexed, put)

INDEXING: dict[str, Callable] = {
    **dict.fromkeys(("index", "index_spread", "zero_at"), indexed),
    **dict.fromkeys(("index_add", "index_copy", "index_fill_number"), changed_along),
    "index_put": put, "index_select": selected, "take": taken, "embedding": looked_up, "embedding_dense_backward": looked_up_back,
    "basic_spread": spread,
}  # fmt: skip
