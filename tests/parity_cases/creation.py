"""Ranges, and what is drawn with parameters that require gradients."""

from __future__ import annotations

import math

from .programs import attempts, case


@case
def arange_of_unusual_bounds(torch):
    return attempts(
        lambda: torch.arange(0, math.inf, 2), lambda: torch.arange(math.nan), lambda: torch.arange(0, 1, 0),
        lambda: torch.arange(1, 0), lambda: torch.arange("a"), lambda: torch.arange(2**63), lambda: torch.arange(1e19),
        lambda: torch.arange(5, dtype=torch.bool), lambda: torch.arange(2, dtype=torch.complex64),
        lambda: torch.arange(0, 64, 0.5, dtype=torch.int64), lambda: torch.arange(0, 5, 2.5, dtype=torch.int64),
        lambda: torch.arange(0, 10, 0.3, dtype=torch.int32), lambda: torch.arange(torch.tensor(3.0)), lambda: torch.arange(True),
    )  # fmt: skip


@case
def linspace_and_logspace(torch):
    tenth, end = torch.tensor(0.1, dtype=torch.float64), torch.tensor(4.3)
    return attempts(
        lambda: torch.linspace(tenth, end, 5, dtype=torch.float64), lambda: torch.linspace(0.5, 3.9, 5, dtype=torch.int64),
        lambda: torch.linspace(-0.5, -3.9, 5, dtype=torch.int64), lambda: torch.logspace(0.5, 3.9, 5, dtype=torch.int64),
        lambda: torch.linspace(0, 3, 1.0), lambda: torch.linspace(0, 3, -1), lambda: torch.logspace(0, 3, -1),
        lambda: torch.linspace(torch.tensor([1, 2]), 3, 1), lambda: torch.linspace(1, 2, 3, dtype=torch.bool),
        lambda: torch.linspace(0, 1j, 3), lambda: torch.linspace(0, 1j, 3, dtype=torch.float32),
        lambda: torch.logspace(0, 1j, 2, dtype=torch.complex128),
        lambda: torch.linspace(0, 1, 0), lambda: torch.linspace(0, 1, 1), lambda: torch.logspace(0, 2, 3, base=2),
    )  # fmt: skip


@case
def empty_permuted(torch):
    return attempts(
        lambda: torch.empty_permuted((2, 3), (0, 0)), lambda: torch.empty_permuted((2,), (0, 1)),
        lambda: torch.empty_permuted((2,), (3,)), lambda: torch.empty_permuted((2, 3), (1, 0)).stride(),
    )  # fmt: skip


@case
def drawn_with_parameters_that_require_gradients(torch):
    def drawn(draw):
        x = torch.tensor([0.2, 0.7], requires_grad=True)
        result = draw(x)
        return [result.grad_fn.name(), *torch.autograd.grad(result.sum(), x)]

    torch.manual_seed(0)
    return [
        drawn(torch.bernoulli), drawn(torch.poisson), drawn(lambda x: torch.normal(x, 1.0)), drawn(lambda x: torch.normal(0.0, x)),
        drawn(lambda x: torch.normal(torch.zeros(3, 1), x)), drawn(lambda x: torch.normal(x, x)),
    ]  # fmt: skip


@case
def asarray_of_what_has_a_history(torch):
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    y = x * 2
    same = [torch.asarray(x) is x, torch.asarray(y) is y]
    options = ({}, {"requires_grad": False}, {"copy": True}, {"copy": True, "requires_grad": False}, {"dtype": torch.float64})
    found = [torch.asarray(y, **given) for given in options]
    return same, [(one.tolist(), one.requires_grad, one.is_leaf) for one in found], torch.asarray([1.0], requires_grad=True)
