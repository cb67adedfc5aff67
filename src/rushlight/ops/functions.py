"""Pointwise functions: exponentials, logarithms, trigonometry, rounding, special functions.

The special functions are SciPy's, imported when one is called.
"""

from __future__ import annotations

import builtins
import math
from typing import Any

import numpy as np

from .. import return_types
from ..arrays.elementary import logistic
from ..tensor import Tensor
from .comparisons import isfinite, where
from .kinds import Array, general, pointwise
from .pointwise import rsqrt
from .samples import T, call


def function(name: str, ufunc: Any, d: Any, doc: str, **declared: Any) -> Any:
    """A function of one tensor; of integers a floating-point result."""
    return pointwise(name, ufunc, d=d, arity=1, result="float", doc=doc, **declared)


def scipy_function(name: str) -> Any:
    """A function of `scipy.special`, in the precision of its argument."""
    found: Any = None

    def pointwise_forward(*arrays: Any) -> Any:
        nonlocal found
        if found is None:
            import scipy.special

            found = getattr(scipy.special, name)
        result = found(*arrays)
        return result if result.dtype == arrays[-1].dtype else result.astype(arrays[-1].dtype)

    return pointwise_forward


# --- exponentials and logarithms -------------------------------------------------------------------------------------

LN2, LN10 = math.log(2), math.log(10)
POSITIVE = (0.2, 3.0)

exp = function("exp", np.exp, lambda out: out, "e to the power of the input.")
exp2 = function("exp2", np.exp2, lambda out: out * LN2, "2 to the power of the input.")
expm1 = function("expm1", np.expm1, lambda out: out + 1, "exp(input) - 1, precise near zero.")
log = function("log", np.log, lambda x: 1 / x, "The natural logarithm.", domain=POSITIVE)
log2 = function("log2", np.log2, lambda x: 1 / (x * LN2), "The logarithm to base 2.", domain=POSITIVE)
log10 = function("log10", np.log10, lambda x: 1 / (x * LN10), "The logarithm to base 10.", domain=POSITIVE)
log1p = function("log1p", np.log1p, lambda x: 1 / (x + 1), "log(1 + input), precise near zero.", domain=(-0.7, 2.0))
sigmoid = function("sigmoid", logistic, lambda out: out * (1 - out), "1 / (1 + exp(-input)).")


def log_odds(input: Array, eps: float | None = None) -> Array:
    """log(p / (1 - p)) of probabilities, which are first limited to [eps, 1 - eps] where eps is given."""
    if eps is not None:
        input = np.minimum(np.maximum(input, eps), 1 - eps)
    return np.log(input / (1 - input))


def log_odds_derivative(x: Any, eps: float | None) -> Any:
    """1 / (x (1 - x)) within the limits; beyond them zero, or NaN where there are none."""
    low, beyond = (0.0, math.nan) if eps is None else (eps, 0)
    return where((x < low) | (x > 1 - low), beyond, 1 / (x * (1 - x)))


logit = function(
    "logit",
    log_odds,
    lambda x, eps: log_odds_derivative(x, eps),
    log_odds.__doc__ or "",
    accepts="bif",
    samples=lambda: [call(T((2, 3), 0.1, 0.9)), call(T((2, 3), 0.1, 0.9), 1e-3)],
)


def log_of_sum(input: Array, other: Array) -> Array:
    """log(exp(input) + exp(other)), without overflow."""
    if input.dtype.kind != "c":
        return np.logaddexp(input, other)
    swap = input.real < other.real
    larger: Array = np.where(swap, other, input)
    smaller: Array = np.where(swap, input, other)
    return larger + np.log1p(np.exp(smaller - larger))


logaddexp = pointwise(
    "logaddexp",
    log_of_sum,
    d=(lambda x, y: 1 / (1 + exp(y - x)), lambda x, y: 1 / (1 + exp(x - y))),
    inplace=False,
    accepts="fc",
    numbers="none",
    doc="log(exp(input) + exp(other)), without overflow.",
)
logaddexp2 = pointwise(
    "logaddexp2",
    np.logaddexp2,
    d=(lambda x, y: 1 / (1 + exp2(y - x)), lambda x, y: 1 / (1 + exp2(x - y))),
    inplace=False,
    accepts="f",
    numbers="none",
    doc="log2(2 ** input + 2 ** other), without overflow.",
)


def times_log(input: Array, other: Array) -> Array:
    """`input * log(other)`; zero where the input is zero, unless `other` is NaN."""
    return np.where((input == 0) & ~np.isnan(other), np.zeros((), input.dtype), input * np.log(other))


