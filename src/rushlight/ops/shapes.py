"""Shapes: views of the same memory under another shape, other strides, or another type."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import dtypes
from ..arrays.memory import Layout, address, owner, storage_view, strided
from ..autograd.projection import dtype_of, project
from ..dtypes import type_word, type_word_of
from ..overridable import overridable
from ..tensor import Size, Tensor
from ..warning import warn
from .dims import dimension_error, position, positions, sizes
from .dispatch import broadcast_error, shares
from .kinds import Array, composite, constant_op, linear
from .samples import T, call


def summed(g: Any, shape: tuple) -> Any:
    """A cotangent summed over what broadcasting stretched: the transpose of `expand`."""
    return project(g, shape, dtype_of(g))


@linear(lambda g: g, view=True, method=False)
def alias(input: Array) -> Array:
    """The same tensor under another node."""
    return input[...]


# --- reshape ---------------------------------------------------------------------------------------------------------------------


def reshape_error(shape: tuple, size: int) -> Exception:
    """What is wrong with a shape asked of `size` elements."""
    for i, extent in enumerate(shape):
        if not hasattr(extent, "__index__"):
            return TypeError(
                f"reshape(): argument 'shape' must be tuple of ints, but found element of type {type(extent).__name__}"
            )
        if extent < -1:
            return RuntimeError(f"invalid shape dimension {extent} at index {i} of shape {list(shape)}")
    if shape.count(-1) > 1:
        return RuntimeError("only one dimension can be inferred")
    if 0 in shape and -1 in shape and not size:
        return RuntimeError(
            f"cannot reshape tensor of 0 elements into shape {list(shape)} because the unspecified dimension size -1 can be any "
            "value and is ambiguous"
        )
    return RuntimeError(f"shape '{list(shape)}' is invalid for input of size {size}")


@linear(
    lambda g, x_shape: g.reshape(x_shape), view=True, variadic="shape", node="ViewBackward0",
    samples=lambda: [
        call(T((2, 3)), (3, 2)), call(T((2, 3)), (-1,)), call(T((2, 3, 2)), 2, -1), call(T(()), (1, 1)), call(T((0, 2)), (2, 0)),
    ],
)  # fmt: skip
def reshape(input: Array, *shape: int) -> Array:
    """The elements in the same order under another shape; one extent may be -1. A view where the strides allow it, else a copy."""
    try:
        if (
            shape and min(shape if len(shape) > 1 else sizes(shape), default=0) >= -1
        ):  # NumPy takes any negative extent for -1
            return input.reshape(*shape)
        raise reshape_error(sizes(shape), input.size)
    except (ValueError, TypeError):
        raise reshape_error(sizes(shape), input.size) from None


@linear(lambda g, x_shape: g.reshape(x_shape), name="view", view=True, variadic="size", method=False)
def view_shape(input: Array, *size: int) -> Array:
    """`reshape` that never copies."""
    try:
        result = input.reshape(*size)
    except (ValueError, TypeError):
        raise reshape_error(sizes(size), input.size) from None
    if result.base is not input and not shares(result, input) and input.size > 1:
        raise RuntimeError(
            "view size is not compatible with input tensor's size and stride (at least one dimension spans across two contiguous "
            "subspaces). Use .reshape(...) instead."
        )
    return result


@constant_op(view=True, method=False)
def view_dtype(input: Array, dtype: dtypes.dtype) -> Array:
    """The same memory read as another type; the last extent changes with the size of an element."""
    wanted = dtypes.numpy_type(dtype)
    size, old = wanted.itemsize, input.dtype.itemsize
    if size == old:
        return input.view(wanted)
    as_type = f"to view {type_word_of(input)} as {type_word(dtype)} (different element sizes)"
    if not input.ndim:
        raise RuntimeError(f"self.dim() cannot be 0 {as_type}")
    if size > old and input.shape[-1] % (size // old):
        raise RuntimeError(f"self.size(-1) must be divisible by {size // old} {as_type}, but got {input.shape[-1]}")
    if input.shape[-1] != 1 and input.strides[-1] != old:
        raise RuntimeError(f"self.stride(-1) must be 1 {as_type}, but got {input.strides[-1] // old}")
    return input.view(wanted)


def view(self: Tensor, *shape: Any, size: Any = (), dtype: Any = None) -> Tensor:
    """The same memory under another shape, or read as another dtype.

    Raises RuntimeError where the strides do not allow the shape: `reshape` copies then.
    """
    kind = dtype if dtype is not None else shape[0] if len(shape) == 1 and isinstance(shape[0], dtypes.dtype) else None
    return view_shape(self, *shape, *size) if kind is None else view_dtype(self, kind)


@overridable
def view_as(self: Tensor, other: Tensor) -> Tensor:
    """A view with the other's shape."""
    return view_shape(self, tuple(other.shape))


