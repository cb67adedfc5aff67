"""Prints, with PyTorch, the facts that stand in test_linalg.py and test_fft.py: run it by hand and compare."""

from __future__ import annotations

import torch

A = torch.tensor([[4.0, 1, 2], [1, 3, 0], [2, 0, 5]], dtype=torch.float64, requires_grad=True)
B = torch.tensor([[1.0, 2], [3, 4], [5, 6]], dtype=torch.float64, requires_grad=True)
W = torch.arange(9.0, dtype=torch.float64).reshape(3, 3)
SIX = torch.arange(6.0, dtype=torch.float64).reshape(2, 3)
LINALG = {
    "det": lambda: torch.linalg.det(A),
    "logdet": lambda: torch.logdet(A),
    "inv": lambda: (torch.linalg.inv(A) * W).sum(),
    "cholesky": lambda: (torch.linalg.cholesky(A) * W).sum(),
    "solve": lambda: torch.linalg.solve(A, B).square().sum(),
    "eigh": lambda: (torch.linalg.eigh(A)[1].abs() * W).sum() + (torch.linalg.eigvalsh(A) * W[0]).sum(),
    "svdvals": lambda: (torch.linalg.svdvals(A) * W[0]).sum(),
    "qr": lambda: (torch.linalg.qr(A)[1].abs() * W).sum(),
    "pinv": lambda: (torch.linalg.pinv(B) * SIX).sum(),
    "matrix_exp": lambda: (torch.matrix_exp(A / 5) * W).sum(),
    "lu": lambda: (torch.linalg.lu(A)[2] * W).sum(),
    "nuclear": lambda: torch.linalg.matrix_norm(B, "nuc"),
    "cond": lambda: torch.linalg.cond(A),
}
SIGNAL = torch.tensor([1.0, 2.0, -1.0, 3.0, 0.0], dtype=torch.float64, requires_grad=True)


def rounded(values: list) -> list:
    """Numbers with eight digits after the point."""
    return [
        complex(round(v.real, 8), round(v.imag, 8)) if isinstance(v, complex) else round(v, 8) for v in values
    ]


if __name__ == "__main__":
    for name, function in LINALG.items():
        value = function()
        of_a, of_b = torch.autograd.grad(value, (A, B), allow_unused=True)
        gradient = of_a if of_a is not None else of_b
        print(name, rounded([value.item()]), rounded(gradient.flatten().tolist()))
    for name in ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft"):
        out = getattr(torch.fft, name)(SIGNAL)
        weights = torch.arange(1.0, out.numel() + 1, dtype=torch.float64)
        loss = (out.real * weights).sum()
        if out.is_complex():
            loss = loss + (out.imag * weights.flip(0)).sum()
        (gradient,) = torch.autograd.grad(loss, SIGNAL)
        print(name, rounded(out.resolve_conj().tolist()), rounded(gradient.tolist()))
