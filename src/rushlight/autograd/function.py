"""Custom functions: a forward and a backward of the user's own, recorded as one node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import ref

import numpy as np

from ..tensor import Tensor, refresh_view, wrap
from ..warning import warn
from .fresh_stack import nested
from .function_context import FunctionCtx
from .function_outputs import attach, push_tangents
from .graph import Node, OutputStub, edge_of, next_order
from .modes import _set_grad, no_grad, state, thread
from .projection import batched_spaces, spaces_from

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "BackwardCFunction", "Function", "FunctionCtx", "FunctionMeta", "InplaceFunction", "NestedIOFunction", "once_differentiable",
]  # fmt: skip


class BackwardCFunction(Node):
    """The node of a custom function: an edge for each argument that is a Tensor."""

    __slots__ = ("ctx", "count", "places")

    _forward_cls: Any = None  # the user's class
    takes_nothing = True

    def __init__(self, ctx: FunctionCtx, args: tuple) -> None:
        self._order = next_order()
        self.count = len(args)
        self.places = tuple([place for place, arg in enumerate(args) if isinstance(arg, Tensor)])
        given = [args[place] for place in self.places]
        arrays = [tensor._array for tensor in given]
        self.edges = tuple([edge_of(tensor) for tensor in given])
        is_batched = thread.batch_levels or state.batched_nodes
        self.spaces = batched_spaces(self.edges, arrays) if is_batched else spaces_from(self.edges, arrays)
        self.ctx = ctx
        ctx._made_by = ref(self)
        if thread.anomaly:
            from .anomaly_mode import remember

            remember(self)

    @property
    def _materialize(self) -> bool:  # type: ignore[override]
        return self.ctx.materialize_grads

    def __getattr__(self, name: str) -> Any:
        # `grad_fn.saved_tensors`, and whatever forward hung on ctx
        if name == "ctx":
            raise AttributeError(name)
        return getattr(self.ctx, name)

    def __repr__(self) -> str:
        return f"<torch.autograd.function.{self.name()} object at {id(self):#x}>"

    def output(self, index: int) -> Any:
        """What a tensor holds that is this output of the function."""
        return self if self._outputs is None else OutputStub(self, index)

    def vjp(self, g: Any, keep: bool) -> tuple:
        from .engine import as_tensor

        with no_grad():
            results = self.call_backward(tuple(map(as_tensor, self.received(g))), keep)
        return tuple(None if result is None else result._array for result in results)

    def vjp_recorded(self, g: Any, keep: bool) -> tuple:
        return self.call_backward(self.received(g), keep)

    def received(self, g: Any) -> tuple:
        """The cotangents of the outputs; zeros where the only one got none."""
        if isinstance(g, tuple):
            return g
        if g is None and self._materialize:
            g = wrap(np.zeros(*self._output))  # type: ignore[misc]
        return (g,)

    def apply(self, *args: Any) -> Any:
        """The user's backward (or vjp), as it is. Raises RuntimeError for a function that has both."""
        function = self._forward_cls
        if function.boxed_grads_call:
            args = ([*args],)
        if function.vjp is not Function.vjp and function.backward is not Function.backward:
            raise RuntimeError(
                "Implementing both 'backward' and 'vjp' for a custom Function "
                "is not allowed. You should only implement one of them."
            )
        return (function.backward if function.vjp is Function.vjp else function.vjp)(self.ctx, *args)

    def apply_jvp(self, *args: Any) -> Any:
        """The user's jvp, as it is."""
        return self._forward_cls.jvp(self.ctx, *args)

    def call_backward(self, given: tuple, keep: bool) -> tuple:
        """Runs the user's backward, and checks what it returns."""
        name, ctx = self.name(), self.ctx
        results = nested(self.apply, *given)
        results = results if isinstance(results, tuple) else (results,)
        if not keep and ctx._saved:
            ctx._saved = None
        count = self.count
        if len(results) != count and any(extra is not None for extra in results[count:] or (True,)):
            raise RuntimeError(f"function {name} returned an incorrect number of gradients (expected {count}, got {len(results)})")
        for place, result in enumerate(results):
            if result is not None and not isinstance(result, Tensor):
                raise RuntimeError(
                    f"expected Variable or None (got {type(result).__name__}) as gradient {place} of function {name}"
                )
            if result is not None and place not in self.places:
                raise RuntimeError(
                    f"function {name} returned a gradient different than None at position "
                    f"{place + 1}, but the corresponding forward input was not a Variable"
                )
        return tuple(self.checked(edge, results[place]) for edge, place in enumerate(self.places))

    def checked(self, number: int, result: Tensor | None) -> Tensor | None:
        """The gradient for an edge, None where none is needed. Raises RuntimeError where it cannot be one of the edge's tensor."""
        if result is None or self.edges[number] is None:
            return None
        assert self.spaces is not None
        shape, dtype = self.spaces[number][:2]
        if not fits(result._array.shape, shape):
            raise RuntimeError(
                f"Function {self.name()} returned an invalid gradient at index {number} - got "
                f"{list(result._array.shape)} but expected shape compatible with {list(shape)}"
            )
        if result.is_complex() and dtype.kind != "c":
            raise RuntimeError(
                f"Function {self.name()} returned an invalid gradient at index {number} - got {result.dtype} for a real input. "
                "Hint: take its .real."
            )
        return result


