"""Variable: the old name of a tensor that may require grad."""

from __future__ import annotations

from typing import Any

from ..tensor import Tensor, set_requires_grad


class _Tensors(type):
    """Every tensor counts as a Variable."""

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, Tensor)


class Variable(metaclass=_Tensors):
    """`Variable(tensor, requires_grad=False)` is the tensor's memory as a new leaf."""

    def __new__(cls, data: Tensor, requires_grad: bool = False, volatile: bool = False) -> Any:
        return set_requires_grad(data.detach(), requires_grad)
