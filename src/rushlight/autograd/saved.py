"""Saved tensors: hooks that pack what nodes keep for backward, and the attributes by which nodes show it.

A node whose saved tensors are packed gets a class of the same name whose derivative unpacks them, for one run, into a copy of the
node. So nodes without hooks pay nothing, neither when they are made nor when they run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..arrays.basic import is_array
from ..tensor import Tensor, wrap
from .graph import FREED, SECOND_BACKWARD, Node, edge_of, next_order, version_cell
from .modes import no_grad, refresh, thread

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# --- the blocks -------------------------------------------------------------------------------------------------------------------


class saved_tensors_hooks:
    """A block in which each tensor that a node saves is replaced by `pack_hook(tensor)`; `unpack_hook` of that is used in backward.

    The innermost of nested blocks wins. Raises TypeError for hooks that cannot be called, and at use for an unpack hook that
    does not return a Tensor; RuntimeError where hooks are disabled.
    """

    def __init__(self, pack_hook: Callable[[Tensor], Any], unpack_hook: Callable[[Any], Tensor]) -> None:
        self.pack_hook = pack_hook
        self.unpack_hook = unpack_hook

    def __enter__(self) -> None:
        check_hooks(self.pack_hook, self.unpack_hook)
        if thread.saved_hooks_disabled is not None:
            raise RuntimeError(thread.saved_hooks_disabled)
        thread.saved_hooks = (*thread.saved_hooks, (self.pack_hook, self.unpack_hook))
        refresh()

    def __exit__(self, *exception: Any) -> None:
        thread.saved_hooks = thread.saved_hooks[:-1]
        refresh()


def check_hooks(*hooks: Any) -> None:
    """Raises TypeError for a hook that cannot be called."""
    for hook in hooks:
        if not callable(hook):
            raise TypeError(f"incompatible function arguments: a saved tensor hook must be callable, not {type(hook).__name__}")


class save_on_cpu(saved_tensors_hooks):
    """A block in which saved tensors wait for backward in the CPU's memory; they are copied there if `pin_memory`.

    On the CPU, where they are already, this is what PyTorch does without a GPU: nothing, or a copy.
    """

    def __init__(self, pin_memory: bool = False, device_type: str = "cuda") -> None:
        def pack(tensor: Tensor) -> Any:
            return tensor.device, tensor.detach().clone() if pin_memory else tensor.cpu()

        def unpack(packed: Any) -> Tensor:
            device, tensor = packed
            return tensor.to(device)

        super().__init__(pack, unpack)


class disable_saved_tensors_hooks:
    """A block in which hooks on saved tensors raise RuntimeError with the given message; so does entering it within such hooks."""

    def __init__(self, error_message: str) -> None:
        self.message = error_message

    def __enter__(self) -> None:
        if thread.saved_hooks:
            raise RuntimeError(self.message)
        self.previous = thread.saved_hooks_disabled
        thread.saved_hooks_disabled = self.message

    def __exit__(self, *exception: Any) -> None:
        thread.saved_hooks_disabled = self.previous

    def __call__(self, function: Callable) -> Callable:
        import functools

        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            with disable_saved_tensors_hooks(self.message):
                return function(*args, **kwargs)

        return wrapped


# --- packing ----------------------------------------------------------------------------------------------------------------------


class Packed:
    """What the pack hook made of a saved tensor, and the hook that undoes it."""

    __slots__ = ("value", "unpack_hook", "is_array")

    def __init__(self, tensor: Tensor, pack_hook: Callable, unpack_hook: Callable, is_array: bool = False) -> None:
        self.unpack_hook = unpack_hook
        self.is_array = is_array  # the node saved the bare array
        cell = version_cell(tensor)
        before = cell.version
        with no_grad():
            self.value = pack_hook(tensor)
        if cell.version != before:
            raise RuntimeError(
                "A saved tensor pack hook is modifying its input in place. Tensors provided as input to pack hook "
                "cannot be modified "
                "by in-place operations as this can lead to unexpected side-effects. Please open an issue if you need to perform "
                "in-place operations on the input to a pack hook."
            )

    def unpack(self) -> Tensor:
        """The tensor. Raises TypeError when the hook returns anything else."""
        tensor = self.unpack_hook(self.value)
        if not isinstance(tensor, Tensor):
            raise TypeError(
                f"Output of saved tensor unpack_hook expected to be a Tensor but got result of type {type(tensor).__name__}"
            )
        return tensor


def packed(value: Any, hooks: tuple[Callable, Callable], shown: Any = None) -> Any:
    """A saved value with its tensors and arrays packed; `shown` are the tensors to give to the hook for arrays."""
    if isinstance(value, Tensor):
        return Packed(value, *hooks)
    if type(value) in (tuple, list):
        shown = shown if isinstance(shown, (tuple, list)) else [None] * len(value)
        return tuple(packed(one, hooks, tensor) for one, tensor in zip(value, shown, strict=True))
    if is_array(value) and hasattr(value, "__array_priority__"):
        return Packed(wrap(value) if shown is None else shown.detach(), *hooks, is_array=True)
    return value


def unpacked(value: Any) -> Any:
    """A packed value as the node saved it."""
    if type(value) is tuple:
        return tuple(map(unpacked, value))
    if type(value) is not Packed:
        return value
    tensor = value.unpack()
    return tensor._array if value.is_array else tensor


def saved_slots(node: Node) -> tuple[str, ...]:
    """The slots of an op's node that hold tensors or arrays for its derivative."""
    op = node.op
    if op is None:
        return ()
    return tuple(slot for slot in op.needed.slots if slot in op.inputs or slot in ("out", "residuals"))


