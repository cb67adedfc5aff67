"""Subclasses of Tensor and `__torch_function__`: on classes, on foreign objects, and as modes. The facts are PyTorch 2.13's."""

from __future__ import annotations

import copy
import gc
import pickle
import threading
import weakref

import pytest
from subclass_cases import PROGRAMS

import rushlight as torch
from rushlight import overrides
from rushlight.autograd.modes import state
from rushlight.ops import ON_DEMAND
from rushlight.overrides import TorchFunctionMode, resolve_name
from rushlight.tensor import plain_types

test_as_in_pytorch = PROGRAMS.test(torch)


class Plain(torch.Tensor):
    """A subclass that changes nothing."""


class Deeper(Plain):
    pass


class Other(torch.Tensor):
    pass


class Logging(torch.Tensor):
    log: list = []

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        cls.log.append(resolve_name(func))
        return super().__torch_function__(func, types, args, kwargs)


class Foreign:
    """No tensor, but handles calls."""

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        return func.__name__, types, len(args), sorted(kwargs or {})


class Declining:
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        return NotImplemented


def subclassed(*values: float, cls=Plain):
    return torch.tensor(values).as_subclass(cls)


# --- results ----------------------------------------------------------------------------------------------------------------------

KEPT = [
    "x + 1", "1 + x", "1 - x", "1 / x", "2 ** x", "x ** 2", "-x", "abs(x)", "x == 1", "x @ x", "x[0]", "x.add_(1)", "x.sum(dim=0)",
    "torch.sum(x)", "torch.nn.functional.relu(x)", "torch.nn.functional.linear(x, torch.ones(2, 2))", "torch.stack([x, x])",
    "x.var()", "torch.var(x)", "torch.zeros(2) + x", "x.clone()", "x.detach()", "x.data", "x[None].T", "x.t()", "x.view(2)",
    "x.reshape(-1)", "x.double()", "x.to(torch.float64)", "x.new_zeros(2)", "x.new_tensor([1.0])", "torch.zeros_like(x)",
    "torch.einsum('i->', x)", "x.median()", "torch.linalg.norm(x)", "torch.fft.fft(x)", "x.norm()", "x.requires_grad_()",
    "x.type_as(x)", "torch.nn.functional.dropout(x)", "torch.nn.functional.cross_entropy(x[None], torch.tensor([1]))",
    "copy.copy(x)", "copy.deepcopy(x)", "x.max(0).values", "x.split(1)[0]", "x.unbind()[0]", "list(x)[0]",
    "pickle.loads(pickle.dumps(x))", "torch.where(x > 0, x, x)", "torch.flatten(x)", "x.expand(2, 2)",
]  # fmt: skip


@pytest.mark.parametrize("expression", KEPT)
def test_the_class_is_kept(expression):
    result = eval(expression, {"torch": torch, "copy": copy, "pickle": pickle, "x": subclassed(1.0, 2.0)})
    assert type(result) is Plain


@pytest.mark.parametrize(("expression", "kind"), [
    ("x.shape", torch.Size), ("x.size()", torch.Size), ("x.tolist()", list),
    ("len(x)", int), ("x.numel()", int), ("float(x[0])", float),
    ("bool(x[0] > 0)", bool), ("x.dtype", torch.dtype), ("x.requires_grad", bool),
    ("repr(x)", str), ("hash(x)", int), ("3 in x", bool),
    ("torch.tensor(x)", torch.Tensor), ("x.max(0)", torch.return_types.max), ("x.split(1)", tuple), ("torch.equal(x, x)", bool),
])  # fmt: skip
@pytest.mark.filterwarnings("ignore:To copy construct")
def test_what_else_comes_out(expression, kind):
    assert type(eval(expression, {"torch": torch, "x": subclassed(1.0, 2.0)})) is kind


def test_the_deeper_class_wins_and_strangers_do_not_mix():
    plain, deeper, other = (subclassed(1.0, cls=cls) for cls in (Plain, Deeper, Other))
    assert type(plain + deeper) is type(deeper + plain) is Deeper
    with pytest.raises(TypeError, match=r"unsupported operand type\(s\) for \+: 'Plain' and 'Other'"):
        plain + other
    with pytest.raises(TypeError, match="Multiple dispatch failed for 'torch.add'"):
        torch.add(plain, other)


