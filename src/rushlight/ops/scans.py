"""Scans: running sums, products and extremes along a dimension, differences, and the trapezoidal rule."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import return_types
from ..arrays.basic import empty_like
from ..dtypes import type_word_of
from . import functions
from .along import flip, part_along, put_along, slice_of
from .checks import everywhere
from .dims import position
from .joining import cat
from .kinds import Array, composite, general, linear
from .products import conjugated
from .reductions import as_index, sum, summable
from .samples import T, call


def accumulate(ufunc: Any, input: Any, dim: int) -> Any:
    """A ufunc's running results along a dimension. Raises IndexError for a dimension that is not there."""
    if not input.ndim:
        position(dim, 0)
        return input.copy()
    return ufunc.accumulate(input, dim)


ALONG = lambda: [call(T((2, 3)), 1), call(T((3, 2)), -2), call(T(()), 0), call(T((0, 2)), 0)]  # noqa: E731
ALONG_DISTINCT = lambda: [  # noqa: E731
    call(T((2, 3), distinct=True), 1), call(T((3, 2), distinct=True), -2), call(T(()), 0)
]  # fmt: skip

# --- what derivatives of scans are made of --------------------------------------------------------


def shift_back(g: Any, dim: int, steps: int) -> Any:
    """The transpose of `shift`: a shift the other way."""
    return shift(g, dim, -steps)


@general(shift_back, method=False)
def shift(input: Array, dim: int, steps: int, fill: float = 0.0) -> Array:
    """The elements moved by `steps` (1 or -1) along `dim`, with `fill` coming in."""
    if not input.ndim:
        return input * 0 + fill
    moved = empty_like(input, input.shape, input.dtype)
    later, earlier = (slice_of(dim, input.ndim, part) for part in (slice(1, None), slice(None, -1)))
    moved[later if steps > 0 else earlier] = input[earlier if steps > 0 else later]
    moved[slice_of(dim, input.ndim, slice(None, 1) if steps > 0 else slice(-1, None))] = fill
    return moved


def recur_backward(g: Any, factors: Any, out: Any, dim: int) -> tuple[Any, Any]:
    """The cotangents of a recurrence: that of the terms is a recurrence from the other end."""
    of_terms = flip(recur(flip(shift(conjugated(factors), dim, -1), dim), flip(g, dim), dim), dim)
    return of_terms * conjugated(shift(out, dim, 1)), of_terms


@general(joint=recur_backward, method=False)
def recur(factors: Array, terms: Array, dim: int) -> Array:
    """The linear recurrence `out[i] = terms[i] + factors[i] * out[i - 1]` along `dim`, from `out[0] = terms[0]`."""
    if not terms.ndim:
        return terms.copy()
    out = terms.copy()
    running, weights = out.swapaxes(0, dim), factors.swapaxes(0, dim)
    for i in range(1, len(running)):
        running[i] += weights[i] * running[i - 1]
    return out


# --- running sums and products --------------------------------------------------------------------


def sum_from_the_end(g: Any, dim: int) -> Any:
    """The running sum from the other end: the transpose of `cumsum`."""
    return flip(cumsum(flip(g, dim), dim), dim)


@linear(sum_from_the_end, inplace=True, samples=ALONG)
def cumsum(input: Array, dim: int, *, dtype: Any = None) -> Array:
    """The running sum along a dimension. Integers are summed as int64."""
    return accumulate(np.add, summable(input, dtype), dim)


def cumprod_backward(g: Any, x: Any, out: Any, dim: int) -> Any:
    """For element k: the product of all before, times the sum over i >= k of `g[i]` times that from k + 1 to i."""
    x, out = conjugated(x), conjugated(out)
    if everywhere(x != 0):
        return sum_from_the_end(g * out, dim) / x
    return shift(out, dim, 1, 1.0) * flip(recur(flip(shift(x, dim, -1), dim), flip(g, dim), dim), dim)


@general(cumprod_backward, inplace=True, samples=ALONG)
def cumprod(input: Array, dim: int, *, dtype: Any = None) -> Array:
    """The running product along a dimension. Integers are multiplied as int64."""
    return accumulate(np.multiply, summable(input, dtype), dim)


def logcumsumexp_backward(g: Any, x: Any, out: Any, dim: int) -> Any:
    """exp(x[k]) times the sum over i >= k of `g[i] / exp(out[i])`, as a recurrence in which nothing overflows."""
    x, out = conjugated(x), conjugated(out)
    ratios = shift(functions.exp(shift(out, dim, 1) - out), dim, -1)
    return functions.exp(x - out) * flip(recur(flip(ratios, dim), flip(g, dim), dim), dim)


@general(logcumsumexp_backward, samples=ALONG)
def logcumsumexp(input: Array, dim: int) -> Array:
    """The logarithm of the running sum of exponentials along a dimension."""
    if input.dtype.kind == "c":
        return accumulate_complex(input, dim)
    if input.dtype.kind in "iub":
        raise NotImplementedError(f"\"logcumsumexp_out_cpu\" not implemented for '{type_word_of(input)}'")
    return accumulate(np.logaddexp, input, dim)


