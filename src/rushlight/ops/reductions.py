"""Reductions: sums, products, extremes and truth, each over all dimensions, one, or several.

`dim` is an int, a tuple or list of ints, or None for all; `keepdim` keeps what was reduced with extent 1.
"""

from __future__ import annotations

import builtins
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import dtypes, return_types
from ..arrays.basic import as_array, ndarray
from ..arrays.promotion import convert
from ..arrays.sums import WORTH, add, sum_along
from ..autograd.graph import LEAF, next_order
from ..autograd.modes import state, thread
from ..dtypes import type_word_of
from ..tensor import Tensor, new, plain_types
from . import shapes
from .along import flip, put_along
from .checks import everywhere
from .dims import positions, sizes
from .dispatch import shape_error
from .kinds import Array, composite, constant_op, float32, float64, general, linear, several
from .op import Op
from .products import conjugated
from .samples import T, call

int64 = np.dtype("int64")
# Typed loosely: NumPy's stubs know no positional arguments, which are quicker.
multiply: Any = np.multiply.reduce

# --- dimensions -----------------------------------------------------------------------------------


def dims_of(dim: Any, rank: int) -> tuple[int, ...]:
    """The dimensions that `dim` names, counted from the front; all for None or an empty sequence."""
    return tuple(range(rank)) if dim is None or dim == () or dim == [] else positions(dim, rank)


def axes(dim: Any, rank: int) -> Any:
    """`dim` as NumPy's `axis`: lists become tuples, and an empty sequence means all."""
    if dim is None or type(dim) is int:
        return dim
    named = positions(dim, rank)
    return named if rank and named else None


def extent(shape: tuple, dim: Any) -> int:
    """How many elements each result of a reduction over `dim` comes from."""
    if dim is None or not shape:
        return math.prod(shape)
    return shape[dim] if type(dim) is int else math.prod([shape[one] for one in dims_of(dim, len(shape))])


def kept(g: Any, shape: tuple, dim: Any, keepdim: bool) -> Any:
    """The result of a reduction of something of that shape, as `keepdim` would have given it."""
    if keepdim or not shape:
        return g
    if dim is None:
        return g.reshape((1,) * len(shape))
    gone = dims_of(dim, len(shape))
    return g.reshape(tuple([1 if d in gone else n for d, n in enumerate(shape)]))


def restore(g: Any, shape: tuple, dim: Any, keepdim: bool) -> Any:
    """The result of a reduction spread again over the dimensions that were reduced: the transpose of `sum`."""
    return shapes.expand(g if dim is None else kept(g, shape, dim, keepdim), *shape) if shape else g


def in_type(input: Any, dtype: Any) -> Any:
    """The input converted to the type that a reduction was asked to work in."""
    if dtype is None:
        return input
    kind = dtypes.numpy_type(dtype)
    return input if input.dtype == kind else convert(input, dtypes.from_numpy(kind))


def summable(input: Any, dtype: Any) -> Any:
    """The input in the type that its sums have: the one asked for, int64 for integers (NumPy has other preferences)."""
    if dtype is None and input.dtype.kind in "iub":
        return input if input.dtype == int64 else input.astype(int64)
    return in_type(input, dtype)


def quotient(g: Any, x: Any) -> Any:
    """`g / x`, and zero where x is zero."""
    return g * (x != 0) / (x + (x == 0))


def numbered(name: str) -> Any:
    """PyTorch's names for nodes: `SumBackward0` over everything, `SumBackward1` over given dimensions."""
    return lambda node, input=None, dim=None, *args, **kwargs: f"{name}Backward{0 if dim is None else 1}"


