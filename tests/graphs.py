"""Random graphs of smooth operations, whose derivatives are compared with finite differences."""

from __future__ import annotations

from typing import Any

import numpy as np

# From two tensors of shape (3, 3) to one of any shape; all smooth everywhere.
OPERATIONS: list[Any] = [
    lambda t, x, y: x * y,
    lambda t, x, y: x + 2 * y,
    lambda t, x, y: x / (1 + y * y),
    lambda t, x, y: x @ y,
    lambda t, x, y: t.sin(x) - t.cos(y),
    lambda t, x, y: t.tanh(x) * t.exp(-y * y),
    lambda t, x, y: t.sqrt(1 + x * x) ** 1.5,
    lambda t, x, y: (2 + t.sin(x)) ** y.tanh(),
    lambda t, x, y: t.log1p(x * x) + t.atan(y),
    lambda t, x, y: t.sigmoid(x).cumsum(1),
    lambda t, x, y: t.nn.functional.softplus(x) - t.erf(y),
    lambda t, x, y: t.softmax(x, 0) * y,
    lambda t, x, y: t.log_softmax(x + y, -1),
    lambda t, x, y: x.logsumexp(0, keepdim=True) + y,
    lambda t, x, y: x.mean(1) - y.sum(0),
    lambda t, x, y: x.var(0) + (1 + y.var(1)).sqrt(),
    lambda t, x, y: x.prod(1),
    lambda t, x, y: x.cumprod(0),
    lambda t, x, y: (x * x + 1).norm(dim=0),
    lambda t, x, y: t.cat([x, y], 1)[:, 1::2],
    lambda t, x, y: t.stack([x, y])[1, :2],
    lambda t, x, y: x.t().flip(0).roll(1, 1) * y.diagonal(),
    lambda t, x, y: t.where(t.arange(3) > 0, x, y),
    lambda t, x, y: x[[0, 2, 2]] + y.gather(1, t.tensor([[0], [2], [1]])),
    lambda t, x, y: x.index_add(0, t.tensor([0, 0]), y[1:]),
    lambda t, x, y: t.einsum("ij,kj->ik", x, y),
    lambda t, x, y: t.linalg.inv(x.tanh() + 4 * t.eye(3, dtype=x.dtype)),
    lambda t, x, y: t.linalg.solve(x.tanh() + 4 * t.eye(3, dtype=x.dtype), y),
    lambda t, x, y: t.linalg.det(x.tanh() / 3 + t.eye(3, dtype=x.dtype)),
    lambda t, x, y: t.nn.functional.layer_norm(x, (3,), eps=1.0) + y,
    lambda t, x, y: t.nn.functional.conv2d(x[None, None], y[None, None, :2, :2]),
    lambda t, x, y: t.nn.functional.gelu(x) * t.nn.functional.silu(y),
    lambda t, x, y: changed(x, y),
    lambda t, x, y: t.outer(x[0], y[:, 1]).tril() + t.triu(y, 1),
    lambda t, x, y: t.lerp(x, y, 0.3).expand(2, 3, 3).sum(0),
    lambda t, x, y: t.view_as_real(t.fft.rfft(x, dim=1)).square().sum(-1) + y[:, :2],
    lambda t, x, y: (t.view_as_real(t.complex(x, y) ** 2)).sum(-1),
]


def changed(x: Any, y: Any) -> Any:
    """A copy of `x`, changed in place through views."""
    z = x * 1
    z[0].mul_(y[1])
    z.t()[1] += y[2]
    z[1:, ::2] = y.sin()[:2, :2]
    return z


class Graph:
    """A function from two matrices to a number, made of steps that each combine two earlier results."""

    def __init__(self, torch: Any, steps: list[tuple[int, int, int, int]], seed: int) -> None:
        self.torch, self.steps = torch, steps
        generator = np.random.default_rng(seed)
        self.point, self.direction, self.other = generator.normal(size=(3, 2, 3, 3))

    def value(self, x: Any) -> Any:
        """The function. Results are brought to one shape and size, so that any may follow any."""
        torch = self.torch
        known = [x[0], x[1]]
        for first, second, _, number in self.steps:
            result = OPERATIONS[number % len(OPERATIONS)](torch, known[first % len(known)], known[-1 - second % len(known)])
            flat = result.reshape(-1)
            whole = (flat.repeat(9)[:9] if flat.numel() < 9 else flat[:9]).reshape(3, 3)
            known.append(whole / (1 + whole * whole / 9).sqrt())  # within three of zero, and nowhere steep
        return sum((one * one).sum() * (index + 1) for index, one in enumerate(known[2:])) / len(known)

    def tensor(self, array: np.ndarray) -> Any:
        """A leaf."""
        return self.torch.tensor(array.tolist(), dtype=self.torch.float64).requires_grad_()

    def gradient(self, array: np.ndarray, create_graph: bool = False) -> tuple[Any, Any]:
        """A point as a leaf, and the gradient there."""
        x = self.tensor(array)
        (g,) = self.torch.autograd.grad(self.value(x), x, create_graph=create_graph)
        return x, g

    def slope(self, function: Any) -> float:
        """The derivative of a number along the direction, by differences of fourth order."""
        step = 2e-4
        steps = (step * self.direction, 2 * step * self.direction)
        near, far = (function(self.point + way) - function(self.point - way) for way in steps)
        return (8 * near - far) / (12 * step)

    def check(self) -> None:
        """Compares the gradient, the tangent and a product with the Hessian with differences along a direction."""
        torch = self.torch
        x, g = self.gradient(self.point, create_graph=True)
        along, weights = self.tensor(self.direction).detach(), self.tensor(self.other).detach()
        (product,) = torch.autograd.grad(g, x, weights) if g.requires_grad else (x.detach() * 0,)
        _, tangent = torch.func.jvp(self.value, (x.detach(),), (along,))
        with torch.no_grad():
            slope = self.slope(lambda point: self.value(self.tensor(point)).item())
        curvature = self.slope(lambda point: (self.gradient(point)[1] * weights).sum().item())
        assert_close((g * along).sum().item(), slope, (g * along).abs().sum().item())
        assert_close(tangent.item(), slope, (g * along).abs().sum().item())
        assert_close((product * along).sum().item(), curvature, (product * along).abs().sum().item())


def assert_close(found: float, wanted: float, size: float) -> None:
    """Within rounding and the differences' own error, for a sum of numbers of that size."""
    assert abs(found - wanted) <= 1e-6 * (1 + size), (found, wanted)