def pack_saved(node: Node, given: Sequence[Any], outputs: Sequence[Any], hooks: tuple[Callable, Callable]) -> None:
    """Packs what an op's node has just saved; numbers among the operands given are left as they are."""
    op = node.op
    for slot in saved_slots(node):
        value = getattr(node, slot)
        if slot == "out":
            setattr(node, slot, packed(value, hooks, tuple(outputs) if isinstance(value, tuple) else outputs[0]))
        elif slot == "residuals" or op.takes_list or isinstance(given[op.inputs.index(slot)], Tensor):
            setattr(node, slot, packed(value, hooks))
    unpack_when_run(node)


_unpacking: dict[type, type] = {}


def unpack_when_run(node: Node) -> None:
    """Gives a node with packed values the class that unpacks them."""
    kind = type(node)
    if hasattr(kind, "plain") or not saved_slots(node):
        return
    if kind not in _unpacking:
        members = {"__slots__": (), "__module__": kind.__module__, "plain": kind, "vjp": _vjp, "vjp_recorded": _vjp_recorded}
        _unpacking[kind] = type(kind.__name__, (kind,), members)
    node.__class__ = _unpacking[kind]


def _vjp(self: Any, g: Any, keep: bool) -> tuple:
    with no_grad():
        restored = _restored(self, False)
    results = restored.vjp(g, keep)
    if not keep:
        _free(self)
    return results


def _vjp_recorded(self: Any, g: Any, keep: bool) -> tuple:
    results = _restored(self, True).vjp_recorded(g, keep)
    if not keep:
        _free(self)
    return results


def _free(node: Node) -> None:
    for slot in saved_slots(node):
        setattr(node, slot, FREED)


def _restored(node: Any, recorded: bool) -> Any:
    """A copy of a node with its saved tensors unpacked, in their histories where the pass is recorded."""
    copy = object.__new__(node.plain)
    copy.__dict__.update({"original": node, **node.__dict__})
    copy._order, copy.spaces = node._order, node.spaces
    edges = list(node.edges)
    for slot in node.op.needed.slots:
        value = unpacked(getattr(node, slot))
        if recorded and slot in node.op.inputs and value is not FREED:
            value = _with_histories(node, slot, value, edges)
        setattr(copy, slot, value)
    copy.edges = tuple(edges)
    return copy


def _with_histories(node: Node, slot: str, value: Any, edges: list) -> Any:
    """Unpacked inputs with their histories; `edges` learns where these now begin."""
    if isinstance(value, tuple):
        again = tuple(with_history(one, edge) for one, edge in zip(value, edges, strict=True))
        edges[:] = [None if edge is None else edge_of(one) for one, edge in zip(again, edges, strict=True)]
        return again
    index = node.op.inputs.index(slot)
    if value is None or index >= len(edges):
        return value
    value = with_history(value, edges[index])
    if edges[index] is not None:
        edges[index] = edge_of(value)
    return value


