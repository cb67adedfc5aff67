"""Estimates: gradients of a function from its values at points, and factors of low rank from random projections."""

from __future__ import annotations

from typing import Any

from .. import creation, dtypes
from ..tensor import Tensor
from .along import part_along
from .decompositions import linalg_qr, linalg_svd
from .dims import position
from .joining import cat
from .kinds import composite
from .products import adjoint
from .reductions import mean
from .samples import T, call

# --- gradients --------------------------------------------------------------------------------------------------------------------


def from_neighbours(y: Any, dim: int, widths: Any, edge_order: int) -> Any:
    """The slopes of `y` along a dimension: inside from both neighbours, at the ends from the next one or two points.

    `widths` are the distances of neighbours, in a shape that broadcasts, or one number for all. Between unequal neighbours the
    slopes on both sides count with the width of the other side: second order (Quarteroni et al., Numerical Mathematics, 10.10.1).
    """

    def part(x: Any, first: int | None, end: int | None) -> Any:
        return part_along(x, dim, slice(first, end)) if isinstance(x, Tensor) and x.ndim else x

    slopes = (part(y, 1, None) - part(y, None, -1)) / widths
    before, after = part(widths, None, -1), part(widths, 1, None)
    inside = (part(slopes, None, -1) * after + part(slopes, 1, None) * before) / (before + after)
    first, last = part(slopes, None, 1), part(slopes, -1, None)
    if edge_order == 2:
        first = first + (first - part(slopes, 1, 2)) * part(widths, None, 1) / (part(widths, None, 1) + part(widths, 1, 2))
        last = last + (last - part(slopes, -2, -1)) * part(widths, -1, None) / (part(widths, -1, None) + part(widths, -2, -1))
    return cat([first, inside, last], dim)


def widths_between(points: Any, dim: int, rank: int) -> Any:
    """The distances of neighbouring coordinates, along a dimension; a number as it is."""
    if not isinstance(points, Tensor) or not points.ndim:
        return points
    return (points[1:] - points[:-1]).reshape((*(1,) * dim, -1, *(1,) * (rank - 1 - dim)))


def spacing_of_dims(spacing: Any, dim: Any, rank: int) -> tuple[list, list]:
    """The dimensions asked for, and the spacing along each. Raises RuntimeError where there are too few or too many."""
    dims = list(range(rank)) if dim is None else [position(one, rank) for one in (dim if isinstance(dim, (tuple, list)) else [dim])]
    if len(set(dims)) < len(dims):
        twice = next(one for one in dims if dims.count(one) > 1)
        raise RuntimeError(f"dim {twice} appears multiple times in the list of dims")
    if not isinstance(spacing, (tuple, list)):
        spacing = 1 if spacing is None else spacing
        if isinstance(spacing, str) or (isinstance(spacing, Tensor) and spacing.ndim):
            raise TypeError(f"gradient(): argument 'spacing' must be a number, or a sequence of them, not {type(spacing).__name__}")
        return dims, [spacing] * len(dims)
    if len(spacing) != len(dims):
        why = f"'self.dim() = {rank}', since dim argument was not given," if dim is None else f"dim ({len(dims)}),"
        raise RuntimeError(
            f"torch.gradient expected spacing to be unspecified, a scalar, or a list of length equal to {why} but got a list of "
            f"length {len(spacing)}"
        )
    return dims, list(spacing)


@composite(method=False, samples=lambda: [
    call(T((3, 4))), call(T((3, 4)), spacing=2.0, dim=1, edge_order=2),
    call(T((4,)), spacing=(T((4,), kind="sorted", grad=False),)),
])  # fmt: skip
def gradient(input: Any, *, spacing: Any = 1, dim: Any = None, edge_order: int = 1) -> tuple:
    """Estimates of the gradient of a function sampled at the points of a grid: a tensor for each dimension (of `dim`).

    `spacing` is the distance of the points: one number, one per dimension, or per dimension a vector of coordinates. `edge_order` 1
    or 2 is the order at the ends. Raises RuntimeError for another, and for a dimension that has no more points than that.
    """
    if edge_order not in (1, 2):
        raise RuntimeError("torch.gradient only supports edge_order=1 and edge_order=2.")
    if input.dtype is dtypes.uint8:
        raise RuntimeError("torch.gradient does not support uint8 input.")
    dims, spacings = spacing_of_dims(spacing, dim, input.ndim)
    if any(input.shape[one] <= edge_order for one in dims):
        raise RuntimeError("torch.gradient expected each dimension size to be at least edge_order+1")
    widths = [widths_between(one, place, input.ndim) for one, place in zip(spacings, dims, strict=True)]
    return tuple(from_neighbours(input, one, width, edge_order) for one, width in zip(dims, widths, strict=True))


# --- low rank ---------------------------------------------------------------------------------------------------------------------


def approximate_range(A: Tensor, q: int, niter: int) -> Tensor:
    """Q with `q` orthonormal columns that span about the range of A (Halko et al., 2009, algorithm 4.4)."""
    Q = linalg_qr(A @ creation.randn(A.shape[-1], q, dtype=A.dtype))[0]
    for _ in range(niter):
        Q = linalg_qr(A @ linalg_qr(adjoint(A) @ Q)[0])[0]
    return Q


def svd_lowrank(
    A: Tensor, q: int | None = 6, niter: int | None = 2, M: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """U, S and V of rank `q` with A (less M) about U diag(S) V^H, by `niter` subspace iterations from random vectors.

    Source: Halko, Martinsson and Tropp, Finding structure with randomness (2009).
    """
    A = A if M is None else A - M
    wide = A.shape[-2] < A.shape[-1]
    A = adjoint(A) if wide else A
    Q = approximate_range(A, 6 if q is None else q, 2 if niter is None else niter)
    U, S, Vh = linalg_svd(adjoint(Q) @ A, False)
    U, V = Q @ U, adjoint(Vh)
    return (V, S, U) if wide else (U, S, V)


def pca_lowrank(A: Tensor, q: int | None = None, center: bool = True, niter: int = 2) -> tuple[Tensor, Tensor, Tensor]:
    """The `q` (by default 6) principal components of the rows of A, as `svd_lowrank` gives them."""
    smaller = min(A.shape[-2:])
    q = min(6, smaller) if q is None else q
    if not 0 <= q <= smaller:
        raise ValueError(f"q(={q}) must be non-negative integer and not greater than min(m, n)={smaller}")
    if niter < 0:
        raise ValueError(f"niter(={niter}) must be non-negative integer")
    return svd_lowrank(A - mean(A, -2, True) if center else A, q, niter)


__all__ = ["gradient", "pca_lowrank", "svd_lowrank"]
