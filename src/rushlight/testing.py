"""Comparing results and making inputs in tests, as `torch.testing`."""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

import rushlight as torch
from rushlight import Tensor, dtypes

__all__ = ["assert_allclose", "assert_close", "make_tensor"]

# How much results may differ, relatively and absolutely, by their type; others have to be equal.
TOLERANCES = {
    dtypes.float16: (1e-3, 1e-5), dtypes.bfloat16: (1.6e-2, 1e-5), dtypes.float32: (1.3e-6, 1e-5), dtypes.float64: (1e-7, 1e-7),
    dtypes.complex64: (1.3e-6, 1e-5), dtypes.complex128: (1e-7, 1e-7),
}  # fmt: skip
NUMBERS = (int, float, complex, np.number)


class _Options:
    """What was asked for: tolerances (None: those of the types), and what is to be equal besides the values."""

    def __init__(
        self, rtol: float | None, atol: float | None, equal_nan: bool, check_dtype: bool, check_stride: bool, allow_subclasses: bool
    ) -> None:  # fmt: skip
        if (rtol is None) != (atol is None):
            raise ValueError(
                f"Both 'rtol' and 'atol' must be either specified or omitted, but got no {'rtol' if rtol is None else 'atol'}."
            )
        self.rtol, self.atol, self.equal_nan = rtol, atol, equal_nan
        self.check_dtype, self.check_stride, self.allow_subclasses = check_dtype, check_stride, allow_subclasses

    def tolerances(self, *kinds: dtypes.dtype) -> tuple[float, float]:
        """The relative and the absolute tolerance for values of these types."""
        if self.rtol is not None and self.atol is not None:
            return self.rtol, self.atol
        found = [TOLERANCES.get(kind, (0.0, 0.0)) for kind in kinds]
        return max(one[0] for one in found), max(one[1] for one in found)


def assert_close(
    actual: Any, expected: Any, *, allow_subclasses: bool = True, rtol: float | None = None, atol: float | None = None,
    equal_nan: bool = False, check_device: bool = True, check_dtype: bool = True, check_layout: bool = True,
    check_stride: bool = False, msg: str | Callable[[str], str] | None = None,
) -> None:  # fmt: skip
    """Raises AssertionError unless `|actual - expected| <= atol + rtol * |expected|` for all elements.

    Takes tensors, NumPy arrays, numbers, None, and sequences and mappings of them. Types, shapes and (with `check_stride`) strides
    have to be equal as well. Tolerances are by default those of the types. `msg` replaces the message, or makes it from the usual.
    """
    options = _Options(rtol, atol, equal_nan, check_dtype, check_stride, allow_subclasses)
    problem = _compare(actual, expected, options, "")
    if problem:
        raise AssertionError(problem if msg is None else msg if isinstance(msg, str) else msg(problem))


def assert_allclose(
    actual: Any, expected: Any, rtol: float | None = None, atol: float | None = None, equal_nan: bool = True, msg: str = ""
) -> None:
    """The older form of `assert_close`: types may differ, and NaNs are equal."""
    actual, expected = (one if isinstance(one, Tensor) else torch.tensor(one) for one in (actual, expected))
    assert_close(actual, expected, rtol=rtol, atol=atol, equal_nan=equal_nan, check_dtype=False, msg=msg or None)


def _compare(actual: Any, expected: Any, options: _Options, item: str) -> str | None:
    """What is wrong, None where nothing is. `item` says where, in nested values."""
    where = f"\n\nThe failure occurred for item {item}" if item else ""
    if isinstance(actual, Mapping) and isinstance(expected, Mapping):
        missing, additional = sorted(set(expected) - set(actual)), sorted(set(actual) - set(expected))
        if missing or additional:
            return (
                "The keys of the mappings do not match:"
                + (f"\nMissing keys in the actual mapping: {missing}" if missing else "")
                + (f"\nAdditional keys in the actual mapping: {additional}" if additional else "")
                + where
            )
        return _first(_compare(actual[key], expected[key], options, f"{item}[{key!r}]") for key in actual)
    if _is_sequence(actual) and _is_sequence(expected):
        if len(actual) != len(expected):
            return f"The length of the sequences mismatch: {len(actual)} != {len(expected)}{where}"
        pairs = zip(actual, expected, strict=True)
        return _first(_compare(one, other, options, f"{item}[{place}]") for place, (one, other) in enumerate(pairs))
    if actual is None or expected is None:
        return None if actual is expected else f"None mismatch: {actual} is not {expected}{where}"
    problem = _compare_leaves(actual, expected, options)
    return None if problem is None else problem + where


def _first(problems: Any) -> str | None:
    return next((problem for problem in problems if problem), None)


