"""LU and LDL factorizations of matrices, and solvers that use them. Batched over leading dimensions."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import dtypes, return_types
from ..arrays.batched import by_example
from .checks import somewhere
from .joining import cat
from .kinds import Array, composite, constant_op, general
from .matrices import (
    LinAlgError,
    check_float,
    check_matrices,
    check_square,
    each_matrix,
    identity,
    int32,
    lapack,
    lower,
    upper,
)
from .products import adjoint, matmul
from .samples import T, call

lu_fields = return_types.make("linalg_lu", "P", "L", "U")
lu_factor_fields = return_types.make("linalg_lu_factor", "LU", "pivots")
lu_factor_ex_fields = return_types.make("linalg_lu_factor_ex", "LU", "pivots", "info")
lu_unpack_fields = return_types.make("lu_unpack", "P", "L", "U")
ldl_fields = return_types.make("linalg_ldl_factor", "LD", "pivots")
ldl_ex_fields = return_types.make("linalg_ldl_factor_ex", "LD", "pivots", "info")

SQUARE, SYMMETRIC = T((3, 3)), T((3, 3), kind="symmetric")
TALL, WIDE = T((4, 3)), T((3, 4))


# --- LU --------------------------------------------------------------------------------------------------------------


def permutation_of(pivots: Any, rows: int) -> Any:
    """Matrices P with `A = P @ L @ U`, from LAPACK's row exchanges."""
    if hasattr(pivots, "levels"):
        return by_example(permutation_of, (pivots, rows), {})
    flat = (
        pivots.reshape(-1, pivots.shape[-1]) if pivots.size else np.empty((int(np.prod(pivots.shape[:-1])), 0), int32)
    )
    found = np.tile(np.arange(rows), (len(flat), 1))
    for order, exchanges in zip(found, flat, strict=True):
        for i, other in enumerate(exchanges - 1):
            order[i], order[other] = order[other], order[i]
    return np.swapaxes(np.eye(rows)[found], -1, -2).reshape(*pivots.shape[:-1], rows, rows)


def lu_backward(g: Any, out: tuple, pivot: bool) -> tuple:
    """P L^-H (tril(L^H g_L, -1) + triu(g_U U^H)) U^-H for the square part; what is beyond it depends on that linearly.

    Source: S. Walter and L. Lehmann, "Algorithmic differentiation of linear algebra functions" (2012).
    """
    from .linalg import triangular

    LU, pivots = out[0], out[1]
    rows, columns = LU.shape[-2:]
    k = min(rows, columns)
    square = LU[..., :k, :k]
    L, U = square, square  # the solver reads one triangle
    g_L, g_U = lower(g[..., :k, :k], -1), upper(g[..., :k, :k])
    below = beside = None
    if rows > k:  # L2 = A2 U^-1
        below = adjoint(triangular(U, adjoint(g[..., k:, :]), upper=True))
        g_U = g_U - upper(adjoint(LU[..., k:, :]) @ below)
    if columns > k:  # U2 = L^-1 A2
        beside = triangular(adjoint(L), g[..., :, k:], upper=True, unitriangular=True)
        g_L = g_L - lower(beside @ adjoint(LU[..., :, k:]), -1)
    unit = lower(L, -1) + identity(L)
    inner = lower(adjoint(unit) @ g_L, -1) + upper(g_U @ adjoint(upper(U)))
    found = adjoint(triangular(U, adjoint(inner), upper=True))
    found = triangular(adjoint(L), found, upper=True, unitriangular=True)
    if below is not None:
        found = cat([found, below], -2)
    if beside is not None:
        found = cat([found, beside], -1)
    if not pivot:
        return (found,)
    data = getattr(pivots, "_array", pivots)
    return (matmul(permutation_of(data, rows).astype(dtypes.numpy_type(found.dtype)), found),)


@general(
    joint=lu_backward, name="linalg.lu_factor_ex", method=False, returns=lu_factor_ex_fields,
    samples=lambda: [
        call(SQUARE), call(TALL), call(WIDE), call(T((2, 3, 3))),
        call(T((3, 3), kind="positive_definite"), pivot=False),
    ],
)  # fmt: skip
def lu_factor_ex(A: Array, *, pivot: bool = True, check_errors: bool = False) -> tuple[Array, Array, Array]:
    """L and U in one matrix (L without its unit diagonal), the row exchanges from one, and per matrix zero or the
    first zero of U.
    """
    check_matrices("linalg.lu_factor_ex", A)
    getrf = lapack("getrf", A)

    def factor(matrix: Any) -> tuple:
        lu, exchanges, info = getrf(matrix) if pivot else without_pivots(matrix)
        return np.ascontiguousarray(lu), (exchanges + 1).astype(int32), np.array(info, int32)

    LU, pivots, info = each_matrix(factor, A)
    if check_errors and info.any():
        raise LinAlgError(singular_factor("lu_factor_ex", info))
    return LU, pivots, info


