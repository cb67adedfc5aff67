"""What the programs with subclasses share."""

from __future__ import annotations

from facts import Programs

PROGRAMS = case = Programs("subclass")


def classes(torch):
    """A subclass that changes nothing, one of it, and one beside it."""
    plain = type("Plain", (torch.Tensor,), {})
    return plain, type("Deeper", (plain,), {}), type("Other", (torch.Tensor,), {})


def logging_class(torch, log):
    """A subclass that notes each call that it handles."""

    class Logging(torch.Tensor):
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            log.append(entry(torch, func, args, kwargs))
            return super().__torch_function__(func, types, args, kwargs)

    return Logging


def logging_mode(torch, log):
    """A mode that notes each call that it handles."""

    class Logging(torch.overrides.TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            log.append(entry(torch, func, args, kwargs))
            return func(*args, **(kwargs or {}))

    return Logging()


def entry(torch, func, args, kwargs):
    """What a handler sees of a call."""
    name = torch.overrides.resolve_name(func)
    return func.__name__ if name is None else name.replace("torch.functional.", "torch.")
