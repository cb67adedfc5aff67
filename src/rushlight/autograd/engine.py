"""The engine: runs a graph backwards.

Nodes are taken from a heap, latest first. All consumers of a node are later than the node, so when it comes up its cotangent is
complete, and nothing needs counting. All that a pass knows is local to it: passes may nest, and threads may share a graph.
"""

from __future__ import annotations

import sys
from contextlib import nullcontext
from heapq import heappop, heappush
from typing import Any

import numpy as np

from ..arrays.basic import SOLE_OWNER, as_array
from ..dtypes import type_word_of
from ..tensor import Tensor, refresh_view, wrap
from .graph import LEAF, Node, OutputStub, check_saved, edge_of, version_cell
from .modes import adjust_active, enable_grad, no_grad, state, thread
from .projection import dtype_of, project, project_all


def works_on_tensors() -> bool:
    """Whether a pass must run its rules on Tensors even when it is not recorded: cotangents may carry tangents, or batches."""
    return bool(state.active and (thread.forward_levels or thread.batch_levels)) or bool(state.batched_nodes)


def execute(
    roots: list, cotangents: list, keep: bool, create_graph: bool, on_tensors: bool, inputs: list | None, accumulate: bool
) -> list[Tensor | None]:
    """One pass, on Tensors or arrays as its cotangents are. With `accumulate` gradients are added to `.grad`; otherwise those of
    `inputs` are returned.
    """
    task = Pass(keep, on_tensors)
    if inputs is not None:
        task.aim(roots, inputs, accumulate)
    if state.hooks and accumulate:
        task.count_leaf_uses(roots)
    if not (on_tensors or state.hooks):  # rules on arrays record nothing
        return perform(task, roots, cotangents, inputs, accumulate)
    with enable_grad() if create_graph else no_grad(), CAREFUL if state.batched_nodes else QUIET:
        return perform(task, roots, cotangents, inputs, accumulate)


def perform(task: Pass, roots: list, cotangents: list, inputs: list | None, accumulate: bool) -> list[Tensor | None]:
    """Runs a pass that has been set up."""
    for root, cotangent in zip(roots, cotangents):  # noqa: B905 - one cotangent was made per root
        task.give(edge_of(root), cotangent)
    try:
        task.run()
    except Exception as error:
        node = failed_node(error)
        if thread.anomaly and node is not None:
            from .anomaly_mode import report

            report(node)
        from .explanation import add_note

        add_note(error, node)
        raise
    if not accumulate:
        return [task.result(tensor) for tensor in inputs or ()]
    task.fill_grads()
    return []


QUIET = nullcontext()


def running_pass() -> Any:
    """This thread's innermost pass, None outside of any: read off the stack, so that passes need not tell."""
    frame = frame_of(perform)
    return None if frame is None else frame.f_locals["task"]


def running_node() -> Any:
    """The node that the innermost pass is at."""
    frame = frame_of(Pass.run)
    return None if frame is None else frame.f_locals.get("node")


def frame_of(function: Any) -> Any:
    """The innermost call of a function that is still running, None without one."""
    frame: Any = sys._getframe(1)
    while frame is not None and frame.f_code is not function.__code__:
        frame = frame.f_back
    return frame


def failed_node(error: BaseException) -> Any:
    """The node that a pass was at when an error was raised in it."""
    place = error.__traceback__
    while place is not None:
        if place.tb_frame.f_code is Pass.run.__code__:
            return place.tb_frame.f_locals.get("node")
        place = place.tb_next
    return None


class Careful:
    """A block in which ops take the careful path, since tensors may be batched."""

    def __enter__(self) -> None:
        adjust_active(1)

    def __exit__(self, *exception: Any) -> None:
        adjust_active(-1)


CAREFUL = Careful()


NOTHING: dict = {}  # shared, never written to


