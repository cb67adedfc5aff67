"""`rearrange`: the dimensions of a tensor by a pattern of names, as "b h w c -> b (c h w)"."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ..ops.joining import stack
from ..tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Sequence


class DimensionBindError(Exception):
    """The names of a pattern do not fit the extents of the tensor."""


def rearrange(tensor: Tensor | Sequence[Tensor], pattern: str, **axes_lengths: int) -> Tensor:
    """The tensor (a sequence is stacked first) with its dimensions in another order, split or joined, as `pattern` says.

    Left of `->` stands a name for each dimension, in parentheses several that it splits into (`axes_lengths` gives their extents;
    one may be left out), right of it the dimensions of the result. `...` stands for any number of them, 1 or () for one of extent
    one. Raises ValueError for a pattern that makes no sense, DimensionBindError for one that does not fit the tensor.
    """
    whole = tensor if isinstance(tensor, Tensor) else stack(tensor)
    if pattern.count("->") != 1:
        raise ValueError("Pattern must contain a single '->' separator")
    left, right = (groups_of(side) for side in pattern.split("->"))
    check(left, right, pattern, axes_lengths)
    if ... in left:
        left, right = with_ellipsis(left, right, whole.ndim)
    if len(left) != whole.ndim:
        raise ValueError(
            f"Number of dimensions in pattern ({len(left)}) must be equal to the number of dimensions in the tensor ({whole.ndim})"
        )
    extents: dict[Any, int] = dict(axes_lengths)
    for group, extent in zip(left, whole.shape, strict=True):
        bind(group, extent, extents)
    names = [name for group in left for name in group]
    split = whole.reshape(tuple(extents[name] for name in names))
    ordered = split.permute(tuple(names.index(name) for group in right for name in group)) if names else split
    return ordered.reshape(tuple(math.prod(extents[name] for name in group) for group in right))


def groups_of(side: str) -> list:
    """For each dimension of one side of a pattern the names that make it up, none for extent one; `...` for the ellipsis."""
    if side.count(".") != 3 * side.count("...") or side.count("...") > 1:
        raise ValueError("Expression may contain dots only inside ellipsis (...); only one ellipsis for tensor ")
    groups: list = []
    opened: list | None = None
    for word in side.replace("(", " ( ").replace(")", " ) ").replace("...", " ... ").split():
        if word == "(":
            if opened is not None:
                raise ValueError("Axis composition is one-level (brackets inside brackets not allowed)")
            opened = []
        elif word == ")":
            if opened is None:
                raise ValueError("Brackets are not balanced")
            groups.append(opened)
            opened = None
        else:
            names: list = [] if word == "1" else [... if word == "..." else checked_name(word)]
            if opened is None:
                groups.append(... if word == "..." else names)
            else:
                opened += names
    if opened is not None:
        raise ValueError(f"Imbalanced parentheses in expression: {side!r}")
    return groups


def checked_name(word: str) -> str:
    """A name of a dimension. Raises ValueError for what is none."""
    if word.isdecimal():
        raise ValueError("rearrange only supports unnamed axes of size 1")
    unknown = next((letter for letter in word if not (letter.isalnum() or letter == "_")), None)
    if unknown is not None:
        raise ValueError(f"Unknown character '{unknown}'")
    if not word.isidentifier() or word.startswith("_") or word.endswith("_"):
        rule = "should should not start or end with underscore" if word.isidentifier() else "is not a valid python identifier"
        raise ValueError(f"Invalid axis identifier: {word}\naxis name {rule}")
    return word


def check(left: list, right: list, pattern: str, lengths: dict[str, Any]) -> None:
    """Raises where the two sides do not name the same, or the lengths name anything else."""
    sides = []
    for groups in (left, right):
        names = [name for group in groups for name in ([group] if group is ... else group)]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"Indexing expression contains duplicate dimension '{twice}'")
        sides.append(set(names))
    if ... in sides[1] - sides[0]:
        raise ValueError(f"Ellipsis found in right side, but not left side of a pattern {pattern}")
    if ... in sides[0] and ... not in left:
        raise ValueError(f"Ellipsis is parenthesis in the left side is not allowed: {pattern}")
    if sides[0] != sides[1]:
        raise ValueError(f"Identifiers only on one side of rearrange expression (should be on both): {sides[0] ^ sides[1]}")
    for length in lengths.values():
        if not isinstance(length, int):
            raise TypeError(f"rearrange axis lengths must be integers, got: {type(length)}")
    if lengths.keys() - sides[0]:
        raise ValueError(f"Identifiers not found in rearrange expression: {lengths.keys() - sides[0]}")


def with_ellipsis(left: list, right: list, rank: int) -> tuple[list[list], list[list]]:
    """Both sides with numbers in the place of the ellipsis, as many as there are dimensions for it."""
    numbers = list(range(rank - len(left) + 1))
    sides = []
    for groups in (left, right):
        filled: list[list] = []
        for group in groups:
            if group is ...:
                filled += [[number] for number in numbers]
            else:
                filled.append([name for one in group for name in (numbers if one is ... else [one])])
        sides.append(filled)
    return sides[0], sides[1]


def bind(group: list, extent: int, extents: dict[Any, int]) -> None:
    """Finds the extents of the names that one dimension splits into. Raises DimensionBindError where that cannot be."""
    open_names = [name for name in group if name not in extents]
    known = math.prod(extents[name] for name in group if name in extents)
    if len(open_names) > 1:
        raise DimensionBindError(f"cannot infer the sizes of two dimensions at once {open_names[0]} and {open_names[1]}")
    if open_names:
        if not known or extent % known:
            sizes = tuple(extents.get(name, "?") for name in group)
            raise DimensionBindError(f"inferred dimension does not evenly fit into larger dimension: {extent} vs {sizes}")
        extents[open_names[0]] = extent // known
    elif known != extent:
        raise DimensionBindError(
            f"Dimension sizes to do not match ({extent} != {known}) when matching dimension pack {tuple(group)}"
        )