def quick(op: Op) -> Callable:
    """The public function of sum and mean, with a path of its own for plain tensors: every loss ends there."""
    forward, general, empty, nothing = op.forward, several(op), np.empty, ((None,), {})  # type: ignore[var-annotated]
    sums = op.name == "sum"

    def function(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None, **others: Any) -> Any:
        kind = type(input)
        usual = not others and dtype is None and (dim is None or type(dim) is int)
        if usual and kind in plain_types and not state.active:
            array = input._array
            kind = array.dtype
            if kind is float32 or kind is float64:
                try:
                    if sums and dim is None and not keepdim and type(array) is ndarray and array.size < WORTH:
                        result = add(array, None, None, empty((), kind))  # otherwise a scalar, still to be wrapped
                    else:
                        result = forward(array, dim, keepdim)
                except ValueError as error:
                    raise shape_error(op, [array], error) from None
                tensor = new(Tensor)
                tensor._array = result if type(result) is ndarray else as_array(result)
                tensor._base = None
                made_by = input._node
                if made_by is None or (state.silent and not thread.grad_enabled):
                    tensor._node = None
                    return tensor
                node = op.node_class()
                node._order = next_order()
                node.edges = (input if made_by is LEAF else made_by,)
                node.spaces = None
                node.shapes = (array.shape,)
                node.args, node.kwargs = nothing if dim is None and not keepdim else ((None, dim, keepdim), {})
                tensor._node = node
                return tensor
        elif kind is ndarray and not others:
            return forward(input, dim, keepdim, dtype=dtype)  # a derivative rule at work
        return general(input, dim, keepdim, dtype=dtype, **others)

    return function


DIMS: list[dict[str, Any]] = [{}, {"dim": 1}, {"dim": -2, "keepdim": True}, {"dim": (0, -1)}]


def over_dims(*tensors: T, more: Sequence = ()) -> Any:
    """Samples over usual choices of dimensions, and of no dimensions and no elements."""
    given = tensors or (T((2, 3, 2)),)
    return lambda: [*(call(t, **options) for t in given for options in DIMS), call(T(())), *more]


# --- sums -----------------------------------------------------------------------------------------


