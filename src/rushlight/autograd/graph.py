"""The graph: nodes that remember an operation, edges to what it consumed, and the versions that guard what they saved.

A tensor's `_node` is None (needs no gradient), LEAF (gradients end and accumulate here) or the node that made it. An edge is what
a node consumed: None, the leaf tensor itself, the producer's node, or an OutputStub for one output of a node with several.
"""

from __future__ import annotations

import weakref
from collections import OrderedDict
from collections.abc import Callable
from itertools import count
from typing import TYPE_CHECKING, Any

from ..callers import calling_frame
from ..lazy import on_demand
from ..utils import hooks as hook_tables
from .modes import state

if TYPE_CHECKING:
    from ..tensor import Tensor
    from ..utils.hooks import RemovableHandle

# Orders count downwards, so that a heap yields the latest node first.
next_order = count(0, -1).__next__


class _Leaf:
    """The `_node` of a tensor at which gradients accumulate."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "LEAF"


class _Freed:
    """Stands for what a node had saved until it was freed."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "FREED"


LEAF = _Leaf()
FREED: Any = _Freed()

SECOND_BACKWARD = (
    "Trying to backward through the graph a second time (or directly access saved tensors after they have already been freed). "
    "Saved intermediate values of the graph are freed when you call .backward() or autograd.grad(). Specify retain_graph=True if "
    "you need to backward through the graph a second time or if you need to access saved tensors after calling backward."
)


def add_hook(hooks: OrderedDict, hook: Callable) -> RemovableHandle:
    """Adds `hook` to an ordered table of hooks, and makes every pass look for hooks from now on."""
    if not callable(hook):
        raise TypeError(f"hook must be callable, not {type(hook).__name__}")
    state.hooks = True
    return hook_tables.add_hook(hooks, hook)


class Node:
    """One recorded operation.

    `edges` are what it consumed, one per differentiable input; `spaces` the inputs' shapes and types, kept only where a cotangent
    may need projecting onto them. Subclasses, one per op, add the slots for what their derivative saves, and `vjp`.
    """

    __slots__ = ("_order", "edges", "spaces", "__dict__", "__weakref__")

    op: Any = None
    # Rare attributes, in the instance dictionary only where used.
    out_cell: VersionCell | None = None  # the version cell of the output, once it has one
    out_order: int | None = None  # when it was written, if the operation was in place and the node saved it
    tensor_hooks: OrderedDict | None = None  # hooks on the output tensor: change the cotangent before the node runs
    prehooks: OrderedDict | None = None
    posthooks: OrderedDict | None = None
    retained: weakref.ref | None = None  # the tensor whose .grad is to be filled
    output_hooks: dict[int, OutputHooks] | None = None  # of a node with several outputs: both, per output number
    trace: tuple[str, int] | None = None  # the file and line of the call, known where a recording for `explain` was on
    _outputs: tuple | None = None  # of a node with several outputs: their shapes and types
    _output: tuple | None = None  # of any other: that of its output, known where somebody asked the tensor for its `grad_fn`
    output_cells: dict[int, VersionCell] | None = None  # of such a node: the version cells that its outputs have by now
    constants: tuple = ()  # the outputs, such as indices, through which no gradient flows, where the derivative needs them
    _materialize = True  # whether such a node gets zeros for outputs that took no part
    takes_nothing = False  # whether it runs even where no output got a cotangent

    def vjp(self, g: Any, keep: bool) -> tuple:
        """The cotangents of the inputs from that of the output, on arrays; what was saved is freed unless `keep`."""
        raise NotImplementedError(f"{self.name()} has no derivative")

    def vjp_recorded(self, g: Any, keep: bool) -> tuple:
        """The same on Tensors, recording what it does."""
        raise NotImplementedError(f"{self.name()} has no derivative of higher order")

    def name(self) -> str:
        """The name that `grad_fn` prints."""
        return type(self).__name__

    def __repr__(self) -> str:
        return f"<{type(self).__name__} object at {id(self):#x}>"

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise TypeError(f"cannot pickle {self.name()!r} object")

    @property
    def hook_holder(self) -> Any:
        """Where the hooks of the tensor that this node made are kept."""
        return self

    @property
    def metadata(self) -> dict:
        """A dictionary for the user's own notes."""
        return self.__dict__.setdefault("_metadata", {})

    @property
    def requires_grad(self) -> bool:
        """True: nodes are made only for what requires a gradient."""
        return True

    @property
    def next_functions(self) -> tuple[tuple[Any, int], ...]:
        """For each differentiable input its producer and the number of the producer's output."""
        edges, order = self.edges, getattr(self.op, "shown", None)
        rules = getattr(self.op, "rules", ())  # inputs without a rule (indices, masks) are no edges of PyTorch's
        shown = tuple(
            public_edge(edges[i])
            for i in (range(len(edges)) if order is None else order(self))
            if i >= len(rules) or rules[i] is not None or edges[i] is not None
        )
        self.__dict__["shown_leaves"] = [node for node, _ in shown if isinstance(node, AccumulateGrad)]  # it holds them
        return shown

    @property
    def _input_metadata(self) -> list:
        """The shapes and types of the cotangents that arrive here. Raises AttributeError where they are not known."""
        from .edges import input_metadata

        return input_metadata(self)

    def _sequence_nr(self) -> int:
        return -self._order

    def __call__(self, *grads: Any) -> Any:
        """The cotangents of the inputs from those of the outputs: the derivative alone, without hooks, and freeing nothing."""
        from .engine import check_versions, complete
        from .projection import project_all

        count = 1 if self._outputs is None else len(self._outputs)
        if len(grads) != count:
            raise TypeError(f"expected {count} arguments, got {len(grads)} instead")
        check_versions(self)
        results = self.vjp_recorded(grads[0] if self._outputs is None else complete(self, list(grads), True), True)
        if self.spaces is not None:
            results = project_all(results, self.spaces)
        return results[0] if len(results) == 1 else results

    def __getattr__(self, name: str) -> Any:
        if self.op is not None and name.startswith(("_saved_", "_raw_saved_")):
            from .saved import saved_attribute

            return saved_attribute(self, name)
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def __dir__(self) -> list[str]:
        from .saved import shown_attributes

        return sorted({*object.__dir__(self), *(shown_attributes(self) if self.op is not None else ())})

    def register_hook(self, fn: Callable) -> RemovableHandle:
        """Calls `fn(grad_inputs, grad_outputs)` after the node has run; what it returns replaces `grad_inputs`."""
        if self.posthooks is None:
            self.posthooks = OrderedDict()
        return add_hook(self.posthooks, fn)

    def register_prehook(self, fn: Callable) -> RemovableHandle:
        """Calls `fn(grad_outputs)` before the node runs; what it returns replaces `grad_outputs`."""
        if self.prehooks is None:
            self.prehooks = OrderedDict()
        return add_hook(self.prehooks, fn)


