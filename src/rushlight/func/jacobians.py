"""Jacobians and Hessians of functions: all rows, or all columns, in one pass through vmap."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

import numpy as np

from ..tensor import Tensor, wrap
from ..utils._pytree import tree_flatten, tree_map, tree_unflatten
from .derivatives import chosen, jvp, replaced, vjp
from .vmap import vmap

if TYPE_CHECKING:
    from collections.abc import Callable


def basis(tensors: list[Tensor]) -> tuple[Tensor, ...]:
    """The unit vectors of the space of some tensors together, along a new first dimension of each."""
    counts = [tensor.numel() for tensor in tensors]
    total, start = sum(counts), 0
    parts = []
    for tensor, count in zip(tensors, counts, strict=True):
        parts.append(wrap(np.eye(total, count, -start, tensor._array.dtype).reshape(total, *tensor._array.shape)))
        start += count
    return tuple(parts)


def blocks(stacked: Tensor, tensors: list[Tensor]) -> list[Tensor]:
    """What belongs to each of the tensors, of derivatives along the unit vectors of all."""
    parts = [stacked] if len(tensors) == 1 else stacked.split([tensor.numel() for tensor in tensors])
    return list(parts)


def check_real(tensors: list, name: str, what: str) -> None:
    """Raises RuntimeError for complex tensors, of which it is not settled what a Jacobian is."""
    for index, one in enumerate(tensors):
        if isinstance(one, Tensor) and one.is_complex():
            raise RuntimeError(
                f"{name}: Expected all {what}s to be real but received complex tensor at flattened input idx: {index}"
            )


def jacrev(
    func: Callable, argnums: int | tuple[int, ...] = 0, *, has_aux: bool = False, chunk_size: int | None = None,
    _preallocate_and_copy: bool = False,
) -> Callable:  # fmt: skip
    """A function that returns the Jacobian of `func`, by rows in reverse mode.

    For outputs and arguments in containers it is nested likewise, the outputs' containers outside. `chunk_size` limits how many
    rows are computed at once.
    """
    if chunk_size is not None and chunk_size <= 0:
        raise ValueError("jacrev: `chunk_size` should be greater than 0.")

    @wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        one_argument = isinstance(argnums, int)

        def of_chosen(*values: Any) -> Any:
            return func(*replaced(args, argnums, values[0] if one_argument else values), **kwargs)

        selected = chosen(args, argnums)
        check_real(tree_flatten(selected)[0], "jacrev", "input")
        output, pull, *aux = vjp(of_chosen, *((selected,) if one_argument else selected), has_aux=has_aux)
        outputs, out_spec = tree_flatten(output)
        check_real(outputs, "jacrev", "output")

        def rows(*cotangents: Tensor) -> Any:
            pulled = pull(tree_unflatten(cotangents, out_spec))
            return pulled[0] if one_argument else pulled

        stacked, spec = tree_flatten(vmap(rows, chunk_size=chunk_size)(*basis(outputs)))
        columns = [blocks(one, outputs) for one in stacked]
        jacobians = [
            tree_unflatten([column[i].reshape((*out.shape, *column[i].shape[1:])) for column in columns], spec)
            for i, out in enumerate(outputs)
        ]
        jacobian = tree_unflatten(jacobians, out_spec)
        return (jacobian, *aux) if has_aux else jacobian

    return wrapper


def jacfwd(
    func: Callable, argnums: int | tuple[int, ...] = 0, has_aux: bool = False, *, randomness: str = "error"
) -> Callable:
    """A function that returns the Jacobian of `func`, by columns in forward mode; nested as that of `jacrev`."""

    @wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        inputs, spec = tree_flatten(chosen(args, argnums))
        check_real(inputs, "jacfwd", "input")

        def of_chosen(*leaves: Any) -> Any:
            return func(*replaced(args, argnums, tree_unflatten(leaves, spec)), **kwargs)

        rows, out_spec, aux = by_columns(of_chosen, inputs, has_aux, randomness)
        check_real([row[0] for row in rows], "jacfwd", "output")
        jacobian = tree_unflatten([tree_unflatten(row, spec) for row in rows], out_spec)
        return (jacobian, *(tree_map(lambda leaf: leaf[0], one) for one in aux)) if has_aux else jacobian

    return wrapper


def by_columns(func: Callable, inputs: Any, has_aux: bool = False, randomness: str = "error") -> tuple[list, Any, list]:
    """For each output of `func` a Jacobian per input, the structure of the outputs, and what else it returns, once per column."""

    def columns(*tangents: Tensor) -> Any:
        return jvp(func, tuple(inputs), tangents, has_aux=has_aux)[1:]

    pushed, *aux = vmap(columns, randomness=randomness)(*basis(inputs))
    outputs, out_spec = tree_flatten(pushed)
    rows = []
    for out in outputs:
        pairs = zip(blocks(out, inputs), inputs, strict=True)
        rows.append([block.movedim(0, -1).reshape((*block.shape[1:], *one.shape)) for block, one in pairs])
    return rows, out_spec, aux


def hessian(func: Callable, argnums: int | tuple[int, ...] = 0) -> Callable:
    """A function that returns the Hessian of `func`: forward mode over reverse mode."""
    return jacfwd(jacrev(func, argnums), argnums)