@linear(
    lambda g, x_shape, dim, keepdim: restore(g, x_shape, dim, keepdim), node=numbered("Sum"), fast=quick,
    samples=over_dims(more=(call(T((0, 3)), 0), call(T((2, 3)), [], True), call(T((2, 3), -5, 5, "int"), 0))),
)  # fmt: skip
def sum(input: Array, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Array:
    """The sum of all elements, or over the given dimensions. Integers are summed as int64."""
    kind = input.dtype
    if (kind is not float32 and kind is not float64) or dtype is not None:
        if kind.itemsize == 2 and kind.kind in "fV" and dtype is None:  # half precision: summed in single precision
            return add(input, axes(dim, input.ndim), float32, None, keepdim).astype(kind)
        input = summable(input, dtype)
    return sum_along(input, dim if dim is None or type(dim) is int else axes(dim, input.ndim), keepdim)


@linear(
    lambda g, x_shape: shapes.expand(g, *x_shape), node="SumBackward1", variadic="size", view=True,
    samples=lambda: [call(T((2, 3)), 1, 3), call(T((2, 3, 2)), 3, 1), call(T((2, 3)), 2, 3), call(T((2,)))],
)  # fmt: skip
def sum_to_size(input: Array, *size: int) -> Array:
    """The sum over what broadcasting stretches from `size` to the input's shape: the transpose of `expand`."""
    size, shape = sizes(size), input.shape
    if shape == size and size:
        return input[...]
    lead = len(shape) - len(size)
    if lead < 0 or builtins.any(want not in (have, 1) for want, have in zip(size, shape[lead:], strict=True)):
        raise RuntimeError(f"size {{{list(size)}}} is not expandable to size {{{list(shape)}}}.")
    stretched = tuple(d for d in range(len(shape)) if d < lead or (size[d - lead] == 1 and shape[d] != 1))
    return add(summable(input, None), stretched, None, None, True).reshape(size)


@general(lambda g, x, dim, keepdim: restore(g, x.shape, dim, keepdim) * (x == x), samples=over_dims())
def nansum(input: Array, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Array:
    """The sum, with NaN counting as zero."""
    if input.dtype.kind == "c":
        raise RuntimeError("nansum does not support complex inputs")
    input = summable(input, dtype)
    return add(input, axes(dim, input.ndim), None, None, keepdim, 0, input == input)


def averaged(name: str, input: Any, dtype: Any) -> Any:
    """The input in a type that can be averaged. Raises RuntimeError for integers."""
    input = in_type(input, dtype)
    if input.dtype.kind in "iub":
        raise RuntimeError(
            f"{name}(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. "
            f"Got: {type_word_of(input)}"
        )
    return input


@linear(
    lambda g, x_shape, dim, keepdim: restore(g / (extent(x_shape, dim) or 1), x_shape, dim, keepdim),
    node=numbered("Mean"),
    fast=quick,
    samples=over_dims(),
)  # fmt: skip
def mean(input: Array, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Array:
    """The mean of everything or over the given dimensions. Raises RuntimeError for integers without `dtype`."""
    kind = input.dtype
    if (kind is not float32 and kind is not float64) or dtype is not None:
        input = averaged("mean", input, dtype)
        if input.dtype.itemsize == 2:  # half precision: summed in single precision
            total = add(input, axes(dim, input.ndim), float32, None, keepdim)
            return (total / extent(input.shape, dim)).astype(input.dtype)
    return sum_along(input, axes(dim, input.ndim), keepdim) / extent(input.shape, dim)


@composite(out=True, samples=over_dims())
def nanmean(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """The mean of what is not NaN."""
    if input.dtype.is_complex:
        raise RuntimeError(f"nanmean(): expected input to have floating point dtype but got {input.dtype}")
    return nansum(input, dim, keepdim, dtype=dtype) / sum(input == input, dim, keepdim)


# --- products -------------------------------------------------------------------------------------


def prod_backward(g: Any, x: Any, out: Any, dim: int | None, keepdim: bool) -> Any:
    """`g * out / x`; where something is zero, g times the product of all others, from products before and after."""
    if not x.shape or x.shape == (0,):
        return g * (x == x)
    if everywhere(x != 0):
        return kept(g * conjugated(out), x.shape, dim, keepdim) / conjugated(x)
    from .scans import cumprod, shift

    lined = x.reshape(-1) if dim is None else x
    along = 0 if dim is None else dim
    before = shift(cumprod(lined, along), along, 1, 1.0)
    after = flip(shift(cumprod(flip(lined, along), along), along, 1, 1.0), along)
    others = (before * after).reshape(x.shape)
    return kept(g, x.shape, dim, keepdim) * conjugated(others)


@general(
    prod_backward, node=numbered("Prod"),
    samples=lambda: [
        call(T((2, 3))), call(T((2, 3)), 1), call(T((2, 3)), -2, True), call(T(())), call(T((2, 3), -2, 2, "int"), 0)
    ],
)  # fmt: skip
def prod(input: Array, dim: int | None = None, keepdim: bool = False, *, dtype: Any = None) -> Array:
    """The product of all elements, or along one dimension. Integers are multiplied as int64."""
    if dim is not None and not isinstance(dim, int):
        raise TypeError(f"prod(): argument 'dim' must be int, not {type(dim).__name__}")
    return multiply(summable(input, dtype), dim, None, None, keepdim)


# --- extremes -------------------------------------------------------------------------------------


def evenly(g: Any, x: Any, out: Any, dim: Any, keepdim: bool) -> Any:
    """The cotangent of an extreme, shared evenly by all elements that attain it."""
    out = kept(out, x.shape, dim, keepdim)
    attained = x == out
    return kept(g, x.shape, dim, keepdim) * attained / sum(attained, dim, True, dtype=x.dtype)


def evenly_over_all(g: Any, x: Any, out: Any) -> Any:
    """The same for the extreme of everything; a NaN is shared by all NaNs."""
    attained = x == out if everywhere(out == out) else (x == out) | ((x != x) & (out != out))
    return g * attained / sum(attained, dtype=x.dtype)


def spread_back(g: Any, x_shape: tuple, out: tuple, dim: int, keepdim: bool) -> Any:
    """The cotangent of values picked along `dim`, one per slice, at the places that they came from."""
    return put_along(kept(g, x_shape, dim, keepdim), kept(out[1], x_shape, dim, keepdim), dim, x_shape, True)


def reduced(name: str, ufunc: Any, input: Any, dim: Any, keepdim: bool) -> Any:
    """An extreme; PyTorch's errors where there are no elements or no order."""
    if input.dtype.kind == "c":
        raise NotImplementedError(f'"{name}_all" not implemented for \'{type_word_of(input)}\'')
    try:
        return ufunc.reduce(input, dim, None, None, keepdim)
    except ValueError:
        require_elements(name, input.shape, dim)
        raise


def require_elements(name: str, shape: tuple, dim: Any, error: type[Exception] = RuntimeError) -> None:
    """Raises where a reduction without identity meets no elements."""
    if dim is None and 0 in shape:
        raise error(
            f"{name}(): Expected reduction dim to be specified for input.numel() == 0. "
            "Specify the reduction dim with the 'dim' argument."
        )
    for one in () if dim is None else dims_of(dim, len(shape)):
        if shape and not shape[one]:
            raise IndexError(f"{name}(): Expected reduction dim {one} to have non-zero size.")


def as_index(found: Any) -> Any:
    """Indices as int64, also where the platform's own index type is another."""
    return found if found.dtype is int64 else found.astype(int64)


EXTREMES = over_dims(T((2, 3, 2), distinct=True))
EXTREMES_ALONG = lambda: [  # noqa: E731
    call(T((2, 3, 2), distinct=True)), call(T((2, 3), distinct=True), 1), call(T((2, 3), distinct=True), -2, True),
    call(T(()), 0),
]  # fmt: skip


@general(evenly_over_all, node="MaxBackward1", method=False)
def max_of_all(input: Array) -> Array:
    """The largest element."""
    return reduced("max", np.maximum, input, None, False)


@general(evenly_over_all, node="MinBackward1", method=False)
def min_of_all(input: Array) -> Array:
    """The smallest element."""
    return reduced("min", np.minimum, input, None, False)


@general(spread_back, node="MaxBackward0", returns=return_types.max, method=False)
def max_along(input: Array, dim: int, keepdim: bool = False) -> tuple[Array, Array]:
    """The largest elements along a dimension, and where the first of each is."""
    return reduced("max", np.maximum, input, dim, keepdim), as_index(input.argmax(dim, keepdims=keepdim))


@general(spread_back, node="MinBackward0", returns=return_types.min, method=False)
def min_along(input: Array, dim: int, keepdim: bool = False) -> tuple[Array, Array]:
    """The smallest elements along a dimension, and where the first of each is."""
    return reduced("min", np.minimum, input, dim, keepdim), as_index(input.argmin(dim, keepdims=keepdim))


def one_of(name: str, over_all: Any, along: Any, pairwise: str, input: Any, dim: Any, keepdim: bool, other: Any) -> Any:
    """The form of max and min that the arguments ask for."""
    if dim is None and other is None:
        return over_all(input)
    if isinstance(dim, int):
        return along(input, dim, keepdim)
    other = dim if other is None else other
    if isinstance(other, (tuple, list, str)):
        raise TypeError(f"{name}(): argument 'dim' must be int or Tensor, not {type(other).__name__}")
    from . import comparisons

    return getattr(comparisons, pairwise)(input, other)


@composite(out=True, samples=EXTREMES_ALONG)
def max(input: Any, dim: Any = None, keepdim: bool = False, *, other: Any = None) -> Any:
    """The largest element; with `dim` those along it, as `(values, indices)`; with another tensor their `maximum`."""
    if dim is None and other is None:
        return max_of_all(input)
    return one_of("max", max_of_all, max_along, "maximum", input, dim, keepdim, other)


@composite(out=True, samples=EXTREMES_ALONG)
def min(input: Any, dim: Any = None, keepdim: bool = False, *, other: Any = None) -> Any:
    """The smallest element; with `dim` those along it, as `(values, indices)`; with another tensor their `minimum`."""
    if dim is None and other is None:
        return min_of_all(input)
    return one_of("min", min_of_all, min_along, "minimum", input, dim, keepdim, other)


@general(evenly, samples=EXTREMES)
def amax(input: Array, dim: Any = (), keepdim: bool = False) -> Array:
    """The largest element over the given dimensions; ties share the gradient."""
    return reduced("amax", np.maximum, input, axes(dim, input.ndim), keepdim)


@general(evenly, samples=EXTREMES)
def amin(input: Array, dim: Any = (), keepdim: bool = False) -> Array:
    """The smallest element over the given dimensions; ties share the gradient."""
    return reduced("amin", np.minimum, input, axes(dim, input.ndim), keepdim)


@general(
    lambda g, x, out, dim, keepdim: evenly(g[0], x, out[0], dim, keepdim) + evenly(g[1], x, out[1], dim, keepdim),
    returns=return_types.aminmax,
    samples=lambda: [
        call(T((2, 3), distinct=True)), call(T((2, 3), distinct=True), dim=-1), call(T(()), dim=0, keepdim=True)
    ],
)  # fmt: skip
def aminmax(input: Array, *, dim: int | None = None, keepdim: bool = False) -> tuple[Array, Array]:
    """The smallest and the largest element, of everything or along one dimension."""
    if dim is None and not input.size:
        raise RuntimeError(
            "aminmax(): cannot compute aminmax over an empty dimension as the operation has no identity."
        )
    return reduced("aminmax", np.minimum, input, dim, keepdim), reduced("aminmax", np.maximum, input, dim, keepdim)


def check_ordered(name: str, input: Array) -> None:
    """Raises RuntimeError for complex numbers, none of which is the largest."""
    if input.dtype.kind == "c":
        raise RuntimeError(f"{name}(): does not support complex input")


@constant_op(samples=EXTREMES_ALONG)
def argmax(input: Array, dim: int | None = None, keepdim: bool = False) -> Array:
    """The index of the first largest element, along a dimension or in the flattened tensor."""
    check_ordered("argmax", input)
    require_elements("argmax", input.shape, dim, IndexError)
    return as_index(input.argmax(dim, keepdims=keepdim))


@constant_op(samples=EXTREMES_ALONG)
def argmin(input: Array, dim: int | None = None, keepdim: bool = False) -> Array:
    """The index of the first smallest element, along a dimension or in the flattened tensor."""
    check_ordered("argmin", input)
    require_elements("argmin", input.shape, dim, IndexError)
    return as_index(input.argmin(dim, keepdims=keepdim))


# --- truth ----------------------------------------------------------------------------------------


def truth(ufunc: Any, input: Any, dim: Any, keepdim: bool) -> Any:
    """A logical reduction; bytes answer with bytes, and an empty tuple of dimensions reduces nothing, as in PyTorch."""
    axis = dim if dim is None or isinstance(dim, int) else tuple(dim)
    found = ufunc.reduce(input, axis, None, None, keepdim)
    return found.astype(np.uint8) if input.dtype == np.uint8 else found


BOOLS = over_dims(T((2, 3, 2), kind="bool"), T((2, 3, 2), -1, 2, "int"))


@constant_op(samples=BOOLS)
def all(input: Array, dim: Any = None, keepdim: bool = False) -> Array:
    """Whether all elements are nonzero."""
    return truth(np.logical_and, input, dim, keepdim)


@constant_op(samples=BOOLS)
def any(input: Array, dim: Any = None, keepdim: bool = False) -> Array:
    """Whether any element is nonzero."""
    return truth(np.logical_or, input, dim, keepdim)


@constant_op(samples=lambda: [call(T((2, 3), -1, 2, "int")), call(T((2, 3), -1, 2, "int"), 1), call(T((2, 3)), (0, 1))])
def count_nonzero(input: Array, dim: Any = None) -> Array:
    """How many elements are not zero, as int64."""
    return add(input != 0, axes(dim, input.ndim), int64)


__all__ = [
    "sum", "nansum", "mean", "nanmean", "prod", "max", "min", "amax", "amin", "aminmax", "argmax", "argmin", "all",
    "any", "count_nonzero",
]  # fmt: skip
ALIASES: dict[str, tuple[str, ...]] = {}