xlogy = pointwise(
    "xlogy",
    times_log,
    d=(lambda x, y: where((x == 0) & (y <= 0), 0, log(y)), lambda x, y: x / y),
    result="float",
    accepts="bif",
    node=lambda node: f"XlogyBackward{1 if node.edges[0] is None else 2 if node.edges[1] is None else 0}",
    domain=POSITIVE,
    doc=times_log.__doc__,
)

# --- trigonometry ----------------------------------------------------------------------------------------------------

sin = function("sin", np.sin, lambda x: cos(x), "The sine (input in radians).")
cos = function("cos", np.cos, lambda x: -sin(x), "The cosine (input in radians).")
tan = function("tan", np.tan, lambda out: 1 + out * out, "The tangent (input in radians).", domain=(-1.2, 1.2))
asin = function("asin", np.arcsin, lambda x: rsqrt(1 - x * x), "The inverse sine, in radians.", domain=(-0.9, 0.9))
acos = function("acos", np.arccos, lambda x: -rsqrt(1 - x * x), "The inverse cosine, in radians.", domain=(-0.9, 0.9))
atan = function("atan", np.arctan, lambda x: 1 / (x * x + 1), "The inverse tangent, in radians.")
sinh = function("sinh", np.sinh, lambda x: cosh(x), "The hyperbolic sine.")
cosh = function("cosh", np.cosh, lambda x: sinh(x), "The hyperbolic cosine.")
tanh = function("tanh", np.tanh, lambda out: 1 - out * out, "The hyperbolic tangent.")
asinh = function("asinh", np.arcsinh, lambda x: rsqrt(x * x + 1), "The inverse hyperbolic sine.")
acosh = function(
    "acosh", np.arccosh, lambda x: rsqrt(x - 1) * rsqrt(x + 1), "The inverse hyperbolic cosine.", domain=(1.2, 3.0)
)
atanh = function("atanh", np.arctanh, lambda x: 1 / (1 - x * x), "The inverse hyperbolic tangent.", domain=(-0.9, 0.9))


def per_square(part: Any, x: Any, y: Any) -> Any:
    """`part / (x**2 + y**2)`, zero at the origin."""
    size = x * x + y * y
    return where(size == 0, 0, part / size)


atan2 = pointwise(
    "atan2",
    np.arctan2,
    d=(lambda x, y: per_square(y, x, y), lambda x, y: -per_square(x, x, y)),
    result="float",
    accepts="bif",
    numbers="none",
    doc="The angle of the point (other, input), in radians.",
)
hypot = pointwise(
    "hypot",
    np.hypot,
    d=(lambda x, out: x / out, lambda y, out: y / out),
    accepts="f",
    numbers="none",
    doc="sqrt(input**2 + other**2), without overflow.",
)


def sinc_derivative(x: Any) -> Any:
    """(cos(pi x) pi x - sin(pi x)) / (pi x**2), zero at zero."""
    angle = x * math.pi
    return where(x == 0, 0, (cos(angle) * angle - sin(angle)) / (angle * x))


def normalized_sinc(input: Array) -> Array:
    """sin(pi x) / (pi x), 1 at zero."""
    angle = input * math.pi
    return np.where(input == 0, np.ones((), input.dtype), np.sin(angle) / angle)


sinc = function("sinc", normalized_sinc, lambda x: sinc_derivative(x), "sin(pi input) / (pi input), 1 at zero.")
rad2deg = function(
    "rad2deg", lambda input: input * (180 / math.pi), 180 / math.pi, "Radians as degrees.", accepts="bif"
)
deg2rad = function(
    "deg2rad", lambda input: input * (math.pi / 180), math.pi / 180, "Degrees as radians.", accepts="bif"
)

# --- signs and rounding ----------------------------------------------------------------------------------------------


def rounding(name: str, ufunc: np.ufunc, doc: str) -> Any:
    """A function with steps, whose derivative is zero; integers stay as they are."""

    def pointwise_forward(input: Any) -> Any:
        return np.positive(input) if input.dtype.kind in "iu" else ufunc(input)

    refusals = {} if ufunc is np.rint else {"c": (NotImplementedError, f"{name} is not supported for complex inputs")}
    return pointwise(name, pointwise_forward, d=0, accepts="if", refusals=refusals, doc=doc)


floor = rounding("floor", np.floor, "The largest integer below or at the input.")
ceil = rounding("ceil", np.ceil, "The smallest integer above or at the input.")
trunc = rounding("trunc", np.trunc, "The input rounded towards zero.")
frac = pointwise(
    "frac", lambda input: input - np.trunc(input), d=1, accepts="f", doc="The input without its integer part."
)


