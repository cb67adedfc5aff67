"""The engine: runs a graph backwards.

Nodes are taken from a heap, latest first. All consumers of a node are later than the node, so when it comes up its cotangent is
complete, and nothing needs counting. All that a pass knows is local to it: passes may nest, and threads may share a graph.
"""

from __future__ import annotations

import sys
from contextlib import nullcontext
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays.basic import SOLE_OWNER, as_array, zeros_like
from ..tensor import Tensor, refresh_view, wrap
from .graph import LEAF, AccumulateGrad, Node, OutputStub, check_saved, version_cell
from .modes import adjust_active, enable_grad, no_grad, state, thread

if TYPE_CHECKING:
    from collections.abc import Sequence


def backward(
    tensors: Any,
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    grad_variables: Any = None,
    inputs: Any = None,
) -> None:
    """Adds the gradients of the given tensors with respect to the graph's leaves to the leaves' `.grad`.

    `grad_tensors` are the cotangents, one per tensor, None for a tensor with one element.
    """
    roots = [tensors] if isinstance(tensors, Tensor) else list(tensors)
    given = as_list(grad_variables if grad_tensors is None else grad_tensors, len(roots))
    if inputs is not None:
        inputs = [inputs] if isinstance(inputs, Tensor) else list(inputs)
        if not inputs:
            raise RuntimeError("`inputs` argument to `backward()` cannot be empty.")
    cotangents = initial_cotangents(roots, given, create_graph or works_on_tensors())
    keep = create_graph if retain_graph is None else retain_graph
    execute(roots, cotangents, keep, create_graph, inputs, accumulate=True)


def _backward(
    self: Tensor,
    gradient: Tensor | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Any = None,
) -> None:
    """Computes the gradients of this tensor with respect to the leaves, and adds them to their `.grad`.

    `gradient` is the cotangent, needed unless the tensor has one element; `retain_graph` keeps what the graph saved for another
    pass; `create_graph` records the pass itself, for higher orders; `inputs` limits accumulation to these tensors.
    """
    backward(self, gradient, retain_graph, create_graph, None, inputs)


_backward.__name__, _backward.__qualname__ = "backward", "Tensor.backward"
Tensor.backward = _backward  # type: ignore[attr-defined]


def grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Tensor, ...]:
    """The gradients of the sum of `outputs`, weighted by `grad_outputs`, with respect to `inputs`; touches no `.grad`.

    Raises RuntimeError for an input that the outputs do not depend on, unless `allow_unused` (then None) or
    `materialize_grads` (then zeros).
    """
    if materialize_grads and allow_unused is False:
        raise ValueError("Expected allow_unused to be True or not passed when materialize_grads=True, but got: allow_unused=False.")
    roots = [outputs] if isinstance(outputs, Tensor) else list(outputs)
    wanted = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    if is_grads_batched:
        return batched_grad(roots, wanted, grad_outputs, create_graph, allow_unused, materialize_grads)
    keep = create_graph if retain_graph is None else retain_graph
    cotangents = initial_cotangents(roots, as_list(grad_outputs, len(roots)), create_graph or works_on_tensors())
    found = execute(roots, cotangents, keep, create_graph, wanted, accumulate=False)
    if materialize_grads:
        return tuple(wrap(zeros_like(t._array)) if g is None else g for t, g in zip(wanted, found, strict=True))
    if not allow_unused and any(g is None for g in found):
        raise RuntimeError(
            "One of the differentiated Tensors appears to not have been used in the graph. Set allow_unused=True if this is the "
            "desired behavior."
        )
    return tuple(found)


def batched_grad(
    roots: list, wanted: list, grad_outputs: Any, create_graph: bool, allow_unused: bool | None, materialize: bool
) -> tuple:
    """`grad` for each slice of `grad_outputs` along their first dimension, stacked."""
    from ..ops.joining import stack

    given = as_list(grad_outputs, len(roots))
    size = next(g._array.shape[0] for g in given if g is not None)
    rows = [
        grad(roots, wanted, [None if g is None else g[i] for g in given], True, create_graph, True, allow_unused, False, materialize)
        for i in range(size)
    ]
    return tuple(None if column[0] is None else stack(list(column)) for column in zip(*rows, strict=True))


