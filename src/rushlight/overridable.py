"""The side of `__torch_function__` that every program loads: who wants to handle a call himself. The rest is in `overrides`."""

from __future__ import annotations

from collections.abc import Callable
from types import NoneType
from typing import Any

import numpy as np

from .autograd.modes import state, thread
from .tensor import plain_types

# Types that never override anything, told apart without looking for an attribute.
SILENT = frozenset((int, float, bool, complex, str, NoneType, slice, type(...), np.ndarray, dict))


def is_disabled(kind: type) -> bool:
    """Whether a class leaves calls on its instances alone."""
    return getattr(kind.__torch_function__, "disabled", False)  # type: ignore[attr-defined]


def overrides_calls(value: Any) -> bool:
    """Whether an object's class has a `__torch_function__` of its own."""
    kind = type(value)
    return kind not in plain_types and kind not in SILENT and hasattr(kind, "__torch_function__") and not is_disabled(kind)


def overriding(args: tuple, kwargs: dict) -> list:
    """The arguments, and members of lists and tuples among them, that want to handle the call."""
    found: list = []
    if thread.subclasses_disabled:
        return found
    for value in (*args, *kwargs.values()) if kwargs else args:
        kind = type(value)
        if kind in plain_types or kind in SILENT:
            continue
        if kind is list or kind is tuple:
            found += [one for one in value if overrides_calls(one)]
        elif overrides_calls(value):
            found.append(value)
    return found


def overridable(function: Callable) -> Callable:
    """A function of tensors that is no op, as one that tensor subclasses and modes can override.

    The usual call, with a plain tensor first, a tensor or number last and no mode, costs a look at their types.
    """
    import functools

    @functools.wraps(function)
    def entry(*args: Any, **kwargs: Any) -> Any:
        unusual = state.active or not args or type(args[0]) not in plain_types
        if (unusual or (type(args[-1]) not in plain_types and type(args[-1]) not in SILENT)) and (
            thread.functions or overriding(args, kwargs)
        ):
            from .overrides import call_overrides

            return call_overrides(entry, args, kwargs, function)
        return function(*args, **kwargs)

    return entry


modes_only: list[Callable] = []  # the functions that only modes can override


def overridable_by_modes(function: Callable) -> Callable:
    """A function that makes tensors from no tensor, as one that modes can override."""
    import functools

    @functools.wraps(function)
    def entry(*args: Any, **kwargs: Any) -> Any:
        if state.active and thread.functions:
            from .overrides import call_overrides

            return call_overrides(entry, args, kwargs, function)
        return function(*args, **kwargs)

    modes_only.append(entry)
    return entry
