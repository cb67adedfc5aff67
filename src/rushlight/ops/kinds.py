"""The kinds of op, each with its fast path: plain tensors, gradients recorded as usual. All else goes to `dispatch.careful`.

The fast paths spell out what the general code does, because here each attribute access is paid for by every operation.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ..arrays.basic import generic, ndarray
from ..autograd.graph import LEAF, next_order
from ..autograd.modes import state, thread
from ..overridable import overridable, overriding
from ..tensor import Tensor, new, plain_types, wrap
from .dispatch import broadcast_error, careful, mark_view, shape_error, spelled
from .op import MISSING, Op
from .quick import several
from .rules import parameter_names

Array = Any  # annotates the tensor inputs of a forward

registry: dict[str, Op] = {}
array_of_scalar = np.array  # what NumPy turned into a scalar is an array again

float32 = np.dtype("float32")
float64 = np.dtype("float64")
int64 = np.dtype("int64")
boolean = np.dtype("bool")


def publish(op: Op, function: Callable) -> Callable:
    """Gives the public function its name and documentation, and enters the op in the registry."""
    function.__name__ = function.__qualname__ = op.name.rpartition(".")[2]
    function.__module__ = "rushlight"
    function.__doc__ = op.doc or op.forward.__doc__
    if hasattr(op.forward, "__code__"):
        function.__wrapped__ = op.forward  # type: ignore[attr-defined]
    function.op = op  # type: ignore[attr-defined]
    op.function = function
    registry[op.name] = op
    return function


# --- pointwise --------------------------------------------------------------------------------------------------------------------


def pointwise(name: str, forward: Callable, d: Any = (), **declared: Any) -> Callable:
    """A pointwise op: a ufunc, and its partial derivative with respect to each input.

    `d` is a formula or a number for one input, a tuple of them for several.
    """
    partials = d if isinstance(d, tuple) else (d,)
    arity = declared.pop("arity", None) or len(partials) or getattr(forward, "nin", 1)
    inputs = declared.pop("inputs", ("input", "other")[:arity])
    operator = declared.pop("operator", None)
    declared.setdefault("inplace", True)
    op = Op(name, forward, "pointwise", partials, inputs=inputs, **declared)
    code = getattr(forward, "__code__", None)
    if arity > 2:
        op.broadcasts = True
        return publish(op, _alike(op))
    if code is not None and code.co_argcount > arity:  # the fast paths take no further arguments
        return publish(op, _careful_only(op))
    if arity == 1:
        return publish(op, _unary(op) if op.result != "bool" and op.differentiable else _question(op))
    fast = _comparison if op.result == "bool" else _binary
    if operator is not None:
        op.operator = (operator, fast(op, careful_operator))
    return publish(op, with_options(op, fast(op, careful)))


def with_options(op: Op, quick: Callable) -> Callable:
    """The function form of a binary op, which takes keywords; its operator is spared the question."""

    def function(input: Any, other: Any = MISSING, **kwargs: Any) -> Any:
        return careful(op, (input,) if other is MISSING else (input, other), kwargs) if kwargs else quick(input, other)

    return function


def chooses(partial: Callable) -> Callable:
    """Marks a partial derivative that passes the cotangent on or stops it: where it is zero, so is the product, of infinity too."""
    partial.chooses = True  # type: ignore[attr-defined]
    return partial


def careful_operator(op: Any, args: tuple, kwargs: dict) -> Any:
    """The careful path of an operator: an operand of a foreign type gets its chance to answer."""
    other = args[1]
    if thread.functions or overriding(args, kwargs):
        from ..members import operator_method
        from ..overrides import call_overrides

        return call_overrides(operator_method(op.operator[0]), args, kwargs, operator=True)
    if isinstance(other, (Tensor, int, float, complex, np.ndarray, np.generic)):
        return careful(op, args, kwargs)
    return NotImplemented


def _unary(op: Op) -> Callable:
    ufunc = op.forward
    saves = op.needed.slots
    saves_input, saves_out = "input" in saves, "out" in saves

    def function(input: Any, **kwargs: Any) -> Any:
        if not kwargs and not state.active and type(input) in plain_types:
            array = input._array
            dtype = array.dtype
            if dtype is float32 or dtype is float64:
                result = ufunc(array)
                if type(result) is not ndarray:
                    result = array_of_scalar(result)
                tensor = new(Tensor)
                tensor._array = result
                tensor._base = None
                made_by = input._node
                if made_by is None or (state.silent and not thread.grad_enabled):
                    tensor._node = None
                    return tensor
                node = op.node_class()
                node._order = next_order()
                node.edges = (input if made_by is LEAF else made_by,)
                node.spaces = None
                if saves_input:
                    node.input = input
                if saves_out:
                    node.out = result
                tensor._node = node
                return tensor
        elif not kwargs and (type(input) is ndarray or isinstance(input, generic)):
            return ufunc(input)  # a derivative rule at work
        return careful(op, (input,), kwargs)

    return function


def _question(op: Op) -> Callable:
    """The path of a function of one tensor without derivative."""
    ufunc = op.forward
    kinds = "".join({"b": "b", "i": "iu", "f": "f", "c": "c"}[letter] for letter in op.accepts)

    def function(input: Any, **kwargs: Any) -> Any:
        if not kwargs and not state.active and type(input) in plain_types and input._array.dtype.kind in kinds:
            result = ufunc(input._array)
            return wrap(result if type(result) is ndarray else array_of_scalar(result))
        if not kwargs and (type(input) is ndarray or isinstance(input, generic)):
            return ufunc(input)  # a derivative rule at work
        return careful(op, (input,), kwargs)

    return function


_constants: dict[Any, dict[Any, Tensor]] = {float32: {}, float64: {}}


def constant(value: Any, dtype: np.dtype) -> Tensor:
    """A Python number as a tensor without dimensions, kept for the next time."""
    tensor = wrap(np.array(value, dtype))
    if value:  # 0.0 and -0.0 are one key
        table = _constants[dtype]
        if len(table) > 500:
            table.clear()
        table[value] = tensor
    return tensor


def beside(value: Any, tensor: Any) -> Any:
    """A Python number as a tensor of the floating-point type of `tensor`; anything else as it is."""
    if type(value) is float or type(value) is int:
        table = _constants.get(tensor._array.dtype) if type(tensor) in plain_types else None
        if table is not None:
            known = table.get(value)
            return constant(value, tensor._array.dtype) if known is None else known
    return value


def _binary(op: Op, otherwise: Callable) -> Callable:
    ufunc = op.forward
    keeps_type = op.result != "bool" and op.differentiable
    slots = op.needed.slots if keeps_type else ()
    saves_out = "out" in slots
    has_input, has_other = "input" in slots, "other" in slots
    # Which inputs to save, by whether the first and the second need a cotangent.
    saves = {(a, b): tuple(n in op.saves((a, b)) for n in op.inputs) for a in (True, False) for b in (True, False)} if slots else {}
    both, first, second = (saves.get(key, (False, False)) for key in ((True, True), (True, False), (False, True)))
    constants32, constants64 = _constants[float32], _constants[float64]
    takes_numbers = op.numbers != "none"
    integers = op.result == "same" and "i" in op.accepts
    truths = not op.differentiable and "b" in op.accepts

    def function(input: Any, other: Any) -> Any:
        if not state.active and type(input) in plain_types:
            array = input._array
            dtype = array.dtype
            if keeps_type and (dtype is float32 or dtype is float64):
                kind = type(other)
                if kind in plain_types:
                    operand = other._array
                    if operand.dtype is not dtype:
                        return otherwise(op, (input, other), {})
                elif takes_numbers and (kind is float or kind is int):
                    value = other
                    other = (constants32 if dtype is float32 else constants64).get(value)
                    if other is None:
                        other = constant(value, dtype)
                    operand = other._array
                else:
                    return otherwise(op, (input, other), {})
                try:
                    result = ufunc(array, operand)
                except ValueError as error:
                    raise broadcast_error(array.shape, operand.shape) or error from None
                if type(result) is not ndarray:
                    result = array_of_scalar(result)
                tensor = new(Tensor)
                tensor._array = result
                tensor._base = None
                made_by, made_other_by = input._node, other._node
                if (made_by is None and made_other_by is None) or (state.silent and not thread.grad_enabled):
                    tensor._node = None
                    return tensor
                node = op.node_class()
                node._order = next_order()
                node.edges = (input if made_by is LEAF else made_by, other if made_other_by is LEAF else made_other_by)
                shape = array.shape
                if shape == operand.shape or (made_other_by is None and shape == result.shape):
                    node.spaces = None
                else:
                    node.spaces = ((shape, dtype), (operand.shape, dtype))
                if slots:
                    keep = first if made_other_by is None else second if made_by is None else both
                    if has_input:
                        node.input = input if keep[0] else None
                    if has_other:
                        node.other = other if keep[1] else None
                    if saves_out:
                        node.out = result
                tensor._node = node
                return tensor
            if (dtype is int64 and integers) or (truths and dtype is boolean):
                operand = other._array if type(other) in plain_types else other
                if getattr(operand, "dtype", None) is dtype or (type(other) is int and dtype is int64 and takes_numbers):
                    try:
                        result = ufunc(array, operand)
                    except ValueError as error:
                        raise broadcast_error(array.shape, operand.shape) or error from None
                    return wrap(result if type(result) is ndarray else array_of_scalar(result))
        return otherwise(op, (input, other), {})

    return function


def _alike(op: Op) -> Callable:
    """The path of a pointwise op with more than two inputs: quick for tensors of one floating-point type, and numbers.

    `op.arguments` only looks at types, and is left out where these are equal.
    """
    quick, count = several(op), len(op.inputs)

    def function(*args: Any, **kwargs: Any) -> Any:
        if args and not state.active and type(args[0]) in plain_types:
            dtype = args[0]._array.dtype
            if dtype is float32 or dtype is float64:
                given = [beside(value, args[0]) for value in args]
                if all([one is None or (type(one) in plain_types and one._array.dtype is dtype) for one in given[:count]]):
                    return quick(*given, **kwargs)
        return careful(op, args, kwargs)

    return function


def _comparison(op: Op, otherwise: Callable) -> Callable:
    ufunc = op.forward
    takes_numbers = op.numbers != "none"

    def function(input: Any, other: Any) -> Any:
        if not state.active and type(input) in plain_types:
            array = input._array
            dtype = array.dtype
            kind = type(other)
            operand: Any = None
            if kind in plain_types:
                if other._array.dtype is dtype and (dtype is float32 or dtype is float64 or dtype is int64):
                    operand = other._array
            elif takes_numbers and (
                (kind is float or kind is int) and (dtype is float32 or dtype is float64) or (kind is int and dtype is int64)
            ):
                operand = other
            if operand is not None:
                try:
                    result = ufunc(array, operand)
                except ValueError as error:
                    raise broadcast_error(array.shape, operand.shape) or error from None
                return wrap(result if type(result) is ndarray else array_of_scalar(result))
        elif type(input) is ndarray and not isinstance(other, Tensor):
            return ufunc(input, other)  # a derivative rule at work
        return otherwise(op, (input, other), {})

    return function


def _careful_only(op: Op) -> Callable:
    def function(*args: Any, **kwargs: Any) -> Any:
        return careful(op, args, kwargs)

    return function


# --- all other kinds --------------------------------------------------------------------------------------------------------------


def _declare(kind: str, rules: tuple, declared: dict) -> Callable:
    def decorate(forward: Callable) -> Callable:
        fast = declared.pop("fast", None)  # builds the public function of an op that has a path of its own
        op = Op(declared.pop("name", forward.__name__), forward, kind, rules, **declared)
        if fast is not None:
            return publish(op, fast(op))
        if op.inputs == ("input",) and op.differentiable and op.composite is None and op.returns is None and not op.takes_list:
            return publish(op, _single(op))
        if op.takes_list or op.variadic is not None or op.arguments is not None:
            return publish(op, _careful_only(op))
        return publish(op, several(op))

    return decorate


def linear(transpose: Callable | tuple | None = None, **declared: Any) -> Callable:
    """Decorates the forward of an op that is linear in its first input; `transpose(g, ...)` is its transpose."""
    return _declare("linear", transpose if isinstance(transpose, tuple) else (transpose,), declared)


def bilinear(*transposes: Callable, **declared: Any) -> Callable:
    """Decorates the forward of an op that is linear in each of its inputs; one transpose per input.

    With `addend` the third input, None or a bias, is added: `addend(tangent, out)` gives its part of the tangent of the output.
    """
    return _declare("bilinear", transposes, declared)


def general(*vjps: Callable | None, **declared: Any) -> Callable:
    """Decorates any other forward; `vjp(g, ...)` per input gives its cotangent (or `joint=`, all of them at once)."""
    return _declare("general", vjps, declared)


def fused(composite: Callable, joint: Callable, **declared: Any) -> Callable:
    """Decorates fast array code that returns `(result, residuals)`.

    `composite` is the same function written in other ops, with the same signature: the truth, and what higher orders use.
    `joint(g, residuals, needs, ...)` gives the cotangents of all inputs.
    """
    return _declare("fused", (), {**declared, "composite": composite, "joint": joint})


def composite(**declared: Any) -> Callable:
    """Decorates a function written in other ops, for Tensors (and, in rules, arrays): everything follows from those.

    It is entered in the registry for its method, its in-place form, `out=` and the systematic tests.
    """

    def decorate(function: Callable) -> Callable:
        takes_out = declared.pop("out", False)
        op = Op(declared.pop("name", function.__name__), function, "composite", **declared)
        op.function = overridable(lenient(op, takes_out) if takes_out or "dim" in parameter_names(function) else function)
        registry[op.name] = op
        return op.function

    return decorate


def lenient(op: Op, takes_out: bool) -> Callable:
    """A composite that also takes NumPy's spellings (`axis`, `keepdims`), and `out=` where it is declared to."""
    plain = op.forward

    @functools.wraps(plain)
    def function(*args: Any, **kwargs: Any) -> Any:
        if not kwargs:
            return plain(*args)
        out = kwargs.pop("out", None) if takes_out else None
        args, kwargs = spelled(op, args, kwargs)
        result = plain(*args, **kwargs)
        if out is None:
            return result
        from .writing import write_out

        return write_out(op, out, result, args)

    function.op = op  # type: ignore[attr-defined]
    return function