class Pass:
    """One run backwards through a graph: the cotangents known so far, and the nodes still to run."""

    __slots__ = (
        "keep", "on_tensors", "cotangents", "heap", "needed", "captured", "wanted_outputs", "ends", "uses", "owned", "__weakref__"
    )  # fmt: skip

    def __init__(self, keep: bool, on_tensors: bool) -> None:
        self.keep = keep
        self.on_tensors = on_tensors
        self.cotangents: dict[Any, Any] = {}  # per node, stub or leaf
        self.heap: list[tuple[int, Any]] = []
        self.needed: set | None = None  # the only nodes to run, when the pass has an aim
        self.captured: dict[Any, Any] = NOTHING  # what is asked for, per leaf, node, or node and output number
        self.wanted_outputs: dict[Node, list[int]] = NOTHING  # of nodes with several: the numbers of those that are asked for
        self.ends: Any = NOTHING  # nodes that run even where nothing behind them is needed
        self.uses: dict[Any, int] | None = None  # of leaves with hooks: the consumers that are still to run
        self.owned: set = set()  # nodes and leaves whose cotangent is a buffer that only this pass sees

    def aim(self, roots: list, inputs: list, accumulate: bool) -> None:
        """Limits the pass to what leads to `inputs`; with `accumulate`, those that are no leaves keep gradients from now on."""
        self.captured, self.wanted_outputs, self.ends = {}, {}, set()
        for tensor in inputs:
            if tensor._base is not None:
                refresh_view(tensor)
            made_by = tensor._node
            if accumulate and made_by is not LEAF:
                tensor.retain_grad()
                self.ends.add(made_by.node if type(made_by) is OutputStub else made_by)
            elif made_by is None:
                raise RuntimeError("One of the differentiated Tensors does not require grad")
            elif type(made_by) is OutputStub:
                self.wanted_outputs.setdefault(made_by.node, []).append(made_by.index)
                self.captured[made_by.node, made_by.index] = None
            else:
                self.captured[tensor if made_by is LEAF else made_by] = None
        needed = {*self.captured, *self.ends}
        orders = [(one[0] if type(one) is tuple else one)._order for one in needed]
        earliest = None if None in orders else max(orders)  # nothing from before all of them leads to any; leaves may be of any age
        for node in reversed(reachable(roots, earliest)):  # earliest first: a node is needed when anything that it consumed is
            if node not in needed and (
                any(edge in needed for edge in edges_of(node) if edge is not None)
                or (type(node) is OutputStub and (node.node, node.index) in needed)
            ):
                needed.add(node)
        self.needed = needed

    def count_leaf_uses(self, roots: list) -> None:
        """Counts the consumers of leaves with hooks, so that these are called as soon as the gradient is complete."""
        from .hooks import has_leaf_hooks

        uses: dict[Any, int] = {}
        for node in reachable(roots):
            if self.needed is not None and node not in self.needed:
                continue
            for edge in edges_of(node):
                if edge is not None and edge._order is None and has_leaf_hooks(edge):
                    uses[edge] = uses.get(edge, 0) + 1
        self.uses = uses

    def give(self, edge: Any, cotangent: Any) -> None:
        """Adds a cotangent to what an edge has received so far."""
        cotangents = self.cotangents
        if edge in cotangents:
            self.add(edge, cotangent)
        else:
            cotangents[edge] = cotangent
            order = edge._order
            if order is not None:
                heappush(self.heap, (order, edge))

    def add(self, edge: Any, cotangent: Any) -> None:
        """Sums cotangents, in place where the buffer is the pass's own."""
        known = self.cotangents[edge]
        if known is None:
            self.cotangents[edge] = cotangent
            return
        if edge in self.owned:
            np.add(known, cotangent, known)
            return
        self.cotangents[edge] = total = known + cotangent
        if type(total) is np.ndarray:
            self.owned.add(edge)

    def run(self) -> None:
        """Runs nodes, latest first, until only leaves have cotangents."""
        heap, cotangents, keep = self.heap, self.cotangents, self.keep
        recorded, uses, needed, owned, add = self.on_tensors, self.uses, self.needed, self.owned, np.add
        run_watched: Any = None
        if state.hooks or thread.anomaly or needed is not None or thread.profiler is not None:
            from .hooks import run_watched
        following: Any = None  # the one node that waits, where there is only one: it spares the heap
        while following is not None or heap:
            if following is None:
                node = heappop(heap)[1]
            else:
                node, following = following, None
            g = cotangents.pop(node)
            if type(node) is OutputStub:
                self.collect(node, g)
                continue
            if run_watched is not None:
                results = run_watched(self, node, g)
                if results is None:
                    continue
            else:
                if type(g) is list:
                    g = complete(node, g, recorded)
                if state.last_write < node._order:
                    check_versions(node)
                results = node.vjp_recorded(g, keep) if recorded else node.vjp(g, keep)
            spaces = node.spaces
            if spaces is not None:
                results = project_all(results, spaces)
            position = 0
            for edge in node.edges:
                result = results[position]
                position += 1
                if edge is None:
                    continue
                if result is not None and (needed is None or edge in needed):
                    # As `give`, written out: this is the inner loop.
                    if edge in owned:
                        add(cotangents[edge], result, cotangents[edge])
                    elif edge in cotangents:
                        self.add(edge, result)
                    else:
                        cotangents[edge] = result
                        order = edge._order
                        if order is None:
                            pass
                        elif heap or following is not None:
                            if following is not None:
                                heappush(heap, (following._order, following))
                                following = None
                            heappush(heap, (order, edge))
                        else:
                            following = edge
                elif result is None and edge._order is not None and edge not in cotangents and (needed is None or edge in needed):
                    # What lies behind is visited all the same: a custom function runs on zeros.
                    from .hooks import run_watched

                    self.give(edge, None)
                if uses and edge in uses:
                    uses[edge] -= 1
                    if not uses[edge] and edge in cotangents:
                        self.accumulate(edge, cotangents.pop(edge))

    def collect(self, stub: OutputStub, g: Any) -> None:
        """Hands the cotangent of one output to its node."""
        node = stub.node
        parts = self.cotangents.get(node)
        if parts is None:
            self.cotangents[node] = parts = [None] * len(node._outputs or ())
            heappush(self.heap, (node._order, node))
        if g is not None:
            parts[stub.index] = g if parts[stub.index] is None else parts[stub.index] + g

    def raw(self, tensor: Any) -> Any:
        """A hook's Tensor in the form that this pass works with."""
        return tensor if tensor is None or self.on_tensors else tensor._array

    def fill_grads(self) -> None:
        """Adds what the leaves have received to their `.grad`."""
        found = self.cotangents
        while found:
            leaf, cotangent = found.popitem()
            if self.needed is None or leaf in self.captured:
                self.accumulate(leaf, cotangent)

    def accumulate(self, leaf: Tensor, g: Any) -> None:
        """Adds a complete cotangent to a leaf's `.grad`, calling the leaf's hooks; unless the leaf no longer requires one."""
        if leaf._node is None:
            return
        if state.hooks:
            from .hooks import accumulate_hooked, has_leaf_hooks

            if has_leaf_hooks(leaf):
                accumulate_hooked(self, leaf, g)
                return
        self.add_to_grad(leaf, g)

    def add_to_grad(self, tensor: Tensor, g: Any) -> None:
        """Adds to `.grad`, in place where that is a leaf's and the pass is not recorded."""
        known = tensor._grad
        array = tensor._array
        if self.on_tensors:
            g = project(g, array.shape, array.dtype)
            if thread.grad_enabled or tensor._node is not LEAF:
                tensor._grad = copied(g) if known is None else known + g
            elif known is None:
                tensor._grad = wrap(g._array).clone()  # without a tangent that it may have
            else:
                known.add_(g)
            return
        if type(g) is not np.ndarray:
            g = as_array(g)
        if g.shape != array.shape or g.dtype != array.dtype:
            g = as_array(project(g, array.shape, array.dtype))
        if known is None:
            # A buffer that somebody else may see is copied: the caller's gradient, or one that two leaves received.
            if not (g.flags.carray and array.flags.c_contiguous):
                g = laid_out(g, array)
                if sys.getrefcount(g) > SOLE_HOLDERS or g.base is not None or not g.flags.writeable:
                    g = np.array(g)
            elif sys.getrefcount(g) > SOLE_HOLDERS or (g.base is not None and sees_other(g)):
                g = g.copy()
            tensor._grad = wrap(g)
        elif tensor._node is not LEAF:
            tensor._grad = wrap(known._array + g)
        else:
            np.add(known._array, g, known._array)
            version_cell(known).bump()

    def result(self, tensor: Tensor) -> Tensor | None:
        """The gradient that was asked for, after its hooks."""
        node: Any = tensor._node
        if node is LEAF:
            found = self.cotangents.get(tensor)
        else:
            found = self.captured[(node.node, node.index) if type(node) is OutputStub else node]
        if found is None:
            return None
        if node is LEAF and tensor._hooks:
            from .hooks import hooked

            found = hooked(self, tensor._hooks, found)
        array = tensor._array
        if array is None:  # of a gradient edge that somebody made by hand
            return as_tensor(found)
        kind = array.dtype
        if tensor._grad_dtype is not False:
            from .grad_dtype import kind_of

            kind = kind_of(tensor, found)
        if found.shape != array.shape or dtype_of(found) != kind:
            found = project(found, array.shape, kind)
        return as_tensor(found)


