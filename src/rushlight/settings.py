"""Settings of the whole process that PyTorch programs touch."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from . import devices, dtypes
from .tensor import Tensor
from .warning import is_warn_always_enabled, set_warn_always


def get_num_threads() -> int:
    """How many threads NumPy's matrix products use, as far as the environment says; otherwise the number of CPUs."""
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        if os.environ.get(name, "").isdigit():
            return int(os.environ[name])
    return os.cpu_count() or 1


def set_num_threads(num: int) -> None:
    """Limits the threads of NumPy's matrix products, where the package threadpoolctl is installed; otherwise it changes nothing."""
    if num <= 0:
        raise RuntimeError("set_num_threads expects a positive integer")
    try:
        from threadpoolctl import threadpool_limits
    except ImportError:
        return
    threadpool_limits(num)


def get_num_interop_threads() -> int:
    """One: operations run one after another."""
    return 1


def set_num_interop_threads(num: int) -> None:
    """Accepted; operations run one after another."""


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Accepted: all algorithms here are deterministic."""


def are_deterministic_algorithms_enabled() -> bool:
    """True: all algorithms here are deterministic."""
    return True


def set_float32_matmul_precision(precision: str) -> None:
    """Accepted: products are always of full precision. Raises RuntimeError for an unknown word."""
    if precision not in ("highest", "high", "medium"):
        raise RuntimeError(f"Got invalid precision {precision!r}: expected one of 'highest', 'high', 'medium'")


def get_float32_matmul_precision() -> str:
    """"highest"."""
    return "highest"


def set_default_device(device: Any) -> None:
    """Accepts the CPU. Raises for any other device."""
    devices.check_device(device)


def get_default_device() -> devices.device:
    """The CPU."""
    return devices.cpu


def set_default_tensor_type(t: Any) -> None:
    """The old way to set the default dtype: by `torch.DoubleTensor` or its name."""
    word = t if isinstance(t, str) else getattr(t, "name", str(t))
    kinds = {"FloatTensor": dtypes.float32, "DoubleTensor": dtypes.float64, "HalfTensor": dtypes.float16}
    name = word.rpartition(".")[2]
    if name not in kinds:
        raise TypeError(f"invalid type object: only floating-point types are supported as the default type, got {word}")
    dtypes.set_default_dtype(kinds[name])


def compile(model: Callable | None = None, **options: Any) -> Any:
    """The function or module as it is: Rushlight runs eagerly."""
    return (lambda function: function) if model is None else model


def typename(obj: Any) -> str:
    """The full name of an object's type, PyTorch's old type name for a tensor."""
    if isinstance(obj, Tensor):
        return obj.type()  # type: ignore[operator]
    kind = obj if isinstance(obj, type) else type(obj)
    return f"{kind.__module__}.{kind.__qualname__}"


class _TensorType:
    """An old name of a typed tensor, as `torch.FloatTensor`: makes tensors, and is what `isinstance` may be asked about."""

    def __init__(self, name: str, kind: dtypes.dtype) -> None:
        self.name = f"torch.{name}"
        self.dtype = kind

    def __call__(self, *args: Any) -> Tensor:
        from .creation import legacy_tensor

        return legacy_tensor(*args, dtype=self.dtype)

    def __instancecheck__(self, instance: Any) -> bool:
        return isinstance(instance, Tensor) and instance.dtype is self.dtype

    def __repr__(self) -> str:
        return f"<class '{self.name}'>"


FloatTensor = _TensorType("FloatTensor", dtypes.float32)
DoubleTensor = _TensorType("DoubleTensor", dtypes.float64)
HalfTensor = _TensorType("HalfTensor", dtypes.float16)
LongTensor = _TensorType("LongTensor", dtypes.int64)
IntTensor = _TensorType("IntTensor", dtypes.int32)
ShortTensor = _TensorType("ShortTensor", dtypes.int16)
CharTensor = _TensorType("CharTensor", dtypes.int8)
ByteTensor = _TensorType("ByteTensor", dtypes.uint8)
BoolTensor = _TensorType("BoolTensor", dtypes.bool)

__all__ = [
    "BoolTensor", "ByteTensor", "CharTensor", "DoubleTensor", "FloatTensor", "HalfTensor", "IntTensor", "LongTensor", "ShortTensor",
    "are_deterministic_algorithms_enabled", "compile", "get_default_device", "get_float32_matmul_precision",
    "get_num_interop_threads", "get_num_threads", "is_warn_always_enabled", "set_default_device", "set_default_tensor_type",
    "set_float32_matmul_precision", "set_num_interop_threads", "set_num_threads", "set_warn_always", "typename",
    "use_deterministic_algorithms",
]  # fmt: skip
