"""Linear algebra, as `torch.linalg`: decompositions, solvers, norms.

All functions are batched over leading dimensions.
"""

from __future__ import annotations

from .ops.contractions import linalg_cross as cross
from .ops.contractions import matrix_power, multi_dot, vecdot
from .ops.decompositions import (
    eig,
    eigh,
    eigvals,
    eigvalsh,
    ldl_factor,
    ldl_factor_ex,
    ldl_solve,
    lu_factor,
    lu_factor_ex,
    svdvals,
)
from .ops.decompositions import (
    linalg_lu as lu,
)
from .ops.decompositions import (
    linalg_lu_solve as lu_solve,
)
from .ops.decompositions import (
    linalg_qr as qr,
)
from .ops.decompositions import (
    linalg_svd as svd,
)
from .ops.decompositions import (
    orgqr as householder_product,
)
from .ops.linalg import (
    LinAlgError,
    cholesky_ex,
    det,
    inv,
    inv_ex,
    solve,
    solve_ex,
    solve_triangular,
)
from .ops.linalg import (
    linalg_cholesky as cholesky,
)
from .ops.linalg import (
    linalg_slogdet_op as slogdet,
)
from .ops.matrix_functions import (
    cond,
    lstsq,
    matrix_exp,
    matrix_norm,
    matrix_rank,
    norm,
    pinv,
    tensorinv,
    tensorsolve,
)
from .ops.matrix_functions import (
    linalg_diagonal as diagonal,
)
from .ops.matrix_functions import (
    linalg_vander as vander,
)
from .ops.norms import vector_norm
from .ops.products import matmul

__all__ = [
    "LinAlgError", "cholesky", "cholesky_ex", "cond", "cross", "det", "diagonal", "eig", "eigh", "eigvals", "eigvalsh",
    "householder_product", "inv", "inv_ex", "ldl_factor", "ldl_factor_ex", "ldl_solve", "lstsq", "lu", "lu_factor",
    "lu_factor_ex",
    "lu_solve", "matmul", "matrix_exp", "matrix_norm", "matrix_power", "matrix_rank", "multi_dot", "norm", "pinv",
    "qr", "slogdet",
    "solve", "solve_ex", "solve_triangular", "svd", "svdvals", "tensorinv", "tensorsolve", "vander", "vecdot",
    "vector_norm",
]  # fmt: skip
