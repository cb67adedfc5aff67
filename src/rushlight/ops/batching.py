"""How an op's forward is brought to the examples of batched arrays.

Pointwise ops broadcast. A view op does to all examples what it does to the first, by strides. The ops in the table below see the
whole batch at once, a fused op runs its composite. Any other op runs once per example of the innermost level, so that every op
works inside vmap; derivative rules, which run on Tensors there, need no second writing.
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
    levels_of,
    operand,
    stacked,
    wrapped,
)
from ..arrays.memory import address, strided
from .rules import parameter_names

if TYPE_CHECKING:
    from .op import Op


class Batch:
    """One call of an op on batched arrays: what the rules look at."""

    def __init__(self, op: Op, call: Callable, values: list, options: dict, arrays: list, levels: tuple[int, ...]) -> None:
        self.op, self.call, self.values, self.options, self.arrays, self.levels = op, call, values, options, arrays, levels
        self.extra = len(levels)
        self.sizes = tuple(batch_size(batched_in((arrays, values, options)), level) for level in levels)

    def run(self, arrays: list, **changed: Any) -> Any:
        """The op's forward on plain arrays, with some arguments changed by name."""
        values, options = list(self.values), {**self.options}
        for name, value in changed.items():
            if name in options:
                options[name] = value
            else:
                values[parameter_names(self.op.forward).index(name)] = value
        return self.call(values, options, arrays)

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


def forward_batched(op: Op, call: Callable, values: list, options: dict, arrays: list) -> Any:
    """`call(values, options, arrays)`, the forward of an op, for all examples."""
    levels = all_levels((arrays, values, options))
    if not levels:
        return call(values, options, arrays)
    if op.name in DYNAMIC:
        raise RuntimeError(
            f"vmap: We do not support batching operators that can output dynamic shape. Attempted to vmap over aten::{op.name}."
        )
    batch = Batch(op, call, values, options, arrays, levels)
    rule = views if op.view else elementwise if op.kind == "pointwise" else RULES.get(op.name)
    arguments = [value for position, value in enumerate(values) if position not in op.positions]
    if rule is not None and (rule is indexed or not batched_in((arguments, options))) and 0 not in batch.sizes:
        result = rule(batch)
        if result is not NotImplemented:
            return (wrapped(result[0], levels), None) if op.composite is not None else wrapped(result, levels)
    if op.composite is not None:
        return by_composite(batch), None
    return one_by_one(call, values, options, arrays, levels[-1], batch.sizes[-1])


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
    from ..autograd.forward_ad import NoLevels
    from ..autograd.modes import no_grad
    from ..tensor import wrap

    inputs = [None if array is None else wrap(array) for array in batch.arrays]
    values = list(batch.values)
    for position, tensor in zip(batch.op.positions, inputs, strict=True):
        values[position] = tensor
    with no_grad(), NoLevels():
        result = batch.op.composite(*values, **batch.options)  # type: ignore[misc]
    return tuple(one._array for one in result) if isinstance(result, tuple) else result._array


# --- rules ------------------------------------------------------------------------------------------------------------------------
# Each gets a Batch and returns the plain result for all examples, batches first; NotImplemented where it does not fit.


def elementwise(batch: Batch) -> Any:
    """An op on elements alone: the operands broadcast."""
    rank = max(array.ndim for array in batch.arrays if hasattr(array, "ndim"))
    return batch.run([operand(array, batch.levels, rank) for array in batch.arrays])


def masked_filled(batch: Batch) -> Any:
    """masked_fill: its value has no dimensions, and so none for examples."""
    if levels_of(batch.arrays[1]):
        return NotImplemented
    rank = max(batch.arrays[0].ndim, batch.arrays[2].ndim)
    input, mask = (operand(batch.arrays[i], batch.levels, rank) for i in (0, 2))
    return batch.run([np.broadcast_to(input, np.broadcast_shapes(input.shape, mask.shape)), batch.arrays[1], mask])


def views(batch: Batch) -> Any:
    """A view op: what it does to the first example's strides, it does to all."""
    source = batch.arrays[0]
    if not levels_of(source) or any(map(levels_of, batch.arrays[1:])):
        return NotImplemented
    data = source.data
    first = data[(0,) * batch.extra + (...,)]
    seen = batch.run([first, *batch.arrays[1:]])

    def all_of(part: Any) -> Any:
        same = part.dtype == data.dtype and part.base is not None and (part.base is first.base or part.base is first)
        if not part.size or not same:
            return None
        return strided(data, batch.sizes + part.shape, data.strides[: batch.extra] + part.strides, address(part) - address(data))

    parts = [all_of(part) for part in seen] if isinstance(seen, (tuple, list)) else [all_of(seen)]
    if any(part is None for part in parts):
        return data.reshape(batch.sizes + seen.shape) if batch.op.name == "reshape" else NotImplemented
    return tuple(parts) if isinstance(seen, (tuple, list)) else parts[0]


