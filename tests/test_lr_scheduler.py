"""Schedulers set PyTorch's learning rates, keep its state and warn as it does; weights are averaged as it averages
them.
"""

import copy
import json
import pickle
import warnings
from pathlib import Path

import numpy as np
import optim_cases as cases
import pytest

import rushlight as torch
from rushlight.optim import SGD, Adam, lr_scheduler, swa_utils

FACTS = json.loads((Path(__file__).parent / "references" / "optim.json").read_text())


def optimizer(lr=0.1):
    return SGD([torch.nn.Parameter(torch.ones(2))], lr=lr)


@pytest.mark.parametrize("kind", ["SGD", "Adam"])
@pytest.mark.parametrize("name", [*cases.SCHEDULERS])
def test_learning_rates_as_pytorch(name, kind):
    wanted = FACTS["schedules"][f"{name} {kind}"]
    got = cases.describe_schedule(torch, cases.SCHEDULERS[name], kind)
    for mine, theirs in zip(got["rows"], wanted["rows"], strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-12, atol=1e-16)
    assert [field for field in got["state"] if field != "_scale_fn_ref"] == [
        f for f in wanted["state"] if f != "_scale_fn_ref"
    ]
    assert got["group"] == wanted["group"]


@pytest.mark.parametrize("text", cases.PLATEAUS)
def test_plateau_as_pytorch(text):
    np.testing.assert_allclose(cases.describe_plateau(torch, text), FACTS["plateaus"][text], rtol=1e-12)


@pytest.mark.filterwarnings("ignore:Detected call")
@pytest.mark.parametrize("text", [text for name, text in cases.SCHEDULERS.items() if name not in ("lambda", "lambdas")])
def test_state_goes_on(text):
    def build():
        o = cases.two_groups(torch)
        return o, eval(text, {"torch": torch, "S": lr_scheduler, "o": o})

    def run(o, s, count):
        for _ in range(count):
            o.step()
            s.step()
        return s.get_last_lr()

    first, schedule = build()
    run(first, schedule, 4)
    second, other = build()
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    other.load_state_dict(copy.deepcopy(schedule.state_dict()))
    assert run(first, schedule, 5) == run(second, other, 5)


def test_lambda_objects_are_saved_by_their_attributes():
    class Factor:
        def __init__(self, by):
            self.by = by

        def __call__(self, epoch):
            return self.by**epoch

    schedule = lr_scheduler.LambdaLR(optimizer(), Factor(0.5))
    state = schedule.state_dict()
    assert state["lr_lambdas"] == [{"by": 0.5}]
    other = lr_scheduler.LambdaLR(optimizer(), Factor(0.1))
    other.load_state_dict(state)
    other.optimizer.step()
    other.step()
    assert other.get_last_lr() == [0.05]


def test_warnings():
    with pytest.warns(UserWarning, match=r"Detected call of `lr_scheduler.step\(\)` before `optimizer.step\(\)`"):
        lr_scheduler.StepLR(optimizer(), 2).step()
    o = optimizer()
    schedule = lr_scheduler.StepLR(o, 2)
    o.step()
    schedule.step()
    with pytest.warns(UserWarning, match=r"please use `get_last_lr\(\)`"):
        schedule.get_lr()
    with pytest.warns(UserWarning, match="The epoch parameter in `scheduler.step"):
        schedule.step(3)
    schedule = lr_scheduler.StepLR(o, 2)
    o.step = lambda: None
    with pytest.warns(UserWarning, match="has been overridden after learning rate scheduler"):
        schedule.step()


def test_too_many_steps_of_one_cycle():
    o = optimizer()
    schedule = lr_scheduler.OneCycleLR(o, 0.5, total_steps=2, cycle_momentum=False)
    with pytest.raises(ValueError, match="Tried to step 3 times. The specified number of total steps is 2"):
        for _ in range(4):
            o.step()
            schedule.step()


def test_learning_rate_as_tensor():
    o = Adam([torch.nn.Parameter(torch.ones(2))], lr=torch.tensor(0.5))
    lr = o.param_groups[0]["lr"]
    schedule = lr_scheduler.ExponentialLR(o, 0.5)
    o.step()
    schedule.step()
    assert o.param_groups[0]["lr"] is lr and lr == 0.25 and schedule.get_last_lr() == [0.25]
    assert schedule.base_lrs == [0.5]


def test_own_scheduler():
    class Halving(lr_scheduler.LRScheduler):
        def get_lr(self):
            return [base * 0.5**self.last_epoch for base in self.base_lrs]

    o = optimizer(1.0)
    schedule = Halving(o)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(3):
            o.step()
            schedule.step()
    assert o.param_groups[0]["lr"] == 0.125
    assert pickle.loads(pickle.dumps(lr_scheduler.StepLR(o, 2))).get_last_lr() == [0.125]


def test_plateau_takes_a_tensor_and_new_groups():
    o = optimizer()
    schedule = lr_scheduler.ReduceLROnPlateau(o, patience=0)
    o.add_param_group({"params": [torch.nn.Parameter(torch.ones(1))], "lr": 1.0})
    for _ in range(2):
        schedule.step(torch.tensor(1.0))
    np.testing.assert_allclose(schedule.get_last_lr(), [0.01, 0.1])


# --- averages --------------------------------------------------------------------------------------------------------


class Scale(torch.nn.Module):
    def __init__(self, value):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.tensor([value]))
        self.register_buffer("seen", torch.tensor([value]))

    def forward(self, x):
        return x * self.weight


@pytest.mark.parametrize(
    "options, wanted, buffer",
    [
        ({}, 3.0, 6.0),
        ({"use_buffers": True}, 3.0, 3.0),
        ({"avg_fn": swa_utils.get_swa_avg_fn()}, 3.0, 6.0),
        ({"avg_fn": swa_utils.get_ema_avg_fn(0.5)}, 3.75, 6.0),
        ({"multi_avg_fn": swa_utils.get_ema_multi_avg_fn(0.5)}, 3.75, 6.0),
        ({"multi_avg_fn": swa_utils.get_swa_multi_avg_fn()}, 3.0, 6.0),
    ],
)
def test_averaged_model(options, wanted, buffer):
    average = swa_utils.AveragedModel(Scale(0.0), **options)
    for value in (1.0, 2.0, 6.0):
        average.update_parameters(Scale(value))
    assert average.n_averaged == 3 and list(average.state_dict())[0] == "n_averaged"
    np.testing.assert_allclose(average(torch.ones(1)).item(), wanted, rtol=1e-6)
    np.testing.assert_allclose(average.module.seen.item(), buffer, rtol=1e-6)


def test_update_bn():
    model = torch.nn.Sequential(torch.nn.BatchNorm1d(2))
    model.eval()
    batches = [torch.tensor([[0.0, 1.0], [2.0, 3.0]]), (torch.tensor([[4.0, 5.0], [6.0, 7.0]]), "label")]
    swa_utils.update_bn(batches, model)
    assert model[0].running_mean.tolist() == [3.0, 4.0] and model[0].momentum == 0.1 and not model.training
