"""Pointwise arithmetic and powers: each with the derivative of the result with respect to each input.

In the formulas x and y are the inputs and out is the result. They run on arrays, and on Tensors for higher orders.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import dtypes
from ..arrays.promotion import NUMBERS, cast, common_dtype
from ..dtypes import type_word
from ..tensor import Tensor
from .comparisons import where
from .complexes import conj
from .kinds import Array, general, pointwise
from .samples import T, call

# --- sums and differences --------------------------------------------------------------------------------------------


def scaled_by_alpha(args: tuple, kwargs: dict) -> tuple[tuple, dict]:
    """Arguments of add with `alpha` multiplied into the second operand.

    Raises RuntimeError where it does not fit the type.
    """
    if "alpha" not in kwargs:
        return args, kwargs
    rest = dict(kwargs)
    alpha = rest.pop("alpha")
    if "input" in rest:
        args = (rest.pop("input"), *args)
    if "other" in rest:
        args = (*args, rest.pop("other"))
    kinds = [a.dtype if isinstance(a, Tensor) else dtypes.of_scalar(a) for a in args]
    if isinstance(alpha, bool) and any(kind is not dtypes.bool for kind in kinds):
        raise RuntimeError("Boolean alpha only supported for Boolean results.")
    if not isinstance(alpha, int) and all(kind.category < dtypes.FLOATING for kind in kinds):
        raise RuntimeError("For integral input tensors, argument alpha must not be a floating point number.")
    if all(kind is dtypes.bool for kind in kinds):
        alpha = bool(alpha)
    return (args[0], mul(args[1], alpha) if isinstance(args[1], Tensor) else args[1] * alpha), rest


def without_bools(args: tuple, kwargs: dict) -> tuple[tuple, dict]:
    """Arguments of sub. Raises RuntimeError for truth values, which cannot be subtracted."""
    given = [value for value in (*args, kwargs.get("input"), kwargs.get("other")) if value is not None]
    count = sum(isinstance(a, bool) or getattr(a, "dtype", None) in (dtypes.bool, np.bool_) for a in given[:2])
    if count == 2:
        raise RuntimeError(
            "Subtraction, the `-` operator, with two bool tensors is not supported. "
            "Use the `^` or `logical_xor()` operator instead."
        )
    if count:
        raise RuntimeError(
            "Subtraction, the `-` operator, with a bool tensor is not supported. "
            "If you are trying to invert a mask, use the `~` or `logical_not()` operator instead."
        )
    return scaled_by_alpha(args, kwargs)


def reversed_sub(args: tuple, kwargs: dict) -> tuple[tuple, dict]:
    """Arguments of rsub: `alpha` belongs to the first operand."""
    if "alpha" not in kwargs:
        return without_bools(args, kwargs)
    (other, input), rest = without_bools(args[::-1], kwargs)
    return (input, other), rest


add = pointwise("add", np.add, d=(1, 1), operator="__add__", arguments=scaled_by_alpha, doc="`input + alpha * other`.")
sub = pointwise(
    "sub", np.subtract, d=(1, -1), operator="__sub__", arguments=without_bools, doc="`input - alpha * other`."
)
rsub = pointwise(
    "rsub",
    lambda input, other: np.subtract(other, input),
    d=(-1, 1),
    operator="__rsub__",
    arguments=reversed_sub,
    method=False,
    numbers="second",
    inplace=False,
    node=lambda node: f"RsubBackward{1 if node.edges[1] is None else 0}",
    doc="`other - alpha * input`.",
)
neg = pointwise(
    "neg",
    np.negative,
    d=-1,
    accepts="ifc",
    doc="The negative.",
    refusals={
        "b": (
            RuntimeError,
            "Negation, the `-` operator, on a bool tensor is not supported. "
            "If you are trying to invert a mask, use the `~` or `logical_not()` operator instead.",
        )
    },
)


def positive(input: Tensor) -> Tensor:
    """The tensor itself. Raises RuntimeError for truth values."""
    if input.dtype is dtypes.bool:
        raise RuntimeError("The `+` operator, on a bool tensor is not supported.")
    return input


# --- products and quotients ------------------------------------------------------------------------------------------

mul = pointwise("mul", np.multiply, d=(lambda y: y, lambda x: x), operator="__mul__", doc="`input * other`.")
true_divide = pointwise(
    "true_divide",
    np.true_divide,
    d=(lambda y: 1 / y, lambda x, y: -(x / y) / y),
    operator="__truediv__",
    result="float",
    node="DivBackward0",
    domain=(0.5, 2.0),
    doc="`input / other`, a floating-point result also for integers.",
)


def check_divisor(input: Any, other: Any) -> None:
    """Raises RuntimeError when integers are divided by zero."""
    if input.dtype.kind in "iu" and not np.all(other):
        raise RuntimeError("ZeroDivisionError")


def quotient_down(input: Array, other: Array) -> Array:
    """The quotient rounded down."""
    check_divisor(input, other)
    return np.floor_divide(input, other)


def quotient_to_zero(input: Any, other: Any) -> Any:
    """The quotient rounded towards zero."""
    if input.dtype.kind == "f":
        return np.trunc(input / other)
    quotient = quotient_down(input, other)
    return quotient + ((quotient < 0) & (quotient * other != input))


def rounded_quotient(input: Array, other: Array, rounding_mode: str | None = None) -> Array:
    """The quotient, rounded as `div` says."""
    if rounding_mode is None:
        return np.true_divide(
            *[cast(one, dtypes.get_default_dtype()) if one.dtype.kind in "biu" else one for one in (input, other)]
        )
    return quotient_down(input, other) if rounding_mode == "floor" else quotient_to_zero(input, other)


div_rounded = pointwise(
    "div_rounded",
    rounded_quotient,
    d=(0, 0),
    node="DivBackward2",
    method=False,
    inplace=False,
    accepts="if",
    samples=lambda: [call(T((2, 3), 3, 4), T((3,), 0.7, 0.9), mode) for mode in ("floor", "trunc")],
)


def div(input: Any, other: Any, *, rounding_mode: str | None = None, out: Tensor | None = None) -> Tensor:
    """`input / other`; a rounded quotient for the rounding mode "floor" (down) or "trunc" (towards zero).

    Integers are divided as floating-point numbers, unless rounded: then division by zero raises RuntimeError.
    """
    if rounding_mode not in (None, "trunc", "floor"):
        raise RuntimeError(
            f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '{rounding_mode}'"
        )
    options = {} if out is None else {"out": out}
    return (
        true_divide(input, other, **options)
        if rounding_mode is None
        else div_rounded(input, other, rounding_mode, **options)
    )


true_divide.op.function = div
div_rounded.op.public = lambda args, kwargs: (div, args[:2], {"rounding_mode": args[2], **kwargs})


def modulus(input: Array, other: Array) -> Array:
    """The remainder with the sign of the divisor."""
    check_divisor(input, other)
    return np.remainder(input, other)


def c_modulus(input: Array, other: Array) -> Array:
    """The remainder with the sign of the dividend."""
    check_divisor(input, other)
    return np.fmod(input, other)


def by_number(name: str) -> Any:
    """PyTorch's name for the node, by whether the second operand takes part in differentiation."""
    return lambda node: f"{name}Backward{0 if node.edges[1] is None else 1}"