def test_construction_and_printing():
    x = Plain([1, 2.0])
    assert type(x) is Plain and x.is_leaf and x.dtype is torch.float32
    assert repr(x) == "Plain([1., 2.])"
    assert repr(x.requires_grad_()) == "Plain([1., 2.], requires_grad=True)"
    assert Plain(2).shape == (2,)
    source = torch.ones(2)
    assert Plain(source).data_ptr() == source.data_ptr()
    assert repr(torch.ones(1, requires_grad=True).as_subclass(Plain)) == "Plain([1.], grad_fn=<AliasBackward0>)"
    made = torch.Tensor._make_subclass(Plain, source, True)
    assert type(made) is Plain and made.is_leaf and made.requires_grad and made.data_ptr() == source.data_ptr()


def test_attributes_of_one_s_own():
    class Named(torch.Tensor):
        def __new__(cls, data, name, **kwargs):
            return super().__new__(cls, data, **kwargs)

        def __init__(self, data, name, **kwargs):
            self.name = name

    x = Named([1.0, 2.0], "weights")
    assert x.name == "weights" and x.tolist() == [1.0, 2.0]
    assert copy.deepcopy(x).name == "weights"


def test_gradients():
    x = Plain([1.0, 2.0]).requires_grad_()
    (x * 3).sum().backward()
    assert type(x.grad) is torch.Tensor and x.grad.tolist() == [3.0, 3.0]
    y = torch.tensor([1.0, 2.0], requires_grad=True)
    loss = (y.as_subclass(Plain) ** 2).sum()
    assert loss.grad_fn.name() == "AliasBackward0"
    loss.backward()
    assert y.grad.tolist() == [2.0, 4.0]
    (g,) = torch.autograd.grad((x**3).sum(), x, create_graph=True)
    (h,) = torch.autograd.grad(g.sum(), x)
    assert h.tolist() == [6.0, 12.0]


def test_in_place_changes_reach_the_tensor_beneath():
    base = torch.ones(2, requires_grad=True) * 1
    base.as_subclass(Plain).mul_(3)
    base.sum().backward()
    assert base.tolist() == [3.0, 3.0]
    assert base._version == 1


def test_parameters():
    parameter = torch.nn.Parameter(Plain([1.0]))
    assert type(parameter) is Plain and isinstance(parameter, torch.nn.Parameter)
    assert repr(parameter) == "Parameter(Plain([1.], requires_grad=True))"

    class Special(torch.nn.Parameter):
        pass

    assert type(Special(torch.ones(2)) * 2) is type(torch.nn.Parameter(torch.ones(2)) * 2) is torch.Tensor
    assert Special in plain_types
    module = torch.nn.Module()
    module.weight = Special(torch.ones(2))
    assert dict(module.named_parameters()).keys() == {"weight"}
    assert type(copy.deepcopy(module).weight) is Special


def test_copies_keep_class_attributes_and_gradient():
    x = Plain([1.0, 2.0]).requires_grad_()
    x.note = "hi"
    (x * 3).sum().backward()
    for twin in (copy.copy(x), copy.deepcopy(x), pickle.loads(pickle.dumps(x))):
        assert type(twin) is Plain and twin.is_leaf and twin.requires_grad and twin.note == "hi"
    assert copy.deepcopy(x).grad.tolist() == [3.0, 3.0]


# --- the handler ------------------------------------------------------------------------------------------------------------------

def test_calls_seen_can_be_replaced():
    handled = {}

    class Replacing(torch.Tensor):
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            return handled[func](*args) if func in handled else super().__torch_function__(func, types, args, kwargs)

    handled[torch.mean] = lambda x: "mean"
    handled[torch.Tensor.mean] = lambda x: "method"
    handled[torch.Tensor.shape.__get__] = lambda x: "shape"
    handled[torch.nn.functional.mse_loss] = lambda x, y: "loss"
    x = subclassed(1.0, cls=Replacing)
    assert (torch.mean(x), x.mean(), x.shape) == ("mean", "method", "shape")
    assert torch.nn.functional.mse_loss(x, torch.ones(1)) == "loss"
    assert (x + 1).tolist() == [2.0]


def test_order_of_precedence():
    asked = []

    class First(torch.Tensor):
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            asked.append((First, types))
            return NotImplemented

    class Second(First):
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            asked.append((Second, types))
            return NotImplemented

    one, two = (subclassed(1.0, cls=cls) for cls in (First, Second))
    with pytest.raises(TypeError, match="all __torch_function__ handlers returned NotImplemented") as error:
        torch.add(one, two)
    assert asked == [(Second, (Second, First)), (First, (Second, First))]
    listed = str(error.value).splitlines()[2:4]
    assert "tensor subclass" in listed[0] and "Second" in listed[0] and "First" in listed[1]


