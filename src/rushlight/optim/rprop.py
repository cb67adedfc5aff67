"""Rprop: resilient backpropagation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numpy import add, maximum, minimum, multiply, sign, subtract

from ._elementwise import Elementwise, advance
from .optimizer import check_options

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..tensor import Tensor
    from .optimizer import ParamsT


class Rprop(Elementwise):
    """Rprop (Riedmiller and Braun, 1993): steps by the gradient's sign, longer while it stays and shorter when it
    flips.

    `etas` are the factors for a flip and for no flip, `step_sizes` the shortest and the longest step, `lr` the first.
    Raises ValueError for values out of range.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_options(lr=lr)
        if not 0.0 < etas[0] < 1.0 < etas[1]:
            raise ValueError(f"Invalid eta values: {etas[0]}, {etas[1]}")
        defaults = {
            "lr": lr, "etas": etas, "step_sizes": step_sizes, "foreach": foreach, "maximize": maximize,
            "differentiable": differentiable, "capturable": capturable,
        }  # fmt: skip
        super().__init__(params, defaults)

    def _buffers(self, group: dict[str, Any]) -> dict[str, float]:
        return {"prev": 0.0, "step_size": float(group["lr"])}

    def _rule(self, group: dict[str, Any], numbers: list[Any], fresh: bool) -> Callable[..., None]:
        advance(numbers[0])
        (shorter, longer), (shortest, longest) = map(float, group["etas"]), map(float, group["step_sizes"])

        def update(param: Any, grad: Any, s: Any, t: Any, previous: Any, size: Any) -> None:
            sign(multiply(grad, previous, s), s)  # 1: the sign stayed, -1: it flipped
            multiply(maximum(s, 0.0, out=t), longer - 1.0, t)
            add(multiply(minimum(s, 0.0, out=previous), 1.0 - shorter, previous), t, t)
            multiply(size, add(t, 1.0, t), size)
            minimum(maximum(size, shortest, out=size), longest, out=size)
            # After a flip the gradient counts as zero, now and at the next comparison.
            add(minimum(s, 0.0, out=s), 1.0, s)
            multiply(grad, s, previous)
            subtract(param, multiply(sign(previous, s), size, s), param)

        return update
