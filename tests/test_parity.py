"""Ops at the edges that PyTorch's own tests look at: what each of a table of programs gives in PyTorch."""

from __future__ import annotations

from parity_cases import PROGRAMS

import rushlight as torch

test_as_in_pytorch = PROGRAMS.test(torch)