def with_history(tensor: Tensor, edge: Any) -> Tensor:
    """An unpacked tensor with the history of the one that was packed, given as an edge."""
    if edge_of(tensor) is edge:
        return tensor
    again: Any = wrap(tensor._array)
    if edge is not None:
        # A tensor cannot be another object and the same leaf: a node of its own leads there.
        again._node = Same(edge) if edge._order is None else edge
    return again


class Same(Node):
    """Hands its cotangent on to a leaf of which it made another object."""

    __slots__ = ()

    def __init__(self, leaf: Tensor) -> None:
        self._order = next_order()
        self.edges = (leaf,)
        self.spaces = ((leaf._array.shape, leaf._array.dtype),)

    def vjp(self, g: Any, keep: bool) -> tuple:
        return (g,)

    vjp_recorded = vjp


# --- what nodes show --------------------------------------------------------------------------------------------------------------


class SavedTensor:
    """A tensor in a node's keeping: `register_hooks` packs it, `unpack` gives it back."""

    __slots__ = ("node", "slot", "index")

    def __new__(cls, *args: Any) -> Any:
        if not args:
            raise RuntimeError("Trying to create a SavedTensor object from Python is forbidden.")
        return super().__new__(cls)

    def __init__(self, node: Any, slot: str, index: Any = None) -> None:
        self.node, self.slot, self.index = node, slot, index

    def _read(self) -> Any:
        value = getattr(self.node, self.slot)
        return value if self.index is None or type(value) is not tuple else value[self.index]

    def register_hooks(self, pack_hook: Callable[[Tensor], Any], unpack_hook: Callable[[Any], Tensor]) -> None:
        """Packs the tensor, for good. Raises RuntimeError when it is packed already, freed, or None."""
        check_hooks(pack_hook, unpack_hook)
        value = self._read()
        if value is FREED:
            raise RuntimeError(
                "Calling register_hooks on a saved tensor after it has been freed. Saved intermediate values of the "
                "graph are freed "
                "when you call .backward() or autograd.grad(). Specify retain_graph=True if you need to backward "
                "through the graph a "
                "second time or if you need to access saved variables after calling backward."
            )
        if value is None:
            raise RuntimeError("Calling register_hooks on a saved tensor with value None is forbidden")
        if type(value) is Packed:
            raise RuntimeError(
                "Calling register_hooks on a saved tensor whose hooks have already been set. Hint: only one pair of "
                "hooks is allowed "
                "at a time."
            )
        self._write(packed(value, (pack_hook, unpack_hook)))

    def _write(self, value: Any) -> None:
        node = self.node
        if self.index is not None:
            whole = list(getattr(node, self.slot))
            whole[self.index] = value
            value = tuple(whole)
        setattr(node, self.slot, value)
        if isinstance(node, Node):
            unpack_when_run(node)

    def unpack(self) -> Tensor | None:
        """The tensor as backward sees it. Raises RuntimeError when it was freed, or changed in place since."""
        return saved_value(self.node, self.slot, self.index)

    @property
    def data(self) -> Any:
        """What is kept: the tensor, or what the pack hook made of it."""
        value = self._read()
        return value.value if type(value) is Packed else wrap(value) if is_array(value) else value

    @property
    def unpack_hook(self) -> Callable | None:
        """The hook that undoes the packing, None where nothing was packed."""
        value = self._read()
        return value.unpack_hook if type(value) is Packed else None


class SavedByFunction(SavedTensor):
    """The same for a custom function: `node` is its record of the tensor, `index` its node."""

    __slots__ = ()

    def _read(self) -> Any:
        return self.node.value

    def _write(self, value: Any) -> None:
        self.node.value, self.node.cell = value, None

    def unpack(self) -> Tensor:
        """The tensor. Raises RuntimeError when it was changed in place since."""
        return self.node.unpack(self.index)


