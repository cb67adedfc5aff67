"""Inference mode: what it makes, what may be done with that outside, and how it nests. The facts are PyTorch 2.13's."""

from __future__ import annotations

import copy
import gc

import numpy as np
import pytest
from inference_cases import PROGRAMS

import rushlight as torch
from rushlight.autograd.modes import state

test_as_in_pytorch = PROGRAMS.test(torch)

SAVED = "Inference tensors cannot be saved for backward"
INPLACE = "Inplace update to inference tensor outside InferenceMode is not allowed"


@pytest.fixture
def made():
    """A leaf with gradient, a normal tensor, and an inference tensor."""
    with torch.inference_mode():
        inference = torch.ones(2)
    return torch.ones(2, requires_grad=True), torch.ones(2), inference


INSIDE = [  # made inside, of a leaf w, a normal tensor n and an inference tensor i: whether it is an inference tensor
    ("torch.ones(2)", True), ("torch.randn(2)", True), ("torch.arange(3)", True), ("torch.tensor([1., 2.])", True),
    ("torch.tensor(1.)", True), ("torch.full((2,), 1.)", True),
    ("torch.from_numpy(np.ones(2))", True), ("i * 2", True), ("w * 2", True),
    ("n.clone()", True), ("torch.stack([n, n])", True), ("n.to(torch.float64)", True), ("n[torch.tensor([0])]", True),
    ("torch.sort(n)[1]", True), ("i.view(2)", True), ("i.detach()", True), ("torch.ones(2, requires_grad=True)", True),
    ("n[0:1]", False), ("w.view(2)", False), ("w.detach()", False), ("n.data", False), ("n.to(torch.float32)", False),
    ("n.split(1)[0]", False), ("n.unbind()[0]", False), ("n.reshape(2)", False),
    ("n.expand(2, 2)", False), ("n.contiguous()", False),
    ("n.add_(1)", False), ("torch.nn.Parameter(torch.ones(2))", True),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "inference"), INSIDE)
def test_what_is_made_inside(made, expression, inference):
    w, n, i = made
    with torch.inference_mode():
        result = eval(expression, {"torch": torch, "np": np, "w": w, "n": n, "i": i})
    assert result.is_inference() is torch.is_inference(result) is inference
    assert result.grad_fn is None


OUTSIDE = [  # made outside: whether it is an inference tensor, or the error
    ("i + 1", False), ("i.clone()", False), ("torch.sum(i)", False), ("i.view(2)", True), ("i[0:1]", True), ("i.detach()", True),
    ("i + w", False), ("torch.cat([i, w])", False), ("n.add_(i)", False), ("w.clone().add_(i)", False), ("i > 0", False),
    ("torch.where(i > 0, w, w)", False), ("torch.add(i, i, out=torch.empty(2))", False), ("copy.deepcopy(i)", False),
    ("i * w", SAVED), ("w * w * i", SAVED), ("torch.matmul(i, w)", SAVED), ("torch.nn.functional.mse_loss(w, i)", SAVED),
    ("torch.nn.functional.linear(i[None], torch.ones(2, 2, requires_grad=True))", SAVED), ("w.clone().mul_(i)", SAVED),
    ("i.add_(1)", INPLACE), ("i.zero_()", INPLACE), ("i.relu_()", INPLACE),
    ("i[0:1].add_(1)", INPLACE), ("i.__setitem__(0, 1)", INPLACE),
    ("torch.add(n, n, out=i)", INPLACE), ("i.resize_(3)", INPLACE),
    ("i._version", "Inference tensors do not track version counter."),
    ("i.requires_grad_()", "Setting requires_grad=True on inference tensor outside InferenceMode is not allowed."),
    ("torch.nn.Parameter(i)", "Setting requires_grad=True on inference tensor outside InferenceMode is not allowed."),
    ("Square.apply(w, i)", SAVED),
]  # fmt: skip


class Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, y):
        ctx.save_for_backward(x, y)
        return x * y

    @staticmethod
    def backward(ctx, g):
        return g, g


