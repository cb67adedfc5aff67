"""Complex numbers: their parts, and the functions that treat real and complex numbers alike without being analytic.

Derivatives follow the conjugate Wirtinger convention: the cotangent of a complex input points where a real function
grows fastest.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import dtypes
from ..arrays.basic import empty_like, zeros_like
from ..arrays.promotion import cast
from ..autograd.modes import state, thread
from ..dtypes import type_word, type_word_of
from ..inspection import is_conj, is_neg
from ..tensor import Tensor
from .comparisons import where
from .kinds import Array, general, linear, pointwise
from .samples import T, call

EACH = lambda: [call(T((2, 3), 0.3, 2.0)), call(T((3,), -2.0, -0.3)), call(T((), 0.3, 2.0))]  # noqa: E731


def is_complex(value: Any) -> bool:
    """Whether a Tensor or array holds complex numbers."""
    return getattr(value, "_array", value).dtype.kind == "c"


def in_default_type(input: Any) -> Any:
    """An integer array in the default type; others as they are."""
    return cast(input, dtypes.get_default_dtype()) if input.dtype.kind in "biu" else input


# --- parts -----------------------------------------------------------------------------------------------------------


def nothing(g: Any) -> Any:
    """Zeros like a cotangent, infinite or not."""
    return g.new_zeros(g.shape) if isinstance(g, Tensor) else zeros_like(g)


@linear(lambda g: complex(g, nothing(g)), view=True, method=False, node="SelectBackward0", name="real", samples=EACH)
def real_part(input: Array) -> Array:
    """The real part, sharing memory."""
    return input.real


@linear(lambda g: complex(nothing(g), g), view=True, method=False, node="SelectBackward0", name="imag", samples=EACH)
def imaginary_part(input: Array) -> Array:
    """The imaginary part, sharing memory."""
    return input.imag


def real(input: Any) -> Any:
    """The real part of a complex tensor, sharing its memory; a real tensor itself."""
    return real_part(input) if is_complex(input) else input


def imag(input: Any) -> Any:
    """The imaginary part of a complex tensor, sharing its memory. Raises RuntimeError for a real tensor."""
    if not is_complex(input):
        raise RuntimeError("imag is not implemented for tensors with non-complex dtypes.")
    return imaginary_part(input)


@linear(lambda g: conj(g), view=True, name="conj", method=False, samples=EACH)
def conjugate(input: Array) -> Array:
    """The complex conjugate, sharing memory: it is computed where it is read."""
    from ..arrays.mirrored import mirrored

    return mirrored(input) if input.dtype.kind == "c" else input[...]


@linear(lambda g: conj_physical(g), name="conj_physical", method=False, inplace=True, samples=EACH)
def conjugate_copy(input: Array) -> Array:
    """The complex conjugate."""
    return np.conjugate(input) if input.dtype.kind == "c" else input.copy()


def conj(input: Any) -> Any:
    """The complex conjugate, as a view that is computed where it is read (but not under vmap); a real tensor itself."""
    if not is_complex(input):
        return input
    if not isinstance(input, Tensor):
        return np.conjugate(input)
    return conjugate_copy(input) if thread.batch_levels or state.batched_nodes else conjugate(input)


conjugate.op.function = conj


def conj_physical(input: Any, *, out: Tensor | None = None) -> Any:
    """The complex conjugate, computed at once; a real tensor itself."""
    if out is not None:
        return conjugate_copy(input, out=out)
    return conjugate_copy(input) if is_complex(input) else input


def resolve_conj(input: Tensor) -> Tensor:
    """The tensor, with conjugation that was put off carried out."""
    return input.clone() if is_conj(input) else input


def resolve_neg(input: Tensor) -> Tensor:
    """The tensor, with negation that was put off carried out."""
    return input.clone() if is_neg(input) else input


# --- absolute value and direction ------------------------------------------------------------------------------------


slope = pointwise("slope", np.sign, d=0, method=False, inplace=False, domain=(0.3, 2.0), doc="The derivative of |input| for reals.")


@general(lambda g, x: g * (sgn(x) if is_complex(x) else slope(x)), inplace=True, samples=EACH)
def abs(input: Array) -> Array:
    """The absolute value; of a complex number a real one."""
    if input.dtype.kind == "b":
        raise NotImplementedError("\"abs_cpu\" not implemented for 'Bool'")
    return np.abs(input)


def sgn_transpose(g: Any, x: Any, out: Any) -> Any:
    """The part of the cotangent across the direction of x, over |x| (its own transpose); zero for reals and at zero."""
    if not is_complex(x):
        return g * 0
    size = abs(x)
    return where(size == 0, 0, (g - out * real(conj(out) * g)) / size)


@general(sgn_transpose, inplace=True, samples=EACH)
def sgn(input: Array) -> Array:
    """The sign of a real number, `input / |input|` of a complex one; zero for zero (and NaN)."""
    if input.dtype.kind == "b":
        return input.copy()
    if input.dtype.kind == "f":
        return np.subtract(np.greater(input, 0), np.less(input, 0), dtype=input.dtype)
    return np.sign(input)


def angle_transpose(g: Any, x: Any) -> Any:
    """i x / |x|**2 times the cotangent; zero for real numbers and at zero."""
    if not is_complex(x):
        return g * 0
    size = abs(x)
    return where(size == 0, 0, g * 1j * x / (size * size))


@general(angle_transpose, samples=EACH)
def angle(input: Array) -> Array:
    """The angle in radians: of a complex number in the plane, of a real one 0 or pi."""
    input = in_default_type(input)
    if input.dtype.kind == "c":
        return np.angle(input)
    return np.where(np.isnan(input), input, np.multiply(input < 0, math.pi, dtype=input.dtype))


# --- to and from pairs of real numbers -------------------------------------------------------------------------------


def check_pair(first: Any, second: Any) -> None:
    """Raises RuntimeError unless two arrays can be the parts of complex numbers."""
    for number, value in enumerate((first, second), 1):
        if not hasattr(value, "dtype"):
            raise TypeError(f"complex(): argument (position {number}) must be Tensor, not {type(value).__name__}")
    one, other = dtypes.of(first), dtypes.of(second)
    if not {one, other} <= {dtypes.float16, dtypes.float32, dtypes.float64}:
        raise RuntimeError(
            f"Expected both inputs to be Half, Float or Double tensors but got {type_word(one)} and {type_word(other)}"
        )
    if one is not other:
        raise RuntimeError(
            f"Expected object of scalar type {type_word(one)} but got scalar type {type_word(other)} "
            "for second argument"
        )


PAIRS = lambda: [call(T((2, 3)), T((2, 3))), call(T((3,)), T((2, 1))), call(T(()), T(()))]  # noqa: E731


@general(lambda g: real(g), lambda g: imag(g), method=False, broadcasts=True, samples=PAIRS)
def complex(real: Array, imag: Array) -> Array:
    """`real + 1j * imag`. Raises RuntimeError unless both are floating-point tensors of the same type."""
    check_pair(real, imag)
    result = empty_like(real, np.broadcast_shapes(real.shape, imag.shape), dtypes.of(real).to_complex().numpy)
    result.real = real
    result.imag = imag
    return result


@general(
    lambda g, y: real(conj(g) * polar(y * 0 + 1, y)),
    lambda g, out: imag(conj(out) * g),
    method=False,
    broadcasts=True,
    samples=PAIRS,
)
def polar(abs: Array, angle: Array) -> Array:
    """`abs * exp(1j * angle)`. Raises RuntimeError unless both are floating-point tensors of the same type."""
    check_pair(abs, angle)
    result = empty_like(abs, np.broadcast_shapes(abs.shape, angle.shape), dtypes.of(abs).to_complex().numpy)
    result.real = abs * np.cos(angle)
    result.imag = abs * np.sin(angle)
    return result


@linear(lambda g: complex(g[..., 0], g[..., 1]), view=True, method=False, samples=list)
def view_as_real(input: Array) -> Array:
    """The real and imaginary parts along a new last dimension, sharing memory.

    Raises RuntimeError for a real tensor.
    """
    if input.dtype.kind != "c":
        raise RuntimeError("view_as_real is only supported for complex tensors")
    if hasattr(input, "resolved"):
        raise RuntimeError(
            "view_as_real doesn't work on unresolved conjugated tensors.  To resolve the conjugate tensor so you can view it as "
            "real, use self.resolve_conj(); however, be warned that the resulting tensor will NOT alias the original."
        )
    return input[..., None].view(dtypes.of(input).to_real().numpy)


@linear(
    lambda g: view_as_real(g),
    view=True,
    method=False,
    samples=lambda: [call(T((3, 2))), call(T((2,)))],
)
def view_as_complex(input: Array) -> Array:
    """The pairs along the last dimension as complex numbers, sharing memory.

    Raises RuntimeError unless there are two elements side by side along the last dimension.
    """
    if input.dtype.kind != "f":
        raise RuntimeError(
            f"view_as_complex is only supported for half, float and double tensors, but got a tensor of scalar type: "
            f"{type_word_of(input)}"
        )
    if not input.ndim:
        raise RuntimeError("Input tensor must have one or more dimensions")
    if input.shape[-1] != 2:
        raise RuntimeError("Tensor must have a last dimension of size 2")
    if input.strides[-1] != input.itemsize:
        raise RuntimeError("Tensor must have a last dimension with stride 1")
    if any(step % (2 * input.itemsize) for step in input.strides[:-1]):
        raise RuntimeError("Tensor must have a stride divisible by 2 for all but last dimension")
    return input.view(dtypes.of(input).to_complex().numpy)[..., 0]


def part(function: Any) -> property:
    """The attribute `real` or `imag`, which can also be assigned to."""

    def assign(self: Tensor, value: Any) -> None:
        function(self).copy_(value if isinstance(value, Tensor) else self.new_tensor(value))

    return property(function, assign, doc=function.__doc__)


METHODS = {
    "real": part(real), "imag": part(imag), "conj": conj, "conj_physical": conj_physical,
    "resolve_conj": resolve_conj, "resolve_neg": resolve_neg,
}  # fmt: skip
ALIASES = {"abs": ("absolute",)}
absolute = abs

__all__ = [
    "abs", "absolute", "angle", "complex", "conj", "conj_physical", "imag", "polar", "real", "resolve_conj",
    "resolve_neg", "sgn", "view_as_complex", "view_as_real",
]  # fmt: skip
