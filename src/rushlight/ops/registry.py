"""From the registry to methods: what an op's declaration asks for is attached to Tensor."""

from __future__ import annotations

from typing import Any

from ..autograd.inplace import inplace_form
from ..tensor import Tensor
from .kinds import registry


def attach() -> None:
    """Gives Tensor the methods, in-place methods and operators of all ops declared so far."""
    for op in registry.values():
        if op.method:
            setattr(Tensor, op.name, op.function)
        if op.inplace:
            setattr(Tensor, f"{op.name}_", inplace_form(op))
        if op.operator is not None:
            name, function = op.operator
            setattr(Tensor, name, function)
            if op.inplace:
                setattr(Tensor, name.replace("__", "__i", 1), getattr(Tensor, f"{op.name}_"))


def alias_of(op_name: str, *names: str) -> None:
    """Further names of an op's method and in-place method."""
    function = getattr(Tensor, op_name)
    changed: Any = getattr(Tensor, f"{op_name}_", None)
    for name in names:
        setattr(Tensor, name, function)
        if changed is not None:
            setattr(Tensor, f"{name}_", changed)
