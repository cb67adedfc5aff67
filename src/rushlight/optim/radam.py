"""RAdam: Adam whose adaptive step is rectified while its variance is large."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numpy import add, divide, multiply, sqrt, subtract

from ._elementwise import Elementwise, advance
from .optimizer import check_betas, check_options

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..tensor import Tensor
    from .optimizer import ParamsT


class RAdam(Elementwise):
    """RAdam (Liu et al., 2020): plain momentum until the mean square can be trusted, then Adam times a rectification.

    The options are those of `Adam`. Raises ValueError for values out of range.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_options(lr=lr, eps=eps)
        check_betas(betas)
        check_options(weight_decay=weight_decay)
        defaults = {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "maximize": maximize,
            "foreach": foreach, "capturable": capturable, "decoupled_weight_decay": decoupled_weight_decay,
            "differentiable": differentiable,
        }  # fmt: skip
        super().__init__(params, defaults)

    def _buffers(self, group: dict[str, Any]) -> dict[str, float]:
        return {"exp_avg": 0.0, "exp_avg_sq": 0.0}

    def _rule(self, group: dict[str, Any], numbers: list[Any], fresh: bool) -> Callable[..., None]:
        lr, (beta1, beta2), eps = self._lr(group), map(float, group["betas"]), float(group["eps"])
        step = advance(numbers[0])
        correction = 1.0 - beta2**step
        size = lr / (1.0 - beta1**step)
        limit = 2.0 / (1.0 - beta2) - 1.0  # the length of the approximating simple moving average, and what it tends to
        length = limit - 2.0 * step * beta2**step / correction
        trusted = length > 5.0
        if trusted:
            rectified = (length - 4.0) * (length - 2.0) * limit / ((limit - 4.0) * (limit - 2.0) * length)
            size = size * rectified**0.5 * correction**0.5

        def update(param: Any, grad: Any, s: Any, t: Any, mean: Any, square: Any) -> None:
            add(mean, multiply(subtract(grad, mean, s), 1.0 - beta1, s), mean)
            multiply(square, beta2, square)
            add(square, multiply(multiply(grad, grad, s), 1.0 - beta2, s), square)
            direction = divide(mean, add(sqrt(square, s), eps, s), s) if trusted else mean
            subtract(param, multiply(direction, size, s), param)

        return update
