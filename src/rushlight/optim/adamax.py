"""Adamax: Adam with the infinity norm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numpy import absolute, add, divide, maximum, multiply, subtract

from ._elementwise import Elementwise, advance
from .optimizer import check_betas, check_options

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..tensor import Tensor
    from .optimizer import ParamsT


class Adamax(Elementwise):
    """Adamax (Kingma and Ba, 2015): divides the mean gradient by the decaying largest one, u = max(beta2 * u, |grad| +
    eps).

    The options are those of `Adam`. Raises ValueError for values out of range.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check_options(lr=lr, eps=eps)
        check_betas(betas)
        check_options(weight_decay=weight_decay)
        defaults = {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "foreach": foreach,
            "maximize": maximize, "differentiable": differentiable, "capturable": capturable,
        }  # fmt: skip
        super().__init__(params, defaults)

    def _buffers(self, group: dict[str, Any]) -> dict[str, float]:
        return {"exp_avg": 0.0, "exp_inf": 0.0}

    def _rule(self, group: dict[str, Any], numbers: list[Any], fresh: bool) -> Callable[..., None]:
        step = advance(numbers[0])
        lr, (beta1, beta2), eps = self._lr(group), map(float, group["betas"]), float(group["eps"])
        keep1, size = 1.0 - beta1, lr / (1.0 - beta1**step)

        def update(param: Any, grad: Any, s: Any, t: Any, mean: Any, largest: Any) -> None:
            add(mean, multiply(subtract(grad, mean, s), keep1, s), mean)
            add(absolute(grad, s), eps, s)
            maximum(multiply(largest, beta2, largest), s, out=largest)
            subtract(param, multiply(divide(mean, largest, s), size, s), param)

        return update
