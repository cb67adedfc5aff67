"""`__torch_function__`: classes and modes that handle calls of Rushlight's functions themselves (`torch.overrides`)."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any

from .autograd.modes import refresh, thread
from .overridable import modes_only, overrides_calls, overriding
from .tensor import Tensor
from .warning import warn

Handled = (list, tuple)


class DisableTorchFunctionSubclass:
    """A block in which tensor subclasses are treated as plain tensors; modes still apply."""

    def __enter__(self) -> None:
        self.previous = thread.subclasses_disabled
        thread.subclasses_disabled = True

    def __exit__(self, *exception: Any) -> None:
        thread.subclasses_disabled = self.previous


class DisableTorchFunction(DisableTorchFunctionSubclass):
    """A block in which neither tensor subclasses nor modes handle calls."""

    def __enter__(self) -> None:
        super().__enter__()
        self.modes = thread.functions
        _set_modes(())

    def __exit__(self, *exception: Any) -> None:
        _set_modes(self.modes)
        super().__exit__(*exception)


def _set_modes(modes: tuple) -> None:
    thread.functions = modes
    refresh()


# --- handling a call --------------------------------------------------------------------------------------------------------------


def in_order_of_precedence(values: Iterable) -> list:
    """One value per overriding class: from left to right, but subclasses before their superclasses."""
    found: list = []
    for value in values:
        kind = type(value)
        if overrides_calls(value) and not any(type(one) is kind for one in found):
            place = next((i for i, one in enumerate(found) if issubclass(kind, type(one))), len(found))
            found.insert(place, value)
    return found


def handled(function: Callable, handlers: list, args: tuple, kwargs: dict) -> Any:
    """What the innermost mode, switched off meanwhile, or the first of the handlers that takes the call makes of it."""
    types = tuple(type(one) for one in handlers)
    modes = thread.functions
    if modes:
        if isinstance(getattr(modes[-1].__torch_function__, "__self__", None), type):
            raise RuntimeError(
                "Defining your mode's `__torch_function__` as a classmethod is not supported, please make it a plain method"
            )
        _set_modes(modes[:-1])
        try:
            result = modes[-1].__torch_function__(function, types, args, kwargs)
        finally:
            _set_modes(modes)
        if result is not NotImplemented:
            return result
    for handler in handlers:
        if not hasattr(type(handler).__torch_function__, "__self__"):
            warn(
                "Defining your `__torch_function__` as a plain method is deprecated and will be an error in future, please "
                "define it as a classmethod.",
                once=True,
            )
        result = handler.__torch_function__(function, types, args, kwargs)
        if result is not NotImplemented:
            return result
    return NotImplemented


def call_overrides(
    function: Callable, args: tuple, kwargs: dict, inner: Callable | None = None, operator: bool = False
) -> Any:
    """Lets the innermost mode, then the overriding arguments, handle a call of the public `function`.

    Where nobody overrides it, `inner` (or `function`) is called. Raises TypeError when all of them return NotImplemented; for an
    `operator` that is returned, so that Python asks the other operand.
    """
    handlers = in_order_of_precedence(overriding(args, kwargs))
    if not handlers and not thread.functions:
        return (inner or function)(*args, **kwargs)
    result = handled(function, handlers, args, kwargs)
    if result is not NotImplemented:
        return result
    if operator:
        return NotImplemented
    name = resolve_name(function) or str(function)
    if name.startswith("torch.nn.functional."):  # in PyTorch a Python function
        raise unhandled(name, handlers)
    listing = [f"  - mode object {mode!r}" for mode in thread.functions[-1:]]
    listing += [f"  - tensor subclass {type(one)!r}" for one in handlers]
    raise TypeError(
        f"Multiple dispatch failed for '{name}'; all __torch_function__ handlers returned NotImplemented:\n\n" + "\n".join(listing)
    )


def unhandled(name: str, handlers: list) -> TypeError:
    """The error for a call of a Python function that nobody handled."""
    message = f"no implementation found for '{name}' on types that implement __torch_function__: {[type(one) for one in handlers]}"
    return TypeError(message + "".join(f" nor in mode {mode}" for mode in thread.functions[-1:]))


def default_torch_function(cls: type, func: Callable, types: Iterable[type], args: tuple = (), kwargs: dict | None = None) -> Any:
    """What a tensor subclass does with a call unless it says otherwise: runs it on plain tensors, and makes the result its own."""
    if not all(issubclass(cls, kind) for kind in types):
        return NotImplemented
    with DisableTorchFunctionSubclass():
        result = func(*args, **(kwargs or {}))
        return result if func in get_default_nowrap_functions() else converted(result, cls)


def converted(result: Any, cls: Any) -> Any:
    """A result with its tensors as instances of a subclass."""
    if cls is Tensor:
        return result
    if isinstance(result, Tensor):
        return result if isinstance(result, cls) else result.as_subclass(cls)  # type: ignore[operator]
    if isinstance(result, Handled):
        entries = [converted(one, cls) for one in result]
        return type(result)(*entries) if hasattr(result, "_fields") else type(result)(entries)  # type: ignore[call-arg]
    return result


def get_default_nowrap_functions() -> set[Callable]:
    """The functions whose results stay what they are: the tensors that PyTorch's getters of gradients and bases give."""
    return {Tensor.grad.__get__}  # type: ignore[attr-defined]


# --- modes ------------------------------------------------------------------------------------------------------------------------


