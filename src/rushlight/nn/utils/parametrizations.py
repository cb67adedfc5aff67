"""Ready parametrizations: weight norm, spectral norm and orthogonal matrices."""

from __future__ import annotations

from typing import TYPE_CHECKING

import rushlight
from rushlight.nn import functional as F
from rushlight.nn.modules.module import Module
from rushlight.nn.utils import parametrize
from rushlight.ops.norms import norm_except_dim

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = ["orthogonal", "spectral_norm", "weight_norm"]


class _WeightNorm(Module):
    def __init__(self, dim: int | None = 0) -> None:
        super().__init__()
        self.dim = -1 if dim is None else dim

    def forward(self, weight_g: Tensor, weight_v: Tensor) -> Tensor:
        return weight_v * (weight_g / norm_except_dim(weight_v, 2, self.dim))

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        return norm_except_dim(weight, 2, self.dim), weight


def weight_norm(module: Module, name: str = "weight", dim: int | None = 0) -> Module:
    """Make a weight the product of a size per index of `dim` and a direction (Salimans & Kingma 2016)."""
    return parametrize.register_parametrization(module, name, _WeightNorm(dim), unsafe=True)


class _SpectralNorm(Module):
    """Divides a matrix by its greatest singular value, which power iteration follows from call to call."""

    def __init__(self, weight: Tensor, n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12) -> None:
        super().__init__()
        n_dims = weight.dim()
        if not -n_dims <= dim < n_dims:
            raise IndexError(
                f"Dimension out of range (expected to be in range of [-{n_dims}, {n_dims - 1}] but got {dim})"
            )
        if n_power_iterations <= 0:
            raise ValueError(
                "Expected n_power_iterations to be positive, but got "
                f"n_power_iterations={n_power_iterations}"
            )
        self.dim = dim % n_dims
        self.eps = eps
        if n_dims > 1:
            self.n_power_iterations = n_power_iterations
            matrix = self._as_matrix(weight).detach()
            rows, columns = matrix.shape
            u, v = (matrix.new_empty(size).normal_(0, 1) for size in (rows, columns))
            self.register_buffer("_u", F.normalize(u, dim=0, eps=eps))
            self.register_buffer("_v", F.normalize(v, dim=0, eps=eps))
            self._iterate(matrix, 15)

    def _as_matrix(self, weight: Tensor) -> Tensor:
        return weight.movedim(self.dim, 0).flatten(1) if weight.dim() > 1 else weight

    def _iterate(self, matrix: Tensor, n: int) -> None:
        with rushlight.no_grad():
            for _ in range(n):
                self._u.copy_(F.normalize(matrix @ self._v, dim=0, eps=self.eps))
                self._v.copy_(F.normalize(matrix.t() @ self._u, dim=0, eps=self.eps))

    def forward(self, weight: Tensor) -> Tensor:
        if weight.dim() == 1:
            return F.normalize(weight, dim=0, eps=self.eps)
        matrix = self._as_matrix(weight)
        if self.training:
            self._iterate(matrix.detach(), self.n_power_iterations)
        u, v = self._u.clone(), self._v.clone()  # backward needs them as they are now
        return weight / (u @ (matrix @ v))

    def right_inverse(self, value: Tensor) -> Tensor:
        return value