def along(batch: Batch) -> Any:
    """An op along dimensions, named by its argument `dim` (or `dims`): they are counted behind the batches."""
    names = parameter_names(batch.op.forward)
    name = "dims" if "dims" in names else "dim"
    rank = max(array.ndim for array in batch.arrays)
    dim = batch.argument(name)
    if not rank or isinstance(dim, bool):  # var(True) means something else
        return NotImplemented
    if dim is None or (isinstance(dim, (tuple, list)) and not dim):
        if batch.op.name not in TAKES_ALL:
            return NotImplemented
        dim = tuple(range(rank))
    several = isinstance(dim, (tuple, list))
    if any(not -rank <= one < rank for one in (dim if several else (dim,))):
        return NotImplemented  # the op's own error
    moved = tuple(one % rank + batch.extra for one in dim) if several else dim % rank + batch.extra
    return batch.run([batch.full(array) for array in batch.arrays], **{name: moved})


def leading(batch: Batch) -> Any:
    """An op that takes further leading dimensions of its first array as they come."""
    if not batch.only_first() or not batch.arrays[0].ndim:
        return NotImplemented
    return batch.run([batch.arrays[0].data, *batch.arrays[1:]])


def joined(batch: Batch) -> Any:
    """cat and stack."""
    dim, ranks = batch.argument("dim"), {array.ndim for array in batch.arrays}
    rank = ranks.pop() + (batch.op.name == "stack")
    if ranks or not rank or not -rank <= dim < rank:
        return NotImplemented
    return batch.run([batch.full(array) for array in batch.arrays], dim=dim % rank + batch.extra)


def product(batch: Batch) -> Any:
    """matmul and its kin: NumPy's matmul takes batches as leading dimensions once vectors are made matrices."""
    a, b = batch.arrays
    if batch.op.name in ("mm", "mv", "dot", "bmm") and levels_of(a) and not levels_of(b) and a.ndim > 1 and b.ndim <= 2:
        return np.matmul(a.data, b)
    if not (a.ndim and b.ndim) or a.dtype != b.dtype:
        return NotImplemented
    rank = max(a.ndim, b.ndim, 2)
    left = aligned(a if a.ndim > 1 else expanded(a, 0), batch.levels, rank)
    right = aligned(b if b.ndim > 1 else expanded(b, 1), batch.levels, rank)
    if left.shape[-1] != right.shape[-2]:
        return NotImplemented
    result = np.matmul(left, right)
    if a.ndim == 1:
        result = result[..., 0, :]
    return result[..., 0] if b.ndim == 1 else result


def expanded(array: Any, axis: int) -> Any:
    """A vector as a matrix of one row (axis 0) or one column (axis 1)."""
    extra = len(levels_of(array))
    data = np.expand_dims(array.data if extra else array, extra + axis)
    return BatchedArray(data, array.levels) if extra else data


def linear_map(batch: Batch) -> Any:
    """linear: with one weight for all examples as it is, otherwise by products."""
    input, weight, bias = batch.arrays
    if batch.only_first() and input.ndim:
        return batch.run([input.data, weight, bias])
    if weight.ndim != 2 or not input.ndim or input.dtype != weight.dtype or input.shape[-1] != weight.shape[-1]:
        return NotImplemented
    rank = max(input.ndim, 2)
    left = aligned(input if input.ndim > 1 else expanded(input, 0), batch.levels, rank)
    result = np.matmul(left, np.swapaxes(aligned(weight, batch.levels, rank), -1, -2))
    if bias is not None:
        result = result + aligned(bias, batch.levels, rank)
    return result[..., 0, :] if input.ndim == 1 else result


def planes(batch: Batch) -> Any:
    """An op on images (N, ...): examples are more images."""
    if batch.arrays[0].ndim < 3:
        return NotImplemented
    return folded(batch, len(batch.arrays))


def folded(batch: Batch, several: int) -> Any:
    """Runs an op with the batches of its first arrays joined with these arrays' first dimension."""
    datas = [batch.full(array) for array in batch.arrays[:several]]
    count = datas[0].shape[batch.extra]
    result = batch.run([*(data.reshape(-1, *data.shape[batch.extra + 1 :]) for data in datas), *batch.arrays[several:]])

    def unfolded(part: Any) -> Any:
        return part.reshape(*batch.sizes, count, *part.shape[1:])

    return tuple(map(unfolded, result)) if isinstance(result, tuple) else unfolded(result)


def convolutions(batch: Batch) -> Any:
    """A convolution: more images where only these are batched, otherwise one convolution with a group per example."""
    kernels = batch.op.name == "convolution_kernel"  # of two images, where the others take images, kernels and biases
    if batch.only_first() and not kernels:
        return folded(batch, 1)
    total = int(np.prod(batch.sizes))
    merged: list = []
    for position, array in enumerate(batch.arrays):
        if array is None:
            merged.append(None)
            continue
        data = batch.full(array).reshape(total, *array.shape)
        if position == 0 or kernels:  # images (N, C, ...): the examples side by side in the channels
            merged.append(np.moveaxis(data, 0, 1).reshape(data.shape[1], -1, *data.shape[3:]))
        else:
            merged.append(data.reshape(-1, *data.shape[2:]))
    if "groups" in parameter_names(batch.op.forward):
        result = batch.run(merged, groups=batch.argument("groups") * total)
    else:
        *geometry, groups = batch.argument("geometry")
        result = batch.run(merged, geometry=(*geometry, groups * total))
    if kernels:
        return result.reshape(*batch.sizes, -1, *result.shape[1:])
    apart = result.reshape(result.shape[0], total, -1, *result.shape[2:])
    return np.moveaxis(apart, 1, 0).reshape(*batch.sizes, *apart.shape[:1], *apart.shape[2:])


