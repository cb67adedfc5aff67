"""Cotangents brought to the space of the tensor that they belong to: shape, type, realness, examples."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays.sums import sum_along
from ..tensor import Tensor
from .modes import thread


def dtype_of(g: Any) -> np.dtype:
    """The NumPy type of a cotangent, Tensor or array."""
    return g._array.dtype if isinstance(g, Tensor) else g.dtype


def spaces_from(edges: list | tuple, arrays: list) -> tuple:
    """The shape and type of each input that needs a cotangent."""
    return tuple(None if e is None else (a.shape, a.dtype) for e, a in zip(edges, arrays))  # noqa: B905


def batched_spaces(edges: list | tuple, arrays: list) -> tuple:
    """The inputs' shapes and types, and at which levels of vmap they are batched."""
    from ..arrays.batched import levels_of

    return tuple(
        None if edge is None else (array.shape, array.dtype, levels_of(array)) for edge, array in zip(edges, arrays, strict=False)
    )


def project_all(results: tuple, spaces: tuple) -> tuple:
    """Each cotangent brought to the shape and type of its input."""
    return tuple(
        result if result is None or space is None else project(result, *space)
        for result, space in zip(results, spaces)  # noqa: B905 - rules return one cotangent per edge
    )


def project(g: Any, shape: tuple, dtype: np.dtype, levels: tuple | None = None) -> Any:
    """A cotangent brought to the space of the tensor it belongs to: broadcast dimensions summed, type and realness restored.

    `levels` says at which levels of vmap the tensor is batched: the cotangents of the examples of other levels are summed, unless
    the pass itself runs inside them.
    """
    if levels is not None:
        g = sum_examples(g, levels)
    if g.shape != shape:
        extra = len(g.shape) - len(shape)
        if extra < 0:
            from ..ops.shapes import expand

            return project(expand(g, *shape), shape, dtype)
        if extra:
            g = g.sum(tuple(range(extra))) if isinstance(g, Tensor) else sum_along(g, tuple(range(extra)))
        dims = tuple(i for i, extent in enumerate(shape) if extent == 1 and g.shape[i] != 1)
        if dims:
            g = g.sum(dims, keepdim=True) if isinstance(g, Tensor) else sum_along(g, dims, True)
        if g.shape != shape:
            from ..ops.shapes import expand

            g = expand(g, *shape)
    if dtype_of(g) != dtype:
        if dtype_of(g).kind == "c" and dtype.kind != "c":
            g = g.real
        if isinstance(g, Tensor):
            from .. import dtypes

            return g.to(dtypes.from_numpy(dtype))
        return g.astype(dtype)
    return g


def sum_examples(g: Tensor, levels: tuple) -> Tensor:
    """A cotangent summed over the examples of levels of vmap that its tensor knows nothing of."""
    from ..arrays.batched import batch_size, levels_of
    from ..func.vmap import leave

    for level in levels_of(g._array):
        if level not in levels and level not in thread.batch_levels:
            g = leave(g, level, 0, batch_size([g._array], level)).sum(0)
    return g
