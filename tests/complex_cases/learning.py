"""Modules, losses and optimizers with complex parameters."""

from __future__ import annotations

from .programs import case, numbers

OPTIMIZERS = {
    "Adadelta": [{}, {"weight_decay": 0.1}, {"foreach": False}, {"capturable": False, "maximize": True}],
    "Adagrad": [{}, {"lr_decay": 0.1, "weight_decay": 0.1}, {"initial_accumulator_value": 0.2}],
    "Adam": [
        {},
        {"amsgrad": True},
        {"weight_decay": 0.1},
        {"foreach": False, "amsgrad": True},
        {"foreach": True},
        {"maximize": True},
    ],
    "AdamW": [{}, {"amsgrad": True, "foreach": False}, {"weight_decay": 0.3}],
    "Adamax": [{}, {"weight_decay": 0.1, "foreach": False}, {"foreach": True}],
    "ASGD": [{}, {"weight_decay": 0.1, "t0": 2}],
    "NAdam": [{}, {"weight_decay": 0.1, "decoupled_weight_decay": True}, {"foreach": True}],
    "RAdam": [{}, {"weight_decay": 0.1}, {"decoupled_weight_decay": True, "weight_decay": 0.1, "foreach": True}],
    "RMSprop": [{}, {"centered": True, "momentum": 0.9}, {"momentum": 0.5, "foreach": True}, {"weight_decay": 0.1}],
    "Rprop": [{}, {"etas": (0.4, 1.1)}, {"foreach": True}, {"maximize": True}],
    "SGD": [
        {},
        {"momentum": 0.9},
        {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1},
        {"momentum": 0.9, "dampening": 0.5, "foreach": True},
        {"maximize": True},
    ],
    "LBFGS": [{"max_iter": 4}, {"max_iter": 4, "line_search_fn": "strong_wolfe"}],
    "Adafactor": [{}],
    "Muon": [{}],
}


def start(torch):
    vector = numbers(torch)
    square = torch.tensor([[1 + 1j, 2 - 0.5j], [0.3j, -1.5]], dtype=torch.complex128, requires_grad=True)
    real = torch.tensor([0.5, -0.25], dtype=torch.float64, requires_grad=True)
    return [vector, square, real]


def loss_of(parameters):
    vector, square, real = parameters
    target = square @ (real + 0j)
    return (
        ((vector[:2] - target).abs() ** 2).sum()
        + (vector.abs() ** 3).sum()
        + (square.imag - 0.3).square().sum()
        + (square * real).real.sin().sum()
    )


def optimized(name, options):
    def program(torch):
        chosen = dict(options)
        if name == "LBFGS":
            chosen["lr"] = 0.5
        elif name not in ("Adadelta", "Adafactor"):
            chosen["lr"] = 0.02
        parameters = start(torch)
        optimizer = getattr(torch.optim, name)(parameters, **chosen)

        def closure():
            optimizer.zero_grad()
            loss = loss_of(parameters)
            loss.backward()
            return loss

        for _ in range(10):
            optimizer.step(closure)
        state = optimizer.state_dict()["state"]
        kinds = (
            {
                key: {
                    k: str(v.dtype) + str(list(v.shape)) if isinstance(v, torch.Tensor) else type(v).__name__
                    for k, v in entry.items()
                }
                for key, entry in state.items()
            }
            if name != "LBFGS"
            else None
        )
        return [p.detach() for p in parameters], kinds

    program.__name__ = f"{name} {options}"
    return case(program)


for name, choices in OPTIMIZERS.items():
    for options in choices:
        optimized(name, options)


def trained(torch, module, x):
    with torch.no_grad():
        for number, p in enumerate(module.parameters(), 1):
            k = torch.arange(p.numel(), dtype=torch.float64).reshape(p.shape)
            p.copy_(torch.complex(torch.sin(k + number), torch.cos(k * 2 + number)) / 3)
    y = module(x)
    (y.abs() ** 2).sum().backward()
    return y.detach(), [p.grad for p in module.parameters()], [str(p.dtype) for p in module.parameters()]


@case
def linear(torch):
    return trained(torch, torch.nn.Linear(3, 2, dtype=torch.complex128), numbers(torch, grad=False)[None])