def as_list(given: Any, length: int) -> list:
    """Cotangents as a list with one entry per output. Raises RuntimeError for the wrong number."""
    if given is None:
        return [None] * length
    given = list(given) if isinstance(given, (tuple, list)) else [given]
    for one in given:
        if one is not None and not isinstance(one, Tensor):
            raise TypeError(f"gradients can be either Tensors or None, but got {type(one).__name__}")
    if len(given) != length:
        raise RuntimeError(f"got {length} tensors and {len(given)} gradients")
    return given


# The cotangent of a scalar loss; never written to, since the pass does not own it.
ONES = {kind: np.ones((), kind) for kind in (np.dtype("float32"), np.dtype("float64"))}


def works_on_tensors() -> bool:
    """Whether a pass must run its rules on Tensors even when it is not recorded: cotangents may carry tangents, or batches."""
    return thread.forward_levels != () or thread.batch_levels != () or len(state.batched_nodes) > 0


def initial_cotangents(roots: Sequence, given: list, on_tensors: bool) -> list:
    """The cotangents that a pass starts from, each of the type and shape of its tensor."""
    cotangents = []
    for root, cotangent in zip(roots, given):  # noqa: B905 - as_list has compared their lengths
        if root._base is not None:
            refresh_view(root)
        if root._node is None:
            raise RuntimeError(
                f"element {len(cotangents)} of tensors does not require grad and does not have a grad_fn. "
                "Make an input with requires_grad=True, and check that nothing on the way was detached or run under no_grad."
            )
        if cotangent is None:
            array = implicit_cotangent(root)
            cotangents.append(wrap(array) if on_tensors else array)
        else:
            cotangent = checked_cotangent(root, cotangent)
            cotangents.append(cotangent if on_tensors else cotangent._array)
    return cotangents


def implicit_cotangent(root: Tensor) -> Any:
    """One, for a tensor with one element. Raises RuntimeError for any other."""
    array = root._array
    if not array.ndim and array.dtype in ONES:
        return ONES[array.dtype]
    if array.size != 1:
        raise RuntimeError("grad can be implicitly created only for scalar outputs")
    if array.dtype.kind == "c":
        raise RuntimeError(f"grad can be implicitly created only for real scalar outputs but got {root.dtype}")
    return np.ones(array.shape, array.dtype)


def checked_cotangent(root: Tensor, cotangent: Any) -> Tensor:
    """A cotangent that the user gave, in the type of its tensor. Raises where it does not fit."""
    array = root._array
    if not isinstance(cotangent, Tensor):
        raise TypeError(f"gradients can be either Tensors or None, but got {type(cotangent).__name__}")
    if cotangent._array.shape != array.shape:
        raise RuntimeError(
            f"Mismatch in shape: grad_output[0] has a shape of {cotangent.shape} and output[0] has a shape of {root.shape}."
        )
    if (cotangent._array.dtype.kind == "c") != (array.dtype.kind == "c"):
        raise RuntimeError(
            "For complex Tensors, both grad_output and output are required to have the same dtype. Mismatch in dtype: "
            f"grad_output[0] has a dtype of {cotangent.dtype} and output[0] has a dtype of {root.dtype}."
        )
    return cotangent if cotangent._array.dtype == array.dtype else cotangent.to(root.dtype)


def execute(
    roots: list, cotangents: list, keep: bool, create_graph: bool, inputs: list | None, accumulate: bool
) -> list[Tensor | None]:
    """One pass. With `accumulate` gradients are added to `.grad`; otherwise those of `inputs` are returned."""
    on_tensors = create_graph or works_on_tensors()
    task = Pass(keep, on_tensors)
    if inputs is not None:
        task.aim(roots, inputs)
    elif state.hooks:
        task.count_leaf_uses(roots)
    # Rules on arrays record nothing; only hooks could.
    with enable_grad() if create_graph else no_grad() if state.hooks or on_tensors else QUIET, CAREFUL if state.batched_nodes else QUIET:
        for root, cotangent in zip(roots, cotangents):  # noqa: B905 - one cotangent was made per root
            task.give(root if root._node is LEAF else root._node, cotangent)
        task.run()
        if not accumulate:
            return [task.result(tensor) for tensor in inputs or ()]
        task.fill_grads(inputs)
    return []


QUIET = nullcontext()


def running_node() -> Any:
    """The node that this thread's innermost pass is at, None outside of any: read off the stack, so that passes need not tell."""
    frame: Any = sys._getframe(1)
    while frame is not None and frame.f_code is not Pass.run.__code__:
        frame = frame.f_back
    return None if frame is None else frame.f_locals.get("node")


