"""What is written with products: outer and inner products, products of several matrices, distances."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import dtypes
from ..tensor import wrap
from . import norms, reductions
from .comparisons import where
from .einsum import einsum, tensordot
from .kinds import Array, composite, linear
from .kinds import bilinear as bilinear_op
from .products import column, conjugated, matmul, mm, row
from .samples import T, call

# --- outer and inner products ----------------------------------------------------------------------------------------


@composite(out=True, samples=lambda: [call(T((2,)), T((3,))), call(T((0,)), T((3,)))])
def outer(input: Any, vec2: Any) -> Any:
    """The products of all pairs of two vectors' elements."""
    for name, vector in (("self", input), ("vec2", vec2)):
        if vector.ndim != 1:
            raise RuntimeError(f"outer: Expected 1-D argument {name}, but got {vector.ndim}-D")
    return column(input) * vec2


@composite(out=True, samples=lambda: [call(T((3,)), T((3,))), call(T((2, 3)), T((4, 3))), call(T(()), T((2, 3)))])
def inner(input: Any, other: Any) -> Any:
    """The sums of products over the last dimension of both."""
    if not input.ndim or not other.ndim:
        return input * other
    if input.shape[-1] != other.shape[-1]:
        raise RuntimeError(
            f"inner() the last dimension must match on both input tensors but got shapes {list(input.shape)} and "
            f"{list(other.shape)}"
        )
    return tensordot(input, other, ([-1], [-1]))


@composite(
    name="linalg.vecdot",
    method=False,
    out=True,
    samples=lambda: [call(T((2, 3)), T((2, 3))), call(T((2, 3)), T((2, 1)), dim=0)],
)
def vecdot(x: Any, y: Any, *, dim: int = -1) -> Any:
    """The inner products of vectors along `dim`: the sum of `conj(x) * y`."""
    return reductions.sum(conjugated(x) * y, dim)


@composite(out=True, samples=lambda: [call(T((2, 3)), T((2, 2))), call(T((2,)), T((2, 3))), call(T(()), T((2,)))])
def kron(input: Any, other: Any) -> Any:
    """The Kronecker product: each element of `input` times all of `other`, as blocks."""
    rank = max(input.ndim, other.ndim)
    a, b = ((1,) * (rank - x.ndim) + tuple(x.shape) for x in (input, other))
    blocks = input.reshape([n for extent in a for n in (extent, 1)]) * other.reshape(
        [n for extent in b for n in (1, extent)]
    )
    return blocks.reshape([n * m for n, m in zip(a, b, strict=True)])


def triple(array: Any, dim: int) -> list:
    """The three slices of an array along `dim`."""
    before = (slice(None),) * (dim % array.ndim)
    return [array[(*before, i)] for i in range(3)]


@bilinear_op(
    lambda g, y, dim: linalg_cross(conjugated(y), g, dim=dim), lambda g, x,
    dim: linalg_cross(g, conjugated(x), dim=dim),
    name="linalg.cross", method=False, broadcasts=True,
    samples=lambda: [call(T((2, 3)), T((2, 3))), call(T((3, 2)), T((3, 2)), dim=0), call(T((1, 3)), T((2, 3)))],
)  # fmt: skip
def linalg_cross(input: Array, other: Array, *, dim: int = -1) -> Array:
    """The cross product of vectors of three elements along `dim`; other dimensions are broadcast."""
    if input.ndim != other.ndim:
        raise RuntimeError(
            f"linalg.cross: inputs must have the same number of dimensions, but got {input.ndim} and {other.ndim}"
        )
    if input.shape[dim] != 3 or other.shape[dim] != 3:
        raise RuntimeError(
            f"linalg.cross: inputs dimension {dim} must have length 3. Got {input.shape[dim]} and {other.shape[dim]}"
        )
    (a, b, c), (u, v, w) = triple(input, dim), triple(other, dim)
    return np.stack((b * w - c * v, c * u - a * w, a * v - b * u), axis=dim % input.ndim)


