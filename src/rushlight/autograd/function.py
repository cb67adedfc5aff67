"""Custom functions: a forward and a backward of the user's own, recorded as one node."""

from __future__ import annotations

import warnings
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from ..tensor import Tensor, refresh_view, wrap
from .context import FunctionCtx
from .graph import LEAF, Node, OutputStub, next_order, version_cell
from .modes import enable_grad, no_grad, state, thread

if TYPE_CHECKING:
    from collections.abc import Callable


class FunctionNode(Node):
    """The node of a custom function: an edge for each argument that is a Tensor."""

    __slots__ = ("ctx", "places")

    function: Any = None  # the user's class

    def __init__(self, ctx: FunctionCtx, args: tuple) -> None:
        import weakref

        from ..ops.dispatch import batched_spaces, spaces_from
        from ..ops.op import edge_of

        self._order = next_order()
        self.places = tuple(place for place, arg in enumerate(args) if isinstance(arg, Tensor))
        given = [args[place] for place in self.places]
        arrays = [tensor._array for tensor in given]
        self.edges = tuple(map(edge_of, given))
        is_batched = thread.batch_levels or state.batched_nodes
        self.spaces = batched_spaces(self.edges, arrays) if is_batched else spaces_from(self.edges, arrays)
        self.ctx = ctx
        self._materialize = ctx.materialize_grads
        ctx._made_by = weakref.ref(self)
        if thread.anomaly:
            from .anomaly import remember

            remember(self)

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
            results = self.call_backward(tuple(map(as_tensor, g)) if isinstance(g, tuple) else (as_tensor(g),), keep)
        return tuple(None if result is None else result._array for result in results)

    def vjp_recorded(self, g: Any, keep: bool) -> tuple:
        with enable_grad():
            return self.call_backward(g if isinstance(g, tuple) else (g,), keep)

    def call_backward(self, given: tuple, keep: bool) -> tuple:
        """Runs the user's backward, and checks what it returns."""
        name, ctx, function = self.name(), self.ctx, self.function
        if function.vjp is not Function.vjp and function.backward is not Function.backward:
            raise RuntimeError(
                "Implementing both 'backward' and 'vjp' for a custom Function "
                "is not allowed. You should only implement one of them."
            )
        backward = function.backward if function.vjp is Function.vjp else function.vjp
        results = backward(ctx, *given)
        results = results if isinstance(results, tuple) else (results,)
        if not keep and ctx._saved:
            ctx._saved = None
        count = len(ctx.needs_input_grad)
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


