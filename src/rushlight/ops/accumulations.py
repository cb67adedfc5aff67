"""Products added to something: `beta * input + alpha * product`."""

from __future__ import annotations

from typing import Any

import numpy as np

from .kinds import Array, general
from .products import (
    adjoint,
    batches_fit,
    bmm,
    column,
    conjugated,
    dense,
    expansion_error,
    mm,
    mv,
    need_rank,
    product,
    row,
    same_type,
    summed_to,
)
from .samples import T, call


def scaled(g: Any, factor: Any) -> Any:
    """A cotangent through a multiplication by a Python number."""
    return g if factor == 1 else g * factor.conjugate()


def added(input: Any, whole: Any, beta: Any, alpha: Any) -> Any:
    """`beta * input + alpha * whole`, in the memory of `whole`.

    With `beta` zero `input` does not count, not even its NaNs.
    """
    same_type(input, whole)
    if whole.dtype.kind in "iub":
        whole_number = bool if whole.dtype.kind == "b" else int
        beta, alpha = whole_number(beta), whole_number(alpha)
    if alpha != 1:
        np.multiply(whole, alpha, out=whole)
    try:
        return np.add(whole, input if beta == 1 else input * beta, out=whole) if beta != 0 else whole
    except ValueError:
        raise expansion_error(input.shape, whole.shape) from None


@general(
    lambda g, input_shape, beta: summed_to(scaled(g, beta), input_shape),
    lambda g, mat2, alpha: scaled(product(g, adjoint(mat2)), alpha),
    lambda g, mat1, alpha: scaled(product(adjoint(mat1), g), alpha),
    inplace=True,
    samples=lambda: [
        call(T((2, 4)), T((2, 3)), T((3, 4))), call(T((4,)), T((2, 3)), T((3, 4)), beta=0.5, alpha=2.0),
        call(T((2, 1)), T((2, 3)), T((3, 4)), beta=0.0), call(T(()), T((2, 3)), T((3, 4))),
    ],
)  # fmt: skip
def addmm(input: Array, mat1: Array, mat2: Array, *, beta: Any = 1, alpha: Any = 1) -> Array:
    """`beta * input + alpha * (mat1 @ mat2)`; `input` is broadcast."""
    need_rank(mat1, 2, f"mat1 must be a matrix, got {mat1.ndim}-D tensor")
    need_rank(mat2, 2, f"mat2 must be a matrix, got {mat2.ndim}-D tensor")
    return added(input, mm.op.forward(mat1, mat2), beta, alpha)


@general(
    lambda g, input_shape, beta: summed_to(scaled(g, beta), input_shape),
    lambda g, vec, alpha: scaled(column(g) @ row(conjugated(vec)), alpha),
    lambda g, mat, alpha: scaled(adjoint(mat) @ g, alpha),
    inplace=True,
    samples=lambda: [call(T((2,)), T((2, 3)), T((3,))), call(T((1,)), T((2, 3)), T((3,)), beta=0.5, alpha=2.0)],
)  # fmt: skip
def addmv(input: Array, mat: Array, vec: Array, *, beta: Any = 1, alpha: Any = 1) -> Array:
    """`beta * input + alpha * (mat @ vec)`; `input` is broadcast."""
    return added(input, mv.op.forward(mat, vec), beta, alpha)


@general(
    lambda g, input_shape, beta: summed_to(scaled(g, beta), input_shape),
    lambda g, batch2, alpha: scaled(g @ adjoint(batch2), alpha),
    lambda g, batch1, alpha: scaled(adjoint(batch1) @ g, alpha),
    inplace=True,
    samples=lambda: [
        call(T((2, 4)), T((2, 2, 3)), T((2, 3, 4))), call(T((4,)), T((2, 2, 3)), T((2, 3, 4)), beta=0.5, alpha=2.0),
    ],
)  # fmt: skip
def addbmm(input: Array, batch1: Array, batch2: Array, *, beta: Any = 1, alpha: Any = 1) -> Array:
    """`beta * input + alpha * (the sum over the batch of batch1 @ batch2)`; `input` is broadcast."""
    batches_fit(batch1, batch2)
    side_by_side = batch1.transpose(1, 0, 2).reshape(batch1.shape[1], -1)
    return added(input, dense(side_by_side, batch2.reshape(-1, batch2.shape[2])), beta, alpha)


@general(
    lambda g, input_shape, beta: summed_to(scaled(g, beta), input_shape),
    lambda g, batch2, alpha: scaled(g @ adjoint(batch2), alpha),
    lambda g, batch1, alpha: scaled(adjoint(batch1) @ g, alpha),
    inplace=True,
    samples=lambda: [
        call(T((2, 2, 4)), T((2, 2, 3)), T((2, 3, 4))), call(T((4,)), T((2, 2, 3)), T((2, 3, 4)), beta=0.5, alpha=2.0),
    ],
)  # fmt: skip
def baddbmm(input: Array, batch1: Array, batch2: Array, *, beta: Any = 1, alpha: Any = 1) -> Array:
    """`beta * input + alpha * (batch1 @ batch2)`, per batch; `input` is broadcast."""
    return added(input, bmm.op.forward(batch1, batch2), beta, alpha)


@general(
    lambda g, input_shape, beta: summed_to(scaled(g, beta), input_shape),
    lambda g, vec2, alpha: scaled(g @ conjugated(vec2), alpha),
    lambda g, vec1, alpha: scaled(g.mT @ conjugated(vec1), alpha),
    inplace=True,
    samples=lambda: [call(T((2, 3)), T((2,)), T((3,))), call(T((3,)), T((2,)), T((3,)), beta=0.5, alpha=2.0)],
)  # fmt: skip
def addr(input: Array, vec1: Array, vec2: Array, *, beta: Any = 1, alpha: Any = 1) -> Array:
    """`beta * input + alpha * outer(vec1, vec2)`; `input` is broadcast."""
    if vec1.ndim != 1 or vec2.ndim != 1:
        raise RuntimeError(f"addr: Expected 1-D argument vec1 and vec2, but got {vec1.ndim}-D and {vec2.ndim}-D")
    return added(input, np.multiply.outer(vec1, vec2), beta, alpha)


__all__ = ["addmm", "addmv", "addbmm", "baddbmm", "addr"]
ALIASES: dict[str, tuple[str, ...]] = {}
