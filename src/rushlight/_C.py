"""The names of PyTorch's `torch._C` that programs use to control `__torch_function__`."""

from __future__ import annotations

from .overrides import DisableTorchFunction, DisableTorchFunctionSubclass
from .tensor import Tensor as TensorBase
from .tensor import _disabled_torch_function_impl

__all__ = ["DisableTorchFunction", "DisableTorchFunctionSubclass", "TensorBase", "_disabled_torch_function_impl"]
