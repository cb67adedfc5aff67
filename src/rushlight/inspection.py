"""Questions about tensors, as functions."""

from __future__ import annotations

from typing import Any

from .tensor import Tensor


def is_tensor(obj: Any) -> bool:
    """Whether an object is a tensor."""
    return isinstance(obj, Tensor)


def is_storage(obj: Any) -> bool:
    """Whether an object is the memory beneath a tensor."""
    from .storage import UntypedStorage

    return isinstance(obj, UntypedStorage)


def is_floating_point(input: Tensor) -> bool:
    """Whether the elements are real floating-point numbers."""
    return input.is_floating_point()


def is_complex(input: Tensor) -> bool:
    """Whether the elements are complex numbers."""
    return input.is_complex()


def is_signed(input: Tensor) -> bool:
    """Whether the elements can be negative."""
    return input.is_signed()


def is_nonzero(input: Tensor) -> bool:
    """Whether the single element is not zero. Raises RuntimeError when there is not exactly one."""
    if input._array.size != 1:
        what = "no values" if not input._array.size else "more than one value"
        raise RuntimeError(f"Boolean value of Tensor with {what} is ambiguous")
    return bool(input._array)


def is_inference(input: Tensor) -> bool:
    """Whether the tensor was made in inference mode."""
    return input._inference is not None


def is_conj(input: Tensor) -> bool:
    """Whether the tensor is a view of the complex conjugates of its memory."""
    return hasattr(input._array, "resolved") and input._array.dtype.kind == "c"


def is_neg(input: Tensor) -> bool:
    """Whether the tensor is a view of the negatives of its memory, as the imaginary part of a conjugate."""
    return hasattr(input._array, "resolved") and input._array.dtype.kind == "f"


def detach(input: Tensor) -> Tensor:
    """The same memory without history."""
    return input.detach()


def detach_(input: Tensor) -> Tensor:
    """Cuts the tensor from its history."""
    return input.detach_()


def numel(input: Tensor) -> int:
    """The number of elements."""
    return input._array.size


def get_device(input: Tensor) -> int:
    """-1: the CPU."""
    return -1


__all__ = [
    "detach", "detach_", "get_device", "is_complex", "is_conj", "is_floating_point", "is_inference", "is_neg", "is_nonzero",
    "is_signed", "is_storage", "is_tensor", "numel",
]  # fmt: skip
