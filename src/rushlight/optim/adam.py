"""Adam, and AdamW, whose weight decay is decoupled from the gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numpy import add, divide, maximum, multiply, sqrt, subtract

from ..tensor import Tensor
from ._elementwise import Elementwise, advance
from .optimizer import check_betas, check_fused, check_options

if TYPE_CHECKING:
    from collections.abc import Callable

    from .optimizer import ParamsT


class Adam(Elementwise):
    """Adam (Kingma and Ba, 2015): steps of size lr along the mean gradient over the root of its mean square.

    `betas` are the decays of the two means and `eps` keeps the denominator from zero. `weight_decay` adds that multiple
    of the parameter to the gradient, or, with `decoupled_weight_decay`, shrinks the parameter itself; `amsgrad` divides
    by the largest mean square so far (Reddi et al., 2018). `foreach`, `fused` and `capturable` choose between
    implementations in PyTorch; here there is one. Raises ValueError for values out of range.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        check_options(lr=lr)
        check_foreach_tensors(lr, betas, foreach, capturable)
        check_options(eps=eps)
        check_betas(betas)
        check_options(weight_decay=weight_decay)
        if isinstance(betas[0], Tensor) != isinstance(betas[1], Tensor):
            raise ValueError("betas must be either both floats or both Tensors")
        check_fused(fused, foreach, differentiable)
        defaults = {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "amsgrad": amsgrad,
            "maximize": maximize, "foreach": foreach, "capturable": capturable, "differentiable": differentiable,
            "fused": fused, "decoupled_weight_decay": decoupled_weight_decay,
        }  # fmt: skip
        super().__init__(params, defaults)

    def _buffers(self, group: dict[str, Any]) -> dict[str, float]:
        names = {"exp_avg": 0.0, "exp_avg_sq": 0.0}
        return {**names, "max_exp_avg_sq": 0.0} if group["amsgrad"] else names

    def _rule(self, group: dict[str, Any], numbers: list[Any], fresh: bool) -> Callable[..., None]:
        step = advance(numbers[0])
        lr, (beta1, beta2) = self._lr(group), map(float, group["betas"])
        keep1, keep2 = 1.0 - beta1, 1.0 - beta2
        # m / (sqrt(v / root**2) + eps) * size, with the division by `root` moved out of the arrays
        root = (1.0 - beta2**step) ** 0.5
        size, eps = lr / (1.0 - beta1**step) * root, float(group["eps"]) * root

        def update(param: Any, grad: Any, s: Any, t: Any, mean: Any, square: Any, largest: Any = None) -> None:
            subtract(grad, mean, s)
            multiply(s, keep1, s)
            add(mean, s, mean)
            multiply(grad, grad, s)
            multiply(s, keep2, s)
            multiply(square, beta2, square)
            add(square, s, square)
            if largest is not None:
                square = maximum(largest, square, out=largest)
            sqrt(square, s)
            add(s, eps, s)
            divide(mean, s, s)
            multiply(s, size, s)
            subtract(param, s, param)

        return update


class AdamW(Adam):
    """Adam with decoupled weight decay (Loshchilov and Hutter, 2019): p *= 1 - lr * weight_decay before the step.

    The options are those of `Adam`.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        super().__init__(
            params, lr, betas, eps, weight_decay, amsgrad, foreach=foreach, maximize=maximize, capturable=capturable,
            differentiable=differentiable, fused=fused, decoupled_weight_decay=True,
        )  # fmt: skip

    def __setstate__(self, saved: dict[str, Any]) -> None:
        super().__setstate__(saved)
        for group in self.param_groups:
            group["decoupled_weight_decay"] = True


def check_foreach_tensors(lr: Any, betas: Any, foreach: bool | None, capturable: bool) -> None:
    """Raises ValueError for options given as tensors where PyTorch's implementation `foreach` takes none."""
    if not foreach or capturable:
        return
    for name, value in (("lr", lr), ("betas[0]", betas[0]), ("betas[1]", betas[1])):
        if isinstance(value, Tensor):
            raise ValueError(f"{name} as a Tensor is not supported for capturable=False and foreach=True")