def accumulate_complex(input: Any, dim: int) -> Any:
    """The running log(exp(a) + exp(b)) = a + log(1 + exp(b - a)) of complex numbers, a having the larger real part."""
    out = input.copy()
    if not input.ndim:
        position(dim, 0)
        return out
    running = out.swapaxes(0, dim)
    for i in range(1, len(running)):
        a, b = running[i - 1], running[i]
        swap = b.real > a.real
        large, small = np.where(swap, b, a), np.where(swap, a, b)
        ratio = np.where(np.isneginf(small.real), 0, np.exp(small - large))
        running[i] = np.where(np.isnan(a) | np.isnan(b), complex(np.nan, np.nan), large + np.log1p(ratio))
    return out


# --- running extremes -----------------------------------------------------------------------------


def add_back(g: Any, x_shape: tuple, out: tuple, dim: int) -> Any:
    """The cotangents of running extremes, added up at the places that they came from."""
    return put_along(g, out[1], dim, x_shape)


def running_extreme(ufunc: Any, reaches: Any, input: Any, dim: int) -> tuple[Any, Any]:
    """The running extreme, and the latest place where it was reached."""
    values = accumulate(ufunc, input, dim)
    if not input.ndim:
        return values, np.zeros_like(values, dtype=np.int64)
    reached = reaches(input, values) | (input != input)
    line = np.arange(input.shape[dim]).reshape([-1 if d == dim % input.ndim else 1 for d in range(input.ndim)])
    return values, as_index(np.maximum.accumulate(np.where(reached, line, 0), dim))


@general(add_back, returns=return_types.cummax, samples=ALONG_DISTINCT)
def cummax(input: Array, dim: int) -> tuple[Array, Array]:
    """The running maximum along a dimension and where it is, as `(values, indices)`."""
    return running_extreme(np.maximum, np.greater_equal, input, dim)


@general(add_back, returns=return_types.cummin, samples=ALONG_DISTINCT)
def cummin(input: Array, dim: int) -> tuple[Array, Array]:
    """The running minimum along a dimension and where it is, as `(values, indices)`."""
    return running_extreme(np.minimum, np.less_equal, input, dim)


# --- differences and integrals --------------------------------------------------------------------


def neighbours(x: Any, dim: int) -> tuple[Any, ...]:
    """All elements along a dimension but the first, and all but the last."""
    return tuple(part_along(x, dim, part) for part in (slice(1, None), slice(None, -1)))


@composite(out=True, samples=lambda: [call(T((4,))), call(T((2, 4)), 2), call(T((3, 2)), 1, 0, T((1, 2)), T((2, 2)))])
def diff(input: Any, n: int = 1, dim: int = -1, prepend: Any = None, append: Any = None) -> Any:
    """The n-th differences of neighbours along a dimension, after joining `prepend` and `append` to the ends."""
    if not input.ndim:
        raise RuntimeError("diff expects input to be at least one-dimensional")
    if n < 0:
        raise RuntimeError(f"order must be non-negative but got {n}")
    dim = position(dim, input.ndim)
    if n == 0:
        return input.clone()
    pieces = [piece for piece in (prepend, input, append) if piece is not None]
    joined = cat(pieces, dim) if len(pieces) > 1 else input
    for _ in range(n):
        after, before = neighbours(joined, dim)
        joined = after ^ before if str(joined.dtype) == "torch.bool" else after - before
    return joined


def panels(y: Any, x: Any, dx: Any, dim: int) -> Any:
    """The areas of the trapezoids under `y` along a dimension."""
    if x is not None and dx is not None:
        raise TypeError("trapezoid() accepts one of 'x' and 'dx', not both")
    if not y.ndim:
        raise IndexError(f"Dimension out of range (expected to be in range of [-1, 0], but got {dim})")
    dim = position(dim, y.ndim)
    after, before = neighbours(y, dim)
    if x is None:
        return (after + before) * ((1.0 if dx is None else dx) / 2)
    if x.ndim == 1:
        if x.shape[0] != y.shape[dim]:
            raise RuntimeError("There must be one `x` value for each sample point")
        x = x.reshape([-1 if d == dim else 1 for d in range(y.ndim)])
    elif x.ndim < y.ndim:
        x = x.reshape((1,) * (y.ndim - x.ndim) + tuple(x.shape))
    right, left = neighbours(x, x.ndim - y.ndim + dim)
    return (right - left) * (after + before) / 2


@composite(method=False, samples=lambda: [call(T((2, 4))), call(T((2, 4)), T((4,))), call(T((3, 2)), dx=0.5, dim=0)])
def trapezoid(y: Any, x: Any = None, *, dx: Any = None, dim: int = -1) -> Any:
    """The integral of samples `y` along a dimension by the trapezoidal rule, at points `x` or `dx` apart."""
    return sum(panels(y, x, dx, dim), dim)


@composite(method=False, samples=lambda: [call(T((2, 4))), call(T((2, 4)), T((4,))), call(T((3, 2)), dx=0.5, dim=0)])
def cumulative_trapezoid(y: Any, x: Any = None, *, dx: Any = None, dim: int = -1) -> Any:
    """The running integral of samples `y` along a dimension by the trapezoidal rule, at points `x` or `dx` apart."""
    return cumsum(panels(y, x, dx, dim), dim)


trapz = trapezoid

__all__ = [
    "cumsum", "cumprod", "logcumsumexp", "cummax", "cummin", "diff", "trapezoid", "trapz", "cumulative_trapezoid",
]  # fmt: skip
ALIASES: dict[str, tuple[str, ...]] = {}
