"""Custom functions: a forward and a backward of the user's own, recorded as one node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..tensor import Tensor, wrap
from .graph import LEAF, SECOND_BACKWARD, Node, OutputStub, check_saved, next_order, version_cell
from .modes import enable_grad, no_grad, state, thread

if TYPE_CHECKING:
    from collections.abc import Callable


class FunctionCtx:
    """What a custom function's forward leaves for its backward."""

    _to_save: tuple = ()
    _dirty: tuple = ()
    _non_differentiable: tuple = ()
    _saved: tuple | None = ()
    _materialize = True
    _node: Any = None
    needs_input_grad: tuple[bool, ...] = ()

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keeps tensors for backward, where `ctx.saved_tensors` gives them back. Raises TypeError for anything else."""
        for given in tensors:
            if given is not None and not isinstance(given, Tensor):
                raise TypeError(f"save_for_backward can only save variables, but argument is of type {type(given).__name__}")
        self._to_save = tensors

    def save_for_forward(self, *tensors: Tensor | None) -> None:
        """Keeps tensors for `jvp`."""
        self.saved_for_forward = tensors

    def mark_dirty(self, *args: Tensor) -> None:
        """Says which inputs forward changed in place; they must be returned as outputs."""
        self._dirty = args

    def mark_non_differentiable(self, *args: Tensor) -> None:
        """Says through which outputs no gradient flows."""
        self._non_differentiable = args

    def set_materialize_grads(self, value: bool) -> None:
        """Whether backward gets zeros (the default) or None for outputs that took no part."""
        self._materialize = value

    @property
    def saved_tensors(self) -> tuple:
        """What `save_for_backward` kept. Raises RuntimeError when it was freed, or changed in place since."""
        if self._saved is None:
            raise RuntimeError(SECOND_BACKWARD)
        return tuple(None if kept is None else kept.unpack(self._node) for kept in self._saved)

    saved_variables = saved_tensors

    @property
    def _raw_saved_tensors(self) -> tuple:
        """The same, each in a form that takes hooks."""
        from .saved import SavedByFunction

        if self._saved is None:
            raise RuntimeError(SECOND_BACKWARD)
        return tuple(None if kept is None else SavedByFunction(kept, "value", self._node) for kept in self._saved)

    def _finish_saving(self, node: FunctionNode | None, outputs: dict[int, int]) -> None:
        """Turns what was to be saved into records; an output without its node, lest the node hold itself."""
        if state.active and node is not None:
            from ..ops.dispatch import refuse_inference

            refuse_inference(self._to_save)
        hooks = thread.saved_hooks if node is not None else ()
        self._saved = tuple(
            None if tensor is None else Saved(tensor, outputs.get(id(tensor)) if node is not None else None, hooks)
            for tensor in self._to_save
        )
        self._to_save = ()


class Saved:
    """A tensor kept for backward, with the version that it had, or packed by the user's hooks."""

    __slots__ = ("value", "output", "cell", "order", "edge", "__weakref__")

    def __init__(self, tensor: Tensor, output: int | None, hooks: tuple = ()) -> None:
        self.output = output
        self.value: Any = tensor if output is None else wrap(tensor._array)
        self.cell: Any = version_cell(tensor)
        self.order = next_order()
        self.edge = tensor if tensor._node is LEAF else tensor._node
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
            from .engine import describe_type

            check_saved(self.order, node, tensor._array.shape, describe_type(tensor._array), self.cell, tensor._node)
        if self.output is None or node is None:
            return tensor
        again: Any = wrap(tensor._array)
        again._node = OutputStub(node, self.output) if node._outputs is not None else node
        return again


