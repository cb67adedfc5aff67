"""Steps that are differentiated (`differentiable=True`): the same rules, on tensors that record what is done to
them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import rushlight

from ..autograd.modes import enable_grad
from ..tensor import Tensor
from ._elementwise import decayed

if TYPE_CHECKING:
    from ._elementwise import Elementwise

_NAMES = {
    "subtract": "sub",
    "multiply": "mul",
    "divide": "div",
    "absolute": "abs",
    "negative": "neg",
    "positive": "clone",
}


class Recorded:
    """Stands for an array in a rule: a ufunc that writes into it replaces its tensor by the recorded result."""

    def __init__(self, tensor: Tensor | None = None) -> None:
        self.tensor = tensor

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, out: tuple[Recorded]) -> Recorded:
        name = ufunc.__name__
        values = [value.tensor if isinstance(value, Recorded) else value for value in inputs]
        if name in ("maximum", "minimum") and not isinstance(values[1], Tensor):
            name, values = "clamp", [values[0], *((values[1], None) if name == "maximum" else (None, values[1]))]
        out[0].tensor = getattr(rushlight, _NAMES.get(name, name))(*values)
        return out[0]


def step_recorded(optimizer: Elementwise, group: dict[str, Any]) -> None:
    """Updates each parameter of a group, on the graph."""
    names = tuple(optimizer._buffers(group))
    with enable_grad():
        for param in group["params"]:
            if param._grad is None:
                continue
            entry, fresh = optimizer._entry(group, param)
            numbers = [entry[name]._array.reshape(1) for name in optimizer._numbers]
            update = decayed(optimizer, group, optimizer._rule(group, numbers, fresh))
            changed = Recorded(as_real(param.clone()))
            buffers = [Recorded(as_real(entry[name])) for name in names]
            update(changed, Recorded(as_real(param._grad)), Recorded(), Recorded(), Recorded(), *buffers)
            for name, buffer in zip(names, buffers, strict=True):
                entry[name] = as_given(buffer.tensor, param)
            param.copy_(as_given(changed.tensor, param))


def as_real(tensor: Tensor) -> Tensor:
    """Complex numbers as pairs of real ones."""
    return rushlight.view_as_real(tensor) if tensor.is_complex() else tensor


def as_given(tensor: Any, param: Tensor) -> Tensor:
    """Pairs of real numbers as complex ones, where the parameter is complex."""
    return rushlight.view_as_complex(tensor) if param.is_complex() else tensor
