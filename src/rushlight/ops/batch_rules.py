"""The ops whose forward sees a whole batch of examples at once.

Each rule gets a Batch and returns the plain result for all examples, batches first; NotImplemented where it does not fit.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..arrays.batched import BatchedArray, aligned, levels_of, operands
from ..arrays.memory import address, strided
from .batching import Batch
from .dims import sizes
from .rules import parameter_names

ALL = slice(None)


def elementwise(batch: Batch) -> Any:
    """An op on elements alone: the operands broadcast."""
    return batch.run(operands(batch.arrays, batch.levels))


def masked_filled(batch: Batch) -> Any:
    """masked_fill: its value has no dimensions, and so none for examples."""
    if levels_of(batch.arrays[1]):
        return NotImplemented
    input, mask = operands([batch.arrays[0], batch.arrays[2]], batch.levels)
    return batch.run([np.broadcast_to(input, np.broadcast_shapes(input.shape, mask.shape)), batch.arrays[1], mask])


def views(batch: Batch) -> Any:
    """A view op: by its own rule, or by strides: what it does to the first example's, it does to all."""
    source = batch.arrays[0]
    if type(source) is not BatchedArray or source.levels != batch.levels or not batch.only_first():
        return NotImplemented
    own = VIEWS.get(batch.op.name)
    result = NotImplemented if own is None else own(batch)
    return by_strides(batch) if result is NotImplemented else result


def by_strides(batch: Batch) -> Any:
    data = batch.arrays[0].data
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


def reshaped(batch: Batch) -> Any:
    """reshape and view of examples that lie one after the other."""
    data, shape = batch.arrays[0].data, sizes(tuple(batch.values[1:]))
    if not data.flags.c_contiguous or not shape or min(shape) < -1:
        return NotImplemented
    try:
        return data.reshape(batch.sizes + shape)
    except ValueError:
        return NotImplemented  # the op's own error


def expanded(batch: Batch) -> Any:
    """expand: new dimensions come after the batches."""
    array, wanted = batch.arrays[0], sizes(tuple(batch.values[1:]))
    lead = len(wanted) - array.ndim
    if lead < 0 or -1 in wanted[:lead]:
        return NotImplemented
    data = array.data
    data = data.reshape(batch.sizes + (1,) * lead + array.shape) if lead and data.flags.c_contiguous else data
    if data.ndim < batch.extra + len(wanted):
        return NotImplemented
    return batch.op.forward(data, *batch.sizes, *wanted)


def permuted(batch: Batch) -> Any:
    """permute: the batches stay in front."""
    array, order = batch.arrays[0], sizes(tuple(batch.values[1:]))
    rank = array.ndim
    if len(order) != rank or {dim % rank for dim in order} != set(range(rank)) or not all(-rank <= dim < rank for dim in order):
        return NotImplemented
    return array.data.transpose(*range(batch.extra), *[dim % rank + batch.extra for dim in order])


def basically_indexed(batch: Batch) -> Any:
    """basic_index: all of each batch, then the index."""
    index = batch.argument("index")
    index = index if isinstance(index, tuple) else (index,)
    try:
        return batch.arrays[0].data[(ALL,) * batch.extra + index]
    except IndexError:
        return NotImplemented  # the op's own error


def along(batch: Batch) -> Any:
    """An op along dimensions: they are counted behind the batches."""
    name = batch.op.name
    rank = batch.arrays[0].ndim if len(batch.arrays) == 1 else max([array.ndim for array in batch.arrays])
    changed = {}
    for word in DIMENSIONS.get(name, ("dim",)):
        dim = batch.argument(word)
        if dim is None or (type(dim) is not int and type(dim) is not bool and not dim):
            if name not in TAKES_ALL or not rank:
                return NotImplemented
            changed[word] = tuple(range(batch.extra, batch.extra + rank))
            continue
        moved = behind(dim, rank + (name == "unsqueeze"), batch.extra)
        if moved is None:
            return NotImplemented
        changed[word] = moved
    alone = len(batch.arrays) == 1
    return batch.run([batch.arrays[0].data] if alone else [batch.full(array) for array in batch.arrays], **changed)


def behind(dim: Any, rank: int, extra: int) -> Any:
    """Dimensions counted from the front, `extra` further; None for what is none (then the op itself says so)."""
    if type(dim) is int:
        return dim % rank + extra if -rank <= dim < rank else None
    if not isinstance(dim, (tuple, list)) or not all(type(one) is int and -rank <= one < rank for one in dim):
        return None
    return tuple([one % rank + extra for one in dim])


