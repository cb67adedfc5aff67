"""What nodes save: hooks that pack it, the attributes that show it, changes in place, gradient edges."""

from __future__ import annotations

import gc
import threading
import weakref

import pytest
from saved_tensor_cases import PROGRAMS

import rushlight as torch
from rushlight.autograd import Function, grad
from rushlight.autograd.graph import (
    GradientEdge,
    Node,
    allow_mutation_on_saved_tensors,
    disable_saved_tensors_hooks,
    get_gradient_edge,
    increment_version,
    save_on_cpu,
    saved_tensors_hooks,
)

test_as_in_pytorch = PROGRAMS.test(torch)


def leaf(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


def identity(value):
    return value


# --- hooks ----------------------------------------------------------------------------------------------------------


def test_pack_at_saving_and_unpack_at_use() -> None:
    events = []
    x = leaf(1.0, 2.0)
    with saved_tensors_hooks(
        lambda t: (events.append(("pack", t.tolist())), t.numpy(force=True).copy())[1],
        lambda a: (events.append(("unpack", a.tolist())), torch.from_numpy(a))[1],
    ):
        y = x.sin()
        z = y.exp()
    assert events == [("pack", [1.0, 2.0]), ("pack", z.tolist())]
    z.sum().backward()
    assert [kind for kind, _ in events] == ["pack", "pack", "unpack", "unpack"]
    assert torch.allclose(x.grad, (z * x.cos()).detach())


def test_each_saved_input_is_packed() -> None:
    packs = []
    x, w = leaf(1.0, 2.0), torch.ones(2, dtype=torch.float64)
    with saved_tensors_hooks(lambda t: (packs.append(t), t)[1], identity):
        x * x
        assert len(packs) == 2 and packs[0] is x
        packs.clear()
        x * w  # only the constant is needed
        assert len(packs) == 1 and packs[0] is w
        packs.clear()
        x * 2.0
        x + w
        x.sum()
        w * w
        assert packs == []


def test_innermost_hooks_win() -> None:
    events = []

    def hooks(name):
        return lambda t: (events.append(f"pack {name}"), t)[1], lambda t: (events.append(f"unpack {name}"), t)[1]

    x = leaf(2.0)
    with saved_tensors_hooks(*hooks("outer")):
        a = x.sin()
        with saved_tensors_hooks(*hooks("inner")):
            b = a.exp()
        c = b.cos()
    c.sum().backward()
    assert events == ["pack outer", "pack inner", "pack outer", "unpack outer", "unpack inner", "unpack outer"]


def test_values_may_be_changed_between() -> None:
    x = leaf(1.0)
    with saved_tensors_hooks(lambda t: t * 2, lambda t: t * 3):
        y = x.exp()
    y.sum().backward()
    assert torch.allclose(x.grad, 6 * torch.exp(x.detach()))


@pytest.mark.parametrize("create_graph", [False, True])
def test_packed_graph_gives_the_usual_derivatives(create_graph) -> None:
    x, w = leaf(0.5, 1.5), leaf(2.0, 3.0)

    def loss():
        largest = torch.stack([x, w]).max(0)[0]
        return (torch.tanh(x * w) @ w + torch.cat([x, w]).prod() + x.softmax(0).log().sum() + largest.sum()) ** 2

    expected = grad(loss(), (x, w), create_graph=create_graph)
    with saved_tensors_hooks(lambda t: t.detach().clone(), lambda t: t.clone()):
        result = loss()
    found = grad(result, (x, w), create_graph=create_graph)
    for one, other in zip(found, expected, strict=True):
        assert torch.allclose(one, other)
    if create_graph:
        again = grad(sum(g.sum() for g in found), (x, w))
        for one, other in zip(again, grad(sum(g.sum() for g in expected), (x, w)), strict=True):
            assert torch.allclose(one, other)


def test_second_derivative_through_packed_values() -> None:
    x = torch.tensor(2.0, requires_grad=True)
    with saved_tensors_hooks(lambda t: t * 10, identity):
        y = x * x
    (g,) = grad(y, x, create_graph=True)
    assert g.item() == 40.0
    assert grad(g, x)[0].item() == 2.0


def test_freed_and_retained() -> None:
    unpacks = []
    x = leaf(1.0)
    with saved_tensors_hooks(identity, lambda t: (unpacks.append(1), t)[1]):
        y = x.exp()
    y.sum().backward(retain_graph=True)
    y.sum().backward()
    assert len(unpacks) == 2
    with pytest.raises(RuntimeError, match="Trying to backward through the graph a second time"):
        y.sum().backward()


def test_packed_objects_live_as_long_as_the_node() -> None:
    class Box:
        def __init__(self, tensor):
            self.tensor = tensor

    boxes = []

    def pack(tensor):
        box = Box(tensor.detach())
        boxes.append(weakref.ref(box))
        return box

    x = leaf(1.0)
    gc.collect()
    gc.disable()
    try:
        with saved_tensors_hooks(pack, lambda box: box.tensor):
            y = x.exp()
            z = x.sin()
        assert all(box() is not None for box in boxes)
        y.sum().backward()
        assert boxes[0]() is None
        del z
        assert boxes[1]() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("returned", [1, None, "a"])
def test_unpack_must_return_a_tensor(returned) -> None:
    x = leaf(1.0)
    with saved_tensors_hooks(identity, lambda t: returned):
        y = x.sin()
    expected = f"Output of saved tensor unpack_hook expected to be a Tensor but got result of type {type(returned).__name__}"
    with pytest.raises(TypeError, match=expected):
        y.sum().backward()


def test_pack_must_not_change_its_input() -> None:
    x = leaf(1.0)
    with pytest.raises(RuntimeError, match="A saved tensor pack hook is modifying its input in place"), saved_tensors_hooks(
        lambda t: t.mul_(2), identity
    ):
        (x * 1.0).sin()


def test_hooks_must_be_callable() -> None:
    with pytest.raises(TypeError, match="incompatible function arguments"), saved_tensors_hooks(1, 2):
        pass


def test_a_change_in_place_after_packing_is_not_noticed() -> None:
    with saved_tensors_hooks(lambda t: t.detach().clone(), identity):
        x = leaf(1.0)
        a = x * 1
        y = a.sin()
    with torch.no_grad():
        a.mul_(2)
    y.sum().backward()
    assert torch.allclose(x.grad, x.detach().cos())


def test_hooks_of_custom_functions() -> None:
    class Exp(Function):
        @staticmethod
        def forward(ctx, x):
            y = x.exp()
            ctx.save_for_backward(x, y)
            return y

        @staticmethod
        def backward(ctx, g):
            x, y = ctx.saved_tensors
            return g * y

    packs = []
    x = leaf(1.0)
    with saved_tensors_hooks(lambda t: (packs.append(t.item()), t * 2)[1], identity):
        y = Exp.apply(x)
    assert packs == [1.0, y.item()]
    y.sum().backward()
    assert torch.allclose(x.grad, 2 * y.detach())
    packs.clear()
    with torch.no_grad(), saved_tensors_hooks(lambda t: (packs.append(t), t)[1], identity):
        Exp.apply(x)
    assert packs == []


def test_disabled_hooks() -> None:
    refused = pytest.raises(RuntimeError, match="not here")
    with disable_saved_tensors_hooks("not here"), refused, saved_tensors_hooks(identity, identity):
        pass
    with refused, saved_tensors_hooks(identity, identity), disable_saved_tensors_hooks("not here"):
        pass

    @disable_saved_tensors_hooks("nor here")
    def function():
        with saved_tensors_hooks(identity, identity):
            pass

    with pytest.raises(RuntimeError, match="nor here"):
        function()
    with saved_tensors_hooks(identity, identity):
        pass


def test_hooks_belong_to_their_thread() -> None:
    packs = []

    def work():
        leaf(1.0).sin()

    with saved_tensors_hooks(lambda t: (packs.append(t), t)[1], identity):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert packs == []


@pytest.mark.parametrize("pin_memory", [False, True])
def test_save_on_cpu(pin_memory) -> None:
    x = leaf(1.0, 2.0)
    with save_on_cpu(pin_memory=pin_memory):
        y = (x.exp() * x).sum()
    y.backward()
    assert torch.allclose(x.grad, (x.exp() * (1 + x)).detach())


# --- what nodes show ------------------------------------------------------------------------------------------------


def test_saved_attributes() -> None:
    x, w = leaf(1.0, 2.0), torch.ones(2, dtype=torch.float64)
    y = x * w
    assert y.grad_fn._saved_self is None and y.grad_fn._saved_other is w
    both = x * x
    assert both.grad_fn._saved_self is x and both.grad_fn._saved_other is x
    z = x.exp()
    assert z.grad_fn._saved_result is not z and torch.equal(z.grad_fn._saved_result, z)
    assert z.grad_fn._saved_result.grad_fn is z.grad_fn
    s = torch.stack([x, x]).sum(1, keepdim=True)
    assert s.grad_fn._saved_self_sym_sizes == (2, 2) and s.grad_fn._saved_keepdim is True
    assert {"_saved_result", "_raw_saved_result"} <= set(dir(z.grad_fn))
    with pytest.raises(AttributeError):
        z.grad_fn._saved_nothing  # noqa: B018


def test_saved_attributes_after_the_pass() -> None:
    x = leaf(1.0)
    y = x.sin()
    y.sum().backward()
    with pytest.raises(RuntimeError, match="directly access saved tensors after they have already been freed"):
        y.grad_fn._saved_self  # noqa: B018


def test_saved_attribute_of_a_changed_tensor() -> None:
    x = leaf(1.0)
    y = x.sin()
    with torch.no_grad():
        x.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.grad_fn._saved_self  # noqa: B018


def test_raw_saved_tensor_takes_hooks() -> None:
    x = leaf(1.0)
    y = x.sin()
    raw = y.grad_fn._raw_saved_self
    assert raw.unpack_hook is None
    raw.register_hooks(lambda t: t * 2, lambda t: t * 2)
    assert y.grad_fn._saved_self.item() == 4.0
    with torch.no_grad():
        x.mul_(5)
    y.sum().backward()
    assert torch.allclose(x.grad, torch.cos(torch.tensor([4.0], dtype=torch.float64)))


def test_raw_saved_tensor_errors() -> None:
    x = leaf(1.0)
    y = x.sin()
    raw = y.grad_fn._raw_saved_self
    with pytest.raises(TypeError):
        raw.register_hooks(identity)
    with pytest.raises(TypeError, match="incompatible function arguments"):
        raw.register_hooks(1, 2)
    raw.register_hooks(identity, identity)
    with pytest.raises(RuntimeError, match="on a saved tensor whose hooks have already been set"):
        raw.register_hooks(identity, identity)
    y.sum().backward()
    with pytest.raises(RuntimeError, match="Calling register_hooks on a saved tensor after it has been freed"):
        y.grad_fn._raw_saved_self.register_hooks(identity, identity)
    unneeded = (x * torch.ones(1, dtype=torch.float64)).grad_fn._raw_saved_self
    with pytest.raises(RuntimeError, match="Calling register_hooks on a saved tensor with value None is forbidden"):
        unneeded.register_hooks(identity, identity)
    with pytest.raises(RuntimeError, match="Trying to create a SavedTensor object from Python is forbidden"):
        type(raw)()


def test_custom_functions_show_what_they_saved() -> None:
    class Square(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, g):
            return g * 2 * ctx.saved_tensors[0]

    x = leaf(3.0)
    y = Square.apply(x)
    assert y.grad_fn.saved_tensors[0] is x
    y.grad_fn._raw_saved_tensors[0].register_hooks(lambda t: t * 10, identity)
    y.sum().backward()
    assert x.grad.item() == 60.0
    with pytest.raises(RuntimeError, match="already been freed"):
        y.grad_fn._raw_saved_tensors  # noqa: B018


def test_node_attributes() -> None:
    x = leaf(1.0)
    a = x * 2
    b = a * 3
    node = b.grad_fn
    assert isinstance(node, Node) and not isinstance(1, Node)
    assert node.name() == "MulBackward0"
    assert node._sequence_nr() > a.grad_fn._sequence_nr()
    node.metadata["note"] = 1
    assert b.grad_fn.metadata == {"note": 1}


# --- changes in place -----------------------------------------------------------------------------------------------


def test_mutation_allowed() -> None:
    with allow_mutation_on_saved_tensors():
        a = leaf(1.0, 2.0)
        b = a.clone()
        out = (b**2).sum()
        b.sin_()
        out.backward()
    assert a.grad.tolist() == [2.0, 4.0]


def test_mutation_of_a_view_and_of_a_result() -> None:
    with allow_mutation_on_saved_tensors():
        a = leaf(1.0, 2.0)
        b = a.clone()
        first = b[0]
        out = (b**2).sum() + b.exp().sum()
        first.mul_(3)
        e = a.exp()
        out = out + e.sum()
        e.mul_(5)
        c = a.clone()
        c.exp_()
        out = out + c.sin().sum()
        c.mul_(7)
        out.backward()
    d = a.detach()
    assert torch.allclose(a.grad, 2 * d + 2 * d.exp() + d.exp() * d.exp().cos())


def test_mutation_needs_its_block() -> None:
    with allow_mutation_on_saved_tensors() as context:
        a = leaf(1.0)
        out = (a**2).sum()
        cleared = (a**2).sum()
        context.clear()
        with pytest.raises(AssertionError, match="Trying to backward outside of the 'allow_mutation_on_saved_tensors'"):
            cleared.backward()
        nested = pytest.raises(RuntimeError, match="allow_mutation_on_saved_tensors contexts cannot be nested")
        with nested, allow_mutation_on_saved_tensors():
            pass
    with pytest.raises(AssertionError, match="Trying to backward outside of the 'allow_mutation_on_saved_tensors'"):
        out.backward()


def test_increment_version() -> None:
    t = torch.ones(2)
    increment_version(t)
    increment_version([t, t])
    assert t._version == 3
    with pytest.raises(RuntimeError, match=r"increment_version expect a Iterable\[Tensor\] as input"):
        increment_version(1)
    x = leaf(1.0)
    a = x * 1
    y = a.sin()
    increment_version(a)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


# --- gradient edges -------------------------------------------------------------------------------------------------


def test_edges_as_outputs_and_inputs() -> None:
    x = leaf(1.0, 2.0)
    y = x * 2
    loss = y.sum()
    assert grad(loss, get_gradient_edge(y), retain_graph=True)[0].tolist() == [1.0, 1.0]
    edge, at = get_gradient_edge(loss), get_gradient_edge(x)
    assert edge.node is loss.grad_fn and edge.output_nr == 0 and edge.ownership_token is None
    assert at.node.variable is x
    del y, loss
    assert grad(edge, at)[0].tolist() == [2.0, 2.0]


def test_edges_made_by_hand() -> None:
    x = leaf(1.0, 2.0)
    y = x * 2
    edge = GradientEdge(y.grad_fn, 0)
    with pytest.raises(RuntimeError, match="grad can be implicitly created only for scalar outputs"):
        grad(edge, x)
    torch.autograd.backward(edge, torch.ones(2, dtype=torch.float64), inputs=get_gradient_edge(x))
    assert x.grad.tolist() == [2.0, 2.0]


def test_edges_of_one_output_of_several() -> None:
    x = leaf(1.0, 2.0)
    a, b = x.unbind(0)
    edge = get_gradient_edge(b)
    assert edge.output_nr == 1
    loss = b * 3 + a
    assert grad(loss, edge, retain_graph=True)[0].item() == 3.0
    assert grad(loss, GradientEdge(b.grad_fn, 1), retain_graph=True)[0].item() == 3.0
    assert grad(edge, x)[0].tolist() == [0.0, 1.0]


def test_edge_errors() -> None:
    with pytest.raises(RuntimeError, match="to get the gradient edge for a Tensor that does not require gradients"):
        get_gradient_edge(torch.ones(1))
    x = leaf(1.0)
    y = x * 2
    with pytest.raises(RuntimeError, match="materialize_grads cannot be used when the given input is a GradientEdge"):
        grad(y.sum(), get_gradient_edge(leaf(1.0) * 2), materialize_grads=True)
    assert grad(y.sum(), get_gradient_edge(leaf(1.0)), allow_unused=True) == (None,)
