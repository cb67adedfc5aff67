"""Adadelta."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numpy import add, divide, multiply, sqrt, subtract

from ._elementwise import Elementwise, advance
from .optimizer import check_options

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..tensor import Tensor
    from .optimizer import ParamsT


class Adadelta(Elementwise):
    """Adadelta (Zeiler, 2012): steps scaled by the root mean square of earlier steps over that of the gradients.

    `rho` is the decay of both means. The other options are those of `Adam`. Raises ValueError for values out of range.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_options(lr=lr)
        if not 0.0 <= rho <= 1.0:
            raise ValueError(f"Invalid rho value: {rho}")
        check_options(eps=eps, weight_decay=weight_decay)
        defaults = {
            "lr": lr, "rho": rho, "eps": eps, "weight_decay": weight_decay, "maximize": maximize,
            "capturable": capturable, "foreach": foreach, "differentiable": differentiable,
        }  # fmt: skip
        super().__init__(params, defaults)

    def _buffers(self, group: dict[str, Any]) -> dict[str, float]:
        return {"square_avg": 0.0, "acc_delta": 0.0}

    def _rule(self, group: dict[str, Any], numbers: list[Any], fresh: bool) -> Callable[..., None]:
        advance(numbers[0])
        lr, rho, eps = self._lr(group), float(group["rho"]), float(group["eps"])

        def update(param: Any, grad: Any, s: Any, t: Any, squares: Any, steps: Any) -> None:
            multiply(squares, rho, squares)
            add(squares, multiply(multiply(grad, grad, s), 1.0 - rho, s), squares)
            sqrt(add(squares, eps, s), s)
            sqrt(add(steps, eps, t), t)
            multiply(divide(t, s, t), grad, t)
            multiply(steps, rho, steps)
            add(steps, multiply(multiply(t, t, s), 1.0 - rho, s), steps)
            subtract(param, multiply(t, lr, t), param)

        return update
