"""Optimizers take PyTorch's steps, keep its state, and say its errors; and what their speed rests on is sound."""

import copy
import gc
import json
import pickle
import weakref
from pathlib import Path

import numpy as np
import optim_cases as cases
import pytest

import rushlight as torch
from rushlight.optim import SGD, Adam, AdamW, Optimizer
from rushlight.optim import optimizer as base

FACTS = json.loads((Path(__file__).parent / "references" / "optim.json").read_text())
ELEMENTWISE = [name for name in cases.OPTIMIZERS if name not in cases.REAL_ONLY]


def parameter(values, kind="float32"):
    return torch.nn.Parameter(torch.tensor(values, dtype=getattr(torch, kind)))


def with_grad(shape, seed=0, kind="float32"):
    rng = np.random.default_rng(seed)
    param = torch.nn.Parameter(torch.from_numpy(rng.normal(size=shape).astype(kind)))
    param.grad = torch.from_numpy(rng.normal(size=shape).astype(kind))
    return param


def assert_same(got, wanted, kind):
    tolerance = 1e-12 if "64" in kind or "128" in kind else 2e-6
    assert got[:2] == wanted[:2]
    np.testing.assert_allclose(got[2], wanted[2], rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name, number, kind", cases.CASES)
def test_steps_as_pytorch(name, number, kind):
    wanted = FACTS["runs"][f"{name} {number} {kind}"]
    got = cases.describe_run(torch, name, number, kind)
    for mine, theirs in zip(got["params"], wanted["params"], strict=True):
        # L-BFGS magnifies rounding from step to step, Muon rounds to bfloat16.
        assert_same(mine, theirs, "float32" if name == "LBFGS" else kind)
    assert [*got["state"]] == [*wanted["state"]]
    for key, entry in wanted["state"].items():
        assert [*got["state"][key]] == [*entry]
        for field, value in entry.items():
            assert_same(got["state"][key][field], value, kind)
    assert got["groups"] == wanted["groups"]
    assert got["repr"] == wanted["repr"]


@pytest.mark.parametrize("text", cases.ERRORS)
def test_errors_as_pytorch(text):
    kind, message = FACTS["errors"][text]
    got_kind, got_message = cases.describe_error(torch, text)
    assert got_kind == kind
    if "missing" not in message and "unexpected keyword" not in message:
        assert got_message == message


# --- what is gathered, updated in blocks, or updated where it is, comes out the same ---------------------------------


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_together_as_alone(name):
    options = cases.OPTIMIZERS[name][1]
    shapes = [(4, 3), (), (0, 2), (300, 301), (5,)]
    together = [with_grad(shape, seed) for seed, shape in enumerate(shapes)]
    alone = [with_grad(shape, seed) for seed, shape in enumerate(shapes)]
    optimizers = [getattr(torch.optim, name)(together, **options)]
    optimizers += [getattr(torch.optim, name)([param], **options) for param in alone]
    for _ in range(3):
        for optimizer in optimizers:
            optimizer.step()
    for one, other in zip(together, alone, strict=True):
        np.testing.assert_array_equal(one.detach().numpy(), other.detach().numpy())


def test_odd_layouts_and_types():
    for make in (
        lambda: with_grad((4, 3)).detach().t(),
        lambda: torch.from_numpy(np.arange(12.0)[::2]),
        lambda: torch.from_numpy(np.asfortranarray(np.ones((200, 201)))),
        lambda: torch.ones(3, dtype=torch.float16),
    ):
        param = make().requires_grad_()
        copied = param.detach().clone().contiguous().requires_grad_()
        before = param._array
        for one in (param, copied):
            optimizer = Adam([one], lr=0.125)
            for step in range(3):
                one.grad = torch.full(one.shape, 1.0 + step, dtype=one.dtype)
                optimizer.step()
        assert param._array is before
        np.testing.assert_allclose(param.detach().numpy(), copied.detach().numpy(), rtol=1e-6)


def test_types_in_one_group():
    params = [with_grad((3,), 1, "float64"), with_grad((3,), 1), with_grad((2,), 2)]
    optimizer = Adam(params, lr=0.1)
    optimizer.step()
    assert [optimizer.state[p]["exp_avg"].dtype for p in params] == [torch.float64, torch.float32, torch.float32]
    np.testing.assert_allclose(params[0].detach().numpy(), params[1].detach().numpy(), rtol=1e-6)


def test_gradients_that_come_and_go():
    params, wanted = [with_grad((3,), s) for s in range(3)], [with_grad((3,), s) for s in range(3)]
    optimizer, single = Adam(params, lr=0.1), [Adam([p], lr=0.1) for p in wanted]
    for step in range(6):
        for index, (param, other) in enumerate(zip(params, wanted, strict=True)):
            missing = step % (index + 2) == 0
            param.grad = other.grad = None if missing else torch.full((3,), float(step - index))
            single[index].step()
        optimizer.step()
    for index, (param, other) in enumerate(zip(params, wanted, strict=True)):
        np.testing.assert_array_equal(param.detach().numpy(), other.detach().numpy())
        assert optimizer.state[param]["step"] == single[index].state[other]["step"]


def test_state_changed_from_outside():
    params = [with_grad((3,), s) for s in range(2)]
    optimizer = Adam(params, lr=0.1)
    optimizer.step()
    first = optimizer.state[params[0]]
    first["exp_avg"].zero_()
    first["exp_avg_sq"] = torch.full((3,), 4.0)
    first["step"].fill_(9.0)
    optimizer.step()
    assert [optimizer.state[p]["step"].item() for p in params] == [10.0, 2.0]
    grad = params[0].grad.numpy()
    np.testing.assert_allclose(first["exp_avg"].numpy(), 0.1 * grad, rtol=1e-6)
    np.testing.assert_allclose(first["exp_avg_sq"].numpy(), 4 * 0.999 + 0.001 * grad**2, rtol=1e-6)
    optimizer.state.clear()
    optimizer.step()
    assert optimizer.state[params[1]]["step"] == 1


def test_parameter_replaced():
    param = with_grad((3,))
    optimizer = SGD([param], lr=1.0)
    optimizer.step()
    param.data = torch.zeros(3)
    optimizer.step()
    np.testing.assert_array_equal(param.detach().numpy(), -param.grad.numpy())


def test_options_read_at_every_step():
    param = parameter([0.0])
    optimizer = SGD([param], lr=1.0)
    for lr in (1.0, 0.5, np.float64(0.25), torch.tensor(0.125)):
        optimizer.param_groups[0]["lr"] = lr
        param.grad = torch.ones(1)
        optimizer.step()
    assert param.item() == -1.875 and param.dtype is torch.float32


def test_state_that_an_option_brings_in():
    param = parameter([0.0])
    optimizer = SGD([param], lr=1.0)
    for momentum in (0, 0.5, 0.5):
        optimizer.param_groups[0]["momentum"] = momentum
        param.grad = torch.ones(1)
        optimizer.step()
    assert param.item() == -3.5


def test_strided_complex_gradient():
    params = [torch.nn.Parameter(torch.ones(3, dtype=torch.complex128)) for _ in range(2)]
    values = np.arange(6) * (1 + 2j)
    for param, grad in zip(params, (values[::2], values[::2].copy()), strict=True):
        param.grad = torch.from_numpy(grad)
        Adam([param], lr=0.1).step()
    np.testing.assert_array_equal(params[0].detach().numpy(), params[1].detach().numpy())


def test_gradients_are_only_read():
    for name in ELEMENTWISE:
        for options in cases.OPTIMIZERS[name]:
            param = with_grad((3,))
            before = param.grad.numpy().copy()
            optimizer = getattr(torch.optim, name)([param], **options)
            optimizer.step()
            optimizer.step()
            np.testing.assert_array_equal(param.grad.numpy(), before)


def test_repeated_parameter():
    param = with_grad((3,))
    before = param.detach().numpy().copy()
    with pytest.warns(UserWarning, match="duplicate parameters"):
        optimizer = SGD([param, param], lr=1.0, momentum=0.5)
    optimizer.step()
    np.testing.assert_allclose(param.detach().numpy(), before - 2.5 * param.grad.numpy(), rtol=1e-6)


# --- with autograd ---------------------------------------------------------------------------------------------------


def test_engine_sees_the_change():
    param, x = parameter([1.0, 2.0]), torch.ones(2, requires_grad=True)
    optimizer = SGD([param], lr=0.1)
    loss = (param * x).sum()
    param.grad = torch.ones(2)
    version = param._version
    optimizer.step()
    assert param._version > version
    with pytest.raises(RuntimeError, match=r"modified by an inplace operation.*test_optim.py"):
        loss.backward()


def test_trains():
    param = parameter([3.0, -2.0])
    optimizer = Adam([param], lr=0.1)

    def closure():
        optimizer.zero_grad()
        loss = (param * param).sum()
        loss.backward()
        return loss

    losses = [optimizer.step(closure).item() for _ in range(200)]
    assert losses[-1] < 1e-3 < losses[0]
    with torch.no_grad():
        assert torch.is_tensor(optimizer.step(closure))


def test_differentiable():
    for name in ELEMENTWISE:
        start = torch.tensor([1.0, -1.7, 0.5], dtype=torch.float64, requires_grad=True)
        grad = torch.tensor([0.3, 0.2, -0.7], dtype=torch.float64, requires_grad=True)
        results = []
        for differentiable in (True, False):
            param = start.clone() if differentiable else start.detach().clone().requires_grad_()
            options = {**cases.OPTIMIZERS[name][1], "differentiable": differentiable}
            optimizer = getattr(torch.optim, name)([param], **options)
            for _ in range(2):
                param.grad = grad if differentiable else grad.detach()
                optimizer.step()
            results.append(param)
        np.testing.assert_allclose(results[0].detach().numpy(), results[1].detach().numpy(), rtol=1e-12)
        by_start, by_grad = torch.autograd.grad(results[0].sum(), (start, grad), allow_unused=True)
        assert by_start is not None and np.isfinite(by_start.numpy()).all()
        assert name == "Rprop" or np.abs(by_grad.numpy()).max() > 0


def test_differentiable_learning_rate():
    lr = torch.tensor(0.5, requires_grad=True)
    param = torch.ones(2, requires_grad=True).clone()
    param.grad = torch.tensor([1.0, 2.0])
    SGD([param], lr=lr, differentiable=True).step()
    param.sum().backward()
    assert lr.grad.item() == -3.0


def test_zero_grad():
    param = with_grad((3,))
    optimizer = SGD([param, parameter([1.0])], lr=0.1)
    grad = param.grad
    optimizer.zero_grad(set_to_none=False)
    assert param.grad is grad and not grad.numpy().any()
    optimizer.zero_grad()
    assert param.grad is None


# --- state, copies, hooks --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*cases.OPTIMIZERS])
def test_resumes(name):
    options = cases.OPTIMIZERS[name][-1]

    def train(optimizer, params, steps):
        for step in steps:
            for index, param in enumerate(params):
                param.grad = torch.full(param.shape, 0.5 + step - index)
            optimizer.step(lambda: cases.bowl(torch, params)) if name == "LBFGS" else optimizer.step()

    def fresh():
        params = [with_grad((3, 2), 1), with_grad((2, 2), 2)]
        return getattr(torch.optim, name)(params, **options), params

    optimizer, params = fresh()
    train(optimizer, params, range(3))
    other, others = fresh()
    saved = pickle.loads(pickle.dumps(optimizer.state_dict()))
    other.load_state_dict(saved)
    for mine, theirs in zip(others, params, strict=True):
        mine.data = theirs.data.clone()
    train(optimizer, params, range(3, 5))
    train(other, others, range(3, 5))
    for mine, theirs in zip(others, params, strict=True):
        np.testing.assert_array_equal(mine.detach().numpy(), theirs.detach().numpy())


def test_load_casts_and_fills_in():
    param = with_grad((3,), 0, "float64")
    optimizer = Adam([param])
    old = {"lr": 0.5, "betas": (0.9, 0.99), "eps": 1e-8, "weight_decay": 0, "params": [0]}
    moments = {"exp_avg": torch.ones(3), "exp_avg_sq": torch.ones(3)}
    optimizer.load_state_dict({"state": {0: {"step": 3, **moments}}, "param_groups": [old]})
    state = optimizer.state[param]
    assert state["exp_avg"].dtype is torch.float64 and torch.is_tensor(state["step"]) and state["step"] == 3
    assert optimizer.param_groups[0]["amsgrad"] is False and optimizer.param_groups[0]["lr"] == 0.5
    optimizer.step()
    assert state["step"] == 4


def test_saved_state_is_shared_until_copied():
    param = with_grad((3,))
    optimizer = Adam([param])
    optimizer.step()
    other = Adam([param])
    other.load_state_dict(optimizer.state_dict())
    assert other.state[param]["exp_avg"] is optimizer.state[param]["exp_avg"]


def test_copies():
    param = with_grad((3,))
    optimizer = AdamW([param, with_grad((2,))], lr=0.1)
    optimizer.step()
    for other in (copy.deepcopy(optimizer), pickle.loads(pickle.dumps(optimizer))):
        twin = other.param_groups[0]["params"][0]
        assert twin is not param and repr(other) == repr(optimizer)
        twin.grad = param.grad.clone()
        other.param_groups[0]["params"][1].grad = None
        other.step()
        assert other.state[twin]["step"] == 2 and optimizer.state[param]["step"] == 1


def test_hooks():
    seen = []
    param = with_grad((2,))
    optimizer = SGD([param], lr=0.1)
    handles = [
        optimizer.register_step_pre_hook(lambda o, args, kwargs: seen.append(("pre", args == (o,), kwargs))),
        optimizer.register_step_post_hook(lambda o, args, kwargs: seen.append(("post", args == (o,), kwargs))),
        base.register_optimizer_step_pre_hook(lambda *_: seen.append("all before")),
        base.register_optimizer_step_post_hook(lambda *_: seen.append("all after")),
    ]
    optimizer.step()
    assert seen == ["all before", ("pre", True, {}), ("post", True, {}), "all after"]
    for handle in handles:
        handle.remove()
    optimizer.step()
    assert len(seen) == 4
    with (
        optimizer.register_step_pre_hook(lambda *_: 3),
        pytest.raises(RuntimeError, match="must return None or a tuple"),
    ):
        optimizer.step()
    optimizer.register_state_dict_pre_hook(lambda o: seen.append("save"))
    optimizer.register_state_dict_post_hook(lambda o, d: {**d, "extra": 1})
    optimizer.register_load_state_dict_pre_hook(lambda o, d: seen.append(d["extra"]))
    optimizer.register_load_state_dict_post_hook(lambda o: seen.append("loaded"))
    optimizer.load_state_dict(optimizer.state_dict())
    assert seen[4:] == ["save", 1, "loaded"]


def test_own_optimizer():
    class Sign(Optimizer):
        def __init__(self, params, lr=base.required):
            super().__init__(params, {"lr": lr})

        @torch.no_grad()
        def step(self, closure=None):
            for group in self.param_groups:
                for param in group["params"]:
                    param.add_(param.grad.sign(), alpha=-group["lr"])

    class Louder(Sign):
        def step(self, closure=None):
            return super().step(closure)

    with pytest.raises(ValueError, match="didn't specify a value of required optimization parameter lr"):
        Sign([parameter([1.0])])
    param, calls = parameter([1.0, 2.0]), []
    param.grad = torch.tensor([3.0, -1.0])
    optimizer = Louder([param], lr=0.5)
    optimizer.register_step_post_hook(lambda *_: calls.append(1))
    optimizer.step()
    assert param.tolist() == [0.5, 2.5] and calls == [1]


def test_groups():
    first, second = parameter([1.0]), parameter([1.0])
    optimizer = SGD([{"params": first}, {"params": iter([second]), "lr": 0.5}], lr=1.0)
    first.grad = second.grad = torch.ones(1)
    optimizer.step()
    assert (first.item(), second.item()) == (0.0, 0.5)
    optimizer.add_param_group({"params": [parameter([0.0])], "momentum": 0.9})
    assert [group["momentum"] for group in optimizer.param_groups] == [0, 0, 0.9]
    named = SGD([("a", first), ("b", second)], lr=0.1)
    assert named.state_dict()["param_groups"][0]["param_names"] == ["a", "b"]


def test_leaves_nothing_behind():
    gc.collect()
    gc.disable()
    try:
        param = with_grad((3,))
        optimizer = Adam([param])
        optimizer.step()
        reference = weakref.ref(optimizer)
        del optimizer
        assert reference() is None
    finally:
        gc.enable()


def test_sparse_is_refused():
    param = with_grad((3,))
    param.grad = param.grad.as_subclass(type("Sparse", (torch.Tensor,), {"is_sparse": True}))
    with pytest.raises(RuntimeError, match="does not support sparse gradients"):
        Adam([param]).step()
