"""Backward passes within backward passes, to any depth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .modes import thread

if TYPE_CHECKING:
    from collections.abc import Callable

DEPTH = 32  # as many fit on one stack, whatever lies beneath them


def nested(function: Callable, *args: Any) -> Any:
    """Calls what may start another pass: every so many levels on a thread of its own, since each has its own stack."""
    thread.nesting += 1
    try:
        return function(*args) if thread.nesting % DEPTH else on_fresh_stack(function, args)
    finally:
        thread.nesting -= 1


def on_fresh_stack(function: Callable, args: tuple) -> Any:
    """Calls a function on another thread, under the modes of this one, and waits for it."""
    from threading import Thread

    modes, results, errors = dict(vars(thread)), [], []

    def work() -> None:
        vars(thread).update(modes)
        try:
            results.append(function(*args))
        except BaseException as error:
            errors.append(error)

    worker = Thread(target=work)
    worker.start()
    worker.join()
    if errors:
        raise errors.pop()
    return results.pop()
