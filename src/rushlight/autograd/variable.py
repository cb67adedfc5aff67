"""Variable: the old name of a tensor that may require grad."""

from __future__ import annotations

from typing import Any

from ..creation import empty
from ..tensor import Tensor, set_requires_grad


class _Tensors(type):
    """Every tensor counts as a Variable."""

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, Tensor)


class Variable(metaclass=_Tensors):
    """`Variable(tensor, requires_grad=False)` is the tensor's memory as a new leaf; without one it is empty. Raises TypeError."""

    def __new__(cls, data: Tensor | None = None, requires_grad: bool = False, volatile: bool = False) -> Any:
        if data is not None and not isinstance(data, Tensor):
            raise TypeError(f"Variable data has to be a tensor, but got {type(data).__name__}")
        return set_requires_grad(empty(0) if data is None else data.detach(), requires_grad)