class Untracked(Node):
    """The `_node` of a view, of what requires a gradient, made where nothing is recorded: it requires one, and passes none on."""

    __slots__ = ()

    def __init__(self) -> None:
        self._order = next_order()
        self.edges = ()
        self.spaces = None

    def vjp(self, g: Any, keep: bool) -> tuple:
        return ()

    vjp_recorded = vjp


class OutputHooks:
    """What is kept about one output of a node with several."""

    tensor_hooks: OrderedDict | None = None
    retained: weakref.ref | None = None


class OutputStub:
    """One output of a node with several."""

    __slots__ = ("_order", "node", "index", "__dict__", "__weakref__")

    def __init__(self, node: Node, index: int) -> None:
        self._order = next_order()
        self.node = node
        self.index = index

    @property
    def out_cell(self) -> VersionCell | None:
        """The version cell of this output, once it has one; kept with the node, which checks what it saved."""
        return (self.node.output_cells or {}).get(self.index)

    @out_cell.setter
    def out_cell(self, cell: VersionCell) -> None:
        if self.node.output_cells is None:
            self.node.output_cells = {}
        self.node.output_cells[self.index] = cell

    @property
    def hook_holder(self) -> OutputHooks:
        """Where the hooks of this output are kept: with the node, which calls those of all its outputs before it runs."""
        if self.node.output_hooks is None:
            self.node.output_hooks = {}
        return self.node.output_hooks.setdefault(self.index, OutputHooks())


class AccumulateGrad(Node):
    """Where gradients end: adds what arrives to `variable.grad`. Made when somebody looks; the engine uses the leaf itself."""

    __slots__ = ("variable",)

    def __init__(self, variable: Tensor) -> None:
        self._order = next_order()
        self.edges = ()
        self.spaces = None
        self.variable = variable

    @staticmethod
    def of(leaf: Tensor) -> AccumulateGrad:
        """The one node of a leaf, for as long as anybody holds it (it holds the leaf, not the other way round)."""
        node = AccumulateGrad.known(leaf)
        if node is None:
            node = AccumulateGrad(leaf)
            leaf.__dict__["_accumulate"] = weakref.ref(node)
            # A node that nobody holds dies at once: the leaf keeps its hooks until a pass has called them.
            node.prehooks, node.posthooks = leaf.__dict__.setdefault("_node_hooks", (OrderedDict(), OrderedDict()))
        return node

    @staticmethod
    def known(leaf: Tensor) -> AccumulateGrad | None:
        """The node of a leaf, if anybody holds one."""
        reference = leaf.__dict__.get("_accumulate")
        return None if reference is None else reference()

    @staticmethod
    def hooks_of(leaf: Tensor) -> tuple:
        """The hooks before and after accumulation."""
        node = AccumulateGrad.known(leaf)
        return leaf.__dict__.get("_node_hooks", ({}, {})) if node is None else (node.prehooks, node.posthooks)

    def name(self) -> str:
        return "torch::autograd::AccumulateGrad"

    def _sequence_nr(self) -> int:
        return 2**64 - 1  # runs as soon as it can


