"""Arrays that have a shape and a type but no elements: what stands beneath a tensor on the device "meta".

They are there for modules that are skeletons, called with other parameters (`torch.func.functional_call`): nothing is computed on
them.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from .basic import array_types

_FILLERS = (np.empty_like, np.zeros_like, np.ones_like)


class AbsentArray(NDArrayOperatorsMixin):
    """An array without elements. Anything that would need them raises NotImplementedError."""

    __slots__ = ("shape", "dtype")

    base = None

    def __init__(self, shape: tuple[int, ...], dtype: Any) -> None:
        self.shape = tuple(shape)
        self.dtype = np.dtype(dtype)

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def itemsize(self) -> int:
        return self.dtype.itemsize

    @property
    def nbytes(self) -> int:
        return self.size * self.itemsize

    @property
    def flags(self) -> Any:
        return self.stand_in().copy().flags

    @property
    def strides(self) -> tuple[int, ...]:
        return tuple(self.itemsize * math.prod(self.shape[dim + 1 :]) for dim in range(self.ndim))

    def stand_in(self) -> np.ndarray:
        """An array of that shape and type that takes no memory."""
        return np.broadcast_to(np.zeros((), self.dtype), self.shape)

    def astype(self, dtype: Any, *args: Any, **kwargs: Any) -> AbsentArray:
        return AbsentArray(self.shape, dtype)

    def copy(self, order: str = "C") -> AbsentArray:
        return self

    def __deepcopy__(self, memo: dict) -> AbsentArray:
        return self

    def __array_function__(self, function: Any, types: Any, args: tuple, kwargs: dict) -> Any:
        if function in _FILLERS and args[0] is self:
            shape, dtype = kwargs.get("shape"), kwargs.get("dtype", args[1] if len(args) > 1 else None)
            return AbsentArray(self.shape if shape is None else shape, self.dtype if dtype is None else dtype)
        if function is np.copy:
            return self
        if function is np.copyto and args[0] is self:
            return None  # filled with nothing
        raise NotImplementedError(f"{function.__name__}: {NO_DATA}")

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(f"{ufunc.__name__}: {NO_DATA}")

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(NO_DATA)

    def __getattr__(self, name: str) -> Any:
        if hasattr(np.ndarray, name):
            raise NotImplementedError(NO_DATA)
        raise AttributeError(f"'AbsentArray' object has no attribute '{name}'")


NO_DATA = "Cannot copy out of meta tensor; no data! Rushlight's tensors on the device 'meta' have a shape and a type only"

array_types.add(AbsentArray)
