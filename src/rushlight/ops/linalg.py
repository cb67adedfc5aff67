"""Linear algebra on square systems: determinants, inverses, solvers, Cholesky, functions of matrices. Batched over
leading dimensions.

Derivatives: M. Giles, "Collected matrix derivative results for forward and reverse mode algorithmic differentiation"
(2008), with conjugates where the matrices are complex. In the rules g is the cotangent.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import return_types
from . import pointwise, reductions
from .checks import everywhere, somewhere
from .comparisons import where
from .decompositions import linalg_svd
from .functions import log
from .kinds import Array, composite, constant_op, general
from .matrices import (
    LinAlgError,
    batch_prefix,
    check_square,
    each_matrix,
    identity,
    int32,
    is_complex,
    lapack,
    lower,
    upper,
)
from .products import adjoint, conjugated
from .samples import T, call

linalg_slogdet = return_types.make("linalg_slogdet", "sign", "logabsdet")
slogdet_fields = return_types.make("slogdet", "sign", "logabsdet")
inv_fields = return_types.make("linalg_inv_ex", "inverse", "info")
solve_fields = return_types.make("linalg_solve_ex", "result", "info")
cholesky_fields = return_types.make("linalg_cholesky_ex", "L", "info")
triangular_fields = return_types.make("triangular_solve", "solution", "cloned_coefficient")

POSITIVE = T((3, 3), kind="positive_definite")
POSITIVES = T((2, 3, 3), kind="positive_definite")


def as_column(x: Any) -> Any:
    """Numbers of a batch as matrices of one element."""
    return x.reshape(*x.shape, 1, 1)


# --- determinants ----------------------------------------------------------------------------------------------------


def det_backward(g: Any, A: Any, out: Any) -> Any:
    """`g conj(det) A^-H`; of singular matrices by their cofactors, from the singular value decomposition."""
    if everywhere(out != 0):
        return as_column(g * conjugated(out)) * adjoint(inv(A))
    U, S, Vh = linalg_svd(A)
    count = A.shape[-1]
    others = 1 - identity(S)
    # The products of all singular values but one.
    rest = reductions.prod(S.reshape(*S.shape[:-1], 1, count) * others + (1 - others), -1)
    return as_column(g * conjugated(det(U) * det(Vh))) * (U * rest.reshape(*rest.shape[:-1], 1, count) @ Vh)


@general(
    det_backward, node="LinalgDetBackward0", samples=lambda: [call(T((3, 3))), call(T((2, 2, 2))), call(T((0, 0)))]
)
def det(A: Array) -> Array:
    """The determinants of square matrices. Raises RuntimeError for others."""
    check_square("linalg.det", A)
    return np.linalg.det(A)


def slogdet_backward(g: tuple, A: Any, out: tuple) -> tuple:
    """From d(log det) = tr(A^-1 dA): its real part goes to `logabsdet`, its imaginary part turns `sign`."""
    sign_g, log_g = g
    weight = log_g - 1j * (conjugated(sign_g) * out[0]).imag if is_complex(A) else log_g
    return (as_column(weight) * adjoint(inv(A)),)


@general(
    joint=slogdet_backward, name="linalg.slogdet", method=False, returns=linalg_slogdet,
    samples=lambda: [call(POSITIVE), call(T((2, 2, 2)))],
)  # fmt: skip
def linalg_slogdet_op(A: Array) -> tuple[Array, Array]:
    """The determinants' signs (complex: of magnitude one) and the logarithms of their magnitudes.

    (0, -inf) for singular matrices.
    """
    check_square("linalg.slogdet", A)
    sign, logabsdet = np.linalg.slogdet(A)
    return sign, logabsdet


@composite(out=True, returns=slogdet_fields, samples=lambda: [call(POSITIVE)])
def slogdet(input: Any) -> Any:
    """As `linalg.slogdet`."""
    return slogdet_fields(*linalg_slogdet_op(input))


@composite(samples=lambda: [call(POSITIVE), call(POSITIVES)])
def logdet(input: Any) -> Any:
    """The logarithms of determinants: NaN for negative ones, -inf for zero."""
    sign, logabsdet = linalg_slogdet_op(input)
    return logabsdet + log(sign)


# --- inverses and solvers --------------------------------------------------------------------------------------------


def first_singular(A: Any) -> tuple[int, int]:
    """Which matrix of a batch is singular, and which diagonal element of its U is zero (from one)."""
    getrf = lapack("getrf", A)
    for number, matrix in enumerate(A.reshape(-1, *A.shape[-2:])):
        info = getrf(matrix)[2]
        if info > 0:
            return number, info
    return 0, A.shape[-1]


@general(
    lambda g, out: -(adjoint(out) @ g @ adjoint(out)), name="inverse", node="LinalgInvExBackward0",
    samples=lambda: [call(POSITIVE), call(POSITIVES), call(T((0, 0)))],
)  # fmt: skip
def inv(A: Array) -> Array:
    """The inverses of square matrices. Raises LinAlgError for singular ones, and names the zero on the diagonal."""
    check_square("linalg.inv", A)
    try:
        return np.linalg.inv(A)
    except np.linalg.LinAlgError:
        number, element = first_singular(A)
        raise LinAlgError(
            f"linalg.inv: {batch_prefix(A.shape, number)}The diagonal element {element} is zero, the inversion could "
            "not be "
            "completed because the input matrix is singular."
        ) from None


@constant_op(name="linalg.getrf_info", method=False, samples=lambda: [call(POSITIVE), call(POSITIVES)])
def singularity(A: Array) -> Array:
    """Per matrix, zero or the number of the first zero on the diagonal of U."""
    if not A.size:
        return np.zeros(A.shape[:-2], int32)
    getrf = lapack("getrf", A)
    return each_matrix(lambda matrix: (np.array(getrf(matrix)[2], int32),), A)[0].astype(int32)


@composite(out=True, returns=inv_fields, name="linalg.inv_ex", method=False, samples=lambda: [call(POSITIVE)])
def inv_ex(A: Any, *, check_errors: bool = False) -> Any:
    """The inverses, and per matrix zero or what is wrong with it; nothing is raised unless `check_errors`."""
    info = singularity(A)
    if check_errors or not somewhere(info):
        return inv_fields(inv(A), info)
    good = info.reshape(*info.shape, 1, 1) == 0
    return inv_fields(inv(where(good, A, identity(A))) - log(good.to(A.dtype)), info)


def is_vector(A: Any, B: Any) -> bool:
    """Whether the right-hand side of a system is vectors, one per matrix, rather than matrices."""
    return len(B.shape) == 1 or (len(A.shape) - 1 == len(B.shape) and tuple(B.shape) == tuple(A.shape[:-1]))


def solve_backward(g: Any, input: Any, other: Any, out: Any, needs: tuple) -> tuple:
    """The cotangent of the right-hand side solves the adjoint system.

    The matrix's is its negative outer product with the result.
    """
    vector = is_vector(input, other)
    columns = g.reshape(*g.shape, 1) if vector else g
    right = matrix_solve(adjoint(input), columns)
    left = None
    if needs[0]:
        left = -(right @ adjoint(out.reshape(*out.shape, 1) if vector else out))
    return left, right.reshape(right.shape[:-1]) if vector else right


@general(
    joint=solve_backward, name="linalg.matrix_solve", node="LinalgSolveExBackward0", method=False, broadcasts=True,
    samples=lambda: [
        call(POSITIVE, T((3, 2))), call(POSITIVE, T((3,))), call(POSITIVES, T((2, 3, 1))), call(POSITIVES, T((2, 3))),
    ],
)  # fmt: skip
def matrix_solve(input: Array, other: Array) -> Array:
    """The X of `input @ X = other`."""
    check_square("linalg.solve", input)
    if input.dtype != other.dtype:
        raise RuntimeError(
            "linalg.solve: Expected A and B to have the same dtype, but found A of type "
            f"{input.dtype.name} and B of type {other.dtype.name} instead"
        )
    vector = is_vector(input, other)
    columns = other[..., None] if vector else other
    if columns.shape[-2] != input.shape[-1]:
        raise RuntimeError(
            "linalg.solve: Incompatible shapes of A and B for the equation AX = B "
            f"({input.shape[-2]}x{input.shape[-1]} and {columns.shape[-2]}x{columns.shape[-1]})"
        )
    try:
        found = np.linalg.solve(input, columns)
    except np.linalg.LinAlgError:
        number = batch_prefix(input.shape, first_singular(input)[0])
        raise LinAlgError(
            f"torch.linalg.solve: {number}The solver failed because the input matrix is singular."
        ) from None
    return found[..., 0] if vector else found


@composite(name="linalg.solve", method=False, out=True, samples=lambda: [call(POSITIVE, T((2, 3)), left=False)])
def solve(A: Any, B: Any, *, left: bool = True) -> Any:
    """The X of `A @ X = B` (or, with `left` false, of `X @ A = B`). B is matrices, or vectors, one per A.

    Raises LinAlgError for singular matrices.
    """
    return matrix_solve(A, B) if left else matrix_solve(A.mT, B.mT).mT


@composite(
    out=True, returns=solve_fields, name="linalg.solve_ex", method=False, samples=lambda: [call(POSITIVE, T((3, 2)))]
)
def solve_ex(A: Any, B: Any, *, left: bool = True, check_errors: bool = False) -> Any:
    """The solution, and per matrix zero or what is wrong with it."""
    return solve_fields(solve(A, B, left=left), singularity(A))


def triangular_backward(g: Any, A: Any, out: Any, needs: tuple, upper: bool, unitriangular: bool) -> tuple:
    """As for a full matrix, within the triangle."""
    right = triangular(adjoint(A), g, upper=not upper, unitriangular=unitriangular)
    if not needs[0]:
        return None, right
    offset = int(unitriangular)
    part = triangle_upper if upper else triangle_lower
    return part(-(right @ adjoint(out)), offset if upper else -offset), right


triangle_upper, triangle_lower = upper, lower  # under names that no parameter takes


@general(
    joint=triangular_backward, name="linalg.triangular", method=False, broadcasts=True,
    node="LinalgSolveTriangularBackward0",
    samples=lambda: [
        call(POSITIVE, T((3, 2)), upper=True), call(POSITIVES, T((2, 3, 2)), upper=False, unitriangular=True),
    ],
)  # fmt: skip
def triangular(A: Array, B: Array, *, upper: bool, unitriangular: bool = False) -> Array:
    """The X of `A @ X = B` for one triangle of A, the rest of which is not looked at."""
    check_square("linalg.solve_triangular", A)
    if A.shape[-1] != B.shape[-2]:
        raise RuntimeError(
            "linalg.solve_triangular: Incompatible shapes of A and B for the equation AX = B "
            f"({A.shape[-2]}x{A.shape[-1]} and {B.shape[-2]}x{B.shape[-1]})"
        )
    batch = np.broadcast_shapes(A.shape[:-2], B.shape[:-2])
    left, right = np.broadcast_to(A, batch + A.shape[-2:]), np.broadcast_to(B, batch + B.shape[-2:])
    if not right.size:
        return np.empty(right.shape, right.dtype)
    trtrs = lapack("trtrs", A)

    def one(a: Any, b: Any) -> tuple:
        found, info = trtrs(a, b, lower=not upper, unitdiag=unitriangular)
        return (np.ascontiguousarray(found) if not info else by_substitution(a, b, upper),)

    return each_matrix(one, left, right)[0].astype(B.dtype, copy=False)


def by_substitution(a: Any, b: Any, upper: bool) -> Any:
    """The solution of a triangular system with zeros on the diagonal: infinities and NaNs, as divisions give them."""
    found = b.copy()
    rows = range(len(a))
    with np.errstate(all="ignore"):
        for i in reversed(rows) if upper else rows:
            known = slice(i + 1, None) if upper else slice(0, i)
            found[i] = (found[i] - a[i, known] @ found[known]) / a[i, i]
    return found


@composite(
    name="linalg.solve_triangular", method=False, out=True,
    samples=lambda: [call(POSITIVE, T((3, 2)), upper=True), call(POSITIVE, T((2, 3)), upper=False, left=False)],
)  # fmt: skip
def solve_triangular(A: Any, B: Any, *, upper: bool, left: bool = True, unitriangular: bool = False) -> Any:
    """The X of `A @ X = B` (or `X @ A = B`) for a triangular A; `unitriangular` takes its diagonal as ones."""
    if left:
        return triangular(A, B, upper=upper, unitriangular=unitriangular)
    return triangular(A.mT, B.mT, upper=not upper, unitriangular=unitriangular).mT


@composite(out=True, returns=triangular_fields, samples=lambda: [call(T((3, 2)), POSITIVE)])
def triangular_solve(
    input: Any, A: Any, upper: bool = True, transpose: bool = False, unitriangular: bool = False
) -> Any:
    """The solution of `A @ X = input` for a triangular A, and a copy of A."""
    turned = A.mT if transpose else A
    return triangular_fields(
        triangular(turned, input, upper=upper != transpose, unitriangular=unitriangular), A.clone()
    )


# --- Cholesky --------------------------------------------------------------------------------------------------------


def cholesky_backward(g: Any, out: Any, upper: bool) -> Any:
    """L^-H Phi(L^H g) L^-1, made Hermitian, where Phi takes the lower triangle and halves the diagonal (I.

    Murray, 2016).
    """
    factor, g = (adjoint(out), adjoint(g)) if upper else (out, g)
    inner = lower(adjoint(factor) @ g)
    inner = inner + adjoint(lower(inner, -1))
    left = triangular(adjoint(factor), inner, upper=True)
    return 0.5 * adjoint(triangular(adjoint(factor), adjoint(left), upper=True))


def cholesky_info(A: Any) -> Any:
    """Per matrix, zero or the order of the first leading minor that is not positive."""
    if not A.size:
        return np.zeros(A.shape[:-2], int32)
    potrf = lapack("potrf", A)
    return each_matrix(lambda matrix: (np.array(potrf(matrix, lower=True)[1], int32),), A)[0].astype(int32)


@general(
    cholesky_backward, name="linalg.cholesky", node="LinalgCholeskyExBackward0", method=False,
    samples=lambda: [call(POSITIVE), call(POSITIVES), call(POSITIVE, upper=True), call(T((0, 0)))],
)  # fmt: skip
def linalg_cholesky(A: Array, *, upper: bool = False) -> Array:
    """The Cholesky factor of Hermitian positive-definite matrices, of which one triangle is read.

    It is the lower triangular L with `A = L @ L.mH`, or with `upper` the U with `A = U.mH @ U`. Raises LinAlgError for
    other matrices.
    """
    check_square("linalg.cholesky", A)
    try:
        return np.linalg.cholesky(A, upper=upper)
    except np.linalg.LinAlgError:
        info = cholesky_info(np.conj(np.swapaxes(A, -1, -2)) if upper else A).reshape(-1)
        number = int(np.flatnonzero(info)[0]) if info.any() else 0
        raise LinAlgError(
            f"linalg.cholesky: {batch_prefix(A.shape, number)}The factorization could not be completed because the "
            "input is not "
            f"positive-definite (the leading minor of order {info[number]} is not positive-definite)."
        ) from None


@composite(out=True, samples=lambda: [call(POSITIVE), call(POSITIVE, True)])
def cholesky(input: Any, upper: bool = False) -> Any:
    """As `linalg.cholesky`."""
    return linalg_cholesky(input, upper=upper)


@constant_op(name="linalg.potrf_info", method=False, samples=lambda: [call(POSITIVE), call(POSITIVES)])
def definiteness(A: Array) -> Array:
    """Per matrix, zero or the order of the first leading minor that is not positive."""
    check_square("linalg.cholesky_ex", A)
    return cholesky_info(A)


@composite(out=True, returns=cholesky_fields, name="linalg.cholesky_ex", method=False, samples=lambda: [call(POSITIVE)])
def cholesky_ex(A: Any, *, upper: bool = False, check_errors: bool = False) -> Any:
    """The Cholesky factor, and per matrix zero or the order of the first leading minor that is not positive."""
    info = definiteness(adjoint(A) if upper else A)
    if not check_errors and somewhere(info):
        good = info.reshape(*info.shape, 1, 1) == 0
        A = where(good, A, identity(A))  # the factor of a matrix without one says nothing
    return cholesky_fields(linalg_cholesky(A, upper=upper), info)


@composite(out=True, samples=lambda: [call(T((3, 2)), POSITIVE), call(T((3, 2)), POSITIVE, True)])
def cholesky_solve(input: Any, L: Any, upper: bool = False) -> Any:
    """The X of `A @ X = input`, given the Cholesky factor of A."""
    factor = adjoint(L) if upper else L
    return triangular(adjoint(factor), triangular(factor, input, upper=False), upper=True)


@composite(out=True, samples=lambda: [call(POSITIVE), call(POSITIVE, True)])
def cholesky_inverse(input: Any, upper: bool = False) -> Any:
    """The inverse of A, given its Cholesky factor."""
    return cholesky_solve(pointwise.mul(input, 0) + identity(input), input, upper)


inverse = inv

__all__ = ["det", "slogdet", "logdet", "inverse", "triangular_solve", "cholesky", "cholesky_solve", "cholesky_inverse"]
ALIASES: dict[str, tuple[str, ...]] = {}
