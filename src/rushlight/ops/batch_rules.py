"""The ops whose forward sees a whole batch of examples at once.

Each rule gets a Batch and returns the plain result for all examples, batches first; NotImplemented where it does not fit.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays.batched import BatchedArray, aligned, levels_of, operands
from ..arrays.memory import address, strided
from .batch_indexing import INDEXING
from .dims import sizes
from .rules import parameter_names

if TYPE_CHECKING:
    from .batching import Batch

ALL = slice(None)


def elementwise(batch: Batch) -> Any:
    """An op on elements alone: the operands broadcast."""
    return batch.run(operands(batch.arrays, batch.levels))


def masked_filled(batch: Batch) -> Any:
    """masked_fill: its value has no dimensions, and so none for examples."""
    input, value, mask = operands(batch.arrays, batch.levels)
    if not levels_of(batch.arrays[1]):
        return batch.run([np.broadcast_to(input, np.broadcast_shapes(input.shape, mask.shape)), value, mask])
    return np.where(mask, value, input) if value.dtype == input.dtype else NotImplemented


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
    name, extra, arrays = batch.op.name, batch.extra, batch.arrays
    rank = arrays[0].ndim if len(arrays) == 1 else max([array.ndim for array in arrays])
    if not rank and name not in ADDS_DIMENSION:
        return along_nothing(batch)
    changed = {}
    for word in DIMENSIONS.get(name, ("dim",)):
        dim = batch.argument(word)
        if dim is None or (type(dim) is not int and type(dim) is not bool and not dim):
            if name in FLATTENS and dim is None:
                return batch.run([arrays[0].data.reshape(*batch.sizes, math.prod(arrays[0].shape))], dim=extra)
            if name not in TAKES_ALL:
                return NotImplemented
            changed[word] = tuple(range(extra, extra + rank))
            continue
        moved = behind(dim, rank + (name in ADDS_DIMENSION), extra)
        if moved is None:
            return NotImplemented
        changed[word] = moved
    return batch.run([arrays[0].data] if len(arrays) == 1 else [batch.full(array) for array in arrays], **changed)


def along_nothing(batch: Batch) -> Any:
    """An op along a dimension of what has none: it counts as having one of extent one."""
    words = DIMENSIONS.get(batch.op.name, ("dim",))
    if len(words) > 1 or batch.op.view:
        return NotImplemented
    dim = batch.argument(words[0])
    usual = dim in (0, -1, None) and type(dim) is not bool if not isinstance(dim, (tuple, list)) else all(d in (0, -1) for d in dim)
    if not usual or (dim is None and batch.op.name not in (*TAKES_ALL, *FLATTENS)):
        return NotImplemented
    result = batch.run([batch.full(array)[..., None] for array in batch.arrays], **{words[0]: batch.extra})

    def stripped(part: Any) -> Any:
        return part.reshape(batch.sizes)

    return tuple(map(stripped, result)) if isinstance(result, tuple) else stripped(result)


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
    """matmul and its kin."""
    a, b = batch.arrays
    return product_of(a, b, batch.levels)


def product_of(a: Any, b: Any, levels: tuple) -> Any:
    """The product of each example's matrices or vectors: batches are leading dimensions once vectors are made matrices."""
    if not (a.ndim and b.ndim) or a.dtype != b.dtype:
        return NotImplemented
    rank = max(a.ndim, b.ndim, 2)
    left = aligned(a if a.ndim > 1 else as_matrix(a, 0), levels, rank)
    right = aligned(b if b.ndim > 1 else as_matrix(b, 1), levels, rank)
    if left.shape[-1] != right.shape[-2]:
        return NotImplemented
    result = multiplied(left, right)
    if a.ndim == 1:
        result = result[..., 0, :]
    return result[..., 0] if b.ndim == 1 else result


def conjugated_product(batch: Batch) -> Any:
    """vdot: the first factor is conjugated."""
    a, b = batch.arrays
    return product_of(np.conj(a), b, batch.levels) if a.shape == b.shape else NotImplemented