def reshape_as(self: Tensor, other: Tensor) -> Tensor:
    """`reshape` to the other's shape."""
    return reshape(self, tuple(other.shape))


@composite(samples=lambda: [call(T((2, 3, 2))), call(T((2, 3, 2)), 1), call(T((2, 3, 2)), 0, -2), call(T(()))])
def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Dimensions `start_dim` to `end_dim` (inclusive) become one; the input itself when there is nothing to do."""
    shape = tuple(input.shape)
    first, last = position(start_dim, len(shape)), position(end_dim, len(shape))
    if first > last:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    if not shape:
        return reshape(input, (1,))
    return (
        input
        if first == last
        else reshape(input, (*shape[:first], math.prod(shape[first : last + 1]), *shape[last + 1 :]))
    )


@composite(samples=lambda: [call(T((2, 6)), 1, (2, 3)), call(T((2, 6)), -1, (-1, 2))])
def unflatten(input: Tensor, dim: int, sizes: Any) -> Tensor:
    """Dimension `dim` becomes several, of the given sizes; one may be -1."""
    shape = tuple(input.shape)
    place = position(dim, len(shape))
    wanted = tuple(sizes)
    if not wanted:
        raise RuntimeError("unflatten: sizes must be non-empty")
    known = math.prod(n for n in wanted if n != -1)
    if known != shape[place] and (-1 not in wanted or not known or shape[place] % known):
        raise RuntimeError(
            f"unflatten: Provided sizes {list(wanted)} don't multiply up to the size of dim {place} ({shape[place]}) "
            "in the input tensor"
        )
    return view_shape(input, *shape[:place], *wanted, *shape[place + 1 :])


@composite(samples=lambda: [call(T((2, 3))), call(T(()))])
def ravel(input: Tensor) -> Tensor:
    """All elements in one dimension."""
    return reshape(input, (-1,))


# --- extents of one --------------------------------------------------------------------------------------------------------------

NEW_AXIS = [(slice(None),) * i + (None,) for i in range(65)]


@linear(lambda g, x_shape: g.reshape(x_shape), view=True,
        samples=lambda: [call(T((2, 3)), 0), call(T((2, 3)), -1), call(T((2, 3)), 1), call(T(()), 0)])  # fmt: skip
def unsqueeze(input: Array, dim: int) -> Array:
    """A new dimension of extent one at `dim`."""
    rank = input.ndim + 1
    if not -rank <= dim < rank:
        raise dimension_error(dim, rank)
    return input[NEW_AXIS[dim if dim >= 0 else dim + rank]]


def squeeze_name(node: Any, input: Any = None, dim: Any = None) -> str:
    return f"SqueezeBackward{0 if dim is None else 2 if isinstance(dim, (tuple, list)) else 1}"


@linear(lambda g, x_shape: g.reshape(x_shape), view=True, node=squeeze_name,
        samples=lambda: [call(T((1, 3, 1))), call(T((1, 3, 1)), 0), call(T((1, 3, 1)), (0, -1)), call(T((2, 3)), 0),
                         call(T(()), -1)])  # fmt: skip
def squeeze(input: Array, dim: int | tuple[int, ...] | None = None) -> Array:
    """Without the dimensions of extent one: all of them, or those of `dim` that are."""
    shape = input.shape
    gone = range(len(shape)) if dim is None else positions(dim, len(shape))
    return input.reshape(tuple([n for d, n in enumerate(shape) if n != 1 or d not in gone]))


# --- order of dimensions ---------------------------------------------------------------------------------------------------------


def unpermute(g: Any, dims: tuple) -> Any:
    """The transpose of `permute`."""
    rank = len(sizes(dims))
    inverse = [0] * rank
    for i, dim in enumerate(sizes(dims)):
        inverse[dim % rank] = i
    return permute(g, *inverse) if inverse else g


@linear(unpermute, view=True, variadic="dims",
        samples=lambda: [call(T((2, 3, 4)), (2, 0, 1)), call(T((2, 3, 4)), (-1, 0, 1)), call(T((2, 3)), (1, 0))])  # fmt: skip
def permute(input: Array, *dims: int) -> Array:
    """The dimensions in another order."""
    try:
        return input.transpose(*dims)
    except ValueError:
        order, rank = sizes(dims), input.ndim
        if len(order) != rank:
            raise RuntimeError(
                "permute(sparse_coo): number of dimensions in the tensor input does not match the length of the desired ordering "
                f"of dimensions i.e. input.dim() = {rank} is not equal to len(dims) = {len(order)}"
            ) from None
        for dim in order:
            position(dim, rank)
        raise RuntimeError("permute(): duplicate dims are not allowed.") from None


@linear(lambda g, dim0, dim1: transpose(g, dim0, dim1), view=True,
        samples=lambda: [call(T((2, 3, 4)), 0, 2), call(T((2, 3)), -1, -2), call(T(()), 0, -1)])  # fmt: skip
def transpose(input: Array, dim0: int, dim1: int) -> Array:
    """Two dimensions exchanged."""
    try:
        return input.swapaxes(dim0, dim1)
    except ValueError:
        if position(dim0, input.ndim) == position(dim1, input.ndim) == 0 == input.ndim:
            return input[...]
        raise


@linear(lambda g: t(g), view=True, samples=lambda: [call(T((2, 3))), call(T((3,))), call(T(()))])
def t(input: Array) -> Array:
    """The transpose of a matrix; fewer dimensions stay as they are."""
    if input.ndim > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {input.ndim}D")
    return input.T


@composite()
def swapaxes(input: Tensor, axis0: int, axis1: int) -> Tensor:
    """Two dimensions exchanged."""
    return transpose(input, axis0, axis1)


@composite()
def swapdims(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """Two dimensions exchanged."""
    return transpose(input, dim0, dim1)


@composite(samples=lambda: [call(T((2, 3, 4)), 0, -1), call(T((2, 3, 4)), (0, 1), (2, 0))])
def movedim(input: Tensor, source: int | tuple, destination: int | tuple) -> Tensor:
    """The dimensions `source` moved to the places `destination`; the others keep their order."""
    rank = len(input.shape)
    moved: list[int] = []
    places: list[int] = []
    for name, dims, found in (("source", source, moved), ("destination", destination, places)):
        given = [dims] if isinstance(dims, int) else list(dims)
        found += [position(dim, rank) for dim in given]
        if len(set(found)) != len(found):
            raise RuntimeError(f"movedim: repeated dim in `{name}` ({given})")
    if len(moved) != len(places):
        raise RuntimeError(
            f"movedim: Invalid source or destination dims: source ({moved} dims) should contain the same number of dims as "
            f"destination ({places} dims)"
        )
    order = [dim for dim in range(rank) if dim not in moved]
    for place, dim in sorted(zip(places, moved, strict=True)):
        order.insert(place, dim)
    return permute(input, *order) if order else alias(input)


moveaxis = movedim


@composite(samples=lambda: [call(T((2, 3))), call(T((2, 3, 4)))])
def adjoint(input: Tensor) -> Tensor:
    """The last two dimensions exchanged, complex elements conjugated."""
    return conjugate_transpose(input, "adjoint()")


def conjugate_transpose(input: Tensor, name: str) -> Tensor:
    if input.ndim < 2:
        raise RuntimeError(
            f"tensor.{name} is only supported on matrices or batches of matrices. Got {input.ndim}-D tensor."
        )
    swapped = transpose(input, -2, -1)
    return swapped.conj() if swapped.is_complex() else swapped


def all_reversed(self: Tensor) -> Tensor:
    """The dimensions in reverse order: the transpose of a matrix."""
    if self.ndim == 2:
        return permute(self, 1, 0)
    warn(
        "The use of `x.T` on tensors of dimension other than 2 to reverse their shape is deprecated and it will throw an error in "
        "a future release. Consider `x.mT` to transpose batches of matrices or `x.permute(*torch.arange(x.ndim - 1, -1, -1))` to "
        "reverse the dimensions of a tensor.",
        once=True,
    )
    return permute(self, tuple(range(self.ndim - 1, -1, -1)))


def matrix_transposed(self: Tensor) -> Tensor:
    """The last two dimensions exchanged."""
    if self.ndim < 2:
        raise RuntimeError(f"tensor.mT is only supported on matrices or batches of matrices. Got {self.ndim}-D tensor.")
    return transpose(self, -2, -1)


def hermitian(self: Tensor) -> Tensor:
    """The conjugate transpose of a matrix."""
    if self.ndim not in (0, 2):
        raise RuntimeError(
            f"tensor.H is only supported on matrices (2-D tensors). Got {self.ndim}-D tensor. For batches of matrices, consider "
            "using tensor.mH"
        )
    return conjugate_transpose(self, "H") if self.ndim else self


# --- broadcasting ----------------------------------------------------------------------------------------------------------------


@linear(
    lambda g, x_shape: summed(g, x_shape), view=True, variadic="size",
    samples=lambda: [call(T((2, 1)), (2, 3)), call(T((3,)), 2, -1), call(T(()), (2,)), call(T((1, 3)), (0, 3))],
)  # fmt: skip
def expand(input: Array, *size: int) -> Array:
    """Dimensions of extent one stretched to `size` without copying; new ones in front; -1 keeps an extent."""
    wanted = sizes(size)
    shape = input.shape
    lead = len(wanted) - len(shape)
    if lead < 0:
        raise RuntimeError(
            f"expand(torch.{type_word_of(input)}Tensor{{{list(shape)}}}, size={list(wanted)}): the number of sizes "
            f"provided ({len(wanted)}) must be greater or equal to the number of dimensions in the tensor ({len(shape)})"
        )
    result, strides = list(wanted), [0] * len(wanted)
    for dim, (have, step) in enumerate(zip(shape, input.strides, strict=True), lead):
        want = wanted[dim]
        if want == have or want == -1:
            result[dim], strides[dim] = have, step
        elif have != 1:
            raise RuntimeError(
                f"The expanded size of the tensor ({want}) must match the existing size ({have}) at non-singleton dimension {dim}."
                f"  Target sizes: {list(wanted)}.  Tensor sizes: {list(shape)}"
            )
    for dim in range(lead):
        if wanted[dim] < 0:
            raise RuntimeError(
                f"The expanded size of the tensor ({wanted[dim]}) isn't allowed in a leading, non-existing dimension {dim}"
            )
    return strided(input, tuple(result), tuple(strides))


@composite(samples=lambda: [call(T((2, 1)), (2, 2, 3))])
def broadcast_to(input: Tensor, size: Any, *more: int) -> Tensor:
    """`expand` to `size`, a tuple or one extent after the other."""
    return expand(input, size, *more)


@overridable
def expand_as(self: Tensor, other: Tensor) -> Tensor:
    """`expand` to the other's shape."""
    return expand(self, tuple(other.shape))


