"""Softmax and its logarithm."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays.elementary import exponentials
from ..arrays.sums import sum_along, sum_products
from .checks import floating
from .functions import exp
from .kinds import Array, general
from .reductions import in_type, sum
from .samples import T, call


def samples() -> list:
    """Samples of functions along a dimension."""
    shapes = [((2, 3), 1), ((2, 3), 0), ((3,), -1), ((), 0), ((2, 3, 2), -2), ((0, 3), 1), ((2, 0), 1)]
    return [call(T(shape), dim) for shape, dim in shapes]


def samples_backward() -> list:
    """The same, for their derivatives."""
    return [call(T((2, 3)), T((2, 3)), 1), call(T((2, 3)), T((2, 3)), 0), call(T(()), T(()), -1)]


@general(
    lambda g, x, y, dim: softmax_backward(g, y, dim),
    lambda g, x, y, dim: g * (x - sum(x * y, dim, True)) - x * sum(g * y, dim, True),
    method=False, samples=samples_backward,
)  # fmt: skip
def softmax_backward(input: Array, output: Array, dim: int) -> Array:
    """The cotangent `input` of a softmax along `dim`, brought to what the softmax was taken of."""
    result = np.subtract(input, sum_products(input, output, dim))
    result *= output
    return result


@general(lambda g, out, dim: softmax_backward(g, out, dim), samples=samples)
def softmax(input: Array, dim: int, dtype: Any = None) -> Array:
    """exp(input) over its sum along `dim`, computed in `dtype` if given. Raises IndexError for a dimension that is not there."""
    result = exponentials(floating(in_type(input, dtype), "softmax_lastdim_kernel_impl"), dim)[0]
    result /= sum_along(result, dim, True)
    return result


@general(
    lambda g, x, y, dim: g - sum(g * exp(y), dim, True),
    lambda g, x, y, dim: -(g * exp(y) * sum(x, dim, True)),
    method=False, samples=samples_backward,
)  # fmt: skip
def log_softmax_backward(input: Array, output: Array, dim: int) -> Array:
    """The cotangent `input` of a log_softmax along `dim`, brought to what it was taken of."""
    result = np.exp(output)
    result *= sum_along(input, dim, True)
    return np.subtract(input, result, out=result if result.ndim else None)


@general(lambda g, out, dim: log_softmax_backward(g, out, dim), samples=samples)
def log_softmax(input: Array, dim: int, dtype: Any = None) -> Array:
    """The logarithm of the softmax along `dim`, computed in `dtype` if given.

    Raises IndexError for a dimension that is not there.
    """
    input = floating(in_type(input, dtype), "log_softmax_lastdim_kernel_impl")
    result, largest = exponentials(input, dim)
    logarithms = np.log(sum_along(result, dim, True))
    return np.subtract(input if largest is None else input - largest, logarithms)