def test_disabling():
    x = subclassed(1.0)
    with torch._C.DisableTorchFunctionSubclass():
        assert type(x + 1) is type(x.detach()) is type(x.view(1)) is torch.Tensor
        with pytest.raises(TypeError, match="must be Tensor, not Foreign"):
            torch.add(x, Foreign())
    assert type(x + 1) is Plain

    class Marked(torch.Tensor):
        __torch_function__ = torch._C._disabled_torch_function_impl

    marked = subclassed(1.0, cls=Marked)
    assert type(marked) is Marked and type(marked + 1) is torch.Tensor and Marked in plain_types


# --- other objects ----------------------------------------------------------------------------------------------------------------

ONE = (Foreign,)
FOREIGN = {
    "torch.add(x, d)": ("add", ONE, 2, []), "x.add(d)": ("add", ONE, 2, []),
    "x + d": ("add", ONE, 2, []), "x @ d": ("matmul", ONE, 2, []),
    "torch.add(d, x, alpha=2)": ("add", ONE, 2, ["alpha"]),
    "torch.mean(d)": ("mean", ONE, 1, []), "x.add_(d)": ("add_", ONE, 2, []),
    "torch.var(d, dim=1)": ("var", ONE, 1, ["dim"]), "torch.add(x, x, out=d)": ("add", ONE, 2, ["out"]),
    "torch.zeros_like(d)": ("zeros_like", ONE, 1, []), "torch.nn.functional.linear(d, x)": ("linear", ONE, 2, []),
    "torch.nn.functional.cross_entropy(d, x)": ("cross_entropy", ONE, 2, []), "torch.einsum('i->i', d)": ("einsum", ONE, 2, []),
    "torch.split(d, 2)": ("split", ONE, 2, []), "torch.where(x > 0, d, x)": ("where", ONE, 3, []),
    "torch.flatten(d)": ("flatten", ONE, 1, []),
    "torch.matmul(x, d)": ("matmul", ONE, 2, []), "torch.autograd.grad(d, x)": ("grad", ONE, 2, []),
    "torch.autograd.backward(d)": ("backward", ONE, 1, []),
}  # fmt: skip


@pytest.mark.parametrize("expression", FOREIGN)
def test_any_object_can_handle_calls(expression):
    assert eval(expression, {"torch": torch, "x": torch.ones(2), "d": Foreign()}) == FOREIGN[expression]


def test_an_object_in_a_list():
    assert torch.cat([torch.ones(2), Foreign()])[:2] == ("cat", ONE)
    with pytest.raises(TypeError, match="Multiple dispatch failed for 'torch.stack'"):
        torch.stack((Declining(), torch.ones(2)))
    with pytest.raises(TypeError, match=r"unsupported operand type\(s\) for \+: 'Tensor' and 'Declining'"):
        torch.ones(2) + Declining()


# --- modes ------------------------------------------------------------------------------------------------------------------------


class Recording(TorchFunctionMode):
    def __init__(self):
        self.seen = []

    def __torch_function__(self, func, types, args=(), kwargs=None):
        self.seen.append(func.__name__)
        return func(*args, **(kwargs or {}))


def test_a_mode_sees_every_call():
    with Recording() as mode:
        y = torch.zeros(2)
        y + 1
        torch.tensor([1.0])
        torch.randn(3)
        torch.nn.functional.relu(y)
        y.var()
        torch.arange(3)
        torch.zeros_like(y)
        y += 1
        y.flatten()
    assert mode.seen == ["zeros", "add", "tensor", "randn", "relu", "var", "arange", "zeros_like", "add_", "flatten"]
    y + 1
    assert len(mode.seen) == 10


