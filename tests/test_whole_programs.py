"""Programs as users bring them give what they give in PyTorch."""

from __future__ import annotations

from whole_program_cases import PROGRAMS

import rushlight as torch

test_as_in_pytorch = PROGRAMS.test(torch)