def fits(shape: tuple, wanted: tuple) -> bool:
    """Whether a cotangent of that shape can be summed to the wanted one."""
    if len(shape) < len(wanted):
        return False
    tail = shape[len(shape) - len(wanted) :]
    return all(extent == target or target == 1 for extent, target in zip(tail, wanted, strict=True))


class FunctionMeta(type):
    """The class of custom functions' classes: gives each the class of its nodes, named after it."""

    def __init__(cls, name: str, bases: tuple, namespace: dict) -> None:
        cls._backward_cls = type(f"{name}Backward", (BackwardCFunction,), {"_forward_cls": cls, "__slots__": ()})
        super().__init__(name, bases, namespace)


class Function(FunctionCtx, metaclass=FunctionMeta):
    """Base class of custom functions.

    Define `forward(ctx, ...)` and `backward(ctx, *grad_outputs)` as static methods, or `forward(...)` with
    `setup_context(ctx, inputs, output)`; for forward mode also `jvp(ctx, *grad_inputs)`; call `apply`.
    """

    _backward_cls: type[BackwardCFunction]
    generate_vmap_rule = False  # whether vmap may run forward, backward and jvp on all examples at once
    clear_saved_tensors_on_access = False  # whether what was saved is freed as soon as backward has asked for it
    boxed_grads_call = False  # whether backward gets all gradients as one list, from which it may drop them

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        warn(
            f"{type(self)} should not be instantiated. Methods on autograd functions are all static, so you should invoke "
            "them on the class itself. Instantiating an autograd function will raise an error in a future version of PyTorch.",
            DeprecationWarning,
        )

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
            "You must implement either the backward or vjp method for your "
            "custom autograd.Function to use it with backward mode AD."
        )

    vjp = backward

    @staticmethod
    def jvp(ctx: Any, *grad_inputs: Any) -> Any:
        """Returns a tangent (or None) for each output of forward, from those of its arguments."""
        raise NotImplementedError(
            "You must implement the jvp function for custom autograd.Function to use it with forward mode AD."
        )

    @staticmethod
    def vmap(info: Any, in_dims: tuple, *args: Any) -> Any:
        """Returns the outputs for a whole batch, and along which dimensions their examples lie (None: alike for all).

        `info` tells `batch_size` and `randomness`, `in_dims` along which dimension of each argument the examples lie.
        """
        raise NotImplementedError("To use autograd.Function with vmap, you must either override the vmap staticmethod or set "
                                  "generate_vmap_rule=True.")  # fmt: skip

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Runs forward and records the call. Only a tuple counts as several outputs."""
        is_separate = cls.setup_context is not Function.setup_context
        if is_separate:
            args, kwargs = with_defaults(cls.forward, args, kwargs), {}
        for arg in args:
            if isinstance(arg, Tensor) and arg._base is not None:
                refresh_view(arg)
        rule = None
        if thread.transforms:
            from ..func.custom_functions import rule_for

            rule = rule_for(cls, args)
            if rule is not None and rule.comes_first:
                return rule.apply(args)
        ctx = FunctionCtx(cls)
        ctx.needs_input_grad = needed = tuple([isinstance(arg, Tensor) and arg._node is not None for arg in args])
        recording, levels = thread.grad_enabled, thread.forward_levels
        node: Any = cls._backward_cls(ctx, args) if recording and True in needed and not thread.inference else None
        _set_grad(False)
        thread.forward_levels = ()  # jvp says what becomes of tangents
        try:
            if is_separate:
                outputs = cls.forward(*args, **kwargs) if rule is None else rule.apply(args)
                cls.setup_context(ctx, args, outputs)
            else:
                outputs = cls.forward(ctx, *args, **kwargs)
        finally:
            _set_grad(recording)
            thread.forward_levels = levels
        several = isinstance(outputs, tuple)
        results = attach(ctx, node, args, list(outputs) if several else [outputs])
        if levels:
            push_tangents(cls, ctx, node, args, results)
        if state.active and thread.functions:
            from .recording import note_call

            note_call(cls.__name__, args, results, 0 if node is None else node._order + 1)
        ctx._forget()
        return tuple(results) if several else results[0]


class NestedIOFunction(Function):
    """A function of nested arguments, from before `Function` took any; kept for its name."""


class InplaceFunction(Function):
    """A function that remembers whether it works in place; from before `mark_dirty`."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace


