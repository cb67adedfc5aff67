"""Comparisons, logic, bits, and choosing between values: what has no derivative, or one of zeros and ones."""

from __future__ import annotations

import builtins
import math
from typing import Any

import numpy as np

from .. import dtypes
from ..arrays.basic import generic, ndarray
from ..arrays.masking import masked, select
from ..arrays.promotion import NUMBERS, cast, common_dtype
from ..autograd.inplace import change
from ..dtypes import type_word_of
from ..overridable import overridable
from ..tensor import Tensor, wrap
from .dispatch import broadcast_error
from .kinds import Array, beside, chooses, constant_op, general, pointwise
from .samples import T, call

# --- comparisons -----------------------------------------------------------------------------------------------------


def comparison(name: str, ufunc: np.ufunc, symbol: str, accepts: str = "bif") -> Any:
    """A comparison of two tensors, or of a tensor and a number; not differentiable."""
    return pointwise(
        name,
        ufunc,
        result="bool",
        differentiable=False,
        operator=f"__{name}__",
        accepts=accepts,
        numbers="second",
        doc=f"`input {symbol} other`.",
    )


eq = comparison("eq", np.equal, "==", "bifc")
ne = comparison("ne", np.not_equal, "!=", "bifc")
lt = comparison("lt", np.less, "<")
le = comparison("le", np.less_equal, "<=")
gt = comparison("gt", np.greater, ">")
ge = comparison("ge", np.greater_equal, ">=")


def equal(input: Tensor, other: Tensor) -> builtins.bool:
    """Whether two tensors have the same shape and elements (NaN differs from itself)."""
    first, second = input._array, other._array
    return first.shape == second.shape and builtins.bool(np.all(first == second))


