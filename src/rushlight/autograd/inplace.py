"""In-place changes: every op's `name_` form, `out=`, and indexed assignment end here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import dtypes
from ..arrays.memory import coincide, overlaps_itself, resized, share_elements
from ..dtypes import type_word
from ..ops.kinds import beside, float32, float64
from ..overridable import overriding
from ..tensor import Tensor, plain_types, wrap
from ..warning import warn
from .graph import FREED, LEAF, Node, next_order, retain, version_cell
from .modes import state, thread
from .views import check_view_writable, outdate_views, rebase, refresh

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..ops.op import Op


def inplace_form(op: Op) -> Callable:
    """The method `name_` of an op: the op's result replaces the tensor's elements, its history the tensor's."""

    def function(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        return change(self, op, args, kwargs)

    function.__name__ = function.__qualname__ = f"{op.name}_"
    function.__doc__ = f"In-place form of `{op.name}`."
    return function


def change(target: Tensor, op: Op, args: tuple, kwargs: dict) -> Tensor:
    """Computes `op(target, ...)` and writes it into `target`."""
    if not isinstance(target, Tensor):
        if overriding((target,), {}):
            from ..overrides import call_overrides

            return call_overrides(getattr(Tensor, f"{op.name}_"), (target, *args), kwargs)
        raise TypeError(f"{op.name}_(): argument 'self' must be Tensor, not {type(target).__name__}")
    if not state.active and type(target) in plain_types and written_directly(target, op, args, kwargs):
        return target
    check_writable(target)
    check_memory(op, target._array, (*args, *kwargs.values()))
    if thread.functions or overriding((target, *args), kwargs):
        from ..overrides import call_overrides

        return call_overrides(getattr(Tensor, f"{op.name}_"), (target, *args), kwargs)
    source = wrap(target._array)
    source._node = None if target._node is LEAF else target._node  # a leaf is only reached where nothing is recorded
    if thread.forward_levels:
        from .tangents import open_tangents

        source._tangents = open_tangents(target)
    if thread.grad_enabled and (op.kind == "composite" or op.inputs[0] in op.needed.slots) and records(source, args, kwargs):
        source._array = target._array.copy()  # a rule may need what was there before, and how it moved
        source._tangents = source._tangents and {level: tangent.clone() for level, tangent in source._tangents.items()}
    if callable(op.inplace) and source._array is target._array and not thread.batch_levels and not thread.saved_hooks:
        from ..ops.dispatch import careful

        result = careful(op, (source, *args), kwargs, op.inplace)
    else:
        result = op.function(source, *args, **kwargs)
    if result._array.shape != target._array.shape:
        raise RuntimeError(
            f"output with shape {list(target._array.shape)} doesn't match the broadcast shape {list(result._array.shape)}"
        )
    return assign(target, result, op.name)


def records(source: Tensor, args: tuple, kwargs: dict) -> bool:
    """Whether an operation on these has gradients flowing through it."""
    given = (source, *args, *kwargs.values())
    return any(isinstance(one, Tensor) and one._node is not None for one in given)


def written_directly(target: Tensor, op: Op, args: tuple, kwargs: dict) -> bool:
    """Computes right into the memory of a plain tensor, where there is nothing to record, to watch or to convert, and says whether
    that was so.
    """
    array, base, into = target._array, target._base, op.into
    if into is None or target._inference or not array.flags.carray:
        return False
    recording = not state.silent or thread.grad_enabled
    if recording and (target._node is not None or (base is not None and base._node is not None)):
        return False
    dtype, pointwise = array.dtype, op.kind == "pointwise"
    if pointwise and dtype is not float32 and dtype is not float64:
        return False
    for value in (*args, *kwargs.values()) if kwargs else args:
        if isinstance(value, Tensor) and (may_share(array, value._array) or (value._array is array and not pointwise)):
            return False
    if kwargs:
        if op.arguments is not None:
            (_, *args), kwargs = op.arguments((target, *args), kwargs)  # type: ignore[assignment]
        options = (*op.signature.positional[len(op.inputs) :], *op.signature.keywords)
        if not pointwise or not all(type(value) in (float, int) and name in options for name, value in kwargs.items()):
            return False
    operands = []
    for value in args:
        if pointwise and type(value) not in plain_types and op.numbers != "none":
            value = beside(value, target)
        if type(value) in plain_types:
            if recording and value._node is not None:
                return False
            value = value._array
            if pointwise and value.dtype is not dtype:
                return False
        elif pointwise or isinstance(value, Tensor):
            return False
        operands.append(value)
    try:
        into(array, *operands, **kwargs)
    except ValueError:
        return False  # the careful way says why
    version_cell(target).bump(3)
    return True


def may_share(array: Any, other: Any) -> bool:
    """Whether two arrays that are not the same may have memory in common."""
    return other is not array and (array.base is not None or other.base is not None) and bool(np.may_share_memory(array, other))


def check_writable(target: Tensor) -> None:
    """Raises where an in-place change of this tensor is forbidden."""
    if thread.mutation is not None:
        thread.mutation.before_change(target)
    if target._base is not None:
        refresh(target)
    if thread.grad_enabled:
        if target._base is not None and (target._node is not None or target._base._node is not None):
            check_view_writable(target)
        elif target._node is LEAF:
            raise RuntimeError("a leaf Variable that requires grad is being used in an in-place operation.")
    check_inference(target)


# Ops that write elements one by one and may come to one several times: in place also where elements share memory.
REPEATING = frozenset((
    "zero", "fill_number", "fill_number_", "masked_fill", "index_fill_number", "index_fill_tensor", "index_put",
))  # fmt: skip
# Ops that place elements of a tensor that may not lie in the one they change.
PLACING = frozenset(("addr", "index_add", "index_copy", "index_put", "put", "reduce_at", "scatter_add", "scatter_src"))


def check_memory(op: Op, array: Any, given: Any = ()) -> None:
    """Raises RuntimeError where an op may not write into an array, because of elements that share memory: with each other, or
    with those of the tensors given that it would read later.
    """
    if op.name not in REPEATING:
        check_alone(array)
    elif overlaps_itself(array):
        warn_of_expanded(op)
    pointwise = op.kind == "pointwise" or op.name == "copy"
    if pointwise or op.name in PLACING:
        for value in given:
            if isinstance(value, Tensor) and shares_elements(array, value._array, pointwise):
                raise RuntimeError(
                    "unsupported operation: some elements of the input tensor and the written-to tensor refer to a single memory "
                    "location. Please clone() the tensor before performing the operation."
                )


def check_alone(array: Any) -> None:
    """Raises RuntimeError for an array of which several elements share memory."""
    if overlaps_itself(array):
        raise RuntimeError(
            "unsupported operation: more than one element of the written-to tensor refers to a single memory location. "
            "Please clone() the tensor before performing the operation."
        )


def shares_elements(array: Any, other: Any, unless_same: bool) -> bool:
    """Whether two arrays have elements in common; with `unless_same`, in other places."""
    if not thread.batch_levels and share_elements(array, other):
        return not (unless_same and coincide(array, other))
    return False


def warn_of_expanded(op: Op) -> None:
    """PyTorch's warnings for ops that write into expanded tensors all the same."""
    name = op.name.removesuffix("_number").removesuffix("_tensor")
    if name in ("index_fill", "index_put", "masked_fill"):
        example = "tensor[indices] = tensor" if name == "index_put" else "tensor[mask] = scalar"
        warn(
            f"Use of {name}_ on expanded tensors is deprecated. Please clone() the tensor before performing this operation. This "
            f"also applies to advanced indexing e.g. {example}"
        )


def check_inference(target: Tensor) -> None:
    """Raises RuntimeError for a tensor of inference mode that is to be changed outside that mode."""
    if target._inference and not thread.inference:
        raise RuntimeError(
            "Inplace update to inference tensor outside InferenceMode is not allowed. You can make a clone to get a normal tensor "
            "before doing inplace update. See https://github.com/pytorch/rfcs/pull/17 for more details."
        )


class Replaced(Node):
    """An in-place change to values through which no gradient flows: to what was there before it is zero."""

    __slots__ = ()

    def __init__(self, edge: Any) -> None:
        self._order = next_order()
        self.edges = (edge,)
        self.spaces = None

    def vjp(self, g: Any, keep: bool) -> tuple:
        from ..ops.filling import zeros_for

        return (zeros_for(g),)

    vjp_recorded = vjp


def replaced(edge: Any, name: str) -> Replaced:
    """The node of an op without derivative, called `name`, that changed what `edge` made."""
    from ..ops.op import default_node_name, renamed

    node = Replaced(edge)
    renamed(node, default_node_name(name)[:-1] + REPLACEMENTS.get(name, "0"))
    return node


# Ops whose in-place form makes a node that PyTorch numbers apart: EluBackward1.
RENUMBERED = frozenset(("acosh", "celu", "conj_physical", "elu", "leaky_relu", "rrelu_with_noise", "threshold"))


def renumber(node: Any) -> None:
    """Gives a node the name of the in-place form of its op."""
    from ..ops.op import renamed

    renamed(node, node.name()[:-1] + "1")


# The numbers in PyTorch's names of such nodes, where it is not 0: EqBackward1.
REPLACEMENTS = {name: "1" for name in ("eq", "ne", "lt", "le", "gt", "ge")} | {"random_": "2", "bernoulli_": "2"}


def assign(target: Tensor, result: Tensor, name: str) -> Tensor:
    """Writes a result of the target's shape into it, and gives it the result's history, or one in which the op `name` ended it."""
    node, base = result._node, target._base
    if base is not None and thread.grad_enabled and (node is not None or base._node is not None):
        check_view_writable(target)
    write(target, result._array)
    if node is not None and node is not LEAF and result._array.dtype != target._array.dtype:
        from ..ops.casting import to_dtype

        node = to_dtype(result, target.dtype)._node
    cell = version_cell(target)
    cell.bump()
    if node is None and thread.grad_enabled and target._node is not None:
        node = replaced(target._node, name)
    elif node is not None:
        if name in RENUMBERED:
            renumber(node)
        adopt(node, result._array, target, cell)
    if thread.forward_levels:
        from .tangents import assign_tangents

        assign_tangents(target, result)
    take_history(target, node)
    return target


def take_history(target: Tensor, node: Any, place: int = 0) -> None:
    """Gives a tensor that was changed in place the history that ends at `node`, whose input number `place` it was."""
    before = target._node
    if target._base is not None and (node is not None or target._base._node is not None):
        if thread.grad_enabled:
            refresh(target, rebase(target, node, place))
    elif thread.grad_enabled:
        target._node = node
        if target._viewed and node is not None:
            outdate_views(target)
    if target._retains:
        retain(target, before)


def adopt(node: Any, result: Any, target: Tensor, cell: Any) -> None:
    """Lets a node that saved its result look at the target's memory, which now holds it."""
    if getattr(node, "out", FREED) is result and result.dtype == target._array.dtype:
        node.out = target._array
        node.out_order = next_order()
    node.out_cell = cell


def write(target: Tensor, values: Any) -> None:
    """Copies values into a tensor's memory. Raises RuntimeError where their type cannot be cast."""
    array = target._array
    if values is array:
        return  # the op wrote there by itself
    if values.dtype != array.dtype:
        kind, wanted = dtypes.of(values), target.dtype
        if not dtypes.can_cast(kind, wanted):
            raise RuntimeError(f"result type {type_word(kind)} can't be cast to the desired output type {type_word(wanted)}")
    if not array.flags.writeable:
        raise RuntimeError("this tensor's memory cannot be written to (it came from a read-only array): use a clone()")
    np.copyto(array, values, casting="unsafe")


def overwrite(target: Tensor, values: Any) -> None:
    """Fills a tensor given as `out=`, resizing it where it has another shape."""
    if thread.grad_enabled and target._node is not None:
        raise RuntimeError(
            "functions with out=... arguments don't support automatic differentiation, but one of the arguments requires grad."
        )
    check_inference(target)
    if thread.mutation is not None:
        thread.mutation.before_change(target)
    if target._array.shape != values.shape:
        if target._array.size:
            warn(
                f"An output with one or more elements was resized since it had shape {list(target._array.shape)}, which does not "
                f"match the required output shape {list(values.shape)}. This behavior is deprecated, and in a future PyTorch "
                "release outputs will not be resized unless they have zero elements. You can explicitly reuse an out tensor t by "
                "resizing it, inplace, to zero elements with t.resize_(0)."
            )
        target._array = resized(target._array, values.shape)
    np.copyto(target._array, values, casting="unsafe")
    version_cell(target).bump()
