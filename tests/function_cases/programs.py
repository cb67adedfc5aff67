"""What the programs with custom functions are made of, and what can be said of their outcomes."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

FACTS = Path(__file__).parents[1] / "references" / "function_facts.json"

CASES: dict[str, Any] = {}


def case(program):
    CASES[program.__name__] = program
    return program


def function_outcome(torch: Any, name: str) -> Any:
    """What a program gives: its result as plain data, or the type and the first words of its error."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return {"result": plain(torch, CASES[name](torch))}
    except Exception as error:
        return {"error": type(error).__name__, "message": key_phrase(str(error))}


def key_phrase(message: str) -> str:
    """The first words of a message, up to where the two sides differ."""
    message = message.replace("MineBackward", "Mine")
    for mark in ("[torch.", " of Mine is a view", ". Make an input", ". Keep it", " as gradient", " You can ask", " 0 of type"):
        message = message.split(mark)[0]
    return message.strip()


def plain(torch: Any, value: Any) -> Any:
    """Tensors as lists, with what made them."""
    if isinstance(value, torch.Tensor):
        return [value.detach().tolist(), value.requires_grad, type(value.grad_fn).__name__ if value.grad_fn is not None else None]
    if isinstance(value, (tuple, list)):
        return [plain(torch, one) for one in value]
    if isinstance(value, dict):
        return {key: plain(torch, one) for key, one in value.items()}
    return value


def leaf(torch, *values):
    return torch.tensor(values or (1.0, 2.0, 3.0), dtype=torch.float64, requires_grad=True)


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
