"""Softmax and its logarithm."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays.elementary import over
from .checks import floating
from .kinds import Array, general
from .functions import exp
from .reductions import in_type, sum
from .samples import T, call


def samples() -> list:
    """Samples of functions along a dimension."""
    shapes = [((2, 3), 1), ((2, 3), 0), ((3,), -1), ((), 0), ((2, 3, 2), -2), ((0, 3), 1), ((2, 0), 1)]
    return [call(T(shape), dim) for shape, dim in shapes]


def samples_backward() -> list:
    """The same, for their derivatives."""
    return [call(T((2, 3)), T((2, 3)), 1), call(T((2, 3)), T((2, 3)), 0), call(T(()), T(()), -1)]


def shifted(x: Any, dim: int) -> Any:
    """The array less its largest element along `dim`."""
    return np.subtract(x, np.maximum.reduce(x, dim, keepdims=True, initial=None if x.size else 0))


@general(
    lambda g, x, y, dim: softmax_backward(g, y, dim),
    lambda g, x, y, dim: g * (x - sum(x * y, dim, True)) - x * sum(g * y, dim, True),
    method=False, samples=samples_backward,
)  # fmt: skip
def softmax_backward(input: Array, output: Array, dim: int) -> Array:
    """The cotangent `input` of a softmax along `dim`, brought to what the softmax was taken of."""
    result = input * output
    total = np.add.reduce(result, dim, keepdims=True)
    result -= output * total
    return result


@general(lambda g, out, dim: softmax_backward(g, out, dim), samples=samples)
def softmax(input: Array, dim: int, dtype: Any = None) -> Array:
    """exp(input) over its sum along `dim`, computed in `dtype` if given. Raises IndexError for a dimension that is not there."""
    result = over(np.exp, shifted(floating(in_type(input, dtype), "softmax_kernel_impl"), dim))
    result /= np.add.reduce(result, dim, keepdims=True)
    return result


@general(
    lambda g, x, y, dim: g - sum(g * exp(y), dim, True),
    lambda g, x, y, dim: -(g * exp(y) * sum(x, dim, True)),
    method=False, samples=samples_backward,
)  # fmt: skip
def log_softmax_backward(input: Array, output: Array, dim: int) -> Array:
    """The cotangent `input` of a log_softmax along `dim`, brought to what it was taken of."""
    result = np.exp(output)
    result *= np.add.reduce(input, dim, keepdims=True)
    return np.subtract(input, result, out=result if result.ndim else None)


@general(lambda g, out, dim: log_softmax_backward(g, out, dim), samples=samples)
def log_softmax(input: Array, dim: int, dtype: Any = None) -> Array:
    """The logarithm of the softmax along `dim`, computed in `dtype` if given. Raises IndexError for a dimension that is not there."""
    result = shifted(floating(in_type(input, dtype), "log_softmax_kernel_impl"), dim)
    result -= np.log(np.add.reduce(np.exp(result), dim, keepdims=True))
    return result
