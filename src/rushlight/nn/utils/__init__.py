"""Helpers for parameters and gradients; each file is imported when one of its names is first used."""

from __future__ import annotations

_FILES = {
    "clip_grad": "clip_grad_norm clip_grad_norm_ clip_grad_value_ clip_grads_with_norm_ get_total_norm",
    "convert_parameters": "parameters_to_vector vector_to_parameters",
    "init": "skip_init",
    "parametrizations": "",
    "parametrize": "",
    "rnn": "",
    "spectral_norm": "remove_spectral_norm spectral_norm",
    "weight_norm": "remove_weight_norm weight_norm",
}
_HOMES = {name: file for file, names in _FILES.items() for name in names.split()}

__all__ = [*_HOMES, "parametrizations", "parametrize", "rnn"]


def __getattr__(name: str) -> object:
    from importlib import import_module

    if name in _HOMES:
        home = f"{__name__}.{_HOMES[name]}"
        value = getattr(import_module(home), name)
    elif name in _FILES:
        value = import_module(f"{__name__}.{name}")
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES, *_FILES})
