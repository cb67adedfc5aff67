"""The careful path of every op: any kind of argument, any mode, any promotion. The fast paths in `kinds` are its common case."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from .. import dtypes
from ..arrays.basic import as_array, is_array
from ..arrays.promotion import NUMBERS, common_dtype, operand
from ..autograd.graph import OutputStub, Untracked, edge_of, next_order
from ..autograd.modes import state, thread
from ..autograd.projection import batched_spaces, spaces_from
from ..dtypes import type_word
from ..overridable import overriding
from ..tensor import Tensor, new, refresh_view, wrap
from .op import ALIASES, MISSING, PLACES, Op, differentiated


def careful(op: Op, args: tuple, kwargs: dict, function: Any = None) -> Any:
    """Runs an op on whatever it was given, with `function` in place of its forward if there is one."""
    if (thread.transforms or thread.forward_levels) and function is None and not (
        thread.guarded or thread.anomaly or thread.selecting is not None
    ):
        result = op.within(op, args, kwargs)
        if result is not NotImplemented:
            return result
    if thread.functions or overriding(args, kwargs):
        from ..overrides import call_overrides

        return call_overrides(*((op.function, args, kwargs) if op.public is None else op.public(args, kwargs)))
    out = kwargs.pop("out", None) if "out" in kwargs else None
    args, kwargs = spelled(op, args, kwargs)
    if op.arguments is not None:
        args, kwargs = op.arguments(args, kwargs)
    values, options = op.bind(*args, **kwargs)
    given = gather(op, values)
    if not any(isinstance(value, Tensor) for value in given):
        if given and not any(is_array(value) for value in given):
            raise argument_error(op, given)
        return op.forward(*values, **options)  # raw arrays: a derivative rule calls
    if out is None:
        return run(op, values, options, given, function or op.forward)
    from .writing import check_gradients, write_out

    check_gradients(op, out, given)
    return write_out(op, out, run(op, values, options, given, function or op.forward), given)


def spelled(op: Op, args: tuple, kwargs: dict) -> tuple[tuple, dict]:
    """Arguments with other spellings, such as NumPy's (`axis`, `keepdims`), turned into those of the op."""
    if not kwargs:
        return args, kwargs
    code = getattr(op.forward, "__code__", None)
    known = op.inputs if code is None else code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    if op.variadic is not None and op.variadic in kwargs:
        # permute(x, dims=(1, 0)): the tuple takes the place of the trailing arguments
        if kwargs.keys() & set(op.inputs):
            args = (*args, *(kwargs[name] for name in op.inputs if name in kwargs))
        rest = kwargs[op.variadic]
        kwargs = {key: value for key, value in kwargs.items() if key != op.variadic and key not in op.inputs}
        return (*args, *(rest if isinstance(rest, (tuple, list)) else (rest,))), kwargs
    if op.arguments is not None:
        return args, kwargs
    return args, {known_name(known, key): value for key, value in kwargs.items()}


def known_name(known: tuple[str, ...], name: str) -> str:
    """The op's own name for what a keyword names."""
    if name in known:
        return name
    place = PLACES.get(name, len(known))
    return known[place] if place < len(known) else ALIASES.get(name, name)


def gather(op: Op, values: list) -> list:
    """The values of an op's tensor inputs; of an op on a list, the tensors of the list."""
    if op.takes_list:
        first = values[0]
        if not isinstance(first, (tuple, list)):
            raise TypeError(
                f"{op.name}(): argument '{op.inputs[0]}' (position 1) must be tuple of Tensors, not {type(first).__name__}"
            )
        for index, one in enumerate(first):
            if one is None:
                raise argument_error(op, list(first), index)
        return [*first, *(values[position] for position in op.positions[1:])]
    return [values[position] for position in op.positions]


def argument_error(op: Op, given: list, index: int = 0) -> TypeError:
    """The error for a call in which an input that has to be a Tensor is not one."""
    if op.takes_list and index < len(given):
        return TypeError(f"expected Tensor as element {index} in argument 0, but got {type(given[index]).__name__}")
    name = op.inputs[min(index, len(op.inputs) - 1)]
    if given and given[index] is MISSING:
        return TypeError(f"{op.name.rpartition('.')[2]}() missing 1 required positional argument: '{name}'")
    found = type(given[index]).__name__ if given else "nothing"
    return TypeError(f"{op.name.rpartition('.')[2]}(): argument '{name}' (position {index + 1}) must be Tensor, not {found}")


