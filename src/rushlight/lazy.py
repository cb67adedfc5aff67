"""Modules that load on first use what few programs need."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any


def on_demand(namespace: dict[str, Any], files: dict[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """`__getattr__` and `__dir__` of the module of that namespace, which offers names of files beside it.

    `files` has, by file, the names that it offers; a file that is not among them is offered itself.
    """
    homes = {name: file for file, names in files.items() for name in names.split()}

    def load(name: str) -> Any:
        file = homes.get(name, name)
        if file not in files:
            raise AttributeError(f"module {namespace['__name__']!r} has no attribute {name!r}")
        module = import_module(f"{namespace['__package__']}.{file}")
        value = namespace[name] = getattr(module, name) if name in homes else module
        return value

    return load, lambda: sorted({*namespace, *homes, *files})