floor_divide = pointwise(
    "floor_divide",
    quotient_down,
    d=(None, None),
    operator="__floordiv__",
    node="NotImplemented",
    accepts="if",
    samples=lambda: [call(T((2, 3), 3, 4, grad=False), T((3,), 0.7, 0.9, grad=False))],
    doc="The quotient rounded down.",
)
remainder = pointwise(
    "remainder",
    modulus,
    d=(1, lambda x, y: -rounded(x, y, "floor")),
    operator="__mod__",
    node=by_number("Remainder"),
    accepts="if",
    samples=lambda: [call(T((2, 3), 3, 3.4), T((3,), 0.7, 0.73)), call(T((2,), -3.4, -3), T((2,), 0.7, 0.73))],
    doc="The remainder of the division, with the sign of the divisor.",
)
fmod = pointwise(
    "fmod",
    c_modulus,
    d=(1, lambda x, y: -rounded(x, y, "trunc")),
    node=by_number("Fmod"),
    accepts="if",
    numbers="second",
    samples=lambda: [call(T((2, 3), 3, 3.4), T((3,), 0.7, 0.73)), call(T((2,), -3.4, -3), T((2,), 0.7, 0.73))],
    doc="The remainder of the division, with the sign of the dividend.",
)


def rounded(x: Any, y: Any, mode: str) -> Any:
    """A rounded quotient in a formula, on arrays and Tensors."""
    return div_rounded(x, y, mode)


