"""The fast path of ops with several tensor inputs, or several results: a function of the op's own signature, written
on first use.

It does what `dispatch.run` does for plain tensors, with everything that is known from the declaration decided
beforehand. Until an op is called for the first time, its public function is a stub whose code is replaced by the real
one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import FunctionType
from typing import Any

from ..arrays.basic import as_array, is_array, ndarray
from ..autograd.graph import LEAF, next_order
from ..autograd.modes import state, thread
from ..tensor import Tensor, new, plain_types, wrap
from .dispatch import careful, finish, mark_view, shape_error, spaces_from
from .op import MISSING, Op, differentiated


def _stub(*args, **kwargs):  # type: ignore[no-untyped-def]
    return written()(*args, **kwargs)  # type: ignore[name-defined]  # noqa: F821 - a global of each copy of this function


def several(op: Op) -> Callable:
    """The public function of an op, of which the code is written when it is first called."""
    scope: dict[str, Any] = {"__builtins__": __builtins__, "__name__": __name__}
    function = FunctionType(_stub.__code__, scope, op.name.rpartition(".")[2])
    function.forms = forms = [function]  # type: ignore[attr-defined] # with its methods

    def written() -> Callable:
        made = _write(op, scope)
        for form in forms:
            form.__code__, form.__defaults__, form.__kwdefaults__ = made.__code__, made.__defaults__, made.__kwdefaults__
        return function

    scope["written"] = written
    return function


def otherwise(op: Op, args: list, options: dict, others: dict) -> Any:
    """Calls that the fast path leaves alone, with what was not given, or is as by default, taken out of the arguments.
    """
    given = [args[position] for position in op.positions]
    if not others and any(map(is_array, given)) and not any(isinstance(value, Tensor) for value in given):
        result = op.forward(*args, **options)  # a derivative rule at work
        return result if op.composite is None else result[0]
    signature = op.signature
    while args and (args[-1] is MISSING or signature.is_default(signature.positional[len(args) - 1], args[-1])):
        args.pop()
    kept = {
        name: value for name, value in options.items() if value is not MISSING and not signature.is_default(name, value)
    }
    first = next((i for i, value in enumerate(args) if value is MISSING), None)
    if first is not None:
        named = dict(zip(signature.positional[first:], args[first:]))  # noqa: B905 - trailing arguments were taken away
        kept |= {name: value for name, value in named.items() if value is not MISSING}
        del args[first:]
    return careful(op, tuple(args), kept | others)


def selects(op: Op) -> bool:
    """Whether an op returns values, to which gradients flow, and their indices."""
    return getattr(op.returns, "__match_args__", None) == ("values", "indices")


def _write(op: Op, scope: dict[str, Any]) -> Any:
    """Writes and compiles the function."""
    signature = op.signature
    name = op.name.rpartition(".")[2]
    scope |= signature.scope | {
        "op": op, "forward": op.forward, "node_class": op.node_class, "state": state, "thread": thread, "plain_types": plain_types,
        "ndarray": ndarray,
        "LEAF": LEAF, "next_order": next_order, "new_": new, "Tensor": Tensor, "as_array": as_array,
        "shape_error": shape_error,
        "finish": finish, "mark_view": mark_view, "spaces_from": spaces_from, "otherwise": otherwise,
        "MISSING": MISSING, "wrap": wrap,
        "returns_": op.returns,
    }  # fmt: skip
    options = "{" + ", ".join(f"{name!r}: {name}" for name in signature.keywords) + "}"
    fallback = f"return otherwise(op, [{', '.join(signature.positional)}], {options}, others_)"
    arrays = {given: f"array{i}_" for i, given in enumerate(op.inputs)}
    values = [arrays.get(one, one) for one in signature.positional]
    needed = [one for one in signature.positional + signature.keywords if f"default_{one}" not in signature.scope]
    absent = "".join(f" or {one} is MISSING" for one in needed if one not in op.inputs)
    raw = " and ".join(
        f"(type({given}) is ndarray or {given} is None)" if op.is_optional(given) else f"type({given}) is ndarray"
        for given in op.inputs
    )
    call = f"forward({', '.join(list(signature.positional) + [f'{one}={one}' for one in signature.keywords])})"
    lines = [
        f"def {name}({signature.text('MISSING')}, **others_):",
        # A derivative rule at work.
        f"    if {raw} and not others_{absent.replace(' or ', ' and ').replace(' is MISSING', ' is not MISSING')}: return {call}",
        f"    if others_ or state.active{absent}: {fallback}",
    ]
    for i, given in enumerate(op.inputs):
        lines += [
            f"    if type({given}) in plain_types: array{i}_, node{i}_ = {given}._array, {given}._node",
            *([f"    elif {given} is None: array{i}_ = node{i}_ = None"] if op.is_optional(given) else []),
            f"    else: {fallback}",
        ]
    constant = range(len(differentiated(op)), len(op.inputs)) if op.differentiable else ()
    if constant:
        lines.append(f"    if {' or '.join(f'node{i}_ is not None' for i in constant)}: {fallback}")
    arrays_given = f"[{', '.join(arrays.values())}]"
    result = "(result_, residuals_)" if op.composite is not None else "result_"
    lines += [
        f"    try: {result} = forward({', '.join(values + [f'{one}={one}' for one in signature.keywords])})",
        f"    except ValueError as error: raise shape_error(op, {arrays_given}, error) from None",
        *(["    result_, indices_ = result_"] if selects(op) else []),
        "    if type(result_) is not ndarray:",
        "        if type(result_) is tuple or type(result_) is list:",
        f"            return finish(op, [{', '.join(signature.positional)}], {options}, [{', '.join(op.inputs)}],"
        f" {arrays_given}, {arrays_given}, {result})",
        "        result_ = as_array(result_)",
        "    tensor_ = new_(Tensor)",
        "    tensor_._array = result_",
        "    tensor_._node = tensor_._base = None",
    ]
    if op.differentiable:
        kept = ", ".join("None" if one in op.inputs else one for one in signature.positional)
        out = "(result_, indices_)" if selects(op) else "result_"
        lines += recording(op, op.inputs, out, f"({kept},), {options}", spaces_of_inputs(op))
    if op.view:
        lines.append(f"    mark_view([tensor_], {op.inputs[0]})")
    if selects(op):
        lines.append("    index_ = wrap(as_array(indices_))")
        if "out" in op.needed.slots:
            lines.append("    if tensor_._node is not None: tensor_._node.constants = (index_,)")
    lines.append("    return returns_(tensor_, index_)" if selects(op) else "    return tensor_")
    exec(compile("\n".join(lines), f"<fast path of {op.name}>", "exec"), scope)
    return scope[name]


def recording(op: Op, given: Sequence[str], out: str, arguments: str, spaces: list[str]) -> list[str]:
    """The lines that make the node, in a function whose inputs have the names given, and their arrays and nodes others by number.

    `out` and `arguments` are what it saves of results and of the call, where its derivative asks for them, and `spaces` lines.
    """
    slots, numbers = op.needed.slots, differentiated(op)
    whole = op.joint is not None or op.composite is not None
    edges = ", ".join(f"{given[i]} if node{i}_ is LEAF else node{i}_" for i in numbers)
    tracked = " or ".join(f"node{i}_ is not None" for i in numbers)
    lines = [
        f"    if ({tracked}) and result_.dtype.kind in 'fcV' and not (state.silent and not thread.grad_enabled):",
        "        node_ = node_class()",
        "        node_._order = next_order()",
        f"        node_.edges = edges_ = ({edges},)",
        *(f"        {line}" for line in spaces),
    ]
    for i, name in enumerate(op.inputs):
        if name in slots:
            wanted = " or ".join(f"node{k}_ is not None" for k in numbers if not whole and name in op.needed.rules[k])
            lines.append(f"        node_.{name} = {given[i]}" + ("" if whole else f" if {wanted} else None"))
    if "out" in slots:
        lines.append(f"        node_.out = {out}")
    if "residuals" in slots:
        lines.append(f"        node_.residuals = {'residuals_' if op.composite is not None else None}")
    for slot, attribute in (("shapes", "shape"), ("dtypes", "dtype")):
        if slot in slots:
            each = [f"array{i}_.{attribute}" for i in range(len(op.inputs))]
            each = [f"None if array{i}_ is None else {one}" if op.is_optional(op.inputs[i]) else one for i, one in enumerate(each)]
            lines.append(f"        node_.{slot} = ({', '.join(each)},)")
    if "args" in slots:
        lines.append(f"        node_.args, node_.kwargs = {arguments}")
    return [*lines, "        tensor_._node = node_"]


def spaces_of_inputs(op: Op) -> list[str]:
    """The lines that note the spaces of the inputs, where cotangents may not be in them."""
    numbers = differentiated(op)
    spaces = f"spaces_from(edges_, [{', '.join(f'array{i}_' for i in numbers)}])"
    if op.broadcasts:
        return [f"node_.spaces = {spaces}"]
    same = " and ".join(f"(node{i}_ is None or array{i}_.dtype is dtype_)" for i in numbers)
    return ["dtype_ = result_.dtype", f"node_.spaces = None if {same} else {spaces}"]