class Careful:
    """A block in which ops take the careful path, since tensors may be batched."""

    def __enter__(self) -> None:
        adjust_active(1)

    def __exit__(self, *exception: Any) -> None:
        adjust_active(-1)


CAREFUL = Careful()


class Pass:
    """One run backwards through a graph: the cotangents known so far, and the nodes still to run."""

    __slots__ = ("keep", "on_tensors", "cotangents", "heap", "needed", "captured", "uses", "owned")

    def __init__(self, keep: bool, on_tensors: bool) -> None:
        self.keep = keep
        self.on_tensors = on_tensors
        self.cotangents: dict[Any, Any] = {}  # per node, stub or leaf
        self.heap: list[tuple[int, Any]] = []
        self.needed: set | None = None  # the only nodes to run, when the pass has an aim
        self.captured: dict[Any, Any] = {}  # what is asked for, per node or leaf
        self.uses: dict[Any, int] | None = None  # of leaves with hooks: the consumers that are still to run
        self.owned: set = set()  # nodes and leaves whose cotangent is a buffer that only this pass sees

    def aim(self, roots: list, inputs: list) -> None:
        """Limits the pass to what leads to `inputs`."""
        targets = []
        for tensor in inputs:
            if tensor._base is not None:
                refresh_view(tensor)
            if tensor._node is None:
                raise RuntimeError("One of the differentiated Tensors does not require grad")
            targets.append(tensor if tensor._node is LEAF else tensor._node)
        self.captured = dict.fromkeys(targets)
        needed = set(targets)
        for node in reversed(reachable(roots)):  # earliest first: a node is needed when anything that it consumed is
            if node not in needed and any(edge in needed for edge in edges_of(node) if edge is not None):
                needed.add(node)
        self.needed = needed

    def count_leaf_uses(self, roots: list) -> None:
        """Counts the consumers of leaves with hooks, so that these are called as soon as the gradient is complete."""
        uses: dict[Any, int] = {}
        for node in reachable(roots):
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
        observed = state.hooks or thread.anomaly or needed is not None
        while heap:
            node = heappop(heap)[1]
            g = cotangents.pop(node)
            if observed:
                g = self.observe(node, g)
                if g is None:
                    continue
            if type(node) is OutputStub:
                self.collect(node, g)
                continue
            if type(g) is list:
                g = complete(node, g, recorded)
            if state.last_write < node._order:
                check_versions(node)
            if observed:
                results = self.apply_observed(node, g)
            else:
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
                        if order is not None:
                            heappush(heap, (order, edge))
                if uses and edge in uses:
                    uses[edge] -= 1
                    if not uses[edge] and edge in cotangents:
                        self.accumulate(edge, cotangents.pop(edge))

    def observe(self, node: Any, g: Any) -> Any:
        """The cotangent of a node after its tensor's hooks; None when the pass ends here."""
        if node.tensor_hooks is not None or node.retained is not None:
            g = self.call_tensor_hooks(node, g)
        if self.needed is not None:
            if node in self.captured:
                self.captured[node] = g
            if not any(edge in self.needed for edge in edges_of(node) if edge is not None):
                return None
        return g

    def collect(self, stub: OutputStub, g: Any) -> None:
        """Hands the cotangent of one output to its node."""
        node = stub.node
        parts = self.cotangents.get(node)
        if parts is None:
            self.cotangents[node] = parts = [None] * len(node._outputs or ())
            heappush(self.heap, (node._order, node))
        parts[stub.index] = g if parts[stub.index] is None else parts[stub.index] + g

    def apply_observed(self, node: Node, g: Any) -> tuple:
        """Runs a node, calling its hooks, or watched by anomaly mode."""
        if node.prehooks:
            g = self.call_prehooks(node, g)
        if thread.anomaly:
            from .anomaly import apply_checked

            results = apply_checked(node, g, self.keep, self.on_tensors)
        else:
            results = node.vjp_recorded(g, self.keep) if self.on_tensors else node.vjp(g, self.keep)
        if node.posthooks:
            before = tuple(as_tensor(result) for result in results)
            outputs = tuple(as_tensor(one) for one in g) if type(g) is tuple else (as_tensor(g),)
            for hook in list(node.posthooks.values()):
                replaced = hook(before, outputs)
                if replaced is not None:
                    before = tuple(replaced) if isinstance(replaced, (tuple, list)) else (replaced,)
            results = tuple(self.raw(result) for result in before)
        return results

    def raw(self, tensor: Any) -> Any:
        """A hook's Tensor in the form that this pass works with."""
        return tensor if tensor is None or self.on_tensors else tensor._array

    def call_tensor_hooks(self, node: Any, g: Any) -> Any:
        """Calls the hooks of the tensor that a node made, and fills its `.grad` when it retains it."""
        if node.tensor_hooks:
            g = self.hooked(node.tensor_hooks, g)
        if node.retained is not None:
            tensor = node.retained()
            if tensor is not None:
                self.add_to_grad(tensor, g)
        return g

    def hooked(self, hooks: dict, g: Any) -> Any:
        """A cotangent after hooks have seen it and perhaps replaced it."""
        for hook in list(hooks.values()):
            replaced = hook(as_tensor(g))
            if replaced is not None:
                if not isinstance(replaced, Tensor):
                    raise TypeError(f"expected Variable, but hook returned '{type(replaced).__name__}'")
                shape = g.shape
                if tuple(replaced.shape) != tuple(shape):
                    raise RuntimeError(f"hook '{getattr(hook, '__name__', hook)}' has changed the size of value")
                g = self.raw(replaced)
        return g

    def call_prehooks(self, node: Node, g: Any) -> Any:
        several = isinstance(g, (tuple, list))
        outputs = tuple(as_tensor(one) for one in g) if several else (as_tensor(g),)
        for hook in list((node.prehooks or {}).values()):
            replaced = hook(outputs)
            if replaced is not None:
                outputs = tuple(replaced) if isinstance(replaced, (tuple, list)) else (replaced,)
        raw = tuple(self.raw(one) for one in outputs)
        return raw if several else raw[0]

    def fill_grads(self, inputs: list | None) -> None:
        """Adds what the leaves (or only `inputs`) have received to their `.grad`."""
        found = self.cotangents
        while found:
            leaf, cotangent = found.popitem()
            if inputs is None or leaf in self.captured:
                self.accumulate(leaf, cotangent)
        for tensor in inputs or ():
            if tensor._node is not LEAF and self.captured[tensor._node] is not None:
                self.add_to_grad(tensor, self.captured[tensor._node])

    def accumulate(self, leaf: Tensor, g: Any) -> None:
        """Adds a complete cotangent to a leaf's `.grad`, calling the leaf's hooks."""
        if state.hooks and has_leaf_hooks(leaf):
            self.accumulate_hooked(leaf, g)
        else:
            self.add_to_grad(leaf, g)

    def accumulate_hooked(self, leaf: Tensor, g: Any) -> None:
        if leaf._hooks:
            g = self.hooked(leaf._hooks, g)
        before, after = leaf.__dict__.get("_node_hooks", ((), ()))
        if before or after:
            node = AccumulateGrad.of(leaf)
            g = self.call_prehooks(node, g)
        self.add_to_grad(leaf, g)
        for hook in list((after or {}).values()):
            hook((), (as_tensor(g),))
        for hook in list((leaf._post_hooks or {}).values()):
            hook(leaf)

    def add_to_grad(self, tensor: Tensor, g: Any) -> None:
        """Adds to `.grad`, in place unless the pass is recorded."""
        known = tensor._grad
        array = tensor._array
        if self.on_tensors:
            g = project(g, array.shape, array.dtype)
            tensor._grad = g if known is None else known + g
            return
        if type(g) is not np.ndarray:
            g = as_array(g)
        if g.shape != array.shape or g.dtype != array.dtype:
            g = as_array(project(g, array.shape, array.dtype))
        if known is None:
            # A buffer that somebody else may see is copied: the caller's gradient, or one that two leaves received.
            if sys.getrefcount(g) > SOLE_HOLDERS or (g.base is not None and sees_other(g)) or not g.flags.writeable:
                g = np.array(g, order="C")
            tensor._grad = wrap(g)
        elif known._node is not None:
            tensor._grad = wrap(known._array + g)
        else:
            np.add(known._array, g, known._array)
            version_cell(known).bump()

    def result(self, tensor: Tensor) -> Tensor | None:
        """The gradient that was asked for, after its hooks."""
        node = tensor._node
        found = self.cotangents.get(tensor) if node is LEAF else self.captured[node]
        if found is None:
            return None
        if node is LEAF and tensor._hooks:
            found = self.hooked(tensor._hooks, found)
        array = tensor._array
        if found.shape != array.shape or dtype_of(found) != array.dtype:
            found = project(found, array.shape, array.dtype)
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
    measuring.fill_grads(None)
    return measuring.holders