def run(op: Op, values: list, options: dict, given: list, function: Any) -> Any:
    """Computes on the arrays of the tensors given, wraps the result, and records the operation where gradients flow."""
    pointwise = op.kind == "pointwise"
    arrays: list[Any] = []
    for index, value in enumerate(given):
        if isinstance(value, Tensor):
            if value._base is not None:
                refresh_view(value)
            arrays.append(value._array)
        else:
            arrays.append(no_tensor(op, given, index, pointwise))
    operands = promote(op, arrays) if pointwise else arrays
    try:
        if thread.batch_levels or state.batched_nodes:
            from .batching import forward_batched

            result = forward_batched(op, function, values, options, operands)
        elif thread.selecting is not None:
            result = thread.selecting.compute(op, lambda: forward(op, values, options, operands, function), values, options)
        else:
            result = forward(op, values, options, operands, function)
    except ValueError as error:
        raise shape_error(op, operands, error) from None
    return finish(op, values, options, given, operands, arrays, result)


def no_tensor(op: Op, given: list, index: int, pointwise: bool) -> Any:
    """An input that is no Tensor, as the forward takes it: an array, a number, None. Raises TypeError for anything else."""
    value = given[index]
    numbers = (pointwise or op.broadcasts) and (op.numbers == "both" or (index > 0 and op.numbers == "second"))
    if numbers and isinstance(value, np.generic):
        return value.item()  # NumPy's scalars count as Python numbers
    if is_array(value):
        return as_array(value)
    if (value is None and (not pointwise or op.is_optional(op.inputs[index]))) or (numbers and isinstance(value, NUMBERS)):
        return value
    raise argument_error(op, given, index)


def forward(op: Op, values: list, options: dict, arrays: list, function: Any) -> Any:
    """The op's forward (or its like) with arrays in the places of tensors."""
    values = list(values)
    if op.takes_list:
        extra = len(op.positions) - 1
        values[0] = arrays[: len(arrays) - extra]
        arrays = [None, *arrays[len(arrays) - extra :]]
        for position, array in zip(op.positions[1:], arrays[1:], strict=True):
            values[position] = array
    else:
        for position, array in zip(op.positions, arrays, strict=True):
            values[position] = array
    return function(*values, **options)


def promote(op: Op, arrays: list) -> list:
    """Operands of a pointwise op in their common type."""
    if "f" in op.accepts:
        known = alike(arrays)
        if known is not None:
            return known
    kind = common_dtype([array for array in arrays if array is not None])
    letter = "bifc"[kind.category]
    if letter not in op.accepts:
        name = op.name.rpartition(".")[2]
        usual = NotImplementedError, f'"{name}_cpu" not implemented for {type_word(kind)!r}'
        error, message = op.refusals.get(letter, usual)
        raise error(message)
    if kind.category < dtypes.FLOATING and op.result == "float":
        kind = dtypes.get_default_dtype()
    elif kind is dtypes.bool and op.result == "number":
        kind = dtypes.int64
    return [None if array is None else operand(array, kind) for array in arrays]


def alike(arrays: list) -> list | None:
    """The operands, where all are real numbers or arrays of one floating-point type: the usual case. None otherwise."""
    kind: Any = None
    for array in arrays:
        if type(array) is not float and type(array) is not int:
            found = getattr(array, "dtype", None)
            if found is not kind:
                if kind is not None or (found is not FLOAT32 and found is not FLOAT64):
                    return None
                kind = found
    if kind is None:
        return None
    return [np.array(one, kind) if type(one) is float or type(one) is int else one for one in arrays]


FLOAT32, FLOAT64 = np.dtype("float32"), np.dtype("float64")


def value_error(message: str) -> ValueError:
    """The error for a forward to raise where PyTorch's is a ValueError: NumPy's own ValueErrors are translated."""
    error = ValueError(message)
    error.deliberate = True  # type: ignore[attr-defined]
    return error


def shape_error(op: Op, arrays: list, error: ValueError) -> Exception:
    """PyTorch's wording for operands that cannot be broadcast, and for dimensions that are not there; else a RuntimeError."""
    if getattr(error, "deliberate", False):
        return error
    if isinstance(error, IndexError) and hasattr(error, "axis"):  # NumPy's AxisError
        limit = max(error.ndim, 1)
        return IndexError(f"Dimension out of range (expected to be in range of [{-limit}, {limit - 1}], but got {error.axis})")
    shapes = [array.shape for array in arrays if hasattr(array, "shape")]
    if "broadcast" in str(error):
        for pair in itertools.combinations(shapes, 2):
            misfit = broadcast_error(*pair)
            if misfit is not None:
                return misfit
    return RuntimeError(f"{op.name}(): {error}")


