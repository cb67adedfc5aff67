"""Training scripts with a switch for mixed precision, as they run on a CPU."""

from __future__ import annotations

import warnings

from .layers import attempts
from .programs import case, seeded


@case
def a_training_loop_with_loss_scaling(torch):
    """Steps, one of them with an infinite gradient, the scale between them, and resuming."""
    found = []
    for options in ({}, {"enabled": False}, {"init_scale": 4.0, "growth_interval": 2}):
        seeded(torch)
        layer = torch.nn.Linear(2, 1).double()
        optimizer = torch.optim.SGD(layer.parameters(), 0.1)
        scaler = torch.amp.GradScaler("cpu", **options)
        for step in range(5 if scaler.is_enabled() else 2):
            optimizer.zero_grad()
            with torch.autocast("cpu", enabled=False):
                loss = layer(torch.ones(3, 2, dtype=torch.float64)).sum() * (float("inf") if step == 2 else 1)
            scaled = scaler.scale(loss)
            scaled.backward()
            scaler.unscale_(optimizer)
            norm = torch.nn.utils.clip_grad_norm_(layer.parameters(), 1.0)
            found.append([scaled.item(), norm, scaler.step(optimizer)])
            scaler.update()
            found.append([scaler.get_scale(), layer.weight.detach().clone()])
        other = torch.amp.GradScaler("cpu", **options)
        other.load_state_dict(scaler.state_dict())
        found.append([scaler.state_dict(), other.get_scale()])
    return found


@case
def loss_scaling_out_of_order(torch):
    layer = torch.nn.Linear(2, 1)
    optimizer = torch.optim.SGD(layer.parameters(), 0.1)
    scaler = torch.amp.GradScaler("cpu")
    early = attempts(scaler.update, lambda: scaler.step(optimizer), lambda: scaler.unscale_(optimizer))
    scaler.scale(layer(torch.ones(3, 2)).sum()).backward()
    scaler.unscale_(optimizer)
    return early + attempts(
        lambda: scaler.unscale_(optimizer), lambda: scaler.step(optimizer), lambda: scaler.step(optimizer),
        lambda: scaler.unscale_(optimizer), lambda: scaler.update(3.0), scaler.get_scale, scaler.update,
        lambda: scaler.scale([torch.ones(1), (torch.ones(2),)]), lambda: scaler.scale(3),
        lambda: scaler.step(optimizer, closure=None), optimizer.zero_grad, lambda: scaler.step(optimizer),
        lambda: scaler.load_state_dict({}), lambda: torch.amp.GradScaler("cpu", growth_factor=0.5),
    )  # fmt: skip


@case
def autocast_where_it_is_off(torch):
    """Without a GPU: blocks, a decorated function, a custom function with PyTorch's decorators, and what is warned of."""

    @torch.autocast("cpu", enabled=False)
    def decorated(x):
        return x * 2

    class Double(torch.autograd.Function):
        @staticmethod
        @torch.amp.custom_fwd(device_type="cpu", cast_inputs=torch.float32)
        def forward(ctx, x):
            return x * 2

        @staticmethod
        @torch.amp.custom_bwd(device_type="cpu")
        def backward(ctx, g):
            return g * 2

    x = torch.ones(2, dtype=torch.float64, requires_grad=True)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with torch.autocast("cuda", dtype=torch.float16), torch.autocast("cpu", dtype=torch.float64):
            found = [decorated(x), Double.apply(x), torch.is_autocast_enabled(), torch.get_autocast_dtype("cuda")]
        scaler = torch.amp.GradScaler()
        found += [scaler.is_enabled(), scaler.scale(x), scaler.state_dict()]
    return [*found, [str(one.message)[:60] for one in caught]]