class TorchFunctionMode:
    """A block in which `__torch_function__` of the mode handles every call of a function of this package.

    Within that method the mode is off, so that it can call the function itself.
    """

    def __torch_function__(self, func: Callable, types: tuple, args: tuple = (), kwargs: dict | None = None) -> Any:
        signature = "__torch_function__(self, func, types, args=(), kwargs=None)"
        raise NotImplementedError(f"{type(self).__name__} needs a method {signature}")

    sees_members = True  # methods and properties of plain tensors, too, not only functions

    def __enter__(self) -> TorchFunctionMode:
        if self.sees_members:
            from .members import open_block

            open_block()
        _set_modes((*thread.functions, self))
        return self

    def __exit__(self, *exception: Any) -> None:
        _set_modes(thread.functions[:-1])
        if self.sees_members:
            from .members import close_block

            close_block()


class BaseTorchFunctionMode(TorchFunctionMode):
    """A mode that changes nothing."""

    def __torch_function__(self, func: Callable, types: tuple, args: tuple = (), kwargs: dict | None = None) -> Any:
        return func(*args, **(kwargs or {}))


# --- for functions and libraries that take part -----------------------------------------------------------------------------------


def has_torch_function(relevant_args: Iterable[Any]) -> bool:
    """Whether any of the arguments, or a mode, wants to handle the call."""
    return bool(thread.functions) or (not thread.subclasses_disabled and any(map(overrides_calls, relevant_args)))


def has_torch_function_unary(arg: Any) -> bool:
    """Whether the argument, or a mode, wants to handle the call."""
    return has_torch_function((arg,))


def has_torch_function_variadic(*args: Any) -> bool:
    """Whether any of the arguments, or a mode, wants to handle the call."""
    return has_torch_function(args)


def handle_torch_function(public_api: Callable, relevant_args: Iterable[Any], *args: Any, **kwargs: Any) -> Any:
    """Has a call of `public_api` handled by the mode or the first of `relevant_args` that does.

    Raises TypeError when none does.
    """
    handlers = in_order_of_precedence(relevant_args)
    result = handled(public_api, handlers, args, kwargs)
    if result is not NotImplemented:
        return result
    raise unhandled(f"{public_api.__module__.replace('rushlight', 'torch')}.{public_api.__name__}", handlers)


def wrap_torch_function(dispatcher: Callable) -> Callable:
    """Decorates a function of one's own: `dispatcher` takes its arguments and returns those that may override it."""

    def decorate(function: Callable) -> Callable:
        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            relevant = dispatcher(*args, **kwargs)
            if has_torch_function(relevant):
                return handle_torch_function(wrapped, relevant, *args, **kwargs)
            return function(*args, **kwargs)

        return wrapped

    return decorate


def is_tensor_like(inp: Any) -> bool:
    """Whether an object is a tensor, or of a class with `__torch_function__`."""
    return type(inp) is Tensor or hasattr(inp, "__torch_function__")


def is_tensor_method_or_property(func: Callable) -> bool:
    """Whether a function that `__torch_function__` was given is a method or property of Tensor."""
    return func.__name__ in ("__get__", "__set__", "__delete__") or (resolve_name(func) or "").startswith("torch.Tensor.")


def resolve_name(f: Callable) -> str | None:
    """The public name of a function given to `__torch_function__`, as `torch.add`; None for one that is not ours."""
    from .members import own_members

    owner = getattr(f, "__self__", None)
    if isinstance(owner, property):
        name = next((name for name, value in own_members().items() if value is owner), None)
        return None if name is None else f"torch.Tensor.{name}.{f.__name__}"
    spaces = [(own_members() if namespace is Tensor else vars(namespace), prefix) for namespace, prefix in _namespaces()]
    for members, prefix in spaces:
        if members.get(f.__name__) is f:
            return f"{prefix}.{f.__name__}"
    for members, prefix in spaces:  # known by another name only
        for name, value in members.items():
            if value is f:
                return f"{prefix}.{name}"
    return None


def get_overridable_functions() -> dict[Any, list[Callable]]:
    """The functions that can be overridden, by the module or class that has them."""
    from .members import UNTOUCHED

    return {
        namespace: [
            value
            for name, value in vars(namespace).items()
            if callable(value) and not isinstance(value, type) and not name.startswith("_") and name not in UNTOUCHED
        ]
        for namespace, _ in _namespaces()
    }


def get_ignored_functions() -> set[Callable]:
    """Functions that cannot be overridden."""
    from . import inspection
    from .members import UNTOUCHED

    untouched = {vars(Tensor)[name] for name in UNTOUCHED if name in vars(Tensor)}
    return untouched | {inspection.is_tensor, inspection.is_storage, *modes_only}


def get_testing_overrides() -> dict[Callable, Callable]:
    """For each function that can be overridden one of the same signature that returns -1."""
    import inspect

    found: dict[Callable, Callable] = {}
    for functions in get_overridable_functions().values():
        for function in functions:

            def override(*args: Any, **kwargs: Any) -> int:
                return -1

            override.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]
            found[function] = override
    return found


def enable_reentrant_dispatch() -> Any:
    """Raises RuntimeError, as outside of `__torch_dispatch__`, which Rushlight does not call."""
    raise RuntimeError("Accessing torch dispatch state outside of '__torch_dispatch__' is not allowed.")


def _namespaces() -> tuple[tuple[Any, str], ...]:
    """What has functions to override, and PyTorch's name for it."""
    import sys

    from . import fft, linalg, nn

    package = sys.modules[__package__]
    return (
        (package, "torch"), (nn.functional, "torch.nn.functional"), (linalg, "torch.linalg"), (fft, "torch.fft"),
        (Tensor, "torch.Tensor"),
    )  # fmt: skip


__all__ = [
    "enable_reentrant_dispatch", "get_default_nowrap_functions", "get_ignored_functions", "get_overridable_functions",
    "get_testing_overrides", "handle_torch_function", "has_torch_function", "is_tensor_like", "is_tensor_method_or_property",
    "resolve_name", "wrap_torch_function",
]  # fmt: skip
