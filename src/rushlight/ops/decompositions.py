"""Decompositions of matrices: eigenvalues, singular values, QR. Batched over leading dimensions.

Each derivative names its source. E below is a matrix of differences of eigenvalues (or of squares of singular values):
where two coincide vectors have no derivative, and infinities or NaNs appear, as in PyTorch; but the values have one.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import dtypes, return_types
from ..tensor import wrap
from .checks import somewhere
from .comparisons import where
from .joining import cat
from .kinds import Array, composite, general
from .matrices import (
    LinAlgError,
    check_matrices,
    check_square,
    diagonal_matrix,
    diagonal_of,
    each_matrix,
    identity,
    is_complex,
    lapack,
    lower,
    real,
)
from .products import adjoint, conjugated
from .samples import T, call

eigh_fields = return_types.make("linalg_eigh", "eigenvalues", "eigenvectors")
eig_fields = return_types.make("linalg_eig", "eigenvalues", "eigenvectors")
linalg_svd_fields = return_types.make("linalg_svd", "U", "S", "Vh")
svd_fields = return_types.make("svd", "U", "S", "V")
linalg_qr_fields = return_types.make("linalg_qr", "Q", "R")
qr_fields = return_types.make("qr", "Q", "R")
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


def flows(g: Any) -> bool:
    """Whether a cotangent is more than the zeros that stand for none."""
    return getattr(g, "_node", None) is not None or bool(getattr(g, "_tangents", None)) or somewhere(g != 0)


def check_phase(phase: Any, name: str, ending: str = "quantity, so it is ill-defined.") -> None:
    """Raises RuntimeError where a cotangent of complex vectors would turn their phase, which means nothing."""
    if somewhere(abs(phase) > 1e-2):
        kind = "eigenvectors" if "eig" in name else "singular vectors"
        raise RuntimeError(
            f"{name}: The {kind} in the complex case are specified up to multiplication by e^{{i phi}}. "
            f"The specified loss function depends on this {ending}"
        )


# --- eigenvalues -----------------------------------------------------------------------------------------------------


def eigh_backward(g: tuple, out: tuple) -> tuple:
    """V (diag(g_values) + (V^H g_vectors) / E off the diagonal) V^H, with E_ij = l_j - l_i (Giles 2008, 3.1)."""
    values, vectors = out
    if not flows(g[1]):
        return ((vectors * over_columns(g[0])) @ adjoint(vectors),)
    inner = adjoint(vectors) @ g[1]
    if is_complex(vectors):
        check_phase(diagonal_of(inner).imag, "linalg_eigh_backward")
    inner = inner / differences(values)
    inner = inner - diagonal_matrix(diagonal_of(inner)) + diagonal_matrix(g[0])
    found = vectors @ inner @ adjoint(vectors)
    return (0.5 * (found + adjoint(found)),)  # Hermitian, as the input is taken to be


@general(
    joint=eigh_backward, name="linalg.eigh", method=False, returns=eigh_fields,
    samples=lambda: [call(SYMMETRIC), call(T((2, 2, 2), kind="symmetric"))],
)  # fmt: skip
def eigh(A: Array, UPLO: Any = "L") -> tuple[Array, Array]:
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
    turned, inner = adjoint(vectors), diagonal_matrix(g[0])
    if flows(g[1]):
        onto = turned @ g[1]
        check_phase(diagonal_of(onto).imag, "linalg_eig_backward")
        onto = (onto - turned @ vectors * over_columns(real(diagonal_of(onto)))) / conjugated(differences(values))
        inner = onto - diagonal_matrix(diagonal_of(onto)) + inner
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
    if not flows(g[0]) and not flows(g[2]):
        return (U @ (over_rows(g[1]) * Vh),)
    g_U, V, g_V = g[0][..., :count], adjoint(Vh), adjoint(g[2][..., :count, :])
    left, right = adjoint(U) @ g_U, Vh @ g_V
    skew = left - adjoint(left)
    E = differences(S * S)
    inner = skew / E * over_columns(S) + over_rows(S) * ((right - adjoint(right)) / E)
    inner = inner + diagonal_matrix(g[1])
    if is_complex(U):
        check_phase(diagonal_of(left + right).imag, "svd_backward", "phase term, making it ill-defined.")
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
        raise RuntimeError("The QR decomposition is not differentiable when mode='complete' and nrows > ncols.")
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
def linalg_qr(A: Array, mode: Any = "reduced") -> tuple[Array, Array]:
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
    return reflected(A, tau, where(wrap(np.array(True)), wrap(first), A), transpose=False)  # connected to A


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


__all__ = ["svd", "qr", "geqrf", "orgqr", "ormqr"]
ALIASES: dict[str, tuple[str, ...]] = {}
