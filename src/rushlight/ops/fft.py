"""Fourier transforms. Three linear ops, complex to complex, real to complex and back, each with its transpose; the
rest is written in them.

`norm` says which direction carries the factor 1/n ("backward", "forward") or that both carry its root ("ortho"). The
adjoint of a transform is the opposite direction with the factor on the other side.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import dtypes
from ..dtypes import type_word
from .arranging import roll
from .casting import to_dtype
from .complexes import conj, conj_physical
from .dims import position
from .kinds import Array, composite, linear
from .samples import T, call

ADJOINT = {"backward": "forward", "forward": "backward", "ortho": "ortho"}
AXES = (-2, -1)


# --- the transforms --------------------------------------------------------------------------------------------------


@linear(
    lambda g, dim, forward, norm: c2c(g, dim, not forward, ADJOINT[norm]),
    name="fft.c2c", node="FftC2CBackward0", method=False,
    samples=lambda: [
        call(T((3, 4), kind="complex"), (0, 1), True, "ortho"), call(T((3, 4), kind="complex"), (1,), False, "forward"),
    ],
)  # fmt: skip
def c2c(input: Array, dim: tuple, forward: bool, norm: Any) -> Array:
    """The transform of complex numbers over some dimensions."""
    transform = np.fft.fft if forward else np.fft.ifft
    for axis in reversed(dim):
        input = transform(input, axis=axis, norm=norm)
    return input


@linear(
    lambda g, x_shape, dim, norm: c2r(g * weights(g, x_shape[dim], dim, 0.5), x_shape[dim], dim, ADJOINT[norm]),
    name="fft.r2c", node="FftR2CBackward0", method=False,
    samples=lambda: [call(T((3, 4)), 1, "backward"), call(T((3, 4)), 0, "ortho")],
)  # fmt: skip
def r2c(input: Array, dim: int, norm: Any) -> Array:
    """The transform of real numbers along one dimension, of which the redundant half is left out."""
    return np.fft.rfft(input, axis=dim, norm=norm)


@linear(
    lambda g, size, dim, norm: (lambda found: found * weights(found, size, dim, 2.0))(r2c(g, dim, ADJOINT[norm])),
    name="fft.c2r", node="FftC2RBackward0", method=False,
    samples=lambda: [call(T((3, 4), kind="complex"), 6, 1, "backward"), call(T((3, 4), kind="complex"), 5, 0, "ortho")],
)  # fmt: skip
def c2r(input: Array, size: int, dim: int, norm: Any) -> Array:
    """The inverse of `r2c`, to `size` real numbers."""
    return np.fft.irfft(input, size, axis=dim, norm=norm)


def weights(half: Any, size: int, dim: int, inner: float) -> Any:
    """Factors for half a spectrum.

    `inner` for what stands for two elements, one for the zero frequency and the middle one.
    """
    found = np.full(half.shape[dim], inner, dtypes.numpy_type(half.dtype).type(0).real.dtype)
    found[0] = 1
    if size % 2 == 0:
        found[-1] = 1
    shape = [1] * len(half.shape)
    shape[dim] = -1
    return found.reshape(shape)


@linear(
    lambda g, x_shape, dim: fitted(g, dim, tuple(x_shape[d] for d in dim)), name="fft.fitted",
    node="ConstantPadNdBackward0", method=False,
    samples=lambda: [call(T((3, 4)), (0, 1), (2, 6)), call(T((3,)), (0,), (5,))],
)  # fmt: skip
def fitted(input: Array, dim: tuple, sizes: tuple) -> Array:
    """The input cut off, or filled up with zeros, to the given extents."""
    shape = list(input.shape)
    for axis, size in zip(dim, sizes, strict=True):
        shape[axis] = size
    result = np.zeros_like(input, shape=shape)
    shared = tuple(slice(0, min(a, b)) for a, b in zip(shape, input.shape, strict=True))
    result[shared] = input[shared]
    return result


# --- arguments -------------------------------------------------------------------------------------------------------


def mode(norm: str | None) -> str:
    """The normalisation. Raises RuntimeError for an unknown one."""
    if norm is None:
        return "backward"
    if norm not in ADJOINT:
        raise RuntimeError(f'Invalid normalization mode: "{norm}"')
    return norm


def prepared(name: str, input: Any, real: bool) -> Any:
    """The input as real, or as complex, numbers that can be transformed.

    Raises RuntimeError where it is of a wrong type.
    """
    kind = input.dtype
    if kind.is_floating_point and kind.itemsize < 4:
        raise RuntimeError(f"Unsupported dtype {type_word(kind)}")
    if real and kind.is_complex:
        raise RuntimeError(f"{name} expects a real input tensor, but got {type_word(kind)}")
    if kind.category < dtypes.FLOATING:
        kind = dtypes.get_default_dtype()
    wanted = kind if real else kind.to_complex()
    return input if wanted is input.dtype else to_dtype(input, wanted)


def one_dimension(input: Any, dim: int) -> int:
    """`dim` counted from the front."""
    if not input.ndim:
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    return position(dim, input.ndim)


def extents(input: Any, s: Any, dim: Any, last_doubled: bool = False) -> tuple[tuple, tuple]:
    """Over which dimensions to transform, and to what sizes; the last is `2 (m - 1)` by default for half a spectrum."""
    sizes = None if s is None else [s] if isinstance(s, int) else list(s)
    dims = None if dim is None else [dim] if isinstance(dim, int) else list(dim)
    if dims is not None:
        dims = [one_dimension(input, d) for d in dims]
        if len(set(dims)) != len(dims):
            raise RuntimeError("FFT dims must be unique")
        if sizes is not None and len(sizes) != len(dims):
            raise RuntimeError("When given, dim and shape arguments must have the same length")
    elif sizes is not None:
        if len(sizes) > input.ndim:
            raise RuntimeError(f"Got shape with {len(sizes)} values but input tensor only has {input.ndim} dimensions.")
        dims = list(range(input.ndim - len(sizes), input.ndim))
    else:
        dims = list(range(input.ndim))
    natural = [input.shape[d] for d in dims]
    if last_doubled and natural:
        natural[-1] = 2 * (natural[-1] - 1)
    sizes = natural if sizes is None else [n if given == -1 else given for n, given in zip(natural, sizes, strict=True)]
    for size in sizes:
        if size < 1:
            raise RuntimeError(f"Invalid number of data points ({size}) specified")
    return tuple(dims), tuple(sizes)


def resized(input: Any, dims: tuple, sizes: tuple) -> Any:
    """The input with these extents."""
    return input if all(input.shape[d] == n for d, n in zip(dims, sizes, strict=True)) else fitted(input, dims, sizes)


# --- over several dimensions -----------------------------------------------------------------------------------------


def complex_transform(name: str, input: Any, s: Any, dim: Any, norm: str | None, forward: bool) -> Any:
    """A transform from complex (or real) to complex numbers."""
    norm = mode(norm)
    dims, sizes = extents(input, s, dim)
    input = resized(prepared(name, input, False), dims, sizes)
    return c2c(input, dims, forward, norm) if dims else input


def real_transform(name: str, input: Any, s: Any, dim: Any, norm: str | None, forward: bool) -> Any:
    """A transform from real numbers to half a spectrum; backward its conjugate."""
    norm = mode(norm)
    dims, sizes = extents(input, s, dim)
    if not dims:
        raise RuntimeError(f"{name} must transform at least one axis")
    input = resized(prepared(name, input, True), dims, sizes)
    result = r2c(input, dims[-1], norm if forward else ADJOINT[norm])
    result = result if forward else conj_physical(result)
    return c2c(result, dims[:-1], forward, norm) if len(dims) > 1 else result


def to_real_transform(name: str, input: Any, s: Any, dim: Any, norm: str | None, forward: bool) -> Any:
    """A transform from half a spectrum to real numbers."""
    norm = mode(norm)
    dims, sizes = extents(input, s, dim, last_doubled=True)
    if not dims:
        raise RuntimeError(f"{name} must transform at least one axis")
    halved = (*sizes[:-1], sizes[-1] // 2 + 1)
    input = resized(prepared(name, input, False), dims, halved)
    if len(dims) > 1:
        input = c2c(input, dims[:-1], forward, norm)
    return c2r(conj(input) if forward else input, sizes[-1], dims[-1], ADJOINT[norm] if forward else norm)


def declare(name: str, transform: Callable, forward: bool, doc: str) -> tuple[Callable, Callable, Callable]:
    """The op for one dimension, for two, and for any number."""

    def samples(*more: Any) -> Callable:
        return lambda: [call(T((3, 4))), call(T((3, 5)), norm="ortho"), *more]

    @composite(
        name=f"fft.{name}", method=False, out=True,
        doc=f"{doc} along `dim`, of which `n` elements (cut off, or zeros filled up) count.",
        samples=samples(call(T((4, 3)), 5, 0), call(T((6,)), 4, norm="forward")),
    )  # fmt: skip
    def single(input: Any, n: int | None = None, dim: int = -1, norm: str | None = None) -> Any:
        return transform(name, input, n, one_dimension(input, dim), norm, forward)

    @composite(
        name=f"fft.{name}2", method=False, out=True, doc=f"{doc} over two dimensions of sizes `s`.",
        samples=samples(call(T((4, 3)), (2, 5), (1, 0))),
    )  # fmt: skip
    def double(input: Any, s: Any = None, dim: Any = AXES, norm: str | None = None) -> Any:
        return transform(f"{name}2", input, s, dim, norm, forward)

    @composite(
        name=f"fft.{name}n", method=False, out=True,
        doc=f"{doc} over the dimensions `dim`, by default all, of sizes `s`.",
        samples=samples(call(T((2, 3, 4)), None, (0, 2)), call(T((3, 4)), (3,))),
    )  # fmt: skip
    def several(input: Any, s: Any = None, dim: Any = None, norm: str | None = None) -> Any:
        return transform(f"{name}n", input, s, dim, norm, forward)

    for function, suffix in ((single, ""), (double, "2"), (several, "n")):
        function.__name__ = function.__qualname__ = name + suffix
        function.__doc__ = function.op.doc
    return single, double, several


fft, fft2, fftn = declare("fft", complex_transform, True, "The discrete Fourier transform")
ifft, ifft2, ifftn = declare("ifft", complex_transform, False, "The inverse Fourier transform")
rfft, rfft2, rfftn = declare(
    "rfft", real_transform, True, "The Fourier transform of real numbers, without its redundant half,"
)
irfft, irfft2, irfftn = declare("irfft", to_real_transform, False, "The inverse of the transform of real numbers")
hfft, hfft2, hfftn = declare(
    "hfft", to_real_transform, True, "The Fourier transform of a signal given by its Hermitian half"
)
ihfft, ihfft2, ihfftn = declare("ihfft", real_transform, False, "The inverse of the transform of a Hermitian signal")


# --- frequencies -----------------------------------------------------------------------------------------------------


def frequencies(
    n: int,
    d: float = 1.0,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    out: Any = None,
) -> Any:
    """The frequencies of the elements of a transform of `n` numbers that are `d` apart.

    Zero, the positive ones, the negative ones.
    """
    from ..creation import finished

    return finished(np.fft.fftfreq(n, d), dtype or dtypes.get_default_dtype(), device, requires_grad, out)


def half_frequencies(
    n: int,
    d: float = 1.0,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    out: Any = None,
) -> Any:
    """The frequencies of the elements of a transform of `n` real numbers that are `d` apart."""
    from ..creation import finished

    return finished(np.fft.rfftfreq(n, d), dtype or dtypes.get_default_dtype(), device, requires_grad, out)


def shifted(input: Any, dim: Any, share: Callable) -> Any:
    """The input rolled by a share of each extent."""
    dims = tuple(range(input.ndim)) if dim is None else (dim,) if isinstance(dim, int) else tuple(dim)
    return roll(input, tuple(share(input.shape[d]) for d in dims), dims)


@composite(name="fft.fftshift", method=False, samples=lambda: [call(T((3, 4))), call(T((5,)), 0)])
def fftshift(input: Any, dim: Any = None) -> Any:
    """The spectrum with the zero frequency moved to the middle."""
    return shifted(input, dim, lambda extent: extent // 2)


@composite(name="fft.ifftshift", method=False, samples=lambda: [call(T((3, 4))), call(T((5,)), 0)])
def ifftshift(input: Any, dim: Any = None) -> Any:
    """The inverse of `fftshift`."""
    return shifted(input, dim, lambda extent: math.ceil(extent / 2))


ALIASES: dict[str, tuple[str, ...]] = {}
