"""Adagrad."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numpy import add, divide, multiply, sqrt, subtract

from ._elementwise import Elementwise, advance
from .optimizer import check_fused, check_options

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..tensor import Tensor
    from .optimizer import ParamsT


class Adagrad(Elementwise):
    """Adagrad (Duchi et al., 2011): divides the gradient by the root of the sum of its squares.

    The step is lr / (1 + (step - 1) * lr_decay); the sum starts at `initial_accumulator_value`. The other options are
    those of `Adam`. Raises ValueError for values out of range.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_options(
            lr=lr,
            lr_decay=lr_decay,
            weight_decay=weight_decay,
            initial_accumulator_value=initial_accumulator_value,
            eps=eps,
        )
        check_fused(fused, foreach, differentiable)
        defaults = {
            "lr": lr, "lr_decay": lr_decay, "eps": eps, "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value, "foreach": foreach, "maximize": maximize,
            "differentiable": differentiable, "fused": fused,
        }  # fmt: skip
        super().__init__(params, defaults)
        for group in self.param_groups:
            for param in group["params"]:
                self._entry(group, param)

    def share_memory(self) -> None:
        """Does nothing: the state is in ordinary memory, which threads share."""

    def _buffers(self, group: dict[str, Any]) -> dict[str, float]:
        return {"sum": float(group["initial_accumulator_value"])}

    def _rule(self, group: dict[str, Any], numbers: list[Any], fresh: bool) -> Callable[..., None]:
        step, eps = advance(numbers[0]), float(group["eps"])
        size = self._lr(group) / (1.0 + (step - 1.0) * float(group["lr_decay"]))

        def update(param: Any, grad: Any, s: Any, t: Any, total: Any) -> None:
            add(total, multiply(grad, grad, s), total)
            add(sqrt(total, s), eps, s)
            subtract(param, multiply(divide(grad, s, s), size, s), param)

        return update
