"""Reductions and normalisations of the elements where a mask holds, as `torch.masked`.

Elements where the mask is false count as the identity of the operation: 0 in a sum, -inf in a maximum. Where nothing is left, that
is the result, or NaN where there is none. A mask broadcasts to the input.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import rushlight as torch
from rushlight import Tensor, dtypes

from .dtypes import type_word

__all__ = [
    "amax", "amin", "argmax", "argmin", "cumprod", "cumsum", "log_softmax", "logaddexp", "logsumexp", "mean", "median", "norm",
    "normalize", "prod", "softmax", "softmin", "std", "sum", "var",
]  # fmt: skip


def mask_of(input: Tensor, mask: Tensor | None) -> Tensor | None:
    """The mask in the shape of the input. Raises IndexError for a mask that does not broadcast to it."""
    if mask is None:
        return None
    if mask.ndim > input.ndim:
        raise IndexError("_input_mask expected broadcastable mask (got mask dimensionality higher than of the input)")
    return (mask if mask.dtype is dtypes.bool else mask != 0).broadcast_to(input.shape)


def filled(input: Tensor, mask: Tensor | None, value: Any) -> Tensor:
    """The input with `value` where the mask is false."""
    mask = mask_of(input, mask)
    return input if mask is None else torch.where(mask, input, torch.tensor(value, dtype=input.dtype))


def in_type(input: Tensor, dtype: Any, widened: bool = False) -> Tensor:
    """The input in the type asked for; where none is, and sums would overflow, integers as int64."""
    if dtype is None and widened and input.dtype.category < dtypes.FLOATING:
        dtype = dtypes.int64
    return input if dtype is None else input.to(dtype)


def dims_of(input: Tensor, dim: Any) -> tuple:
    """The dimensions to reduce, not negative: all where none is given."""
    if dim is None:
        return tuple(range(input.ndim))
    return tuple(one % max(input.ndim, 1) for one in (dim if isinstance(dim, (tuple, list)) else (dim,)))


def extreme(kind: dtypes.dtype, sign: int) -> Any:
    """The largest number of a type (`sign` 1), or the smallest (-1): infinite for floating-point numbers."""
    if kind.is_floating_point:
        return sign * math.inf
    if kind is dtypes.bool:
        return sign > 0
    return dtypes.iinfo(kind).max if sign > 0 else dtypes.iinfo(kind).min


# --- reductions -------------------------------------------------------------------------------------------------------------------


def sum(
    input: Tensor, dim: Any = None, *, keepdim: bool | None = False, dtype: Any = None, mask: Tensor | None = None
) -> Tensor:
    """The sum over the given dimensions; integers as int64. 0 where nothing is left."""
    return filled(in_type(input, dtype, True), mask, 0).sum(dims_of(input, dim), bool(keepdim))


def prod(
    input: Tensor, dim: Any = None, *, keepdim: bool | None = False, dtype: Any = None, mask: Tensor | None = None
) -> Tensor:
    """The product over the given dimensions; integers as int64. 1 where nothing is left."""
    result = filled(in_type(input, dtype, True), mask, 1)
    for one in sorted(dims_of(input, dim), reverse=True):
        result = result.prod(one, bool(keepdim))
    return result


def cumsum(input: Tensor, dim: int, *, dtype: Any = None, mask: Tensor | None = None) -> Tensor:
    """The running sum along a dimension."""
    return filled(in_type(input, dtype, True), mask, 0).cumsum(dim)


def cumprod(input: Tensor, dim: int, *, dtype: Any = None, mask: Tensor | None = None) -> Tensor:
    """The running product along a dimension."""
    return filled(in_type(input, dtype, True), mask, 1).cumprod(dim)


def _extreme(name: str, sign: int, doc: str) -> Callable:
    def function(
        input: Tensor, dim: Any = None, *, keepdim: bool | None = False, dtype: Any = None, mask: Tensor | None = None
    ) -> Tensor:
        input = in_type(input, dtype)
        dims = dims_of(input, dim)
        return getattr(filled(input, mask, extreme(input.dtype, -sign)), name)(dims, bool(keepdim))

    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    return function


def _arg_extreme(name: str, sign: int, doc: str) -> Callable:
    def function(
        input: Tensor, dim: int | None = None, *, keepdim: bool | None = False, dtype: Any = None, mask: Tensor | None = None
    ) -> Tensor:
        input = in_type(input, dtype)
        return getattr(filled(input, mask, extreme(input.dtype, -sign)), name)(dim, bool(keepdim)).to(input.dtype)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    return function


amax = _extreme("amax", 1, "The largest elements over the given dimensions; where nothing is left, the smallest of the type.")
amin = _extreme("amin", -1, "The smallest elements over the given dimensions; where nothing is left, the largest of the type.")
argmax = _arg_extreme("argmax", 1, "The index of the largest element, of all or along a dimension, in the type of the input.")
argmin = _arg_extreme("argmin", -1, "The index of the smallest element, of all or along a dimension, in the type of the input.")


def counts(input: Tensor, dims: tuple, mask: Tensor | None) -> Tensor:
    """How many elements are reduced to one, with the dimensions kept."""
    mask = mask_of(input, mask)
    kept = torch.ones(input.shape, dtype=dtypes.int64) if mask is None else mask
    return kept.sum(dims, True, dtype=dtypes.int64)


def mean(
    input: Tensor, dim: Any = None, *, keepdim: bool | None = False, dtype: Any = None, mask: Tensor | None = None
) -> Tensor:
    """The mean over the given dimensions; NaN where nothing is left. Raises ValueError for integers and truth values."""
    input = in_type(input, dtype)
    if input.dtype.category < dtypes.FLOATING:
        word = "a boolean" if input.dtype is dtypes.bool else "an integer"
        raise ValueError(f"mean does not support dtype={input.dtype}: {word} tensor has no mean of its type; give dtype=")
    dims = dims_of(input, dim)
    if mask is None:
        return input.mean(dims, bool(keepdim))
    found = counts(input, dims, mask)
    return sum(input, dims, keepdim=keepdim, mask=mask) / (found if keepdim else found.reshape(without(found.shape, dims)))


def without(shape: Any, dims: tuple) -> tuple:
    """A shape without some of its dimensions."""
    return tuple(extent for place, extent in enumerate(shape) if place not in dims)


def median(
    input: Tensor, dim: int = -1, *, keepdim: bool = False, dtype: Any = None, mask: Tensor | None = None
) -> Tensor:
    """The (lower) median along a dimension; NaN where nothing is left. Raises ValueError for a NaN that counts."""
    input = in_type(input, dtype)
    if not input.dtype.is_floating_point:
        raise ValueError(f"input must be a floating point tensor, got {type_word(input.dtype)}")
    if mask is None:
        return input.median(dim, keepdim)[0]
    if bool((input.isnan() & mask_of(input, mask)).any()):
        raise ValueError("masked median expects no fully masked out rows if dtype is floating point: input has NaN that counts")
    return filled(input, mask, math.nan).nanmedian(dim, keepdim)[0]


def logsumexp(
    input: Tensor, dim: Any = None, *, keepdim: bool = False, dtype: Any = None, mask: Tensor | None = None
) -> Tensor:
    """The logarithm of the sum of exponentials over the given dimensions, in the type of the input; -inf where nothing is left."""
    input = in_type(input, dtype)
    least = extreme(input.dtype, -1) if input.dtype.category < dtypes.FLOATING else -math.inf
    return filled(input, mask, least).logsumexp(dims_of(input, dim), keepdim).to(input.dtype)


def logaddexp(
    input: Tensor, other: Tensor, *, dtype: Any = None, input_mask: Tensor | None = None, other_mask: Tensor | None = None
) -> Tensor:
    """log(exp(input) + exp(other)), each with a mask of its own."""
    input, other = in_type(input, dtype), in_type(other, dtype)
    return torch.logaddexp(filled(input, input_mask, -math.inf), filled(other, other_mask, -math.inf))


def norm(
    input: Tensor, ord: float | None = 2.0, dim: Any = None, *, keepdim: bool | None = False, dtype: Any = None,
    mask: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """The norm of order `ord` over the given dimensions."""
    input = in_type(input, dtype)
    identity = math.inf if ord is not None and ord < 0 else 0.0
    return torch.linalg.vector_norm(filled(input, mask, identity), 2.0 if ord is None else ord, dims_of(input, dim), bool(keepdim))


def var(
    input: Tensor, dim: Any = None, unbiased: bool | None = None, *, correction: float | None = None, keepdim: bool | None = False,
    dtype: Any = None, mask: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """The variance over the given dimensions, about the mean of what counts, in the type of the input."""
    if correction is None:
        correction = 0 if unbiased is False else 1
    elif unbiased is not None:
        raise RuntimeError("Only one of unbiased and correction may be given")
    input = in_type(input, dtype)
    if input.dtype.category < dtypes.FLOATING:
        input = input.to(dtypes.float32)
    dims = dims_of(input, dim)
    if mask is None:
        return input.var(dims, correction=correction, keepdim=bool(keepdim)).to(input.dtype)
    found = counts(input, dims, mask)
    distance = input - sum(input, dims, keepdim=True, mask=mask) / found
    squares = sum((distance * distance.conj()).real, dims, keepdim=True, mask=mask) / (found - correction).clamp(min=0)
    return (squares if keepdim else squares.reshape(without(squares.shape, dims))).to(input.dtype)


def std(
    input: Tensor, dim: Any = None, unbiased: bool | None = None, *, correction: float | None = None, keepdim: bool | None = False,
    dtype: Any = None, mask: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """The root of `var`."""
    return var(input, dim, unbiased, correction=correction, keepdim=keepdim, dtype=dtype, mask=mask).sqrt()


# --- normalisations ---------------------------------------------------------------------------------------------------------------


def softmax(input: Tensor, dim: int, *, dtype: Any = None, mask: Tensor | None = None) -> Tensor:
    """Exponentials along a dimension over their sum; zero where the mask is false, NaN where nothing is left."""
    return filled(in_type(input, dtype), mask, -math.inf).softmax(dim)


def log_softmax(input: Tensor, dim: int, *, dtype: Any = None, mask: Tensor | None = None) -> Tensor:
    """The logarithm of `softmax`."""
    return filled(in_type(input, dtype), mask, -math.inf).log_softmax(dim)


def softmin(input: Tensor, dim: int, *, dtype: Any = None, mask: Tensor | None = None) -> Tensor:
    """`softmax` of the negative."""
    return (-filled(in_type(input, dtype), mask, math.inf)).softmax(dim)


def normalize(
    input: Tensor, ord: float, dim: int, *, eps: float = 1e-12, dtype: Any = None, mask: Tensor | None = None
) -> Tensor:
    """The input over the larger of its norm along a dimension and `eps`; zero where the mask is false."""
    input = in_type(input, dtype)
    size = norm(input, ord, dim, keepdim=True, mask=mask)
    return filled(input, mask, 0) / size.clamp(min=eps)
