"""Hooks of modules, as PyTorch 2.13 calls them."""

from __future__ import annotations

import warnings

import pytest
from module_hook_cases import PROGRAMS

import rushlight as torch
import rushlight.nn as nn
from rushlight.nn.modules import module as global_hooks

test_as_in_pytorch = PROGRAMS.test(torch)


class Scale(nn.Module):
    def __init__(self, factor=2.0):
        super().__init__()
        self.factor = factor

    def forward(self, x, plus=0.0):
        return x * self.factor + plus


def leaf():
    return torch.ones(2, requires_grad=True)


def test_forward_pre_hooks():
    layer, x = Scale(), leaf()
    handle = layer.register_forward_pre_hook(lambda module, args: args[0] * 10)
    assert layer(x).tolist() == [20, 20]
    handle.remove()
    handle.remove()
    with layer.register_forward_pre_hook(lambda m, args, kwargs: (args, {"plus": 1.0}), with_kwargs=True):
        assert layer(x).tolist() == [3, 3]
    assert layer(x).tolist() == [2, 2]
    layer.register_forward_pre_hook(lambda module, args, kwargs: 5, with_kwargs=True)
    with pytest.raises(RuntimeError, match="must return None or a tuple of .new_args, new_kwargs., but got 5."):
        layer(x)


def test_forward_hooks_and_their_order():
    layer, x, seen = Scale(), leaf(), []
    layer.register_forward_hook(lambda module, args, output: seen.append(("a", output.tolist())))
    layer.register_forward_hook(lambda module, args, output: output + 1)
    layer.register_forward_hook(
        lambda module, args, kwargs, output: seen.append(("b", kwargs, output.tolist())), with_kwargs=True
    )
    layer.register_forward_hook(lambda module, args, output: seen.append("first"), prepend=True)
    assert layer(x, plus=1.0).tolist() == [4, 4]
    assert seen == ["first", ("a", [3, 3]), ("b", {"plus": 1.0}, [4, 4])]


def test_always_called_hooks():
    seen = []

    class Bad(nn.Module):
        def forward(self, x):
            raise ValueError("boom")

    def also_bad(module, args, output):
        raise KeyError("second")

    layer = Bad()
    layer.register_forward_hook(lambda module, args, output: seen.append("plain"))
    layer.register_forward_hook(lambda module, args, output: seen.append(("always", output)), always_call=True)
    layer.register_forward_hook(also_bad, always_call=True)
    warned = pytest.warns(UserWarning, match="raised an exception that was silenced")
    with warned, pytest.raises(ValueError, match="boom"):
        layer(1)
    assert seen == [("always", None)]


def test_full_backward_hooks():
    layer, x, seen = Scale(3.0), leaf(), []
    layer.register_full_backward_hook(lambda module, gi, go: seen.append(("hook", gi[0].tolist(), go[0].tolist())))
    layer.register_full_backward_pre_hook(lambda module, go: seen.append(("pre", go[0].tolist())))
    y = layer(x)
    assert type(y.grad_fn).__name__ == "BackwardHookFunctionBackward"
    y.sum().backward()
    assert seen == [("pre", [1, 1]), ("hook", [3, 3], [1, 1])]
    assert x.grad.tolist() == [3, 3]


def test_backward_hooks_replace_gradients():
    layer, x = Scale(3.0), leaf()
    layer.register_full_backward_hook(lambda module, gi, go: (gi[0] * 100,))
    layer.register_full_backward_pre_hook(lambda module, go: (go[0] * 5,))
    layer(x).sum().backward()
    assert x.grad.tolist() == [1500, 1500]


def test_backward_hook_without_input_gradient():
    layer, seen = nn.Linear(2, 1), []
    layer.register_full_backward_hook(lambda module, gi, go: seen.append((gi, go[0].tolist())))
    with pytest.warns(UserWarning, match="Full backward hook is firing when gradients are computed with respect to"):
        layer(torch.ones(1, 2)).sum().backward()
    assert seen == [((None,), [[1]])]