reciprocal = pointwise(
    "reciprocal", np.reciprocal, d=lambda out: -out * out, result="float", domain=(0.5, 2.0), doc="`1 / input`."
)


def sums_of(low: float) -> Any:
    """Samples for addcmul and addcdiv, the last operand from `low` on."""
    return lambda: [
        call(T((2, 3)), T((3,)), T((2, 1), low, 2.0), value=0.5),
        call(T((3,)), T((3,)), T((3,), low, 2.0)),
    ]


def plus_product(input: Array, tensor1: Array, tensor2: Array, *, value: float = 1) -> Array:
    """`input + value * tensor1 * tensor2`."""
    product = np.multiply(tensor1, tensor2)
    return np.add(input, product if value == 1 else product * (int(value) if input.dtype.kind in "iu" else value))


def without_integers(args: tuple, kwargs: dict) -> tuple[tuple, dict]:
    """Arguments of addcdiv. Raises RuntimeError for the quotient of two integer tensors."""
    quotient = [*args[1:3], kwargs.get("tensor1"), kwargs.get("tensor2")]
    if all(one.dtype.category < dtypes.FLOATING for one in quotient if isinstance(one, Tensor)):
        raise RuntimeError(
            "Integer division with addcdiv is no longer supported: addcdiv performs a true division, so convert the "
            "operands to a floating-point type first, or use addcmul."
        )
    return args, kwargs


def plus_quotient(input: Array, tensor1: Array, tensor2: Array, *, value: float = 1) -> Array:
    """`input + value * tensor1 / tensor2`."""
    quotient = np.true_divide(tensor1, tensor2)
    return np.add(input, quotient if value == 1 else quotient * value)


addcmul = pointwise(
    "addcmul",
    plus_product,
    inputs=("input", "tensor1", "tensor2"),
    samples=sums_of(-2.0),
    d=(1, lambda tensor2, value: tensor2 * value, lambda tensor1, value: tensor1 * value),
    doc="`input + value * tensor1 * tensor2`.",
)
addcdiv = pointwise(
    "addcdiv",
    plus_quotient,
    inputs=("input", "tensor1", "tensor2"),
    samples=sums_of(0.5),
    arguments=without_integers,
    d=(
        1,
        lambda tensor2, value: value / tensor2,
        lambda tensor1, tensor2, value: tensor1 * -value / (tensor2 * tensor2),
    ),
    doc="`input + value * tensor1 / tensor2`.",
)


def interpolate(input: Array, end: Array, weight: Array) -> Array:
    """`input + weight * (end - input)`, exact at both ends."""
    distance = end - input
    if not weight.ndim:
        return input + weight * distance if abs(weight) < 0.5 else end - distance * (1 - weight)
    return np.where(np.abs(weight) < 0.5, input + weight * distance, end - distance * (1 - weight))


