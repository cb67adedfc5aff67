"""No feature leaves a reference cycle: what a feature made is gone without Python's garbage collector."""

from __future__ import annotations

import gc
from functools import partial

import pytest

import rushlight as torch
from rushlight.autograd import forward_ad, functional, graph
from rushlight.utils.checkpoint import GraphExecGroup, checkpoint, create_selective_checkpoint_contexts


def leaf():
    return torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64, requires_grad=True)


def hooks():
    x = leaf()
    y = (x * 2).exp()
    x.register_hook(lambda g: g * 2)
    y.register_hook(lambda g: g * 2)
    x.register_post_accumulate_grad_hook(lambda t: None)
    y.grad_fn.register_hook(lambda inputs, outputs: None)
    y.grad_fn.register_prehook(lambda outputs: None)
    y.grad_fn.next_functions[0][0].next_functions[0][0].register_hook(lambda inputs, outputs: None)
    y.retain_grad()
    y.sum().backward()


def hooks_on_several_outputs():
    x = leaf()
    first, second = (x * 2).split([1, 2])
    graph.register_multi_grad_hook((first, second), lambda grads: None)
    first.register_hook(lambda g: g)
    second.retain_grad()
    (first.sum() + second.sum()).backward()


def views_changed_in_place():
    x = leaf() * 2
    first, second = x[1:], x.view(3, 1)
    first.mul_(first.clone())
    second[0] = first.sum()
    x.exp_()
    (x.sum() + second.sum() + first.sum()).backward()


def changes_never_differentiated():
    x = leaf() * 2
    x[1:].tanh_()
    x.detach().add_(1)
    x.data.add_(1)
    x[0] = x[1]


def higher_orders():
    x = leaf()
    (g,) = torch.autograd.grad((x**3).sum(), x, create_graph=True)
    (h,) = torch.autograd.grad(g.sum(), x, create_graph=True)
    h.sum().backward()


def saved_results():
    x = leaf()
    y = x.exp().sigmoid().softmax(0).cumprod(0)
    values, _ = y.sort()
    values.norm()


def saved_tensors_hooks():
    with graph.saved_tensors_hooks(lambda t: t.clone(), lambda t: t):
        y = leaf().exp().tanh()
    y.sum().backward()
    with graph.save_on_cpu():
        leaf().exp().sum().backward()


def mutation_of_saved_tensors():
    with graph.allow_mutation_on_saved_tensors():
        x = leaf() * 2
        y = x.sin()
        x.mul_(2)
        y.sum().backward()


def gradient_edges():
    x = leaf()
    y = x * 2
    edge = graph.get_gradient_edge(y)
    torch.autograd.grad(y.exp().sum(), edge)


def checkpoints():
    for reentrant in (True, False):
        x = leaf()
        checkpoint(lambda x: x.exp().tanh(), x * 2, use_reentrant=reentrant).sum().backward()


def selective_checkpoints():
    contexts = partial(create_selective_checkpoint_contexts, [torch.ops.aten.exp.default])
    x = leaf()
    with GraphExecGroup():
        checkpoint(lambda x: x.exp().tanh(), x * 2, use_reentrant=False, context_fn=contexts).sum().backward()


def hooks_that_nobody_removes():
    x = leaf()
    y = x.exp()
    graph.get_gradient_edge(x).node.register_prehook(lambda outputs: None)
    graph.register_multi_grad_hook((x, y), lambda grads: None)
    graph.register_multi_grad_hook((x, y), lambda grad: None, mode="any")
    y.grad_fn._raw_saved_result.register_hooks(lambda t: t, lambda t: t)
    assert y.grad_fn(torch.ones(3)) is not None
    torch.autograd.grad(y.sum(), (x, y), retain_graph=True)


def forward_mode():
    with forward_ad.dual_level():
        dual = forward_ad.make_dual(leaf(), torch.ones(3, dtype=torch.float64))
        y = dual.exp() * dual
        y.mul_(2)
        forward_ad.unpack_dual(y)


def transforms():
    x = leaf().detach()
    torch.func.hessian(lambda x: (x**3).sum())(x)
    torch.func.vmap(torch.func.grad(lambda x: x.exp()))(x)
    torch.func.vjp(lambda x: x.exp(), x)[1](x)
    torch.func.jvp(lambda x: x.exp(), (x,), (x,))
    functional.jacobian(lambda x: x.exp(), x, vectorize=True)
    functional.hessian(lambda x: x.exp().sum(), x)


def batched_gradients():
    x = leaf()
    y = x.exp()
    torch.autograd.grad(y, x, torch.eye(3, dtype=torch.float64), is_grads_batched=True)


def training():
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.Tanh(), torch.nn.Linear(4, 1))
    optimizer = torch.optim.Adam(model.parameters())
    for _ in range(3):
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(model(torch.ones(2, 3)), torch.zeros(2, 1)).backward()
        optimizer.step()


def module_hooks():
    model = torch.nn.Linear(3, 2)
    model.register_forward_hook(lambda module, given, result: None)
    model.register_full_backward_hook(lambda module, inputs, outputs: None)
    model.register_full_backward_pre_hook(lambda module, outputs: None)
    model(torch.ones(1, 3, requires_grad=True)).sum().backward()
    model(torch.ones(1, 3))


def anomaly():
    with torch.autograd.set_detect_anomaly(True):
        leaf().exp().sum().backward()


def attributes_of_nodes():
    y = leaf().exp()
    assert y.grad_fn._saved_result is not None
    assert y.grad_fn.next_functions and y.grad_fn.metadata == {}
    assert y.grad_fn._raw_saved_result is not None


def errors():
    x = leaf() * 2
    y = x.exp()
    y.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


FEATURES = [
    hooks, hooks_on_several_outputs, views_changed_in_place, changes_never_differentiated, higher_orders, saved_results,
    saved_tensors_hooks, mutation_of_saved_tensors, gradient_edges, checkpoints, selective_checkpoints, hooks_that_nobody_removes,
    forward_mode, transforms, batched_gradients, training,
    module_hooks, anomaly, attributes_of_nodes, errors,
]  # fmt: skip


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("feature", FEATURES)
def test_nothing_is_left_for_the_collector(feature):
    feature()  # imports, and makes classes, on first use
    gc.collect()
    gc.disable()
    try:
        feature()
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        left = [one for one in gc.garbage if isinstance(one, (torch.Tensor, graph.Node))]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
    assert left == []


def test_the_checker_sees_a_cycle():
    def cycle():
        x = leaf() * 2
        x.grad_fn.metadata["tensor"] = x

    with pytest.raises(AssertionError):
        test_nothing_is_left_for_the_collector(cycle)


def test_one_tensor_used_a_million_times():
    x = leaf()
    scalar = x.sum()
    total = torch.stack([scalar] * 1_000_000).sum()
    total.backward()
    assert x.grad.tolist() == [1_000_000] * 3
    w = torch.tensor(1.0, requires_grad=True)
    uses = [w * 2 for _ in range(100_000)]
    torch.autograd.backward(uses, [torch.tensor(1.0)] * len(uses))
    assert w.grad.item() == 200_000
