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
from .op import Op
from .quick import differentiated


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
            f"        array{i}, node{i} = given{i}._array, given{i}._node",
            *([f"    elif given{i} is None: array{i} = node{i} = None"] if op.is_optional(name) and not pointwise else []),
            "    else: return NotImplemented",
        ]
        if pointwise:
            lines += (
                [f"    if array{i}.dtype is not kind: return NotImplemented"]
                if i
                else ["    kind = array0.dtype", "    if kind not in FLOATS: return NotImplemented"]
            )
    if pointwise and "f" not in op.accepts:
        return unchanged
    numbers = differentiated(op)
    constant = [f"node{i} is not None" for i in range(len(numbers), count)] if op.differentiable else []
    if constant:
        lines.append(f"    if {' or '.join(constant)}: return NotImplemented")
    if op.composite is not None:  # its derivative, too, needs more than the fast code gives
        batched = " or ".join(f"type(array{i}) is BatchedArray" for i in range(count))
        pushed = " or ".join(f"(given{i} is not None and given{i}._tangents)" for i in range(count))
        tracked = " or ".join(f"node{i} is not None" for i in numbers)
        lines += [
            f"    if (thread.forward_levels and ({pushed})) or (({batched}) and ({tracked}) and thread.grad_enabled):",
            "        return op.composite(*values, **options)",
        ]
    arrays = f"[{', '.join(f'array{i}' for i in range(count))}]"
    givens = f"[{', '.join(f'given{i}' for i in range(count))}]"
    lines += [
        f"    arrays = {arrays}",
        "    try:",
        "        if thread.batch_levels or state.batched_nodes:",
        "            result = forward_batched(op, forward_, values, options, arrays)",
        "        else: result = forward_plain(op, values, options, arrays, forward_)",
        "    except ValueError as error: raise shape_error(op, arrays, error) from None",
        *(["    result, residuals = result"] if op.composite is not None else []),
        "    if type(result) is not BatchedArray:",
        "        if type(result) is tuple or type(result) is list:",
        f"            return finish(op, values, options, {givens}, arrays, arrays,"
        f" {'(result, residuals)' if op.composite is not None else 'result'})",
        "        result = as_array(result)",
        "    tensor = new_(Tensor)",
        "    tensor._array = result",
        "    tensor._node = tensor._base = None",
        *(recording(op, numbers) if op.differentiable else []),
        *(["    mark_view([tensor], given0)"] if op.view else []),
        f"    if thread.forward_levels: push_forward(op, values, options, {givens}, [tensor])",
        "    return tensor",
    ]
    exec(compile("\n".join(lines), f"<path of {op.name} within transforms>", "exec"), scope)
    return scope["within"]  # type: ignore[return-value]


def recording(op: Op, numbers: range) -> list[str]:
    """The lines that make the node."""
    slots = op.needed.slots
    whole = op.joint is not None or op.composite is not None
    tracked = " or ".join(f"node{i} is not None" for i in numbers)
    edges = ", ".join(f"given{i} if node{i} is LEAF else node{i}" for i in numbers)
    arrays = ", ".join(f"array{i}" for i in numbers)
    kinds = " and ".join(f"(node{i} is None or array{i}.dtype is kind_)" for i in numbers)
    same_shape = "" if op.kind != "pointwise" or len(numbers) < 2 else "".join(
        f" and (node{i} is None or array{i}.shape == shape_)" for i in numbers
    )  # fmt: skip
    levels = " and ".join(
        f"(node{i} is None or (array{i}.levels if type(array{i}) is BatchedArray else ()) == levels_)" for i in numbers
    )
    lines = [
        f"    if ({tracked}) and result.dtype.kind in 'fcV' and not (state.silent and not thread.grad_enabled):",
        "        node = node_class()",
        "        node._order = next_order()",
        f"        node.edges = edges_ = ({edges},)",
        "        levels_ = result.levels if type(result) is BatchedArray else ()",
        "        kind_ = result.dtype",
        *(["        shape_ = result.shape"] if same_shape else []),
        f"        if not ({levels}): node.spaces = batched_spaces(edges_, [{arrays}])",
        *([] if op.broadcasts else [f"        elif {kinds}{same_shape}: node.spaces = None"]),
        f"        else: node.spaces = spaces_from(edges_, [{arrays}])",
    ]
    for i, name in enumerate(op.inputs):
        if name in slots:
            rules = [k for k in numbers if whole or name in op.needed.rules[k]]
            wanted = " or ".join(f"node{k} is not None" for k in rules)
            lines.append(f"        node.{name} = given{i}" + ("" if whole else f" if {wanted} else None"))
    every = range(len(op.inputs))
    for slot, attribute in (("shapes", "shape"), ("dtypes", "dtype")):
        if slot in slots:
            each = [f"None if array{i} is None else array{i}.{attribute}" for i in every]
            lines.append(f"        node.{slot} = ({', '.join(each)},)")
    lines += ["        node.out = result"] if "out" in slots else []
    lines += [f"        node.residuals = {'residuals' if op.composite is not None else None}"] if "residuals" in slots else []
    lines += ["        node.args, node.kwargs = without_arrays(op, values), options"] if "args" in slots else []
    return [*lines, "        tensor._node = node"]
