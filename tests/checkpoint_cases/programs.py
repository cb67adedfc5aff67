"""What programs with checkpoints are made of."""

from __future__ import annotations

from facts import Programs

PROGRAMS = case = Programs("checkpoint")


def part(x):
    return (x * x).sin() * x
