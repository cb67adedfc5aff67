"""The linear function that approximates a function at a point."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..autograd.forward_ad import released, spend
from ..autograd.modes import thread
from ..creation import zeros_like
from ..tensor import Tensor, set_requires_grad
from ..utils._pytree import tree_flatten, tree_unflatten
from .derivatives import gradients, vjp

if TYPE_CHECKING:
    from collections.abc import Callable


def linearize(func: Callable, *primals: Any) -> tuple[Any, Callable]:
    """`func(*primals)`, and the linear function that approximates it there, which does not run `func` again.

    It is the transpose of the vjp, recorded once at a cotangent of zeros: a linear map has one derivative, itself.
    """
    output, pull = vjp(func, *primals)
    outputs, out_spec = tree_flatten(output)
    cotangents = [set_requires_grad(zeros_like(one), True) for one in outputs]
    pulled = tree_flatten(pull(tree_unflatten(cotangents, out_spec)))[0]
    spend(cotangents)
    inputs, spec = tree_flatten(primals)

    def jvp_fn(*tangents: Any) -> Any:
        directions, given_spec = tree_flatten(tangents)
        if given_spec != spec:
            raise RuntimeError(f"Expected the tangents {given_spec} to have the same argspec as the primals {spec}")
        for index, (one, direction) in enumerate(zip(inputs, directions, strict=True)):
            check_tangent(index, one, direction)
        recording = thread.grad_enabled
        pushed = gradients(pulled, cotangents, directions)
        return tree_unflatten([released(one, recording) for one in pushed], out_spec)

    return output, jvp_fn


def check_tangent(index: int, primal: Tensor, tangent: Tensor) -> None:
    """Raises RuntimeError for a tangent of another shape or type than its primal."""
    for name in ("shape", "dtype"):
        found, wanted = getattr(tangent, name), getattr(primal, name)
        if found != wanted:
            raise RuntimeError(
                f"tangent:{index} with {name} {found} in flattened pytree doesn't match the {name} {wanted} of the corresponding "
                "primal."
            )
