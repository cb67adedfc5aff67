"""Views as functions that copy."""

from __future__ import annotations

import numpy as np
import pytest

import rushlight as torch
from rushlight.ops.copies import FUNCTIONS

ARGUMENTS = {
    "alias_copy": (), "as_strided_copy": ((2, 2), (3, 1)), "detach_copy": (), "diagonal_copy": (),
    "expand_copy": ((2, 2, 3),), "permute_copy": ((1, 0),), "select_copy": (0, 1), "split_copy": (1,),
    "split_with_sizes_copy": ((1, 1),), "squeeze_copy": (), "t_copy": (), "transpose_copy": (0, 1), "unbind_copy": (),
    "unfold_copy": (1, 2, 1), "unsqueeze_copy": (0,), "view_copy": ((6,),),
}  # fmt: skip


def parts(result):
    return result if isinstance(result, tuple) else (result,)


def test_every_function_is_tried():
    of_complex_numbers = {"view_as_complex_copy", "view_as_real_copy"}  # with the programs of test_complex
    assert set(ARGUMENTS) | of_complex_numbers == set(FUNCTIONS)


@pytest.mark.parametrize("name", ARGUMENTS)
def test_copies_what_the_view_shows(name):
    x = torch.arange(6.0).reshape(2, 3).requires_grad_()
    base = name.removesuffix("_copy")
    view = getattr(x, base)(*ARGUMENTS[name]) if base != "alias" else x.view_as(x)
    copy = getattr(torch, name)(x, *ARGUMENTS[name])
    for one, other in zip(parts(copy), parts(view), strict=True):
        assert one.tolist() == other.tolist()
        assert not np.shares_memory(one.detach().numpy(), x.detach().numpy())
        assert one.requires_grad == (name != "detach_copy")
    if name != "detach_copy":
        (gradient,) = torch.autograd.grad(sum(one.sum() for one in parts(copy)), x)
        (wanted,) = torch.autograd.grad(sum(one.sum() for one in parts(view)), x)
        assert gradient.tolist() == wanted.tolist()
