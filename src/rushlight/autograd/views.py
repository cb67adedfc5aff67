"""Views after in-place changes: the base's history is rewritten, and views take theirs from the base anew.

PyTorch calls the node that does the first CopySlices. Where a view's elements lie is read from the arrays themselves.
"""

from __future__ import annotations

import weakref
from typing import Any

from ..arrays.memory import Layout
from ..tensor import Tensor, wrap
from .engine import check_versions
from .graph import LEAF, Node, edge_of, next_order, producer_name, retain, version_cell
from .modes import adjust_active, state, thread
from .projection import project_all


class CopySlices(Node):
    """An in-place change of a view, as an operation on the base.

    `inner` is the operation, whose input number `place` was the view, or None where the view got constants. A `place` of None says
    that the operation is the last of several, which lead to the view by themselves: then it comes behind the base's own edge.
    """

    __slots__ = ("inner", "place", "is_apart", "layout")

    def __init__(self, base_edge: Any, inner: Node | None, place: int | None, layout: Layout) -> None:
        self._order = next_order()
        edges = (None, None) if inner is None else inner.edges
        self.is_apart = inner is not None and place is None
        if self.is_apart:
            edges = (None, *edges)
        self.inner = inner
        self.place = place = place or 0
        self.edges = (*edges[:place], base_edge, *edges[place + 1 :])
        self.spaces = None
        self.layout = layout

    def name(self) -> str:
        return "torch::autograd::CopySlices"

    def vjp(self, g: Any, keep: bool) -> tuple:
        whole, part = self.layout.arrange(g)
        results = self.run_inner(part.copy(), keep, recorded=False)
        through = results[self.place]
        part[...] = 0 if through is None else through
        results[self.place] = whole
        return tuple(results)

    def vjp_recorded(self, g: Any, keep: bool) -> tuple:
        indices = wrap(self.layout.indices())
        flat = g.reshape(-1)
        part = self.layout.seen(flat[indices])
        results = self.run_inner(part, keep, recorded=True)
        through = results[self.place]
        through = part * 0 if through is None else through
        results[self.place] = flat.index_put((indices,), self.layout.seen(through)).reshape(g.shape)
        return tuple(results)

    def run_inner(self, g: Any, keep: bool, recorded: bool) -> list:
        """The cotangents of the operation on the view; None for the view where nothing of it is left."""
        inner = self.inner
        if inner is None:
            return [None, None]
        if state.last_write < inner._order:
            check_versions(inner)
        if recorded:
            # What the operation made is by now a view of what this node made.
            inner.__dict__["original"] = AsStridedBackward0(self, self.layout)
            try:
                results = inner.vjp_recorded(g, keep)
            finally:
                del inner.__dict__["original"]
        else:
            results = inner.vjp(g, keep)
        if inner.spaces is not None:
            results = project_all(results, inner.spaces)
        return [None, *results] if self.is_apart else list(results)


class AsStridedBackward0(Node):
    """A view taken from its base again, after the base's history was rewritten."""

    __slots__ = ("layout",)

    def __init__(self, base_edge: Any, layout: Layout) -> None:
        self._order = next_order()
        self.edges = (base_edge,)
        self.spaces = None
        self.layout = layout

    def vjp(self, g: Any, keep: bool) -> tuple:
        return (self.layout.spread(g),)

    def vjp_recorded(self, g: Any, keep: bool) -> tuple:
        from ..ops.shapes import as_strided_backward

        return (as_strided_backward(g, self.layout),)


def rebase(view: Tensor, inner: Node | None, place: int = 0) -> Layout:
    """Gives the base of a view, just changed in place by `inner` (None: by constants), its new history; returns the view's layout.

    The view, if anything, was input number `place` of `inner`.
    """
    base = view._base
    assert base is not None
    took_view = inner is not None and inner.edges[place] is view._node
    layout = Layout.of(view._array, base._array)
    before = base._node
    base._node = node = CopySlices(edge_of(base), inner, place if took_view else None, layout)
    if base._retains:
        retain(base, before)
    node.out_cell = version_cell(base)
    outdate_views(base)
    return layout


def outdate_views(base: Tensor) -> None:
    """Notes that a base has a new history, so that its views take theirs from it anew."""
    if not base._stamp:
        # From now on ops look whether a view's history is out of date, for as long as the base lives.
        adjust_active(1)
        weakref.finalize(base, adjust_active, -1).atexit = False
    base._stamp += 1


def refresh(view: Tensor, layout: Layout | None = None) -> None:
    """Brings a view's history up to date with its base's."""
    base = view._base
    if base is None or view._stamp == base._stamp:
        return
    if base._node is not None and view._array.dtype.kind in "fcV":
        check_made(view, "its base or another view of its base has been modified inplace")
        before, view._node = view._node, AsStridedBackward0(edge_of(base), layout or Layout.of(view._array, base._array))
        if view._retains:
            retain(view, before)
    view._stamp = base._stamp


def history_by_now(tensor: Tensor) -> Any:
    """What made a tensor, or took it again from a base that has changed since. Raises RuntimeError where that is forbidden."""
    if tensor._base is None or tensor._node is None or not producer_name(tensor._node):
        return tensor._node
    check_made(tensor, "its base or another view of its base has been modified inplace")
    return AsStridedBackward0(None, Layout.of(tensor._array, tensor._base._array))


def check_view_writable(view: Tensor) -> None:
    """Raises where PyTorch forbids an in-place change of a view that gradients depend on."""
    base = view._base
    assert base is not None
    check_made(view, "is being modified inplace")
    if base._node is LEAF or (base._node is None and view._node is not None):
        raise RuntimeError("a view of a leaf Variable that requires grad is being used in an in-place operation.")


def check_made(view: Tensor, change: str) -> None:
    """Raises where the history of a view cannot follow a change, by the way it was made."""
    made = view.__dict__.get("_made")
    if made is None:
        return
    producer = producer_name(view._node)
    output = f"Output {view.output_nr} of {producer} is a view"
    source = f"{output} of a view which was" if producer else "A view was"
    if made == "no_grad" and thread.grad_enabled:
        raise RuntimeError(
            f"{source} created in no_grad mode and {change} with grad mode enabled. Given that this "
            "use case is ambiguous and error-prone, it is forbidden. You can clarify your code by "
            "moving both the view and the inplace either both inside the no_grad block (if you don't "
            "want the inplace to be tracked) or both outside (if you want the inplace to be tracked)."
        )
    if made == "inference":
        raise RuntimeError(
            f"{source} created in inference mode and {change} in normal mode. Given that this use "
            "case is ambiguous and error-prone, it is forbidden. You can clarify your code by moving "
            "both the view and the inplace either both inside the inference_mode block (if you don't "
            "want the inplace to be tracked) or both outside (if you want the inplace to be tracked)."
        )
    subject = f"{output} and {change}" if producer else f"A view was created in no_grad mode and {change} with grad mode enabled"
    if made == "multiple":
        raise RuntimeError(
            f"{subject}. This view is the output of a function that returns multiple views. Such functions do not "
            "allow the output views to be modified inplace. You should replace the inplace operation by an out-of-place one."
        )
    if made == "custom":
        raise RuntimeError(
            f"{subject}. This view was created inside a custom Function (or because an input was returned as-is) and the autograd "
            "logic to handle view+inplace would override the custom backward associated with the custom Function, leading to "
            "incorrect gradients. This behavior is forbidden. You can fix this by cloning the output of the custom Function."
        )
