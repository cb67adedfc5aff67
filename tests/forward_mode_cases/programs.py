"""What the programs in forward mode are made of."""

from __future__ import annotations

from facts import Programs

PROGRAMS = case = Programs("forward_mode")


def F(torch):
    return torch.autograd.forward_ad


def t3(torch, *values):
    return torch.tensor(values or (1.0, 2.0, 3.0), dtype=torch.float64)


def un(torch, tensor):
    return list(F(torch).unpack_dual(tensor))
