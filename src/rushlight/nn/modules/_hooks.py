"""Hooks of modules: their tables, how they are registered, and how a call runs them."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from rushlight.tensor import Tensor
from rushlight.utils.hooks import BackwardHook, RemovableHandle, add_hook

from ...warning import warn

if TYPE_CHECKING:
    from collections.abc import Callable
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
            args = stage.setup_input_hook(args)
        output = self.forward(*args, **kwargs)
        for key, hook in (*GLOBAL_FORWARD.items(), *self._forward_hooks.items()):
            called.add(key)
            result = self._run_forward_hook(key, hook, args, kwargs, output)
            if result is not None:
                output = result
        if stage is not None:
            if not isinstance(output, (Tensor, tuple)):
                warn(
                    "For backward hooks to be called, module output should be a Tensor or a tuple of Tensors "
                    f"but received {type(output)}"
                )
            output = stage.setup_output_hook(output)
        if partial:
            self._hook_last_node(partial, args, output)
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
                    warn(
                        f"{kind} forward hook with ``always_call=True`` raised an exception that was silenced "
                        f"as another error was raised in forward: {error}"
                    )

    def _backward_hooks_by_kind(self) -> tuple[list[Hook], list[Hook]]:
        """The backward hooks of this call: those of the full kind, and the deprecated others."""
        full: list[Hook] = []
        partial: list[Hook] = []
        (full if _global_backward_is_full else partial).extend(GLOBAL_BACKWARD.values())
        (full if self._is_full_backward_hook else partial).extend(self._backward_hooks.values())
        return full, partial

    def _hook_last_node(self, hooks: list[Hook], args: tuple[Any, ...], output: Any) -> None:
        whole = output
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
        _warn_of_what_is_missed(args, whole, node)
        for hook in hooks:
            node.register_hook(lambda grad_inputs, grad_outputs, hook=hook: hook(self, grad_inputs, grad_outputs))


def _warn_of_what_is_missed(args: tuple[Any, ...], output: Any, node: Any) -> None:
    """Says what a hook on a module's last node does not see, where that is not all there is."""
    outputs = output if isinstance(output, tuple) else (output,)
    if not all(isinstance(one, Tensor) for one in outputs):
        what = "non-full backward hooks on a Module that does not return a single Tensor or a tuple of Tensors"
        missing = "some of the grad_output"
    elif not all(isinstance(one, Tensor) for one in args):
        what = "non-full backward hooks on a Module that does not take as input a single Tensor or a tuple of Tensors"
        missing = "some of the grad_input"
    elif any(one.grad_fn is not None and one.grad_fn is not node for one in outputs):
        what, missing = "a non-full backward hook when outputs are generated by different autograd Nodes", "some grad_output"
    elif {one.grad_fn for one in args} != {before for before, _ in node.next_functions}:
        what, missing = "a non-full backward hook when the forward contains multiple autograd Nodes", "some grad_input"
    else:
        return
    warn(
        f"Using {what} is deprecated and will be removed in future versions. This hook will be missing {missing}. "
        "Please use register_full_backward_hook to get the documented behavior.",
        FutureWarning,
    )


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
