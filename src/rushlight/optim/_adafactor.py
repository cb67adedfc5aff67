"""Adafactor: adaptive steps with a mean square kept as one row and one column."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import dtypes
from ..arrays.basic import zeros_like
from ..tensor import Tensor, wrap
from ._elementwise import advance, check_dense
from .optimizer import OneByOne, scalar_type

if TYPE_CHECKING:
    from .optimizer import ParamsT


class Adafactor(OneByOne):
    """Adafactor (Shazeer and Stern, 2018), for real parameters.

    The mean square of a matrix's gradient is kept as the product of its row and column means, decaying with 1 -
    step**beta2_decay. `lr` bounds the step relative to the parameter's size; `eps` are the least mean square (None: the
    type's resolution) and the least parameter size; steps whose root mean square is over `d` are scaled down. Raises
    ValueError for values out of range.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
    ) -> None:
        if isinstance(lr, Tensor) and lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
        if not float(lr) >= 0.0:
            raise ValueError(f"Learning rate should be >= 0 but is: {lr}")
        if not beta2_decay <= 0.0:
            raise ValueError(f"beta2_decay should be <= 0 but is: {beta2_decay}")
        if eps[0] is not None and not eps[0] >= 0.0:
            raise ValueError(f"epsilon1 should be >= 0 but is: {eps[0]}")
        if not eps[1] >= 0.0:
            raise ValueError(f"epsilon2 should be >= 0 but is: {eps[1]}")
        if not d >= 1.0:
            raise ValueError(f"Clipping threshold d should be >= 1 but is: {d}")
        if not weight_decay >= 0.0:
            raise ValueError(f"weight_decay should be >= 0 but is: {weight_decay}")
        defaults = {
            "lr": lr, "beta2_decay": beta2_decay, "eps": eps, "d": d, "weight_decay": weight_decay, "foreach": foreach,
            "maximize": maximize,
        }  # fmt: skip
        super().__init__(params, defaults)

    def _update(self, group: dict[str, Any], param: Tensor) -> None:
        check_dense(self, param)
        array, grad = param._array, param._grad._array  # type: ignore[union-attr]
        if array.dtype.kind == "c":
            raise RuntimeError("Adafactor does not support complex parameters")
        if group["maximize"]:
            grad = -grad
        least_square, least_size = group["eps"]
        if least_square is None:
            least_square = dtypes.finfo(param.dtype).eps
        state = self._entry(param)
        step = advance(state["step"]._array.reshape(1))
        lr, taken = float(group["lr"]), step ** float(group["beta2_decay"])
        size = max(least_size, root_mean_square(array)) * min(lr, step**-0.5)
        if group["weight_decay"]:
            array *= 1.0 - lr * group["weight_decay"]
        if array.ndim > 1:
            row, column = state["row_var"]._array, state["col_var"]._array
            row += taken * (np.mean(grad * grad, -1, keepdims=True) - row)
            column += taken * (np.mean(grad * grad, -2, keepdims=True) - column)
            square = row @ column
            square /= np.maximum(np.mean(row, -2, keepdims=True), least_square)
        else:
            variance = state["variance"]._array
            variance += taken * (grad * grad - variance)
            square = variance
        update = grad / np.sqrt(np.maximum(square, least_square * least_square))
        update *= size / max(1.0, root_mean_square(update) / group["d"])
        array -= update

    def _entry(self, param: Tensor) -> dict[str, Any]:
        state, array = self.state[param], param._array
        if not state:
            state["step"] = wrap(np.array(0.0, scalar_type()))
            if array.ndim > 1:
                state["row_var"] = wrap(zeros_like(array, (*array.shape[:-1], 1)))
                state["col_var"] = wrap(zeros_like(array, (*array.shape[:-2], 1, array.shape[-1])))
            else:
                state["variance"] = wrap(zeros_like(array))
        return state


def root_mean_square(array: Any) -> float:
    """The root of the mean of the squares of all elements."""
    return float(np.linalg.norm(array.reshape(-1))) / array.size**0.5