def saved_value(node: Any, slot: str, index: int | None = None) -> Any:
    """A saved tensor with its history. Raises RuntimeError when it was freed, or changed in place since."""
    from ..ops.op import saved_result, saved_tensor
    from .engine import check_versions

    if getattr(node, slot) is FREED:
        raise RuntimeError(SECOND_BACKWARD)
    check_versions(node)
    if hasattr(type(node), "plain"):
        node = _restored(node, True)
    value = saved_result(node) if slot == "out" else saved_tensor(node, slot) if slot in node.op.inputs else getattr(node, slot)
    return value if index is None else value[index]


# PyTorch's names for what is called otherwise here, by op.
_NAMES = {
    "pow": {"other": "exponent"},
    "linear": {"input": "mat1", "weight": "mat2"},
    "convolution_product": {"input": "input"},
    "biased_convolution": {"input": "input"},
    "layer_norm": {"input": "input"},
    "batch_norm_training": {"input": "input"},
    "batch_norm_fixed": {"input": "input"},
    "linalg.cholesky": {"result": "L"},
    "inverse": {"result": "inverse"},
}
# What it shows though no node here keeps it.
_CONSTANTS = {"add": {"alpha": 1}, "sub": {"alpha": 1}, "rsub": {"alpha": 1}, "square": {"exponent": 2}, "cube": {"exponent": 3}}


def shown_names(node: Any) -> dict[str, tuple[str, Any]]:
    """What a node shows as `_saved_NAME`: the kind of thing, and where it is."""
    op = node.op
    names: dict[str, tuple[str, Any]] = {}
    for slot in op.needed.slots:
        if slot in op.inputs:
            names["tensors" if op.takes_list else _public(op, slot)] = "tensor", (slot, None)
        elif slot == "out":
            out = node.out
            fields = getattr(op.returns, "__match_args__", None) or [f"result{i}" for i in range(9)]
            if isinstance(out, tuple):
                # Of values and indices PyTorch keeps the indices.
                hidden = {"values"} if "indices" in fields else set()
                names |= {fields[i]: ("tensor", (slot, i)) for i in range(len(out)) if fields[i] not in hidden}
            else:
                names[_public(op, "result")] = "tensor", (slot, None)
        elif slot in ("shapes", "dtypes"):
            ending = "sym_sizes" if slot == "shapes" else "scalar_type"
            names |= {f"{_public(op, name)}_{ending}": (slot, i) for i, name in enumerate(op.inputs)}
        elif slot == "args":
            names |= {name: ("argument", name) for name in arguments_of(node) if name not in op.inputs}
    return names | {name: ("constant", value) for name, value in _CONSTANTS.get(op.name, {}).items()}


def _public(op: Any, name: str) -> str:
    special = _NAMES.get(op.name, {}).get(name)
    return special or ("self" if name == "input" and name == op.inputs[0] else name)


def arguments_of(node: Any) -> dict[str, Any]:
    """The arguments of the call that made a node, by name."""
    from ..ops.rules import _bound_arguments

    return _bound_arguments(node)


def saved_attribute(node: Any, name: str) -> Any:
    """The value of `node._saved_NAME` or `node._raw_saved_NAME`. Raises AttributeError where the node saves no such thing."""
    raw = name.startswith("_raw_saved_")
    kind, where = shown_names(node).get(name.removeprefix("_raw_saved_" if raw else "_saved_"), ("", ()))
    if kind == "tensor":
        return SavedTensor(node, *where) if raw else saved_value(node, *where)
    if not kind or raw:
        raise AttributeError(f"'{type(node).__name__}' object has no attribute '{name}'")
    if kind == "constant":
        return where
    return _as_shown(arguments_of(node)[where]) if kind == "argument" else getattr(node, kind)[where]


def _as_shown(value: Any) -> Any:
    """An argument with its arrays, such as indices, as tensors."""
    if type(value) is tuple:
        return tuple(map(_as_shown, value))
    return wrap(value) if is_array(value) and hasattr(value, "__array_priority__") else value


def shown_attributes(node: Any) -> list[str]:
    """The names of all such attributes of a node."""
    names = shown_names(node)
    tensors = [f"_raw_saved_{name}" for name, (kind, _) in names.items() if kind == "tensor"]
    return [*(f"_saved_{name}" for name in names), *tensors]
