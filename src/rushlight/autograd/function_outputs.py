"""What custom functions return: its history, what of it is a view or was changed in place, and its tangents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..tensor import Tensor
from ..warning import warn
from .graph import LEAF, version_cell
from .modes import no_grad, thread

if TYPE_CHECKING:
    from .function import BackwardCFunction, Function
    from .function_context import FunctionCtx


def attach(ctx: FunctionCtx, node: BackwardCFunction | None, args: tuple, outputs: list) -> list:
    """Gives the outputs their history, in place; inputs that were handed on become views of themselves."""
    inputs = {id(arg) for arg in args if isinstance(arg, Tensor)}
    changed, constant = ctx.dirty_tensors or (), ctx.non_differentiable or ()
    if changed or constant:
        check_marks(changed, constant, inputs, outputs)
    fixed, dirty = {id(tensor) for tensor in constant}, {id(tensor) for tensor in changed}
    flows = [node is not None and is_differentiable(out) and id(out) not in fixed for out in outputs]
    if node is not None:
        if flows == [True]:
            node._output = outputs[0]._array.shape, outputs[0]._array.dtype
        else:
            node._outputs = tuple((out._array.shape, out._array.dtype) if isinstance(out, Tensor) else None for out in outputs)
        for tensor in changed:
            check_dirty(tensor, len(outputs))
    for tensor in changed:
        version_cell(tensor).bump()
    if node is not None or thread.forward_levels:
        places = {id(out): i for i, out in enumerate(outputs) if flows[i] and (id(out) not in inputs or id(out) in dirty)}
        ctx._keep(node, places)
    results = []
    for index, out in enumerate(outputs):
        if isinstance(out, Tensor):
            is_new = id(out) not in inputs or id(out) in dirty
            if not flows[index]:
                out = without_history(out, is_new)
            elif id(out) in dirty and id(out) in inputs:
                from .inplace import take_history

                given = [args[place] for place in node.places]  # type: ignore[union-attr]
                take_history(out, node.output(index), next(i for i, arg in enumerate(given) if arg is out))  # type: ignore[union-attr]
            else:
                out = out if is_new else view_of(out)
                out._node = node.output(index)  # type: ignore[union-attr]
                if out._base is not None:
                    out._made = "multiple" if len(outputs) > 1 else "custom"  # type: ignore[attr-defined]
        results.append(out)
    return results


def is_differentiable(value: Any) -> bool:
    """Whether gradients can flow through an output."""
    return isinstance(value, Tensor) and value._array.dtype.kind in "fcV"


def check_marks(changed: tuple, constant: tuple, inputs: set[int], outputs: list) -> None:
    """Raises RuntimeError for marks on what is no tensor, and for inputs changed in place that are not returned."""
    for method, verb, tensors in (
        ("mark_dirty", "can only accept variables, but argument", changed),
        ("mark_non_differentiable", "only accepts variable arguments, but got", constant),
    ):
        for index, tensor in enumerate(tensors):
            if not isinstance(tensor, Tensor):
                raise RuntimeError(f"{method} {verb} {index} of type {type(tensor).__name__}")
    returned = {id(out) for out in outputs}
    for tensor in changed:
        if id(tensor) not in inputs:
            warn(
                "ctx.mark_dirty() received a tensor that was not an input. Only input "
                "Tensors that have been mutated should be passed to ctx.mark_dirty()."
            )
        if id(tensor) not in returned:
            raise RuntimeError(
                "Some elements marked as dirty during the forward method were not returned as output. The inputs that are modified "
                "inplace must all be outputs of the Function."
            )


def check_dirty(tensor: Tensor, outputs: int) -> None:
    """Raises RuntimeError where an input of a recorded function may not be changed in place."""
    from .inplace import check_writable

    if tensor._node is LEAF:
        raise RuntimeError("a leaf Variable that requires grad has been used in an in-place operation.")
    check_writable(tensor)
    if tensor._base is not None and outputs > 1:
        raise RuntimeError(
            "If your Function modifies inplace an input that is a view of another Tensor, your Function cannot return more than "
            "one Tensor. This is not supported by the current autograd engine. You should either make sure the input is not a "
            "view (using .clone() for example) or make your Function only return one Tensor (potentially splitting it into two "
            "Functions: one doing the inplace that returns a single Tensor and a second one that does the other operations)."
        )


def without_history(out: Tensor, is_new: bool) -> Tensor:
    """An output through which no gradient flows."""
    if out._node is not None:
        return out.detach()
    return out if is_new else view_of(out)


def view_of(tensor: Tensor) -> Tensor:
    """All of a tensor as a view."""
    from ..ops.shapes import alias
    from .tangents import NoLevels

    with no_grad(), NoLevels():
        return alias(tensor)


# --- forward mode -----------------------------------------------------------------------------------------------------------------


def push_tangents(cls: type[Function], ctx: FunctionCtx, node: BackwardCFunction | None, args: tuple, results: list) -> None:
    """Gives the outputs the tangents that the user's `jvp` makes of those of the inputs, level by level from the outermost."""
    from .forward_ad import keep_tangents
    from .tangents import outside, set_tangent, tangents_of, zeros_of

    for level in thread.forward_levels:
        known = [tangents_of(arg, level) if isinstance(arg, Tensor) else None for arg in args]
        if all(tangent is None for tangent in known):
            continue
        if ctx.materialize_grads:
            pairs = zip(args, known, strict=True)
            known = [zeros_of(arg) if tangent is None and is_differentiable(arg) else tangent for arg, tangent in pairs]
        with outside(level):
            pushed = cls.jvp(ctx, *known)
        pushed = pushed if isinstance(pushed, tuple) else (pushed,)
        if len(pushed) != len(results):
            raise RuntimeError(
                f"Function's jvp returned an invalid number of forward gradients (expected {len(results)} but got {len(pushed)})"
            )
        fixed = {id(tensor) for tensor in ctx.non_differentiable or ()}
        for index, (out, tangent) in enumerate(zip(results, pushed, strict=True)):
            if tangent is not None and not isinstance(tangent, Tensor):
                raise RuntimeError(f"expected Variable or None (got {type(tangent).__name__}) for grad output {index}.")
            if tangent is None:
                if isinstance(out, Tensor) and out._base is not None:
                    set_tangent(out, level, None)
            elif isinstance(out, Tensor) and (not is_differentiable(out) or id(out) in fixed):
                raise RuntimeError(
                    f"Function's jvp returned a gradient at position {index}, but  the corresponding forward output is not a "
                    "differentiable Tensor.You should return None at that position instead."
                )
            elif isinstance(out, Tensor):
                check_tangent(ctx, out, tangent, args, known)
                set_tangent(out, level, tangent.to(out.dtype))
                if node is not None:
                    keep_tangents(node, index, out._tangents or {})


