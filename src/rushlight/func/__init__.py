"""Transforms of functions: derivatives, and batching."""

from __future__ import annotations

from .derivatives import grad, grad_and_value, jvp, vjp
from .functional_call import functional_call, functionalize, stack_module_state
from .jacobians import hessian, jacfwd, jacrev
from .linearization import linearize
from .vmap import vmap

__all__ = [
    "functional_call", "functionalize", "grad", "grad_and_value", "hessian",
    "jacfwd", "jacrev", "jvp", "linearize", "stack_module_state", "vjp", "vmap",
]  # fmt: skip
