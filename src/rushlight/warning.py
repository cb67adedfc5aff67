"""Warnings, which show the line of the program that gave rise to them, however deep within Rushlight they are given."""

from __future__ import annotations

import warnings

from .callers import calling_frame

_said: set[str] = set()
_always = False


def warn(message: str, category: type[Warning] = UserWarning, once: bool = False) -> None:
    """Warns the program; with `once`, once per process, unless `set_warn_always` was called."""
    if once:
        if message in _said and not _always:
            return
        _said.add(message)
    frame = calling_frame()
    names = frame.f_globals
    registry = names.setdefault("__warningregistry__", {})  # Python notes there which lines have been warned
    warnings.warn_explicit(message, category, frame.f_code.co_filename, frame.f_lineno, names.get("__name__", "<string>"), registry)


def set_warn_always(b: bool) -> None:
    """Whether warnings that are given once per process are given every time."""
    global _always
    if not isinstance(b, bool):
        raise RuntimeError(f"setWarnOnlyOnce expects a bool, but got {type(b).__name__}")
    _always = b


def is_warn_always_enabled() -> bool:
    """What `set_warn_always` was told last."""
    return _always
