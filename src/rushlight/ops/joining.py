"""Joining and splitting: cat and stack, split and unbind, and what is made of them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import dtypes
from ..arrays.basic import is_array, zeros_like
from ..arrays.promotion import cast, common_dtype
from ..autograd.graph import LEAF, OutputStub, next_order
from ..autograd.modes import state, thread
from ..tensor import Tensor, plain_types, wrap
from ..warning import warn
from .dims import dimension_error, position
from .dispatch import careful, mark_view, spaces_from
from .kinds import Array, composite, linear
from .rules import parameter_names
from .samples import T, call
from .shapes import expand, reshape, unsqueeze, view_shape


def in_one_type(arrays: Sequence) -> Sequence:
    """The arrays in their common type, which is PyTorch's and not NumPy's."""
    kind = arrays[0].dtype
    if all(array.dtype == kind for array in arrays):
        return arrays
    common = common_dtype(list(arrays))
    return [cast(array, common) for array in arrays]


def over_tensors(op: Any) -> Any:
    """The public function of an op on a list of tensors and a dimension, with a fast path for plain tensors."""
    forward, shapes = op.forward, "tensors_shape" in op.needed.rules[0]

    def function(tensors: Any, dim: Any = None, **options: Any) -> Any:
        if options or state.active or (type(tensors) is not list and type(tensors) is not tuple) or not tensors:
            if options or isinstance(tensors, Tensor) or not tensors or not all(map(is_array, tensors)):
                return careful(op, (tensors,) if dim is None else (tensors, dim), options)
            return forward(tensors, 0 if dim is None else dim)  # a derivative rule at work
        dim = 0 if dim is None else dim
        edges: list[Any] = []
        arrays, recorded = [], False
        for tensor in tensors:
            if type(tensor) not in plain_types:
                return forward(tensors, dim) if all(map(is_array, tensors)) else careful(op, (tensors, dim), options)
            arrays.append(tensor._array)
            node = tensor._node
            if node is not None:
                recorded = True
                node = tensor if node is LEAF else node
            edges.append(node)
        result = wrap(forward(arrays, dim))
        kind = result._array.dtype
        if recorded and kind.kind in "fcV" and not (state.silent and not thread.grad_enabled):
            made = op.node_class()
            made._order = next_order()
            made.edges = tuple(edges)
            made.spaces = None if all(array.dtype is kind for array in arrays) else spaces_from(edges, arrays)
            made.args, made.kwargs = (None, dim), {}
            if shapes:
                made.shapes = tuple([array.shape for array in arrays])
            result._node = made
        return result

    return function


# --- cat and stack ---------------------------------------------------------------------------------------------------------------


def part(g: Any, dim: int, start: int, length: int) -> Any:
    """`g[start : start + length]` along a dimension."""
    return g[(*(slice(None),) * dim, slice(start, start + length))]


def cat_backward(g: Any, tensors_shape: tuple, dim: int) -> tuple:
    """A cotangent cut into the parts that were joined."""
    place, start, parts = dim % max(len(g.shape), 1), 0, []
    for shape in tensors_shape:
        skipped = shape == (0,) and len(g.shape) != 1
        length = 0 if skipped else shape[place]
        found = part(g, place, start, length)
        parts.append(found.reshape((-1,)) if skipped and not math.prod(found.shape) else found)
        start += length
    return tuple(parts)


def side_by_side(arrays: Sequence, dim: int) -> Any:
    """Arrays joined along a dimension, in C order whatever theirs is."""
    result = np.concatenate(arrays, dim)
    return result if result.flags.c_contiguous else result.copy()


def cat_error(arrays: Sequence, dim: int) -> Exception:
    """What keeps arrays from being joined."""
    for i, array in enumerate(arrays):
        if not array.ndim:
            return RuntimeError(f"zero-dimensional tensor (at position {i}) cannot be concatenated")
    first, *rest = [(i, array) for i, array in enumerate(arrays) if array.shape != (0,)] or list(enumerate(arrays))
    shape = first[1].shape
    if not -len(shape) <= dim < len(shape):
        return dimension_error(dim, len(shape))
    for number, other in rest:
        if other.ndim != len(shape):
            return RuntimeError(f"Tensors must have same number of dimensions: got {len(shape)} and {other.ndim}")
        for d, (have, want) in enumerate(zip(other.shape, shape, strict=True)):
            if have != want and d != dim % len(shape):
                return RuntimeError(
                    f"Sizes of tensors must match except in dimension {dim}. Expected size {want} but got size {have} for tensor "
                    f"number {number} in the list."
                )
    return RuntimeError("cat(): these tensors cannot be joined")


@linear(
    cat_backward, method=False, fast=over_tensors, samples=lambda: [
        call([T((2, 3)), T((1, 3))]), call([T((2, 3)), T((2, 1)), T((2, 3))], 1), call([T((2, 3)), T((2, 2))], -1),
        call([T((0,)), T((2, 3))]),
    ],
)  # fmt: skip
def cat(tensors: Sequence[Array], dim: int = 0) -> Array:
    """The tensors one after the other along a dimension; extents agree elsewhere (empty 1-d tensors are passed over)."""
    if not tensors:
        raise ValueError("torch.cat(): expected a non-empty list of Tensors")
    try:
        return side_by_side(in_one_type(tensors), dim)
    except ValueError:
        filled = [array for array in tensors if array.shape != (0,)]
        if len(filled) in (0, len(tensors)) or any(not array.ndim for array in filled):
            raise cat_error(tensors, dim) from None
    try:
        return side_by_side(
            in_one_type([array.astype(dtypes.numpy_type(common_dtype(list(tensors)))) for array in filled]), dim
        )
    except ValueError:
        raise cat_error(tensors, dim) from None


concat = concatenate = cat


@linear(
    lambda g, dim: unbind(g, dim),
    method=False,
    fast=over_tensors,
    samples=lambda: [call([T((2, 3)), T((2, 3))]), call([T((2,)), T((2,))], -1), call([T(()), T(())])],
)
def stack(tensors: Sequence[Array], dim: int = 0) -> Array:
    """Tensors of one shape side by side along a new dimension."""
    if not tensors:
        raise RuntimeError("stack expects a non-empty TensorList")
    shape = tensors[0].shape
    for i, array in enumerate(tensors):
        if array.shape != shape:
            raise RuntimeError(
                f"stack expects each tensor to be equal size, but got {list(shape)} at entry 0 and {list(array.shape)} at entry {i}"
            )
    rank = len(shape) + 1
    if not -rank <= dim < rank:
        raise dimension_error(dim, rank)
    arrays = in_one_type(tensors)
    if not dim % rank:
        return np.array(arrays)
    axis = (*(slice(None),) * (dim % rank), None)
    return side_by_side([array[axis] for array in arrays], dim)


def joined(g: Any) -> list:
    """The cotangents of a splitting op's results as a list, also of a single result."""
    return list(g) if isinstance(g, (tuple, list)) else [g]


