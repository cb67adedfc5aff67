"""Checkpointing: gradients, how often parts run, random numbers, errors, memory."""

from __future__ import annotations

import functools
import gc
import tracemalloc
import weakref

import pytest
from checkpoint_cases import PROGRAMS

import rushlight as torch
from rushlight.utils.checkpoint import (
    CheckpointError,
    CheckpointPolicy,
    checkpoint,
    checkpoint_sequential,
    create_selective_checkpoint_contexts,
    set_checkpoint_debug_enabled,
    set_checkpoint_early_stop,
)

test_as_in_pytorch = PROGRAMS.test(torch)

both = pytest.mark.parametrize("use_reentrant", [True, False])


class Block:
    """A part of a program that counts its runs."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.linear = torch.nn.Linear(4, 4)
        self.x = torch.randn(3, 4, requires_grad=True)
        self.runs = 0

    def __call__(self, t):
        self.runs += 1
        return torch.tanh(self.linear(t)).softmax(-1) * t

    def twice(self, t):
        return self(self(t))

    def gradients(self, loss) -> list:
        tensors = [self.x, self.linear.weight, self.linear.bias]
        for tensor in tensors:
            tensor.grad = None
        self.runs = 0
        loss().backward()
        return [tensor.grad.clone() for tensor in tensors]


def same(ones, others) -> bool:
    return all(torch.allclose(a, b) for a, b in zip(ones, others, strict=True))


@both
def test_gradients_are_the_usual_ones(use_reentrant) -> None:
    block = Block()
    expected = block.gradients(lambda: block.twice(block.x).sum())
    apply = functools.partial(checkpoint, block, use_reentrant=use_reentrant)
    assert same(expected, block.gradients(lambda: apply(apply(block.x)).sum()))
    assert block.runs == 4


@pytest.mark.filterwarnings("ignore:None of the inputs")
@pytest.mark.parametrize(("outer", "inner", "runs"), [(False, False, 5), (True, False, 6), (True, True, 6)])
def test_nested(outer, inner, runs) -> None:
    block = Block()
    expected = block.gradients(lambda: block.twice(block.x).sum())
    apply = functools.partial(checkpoint, block, use_reentrant=inner)
    found = block.gradients(lambda: checkpoint(lambda t: apply(apply(t)), block.x, use_reentrant=outer).sum())
    assert same(expected, found)
    assert block.runs == runs


def test_early_stop() -> None:
    reached = []

    def part(t):
        t = t.sin()
        y = t * 2
        reached.append(1)
        return y

    x = torch.ones(2, requires_grad=True)
    checkpoint(part, x, use_reentrant=False).sum().backward()
    assert len(reached) == 1  # the second run needed no more than what the sine saved
    with set_checkpoint_early_stop(False):
        y = checkpoint(part, x, use_reentrant=False).sum()
    y.backward()
    assert len(reached) == 3
    checkpoint(part, x, use_reentrant=False, early_stop=False).sum().backward()
    assert len(reached) == 5


@both
def test_random_numbers_are_drawn_again(use_reentrant) -> None:
    x = torch.ones(100, requires_grad=True)
    y = checkpoint(lambda t: torch.nn.functional.dropout(t * t, 0.5), x, use_reentrant=use_reentrant)
    before = torch.get_rng_state()
    y.sum().backward()
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(x.grad != 0, y != 0)


@both
def test_random_numbers_need_not_be_preserved(use_reentrant) -> None:
    torch.manual_seed(1)
    x = torch.ones(100, requires_grad=True)
    part = lambda t: t * torch.rand(100) * t  # noqa: E731
    y = checkpoint(part, x, use_reentrant=use_reentrant, preserve_rng_state=False)
    y.sum().backward()
    assert not torch.allclose(x.grad, 2 * y.detach())


def test_higher_orders_and_inputs() -> None:
    w = torch.tensor([1.0, 2.0], requires_grad=True)
    part = lambda t: (t**3).sin()  # noqa: E731
    results = []
    for y in (part(w), checkpoint(part, w, use_reentrant=False)):
        (g,) = torch.autograd.grad(y.sum(), w, create_graph=True)
        (h,) = torch.autograd.grad(g.sum(), w)
        results.append((g, h))
    assert same(*results)


def test_retained_graph() -> None:
    block = Block()
    y = checkpoint(block, block.x, use_reentrant=False).sum()
    y.backward(retain_graph=True)
    first = block.x.grad.clone()
    y.backward()
    assert torch.allclose(block.x.grad, 2 * first) and block.runs == 3
    with pytest.raises(RuntimeError, match="second time"):
        y.backward()


def test_keyword_arguments_and_other_values() -> None:
    w = torch.tensor([1.0, 2.0], requires_grad=True)

    def part(t, name, *, scale, items):
        assert name == "name"
        return (t * scale).sin() + items[0]

    y = checkpoint(part, w, "name", scale=2.0, items=[w], use_reentrant=False)
    assert torch.allclose(torch.autograd.grad(y.sum(), w)[0], 2 * torch.cos(2 * w) + 1)

    def several(t, other, flag):
        return t.sin(), other * 2, flag, None

    sine, doubled, flag, nothing = checkpoint(several, w, w * 2, "flag", use_reentrant=True)
    assert flag == "flag" and nothing is None
    (sine.sum() + doubled.sum()).backward()
    assert torch.allclose(w.grad, torch.cos(w) + 4)


def test_custom_functions_inside() -> None:
    class Exp(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            y = x.exp()
            ctx.save_for_backward(x, y)
            return y

        @staticmethod
        def backward(ctx, g):
            _x, y = ctx.saved_tensors
            return g * y

    w = torch.tensor([1.0, 2.0], requires_grad=True)
    y = checkpoint(lambda t: Exp.apply(t.sin()), w, use_reentrant=False)
    assert torch.allclose(torch.autograd.grad(y.sum(), w)[0], torch.exp(torch.sin(w)) * torch.cos(w))


def test_saved_attributes_run_the_part_again() -> None:
    x = torch.ones(2, requires_grad=True)
    y = checkpoint(lambda t: t.sin().exp(), x, use_reentrant=False)
    assert torch.equal(y.grad_fn._saved_result, y)
    assert torch.equal(y.grad_fn._saved_result, y)
    y.sum().backward()


def test_under_no_grad_a_part_just_runs() -> None:
    block = Block()
    with torch.no_grad():
        y = checkpoint(block, block.x, use_reentrant=False)
    assert not y.requires_grad and block.runs == 1


# --- warnings and errors --------------------------------------------------------------------------------------------


def test_the_kind_should_be_chosen() -> None:
    x = torch.ones(2, requires_grad=True)
    with pytest.warns(UserWarning, match="the use_reentrant parameter should be passed explicitly"):
        y = checkpoint(torch.sin, x)
    assert type(y.grad_fn).__name__ == "CheckpointFunctionBackward"
    with pytest.warns(UserWarning, match="checkpoint_sequential: the use_reentrant parameter should be passed explicitly"):
        checkpoint_sequential([torch.sin, torch.exp], 2, x)


def test_no_input_requires_grad() -> None:
    with pytest.warns(UserWarning, match="None of the inputs have requires_grad=True. Gradients will be None"):
        assert not checkpoint(torch.sin, torch.ones(2), use_reentrant=True).requires_grad
    assert not checkpoint(torch.sin, torch.ones(2), use_reentrant=False).requires_grad


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"use_reentrant": True, "context_fn": lambda: (1, 2)}, ValueError, "Passing `context_fn` or `debug` is only supported"),
        ({"use_reentrant": True, "debug": True}, ValueError, "is only supported when use_reentrant=False"),
        ({"use_reentrant": True, "wrong": 1}, ValueError, "Unexpected keyword arguments: wrong"),
        ({"use_reentrant": False, "determinism_check": "wrong"}, ValueError, "determinism_check should be one of"),
        ({"use_reentrant": False, "context_fn": lambda: 1}, TypeError, "cannot unpack non-iterable int object"),
    ],
)
def test_wrong_arguments(options, error, message) -> None:
    with pytest.raises(error, match=message):
        checkpoint(lambda x: x.sin(), torch.ones(2, requires_grad=True), **options)
    with pytest.raises(ValueError, match="Unexpected keyword arguments: wrong"):
        checkpoint_sequential([torch.sin], 1, torch.ones(1), use_reentrant=True, wrong=1)


def test_reentrant_errors() -> None:
    x = torch.ones(2, requires_grad=True)
    for run in (
        lambda y: torch.autograd.grad(y.sum(), x),
        lambda y: y.sum().backward(inputs=[x]),
    ):
        with pytest.raises(RuntimeError, match=r"incompatible with .grad\(\) or passing an `inputs` parameter"):
            run(checkpoint(torch.sin, x, use_reentrant=True))
    y = checkpoint(lambda t: t.detach(), x, use_reentrant=True)
    with pytest.raises(RuntimeError, match=r"none of output has requires_grad=True, this checkpoint\(\) is not necessary"):
        y.sum().backward()


class Changing:
    """Does one thing when it runs first, another when it runs again."""

    def __init__(self, first, then) -> None:
        self.functions = [then, first]

    def __call__(self, x):
        return self.functions.pop()(x)


def long(x):
    return x.sin().exp()


def short(x):
    return x.sin()


def other_type(x):
    return x.double().sin().exp().float()


def run_changing(first, then, **options) -> None:
    x = torch.ones(3, requires_grad=True)
    checkpoint(Changing(first, then), x, use_reentrant=False, **options).sum().backward()


@pytest.mark.parametrize(
    ("first", "then", "stop", "message"),
    [
        (long, short, True, "number of tensors was saved during the original forward and recomputation.\nNumber of tensors saved "
                            "during forward: 2\nNumber of tensors saved during recomputation: 1."),
        (short, long, False, "trying to save more tensors during recomputation than during the original forward pass."),
        (long, other_type, True, "Recomputed values for the following tensors have different metadata than during the forward"),
    ],
)  # fmt: skip
def test_runs_must_agree(first, then, stop, message) -> None:
    with set_checkpoint_early_stop(stop), pytest.raises(CheckpointError) as caught:
        run_changing(first, then)
    assert message in str(caught.value) and "debug=True" in str(caught.value)
    assert isinstance(caught.value, RuntimeError)


def test_metadata_in_the_message() -> None:
    with pytest.raises(CheckpointError) as caught:
        run_changing(long, other_type)
    assert (
        "tensor at position 0:\nsaved metadata: {'shape': torch.Size([3]), 'dtype': torch.float32, 'device': device(type='cpu')}\n"
        "recomputed metadata: {'shape': torch.Size([3]), 'dtype': torch.float64, 'device': device(type='cpu')}\n"
        "tensor at position 1:"
    ) in str(caught.value)
    run_changing(long, other_type, determinism_check="none")
    run_changing(short, long)  # stops in time


@pytest.mark.parametrize("by_block", [False, True])
def test_debug_lists_the_operations(by_block) -> None:
    with pytest.raises(CheckpointError) as caught:
        if by_block:
            with set_checkpoint_debug_enabled(True):
                run_changing(long, other_type)
        else:
            run_changing(long, other_type, debug=True)
    text = str(caught.value)
    assert "An error happened while unpacking tensors; dumping logs of latest computation" in text
    assert "in long" in text or ":long" in text
    assert "in other_type" in text or ":other_type" in text


def test_saved_tensors_may_be_taken_once() -> None:
    class Twice(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * 2

        @staticmethod
        def backward(ctx, g):
            first, again = ctx.saved_tensors, ctx.saved_tensors
            return g * 2 + 0 * (first[0] - again[0])

    x = torch.ones(3, requires_grad=True)
    with pytest.raises(CheckpointError, match="Unpack is being triggered for a tensor that was already unpacked once"):
        checkpoint(Twice.apply, x, use_reentrant=False).sum().backward()


def test_inputs_must_not_change_in_place() -> None:
    a = torch.ones(3, requires_grad=True) * 1
    y = checkpoint(long, a, use_reentrant=False)
    a.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


def test_errors_of_the_part_reach_the_caller() -> None:
    def failing(x):
        raise KeyError("mine")

    x = torch.ones(3, requires_grad=True)
    with pytest.raises(KeyError, match="mine"):
        checkpoint(failing, x, use_reentrant=False)
    with pytest.raises(KeyError, match="mine"):
        checkpoint(Changing(short, failing), x, use_reentrant=False).sum().backward()


# --- sequences ------------------------------------------------------------------------------------------------------


@both
@pytest.mark.parametrize("segments", [1, 2, 3, 5])
def test_sequential(use_reentrant, segments) -> None:
    torch.manual_seed(0)
    model = torch.nn.Sequential(*[torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.Tanh()) for _ in range(5)])
    x = torch.randn(3, 4, requires_grad=True)
    tensors = [x, *model.parameters()]
    results = []
    for run in (model, lambda x: checkpoint_sequential(model, segments, x, use_reentrant=use_reentrant)):
        for tensor in tensors:
            tensor.grad = None
        run(x).sum().backward()
        results.append([tensor.grad.clone() for tensor in tensors])
    assert same(*results)


# --- memory ---------------------------------------------------------------------------------------------------------


def deep_model(rows: int = 256) -> tuple:
    torch.manual_seed(0)
    layer = lambda: torch.nn.Sequential(torch.nn.Linear(32, 32), torch.nn.Tanh(), torch.nn.Linear(32, 32), torch.nn.GELU())  # noqa: E731
    return [layer() for _ in range(50)], torch.randn(rows, 32, requires_grad=True)


def peak(run) -> float:
    gc.collect()
    tracemalloc.start()
    try:
        run().pow(2).mean().backward()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_of_a_model_of_50_layers() -> None:
    layers, x = deep_model()
    model = torch.nn.Sequential(*layers)

    def by_layer(use_reentrant):
        value = x
        for layer in layers:
            value = checkpoint(layer, value, use_reentrant=use_reentrant)
        return value

    usual = peak(lambda: model(x))
    assert peak(lambda: by_layer(True)) < 0.4 * usual
    assert peak(lambda: by_layer(False)) < 0.4 * usual
    assert peak(lambda: checkpoint_sequential(model, 7, x, use_reentrant=False)) < 0.3 * usual


def held(run) -> int:
    """Bytes that are alive because of a forward pass."""
    gc.collect()
    tracemalloc.start()
    try:
        result = run()
        return tracemalloc.get_traced_memory()[0] if result is not None else 0
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("segments", [1, 5, 10, 50])
def test_what_segments_hold_is_their_inputs_and_the_last_ones_activations(segments) -> None:
    layers, x = deep_model(1024)
    model = torch.nn.Sequential(*layers)
    per_layer = held(lambda: model(x)) / len(layers)
    found = held(lambda: checkpoint_sequential(model, segments, x, use_reentrant=False))
    inputs = (segments - 1) * x.nbytes
    assert found == pytest.approx(inputs + len(layers) / segments * per_layer, rel=0.15)


@both
def test_nothing_is_left_behind(use_reentrant) -> None:
    block = Block()
    gc.collect()
    gc.disable()
    try:
        y = checkpoint(block, block.x * 1, use_reentrant=use_reentrant)
        tensor = weakref.ref(y)
        y.sum().backward()
        del y
        assert tensor() is None
    finally:
        gc.enable()
    assert gc.collect() == 0


# --- selective ------------------------------------------------------------------------------------------------------


def selective_graph():
    torch.manual_seed(0)
    w = torch.randn(4, 4, requires_grad=True)
    x = torch.randn(3, 4, requires_grad=True)
    return (x, w), lambda t: (t.sin() @ w).exp().relu()


def test_policy_keeps_results() -> None:
    inputs, function = selective_graph()
    expected = torch.autograd.grad(function(inputs[0]).sum(), inputs)
    asked = []

    def policy(ctx, op, *args, **kwargs):
        asked.append(op.__name__)
        return CheckpointPolicy.MUST_SAVE if op == torch.ops.aten.mm.default else CheckpointPolicy.PREFER_RECOMPUTE

    y = checkpoint(
        function, inputs[0], use_reentrant=False, context_fn=functools.partial(create_selective_checkpoint_contexts, policy)
    )
    assert same(expected, torch.autograd.grad(y.sum(), inputs))
    assert asked == ["sin.default", "mm.default", "exp.default", "relu.default"]


@pytest.mark.parametrize(("keep", "computed"), [([], 2), ([torch.ops.aten.mm.default], 1)])
def test_what_is_kept_is_not_computed_again(monkeypatch, keep, computed) -> None:
    inputs, function = selective_graph()
    calls = []
    multiply = torch.matmul.op.forward
    monkeypatch.setattr(torch.matmul.op, "forward", lambda *args: (calls.append(1), multiply(*args))[1])
    contexts = functools.partial(create_selective_checkpoint_contexts, keep)
    y = checkpoint(function, inputs[0], use_reentrant=False, context_fn=contexts)
    y.sum().backward()
    assert len(calls) == computed


def test_kept_results_must_not_change() -> None:
    (x, w), _function = selective_graph()

    def changes(t):
        y = t @ w
        z = y.exp()
        y.mul_(2)
        return z

    contexts = functools.partial(create_selective_checkpoint_contexts, [torch.ops.aten.mm.default])
    y = checkpoint(changes, x, use_reentrant=False, context_fn=contexts)
    with pytest.raises(RuntimeError, match="Tensor cached during selective activation checkpoint has been mutated"):
        y.sum().backward()


def test_wrong_policies() -> None:
    with pytest.raises(TypeError, match="policy_fn_or_list must be either a function or a list of ops."):
        create_selective_checkpoint_contexts(3)
    with pytest.raises(ValueError, match="Expected op in `op_list` to be an"):
        create_selective_checkpoint_contexts([print])
