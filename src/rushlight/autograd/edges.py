"""Places in the graph: gradient edges as outputs and inputs of passes, and hooks on the gradients of several tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from .. import devices, dtypes
from ..tensor import Size, Tensor, refresh_view, wrap
from ..utils.hooks import RemovableHandle
from .engine import Pass, edges_of, running_node, running_pass
from .graph import LEAF, AccumulateGrad, Node, OutputStub, edge_of, public_edge, version_cell

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence


class _Edge(NamedTuple):
    node: Node
    output_nr: int
    ownership_token: Node | None = None


class GradientEdge(_Edge):
    """One output of a node: in `autograd.grad` and `backward` it stands for the tensor, which need not be kept."""

    tensor: Any = None  # an empty tensor of the same kind, where that is known


def get_gradient_edge(tensor: Tensor) -> GradientEdge:
    """The edge at which a tensor's gradient is computed. Raises RuntimeError for a tensor that requires none."""
    if not tensor.requires_grad:
        raise RuntimeError("It is not possible to get the gradient edge for a Tensor that does not require gradients")
    if tensor._base is not None:
        refresh_view(tensor)
    edge = GradientEdge(*public_edge(edge_of(tensor)))
    if tensor._node is not LEAF:
        edge.tensor = placeholder(tensor._array.shape, tensor._array.dtype)
        edge.tensor._node = tensor._node
    return edge


def placeholder(shape: tuple, dtype: Any) -> Tensor:
    """A tensor of that shape and type that takes no memory: one element, repeated."""
    import numpy as np

    return wrap(np.broadcast_to(np.zeros((), dtype), shape))


def output_spaces(node: Node) -> tuple:
    """The shapes and types of a node's outputs, None for one that is not known or has no gradient."""
    if isinstance(node, AccumulateGrad):
        array = node.variable._array
        return ((array.shape, array.dtype),)
    return (node._output,) if node._outputs is None else node._outputs


class InputMetadata:
    """What a node expects of a cotangent."""

    __slots__ = ("shape", "dtype")
    is_nested_tensor = is_tensor_subclass = False
    device = devices.cpu

    def __init__(self, shape: tuple, dtype: Any) -> None:
        self.shape = Size(shape)
        self.dtype = dtypes.from_numpy(dtype)


def input_metadata(node: Node) -> list[InputMetadata]:
    """What a node expects of the cotangents of its outputs. Raises AttributeError where it does not know."""
    spaces = output_spaces(node)
    if spaces == (None,):
        raise AttributeError(f"what {node.name()} made is not known: ask its result for its `grad_fn` first")
    return [InputMetadata(*space) for space in spaces if space is not None]


def tensor_at(edge: Any) -> Tensor:
    """A tensor, or one that stands for an edge in a pass; its array is None where its shape is not known."""
    if isinstance(edge, Tensor):
        return edge
    if isinstance(edge.node, AccumulateGrad):
        return edge.node.variable
    if getattr(edge, "tensor", None) is not None:
        return edge.tensor
    space = output_spaces(edge.node)[edge.output_nr]
    stand_in: Any = wrap(None) if space is None else placeholder(*space)
    stand_in._node = edge.node if edge.node._outputs is None else OutputStub(edge.node, edge.output_nr)
    return stand_in


def increment_version(tensor: Tensor | Iterable[Tensor]) -> None:
    """Counts a change of tensors that was made behind autograd's back. Raises RuntimeError for anything else."""
    try:
        tensors = [tensor] if isinstance(tensor, Tensor) else list(tensor)
    except TypeError:
        raise RuntimeError("increment_version expect a Iterable[Tensor] as input") from None
    for one in tensors:
        if not isinstance(one, Tensor):
            raise RuntimeError("increment_version expects each element of the iterable to be a tensor")
        version_cell(one).bump()


# --- hooks on several tensors -----------------------------------------------------------------------------------------------------


class _MultiHandle(RemovableHandle):
    """Removes the hooks of several tensors at once."""

    def __init__(self, handles: tuple) -> None:
        self.handles = handles

    def remove(self) -> None:
        for handle in self.handles:
            handle.remove()


def register_multi_grad_hook(
    tensors: Sequence[Tensor], fn: Callable[[Sequence[Tensor | None]], None] | Callable[[Tensor], None], *, mode: str = "all"
) -> RemovableHandle:
    """Calls `fn` once in each pass that reaches any of `tensors`.

    With mode "all" it gets the list of their gradients, None for a tensor that the pass does not reach, once the last is known;
    with "any" the first gradient that becomes known. Raises ValueError for any other mode.
    """
    if mode not in ("all", "any"):
        raise ValueError(f"Expects mode to be one of ('all', 'any') but got {mode}")
    if mode == "any":
        return _MultiHandle(tuple(_hooks_for_any(tensors, fn)))
    for tensor in tensors:
        if not tensor.requires_grad:
            raise AssertionError("Expected gradient function to be set: every tensor of a multi-grad hook must require grad")
    return _MultiHandle(tuple(_hooks_for_all(tensors, fn)))


def _hooks_for_any(tensors: Sequence[Tensor], fn: Callable) -> list:
    from weakref import WeakSet

    served: WeakSet = WeakSet()  # the passes for which `fn` was called

    def hook(grad: Tensor) -> None:
        task = running_pass()
        if task not in served:
            served.add(task)
            fn(grad)

    return [tensor.register_hook(hook) for tensor in tensors if tensor.requires_grad]


def _hooks_for_all(tensors: Sequence[Tensor], fn: Callable) -> list:
    from weakref import WeakKeyDictionary

    places = [place_of(tensor) for tensor in tensors]
    passes: WeakKeyDictionary = WeakKeyDictionary()  # by pass: the gradients so far, and how many are to come

    def hook_of(index: int) -> Callable:
        def hook(grad: Tensor) -> None:
            task = running_pass()
            if task not in passes:
                keys = [place() for place in places]
                reached = reached_by(task) | {keys[index]}
                passes[task] = [None] * len(keys), [sum(key in reached for key in keys)]
            grads, left = passes[task]
            grads[index] = grad
            left[0] -= 1
            if not left[0]:
                del passes[task]
                fn(grads)

        return hook

    return [tensor.register_hook(hook_of(index)) for index, tensor in enumerate(tensors)]


def place_of(tensor: Tensor) -> Callable[[], Any]:
    """Gives what stands for a tensor in a set of places, without holding it: the leaf or the node, whichever output it is."""
    from weakref import ref

    node = tensor._node
    return ref(tensor if node is LEAF else node.node if isinstance(node, OutputStub) else node)


def reached_by(task: Pass) -> set:
    """The places that a pass has yet to visit, and that at which it is."""
    found: set = set()
    pending = [*task.cotangents]
    current = running_node()
    pending += [] if current is None else [current]
    while pending:
        place = pending.pop()
        if place in found or (task.needed is not None and place not in task.needed and place is not current):
            continue
        found.add(place)
        if place._order is not None:
            pending += [edge for edge in edges_of(place) if edge is not None]
    return found
