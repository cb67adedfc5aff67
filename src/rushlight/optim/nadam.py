"""NAdam: Adam with Nesterov's momentum."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numpy import add, divide, multiply, sqrt, subtract

from ._elementwise import Elementwise, advance, scaled
from .optimizer import check_betas, check_options

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..tensor import Tensor
    from .optimizer import ParamsT


class NAdam(Elementwise):
    """NAdam (Dozat, 2016): Adam that looks ahead along its momentum, mu_t = beta1 * (1 - 0.96**(t * momentum_decay) /
    2).

    The other options are those of `Adam`. Raises ValueError for values out of range.
    """

    _numbers = ("step", "mu_product")

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_options(lr=lr, eps=eps)
        check_betas(betas)
        check_options(weight_decay=weight_decay, momentum_decay=momentum_decay)
        defaults = {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "momentum_decay": momentum_decay,
            "decoupled_weight_decay": decoupled_weight_decay, "maximize": maximize, "foreach": foreach,
            "capturable": capturable, "differentiable": differentiable,
        }  # fmt: skip
        super().__init__(params, defaults)

    def _first_numbers(self, group: dict[str, Any]) -> tuple[float, ...]:
        return 0.0, 1.0

    def _buffers(self, group: dict[str, Any]) -> dict[str, float]:
        return {"exp_avg": 0.0, "exp_avg_sq": 0.0}

    def _rule(self, group: dict[str, Any], numbers: list[Any], fresh: bool) -> Callable[..., None]:
        lr, (beta1, beta2), eps = self._lr(group), map(float, group["betas"]), float(group["eps"])
        decay = float(group["momentum_decay"])
        step = advance(numbers[0])
        momentum = beta1 * (1.0 - 0.5 * 0.96 ** (step * decay))
        following = beta1 * (1.0 - 0.5 * 0.96 ** ((step + 1.0) * decay))
        product = scaled(numbers[1], momentum)
        correction = 1.0 - beta2**step
        of_grad = lr * (1.0 - momentum) / (1.0 - product)
        of_mean = lr * following / (1.0 - product * following)

        def update(param: Any, grad: Any, s: Any, t: Any, mean: Any, square: Any) -> None:
            add(mean, multiply(subtract(grad, mean, s), 1.0 - beta1, s), mean)
            multiply(square, beta2, square)
            add(square, multiply(multiply(grad, grad, s), 1.0 - beta2, s), square)
            add(sqrt(divide(square, correction, s), s), eps, s)
            subtract(param, multiply(divide(grad, s, t), of_grad, t), param)
            subtract(param, multiply(divide(mean, s, t), of_mean, t), param)

        return update
