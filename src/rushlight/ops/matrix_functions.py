"""Functions of matrices.

Norms, rank and condition, pseudo-inverse and least squares, exponential, and systems of tensors.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import dtypes, return_types
from ..dtypes import type_word_of
from ..tensor import wrap
from . import reductions
from .decompositions import svdvals
from .diagonals import diagonal
from .joining import cat
from .kinds import Array, composite, constant_op, general
from .linalg import POSITIVE, inv, solve
from .matrices import check_float, check_matrices, check_square
from .norms import vector_norm
from .products import adjoint, conjugated
from .samples import T, call
from .shapes import movedim

lstsq_fields = return_types.make("linalg_lstsq", "solution", "residuals", "rank", "singular_values")


# --- norms -----------------------------------------------------------------------------------------------------------


@composite(
    name="linalg.matrix_norm", method=False, out=True,
    samples=lambda: [
        call(T((3, 2), 0.5, 2.0, distinct=True), p) for p in ("fro", "nuc", 1, -1, 2, -2, math.inf, -math.inf)
    ]
    + [call(T((2, 3, 2)), "fro", (0, -1), True), call(T((2, 3, 2)), "nuc", (0, 2), True)],
)  # fmt: skip
def matrix_norm(A: Any, ord: Any = "fro", dim: Any = (-2, -1), keepdim: bool = False, *, dtype: Any = None) -> Any:
    """Norms of matrices.

    "fro", "nuc" (sum of singular values), 2 and -2 (largest, smallest), 1, -1, inf, -inf (sums of magnitudes).
    """
    if A.ndim < 2:
        raise RuntimeError("linalg.matrix_norm: The input tensor A must have at least 2 dimensions.")
    if len(dim) != 2:
        raise RuntimeError(f"linalg.matrix_norm: dim must be a 2-tuple. Got {tuple(dim)}")
    if isinstance(ord, str) and ord not in ("fro", "nuc"):
        raise RuntimeError(f"linalg.matrix_norm: Order {ord} not supported.")
    row, column = (d % A.ndim for d in dim)
    if row == column:
        raise RuntimeError(f"linalg.matrix_norm: dims must be different. Got ({dim[0]}, {dim[1]})")
    if dtype is not None:
        A = A.to(dtype)
    if ord == "fro":
        return vector_norm(A, 2, (row, column), keepdim)
    if ord in ("nuc", 2, -2):
        last = movedim(A, (row, column), (-2, -1))
        values = svdvals(last)
        found = (
            reductions.sum(values, -1)
            if ord == "nuc"
            else (reductions.amax if ord > 0 else reductions.amin)(values, -1)
        )
        if keepdim:
            shape = [1 if d in (row, column) else extent for d, extent in enumerate(A.shape)]
            found = found.reshape(shape)
        return found
    if abs(ord) not in (1, math.inf):
        raise RuntimeError(f"linalg.matrix_norm: Order {ord} not supported.")
    summed, rest = (row, column) if abs(ord) == 1 else (column, row)
    sums = vector_norm(A, 1, summed, keepdim)
    rest -= not keepdim and summed < rest
    return (reductions.amax if ord > 0 else reductions.amin)(sums, rest, keepdim)


@composite(
    name="linalg.norm", method=False, out=True,
    samples=lambda: [
        call(T((2, 3))), call(T((3,)), 3), call(T((3, 2)), "nuc"), call(T((2, 3)), 1, 1), call(T((2, 3)), 2, (0, 1)),
    ],
)  # fmt: skip
def norm(A: Any, ord: Any = None, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """The norm of a vector or of matrices, as `dim` says; without `ord` that of all elements, of order 2."""
    if ord is None:
        return vector_norm(A, 2, dim, keepdim, dtype=dtype)
    if isinstance(ord, str):
        pair = dim if dim is not None else (-2, -1) if A.ndim < 3 else None
    elif dim is None:
        if A.ndim not in (1, 2):
            raise RuntimeError(
                f"linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got {A.ndim}D."
            )
        pair = (0, 1) if A.ndim == 2 else None
    else:
        pair = dim if not isinstance(dim, int) and len(dim) == 2 else None
    if pair is not None:
        return matrix_norm(A, ord, pair, keepdim, dtype=dtype)
    if isinstance(ord, str):
        raise RuntimeError(
            f"linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got {A.ndim}D."
        )
    return vector_norm(A, ord, dim, keepdim, dtype=dtype)


@composite(
    name="linalg.cond", method=False, out=True,
    samples=lambda: [call(POSITIVE), call(POSITIVE, -2), call(POSITIVE, "fro"), call(POSITIVE, 1), call(T((3, 2)))],
)  # fmt: skip
def cond(A: Any, p: Any = None) -> Any:
    """The condition numbers.

    Ratios of the extreme singular values, or for other norms `norm(A, p) * norm(inv(A), p)`.
    """
    if A.ndim < 2:
        raise RuntimeError("linalg.cond: The input tensor A must have at least 2 dimensions.")
    if p in (None, 2, -2):
        values = svdvals(A)
        return values[..., -1] / values[..., 0] if p == -2 else values[..., 0] / values[..., -1]
    return matrix_norm(A, p) * matrix_norm(inv(A), p)


# --- rank, pseudo-inverse, least squares -----------------------------------------------------------------------------


def threshold(largest: Any, shape: tuple, atol: Any, rtol: Any) -> Any:
    """Below which a singular value counts as zero: the larger of `atol` and `rtol` times the largest one."""
    atol, rtol = (getattr(x, "_array", x) for x in (atol, rtol))
    if rtol is None:
        rtol = (
            0.0
            if atol is not None and np.any(np.asarray(atol) > 0)
            else max(shape[-2:]) * float(np.finfo(largest.dtype).eps)
        )
    return np.maximum(0.0 if atol is None else atol, rtol * largest)


@constant_op(name="linalg.matrix_rank", method=False, samples=lambda: [call(T((3, 3))), call(T((3, 2)))])
def matrix_rank(A: Array, tol: Any = None, *, atol: Any = None, rtol: Any = None, hermitian: bool = False) -> Array:
    """How many singular values exceed the larger of `atol` and `rtol` times the largest one."""
    check_matrices("linalg.matrix_rank", A)
    sizes = np.abs(np.linalg.eigvalsh(A)) if hermitian else np.linalg.svd(A, compute_uv=False)
    if not sizes.shape[-1]:
        return np.zeros(sizes.shape[:-1], np.int64)
    limit = threshold(sizes.max(axis=-1), A.shape, tol if atol is None else atol, rtol)
    return np.add.reduce(sizes > np.asarray(limit)[..., None], axis=-1).astype(np.int64)


def pinv_backward(g: Any, A: Any, out: Any) -> Any:
    """From dP = -P dA P + P P^H dA^H (1 - A P) + (1 - P A) dA^H P^H P.

    Source: G. Golub and V. Pereyra, "The differentiation of pseudo-inverses and nonlinear least squares problems"
    (1973).
    """
    turned, turned_g = adjoint(out), adjoint(g)
    first, second = turned_g @ out @ turned, turned @ out @ turned_g
    return -(turned @ g @ turned) + first - A @ (out @ first) + second - second @ out @ A


@general(
    pinv_backward, name="linalg.pinv", method=False,
    samples=lambda: [call(T((3, 2))), call(T((2, 3))), call(T((2, 3, 3)))],
)  # fmt: skip
def pinv(A: Array, rcond: Any = None, hermitian: bool = False, *, atol: Any = None, rtol: Any = None) -> Array:
    """The Moore-Penrose pseudo-inverse.

    Singular values up to the larger of `atol` and `rtol` times the largest count as zero.
    """
    if A.ndim < 2 or A.dtype.kind not in "fc":
        raise RuntimeError(
            f"linalg.pinv({type_word_of(A)}{{{list(A.shape)}}}): expected a tensor with 2 or more dimensions of float, "
            "double, cfloat or "
            "cdouble types"
        )
    check_float("linalg.pinv", A)
    if not A.size:
        return np.empty((*A.shape[:-2], A.shape[-1], A.shape[-2]), A.dtype)
    if hermitian:
        values, U = np.linalg.eigh(A)
        S, Vh = np.abs(values), np.conj(np.swapaxes(U * np.sign(values)[..., None, :], -1, -2))
    else:
        U, S, Vh = np.linalg.svd(A, full_matrices=False)
    limit = np.asarray(threshold(S.max(axis=-1), A.shape, atol, rcond if rtol is None else rtol))
    inverted = np.divide(1.0, S, out=np.zeros_like(S), where=limit[..., None] < S)
    return np.conj(np.swapaxes(Vh, -1, -2)) * inverted[..., None, :] @ np.conj(np.swapaxes(U, -1, -2))


@composite(samples=lambda: [call(T((3, 2)))])
def pinverse(input: Any, rcond: float = 1e-15) -> Any:
    """The Moore-Penrose pseudo-inverse."""
    return pinv(input, rtol=rcond)


def lstsq_backward(g: Any, A: Any, B: Any, needs: tuple, rcond: Any) -> tuple:
    """Through the pseudo-inverse P, since the solution is P B."""
    P = pinv(A, rtol=rcond)
    return pinv_backward(g @ adjoint(B), A, P) if needs[0] else None, adjoint(P) @ g


@general(
    joint=lstsq_backward, name="linalg.least_squares", node="LinalgLstsqBackward0", method=False, broadcasts=True,
    samples=lambda: [call(T((4, 2)), T((4, 3)))],
)  # fmt: skip
def least_squares(A: Array, B: Array, rcond: Any = None) -> Array:
    """The X of least norm that makes `A @ X - B` smallest."""
    batch = np.broadcast_shapes(A.shape[:-2], B.shape[:-2])
    A, B = np.broadcast_to(A, batch + A.shape[-2:]), np.broadcast_to(B, batch + B.shape[-2:])
    found = np.empty((*batch, A.shape[-1], B.shape[-1]), A.dtype)
    for index in np.ndindex(*batch):
        found[index] = np.linalg.lstsq(A[index], B[index], rcond=rcond)[0]
    return found


@composite(
    out=True,
    returns=lstsq_fields,
    name="linalg.lstsq",
    method=False,
    samples=lambda: [call(T((4, 2)), T((4, 3))), call(T((2, 4)), T((2, 1)))],
)
def lstsq(A: Any, B: Any, rcond: Any = None, *, driver: str | None = None) -> Any:
    """Least squares: the solution, the sums of squared residuals (for tall matrices of full rank), rank and singular
    values.

    `driver` decides as in PyTorch which of these are filled in: "gelsy" (default), "gels", "gelsd", "gelss".
    """
    driver = driver or "gelsy"
    if driver not in ("gels", "gelsy", "gelsd", "gelss"):
        raise RuntimeError(
            f"torch.linalg.lstsq: parameter `driver` should be one of (gels, gelsy, gelsd, gelss), but got {driver}"
        )
    vector = B.ndim == 1 or (B.ndim == A.ndim - 1 and tuple(B.shape) == tuple(A.shape[:-1]))
    if A.shape[-2] != (B.shape[-1] if vector else B.shape[-2]):
        raise RuntimeError("torch.linalg.lstsq: input.size(-2) should match other.size(-2)")
    columns = B.reshape(*B.shape, 1) if vector else B
    if rcond is None:
        rcond = float(np.finfo(dtypes.numpy_type(A.dtype)).eps) * max(A.shape[-2:])
    solution = least_squares(A, columns, rcond)
    rank = matrix_rank(A, rtol=rcond)
    rows, unknowns = A.shape[-2:]
    empty = real_square(solution.reshape(solution.numel())[:0])
    residuals, values = empty, empty.detach()
    if rows > unknowns and driver != "gelsy" and bool((rank == unknowns).all()):
        off = A @ solution - columns
        residuals = reductions.sum(real_square(off), -2)
    if driver in ("gelsd", "gelss"):
        values = svdvals(A.detach())
    if driver == "gels":
        rank = A.detach().new_zeros(0).long()
    return lstsq_fields(solution.reshape(solution.shape[:-1]) if vector else solution, residuals, rank, values)


def real_square(x: Any) -> Any:
    """The squared magnitudes."""
    return (x * conjugated(x)).real if x.is_complex() else x * x


# --- exponential, Vandermonde ----------------------------------------------------------------------------------------


def matrix_exp_backward(g: Any, A: Any) -> Any:
    """The upper right block of exp([[A^H, g], [0, A^H]]) (R. Mathias, "A chain rule for matrix functions", 1996)."""
    turned, n = adjoint(A), A.shape[-1]
    top, bottom = cat([turned, g], -1), cat([g * 0, turned], -1)
    return matrix_exp(cat([top, bottom], -2))[..., :n, n:]


@general(
    matrix_exp_backward, node="LinalgMatrixExpBackward0",
    samples=lambda: [call(T((3, 3))), call(T((2, 2, 2))), call(T((0, 0)))],
)  # fmt: skip
def matrix_exp(A: Array) -> Array:
    """The exponential of square matrices."""
    if A.ndim < 2 or A.dtype.kind not in "fc" or A.shape[-1] != A.shape[-2]:
        check_square("linalg.matrix_exp", A)
    if not A.size:
        return A.copy()
    from scipy.linalg import expm

    return expm(A.astype(np.result_type(A.dtype, np.float32), copy=False)).astype(A.dtype, copy=False)


@composite(name="linalg.vander", method=False, samples=lambda: [call(T((3,))), call(T((2, 3)), N=2)])
def linalg_vander(x: Any, N: int | None = None) -> Any:
    """The powers 0 to N - 1 of each number, along a new last dimension."""
    count = x.shape[-1] if N is None else N
    if count <= 1:
        raise RuntimeError(f"N must be greater than 1, but got {count}")
    column = (x if x.is_floating_point() or x.is_complex() else x.long()).reshape(*(x.shape or (1,)), 1)
    powers = [wrap(np.ones(tuple(column.shape), column.dtype.numpy))]
    for _ in range(count - 1):
        powers.append(powers[-1] * column)
    return cat(powers, -1)


def vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:
    """The powers N - 1 to 0 of the numbers in a vector (`increasing`: 0 to N - 1), as columns; N is by default its length."""
    if x.ndim != 1:
        raise RuntimeError("x must be a one-dimensional tensor.")
    count = len(x) if N is None else N
    if count < 0:
        raise RuntimeError("N must be non-negative.")
    powers = linalg_vander(x, max(count, 2))[:, :count]
    return powers if increasing else powers.flip(1)


# --- systems of tensors ----------------------------------------------------------------------------------------------


@composite(
    name="linalg.tensorinv", method=False, out=True, samples=lambda: [call(T((2, 3, 6)), 2), call(T((6, 2, 3)), 1)]
)
def tensorinv(A: Any, ind: int = 2) -> Any:
    """The inverse under `tensordot` over `ind` dimensions."""
    if ind <= 0:
        raise RuntimeError("Expected a strictly positive integer for 'ind'")
    left, right = tuple(A.shape[:ind]), tuple(A.shape[ind:])
    if math.prod(left) != math.prod(right):
        raise RuntimeError(
            "Expected self to satisfy the requirement prod(self.shape[ind:]) == prod(self.shape[:ind]), "
            f"but got {math.prod(right)} != {math.prod(left)}"
        )
    return inv(A.reshape(math.prod(left), math.prod(right))).reshape(right + left)


@composite(name="linalg.tensorsolve", method=False, out=True, samples=lambda: [call(T((2, 3, 6)), T((2, 3)))])
def tensorsolve(A: Any, B: Any, dims: Any = None) -> Any:
    """The X with `tensordot(A, X, X.ndim) = B`; the dimensions of A in `dims` are first moved to the end."""
    if dims is not None:
        A = movedim(A, tuple(dims), tuple(range(A.ndim - len(dims), A.ndim)))
    shape = tuple(A.shape[B.ndim :])
    count = math.prod(shape)
    if count != math.prod(A.shape[: B.ndim]):
        raise RuntimeError(
            "Expected self to satisfy the requirement prod(self.shape[other.ndim:]) == prod(self.shape[:other.ndim]), "
            f"but got {count} != {math.prod(A.shape[: B.ndim])}"
        )
    return solve(A.reshape(-1, count), B.reshape(-1)).reshape(shape)


@composite(name="linalg.diagonal", method=False, samples=lambda: [call(T((2, 3, 3))), call(T((3, 3)), offset=1)])
def linalg_diagonal(A: Any, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Any:
    """The diagonals of matrices."""
    return diagonal(A, offset, dim1, dim2)


__all__ = ["matrix_exp", "pinverse", "vander"]
ALIASES: dict[str, tuple[str, ...]] = {}
