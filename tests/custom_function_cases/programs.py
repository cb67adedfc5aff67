"""What the programs with custom functions are made of."""

from __future__ import annotations

from facts import Programs

PROGRAMS = case = Programs("custom_function")


def make(torch, forward, backward, setup=None, **more):
    """A custom function of the given methods."""
    members = {"forward": staticmethod(forward), "backward": staticmethod(backward)}
    if setup is not None:
        members["setup_context"] = staticmethod(setup)
    for key, value in more.items():
        members[key] = staticmethod(value) if callable(value) and not isinstance(value, type) else value
    return type("Mine", (torch.autograd.Function,), members)


def double(torch):
    return make(torch, lambda ctx, x: x * 2, lambda ctx, g: g * 2)


def square(torch):
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * 2 * x

    return make(torch, forward, backward)
