"""Programs as users bring them give what they give in PyTorch."""

from __future__ import annotations

import pytest
from whole_program_cases import PROGRAMS

import rushlight as torch

test_as_in_pytorch = PROGRAMS.test(torch)


def test_autocast_says_that_it_is_not_there():
    with pytest.raises(RuntimeError, match="pass enabled=False"):
        torch.autocast("cpu", dtype=torch.bfloat16)
    with pytest.warns(UserWarning, match="CUDA is not available"):
        block = torch.cuda.amp.autocast()
    with block:
        assert not torch.is_autocast_enabled()


def test_nothing_is_computed_without_elements():
    x = torch.ones(2, 3, device="meta", requires_grad=True)
    for compute in (lambda: x + 1, lambda: x @ x.mT, lambda: x.sum(), lambda: torch.relu(x), lambda: torch.cat([x, x]), x.numpy):
        with pytest.raises((NotImplementedError, RuntimeError)):
            compute()