def broadcast_error(first: tuple, second: tuple) -> RuntimeError | None:
    """The error for two shapes that do not fit each other, None when they do."""
    rank = max(len(first), len(second))
    for dim in range(rank - 1, -1, -1):
        a = first[dim - rank + len(first)] if dim - rank + len(first) >= 0 else 1
        b = second[dim - rank + len(second)] if dim - rank + len(second) >= 0 else 1
        if a != b and a != 1 and b != 1:
            return RuntimeError(
                f"The size of tensor a ({a}) must match the size of tensor b ({b}) at non-singleton dimension {dim}"
            )
    return None


def finish(op: Op, values: list, options: dict, given: list, operands: list, arrays: list, result: Any) -> Any:
    """Wraps what forward returned, and records the operation where gradients flow."""
    residuals = None
    if op.composite is not None:
        result, residuals = result
    several = isinstance(result, (tuple, list))
    outputs = [wrap(as_array(one)) if one is not None else None for one in result] if several else [wrap(as_array(result))]
    if op.differentiable and thread.grad_enabled and not thread.inference:
        edges = [edge_of(value) if isinstance(value, Tensor) else None for value in differentiable(op, given)]
        check_constant_inputs(op, given, len(edges))
        if any(edge is not None for edge in edges):
            record(op, edges, values, options, given, operands, arrays, outputs, residuals, several)
    if op.view:
        mark_view(outputs, given[0])
    if thread.forward_levels:
        from ..autograd.forward_ad import push_forward

        push_forward(op, values, options, given, outputs)
    if thread.inference or (op.view and isinstance(given[0], Tensor) and given[0]._inference):
        mark_inference(given[0] if op.view and given else None, outputs)
    if not several:
        return outputs[0]
    return op.returns(*outputs) if op.returns is not None else tuple(outputs)


def mark_inference(source: Any, outputs: list) -> None:
    """Marks outputs as inference tensors; views of `source` are what it is."""
    for output in outputs:
        if output is not None:
            mark = source._inference if source is not None and shares(output._array, source._array) else thread.inference_mark
            if mark:
                output._inference = mark


def check_constant_inputs(op: Op, given: list, count: int) -> None:
    """Raises RuntimeError when an input beyond the first `count`, which have rules, requires grad."""
    for number in range(count, len(given)):
        if isinstance(given[number], Tensor) and given[number]._node is not None:
            raise RuntimeError(
                f"The function '{op.name}' is not differentiable with respect to argument '{op.inputs[number]}'. This input "
                "cannot have requires_grad True."
            )


def differentiable(op: Op, given: list) -> list:
    """The inputs that have a rule, in order."""
    return given[: op.leading] if op.takes_list else given[: len(differentiated(op))]


def record(
    op: Op, edges: list, values: list, options: dict, given: list, operands: list, arrays: list, outputs: list,
    residuals: Any, several: bool,
) -> None:  # fmt: skip
    """Makes the node of an operation, and gives it to the outputs."""
    floating = [output is not None and output._array.dtype.kind in "fcV" for output in outputs]
    if not any(floating):
        return
    complex_numbers = any(getattr(array, "dtype", None) in COMPLEX for array in operands)
    node = new(op.complex_node_class if complex_numbers else op.node_class)
    node._order = next_order()
    node.edges = tuple(edges)
    if (thread.batch_levels or state.batched_nodes) and not batched_alike(edges, arrays, outputs[0]._array):
        node.spaces = batched_spaces(edges, arrays)
    else:
        node.spaces = spaces_of(op, operands, arrays, edges, outputs)
    save(op, node, edges, given, operands, outputs, residuals, several)
    if "args" in op.needed.slots:
        node.args, node.kwargs = without_arrays(op, values), options
    if several and sum(floating) > 1:
        node._outputs = tuple((o._array.shape, o._array.dtype) if f else None for o, f in zip(outputs, floating, strict=True))
        for i, (output, is_floating) in enumerate(zip(outputs, floating, strict=True)):
            if is_floating:
                output._node = OutputStub(node, i)
    else:
        outputs[floating.index(True)]._node = node
        if several and "out" in op.needed.slots:
            node.constants = tuple(output for output, f in zip(outputs, floating, strict=True) if output is not None and not f)
    if thread.anomaly:
        from ..autograd.anomaly_mode import remember

        remember(node)
    if thread.saved_hooks:
        from ..autograd.saved import pack_saved

        pack_saved(node, given, outputs, thread.saved_hooks[-1])


