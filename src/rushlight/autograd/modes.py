"""Modes: what is recorded, and who decides, per thread.

An op tests one process-wide number, `state.active`. It is zero while no thread has anything unusual on, and then gradients are
recorded as usual; otherwise the op asks `thread`, which every thread has for itself.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any
from weakref import ref

from ..arrays.quiet import hush
from ..warning import warn


class _State:
    __slots__ = ("active", "silent", "last_write", "hooks", "batched_nodes")

    def __init__(self) -> None:
        self.active = 0  # how many threads, or tensors, ask ops to take the careful path
        self.silent = 0  # how many threads record nothing: asked where an operation would be recorded
        self.last_write = 1  # order of the latest in-place change (orders count downwards; 1 is before any)
        self.batched_nodes: set[ref] = set()  # where graphs that live enter and leave vmap: their passes run on Tensors
        self.hooks = False  # whether any node or tensor ever got a hook


class _Thread(threading.local):
    grad_enabled = True
    inference = False
    inference_mark: Any = None  # what tensors made in inference mode hold
    multithreading = True
    forward_levels: tuple[int, ...] = ()  # of forward mode, innermost last
    forward_hidden: tuple[int, ...] | None = None  # the same, while forward mode is switched off
    dual_level: int | None = None  # the one that `forward_ad.dual_level` opened
    batch_levels: tuple[int, ...] = ()  # of vmap, innermost last
    transforms: tuple[int, ...] = ()  # of torch.func, innermost last: numbers from one count, of vmap its levels
    nesting = 0  # of calls from a backward pass that may start another
    randomness: tuple[tuple[str, int, int], ...] = ()  # per level of vmap: what is allowed, the level, the size of the batch
    saved_hooks: tuple = ()
    saved_hooks_disabled: str | None = None
    mutation: Any = None  # the block, if any, in which saved tensors may be changed in place
    view_replay = False
    enforce_grad_layout = True
    selecting: Any = None  # the selective checkpoint, if any, that decides which results are kept
    functions: tuple = ()  # __torch_function__ modes, innermost last
    subclasses_disabled = False  # whether tensor subclasses are treated as plain tensors
    profiler: Any = None
    anomaly = False  # of all threads at once: set on this class only
    anomaly_check_nan = True
    guarded = False  # whether ops have more to look for than batches, tangents and anomalies
    counted = False  # whether this thread is counted in state.active

    def __init__(self) -> None:
        hush()
        self.batch_sizes: dict[int, int] = {}  # by open level of vmap


state = _State()
thread = _Thread()
_lock = threading.RLock()  # a mark may die while its thread holds it


def hold_while_forking(lock: Any) -> None:
    """Takes a lock whenever the process forks, so that no child inherits it from a thread that it does not have."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=lock.acquire, after_in_parent=lock.release, after_in_child=lock.release)


hold_while_forking(_lock)


def adjust_active(change: int) -> None:
    """Makes ops take the careful path (+1), or takes such a wish back (-1)."""
    with _lock:
        state.active += change


def refresh() -> None:
    """Counts this thread in or out, after one of its modes has changed."""
    thread.guarded = thread.inference or thread.saved_hooks != () or thread.functions != ()
    unusual = thread.guarded or thread.forward_levels != () or thread.batch_levels != ()
    if unusual != thread.counted:
        thread.counted = unusual
        adjust_active(1 if unusual else -1)


def is_grad_enabled() -> bool:
    """Whether operations are recorded in this thread."""
    return thread.grad_enabled


def is_inference_mode_enabled() -> bool:
    """Whether inference mode is on in this thread."""
    return thread.inference


def _set_grad(enabled: bool) -> None:
    if thread.grad_enabled is not enabled:
        thread.grad_enabled = enabled
        with _lock:
            state.silent += -1 if enabled else 1


def check_bool(name: str, value: Any) -> None:
    """Raises TypeError for the argument of a mode that is no bool."""
    if not isinstance(value, bool):
        raise TypeError(f"{name}(): argument 'enabled' (position 1) must be bool, not {type(value).__name__}")


