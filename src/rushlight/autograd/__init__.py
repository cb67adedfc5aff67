"""Automatic differentiation: the graph, the engine, modes, and functions of the user's own."""

from __future__ import annotations

from typing import Any as _Any

from ..overridable import overridable as _overridable
from . import gradients as _gradients
from . import graph
from .function import Function
from .modes import (
    enable_grad,
    inference_mode,
    is_multithreading_enabled,
    no_grad,
    set_grad_enabled,
    set_multithreading_enabled,
)

backward, grad = _overridable(_gradients.backward), _overridable(_gradients.grad)

__all__ = [
    "Function", "backward", "enable_grad", "grad", "graph", "inference_mode", "is_multithreading_enabled", "no_grad",
    "set_grad_enabled", "set_multithreading_enabled",
]  # fmt: skip

# Names that are loaded on first use, and the module that each comes from.
_LAZY = {
    "gradcheck": "gradcheck",
    "gradgradcheck": "gradcheck",
    "functional": "functional",
    "forward_ad": "forward_ad",
    "anomaly_mode": "anomaly_mode",
    "detect_anomaly": "anomaly_mode",
    "set_detect_anomaly": "anomaly_mode",
    "SavedTensor": "saved",
    "grad_mode": "grad_mode",
    "enforce_grad_layout_policy": "grad_mode",
    "is_view_replay_enabled": "grad_mode",
    "_unsafe_preserve_version_counter": "grad_mode",
    "profiler": "profiler",
    "profiler_util": "profiler_util",
    "ProfilerActivity": "profiler",
    "kineto_available": "profiler",
    "Variable": "variable",
    "variable": "variable",
}


def __getattr__(name: str) -> _Any:
    """Loads what is seldom used on first use."""
    if name not in _LAZY:
        raise AttributeError(f"module 'rushlight.autograd' has no attribute '{name}'")
    from importlib import import_module

    module = import_module(f".{_LAZY[name]}", __name__)
    value = globals()[name] = getattr(module, name, module)
    return value
