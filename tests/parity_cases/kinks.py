"""Derivatives of two orders where functions have kinks, at zero and beside NaN."""

from __future__ import annotations

import math

from .programs import case, derivatives

AROUND = (-3.0, -1.0, -0.5, 0.0, 0.5, 1.0, 3.0, 6.0)


def of(name, *places, **options):
    """A program with the derivatives of a function of torch.nn.functional, or of torch."""

    def program(torch):
        function = getattr(torch.nn.functional, name, None) or getattr(torch, name)
        return derivatives(torch, lambda x: function(x, **options), *places)

    program.__name__ = "_".join([name, *options])
    return case(program)


for name in ("relu", "relu6", "hardtanh", "hardshrink", "softshrink", "leaky_relu", "elu", "celu", "selu", "abs"):
    of(name, *AROUND)
of("threshold", *AROUND, math.nan, threshold=1.0, value=2.0)
of("hardtanh", *AROUND, math.nan, min_val=-1.0, max_val=3.0)
of("hardshrink", *AROUND, math.nan, lambd=1.0)


@case
def nan_passes_rectifiers(torch):
    functional = torch.nn.functional
    functions = (functional.relu, functional.relu6, functional.hardtanh, functional.hardshrink, functional.softshrink)
    return [derivatives(torch, function, math.nan, orders=1) for function in functions]


@case
def bessel_functions_at_zero(torch):
    functions = (torch.special.i0, torch.special.i1, torch.special.i0e, torch.special.i1e)
    return [derivatives(torch, function, 0.0, 0.5, -2.0) for function in functions]


@case
def huber_and_smooth_l1(torch):
    functional, zero = torch.nn.functional, torch.zeros((), dtype=torch.float64)
    losses = (functional.huber_loss, functional.smooth_l1_loss)
    return [[derivatives(torch, lambda x, f=f: f(x, zero), p, orders=2)[0][:4] for p in (0.0, 0.5, 1.0, -1.0, 2.0)] for f in losses]


@case
def penalty_on_a_piecewise_linear_gradient(torch):
    x = torch.tensor([-1.0, 2.0], dtype=torch.float64, requires_grad=True)
    (g,) = torch.autograd.grad(torch.relu(x).abs().sum(), x, create_graph=True)
    (g * g).sum().backward()
    return x.grad