def retain(tensor: Tensor, before: Any = None) -> None:
    """Has what made a tensor fill its `.grad`, and no longer what made it `before` an in-place change."""
    if before is not None and before is not LEAF:
        before.hook_holder.retained = None
    node: Any = tensor._node
    if node is not None and node is not LEAF:
        node.hook_holder.retained = weakref.ref(tensor)


# What PyTorch has in this module, and others have here.
__getattr__, __dir__ = on_demand(globals(), {
    "accelerators": (
        "region_activation_memory_budget set_override_stale_capture_stream set_warn_on_accumulate_grad_stream_mismatch"
    ),
    "edges": "GradientEdge get_gradient_edge increment_version register_multi_grad_hook",
    "mutation": "allow_mutation_on_saved_tensors",
    "saved": "disable_saved_tensors_hooks save_on_cpu saved_tensors_hooks",
})  # fmt: skip


def edge_of(tensor: Tensor) -> Any:
    """Where a tensor's gradient goes, which is what a node holds for an input: None, the leaf itself, or what made it."""
    node = tensor._node
    return tensor if node is LEAF else node


def public_edge(edge: Any) -> tuple[Any, int]:
    """What PyTorch shows for an edge: a node and an output number."""
    if edge is None:
        return None, 0
    if isinstance(edge, OutputStub):
        return public_node(edge.node), edge.index
    if isinstance(edge, Untracked):
        return None, 0
    if isinstance(edge, Node):
        return public_node(edge), 0
    return AccumulateGrad.of(edge), 0


def public_node(node: Node) -> Node:
    """The node, given the class whose name depends on how the op was called (as SumBackward0 and SumBackward1)."""
    if node.op is not None:
        node.op.specialize(node)
    return node


class VersionCell:
    """Counts the in-place changes of a memory, for a tensor with its views and detached aliases.

    `orders` holds when the latest changes happened, `place` the source line of the last.
    """

    __slots__ = ("version", "orders", "place", "__weakref__")

    REMEMBERED = 64

    def __init__(self) -> None:
        self.version = 0
        self.orders: list[int] = []
        self.place: tuple[str, int] | None = None

    def bump(self, depth: int = 1) -> None:
        """Notes a change, now, by the nearest caller outside Rushlight, looked for from `depth` calls up."""
        state.last_write = order = next_order()
        frame = calling_frame(depth + 1)
        self.note(order, (frame.f_code.co_filename, frame.f_lineno))

    def note(self, order: int, place: tuple[str, int]) -> None:
        """Notes a change that happened at `order`, by the line at `place`."""
        self.version += 1
        self.place = place
        self.orders.append(order)
        if len(self.orders) > self.REMEMBERED:
            del self.orders[: self.REMEMBERED // 2]

    def changed_since(self, order: int) -> int:
        """How many changes came after the node of that order was made."""
        return sum(1 for change in self.orders if change < order)


def version_cell(tensor: Tensor) -> VersionCell:
    """The cell of a tensor's memory, made on first use."""
    owner = tensor if tensor._base is None else tensor._base
    cell = owner._cell
    if cell is None:
        cell = owner._cell = VersionCell()
        node = owner._node
        if node is not None and node is not LEAF:
            node.out_cell = cell
    return cell


def check_saved(order: int, node: Node | None, shape: tuple, kind: str, cell: VersionCell | None, made_by: Any) -> None:
    """Raises when what `node` saved at `order`, a tensor of that shape and type from `made_by`, has been changed in place."""
    changes = 0 if cell is None else cell.changed_since(order)
    if not changes:
        return
    assert cell is not None and cell.place is not None
    file, line = cell.place
    producer = producer_name(made_by)
    origin = f", which is output {public_edge(made_by)[1]} of {producer}," if producer else ""
    saver = "A checkpoint" if node is None else public_node(node).name()
    raise RuntimeError(
        "one of the variables needed for gradient computation has been modified by an inplace operation: "
        f"[torch.{kind}Tensor {list(shape)}]{origin} is at version {cell.version}; "
        f"expected version {cell.version - changes} instead. "
        f"{saver} saved it, and it was last changed in place at {file}:{line}. "
        "Hint: change a copy (x.clone()), or use the out-of-place form of that operation."
    )


def producer_name(made_by: Any) -> str:
    """The name of what made a tensor, from its `_node`, in PyTorch's messages: `Add` for AddBackward0; "" if nothing did."""
    node = None if made_by is None or made_by is LEAF else public_edge(made_by)[0]
    name = "" if node is None else node.name()
    before, _, number = name.rpartition("Backward")
    return before + number.removeprefix("0") if before else name