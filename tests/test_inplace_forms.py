"""Every op's in-place form, on tensors of every standing: views, views of views, leaves, expanded tensors, other types."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from checkers import first_shape, gradients_of
from op_cases import MOST, Case, cases, function_of_tensors
from test_ops_systematic import with_facts

import rushlight as torch
from rushlight.autograd.inplace import REPEATING

pytestmark = pytest.mark.filterwarnings("ignore")

# How a view of a tensor's values comes about: in a larger memory that has a history.
STANDINGS = {
    "of rows": lambda x: torch.stack([x * 0, x])[1],
    "of columns": lambda x: torch.stack([x, x * 0], -1)[..., 0],
    "of a view": lambda x: torch.stack([x * 0, x, x * 0], -1)[..., 1:][..., 0].view_as(x),
    "transposed": lambda x: x.permute(*range(x.ndim - 1, -1, -1)).clone().permute(*range(x.ndim - 1, -1, -1)),
}


def fitting(op: Any) -> list[tuple[Case, list, list]]:
    """The cases whose result can stand in the place of the first argument, with values and gradients of the function."""
    found = []
    for case in cases(op)[:MOST]:
        torch.manual_seed(0)
        called, tensors = function_of_tensors(case)
        values, gradients = gradients_of(called, tensors)
        first = tensors[0] if tensors else None
        fits = first is not None and values[0].shape == torch.Size(first_shape(case)) and values[0].dtype is first.dtype
        if fits and values[0].requires_grad and not op.view:  # squeeze_ and the like change no elements
            found.append((case, values, gradients))
    return found


@pytest.mark.parametrize("standing", STANDINGS)
@pytest.mark.parametrize(**with_facts("inplace"))
def test_on_views(op: Any, standing: str) -> None:
    form = getattr(torch.Tensor, f"{op.name}_")
    for case, values, gradients in fitting(op):

        def changed(first: Any, *args: Any, **kwargs: Any) -> Any:
            target = STANDINGS[standing](first)
            assert target._base is not None
            base, before = target._base, target._version
            assert form(target, *args, **kwargs) is target
            assert target._version == base._version > before
            assert base.grad_fn.name() == "torch::autograd::CopySlices"
            return target

        torch.manual_seed(0)
        called, tensors = function_of_tensors(case, function=changed)
        results, found = gradients_of(called, tensors)
        np.testing.assert_allclose(results[0].detach().numpy(), values[0].detach().numpy(), rtol=1e-12)
        for one, other in zip(found, gradients, strict=True):
            if other is not None:
                np.testing.assert_allclose(one.numpy(), other.numpy(), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(**with_facts("inplace"))
def test_on_leaves_and_expanded_tensors(op: Any) -> None:
    form = getattr(torch.Tensor, f"{op.name}_")
    for case, values, _ in fitting(op)[:2]:

        def on_leaf(first: Any, *args: Any, **kwargs: Any) -> Any:
            leaf = first.detach().clone().requires_grad_()
            with pytest.raises(RuntimeError, match="a leaf Variable that requires grad is being used in an in-place operation"):
                form(leaf, *args, **kwargs)
            with pytest.raises(RuntimeError, match="a view of a leaf Variable that requires grad is being used"):
                form(leaf.view_as(leaf), *args, **kwargs)
            assert leaf._version == 0
            return first

        def on_expanded(first: Any, *args: Any, **kwargs: Any) -> Any:
            with pytest.raises(RuntimeError, match="more than one element of the written-to tensor refers to a single memory"):
                form((first * 1).sum().expand(first.shape), *args, **kwargs)
            return first

        def without_grad(first: Any, *args: Any, **kwargs: Any) -> Any:
            leaf = first.detach().clone().requires_grad_()
            torch.manual_seed(0)
            with torch.no_grad():
                form(leaf, *args, **kwargs)
            assert leaf.is_leaf and leaf.requires_grad and leaf._version >= 1
            return leaf

        once = values[0].numel() > 1 and op.name not in REPEATING and op.name != "index_fill"
        for function in (on_leaf, on_expanded) if once else (on_leaf,):
            called, tensors = function_of_tensors(case, function=function)
            called(*tensors)
        called, tensors = function_of_tensors(case, function=without_grad)
        np.testing.assert_allclose(called(*tensors).detach().numpy(), values[0].detach().numpy(), rtol=1e-12)
