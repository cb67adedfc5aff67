"""Views as functions that copy."""

from __future__ import annotations

import numpy as np
import pytest

import rushlight as torch
from rushlight.ops.copies import FUNCTIONS

ARGUMENTS = {
    "alias_copy": (), "as_strided_copy": ((2, 2), (3, 1)), "detach_copy": (), "diagonal_copy": (),
    "expand_copy": ((2, 2, 3),), "permute_copy": ((1, 0),), "select_copy": (0, 1), "slice_copy": (1, 0, 3, 2), "split_copy": (1,),
    "split_with_sizes_copy": ((1, 1),), "squeeze_copy": (), "t_copy": (), "transpose_copy": (0, 1), "unbind_copy": (),
    "unfold_copy": (1, 2, 1), "unsqueeze_copy": (0,), "view_copy": ((6,),),
}  # fmt: skip

SHOWN = {"alias": lambda x: x.view_as(x), "slice": lambda x: x[:, 0:3:2]}  # views that no method of that name gives


def parts(result):
    return result if isinstance(result, tuple) else (result,)


def test_every_function_is_tried():
    of_complex_numbers = {"view_as_complex_copy", "view_as_real_copy"}  # with the programs of test_complex
    assert set(ARGUMENTS) | of_complex_numbers == set(FUNCTIONS)


@pytest.mark.parametrize("name", ARGUMENTS)
def test_copies_what_the_view_shows(name):
    x = torch.arange(6.0).reshape(2, 3).requires_grad_()
    base = name.removesuffix("_copy")
    view = SHOWN[base](x) if base in SHOWN else getattr(x, base)(*ARGUMENTS[name])
    copy = getattr(torch, name)(x, *ARGUMENTS[name])
    for one, other in zip(parts(copy), parts(view), strict=True):
        assert one.tolist() == other.tolist()
        assert not np.shares_memory(one.detach().numpy(), x.detach().numpy())
        assert one.requires_grad == (name != "detach_copy")
    if name != "detach_copy":
        (gradient,) = torch.autograd.grad(sum(one.sum() for one in parts(copy)), x)
        (wanted,) = torch.autograd.grad(sum(one.sum() for one in parts(view)), x)
        assert gradient.tolist() == wanted.tolist()
