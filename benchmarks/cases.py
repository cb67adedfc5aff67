"""What is measured, and the budget of each row: every case is written once and handed the library to run on."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import ModuleType
from typing import NamedTuple

from . import models

SIZE = 8  # elements of a small tensor
REPEATS = 100  # operations in one run of a case that is counted per operation
LONG_CHAIN = 1_000_000


class Case(NamedTuple):
    name: str
    make: Callable[[ModuleType], Callable[[], object]]
    operations: int = 1  # in one run; the time that is shown is the time of one
    self_timed: bool = False  # a run returns the seconds that count


class Row(NamedTuple):
    """A row of the budget: the geometric mean of the ratios of its cases may be `budget` at most, if it has one."""

    name: str
    budget: float | None
    cases: list[Case]


def recorded(expression: str) -> Case:
    """One operation on small tensors that require grad; the result is dropped at once."""

    def make(torch: ModuleType) -> Callable[[], object]:
        names = {
            "torch": torch,
            "x": torch.rand(SIZE, requires_grad=True),
            "y": torch.rand(SIZE, requires_grad=True),
            "a": torch.rand(4, 4, requires_grad=True),
            "b": torch.rand(4, 4, requires_grad=True),
        }
        # A loop around the expression itself: a function call would weigh on both libraries alike.
        exec(f"def run():\n    for _ in range({REPEATS}):\n        {expression}", names)
        return names["run"]

    return Case(expression, make, REPEATS)


def chain(expression: str) -> Case:
    """Forward and backward through a chain of operations on small tensors."""

    def make(torch: ModuleType) -> Callable[[], object]:
        names = {
            "torch": torch,
            "x": torch.rand(SIZE, requires_grad=True),
            "w": torch.ones(SIZE, requires_grad=True),  # so that a long product stays clear of denormals
            "ones": torch.ones(SIZE),
        }
        lines = [
            "def run():",
            "    y = x",
            f"    for _ in range({REPEATS}):",
            f"        y = {expression}",
            "    y.backward(ones)",
            "    x.grad = w.grad = None",
        ]
        exec("\n".join(lines), names)
        return names["run"]

    return Case(f"y = {expression}", make, REPEATS)


def first_example(torch: ModuleType) -> Callable[[], object]:
    def run() -> None:
        x = torch.tensor(2.0, requires_grad=True)
        y = torch.tensor(3.0, requires_grad=True)
        z = x**2 + y**3
        z.backward()

    return run


def training_step(*sizes: int, batch: int) -> Case:
    """One step of Adam on a multi-layer perceptron that classifies."""

    def make(torch: ModuleType) -> Callable[[], object]:
        nn = torch.nn
        torch.manual_seed(0)
        layers = []
        for inputs, outputs in zip(sizes, sizes[1:], strict=False):
            layers += [nn.Linear(inputs, outputs), nn.ReLU()]
        model = nn.Sequential(*layers[:-1])
        optimizer = torch.optim.Adam(model.parameters())
        loss_function = nn.CrossEntropyLoss()
        images = torch.randn(batch, sizes[0])
        labels = torch.randint(0, sizes[-1], (batch,))

        return models.steps(optimizer, lambda: loss_function(model(images), labels))

    return Case(f"{'-'.join(map(str, sizes))}, batch {batch}", make)


def build_chain(torch: ModuleType, length: int) -> tuple[object, object]:
    """A leaf and the end of a long chain; its derivative needs no saved tensor, so that its nodes are what it costs."""
    x = y = torch.ones(SIZE, requires_grad=True)
    for _ in range(length):
        y = y * 0.999999
    return x, y


def long_chain_backward(torch: ModuleType) -> Callable[[], object]:
    ones = torch.ones(SIZE)

    def run() -> float:
        x, y = build_chain(torch, LONG_CHAIN)
        start = time.perf_counter()
        y.backward(ones)
        return time.perf_counter() - start

    return run


ROWS = [
    Row(
        "recorded op on small tensors",
        0.6,
        [recorded(e) for e in ("x * y", "x + y", "torch.sin(x)", "x * 2.0", "a @ b", "x.sum()")],
    ),
    Row(
        "forward + backward per op, small",
        0.45,
        [chain(e) for e in ("y * w", "y + w", "torch.sin(y)", "y * 2.0")],
    ),
    Row("first example of the seeds", 0.4, [Case("x**2 + y**3, backward", first_example)]),
    Row("MLP training step, small", 0.35, [training_step(16, 64, 64, 4, batch=32)]),
    Row("MLP training step, mid", 0.7, [training_step(64, 128, 128, 10, batch=64), training_step(64, 256, 256, 10, batch=128)]),
    Row("MLP training step, GEMM-bound", 0.9, [training_step(784, 512, 512, 10, batch=256)]),
    Row(
        "chain of 1e6 ops, backward",
        0.2,
        [Case("y = y * 0.999999", long_chain_backward, operations=LONG_CHAIN, self_timed=True)],
    ),
    Row(
        "other training steps",
        None,
        [
            Case("small CNN with batch norm", models.convolutions),
            Case("2-layer language model", models.language_model),
            Case("LSTM of 20 steps", models.recurrence),
            Case("physics-informed network, second derivatives", models.second_derivatives),
        ],
    ),
]

IMPORT_BUDGET = 1.5  # of `import numpy`
NODE_BUDGET = 400  # bytes of a node of the long chain
