"""Transforms of functions into their derivatives. They nest freely with each other, with vmap, and with `.backward()`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..autograd.forward_ad import (
    below, check_dual, leads_to_variables, pop_level, push_level, released, spend, tangents_of, with_tangent,
)  # fmt: skip
from ..autograd.gradients import grad as graph_grad
from ..autograd.graph import LEAF
from ..autograd.modes import enable_grad, thread
from ..autograd.tangents import open_tangents
from ..creation import zeros_like
from ..ops.shapes import alias
from ..tensor import Tensor, wrap
from ..utils._pytree import tree_flatten, tree_map, tree_unflatten
from .vmap import Transforms, vmap

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
    numbers = (argnums,) if isinstance(argnums, int) else tuple(argnums)
    if not numbers:
        raise RuntimeError("argnums must be non-empty")
    for number in numbers:
        if not -len(args) <= number < len(args):
            raise RuntimeError(f"Got argnum={number}, but only {len(args)} positional inputs")
    if len({number % len(args) for number in numbers}) != len(numbers):
        raise RuntimeError(f"argnums elements must be unique, got {argnums}")
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
    for one in outputs:
        if not isinstance(one, Tensor):
            raise RuntimeError(f"{name}: expected f(*primals) to return only tensors, got unsupported type {type(one)}")
    if not outputs:
        raise RuntimeError(f"{name}: Expected f to be a function that has non-empty output (got output = {output})")
    return outputs, spec


def split_aux(result: Any, has_aux: bool, name: str) -> tuple[Any, Any]:
    """A function's result and its auxiliary part. Raises RuntimeError where the second is missing."""
    if not has_aux:
        return result, None
    if not (isinstance(result, tuple) and len(result) == 2):
        raise RuntimeError(
            f"{name}: output of function f should be a tuple: (output, aux) if has_aux is True"
        )
    return result


def grad_and_value(func: Callable, argnums: int | tuple[int, ...] = 0, has_aux: bool = False) -> Callable:
    """A function that returns the gradient of `func` and its value."""

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
                    "grad_and_value(f)(*args): Expected f(*args) to return a scalar tensor, "
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
    with enable_grad():
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
            "jvp(f, primals, tangents): Expected primals and tangents to have the same python "
            "structure. For example, if primals is a tuple of 3 tensors, tangents also must be."
        )
    if not flat:
        raise RuntimeError("jvp(f, primals, tangents): Expected primals to contain at least one Tensor.")
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


def linearize(func: Callable, *primals: Any) -> tuple[Any, Callable]:
    """`func(*primals)`, and the linear function that approximates it there."""

    def jvp_fn(*tangents: Any) -> Any:
        return jvp(func, primals, tangents)[1]

    return func(*primals), jvp_fn


def basis(tensor: Tensor) -> Tensor:
    """The unit vectors of a tensor's space, along a new first dimension."""
    from ..creation import eye

    return eye(tensor.numel(), dtype=tensor.dtype).reshape((tensor.numel(), *tensor.shape))


def jacrev(
    func: Callable, argnums: int | tuple[int, ...] = 0, *, has_aux: bool = False, chunk_size: int | None = None,
    _preallocate_and_copy: bool = False,
) -> Callable:  # fmt: skip
    """A function that returns the Jacobian of `func`, row by row in reverse mode."""

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        def of_chosen(*values: Any) -> Any:
            return func(*replaced(args, argnums, values[0] if isinstance(argnums, int) else values), **kwargs)

        selected = chosen(args, argnums)
        result = vjp(of_chosen, *((selected,) if isinstance(argnums, int) else selected), has_aux=has_aux)
        output, pull = result[0], result[1]
        outputs, out_spec = tree_flatten(output)
        rows = []
        for index, one in enumerate(outputs):

            def pull_one(cotangent: Tensor, index: int = index) -> Any:
                cotangents = [zeros_like(other) for other in outputs]
                cotangents[index] = cotangent
                return pull(tree_unflatten(cotangents, out_spec))

            stackedrows = vmap(pull_one, chunk_size=chunk_size)(basis(one))
            shaped = tree_map(lambda row, one=one: row.reshape((*one.shape, *row.shape[1:])), stackedrows)
            rows.append(shaped[0] if isinstance(argnums, int) else shaped)
        jacobian = tree_unflatten(rows, out_spec)
        return (jacobian, result[2]) if has_aux else jacobian

    return wrapper


def jacfwd(
    func: Callable, argnums: int | tuple[int, ...] = 0, has_aux: bool = False, *, randomness: str = "error"
) -> Callable:
    """A function that returns the Jacobian of `func`, column by column in forward mode."""

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        selected = chosen(args, argnums)
        flat, spec = tree_flatten(selected)

        def of_chosen(*leaves: Any) -> Any:
            return func(*replaced(args, argnums, tree_unflatten(leaves, spec)), **kwargs)

        columns: list[Any] = []
        aux: Any = None
        out_spec: Any = None
        for index, one in enumerate(flat):

            def push_one(tangent: Tensor, index: int = index) -> Any:
                tangents = tuple(tangent if i == index else zeros_like(other) for i, other in enumerate(flat))
                result = jvp(of_chosen, tuple(flat), tangents, has_aux=has_aux)
                return (result[1], result[2]) if has_aux else result[1]

            pushed = vmap(push_one, randomness=randomness)(basis(one))
            if has_aux:
                pushed, stacked_aux = pushed
                aux = tree_map(lambda leaf: leaf[0], stacked_aux)
            outputs, out_spec = tree_flatten(pushed)
            columns.append([_columns_last(out, one) for out in outputs])
        blocks = [tree_unflatten(list(row), spec) for row in zip(*columns, strict=True)]
        jacobian = tree_unflatten(blocks, out_spec)
        return (jacobian, aux) if has_aux else jacobian

    return wrapper


def _columns_last(pushed: Tensor, input: Tensor) -> Tensor:
    """Tangents stacked along the first dimension as the trailing dimensions of a Jacobian."""
    return pushed.movedim(0, -1).reshape((*pushed.shape[1:], *input.shape))


def hessian(func: Callable, argnums: int | tuple[int, ...] = 0) -> Callable:
    """A function that returns the Hessian of `func`: forward mode over reverse mode."""
    return jacfwd(jacrev(func, argnums), argnums)

