"""What programs with hooks of modules are made of."""

from __future__ import annotations

from facts import Programs

PROGRAMS = case = Programs("module_hook")


def net(torch, bias=False):
    torch.manual_seed(0)
    m = torch.nn.Linear(3, 2, bias=bias).double()
    with torch.no_grad():
        m.weight.copy_(torch.arange(6, dtype=torch.float64).reshape(2, 3))
    return m
