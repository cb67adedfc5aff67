"""Sample inputs: what a declaration writes for the systematic tests, described without making arrays."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np


class T(NamedTuple):
    """A tensor to be made: its shape, and where its values lie. `kind` is float, complex, int, bool, sorted, or a matrix property.

    `distinct` spaces the values apart (for max, sort and the like, away from ties); `grad` False keeps it out of gradient tests.
    """

    shape: tuple[int, ...]
    low: float = -2.0
    high: float = 2.0
    kind: str = "float"
    distinct: bool = False
    grad: bool = True

    def make(self, generator: np.random.Generator, dtype: Any = np.float64) -> Any:
        """An array with these properties."""
        if self.kind == "int":
            return generator.integers(int(self.low), int(self.high), self.shape)
        if self.kind == "bool":
            return generator.integers(0, 2, self.shape).astype(bool)
        values = generator.uniform(self.low, self.high, self.shape)
        if self.distinct:
            count = max(values.size + values.size % 2, 1)  # an even number: never the middle, where kinks are
            values = generator.permutation(np.linspace(self.low, self.high, count))[: values.size].reshape(self.shape)
        if self.kind == "complex":
            dtype = np.result_type(dtype, np.complex64)
        if self.kind == "complex" and np.dtype(dtype).kind != "c":
            dtype = np.complex64 if dtype == np.float32 else np.complex128
        if np.dtype(dtype).kind == "c":
            values = values + 1j * generator.uniform(self.low, self.high, self.shape)
        if self.kind == "positive_definite":
            adjoint = np.conj(np.swapaxes(values, -1, -2))
            values = values @ adjoint + np.eye(self.shape[-1]) * self.shape[-1]
        if self.kind == "sorted":
            values = np.sort(values)
        if self.kind == "symmetric":
            values = values + np.conj(np.swapaxes(values, -1, -2))
        return np.asarray(values, dtype)


class Call(NamedTuple):
    """One call of an op."""

    args: tuple
    kwargs: dict


def call(*args: Any, **kwargs: Any) -> Call:
    """Describes a call; tensors in it are described by T."""
    return Call(args, kwargs)
