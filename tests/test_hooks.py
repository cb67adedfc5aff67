"""Hooks on tensors, nodes and leaves: order, what they may return, removal, in-place changes, several outputs."""

from __future__ import annotations

import gc
import io
import pickle
import warnings
import weakref

import pytest
from hook_cases import PROGRAMS

import rushlight as torch
from rushlight.autograd.graph import register_multi_grad_hook

test_as_in_pytorch = PROGRAMS.test(torch)


def leaf(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


class Log(list):
    """Records the calls of the hooks that it makes, with what they got."""

    def hook(self, name, result=None):
        def hook(*args):
            self.append((name, *map(plain, args)))
            return None if result is None else result(*args)

        return hook

    def names(self):
        return [entry[0] for entry in self]


def plain(value):
    if isinstance(value, tuple):
        return tuple(map(plain, value))
    return None if value is None else value.tolist()


def watched_graph(log):
    """`x * 3`, summed, with every kind of hook."""
    x = leaf(1.0, 2.0)
    y = x * 3
    y.grad_fn.register_prehook(log.hook("pre"))
    y.grad_fn.register_hook(log.hook("post"))
    y.register_hook(log.hook("tensor 1", lambda g: g * 2))
    y.retain_grad()
    y.register_hook(log.hook("tensor 2", lambda g: g * 5))
    x.register_hook(log.hook("leaf"))
    x.register_post_accumulate_grad_hook(log.hook("accumulated"))
    accumulate = y.grad_fn.next_functions[0][0]
    accumulate.register_prehook(log.hook("accumulate pre"))
    accumulate.register_hook(log.hook("accumulate post"))
    return x, y, y.sum(), accumulate


WHOLE = ["tensor 1", "tensor 2", "pre", "post", "leaf", "accumulate pre", "accumulated", "accumulate post"]


@pytest.mark.parametrize(
    ("inputs", "names"),
    [
        (None, WHOLE),
        ("x", WHOLE),
        ("y", ["tensor 1", "tensor 2", "pre", "post"]),
        ("xy", WHOLE),
    ],
)
def test_order_in_backward(inputs, names) -> None:
    log = Log()
    x, y, loss, _accumulate = watched_graph(log)
    loss.backward(inputs=inputs and [{"x": x, "y": y}[name] for name in inputs])
    assert log.names() == names
    assert y.grad.tolist() == [10.0, 10.0]
    assert log[2] == ("pre", ([10.0, 10.0],))
    if inputs == "y":
        assert log[3] == ("post", (None, None), ([10.0, 10.0],))
        assert x.grad is None
    else:
        assert log[3] == ("post", ([30.0, 30.0], None), ([10.0, 10.0],))
        assert x.grad.tolist() == [30.0, 30.0]


def test_order_in_grad() -> None:
    log = Log()
    x, y, loss, _accumulate = watched_graph(log)
    (g,) = torch.autograd.grad(loss, x)
    assert g.tolist() == [30.0, 30.0]
    assert log.names() == ["tensor 1", "tensor 2", "pre", "post", "leaf"]
    assert x.grad is None
    log.clear()
    x, y, loss, _accumulate = watched_graph(log)
    (g,) = torch.autograd.grad(loss, y)
    assert g.tolist() == [10.0, 10.0]
    assert log.names() == ["tensor 1", "tensor 2"]


def test_inner_inputs_of_backward_keep_their_gradients_from_then_on() -> None:
    x = leaf(1.0, 2.0)
    y = x * x
    loss = y.sum()
    loss.backward(inputs=[y], retain_graph=True)
    assert y.retains_grad
    loss.backward(inputs=[y])
    assert y.grad.tolist() == [2.0, 2.0]
    with pytest.raises(RuntimeError, match="second time"):
        loss.backward(inputs=[x])


# --- what hooks return ----------------------------------------------------------------------------------------------


def run_with(kind, returned) -> torch.Tensor:
    x = leaf(1.0, 2.0)
    y = x * 3
    accumulate = y.grad_fn.next_functions[0][0]
    register = {
        "tensor": y.register_hook,
        "leaf": x.register_hook,
        "pre": y.grad_fn.register_prehook,
        "post": y.grad_fn.register_hook,
        "accumulate pre": accumulate.register_prehook,
        "accumulate post": accumulate.register_hook,
        "accumulated": x.register_post_accumulate_grad_hook,
    }[kind]
    register(lambda *args: returned(args[0]))
    y.sum().backward()
    return x.grad


def replaced(g):
    return g * 2


@pytest.mark.parametrize(
    ("kind", "returned", "expected"),
    [
        ("tensor", replaced, [6.0, 6.0]),
        ("leaf", replaced, [6.0, 6.0]),
        ("pre", lambda g: (g[0] * 2,), [6.0, 6.0]),
        ("post", lambda g: (g[0] * 2, g[1]), [6.0, 6.0]),
        ("accumulate pre", lambda g: (g[0] * 2,), [6.0, 6.0]),
        ("accumulate post", lambda g: (), [3.0, 3.0]),
    ],
)
def test_returned_values_take_the_gradients_places(kind, returned, expected) -> None:
    assert run_with(kind, returned).tolist() == expected


@pytest.mark.parametrize("kind", ["pre", "accumulate pre"])
def test_none_in_a_returned_tuple_stops_the_gradient(kind) -> None:
    assert run_with(kind, lambda g: (None,)) is None


@pytest.mark.parametrize(
    ("kind", "returned", "error", "message"),
    [
        ("tensor", lambda g: 1, TypeError, "expected Variable, but hook returned 'int'"),
        ("tensor", lambda g: (g,), TypeError, "expected Variable, but hook returned 'tuple'"),
        ("tensor", lambda g: g[:1], RuntimeError, "has changed the size of value"),
        ("tensor", lambda g: g.float(), RuntimeError, r"type of value \(was torch.DoubleTensor got torch.FloatTensor\)"),
        ("leaf", lambda g: "a", TypeError, "expected Variable, but hook returned 'str'"),
        ("leaf", lambda g: g[:1], RuntimeError, "has changed the size of value"),
        ("pre", lambda g: 1, TypeError, "expected tuple, but hook returned 'int'"),
        ("pre", lambda g: [g[0]], TypeError, "expected tuple, but hook returned 'list'"),
        ("pre", lambda g: (g[0], g[0]), RuntimeError, r"incorrect number of values \(got 2, but expected 1\)"),
        ("pre", lambda g: (1,), TypeError, "expected Variable, but hook returned 'int'"),
        ("pre", lambda g: (g[0][:1],), RuntimeError, "has changed the size of value"),
        ("post", lambda g: g[0], TypeError, "expected tuple, but hook returned 'Tensor'"),
        ("post", lambda g: (g[0],), RuntimeError, r"incorrect number of values \(got 1, but expected 2\)"),
        ("post", lambda g: (g[0].float(), None), RuntimeError, "changed the type of value"),
        ("accumulate pre", lambda g: [g[0]], TypeError, "expected tuple, but hook returned 'list'"),
        ("accumulate post", lambda g: (1,), RuntimeError, r"incorrect number of values \(got 1, but expected 0\)"),
        ("accumulated", lambda t: 1, TypeError, "expected Variable, but hook returned 'int'"),
    ],
)
def test_wrong_returned_values(kind, returned, error, message) -> None:
    with pytest.raises(error, match=message):
        run_with(kind, returned)


def test_a_hook_may_change_the_gradient_in_place() -> None:
    x = leaf(1.0, 2.0)
    y = x * 3

    def double(g):
        g.mul_(2)

    y.register_hook(double)
    (y * 5).sum().backward()
    assert x.grad.tolist() == [30.0, 30.0]


def test_later_hooks_see_what_earlier_ones_returned() -> None:
    log = Log()
    x, w = leaf(1.0, 2.0), leaf(3.0, 4.0)
    y = x * w
    y.grad_fn.register_prehook(lambda g: (g[0] * 2,))
    y.grad_fn.register_prehook(log.hook("pre"))
    y.grad_fn.register_hook(lambda inputs, outputs: (inputs[0] * 10, inputs[1]))
    y.grad_fn.register_hook(log.hook("post"))
    y.sum().backward()
    assert log == [("pre", ([2.0, 2.0],)), ("post", ([60.0, 80.0], [2.0, 4.0]), ([2.0, 2.0],))]
    assert x.grad.tolist() == [60.0, 80.0]


# --- registering and removing ---------------------------------------------------------------------------------------


def test_hooks_need_a_gradient() -> None:
    constant = torch.ones(1)
    for register in (constant.register_hook, constant.register_post_accumulate_grad_hook):
        with pytest.raises(RuntimeError, match="cannot register a hook on a tensor that doesn't require gradient"):
            register(lambda g: None)
    with pytest.raises(RuntimeError, match="post accumulate grad hooks cannot be registered on non-leaf tensors"):
        (leaf(1.0) * 2).register_post_accumulate_grad_hook(lambda t: None)
    with pytest.raises(RuntimeError, match="can't retain_grad on Tensor that has requires_grad=False"):
        constant.retain_grad()


def test_removal_during_a_pass_takes_effect_in_the_next() -> None:
    calls: list[str] = []
    y = leaf(1.0, 2.0) * 3
    handles = []
    handles.append(y.register_hook(lambda g: (calls.append("first"), handles[0].remove(), handles[1].remove())[1]))
    handles.append(y.register_hook(lambda g: calls.append("second")))
    y.register_hook(lambda g: calls.append("third"))
    y.sum().backward(retain_graph=True)
    assert calls == ["first", "second", "third"]
    y.sum().backward()
    assert calls[3:] == ["third"]


def test_hook_added_during_a_pass_runs_in_the_next() -> None:
    calls: list[str] = []
    y = leaf(1.0, 2.0) * 3
    y.register_hook(lambda g: (calls.append("old"), y.register_hook(lambda g: calls.append("new")))[0])
    y.sum().backward(retain_graph=True)
    assert calls == ["old"]
    y.sum().backward()
    assert calls == ["old", "old", "new"]


def test_handle_as_context_manager() -> None:
    log = Log()
    y = leaf(1.0) * 3
    with y.register_hook(log.hook("inside")):
        y.sum().backward(retain_graph=True)
    y.sum().backward()
    assert log.names() == ["inside"]


def test_backward_hooks_attribute() -> None:
    x = leaf(1.0)
    y = x * 3
    assert x._backward_hooks is None and y._backward_hooks is None and x._post_accumulate_grad_hooks is None
    handle = x.register_hook(lambda g: None)
    y.register_hook(lambda g: None)
    assert list(x._backward_hooks) == [handle.id] and len(y._backward_hooks) == 1
    handle.remove()
    assert len(x._backward_hooks) == 0


# --- changes in place -----------------------------------------------------------------------------------------------


def test_hooks_stay_with_the_value_that_they_were_registered_on() -> None:
    log = Log()
    x = leaf(1.0, 2.0)
    y = x * 3
    y.register_hook(log.hook("before"))
    y.mul_(2)
    y.register_hook(log.hook("after"))
    (y * 5).sum().backward()
    assert log == [("after", [5.0, 5.0]), ("before", [10.0, 10.0])]


def test_retained_gradient_is_that_of_the_last_value() -> None:
    x = leaf(1.0, 2.0)
    y = x * 3
    y.retain_grad()
    y.mul_(2)
    y.mul_(7)
    assert y.retains_grad
    (y * 5).sum().backward()
    assert y.grad.tolist() == [5.0, 5.0]


def test_hook_on_a_leaf_changed_under_no_grad() -> None:
    log = Log()
    x = leaf(1.0, 2.0)
    x.register_hook(log.hook("leaf"))
    with torch.no_grad():
        x.mul_(2)
    (x * 3).sum().backward()
    assert log == [("leaf", [3.0, 3.0])]


def test_hooks_on_a_base_whose_view_is_changed() -> None:
    log = Log()
    x = leaf(1.0, 2.0)
    y = x * 3
    y.register_hook(log.hook("old base"))
    view = y[0]
    view.mul_(10)
    y.register_hook(log.hook("new base"))
    view.register_hook(log.hook("new view"))
    (view * 2).backward()
    assert log == [("new view", 2.0), ("new base", [2.0, 0.0]), ("old base", [20.0, 0.0])]
    assert x.grad.tolist() == [60.0, 0.0]


# --- leaves and their AccumulateGrad --------------------------------------------------------------------------------


def test_accumulate_grad_node() -> None:
    x = leaf(1.0, 2.0)
    y, z = x * 3, x * 4
    node = y.grad_fn.next_functions[0][0]
    assert type(node).__name__ == "AccumulateGrad" and node.name() == "torch::autograd::AccumulateGrad"
    assert node.variable is x and node is z.grad_fn.next_functions[0][0] and node.next_functions == ()
    log = Log()
    handle = node.register_hook(log.hook("accumulate"))
    y.sum().backward(retain_graph=True)
    handle.remove()
    y.sum().backward()
    assert log == [("accumulate", (), ([3.0, 3.0],))]


def test_leaf_hooks_run_once_when_the_gradient_is_complete() -> None:
    log = Log()
    x = leaf(1.0, 2.0)
    x.register_hook(log.hook("leaf"))
    x.register_post_accumulate_grad_hook(lambda t: log.append(("accumulated", t.grad.tolist())))
    ((x * 3).sum() + (x * 4).sum()).backward()
    assert log == [("leaf", [7.0, 7.0]), ("accumulated", [7.0, 7.0])]


def test_leaf_is_served_before_the_pass_goes_on() -> None:
    log = Log()
    x, w = leaf(1.0, 2.0), leaf(3.0, 4.0)
    x.register_post_accumulate_grad_hook(log.hook("x"))
    w.register_post_accumulate_grad_hook(log.hook("w"))
    inner = x * 2
    inner.register_hook(log.hook("inner"))
    (inner * w).sum().backward()
    assert log.names() == ["w", "inner", "x"] or log.names() == ["inner", "w", "x"]


def test_hook_after_accumulation_may_take_the_gradient() -> None:
    x = leaf(1.0, 2.0)
    taken = []

    def take(tensor):
        taken.append(tensor.grad)
        tensor.grad = None

    x.register_post_accumulate_grad_hook(take)
    (x * 2).sum().backward()
    assert x.grad is None and taken[0].tolist() == [2.0, 2.0]


def test_backward_on_a_leaf_with_a_hook() -> None:
    x = torch.tensor(1.0, requires_grad=True)
    x.register_hook(lambda g: g * 7)
    x.backward()
    assert x.grad.item() == 7.0


# --- nodes with several outputs -------------------------------------------------------------------------------------


def test_hooks_of_several_outputs_run_in_order_before_the_node() -> None:
    log = Log()
    x = leaf(1.0, 2.0, 3.0)
    a, b, c = x.unbind(0)
    for name, tensor in zip("cba", (c, b, a), strict=True):
        tensor.register_hook(log.hook(name))
    a.grad_fn.register_hook(log.hook("post"))
    a.grad_fn.register_prehook(log.hook("pre"))
    (a * 2 + b * 3).backward()
    assert sorted(log[:3]) == [("a", 2.0), ("b", 3.0), ("c", None)]
    assert log[3:] == [("pre", (2.0, 3.0, None)), ("post", ([2.0, 3.0, 0.0],), (2.0, 3.0, None))]


def test_gradient_of_one_output_after_its_hook() -> None:
    x = leaf(1.0, 2.0, 3.0)
    a, b, _c = x.unbind(0)
    b.register_hook(lambda g: g * 10)
    assert torch.autograd.grad(a * 2 + b * 3, b)[0].item() == 30.0


# --- higher orders, nesting, memory ---------------------------------------------------------------------------------


def test_hooks_are_recorded_when_the_pass_is() -> None:
    x = leaf(2.0)
    y = x * x
    y.register_hook(lambda g: g * g * x)
    (first,) = torch.autograd.grad(y.sum(), x, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), x)
    assert first.item() == 8.0 and second.item() == 8.0


