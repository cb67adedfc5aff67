"""What the families of linear algebra share: checks with PyTorch's phrases, batches, and parts of matrices.

The functions on parts of matrices serve arrays and Tensors alike, since derivative rules are written with them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import dtypes
from ..dtypes import type_word_of
from ..tensor import Tensor
from .diagonals import diagonal, tril, triu


class LinAlgError(RuntimeError):
    """A decomposition or solver failed because of the matrix's values."""


LinAlgError.__name__ = "_LinAlgError"

int32 = np.dtype("int32")


def check_matrices(name: str, array: Any) -> None:
    """Raises RuntimeError unless an array consists of matrices of a type that linear algebra is defined for."""
    if array.ndim < 2:
        raise RuntimeError(f"{name}: The input tensor A must have at least 2 dimensions.")
    check_float(name, array)


def check_float(name: str, array: Any) -> None:
    """Raises RuntimeError unless the elements are single or double precision numbers, real or complex."""
    if array.dtype.kind not in "fc":
        raise RuntimeError(
            f"{name}: Expected a floating point or complex tensor as input. Got {type_word_of(array)}"
        )
    if array.dtype.itemsize < 4:
        raise RuntimeError(f"{name}: Low precision dtypes not supported. Got {type_word_of(array)}")


def check_square(name: str, array: Any) -> None:
    """Raises RuntimeError unless an array consists of square matrices."""
    check_matrices(name, array)
    if array.shape[-1] != array.shape[-2]:
        raise RuntimeError(
            f"{name}: A must be batches of square matrices, but they are {array.shape[-2]} by {array.shape[-1]} "
            "matrices"
        )


def batch_prefix(shape: tuple, index: int) -> str:
    """How an error says which matrix of a batch it means."""
    return f"(Batch element {index}): " if len(shape) > 2 else ""


def each_matrix(function: Callable, *arrays: Any) -> list:
    """The results of a function on each matrix of a batch, stacked again; `function` returns a tuple of arrays."""
    batch = arrays[0].shape[:-2]
    if not batch:
        return [np.asarray(one) for one in function(*arrays)]
    rows = [function(*[array[index] for array in arrays]) for index in np.ndindex(*batch)]
    if not rows:
        rows = [function(*[np.ones(array.shape[len(batch) :], array.dtype) for array in arrays])]
        return [np.empty(batch + np.shape(one), np.asarray(one).dtype) for one in rows[0]]
    return [np.stack(parts).reshape(batch + np.shape(parts[0])) for parts in zip(*rows, strict=True)]


def lapack(name: str, array: Any) -> Callable:
    """The LAPACK routine of that name for an array's type."""
    from scipy.linalg import get_lapack_funcs

    return get_lapack_funcs((name,), (array,))[0]


# --- parts of matrices -----------------------------------------------------------------------------------------------


def is_complex(x: Any) -> bool:
    """Whether a Tensor or an array has complex elements."""
    return x.is_complex() if isinstance(x, Tensor) else x.dtype.kind == "c"


def real(x: Any) -> Any:
    """The real part; a real operand as it is."""
    return x.real if is_complex(x) else x


def identity(x: Any, size: int | None = None) -> Any:
    """The identity matrix, of the type and by default of the rows' length of `x`."""
    return np.eye(x.shape[-1] if size is None else size, dtype=dtypes.numpy_type(x.dtype))


def lower(x: Any, offset: int = 0) -> Any:
    """The part on and below a diagonal, zeros above; what is left out does not count, not even NaNs."""
    return tril(x, offset)


def upper(x: Any, offset: int = 0) -> Any:
    """The part on and above a diagonal, zeros below."""
    return triu(x, offset)


def diagonal_of(x: Any) -> Any:
    """The diagonals of matrices."""
    return diagonal(x, 0, -2, -1)


def diagonal_matrix(d: Any) -> Any:
    """Matrices with these diagonals."""
    return d.reshape(*d.shape, 1) * np.eye(d.shape[-1], dtype=dtypes.numpy_type(d.dtype))
