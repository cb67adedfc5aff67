"""Hooks on tensors and nodes: their order, what they replace, and their removal."""

from __future__ import annotations

import rushlight as torch
from rushlight.autograd import grad


def leaf(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


def test_hooks_run_in_order_and_replace_the_gradient() -> None:
    x = leaf(1.0)
    y = x * 2
    seen = []
    y.register_hook(lambda g: seen.append(g.item()) or g * 10)
    y.register_hook(lambda g: seen.append(g.item()))
    (y * 3).backward()
    assert (seen, x.grad.item()) == ([3.0, 30.0], 60.0)


def test_hooks_on_a_leaf_see_the_complete_gradient() -> None:
    x = leaf(1.0)
    seen = []
    x.register_hook(lambda g: seen.append(g.item()))
    (x * 2 + x * 3).backward()
    assert seen == [5.0]


def test_removed_hooks_do_not_run() -> None:
    x = leaf(1.0)
    seen = []
    handle = x.register_hook(seen.append)
    handle.remove()
    handle.remove()
    (x * 2).backward()
    with x.register_hook(seen.append):
        (x * 2).backward()
    (x * 2).backward()
    assert len(seen) == 1


def test_hooks_see_grad_without_calling_backward() -> None:
    x = leaf(1.0)
    seen = []
    x.register_hook(lambda g: seen.append(g.item()) or g * 2)
    assert grad(x * 3, x)[0].item() == 6.0
    assert seen == [3.0]


def test_hooks_under_create_graph_are_recorded() -> None:
    x = leaf(2.0)
    y = x * x
    y.register_hook(lambda g: g * x)
    (first,) = grad(y, x, create_graph=True)
    assert (first.item(), grad(first, x)[0].item()) == (8.0, 8.0)


def test_node_hooks() -> None:
    x = leaf(2.0)
    y = x * x
    seen = []
    y.grad_fn.register_prehook(lambda outputs: seen.append("before") or (outputs[0] * 2,))
    y.grad_fn.register_hook(lambda inputs, outputs: seen.append(outputs[0].item()))
    y.backward()
    assert (seen, x.grad.item()) == (["before", 2.0], 8.0)


def test_hook_after_accumulation() -> None:
    x = leaf(2.0)
    seen = []
    x.register_post_accumulate_grad_hook(lambda tensor: seen.append(tensor.grad.item()))
    (x * x).backward()
    (x * x).backward()
    assert seen == [4.0, 8.0]
