"""What the programs with complex numbers share."""

from __future__ import annotations

from facts import Programs

PROGRAMS = case = Programs("complex")


def numbers(torch, *values, grad=True, dtype=None):
    """A complex128 vector that requires a gradient, of three numbers by default."""
    return torch.tensor(values or (1 + 2j, -3 + 0.5j, 0.25 - 1j), dtype=dtype or torch.complex128, requires_grad=grad)


def matrix(torch, size=3, seed=1.0, grad=True):
    """A well-conditioned complex matrix."""
    k = torch.arange(size * size, dtype=torch.float64).reshape(size, size)
    made = torch.complex(torch.sin(k * 1.3 + seed), torch.cos(k * 0.7 - seed)) + 2 * torch.eye(size)
    return made.requires_grad_(grad)


def weights(torch, like):
    """Numbers to weigh a result with, so that each element counts differently."""
    k = torch.arange(like.numel(), dtype=torch.float64).reshape(like.shape) + 1
    return torch.complex(torch.cos(k), torch.sin(k) * 0.5) if like.is_complex() else torch.cos(k)


def real_loss(torch, result):
    """A real number that depends on all of a result, phases included."""
    parts = result if isinstance(result, (tuple, list)) else [result]
    return sum((one * weights(torch, one)).sum().real for one in parts if one.is_floating_point() or one.is_complex())


def derivatives(torch, function, *inputs):
    """A function's value, its gradients with their types, and a second derivative."""
    out = function(*inputs)
    wanted = [one for one in inputs if one.requires_grad]
    grads = torch.autograd.grad(real_loss(torch, out), wanted, create_graph=True)
    seconds = [g for g in grads if g.requires_grad]
    loss = real_loss(torch, seconds) if seconds else None
    twice = torch.autograd.grad(loss, wanted, allow_unused=True) if seconds else None
    value = [one.detach() for one in out] if isinstance(out, (tuple, list)) else out.detach()
    return value, [g.detach() for g in grads], [str(g.dtype) for g in grads], twice