def into_views(op: Any) -> Any:
    """The public function of an op that takes a tensor apart into views, with a fast path for plain tensors."""
    forward, known = op.forward, frozenset(parameter_names(op.forward)[1:])

    def function(*args: Any, **options: Any) -> Any:
        source: Any = args[0] if args else None
        if state.active or type(source) not in plain_types or (options and not options.keys() <= known):
            return forward(*args, **options) if args and is_array(source) else careful(op, args, options)
        array = source._array
        outputs = tuple([wrap(part) for part in forward(array, *args[1:], **options)])
        made_by = source._node
        if (
            made_by is not None
            and array.dtype.kind in "fcV"
            and outputs
            and not (state.silent and not thread.grad_enabled)
        ):
            node = op.node_class()
            node._order = next_order()
            node.edges = (source if made_by is LEAF else made_by,)
            node.spaces = None
            node.args, node.kwargs = (None, *args[1:]), options
            if len(outputs) == 1:
                outputs[0]._node = node
            else:
                node._outputs = tuple([(output._array.shape, array.dtype) for output in outputs])
                for i, output in enumerate(outputs):
                    output._node = OutputStub(node, i)
        mark_view(list(outputs), source)
        return outputs

    return function


@linear(lambda g, dim: stack(joined(g), dim), view=True, fast=into_views,
        samples=lambda: [call(T((2, 3))), call(T((2, 3)), -1)])  # fmt: skip