class Function:
    """Base class of custom functions.

    Define `forward(ctx, ...)` and `backward(ctx, *grad_outputs)` as static methods, or `forward(...)` with
    `setup_context(ctx, inputs, output)`; for forward mode also `jvp(ctx, *grad_inputs)`; call `apply`.
    """

    _node_class: type | None = None
    generate_vmap_rule = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        warnings.warn(
            f"{type(self)} should not be instantiated. Methods on autograd functions are all static, so you should invoke "
            "them on the class itself. Instantiating an autograd function will raise an error in a future version of PyTorch.",
            DeprecationWarning,
            stacklevel=2,
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
        """Returns the outputs for a whole batch, and along which dimensions its examples lie; without it forward runs in vmap."""
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
        if thread.batch_levels and cls.vmap is not Function.vmap:
            from ..func.vmap import apply_rule, batched_level

            level = batched_level(args)
            if level is not None:
                return apply_rule(cls, args, level)
        ctx = FunctionCtx()
        ctx.needs_input_grad = tuple(isinstance(arg, Tensor) and arg._node is not None for arg in args)
        is_recorded = thread.grad_enabled and not thread.inference and any(ctx.needs_input_grad)
        with no_grad(), hidden_tangents():
            if is_separate:
                outputs = cls.forward(*args, **kwargs)
                cls.setup_context(ctx, args, outputs)
            else:
                outputs = cls.forward(ctx, *args, **kwargs)
        node = cls._node_of(ctx, args) if is_recorded else None
        several = isinstance(outputs, tuple)
        results = attach(ctx, node, args, list(outputs) if several else [outputs])
        if thread.forward_levels:
            push_tangents(cls, ctx, node, args, results)
        if state.active and thread.functions:
            from .explanation import note_call

            note_call(cls.__name__, args, results, 0 if node is None else node._order + 1)
        ctx._forget()
        return tuple(results) if several else results[0]

    @classmethod
    def _node_of(cls, ctx: FunctionCtx, args: tuple) -> Any:
        """A node for one call, of a class named after the function."""
        if cls.__dict__.get("_node_class") is None:
            cls._node_class = type(f"{cls.__name__}Backward", (FunctionNode,), {"function": cls, "__slots__": ()})
        return cls._node_class(ctx, args)  # type: ignore[misc]


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


# --- outputs ----------------------------------------------------------------------------------------------------------------------


def attach(ctx: FunctionCtx, node: FunctionNode | None, args: tuple, outputs: list) -> list:
    """Gives the outputs their history, in place; inputs that were handed on become views of themselves."""
    inputs = {id(arg) for arg in args if isinstance(arg, Tensor)}
    check_marks(ctx, inputs, outputs)
    fixed, dirty = {id(tensor) for tensor in ctx.non_differentiable}, {id(tensor) for tensor in ctx.dirty_tensors}
    flows = [node is not None and is_differentiable(out) and id(out) not in fixed for out in outputs]
    if node is not None:
        if flows != [True]:
            node._outputs = tuple((out._array.shape, out._array.dtype) if isinstance(out, Tensor) else None for out in outputs)
        for tensor in ctx.dirty_tensors:
            check_dirty(tensor, len(outputs))
    for tensor in ctx.dirty_tensors:
        version_cell(tensor).bump()
    if node is not None or thread.forward_levels:
        places = {id(out): i for i, out in enumerate(outputs) if flows[i] and (id(out) not in inputs or id(out) in dirty)}
        ctx._keep(node, places)
    results = []
    for index, out in enumerate(outputs):
        if isinstance(out, Tensor):
            is_new = id(out) not in inputs or id(out) in dirty
            if not flows[index]:
                out = without_history(out, is_new)
            elif id(out) in dirty and id(out) in inputs:
                from .inplace import take_history

                given = [args[place] for place in node.places]  # type: ignore[union-attr]
                take_history(out, node.output(index), next(i for i, arg in enumerate(given) if arg is out))  # type: ignore[union-attr]
            else:
                out = out if is_new else view_of(out)
                out._node = node.output(index)  # type: ignore[union-attr]
                if out._base is not None:
                    out._made = "multiple" if len(outputs) > 1 else "custom"  # type: ignore[attr-defined]
        results.append(out)
    return results


def is_differentiable(value: Any) -> bool:
    """Whether gradients can flow through an output."""
    return isinstance(value, Tensor) and (value.is_floating_point() or value.is_complex())


def check_marks(ctx: FunctionCtx, inputs: set[int], outputs: list) -> None:
    """Raises RuntimeError for marks on what is no tensor, and for inputs changed in place that are not returned."""
    for method, verb, tensors in (
        ("mark_dirty", "can only accept variables, but argument", ctx.dirty_tensors),
        ("mark_non_differentiable", "only accepts variable arguments, but got", ctx.non_differentiable),
    ):
        for index, tensor in enumerate(tensors):
            if not isinstance(tensor, Tensor):
                raise RuntimeError(f"{method} {verb} {index} of type {type(tensor).__name__}")
    returned = {id(out) for out in outputs}
    for tensor in ctx.dirty_tensors:
        if id(tensor) not in inputs:
            warnings.warn(
                "ctx.mark_dirty() received a tensor that was not an input. Only input "
                "Tensors that have been mutated should be passed to ctx.mark_dirty().",
                stacklevel=4,
            )
        if id(tensor) not in returned:
            raise RuntimeError(
                "Some elements marked as dirty during the forward method were not returned as output. The inputs that are modified "
                "inplace must all be outputs of the Function."
            )


def check_dirty(tensor: Tensor, outputs: int) -> None:
    """Raises RuntimeError where an input of a recorded function may not be changed in place."""
    from .inplace import check_writable

    if tensor._node is LEAF:
        raise RuntimeError("a leaf Variable that requires grad has been used in an in-place operation.")
    check_writable(tensor)
    if tensor._base is not None and outputs > 1:
        raise RuntimeError(
            "If your Function modifies inplace an input that is a view of another Tensor, your Function cannot return more than "
            "one Tensor. This is not supported by the current autograd engine. You should either make sure the input is not a "
            "view (using .clone() for example) or make your Function only return one Tensor (potentially splitting it into two "
            "Functions: one doing the inplace that returns a single Tensor and a second one that does the other operations)."
        )


def without_history(out: Tensor, is_new: bool) -> Tensor:
    """An output through which no gradient flows."""
    if out._node is not None:
        return out.detach()
    return out if is_new else view_of(out)


def view_of(tensor: Tensor) -> Tensor:
    """All of a tensor as a view."""
    from ..ops.shapes import alias

    with no_grad(), hidden_tangents():
        return alias(tensor)


# --- forward mode -----------------------------------------------------------------------------------------------------------------


def hidden_tangents() -> Any:
    """A block in which ops push no tangents: `jvp` says what becomes of them."""
    if not thread.forward_levels:
        return nullcontext()
    from .forward_ad import NoLevels

    return NoLevels()


def push_tangents(cls: type[Function], ctx: FunctionCtx, node: FunctionNode | None, args: tuple, results: list) -> None:
    """Gives the outputs the tangents that the user's `jvp` makes of those of the inputs, level by level from the outermost."""
    from .forward_ad import Levels, keep_tangents, tangents_of, zeros_of

    for level in thread.forward_levels:
        known = [tangents_of(arg, level) if isinstance(arg, Tensor) else None for arg in args]
        if all(tangent is None for tangent in known):
            continue
        if ctx.materialize_grads:
            pairs = zip(args, known, strict=True)
            known = [zeros_of(arg) if tangent is None and is_differentiable(arg) else tangent for arg, tangent in pairs]
        with Levels(tuple(one for one in thread.forward_levels if one < level)):
            pushed = cls.jvp(ctx, *known)
        pushed = pushed if isinstance(pushed, tuple) else (pushed,)
        if len(pushed) != len(results):
            raise RuntimeError(
                f"Function's jvp returned an invalid number of forward gradients (expected {len(results)} but got {len(pushed)})"
            )
        fixed = {id(tensor) for tensor in ctx.non_differentiable}
        for index, (out, tangent) in enumerate(zip(results, pushed, strict=True)):
            if tangent is not None and not isinstance(tangent, Tensor):
                raise RuntimeError(f"expected Variable or None (got {type(tangent).__name__}) for grad output {index}.")
            if tangent is not None and is_differentiable(out) and id(out) not in fixed:
                check_tangent(ctx, out, tangent, args, known)
                out._tangents = {**(out._tangents or {}), level: tangent.to(out.dtype)}
                if node is not None:
                    keep_tangents(node, index, out._tangents)


def check_tangent(ctx: FunctionCtx, out: Tensor, tangent: Tensor, args: tuple, known: list) -> None:
    """Raises RuntimeError where a tangent does not follow its output: in shape, in place, as a view."""
    if tangent._array.shape != out._array.shape:
        raise RuntimeError(
            "Trying to set a forward gradient that has a different size than that of the original Tensor, this is not supported. "
            f"Tensor is of size {list(out._array.shape)} while the given forward gradient is of size {list(tangent._array.shape)}."
        )
    for arg, before in zip(args, known, strict=True):
        if not isinstance(arg, Tensor) or before is None:
            continue
        if arg is out and any(out is dirty for dirty in ctx.dirty_tensors):
            if tangent is not before:
                raise RuntimeError(
                    "An inplace custom Function is not modifying the forward mode gradients inplace. If the forward is "
                    "modifying an input inplace, then the jvp function must modify the corresponding gradient inplace."
                )
        elif out._base is not None and out._base is owner_of(arg) and owner_of(tangent) is not owner_of(before):
            raise RuntimeError("A custom Function is returning a view but the jvp is not returning a view of the given grad input.")


def owner_of(tensor: Tensor) -> Tensor:
    """The tensor whose memory a view shows; a tensor that is no view itself."""
    return tensor if tensor._base is None else tensor._base


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
        from ..ops.op import edge_of

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
