"""The type that a tensor's `.grad` has to have: the tensor's own, unless `Tensor.grad_dtype` was set."""

from __future__ import annotations

from typing import Any

from .. import dtypes
from ..dtypes import cpp_word, type_word
from ..tensor import Tensor
from .engine import as_tensor
from .modes import state, thread
from .projection import dtype_of


def allowed(tensor: Tensor) -> dtypes.dtype | None:
    """The type of a tensor's gradient, None for any."""
    return tensor.dtype if tensor._grad_dtype is False else tensor._grad_dtype


def get_grad_dtype(self: Tensor) -> dtypes.dtype | None:
    """The type that this leaf's `.grad` has to have, and gradients are cast to; None allows any. By default the tensor's own."""
    if not self.is_leaf:
        raise RuntimeError("grad_dtype can only be accessed on leaf tensors.")
    return allowed(self)


def set_grad_dtype(self: Tensor, value: dtypes.dtype | None) -> None:
    """Raises RuntimeError for a tensor that is no leaf, for anything but a dtype or None, and while `.grad` has another type."""
    if value is not None and not isinstance(value, dtypes.dtype):
        raise RuntimeError(f"grad_dtype must be a torch.dtype or None, but got {type(value).__name__}")
    if not self.is_leaf:
        raise RuntimeError("grad_dtype can only be set on leaf tensors.")
    if value is not None and self._grad is not None and self._grad.dtype is not value:
        raise RuntimeError(
            f"Cannot set grad_dtype to '{type_word(value)}' because there is already a gradient with dtype "
            f"'{cpp_word(self._grad.dtype)}'. Please clear the gradient (.grad = None) before changing grad_dtype, or "
            "ensure the new grad_dtype matches the existing gradient's dtype."
        )
    self._grad_dtype = value
    state.hooks = True  # the engine casts where it calls hooks


def kind_of(tensor: Tensor, g: Any) -> Any:
    """The NumPy type that a cotangent of a tensor is cast to: its own where any is allowed."""
    kind = allowed(tensor)
    return dtype_of(g) if kind is None else kind.numpy


def add_cast(leaf: Tensor, g: Any) -> None:
    """Adds a cotangent of the allowed type to `.grad`, in place unless the pass is recorded."""
    known, g = leaf._grad, as_tensor(g)
    if known is None:
        leaf._grad = g.clone()
    elif thread.grad_enabled:
        leaf._grad = known + g
    else:
        known.add_(g)


def check_grad(tensor: Tensor, grad: Any) -> None:
    """Raises unless `grad` can be the `.grad` of `tensor`."""
    if not isinstance(grad, Tensor):
        raise TypeError(f"assigned grad expected to be a Tensor or None but got grad of type {type(grad).__name__}")
    if grad is tensor:
        raise RuntimeError("can't assign Variable as its own grad")
    wanted = allowed(tensor)
    if wanted is not None and grad.dtype is not wanted:
        raise RuntimeError(
            f"attempting to assign a gradient with dtype '{cpp_word(grad.dtype)}' to a tensor with grad_dtype "
            f"'{type_word(wanted)}'. The gradient must match the tensor's grad_dtype (defaults to the tensor's dtype). You "
            "can set the tensor's grad_dtype attribute with a specific dtype, or None to allow any dtype. Set grad_dtype with "
            "caution. Diverging the dtypes of a tensor and its gradient may break downstream systems that assume they match."
        )
    if grad._array.shape != tensor._array.shape:
        raise RuntimeError(
            f"attempting to assign a gradient of size '{list(grad._array.shape)}' to a tensor of size "
            f"'{list(tensor._array.shape)}'. Please ensure that the gradient and the tensor are the same size"
        )
