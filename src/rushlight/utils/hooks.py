"""Handles that take a registered hook off again."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections import OrderedDict
    from typing import Any


class RemovableHandle:
    """What registering a hook returns: `remove()` takes the hook off; as a context manager it does so at the end.

    It refers to the hook table weakly, so a handle keeps no module or tensor alive.
    """

    id: int
    next_id: int = 0

    def __init__(self, hooks_dict: OrderedDict[int, Any], *, extra_dict: Any = None) -> None:
        self.hooks_dict_ref = weakref.ref(hooks_dict)
        self.id = RemovableHandle.next_id
        RemovableHandle.next_id += 1
        extra = (extra_dict,) if not isinstance(extra_dict, (list, tuple)) else tuple(extra_dict)
        self.extra_dict_ref = tuple(weakref.ref(table) for table in extra if table is not None)

    def remove(self) -> None:
        """Take the hook off; a second call does nothing."""
        for reference in (self.hooks_dict_ref, *self.extra_dict_ref):
            table = reference()
            if table is not None:
                table.pop(self.id, None)

    def __getstate__(self) -> tuple[Any, int, tuple[Any, ...]]:
        return self.hooks_dict_ref(), self.id, tuple(reference() for reference in self.extra_dict_ref)

    def __setstate__(self, state: tuple[Any, int, tuple[Any, ...]]) -> None:
        from collections import OrderedDict

        table, self.id, extra = state
        self.hooks_dict_ref = weakref.ref(OrderedDict() if table is None else table)
        self.extra_dict_ref = tuple(weakref.ref(OrderedDict() if table is None else table) for table in extra)
        RemovableHandle.next_id = max(RemovableHandle.next_id, self.id + 1)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, type: Any, value: Any, traceback: Any) -> None:
        self.remove()


def add_hook(
    table: OrderedDict[int, Any], hook: Any, *options: tuple[OrderedDict[int, bool], bool], prepend: bool = False
) -> RemovableHandle:
    """Put `hook` into `table`, and its id into the table of each option that is wanted; return its handle."""
    wanted = [option for option, is_wanted in options if is_wanted]
    handle = RemovableHandle(table, extra_dict=wanted)
    table[handle.id] = hook
    for option in wanted:
        option[handle.id] = True
    if prepend:
        table.move_to_end(handle.id, last=False)
    return handle
