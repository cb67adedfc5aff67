"""Saved tensors that may be changed in place: those that are about to be are copied first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, WeakSet

from .graph import version_cell
from .modes import thread
from .saved import saved_tensors_hooks

if TYPE_CHECKING:
    from ..tensor import Tensor


class _Kept:
    """A saved tensor, until the block ends; a copy, once the tensor is about to change."""

    __slots__ = ("tensor", "__weakref__")

    def __init__(self, tensor: Tensor) -> None:
        self.tensor: Tensor | None = tensor


class Mutations:
    """What a block of `allow_mutation_on_saved_tensors` knows: which tensors were saved from which memory."""

    def __init__(self) -> None:
        self.kept: WeakKeyDictionary = WeakKeyDictionary()  # by version cell

    def keep(self, tensor: Tensor) -> _Kept:
        """Remembers a tensor that a node saves."""
        kept = _Kept(tensor.detach())
        self.kept.setdefault(version_cell(tensor), WeakSet()).add(kept)
        return kept

    def before_change(self, target: Tensor) -> None:
        """Copies what was saved from a tensor's memory."""
        for kept in self.kept.pop(version_cell(target), ()):
            kept.tensor = kept.tensor.clone()

    def give(self, kept: _Kept) -> Tensor:
        """The tensor as it was when it was saved. Raises AssertionError outside of the block."""
        if thread.mutation is not self or kept.tensor is None:
            raise AssertionError(
                "Trying to backward outside of the 'allow_mutation_on_saved_tensors' context in which the graph was "
                "originally recorded."
            )
        return kept.tensor

    def clear(self) -> None:
        """Forgets everything: graphs recorded in the block can no longer be differentiated."""
        for group in self.kept.values():
            for kept in group:
                kept.tensor = None
        self.kept.clear()


class allow_mutation_on_saved_tensors(saved_tensors_hooks):
    """A block in which tensors that are saved for backward may be changed in place: backward, which has to happen within the block,
    sees them as they were. Raises RuntimeError when nested.
    """

    def __init__(self) -> None:
        self.mutations = Mutations()
        super().__init__(self.mutations.keep, self.mutations.give)

    def __enter__(self) -> Any:
        if thread.mutation is not None:
            raise RuntimeError("allow_mutation_on_saved_tensors contexts cannot be nested")
        super().__enter__()
        thread.mutation = self.mutations
        return self.mutations

    def __exit__(self, *exception: Any) -> None:
        thread.mutation = None
        super().__exit__(*exception)
        self.mutations.clear()
