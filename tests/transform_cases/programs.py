"""What the programs with transforms are made of."""

from __future__ import annotations

from facts import Programs

PROGRAMS = case = Programs("transform")


def vector(torch):
    """Three numbers."""
    return torch.tensor([0.5, -1.25, 2.0], dtype=torch.float64)


def batch(torch):
    """Four rows of three numbers."""
    return torch.arange(12.0, dtype=torch.float64).reshape(4, 3) / 8 - 0.5


def refused(call, words=""):
    """The type of the error that a call ends with, and whether its message has these words."""
    try:
        call()
    except Exception as error:
        return [type(error).__name__, words in str(error)]
    return "no error"