def constant_op(**declared: Any) -> Callable:
    """Decorates the forward of an op through which no gradient flows (comparisons, indices)."""
    return _declare("constant", (), {**declared, "differentiable": False})


def _single(op: Op) -> Callable:
    forward = op.forward
    slots = op.needed.slots
    saves_input, saves_out, saves_shape = "input" in slots, "out" in slots, "shapes" in slots
    saves_type, saves_arguments, views = "dtypes" in slots, "args" in slots, op.view
    code = forward.__code__
    plain_keywords = frozenset(code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount])

    def function(input: Any, *args: Any, **kwargs: Any) -> Any:
        if state.active or type(input) not in plain_types or (kwargs and not kwargs.keys() <= plain_keywords):
            if type(input) is ndarray or isinstance(input, generic):
                return forward(input, *args, **kwargs)  # a derivative rule at work
            return careful(op, (input, *args), kwargs)
        array = input._array
        try:
            result = forward(array, *args, **kwargs)
        except ValueError as error:
            raise shape_error(op, [array], error) from None
        kind = type(result)
        if kind is not ndarray:
            if not isinstance(result, generic):
                return careful(op, (input, *args), kwargs)
            result = array_of_scalar(result)
        tensor = new(Tensor)
        tensor._array = result
        tensor._base = None
        made_by = input._node
        if made_by is None or result.dtype.kind not in "fcV" or (state.silent and not thread.grad_enabled):
            tensor._node = None
        else:
            dtype = array.dtype
            node = op.node_class()
            node._order = next_order()
            node.edges = (input if made_by is LEAF else made_by,)
            node.spaces = None if result.dtype == dtype else ((array.shape, dtype),)
            if saves_input:
                node.input = input
            if saves_out:
                node.out = result
            if saves_shape:
                node.shapes = (array.shape,)
            if saves_type:
                node.dtypes = (dtype,)
            if saves_arguments:
                node.args, node.kwargs = (None, *args), kwargs
            tensor._node = node
        if views and state.silent:
            mark_view([tensor], input)
        elif views:  # as mark_view, for the usual case: nothing that it looks for is on, since no history was rewritten
            memory = result.base
            if memory is not None and (memory is array or memory is array.base):
                base = input._base
                if base is None:
                    tensor._base = input
                    if not input._viewed:
                        input._viewed = True
                else:
                    tensor._base = base
                    if "_made" in input.__dict__:
                        tensor._made = input._made
        return tensor

    return function