def of_one_type(args: tuple, kwargs: dict) -> tuple[tuple, dict]:
    """Arguments of lerp. Raises RuntimeError for tensors of different types."""
    names = ("input", "end", "weight")
    given = (*args, *(kwargs[name] for name in names[len(args) :] if name in kwargs))
    if isinstance(given[0], Tensor) and given[0].dtype.category < dtypes.FLOATING:
        raise NotImplementedError(f'"lerp_kernel_scalar" not implemented for {type_word(given[0].dtype)!r}')
    for name, value in zip(names, given, strict=False):
        if isinstance(value, Tensor) and isinstance(given[0], Tensor) and value.dtype is not given[0].dtype:
            raise RuntimeError(f"expected dtype {given[0].dtype.name} for `{name}` but got dtype {value.dtype.name}")
    return given, {}


lerp = pointwise(
    "lerp",
    interpolate,
    inputs=("input", "end", "weight"),
    arguments=of_one_type,
    accepts="fc",
    d=(lambda weight: 1 - weight, lambda weight: weight, lambda x, end: end - x),
    node=lambda node: f"LerpBackward{0 if node.edges[2] is None else 1}",
    samples=lambda: [
        call(T((2, 3)), T((3,)), 0.3),
        call(T((2, 3)), T((2, 3)), T((2, 3), 0, 1)),
        call(T((3,)), T((3,)), T(())),
    ],
    doc="`input + weight * (end - input)`.",
)

# --- powers and roots ------------------------------------------------------------------------------------------------

POSITIVE = (0.3, 2.0)

def first_power(x: Any) -> Any:
    """`x`; with a history by `pow`, as in PyTorch: a derivative of a constant derivative is then zero, not an error."""
    return pow_number(x, 1) if isinstance(x, Tensor) else x


square = pointwise(
    "square", np.square, d=lambda x: 2 * first_power(x), result="number", node="PowBackward0", doc="`input ** 2`."
)
cube = pointwise(
    "cube",
    lambda input: input * input * input,
    d=lambda x: 3 * (x * first_power(x)),
    result="number",
    node="PowBackward0",
    method=False,
    inplace=False,
    doc="`input ** 3`.",
)
sqrt = pointwise("sqrt", np.sqrt, d=lambda out: 0.5 / out, result="float", domain=POSITIVE, doc="The square root.")
rsqrt = pointwise(
    "rsqrt",
    lambda input: np.reciprocal(np.sqrt(input)),
    d=lambda out: out * out * out * -0.5,
    result="float",
    domain=POSITIVE,
    doc="`1 / sqrt(input)`.",
)


def integer_power(base: Any, exponent: Any) -> Any:
    """Powers of integers; a negative exponent leaves 0 of a fraction, and 1 or -1 for the bases 1 and -1."""
    negative = exponent < 0
    if not np.any(negative):
        return np.power(base, exponent, dtype=base.dtype)
    power = np.power(base, np.where(negative, exponent % 2, exponent), dtype=base.dtype)
    return np.where(negative & (base != 1) & (base != -1), 0, power).astype(base.dtype)


def power(input: Array, other: Array) -> Array:
    """`input ** other` for arrays of one type."""
    return integer_power(input, other) if input.dtype.kind in "iu" else np.power(input, other)


@general(
    lambda g, x, exponent: g * 0 if exponent == 0 else g * conj(pow_number(x, exponent - 1) * exponent),
    node="PowBackward0",
    method=False,
    samples=lambda: [call(T((2, 3), *POSITIVE), exponent) for exponent in (2.5, -1, 0.5, 2, 3, 0, 1, -0.5)],
)
def pow_number(input: Array, exponent: Any) -> Array:
    """`input ** exponent` for a number, by multiplication where that is quick, as PyTorch does."""
    if input.dtype.kind != "f" or isinstance(exponent, complex):
        kind = common_dtype([input, exponent])
        if kind is dtypes.bool:
            raise NotImplementedError("\"pow\" not implemented for 'Bool'")
        input = cast(input, kind)
        if kind.category == dtypes.INTEGER and exponent < 0:
            raise RuntimeError("Integers to negative integer powers are not allowed.")
    if exponent == 2:
        return np.square(input)
    if exponent == 3:
        return input * input * input
    if exponent == 0.5:
        return np.sqrt(input)
    if exponent == 1:
        return np.positive(input)
    if exponent == -1:
        return np.reciprocal(input)
    if exponent == -0.5:
        return np.reciprocal(np.sqrt(input))
    return np.power(input, exponent)