def test_modes_nest_and_may_change_calls():
    class Doubling(TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            result = func(*args, **(kwargs or {}))
            return result * 2 if func is torch.ones else result

    with Recording() as outer, Doubling():
        assert torch.ones(1).tolist() == [2.0]
    assert outer.seen == ["ones", "mul"]
    with overrides.BaseTorchFunctionMode():
        assert (torch.ones(1) + 1).tolist() == [2.0]


def test_a_mode_comes_before_subclasses_and_may_decline():
    class Refusing(TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            return NotImplemented

    with Refusing(), pytest.raises(TypeError, match="mode object"):
        torch.zeros(2)
    with Recording() as mode:
        assert type(subclassed(1.0) + 1) is Plain
    assert mode.seen == ["tensor", "add"]
    before = state.active
    with pytest.raises(ZeroDivisionError), Recording():
        _ = 1 / 0
    assert state.active == before


def test_a_mode_leaves_tensors_as_they_were():
    before = dict(vars(torch.Tensor))
    with pytest.raises(ZeroDivisionError), Recording(), Recording():
        assert torch.Tensor.add is before["add"] and torch.Tensor.shape is before["shape"]
        torch.ones(2, 2).matrix_exp()  # loads a family of ops
        _ = 1 / 0
    changed = {name for name, value in vars(torch.Tensor).items() if value is not before[name]}
    assert changed <= {name for names in ON_DEMAND.values() for name in names}
    assert torch.zeros(2, 2).matrix_exp().tolist() == [[1, 0], [0, 1]]


def test_a_mode_sees_its_own_thread_only():
    with Recording() as mode:
        thread = threading.Thread(target=lambda: torch.ones(2).add(1).shape)
        thread.start()
        thread.join()
    assert mode.seen == []


# --- torch.overrides --------------------------------------------------------------------------------------------------------------


def test_functions_of_one_s_own():
    def double(x):
        if overrides.has_torch_function((x,)):
            return overrides.handle_torch_function(double, (x,), x)
        return x * 2

    wrapped = overrides.wrap_torch_function(lambda x: (x,))(lambda x: x * 2)
    for function in (double, wrapped):
        assert function(torch.ones(1)).tolist() == [2.0]
        assert type(function(subclassed(1.0))) is Plain
        assert function(Foreign())[1:] == (ONE, 1, [])
    with pytest.raises(TypeError, match="no implementation found for .*double.* on types that implement __torch_function__"):
        double(Declining())


def test_questions():
    assert overrides.is_tensor_like(torch.ones(1)) and overrides.is_tensor_like(Foreign()) and not overrides.is_tensor_like(3)
    assert not overrides.has_torch_function((torch.ones(1), 3)) and overrides.has_torch_function((subclassed(1.0),))
    assert resolve_name(torch.add) == "torch.add"
    assert resolve_name(torch.nn.functional.relu) == "torch.nn.functional.relu"
    assert resolve_name(torch.Tensor.shape.__get__) == "torch.Tensor.shape.__get__"
    assert resolve_name(len) is None
    assert overrides.is_tensor_method_or_property(torch.Tensor.shape.__get__)
    assert not overrides.is_tensor_method_or_property(torch.zeros)
    functions = overrides.get_overridable_functions()
    assert torch.add in functions[torch] and torch.nn.functional.relu in functions[torch.nn.functional]
    assert torch.is_tensor in overrides.get_ignored_functions()


def test_what_needs_a_layer_of_operators_is_refused():
    from rushlight.utils._python_dispatch import TorchDispatchMode

    class Dispatching(torch.Tensor):
        @classmethod
        def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
            return func(*args, **(kwargs or {}))

    class Mode(TorchDispatchMode):
        pass

    with pytest.raises(NotImplementedError, match="Mode: __torch_dispatch__ is not supported"), Mode():
        pass
    for make in (
        lambda: torch.ones(2).as_subclass(Dispatching),
        lambda: Dispatching([1.0]),
        lambda: torch.Tensor._make_subclass(Dispatching, torch.ones(2)),
        lambda: torch.Tensor._make_wrapper_subclass(Dispatching, (2,)),
    ):
        with pytest.raises(NotImplementedError, match="Dispatching: __torch_dispatch__ is not supported"):
            make()


# --- cost -------------------------------------------------------------------------------------------------------------------------


def test_subclasses_leave_plain_tensors_alone():
    assert state.active == 0
    x = subclassed(1.0)
    assert state.active == 0
    assert type(torch.ones(1) + 1) is torch.Tensor
    assert type(x) not in plain_types


def test_no_cycle_is_left_behind():
    gc.collect()
    gc.disable()
    try:
        x = Plain([1.0]).requires_grad_()
        y = (x * 2).sum()
        y.backward()
        references = [weakref.ref(x), weakref.ref(y)]
        del x, y
        assert [reference() for reference in references] == [None, None]
    finally:
        gc.enable()
