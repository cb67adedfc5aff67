"""Stochastic gradient descent, with momentum."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numpy import add, multiply, positive, subtract

from ._elementwise import Elementwise
from .optimizer import check_fused, check_options

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..tensor import Tensor
    from .optimizer import ParamsT


class SGD(Elementwise):
    """Stochastic gradient descent: p -= lr * b with b = momentum * b + (1 - dampening) * grad.

    With `nesterov`, grad + momentum * b takes the place of b (Sutskever et al., 2013). `weight_decay` adds that
    multiple of the parameter to the gradient, `maximize` follows the gradient upwards. `foreach` and `fused` choose
    between implementations in PyTorch; here there is one. Raises ValueError for values out of range.
    """

    _numbers = ()

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float | Tensor = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_options(lr=lr, momentum=momentum, weight_decay=weight_decay)
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        check_fused(fused, foreach, differentiable)
        defaults = {
            "lr": lr, "momentum": momentum, "dampening": dampening, "weight_decay": weight_decay, "nesterov": nesterov,
            "maximize": maximize, "foreach": foreach, "differentiable": differentiable, "fused": fused,
        }  # fmt: skip
        super().__init__(params, defaults)

    def _buffers(self, group: dict[str, Any]) -> dict[str, float]:
        return {"momentum_buffer": 0.0} if group["momentum"] else {}

    def _rule(self, group: dict[str, Any], numbers: list[Any], fresh: bool) -> Callable[..., None]:
        lr, momentum, taken = self._lr(group), float(group["momentum"]), 1.0 - group["dampening"]
        nesterov = group["nesterov"]

        def update(param: Any, grad: Any, s: Any, t: Any, buffer: Any = None) -> None:
            direction = grad
            if buffer is not None:
                if fresh:
                    positive(grad, buffer)
                else:
                    multiply(buffer, momentum, buffer)
                    add(buffer, grad if taken == 1.0 else multiply(grad, taken, s), buffer)
                direction = add(grad, multiply(buffer, momentum, s), s) if nesterov else buffer
            subtract(param, multiply(direction, lr, s), param)

        return update