def exponent_derivative(x: Any, exponent: Any, out: Any) -> Any:
    """The derivative of `x ** exponent` with respect to the exponent; zero for a power of zero that is not negative."""
    from .complexes import real
    from .functions import log

    return where((x == 0) & (real(exponent) >= 0), 0, out * log(x))


pow_tensors = pointwise(
    "pow",
    power,
    domain=POSITIVE,
    accepts="ifc",
    d=(lambda x, y: where(y == 0, 0, y * pow(x, y - 1)), lambda x, y, out: exponent_derivative(x, y, out)),
    node=lambda node: f"PowBackward{2 if node.edges[0] is None else 1}",
)


def pow(input: Any, exponent: Any, *, out: Tensor | None = None) -> Any:
    """`input ** exponent`; either may be a number.

    Raises RuntimeError for integers with a negative number as exponent.
    """
    options = {} if out is None else {"out": out}
    if isinstance(exponent, (*NUMBERS, np.generic)) and not isinstance(input, NUMBERS):
        return pow_number(input, exponent.item() if isinstance(exponent, np.generic) else exponent, **options)
    return pow_tensors(input, exponent, **options)


pow_tensors.op.function = pow
pow_number.op.public = lambda args, kwargs: (pow, args, kwargs)


def float_power(input: Any, exponent: Any, *, out: Tensor | None = None) -> Tensor:
    """`input ** exponent` in double precision."""
    from .casting import to_dtype

    operands = (input, exponent)
    values = [getattr(one, "dtype", None) or dtypes.of_scalar(one) for one in operands]
    kind = dtypes.complex128 if any(value.is_complex for value in values) else dtypes.float64
    wide = [to_dtype(one, kind) if isinstance(one, Tensor) and one.dtype is not kind else one for one in operands]
    return pow(*wide, out=out)


def float_power_(self: Tensor, exponent: Any) -> Tensor:
    """In-place form of `float_power`. Raises RuntimeError unless the tensor is of double precision."""
    wanted = dtypes.complex128 if self.dtype.is_complex else dtypes.float64
    if self.dtype is not wanted:
        raise RuntimeError(
            f"the base given to float_power_ has dtype {self.dtype} but the operation's result requires dtype {wanted}"
        )
    return self.pow_(exponent)  # type: ignore[attr-defined]


def ldexp_base(y: Any) -> Any:
    """`2 ** y` in a formula."""
    from .functions import exp2

    return exp2(y)


ldexp = pointwise(
    "ldexp",
    lambda input, other: input * np.exp2(other),
    d=(lambda y: ldexp_base(y), lambda out: out * math.log(2)),
    result="float",
    numbers="none",
    doc="`input * 2 ** other`.",
)

METHODS = {
    "positive": positive, "div": div, "float_power": float_power, "float_power_": float_power_,
}  # fmt: skip
ALIASES = {
    "sub": ("subtract",), "mul": ("multiply",), "true_divide": ("div", "divide"), "neg": ("negative",),
}  # fmt: skip
subtract, multiply, divide, negative = sub, mul, div, neg

__all__ = [
    "add", "addcdiv", "addcmul", "div", "divide", "float_power", "floor_divide", "fmod", "ldexp", "lerp", "mul",
    "multiply", "neg", "negative", "positive", "pow", "reciprocal", "remainder", "rsqrt", "rsub", "sqrt", "square",
    "sub", "subtract", "true_divide",
]  # fmt: skip
