"""Every op, a file per family. An op is declared once: forward, derivative and documentation stand together."""

from __future__ import annotations

from . import (
    accumulations,
    activations,
    arranging,
    casting,
    comparisons,
    complexes,
    contractions,
    diagonals,
    dropout,
    einsum,
    filling,
    functions,
    indexing,
    joining,
    norms,
    operators,
    picking,
    pointwise,
    products,
    reductions,
    restriding,
    rows,
    scans,
    scattering,
    shapes,
    sorting,
    statistics,
)
from .registry import attach, attach_on_demand

# The families whose ops are methods of Tensor; those of nn.functional are loaded with it.
attach([
    pointwise,
    functions,
    comparisons,
    complexes,
    operators,
    reductions,
    scans,
    sorting,
    statistics,
    norms,
    shapes,
    arranging,
    joining,
    indexing,
    picking,
    scattering,
    rows,
    diagonals,
    restriding,
    filling,
    casting,
    products,
    accumulations,
    einsum,
    contractions,
    activations,
    dropout,
])

# Families that are loaded when one of their methods, or functions of the torch namespace, is first used.
ON_DEMAND = {
    "linalg": ("cholesky", "cholesky_inverse", "cholesky_solve", "det", "inverse", "logdet", "slogdet", "triangular_solve"),
    "decompositions": ("geqrf", "orgqr", "ormqr", "qr", "svd"),
    "factorizations": ("lu", "lu_solve", "lu_unpack"),
    "matrix_functions": ("matrix_exp", "pinverse"),
    "signal": ("istft", "stft"),
    "special": ("igamma", "igamma_", "igammac", "igammac_", "mvlgamma", "mvlgamma_"),
}
ON_DEMAND_FUNCTIONS = {
    "signal": ("bartlett_window", "blackman_window", "hamming_window", "hann_window", "kaiser_window"),
}
attach_on_demand(ON_DEMAND)
