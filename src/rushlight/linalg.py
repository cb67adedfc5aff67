"""Linear algebra, as `torch.linalg`: decompositions, solvers, norms.

All functions are batched over leading dimensions.
"""

from __future__ import annotations

from .ops.contractions import linalg_cross, matrix_power, multi_dot, vecdot
from .ops.decompositions import eig, eigh, eigvals, eigvalsh, linalg_qr, linalg_svd, orgqr, svdvals
from .ops.factorizations import (
    ldl_factor,
    ldl_factor_ex,
    ldl_solve,
    linalg_lu,
    linalg_lu_solve,
    lu_factor,
    lu_factor_ex,
)
from .ops.linalg import (
    LinAlgError,
    cholesky_ex,
    det,
    inv,
    inv_ex,
    linalg_cholesky,
    linalg_slogdet_op,
    solve,
    solve_ex,
    solve_triangular,
)
from .ops.matrix_functions import (
    cond,
    linalg_diagonal,
    linalg_vander,
    lstsq,
    matrix_exp,
    matrix_norm,
    matrix_rank,
    norm,
    pinv,
    tensorinv,
    tensorsolve,
)
from .ops.norms import vector_norm
from .ops.products import matmul

# Where torch has another function of the same name.
cholesky, cross, diagonal, lu, lu_solve = linalg_cholesky, linalg_cross, linalg_diagonal, linalg_lu, linalg_lu_solve
qr, slogdet, svd, vander, householder_product = linalg_qr, linalg_slogdet_op, linalg_svd, linalg_vander, orgqr

__all__ = [
    "LinAlgError", "cholesky", "cholesky_ex", "cond", "cross", "det", "diagonal", "eig", "eigh", "eigvals", "eigvalsh",
    "householder_product", "inv", "inv_ex", "ldl_factor", "ldl_factor_ex", "ldl_solve", "lstsq", "lu", "lu_factor",
    "lu_factor_ex", "lu_solve", "matmul", "matrix_exp", "matrix_norm", "matrix_power", "matrix_rank", "multi_dot",
    "norm", "pinv", "qr", "slogdet", "solve", "solve_ex", "solve_triangular", "svd", "svdvals", "tensorinv",
    "tensorsolve", "vander", "vecdot", "vector_norm",
]  # fmt: skip
