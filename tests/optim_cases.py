"""What test_optim.py and test_lr_scheduler.py compare with PyTorch; references/make_optim.py runs the same on PyTorch
itself.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

OPTIMIZERS: dict[str, list[dict[str, Any]]] = {
    "SGD": [
        {}, {"lr": 0.1, "momentum": 0.9}, {"lr": 0.1, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.1},
        {"lr": 0.1, "momentum": 0.9, "nesterov": True, "maximize": True, "weight_decay": 0.01}, {"weight_decay": 0.5},
    ],
    "Adam": [
        {}, {"lr": 0.1, "weight_decay": 0.1}, {"lr": 0.1, "amsgrad": True}, {"weight_decay": 0.1,
        "decoupled_weight_decay": True}, {"lr": 0.1, "maximize": True, "weight_decay": 0.1, "betas": (0.3, 0.5),
        "eps": 1e-3},
    ],
    "AdamW": [{}, {"lr": 0.1, "amsgrad": True, "weight_decay": 0.3, "maximize": True}],
    "NAdam": [
        {}, {"lr": 0.1, "weight_decay": 0.1, "momentum_decay": 0.1},
        {"lr": 0.1, "weight_decay": 0.1, "decoupled_weight_decay": True, "maximize": True},
    ],
    "RAdam": [
        {}, {"lr": 0.1, "weight_decay": 0.1},
        {"lr": 0.1, "weight_decay": 0.1, "decoupled_weight_decay": True, "maximize": True},
    ],
    "Adamax": [{}, {"lr": 0.1, "weight_decay": 0.1, "maximize": True}],
    "Adagrad": [{}, {"lr": 0.1, "weight_decay": 0.1, "lr_decay": 0.2, "initial_accumulator_value": 0.3},
    {"maximize": True}], "Adadelta": [{}, {"lr": 0.5, "weight_decay": 0.1, "rho": 0.7, "maximize": True}],
    "RMSprop": [
        {}, {"lr": 0.1, "weight_decay": 0.1, "momentum": 0.5}, {"centered": True, "maximize": True},
        {"centered": True, "momentum": 0.9},
    ],
    "Rprop": [{}, {"lr": 0.1, "etas": (0.3, 1.7), "maximize": True}, {"lr": 1.0, "step_sizes": (0.8, 1.1)}],
    "ASGD": [{}, {"lr": 0.1, "t0": 2, "lambd": 0.1, "weight_decay": 0.1}, {"maximize": True, "t0": 0, "alpha": 0.9}],
    "Adafactor": [{}, {"lr": 0.1, "weight_decay": 0.1, "maximize": True}, {"eps": (1e-3, 1e-2), "d": 2.0}],
    "Muon": [{}, {"lr": 0.1, "nesterov": False}, {"adjust_lr_fn": "match_rms_adamw", "weight_decay": 0.3}],
    "LBFGS": [
        {"lr": 0.1}, {"line_search_fn": "strong_wolfe"},
        {"line_search_fn": "strong_wolfe", "max_iter": 5, "history_size": 3, "lr": 0.5},
    ],
}  # fmt: skip
KINDS = ("float64", "float32", "complex128")
REAL_ONLY = ("Adafactor", "Muon", "LBFGS")
STEPS = 6

CASES = [
    (name, number, kind)
    for name, settings in OPTIMIZERS.items()
    for number in range(len(settings))
    for kind in KINDS
    if kind != "complex128" or name not in REAL_ONLY
]

ERRORS = [
    "SGD([], lr=.1)", "SGD(p, lr=.1)", "SGD([{'params': {p}}], lr=.1)", "SGD([1], lr=.1)", "SGD([p * 2], lr=.1)",
    "SGD([[p]], lr=.1)", "SGD([{'params': [p]}, {'params': [p]}], lr=.1)", "SGD([('a', p), q], lr=.1)",
    "SGD([q, ('a', p)], lr=.1)", "SGD([{'params': [('a', p)]}, {'params': [q]}], lr=.1)",
    "SGD([p]).add_param_group([p])", "SGD([p], lr=-1)", "SGD([p], momentum=-1.)", "SGD([p], weight_decay=-1)",
    "SGD([p], nesterov=True)", "SGD([p], lr=torch.tensor([1., 2.]))", "SGD([p], fused=True, foreach=True)",
    "SGD([p], fused=True, differentiable=True)", "SGD([p], nope=1)", "Adam([p], lr=-1)", "Adam([p], eps=-1.)",
    "Adam([p], betas=(1., .9))", "Adam([p], betas=(.9, 1.))", "Adam([p], weight_decay=-1)",
    "Adam([p], lr=torch.tensor(.1), foreach=True)", "Adam([p], betas=(torch.tensor(.9), .99))",
    "NAdam([p], momentum_decay=-1)", "Adagrad([p], lr_decay=-1)", "Adagrad([p], initial_accumulator_value=-1)",
    "Adadelta([p], rho=2)", "RMSprop([p], alpha=-1)", "Rprop([p], etas=(2, 3))", "ASGD([p], lr=-1)",
    "LBFGS([p], lr=-1)", "LBFGS([{'params': [p]}, {'params': [q]}])", "LBFGS([p]).step()", "Adafactor([p], lr=-1)",
    "Adafactor([p], beta2_decay=.1)", "Adafactor([p], eps=(-1, 1))", "Adafactor([p], eps=(1, -1))",
    "Adafactor([p], d=0)", "Adafactor([p], weight_decay=-1)", "Muon([p])", "Muon([w], lr=-1)", "Muon([w], momentum=-1)",
    "Muon([w], weight_decay=-1)", "Muon([w], adjust_lr_fn='x')",
    "Adam([p]).load_state_dict({'state': {}, 'param_groups': []})",
    "Adam([p, q]).load_state_dict(torch.optim.Adam([p]).state_dict())", "lr_scheduler.StepLR('x', 2)",
    "lr_scheduler.StepLR(o, 2, last_epoch=3)", "lr_scheduler.LambdaLR(o, [1, 2])",
    "lr_scheduler.MultiplicativeLR(o, [1, 2])", "lr_scheduler.ConstantLR(o, factor=2)",
    "lr_scheduler.LinearLR(o, start_factor=0)", "lr_scheduler.LinearLR(o, end_factor=2)",
    "lr_scheduler.CosineAnnealingWarmRestarts(o, 0)", "lr_scheduler.CosineAnnealingWarmRestarts(o, 2, 0)",
    "lr_scheduler.CosineAnnealingWarmRestarts(o, 2).step(-1)", "lr_scheduler.CyclicLR(o, .1, .5, mode='x')",
    "lr_scheduler.CyclicLR(o, [.1, .2], .5)", "lr_scheduler.CyclicLR(torch.optim.Rprop([p]), .1, .5)",
    "lr_scheduler.OneCycleLR(o, .5)", "lr_scheduler.OneCycleLR(o, .5, total_steps=-1)",
    "lr_scheduler.OneCycleLR(o, .5, epochs=-1, steps_per_epoch=1)",
    "lr_scheduler.OneCycleLR(o, .5, total_steps=3, pct_start=2)",
    "lr_scheduler.OneCycleLR(o, .5, total_steps=3, anneal_strategy='x')",
    "lr_scheduler.ReduceLROnPlateau(o, factor=1.)", "lr_scheduler.ReduceLROnPlateau(o, min_lr=[1, 2])",
    "lr_scheduler.ReduceLROnPlateau(o, mode='x')", "lr_scheduler.ReduceLROnPlateau(o, threshold_mode='x')",
    "lr_scheduler.SequentialLR(o, [], [1])",
    "lr_scheduler.SequentialLR(o, [torch.optim.lr_scheduler.ConstantLR(o)], [1])", "lr_scheduler.ChainedScheduler([])",
    "lr_scheduler.ChainedScheduler([torch.optim.lr_scheduler.ReduceLROnPlateau(o)])",
    "swa_utils.SWALR(o, .5, anneal_strategy='x')", "swa_utils.SWALR(o, .5, anneal_epochs=-1)",
    "swa_utils.get_ema_avg_fn(2)",
]  # fmt: skip

SCHEDULERS = {
    "step": "S.StepLR(o, 2)",
    "milestones": "S.MultiStepLR(o, [2, 4, 4])",
    "lambda": "S.LambdaLR(o, lambda e: .9 ** e)",
    "lambdas": "S.LambdaLR(o, [lambda e: .9 ** e, lambda e: 1 / (e + 1)])",
    "multiplicative": "S.MultiplicativeLR(o, lambda e: .9)",
    "constant": "S.ConstantLR(o)",
    "linear": "S.LinearLR(o)",
    "exponential": "S.ExponentialLR(o, .9)",
    "polynomial": "S.PolynomialLR(o, power=2)",
    "cosine": "S.CosineAnnealingLR(o, 5, .01)",
    "restarts": "S.CosineAnnealingWarmRestarts(o, 3, 2)",
    "equal restarts": "S.CosineAnnealingWarmRestarts(o, 3, 1, .01)",
    "cycle": "S.CyclicLR(o, .1, .5, step_size_up=3)",
    "halved cycle": "S.CyclicLR(o, .1, .5, step_size_up=2, step_size_down=4, mode='triangular2')",
    "shrinking cycle": "S.CyclicLR(o, .1, .5, step_size_up=3, mode='exp_range', gamma=.9)",
    "scaled cycle": "S.CyclicLR(o, [.1, .2], [.5, .6], step_size_up=3, scale_fn=lambda x: 1 / x, cycle_momentum=False)",
    "one cycle": "S.OneCycleLR(o, .5, total_steps=12)",
    "three phases": "S.OneCycleLR(o, .5, epochs=3, steps_per_epoch=5, three_phase=True, anneal_strategy='linear')",
    "sequence": "S.SequentialLR(o, [S.ConstantLR(o, .1, 2), S.ExponentialLR(o, .9), S.StepLR(o, 2)], [2, 5])",
    "nested": "S.SequentialLR(o, [S.SequentialLR(o, [S.LinearLR(o, .1), S.StepLR(o, 2)], [2]), S.StepLR(o, 1)], [4])",
    "chain": "S.ChainedScheduler([S.ConstantLR(o, .1, 2), S.ExponentialLR(o, .9)])",
    "swa": "torch.optim.swa_utils.SWALR(o, .5, 3)",
    "swa at once": "torch.optim.swa_utils.SWALR(o, [.5, .6], 0, 'linear')",
}

PLATEAUS = [
    "{}", "dict(mode='max')", "dict(threshold_mode='abs', threshold=.5)",
    "dict(mode='max', threshold_mode='abs', threshold=.1, cooldown=2)", "dict(min_lr=[.05, .01])",
]  # fmt: skip
METRICS = [1, 2, 0.5, 0.4, 0.39999, 0.3, 0.3, 0.3, 3, 3.1, 3.1, 3, 3, 3]


def numbers(rng: np.random.Generator, shape: tuple, kind: str) -> np.ndarray:
    """Values in (-1, 1)."""
    values = rng.uniform(-1, 1, shape)
    return (values + 1j * rng.uniform(-1, 1, shape) if kind == "complex128" else values).astype(kind)


def describe_run(torch: Any, name: str, number: int, kind: str) -> dict[str, Any]:
    """What an optimizer makes of two parameters with given gradients, of which one is missing once, and its state."""
    rng = np.random.default_rng(3)
    shapes = [(3, 2), (2, 4)] if name == "Muon" else [(3, 2), (2,)]
    params = [torch.nn.Parameter(torch.from_numpy(numbers(rng, shape, kind))) for shape in shapes]
    optimizer = getattr(torch.optim, name)(params, **OPTIMIZERS[name][number])
    for step in range(STEPS):
        if name == "LBFGS":
            optimizer.step(lambda: bowl(torch, params))
            continue
        for index, param in enumerate(params):
            grad = torch.from_numpy(numbers(rng, shapes[index], kind))
            param.grad = None if (step, index) == (2, 1) else grad
        optimizer.step()
    state = optimizer.state_dict()
    return {
        "params": [flat(param) for param in params],
        "state": {
            str(key): {n: flat(v) for n, v in entry.items() if name != "LBFGS"} for key, entry in state["state"].items()
        },
        "groups": [list(group) for group in state["param_groups"]],
        "repr": repr(optimizer),
    }


def bowl(torch: Any, params: list) -> Any:
    """A smooth loss with its minimum at 0.3 and 0.7, and its gradient, without autograd."""
    loss = 0.0
    for param, centre in zip(params, (0.3, 0.7), strict=True):
        away = param.detach().numpy() - centre
        loss += float((away**4 + away**2).sum())
        param.grad = torch.from_numpy((4 * away**3 + 2 * away).astype(away.dtype))
    return torch.tensor(loss, dtype=params[0].dtype)


def flat(tensor: Any) -> Any:
    """A tensor's type and numbers, complex ones as pairs."""
    array = tensor.detach().numpy()
    values = array.view(array.real.dtype) if array.dtype.kind == "c" else array
    return [str(array.dtype), list(array.shape), [float(value) for value in values.reshape(-1)]]


