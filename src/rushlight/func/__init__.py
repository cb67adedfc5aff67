"""Transforms of functions: derivatives, and batching."""

from __future__ import annotations

from .derivatives import grad, grad_and_value, jvp, vjp
from .functional_call import functional_call, functionalize, replace_all_batch_norm_modules_, stack_module_state
from .jacobians import hessian, jacfwd, jacrev
from .linearization import linearize
from .rearranging import rearrange
from .vmap import debug_unwrap, vmap

__all__ = [
    "debug_unwrap", "functional_call", "functionalize", "grad", "grad_and_value", "hessian", "jacfwd", "jacrev", "jvp", "linearize",
    "rearrange", "replace_all_batch_norm_modules_", "stack_module_state", "vjp", "vmap",
]  # fmt: skip