def added_product(batch: Batch) -> Any:
    """addmm and its kin."""
    input, a, b = batch.arrays
    result = product_of(a, b, batch.levels)
    alpha, beta = batch.options["alpha"], batch.options["beta"]
    if result is NotImplemented or input.dtype != result.dtype or (beta and input.ndim > result.ndim - batch.extra):
        return NotImplemented
    result = result if alpha == 1 else result * alpha
    if not beta:  # whatever the input holds
        return np.broadcast_to(result, batch.sizes + result.shape[batch.extra :])
    input = aligned(input, batch.levels, result.ndim - batch.extra)
    return result + (input if beta == 1 else input * beta)


def multiplied(left: Any, right: Any) -> Any:
    """`np.matmul`: as one product where all batches share the right factor, by elements for columns times rows."""
    if left.shape[-1] == 1:
        large = left.size * right.shape[-1] > 100_000  # einsum walks through large products more quickly
        return np.einsum("...i,...j->...ij", left[..., 0], right[..., 0, :]) if large else left * right
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


def more_leading(batch: Batch) -> Any:
    """An op on the matrices of two arrays that takes leading dimensions as they come."""
    ranks = {array.ndim for array in batch.arrays}
    return NotImplemented if len(ranks) > 1 or min(ranks) < 2 else batch.run([batch.full(array) for array in batch.arrays])


def shaped(batch: Batch) -> Any:
    """An op that is told the shape of its result, and does to the last dimensions what it does."""
    changed: dict[str, Any] = {"shape": batch.sizes + tuple(batch.argument("shape"))}
    for word in DIMENSIONS.get(batch.op.name, ()):
        moved = behind(batch.argument(word), len(batch.argument("shape")), batch.extra)
        if moved is None:
            return NotImplemented
        changed[word] = moved
    return batch.run([batch.arrays[0].data], **changed)


def copied(batch: Batch) -> Any:
    """copy: the first has the shape of the result."""
    input, source = batch.arrays
    return batch.run([batch.full(input), aligned(source, batch.levels, max(input.ndim, source.ndim))])


def encoded(batch: Batch) -> Any:
    """one_hot: the examples have as many classes only where it is said how many."""
    if batch.argument("num_classes") <= 0:
        raise RuntimeError("When vmap-ing torch.nn.functional.one_hot, please provide an explicit positive num_classes argument.")
    return batch.run([batch.arrays[0].data])


def flipped(batch: Batch) -> Any:
    """flip."""
    moved = behind(sizes(tuple(batch.values[1:])), batch.arrays[0].ndim, batch.extra)
    return NotImplemented if moved is None else batch.op.forward(batch.arrays[0].data, *moved)


def repeated(batch: Batch) -> Any:
    """repeat: new dimensions come after the batches."""
    array, times = batch.arrays[0], sizes(tuple(batch.values[1:]))
    lead = len(times) - array.ndim
    if lead < 0:
        return NotImplemented
    return batch.op.forward(array.data.reshape(batch.sizes + (1,) * lead + array.shape), *(1,) * batch.extra, *times)


def traced(batch: Batch) -> Any:
    """trace."""
    array = batch.arrays[0]
    return np.trace(array.data, 0, batch.extra, batch.extra + 1) if array.ndim == 2 and array.dtype.kind in "fc" else NotImplemented