def unbind(input: Array, dim: int = 0) -> tuple:
    """The slices along a dimension, as views without that dimension."""
    if not input.ndim:
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    lead = (slice(None),) * position(dim, input.ndim)
    return tuple([input[(*lead, i, ...)] for i in range(input.shape[len(lead)])])


# --- split -----------------------------------------------------------------------------------------------------------------------


def split_name(node: Any, input: Any = None, split_size_or_sections: Any = None, dim: int = 0) -> str:
    return "SplitBackward0" if hasattr(split_size_or_sections, "__index__") else "SplitWithSizesBackward0"


def section_sizes(size: Any, extent: int, dim: int) -> list[int]:
    """The extents of the parts of a dimension, from one size or all of them."""
    if hasattr(size, "__index__"):
        size = size.__index__()
        if size < 0:
            raise RuntimeError(f"split expects split_size be non-negative, but got split_size={size}")
        if not size and extent:
            raise RuntimeError(f"split_size can only be 0 if dimension size is 0, but got dimension size of {extent}")
        return [min(size, extent - start) for start in range(0, extent, size)] if extent else [0]
    found = list(size)
    if any(one < 0 for one in found):
        raise RuntimeError(
            f"split_with_sizes expects split_sizes have only non-negative entries, but got split_sizes={found}"
        )
    if sum(found) != extent:
        raise RuntimeError(
            f"split_with_sizes expects split_sizes to sum exactly to {extent} (input tensor's size at dimension {dim}), but got "
            f"split_sizes={found}"
        )
    return found


@linear(
    lambda g, dim: cat(joined(g), dim), view=True, fast=into_views, node=split_name,
    samples=lambda: [call(T((5, 2)), 2), call(T((2, 3)), [1, 2], -1), call(T((2, 3)), 3, 1)],
)  # fmt: skip
def split(tensor: Array, split_size_or_sections: int | Sequence[int], dim: int = 0) -> tuple:
    """Consecutive parts along a dimension, as views: each of that size (the last may be smaller), or of the given sizes."""
    if not tensor.ndim:
        raise RuntimeError("split expects at least a 1-dimensional tensor")
    place = position(dim, tensor.ndim)
    parts, start = [], 0
    for size in section_sizes(split_size_or_sections, tensor.shape[place], dim):
        parts.append(part(tensor, place, start, size))
        start += size
    return tuple(parts)


