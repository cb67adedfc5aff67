"""The collection of the programs with hooks."""

from __future__ import annotations

from facts import Programs

PROGRAMS = case = Programs("hook")
