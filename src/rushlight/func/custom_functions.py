"""Custom functions under the transforms: which of its methods a function needs there, and its own rule for vmap."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ..arrays.batched import levels_of
from ..autograd.function import Function
from ..autograd.modes import thread
from ..tensor import Tensor
from ..utils._pytree import broadcast_prefix, tree_flatten, tree_unflatten
from .vmap import enter, leave

if TYPE_CHECKING:
    from collections.abc import Iterator

SEE = "For more details, please see https://pytorch.org/docs/main/notes/extending.func.html"


class VmapInfo(NamedTuple):
    """What the `vmap` of a custom function is told of the batch."""

    batch_size: int
    randomness: str


def rule_for(function: type[Function], args: tuple) -> BatchRule | None:
    """The rule that a function's forward follows under the transforms that are open, None where it runs as it is.

    Raises RuntimeError where the function lacks what these transforms need.
    """
    if function.setup_context is Function.setup_context:
        raise RuntimeError(
            "In order to use an autograd.Function with functorch transforms (vmap, grad, jvp, jacrev, ...), it must override the "
            f"setup_context staticmethod. {SEE}"
        )
    if not any(number in thread.batch_levels for number in thread.transforms):
        return None
    has_rule = function.vmap is not Function.vmap
    if has_rule and function.generate_vmap_rule:
        raise RuntimeError(
            f"You tried to vmap over {function.__name__}, but it has both generate_vmap_rule=True and an overridden vmap "
            "staticmethod. Please set generate_vmap_rule=False or delete the overridden vmap staticmethod to avoid ambiguity. "
            f"{SEE}"
        )
    if not (has_rule or function.generate_vmap_rule):
        raise RuntimeError(
            f"You tried to vmap over {function.__name__}, but it does not have vmap support. Please override and implement the "
            f"vmap staticmethod or set generate_vmap_rule=True. {SEE}"
        )
    levels = set(batch_levels_in(args)) if has_rule else set()
    return BatchRule(function, max(levels)) if levels else None


def batch_levels_in(args: tuple) -> Iterator[int]:
    """The open levels of vmap at which any of the arguments is batched."""
    for leaf in tree_flatten(args)[0]:
        if isinstance(leaf, Tensor):
            yield from (level for level in levels_of(leaf._array) if level in thread.batch_levels)


class BatchRule(NamedTuple):
    """A custom function's `vmap`, for the innermost level at which its arguments are batched."""

    function: type[Function]
    level: int

    @property
    def comes_first(self) -> bool:
        """Whether vmap is the inner transform: a derivative taken within it is that of the function, not of its rule."""
        return not any(number > self.level and number not in thread.batch_levels for number in thread.transforms)

    def apply(self, args: tuple) -> Any:
        """The outputs, by the rule, which sees the examples of the level along a dimension."""
        level, size = self.level, thread.batch_sizes[self.level]
        leaves, spec = tree_flatten(args)
        dims = [batch_dim(leaf, level) for leaf in leaves]
        (mode,) = (mode for mode, one, _ in thread.randomness if one == level)
        before = thread.transforms, thread.batch_levels, thread.randomness
        thread.transforms = tuple(number for number in thread.transforms if number < level)
        thread.batch_levels = tuple(one for one in thread.batch_levels if one < level)
        thread.randomness = tuple(rule for rule in thread.randomness if rule[1] < level)
        try:
            whole = [leaf if dim is None else leave(leaf, level, dim, size) for leaf, dim in zip(leaves, dims, strict=True)]
            answer = self.function.vmap(VmapInfo(size, mode), tree_unflatten(dims, spec), *tree_unflatten(whole, spec))
            return batched_again(answer, level)
        finally:
            thread.transforms, thread.batch_levels, thread.randomness = before


def batch_dim(leaf: Any, level: int) -> int | None:
    """The dimension along which an argument's examples of a level lie, None where it has none."""
    if not isinstance(leaf, Tensor) or level not in levels_of(leaf._array):
        return None
    return leaf.__dict__.get("_entered", 0)


def batched_again(answer: Any, level: int) -> Any:
    """What a rule returned, seen one example at a time again. Raises RuntimeError for what is not outputs with their dimensions."""
    if not (isinstance(answer, tuple) and len(answer) == 2):
        given = f"{len(answer)} returns" if isinstance(answer, tuple) else f"a {type(answer)}"
        raise RuntimeError(
            "Expected the vmap staticmethod to have two returns, an output and out_dims with pytree structure compatible with the "
            f"output. Got {given} instead"
        )
    output, out_dims = answer
    outputs, spec = tree_flatten(output)
    dims = broadcast_prefix(out_dims, output)
    if dims is None:
        raise RuntimeError(
            "The autograd.Function's vmap staticmethod returned an incompatible (output, out_dims) tuple. Expected "
            f"out_dims={out_dims} to be compatible with the structure of `output`. {SEE}"
        )
    return tree_unflatten([one if dim is None else enter(one, level, dim) for one, dim in zip(outputs, dims, strict=True)], spec)
