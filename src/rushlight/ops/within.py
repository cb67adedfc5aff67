"""The path of an op within vmap and forward mode, when nothing else is unusual: a function written on first use.

It does what `dispatch.careful` does for plain tensors, with everything that is known from the declaration decided beforehand, and
leaves all other calls to it by returning NotImplemented.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..arrays.basic import as_array
from ..arrays.batched import BatchedArray
from ..autograd.forward_ad import push_forward
from ..autograd.graph import LEAF, next_order
from ..autograd.modes import state, thread
from ..tensor import Tensor, new, plain_types, refresh_view
from .batching import forward_batched
from .dispatch import FLOAT32, FLOAT64, batched_spaces, finish, forward, mark_view, shape_error, spaces_from, without_arrays
from .kinds import beside
from .op import Op, differentiated
from .quick import recording


def unchanged(op: Op, args: tuple, kwargs: dict) -> Any:
    """The path of an op that has none: a list of tensors, or arguments that are spelled in several ways."""
    return NotImplemented


def path_within(op: Op) -> Callable:
    """The function `(op, args, kwargs)` for an op."""
    if op.takes_list or not op.inputs or (op.arguments is not None and op.kind != "pointwise"):
        return unchanged
    scope = {
        "bind": op.bind, "forward_": op.forward, "node_class": op.node_class, "state": state, "thread": thread, "new_": new,
        "plain_types": plain_types, "LEAF": LEAF, "next_order": next_order, "Tensor": Tensor, "as_array": as_array,
        "BatchedArray": BatchedArray, "FLOATS": (FLOAT32, FLOAT64), "beside": beside, "refresh_view": refresh_view,
        "forward_batched": forward_batched, "forward_plain": forward, "finish": finish, "mark_view": mark_view,
        "push_forward": push_forward, "spaces_from": spaces_from, "batched_spaces": batched_spaces, "shape_error": shape_error,
        "without_arrays": without_arrays,
    }  # fmt: skip
    pointwise = op.kind == "pointwise"
    count = len(op.inputs)
    lines = ["def within(op, args, kwargs):"]
    lines += ["    if kwargs: return NotImplemented"] if op.arguments is not None else []
    lines += [
        "    try: values, options = bind(*args, **kwargs)",
        "    except TypeError: return NotImplemented",
    ]
    for i, (position, name) in enumerate(zip(op.positions, op.inputs, strict=True)):
        lines.append(f"    given{i} = values[{position}]")
        if pointwise and i:
            lines.append(f"    if type(given{i}) is float or type(given{i}) is int: given{i} = beside(given{i}, given0)")
        lines += [
            f"    if type(given{i}) in plain_types:",
            f"        if given{i}._base is not None: refresh_view(given{i})",
            f"        array{i}_, node{i}_ = given{i}._array, given{i}._node",
            *([f"    elif given{i} is None: array{i}_ = node{i}_ = None"] if op.is_optional(name) and not pointwise else []),
            "    else: return NotImplemented",
        ]
        if pointwise:
            lines += (
                [f"    if array{i}_.dtype is not kind: return NotImplemented"]
                if i
                else ["    kind = array0_.dtype", "    if kind not in FLOATS: return NotImplemented"]
            )
    if pointwise and "f" not in op.accepts:
        return unchanged
    numbers = differentiated(op)
    constant = [f"node{i}_ is not None" for i in range(len(numbers), count)] if op.differentiable else []
    if constant:
        lines.append(f"    if {' or '.join(constant)}: return NotImplemented")
    if op.composite is not None:  # its derivative, too, needs more than the fast code gives
        batched = " or ".join(f"type(array{i}_) is BatchedArray" for i in range(count))
        pushed = " or ".join(f"(given{i} is not None and given{i}._tangents)" for i in range(count))
        tracked = " or ".join(f"node{i}_ is not None" for i in numbers)
        lines += [
            f"    if (thread.forward_levels and ({pushed})) or (({batched}) and ({tracked}) and thread.grad_enabled):",
            "        return op.composite(*values, **options)",
        ]
    arrays = f"[{', '.join(f'array{i}_' for i in range(count))}]"
    names = [f"given{i}" for i in range(count)]
    givens = f"[{', '.join(names)}]"
    lines += [
        f"    arrays = {arrays}",
        "    try:",
        "        if thread.batch_levels or state.batched_nodes:",
        "            result_ = forward_batched(op, forward_, values, options, arrays)",
        "        else: result_ = forward_plain(op, values, options, arrays, forward_)",
        "    except ValueError as error: raise shape_error(op, arrays, error) from None",
        *(["    result_, residuals_ = result_"] if op.composite is not None else []),
        "    if type(result_) is not BatchedArray:",
        "        if type(result_) is tuple or type(result_) is list:",
        f"            return finish(op, values, options, {givens}, arrays, arrays,"
        f" {'(result_, residuals_)' if op.composite is not None else 'result_'})",
        "        result_ = as_array(result_)",
        "    tensor_ = new_(Tensor)",
        "    tensor_._array = result_",
        "    tensor_._node = tensor_._base = None",
        *(recording(op, names, "result_", "without_arrays(op, values), options", spaces_by_level(op)) if op.differentiable else []),
        *(["    mark_view([tensor_], given0)"] if op.view else []),
        f"    if thread.forward_levels: push_forward(op, values, options, {givens}, [tensor_])",
        "    return tensor_",
    ]
    exec(compile("\n".join(lines), f"<path of {op.name} within transforms>", "exec"), scope)
    return scope["within"]  # type: ignore[return-value]


def spaces_by_level(op: Op) -> list[str]:
    """The lines that note the spaces of the inputs, with their levels of vmap where these are not those of the result."""
    numbers = differentiated(op)
    arrays = ", ".join(f"array{i}_" for i in numbers)
    same = " and ".join(f"(node{i}_ is None or array{i}_.dtype is dtype_)" for i in numbers)
    stretches = op.kind == "pointwise" and len(numbers) > 1
    if stretches:
        same += "".join(f" and (node{i}_ is None or array{i}_.shape == shape_)" for i in numbers)
    levels = " and ".join(
        f"(node{i}_ is None or (array{i}_.levels if type(array{i}_) is BatchedArray else ()) == levels_)" for i in numbers
    )
    return [
        "levels_ = result_.levels if type(result_) is BatchedArray else ()",
        "dtype_ = result_.dtype",
        *(["shape_ = result_.shape"] if stretches else []),
        f"if not ({levels}): node_.spaces = batched_spaces(edges_, [{arrays}])",
        *([] if op.broadcasts else [f"elif {same}: node_.spaces = None"]),
        f"else: node_.spaces = spaces_from(edges_, [{arrays}])",
    ]