@constant_op(samples=lambda: [call(T((2, 3)), T((2, 3))), call(T((2, 3)), T((3,)), rtol=0.5)])
def isclose(input: Array, other: Array, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Array:
    """Whether |input - other| <= atol + rtol * |other|, for each element. Raises RuntimeError for different types."""
    if input.dtype != other.dtype:
        raise RuntimeError(f"{type_word_of(input)} did not match {type_word_of(other)}")
    if rtol < 0 or atol < 0:
        name = "rtol" if rtol < 0 else "atol"
        raise RuntimeError(f"{name} must be greater than or equal to zero, but got {min(rtol, atol)}")
    close = input == other
    if equal_nan:
        close = close | (np.isnan(input) & np.isnan(other))
    if input.dtype.kind == "b":
        return close
    if input.dtype.kind in "iu":
        input, other = input.astype(np.float64), other.astype(np.float64)
    distance = np.abs(np.subtract(input, other))
    return close | (np.isfinite(distance) & (distance <= atol + np.abs(rtol * other)))


def allclose(
    input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: builtins.bool = False
) -> builtins.bool:
    """Whether all elements are close, in the sense of `isclose`."""
    return builtins.bool(np.all(isclose(input, other, rtol, atol, equal_nan)._array))


# --- kinds of value --------------------------------------------------------------------------------------------------


def predicate(name: str, forward: Any, doc: str, **declared: Any) -> Any:
    """A question about each element."""
    return pointwise(name, forward, arity=1, result="bool", differentiable=False, inplace=False, doc=doc, **declared)


isnan = predicate("isnan", np.isnan, "Whether each element is NaN.")
isinf = predicate("isinf", np.isinf, "Whether each element is infinite.")
isfinite = predicate("isfinite", np.isfinite, "Whether each element is neither infinite nor NaN.")
isreal = predicate("isreal", lambda input: np.equal(np.imag(input), 0), "Whether each element has no imaginary part.")
isposinf = predicate(
    "isposinf",
    lambda input: np.equal(input, math.inf),
    "Whether each element is +infinity.",
    accepts="bif",
    refusals={"c": (RuntimeError, "isposinf does not support complex inputs.")},
)
isneginf = predicate(
    "isneginf",
    lambda input: np.equal(input, -math.inf),
    "Whether each element is -infinity.",
    accepts="bif",
    refusals={"c": (RuntimeError, "isneginf does not support complex inputs.")},
)
signbit = predicate(
    "signbit",
    lambda input: np.less(input, 0) if input.dtype.kind in "biu" else np.signbit(input),
    "Whether the sign bit of each element is set.",
    accepts="bif",
    refusals={"c": (NotImplementedError, "signbit is not implemented for complex tensors.")},
)

# --- logic and bits --------------------------------------------------------------------------------------------------


def logical(name: str, ufunc: np.ufunc, doc: str) -> Any:
    """A logical operation; elements other than zero are true."""
    return pointwise(name, ufunc, result="bool", differentiable=False, numbers="none", doc=doc)


logical_and = logical("logical_and", np.logical_and, "Whether both elements are true.")
logical_or = logical("logical_or", np.logical_or, "Whether at least one of the elements is true.")
logical_xor = logical("logical_xor", np.logical_xor, "Whether exactly one of the elements is true.")
logical_not = pointwise(
    "logical_not", np.logical_not, result="bool", differentiable=False, doc="Whether the element is false."
)


def on_integers(
    name: str, ufunc: np.ufunc, doc: str, operator: str | None = None, accepts: str = "bi", numbers: str = "both"
) -> Any:
    """An operation on integers (and truth values)."""
    size = ufunc.nin
    return pointwise(
        name, ufunc, differentiable=False, operator=operator, accepts=accepts, numbers=numbers, doc=doc,
        samples=lambda: [call(*[T((2, 3), 1, 6, kind="int")] * size), call(*[T((3,), 1, 6, kind="int")] * size)],
    )  # fmt: skip


bitwise_and = on_integers("bitwise_and", np.bitwise_and, "The bits that are set in both.", "__and__")
bitwise_or = on_integers("bitwise_or", np.bitwise_or, "The bits that are set in at least one.", "__or__")
bitwise_xor = on_integers("bitwise_xor", np.bitwise_xor, "The bits that are set in exactly one.", "__xor__")
bitwise_not = on_integers("bitwise_not", np.invert, "All bits inverted.")
bitwise_left_shift = on_integers(
    "bitwise_left_shift", np.left_shift, "The bits moved up by `other`.", "__lshift__", "i"
)
bitwise_right_shift = on_integers(
    "bitwise_right_shift", np.right_shift, "The bits moved down by `other`.", "__rshift__", "i"
)
gcd = on_integers("gcd", np.gcd, "The greatest common divisor.", accepts="i", numbers="none")
lcm = on_integers("lcm", np.lcm, "The least common multiple.", accepts="i", numbers="none")


# --- larger and smaller ----------------------------------------------------------------------------------------------


@constant_op(method=False, broadcasts=True, samples=lambda: [call(T((2, 3)), T((3,)))])
def share(input: Array, other: Array) -> Array:
    """The part of the cotangent that goes to `input` when the larger one counts: all, half of it at a tie, or none."""
    kind = input.dtype
    return np.subtract(~(input < other), np.multiply(input == other, 0.5, dtype=kind), dtype=kind)


maximum = pointwise(
    "maximum",
    np.maximum,
    d=(chooses(lambda x, y: share(x, y)), chooses(lambda x, y: share(y, x))),
    inplace=False,
    accepts="bif",
    numbers="none",
    refusals={"c": (RuntimeError, "maximum not implemented for complex tensors.")},
    doc="The larger of two elements; NaN where one is NaN.",
)
minimum = pointwise(
    "minimum",
    np.minimum,
    d=(chooses(lambda x, y: share(y, x)), chooses(lambda x, y: share(x, y))),
    inplace=False,
    accepts="bif",
    numbers="none",
    refusals={"c": (RuntimeError, "minimum not implemented for complex tensors.")},
    doc="The smaller of two elements; NaN where one is NaN.",
)
fmax = pointwise(
    "fmax",
    np.fmax,
    inplace=False,
    accepts="bif",
    numbers="none",
    d=(chooses(lambda x, y: (x >= y) | isnan(y)), chooses(lambda x, y: ~((x >= y) | isnan(y)))),
    doc="The larger of two elements; the other one where one is NaN.",
)
fmin = pointwise(
    "fmin",
    np.fmin,
    inplace=False,
    accepts="bif",
    numbers="none",
    d=(chooses(lambda x, y: (x <= y) | isnan(y)), chooses(lambda x, y: ~((x <= y) | isnan(y)))),
    doc="The smaller of two elements; the other one where one is NaN.",
)


def clamp_name(name: str) -> Any:
    """PyTorch's name for the node, by whether a bound takes part in differentiation."""
    return lambda node: f"{name}{'Backward1' if node.edges[1] is not None else 'Backward0'}"


def bound_named(name: str) -> Any:
    """Turns the arguments of a call with the bound given by name into those of a call with two operands."""

    def arguments(args: tuple, kwargs: dict) -> tuple[tuple, dict]:
        return args, {"other" if key == name else key: value for key, value in kwargs.items()}

    return arguments


clamp_min = pointwise(
    "clamp_min",
    np.maximum,
    d=(chooses(lambda x, y: x >= y), chooses(lambda x, y: x < y)),
    arguments=bound_named("min"),
    node=clamp_name("ClampMin"),
    accepts="bif",
    numbers="second",
    doc="Elements below `min` become `min`.",
)
clamp_max = pointwise(
    "clamp_max",
    np.minimum,
    d=(chooses(lambda x, y: x <= y), chooses(lambda x, y: x > y)),
    arguments=bound_named("max"),
    node=clamp_name("ClampMax"),
    accepts="bif",
    numbers="second",
    doc="Elements above `max` become `max`.",
)


WORTH_CLIP = 2000  # elements from which NumPy's clip, one pass but more questions, is the faster one


def limited(input: Array, min: Array | None = None, max: Array | None = None) -> Array:
    """`input` between `min` and `max`, either of which may be None."""
    if min is not None and max is not None and input.size >= WORTH_CLIP:
        return np.clip(input, min, max)
    if min is not None:
        input = np.maximum(input, min)
    return input if max is None else np.minimum(input, max)


def inside(x: Any, min: Any, max: Any) -> Any:
    """Whether an element is not moved by the bounds; they belong to the inside."""
    if min is None:
        return x <= max
    return x >= min if max is None else (x >= min) & (x <= max)


@general(
    lambda g, x, min, max: where(inside(x, min, max), g, 0),
    method=False,
    node="ClampBackward1",
    samples=lambda: [call(T((2, 3)), -1.0, 1.0), call(T((2, 3)), 0.5), call(T((2, 3)), max=0.3), call(T(()), 0, 1)],
)
def clamp_numbers(input: Array, min: float | None = None, max: float | None = None) -> Array:
    """Elements limited to lie between two numbers."""
    if input.dtype.kind == "f":
        return limited(input, min, max)
    kind = common_dtype([one for one in (input, min, max) if one is not None])
    if kind is dtypes.bool:
        raise NotImplementedError("\"clamp_scalar_cpu\" not implemented for 'Bool'")
    if kind.is_complex:
        raise NotImplementedError("clamp is not supported for complex types")
    return limited(*[None if one is None else cast(one, kind) for one in (input, min, max)])


clamp_tensors = pointwise(
    "clamp",
    limited,
    inputs=("input", "min", "max"),
    node="ClampBackward0",
    accepts="bif",
    refusals={"c": (NotImplementedError, "clamp is not supported for complex types")},
    d=(
        chooses(lambda x, min, max: inside(x, min, max)),
        chooses(lambda x, min, max: x < min if max is None else (x < min) & (min < max)),
        chooses(lambda x, min, max: x > max if min is None else (x > max) | (max < min)),
    ),
    samples=lambda: [
        call(T((2, 3)), T((2, 3), -1, 0), T((3,), 0.5, 1)),
        call(T((2, 3)), T((3,))),
        call(T((2, 3)), None, T((1, 3))),
    ],
)


def clamp(input: Tensor, min: Any = None, max: Any = None, *, out: Tensor | None = None) -> Tensor:
    """Elements limited to lie between `min` and `max`: numbers or tensors, one of which may be missing.

    The gradient passes also at the bounds. Raises RuntimeError when both are missing.
    """
    if min is None and max is None:
        raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
    numbers = (min is None or isinstance(min, NUMBERS)) and (max is None or isinstance(max, NUMBERS))
    function = clamp_numbers if numbers else clamp_tensors
    return function(input, min, max) if out is None else function(input, min, max, out=out)


clamp_tensors.op.function = clamp  # its method and in-place form take numbers, too
clamp_numbers.op.public = lambda args, kwargs: (clamp, args, kwargs)

# --- choosing --------------------------------------------------------------------------------------------------------

WORTH_BITS = 2000  # elements from which the choice by bits is the faster one


def chosen(input: Any, other: Any, condition: Any) -> Any:
    """NumPy's `where` on arrays and numbers, in PyTorch's common type."""
    first, second = getattr(input, "dtype", None), getattr(other, "dtype", None)
    if (first is not second or first is None) and not joins(input, second) and not joins(other, first):
        kind = common_dtype([input, other])
        input, other = cast(input, kind), cast(other, kind)
    if condition.size < WORTH_BITS:
        return np.where(condition, input, other)
    if is_zero(other):
        return masked(input, condition)
    if is_zero(input):
        return masked(other, np.logical_not(condition))
    return select(condition, input, other)


def joins(number: Any, kind: np.dtype | None) -> builtins.bool:
    """Whether NumPy, as PyTorch, brings a Python number to this type by itself."""
    return kind is not None and kind.kind == "f" and type(number) in (int, float)


def is_zero(value: Any) -> builtins.bool:
    """Whether a value is one zero, and not -0.0."""
    return not getattr(value, "ndim", 0) and value == 0 and math.copysign(1.0, value) > 0


def chosen_or_error(input: Any, other: Any, condition: Any) -> Any:
    """As `chosen`, with PyTorch's error for shapes that do not fit: the condition is compared with each, in order."""
    try:
        return chosen(input, other, condition)
    except ValueError:
        pairs = [(condition, input), (condition, other), (input, other)]
        errors = [broadcast_error(np.shape(one), np.shape(another)) for one, another in pairs]
        raise next(error for error in errors if error is not None) from None


def where_samples() -> list:
    """Operands of `choose`."""
    mask = T((2, 3), kind="bool")
    return [
        call(T((2, 3)), T((2, 3)), mask),
        call(T((3,)), T((2, 1)), mask),
        call(T(()), T((2, 3)), mask),
        call(T((2, 3)), 1.0, mask),
    ]


@general(
    lambda g, condition: where(condition, g, 0),
    lambda g, condition: where(condition, 0, g),
    name="where",
    method=False,
    broadcasts=True,
    samples=where_samples,
)
def choose(input: Array, other: Array, condition: Array) -> Array:
    """`input` where the condition holds, `other` elsewhere."""
    if condition.dtype.kind != "b":
        if condition.dtype != np.uint8:
            raise RuntimeError(
                "where expected condition to be a boolean tensor, but got a tensor with dtype "
                f"{type_word_of(condition)}"
            )
        condition = condition != 0
    return chosen_or_error(input, other, condition)


def where(condition: Any, input: Any = None, other: Any = None, *, out: Tensor | None = None) -> Any:
    """`input` where the condition holds, `other` elsewhere; both may be numbers.

    With the condition alone: the indices of its nonzero elements, a tensor for each dimension.
    """
    if type(condition) is ndarray or isinstance(condition, generic):
        if not isinstance(input, Tensor) and not isinstance(other, Tensor):
            return chosen(input, other, condition)  # a derivative rule at work
        condition = wrap(np.array(condition))
    if input is None and other is None:
        return tuple(wrap(index.astype(np.int64)) for index in np.nonzero(np.atleast_1d(condition._array)))
    input, other = beside(input, other), beside(other, input)
    return choose(input, other, condition) if out is None else choose(input, other, condition, out=out)


choose.op.public = lambda args, kwargs: (where, (args[2], args[0], args[1]), kwargs)


def where_method(self: Tensor, condition: Tensor, other: Any) -> Tensor:
    """This tensor where the condition holds, `other` elsewhere."""
    return where(condition, self, other)


def fitting_value(input: Array, value: Any, mask: Array) -> Any:
    """The value in the type of the input. Raises RuntimeError for a mask or value of another kind than masked_fill takes."""
    if mask.dtype.kind != "b":
        raise RuntimeError(f"masked_fill_ only supports boolean masks, but got mask with dtype {dtypes.of(mask).name}")
    if getattr(value, "ndim", 0):
        raise RuntimeError(
            f"masked_fill_ only supports a 0-dimensional value tensor, but got tensor with {value.ndim} dimension(s)."
        )
    kind = dtypes.of(input)
    if getattr(value, "dtype", input.dtype).kind == "c" and not kind.is_complex:
        raise RuntimeError(f"value cannot be converted to type {kind.name} without overflow")
    return value if joins(value, input.dtype) else cast(value, kind)


def fill_where(input: Any, value: Any, mask: Any) -> Any:
    value = fitting_value(input, value, mask)
    try:
        np.copyto(input, value, where=mask)
    except ValueError:
        raise broadcast_error(input.shape, mask.shape) or RuntimeError(
            f"output with shape {list(input.shape)} doesn't match the broadcast shape {list(mask.shape)}"
        ) from None
    return input


@general(
    lambda g, mask: where(mask, 0, g),
    lambda g, mask: where(mask, g, 0),
    name="masked_fill",
    method=False,
    broadcasts=True,
    inplace=fill_where,
    node=lambda node: f"MaskedFillBackward{0 if node.edges[1] is None else 1}",
    samples=lambda: [call(T((2, 3)), 1.5, T((2, 3), kind="bool")), call(T((2, 3)), T(()), T((3,), kind="bool"))],
)
def filled(input: Array, value: Array, mask: Array) -> Array:
    """`value` where the mask holds, `input` elsewhere."""
    return chosen_or_error(fitting_value(input, value, mask), input, mask)


def masked_fill(input: Tensor, mask: Tensor, value: Any) -> Tensor:
    """`value`, a number or a tensor without dimensions, where the mask holds; `input` elsewhere, whose type is kept."""
    if not isinstance(mask, Tensor):
        raise TypeError(f"masked_fill(): argument 'mask' (position 2) must be Tensor, not {type(mask).__name__}")
    return filled(input, beside(value, input), mask)


filled.op.public = lambda args, kwargs: (masked_fill, (args[0], args[2], args[1]), kwargs)


def masked_fill_(self: Tensor, mask: Tensor, value: Any) -> Tensor:
    """In-place form of `masked_fill`."""
    return change(self, filled.op, (value, mask), {})


METHODS = {
    "equal": overridable(equal), "allclose": overridable(allclose), "where": where_method, "masked_fill": masked_fill,
    "masked_fill_": masked_fill_, "clamp": clamp,
}  # fmt: skip
ALIASES = {
    "eq": (), "ne": ("not_equal",), "lt": ("less",), "le": ("less_equal",), "gt": ("greater",),
    "ge": ("greater_equal",), "clamp": ("clip",),
}  # fmt: skip
not_equal, less, less_equal, greater, greater_equal, clip = ne, lt, le, gt, ge, clamp

__all__ = [
    "allclose", "bitwise_and", "bitwise_left_shift", "bitwise_not", "bitwise_or", "bitwise_right_shift",
    "bitwise_xor", "clamp", "clamp_max", "clamp_min", "clip", "eq", "equal", "fmax", "fmin", "gcd", "ge", "greater",
    "greater_equal", "gt", "isclose", "isfinite", "isinf", "isnan", "isneginf", "isposinf", "isreal", "lcm", "le",
    "less", "less_equal", "logical_and", "logical_not", "logical_or", "logical_xor", "lt", "masked_fill", "maximum",
    "minimum", "ne", "not_equal", "signbit", "where",
]  # fmt: skip
