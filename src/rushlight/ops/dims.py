"""Dimensions and shapes as they are given to ops: negative ones, sequences of them, and PyTorch's errors about them."""

from __future__ import annotations

from typing import Any


def dimension_error(dim: Any, rank: int) -> IndexError:
    """The error for a dimension that is not there; a tensor without dimensions counts as one of one."""
    limit = max(rank, 1)
    return IndexError(f"Dimension out of range (expected to be in range of [{-limit}, {limit - 1}], but got {dim})")


def position(dim: int, rank: int) -> int:
    """A dimension counted from the front. Raises IndexError for one that is not there."""
    limit = rank or 1
    if not -limit <= dim < limit:
        raise dimension_error(dim, rank)
    return dim % limit


def positions(dims: Any, rank: int) -> tuple[int, ...]:
    """Dimensions counted from the front. Raises RuntimeError for one named twice."""
    found = tuple([position(dim, rank) for dim in ((dims,) if hasattr(dims, "__index__") else dims)])
    if len(set(found)) != len(found):
        twice = next(dim for dim in found if found.count(dim) > 1)
        raise RuntimeError(f"dim {twice} appears multiple times in the list of dims")
    return found


def sizes(given: tuple) -> tuple:
    """Sizes from `f(x, 2, 3)` or `f(x, (2, 3))`."""
    return tuple(given[0]) if len(given) == 1 and isinstance(given[0], (tuple, list)) else given