def over_all(batch: Batch) -> Any:
    """The largest or the smallest of all elements."""
    array = batch.arrays[0]
    if not math.prod(array.shape):
        return NotImplemented
    reduce = np.maximum.reduce if batch.op.name == "max_of_all" else np.minimum.reduce
    return reduce(array.data, tuple(range(batch.extra, batch.extra + array.ndim)))


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
FLATTENS = ("prod", "argmax", "argmin")
ALONG = (
    *TAKES_ALL, *FLATTENS, "softmax", "log_softmax", "softmax_backward", "log_softmax_backward", "cumsum", "cumprod",
    "logcumsumexp", "cummax", "cummin", "max_along", "min_along", "sort", "argsort", "topk", "kthvalue", "median_along", "glu",
    "gather", "scatter_src", "scatter_number", "scatter_add", "fft.c2c", "fft.c2r", "fft.r2c", "fft.fitted", "rot90", "shift",
    "recur", "repeat_elements", "roll", "linalg.cross", "select_scatter", "slice_scatter", "diagonal_scatter", "diag_embed",
)  # fmt: skip
ELEMENTWISE = (
    "where", "masked", "clamp_numbers", "abs", "sgn", "angle", "complex", "polar", "conj", "pow_number", "isclose", "relu",
    "leaky_relu", "leaky_relu_slope", "threshold", "hardtanh", "hardsigmoid", "hardswish", "hardswish_slope", "hardshrink",
    "softshrink", "elu", "elu_slope", "celu", "silu", "mish", "gelu", "softplus", "softplus_slope", "logsigmoid", "slope", "zero",
    "clone", "to_dtype", "fill_number", "threshold_backward", "hardtanh_backward", "shrink_backward", "conj_physical", "frexp",
)  # fmt: skip
DIMENSIONS = {  # how an op names its dimensions, where it is not `dim`
    "transpose": ("dim0", "dim1"), "diagonal": ("dim1", "dim2"), "unfold": ("dimension",), "roll": ("dims",),
    "rot90": ("dims",), "diag_embed": ("dim1", "dim2"), "diagonal_spread": ("dim1", "dim2"), "diagonal_scatter": ("dim1", "dim2"),
    "unfold_backward": ("dimension",),
}  # fmt: skip
ADDS_DIMENSION = ("unsqueeze", "diag_embed")
VIEWS: dict[str, Callable] = {
    **dict.fromkeys(("transpose", "diagonal", "unfold", "unsqueeze", "squeeze", "unbind", "split"), along),
    **dict.fromkeys(("reshape", "view"), reshaped),
    **dict.fromkeys(("real", "imag", "view_as_real"), leading),
    "alias": leading_as_is, "expand": expanded, "permute": permuted, "basic_index": basically_indexed,
}  # fmt: skip
LEADING = (
    "layer_norm", "tril", "triu", "inverse", "det", "linalg.slogdet",
    "linalg.cholesky", "linalg.eigh", "linalg.qr", "constant_pad_nd", "linalg.eig", "linalg.getrf_info", "linalg.lu_factor_ex",
    "linalg.matrix_rank", "linalg.pinv", "linalg.potrf_info", "linalg.svd", "matrix_exp", "linalg.ldl_factor_ex", "pixel_shuffle",
    "pixel_unshuffle", "linalg.permutation", "pad_border", "pick_planes", "mix_planes", "merge_planes",
)  # fmt: skip
PLANES = ("max_pool_with_indices", "average_windows", "spread_average", "adaptive_max_pool", "scatter_planes", "gather_planes",
          "channel_shuffle", "image_to_columns", "columns_to_image")  # fmt: skip
CONVOLUTIONS = ("convolution_product", "convolution_image", "convolution_kernel", "biased_convolution",
                "biased_transposed_convolution")  # fmt: skip

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
    **dict.fromkeys(("addmm", "addmv", "baddbmm"), added_product),
    **dict.fromkeys(("linalg.matrix_solve", "linalg.triangular", "linalg.least_squares"), more_leading),
    **dict.fromkeys(("diagonal_spread", "unfold_backward", "merge_border"), shaped),
    **dict.fromkeys(("max_of_all", "min_of_all"), over_all),
    **INDEXING,
    "vdot": conjugated_product, "linear": linear_map, "masked_fill": masked_filled, "contraction": contracted, "copy": copied,
    "flip": flipped, "one_hot": encoded, "repeat": repeated, "trace": traced,
}  # fmt: skip
