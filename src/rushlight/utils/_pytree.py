"""Nested containers of values: taken apart into leaves, and put together again."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class TreeSpec:
    """The structure of a nested container: its kind, what else is needed to make one, and its children."""

    __slots__ = ("kind", "context", "children", "num_leaves")

    def __init__(self, kind: type | None, context: Any = None, children: tuple[TreeSpec, ...] = ()) -> None:
        self.kind = kind
        self.context = context
        self.children = children
        self.num_leaves: int = 1 if kind is None else sum(child.num_leaves for child in children)

    def __eq__(self, other: Any) -> bool:
        if not isinstance(other, TreeSpec):
            return False
        return (self.kind, self.context, self.children) == (other.kind, other.context, other.children)

    def __hash__(self) -> int:
        return hash((self.kind, self.num_leaves))

    def __repr__(self) -> str:
        return self.text(0)

    def text(self, indent: int) -> str:
        """As `repr`, with that many spaces before all lines but the first."""
        if self.kind is None:
            return "*"
        separator = ",\n" + " " * (indent + 2)
        context = list(self.context) if isinstance(self.context, tuple) else self.context
        return f"TreeSpec({self.kind.__name__}, {context}, [{separator.join(child.text(indent + 2) for child in self.children)}])"


LEAF = TreeSpec(None)


def children_of(tree: Any) -> tuple[list, Any] | None:
    """The values in a container and what is needed to make it again; None for a leaf."""
    kind = type(tree)
    if kind in (list, tuple):
        return list(tree), None
    if kind in (dict, OrderedDict):
        return list(tree.values()), tuple(tree)
    if isinstance(tree, tuple) and (hasattr(tree, "_fields") or hasattr(tree, "n_fields")):
        return list(tree), kind
    return None


def tree_flatten(tree: Any, is_leaf: Callable[[Any], bool] | None = None) -> tuple[list, TreeSpec]:
    """The leaves of nested containers in order, and their structure."""
    found = None if is_leaf is not None and is_leaf(tree) else children_of(tree)
    if found is None:
        return [tree], LEAF
    values, context = found
    leaves: list = []
    specs = []
    for value in values:
        inner, spec = tree_flatten(value, is_leaf)
        leaves += inner
        specs.append(spec)
    return leaves, TreeSpec(type(tree), context, tuple(specs))


def tree_unflatten(leaves: Any, treespec: TreeSpec) -> Any:
    """Nested containers of that structure around the leaves."""
    return _build(treespec, iter(leaves))


def _build(spec: TreeSpec, leaves: Any) -> Any:
    if spec.kind is None:
        return next(leaves)
    values = [_build(child, leaves) for child in spec.children]
    if spec.kind in (list, tuple):
        return spec.kind(values)
    if spec.kind in (dict, OrderedDict):
        return spec.kind(zip(spec.context, values, strict=True))
    return spec.kind(*values)


def tree_map(func: Callable, tree: Any, *rests: Any, is_leaf: Callable[[Any], bool] | None = None) -> Any:
    """The same structure with `func` applied to each leaf."""
    leaves, spec = tree_flatten(tree, is_leaf)
    columns = [leaves, *(tree_flatten(rest, is_leaf)[0] for rest in rests)]
    return tree_unflatten([func(*row) for row in zip(*columns, strict=True)], spec)


def tree_leaves(tree: Any, is_leaf: Callable[[Any], bool] | None = None) -> list:
    """The leaves of nested containers in order."""
    return tree_flatten(tree, is_leaf)[0]


def broadcast_prefix(prefix: Any, tree: Any) -> list | None:
    """One value of `prefix` for each leaf of `tree`, where a prefix may stand for a whole branch; None where they do not fit."""
    found = children_of(tree)
    if prefix is None or isinstance(prefix, int) or found is None:
        is_branch = children_of(prefix) is not None
        return None if is_branch else [prefix] * len(tree_leaves(tree))
    inner = children_of(prefix)
    if inner is None or len(inner[0]) != len(found[0]) or (isinstance(tree, dict) and inner[1] != found[1]):
        return None
    values: list = []
    for part, branch in zip(inner[0], found[0], strict=True):
        one = broadcast_prefix(part, branch)
        if one is None:
            return None
        values += one
    return values
