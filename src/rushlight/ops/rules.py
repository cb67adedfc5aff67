"""From an op's rules to code: what is saved, how arguments are bound, and the vjp, compiled on first use."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..autograd.graph import FREED, SECOND_BACKWARD

if TYPE_CHECKING:
    from .op import Op


class Needed(NamedTuple):
    """What the rules of an op name: per rule, and the node's slots for it."""

    rules: tuple[tuple[str, ...], ...]
    slots: tuple[str, ...]


def parameter_names(function: Any) -> tuple[str, ...]:
    """The names of a function's parameters, without inspect's cost."""
    code = function.__code__
    return code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]


def canonical(op: Op, name: str) -> str:
    """A rule's name for something, with `x` and `y` resolved to the first two tensor inputs."""
    for letter, index in (("x", 0), ("y", 1)):
        if name not in op.inputs and len(op.inputs) > index:
            if name == letter:
                return op.inputs[index]
            if name in (f"{letter}_shape", f"{letter}_dtype"):
                return op.inputs[index] + name[1:]
    return name


def needed_names(op: Op) -> Needed:
    """What each rule names, and the slots a node needs for all of it."""
    rules = (op.joint,) if op.joint is not None else op.rules
    named = []
    for rule in rules:
        names = parameter_names(rule) if callable(rule) else ()
        skip = 0 if op.kind == "pointwise" else 1  # the first parameter is the cotangent
        named.append(tuple(canonical(op, name) for name in names[skip:]))
    flat = [name for names in named for name in names]
    if op.composite is not None:
        flat += [*op.inputs, "args"]  # higher orders replay the composite on the inputs
    slots: dict[str, None] = {}
    for name in flat:
        if name in op.inputs or name in ("out", "residuals"):
            slots[name] = None
        elif name.endswith("_shape") and name[:-6] in op.inputs:
            slots["shapes"] = None
        elif name.endswith("_dtype") and name[:-6] in op.inputs:
            slots["dtypes"] = None
        elif name != "needs":
            slots["args"] = slots["kwargs"] = None
    if op.view or (callable(op.node) and names_by_call(op.node)):
        slots["args"] = slots["kwargs"] = None
    return Needed(tuple(named), tuple(slots))


def names_by_call(function: Any) -> bool:
    """Whether a function that names nodes has parameters for the call's arguments after that for the node."""
    return function.__code__.co_argcount > 1 or bool(function.__code__.co_flags & 12)


def saved_inputs(op: Op, needs: tuple[bool, ...]) -> tuple[str, ...]:
    """The tensor inputs to save when only some inputs need a cotangent."""
    if op.composite is not None:
        return op.inputs
    if op.joint is not None or op.takes_list:
        named = [name for names in op.needed.rules for name in names]
    else:
        named = [name for names, need in zip(op.needed.rules, needs, strict=False) if need for name in names]
    return tuple(name for name in op.inputs if name in named)


class Signature:
    """The parameters of an op's forward, for code that is written with the same ones."""

    def __init__(self, op: Op) -> None:
        code: Any = getattr(op.forward, "__code__", None)
        plain = code is None or code.co_name == "pointwise_forward"
        names = op.inputs if plain else code.co_varnames
        count, only = (len(op.inputs), 0) if plain else (code.co_argcount, code.co_kwonlyargcount)
        self.positional = list(names[:count])
        self.keywords = list(names[count : count + only])
        self.rest = names[count + only] if not plain and code.co_flags & 4 else None  # *args
        self.defaults: tuple = () if plain else op.forward.__defaults__ or ()
        self.keyword_defaults: dict = {} if plain else op.forward.__kwdefaults__ or {}
        self.required = count - len(self.defaults)
        # Defaults by the names that stand for them in the code.
        self.scope = {f"default_{name}": value for name, value in zip(self.positional[self.required :], self.defaults, strict=True)}
        self.scope |= {f"default_{name}": value for name, value in self.keyword_defaults.items()}

    def text(self, missing: str = "") -> str:
        """The parameters as they are written; those without a default get `missing` as one."""

        def parameter(name: str) -> str:
            default = f"default_{name}"
            return f"{name}={default}" if default in self.scope else f"{name}={missing}" if missing else name

        star = [f"*{self.rest}"] if self.rest else ["*"] if self.keywords else []
        return ", ".join([*map(parameter, self.positional), *star, *map(parameter, self.keywords)])

    def is_default(self, name: str, value: Any) -> bool:
        """Whether a value is the one that the parameter has by default."""
        default = f"default_{name}"
        return default in self.scope and value is self.scope[default]


