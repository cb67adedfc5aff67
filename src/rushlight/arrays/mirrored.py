"""Arrays that show other memory's complex conjugates, or its negatives: what stands beneath `x.conj()` and `x.conj().imag`.

NumPy has no such view. Reading one computes, writing to one writes what will be read; its own views stay lazy.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from .basic import array_types


def reflected(values: Any) -> Any:
    """The conjugates of complex numbers, the negatives of real ones."""
    return np.conjugate(values) if values.dtype.kind == "c" else np.negative(values)


class MirroredArray(NDArrayOperatorsMixin):
    """The conjugates (of complex memory) or negatives (of real memory) of `data`, an ordinary array that shares that memory."""

    __slots__ = ("data",)

    def __init__(self, data: np.ndarray) -> None:
        self.data = data

    def resolved(self) -> np.ndarray:
        """The elements in memory of their own."""
        return np.asarray(reflected(self.data))

    def view_of(self, result: np.ndarray) -> Any:
        """What was taken of `data` as it shows here: lazily where it shares memory."""
        return MirroredArray(result) if np.may_share_memory(result, self.data) else np.asarray(reflected(result))

    @property
    def shape(self) -> tuple[int, ...]:
        return self.data.shape

    @property
    def ndim(self) -> int:
        return self.data.ndim

    @property
    def dtype(self) -> np.dtype:
        return self.data.dtype

    @property
    def size(self) -> int:
        return self.data.size

    @property
    def itemsize(self) -> int:
        return self.data.itemsize

    @property
    def nbytes(self) -> int:
        return self.data.nbytes

    @property
    def strides(self) -> tuple[int, ...]:
        return self.data.strides

    @property
    def flags(self) -> Any:
        return self.data.flags

    @property
    def base(self) -> Any:
        """What owns the memory, never None."""
        return self.data if self.data.base is None else self.data.base

    @property
    def real(self) -> Any:
        return self.data.real if self.data.dtype.kind == "c" else self

    @real.setter
    def real(self, value: Any) -> None:
        self.data.real = value

    @property
    def imag(self) -> MirroredArray:
        return MirroredArray(self.data.imag)

    @imag.setter
    def imag(self, value: Any) -> None:
        self.imag[...] = value

    @property
    def T(self) -> MirroredArray:
        return MirroredArray(self.data.T)

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: Any) -> Any:
        result = self.data[index]
        return self.view_of(result) if isinstance(result, np.ndarray) else reflected(result)

    def __setitem__(self, index: Any, value: Any) -> None:
        self.data[index] = reflected(np.asarray(value, self.data.dtype))

    def fill(self, value: Any) -> None:
        self[...] = value

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self.resolved() if dtype is None else self.resolved().astype(dtype, copy=False)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name in WRITING or not hasattr(np.ndarray, name):
            raise AttributeError(f"a lazy view of conjugates or negatives has no attribute '{name}': use resolve_conj()")
        if name in VIEWS:
            return lambda *args, **options: self.view_of(getattr(self.data, name)(*args, **options))
        return getattr(self.resolved(), name)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        if method == "at":
            return written(ufunc.at, inputs, options)
        (out,) = options.pop("out", (None,))
        result = getattr(ufunc, method)(*map(plain, inputs), **options)
        if out is None:
            return result
        np.copyto(out, result, casting="same_kind")
        return out

    def __array_function__(self, function: Any, types: Any, args: tuple, kwargs: dict) -> Any:
        if type(args[0]) is MirroredArray and function in VIEW_FUNCTIONS:
            return args[0].view_of(function(args[0].data, *args[1:], **kwargs))
        if type(args[0]) is MirroredArray and function in WRITING_FUNCTIONS:
            return written(function, args, kwargs)
        out = kwargs.pop("out", None)
        result = function(*map(plain, args), **{name: plain(value) for name, value in kwargs.items()})
        if out is None:
            return result
        np.copyto(out, result, casting="same_kind")
        return out

    __bool__, __int__, __float__, __complex__ = (
        (lambda self, convert=convert: convert(self.resolved())) for convert in (bool, int, float, complex)
    )


array_types.add(MirroredArray)

VIEWS = frozenset(("reshape", "transpose", "swapaxes", "squeeze", "diagonal", "ravel"))
WRITING = frozenset(("byteswap", "ctypes", "flat", "partition", "put", "resize", "setfield", "setflags", "sort"))
VIEW_FUNCTIONS = frozenset((
    np.broadcast_to, np.diagonal, np.expand_dims, np.moveaxis, np.ravel, np.reshape, np.squeeze, np.swapaxes, np.transpose,
))  # fmt: skip
WRITING_FUNCTIONS = frozenset((np.copyto, np.fill_diagonal, np.place, np.put, np.put_along_axis, np.putmask))


def written(function: Any, args: tuple, kwargs: dict) -> None:
    """Runs a function that changes its first argument, a mirrored array."""
    target, *rest = args
    values = target.resolved()
    function(values, *map(plain, rest), **{name: plain(value) for name, value in kwargs.items()})
    target[...] = values


def plain(value: Any) -> Any:
    """A mirrored array's elements, also in lists and tuples; anything else as it is."""
    if type(value) is MirroredArray:
        return value.resolved()
    if type(value) in (list, tuple):
        return type(value)(map(plain, value))
    return value


def mirrored(array: Any) -> Any:
    """The view of an array's conjugates or negatives: of those of a mirrored one the memory itself."""
    return array.data[...] if type(array) is MirroredArray else MirroredArray(array)
