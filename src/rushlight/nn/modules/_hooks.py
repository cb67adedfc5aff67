"""Hooks of modules: their tables, how they are registered, and how a call runs them."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

import rushlight
from rushlight.tensor import Tensor
from rushlight.utils.hooks import RemovableHandle, add_hook

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    Hook = Callable[..., Any]

# Tables of the hooks that run for every module; `_always` and `_kwargs` hold the ids with that option.
GLOBAL_FORWARD_PRE: OrderedDict[int, Hook] = OrderedDict()
GLOBAL_FORWARD: OrderedDict[int, Hook] = OrderedDict()
GLOBAL_FORWARD_KWARGS: OrderedDict[int, bool] = OrderedDict()
GLOBAL_FORWARD_ALWAYS: OrderedDict[int, bool] = OrderedDict()
GLOBAL_BACKWARD_PRE: OrderedDict[int, Hook] = OrderedDict()
GLOBAL_BACKWARD: OrderedDict[int, Hook] = OrderedDict()
GLOBAL_REGISTRATION: dict[str, OrderedDict[int, Hook]] = {
    kind: OrderedDict() for kind in ("parameter", "buffer", "module")
}
_MIXED_BACKWARD = (
    "Cannot use both regular backward hooks and full backward hooks on a single Module. Please use only one of them."
)
_global_backward_is_full: bool | None = None


class HookedModule:
    """The part of `Module` that has to do with hooks."""

    # True in an instance that ever had a hook, and here while a global hook exists: the one flag that a call tests.
    _hooked = False

    _forward_pre_hooks: OrderedDict[int, Hook]
    _forward_pre_hooks_with_kwargs: OrderedDict[int, bool]
    _forward_hooks: OrderedDict[int, Hook]
    _forward_hooks_with_kwargs: OrderedDict[int, bool]
    _forward_hooks_always_called: OrderedDict[int, bool]
    _backward_pre_hooks: OrderedDict[int, Hook]
    _backward_hooks: OrderedDict[int, Hook]
    _is_full_backward_hook: bool | None
    forward: Callable[..., Any]

    def _add_hook(
        self, table: OrderedDict[int, Hook], hook: Hook, *options: Any, prepend: bool = False
    ) -> RemovableHandle:
        self.__dict__["_hooked"] = True
        return add_hook(table, hook, *options, prepend=prepend)

    def register_forward_pre_hook(
        self, hook: Hook, *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Call `hook(module, args)` before each forward; what it returns (if not None) replaces the arguments.

        With `with_kwargs`, `hook(module, args, kwargs)` returns None or a tuple `(args, kwargs)`.
        """
        options = (self._forward_pre_hooks_with_kwargs, with_kwargs)
        return self._add_hook(self._forward_pre_hooks, hook, options, prepend=prepend)

    def register_forward_hook(
        self, hook: Hook, *, prepend: bool = False, with_kwargs: bool = False, always_call: bool = False
    ) -> RemovableHandle:
        """Call `hook(module, args, output)` after each forward; what it returns (if not None) replaces the output.

        With `with_kwargs` it is `hook(module, args, kwargs, output)`; with `always_call` it runs even when the
        forward raises.
        """
        return self._add_hook(
            self._forward_hooks,
            hook,
            (self._forward_hooks_with_kwargs, with_kwargs),
            (self._forward_hooks_always_called, always_call),
            prepend=prepend,
        )

    def register_full_backward_pre_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Call `hook(module, grad_output)` before the module's backward; its result may replace `grad_output`."""
        return self._add_hook(self._backward_pre_hooks, hook, prepend=prepend)

    def register_full_backward_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Call `hook(module, grad_input, grad_output)` once the gradients of the module's inputs are known.

        A result other than None replaces `grad_input`. Both are tuples, with None for what is not a tensor;
        keyword arguments are not covered. Inputs and outputs must not be changed in place.
        """
        if self._is_full_backward_hook is False:
            raise RuntimeError(_MIXED_BACKWARD)
        self._is_full_backward_hook = True
        return self._add_hook(self._backward_hooks, hook, prepend=prepend)

    def register_backward_hook(self, hook: Hook) -> RemovableHandle:
        """Deprecated by PyTorch in favour of `register_full_backward_hook`: sees only the last operation."""
        if self._is_full_backward_hook is True:
            raise RuntimeError(_MIXED_BACKWARD)
        self._is_full_backward_hook = False
        return self._add_hook(self._backward_hooks, hook)

    def _call_hooked(self, *args: Any, **kwargs: Any) -> Any:
        """Forward with every kind of hook."""
        called: set[int] = set()
        try:
            return self._call_in_order(args, kwargs, called)
        except Exception:
            self._call_always(args, kwargs, called)
            raise

    def _call_in_order(self, args: tuple[Any, ...], kwargs: dict[str, Any], called: set[int]) -> Any:
        for key, hook in (*GLOBAL_FORWARD_PRE.items(), *self._forward_pre_hooks.items()):
            if key in self._forward_pre_hooks_with_kwargs:
                result = hook(self, args, kwargs)
                if result is None:
                    continue
                if not (isinstance(result, tuple) and len(result) == 2):
                    raise RuntimeError(
                        f"forward pre-hook must return None or a tuple of (new_args, new_kwargs), but got {result}."
                    )
                args, kwargs = result
            else:
                result = hook(self, args)
                if result is not None:
                    args = result if isinstance(result, tuple) else (result,)

        full, partial = self._backward_hooks_by_kind()
        pre = [*GLOBAL_BACKWARD_PRE.values(), *self._backward_pre_hooks.values()]
        stage = BackwardHook(self, full, pre) if full or pre else None
        if stage is not None:
            args = stage.watch_inputs(args)
        output = self.forward(*args, **kwargs)
        for key, hook in (*GLOBAL_FORWARD.items(), *self._forward_hooks.items()):
            called.add(key)
            result = self._run_forward_hook(key, hook, args, kwargs, output)
            if result is not None:
                output = result
        if stage is not None:
            if not isinstance(output, (Tensor, tuple)):
                import warnings

                warnings.warn(
                    "For backward hooks to be called, module output should be a Tensor or a tuple of Tensors "
                    f"but received {type(output)}",
                    stacklevel=2,
                )
            output = stage.watch_outputs(output)
        if partial:
            self._hook_last_node(partial, output)
        return output

    def _run_forward_hook(self, key: int, hook: Hook, args: Any, kwargs: Any, output: Any) -> Any:
        if key in self._forward_hooks_with_kwargs or key in GLOBAL_FORWARD_KWARGS:
            return hook(self, args, kwargs, output)
        return hook(self, args, output)

    def _call_always(self, args: tuple[Any, ...], kwargs: dict[str, Any], called: set[int]) -> None:
        """After an error: run the `always_call` hooks that have not run; their own errors become warnings."""
        for kind, table, always in (
            ("global module", GLOBAL_FORWARD, GLOBAL_FORWARD_ALWAYS),
            ("module", self._forward_hooks, self._forward_hooks_always_called),
        ):
            for key, hook in table.items():
                if key not in always or key in called:
                    continue
                try:
                    self._run_forward_hook(key, hook, args, kwargs, None)
                except Exception as error:
                    import warnings

                    warnings.warn(
                        f"{kind} forward hook with ``always_call=True`` raised an exception that was silenced "
                        f"as another error was raised in forward: {error}",
                        stacklevel=2,
                    )

    def _backward_hooks_by_kind(self) -> tuple[list[Hook], list[Hook]]:
        """The backward hooks of this call: those of the full kind, and the deprecated others."""
        full: list[Hook] = []
        partial: list[Hook] = []
        (full if _global_backward_is_full else partial).extend(GLOBAL_BACKWARD.values())
        (full if self._is_full_backward_hook else partial).extend(self._backward_hooks.values())
        return full, partial

    def _hook_last_node(self, hooks: list[Hook], output: Any) -> None:
        while not isinstance(output, Tensor):
            if isinstance(output, dict):
                output = next((value for value in output.values() if isinstance(value, Tensor)), None)
            else:
                output = output[0] if isinstance(output, (tuple, list)) and output else None
            if output is None:
                return
        node = output.grad_fn
        if node is None:
            return
        import warnings

        warnings.warn(
            "Using a non-full backward hook is deprecated: it sees only the module's last operation, so it may be "
            "missing some grad_input. Please use register_full_backward_hook to get the documented behavior.",
            FutureWarning,
            stacklevel=2,
        )
        for hook in hooks:
            node.register_hook(lambda grad_inputs, grad_outputs, hook=hook: hook(self, grad_inputs, grad_outputs))


class BackwardHook:
    """Runs backward hooks around one call of a module, by identity functions on its inputs and its outputs."""

    def __init__(self, module: Any, hooks: list[Hook], pre_hooks: list[Hook]) -> None:
        self.module = module
        self.hooks = hooks
        self.pre_hooks = pre_hooks
        self.grad_outputs: tuple[Tensor | None, ...] | None = None
        self.input_places: Any = None  # or the numbers of the tensors among the arguments, of those that are watched
        self.output_places: Any = None
        self.n_inputs = 0
        self.n_outputs = 0

    def watch_inputs(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """`args` with its tensors passed through the identity whose backward has `grad_input`."""
        self.n_inputs = len(args)
        args, self.input_places = _through_identity(self._at_inputs, args)
        return args

    def watch_outputs(self, output: Any) -> Any:
        """`output` with its tensors passed through the identity whose backward has `grad_output`."""
        if isinstance(output, Tensor):
            self.n_outputs = 1
            watched, self.output_places = _through_identity(self._at_outputs, (output,))
            return watched[0]
        if not isinstance(output, tuple):
            return output
        self.n_outputs = len(output)
        watched, self.output_places = _through_identity(self._at_outputs, output)
        if type(output) is tuple:
            return watched
        return type(output)(*watched) if hasattr(output, "_fields") else type(output)(watched)

    def _at_outputs(self, grads: Sequence[Tensor | None]) -> Sequence[Tensor | None]:
        spread = _spread(grads, self.output_places, self.n_outputs)
        for hook in self.pre_hooks:
            result = hook(self.module, spread)
            if result is not None:
                spread = _replacement(result, spread, "Backward pre hook", "grad_output")
        self.grad_outputs = spread
        if self.input_places is None and self.hooks:
            import warnings

            warnings.warn(
                "Full backward hook is firing when gradients are computed with respect to module outputs since "
                "no inputs require gradients. See torch.nn.Module.register_full_backward_hook for more details.",
                stacklevel=5,
            )
            nothing = (None,) * self.n_inputs
            for hook in self.hooks:
                result = hook(self.module, nothing, spread)
                if result is not None and not all(grad is None for grad in result):
                    raise RuntimeError(
                        "Backward hook for Modules where no input requires gradient "
                        "should always return None or None for all gradients."
                    )
            self.grad_outputs = None
        return [spread[place] for place in self.output_places]

    def _at_inputs(self, grads: Sequence[Tensor | None]) -> Sequence[Tensor | None]:
        if self.output_places is None:  # an output that cannot be watched: the call warned
            return grads
        if self.grad_outputs is None:
            raise RuntimeError(
                "Module backward hook for grad_input is called before the grad_output one. This happens because the "
                "gradient in your nn.Module flows to the Module's input without passing through the Module's output. "
                "Make sure that the output depends on the input and that the loss is computed based on the output."
            )
        spread = _spread(grads, self.input_places, self.n_inputs)
        for hook in self.hooks:
            result = hook(self.module, spread, self.grad_outputs)
            if result is not None:
                spread = _replacement(result, spread, "Backward hook", "grad_input")
        self.grad_outputs = None
        return [spread[place] for place in self.input_places]


def _spread(grads: Sequence[Tensor | None], places: Sequence[int], length: int) -> tuple[Tensor | None, ...]:
    spread: list[Tensor | None] = [None] * length
    for place, grad in zip(places, grads, strict=True):
        spread[place] = grad
    return tuple(spread)


def _replacement(result: Any, old: tuple[Any, ...], who: str, what: str) -> tuple[Any, ...]:
    new = result if isinstance(result, tuple) else (result,)
    if len(new) != len(old):
        raise RuntimeError(f"{who} returned an invalid number of {what}, got {len(new)}, but expected {len(old)}")
    for before, after in zip(old, new, strict=True):
        if before is not None and after is not None and before.shape != after.shape:
            raise RuntimeError(
                f"hook 'hook' has changed the size of value: {who} got a {what} of shape {tuple(before.shape)} "
                f"and returned shape {tuple(after.shape)}"
            )
    return new


def _through_identity(callback: Hook, values: tuple[Any, ...]) -> tuple[tuple[Any, ...], list[int] | None]:
    """Pass the tensors among `values` through an identity whose gradients `callback` sees and may replace.

    The second result lists where the tensors are; it is None (and nothing is done) if none of them requires grad.
    """
    places = [place for place, value in enumerate(values) if isinstance(value, Tensor)]
    if not rushlight.is_grad_enabled() or not any(values[place].requires_grad for place in places):
        return values, None
    watched = _identity().apply(callback, *(values[place] for place in places))
    watched = watched if isinstance(watched, tuple) else (watched,)
    new = list(values)
    for place, value in zip(places, watched, strict=True):
        new[place] = value
    return tuple(new), places


_identity_class: Any = None


def _identity() -> Any:
    """The identity function; made on first use, so that `nn` does not import `autograd.Function`."""
    global _identity_class
    if _identity_class is None:
        _identity_class = _make_identity()
    return _identity_class


def _make_identity() -> Any:
    class BackwardHookFunction(rushlight.autograd.Function):
        @staticmethod
        def forward(ctx: Any, callback: Hook, *tensors: Tensor) -> tuple[Tensor, ...]:
            ctx.callback = callback
            ctx.spaces = [(tensor.shape, tensor.dtype) for tensor in tensors]
            ctx.set_materialize_grads(False)
            ctx.mark_non_differentiable(*(tensor for tensor in tensors if not tensor.requires_grad))
            return tensors

        @staticmethod
        def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
            return None, *(
                rushlight.zeros(shape, dtype=dtype) if grad is None else grad
                for grad, (shape, dtype) in zip(ctx.callback(grads), ctx.spaces, strict=True)
            )

    return BackwardHookFunction


def _add_global(table: OrderedDict[int, Hook], hook: Hook, *options: Any) -> RemovableHandle:
    HookedModule._hooked = True
    return add_hook(table, hook, *options)


def register_module_forward_pre_hook(hook: Hook) -> RemovableHandle:
    """Call `hook(module, args)` before the forward of every module."""
    return _add_global(GLOBAL_FORWARD_PRE, hook)


def register_module_forward_hook(
    hook: Hook, *, with_kwargs: bool = False, always_call: bool = False
) -> RemovableHandle:
    """Call `hook(module, args, output)` after the forward of every module (see `Module.register_forward_hook`)."""
    options = (GLOBAL_FORWARD_KWARGS, with_kwargs), (GLOBAL_FORWARD_ALWAYS, always_call)
    return _add_global(GLOBAL_FORWARD, hook, *options)


def register_module_full_backward_pre_hook(hook: Hook) -> RemovableHandle:
    """Call `hook(module, grad_output)` before the backward of every module."""
    return _add_global(GLOBAL_BACKWARD_PRE, hook)


def register_module_full_backward_hook(hook: Hook) -> RemovableHandle:
    """Call `hook(module, grad_input, grad_output)` after the backward of every module."""
    return _add_global_backward(hook, full=True)


def register_module_backward_hook(hook: Hook) -> RemovableHandle:
    """Deprecated by PyTorch in favour of `register_module_full_backward_hook`."""
    return _add_global_backward(hook, full=False)


def _add_global_backward(hook: Hook, full: bool) -> RemovableHandle:
    global _global_backward_is_full
    if _global_backward_is_full is (not full):
        raise RuntimeError(
            "Cannot use both regular backward hooks and full backward hooks as a global Module hook. "
            "Please use only one of them."
        )
    _global_backward_is_full = full
    return _add_global(GLOBAL_BACKWARD, hook)


def register_module_parameter_registration_hook(hook: Hook) -> RemovableHandle:
    """Call `hook(module, name, parameter)` whenever a parameter is registered; its result may replace it."""
    return add_hook(GLOBAL_REGISTRATION["parameter"], hook)


def register_module_buffer_registration_hook(hook: Hook) -> RemovableHandle:
    """Call `hook(module, name, buffer)` whenever a buffer is registered; its result may replace it."""
    return add_hook(GLOBAL_REGISTRATION["buffer"], hook)


def register_module_module_registration_hook(hook: Hook) -> RemovableHandle:
    """Call `hook(module, name, submodule)` whenever a submodule is registered; its result may replace it."""
    return add_hook(GLOBAL_REGISTRATION["module"], hook)


def registered(kind: str, module: Any, name: str, value: Any) -> Any:
    """`value` as the registration hooks of its kind leave it."""
    for hook in GLOBAL_REGISTRATION[kind].values():
        result = hook(module, name, value)
        if result is not None:
            value = result
    return value