def test_backward_hook_with_several_inputs_and_outputs():
    seen = []

    class Several(nn.Module):
        def forward(self, a, n, b=None):
            return a * 2, n, b * 3

    layer, a, b = Several(), leaf(), leaf()
    layer.register_full_backward_hook(lambda module, gi, go: seen.append((gi, go)))
    outputs = layer(a, 5, b)
    assert outputs[1] == 5
    outputs[0].sum().backward()
    (gi, go) = seen[0]
    assert gi[0].tolist() == [2, 2] and gi[1] is None and gi[2].tolist() == [0, 0]
    assert go[0].tolist() == [1, 1] and go[1] is None and go[2] is None
    with torch.no_grad():
        assert layer(a, 5, b)[0].grad_fn is None


@pytest.mark.parametrize(
    ("register", "result", "phrase"),
    [
        ("register_full_backward_hook", lambda g: (g, g), "invalid number of grad_input, got 2, but expected 1"),
        ("register_full_backward_hook", lambda g: (g[:1],), "has changed the size of value"),
    ],
)
def test_wrong_replacement(register, result, phrase):
    layer = Scale()
    getattr(layer, register)(lambda module, gi, go: result(gi[0]))
    with pytest.raises(RuntimeError, match=phrase):
        layer(leaf()).sum().backward()


def test_pre_hook_with_wrong_count():
    layer = Scale()
    layer.register_full_backward_pre_hook(lambda module, go: (go[0], go[0]))
    with pytest.raises(RuntimeError, match="invalid number of grad_output, got 2, but expected 1"):
        layer(leaf()).sum().backward()


def test_kinds_of_backward_hook_do_not_mix():
    layer = Scale()
    layer.register_full_backward_hook(lambda *args: None)
    with pytest.raises(RuntimeError, match="Cannot use both regular backward hooks and full backward hooks"):
        layer.register_backward_hook(lambda *args: None)


def test_output_that_is_no_tensor():
    class Dict(nn.Module):
        def forward(self, x):
            return {"o": x * 2}

    layer = Dict()
    layer.register_full_backward_hook(lambda *args: None)
    with pytest.warns(UserWarning, match="module output should be a Tensor or a tuple of Tensors but received"):
        layer(leaf())["o"].sum().backward()


def test_global_hooks():
    model, x, seen = nn.Sequential(Scale(), Scale(3.0)), leaf(), []

    def note(what):
        return lambda module, *rest: seen.append((what, type(module).__name__))

    handles = [
        global_hooks.register_module_forward_pre_hook(note("pre")),
        global_hooks.register_module_forward_hook(note("forward")),
        global_hooks.register_module_full_backward_hook(note("backward")),
        global_hooks.register_module_full_backward_pre_hook(note("backward pre")),
    ]
    try:
        model(x).sum().backward()
    finally:
        for handle in handles:
            handle.remove()
    names = ["Sequential", "Scale", "Scale"]
    assert [name for what, name in seen if what == "pre"] == names
    assert [name for what, name in seen if what == "forward"] == names[::-1]
    assert [name for what, name in seen if what == "backward pre"] == names
    assert [name for what, name in seen if what == "backward"] == names[::-1]
    assert x.grad.tolist() == [6, 6]
    seen.clear()
    model(x)
    assert seen == []


def test_registration_hooks():
    seen = []
    handles = [
        global_hooks.register_module_parameter_registration_hook(lambda m, name, p: seen.append(name)),
        global_hooks.register_module_buffer_registration_hook(lambda m, name, b: seen.append(name)),
        global_hooks.register_module_module_registration_hook(lambda m, name, child: seen.append(name)),
    ]
    nn.Sequential(nn.BatchNorm1d(1))
    for handle in handles:
        handle.remove()
    assert seen == ["weight", "bias", "running_mean", "running_var", "num_batches_tracked", "0"]


def test_hooks_leave_no_cycle():
    import gc
    import weakref

    gc.disable()
    try:
        layer, x = Scale(), leaf()
        layer.register_full_backward_hook(lambda module, gi, go: None)
        y = layer(x)
        y.sum().backward()
        gone = weakref.ref(layer)
        del layer, y
        assert gone() is None
    finally:
        gc.enable()


def test_a_removed_hook_costs_nothing_visible():
    layer = Scale()
    layer.register_forward_hook(lambda *args: 5).remove()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert layer(leaf()).tolist() == [2, 2]