def with_defaults(forward: Callable, args: tuple, kwargs: dict) -> tuple:
    """The arguments of a call by position, defaults filled in."""
    code = getattr(forward, "__code__", None)
    if not kwargs and code is not None and len(args) >= code.co_argcount:
        return args
    import inspect

    bound = inspect.signature(forward).bind(*args, **kwargs)
    bound.apply_defaults()
    return bound.args


# --- once_differentiable ----------------------------------------------------------------------------------------------------------


def once_differentiable(fn: Callable) -> Callable:
    """Decorates a backward that cannot be differentiated again: asking for that raises RuntimeError."""
    import functools

    @functools.wraps(fn)
    def wrapper(ctx: Any, *args: Any) -> Any:
        with no_grad():
            outputs = fn(ctx, *args)
        if not thread.grad_enabled or not any(isinstance(arg, Tensor) and arg._node is not None for arg in args):
            return outputs
        refused = tuple(Refusal.of(out, args) for out in (outputs if isinstance(outputs, tuple) else (outputs,)))
        return refused if isinstance(outputs, tuple) else refused[0]

    return wrapper


class Refusal(Node):
    """The history of what must not be differentiated again."""

    __slots__ = ()

    @staticmethod
    def of(out: Any, args: tuple) -> Any:
        """A gradient as if made from those given, in a way that has no derivative; anything else as it is."""
        if not isinstance(out, Tensor):
            return out
        refused, node = wrap(out._array), Refusal()
        node._order = next_order()
        node.edges = tuple(edge_of(arg) for arg in args if isinstance(arg, Tensor))
        node.spaces = None
        refused._node = node
        return refused

    def name(self) -> str:
        return "DelayedError"

    def vjp(self, g: Any, keep: bool) -> tuple:
        raise RuntimeError("trying to differentiate twice a function that was marked with @once_differentiable")

    vjp_recorded = vjp
