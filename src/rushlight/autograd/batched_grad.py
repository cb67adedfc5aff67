"""Gradients for a batch of cotangents at once."""

from __future__ import annotations

from typing import Any

from ..func.vmap import Transforms, vmap
from ..tensor import Tensor, wrap
from .gradients import as_list, grad, implicit_cotangent, zeros_of


def batched_grad(
    roots: list, wanted: list, grad_outputs: Any, keep: bool, create_graph: bool, allow_unused: bool | None, materialize: bool
) -> tuple:
    """`grad` for each slice of `grad_outputs` along their first dimension at once, by vmap."""
    given = as_list(grad_outputs, len(roots))
    given = [wrap(implicit_cotangent(root)) if one is None else one for root, one in zip(roots, given, strict=True)]
    for index, (root, cotangent) in enumerate(zip(roots, given, strict=True)):
        if cotangent._array.ndim and cotangent._array.shape[1:] != root._array.shape:
            raise RuntimeError(
                "If `is_grads_batched=True`, we interpret the first dimension of each grad_output as the batch dimension. The "
                "sizes of the remaining dimensions are expected to match the shape of corresponding output, but a mismatch was "
                f"detected: grad_output[{index}] has a shape of {cotangent.shape[1:]} and output[{index}] has a shape of "
                f"{root.shape}. If you only want some tensors in `grad_output` to be considered batched, consider using vmap."
            )
    reached: list[bool] = []

    def vjp(*cotangents: Tensor) -> tuple:
        with Transforms(()):  # as in PyTorch, this vmap asks custom functions for no rule
            found = grad(roots, wanted, cotangents, keep, create_graph, True, allow_unused or materialize)
        reached[:] = [one is not None for one in found]
        return tuple(one for one in found if one is not None)

    rows = iter(vmap(vjp)(*given))
    return tuple(
        next(rows) if is_reached else zeros_of(one, create_graph) if materialize else None
        for is_reached, one in zip(reached, wanted, strict=True)
    )