round_to_integer = rounding("round", np.rint, "The input rounded to the nearest integer, ties to the even one.")


def to_decimals(input: Array, decimals: int) -> Array:
    """The input rounded to `decimals` decimals, which may be negative."""
    scale = 10.0 ** builtins.abs(decimals)
    return np.rint(input * scale) / scale if decimals > 0 else np.rint(input / scale) * scale


round_to_decimals = pointwise(
    "round_decimals",
    to_decimals,
    d=0,
    accepts="f",
    node="RoundBackward1",
    method=False,
    inplace=False,
    samples=lambda: [call(T((2, 3)), 1), call(T((2, 3), 20, 30), -1)],
)


def round(input: Any, *, decimals: int = 0, out: Tensor | None = None) -> Any:
    """The input rounded to `decimals` decimals, ties to the even neighbour."""
    options = {} if out is None else {"out": out}
    return round_to_decimals(input, decimals, **options) if decimals else round_to_integer(input, **options)


round_to_integer.op.function = round
round_to_decimals.op.public = lambda args, kwargs: (round, args[:1], {"decimals": args[1], **kwargs})


def signs(input: Array) -> Array:
    """-1, 0 or 1; 0 for NaN."""
    if input.dtype.kind == "b":
        return input.copy()
    if input.dtype.kind != "f":
        return np.sign(input)
    return np.subtract(np.greater(input, 0), np.less(input, 0), dtype=input.dtype)


sign = pointwise(
    "sign",
    signs,
    d=0,
    accepts="bif",
    doc=signs.__doc__,
    domain=(0.3, 2.0),
    refusals={
        "c": (
            NotImplementedError,
            "Unlike NumPy, torch.sign is not intended to support complex numbers. Please use torch.sgn instead.",
        )
    },
)


def copied_sign_derivative(x: Any, out: Any) -> Any:
    """1 where the sign was kept, -1 where it was changed, 0 at zero."""
    return where(x == 0, 0, out / x)


copysign = pointwise(
    "copysign",
    np.copysign,
    d=(lambda x, out: copied_sign_derivative(x, out), 0),
    result="float",
    accepts="bif",
    domain=(0.3, 2.0),
    numbers="second",
    node=lambda node: f"CopysignBackward{1 if node.edges[1] is None else 0}",
    doc="The magnitude of the input with the sign of `other`.",
)
nextafter = pointwise(
    "nextafter",
    np.nextafter,
    d=(1, 0),
    accepts="f",
    numbers="none",
    doc="The next representable number after the input in the direction of `other`.",
)


def of_equal_types(args: tuple, kwargs: dict) -> tuple[tuple, dict]:
    """Arguments of heaviside. Raises RuntimeError for tensors of different types."""
    given = [value for value in (*args, *kwargs.values()) if isinstance(value, Tensor)]
    if any(value.dtype.is_complex for value in given):
        raise RuntimeError("heaviside is not yet implemented for complex tensors.")
    if len(given) == 2 and given[0].dtype is not given[1].dtype:
        raise RuntimeError("heaviside is not yet implemented for tensors with different dtypes.")
    return args, {"other" if name == "values" else name: value for name, value in kwargs.items()}


heaviside = pointwise(
    "heaviside",
    lambda input, other: np.where(input == 0, other, (input > 0).astype(input.dtype)),
    d=(None, None),
    node="NotImplemented",
    arguments=of_equal_types,
    accepts="bif",
    numbers="none",
    samples=lambda: [call(T((3,), grad=False), T((3,), grad=False))],
    doc="0 below zero, 1 above, `values` at zero.",
)


@general(
    lambda g, out: ldexp_like(g, out[1]),
    returns=return_types.make("frexp", "mantissa", "exponent"),
    samples=lambda: [call(T((2, 3), 0.3, 2.0)), call(T((), 3, 3.5))],
)
def frexp(input: Array) -> tuple[Array, Array]:
    """Mantissa (at least 0.5, below 1) and exponent, an int32, with input = mantissa * 2**exponent."""
    if input.dtype.kind != "f":
        raise RuntimeError("torch.frexp() only supports floating-point dtypes")
    mantissa, exponent = np.frexp(input)
    return mantissa, exponent


def ldexp_like(g: Any, exponent: Any) -> Any:
    """`g / 2**exponent`, in the type of g."""
    return g * exp2(-exponent) if isinstance(g, Tensor) else g * np.exp2(-exponent, dtype=g.dtype)