class _Measuring(Pass):
    """Counts the references to a cotangent that only the pass holds, at the place where this matters."""

    __slots__ = ("holders",)

    def add_to_grad(self, tensor: Tensor, g: Any) -> None:
        self.holders = sys.getrefcount(g)


def _count_holders() -> int:
    leaf = wrap(np.zeros(1))
    leaf._node = LEAF
    measuring = _Measuring(False, False)
    measuring.cotangents[leaf] = np.zeros(1)
    measuring.fill_grads()
    return measuring.holders


# Interpreters count differently, so it is measured.
SOLE_HOLDERS = _count_holders()


def as_tensor(g: Any) -> Any:
    """A cotangent as a Tensor (None stays None)."""
    if g is None or isinstance(g, Tensor):
        return g
    return wrap(as_array(g))


def laid_out(g: Any, like: Any) -> Any:
    """A cotangent with the strides of its leaf, where the leaf's elements fill their memory, else in the order of the indices."""
    result = np.empty_like(like)
    if result.strides != like.strides:
        result = np.empty(like.shape, like.dtype)
    if g.strides == result.strides:
        return g
    result[...] = g
    return result


def copied(g: Tensor) -> Tensor:
    """A cotangent as a `.grad` that nothing else shares: with a history of its own where the pass is recorded."""
    if not thread.grad_enabled:
        return g
    from ..ops.filling import copy

    return copy(wrap(g._array), g)