def without_pivots(matrix: Any) -> tuple:
    """Gaussian elimination without exchanges."""
    lu, k, info = matrix.copy(), min(matrix.shape), 0
    for i in range(k):
        if lu[i, i] == 0 and not info:
            info = i + 1
        lu[i + 1 :, i] /= lu[i, i]
        lu[i + 1 :, i + 1 :] -= np.outer(lu[i + 1 :, i], lu[i, i + 1 :])
    return lu, np.arange(k), info


def singular_factor(name: str, info: Any) -> str:
    """The error about a zero on the diagonal of U."""
    place = int(info.reshape(-1)[np.flatnonzero(info)[0]])
    return (
        f"torch.linalg.{name}: U[{place},{place}] is zero and using it on lu_solve would result in a division by "
        "zero. If you "
        "still want to perform the factorization, consider calling linalg.lu(A, pivot) or linalg.lu_factor_ex(A, pivot)"
    )


@composite(out=True, returns=lu_factor_fields, name="linalg.lu_factor", method=False, samples=lambda: [call(SQUARE)])
def lu_factor(A: Any, *, pivot: bool = True) -> Any:
    """The compact LU factorization and the row exchanges. Raises RuntimeError for singular matrices."""
    LU, pivots, info = lu_factor_ex(A, pivot=pivot)
    if somewhere(info):
        raise RuntimeError(singular_factor("lu_factor", info.numpy()))
    return lu_factor_fields(LU, pivots)


@constant_op(
    name="linalg.permutation", method=False,
    samples=lambda: [call(T((3,), 3, 4, kind="int", grad=False), 3, np.dtype("float64"))],
)  # fmt: skip
def permutation(pivots: Array, rows: int, kind: Any) -> Array:
    """Permutation matrices from row exchanges."""
    return permutation_of(pivots, rows).astype(kind)


@composite(out=True, returns=lu_unpack_fields, samples=lambda: [call(SQUARE, T((3,), 1, 4, kind="int", grad=False))])
def lu_unpack(LU_data: Any, LU_pivots: Any, unpack_data: bool = True, unpack_pivots: bool = True) -> Any:
    """P, L and U from the compact form; what was not asked for is empty."""
    rows, columns = LU_data.shape[-2:]
    k = min(rows, columns)
    empty = LU_data.new_zeros(0)
    P = permutation(LU_pivots, rows, dtypes.numpy_type(LU_data.dtype)) if unpack_pivots else empty
    if not unpack_data:
        return lu_unpack_fields(P, empty, empty)
    unit = np.eye(rows, k, dtype=dtypes.numpy_type(LU_data.dtype))
    return lu_unpack_fields(P, lower(LU_data[..., :k], -1) + unit, upper(LU_data[..., :k, :]))


@composite(
    out=True, returns=lu_fields, name="linalg.lu", method=False, samples=lambda: [call(SQUARE), call(TALL), call(WIDE)]
)
def linalg_lu(A: Any, *, pivot: bool = True) -> Any:
    """P, L and U with `A = P @ L @ U`; P is empty without pivoting."""
    LU, pivots, _ = lu_factor_ex(A, pivot=pivot)
    return lu_fields(*lu_unpack(LU, pivots, True, pivot))


@composite(out=True, samples=lambda: [call(SQUARE)])
def lu(input: Any, pivot: bool = True, get_infos: bool = False) -> Any:
    """The compact LU factorization and the row exchanges, and on request per matrix zero or the first zero of U."""
    LU, pivots, info = lu_factor_ex(input, pivot=pivot)
    return lu_factor_ex_fields(LU, pivots, info) if get_infos else (LU, pivots)


@composite(
    name="linalg.lu_solve", method=False, out=True,
    samples=lambda: [
        call(T((3, 3), kind="positive_definite"), T((3,), 3, 4, kind="int", grad=False), T((3, 2))),
        call(T((3, 3), kind="positive_definite"), T((3,), 3, 4, kind="int", grad=False), T((3, 2)), adjoint=True),
    ],
)  # fmt: skip
def linalg_lu_solve(LU: Any, pivots: Any, B: Any, *, left: bool = True, adjoint: bool = False) -> Any:
    """The X of `A @ X = B` (or `X @ A = B`, or with the adjoint of A), given the compact LU factorization of A."""
    from .linalg import triangular

    if not left:
        return turned(linalg_lu_solve(LU, pivots, turned(B), adjoint=not adjoint))
    P = permutation(pivots, LU.shape[-2], dtypes.numpy_type(LU.dtype))
    if adjoint:
        inner = triangular(turned(LU), B, upper=False)
        return P @ triangular(turned(LU), inner, upper=True, unitriangular=True)
    return triangular(LU, triangular(LU, P.mT @ B, upper=False, unitriangular=True), upper=True)


