"""Layers, losses and models: `Module`, everything built from it, and `functional`, `init`, `parameter`, `utils`."""

from __future__ import annotations

from rushlight.nn import modules

_SUBMODULES = ("functional", "init", "modules", "parameter", "utils")
_PARAMETERS = ("Buffer", "Parameter", "UninitializedBuffer", "UninitializedParameter")

__all__ = [*modules.__all__, *_PARAMETERS, "functional", "init", "utils"]


def __getattr__(name: str) -> object:
    from importlib import import_module

    if name in _SUBMODULES:
        value = import_module(f"{__name__}.{name}")
    elif name in _PARAMETERS:
        value = getattr(import_module(f"{__name__}.parameter"), name)
    elif name in modules.__all__:
        value = getattr(modules, name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_SUBMODULES})
