"""RMSprop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numpy import add, divide, multiply, sqrt, subtract

from ._elementwise import Elementwise, advance
from .optimizer import check_options

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..tensor import Tensor
    from .optimizer import ParamsT


class RMSprop(Elementwise):
    """RMSprop (Hinton, 2012): divides the gradient by the root of its mean square.

    `alpha` is the decay of the mean; `centered` subtracts the square of the mean gradient (Graves, 2013); `momentum`
    accumulates the steps. The other options are those of `Adam`. Raises ValueError for values out of range.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_options(lr=lr, eps=eps, momentum=momentum, weight_decay=weight_decay, alpha=alpha)
        defaults = {
            "lr": lr, "momentum": momentum, "alpha": alpha, "eps": eps, "centered": centered,
            "weight_decay": weight_decay, "capturable": capturable, "foreach": foreach, "maximize": maximize,
            "differentiable": differentiable,
        }  # fmt: skip
        super().__init__(params, defaults)

    def _buffers(self, group: dict[str, Any]) -> dict[str, float]:
        wanted = {"square_avg": True, "momentum_buffer": group["momentum"] > 0, "grad_avg": group["centered"]}
        return {name: 0.0 for name, is_wanted in wanted.items() if is_wanted}

    def _rule(self, group: dict[str, Any], numbers: list[Any], fresh: bool) -> Callable[..., None]:
        advance(numbers[0])
        lr, alpha, eps = self._lr(group), float(group["alpha"]), float(group["eps"])
        momentum, centered = float(group["momentum"]), group["centered"]

        def update(param: Any, grad: Any, s: Any, t: Any, square: Any, *rest: Any) -> None:
            multiply(square, alpha, square)
            add(square, multiply(multiply(grad, grad, s), 1.0 - alpha, s), square)
            variance = square
            if centered:
                mean = rest[-1]
                add(mean, multiply(subtract(grad, mean, s), 1.0 - alpha, s), mean)
                variance = subtract(square, multiply(mean, mean, s), s)
            direction = divide(grad, add(sqrt(variance, s), eps, s), s)
            if momentum > 0.0:
                direction = add(multiply(rest[0], momentum, rest[0]), s, rest[0])
            subtract(param, multiply(direction, lr, s), param)

        return update