turned = adjoint  # under a name that no parameter takes


@composite(
    out=True,
    samples=lambda: [call(T((3, 2)), T((3, 3), kind="positive_definite"), T((3,), 3, 4, kind="int", grad=False))],
)  # fmt: skip
def lu_solve(input: Any, LU_data: Any, LU_pivots: Any) -> Any:
    """As `linalg.lu_solve`, with the right-hand side first."""
    return linalg_lu_solve(LU_data, LU_pivots, input)


# --- LDL -------------------------------------------------------------------------------------------------------------


@general(None, name="linalg.ldl_factor_ex", method=False, returns=ldl_ex_fields, samples=lambda: [call(SYMMETRIC)])
def ldl_factor_ex(A: Array, *, hermitian: bool = False, check_errors: bool = False) -> tuple[Array, Array, Array]:
    """LAPACK's compact Bunch-Kaufman factorization of symmetric (or Hermitian) matrices. Not differentiable."""
    check_square("linalg.ldl_factor_ex", A)
    routine = lapack("hetrf" if hermitian and A.dtype.kind == "c" else "sytrf", A)

    def factor(matrix: Any) -> tuple:
        ldl, exchanges, info = routine(matrix, lower=True)
        return np.tril(ldl), exchanges.astype(int32), np.array(info, int32)

    LD, pivots, info = each_matrix(factor, A)
    return LD, pivots, info


@composite(out=True, returns=ldl_fields, name="linalg.ldl_factor", method=False, samples=lambda: [call(SYMMETRIC)])
def ldl_factor(A: Any, *, hermitian: bool = False) -> Any:
    """As `ldl_factor_ex`, without the information about failures."""
    return ldl_fields(*ldl_factor_ex(A, hermitian=hermitian)[:2])


@constant_op(
    name="linalg.ldl_solve", method=False,
    samples=lambda: [
        call(T((3, 3), kind="positive_definite", grad=False), T((3,), 3, 4, "int", grad=False), T((3, 2), grad=False)),
    ],
)  # fmt: skip
def ldl_solve(LD: Array, pivots: Array, B: Array, *, hermitian: bool = False) -> Array:
    """The X of `A @ X = B`, given the compact LDL factorization of A."""
    check_float("linalg.ldl_solve", LD)
    conjugate = hermitian and LD.dtype.kind == "c"
    batch = np.broadcast_shapes(LD.shape[:-2], B.shape[:-2])
    parts = [np.broadcast_to(x, batch + x.shape[-2:]) for x in (LD, pivots[..., None], B)]
    return each_matrix(lambda ld, exchanges, b: (bunch_kaufman_solve(ld, exchanges[:, 0], b, conjugate),), *parts)[0]


def bunch_kaufman_solve(ld: Any, exchanges: Any, b: Any, conjugate: bool) -> Any:
    """Forward through P L, across the blocks of D of one or two rows, and back (LAPACK's `sytrs` for the lower
    triangle).
    """
    x, n, starts = b.copy(), len(ld), []
    k = 0
    while k < n:
        size = 1 if exchanges[k] > 0 else 2
        starts.append((k, size))
        last = k + size - 1
        other = abs(int(exchanges[k])) - 1
        x[[last, other]] = x[[other, last]]
        x[last + 1 :] -= ld[last + 1 :, k : last + 1] @ x[k : last + 1]
        block = ld[k : last + 1, k : last + 1].copy()
        if size == 2:
            block[0, 1] = np.conj(block[1, 0]) if conjugate else block[1, 0]
        x[k : last + 1] = np.linalg.solve(block, x[k : last + 1])
        k += size
    for k, size in reversed(starts):
        last = k + size - 1
        turned = ld[last + 1 :, k : last + 1].T
        x[k : last + 1] -= (turned.conj() if conjugate else turned) @ x[last + 1 :]
        other = abs(int(exchanges[k])) - 1
        x[[last, other]] = x[[other, last]]
    return x


__all__ = ["lu", "lu_unpack", "lu_solve"]
ALIASES: dict[str, tuple[str, ...]] = {}