def looked_up(batch: Batch) -> Any:
    """embedding: indices may have any dimensions."""
    table, indices = batch.arrays
    return NotImplemented if levels_of(table) else batch.run([table, indices.data])


def spread(batch: Batch) -> Any:
    """basic_spread: zeros with the cotangent in the places of an index, which goes behind the batches."""
    index = batch.argument("index")
    ahead = (slice(None),) * batch.extra
    index = (*ahead, *index) if isinstance(index, tuple) else (*ahead, index)
    return batch.run([batch.arrays[0].data], shape=batch.sizes + tuple(batch.argument("shape")), index=index)


def indexed(batch: Batch) -> Any:
    """index and its kin, with an index for every example: the examples' own numbers go before the other indices."""
    indices = batch.argument("indices")
    if not all(hasattr(one, "ndim") and one.dtype.kind in "iu" for one in indices):
        return NotImplemented
    rank = max(one.ndim for one in indices)
    own = [np.arange(size).reshape(size, *(1,) * (batch.extra - 1 - place + rank)) for place, size in enumerate(batch.sizes)]
    changed: dict[str, Any] = {"indices": (*own, *(aligned(one, batch.levels, rank) for one in indices))}
    if batch.op.name == "index_spread":
        changed["shape"] = batch.sizes + tuple(batch.argument("shape"))
    return batch.run([batch.full(array) for array in batch.arrays], **changed)


def contracted(batch: Batch) -> Any:
    """contraction: a letter more for each level."""
    words, output = batch.argument("words"), batch.argument("output")
    unused = [letter for letter in map(chr, range(0x100, 0x200)) if letter not in "".join(words) + output]
    letters = dict(zip(batch.levels, unused, strict=False))
    longer = tuple(
        "".join(letters[level] for level in levels_of(array)) + word for array, word in zip(batch.arrays, words, strict=True)
    )
    ahead = "".join(letters[level] for level in batch.levels)
    return batch.run([array.data if levels_of(array) else array for array in batch.arrays], words=longer, output=ahead + output)


# Ops along `dim`; those of the first group take None for all dimensions, or a tuple.
TAKES_ALL = (
    "sum", "mean", "nansum", "amax", "amin", "logsumexp", "all", "any", "count_nonzero", "var", "std", "var_mean", "std_mean",
    "linalg.vector_norm",
)  # fmt: skip
ALONG = (
    *TAKES_ALL, "softmax", "log_softmax", "softmax_backward", "log_softmax_backward", "cumsum", "cumprod", "logcumsumexp", "cummax",
    "cummin", "prod", "argmax", "argmin", "max_along", "min_along", "sort", "argsort", "topk", "kthvalue", "median_along", "glu",
    "gather", "scatter_src", "scatter_number", "scatter_add",
)  # fmt: skip
ELEMENTWISE = (
    "where", "masked", "clamp_numbers", "abs", "sgn", "angle", "complex", "polar", "conj", "pow_number", "isclose", "relu",
    "leaky_relu", "leaky_relu_slope", "threshold", "hardtanh", "hardsigmoid", "hardswish", "hardswish_slope", "hardshrink",
    "softshrink", "elu", "elu_slope", "celu", "silu", "mish", "gelu", "softplus", "softplus_slope", "logsigmoid", "slope", "zero",
    "clone", "to_dtype", "fill_number",
)  # fmt: skip
LEADING = (
    "layer_norm", "tril", "triu", "inverse", "det", "linalg.slogdet",
    "linalg.cholesky", "linalg.eigh", "linalg.qr", "constant_pad_nd",
)  # fmt: skip
PLANES = ("max_pool_with_indices", "average_windows", "spread_average", "adaptive_max_pool", "scatter_planes", "gather_planes")
CONVOLUTIONS = ("convolution_product", "convolution_image", "convolution_kernel", "biased_convolution")

# Ops whose results have as many elements as the values decide.
DYNAMIC = ("argwhere", "masked_select", "nonzero_by_dim", "unique", "unique_consecutive")

RULES: dict[str, Callable] = {
    **dict.fromkeys(ALONG, along),
    **dict.fromkeys(ELEMENTWISE, elementwise),
    **dict.fromkeys(LEADING, leading),
    **dict.fromkeys(PLANES, planes),
    **dict.fromkeys(CONVOLUTIONS, convolutions),
    **dict.fromkeys(("matmul", "mm", "mv", "dot", "bmm"), product),
    **dict.fromkeys(("cat", "stack"), joined),
    "linear": linear_map,
    "masked_fill": masked_filled,
    "embedding": looked_up,
    **dict.fromkeys(("index", "index_spread", "zero_at"), indexed),
    "basic_spread": spread,
    "contraction": contracted,
}
