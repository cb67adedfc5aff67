"""Evenly spaced numbers: arange, range, linspace and logspace."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from . import dtypes
from .creation import finished
from .dtypes import type_word
from .overridable import overridable_by_modes
from .tensor import Tensor
from .warning import warn

LARGEST = 2**63 - 1


def number(name: str, argument: str, value: Any) -> Any:
    """A bound or step as a Python number. Raises TypeError for anything else."""
    if isinstance(value, (Tensor, np.generic)):
        value = value.item()
    if not isinstance(value, (int, float, complex)):
        raise TypeError(f"{name}(): argument '{argument}' must be Number, not {type(value).__name__}")
    return value


def check_span(start: Any, end: Any, step: Any) -> None:
    """Raises RuntimeError where no finite number of steps leads from start to end."""
    if not (math.isfinite(start) and math.isfinite(end)):
        raise RuntimeError(f"unsupported range: {start} -> {end}")
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if (end - start) * (1 if step > 0 else -1) < 0:
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")


def counted(start: Any, step: Any, count: int, kind: dtypes.dtype, name: str) -> np.ndarray:
    """`count` numbers from `start` on, in double precision or as integers. Raises NotImplementedError for other types."""
    if kind.is_complex or kind is dtypes.bool:
        raise NotImplementedError(f'"{name}_cpu" not implemented for {type_word(kind)!r}')
    if count > LARGEST:
        raise RuntimeError("invalid size, possible overflow?")
    if kind.is_floating_point:
        return np.arange(count, dtype=np.float64) * step + start
    return np.arange(count, dtype=np.int64) * int(step) + int(start)


@overridable_by_modes
def arange(
    start: Any = 0, end: Any = None, step: Any = 1, *, out: Tensor | None = None, dtype: Any = None, layout: Any = None,
    device: Any = None, pin_memory: bool = False, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """Numbers from `start` up to, not including, `end`. Raises RuntimeError when `step` is zero or leads away from `end`."""
    if end is None:
        start, end = 0, start
    start, end, step = (number("arange", name, one) for name, one in (("start", start), ("end", end), ("step", step)))
    check_span(start, end, step)
    floating = any(isinstance(one, float) for one in (start, end, step))
    if dtype is None:
        dtype = out.dtype if out is not None else dtypes.get_default_dtype() if floating else dtypes.int64
    kind = dtypes.resolve(dtype)
    if kind is dtypes.int64:
        start, end, step, floating = int(start), int(end), int(step), False
        if step == 0:
            raise ValueError("step must be nonzero")
        if max(abs(start), abs(end)) > LARGEST:
            raise RuntimeError("value cannot be converted to type int64_t without overflow")
    count = math.ceil((end - start) / step) if floating else -((start - end) // step)
    return finished(counted(start, step, count, kind, "arange"), kind, device, requires_grad, out)


@overridable_by_modes
def range(
    start: Any = 0, end: Any = None, step: Any = 1, *, out: Tensor | None = None, dtype: Any = None, layout: Any = None,
    device: Any = None, pin_memory: bool = False, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """Numbers from `start` to `end`, both included: superseded by `arange`, with its errors."""
    warn(
        "torch.range is deprecated and will be removed in a future release because its behavior is inconsistent with Python's "
        "range builtin. Instead, use torch.arange, which produces values in [start, end)."
    )
    if end is None:
        start, end = 0, start
    start, end, step = (number("range", name, one) for name, one in (("start", start), ("end", end), ("step", step)))
    check_span(start, end, step)
    kind = dtypes.resolve(dtype or (dtypes.get_default_dtype() if out is None else out.dtype))
    count = math.floor((end - start) / step) + 1
    return finished(counted(start, step, count, kind, "range"), kind, device, requires_grad, out)


def spaced(
    name: str, start: Any, end: Any, steps: Any, dtype: Any, out: Tensor | None, turned: Any = None
) -> tuple[np.ndarray, dtypes.dtype]:
    """`steps` numbers from start to end, transformed by `turned` if given, and the type that they are to have."""
    ranks = [(label, one.ndim) for label, one in (("start", start), ("end", end)) if isinstance(one, Tensor) and one.ndim]
    if ranks:
        found = " and ".join(f"{label} with {rank} dimension(s)" for label, rank in ranks)
        raise RuntimeError(f"{name} only supports 0-dimensional start and end tensors, but got {found}.")
    start, end = number(name, "start", start), number(name, "end", end)
    if not hasattr(steps, "__index__"):
        raise TypeError(
            f"{name}() received an invalid combination of arguments - got ({type(start).__name__}, {type(end).__name__}, "
            f"{type(steps).__name__}): steps must be an int"
        )
    if steps.__index__() < 0:
        raise RuntimeError("number of steps must be non-negative")
    given = dtypes.resolve(dtype) if dtype is not None else None if out is None else out.dtype
    kind = dtypes.get_default_dtype() if given is None else given
    if isinstance(start, complex) or isinstance(end, complex):
        if given is not None and not given.is_complex:
            raise RuntimeError(f"torch.{name}(): inferred dtype complex can't be safely cast to passed dtype {type_word(given)}")
        kind = kind if kind.is_complex else kind.to_complex()
    if kind is dtypes.bool:
        raise NotImplementedError(f'"{name}_cpu" not implemented for \'Bool\'')
    if not kind.is_floating_point and not kind.is_complex:
        start, end = int(start), int(end)
    numbers = np.linspace(start, end, steps.__index__())
    return numbers if turned is None else turned(numbers), kind


@overridable_by_modes
def linspace(
    start: Any, end: Any, steps: int, *, out: Tensor | None = None, dtype: Any = None, layout: Any = None, device: Any = None,
    pin_memory: bool = False, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """`steps` numbers evenly from `start` to `end`, both included; each may be a tensor without dimensions."""
    numbers, kind = spaced("linspace", start, end, steps, dtype, out)
    return finished(numbers, kind, device, requires_grad, out)


@overridable_by_modes
def logspace(
    start: Any, end: Any, steps: int, base: float = 10.0, *, out: Tensor | None = None, dtype: Any = None, layout: Any = None,
    device: Any = None, pin_memory: bool = False, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """`base` to the power of `steps` numbers evenly from `start` to `end`."""
    numbers, kind = spaced("logspace", start, end, steps, dtype, out, lambda exponents: np.power(float(base), exponents))
    return finished(numbers, kind, device, requires_grad, out)


__all__ = ["arange", "linspace", "logspace", "range"]
