"""Transforms of functions into their derivatives. They nest freely with each other, with vmap, and with `.backward()`."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

from ..autograd.forward_ad import (
    below,
    check_dual,
    leads_to_variables,
    pop_level,
    push_level,
    released,
    spend,
    tangents_of,
    with_tangent,
)  # fmt: skip
from ..autograd.gradients import grad as graph_grad
from ..autograd.graph import LEAF
from ..autograd.modes import enable_grad, thread
from ..autograd.tangents import open_tangents
from ..creation import zeros_like
from ..ops.shapes import alias
from ..tensor import Tensor, wrap
from ..utils._pytree import tree_flatten, tree_map, tree_unflatten
from .vmap import Transforms

if TYPE_CHECKING:
    from collections.abc import Callable


def tracked(tensor: Tensor) -> Tensor:
    """The tensor as a variable of its own: what is differentiated with respect to it goes no further, unless it was tracked."""
    if tensor._node is not None:
        return alias(tensor)
    leaf = wrap(tensor._array)
    leaf._tangents = open_tangents(tensor)
    leaf._node = LEAF
    return leaf


def chosen(args: tuple, argnums: Any) -> Any:
    """The arguments to differentiate with respect to. Raises RuntimeError for one that is not there."""
    if not isinstance(argnums, (int, tuple)):
        raise RuntimeError(f"argnums must be int or Tuple[int, ...], got: {type(argnums)}")
    numbers = (argnums,) if isinstance(argnums, int) else argnums
    if not numbers:
        raise RuntimeError("argnums must be non-empty")
    for number in numbers:
        if not isinstance(number, int):
            raise RuntimeError(f"argnum must be int, got: {type(number)}")
        if not -len(args) <= number < len(args):
            raise RuntimeError(f"Got argnum={number}, but only {len(args)} positional inputs")
    counted = tuple(number % len(args) for number in numbers)
    if len(set(counted)) != len(counted):
        raise RuntimeError(f"argnums elements must be unique, got {counted}")
    return args[argnums] if isinstance(argnums, int) else tuple(args[number] for number in numbers)


def replaced(args: tuple, argnums: Any, values: Any) -> tuple:
    """The arguments with others in the chosen places."""
    new = list(args)
    for number, value in [(argnums, values)] if isinstance(argnums, int) else zip(argnums, values, strict=True):
        new[number] = value
    return tuple(new)


def variables(tree: Any) -> tuple[Any, list[Tensor]]:
    """Nested containers with each tensor tracked, and these tensors. Raises ValueError for a leaf that is none."""
    leaves, spec = tree_flatten(tree)
    for leaf in leaves:
        if not isinstance(leaf, Tensor):
            raise ValueError(f"Thing passed to transform API must be Tensor, got {type(leaf)}")
        if not (leaf.is_floating_point() or leaf.is_complex()):
            raise RuntimeError("only Tensors of floating point dtype can require gradients")
    fresh = [tracked(leaf) for leaf in leaves]
    return tree_unflatten(fresh, spec), fresh


def tensors_only(output: Any, name: str) -> tuple[list[Tensor], Any]:
    """A function's output taken apart. Raises RuntimeError for anything but tensors in it."""
    outputs, spec = tree_flatten(output)
    if output is None or not outputs:
        raise RuntimeError(f"{name}: Expected f to be a function that has non-empty output (got output = {outputs})")
    for one in outputs:
        if not isinstance(one, Tensor):
            raise RuntimeError(f"{name}: expected f(*primals) to return only tensors, got unsupported type {type(one)}")
    return outputs, spec


def split_aux(result: Any, has_aux: bool, name: str) -> tuple[Any, Any]:
    """A function's result and its auxiliary part. Raises RuntimeError where the second is missing, or not of tensors."""
    if not has_aux:
        return result, None
    if not (isinstance(result, tuple) and len(result) == 2):
        raise RuntimeError(
            f"{name}: output of function f should be a tuple: (output, aux) if has_aux is True"
        )
    for one in tree_flatten(result[1])[0]:
        if not isinstance(one, Tensor):
            raise RuntimeError(f"Expected tensors, got unsupported type {type(one)}")
    return result


def grad_and_value(func: Callable, argnums: int | tuple[int, ...] = 0, has_aux: bool = False) -> Callable:
    """A function that returns the gradient of `func` and its value."""

    @wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        recording = thread.grad_enabled
        with enable_grad(), Transforms.one_more():
            values, fresh = variables(chosen(args, argnums))
            output, aux = split_aux(func(*replaced(args, argnums, values), **kwargs), has_aux, "grad_and_value(f)(*args)")
            if not isinstance(output, Tensor):
                raise RuntimeError(
                    f"grad_and_value(f)(*args): Expected f(*args) to return a Tensor, got {type(output)}"
                )
            if output._array.ndim:
                raise RuntimeError(
                    "grad_and_value(f)(*args): Expected f(*args) to return a scalar Tensor, "
                    f"got tensor with {output._array.ndim} dims. Maybe you wanted to use the vjp or jacrev APIs instead?"
                )
        spend(fresh)
        grads = gradients([output], fresh, [None])
        result = tree_unflatten([released(one, recording) for one in grads], tree_flatten(values)[1])
        value = released(output, recording)
        if has_aux:
            return result, (value, tree_map(lambda leaf: released(leaf, recording), aux))
        return result, value

    return wrapper


