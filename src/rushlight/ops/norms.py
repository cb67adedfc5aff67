"""Norms of vectors, and what is built on them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..arrays.sums import sum_squares
from ..dtypes import type_word_of
from . import complexes, pointwise
from .dims import position
from .kinds import Array, composite, general
from .reductions import add, axes, dims_of, evenly, in_type, kept, over_dims, quotient
from .samples import T, call


def vector_norm_backward(g: Any, x: Any, out: Any, ord: Any, dim: Any, keepdim: bool) -> Any:
    """g * sgn(x) * (|x| / out)^(ord - 1); zero where out is, or x is and the order is below one."""
    g, norms = kept(g, x.shape, dim, keepdim), kept(out, x.shape, dim, keepdim)
    if ord == 2:
        return x * quotient(g, norms)
    if ord == 0:
        return x * 0
    if ord == 1:
        return g * complexes.sgn(x)
    size = complexes.abs(x)
    if math.isinf(ord):
        return complexes.sgn(x) * evenly(g, size, norms, dims_of(dim, len(x.shape)), True)
    if ord < 2:
        size = size + (size == 0)  # sgn(x) is zero there
    share = pointwise.pow(size, ord - 1) / pointwise.pow(norms + (norms == 0), ord - 1)
    return complexes.sgn(x) * (g * (norms != 0) * share)


@general(
    vector_norm_backward, name="linalg.vector_norm", method=False,
    samples=over_dims(
        more=[call(T((2, 3), 0.5, 2.0, distinct=True), p, 1) for p in (1, 3, 0.5, math.inf, -math.inf, 0, -1.5)]
    ),
)  # fmt: skip
def vector_norm(input: Array, ord: float = 2, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Array:
    """The norm `sum(|x|^ord)^(1/ord)` over the given dimensions, of all elements by default.

    `ord` inf and -inf give the largest and the smallest magnitude, 0 the number of nonzero elements.
    Raises RuntimeError for integers, and for an empty extreme.
    """
    if input.dtype.kind in "iub":
        raise RuntimeError(
            "linalg.vector_norm: Expected a floating point or complex tensor as input. "
            f"Got {type_word_of(input)}"
        )
    input, axis = in_type(input, dtype), axes(dim, input.ndim)
    if ord == 2:
        if input.dtype.kind == "c":
            return np.sqrt(add(input.real**2 + input.imag**2, axis, None, None, keepdim))
        return np.sqrt(sum_squares(input, axis, keepdim))
    size = np.abs(input)
    if ord == 0:
        return add(size != 0, axis, size.dtype, None, keepdim)
    if ord == 1:
        return add(size, axis, None, None, keepdim)
    if math.isinf(ord):
        if not size.size:
            require_identity(ord, size.shape, dim)
        extreme: Any = np.maximum if ord > 0 else np.minimum
        return extreme.reduce(size, axis, None, None, keepdim)
    return add(size**ord, axis, None, None, keepdim) ** (1.0 / ord)


def require_identity(ord: float, shape: tuple, dim: Any) -> None:
    """Raises where an extreme is asked of no elements."""
    for one in dims_of(dim, len(shape)):
        if shape[one]:
            continue
        where = "an empty tensor because" if dim is None else f"the dimension {one} because this dimension is empty and"
        raise RuntimeError(
            f"linalg.vector_norm cannot compute the {ord:g} norm on {where} the operation does not have an identity"
        )


NORMS = (call(T((2, 3)), 1), call(T((2, 3)), "fro", (0, 1)), call(T((2, 3)), 3, 1, True))


@composite(out=True, samples=over_dims(more=NORMS))
def norm(input: Any, p: Any = "fro", dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """The vector norm of order `p` over the given dimensions; "fro" is order 2, "nuc" sums the singular values."""
    if p == "nuc":
        from .matrix_functions import matrix_norm

        pair = (0, 1) if dim is None else tuple(dim)
        if len(pair) != 2 or (dim is None and input.ndim != 2):
            raise RuntimeError("linalg.matrix_norm: dim must be a 2-tuple, and the nuclear norm is one of matrices")
        return matrix_norm(input, "nuc", pair, keepdim, dtype=dtype)
    if isinstance(p, str) and p != "fro":
        raise RuntimeError(f"linalg.matrix_norm: Order {p} not supported. The orders in words are 'fro' and 'nuc'.")
    return vector_norm(input, 2 if p is None or p == "fro" else p, dim, keepdim, dtype=dtype)


def frobenius_norm(input: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """The root of the sum of squares over the given dimensions."""
    return norm(input, "fro", dim, keepdim)


def nuclear_norm(input: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """The sum of the singular values of a matrix, or of those in the two dimensions given."""
    if isinstance(dim, bool):  # nuclear_norm(input, keepdim)
        dim, keepdim = None, dim
    return norm(input, "nuc", dim, keepdim)


def norm_except_dim(v: Any, pow: float = 2, dim: int = 0) -> Any:
    """The norm of order `pow` over all dimensions but `dim` (over all for -1), of a shape that broadcasts with `v`."""
    if dim == -1:
        return norm(v, pow)
    others = [other for other in range(v.ndim) if other != position(dim, v.ndim)]
    return vector_norm(v, pow, others, True) if others else complexes.abs(v)


@composite(samples=lambda: [call(T((2, 3)), T((2, 3))), call(T((2, 3)), T((3,)), 1), call(T((2, 3)), T((2, 3)), 3)])
def dist(input: Any, other: Any, p: float = 2) -> Any:
    """The norm of order `p` of `input - other`."""
    return vector_norm(input - other, p)


@composite(out=True, inplace=True, samples=lambda: [call(T((2, 3)), 2, 0, 1.0), call(T((2, 3, 2)), 1, -1, 2.0)])
def renorm(input: Array, p: float, dim: int, maxnorm: float) -> Any:
    """The slices along `dim` with those whose norm of order `p` exceeds `maxnorm` shrunk to it."""
    if input.ndim < 2:
        raise RuntimeError(f"renorm: input needs at least 2 dimensions, got {input.ndim} dimensions")
    if p <= 0:
        raise RuntimeError("renorm: non-positive-norm not supported")
    if maxnorm < 0:
        raise RuntimeError(f"renorm: expected maxnorm to be >= 0 but got {maxnorm}")
    dim = position(dim, input.ndim)
    norms = vector_norm(input, p, [d for d in range(input.ndim) if d != dim], True)
    over = norms > maxnorm
    return input * (over * (maxnorm / (norms + 1e-7)) + ~over)


__all__ = ["norm", "dist", "frobenius_norm", "norm_except_dim", "nuclear_norm", "renorm"]
ALIASES: dict[str, tuple[str, ...]] = {}
