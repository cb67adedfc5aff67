"""The collection of the programs, and what several of them use."""

from __future__ import annotations

from facts import Programs

PROGRAMS = case = Programs("whole_program")


def seeded(torch, seed=0):
    """Starts the random numbers; gives a function that draws normal numbers in double precision."""
    torch.manual_seed(seed)
    return lambda *shape: torch.randn(*shape, dtype=torch.float64)