def split_with_sizes(self: Tensor, split_sizes: Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """Consecutive parts of the given sizes along a dimension, as views."""
    return split(self, split_sizes, dim)


@composite(samples=lambda: [call(T((5, 2)), 2), call(T((2, 3)), 3, -1)])
def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """At most `chunks` consecutive parts of one size (the last may be smaller) along a dimension, as views."""
    if not input.ndim:
        raise RuntimeError("chunk expects at least a 1-dimensional tensor")
    if chunks <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    extent = input.shape[position(dim, input.ndim)]
    return split(input, -(-extent // chunks) if extent else [0] * chunks, dim)


@composite(samples=lambda: [call(T((5, 2)), 3), call(T((2, 4)), (1, 3), 1)])
def tensor_split(input: Tensor, indices_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """That many parts of nearly one size, or the parts between the given indices, along a dimension; views."""
    if not input.ndim:
        raise RuntimeError("tensor_split expected at least a 1-dimensional tensor, but got a tensor with 0 dims")
    place = position(dim, input.ndim)
    extent = input.shape[place]
    given = indices_or_sections.tolist() if isinstance(indices_or_sections, Tensor) else indices_or_sections
    if isinstance(given, int):
        if given <= 0:
            raise RuntimeError(f"number of sections must be larger than 0, got {given}")
        size, larger = divmod(extent, given)
        bounds = [i * size + min(i, larger) for i in range(given + 1)]
    else:
        bounds = [0, *given, extent]
    lead = (slice(None),) * place
    return tuple(input[(*lead, slice(start, end))] for start, end in itertools.pairwise(bounds))


def _splitter(name: str, least: int, along: int) -> Any:
    def function(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
        if input.ndim < least:
            raise RuntimeError(
                f"torch.{name} requires a tensor with at least {least} dimension, but got a tensor with {input.ndim} dimensions!"
            )
        dim = 0 if input.ndim == 1 else along
        if isinstance(indices_or_sections, int) and (not indices_or_sections or input.shape[dim] % indices_or_sections):
            raise RuntimeError(
                f"torch.{name} attempted to split along dimension {dim}, but the size of the dimension {input.shape[dim]} is not "
                f"divisible by the split_size {indices_or_sections}!"
            )
        return tensor_split(input, indices_or_sections, dim)

    function.__doc__ = f"Equal parts, or the parts between the given indices, along dimension {along}, as views."
    function.__name__ = function.__qualname__ = name
    return composite(name=name)(function)


hsplit, vsplit, dsplit = _splitter("hsplit", 1, 1), _splitter("vsplit", 2, 0), _splitter("dsplit", 3, 2)

# --- at least so many dimensions -------------------------------------------------------------------------------------------------


def at_least(name: str, widen: Any, doc: str) -> Any:
    """A function that widens a tensor, or each of several."""

    def function(*tensors: Any) -> Any:
        if len(tensors) == 1 and not isinstance(tensors[0], (tuple, list)):
            return widen(tensors[0])
        return tuple(map(widen, tensors[0] if len(tensors) == 1 else tensors))

    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    return function


def two_dimensional(tensor: Tensor) -> Tensor:
    rank = tensor.ndim
    return tensor if rank > 1 else unsqueeze(tensor, 0) if rank else reshape(tensor, (1, 1))


def three_dimensional(tensor: Tensor) -> Tensor:
    rank = tensor.ndim
    if rank < 2:
        return unsqueeze(unsqueeze(tensor, 0), -1) if rank else reshape(tensor, (1, 1, 1))
    return tensor if rank > 2 else unsqueeze(tensor, -1)


atleast_1d = at_least("atleast_1d", lambda tensor: tensor if tensor.ndim else reshape(tensor, (1,)),
                      "Each tensor with at least one dimension.")  # fmt: skip
atleast_2d = at_least(
    "atleast_2d", two_dimensional, "Each tensor with at least two dimensions: a vector becomes a row."
)
atleast_3d = at_least(
    "atleast_3d", three_dimensional, "Each tensor with at least three dimensions: `(n,)` becomes `(1, n, 1)`."
)


def _stacker(name: str, prepare: Any, dim: Any, doc: str) -> Any:
    def function(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor:
        prepared = prepare(tensors)
        return cat(prepared, dim(prepared) if callable(dim) else dim, **({} if out is None else {"out": out}))

    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    return function


def columns(tensors: Sequence[Tensor]) -> list[Tensor]:
    return [tensor if tensor.ndim > 1 else reshape(tensor, (tensor.numel(), 1)) for tensor in tensors]


hstack = _stacker("hstack", lambda tensors: atleast_1d(list(tensors)), lambda prepared: 0 if prepared[0].ndim == 1 else 1,
                  "Side by side along dimension 1 (vectors: 0).")  # fmt: skip
vstack = row_stack = _stacker(
    "vstack", lambda tensors: atleast_2d(list(tensors)), 0, "One below the other along dimension 0."
)
dstack = _stacker("dstack", lambda tensors: atleast_3d(list(tensors)), 2, "One behind the other along dimension 2.")
column_stack = _stacker("column_stack", columns, 1, "Side by side along dimension 1; vectors as columns.")

# --- products of tensors ---------------------------------------------------------------------------------------------------------


def block_diag_backward(g: Any, tensors_shape: tuple) -> tuple:
    row = column = 0
    parts = []
    for shape in tensors_shape:
        height, width = (1,) * (2 - len(shape)) + shape
        parts.append(g[row : row + height, column : column + width].reshape(shape))
        row, column = row + height, column + width
    return tuple(parts)


@linear(block_diag_backward, name="block_diag", method=False, samples=lambda: [call([T((2, 3)), T((2,)), T(())])])
def diagonal_blocks(tensors: Sequence[Array]) -> Array:
    """The tensors, of at most two dimensions, along the diagonal of a matrix."""
    for i, array in enumerate(tensors):
        if array.ndim > 2:
            raise RuntimeError(
                f"torch.block_diag: Input tensors must have 2 or fewer dimensions. Input {i} has {array.ndim} dimensions"
            )
    blocks = [array.reshape((1,) * (2 - array.ndim) + array.shape) for array in in_one_type(tensors)]
    result = zeros_like(blocks[0], (sum(b.shape[0] for b in blocks), sum(b.shape[1] for b in blocks)))
    row = column = 0
    for block in blocks:
        height, width = block.shape
        result[row : row + height, column : column + width] = block
        row, column = row + height, column + width
    return result


def block_diag(*tensors: Tensor) -> Tensor:
    """The tensors, of at most two dimensions, along the diagonal of a matrix."""
    return diagonal_blocks(list(tensors))


def check_vectors(tensors: Sequence[Tensor]) -> None:
    for tensor in tensors:
        if tensor.ndim != 1:
            raise RuntimeError(f"Expect a 1D vector, but got shape {list(tensor.shape)}")


def cartesian_prod(*tensors: Tensor) -> Tensor:
    """All combinations of one element of each vector, as rows; the last vector varies fastest."""
    check_vectors(tensors)
    if len(tensors) == 1:
        return tensors[0]
    return stack([reshape(grid, (-1,)) for grid in meshgrid(*tensors, indexing="ij")], 1)


def combinations(input: Tensor, r: int = 2, with_replacement: bool = False) -> Tensor:
    """All combinations of `r` elements of a vector, as rows."""
    check_vectors([input])
    if r < 0:
        raise RuntimeError(f"Expect a non-negative number, but got {r}")
    if not r:
        return wrap(np.empty(0, input._array.dtype))
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    chosen = np.array(list(choose(range(input.numel()), r)), np.int64).reshape(-1, r)
    return stack([input[column] for column in chosen.T], 1)


def meshgrid(*tensors: Any, indexing: str | None = None) -> tuple[Tensor, ...]:
    """Grids of coordinates from vectors, as views: `ij` gives matrix indices, `xy` Cartesian ones (dimensions 0 and 1 swapped)."""
    given = list(tensors[0]) if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)) else list(tensors)
    if indexing is None:
        warn("torch.meshgrid: in an upcoming release, it will be required to pass the indexing argument.", once=True)
    if indexing not in (None, "ij", "xy"):
        raise RuntimeError(f'torch.meshgrid: indexing must be one of "xy" or "ij", but received: {indexing}')
    for tensor in given:
        if tensor.ndim > 1:
            raise RuntimeError(f"torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got: {tensor}")
        if tensor.dtype is not given[0].dtype:
            raise RuntimeError("meshgrid expects all tensors to have the same dtype")
    order = list(range(len(given)))
    if indexing == "xy" and len(given) > 1:
        order[:2] = [1, 0]
    shape = tuple(given[i].numel() for i in order)
    grids = []
    for i, tensor in enumerate(given):
        own = [1] * len(given)
        own[order.index(i)] = -1
        grids.append(expand(view_shape(tensor, *own), shape))
    return tuple(grids)


def unravel_index(indices: Tensor, shape: Any) -> tuple[Tensor, ...]:
    """The coordinates, one tensor per dimension, of places in the flattened tensor of a shape."""
    sizes = (shape,) if isinstance(shape, int) else tuple(shape)
    if indices._array.size and (indices._array.min() < 0 or indices._array.max() >= math.prod(sizes)):
        raise ValueError(f"index is out of bounds for a tensor of shape {sizes}")
    return tuple(wrap(np.array(one, np.int64)) for one in np.unravel_index(indices._array, sizes))


Tensor.split_with_sizes = split_with_sizes  # type: ignore[assignment]

__all__ = [
    "atleast_1d", "atleast_2d", "atleast_3d", "block_diag", "cartesian_prod", "cat", "chunk", "column_stack", "combinations",
    "concat", "concatenate", "dsplit", "dstack", "hsplit", "hstack", "meshgrid", "row_stack", "split", "split_with_sizes",
    "stack", "tensor_split", "unbind", "unravel_index", "vsplit", "vstack",
]  # fmt: skip
