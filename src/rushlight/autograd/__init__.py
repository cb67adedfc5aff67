"""Automatic differentiation: the graph, the engine, modes, and functions of the user's own."""

from __future__ import annotations

from typing import TYPE_CHECKING as _TYPE_CHECKING

from ..lazy import on_demand as _on_demand
from ..overridable import overridable as _overridable
from . import gradients as _gradients
from . import graph
from .modes import (
    enable_grad,
    inference_mode,
    is_multithreading_enabled,
    no_grad,
    set_grad_enabled,
    set_multithreading_enabled,
)

if _TYPE_CHECKING:
    from .function import Function

backward, grad = _overridable(_gradients.backward), _overridable(_gradients.grad)

__all__ = [
    "Function", "backward", "enable_grad", "grad", "graph", "inference_mode", "is_multithreading_enabled", "no_grad",
    "set_grad_enabled", "set_multithreading_enabled",
]  # fmt: skip

__getattr__, __dir__ = _on_demand(globals(), {
    "anomaly_mode": "detect_anomaly set_detect_anomaly",
    "forward_ad": "",
    "function": "Function",
    "functional": "",
    "grad_mode": "_unsafe_preserve_version_counter enforce_grad_layout_policy is_view_replay_enabled",
    "gradcheck": "gradcheck gradgradcheck",
    "profiler": "ProfilerActivity kineto_available",
    "profiler_util": "",
    "saved": "SavedTensor",
    "variable": "Variable",
})  # fmt: skip