def make_binder(op: Op) -> Callable:
    """A function with the op's signature that returns `(positional arguments, keyword arguments)` for `op.forward`."""
    signature = op.signature
    scope: dict[str, Any] = dict(signature.scope)
    positional = [*signature.positional, *([f"*{signature.rest}"] if signature.rest else [])]
    packed = ", ".join(f"{name!r}: {name}" for name in signature.keywords)
    # Named after the op, so that Python's own errors about arguments read as PyTorch's.
    name = op.name.rpartition(".")[2]
    exec(f"def {name}({signature.text()}): return [{', '.join(positional)}], {{{packed}}}", scope)
    return scope[name]


def compile_vjp(op: Op, recorded: bool, complex_numbers: bool) -> Callable:
    """The method `vjp` (on arrays) or `vjp_recorded` (on Tensors) of the op's nodes.

    The vjp of a pointwise op multiplies by the conjugate of the partial derivative; real nodes are spared the question.
    """
    if recorded and op.composite is not None:
        return _replay_composite
    needed = op.needed
    scope: dict[str, Any] = {"__name__": __name__, "FREED": FREED, "freed_error": freed_error, "bound": _bound_arguments}
    scope["conjugate"] = None if not complex_numbers else conjugate_recorded if recorded else conjugate
    lines = ["def vjp(self, g, keep):"]
    parameters = sorted({name for names in needed.rules for name in names if _is_parameter(op, name)})
    saved = [slot for slot in needed.slots if slot in op.inputs or slot in ("out", "residuals")]
    if "indices" in parameters:  # in PyTorch saved tensors, which are freed
        saved.append("args")
    if saved:
        lines.append(f"    if self.{saved[0]} is FREED: raise freed_error()")
    if parameters:
        lines.append("    bound_arguments = bound(self)")
        lines += [f"    {name} = bound_arguments[{name!r}]" for name in parameters]
    lines += _cotangents(op, recorded, scope)
    if saved:
        lines.append(f"    if not keep: {' = '.join(f'self.{slot}' for slot in saved)} = FREED")
    lines.append("    return cotangents")
    exec(compile("\n".join(lines), f"<derivative of {op.name}>", "exec"), scope)
    return scope["vjp"]


def _is_parameter(op: Op, name: str) -> bool:
    return not (
        name in op.inputs
        or name in ("out", "residuals", "needs")
        or (name.endswith(("_shape", "_dtype")) and name[:-6] in op.inputs)
    )


def _cotangents(op: Op, recorded: bool, scope: dict[str, Any]) -> list[str]:
    """The lines that compute the tuple `cotangents`."""

    def fetch(name: str) -> str:
        if name in op.inputs:
            if recorded:
                scope["saved_tensor"] = _op_module().saved_tensor
                return f"saved_tensor(self, {name!r})"
            if op.kind == "pointwise" and not op.is_optional(name):
                return f"self.{name}._array"
            scope["array_of"] = array_of
            return f"array_of(self.{name})"
        if name == "out" and recorded:
            scope["saved_result"] = _op_module().saved_result
            return "saved_result(self)"
        if name == "needs":
            return "tuple([edge is not None for edge in self.edges])"
        if name.endswith("_shape") and name[:-6] in op.inputs:
            return "self.shapes" if op.takes_list else f"self.shapes[{op.inputs.index(name[:-6])}]"
        if name.endswith("_dtype") and name[:-6] in op.inputs:
            return "self.dtypes" if op.takes_list else f"self.dtypes[{op.inputs.index(name[:-6])}]"
        return f"self.{name}" if name in ("out", "residuals") else name

    if op.joint is not None or op.takes_list:
        scope["rule"] = op.joint if op.joint is not None else op.rules[0]
        arguments = ", ".join(["g", *map(fetch, op.needed.rules[0])])
        return [f"    cotangents = rule({arguments})"]
    terms = []
    for i, (rule, names) in enumerate(zip(op.rules, op.needed.rules, strict=True)):
        arguments = ", ".join(map(fetch, names))
        if rule is None:
            term = "no_rule()"
            scope["no_rule"] = _no_rule(op, i)
        elif op.kind != "pointwise":
            scope[f"rule{i}"] = rule
            term = f"rule{i}(g{', ' if arguments else ''}{arguments})"
        elif callable(rule):
            scope[f"d{i}"] = rule
            direct = len(names) == 1 and _is_identity(rule)
            partial = arguments if direct else f"d{i}({arguments})"
            if getattr(rule, "chooses", False):
                scope["passed"] = passed
                term = f"passed(g, {partial})"
            else:
                term = f"g * conjugate({partial})" if scope["conjugate"] else f"g * {partial}"
        else:
            scope["zeros"] = zeros_recorded if recorded else np.zeros_like
            term = {1: "g", -1: "-g", 0: "zeros(g)"}.get(rule, f"g * {rule!r}")
        terms.append(term)
    if not terms:
        scope["no_rule"] = _no_rule(op, 0)
        return ["    cotangents = no_rule()"]
    if len(terms) == 1:
        return [f"    cotangents = ({terms[0]},)"]
    edges = ", ".join(f"edge{i}" for i in range(len(terms)))
    guarded = ", ".join(f"None if edge{i} is None else {term}" for i, term in enumerate(terms))
    return [f"    {edges} = self.edges", f"    cotangents = ({guarded})"]