def broadcast_tensors(*tensors: Any) -> tuple[Tensor, ...]:
    """The tensors expanded to their common shape; those that have it already as they are."""
    given = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)) else tensors
    shapes = [tuple(tensor.shape) for tensor in given]
    common = shapes[0] if shapes else ()
    for shape in shapes[1:]:
        error = broadcast_error(common, shape)
        if error is not None:
            raise error
        common = np.broadcast_shapes(common, shape)
    return tuple(
        tensor if shape == common else expand(tensor, common) for tensor, shape in zip(given, shapes, strict=True)
    )


def broadcast_shapes(*shapes: Any) -> Size:
    """The shape that tensors of these shapes broadcast to. Raises RuntimeError when there is none."""
    result: list[int] = []
    for number, given in enumerate(shapes):
        shape = (given,) if isinstance(given, int) else tuple(given)
        if any(extent < 0 for extent in shape):
            raise ValueError("Attempting to broadcast a dimension with negative length!")
        result = [1] * (len(shape) - len(result)) + result
        for place in range(-1, -len(shape) - 1, -1):
            if result[place] == 1:
                result[place] = shape[place]
            elif shape[place] not in (1, result[place]):
                raise RuntimeError(
                    f"Attempting to broadcast a dimension of length {shape[place]} at {place}! Mismatching argument at index "
                    f"{number} had {shape}; but expected shape should be broadcastable to {result}"
                )
    return Size(result)