def replaced(input: Array, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None) -> Array:
    """NaN and the infinities replaced, these by default by the largest numbers of the type."""
    if input.dtype.kind in "biu":
        return np.positive(input) if input.dtype.kind != "b" else input.copy()
    return np.nan_to_num(input, nan=0.0 if nan is None else nan, posinf=posinf, neginf=neginf)


nan_to_num = pointwise(
    "nan_to_num",
    replaced,
    d=lambda x: isfinite(x),
    doc=replaced.__doc__,
    samples=lambda: [call(T((2, 3))), call(T((2, 3)), 1.0, posinf=2.0)],
)

# --- special functions -----------------------------------------------------------------------------------------------

erf = function(
    "erf", scipy_function("erf"), lambda x: exp(-x * x) * (2 / math.sqrt(math.pi)), "The error function.", accepts="bif"
)
erfc = function(
    "erfc",
    scipy_function("erfc"),
    lambda x: exp(-x * x) * (-2 / math.sqrt(math.pi)),
    "1 - erf(input), precise for large input.",
    accepts="bif",
)
erfinv = function(
    "erfinv",
    scipy_function("erfinv"),
    lambda out: exp(out * out) * (math.sqrt(math.pi) / 2),
    "The inverse of erf.",
    accepts="bif",
    domain=(-0.9, 0.9),
)
lgamma = function(
    "lgamma",
    scipy_function("gammaln"),
    lambda x: digamma(x),
    "The logarithm of |gamma(input)|.",
    accepts="bif",
    domain=(0.4, 3.0),
)
digamma = function(
    "digamma",
    scipy_function("psi"),
    lambda x: polygamma(1, x),
    "The derivative of lgamma.",
    accepts="bif",
    domain=(0.4, 3.0),
)


def polygamma_values(n: int, input: Array) -> Array:
    """The n-th derivative of digamma."""
    from scipy.special import polygamma as values

    if n < 0:
        raise RuntimeError("polygamma(n, x) does not support negative n.")
    return values(n, input).astype(input.dtype)


polygamma = pointwise(
    "polygamma",
    polygamma_values,
    d=(lambda x, n: polygamma(n + 1, x),),
    inputs=None,
    result="float",
    accepts="bif",
    method=False,
    inplace=False,
    doc=polygamma_values.__doc__,
    samples=lambda: [call(1, T((2, 3), 0.4, 3.0)), call(0, T((3,), 0.4, 3.0))],
)
i0 = function("i0", scipy_function("i0"), lambda x: i1(x), "The modified Bessel function of order 0.", accepts="bif")
i1 = function(
    "special.i1",
    scipy_function("i1"),
    lambda x, out: i1_derivative(x, out),
    "The modified Bessel function of order 1.",
    accepts="bif",
    method=False,
    inplace=False,
)


def half_near_zero(x: Any, derivative: Any) -> Any:
    """`derivative(x)`, in which x divides, and near zero 1/2: also with a history, where the branch not taken counts."""
    near = (x < 1e-8) & (x > -1e-8)
    return where(near, 0.5, derivative(where(near, 1, x)))


def i1_derivative(x: Any, out: Any) -> Any:
    """i0(x) - i1(x) / x."""
    return half_near_zero(x, lambda x: i0(x) - out / x)


METHODS = {
    "polygamma": lambda self, n: polygamma(n, self),
    "polygamma_": lambda self, n: self.copy_(polygamma(n, self.clone())),
}
ALIASES = {
    "asin": ("arcsin",), "acos": ("arccos",), "atan": ("arctan",), "atan2": ("arctan2",), "asinh": ("arcsinh",),
    "acosh": ("arccosh",), "atanh": ("arctanh",), "trunc": ("fix",),
}  # fmt: skip
arcsin, arccos, arctan, arctan2, arcsinh, arccosh, arctanh, fix = asin, acos, atan, atan2, asinh, acosh, atanh, trunc

__all__ = [
    "acos", "acosh", "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctan2", "arctanh", "asin", "asinh",
    "atan", "atan2", "atanh", "ceil", "copysign", "cos", "cosh", "deg2rad", "digamma", "erf", "erfc", "erfinv",
    "exp", "exp2", "expm1", "fix", "floor", "frac", "frexp", "heaviside", "hypot", "i0", "lgamma", "log", "log10",
    "log1p", "log2", "logaddexp", "logaddexp2", "logit", "nan_to_num", "nextafter", "polygamma", "rad2deg", "round",
    "sigmoid", "sign", "sin", "sinc", "sinh", "tan", "tanh", "trunc", "xlogy",
]  # fmt: skip
