"""The collection of the programs with saved tensors."""

from __future__ import annotations

from facts import Programs

PROGRAMS = case = Programs("saved_tensor")
