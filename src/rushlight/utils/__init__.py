"""Tools around tensors and modules: `data` (datasets and loaders) and `hooks`; each is imported on first use."""

from __future__ import annotations


def __getattr__(name: str) -> object:
    import importlib

    if name == "swap_tensors":
        from ..storage import swap_tensors

        return swap_tensors
    try:
        return importlib.import_module(f"{__name__}.{name}")
    except ModuleNotFoundError as error:
        if error.name != f"{__name__}.{name}":
            raise
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
