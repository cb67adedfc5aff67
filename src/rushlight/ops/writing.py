"""Results written into the tensors given as `out=`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import dtypes
from ..autograd.inplace import check_memory, overwrite
from ..autograd.modes import thread
from ..dtypes import cpp_word, type_word
from ..tensor import Tensor
from .op import Op

# Ops that are not pointwise, and cast their results to the type of `out` nevertheless; the second also where that loses something.
CASTS = frozenset(("abs", "addr", "cat", "diff", "kron", "logsumexp", "mean", "nansum", "outer", "stack", "std", "var"))
CASTS_ANYHOW = frozenset(("cumprod", "cumsum", "prod", "sum"))


def write_out(op: Op, out: Any, result: Any, given: Sequence[Any] = ()) -> Any:
    """Writes results into the tensors given as `out`, resizing them where they have another shape; `given` are the op's inputs.

    Raises TypeError for an `out` that is no tensor; RuntimeError where gradients would have to flow, for a type that does not fit,
    and for memory that `out` shares with itself or, in another order, with the inputs of a pointwise op.
    """
    name = op.name.rpartition(".")[2]
    if isinstance(result, tuple):
        if not isinstance(out, (tuple, list)) or len(out) != len(result):
            raise TypeError(f"{name}(): argument 'out' must be tuple of {len(result)} Tensors")
        return type(result)([write_out(op, one, part, given) for one, part in zip(out, result, strict=True)])
    if not isinstance(out, Tensor):
        raise TypeError(f"{name}(): argument 'out' must be Tensor, not {type(out).__name__}")
    check_gradients(op, out, [result])
    if thread.forward_levels:
        from ..autograd.tangents import open_tangents

        if open_tangents(out) or open_tangents(result):
            raise NotImplementedError(
                f"Trying to use forward AD with {op.name}_out that does not support it because it is an out= function"
            )
    check_type(op, dtypes.of(result._array), dtypes.of(out._array))
    if out._array.shape == result._array.shape:
        check_memory(op, out._array, given)
    elif op.kind == "pointwise" and any(value is out for value in given):
        raise RuntimeError(
            f"output with shape {list(out._array.shape)} doesn't match the broadcast shape {list(result._array.shape)}"
        )
    overwrite(out, result._array)
    return out


def check_gradients(op: Op, out: Any, given: Sequence[Any]) -> None:
    """Raises RuntimeError where a gradient would have to flow from one of the tensors given into `out`."""
    flows = [isinstance(value, Tensor) and value._node is not None for value in (out, *(given if op.differentiable else ()))]
    if thread.grad_enabled and any(flows):
        raise RuntimeError(
            f"{op.name}(): functions with out=... arguments don't support automatic differentiation, but one of the arguments "
            "requires grad."
        )


def check_type(op: Op, kind: dtypes.dtype, wanted: dtypes.dtype) -> None:
    """Raises RuntimeError where results of one type cannot go into an `out` of another."""
    if kind is wanted or op.name in CASTS_ANYHOW:
        return
    if op.kind not in ("pointwise", "composite") and op.name not in CASTS:
        raise RuntimeError(f"Expected out tensor to have dtype {cpp_word(kind)}, but got {cpp_word(wanted)} instead")
    if not dtypes.can_cast(kind, wanted):
        raise RuntimeError(f"result type {type_word(kind)} can't be cast to the desired output type {type_word(wanted)}")