@composite(
    out=True, samples=lambda: [call(T((2, 3)), T((2, 3))), call(T((3, 2)), T((3, 2))), call(T((2, 3)), T((2, 3)), 1)]
)
def cross(input: Any, other: Any, dim: int | None = None) -> Any:
    """The cross product along `dim`, by default the first dimension of extent three."""
    if dim is None:
        found = [d for d, extent in enumerate(input.shape) if extent == 3]
        if not found:
            raise RuntimeError("no dimension of size 3 in input")
        dim = found[0]
    return linalg_cross(input, other, dim=dim)


@linear(
    lambda g, x_shape, x_dtype: g * np.eye(*x_shape, dtype=x_dtype), samples=lambda: [call(T((3, 3))), call(T((2, 3)))]
)
def trace(input: Array) -> Array:
    """The sum of the diagonal of a matrix."""
    if input.ndim != 2:
        raise RuntimeError(f"trace: expected a matrix, but got tensor with dim {input.ndim}")
    if input.dtype == bool:
        raise NotImplementedError("\"trace\" not implemented for 'Bool'")
    return np.trace(input, dtype=np.dtype("int64") if input.dtype.kind in "iu" else input.dtype)


# --- several factors -------------------------------------------------------------------------------------------------


def cheapest_order(extents: list[int]) -> list[list[int]]:
    """For each chain of matrices i..j where to split it for the fewest multiplications (Cormen et al., "Matrix-chain
    multiplication").
    """
    count = len(extents) - 1
    cost = [[0] * count for _ in range(count)]
    split = [[0] * count for _ in range(count)]
    for length in range(1, count):
        for i in range(count - length):
            j = i + length
            cost[i][j], split[i][j] = min(
                (cost[i][k] + cost[k + 1][j] + extents[i] * extents[k + 1] * extents[j + 1], k) for k in range(i, j)
            )
    return split


@composite(
    name="linalg.multi_dot", method=False, out=True,
    samples=lambda: [
        call([T((2, 3)), T((3, 4)), T((4, 2))]), call([T((3,)), T((3, 4)), T((4,))]), call([T((2, 3)), T((3, 2))]),
    ],
)  # fmt: skip
def multi_dot(tensors: Any) -> Any:
    """The product of two or more matrices in the cheapest order; the first and the last may be vectors."""
    factors = list(tensors)
    if len(factors) < 2:
        raise RuntimeError(f"multi_dot(): expected at least 2 tensors but got {len(factors)}")
    for i, factor in enumerate(factors):
        if factor.ndim != 2 and not (factor.ndim == 1 and i in (0, len(factors) - 1)):
            allowed = "1D or 2D" if i in (0, len(factors) - 1) else "2D"
            raise RuntimeError(f"multi_dot(): tensor {i} must be {allowed} but got {factor.ndim}D")
    shape = [*factors[0].shape[:-1], *factors[-1].shape[1:]]
    if factors[0].ndim == 1:
        factors[0] = row(factors[0])
    if factors[-1].ndim == 1:
        factors[-1] = column(factors[-1])
    split = cheapest_order([factors[0].shape[0], *(factor.shape[1] for factor in factors)])

    def chain(i: int, j: int) -> Any:
        return factors[i] if i == j else mm(chain(i, split[i][j]), chain(split[i][j] + 1, j))

    return chain(0, len(factors) - 1).reshape(shape)


@composite(method=False, out=True, samples=lambda: [call(T((2, 3)), T((3, 4)), T((4, 2))), call(T((2, 3)))])
def chain_matmul(*matrices: Any) -> Any:
    """The product of any number of matrices, in the cheapest order."""
    return matrices[0] if len(matrices) == 1 else multi_dot(matrices)