# Interpreters count differently, so it is measured.
SOLE_HOLDERS = _count_holders()


def as_tensor(g: Any) -> Any:
    """A cotangent as a Tensor (None stays None)."""
    if g is None or isinstance(g, Tensor):
        return g
    return wrap(as_array(g))


def sees_other(view: np.ndarray) -> bool:
    """Whether a view is not simply the one window on a buffer of its size, as a transposed product is."""
    base = view.base
    return type(base) is not np.ndarray or base.nbytes != view.nbytes or sys.getrefcount(base) > SOLE_OWNER + 1


def edges_of(node: Any) -> tuple:
    """What a node or stub consumed."""
    return (node.node,) if type(node) is OutputStub else node.edges


def has_leaf_hooks(leaf: Tensor) -> bool:
    """Whether anybody wants to be called about a leaf's gradient."""
    return leaf._hooks is not None or leaf._post_hooks is not None or "_node_hooks" in leaf.__dict__


def reachable(roots: list) -> list:
    """All nodes and stubs behind some tensors, latest first."""
    found: set = set()
    pending = [root._node for root in roots if root._node is not LEAF]
    while pending:
        node = pending.pop()
        if node not in found:
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


def dtype_of(g: Any) -> np.dtype:
    """The NumPy type of a cotangent, Tensor or array."""
    return g._array.dtype if isinstance(g, Tensor) else g.dtype