@pytest.mark.parametrize(("expression", "outcome"), OUTSIDE)
def test_what_may_be_done_outside(made, expression, outcome):
    w, n, i = made
    names = {"torch": torch, "copy": copy, "Square": Square, "w": w, "n": n, "i": i}
    if isinstance(outcome, bool):
        assert eval(expression, names).is_inference() is outcome
    else:
        with pytest.raises(RuntimeError) as error:
            eval(expression, names)
        assert outcome in str(error.value)
        assert i.tolist() == [1.0, 1.0]  # refused, and not done either (PyTorch does it all the same)


def test_gradients_flow_beside_inference_tensors(made):
    w, _, i = made
    ((w + i) * 3).sum().backward()
    assert w.grad.tolist() == [3.0, 3.0]


def test_inside_nothing_is_forbidden(made):
    w, _, i = made
    with torch.inference_mode():
        i.add_(1)
        i[0] = 5
        w.add_(1)
        assert i.requires_grad_().requires_grad
        assert not (i * 2).requires_grad
        assert not torch.enable_grad()(lambda: w * 2)().requires_grad
    assert i.tolist() == [5.0, 2.0]
    assert w.tolist() == [2.0, 2.0]
    assert w._version == 1


def test_changes_of_normal_tensors_inside_are_noticed():
    a = torch.ones(2, requires_grad=True) * 1
    b = a * a
    with torch.inference_mode():
        a.mul_(3)
        a[0:1].mul_(2)
    assert a._version == 2
    assert a.grad_fn.name() == "MulBackward0"
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        b.sum().backward()


def test_a_view_from_inside_cannot_be_changed_outside(made):
    w, n, _ = made
    with torch.inference_mode():
        of_leaf, of_normal = w.view(2), n[0:1]
    with pytest.raises(RuntimeError, match="A view was created in inference mode and is being modified inplace in normal mode"):
        of_leaf.add_(1)
    assert of_normal.add_(1).tolist() == [2.0]
    assert n.tolist() == [2.0, 1.0]


def test_nesting_and_decorating():
    with torch.inference_mode():
        assert torch.is_inference_mode_enabled()
        assert not torch.is_grad_enabled()
        with torch.inference_mode(False):
            assert not torch.is_inference_mode_enabled()
            assert torch.is_grad_enabled()
            assert not torch.ones(1).is_inference()
            assert (torch.ones(1, requires_grad=True) * 2).requires_grad
        with torch.no_grad(), torch.inference_mode():
            assert torch.is_inference_mode_enabled()
        assert torch.is_inference_mode_enabled()
        assert not torch.is_grad_enabled()
    assert torch.is_grad_enabled()
    with torch.no_grad(), torch.inference_mode(False):
        assert torch.is_grad_enabled()

    def make():
        return torch.ones(1)

    assert torch.inference_mode(make)().is_inference()
    assert torch.inference_mode()(make)().is_inference()
    assert not torch.inference_mode(False)(make)().is_inference()
    assert not make().is_inference()


def test_an_error_leaves_the_mode():
    with pytest.raises(ZeroDivisionError), torch.inference_mode():
        _ = 1 / 0
    assert torch.is_grad_enabled()
    assert not torch.is_inference_mode_enabled()


def test_ops_are_careful_only_while_inference_tensors_live():
    gc.collect()
    before = state.active
    with torch.inference_mode():
        kept, dropped = torch.ones(1), torch.ones(1)
    assert state.active == before + 1
    del dropped
    assert state.active == before + 1
    del kept
    assert state.active == before


def test_multithreading_switch():
    assert torch.autograd.is_multithreading_enabled()
    with torch.autograd.set_multithreading_enabled(False):
        assert not torch.autograd.is_multithreading_enabled()
    assert torch.autograd.is_multithreading_enabled()
    torch.autograd.set_multithreading_enabled(False)
    assert not torch.autograd.is_multithreading_enabled()
    torch.autograd.grad_mode.set_multithreading_enabled(True)
    assert torch.autograd.is_multithreading_enabled()
