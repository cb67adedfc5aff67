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
    "copies": ("unsafe_chunk", "unsafe_split", "unsafe_split_with_sizes"),
    "linalg": ("cholesky", "cholesky_inverse", "cholesky_solve", "det", "inverse", "logdet", "slogdet", "triangular_solve"),
    "decompositions": ("geqrf", "orgqr", "ormqr", "qr", "svd"),
    "factorizations": ("lu", "lu_solve", "lu_unpack"),
    "matrix_functions": ("matrix_exp", "pinverse"),
    "signal": ("istft", "stft"),
    "special": ("igamma", "igamma_", "igammac", "igammac_", "mvlgamma", "mvlgamma_"),
}
ON_DEMAND_FUNCTIONS = {
    "signal": ("bartlett_window", "blackman_window", "hamming_window", "hann_window", "kaiser_window"),
    "losses": (
        "binary_cross_entropy_with_logits", "cosine_embedding_loss", "cosine_similarity", "ctc_loss", "hinge_embedding_loss",
        "kl_div", "margin_ranking_loss", "pairwise_distance", "poisson_nll_loss", "triplet_margin_loss",
    ),
    "normalization": (
        "batch_norm", "group_norm", "instance_norm", "layer_norm", "native_batch_norm", "native_group_norm",
        "native_layer_norm", "rms_norm",
    ),
    "convolution": (
        "conv1d", "conv2d", "conv3d", "conv_tbc", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "convolution",
    ),
    "pooling": (
        "adaptive_avg_pool1d", "adaptive_max_pool1d", "avg_pool1d",
        "max_pool1d", "max_pool1d_with_indices", "max_pool2d", "max_pool3d",
    ),
    "embedding": ("embedding",),
    "estimates": ("gradient", "pca_lowrank", "svd_lowrank"),
    "matrix_functions": ("vander",),
    "vision": (
        "affine_grid_generator", "channel_shuffle", "constant_pad_nd", "grid_sampler", "grid_sampler_2d", "grid_sampler_3d",
        "native_channel_shuffle", "pixel_shuffle", "pixel_unshuffle",
    ),
}  # fmt: skip
attach_on_demand(ON_DEMAND)


def __getattr__(name: str) -> object:
    if name == "aten":
        from .overloads import aten

        return aten
    raise AttributeError(f"'_OpNamespace' '{name}' is not known: there is torch.ops.aten only")