@composite(
    out=True,
    samples=lambda: [call(T((3, 3)), n) for n in (0, 1, 2, 3, 5)] + [call(T((2, 3, 3), kind="positive_definite"), -2)],
)  # fmt: skip
def matrix_power(A: Any, n: int) -> Any:
    """The n-th power of square matrices, of the inverse for negative n, by repeated squaring."""
    if A.ndim < 2 or A.shape[-1] != A.shape[-2]:
        if A.ndim < 2:
            raise RuntimeError("linalg.matrix_power: The input tensor A must have at least 2 dimensions.")
        raise RuntimeError(
            f"linalg.matrix_power: A must be batches of square matrices, but they are {A.shape[-2]} by {A.shape[-1]} "
            "matrices"
        )
    if n == 0:
        unit = np.zeros(tuple(A.shape), dtypes.numpy_type(A.dtype))
        unit[...] = np.eye(A.shape[-1])
        return where(wrap(np.array(True)), wrap(unit), A)  # connected to A, and without its NaNs
    if n < 0:
        from .linalg import inv

        return matrix_power(inv(A), -n)
    power, square = None, A
    while True:
        if n & 1:
            power = square if power is None else matmul(power, square)
        n >>= 1
        if not n:
            return power
        square = matmul(square, square)


@composite(
    method=False,
    samples=lambda: [
        call(T((2, 3)), T((2, 4)), T((5, 3, 4)), T((5,))), call(T((2, 2, 3)), T((2, 2, 2)), T((1, 3, 2))),
        call(T((3,)), T((2,)), T((4, 3, 2))),
    ],
)  # fmt: skip
def bilinear(input1: Any, input2: Any, weight: Any, bias: Any = None) -> Any:
    """`input1 @ weight[o] @ input2 + bias[o]` for each output o.

    (..., in1) and (..., in2) with (out, in1, in2) give (..., out).
    """
    for i, (given, extent) in enumerate(((input1, weight.shape[1]), (input2, weight.shape[2])), 1):
        if given.shape[-1] != extent:
            raise RuntimeError(
                f"bilinear(): input{i} size does not match weight size: got {given.shape[-1]} but expected {extent}"
            )
    result = einsum("...i,oij,...j->...o", input1, weight, input2)
    return result if bias is None else result + bias


# --- distances -------------------------------------------------------------------------------------------------------


@composite(
    method=False,
    samples=lambda: [
        call(T((2, 3)), T((4, 3)), p) for p in (2.0, 1.0, 3.0, math.inf)] + [call(T((2, 2, 3)), T((2, 4, 3))),
    ],
)  # fmt: skip
def cdist(x1: Any, x2: Any, p: float = 2.0, compute_mode: str = "use_mm_for_euclid_dist_if_necessary") -> Any:
    """The distances, in the norm of order `p`, between all pairs of rows.

    (..., n, k) and (..., m, k) give (..., n, m).
    """
    if x1.shape[-1] != x2.shape[-1]:
        raise RuntimeError(f"X1 and X2 must have the same number of columns. X1: {x1.shape[-1]} X2: {x2.shape[-1]}")
    if p < 0:
        raise RuntimeError("cdist only supports non-negative p values")
    difference = x1.reshape(*x1.shape[:-1], 1, x1.shape[-1]) - x2.reshape(*x2.shape[:-2], 1, *x2.shape[-2:])
    if not x1.shape[-1]:
        return reductions.sum(difference, -1)
    return norms.vector_norm(difference, p, -1)


@composite(method=False, samples=lambda: [call(T((4, 3)), p) for p in (2.0, 1.0, 3.0)])
def pdist(input: Any, p: float = 2.0) -> Any:
    """The distances, in the norm of order `p`, between all pairs of different rows of a matrix."""
    if input.ndim != 2:
        raise RuntimeError(f"pdist only supports 2D tensors, got: {input.ndim}D")
    if p < 0:
        raise RuntimeError("pdist only supports non-negative p values")
    first, second = (index.astype(np.int64) for index in np.triu_indices(input.shape[0], 1))
    return norms.vector_norm(input[first] - input[second], p, -1)


ger = outer

__all__ = [
    "outer",
    "ger",
    "inner",
    "kron",
    "cross",
    "trace",
    "chain_matmul",
    "matrix_power",
    "cdist",
    "pdist",
    "bilinear",
]
FUNCTIONAL = ["bilinear", "pdist"]
ALIASES: dict[str, tuple[str, ...]] = {"outer": ("ger",)}
