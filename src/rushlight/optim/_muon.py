"""Muon: momentum whose matrix is made orthogonal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays.basic import zeros_like
from ..tensor import Tensor, wrap
from ._elementwise import check_dense
from .optimizer import OneByOne

if TYPE_CHECKING:
    from .optimizer import ParamsT


class Muon(OneByOne):
    """Muon (Jordan et al., 2024), for matrices: steps along the orthogonal factor of the momentum, found by
    Newton-Schulz steps.

    `ns_coefficients` are those of the quintic polynomial that is applied `ns_steps` times; `adjust_lr_fn` scales the
    step by the matrix's shape ("original", the default, or "match_rms_adamw"); the weight decay is decoupled. Raises
    ValueError for a parameter that is no matrix and for values out of range.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.7750, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ) -> None:
        if isinstance(lr, Tensor) and lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
        if not lr >= 0.0:
            raise ValueError(f"Learning rate should be >= 0 but is: {lr}")
        if not momentum >= 0.0:
            raise ValueError(f"momentum should be >= 0 but is: {momentum}")
        if not weight_decay >= 0.0:
            raise ValueError(f"weight decay should be >= 0 but is: {weight_decay}")
        if adjust_lr_fn not in (None, "original", "match_rms_adamw"):
            raise ValueError(f"Adjust learning rate function {adjust_lr_fn} is not supported")
        defaults = {
            "lr": lr, "weight_decay": weight_decay, "momentum": momentum, "nesterov": nesterov,
            "ns_coefficients": ns_coefficients, "eps": eps, "ns_steps": ns_steps, "adjust_lr_fn": adjust_lr_fn,
        }  # fmt: skip
        super().__init__(params, defaults)
        for group in self.param_groups:
            for param in group["params"]:
                if param.ndim != 2:
                    raise ValueError(
                        f"Muon only supports 2D parameters whereas we found a parameter with size: {param.size()}"
                    )

    def _update(self, group: dict[str, Any], param: Tensor) -> None:
        check_dense(self, param)
        array, grad = param._array, param._grad._array  # type: ignore[union-attr]
        if array.dtype.kind == "c":
            raise RuntimeError("Muon does not support complex parameters")
        state = self.state[param]
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = wrap(zeros_like(grad))
        buffer = state["momentum_buffer"]._array
        lr, momentum = float(group["lr"]), float(group["momentum"])
        buffer += (1.0 - momentum) * (grad - buffer)
        direction = grad + momentum * (buffer - grad) if group["nesterov"] else buffer
        update = orthogonal(direction, group["ns_coefficients"], group["ns_steps"], float(group["eps"]))
        rows, columns = array.shape
        if group["adjust_lr_fn"] == "match_rms_adamw":
            size = lr * 0.2 * max(rows, columns) ** 0.5
        else:
            size = lr * max(1.0, rows / columns) ** 0.5
        array *= 1.0 - lr * float(group["weight_decay"])
        array -= update.astype(array.dtype) * size


def orthogonal(matrix: Any, coefficients: tuple[float, float, float], steps: int, eps: float) -> Any:
    """Approximately the orthogonal factor of a matrix: singular values go to about one under x -> a x + b x^3 + c x^5.

    Computed with PyTorch's precision: each result is rounded to bfloat16.
    """
    a, b, c = (float(value) for value in coefficients)
    x = rounded(matrix.astype(np.float32))
    transposed = x.shape[0] > x.shape[1]
    if transposed:
        x = x.T
    x = rounded(x / max(float(rounded(np.linalg.norm(x))), eps))
    for _ in range(steps):
        gram = rounded(x @ x.T)
        x = rounded(a * x + rounded(b * gram + c * (gram @ gram)) @ x)
    return x.T if transposed else x


def rounded(array: Any) -> Any:
    """A float32 array's values rounded to the nearest bfloat16, ties to even."""
    bits = np.atleast_1d(array).astype(np.float32).view(np.uint32)
    bits = (bits + np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))) & np.uint32(0xFFFF0000)
    return bits.view(np.float32).reshape(np.shape(array))
