"""The names of PyTorch's `torch._C` that programs use to control `__torch_function__`."""

from __future__ import annotations

from .autograd.modes import thread
from .overrides import DisableTorchFunction, DisableTorchFunctionSubclass
from .tensor import Tensor as TensorBase
from .tensor import _disabled_torch_function_impl


def _is_torch_function_enabled() -> bool:
    """Whether tensor subclasses handle calls."""
    return not thread.subclasses_disabled


__all__ = ["DisableTorchFunction", "DisableTorchFunctionSubclass", "TensorBase", "_disabled_torch_function_impl"]
