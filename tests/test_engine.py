"""The engine: size and memory, passes, accumulation, orders, and what leaves and inner tensors are."""

from __future__ import annotations

import gc
import sys
import tracemalloc
import warnings
import weakref

import pytest
from pass_cases import PROGRAMS

import rushlight as torch
from rushlight.autograd import engine, grad

test_as_in_pytorch = PROGRAMS.test(torch)


def leaf(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


def scalar(value: float) -> torch.Tensor:
    return torch.tensor(value, dtype=torch.float64, requires_grad=True)


# --- size and memory ----------------------------------------------------------------------------------------------


def test_chain_of_a_million_operations_runs_and_is_freed() -> None:
    limit = sys.getrecursionlimit()
    x = scalar(1.0)
    y = x
    for _ in range(1_000_000):
        y = y + x
    nodes = weakref.ref(y.grad_fn)
    y.backward()
    assert x.grad.item() == 1_000_001
    del y
    assert nodes() is None
    assert sys.getrecursionlimit() == limit


def test_long_chain_is_freed_without_backward() -> None:
    y = scalar(1.0)
    for _ in range(200_000):
        y = y * 1.0
    last = weakref.ref(y.grad_fn)
    del y
    assert last() is None


def test_long_chain_differentiated_with_create_graph() -> None:
    x = scalar(1.0)
    y = x
    for _ in range(5_000):
        y = y * x
    (first,) = grad(y, x, create_graph=True)
    (second,) = grad(first, x)
    assert first.item() == 5_001
    assert second.item() == 5_001 * 5_000


def test_diamonds_take_linear_time() -> None:
    x = scalar(1.0)
    y = x
    for _ in range(1_000):
        y = y + y
        y = y * 0.5
    y.backward()
    assert x.grad.item() == 1.0


@pytest.fixture
def without_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def training_step(w: torch.Tensor, b: torch.Tensor, x: torch.Tensor) -> None:
    loss = (torch.tanh(x @ w + b) - 1).square().sum()
    loss.backward()
    with torch.no_grad():
        w -= 0.01 * w.grad
        b -= 0.01 * b.grad
    w.grad = b.grad = None


def test_training_steps_do_not_grow_memory(without_collector: None) -> None:
    torch.manual_seed(0)
    w, b, x = torch.randn(8, 4, requires_grad=True), torch.zeros(4, requires_grad=True), torch.randn(16, 8)
    for _ in range(50):
        training_step(w, b, x)
    objects = alive()
    tracemalloc.start()
    try:
        training_step(w, b, x)
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(1_000):
            training_step(w, b, x)
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert alive() == objects
    assert grown < 130_000  # Python keeps 2,000 tuples of a size for reuse; one lost tensor a step would be 250,000
    assert gc.collect() < 50


def alive() -> int:
    """How many tensors and nodes there are."""
    return sum(isinstance(one, (torch.Tensor, torch.autograd.graph.Node)) for one in gc.get_objects())


@pytest.mark.filterwarnings("ignore:Using backward")
@pytest.mark.parametrize(
    "step",
    [
        lambda x: (x * x).sum().backward(create_graph=True),
        lambda x: grad((x**3).sum(), x, create_graph=True)[0].sum().backward(),
        lambda x: x.clone().mul_(2).exp().sum().backward(),
        lambda x: (x * 2)[0].mul_(3),
        lambda x: x.unbind()[0].backward(),
    ],
)
def test_no_cycles_are_left_behind(step, without_collector: None) -> None:
    """`create_graph` puts the graph on `.grad`, which the caller has to drop; nothing else may need the collector."""
    for _ in range(3):
        x = leaf(1.0, 2.0)
        step(x)
        x.grad = None
        del x
    gc.collect()
    x = leaf(1.0, 2.0)
    step(x)
    x.grad = None
    reference = weakref.ref(x)
    del x
    assert reference() is None


def test_intermediate_values_that_no_rule_names_are_freed() -> None:
    x = leaf(1.0, 2.0)
    y = x + 1
    memory = weakref.ref(y._array)
    z = (y + 1).sum()
    del y
    assert memory() is None
    z.backward()
    assert x.grad.tolist() == [1.0, 1.0]


def test_backward_frees_what_was_saved() -> None:
    x = leaf(1.0, 2.0)
    y = x * 2
    memory = weakref.ref(y._array)
    z = (y * y).sum()
    del y
    assert memory() is not None
    z.backward()
    assert memory() is None


# --- passes -------------------------------------------------------------------------------------------------------


def test_gradients_accumulate() -> None:
    x = leaf(1.0, 2.0)
    (x * x).sum().backward()
    first = x.grad
    (x * x).sum().backward()
    assert x.grad is first
    assert first.tolist() == [4.0, 8.0]


def test_gradient_of_two_uses() -> None:
    x = leaf(1.0, 2.0)
    y = x * 2
    (y * y + y * x + x).sum().backward()
    assert x.grad.tolist() == [13.0, 25.0]


def test_gradients_of_two_leaves_do_not_share_memory() -> None:
    x, y = leaf(1.0), leaf(2.0)
    (x + y).backward()
    x.grad += 1
    assert y.grad.item() == 1.0


def test_gradient_does_not_share_the_memory_of_the_given_cotangent() -> None:
    x, g = leaf(1.0, 2.0), torch.ones(2, dtype=torch.float64)
    (x + 0).backward(g)
    x.grad.mul_(5)
    assert g.tolist() == [1.0, 1.0]


def test_accumulation_does_not_change_a_gradient_assigned_by_the_user() -> None:
    x = leaf(1.0)
    mine = torch.ones(1, dtype=torch.float64)
    x.grad = mine
    (x * 3).backward()
    assert mine.item() == 4.0  # added in place, as PyTorch does
    assert x.grad is mine


def test_backward_on_a_leaf() -> None:
    x = leaf(3.0)
    x.backward()
    assert x.grad.item() == 1.0


def test_gradient_argument_weights_the_outputs() -> None:
    x = leaf(1.0, 2.0)
    (x * x).backward(torch.tensor([1.0, 0.5], dtype=torch.float64))
    assert x.grad.tolist() == [2.0, 2.0]


def test_gradient_argument_of_another_type_is_cast() -> None:
    x = torch.ones(2, requires_grad=True)
    (x * x).backward(torch.tensor([1.0, 0.5], dtype=torch.float64))
    assert x.grad.dtype is torch.float32


def test_backward_of_several_tensors() -> None:
    x = leaf(1.0, 2.0)
    torch.autograd.backward([(x * x).sum(), x * 3], [None, torch.ones(2, dtype=torch.float64)])
    assert x.grad.tolist() == [5.0, 7.0]


def test_retain_graph() -> None:
    x = leaf(2.0)
    y = x * x
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.item() == 8.0
    with pytest.raises(RuntimeError, match="backward through the graph a second time"):
        y.backward()


def test_second_pass_is_allowed_where_nothing_was_saved() -> None:
    x = leaf(2.0)
    y = x + 1
    y.backward()
    y.backward()
    assert x.grad.item() == 2.0


def test_orders_one_to_four() -> None:
    x = scalar(2.0)
    value, found = x**5, []
    for _ in range(4):
        (value,) = grad(value, x, create_graph=True)
        found.append(value.item())
    assert found == [80.0, 160.0, 240.0, 240.0]


def test_third_order_through_functions() -> None:
    x = scalar(0.5)
    value = torch.sin(x) * torch.exp(x)
    for _ in range(3):
        (value,) = grad(value, x, create_graph=True)
    expected = 2 * (torch.cos(x) - torch.sin(x)) * torch.exp(x)
    assert value.item() == pytest.approx(expected.item(), abs=1e-12)


def test_create_graph_through_backward(monkeypatch) -> None:
    monkeypatch.setattr("rushlight.warning._said", set())
    x = leaf(2.0, 3.0)
    with pytest.warns(UserWarning, match="create_graph=True will create a reference cycle") as warned:
        (x**2).sum().backward(create_graph=True)
        x.grad = None
        (x**3).sum().backward(create_graph=True)
    assert len(warned) == 1
    assert x.grad.grad_fn is not None
    first = x.grad
    x.grad = None
    first.sum().backward()
    assert x.grad.tolist() == [12.0, 18.0]


def test_gradient_penalty() -> None:
    w, x = leaf(2.0, 3.0), leaf(1.0, 4.0)
    (g,) = grad((w * x * x).sum(), x, create_graph=True)
    (g**2).sum().backward()
    assert w.grad.tolist() == [16.0, 384.0]


def test_inputs_limits_accumulation() -> None:
    x, y = leaf(1.0), leaf(2.0)
    (x * y).backward(inputs=[x])
    assert (x.grad.item(), y.grad) == (2.0, None)


def test_inputs_may_be_inner() -> None:
    x = leaf(1.0)
    y = x * 2
    (y * y).backward(inputs=[y])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert y.grad.item() == 4.0
    assert x.grad is None


def test_inputs_runs_only_what_leads_there() -> None:
    x, y = leaf(1.0), leaf(2.0)
    ran = []
    a, b = x * 2, y * 3
    a.register_hook(lambda g: ran.append("a"))
    b.register_hook(lambda g: ran.append("b"))
    (a * b).backward(inputs=[x])
    assert ran == ["a"]


def test_grad_touches_no_leaf() -> None:
    x, y = leaf(1.0), leaf(2.0)
    found = grad(x * y, [x, y])
    assert [one.item() for one in found] == [2.0, 1.0]
    assert x.grad is None and y.grad is None


def test_grad_of_inner_tensors() -> None:
    x = leaf(1.0)
    y = x * 2
    z = y * y
    assert [one.item() for one in grad(z, [z, y, x])] == [1.0, 4.0, 8.0]


def test_grad_of_an_output_with_respect_to_itself() -> None:
    x = leaf(3.0)
    assert grad(x, x)[0].item() == 1.0


def test_grad_of_several_outputs() -> None:
    x = leaf(1.0, 2.0)
    weights = [torch.ones(2, dtype=torch.float64), None]
    assert grad([x * 2, (x * x).sum()], x, weights)[0].tolist() == [4.0, 6.0]


def test_unused_input() -> None:
    x, y = leaf(1.0), leaf(2.0)
    with pytest.raises(RuntimeError, match="appears to not have been used in the graph"):
        grad(x * 2, [x, y])
    assert grad(x * 2, [x, y], allow_unused=True)[1] is None
    assert grad(x * 2, [x, y], materialize_grads=True)[1].tolist() == [0.0]


def test_batched_grad() -> None:
    x = leaf(1.0, 2.0)
    (rows,) = grad(x * x, x, torch.eye(2, dtype=torch.float64), is_grads_batched=True)
    assert rows.tolist() == [[2.0, 0.0], [0.0, 4.0]]


def test_passes_nest_in_hooks() -> None:
    x = leaf(2.0)
    inner = []
    y = x * x

    def differentiate(g: torch.Tensor) -> None:
        with torch.enable_grad():
            z = leaf(5.0)
            inner.append(grad(z * z, z)[0].item())

    y.register_hook(differentiate)
    y.backward()
    assert (inner, x.grad.item()) == ([10.0], 4.0)


def test_result_of_a_pass_is_not_recorded() -> None:
    x = leaf(2.0)
    (g,) = grad(x * x, x)
    assert not g.requires_grad
    (x * x).backward()
    assert not x.grad.requires_grad


def test_backward_under_no_grad() -> None:
    x = leaf(2.0)
    y = x * x
    with torch.no_grad():
        y.backward()
    assert x.grad.item() == 4.0


def test_several_outputs_of_one_node() -> None:
    x = leaf(1.0, 2.0, 3.0)
    a, b, c = x.unbind()
    (a * 2 + c * 5).backward()
    assert x.grad.tolist() == [2.0, 0.0, 5.0]
    assert (a.output_nr, c.output_nr) == (0, 2)
    assert a.grad_fn is c.grad_fn


def test_broadcast_gradients_are_summed() -> None:
    x, y, z = (torch.ones(shape, requires_grad=True) for shape in ((3, 1), (2,), ()))
    (x * y * z).sum().backward()
    assert x.grad.tolist() == [[2.0], [2.0], [2.0]]
    assert y.grad.tolist() == [3.0, 3.0]
    assert z.grad.item() == 6.0


def test_gradients_keep_the_type_of_their_tensor() -> None:
    x, y = torch.ones(2, requires_grad=True), torch.ones(2, dtype=torch.float64, requires_grad=True)
    (x * y).sum().backward()
    assert (x.grad.dtype, y.grad.dtype) == (torch.float32, torch.float64)


def test_real_leaf_in_complex_arithmetic_gets_a_real_gradient() -> None:
    x = leaf(1.0, 2.0)
    (x * torch.tensor([1j, 2 + 1j])).abs().sum().backward()
    assert x.grad.dtype is torch.float64


# --- leaves and inner tensors -------------------------------------------------------------------------------------


def test_is_leaf_and_grad_fn() -> None:
    x = leaf(1.0)
    y = x * 2
    assert (x.is_leaf, y.is_leaf, torch.ones(1).is_leaf) == (True, False, True)
    assert x.grad_fn is None
    assert y.grad_fn.name() == "MulBackward0"
    (first, number), second = y.grad_fn.next_functions
    assert (first.name(), number, second) == ("torch::autograd::AccumulateGrad", 0, (None, 0))
    assert first.variable is x


def test_grad_of_an_inner_tensor_warns() -> None:
    y = leaf(1.0) * 2
    with pytest.warns(UserWarning, match="that is not a leaf Tensor is being accessed"):
        assert y.grad is None


def test_grad_of_a_retained_or_plain_tensor_does_not_warn() -> None:
    y = leaf(1.0) * 2
    y.retain_grad()
    assert y.retains_grad
    assert y.grad is None
    (y * 3).backward()
    assert y.grad.item() == 3.0
    assert torch.ones(1).grad is None


def test_retained_gradients_accumulate() -> None:
    y = leaf(1.0) * 2
    y.retain_grad()
    z = y * y
    z.backward(retain_graph=True)
    z.backward()
    assert y.grad.item() == 8.0


def test_detach_shares_memory_and_stops_gradients() -> None:
    x = leaf(1.0, 2.0)
    y = x.detach()
    assert not y.requires_grad and y.is_leaf
    y[0] = 5.0
    assert x.tolist() == [5.0, 2.0]
    (x * x.detach()).sum().backward()
    assert x.grad.tolist() == [5.0, 2.0]


def test_detach_in_place() -> None:
    x = leaf(1.0)
    y = x * 2
    assert y.detach_() is y
    assert y.is_leaf and not y.requires_grad


def test_requires_grad_in_place() -> None:
    x = torch.ones(2)
    assert x.requires_grad_() is x
    assert x.requires_grad and x.is_leaf
    assert not x.requires_grad_(False).requires_grad
    x.requires_grad = True
    (x * 2).sum().backward()
    assert x.grad.tolist() == [2.0, 2.0]


def test_data_shares_memory_but_not_the_version() -> None:
    x = leaf(1.0)
    y = x * x
    x.data.mul_(3)
    assert (x.item(), x._version) == (3.0, 0)
    y.backward()  # silently with the changed value, as in PyTorch
    assert x.grad.item() == 6.0


def test_a_pass_looks_no_further_back_than_its_aims(monkeypatch):
    looked = []

    def watched(roots, earliest=None):
        looked.append(reachable(roots, earliest))
        return looked[-1]

    reachable = engine.reachable
    monkeypatch.setattr(engine, "reachable", watched)
    x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    early = x
    for _ in range(50):
        early = early.sin()
    first, second, _ = early.split(1)  # a node with several outputs, made before its outputs are looked at
    changed = early.clone()
    changed[0] = second[0] * 2  # the history of `changed` is rewritten, by a later node
    late = (first * changed[1] + changed[0]).exp()
    for aims in ((first,), (second, first), (changed,), (late,), (first, changed)):
        expected = torch.autograd.grad(late, (*aims, x), retain_graph=True, allow_unused=True)[:-1]
        assert len(looked.pop()) > 50  # a leaf may be of any age
        found = torch.autograd.grad(late, aims, retain_graph=True, allow_unused=True)
        assert len(looked.pop()) < 15
        assert [one.tolist() for one in found if one is not None] == [one.tolist() for one in expected if one is not None]
    looked.clear()
    torch.autograd.backward(late, inputs=[changed], retain_graph=True)
    assert len(looked[0]) < 15 and changed.grad is not None