@case
def convolution(torch):
    x = torch.complex(torch.arange(18.0, dtype=torch.float64).sin(), torch.arange(18.0, dtype=torch.float64).cos())
    return [
        trained(torch, torch.nn.Conv1d(2, 4, 3, padding=1, groups=2, dtype=torch.complex128), x.reshape(1, 2, 9)),
        trained(torch, torch.nn.Conv2d(2, 1, 2, stride=2, dtype=torch.complex128), x.reshape(1, 2, 3, 3)),
        trained(torch, torch.nn.ConvTranspose1d(2, 3, 2, stride=2, dtype=torch.complex128), x.reshape(1, 2, 9)),
        trained(
            torch,
            torch.nn.Conv1d(2, 2, 3, dilation=2, padding_mode="circular", padding=1, dtype=torch.complex128),
            x.reshape(1, 2, 9),
        ),
    ]


@case
def module_to_complex(torch):
    m = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Tanh()).to(torch.complex64)
    m.register_buffer("count", torch.tensor(1))
    m.to(torch.complex128)
    return [str(p.dtype) for p in m.parameters()], str(m.count.dtype)


@case
def module_type_warning(torch):
    import warnings

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        torch.nn.Linear(2, 2).to(torch.complex64)
    return [str(w.message)[:80] for w in caught]


@case
def initialisation(torch):
    torch.manual_seed(0)
    m = torch.nn.Linear(3, 2, dtype=torch.complex128)
    w = torch.empty(2, 3, dtype=torch.complex128)
    return (
        m.weight.detach(),
        m.bias.detach(),
        torch.nn.init.xavier_uniform_(w).clone(),
        torch.nn.init.normal_(w).clone(),
        torch.nn.init.kaiming_normal_(w).clone(),
        torch.nn.init.eye_(w).clone(),
        torch.nn.init.constant_(w, 1j).clone(),
    )


@case
def clipping(torch):
    z = numbers(torch)
    (z.abs() ** 2).sum().backward()
    total = torch.nn.utils.clip_grad_norm_([z], 1.0)
    return total, str(total.dtype), z.grad, torch.nn.utils.get_total_norm([z.grad])


@case
def clipping_values(torch):
    z = numbers(torch)
    (z.abs() ** 2).sum().backward()
    torch.nn.utils.clip_grad_value_([z], 1.0)
    return z.grad


@case
def parameters_to_vector(torch):
    z = numbers(torch)
    vector = torch.nn.utils.parameters_to_vector([z, z * 2])
    return vector


@case
def state_dict(torch):
    m = torch.nn.Linear(2, 1, dtype=torch.complex64)
    n = torch.nn.Linear(2, 1, dtype=torch.complex64)
    n.load_state_dict(m.state_dict())
    return torch.equal(m.weight, n.weight), str(n.weight.dtype)


@case
def batch_norm(torch):
    return torch.nn.functional.batch_norm(numbers(torch)[None], None, None, training=True)


@case
def layer_norm(torch):
    return torch.nn.functional.layer_norm(numbers(torch)[None], (3,)).detach()


@case
def relu(torch):
    return torch.nn.functional.relu(numbers(torch))


@case
def gelu(torch):
    return torch.nn.functional.gelu(numbers(torch))


@case
def max_pool(torch):
    return torch.nn.functional.max_pool1d(numbers(torch)[None], 2)


@case
def cross_entropy(torch):
    return torch.nn.functional.cross_entropy(numbers(torch)[None], torch.tensor([1]))


@case
def dropout(torch):
    torch.manual_seed(0)
    z = numbers(torch)
    y = torch.nn.functional.dropout(z, 0.5)
    (y.abs() ** 2).sum().backward()
    return y, z.grad


@case
def attention(torch):
    z = numbers(torch).reshape(1, 3, 1)
    return torch.nn.functional.scaled_dot_product_attention(z, z, z)


@case
def swa(torch):
    m = torch.nn.Linear(2, 1, dtype=torch.complex128)
    averaged = torch.optim.swa_utils.AveragedModel(m)
    averaged.update_parameters(m)
    with torch.no_grad():
        m.weight.mul_(3)
        before = averaged.module.weight.clone()
    averaged.update_parameters(m)
    return torch.allclose(averaged.module.weight, before * 2)