class FunctionNode(Node):
    """The node of a custom function."""

    __slots__ = ("ctx", "inputs")

    function: Any = None  # the user's class

    def __getattr__(self, name: str) -> Any:
        # `grad_fn.saved_tensors` and whatever forward hung on ctx
        if name == "ctx":
            raise AttributeError(name)
        return getattr(self.ctx, name)

    def vjp(self, g: Any, keep: bool) -> tuple:
        from .engine import as_tensor

        given = tuple(as_tensor(one) for one in g) if isinstance(g, tuple) else (as_tensor(g),)
        with no_grad():
            results = self.call_backward(given, keep)
        return tuple(None if result is None else result._array for result in results)

    def vjp_recorded(self, g: Any, keep: bool) -> tuple:
        with enable_grad():
            return self.call_backward(g if isinstance(g, tuple) else (g,), keep)

    def call_backward(self, given: tuple, keep: bool) -> tuple:
        """Runs the user's backward, and checks what it returns."""
        name, ctx = type(self).__name__, self.ctx
        if ctx._saved is None and not keep and ctx.__dict__.get("_had_saved"):
            raise RuntimeError(SECOND_BACKWARD)
        backward = self.function.backward if self.function.vjp is Function.vjp else self.function.vjp
        results = backward(ctx, *given)
        results = results if isinstance(results, tuple) else (results,)
        if not keep and ctx._saved:
            ctx._saved, ctx._had_saved = None, True
        count = len(self.edges)
        if len(results) > count and all(extra is None for extra in results[count:]):
            results = results[:count]
        if len(results) != count:
            raise RuntimeError(f"function {name} returned an incorrect number of gradients (expected {count}, got {len(results)})")
        for index, (result, edge, space) in enumerate(zip(results, self.edges, self.inputs, strict=True)):
            if result is None:
                continue
            if not isinstance(result, Tensor):
                raise TypeError(f"{name}: expected a Tensor or None as gradient {index}, but got {type(result).__name__}")
            if edge is not None and not fits(result._array.shape, space[0]):
                raise RuntimeError(
                    f"Function {name} returned an invalid gradient at index {index} - got {list(result._array.shape)} but expected "
                    f"shape compatible with {list(space[0])}"
                )
        return tuple(None if edge is None else result for result, edge in zip(results, self.edges, strict=True))


def fits(shape: tuple, wanted: tuple) -> bool:
    """Whether a cotangent of that shape can be summed to the wanted one."""
    if len(shape) < len(wanted):
        return False
    tail = shape[len(shape) - len(wanted) :]
    return all(extent == target or target == 1 for extent, target in zip(tail, wanted, strict=True))