class _Decorator:
    """A context manager that also decorates functions and generators, anew for each call."""

    def _again(self) -> _Decorator:
        return type(self)()

    def __enter__(self) -> Any:
        raise NotImplementedError(f"{type(self).__name__} needs __enter__")

    def __exit__(self, *exception: Any) -> None:
        raise NotImplementedError(f"{type(self).__name__} needs __exit__")

    def __call__(self, function: Callable) -> Callable:
        import functools
        import inspect

        if inspect.isclass(function):
            warn_of_classes()
            function.__init__ = self(function.__init__)  # type: ignore[misc]
            return function
        if inspect.isgeneratorfunction(function):

            @functools.wraps(function)
            def generator(*args: Any, **kwargs: Any) -> Any:
                # The mode holds while the generator's own code runs, not while its caller's does.
                running = function(*args, **kwargs)
                step, value = running.send, None
                try:
                    while True:
                        try:
                            with self._again():
                                produced = step(value)
                        except StopIteration as stop:
                            return stop.value
                        try:
                            step, value = running.send, (yield produced)
                        except GeneratorExit:
                            raise
                        except BaseException as error:  # handed on to the generator, as `yield` would
                            step, value = running.throw, error
                finally:
                    with self._again():
                        running.close()

            return generator

        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            with self._again():
                return function(*args, **kwargs)

        return wrapped


def warn_of_classes() -> None:
    """Says that a mode should not decorate a class."""
    warn(
        "Decorating classes is deprecated and will be disabled in future versions. You should only decorate functions or methods. "
        "To preserve the current behavior of class decoration, you can directly decorate the `__init__` method and nothing else.",
        FutureWarning,
    )


class no_grad(_Decorator):
    """Operations are not recorded within. Context manager and decorator (with or without parentheses)."""

    def __new__(cls, orig_func: Callable | None = None) -> Any:
        instance = super().__new__(cls)
        return instance if orig_func is None else instance(orig_func)

    def __enter__(self) -> None:
        self.previous = thread.grad_enabled
        _set_grad(False)

    def __exit__(self, *exception: Any) -> None:
        _set_grad(self.previous)


class enable_grad(no_grad):
    """Operations are recorded within, also inside `no_grad`."""

    def __enter__(self) -> None:
        self.previous = thread.grad_enabled
        _set_grad(True)


class _Switch(_Decorator):
    """Sets something of this thread: at once as a function call, until the block's end as a context manager."""

    name: str

    def __init__(self, mode: bool) -> None:
        check_bool(type(self).__name__, mode)
        self.previous = getattr(thread, self.name)
        self.mode = mode
        self._set(mode)

    def _set(self, mode: bool) -> None:
        setattr(thread, self.name, mode)

    def _again(self) -> _Switch:
        return type(self)(self.mode)

    def __call__(self, function: Callable) -> Callable:
        self._set(self.previous)  # as a decorator it acts only while the function runs
        return super().__call__(function)

    def __enter__(self) -> None:
        self._set(self.mode)

    def __exit__(self, *exception: Any) -> None:
        self._set(self.previous)


class set_grad_enabled(_Switch):
    """Switches recording on or off: at once as a function call, until the block's end as a context manager."""

    name = "grad_enabled"

    def _set(self, mode: bool) -> None:
        _set_grad(mode)  # which counts the threads that record nothing

    def __repr__(self) -> str:
        return f"set_grad_enabled(mode={self.mode})"


class InferenceMark:
    """Held by the tensors made in one inference mode: while any of them lives, ops take the careful path, which knows them."""

    __slots__ = ()

    def __init__(self) -> None:
        adjust_active(1)

    def __del__(self) -> None:
        adjust_active(-1)


class inference_mode(_Decorator):
    """Like `no_grad`, and tensors made within never take part in recording later."""

    def __new__(cls, mode: Any = True) -> Any:
        if isinstance(mode, bool):
            return super().__new__(cls)
        return cls()(mode)

    def __init__(self, mode: bool = True) -> None:
        self.mode = mode

    def _again(self) -> inference_mode:
        return type(self)(self.mode)

    def __enter__(self) -> None:
        self.previous = thread.grad_enabled, thread.inference, thread.inference_mark
        self._set(not self.mode, self.mode, thread.inference_mark or InferenceMark() if self.mode else None)

    def __exit__(self, *exception: Any) -> None:
        self._set(*self.previous)

    @staticmethod
    def _set(grad_enabled: bool, inference: bool, mark: Any) -> None:
        _set_grad(grad_enabled)
        thread.inference = inference
        thread.inference_mark = mark
        refresh()


def is_multithreading_enabled() -> bool:
    """Whether backward passes may use several threads: accepted and remembered, a pass runs in the thread that asked for it."""
    return thread.multithreading


class set_multithreading_enabled(_Switch):
    """Allows backward passes several threads or not: at once as a function call, until the block's end as a context manager."""

    name = "multithreading"