def check_tangent(ctx: FunctionCtx, out: Tensor, tangent: Tensor, args: tuple, known: list) -> None:
    """Raises RuntimeError where a tangent does not follow its output: in type, in shape, in place, as a view."""
    if not is_differentiable(tangent):
        raise RuntimeError(f"Expected both tensor and its forward grad to be floating point or complex, but got {tangent.dtype}")
    if tangent.is_complex() and not out.is_complex():
        raise RuntimeError(f"Function's jvp returned a tangent of type {tangent.dtype} for a real output. Hint: take its .real.")
    if tangent._array.shape != out._array.shape:
        raise RuntimeError(
            "Trying to set a forward gradient that has a different size than that of the original Tensor, this is not supported. "
            f"Tensor is of size {list(out._array.shape)} while the given forward gradient is of size {list(tangent._array.shape)}."
        )
    for arg, before in zip(args, known, strict=True):
        if not isinstance(arg, Tensor) or before is None:
            continue
        if arg is out and any(out is dirty for dirty in ctx.dirty_tensors or ()):
            if tangent is not before:
                raise RuntimeError(
                    "An inplace custom Function is not modifying the forward mode gradients inplace. If the forward is "
                    "modifying an input inplace, then the jvp function must modify the corresponding gradient inplace."
                )
        elif out._base is owner_of(arg):
            if tangent._base is None:
                raise RuntimeError(
                    "A custom Function's forward is returning a view (or an input as-is) but the jvp is not returning a view."
                )
            if tangent._base is not owner_of(before):
                raise RuntimeError(
                    "A custom Function is returning a view but the jvp is not returning a view of the given grad input."
                )


def owner_of(tensor: Tensor) -> Tensor:
    """The tensor whose memory a view shows; a tensor that is no view itself."""
    return tensor if tensor._base is None else tensor._base