def sees_other(view: np.ndarray) -> bool:
    """Whether a view is not simply the one window on a buffer of its size, as a transposed product is."""
    base = view.base
    return type(base) is not np.ndarray or base.nbytes != view.nbytes or sys.getrefcount(base) > SOLE_OWNER + 1


def edges_of(node: Any) -> tuple:
    """What a node or stub consumed."""
    return (node.node,) if type(node) is OutputStub else node.edges


def reachable(roots: list, earliest: int | None = None) -> list:
    """All nodes and stubs behind some tensors, latest first; those from before number `earliest` are left out."""
    found: set = set()
    pending = [root._node for root in roots if root._node is not LEAF]
    while pending:
        node = pending.pop()
        if node not in found and (earliest is None or node._order <= earliest):
            found.add(node)
            pending += [edge for edge in edges_of(node) if edge is not None and edge._order is not None and edge not in found]
    return sorted(found, key=lambda node: node._order)


def complete(node: Node, parts: list, recorded: bool) -> tuple:
    """The cotangents of all outputs of a node, zeros for those that took no part; None where none can flow."""
    filled = []
    for part, space in zip(parts, node._outputs or (), strict=True):
        if part is None and space is not None and node._materialize:
            part = np.zeros(*space)
            part = wrap(part) if recorded else part
        filled.append(part)
    return tuple(filled)


def check_versions(node: Node) -> None:
    """Raises when a tensor that the node saved has been changed in place since."""
    op = node.op
    if op is None:
        return
    for slot in op.needed.slots:
        if slot in op.inputs:
            saved = getattr(node, slot)
            for tensor in saved if isinstance(saved, tuple) else (saved,):
                if isinstance(tensor, Tensor):
                    owner = tensor if tensor._base is None else tensor._base
                    if owner._cell is not None and owner._cell.changed_since(node._order):
                        from .views import history_by_now

                        array = tensor._array
                        check_saved(node._order, node, array.shape, type_word_of(array), owner._cell, history_by_now(tensor))
        elif slot == "out":
            check_saved_results(node)


def check_saved_results(node: Node) -> None:
    """Raises when a result that the node saved has been changed in place since: of values and their indices, the indices."""
    for constant in node.constants:
        check_saved(node._order, node, constant._array.shape, type_word_of(constant._array), constant._cell, None)
    out = node.out  # type: ignore[attr-defined]
    if not isinstance(out, tuple):
        if node.out_cell is not None and hasattr(out, "dtype"):
            order = node._order if node.out_order is None else node.out_order
            check_saved(order, node, out.shape, type_word_of(out), node.out_cell, node)
    elif node.output_cells is not None:
        for index, cell in node.output_cells.items():
            if hasattr(out[index], "dtype"):
                check_saved(node._order, node, out[index].shape, type_word_of(out[index]), cell, OutputStub(node, index))
