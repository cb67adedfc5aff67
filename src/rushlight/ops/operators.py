"""Python's operators where they are more than an op's own: powers, reflected forms, inversion."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import dtypes
from ..arrays.promotion import NUMBERS
from ..overridable import overriding
from ..tensor import Tensor
from . import comparisons, pointwise

OPERANDS = (Tensor, np.ndarray, np.generic, *NUMBERS)


def power(self: Tensor, exponent: Any) -> Any:
    """`self ** exponent`, with the exponents 2 and 3 as quick as the products."""
    if type(exponent) is int:
        if exponent == 2:
            return pointwise.square(self)
        if exponent == 3:
            return pointwise.cube(self)
    elif not isinstance(exponent, OPERANDS):
        return foreign("__pow__", self, exponent)
    return pointwise.pow(self, exponent)


def foreign(name: str, self: Tensor, other: Any) -> Any:
    """What an operand of a foreign type makes of an operator, if it handles calls."""
    if not overriding((other,), {}):
        return NotImplemented
    from ..members import own_member
    from ..overrides import call_overrides

    return call_overrides(own_member(name), (self, other), {}, operator=True)


def reflected_division(self: Tensor, other: Any) -> Any:
    """`other / self`."""
    return pointwise.reciprocal(self) * other if isinstance(other, OPERANDS) else NotImplemented


def reflected(function: Callable) -> Callable:
    """The operator for an operand that stands on the left."""

    def operator(self: Tensor, other: Any) -> Any:
        return function(other, self) if isinstance(other, OPERANDS) else NotImplemented

    return operator


def invert(self: Tensor) -> Tensor:
    """`~self`. Raises TypeError unless the elements are integers or truth values."""
    if self.dtype.category > dtypes.INTEGER:
        raise TypeError("~ (operator.invert) is only implemented on integer and Boolean-type tensors")
    return comparisons.bitwise_not(self)


METHODS = {
    "__pos__": pointwise.positive,
    "__neg__": pointwise.neg,
    "__abs__": lambda self: self.abs(),
    "__invert__": invert,
    "__pow__": power,
    "__ipow__": lambda self, exponent: self.pow_(exponent),
    "__radd__": pointwise.add.op.operator[1],
    "__rmul__": pointwise.mul.op.operator[1],
    "__rtruediv__": reflected_division,
    "__rdiv__": reflected_division,
    "__rfloordiv__": reflected(pointwise.floor_divide),
    "__rmod__": reflected(pointwise.remainder),
    "__rpow__": reflected(pointwise.pow),
    "__rand__": comparisons.bitwise_and.op.operator[1],
    "__ror__": comparisons.bitwise_or.op.operator[1],
    "__rxor__": comparisons.bitwise_xor.op.operator[1],
    "__rlshift__": reflected(comparisons.bitwise_left_shift),
    "__rrshift__": reflected(comparisons.bitwise_right_shift),
}
