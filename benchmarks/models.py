"""Training steps of other models than perceptrons: they have no budget, but say where each library is the faster one."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import ModuleType
from typing import Any


def steps(optimizer: Any, loss: Callable[[], Any]) -> Callable[[], object]:
    """A training step."""

    def run() -> None:
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()

    return run


def convolutions(torch: ModuleType) -> Callable[[], object]:
    nn = torch.nn
    model = nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(32 * 64, 10),
    )  # fmt: skip
    images, labels = torch.randn(16, 3, 32, 32), torch.randint(0, 10, (16,))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    return steps(optimizer, lambda: nn.functional.cross_entropy(model(images), labels))


def language_model(torch: ModuleType) -> Callable[[], object]:
    nn = torch.nn
    layer = nn.TransformerEncoderLayer(64, 4, 256, dropout=0.0, activation="gelu", batch_first=True, norm_first=True)
    embedding, body, head = nn.Embedding(65, 64), nn.TransformerEncoder(layer, 2, enable_nested_tensor=False), nn.Linear(64, 65)
    parameters = [*embedding.parameters(), *body.parameters(), *head.parameters()]
    mask = nn.Transformer.generate_square_subsequent_mask(32)
    words, following = torch.randint(0, 65, (16, 32)), torch.randint(0, 65, (16, 32))

    def loss() -> Any:
        scores = head(body(embedding(words), mask=mask, is_causal=True))
        return nn.functional.cross_entropy(scores.reshape(-1, 65), following.reshape(-1))

    return steps(torch.optim.AdamW(parameters), loss)


def recurrence(torch: ModuleType) -> Callable[[], object]:
    nn = torch.nn
    network, head = nn.LSTM(16, 32, batch_first=True), nn.Linear(32, 1)
    series, wanted = torch.randn(8, 20, 16), torch.randn(8, 1)
    optimizer = torch.optim.Adam([*network.parameters(), *head.parameters()])
    return steps(optimizer, lambda: nn.functional.mse_loss(head(network(series)[0][:, -1]), wanted))


def second_derivatives(torch: ModuleType) -> Callable[[], object]:
    """A network that learns to solve u'' = -pi^2 sin(pi x), from its own second derivative."""
    nn = torch.nn
    network = nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1))
    x = torch.linspace(0, 1, 64).view(-1, 1).requires_grad_()

    def loss() -> Any:
        u = network(x)
        (slope,) = torch.autograd.grad(u.sum(), x, create_graph=True)
        (curvature,) = torch.autograd.grad(slope.sum(), x, create_graph=True)
        return (curvature + math.pi**2 * torch.sin(math.pi * x)).square().mean() + u[0].square().sum()

    return steps(torch.optim.Adam(network.parameters()), loss)