def passed(g: Any, part: Any) -> Any:
    """The part of a cotangent that passes a choice: a mask, or a share of the cotangent; zero where that is zero."""
    from .comparisons import where

    is_mask = getattr(part, "_array", part).dtype.kind == "b"
    return where(part, g, 0) if is_mask else where(part == 0, 0, g * part)


def zeros_recorded(g: Any) -> Any:
    """Zeros like a cotangent, as a Tensor."""
    from ..tensor import wrap

    return wrap(np.zeros_like(g._array))


def _is_identity(rule: Callable) -> bool:
    probe = object()
    try:
        return rule(probe) is probe
    except Exception:  # a formula that computes something: not the identity
        return False


def _no_rule(op: Op, index: int) -> Callable:
    name = op.inputs[index] if index < len(op.inputs) else "input"

    def no_rule() -> Any:
        raise NotImplementedError(
            f"derivative for aten::{op.name} is not implemented: it has no rule for '{name}'. "
            "Detach that input, or write the operation as an autograd.Function with its own backward."
        )

    return no_rule


def conjugate(partial: Any) -> Any:
    """The conjugate of a complex partial derivative; a real one as it is."""
    return np.conj(partial) if getattr(partial, "dtype", None) in _COMPLEX else partial


def conjugate_recorded(partial: Any) -> Any:
    """The same for a Tensor (or a number)."""
    return partial.conj() if hasattr(partial, "is_complex") and partial.is_complex() else partial


_COMPLEX = frozenset((np.dtype("complex64"), np.dtype("complex128")))


def array_of(tensor: Any) -> Any:
    """The array of a saved tensor, None for an optional one that was not given, a tuple for a list."""
    if tensor is None:
        return None
    return tuple(one._array for one in tensor) if type(tensor) is tuple else tensor._array


def freed_error() -> RuntimeError:
    return RuntimeError(SECOND_BACKWARD)


def _op_module() -> Any:
    from . import op

    return op


def _bound_arguments(node: Any) -> dict[str, Any]:
    """The arguments of the call by name."""
    op = node.op
    args, kwargs = op.bind(*node.args, **node.kwargs)
    code = op.forward.__code__
    names = code.co_varnames
    named = dict(zip(names[: code.co_argcount], args, strict=False))
    if code.co_flags & 4:
        named[names[code.co_argcount + code.co_kwonlyargcount]] = args[code.co_argcount :]
    return named | kwargs


def _replay_composite(node: Any, g: Any, keep: bool) -> tuple:
    """Cotangents of a fused op with history: its composite is run again, recorded, and differentiated."""
    from ..autograd.gradients import grad
    from ..autograd.modes import enable_grad
    from .op import saved_tensor
    from .shapes import alias

    op = node.op
    if getattr(node, op.inputs[0]) is FREED:
        raise freed_error()
    inputs: list[Any] = [saved_tensor(node, name) for name in op.inputs]
    wanted = [i for i, edge in enumerate(node.edges) if edge is not None]
    with enable_grad():
        for i in wanted:
            inputs[i] = alias(inputs[i])  # a node of its own, also when one tensor is given twice
        args, kwargs = op.bind(*node.args, **node.kwargs)
        for position, tensor in zip(op.positions, inputs, strict=True):
            args[position] = tensor
        out = op.composite(*args, **kwargs)
        found = grad(out, [inputs[i] for i in wanted], g, create_graph=True, allow_unused=True)
    if not keep:
        for slot in op.needed.slots:
            if slot in op.inputs or slot in ("out", "residuals"):
                setattr(node, slot, FREED)
    cotangents: list[Any] = [None] * len(node.edges)
    for i, one in zip(wanted, found, strict=True):
        cotangents[i] = one
    return tuple(cotangents)