class Function:
    """Base class of custom functions.

    Define `forward(ctx, ...)` and `backward(ctx, *grad_outputs)` as static methods, or `forward(...)` with
    `setup_context(ctx, inputs, output)`; call `apply`.
    """

    _node_class: type | None = None
    generate_vmap_rule = False

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError(
            "Legacy autograd function with non-static forward method is deprecated. Please use new-style autograd function with "
            "static forward method. (Example: https://pytorch.org/docs/stable/autograd.html#torch.autograd.Function)"
        )

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """Computes the result from tensors (and anything else)."""
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> Any:
        """Saves for backward, in a function whose forward takes no ctx."""
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        """Returns a gradient (or None) for each argument of forward."""
        raise NotImplementedError(
            "You must implement either the backward or vjp method for your custom autograd.Function to use it with backward mode AD."
        )

    vjp = backward

    @staticmethod
    def jvp(ctx: Any, *grad_inputs: Any) -> Any:
        """Returns the tangents of the outputs."""
        raise NotImplementedError("You must implement the jvp function for custom autograd.Function to use it with forward mode AD.")

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Runs forward and records the call."""
        ctx = FunctionCtx()
        tensors = [arg for arg in args if isinstance(arg, Tensor)]
        for tensor in tensors:
            if tensor._base is not None:
                tensor.grad_fn  # noqa: B018 - brings the history of a view up to date
        ctx.needs_input_grad = tuple(isinstance(arg, Tensor) and arg._node is not None for arg in args)
        recording = thread.grad_enabled and not thread.inference and any(ctx.needs_input_grad)
        with no_grad():
            if cls.setup_context is Function.setup_context:
                outputs = cls.forward(ctx, *args, **kwargs)
            else:
                outputs = cls.forward(*args, **kwargs)
                cls.setup_context(ctx, args, outputs)
        several = isinstance(outputs, (tuple, list))
        results = cls._record(ctx, args, list(outputs) if several else [outputs], recording)
        return tuple(results) if several else results[0]

    @classmethod
    def _record(cls, ctx: FunctionCtx, args: tuple, outputs: list, recording: bool) -> list:
        """Gives the outputs their history."""
        from .inplace import check_writable, rebase

        dirty = {id(tensor) for tensor in ctx._dirty}
        inputs = {id(arg) for arg in args if isinstance(arg, Tensor)}
        for tensor in ctx._dirty:
            if recording:
                check_writable(tensor)
            version_cell(tensor).bump()
        node = cls._make_node(ctx, args) if recording else None
        fixed = {id(tensor) for tensor in ctx._non_differentiable}
        differentiable = [
            isinstance(out, Tensor) and id(out) not in fixed and (out.is_floating_point() or out.is_complex()) for out in outputs
        ]
        if node is not None and not (len(outputs) == 1 and differentiable[0]):
            node._outputs = tuple(
                (out._array.shape, out._array.dtype) if isinstance(out, Tensor) else None for out in outputs
            )
        places = {id(out): i for i, out in enumerate(outputs) if isinstance(out, Tensor) and id(out) not in inputs}
        places |= {id(out): i for i, out in enumerate(outputs) if id(out) in dirty}
        ctx._finish_saving(node, places)
        results = []
        for index, (out, flows) in enumerate(zip(outputs, differentiable, strict=True)):
            if isinstance(out, Tensor) and (node is not None or id(out) in inputs):
                if id(out) in inputs and id(out) not in dirty:
                    out = wrap(out._array)  # an input handed on is an output of its own
                elif id(out) not in dirty and out._node is not None:
                    out = out.detach()
                if node is not None and flows:
                    made_by = node if node._outputs is None else OutputStub(node, index)
                    if out._base is not None and id(out) in dirty:
                        rebase(out, node)
                    else:
                        out._node = made_by
            results.append(out)
        return results

    @classmethod
    def _make_node(cls, ctx: FunctionCtx, args: tuple) -> FunctionNode:
        if cls.__dict__.get("_node_class") is None:
            cls._node_class = type(f"{cls.__name__}Backward", (FunctionNode,), {"function": cls, "__slots__": ()})
        node: Any = object.__new__(cls._node_class)  # type: ignore[arg-type]
        node._order = next_order()
        node.edges = tuple(
            None if not isinstance(arg, Tensor) or arg._node is None else arg if arg._node is LEAF else arg._node for arg in args
        )
        node.inputs = tuple((arg._array.shape, arg._array.dtype) if isinstance(arg, Tensor) else None for arg in args)
        node.spaces = tuple(None if edge is None else space for edge, space in zip(node.edges, node.inputs, strict=True))
        node.ctx = ctx
        ctx._node = WeakNode(node)
        node._materialize = ctx._materialize
        if thread.anomaly:
            from .anomaly import remember

            remember(node)
        return node


class WeakNode:
    """A node without keeping it alive, for its own ctx."""

    def __new__(cls, node: Node) -> Any:
        import weakref

        return weakref.proxy(node)


def once_differentiable(fn: Callable) -> Callable:
    """Decorates a backward that cannot be differentiated again: asking for that raises RuntimeError."""
    import functools

    @functools.wraps(fn)
    def wrapper(ctx: Any, *args: Any) -> Any:
        with no_grad():
            outputs = fn(ctx, *args)
        if not thread.grad_enabled or not any(isinstance(arg, Tensor) and arg._node is not None for arg in args):
            return outputs
        several = isinstance(outputs, tuple)
        marked = [
            DelayedError.apply(out) if isinstance(out, Tensor) else out for out in (outputs if several else (outputs,))
        ]
        for out in marked:
            if isinstance(out, Tensor):
                blocked = FunctionCtx()
                node = DelayedError._make_node(blocked, (wrap(np.zeros(1)).requires_grad_(),))
                node.inputs = ((out._array.shape, out._array.dtype),)
                out._node = node
        return tuple(marked) if several else marked[0]

    return wrapper


class DelayedError(Function):
    """Passes its input on, and raises when asked for a derivative."""

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Tensor:
        return input

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        raise RuntimeError("trying to differentiate twice a function that was marked with @once_differentiable")