def test_recording_follows_create_graph_inside_hooks() -> None:
    x = leaf(2.0)
    y = x * x
    modes = []
    y.register_hook(lambda g: modes.append((torch.is_grad_enabled(), g.requires_grad)))
    torch.autograd.grad(y.sum(), x, retain_graph=True)
    torch.autograd.grad(y.sum(), x, create_graph=True)
    assert modes == [(False, False), (True, False)]


def test_hook_may_run_a_pass_of_its_own() -> None:
    x = leaf(1.0, 2.0)

    def hook(g):
        with torch.enable_grad():
            inner = leaf(3.0)
            return g * torch.autograd.grad(inner * inner, inner)[0]

    y = x * 3
    y.register_hook(hook)
    y.sum().backward()
    assert x.grad.tolist() == [18.0, 18.0]


def test_errors_in_hooks_reach_the_caller() -> None:
    y = leaf(1.0) * 3
    y.register_hook(lambda g: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        y.sum().backward()


def test_hooks_leave_no_cycle() -> None:
    gc.collect()
    gc.disable()
    try:
        x = leaf(1.0, 2.0)
        y = x * 3
        y.register_hook(lambda g: g * 2)
        y.grad_fn.register_prehook(lambda g: None)
        y.grad_fn.register_hook(lambda i, o: None)
        y.retain_grad()
        y.sum().backward()
        tensor, node = weakref.ref(y), weakref.ref(y.grad_fn)
        del y
        assert tensor() is None and node() is None
    finally:
        gc.enable()


# --- hooks on several tensors ---------------------------------------------------------------------------------------


def three() -> tuple:
    return tuple(torch.ones(1, requires_grad=True) for _ in range(3))


def test_hook_on_all_gradients() -> None:
    a, b, c = three()
    calls = []
    handle = register_multi_grad_hook((a, b, c), calls.append)
    (a * 2 + b * 3).sum().backward()
    assert [None if g is None else g.item() for g in calls[0]] == [2.0, 3.0, None]
    (a * 2 + b * 3 + c).sum().backward()
    assert [g.item() for g in calls[1]] == [2.0, 3.0, 1.0]
    handle.remove()
    (a * 2).sum().backward()
    assert len(calls) == 2


def test_hook_on_all_gradients_of_inner_tensors() -> None:
    (a, *_rest) = three()
    first = a * 2
    second = first * 3
    calls = []
    register_multi_grad_hook([first, second], lambda grads: calls.append([g.item() for g in grads]))
    second.sum().backward()
    assert calls == [[3.0, 1.0]]


def test_hook_on_any_gradient() -> None:
    a, b, c = three()
    calls = []
    register_multi_grad_hook((a, b, c), calls.append, mode="any")
    (a * 2 + b * 3).sum().backward()
    (a * 2 + b * 3 + c).sum().backward()
    assert len(calls) == 2 and all(isinstance(g, torch.Tensor) for g in calls)


def test_wrong_mode_of_a_hook_on_several() -> None:
    with pytest.raises(ValueError, match=r"Expects mode to be one of \('all', 'any'\) but got some"):
        register_multi_grad_hook(three(), print, mode="some")
    with pytest.raises(AssertionError, match="Expected gradient function to be set"):
        register_multi_grad_hook((torch.ones(1),), print)


# --- saving -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("save", [pickle.dumps, lambda tensor: torch.save(tensor, io.BytesIO())])
def test_hooks_are_not_saved_and_that_is_said(save) -> None:
    x = leaf(1.0)
    x.register_hook(torch.utils.hooks.unserializable_hook(lambda g: g))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        save(x)
    x.register_hook(lambda g: g)
    with pytest.warns(UserWarning, match="on tensor will not be serialized.  If this is expected, you can decorate the function"):
        save(x)
