"""Special functions beyond those of `functions`: of the normal distribution, Bessel, zeta, gamma and orthogonal polynomials.

Values are SciPy's, imported when one is called. Derivatives: NIST Digital Library of Mathematical Functions, chapters 5, 7, 8, 9,
10, 18 and 25.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..tensor import Tensor, wrap
from .comparisons import where
from .functions import cos, exp, function, half_near_zero, lgamma, log, log1p, scipy_function, sign
from .kinds import Array, composite, pointwise
from .samples import T, call

SQRT_2_PI = math.sqrt(2 * math.pi)


def special(name: str, d: Any, doc: str, scipy_name: str | None = None, **declared: Any) -> Any:
    """A function of one tensor that lives in `torch.special` only."""
    return function(
        f"special.{name}", scipy_function(scipy_name or name), d, doc, accepts="bif", method=False, inplace=False, **declared
    )  # fmt: skip


def special_binary(name: str, d: tuple, doc: str, scipy_name: str | None = None, **declared: Any) -> Any:
    """A function of two tensors or numbers that lives in `torch.special` only."""
    return pointwise(
        f"special.{name}", scipy_function(scipy_name or name), d=d, doc=doc,
        result="float", accepts="bif", method=False, inplace=False,
        **declared,
    )  # fmt: skip


# --- the normal distribution and entropy ----------------------------------------------------------------------------------------

entr = special("entr", lambda x: -log(x) - 1, "-x log(x), 0 at 0 and -inf below.", domain=(0.2, 3.0))
erfcx = special("erfcx", lambda x, out: 2 * x * out - 2 / math.sqrt(math.pi), "exp(x^2) erfc(x).")
ndtr = special("ndtr", lambda x: exp(-x * x / 2) / SQRT_2_PI, "The standard normal distribution function.")
ndtri = special("ndtri", lambda out: SQRT_2_PI * exp(out * out / 2), "The inverse of `ndtr`.", domain=(0.1, 0.9))
log_ndtr = special(
    "log_ndtr", lambda x, out: exp(-x * x / 2 - out) / SQRT_2_PI, "The logarithm of `ndtr`, precise in the lower tail."
)  # fmt: skip
xlog1py = special_binary(
    "xlog1py", (lambda x, y: where((x == 0) & (y <= -1), 0, log1p(y)), lambda x, y: x / (y + 1)),
    "x log(1 + y), 0 where x is 0.", domain=(0.2, 2.0),
)  # fmt: skip

# --- Bessel functions -----------------------------------------------------------------------------------------------------------

i0e = special("i0e", lambda x, out: i1e(x) - sign(x) * out, "exp(-|x|) i0(x).", domain=(0.3, 3.0))
i1e = special(
    "i1e", lambda x, out: half_near_zero(x, lambda x: i0e(x) - out * (sign(x) + 1 / x)), "exp(-|x|) i1(x).", domain=(0.3, 3.0)
)  # fmt: skip
bessel_j0 = special("bessel_j0", lambda x: -bessel_j1(x), "The Bessel function of the first kind of order 0.", "j0")
bessel_j1 = special(
    "bessel_j1", lambda x, out: half_near_zero(x, lambda x: bessel_j0(x) - out / x),
    "The Bessel function of the first kind of order 1.", "j1", domain=(0.3, 3.0),
)  # fmt: skip
bessel_y0 = special(
    "bessel_y0", lambda x: -bessel_y1(x), "The Bessel function of the second kind of order 0.", "y0", domain=(0.5, 3.0)
)  # fmt: skip
bessel_y1 = special(
    "bessel_y1", lambda x, out: bessel_y0(x) - out / x, "The Bessel function of the second kind of order 1.", "y1",
    domain=(0.5, 3.0),
)  # fmt: skip
modified_bessel_k0 = special(
    "modified_bessel_k0", lambda x: -modified_bessel_k1(x), "The modified Bessel function of the second kind of order 0.", "k0",
    domain=(0.5, 3.0),
)  # fmt: skip
modified_bessel_k1 = special(
    "modified_bessel_k1", lambda x, out: -modified_bessel_k0(x) - out / x,
    "The modified Bessel function of the second kind of order 1.", "k1", domain=(0.5, 3.0),
)  # fmt: skip
scaled_modified_bessel_k0 = special(
    "scaled_modified_bessel_k0", lambda x, out: out - scaled_modified_bessel_k1(x), "exp(x) k0(x).", "k0e", domain=(0.5, 3.0)
)  # fmt: skip
scaled_modified_bessel_k1 = special(
    "scaled_modified_bessel_k1", lambda x, out: out - scaled_modified_bessel_k0(x) - out / x, "exp(x) k1(x).", "k1e",
    domain=(0.5, 3.0),
)  # fmt: skip


def sinc_values(x: Array) -> Array:
    """sin(x) / x, 1 at 0."""
    return np.where(np.isinf(x), 0, np.sinc(x / math.pi)).astype(x.dtype)


def airy_values(x: Array) -> Array:
    """The Airy function Ai."""
    from scipy.special import airy

    return airy(x)[0].astype(x.dtype)


def airy_derivatives(x: Array) -> Array:
    """The derivative of the Airy function Ai."""
    from scipy.special import airy

    return airy(x)[1].astype(x.dtype)


spherical_bessel_j0 = function(
    "special.spherical_bessel_j0", sinc_values, lambda x, out: where(x == 0, 0.0, (cos(x) - out) / x), sinc_values.__doc__ or "",
    accepts="bif", method=False, inplace=False, domain=(0.3, 3.0),
)  # fmt: skip
airy_ai = function(
    "special.airy_ai", airy_values, lambda x: airy_prime(x), airy_values.__doc__ or "", accepts="bif", method=False, inplace=False
)  # fmt: skip
airy_prime = function(
    "special.airy_prime", airy_derivatives, lambda x: x * airy_ai(x), airy_derivatives.__doc__ or "", accepts="bif", method=False,
    inplace=False,
)  # fmt: skip

# --- gamma and zeta -------------------------------------------------------------------------------------------------------------


def zeta_values(x: Array, y: Array) -> Array:
    """The Hurwitz zeta function."""
    from scipy.special import zeta as values

    return values(x, y).astype(y.dtype)


zeta = pointwise(
    "special.zeta", zeta_values, d=(None, lambda x, y: -x * zeta(x + 1, y)),
    result="float", accepts="bif", method=False, inplace=False,
    doc=zeta_values.__doc__,
    samples=lambda: [call(T((2, 3), 1.5, 3.0, grad=False), T((2, 3), 0.5, 3.0)), call(2.0, T((3,), 0.5, 3.0))],
)  # fmt: skip


def gamma_density(a: Any, x: Any) -> Any:
    """x^(a-1) exp(-x) / gamma(a), the derivative of `gammainc` with respect to x."""
    return exp(log(x) * (a - 1) - x - lgamma(a))


igamma = pointwise(
    "igamma", scipy_function("gammainc"), d=(None, lambda x, y: gamma_density(x, y)), accepts="f", numbers="none",
    doc="The regularised lower incomplete gamma function.",
    samples=lambda: [call(T((2, 3), 0.5, 3.0, grad=False), T((2, 3), 0.5, 3.0))],
)  # fmt: skip
igammac = pointwise(
    "igammac", scipy_function("gammaincc"), d=(None, lambda x, y: -gamma_density(x, y)), accepts="f", numbers="none",
    doc="The regularised upper incomplete gamma function.",
    samples=lambda: [call(T((2, 3), 0.5, 3.0, grad=False), T((2, 3), 0.5, 3.0))],
)  # fmt: skip


@composite(inplace=True, out=True, samples=lambda: [call(T((2, 3), 2.0, 4.0), 2), call(T((3,), 3.0, 5.0), 3)])
def mvlgamma(input: Array, p: int) -> Array:
    """The logarithm of the multivariate gamma function of dimension `p`. Raises RuntimeError for p < 1."""
    if p < 1:
        raise RuntimeError("p has to be greater than or equal to 1")
    steps = np.arange(p, dtype=np.float64) / -2
    shifted = [input + float(step) for step in steps]
    total = lgamma(shifted[0])
    for one in shifted[1:]:
        total = total + lgamma(one)
    return total + p * (p - 1) / 4 * math.log(math.pi)


# --- orthogonal polynomials -----------------------------------------------------------------------------------------------------


def polynomial(name: str, first: Callable, second: Callable, step: Callable, doc: str) -> Any:
    """A family of polynomials by its three-term recurrence: `step(k, x, p_k, p_(k-1))` is p_(k+1)."""

    def function(input: Any, n: Any, *, out: Any = None) -> Any:
        if not isinstance(input, Tensor) and not isinstance(n, Tensor):
            raise TypeError(f"{name}(): argument 'input' (position 1) must be Tensor, not {type(input).__name__}")
        degrees = np.asarray(getattr(n, "_array", n)).astype(np.int64)
        x = getattr(input, "_array", input)
        shape = np.broadcast_shapes(np.shape(x), degrees.shape)
        values = np.broadcast_to(np.asarray(x), shape)
        if values.dtype.kind != "f":
            from .. import dtypes

            values = values.astype(dtypes.get_default_dtype().numpy)
        before, current = np.ones_like(values), second(values)
        result = np.where(degrees < 0, 0.0, np.where(degrees == 0, first(values), current))
        for k in range(1, int(degrees.max(initial=0))):
            before, current = current, step(k, values, current, before)
            result = np.where(degrees == k + 1, current, result)
        from ..autograd.inplace import overwrite

        result = np.asarray(result, values.dtype)
        if out is None:
            return wrap(result)
        overwrite(out, result)
        return out

    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    return function


def one(x: Any) -> Any:
    return np.ones_like(x)


def chebyshev(k: int, x: Any, current: Any, before: Any) -> Any:
    return 2 * x * current - before


def shifted(step: Callable) -> Callable:
    return lambda k, x, current, before: step(k, 2 * x - 1, current, before)


chebyshev_polynomial_t = polynomial(
    "chebyshev_polynomial_t", one, lambda x: x, chebyshev, "Chebyshev polynomials of the first kind."
)
chebyshev_polynomial_u = polynomial(
    "chebyshev_polynomial_u", one, lambda x: 2 * x, chebyshev, "Chebyshev polynomials of the second kind."
)
chebyshev_polynomial_v = polynomial(
    "chebyshev_polynomial_v", one, lambda x: 2 * x - 1, chebyshev, "Chebyshev polynomials of the third kind."
)
chebyshev_polynomial_w = polynomial(
    "chebyshev_polynomial_w", one, lambda x: 2 * x + 1, chebyshev, "Chebyshev polynomials of the fourth kind."
)
shifted_chebyshev_polynomial_t = polynomial(
    "shifted_chebyshev_polynomial_t", one, lambda x: 2 * x - 1, shifted(chebyshev),
    "Chebyshev polynomials of the first kind at 2x - 1.",
)
shifted_chebyshev_polynomial_u = polynomial(
    "shifted_chebyshev_polynomial_u", one, lambda x: 4 * x - 2, shifted(chebyshev),
    "Chebyshev polynomials of the second kind at 2x - 1.",
)
shifted_chebyshev_polynomial_v = polynomial(
    "shifted_chebyshev_polynomial_v", one, lambda x: 4 * x - 3, shifted(chebyshev),
    "Chebyshev polynomials of the third kind at 2x - 1.",
)
shifted_chebyshev_polynomial_w = polynomial(
    "shifted_chebyshev_polynomial_w", one, lambda x: 4 * x - 1, shifted(chebyshev),
    "Chebyshev polynomials of the fourth kind at 2x - 1.",
)
hermite_polynomial_h = polynomial(
    "hermite_polynomial_h", one, lambda x: 2 * x, lambda k, x, p, q: 2 * x * p - 2 * k * q, "Physicist's Hermite polynomials."
)
hermite_polynomial_he = polynomial(
    "hermite_polynomial_he", one, lambda x: x, lambda k, x, p, q: x * p - k * q, "Probabilist's Hermite polynomials."
)
laguerre_polynomial_l = polynomial(
    "laguerre_polynomial_l", one, lambda x: 1 - x, lambda k, x, p, q: ((2 * k + 1 - x) * p - k * q) / (k + 1),
    "Laguerre polynomials.",
)
legendre_polynomial_p = polynomial(
    "legendre_polynomial_p", one, lambda x: x, lambda k, x, p, q: ((2 * k + 1) * x * p - k * q) / (k + 1), "Legendre polynomials."
)

__all__ = ["igamma", "igammac", "mvlgamma"]