def two_groups(torch: Any, kind: str = "SGD") -> Any:
    """An optimizer with two groups."""
    groups = [{"params": [torch.nn.Parameter(torch.ones(2))], "lr": lr} for lr in (0.1, 0.2)]
    return getattr(torch.optim, kind)(groups, **({"momentum": 0.9} if kind == "SGD" else {}))


def describe_schedule(torch: Any, text: str, kind: str) -> dict[str, Any]:
    """The learning rates and momenta of eleven steps, the closed form where there is one, and the state at the end."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a scheduler within schedulers, and steps to an epoch, warn
        optimizer = two_groups(torch, kind)
        scheduler = eval(text, {"torch": torch, "S": torch.optim.lr_scheduler, "o": optimizer})
        rows = [scheduler.get_last_lr()]
        for _ in range(11):
            optimizer.step()
            scheduler.step()
            group = optimizer.param_groups[0]
            rows.append([*scheduler.get_last_lr(), group["momentum"] if kind == "SGD" else group["betas"][0]])
        state = scheduler.state_dict()
        if hasattr(scheduler, "_get_closed_form_lr"):
            for epoch in (0, 3, 7):
                scheduler.step(epoch)
                rows.append(scheduler.get_last_lr())
    names = sorted(optimizer.param_groups[0])
    return {"rows": rows, "state": sorted(state), "group": names}


def describe_plateau(torch: Any, text: str) -> list[Any]:
    """What ReduceLROnPlateau does on a list of metrics."""
    optimizer = two_groups(torch)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=1, **eval(text))
    rows = []
    for metric in METRICS:
        scheduler.step(metric)
        rows.append([*scheduler.get_last_lr(), scheduler.num_bad_epochs, scheduler.cooldown_counter, scheduler.best])
    return rows


def describe_error(torch: Any, text: str) -> list[str]:
    """The type and message of what an expression raises."""
    names = {name: torch.nn.Parameter(torch.ones(2)) for name in "pq"}
    names |= {"torch": torch, "w": torch.nn.Parameter(torch.ones(2, 2)), "o": torch.optim.SGD([names["p"]], lr=0.1)}
    try:
        eval(f"torch.optim.{text}", names)
    except Exception as error:
        return [type(error).__name__, str(error)]
    return ["nothing", ""]
