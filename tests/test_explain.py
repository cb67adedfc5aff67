"""`explain(loss, parameter)` names the line where a gradient was lost; errors in backward say which node they came from."""

from __future__ import annotations

import sys

import pytest

import rushlight as torch
from rushlight import explain
from rushlight.autograd.modes import state


def line() -> int:
    """The number of the caller's line."""
    return sys._getframe(1).f_lineno


@pytest.fixture
def w():
    return torch.tensor([1.0, 2.0], requires_grad=True)


@pytest.fixture
def other():
    return torch.tensor([3.0, 4.0], requires_grad=True)


def through_item(w):
    return torch.tensor((w * 2).sum().item()), line()


def through_detach(w):
    return (w.detach() * 2).sum(), line()


def through_data(w):
    return (w.data * 2).sum(), line()


def through_no_grad(w):
    with torch.no_grad():
        y, place = w * 2, line()
    return y.sum(), place


def through_inference(w):
    with torch.inference_mode():
        y, place = w * 2, line()
    return y.clone().sum(), place


def through_integers(w):
    y, place = (w * 2).long(), line()
    return y.float().sum(), place


def through_comparison(w):
    y, place = w > 1, line()
    return y.float().sum(), place


def through_argmax(w):
    return w.argmax() * 1.0, line()


def through_numpy(w):
    array, place = (w * 2).detach().numpy(), line()
    return torch.from_numpy(array).sum(), place


def through_list(w):
    numbers, place = (w * 2).tolist(), line()
    return torch.tensor(numbers).sum(), place


def through_construction(w):
    return torch.tensor([w[0], w[1]]).sum(), line()


CUTS = [
    (through_item, "item()"), (through_detach, "detach() cut it off"), (through_data, ".data cut it off"),
    (through_no_grad, "mul ran under no_grad"), (through_inference, "mul ran in inference mode"),
    (through_integers, "gives torch.int64, and no gradient flows through integers"), (through_comparison, "gt gives torch.bool"),
    (through_argmax, "argmax gives torch.int64"), (through_numpy, "numpy()"), (through_list, "tolist()"),
    (through_construction, "tensor passes no gradient to that argument"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "reason"), CUTS, ids=[make.__name__ for make, _ in CUTS])
@pytest.mark.parametrize("beside", [False, True])
def test_a_cut_is_named_with_its_line(w, other, make, reason, beside):
    with explain.recording():
        loss, place = make(w)
        if beside:  # the loss has a gradient, but not for this parameter
            loss = loss + other.sum()
    answer = explain(loss, w)
    assert answer.kind == "cut"
    assert reason in str(answer)
    assert (__file__, place) in answer.places
    assert f"{__file__}:{place}" in str(answer)


def test_without_a_recording_it_says_what_to_do(w):
    answer = explain((w.detach() * 2).sum(), w)
    assert answer.kind == "unknown"
    assert "with rushlight.explain.recording():" in str(answer)


def test_a_gradient_that_flows(w):
    with explain.recording():
        loss, place = (w * 3).sum(), line()
    answer = explain(loss, w)
    assert answer.kind == "flows"
    where = f"{__file__}:{place}"
    assert f"of norm 4.243: loss -> SumBackward0 at {where} -> MulBackward0 at {where} -> parameter" in str(answer)
    assert w.grad is None
    loss.backward()  # the graph was kept
    assert "The graph has been freed" in str(explain(loss, w)) or explain(loss, w).kind == "flows"


def test_a_freed_graph(w):
    loss = (w * w).sum()
    loss.backward()
    assert "The graph has been freed" in str(explain(loss, w))


class NoGradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def backward(ctx, g):
        return None