def project_all(results: tuple, spaces: tuple) -> tuple:
    """Each cotangent brought to the shape and type of its input."""
    return tuple(
        result if result is None or space is None else project(result, *space)
        for result, space in zip(results, spaces)  # noqa: B905 - rules return one cotangent per edge
    )


def project(g: Any, shape: tuple, dtype: np.dtype, levels: tuple | None = None) -> Any:
    """A cotangent brought to the space of the tensor it belongs to: broadcast dimensions summed, type and realness restored.

    `levels` says at which levels of vmap the tensor is batched: the cotangents of the examples of other levels are summed, unless
    the pass itself runs inside them.
    """
    if levels is not None:
        g = sum_examples(g, levels)
    if g.shape != shape:
        extra = len(g.shape) - len(shape)
        if extra < 0:
            from ..ops.shapes import expand

            return project(expand(g, *shape), shape, dtype)
        if extra:
            g = g.sum(tuple(range(extra)))
        dims = tuple(i for i, extent in enumerate(shape) if extent == 1 and g.shape[i] != 1)
        if dims:
            g = g.sum(dims, keepdim=True) if isinstance(g, Tensor) else g.sum(dims, keepdims=True)
        if g.shape != shape:
            from ..ops.shapes import expand

            g = expand(g, *shape)
    if dtype_of(g) != dtype:
        if dtype_of(g).kind == "c" and dtype.kind != "c":
            g = g.real
        if isinstance(g, Tensor):
            from .. import dtypes

            return g.to(dtypes.from_numpy(dtype))
        return g.astype(dtype)
    return g


def describe_type(array: Any) -> str:
    """PyTorch's old name of an array's type, as errors give it: `FloatTensor`."""
    from .. import dtypes
    from ..ops.dispatch import type_word

    return f"{type_word(dtypes.from_numpy(array.dtype))}Tensor"


def sum_examples(g: Tensor, levels: tuple) -> Tensor:
    """A cotangent summed over the examples of levels of vmap that its tensor knows nothing of."""
    from ..arrays.batched import levels_of
    from ..func.vmap import leave

    for level in levels_of(g._array):
        if level not in levels and level not in thread.batch_levels:
            g = leave(g, level, 0, thread.batch_sizes[level]).sum(0)
    return g


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
                    if owner._cell is not None:
                        array = tensor._array
                        check_saved(node._order, node, array.shape, describe_type(array), owner._cell, tensor._node)
        elif slot == "out" and node.out_cell is not None:
            out = node.out  # type: ignore[attr-defined]
            array = out[0] if isinstance(out, tuple) else out
            if hasattr(array, "dtype"):
                order = node._order if node.out_order is None else node.out_order
                check_saved(order, node, array.shape, describe_type(array), node.out_cell, node)