def leading_as_is(batch: Batch) -> Any:
    """alias: the same."""
    return batch.arrays[0].data[...]


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
    if not (a.ndim and b.ndim) or a.dtype != b.dtype:
        return NotImplemented
    rank = max(a.ndim, b.ndim, 2)
    left = aligned(a if a.ndim > 1 else as_matrix(a, 0), batch.levels, rank)
    right = aligned(b if b.ndim > 1 else as_matrix(b, 1), batch.levels, rank)
    if left.shape[-1] != right.shape[-2]:
        return NotImplemented
    result = multiplied(left, right)
    if a.ndim == 1:
        result = result[..., 0, :]
    return result[..., 0] if b.ndim == 1 else result


def multiplied(left: Any, right: Any) -> Any:
    """`np.matmul`: as one product where all batches share the right factor, by elements for columns times rows."""
    if left.shape[-1] == 1:
        return left * right
    if math.prod(right.shape[:-2]) == 1:
        rows, width = left.shape[:-1], right.shape[-1]
        result = left.reshape(math.prod(rows), left.shape[-1]).dot(right.reshape(right.shape[-2:]))
        return result.reshape(*rows, width)
    return np.matmul(left, right)


def as_matrix(array: Any, axis: int) -> Any:
    """A vector as a matrix of one row (axis 0) or one column (axis 1)."""
    extra = len(levels_of(array))
    index = (ALL,) * extra + ((None,) if axis == 0 else (ALL, None))
    return BatchedArray(array.data[index], array.levels) if extra else array[index]


def linear_map(batch: Batch) -> Any:
    """linear: with one weight for all examples as it is, otherwise by products."""
    input, weight, bias = batch.arrays
    if batch.only_first() and input.ndim:
        return batch.run([input.data, weight, bias])
    if weight.ndim != 2 or not input.ndim or input.dtype != weight.dtype or input.shape[-1] != weight.shape[-1]:
        return NotImplemented
    rank = max(input.ndim, 2)
    left = aligned(input if input.ndim > 1 else as_matrix(input, 0), batch.levels, rank)
    result = multiplied(left, aligned(weight, batch.levels, rank).swapaxes(-1, -2))
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
    if any(levels_of(one) and one.dtype.kind == "b" for one in indices):
        raise RuntimeError(MASKED)
    if not all(hasattr(one, "ndim") and one.dtype.kind in "iu" for one in indices):
        return NotImplemented
    rank = max(one.ndim for one in indices)
    own = [np.arange(size).reshape(size, *(1,) * (batch.extra - 1 - place + rank)) for place, size in enumerate(batch.sizes)]
    changed: dict[str, Any] = {"indices": (*own, *(aligned(one, batch.levels, rank) for one in indices))}
    if batch.op.name == "index_spread":
        changed["shape"] = batch.sizes + tuple(batch.argument("shape"))
    return batch.run([batch.full(array) for array in batch.arrays], **changed)


MASKED = (
    "vmap: We do not support batching operators that can support dynamic shape. "
    "Attempting to batch over indexing with a boolean mask."
)


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
DIMENSIONS = {  # how an op names its dimensions, where it is not `dim`
    "transpose": ("dim0", "dim1"), "diagonal": ("dim1", "dim2"), "unfold": ("dimension",), "flip": ("dims",), "roll": ("dims",),
}  # fmt: skip
VIEWS: dict[str, Callable] = {
    **dict.fromkeys(("transpose", "diagonal", "unfold", "unsqueeze", "squeeze", "unbind", "split"), along),
    **dict.fromkeys(("reshape", "view"), reshaped),
    "alias": leading_as_is, "expand": expanded, "permute": permuted, "basic_index": basically_indexed,
}  # fmt: skip
LEADING = (
    "layer_norm", "tril", "triu", "inverse", "det", "linalg.slogdet",
    "linalg.cholesky", "linalg.eigh", "linalg.qr", "constant_pad_nd",
)  # fmt: skip
PLANES = ("max_pool_with_indices", "average_windows", "spread_average", "adaptive_max_pool", "scatter_planes", "gather_planes")
CONVOLUTIONS = ("convolution_product", "convolution_image", "convolution_kernel", "biased_convolution")

ISSUES = "Please file an issue at https://github.com/pytorch/pytorch/issues if you need this feature."


def refusal(name: str) -> str:
    """What is said of an op whose result has as many elements as the values decide."""
    return (
        "vmap: We do not support batching operators that can output dynamic shape. "
        f"Attempted to vmap over aten::{name}. {ISSUES}"
    )


DYNAMIC = {name: refusal(name) for name in ("nonzero_by_dim", "unique", "unique_consecutive")} | {
    "argwhere": refusal("nonzero"),
    "masked_select": (
        "vmap: Attempted to vmap over `mask` in torch.masked_select(self, mask) We cannot support this because for each batch this "
        f"would return a differently shaped Tensor. {ISSUES}"
    ),
}

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