ZEROS = [
    (lambda w, other: torch.relu(-w).sum(), "zero", "ReluBackward0"),
    (lambda w, other: (w * torch.zeros(2)).sum(), "zero", "MulBackward0"),
    (lambda w, other: (w * 2).zero_().mul(other).sum(), "zero", "ZeroBackward0"),
    (lambda w, other: (w * 2).copy_(other).sum(), "zero", "CopyBackwards"),
    (lambda w, other: torch.round(w).sum(), "zero", "RoundBackward0"),
    (lambda w, other: NoGradient.apply(w).sum(), "None", "NoGradientBackward"),
]


@pytest.mark.parametrize(("make", "what", "node"), ZEROS, ids=[node for *_, node in ZEROS])
@pytest.mark.parametrize("recorded", [False, True])
def test_a_gradient_of_zeros(w, other, make, what, node, recorded):
    if recorded:
        with explain.recording():
            loss = make(w, other)
    else:
        loss = make(w, other)
    answer = explain(loss, w)
    assert answer.kind == "zero"
    assert f"The gradient is {what}, although the graph leads to it: {node}" in str(answer)
    assert bool(answer.places) is recorded
    assert ("with rushlight.explain.recording():" in str(answer)) is not recorded


def test_values_overwritten_by_index(w, other):
    with explain.recording():
        y = w * 2
        y[:] = 0
        place = line() - 1
        loss = (y * other).sum()
    assert (__file__, place) in explain(loss, w).places


def test_a_parameter_that_was_not_used(w, other):
    with explain.recording():
        loss = (w * 2).sum()
    assert explain(loss, other).kind == "unused"
    assert "did not use the parameter" in str(explain(loss, other))
    with explain.recording():
        (other * 2).sum()
        loss = (w * 2).sum()
    assert "Nothing computed from the parameter leads to the loss" in str(explain(loss, other))


def test_a_parameter_without_gradient():
    w = torch.ones(2)
    assert "does not require grad" in str(explain((w * 2).sum(), w))
    with explain.recording():
        loss = (w * 2).sum()
    w.requires_grad_()
    assert "did not require grad when it was used" in str(explain(loss, w))
    with pytest.raises(TypeError, match="argument 'loss' must be Tensor, not float"):
        explain(1.0, w)


def test_a_module_in_which_something_is_detached():
    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = torch.nn.Linear(2, 2), torch.nn.Linear(2, 1)

        def forward(self, x):
            hidden = torch.nn.functional.relu(self.first(x))
            return self.second(hidden.detach())

    model = Net()
    with explain.recording():
        loss = model(torch.ones(3, 2)).pow(2).mean()
    loss.backward(retain_graph=True)
    assert model.first.weight.grad is None
    assert "detach() cut it off" in str(explain(loss, model.first.weight))
    assert explain(loss, model.second.weight).kind == "flows"


def test_recording_costs_nothing_when_it_is_off(w):
    before = state.active
    with explain.recording():
        assert state.active == before + 1
    assert state.active == before
    y = w * 2
    assert "_record" not in y.__dict__ and "_record" not in w.__dict__
    assert y.grad_fn.trace is None


# --- errors in backward -----------------------------------------------------------------------------------------------------------


class Failing(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def backward(ctx, g):
        raise ValueError("oops")


def test_an_error_names_the_node_and_the_switch(w):
    with pytest.raises(ValueError, match="oops") as error:
        Failing.apply(w).sum().backward()
    assert error.value.__notes__ == [
        "Raised in the backward of FailingBackward, whose line is not known: run the forward pass in a block "
        "`with rushlight.explain.recording():` to see it."
    ]


def test_an_error_names_the_line(w):
    with explain.recording():
        loss, place = Failing.apply(w).sum(), line()
    with pytest.raises(ValueError, match="oops") as error:
        loss.backward()
    assert error.value.__notes__ == [f"Raised in the backward of FailingBackward, which was made at {__file__}:{place}."]
    with explain.recording():
        y, place = torch.exp(w), line()
    y.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation") as changed:
        y.sum().backward()
    assert "Raised in the backward of" in changed.value.__notes__[0]
