"""What a custom function's forward leaves for its backward: the context, and the tensors that it saves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..dtypes import type_word_of
from ..tensor import Tensor, wrap
from ..warning import warn
from .graph import SECOND_BACKWARD, check_saved, edge_of, next_order, version_cell
from .modes import state, thread

if TYPE_CHECKING:
    from weakref import ref

    from .function import BackwardCFunction, Function

MARKS = ("to_save", "saved_for_forward", "dirty_tensors", "non_differentiable")
# What of its node a context shows as its own.
OF_NODE = frozenset({"metadata", "next_functions", "register_hook", "register_prehook", "requires_grad", "_sequence_nr"})


class FunctionCtx:
    """What a custom function's forward leaves for its backward: what it saves and says here, and any attribute the user sets."""

    to_save: tuple | None = None
    saved_for_forward: tuple | None = None
    dirty_tensors: tuple | None = None
    non_differentiable: tuple | None = None
    materialize_grads = True
    needs_input_grad: tuple[bool, ...] = ()
    _saved: tuple | None = ()  # None once it was freed
    _made_by: ref | None = None  # the node, which holds this
    _function: Any = None
    _was_read = False  # whether what was saved is gone since it was asked for

    def __init__(self, function: type[Function] | None = None) -> None:
        self._function = function

    def __getattr__(self, name: str) -> Any:
        if name in OF_NODE and self._node is not None:
            return getattr(self._node, name)
        raise AttributeError(f"'{self.name()}' object has no attribute '{name}'")

    def name(self) -> str:
        """The name of the node, as `grad_fn` prints it."""
        return type(self).__name__ if self._function is None else self._function._backward_cls.__name__

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keeps tensors for backward, where `ctx.saved_tensors` gives them back; for anything else `apply` raises TypeError."""
        self.to_save = tensors

    def save_for_forward(self, *tensors: Tensor | None) -> None:
        """Keeps tensors for `jvp`, where `ctx.saved_tensors` gives them back."""
        for index, given in enumerate(tensors):
            if given is not None and not isinstance(given, Tensor):
                raise TypeError(
                    "save_for_forward expects all arguments to be tensors; you should save non-tensors as attributes on ctx, but "
                    f"argument {index} is of type {type(given).__name__}"
                )
        self.saved_for_forward = tensors

    def mark_dirty(self, *args: Tensor) -> None:
        """Says which inputs forward changed in place; they must be returned as outputs."""
        self.dirty_tensors = args

    def mark_non_differentiable(self, *args: Tensor) -> None:
        """Says through which outputs no gradient flows."""
        self.non_differentiable = args

    def mark_shared_storage(self, *pairs: Any) -> None:
        """Does nothing: tensors that share memory are known. Warns."""
        warn(
            "`mark_shared_storage` is deprecated. Tensors with shared storages are automatically tracked. "
            "Note that calls to `set_()` are not tracked",
            FutureWarning,
        )

    def set_materialize_grads(self, value: bool) -> None:
        """Whether backward gets zeros (the default) or None for outputs that took no part, and jvp for inputs without a tangent."""
        self.materialize_grads = value

    @property
    def saved_tensors(self) -> tuple:
        """What was saved. Raises RuntimeError when it was freed, or changed in place since."""
        if self.saved_for_forward is not None:
            return self.saved_for_forward
        if self._was_read:
            raise RuntimeError(
                "saved_tensors can only be accessed once when clear_saved_tensors_on_access=True is set on the autograd.Function. "
                "Either access saved_tensors only once, or set clear_saved_tensors_on_access=False."
            )
        node = self._node
        found = tuple(None if kept is None else kept.unpack(node) for kept in self._kept())
        if self._function.clear_saved_tensors_on_access:
            self._saved, self._was_read = None, True
        return found

    @property
    def saved_variables(self) -> tuple:
        """The old name of `saved_tensors`."""
        warn("'saved_variables' is deprecated; use 'saved_tensors'", DeprecationWarning)
        return self.saved_tensors

    @property
    def _raw_saved_tensors(self) -> tuple:
        """What was saved for backward, each in a form that takes hooks."""
        from .saved import SavedByFunction

        return tuple(None if kept is None else SavedByFunction(kept, "value", self._node) for kept in self._kept())

    @property
    def _node(self) -> Any:
        return None if self._made_by is None else self._made_by()

    def _kept(self) -> tuple:
        if self._saved is None:
            raise RuntimeError(SECOND_BACKWARD)
        return self._saved

    def _keep(self, node: BackwardCFunction | None, outputs: dict[int, int]) -> None:
        """Turns what was to be saved into records; an output (its number by its id) without its node, lest the node hold itself."""
        to_save = self.to_save or ()
        for index, given in enumerate(to_save):
            if given is not None and not isinstance(given, Tensor):
                raise TypeError(
                    f"save_for_backward can only save variables, but argument {index} is of type {type(given).__name__}. "
                    "Keep it as an attribute of ctx instead."
                )
        if state.active and node is not None:
            from ..ops.dispatch import refuse_inference

            refuse_inference(to_save)
        hooks = thread.saved_hooks if node is not None else ()
        self._saved = tuple(
            None if tensor is None else Saved(tensor, None if node is None else outputs.get(id(tensor)), hooks)
            for tensor in to_save
        )

    def _forget(self) -> None:
        """Drops what only mattered until the call was recorded: an output kept here would hold its node, which holds this."""
        mine = self.__dict__
        for name in MARKS:
            if name in mine:
                del mine[name]


class Saved:
    """A tensor kept for backward, with the version that it had, or packed by the user's hooks."""

    __slots__ = ("value", "output", "cell", "order", "edge", "__weakref__")

    def __init__(self, tensor: Tensor, output: int | None, hooks: tuple = ()) -> None:
        self.output = output
        self.value: Any = tensor if output is None else wrap(tensor._array)
        self.cell: Any = version_cell(tensor)
        self.order = next_order()
        self.edge = edge_of(tensor)
        if hooks:
            self.pack(tensor, hooks[-1])

    def pack(self, tensor: Tensor, hooks: tuple) -> None:
        """Keeps what a pack hook makes of the tensor instead; changes of the tensor do not matter from then on."""
        from .saved import Packed

        self.value = Packed(tensor, *hooks)
        self.cell = None

    def unpack(self, node: Any) -> Tensor:
        """The tensor, with its history. Raises RuntimeError when it was changed in place since."""
        tensor = self.value
        if not isinstance(tensor, Tensor):
            from .saved import with_history

            tensor = with_history(tensor.unpack(), self.edge if self.output is None else None)
        elif self.cell.changed_since(self.order):
            check_saved(self.order, node, tensor._array.shape, type_word_of(tensor._array), self.cell, tensor._node)
        if self.output is None or node is None:
            return tensor
        again = wrap(tensor._array)
        again._node = node.output(self.output)
        again._tangents = node.__dict__.get("out_tangents", {}).get(self.output)
        return again