def _is_sequence(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _compare_leaves(actual: Any, expected: Any, options: _Options) -> str | None:
    related = options.allow_subclasses or type(actual) is type(expected)
    for kind in (bool, np.bool_):
        if isinstance(actual, kind) and isinstance(expected, kind):
            return None if actual == expected else f"Booleans mismatch: {actual} is not {expected}"
    if isinstance(actual, NUMBERS) and isinstance(expected, NUMBERS):
        if type(actual) is not type(expected) and options.check_dtype:
            return f"The (d)types do not match: {type(actual)} != {type(expected)}."
        kinds = [dtypes.from_numpy(np.result_type(one)) for one in (actual, expected)]
        return _compare_numbers(actual, expected, *options.tolerances(*kinds), options)
    if all(isinstance(one, np.ndarray) for one in (actual, expected)):
        return _compare_tensors(torch.from_numpy(actual), torch.from_numpy(expected), options)
    if all(isinstance(one, Tensor) for one in (actual, expected)) and related:
        return _compare_tensors(actual, expected, options)
    raise TypeError(f"No comparison pair was able to handle inputs of type {type(actual)} and {type(expected)}.")


def _compare_numbers(actual: Any, expected: Any, rtol: float, atol: float, options: _Options) -> str | None:
    difference = abs(actual - expected)
    if actual == expected or (cmath.isfinite(expected) and difference <= atol + rtol * abs(expected)):
        return None
    if options.equal_nan and actual != actual and expected != expected:
        return None
    relative = difference / abs(expected) if expected != 0 else math.inf
    exact = rtol == atol == 0
    return (
        f"Scalars are not {'equal' if exact else 'close'}!\n\nExpected {expected} but got {actual}.\n"
        f"Absolute difference: {difference}{'' if exact else f' (up to {atol} allowed)'}\n"
        f"Relative difference: {relative}{'' if exact else f' (up to {rtol} allowed)'}"
    )


def _compare_tensors(actual: Tensor, expected: Tensor, options: _Options) -> str | None:
    found: list[tuple[str, Any, Any]] = [("shape", actual.shape, expected.shape)]
    if options.check_dtype:
        found.append(("dtype", actual.dtype, expected.dtype))
    if options.check_stride:
        found.append(("stride()", actual.stride(), expected.stride()))
    for name, one, other in found:
        if one != other:
            return f"The values for attribute '{name}' do not match: {one} != {other}."
    rtol, atol = options.tolerances(actual.dtype, expected.dtype)
    with torch.no_grad():
        kind = dtypes.promote_types(actual.dtype, expected.dtype)
        actual, expected = (one.detach().to(torch.int64 if kind is torch.bool else kind) for one in (actual, expected))
        close = torch.isclose(actual, expected, rtol=rtol, atol=atol, equal_nan=options.equal_nan)
        if bool(close.all()):
            return None
        if not actual.ndim:
            return _compare_numbers(actual.item(), expected.item(), rtol, atol, options)
        return _describe(actual, expected, close, rtol, atol)


def _describe(actual: Tensor, expected: Tensor, close: Tensor, rtol: float, atol: float) -> str:
    """How many elements differ, and by how much and where most."""
    wrong, count, exact = int((~close).sum()), close.numel(), rtol == atol == 0
    difference = (actual - expected).abs()
    difference = torch.where(close, torch.zeros((), dtype=difference.dtype), difference)
    lines = [
        f"Tensor-likes are not {'equal' if exact else 'close'}!\n",
        f"Mismatched elements: {wrong} / {count} ({wrong / count:.1%})",
    ]
    for name, values, limit in (("absolute", difference, atol), ("relative", difference / expected.abs(), rtol)):
        values = torch.where(close, torch.zeros((), dtype=values.dtype), values)
        place = int(values.argmax())
        index = tuple(int(one) for one in np.unravel_index(place, tuple(values.shape)))
        allowed = "" if exact else f" (up to {limit} allowed)"
        lines.append(f"Greatest {name} difference: {values.flatten()[place].item()} at index {index}{allowed}")
    return "\n".join(lines)


def make_tensor(
    *shape: Any, dtype: dtypes.dtype, device: Any, low: float | None = None, high: float | None = None,
    requires_grad: bool = False, noncontiguous: bool = False, exclude_zero: bool = False, memory_format: Any = None,
) -> Tensor:  # fmt: skip
    """A tensor of random numbers from [low, high): by default [-9, 9), integers from -9 to 9 (unsigned: from 0), or truth values.

    With `exclude_zero` the smallest positive number stands for zero; with `noncontiguous` the last dimension has gaps in memory.
    Raises ValueError for an empty range.
    """
    size = tuple(shape[0]) if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else shape
    lowest, highest = (0, 2) if dtype is dtypes.bool else (-9, 9) if dtype.category >= dtypes.FLOATING else (-9, 10)
    if not dtype.is_signed:
        lowest = 0
    low, high = lowest if low is None else low, highest if high is None else high
    if low > high or (low == high and dtype.category < dtypes.FLOATING):
        raise ValueError(f"`low` must be less than `high`, but got {low} >= {high}")
    gaps = noncontiguous and math.prod(size) > 1
    size = (*size[:-1], 2 * size[-1]) if gaps else size
    if dtype.category < dtypes.FLOATING:
        result = torch.randint(math.ceil(low), math.ceil(high), size, device=device, dtype=dtype)
    else:
        result = torch.empty(size, device=device, dtype=dtype)
        (torch.view_as_real(result) if dtype.is_complex else result).uniform_(low, high)
    result = result[..., 1::2] if gaps else result
    if exclude_zero:
        result[result == 0] = 1 if dtype.category < dtypes.FLOATING else dtypes.finfo(dtype).tiny
    return result.requires_grad_(requires_grad) if requires_grad else result