def spectral_norm(
    module: Module, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> Module:
    """Divide a weight by its greatest singular value (Miyato et al. 2018), over dimension `dim` and all others."""
    weight = getattr(module, name, None)
    if not isinstance(weight, rushlight.Tensor):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    if dim is None:
        dim = 1 if type(module).__name__.startswith("ConvTranspose") else 0
    return parametrize.register_parametrization(module, name, _SpectralNorm(weight, n_power_iterations, dim, eps))


class _Orthogonal(Module):
    """Makes a tall matrix (or each of a batch) one with orthonormal columns; a wide one is transposed before and after.

    With a base the tensor beneath says how far to turn away from it, and starts at minus the identity, which all maps take to the
    identity: so any orthogonal matrix can be assigned, and the maps have no singular point near it (Lezcano-Casado 2019).
    """

    base: Tensor | None

    def __init__(self, weight: Tensor, orthogonal_map: str, use_trivialization: bool) -> None:
        super().__init__()
        if weight.is_complex() and orthogonal_map == "householder":
            raise ValueError("The householder parametrization does not support complex tensors.")
        self.shape = weight.shape
        self.orthogonal_map = orthogonal_map
        if use_trivialization:
            self.register_buffer("base", None)

    def forward(self, X: Tensor) -> Tensor:
        tall = X.mT if self.is_wide(X) else X
        Q = self.by_reflections(tall) if self.orthogonal_map == "householder" else self.by_rotations(tall)
        if hasattr(self, "base"):
            Q = self.base @ Q
        return Q.mT if self.is_wide(X) else Q

    @staticmethod
    def is_wide(X: Tensor) -> bool:
        return X.size(-2) < X.size(-1)

    def by_reflections(self, X: Tensor) -> Tensor:
        """The product of the Householder reflections below the diagonal, with the diagonal's signs."""
        A = X.tril(diagonal=-1)
        Q = rushlight.linalg.householder_product(A, 2 / (1 + (A * A).sum(dim=-2)))
        return Q * X.diagonal(dim1=-2, dim2=-1).int().unsqueeze(-2)

    def by_rotations(self, X: Tensor) -> Tensor:
        """The exponential, or the Cayley map, of the skew matrix that the lower triangle gives."""
        n, k = X.size(-2), X.size(-1)
        lower = X.tril()
        if n != k:
            lower = rushlight.cat([lower, lower.new_zeros(n, n - k).expand(*lower.shape[:-2], -1, -1)], dim=-1)
        A = lower - lower.mH
        if self.orthogonal_map == "matrix_exp":
            Q = rushlight.matrix_exp(A)
        else:
            one = rushlight.eye(n, dtype=A.dtype)
            Q = rushlight.linalg.solve(rushlight.add(one, A, alpha=-0.5), rushlight.add(one, A, alpha=0.5))
        return Q[..., :k] if n != k else Q

    @rushlight.no_grad()
    def right_inverse(self, Q: Tensor) -> Tensor:
        if Q.shape != self.shape:
            raise ValueError(f"Expected a matrix or batch of matrices of shape {self.shape}. Got a tensor of shape {Q.shape}.")
        tall = Q.mT if self.is_wide(Q) else Q
        X = self.turned_from(tall) if hasattr(self, "base") else self.reflections_of(tall)
        return X.mT if self.is_wide(Q) else X

    def reflections_of(self, Q: Tensor) -> Tensor:
        """What `by_reflections` makes the matrix of. Raises NotImplementedError for the other maps."""
        if self.orthogonal_map != "householder":
            raise NotImplementedError(
                "It is not possible to assign to the matrix exponential or the Cayley parametrizations when "
                "use_trivialization=False."
            )
        A, tau = rushlight.geqrf(Q)
        diagonal = A.diagonal(dim1=-2, dim2=-1)
        diagonal.sign_()
        diagonal[tau == 0.0] *= -1  # no reflection where there should be one by minus the identity
        return A

    def turned_from(self, Q: Tensor) -> Tensor:
        """Makes the matrix the base; gives what stands for not turning away from it."""
        n, k = Q.size(-2), Q.size(-1)
        whole = Q
        if n != k:
            whole = rushlight.cat([Q, rushlight.randn(*(*Q.shape[:-2], n, n - k), dtype=Q.dtype)], dim=-1)
        self.base = _nearest(whole)
        start = rushlight.zeros_like(Q)
        start.diagonal(dim1=-2, dim2=-1).fill_(-1.0)
        return start


def _nearest(A: Tensor) -> Tensor:
    """The Q of A = QR with a positive diagonal of R: A itself where it is orthogonal."""
    X, tau = rushlight.geqrf(A)
    return rushlight.linalg.householder_product(X, tau) * X.diagonal(dim1=-2, dim2=-1).sgn().unsqueeze(-2)


def orthogonal(
    module: Module, name: str = "weight", orthogonal_map: str | None = None, *, use_trivialization: bool = True
) -> Module:
    """Make a weight's columns (its rows, if it has fewer) orthonormal, by `orthogonal_map`.

    The map is "matrix_exp" (by default of square and complex matrices), "cayley" or "householder" (by default of others). A weight
    of more than two dimensions is a batch of matrices. Raises ValueError for another map, a vector, and for a complex weight with
    "householder".
    """
    weight = getattr(module, name, None)
    if not isinstance(weight, rushlight.Tensor):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    if weight.ndim < 2:
        raise ValueError(f"Expected a matrix or batch of matrices. Got a tensor of {weight.ndim} dimensions.")
    if orthogonal_map is None:
        orthogonal_map = "matrix_exp" if weight.size(-2) == weight.size(-1) or weight.is_complex() else "householder"
    if orthogonal_map not in ("matrix_exp", "cayley", "householder"):
        raise ValueError(f'orthogonal_map has to be one of "matrix_exp", "cayley", "householder". Got: {orthogonal_map}')
    return parametrize.register_parametrization(module, name, _Orthogonal(weight, orthogonal_map, use_trivialization), unsafe=True)
