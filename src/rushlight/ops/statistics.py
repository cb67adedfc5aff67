"""Statistics: variance and covariance, logsumexp, quantiles, histograms and counts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import dtypes, return_types
from ..arrays.basic import zeros_like
from ..arrays.sums import sum_along, sum_squares
from ..dtypes import type_word, type_word_of
from ..tensor import Tensor, wrap
from . import complexes, functions, shapes
from .along import take_along
from .dims import position
from .kinds import Array, composite, constant_op, general
from .products import conjugated
from .reductions import add, axes, extent, kept, mean, over_dims, quotient, restore, sum
from .samples import T, call
from .sorting import sort

# --- variance -------------------------------------------------------------------------------------


def moment_arguments(dim: Any, unbiased: bool, correction: Any) -> tuple[Any, float]:
    """`(dim, correction)` from var(x, unbiased), var(x, dim, unbiased) or var(x, dim, correction=)."""
    if dim is True or dim is False:
        dim, unbiased = None, dim
    return dim, (1 if unbiased else 0) if correction is None else correction


def variance(input: Any, dim: Any, correction: float, keepdim: bool) -> tuple[Any, Any]:
    """The variance, and the mean with its dimensions kept."""
    if input.dtype.kind in "iub":
        raise RuntimeError("std and var only support floating point and complex dtypes")
    dim = axes(dim, input.ndim)
    center = sum_along(input, dim, True)
    count = extent(input.shape, dim)
    center = center / count
    deviation = input - center
    if deviation.dtype.kind == "c":
        squares = add(deviation.real**2 + deviation.imag**2, dim, None, None, keepdim)
    else:
        squares = sum_squares(deviation, dim, keepdim)
    return squares / max(count - correction, 0), center


def var_backward(g: Any, x: Any, dim: Any, unbiased: bool, keepdim: bool, correction: Any) -> Any:
    """g * 2 (x - mean) / (n - correction)."""
    dim, correction = moment_arguments(dim, unbiased, correction)
    freedom = extent(x.shape, dim) - correction
    deviation = x - mean(x, dim, True)
    if freedom <= 0:  # nothing but infinities and NaN: no deviation is defined
        return kept(g, x.shape, dim, keepdim) * (math.inf * (deviation != 0) + math.nan * (deviation == 0))
    return kept(g * (2.0 / freedom), x.shape, dim, keepdim) * deviation


def std_backward(g: Any, x: Any, out: Any, dim: Any, unbiased: bool, keepdim: bool, correction: Any) -> Any:
    """The same through the square root; zero where that is zero."""
    return var_backward(quotient(g, 2 * out), x, dim, unbiased, keepdim, correction)


def mean_backward(g: Any, x_shape: tuple, dim: Any, keepdim: bool) -> Any:
    """The cotangent of a mean, given to every element."""
    dim = moment_arguments(dim, True, None)[0]
    return restore(g / (extent(x_shape, dim) or 1), x_shape, dim, keepdim)


CORRECTED = over_dims(more=[
    call(T((2, 3)), False), call(T((2, 3)), 1, False, True), call(T((2, 3)), 1, correction=0.5),
    call(T((2, 3)), unbiased=False),
])  # fmt: skip


@general(var_backward, samples=CORRECTED)
def var(
    input: Array, dim: Any = None, unbiased: bool = True, keepdim: bool = False, *, correction: Any = None
) -> Array:
    """The variance over the given dimensions: the sum of squared deviations over `n - correction`.

    `correction` is 1, or 0 when not `unbiased`. Raises RuntimeError for integers.
    """
    dim, correction = moment_arguments(dim, unbiased, correction)
    return variance(input, dim, correction, keepdim)[0]


@general(std_backward, samples=CORRECTED)
def std(
    input: Array, dim: Any = None, unbiased: bool = True, keepdim: bool = False, *, correction: Any = None
) -> Array:
    """The standard deviation, the square root of `var`. Its gradient is zero where it is zero."""
    dim, correction = moment_arguments(dim, unbiased, correction)
    return np.sqrt(variance(input, dim, correction, keepdim)[0])


@general(
    lambda g, x, dim, unbiased, keepdim, correction:
        var_backward(g[0], x, dim, unbiased, keepdim, correction) + mean_backward(g[1], x.shape, dim, keepdim),
    method=False, samples=CORRECTED,
)  # fmt: skip
def var_mean(
    input: Array, dim: Any = None, unbiased: bool = True, keepdim: bool = False, *, correction: Any = None
) -> tuple[Array, Array]:
    """The variance and the mean."""
    dim, correction = moment_arguments(dim, unbiased, correction)
    spread, center = variance(input, dim, correction, keepdim)
    return spread, center.reshape(spread.shape)


@general(
    lambda g, x, out, dim, unbiased, keepdim, correction:
        std_backward(g[0], x, out[0], dim, unbiased, keepdim, correction) + mean_backward(g[1], x.shape, dim, keepdim),
    method=False, samples=CORRECTED,
)  # fmt: skip
def std_mean(
    input: Array, dim: Any = None, unbiased: bool = True, keepdim: bool = False, *, correction: Any = None
) -> tuple[Array, Array]:
    """The standard deviation and the mean."""
    dim, correction = moment_arguments(dim, unbiased, correction)
    spread, center = variance(input, dim, correction, keepdim)
    return np.sqrt(spread), center.reshape(spread.shape)


@composite(samples=lambda: [
    call(T((4,))), call(T((2, 4))), call(T((2, 4)), correction=0), call(T((2, 3)), aweights=T((3,), 0.5, 1.0)),
])  # fmt: skip
def cov(input: Any, *, correction: int = 1, fweights: Any = None, aweights: Any = None) -> Any:
    """The covariance matrix of variables (rows) over observations (columns).

    Observations may count several times (`fweights`, integers) or more than others (`aweights`).
    Raises RuntimeError for more than two dimensions and for unfit weights.
    """
    if input.ndim > 2:
        raise RuntimeError(
            f"cov(): expected input to have two or fewer dimensions but got an input with {input.ndim} dimensions"
        )
    rows = input.reshape(1, -1) if input.ndim < 2 else input
    if rows.dtype.category < dtypes.FLOATING:
        rows = rows.to(dtypes.get_default_dtype())
    count = rows.shape[1]
    given = [
        checked_weights(name, one, count, integral)
        for name, one, integral in (("fweights", fweights, True), ("aweights", aweights, False))
        if one is not None
    ]
    if not given:
        centered = rows - sum(rows, 1, True) / count
        return over_freedom(centered, centered, count - correction)
    weights = given[0] if len(given) == 1 else given[0] * given[1]
    total = sum(weights)
    if total.item() == 0:
        raise RuntimeError("cov(): weights sum to zero, can't be normalized")
    centered = rows - sum(rows * weights, 1, True) / total
    lost = correction if aweights is None else correction * sum(weights * aweights) / total
    return over_freedom(centered * weights, centered, total - lost)


def over_freedom(weighted: Any, centered: Any, freedom: Any) -> Any:
    """The products of all pairs of rows, over the degrees of freedom, of which there are at least none."""
    products = weighted @ shapes.transpose(centered, 0, 1).conj()
    return (products / (freedom if freedom > 0 else 0.0)).squeeze()


def checked_weights(name: str, weights: Any, count: int, integral: bool) -> Any:
    """The weights of that many observations. Raises RuntimeError where they are unfit."""
    if weights.ndim > 1:
        raise RuntimeError(
            f"cov(): expected {name} to have one or fewer dimensions but got {name} with {weights.ndim} dimensions"
        )
    if weights.numel() != count:
        raise RuntimeError(
            f"cov(): expected {name} to have the same numel as there are observations in the input but got "
            f"{weights.numel()} != {count}"
        )
    if (weights.dtype.category == dtypes.INTEGER) is not integral:
        wanted = "integral" if integral else "floating point"
        found = type_word(weights.dtype)
        raise RuntimeError(f"cov(): expected {name} to have {wanted} dtype but got {name} with {found} dtype")
    if np.any(weights._array < 0):
        raise RuntimeError(f"cov(): {name} cannot be negative")
    return weights


@composite(samples=lambda: [call(T((4,))), call(T((2, 4)))])
def corrcoef(input: Any) -> Any:
    """The matrix of correlation coefficients of variables (rows) over observations (columns)."""
    covariance = cov(input)
    if covariance.ndim == 0:
        return covariance / covariance
    deviations = covariance.diagonal().real ** 0.5
    coefficients = covariance / deviations.unsqueeze(1) / deviations.unsqueeze(0)
    if coefficients.is_complex():
        return complexes.complex(coefficients.real.clamp(-1, 1), coefficients.imag.clamp(-1, 1))
    return coefficients.clamp(-1, 1)


# --- log-sum-exp ----------------------------------------------------------------------------------


@general(
    lambda g, x, out, dim, keepdim:
        kept(g, x.shape, dim, keepdim) * conjugated(functions.exp(x - kept(out, x.shape, dim, keepdim))),
    samples=lambda: [
        call(T((2, 3)), 1), call(T((2, 3)), (0, 1), True), call(T((2, 3)), -2), call(T(()), 0), call(T((0, 2)), 0)
    ],
)  # fmt: skip
def logsumexp(input: Array, dim: Any, keepdim: bool = False) -> Array:
    """The logarithm of the sum of exponentials over the given dimensions, without overflow; of integers as floats."""
    if input.dtype.kind in "iub":
        input = input.astype(dtypes.get_default_dtype().numpy)
    axis = axes(dim, input.ndim)
    if not input.size:
        return np.log(add(np.exp(input), axis, None, None, keepdim))
    largest = np.maximum.reduce(input.real, axis, keepdims=True)
    if not np.isfinite(largest).all():
        largest = np.where(np.isfinite(largest), largest, 0)
    total = np.log(add(np.exp(input - largest), axis, None, None, True)) + largest
    return total if keepdim else add(total, axis)  # over extents of one: drops the dimensions


# --- quantiles ------------------------------------------------------------------------------------

INTERPOLATIONS = ("linear", "lower", "higher", "nearest", "midpoint")


def quantile_of(name: str, input: Any, q: Any, dim: Any, keepdim: bool, interpolation: str, skip: bool) -> Any:
    """The elements at rank `q * (n - 1)`, between neighbours as the interpolation says; `skip` leaves NaN out."""
    if not input.numel():
        raise RuntimeError(f"{name}() input tensor must be non-empty")
    if input.dtype not in (dtypes.float32, dtypes.float64):
        raise RuntimeError(f"{name}() input tensor must be either float or double dtype")
    if interpolation not in INTERPOLATIONS:
        raise RuntimeError(
            f"{name}() interpolation must be one of linear, lower, higher, midpoint or nearest, but got {interpolation}"
        )
    if not isinstance(q, Tensor):
        if not 0 <= q <= 1:
            raise RuntimeError(f"{name}() q must be in the range [0, 1] but got {q:g}")
        q = wrap(np.array(q, input.dtype.numpy))
    if q.ndim > 1:
        raise RuntimeError(f"{name}() q must be a scalar or 1D tensor")
    if q.dtype is not input.dtype:
        raise RuntimeError(f"{name}() q tensor must be same dtype as the input tensor")
    from ..arrays.batched import whole

    if not whole((q._array >= 0) & (q._array <= 1)).all():
        raise RuntimeError(f"{name}() q values must be in the range [0, 1]")
    rank = input.ndim
    line = input.reshape(-1) if dim is None else shapes.movedim(input, dim, -1) if rank else input.reshape(1)
    line = sort(line, -1)[0]
    numbers = add(line._array == line._array, -1, np.int64, None, True)
    size = line.shape[-1]
    if skip:
        ranks = q.reshape(-1) * wrap(np.maximum(numbers - 1, 0).astype(input.dtype.numpy))
    else:  # the last element of a row with NaN is NaN
        clean = wrap((numbers == size).astype(input.dtype.numpy))
        ranks = (q.reshape(-1) - 1) * (size - 1) * clean + (size - 1)
    result = between(line, ranks, interpolation)
    if dim is None or not rank:
        result = result.reshape((-1,) + (1,) * rank if keepdim else (-1,))
    else:
        result = shapes.movedim(result, -1, 0)
        if keepdim:
            result = result.unsqueeze(position(dim, rank) + 1)
    return result if q.ndim else result.squeeze(0)


def between(line: Any, ranks: Any, interpolation: str) -> Any:
    """The elements of sorted lines at ranks that need not be whole."""
    exact = ranks._array
    if interpolation in ("lower", "higher", "nearest"):
        rounded = {"lower": np.floor, "higher": np.ceil, "nearest": np.rint}[interpolation](exact)
        return take_along(line, rounded.astype(np.int64), -1)
    below = np.floor(exact)
    low = take_along(line, below.astype(np.int64), -1)
    high = take_along(line, np.ceil(exact).astype(np.int64), -1)
    share = wrap(0.5 * (exact != below).astype(exact.dtype)) if interpolation == "midpoint" else ranks - wrap(below)
    return low + share * (high - low)


QUANTILES = lambda: [  # noqa: E731
    call(T((5,), distinct=True), 0.3), call(T((2, 4), distinct=True), 0.7, 1, True), call(T(()), 0.5),
    call(T((3, 2), distinct=True), 0.5, -2), call(T((4,), distinct=True), T((3,), 0.1, 0.9), interpolation="lower"),
]  # fmt: skip


@composite(out=True, samples=QUANTILES)
def quantile(
    input: Any, q: Any, dim: int | None = None, keepdim: bool = False, *, interpolation: str = "linear"
) -> Any:
    """The q-quantiles of all elements or along a dimension; with several `q` they come first. NaN where an element is.

    Raises RuntimeError for types other than float32 and float64, for no elements, and for q outside [0, 1].
    """
    return quantile_of("quantile", input, q, dim, keepdim, interpolation, False)


@composite(out=True, samples=QUANTILES)
def nanquantile(
    input: Any, q: Any, dim: int | None = None, keepdim: bool = False, *, interpolation: str = "linear"
) -> Any:
    """As `quantile`, of what is not NaN."""
    return quantile_of("nanquantile", input, q, dim, keepdim, interpolation, True)


# --- histograms and counts ------------------------------------------------------------------------


def require_floating(name: str, array: Any) -> None:
    """Raises NotImplementedError for integers, as PyTorch does for histograms."""
    if array.dtype.kind in "iub":
        raise NotImplementedError(f"\"{name}\" not implemented for '{type_word_of(array)}'")


def bounds(values: Any, low: float, high: float) -> tuple[float, float]:
    """The range of a histogram: as given, or that of the values, and never empty."""
    if low == high and values.size:
        low, high = float(values.min()), float(values.max())
    if not (math.isfinite(low) and math.isfinite(high)):
        raise RuntimeError(f"torch.histc: range of [{low:g}, {high:g}] is not finite")
    if low > high:
        raise RuntimeError("torch.histc: max must be larger than min")
    return (low - 1.0, high + 1.0) if low == high else (low, high)


@constant_op(samples=lambda: [call(T((10,)), 4), call(T((10,)), 4, -1, 1)])
def histc(input: Array, bins: int = 100, min: float = 0, max: float = 0) -> Array:
    """How many elements lie in each of `bins` equal parts of the range from `min` to `max`, by default their own."""
    require_floating("histogram_cpu", input)
    if bins <= 0:
        raise RuntimeError(f"torch.histogram(): bins must be > 0, but got {bins} for dimension 0")
    numbers = input[input == input]
    return np.histogram(numbers, bins, bounds(numbers, min, max))[0].astype(input.dtype)


@general(returns=return_types.histogram, name="histogram_of", method=False)
def histogram_of(input: Array, bins: Any, range: Any, weight: Any, density: bool) -> tuple[Array, Array]:
    """Counts (or weights) of elements per bin, and the edges of the bins."""
    weights = None if weight is None else weight._array.reshape(-1)
    edges = bins if isinstance(bins, int) else bins._array
    found, edges = np.histogram(input.reshape(-1), edges, range, density, weights)
    return found.astype(input.dtype), edges.astype(input.dtype)


@composite(out=True, samples=lambda: [call(T((10,)), 4), call(T((10,)), 4, range=(-1.0, 1.0), density=True)])
def histogram(input: Any, bins: Any, *, range: Any = None, weight: Any = None, density: bool = False) -> Any:
    """The histogram of all elements, as `(hist, bin_edges)`.

    `bins` is a number of equal bins over `range`, or a tensor of edges; `weight` counts elements by weight, `density`
    makes the integral one.
    """
    require_floating("histogramdd", input._array)
    if isinstance(bins, int) and bins <= 0:
        raise RuntimeError(f"torch.histogram(): bins must be > 0, but got {bins} for dimension 0")
    if weight is not None and weight.shape != input.shape:
        raise RuntimeError(
            "torch.histogram(): if weight tensor is provided it should have the same shape as the input tensor "
            f"excluding its innermost dimension, but got input with shape {list(input.shape)} and weight with shape "
            f"{list(weight.shape)}"
        )
    return histogram_of(input, bins, range, weight, density)


def histogramdd(
    input: Tensor, bins: Any, *, range: Any = None, weight: Tensor | None = None, density: bool = False
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """The histogram of points (the rows along the last dimension), as `(hist, bin_edges)`, with edges per coordinate.

    `bins` is a number of equal bins for all coordinates or one for each, or a vector of edges for each; `range` lists the lower and
    upper end of each coordinate. `weight` and `density` are as in `histogram`.
    """
    array = input._array
    require_floating("histogramdd", array)
    if array.ndim < 2:
        raise RuntimeError("torch.histogramdd: input tensor should have at least 2 dimensions")
    count = array.shape[-1]
    bins = [bins] * count if isinstance(bins, int) else [one._array if isinstance(one, Tensor) else one for one in bins]
    if len(bins) != count:
        raise RuntimeError("histogramdd: The size of bins must be equal to the innermost dimension of the input.")
    ends = None if range is None else list(zip(range[::2], range[1::2], strict=True))
    weights = None if weight is None else weight._array.reshape(-1)
    found, edges = np.histogramdd(array.reshape(-1, count), bins, ends, density, weights)
    kind = array.dtype
    return histogramdd_fields(wrap(found.astype(kind)), tuple(wrap(one.astype(kind)) for one in edges))


histogramdd_fields = return_types.make("histogramdd", "hist", "bin_edges")


@constant_op(samples=lambda: [call(T((2, 3))), call(T((2, 3), 0, 9, "int"), 1, True)])
def hash_tensor(input: Array, dim: Any = (), keepdim: bool = False, *, mode: int = 0) -> Array:
    """The exclusive or of the bits of elements, widened to 64, over the given dimensions (all): a uint64. `mode` is 0."""
    if mode:
        raise RuntimeError(f"Unknown hash_tensor mode: {mode}")
    if not input.size and dim == ():
        raise RuntimeError(
            "hash_tensor: Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim with the 'dim' "
            "argument."
        )
    exclusive_or: Any = np.bitwise_xor
    wide = input.astype({"f": np.float64, "u": np.uint64}.get(input.dtype.kind, np.int64)).view(np.uint64)
    return exclusive_or.reduce(wide, axes(None if dim == () else dim, input.ndim), None, None, keepdim)


@constant_op(samples=lambda: [call(T((6,), 0, 4, "int")), call(T((6,), 0, 4, "int"), minlength=8)])
def bincount(input: Array, weights: Array | None = None, minlength: int = 0) -> Array:
    """How often each value occurs in a vector of non-negative integers, or the sum of its `weights`."""
    if minlength < 0:
        raise RuntimeError("minlength should be >= 0")
    if input.dtype.kind not in "iu":
        raise NotImplementedError(f"\"bincount_cpu\" not implemented for '{type_word_of(input)}'")
    if input.ndim != 1 or (input.size and input.min() < 0):
        raise RuntimeError("bincount only supports 1-d non-negative integral inputs.")
    if weights is not None and weights.shape != input.shape:
        raise RuntimeError("weights should be 1-d and have the same length as input")
    if not input.size:
        return zeros_like(input, (minlength,), np.int64)
    counts = np.bincount(input, weights, minlength)
    if weights is None:
        return counts.astype(np.int64)
    return counts.astype(weights.dtype) if weights.dtype == np.float32 else counts


__all__ = [
    "var", "std", "var_mean", "std_mean", "cov", "corrcoef", "logsumexp", "quantile", "nanquantile", "histc",
    "histogram", "histogramdd", "hash_tensor", "bincount",
]  # fmt: skip
ALIASES: dict[str, tuple[str, ...]] = {}
