"""Pointwise arithmetic and functions: each with the derivative of the result with respect to each input.

In the formulas x and y are the inputs and out is the result. They run on arrays, and on Tensors for higher orders.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import dtypes
from ..arrays.promotion import cast, common_dtype
from ..tensor import Tensor
from .kinds import Array, general, pointwise

# --- arithmetic ---------------------------------------------------------------------------------------------------------------------


def scaled_by_alpha(args: tuple, kwargs: dict) -> tuple[tuple, dict]:
    """Arguments of add and sub with `alpha` multiplied into the second operand. Raises RuntimeError where it does not fit the type."""
    if "alpha" not in kwargs:
        return args, kwargs
    rest = dict(kwargs)
    alpha = rest.pop("alpha")
    if "other" in rest:
        args = (*args, rest.pop("other"))
    kinds = [a.dtype if isinstance(a, Tensor) else dtypes.of_scalar(a) for a in args]
    if not isinstance(alpha, int) and all(kind.category < dtypes.FLOATING for kind in kinds):
        raise RuntimeError("For integral input tensors, argument alpha must not be a floating point number.")
    return (args[0], mul(args[1], alpha) if isinstance(args[1], Tensor) else args[1] * alpha), rest


add = pointwise("add", np.add, d=(1, 1), operator="__add__", arguments=scaled_by_alpha, doc="`input + alpha * other`.")
sub = pointwise("sub", np.subtract, d=(1, -1), operator="__sub__", arguments=scaled_by_alpha, doc="`input - alpha * other`.")
mul = pointwise("mul", np.multiply, d=(lambda y: y, lambda x: x), operator="__mul__", doc="`input * other`.")
true_divide = pointwise(
    "true_divide", np.true_divide, d=(lambda y: 1 / y, lambda y, out: -out / y), operator="__truediv__", result="float",
    node="DivBackward0", domain=(0.5, 2.0), doc="`input / other`, a floating-point result also for integers.",
)  # fmt: skip
neg = pointwise("neg", np.negative, d=-1, doc="The negative.")
reciprocal = pointwise("reciprocal", np.reciprocal, d=lambda out: -out * out, result="float", domain=(0.5, 2.0), doc="`1 / input`.")
square = pointwise("square", np.square, d=lambda x: 2 * x, node="PowBackward0", doc="`input ** 2`.")


def power(base: Any, exponent: Any) -> Any:
    """`base ** exponent` for a number: by multiplication where that is quick, as PyTorch does."""
    if exponent == 2:
        return np.square(base)
    if exponent == 3:
        return base * base * base
    kind = common_dtype([base, exponent])
    base = cast(base, kind)
    if exponent == 0.5:
        return np.sqrt(base)
    if kind.category == dtypes.INTEGER:
        if exponent < 0:
            raise RuntimeError("Integers to negative integer powers are not allowed.")
        return np.power(base, exponent, dtype=base.dtype)
    return base * 1 if exponent == 1 else np.power(base, exponent)


@general(
    lambda g, x, exponent: g * conj(pow_derivative(x, exponent)),
    name="pow", node="PowBackward0", method=False, inplace=False, domain=(0.3, 2.0),
)  # fmt: skip
def pow_scalar(input: Array, exponent: float | complex) -> Array:
    """`input ** exponent` for a number."""
    return power(input, exponent)


def pow_derivative(x: Any, exponent: Any) -> Any:
    """The derivative of `x ** exponent` with respect to x; zero for the exponent zero, also at x = 0."""
    if exponent == 2:
        return x * 2
    return x * 0 if exponent == 0 else exponent * pow_scalar(x, exponent - 1)


# --- functions ----------------------------------------------------------------------------------------------------------------------

exp = pointwise("exp", np.exp, d=lambda out: out, result="float", doc="e to the power of the input.")
log = pointwise("log", np.log, d=lambda x: 1 / x, result="float", domain=(0.2, 3.0), doc="The natural logarithm.")
sin = pointwise("sin", np.sin, d=lambda x: cos(x), result="float", doc="The sine (input in radians).")
cos = pointwise("cos", np.cos, d=lambda x: -sin(x), result="float", doc="The cosine (input in radians).")
tanh = pointwise("tanh", np.tanh, d=lambda out: 1 - out * out, result="float", doc="The hyperbolic tangent.")
conj = pointwise("conj", np.conjugate, d=1)


def pow(input: Any, exponent: Any) -> Any:
    """`input ** exponent`."""
    return pow_scalar(input, exponent)