# --- strides ---------------------------------------------------------------------------------------------------------------------


@linear(lambda g, layout: as_strided_backward(g, layout), name="as_strided", view=True, method=False)
def as_layout(input: Array, layout: Layout) -> Array:
    """The view of the input's memory that lies as `layout` says."""
    part = storage_view(input, layout.view.shape, layout.view.strides, layout.view.offset - layout.base.offset)
    if layout.view.is_mirrored:
        from ..arrays.mirrored import mirrored

        return mirrored(part)
    return part


@linear(lambda g, layout: layout.seen(g.reshape((-1,))[layout.indices()]), method=False)
def as_strided_backward(input: Array, layout: Layout) -> Array:
    """Zeros of the base's shape, and the input's elements added where the view has them, in equal parts to those of one address."""
    return layout.shared(layout.spread(input))


def as_strided(input: Tensor, size: Any, stride: Any, storage_offset: int | None = None) -> Tensor:
    """A view of the tensor's memory with any shape, strides and offset (in elements).

    Raises RuntimeError where it would leave the memory.
    """
    array = input._array if isinstance(input, Tensor) else input
    array = getattr(array, "first", array)  # within vmap: as each of the examples has it
    itemsize = array.dtype.itemsize
    offset = 0 if storage_offset is None else storage_offset * itemsize - storage_begin(array)
    shape, strides = tuple(size), tuple(step * itemsize for step in stride)
    return as_layout(input, Layout.of(storage_view(array, shape, strides, offset), array))


