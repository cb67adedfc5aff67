"""Decompositions of matrices: eigenvalues, singular values, QR, LU, LDL. Batched over leading dimensions.

Each derivative names its source. E below is a matrix of differences of eigenvalues (or of squares of singular values):
where two coincide the derivative does not exist, and infinities or NaNs appear, as in PyTorch.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import dtypes, return_types
from ..tensor import wrap
from .joining import cat
from .kinds import Array, composite, constant_op, general
from .matrices import (
    LinAlgError,
    check_float,
    check_matrices,
    check_square,
    diagonal_matrix,
    diagonal_of,
    each_matrix,
    identity,
    int32,
    is_complex,
    lapack,
    lower,
    real,
    upper,
)
from .products import adjoint, conjugated, matmul
from .samples import T, call

eigh_fields = return_types.make("linalg_eigh", "eigenvalues", "eigenvectors")
eig_fields = return_types.make("linalg_eig", "eigenvalues", "eigenvectors")
linalg_svd_fields = return_types.make("linalg_svd", "U", "S", "Vh")
svd_fields = return_types.make("svd", "U", "S", "V")
linalg_qr_fields = return_types.make("linalg_qr", "Q", "R")
qr_fields = return_types.make("qr", "Q", "R")
lu_fields = return_types.make("linalg_lu", "P", "L", "U")
lu_factor_fields = return_types.make("linalg_lu_factor", "LU", "pivots")
lu_factor_ex_fields = return_types.make("linalg_lu_factor_ex", "LU", "pivots", "info")
lu_unpack_fields = return_types.make("lu_unpack", "P", "L", "U")
ldl_fields = return_types.make("linalg_ldl_factor", "LD", "pivots")
ldl_ex_fields = return_types.make("linalg_ldl_factor_ex", "LD", "pivots", "info")
geqrf_fields = return_types.make("geqrf", "a", "tau")

SQUARE, SYMMETRIC = T((3, 3)), T((3, 3), kind="symmetric")
TALL, WIDE = T((4, 3)), T((3, 4))


def over_columns(d: Any) -> Any:
    """Numbers d_j as a row, to multiply column j."""
    return d.reshape(*d.shape[:-1], 1, d.shape[-1])


def over_rows(d: Any) -> Any:
    """Numbers d_i as a column, to multiply row i."""
    return d.reshape(*d.shape, 1)


def differences(d: Any) -> Any:
    """d_j - d_i, with ones on the diagonal."""
    return over_columns(d) - over_rows(d) + identity(d)


# --- eigenvalues -----------------------------------------------------------------------------------------------------


def eigh_backward(g: tuple, out: tuple) -> tuple:
    """V (diag(g_values) + (V^H g_vectors) / E off the diagonal) V^H, with E_ij = l_j - l_i (Giles 2008, section 3.1).
    """
    values, vectors = out
    inner = adjoint(vectors) @ g[1] / differences(values)
    inner = inner - diagonal_matrix(diagonal_of(inner)) + diagonal_matrix(g[0])
    found = vectors @ inner @ adjoint(vectors)
    return (0.5 * (found + adjoint(found)),)  # Hermitian, as the input is taken to be


@general(
    joint=eigh_backward, name="linalg.eigh", method=False, returns=eigh_fields,
    samples=lambda: [call(SYMMETRIC), call(T((2, 2, 2), kind="symmetric"))],
)  # fmt: skip
def eigh(A: Array, UPLO: str = "L") -> tuple[Array, Array]:
    """Eigenvalues, ascending, and orthonormal eigenvectors (columns) of Hermitian matrices, of which one triangle is
    read.
    """
    check_square("linalg.eigh", A)
    if UPLO.upper() not in ("L", "U"):
        raise RuntimeError(f"Expected UPLO argument to be 'L' or 'U', but got {UPLO}")
    try:
        values, vectors = np.linalg.eigh(A, UPLO.upper())
    except np.linalg.LinAlgError:
        raise LinAlgError(
            "linalg.eigh: The algorithm failed to converge because the input matrix is ill-conditioned."
        ) from None
    return values, vectors


@composite(name="linalg.eigvalsh", method=False, out=True, samples=lambda: [call(SYMMETRIC)])
def eigvalsh(A: Any, UPLO: str = "L") -> Any:
    """The eigenvalues, ascending, of Hermitian matrices."""
    return eigh(A, UPLO)[0]


def eig_backward(g: tuple, out: tuple) -> tuple:
    """V^-H (diag(g_values) + (V^H g_V - V^H V diag(Re(V^H g_V))) / conj(E)) V^H, for normalised eigenvectors.

    Source: C. Boeddeker et al., "On the computation of complex-valued gradients" (2017), equation 4.77.
    """
    values, vectors = out
    turned = adjoint(vectors)
    inner = turned @ g[1]
    inner = inner - turned @ vectors * over_columns(real(diagonal_of(inner)))
    inner = inner / conjugated(differences(values))
    inner = inner - diagonal_matrix(diagonal_of(inner)) + diagonal_matrix(g[0])
    from .linalg import solve

    return (solve(turned, inner @ turned),)


@general(
    joint=eig_backward, name="linalg.eig", method=False, returns=eig_fields,
    samples=lambda: [call(SQUARE), call(T((2, 2, 2)))],
)  # fmt: skip
def eig(A: Array) -> tuple[Array, Array]:
    """Eigenvalues and normalised eigenvectors (columns) of square matrices, complex also for real ones."""
    check_square("linalg.eig", A)
    try:
        values, vectors = np.linalg.eig(A)
    except np.linalg.LinAlgError as error:
        raise LinAlgError(f"linalg.eig: the algorithm failed: {error}") from None
    kind = np.result_type(A.dtype, np.complex64)
    return values.astype(kind, copy=False), vectors.astype(kind, copy=False)


@composite(name="linalg.eigvals", method=False, out=True, samples=lambda: [call(SQUARE)])
def eigvals(A: Any) -> Any:
    """The eigenvalues of square matrices, complex also for real ones."""
    return eig(A)[0]


# --- singular values -------------------------------------------------------------------------------------------------


def svd_backward(g: tuple, A_shape: tuple, out: tuple) -> tuple:
    """U ((skew(U^H g_U) / E) S + S (skew(V^H g_V) / E) + diag(g_S)) V^H and what lies outside of U and V.

    Sources: Giles 2008, section 3.2; J. Townsend, "Differentiating the singular value decomposition" (2016); the
    imaginary diagonal: Z. Wan and S. Zhang, "Automatic differentiation for complex valued SVD" (2019).
    """
    U, S, Vh = out
    rows, columns = A_shape[-2:]
    count = min(rows, columns)
    U, Vh = U[..., :count], Vh[..., :count, :]
    g_U, V, g_V = g[0][..., :count], adjoint(Vh), adjoint(g[2][..., :count, :])
    left, right = adjoint(U) @ g_U, Vh @ g_V
    skew = left - adjoint(left)
    E = differences(S * S)
    inner = skew / E * over_columns(S) + over_rows(S) * ((right - adjoint(right)) / E)
    inner = inner + diagonal_matrix(g[1])
    if is_complex(U):
        inner = inner + diagonal_matrix(diagonal_of(skew) / (2 * S))
    found = U @ inner @ Vh
    if rows > count:
        outside = g_U / over_columns(S)
        found = found + (outside - U @ (adjoint(U) @ outside)) @ Vh
    if columns > count:
        outside = adjoint(g_V / over_columns(S))
        found = found + U @ (outside - outside @ V @ Vh)
    return (found,)


@general(
    joint=svd_backward, name="linalg.svd", method=False, returns=linalg_svd_fields,
    samples=lambda: [
        call(SQUARE), call(TALL, full_matrices=False), call(WIDE, full_matrices=False), call(T((2, 3, 2)), False),
    ],
)  # fmt: skip
def linalg_svd(A: Array, full_matrices: bool = True, *, driver: str | None = None) -> tuple[Array, Array, Array]:
    """U, the singular values in descending order, and V^H, with `A = U @ diag(S) @ Vh`.

    `driver` makes no difference here.
    """
    check_matrices("linalg.svd", A)
    try:
        U, S, Vh = np.linalg.svd(A, full_matrices)
    except np.linalg.LinAlgError:
        reason = "contained non-finite values" if not np.isfinite(A).all() else "is ill-conditioned"
        raise LinAlgError(f"linalg.svd: The algorithm failed to converge because the input matrix {reason}.") from None
    return U, S, Vh


@composite(name="linalg.svdvals", method=False, out=True, samples=lambda: [call(SQUARE), call(TALL), call(WIDE)])
def svdvals(A: Any, *, driver: str | None = None) -> Any:
    """The singular values of matrices, in descending order."""
    return linalg_svd(A, False)[1]


@composite(out=True, returns=svd_fields, samples=lambda: [call(TALL), call(SQUARE)])
def svd(input: Any, some: bool = True, compute_uv: bool = True) -> Any:
    """U, S and V with `input = U @ diag(S) @ V.mH`; reduced where `some`; U and V are zeros unless `compute_uv`."""
    U, S, Vh = linalg_svd(input, not some)
    if not compute_uv:
        rows, columns = input.shape[-2:]
        U, Vh = (wrap(np.zeros((*input.shape[:-2], n, n), dtypes.numpy_type(input.dtype))) for n in (rows, columns))
    return svd_fields(U, S, adjoint(Vh))


# --- QR --------------------------------------------------------------------------------------------------------------


def qr_backward(g: tuple, out: tuple, A_shape: tuple, mode: str) -> tuple:
    """(g_Q + Q copyltu(M)) R^-H with M = R g_R^H - g_Q^H Q, where copyltu mirrors the lower triangle.

    Source: S. Walter and L. Lehmann, "Algorithmic differentiation of linear algebra functions" (2012); for wide
    matrices the columns beyond the square part are Q times theirs in R.
    """
    if mode == "r":
        raise RuntimeError(
            "The derivative of linalg.qr depends on Q, which is not computed when mode='r'. "
            "Please use linalg.qr(A, mode='reduced') if you are going to differentiate through linalg.qr."
        )
    rows, columns = A_shape[-2:]
    if mode == "complete" and rows > columns:
        raise RuntimeError("The QR decomposition is not differentiable when mode='complete' and nrows > ncols")
    (g_Q, g_R), (Q, R) = g, out
    if columns <= rows:
        return (tall_qr_backward(g_Q, g_R, Q, R),)
    rest = R[..., rows:]
    g_rest = g_R[..., rows:]
    # The columns beyond are A_rest = Q R_rest, so Q receives A_rest g_rest^H.
    square = tall_qr_backward(g_Q + Q @ rest @ adjoint(g_rest), g_R[..., :rows], Q, R[..., :rows])
    return (cat([square, Q @ g_rest], -1),)


def tall_qr_backward(g_Q: Any, g_R: Any, Q: Any, R: Any) -> Any:
    from .linalg import triangular

    M = R @ adjoint(g_R) - adjoint(g_Q) @ Q
    below = lower(M, -1)
    mirrored = below + adjoint(below) + diagonal_matrix(real(diagonal_of(M)))
    return adjoint(triangular(R, adjoint(g_Q + Q @ mirrored), upper=True))


@general(
    joint=qr_backward, name="linalg.qr", method=False, returns=linalg_qr_fields,
    samples=lambda: [call(SQUARE), call(TALL), call(WIDE), call(T((2, 3, 2))), call(SQUARE, mode="complete")],
)  # fmt: skip
def linalg_qr(A: Array, mode: str = "reduced") -> tuple[Array, Array]:
    """Orthonormal columns Q and upper triangular R with `A = Q @ R`.

    Mode "complete" has a square Q, mode "r" an empty one.
    """
    if mode not in ("reduced", "complete", "r"):
        raise RuntimeError(
            f"qr received unrecognized mode '{mode}' but expected one of 'reduced' (default), 'r', or 'complete'"
        )
    check_matrices("linalg.qr", A)
    if mode == "r":
        return np.empty((0,), A.dtype), np.linalg.qr(A, "r")
    Q, R = np.linalg.qr(A, mode)
    return Q, R


@composite(out=True, returns=qr_fields, samples=lambda: [call(TALL), call(SQUARE)])
def qr(input: Any, some: bool = True) -> Any:
    """As `linalg.qr`: reduced where `some`, else complete."""
    return qr_fields(*linalg_qr(input, "reduced" if some else "complete"))


@general(None, returns=geqrf_fields, samples=lambda: [call(TALL)])
def geqrf(input: Array) -> tuple[Array, Array]:
    """The Householder form of QR: R above the diagonal, reflectors below, and their factors tau. Not differentiable."""
    check_matrices("geqrf", input)
    routine = lapack("geqrf", input)
    a, tau = each_matrix(lambda matrix: routine(matrix)[:2], input)
    return np.ascontiguousarray(a), tau


@composite(out=True, samples=lambda: [call(T((4, 3)), T((3,))), call(T((2, 3, 3)), T((2, 2)))])
def orgqr(A: Any, tau: Any) -> Any:
    """The first columns of the product of the reflectors `1 - tau_i v_i v_i^H`, where v_i is column i below the
    diagonal, under a one.
    """
    rows, columns = A.shape[-2:]
    if columns > rows:
        raise RuntimeError(
            "linalg.householder_product: input.shape[-2] must be greater than or equal to input.shape[-1]"
        )
    if tau.shape[-1] > columns:
        raise RuntimeError("linalg.householder_product: input.shape[-1] must be greater than or equal to tau.shape[-1]")
    first = np.zeros(tuple(A.shape), dtypes.numpy_type(A.dtype))
    first[...] = np.eye(rows, columns)
    return reflected(A, tau, wrap(first), transpose=False)


def reflected(A: Any, tau: Any, other: Any, transpose: bool) -> Any:
    """The product of the reflectors in A and tau, or its adjoint, times `other`."""
    unit = lower(A, -1) + np.eye(*A.shape[-2:], dtype=dtypes.numpy_type(A.dtype))
    order = range(tau.shape[-1])
    for i in order if transpose else reversed(order):
        v = unit[..., i : i + 1]
        factor = tau[..., i : i + 1]
        factor = (conjugated(factor) if transpose else factor).reshape(*factor.shape, 1)
        other = other - factor * (v @ (adjoint(v) @ other))
    return other


householder_product = orgqr


@composite(
    out=True, samples=lambda: [call(T((3, 2)), T((2,)), T((3, 2))), call(T((3, 2)), T((2,)), T((2, 3)), left=False)]
)
def ormqr(input: Any, tau: Any, other: Any, left: bool = True, transpose: bool = False) -> Any:
    """The product of the full Q in Householder form (or of its adjoint) and `other`, or of `other` and it."""
    side, reach = (-2 if left else -1), min(other.shape[-2 if left else -1], input.shape[-1])
    if tau.shape[-1] != reach or other.shape[side] != input.shape[-2]:
        raise RuntimeError(f"ormqr: tau.shape[-1] must be equal to min(other.shape[{side}], input.shape[-1])")
    if left:
        return reflected(input, tau, other, transpose)
    return adjoint(reflected(input, tau, adjoint(other), not transpose))


# --- LU --------------------------------------------------------------------------------------------------------------


def permutation_of(pivots: Any, rows: int) -> Any:
    """Matrices P with `A = P @ L @ U`, from LAPACK's row exchanges."""
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
    if bool(info.any()):
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


__all__ = ["svd", "qr", "geqrf", "orgqr", "ormqr", "lu", "lu_unpack", "lu_solve"]
ALIASES: dict[str, tuple[str, ...]] = {}
