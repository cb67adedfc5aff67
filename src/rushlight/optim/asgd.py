"""ASGD: averaged stochastic gradient descent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numpy import add, multiply, positive, subtract

from ._elementwise import Elementwise, advance
from .optimizer import check_options

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..tensor import Tensor
    from .optimizer import ParamsT


class ASGD(Elementwise):
    """ASGD (Polyak and Juditsky, 1992): gradient descent that also keeps the mean of the parameters, `state[p]["ax"]`.

    The step is eta = lr / (1 + lambd * lr * step)**alpha, and the parameters decay by lambd * eta; averaging starts at
    `t0`. The other options are those of `Adam`. Raises ValueError for values out of range.
    """

    _numbers = ("step", "eta", "mu")

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check_options(lr=lr, weight_decay=weight_decay)
        defaults = {
            "lr": lr, "lambd": lambd, "alpha": alpha, "t0": t0, "weight_decay": weight_decay, "foreach": foreach,
            "maximize": maximize, "differentiable": differentiable, "capturable": capturable,
        }  # fmt: skip
        super().__init__(params, defaults)

    def _first_numbers(self, group: dict[str, Any]) -> tuple[float, ...]:
        return 0.0, float(group["lr"]), 1.0

    def _buffers(self, group: dict[str, Any]) -> dict[str, float]:
        return {"ax": 0.0}

    def _rule(self, group: dict[str, Any], numbers: list[Any], fresh: bool) -> Callable[..., None]:
        lr, lambd = float(group["lr"]), float(group["lambd"])
        step, eta, mu = advance(numbers[0]), numbers[1].item(0), numbers[2].item(0)
        numbers[1].fill(lr / (1.0 + lambd * lr * step) ** float(group["alpha"]))
        numbers[2].fill(1.0 / max(1.0, step - float(group["t0"])))

        def update(param: Any, grad: Any, s: Any, t: Any, mean: Any) -> None:
            multiply(param, 1.0 - lambd * eta, param)
            subtract(param, multiply(grad, eta, s), param)
            if mu == 1.0:
                positive(param, mean)
            else:
                add(mean, multiply(subtract(param, mean, s), mu, s), mean)

        return update