def grad(func: Callable, argnums: int | tuple[int, ...] = 0, has_aux: bool = False) -> Callable:
    """A function that returns the gradient of `func`, which returns a scalar (and, with `has_aux`, anything besides)."""
    both = grad_and_value(func, argnums, has_aux)

    @wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        gradient, value = both(*args, **kwargs)
        return (gradient, value[1]) if has_aux else gradient

    return wrapper


def gradients(outputs: list[Tensor], inputs: list[Tensor], cotangents: list) -> list[Tensor]:
    """Gradients, zeros where there is no path; recorded where their history would lead to others' variables.

    `inputs` are spent.
    """
    flowing = [(out, cotangent) for out, cotangent in zip(outputs, cotangents, strict=True) if out._node is not None]
    if not flowing:
        return [zeros_like(one) for one in inputs]
    recorded = any(
        leads_to_variables(out) or (cotangent is not None and cotangent._node is not None) for out, cotangent in flowing
    )
    found = graph_grad(
        [out for out, _ in flowing], inputs, [cotangent for _, cotangent in flowing], True, recorded, allow_unused=True
    )
    return [zeros_like(one) if g is None else g for one, g in zip(inputs, found, strict=True)]


def vjp(func: Callable, *primals: Any, has_aux: bool = False) -> Any:
    """`func(*primals)`, and a function from cotangents of the outputs to cotangents of the primals."""
    recording = thread.grad_enabled
    with enable_grad(), Transforms.one_more():
        values, fresh = variables(primals)
        output, aux = split_aux(func(*values), has_aux, "vjp(f, *primals)")
    outputs, out_spec = tensors_only(output, "vjp(f, *primals)")
    spend(fresh)

    def vjp_fn(cotangents: Any, retain_graph: bool = True, create_graph: bool | None = None) -> Any:
        given, spec = tree_flatten(cotangents)
        if spec != out_spec:
            raise RuntimeError(
                f"Expected pytree structure of cotangents to be the same as pytree structure of outputs to the function. "
                f"cotangents: {spec}, primal output: {out_spec}"
            )
        recording = thread.grad_enabled
        found = gradients(outputs, fresh, given)
        return tree_unflatten([released(one, recording) for one in found], tree_flatten(values)[1])

    shown = tree_map(lambda leaf: released(leaf, recording), output)
    if has_aux:
        return shown, vjp_fn, tree_map(lambda leaf: released(leaf, recording), aux)
    return shown, vjp_fn


def jvp(func: Callable, primals: Any, tangents: Any, *, strict: bool = False, has_aux: bool = False) -> Any:
    """`func(*primals)`, and the directional derivative along `tangents`."""
    if not isinstance(primals, tuple):
        raise RuntimeError(
            "jvp(f, primals, tangents): Expected primals to be a tuple. E.g. it should be valid to call f(*primals)."
        )
    flat, spec = tree_flatten(primals)
    directions, tangent_spec = tree_flatten(tangents)
    if spec != tangent_spec:
        raise RuntimeError(
            "jvp(f, primals, tangents): Expected primals and tangents to have the same python structure. For example, if primals "
            f"is a tuple of 3 tensors, tangents also must be. Got primals with structure {spec} and tangents with structure "
            f"{tangent_spec}"
        )
    if not flat:
        raise RuntimeError("jvp(f, primals, tangents): Expected primals to contain at least one Tensor.")
    for name, given in (("primals", flat), ("tangents", directions)):
        for one in given:
            if not isinstance(one, Tensor):
                raise RuntimeError(f"jvp(f, primals, tangents): Expected {name} to only contain Tensors, got {type(one)}")
    for one, tangent in zip(flat, directions, strict=True):
        check_dual(one, tangent)
    level = push_level()
    try:
        duals = [with_tangent(one, tangent, level) for one, tangent in zip(flat, directions, strict=True)]
        with Transforms.one_more():
            output, aux = split_aux(func(*tree_unflatten(duals, spec)), has_aux, "jvp(f, primals, tangents)")
        outputs, out_spec = tensors_only(output, "jvp(f, primals, tangents)")
        pushed = tree_unflatten([_tangent(one, level, strict) for one in outputs], out_spec)
        shown = tree_map(lambda one: below(one, level), output)
        aux = tree_map(lambda one: below(one, level), aux)
    finally:
        pop_level(level)
    return (shown, pushed, aux) if has_aux else (shown, pushed)


def _tangent(output: Tensor, level: int, strict: bool) -> Tensor:
    tangent = tangents_of(output, level)
    if tangent is None:
        if strict:
            raise RuntimeError(
                "jvp(f, primals, tangents, strict=True): The output of f is independent of the inputs. "
                "This is not allowed with strict=True."
            )
        return zeros_like(output)
    return tangent