def storage_begin(array: Any) -> int:
    """How many bytes into its memory an array begins."""
    return address(array) - address(owner(array))


@linear(
    lambda g, x_shape, dimension, size, step: unfold_backward(g, x_shape, dimension, size, step), view=True,
    samples=lambda: [call(T((2, 5)), 1, 2, 1), call(T((5,)), 0, 2, 3), call(T((4, 2)), -2, 3, 1)],
)  # fmt: skip
def unfold(input: Array, dimension: int, size: int, step: int) -> Array:
    """All windows of `size` elements along a dimension, `step` apart, in a new last dimension; a view."""
    place = position(dimension, input.ndim)
    if not input.ndim:
        return input.reshape(1)[:size]
    extent = input.shape[place]
    if size > extent:
        raise RuntimeError(f"maximum size for tensor at dimension {place} is {extent} but size is {size}")
    if step <= 0:
        raise RuntimeError(f"step is {step} but must be > 0")
    shape, strides = list(input.shape), list(input.strides)
    shape[place] = (extent - size) // step + 1
    strides[place] *= step
    return strided(input, (*shape, size), (*strides, input.strides[place]))


@linear(lambda g, dimension, size, step: unfold(g, dimension, size, step), method=False,
        samples=lambda: [call(T((2, 4, 2)), (2, 5), 1, 2, 1)])  # fmt: skip
def unfold_backward(input: Array, shape: tuple, dimension: int, size: int, step: int) -> Array:
    """Windows added to the places that they were taken from."""
    if not shape:
        return input.reshape(-1)[:1].sum()
    result = np.zeros(shape, input.dtype)
    place = position(dimension, len(shape))
    lead = (slice(None),) * place
    reach = input.shape[place] * step
    for offset in range(size):
        result[(*lead, slice(offset, offset + reach - step + 1, step))] += input[..., offset]
    return result


# --- questions -------------------------------------------------------------------------------------------------------------------


def numel(input: Tensor) -> int:
    """The number of elements."""
    return input.numel()


def is_same_size(input: Tensor, other: Tensor) -> bool:
    """Whether both have the same shape."""
    return input.shape == other.shape


for _name, _member in {
    "view": view, "view_as": view_as, "reshape_as": reshape_as, "expand_as": expand_as, "as_strided": as_strided,
    "is_same_size": is_same_size, "moveaxis": movedim, "T": property(all_reversed), "mT": property(matrix_transposed),
    "H": property(hermitian), "mH": property(lambda self: conjugate_transpose(self, "mH")),
}.items():  # fmt: skip
    setattr(Tensor, _name, _member)

__all__ = [
    "adjoint", "as_strided", "broadcast_shapes", "broadcast_tensors", "broadcast_to", "flatten", "is_same_size",
    "moveaxis", "movedim", "numel", "permute", "ravel", "reshape", "squeeze", "swapaxes", "swapdims", "t", "transpose",
    "unflatten", "unsqueeze",
]  # fmt: skip
