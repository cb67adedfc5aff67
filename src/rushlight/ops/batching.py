"""How an op's forward is brought to the examples of batched arrays.

Pointwise ops broadcast. A view op does to all examples what it does to the first, by strides. The ops in the table of `batch_rules`
see the whole batch at once, a fused op runs its composite. Any other op runs once per example of the innermost level, so that every
op works inside vmap; derivative rules, which run on Tensors there, need no second writing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays.batched import (
    BatchedArray,
    aligned,
    all_levels,
    batch_size,
    batched_in,
    example,
    examples_in,
    levels_among,
    levels_of,
    operands,
    stacked,
    wrapped,
)
from .batch_indexing import HOLDING
from .batch_rules import DYNAMIC, RULES, elementwise, views
from .dispatch import forward
from .rules import parameter_names

if TYPE_CHECKING:
    from .op import Op

HOLDERS = frozenset((tuple, list, dict, BatchedArray))


class Batch:
    """One call of an op on batched arrays: what the rules look at."""

    __slots__ = ("op", "function", "values", "options", "arrays", "levels", "extra", "held", "_sizes")

    def __init__(
        self, op: Op, function: Callable, values: list, options: dict, arrays: list, levels: tuple[int, ...], held: list
    ) -> None:
        self.op, self.function, self.values, self.options, self.arrays = op, function, values, options, arrays
        self.levels, self.extra = levels, len(levels)
        self.held = held  # batched arrays among the other arguments
        self._sizes: tuple[int, ...] | None = None

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many examples each level has."""
        if self._sizes is None:
            first = self.arrays[0] if self.arrays else None
            if type(first) is BatchedArray and first.levels == self.levels:
                self._sizes = first.data.shape[: self.extra]
            else:
                batched = batched_in((self.arrays, self.held))
                self._sizes = tuple(batch_size(batched, level) for level in self.levels)
        return self._sizes

    def run(self, arrays: list, **changed: Any) -> Any:
        """The op's forward on plain arrays, with some arguments changed by name."""
        if not changed:
            return forward(self.op, self.values, self.options, arrays, self.function)
        values, options = list(self.values), {**self.options}
        for name, value in changed.items():
            if name in options:
                options[name] = value
            else:
                values[parameter_names(self.op.forward).index(name)] = value
        return forward(self.op, values, options, arrays, self.function)

    def argument(self, name: str) -> Any:
        """An argument of the call by its name."""
        return self.options[name] if name in self.options else self.values[parameter_names(self.op.forward).index(name)]

    def full(self, array: Any) -> Any:
        """An array's data with all batches, repeated where it has none."""
        if array is None:
            return None
        data = aligned(array, self.levels)
        return data if data.shape[: self.extra] == self.sizes else np.broadcast_to(data, self.sizes + data.shape[self.extra :])

    def only_first(self) -> bool:
        """Whether the first array has all the batches, and no other any."""
        return levels_of(self.arrays[0]) == self.levels and not any(map(levels_of, self.arrays[1:]))


def forward_batched(op: Op, function: Callable, values: list, options: dict, arrays: list) -> Any:
    """The forward of an op (or its like, `function`) for all examples."""
    if op.kind == "pointwise" and len(values) == len(arrays) and not options:
        levels = levels_among(arrays)
        return wrapped(function(*operands(arrays, levels)), levels) if levels else function(*arrays)
    held: list = []
    for position, value in enumerate(values):
        if type(value) in HOLDERS and position not in op.positions:
            held += batched_in(value)
    for value in options.values():
        if type(value) in HOLDERS:
            held += batched_in(value)
    levels = levels_among([*arrays, *held] if held else arrays)
    if not levels:
        return forward(op, values, options, arrays, function)
    if op.name in DYNAMIC:
        raise RuntimeError(DYNAMIC[op.name])
    batch = Batch(op, function, values, options, arrays, levels, held)
    rule = views if op.view else elementwise if op.kind == "pointwise" else RULES.get(op.name)
    if rule is not None and (not held or rule in HOLDING) and 0 not in batch.sizes:
        result = rule(batch)
        if result is not NotImplemented:
            return (wrapped(result[0], levels), None) if op.composite is not None else wrapped(result, levels)
    if op.composite is not None:
        return by_composite(batch), None
    return looped(batch)


def looped(batch: Batch) -> Any:
    """The op for one example of the innermost level after the other."""
    op, function = batch.op, batch.function
    return one_by_one(
        lambda v, o, a: forward(op, v, o, a, function), batch.values, batch.options, batch.arrays, batch.levels[-1], batch.sizes[-1]
    )


def one_by_one(call: Callable, values: list, options: dict, arrays: list, level: int, size: int) -> Any:
    """The forward for each example of a level; without examples, for one of ones, to see the shape."""
    if not size:
        arrays = [one_example_more(array, level) for array in arrays]
    results = []
    for i in range(max(size, 1)):
        inner, named = examples_in(values, level, i), examples_in(options, level, i)
        parts = [example(one, level, i) for one in arrays]
        rest = batched_in((parts, inner, named))
        if rest:
            outer = all_levels(rest)[-1]
            results.append(one_by_one(call, inner, named, parts, outer, batch_size(rest, outer)))
        else:
            results.append(call(inner, named, parts))
    result = stacked(results, level)
    return result if size else without_examples(result, level)


def one_example_more(array: Any, level: int) -> Any:
    """An array with one example, of ones, at a level where it has none."""
    if level not in levels_of(array):
        return array
    axis = array.levels.index(level)
    shape = array.data.shape
    return BatchedArray(np.ones((*shape[:axis], 1, *shape[axis + 1 :]), array.dtype), array.levels)


def without_examples(result: Any, level: int) -> Any:
    """A result for one example at a level as one for none."""
    if isinstance(result, (tuple, list)):
        return type(result)(without_examples(one, level) for one in result)
    if level not in levels_of(result):
        return result
    return BatchedArray(np.take(result.data, [], result.levels.index(level)), result.levels)


def by_composite(batch: Batch) -> Any:
    """A fused op by the other ops that it stands for."""
    from ..autograd.modes import no_grad
    from ..autograd.tangents import NoLevels
    from ..tensor import wrap

    inputs = [None if array is None else wrap(array) for array in batch.arrays]
    values = list(batch.values)
    for position, tensor in zip(batch.op.positions, inputs, strict=True):
        values[position] = tensor
    with no_grad(), NoLevels():
        result = batch.op.composite(*values, **batch.options)  # type: ignore[misc]
    return tuple(one._array for one in result) if isinstance(result, tuple) else result._array
