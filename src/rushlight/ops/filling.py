"""Filling in place: `copy_`, `fill_`, `zero_`, and torch.fill."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import dtypes
from ..arrays.basic import zeros_like
from ..arrays.promotion import NUMBERS, scalar_array
from ..autograd.inplace import change
from ..tensor import Tensor, wrap
from .dispatch import broadcast_error
from .kinds import Array, general, linear
from .samples import T, call


def zeros_for(g: Any, shape: tuple | None = None) -> Any:
    """Zeros of the type of a cotangent, Tensor or array; by default also of its shape."""
    if isinstance(g, Tensor):
        return wrap(zeros_like(g._array, shape))
    return zeros_like(g, shape)


def copy_into(input: Any, src: Any, non_blocking: bool = False) -> Any:
    try:
        input[...] = src
    except ValueError:
        if not input.flags.writeable:
            raise
        raise broadcast_error(input.shape, src.shape) or RuntimeError(
            f"output with shape {list(input.shape)} doesn't match the broadcast shape {list(src.shape)}"
        ) from None
    return input


@linear(
    (lambda g: zeros_for(g), lambda g: g), node="CopyBackwards", method=False, broadcasts=True, inplace=copy_into,
    samples=lambda: [call(T((2, 3)), T((3,)))],
)  # fmt: skip
def copy(input: Array, src: Array, non_blocking: bool = False) -> Array:
    """The elements of `src`, which broadcasts, in the shape and type of `input`."""
    return copy_into(np.empty(input.shape, input.dtype), src)


# --- fill ------------------------------------------------------------------------------------------------------------------------


def fill_into(input: Any, value: Any) -> Any:
    input.fill(value if type(value) is float and input.dtype.kind == "f" else raw_number(value, input))
    return input


def raw_number(value: Any, like: Any) -> Any:
    """A number, or array without dimensions, in the type of an array. Raises RuntimeError for a number that does not fit."""
    return value.astype(like.dtype) if hasattr(value, "dtype") else scalar_array(value, dtypes.of(like))


def zero_into(input: Any) -> Any:
    input.fill(0)
    return input


def filled_with_number(input: Array, value: float) -> Array:
    """A tensor of the input's shape and type with all elements `value`."""
    return fill_into(np.empty(input.shape, input.dtype), value)


def filled_with_tensor(input: Array, value: Array) -> Array:
    """A tensor of the input's shape and type with all elements `value`, a tensor without dimensions."""
    if value.ndim:
        raise RuntimeError(f"fill_ only supports 0-dimension value tensor but got tensor with {value.ndim} dimensions.")
    return fill_into(np.empty(input.shape, input.dtype), value)


def _number_filler(name: str, node: str) -> Any:
    rule = general(
        lambda g: zeros_for(g),
        name=name,
        node=node,
        method=False,
        inplace=fill_into,
        samples=lambda: [call(T((2, 3)), 1.5)],
    )
    return rule(filled_with_number)


def _tensor_filler(name: str, node: str) -> Any:
    rules = (lambda g: zeros_for(g), lambda g: g)
    return linear(rules, name=name, node=node, method=False, broadcasts=True, samples=lambda: [call(T((2, 3)), T(()))])(
        filled_with_tensor
    )


# PyTorch numbers the nodes of fill and fill_ apart.
fill_number, fill_number_ = (
    _number_filler("fill_number", "FillBackward0"),
    _number_filler("fill_number_", "FillBackward2"),
)
fill_tensor, fill_tensor_ = (
    _tensor_filler("fill_tensor", "FillBackward1"),
    _tensor_filler("fill_tensor_", "FillBackward3"),
)


def is_fill_tensor(value: Any) -> bool:
    """Whether fill was given a Tensor. Raises TypeError for what is neither that nor a number."""
    if isinstance(value, (Tensor, np.ndarray)):
        return True
    if not isinstance(value, NUMBERS) and not isinstance(value, np.generic):
        raise TypeError(f"fill_() received an invalid combination of arguments - got ({type(value).__name__})")
    return False


def fill(input: Tensor, value: Any) -> Tensor:
    """A tensor of the input's shape and type with all elements `value`: a number, or a tensor without dimensions."""
    return (fill_tensor if is_fill_tensor(value) else fill_number)(input, value)


def fill_(self: Tensor, value: Any) -> Tensor:
    """Sets all elements to `value`: a number, or a tensor without dimensions."""
    return change(self, (fill_tensor_ if is_fill_tensor(value) else fill_number_).op, (value,), {})


@linear(lambda g: zeros_for(g), method=False, inplace=zero_into, samples=lambda: [call(T((2, 3)))])
def zero(input: Array) -> Array:
    """Zeros of the input's shape and type."""
    return zeros_like(input, input.shape)


def zero_(self: Tensor) -> Tensor:
    """Sets all elements to zero."""
    return change(self, zero.op, (), {})


@general(
    lambda g: zeros_for(g), lambda g: zeros_for(g), method=False, broadcasts=True,
    node=lambda node, input, other, numbers, name: name,
    samples=lambda: [call(T((2, 1)), T((3,)), T((2, 3), grad=False), "NormalBackward3")],
)  # fmt: skip
def drawn(input: Array, other: Array | None, numbers: Array, name: str) -> Array:
    """Random numbers, as a result of the tensors that they were drawn by: the derivative is zero. `name` is the node's."""
    return numbers.copy()


Tensor.fill_ = fill_  # type: ignore[assignment]

__all__ = ["fill", "fill_", "zero_"]
