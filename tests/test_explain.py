"""`explain(loss, parameter)` names the line where a gradient was lost; errors in backward say which node they came from."""

from __future__ import annotations

import linecache
import sys

import pytest

import rushlight as torch
from rushlight import explain
from rushlight.autograd.explanation import named
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


def through_assignment(w):
    bank, h = torch.zeros(2), w * 2
    with torch.no_grad():
        bank[:] = h
        place = line() - 1
    return bank.sum(), place


def through_data_of_another(w):
    bank = torch.zeros(2)
    bank.data.copy_(w * 2)
    place = line() - 1
    return bank.sum(), place


def through_parameter(w):
    return torch.nn.Parameter(w * 2).sum(), line()


CUTS = [
    (through_item, "item()"), (through_detach, "detach() cut it off"), (through_data, ".data cut it off"),
    (through_no_grad, "mul ran under no_grad"), (through_inference, "mul ran in inference mode"),
    (through_integers, "the conversion gives torch.int64, and no gradient flows through integers"),
    (through_comparison, "gt gives torch.bool"), (through_argmax, "argmax gives torch.int64"), (through_numpy, "numpy()"),
    (through_list, "tolist()"), (through_construction, "tensor() copies values without their history"),
    (through_assignment, "the assignment ran under no_grad"), (through_data_of_another, "copy_ changed the values behind autograd"),
    (through_parameter, "detach() cut it off"),
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
    assert f"{named((__file__, place))}    " in str(answer)
    assert str(answer).endswith(linecache.getline(__file__, place).strip())


def test_without_a_recording_it_says_what_to_do(w):
    answer = explain((w.detach() * 2).sum(), w)
    assert answer.kind == "unknown"
    assert "with rushlight.explain.recording():" in str(answer)


def test_a_gradient_that_flows(w):
    with explain.recording():
        loss, place = (w * 3).sum(), line()
    answer = explain(loss, w)
    assert answer.kind == "flows"
    assert answer.places == [(__file__, place)]
    assert str(answer).startswith("A gradient flows, of norm 4.243. It will be in .grad after loss.backward().\n    ")
    assert str(answer).endswith("\nloss <- Sum <- Mul <- parameter")
    assert w.grad is None
    loss.backward()  # the graph was kept
    assert w.grad.tolist() == [3.0, 3.0]


def test_a_freed_graph(w):
    loss = (w * w).sum()
    loss.backward()
    assert "a pass has freed the graph." in explain(loss, w).text
    w.grad = None
    assert "it was reset since" in explain(loss, w).text


def test_what_is_no_leaf_keeps_no_grad(w):
    moved = w.double()
    answer = explain((moved * 2).sum(), moved)
    assert answer.kind == "flows" and "the parameter is no leaf, ToCopyBackward0 made it" in answer.text


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
    said = {"zero": f"{node} passed on only zeros, since", "None": "the backward of NoGradient returned None"}[what]
    assert answer.text.startswith(f"The gradient is {what}: {said}")
    assert f"[{node.partition('Backward')[0]}]" in answer.way
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
    assert "another leaf of its shape, with other values, was used" in str(explain(loss, other))
    assert "is it this very tensor that the model uses?" in str(explain(loss, torch.ones(5, requires_grad=True)))
    with explain.recording():
        (other * 2).sum()
        loss = (w * 2).sum()
    assert "Nothing computed from the parameter leads to the loss" in str(explain(loss, other))


def test_a_parameter_that_was_made_anew():
    layer = torch.nn.Linear(2, 1)
    loss = layer(torch.ones(2)).sum()
    layer.weight = torch.nn.Parameter(layer.weight.detach().clone())
    answer = explain(loss, layer.weight)
    assert answer.kind == "unused" and "another leaf of its shape, with equal values, was used." in answer.text


def test_a_loss_that_is_made_of_numbers(w):
    with explain.recording():
        loss, place = torch.tensor(1.0 if w.sum() > 0 else -1.0, requires_grad=True), line()
    answer = explain(loss, w)
    assert answer.kind == "cut" and answer.places == [(__file__, place)]
    assert answer.text == "No gradient reaches the parameter: tensor() made the loss of numbers, not of tensors."


def test_only_what_this_forward_pass_took_out_is_blamed(w):
    with explain.recording():
        (w * 2).sum().item()
    with explain.recording():
        loss, place = torch.from_numpy((w * 2).detach().numpy()).sum(), line()
    assert explain(loss, w).places == [(__file__, place)]


def test_a_gradient_that_is_not_finite(w):
    with explain.recording():
        loss, place = ((w * 0).sqrt() * 3).sum(), line()
    answer = explain(loss, w)
    assert answer.kind == "nan" and answer.places == [(__file__, place)]
    assert answer.text == "The gradient is not finite: SqrtBackward0 made NaN or infinity of finite numbers."


def test_a_backward_pass_that_fails(w):
    with explain.recording():
        h, place = (w * 2).exp(), line()
        h.add_(1)
    answer = explain(h.sum(), w)
    assert answer.kind == "fails" and answer.places == [(__file__, place)]
    assert answer.text.startswith("Backward fails at ExpBackward0: RuntimeError: one of the variables needed")


def test_ways_that_cancel(w):
    assert explain((w - w).sum(), w).text == "The gradient is zero: what comes by its several ways cancels out."


def test_a_long_way_is_shortened(w):
    x = w
    for _ in range(30):
        x = x.sin()
    assert explain(x.sum(), w).way == (
        "loss <- Sum <- Sin <- Sin <- Sin <- Sin <- ... 21 more ... <- Sin <- Sin <- Sin <- Sin <- Sin <- parameter"
    )


def test_a_module():
    model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.ReLU(), torch.nn.Linear(2, 1))
    model[0].bias.data.fill_(-100.0)
    answers = explain(model(torch.ones(2)).sum(), model)
    assert [answer.kind for answer in answers.values()] == ["zero", "zero", "zero", "flows"]
    assert str(answers).splitlines()[3] == "2.bias: A gradient flows, of norm 1. It will be in .grad after loss.backward()."


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

    torch.manual_seed(0)
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
