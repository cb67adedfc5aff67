"""Derivatives of decompositions where values coincide, and of losses that depend on the phase of vectors."""

from __future__ import annotations

from .programs import attempts, case


def gradient(torch, function, matrix):
    x = matrix.clone().requires_grad_()
    (g,) = torch.autograd.grad(function(x).sum(), x)
    return torch.view_as_real(g) if g.is_complex() else g


def matrices(torch):
    eye = torch.eye(2, dtype=torch.float64)
    return eye, eye * 0, torch.zeros(3, 2, dtype=torch.float64)


@case
def singular_values_that_coincide(torch):
    linalg = torch.linalg
    functions = (
        linalg.svdvals, lambda x: linalg.svd(x).S, lambda x: linalg.svd(x, full_matrices=False)[1],
        lambda x: linalg.matrix_norm(x, "nuc"), lambda x: linalg.matrix_norm(x, 2),
    )  # fmt: skip
    return [[gradient(torch, f, matrix) for matrix in matrices(torch)] for f in functions]


@case
def eigenvalues_that_coincide(torch):
    linalg = torch.linalg
    functions = (linalg.eigvalsh, lambda x: linalg.eigvals(x).real, lambda x: linalg.eigh(x)[0])
    return [[gradient(torch, f, matrix) for matrix in matrices(torch)[:2]] for f in functions]


@case
def losses_of_the_phase(torch):
    linalg = torch.linalg
    A = torch.tensor([[1 + 2j, 0.5 - 1j], [0.3 + 0.1j, -1 + 0.7j]], dtype=torch.complex128)
    return attempts(
        lambda: gradient(torch, lambda x: linalg.eig(x)[1].real, A),
        lambda: gradient(torch, lambda x: linalg.eigh(x)[1].real, A + A.mH),
        lambda: gradient(torch, lambda x: linalg.svd(x)[0].real, A),
        lambda: gradient(torch, lambda x: linalg.svd(x)[2].imag, A),
        lambda: gradient(torch, lambda x: linalg.eigh(x)[1].abs(), A + A.mH),
        lambda: gradient(torch, lambda x: linalg.eig(x)[1].abs(), A),
        lambda: gradient(torch, lambda x: linalg.svd(x)[0].abs() + linalg.svd(x)[2].abs(), A),
    )  # fmt: skip


@case
def the_phase_is_named(torch):
    A = torch.tensor([[1 + 2j, 0.5 - 1j], [0.3 + 0.1j, -1 + 0.7j]], dtype=torch.complex128)
    return gradient(torch, lambda x: torch.linalg.svd(x)[0].real, A)