def save(
    op: Op, node: Any, edges: list, given: list, operands: list, outputs: list, residuals: Any, several: bool
) -> None:
    """Fills a node's slots with what the rules name."""
    saved = op.saves(tuple(edge is not None for edge in edges))
    for slot in op.needed.slots:
        if slot in op.inputs:
            value: Any = None
            if slot in saved:
                if op.takes_list and slot == op.inputs[0]:
                    value = tuple(given)
                else:
                    index = op.inputs.index(slot)
                    value = saved_form(given[index], operands[index])
                    refuse_inference(value if isinstance(value, tuple) else (value,))
            setattr(node, slot, value)
        elif slot == "out":
            node.out = tuple(o if o is None else o._array for o in outputs) if several else outputs[0]._array
        elif slot == "shapes":
            node.shapes = tuple(getattr(array, "shape", None) for array in operands)
        elif slot == "dtypes":
            node.dtypes = tuple(getattr(array, "dtype", None) for array in operands)
        elif slot == "residuals":
            node.residuals = residuals


def refuse_inference(tensors: tuple) -> None:
    """Raises RuntimeError when a tensor to be saved for backward was made in inference mode."""
    if any(isinstance(tensor, Tensor) and tensor._inference for tensor in tensors):
        raise RuntimeError(
            "Inference tensors cannot be saved for backward. Please do not use Tensors created in inference mode in computation "
            "tracked by autograd. To work around this, you can make a clone to get a normal tensor and use it in autograd, or use "
            "`torch.no_grad()` instead of `torch.inference_mode()`."
        )


def saved_form(value: Any, operand: Any) -> Any:
    """An input as it is saved: the tensor itself, or what became of it by promotion."""
    if value is None:
        return None
    if isinstance(value, Tensor):
        if value._array is operand:
            return value
        if value._node is None:
            return wrap(operand)
        from .casting import to_dtype  # with its history: a higher order differentiates through the conversion

        return to_dtype(value, dtypes.of(operand))
    return wrap(operand)


def without_arrays(op: Op, values: list) -> tuple:
    """The arguments of a call but for its tensors."""
    kept = list(values)
    for position in op.positions:
        kept[position] = None
    return tuple(kept)


COMPLEX = frozenset((np.dtype("complex64"), np.dtype("complex128")))


def spaces_of(op: Op, operands: list, arrays: list, edges: list, outputs: list) -> tuple | None:
    """The inputs' shapes and types, when a cotangent may come in another shape or type; otherwise None."""
    shape, kind = outputs[0]._array.shape, outputs[0]._array.dtype
    broadcasts = op.broadcasts or op.kind == "pointwise"
    for edge, array in zip(edges, arrays):  # noqa: B905 - one edge per input that has a rule
        if edge is not None and (array.dtype != kind or (broadcasts and (op.broadcasts or array.shape != shape))):
            return spaces_from(edges, arrays)
    return None


def batched_alike(edges: list, arrays: list, output: Any) -> bool:
    """Whether the inputs that need a cotangent are batched at the levels of the output: then no cotangent has more."""
    from ..arrays.batched import levels_of

    levels = levels_of(output)
    pairs = zip(edges, arrays)  # noqa: B905 - one edge per input that has a rule
    return all([edge is None or levels_of(array) == levels for edge, array in pairs])


def mark_view(outputs: list, source: Any) -> None:
    """Notes on outputs that share the memory of `source` whose views they are."""
    if not isinstance(source, Tensor):
        return
    array = source._array
    base = source if source._base is None else source._base
    for output in outputs:
        if not base._inference and shares(output._array, array):  # inference tensors keep no account of views
            output._base = base
            if not base._viewed:
                base._viewed = True
            if base._stamp:
                output._stamp = base._stamp
            if not thread.grad_enabled or len(outputs) > 1:
                output._made = "inference" if thread.inference else "no_grad" if not thread.grad_enabled else "multiple"
                if output._node is None and base._node is not None and output._array.dtype.kind in "fcV":
                    output._node = Untracked()
            elif source is not base and "_made" in source.__dict__:
                output._made = source._made


def shares(array: Any, source: Any) -> bool:
    """Whether an array is a view of another one's memory."""
    base = getattr(array, "base", None)
    return base is not None and (base is source or base is source.base)

