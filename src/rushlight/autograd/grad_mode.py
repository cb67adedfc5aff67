"""`torch.autograd.grad_mode`: the modes by their public names, and the rarer ones."""

from __future__ import annotations

from typing import Any

from ..tensor import Tensor
from .graph import version_cell
from .modes import (
    _Decorator,
    _Switch,
    enable_grad,
    inference_mode,
    no_grad,
    set_grad_enabled,
    set_multithreading_enabled,
    thread,
)

__all__ = [
    "enable_grad", "enforce_grad_layout_policy", "inference_mode", "no_grad", "set_grad_enabled", "set_multithreading_enabled",
]  # fmt: skip


class enforce_grad_layout_policy(_Switch):
    """Whether a new `.grad` has to have the strides of its tensor: accepted and remembered. It always has them."""

    name = "enforce_grad_layout"

    def __init__(self, enable: bool = True) -> None:
        super().__init__(enable)


class _force_original_view_tracking(_Switch):
    """Whether views of a tensor that was changed in place replay how they were made: accepted and remembered.

    Views take their history from the base by the place of their elements, which gives the same gradients.
    """

    name = "view_replay"


def is_view_replay_enabled() -> bool:
    """What `_force_original_view_tracking` was told."""
    return thread.view_replay


class _unsafe_preserve_version_counter(_Decorator):
    """A block after which tensors have the versions that they had before it: backward does not notice what was changed."""

    def __init__(self, tensors: Tensor | tuple[Tensor, ...]) -> None:
        self.tensors = tensors if isinstance(tensors, tuple) else (tensors,)
        if not all(isinstance(tensor, Tensor) for tensor in self.tensors):
            raise AssertionError("Expected tensors to be a tuple")
        self.cells = [version_cell(tensor) for tensor in self.tensors]

    def _again(self) -> _unsafe_preserve_version_counter:
        return type(self)(self.tensors)

    def __enter__(self) -> None:
        self.before = [(cell.version, cell.place, [*cell.orders]) for cell in self.cells]

    def __exit__(self, *exception: Any) -> None:
        for cell, (version, place, orders) in zip(self.cells, self.before, strict=True):
            cell.version, cell.place, cell.orders = version, place, orders
