"""Automatic differentiation: the graph, the engine, modes, and functions of the user's own."""

from __future__ import annotations

from . import graph
from .engine import backward, grad
from .function import Function
from .modes import enable_grad, inference_mode, no_grad, set_grad_enabled

__all__ = ["Function", "backward", "enable_grad", "grad", "graph", "inference_mode", "no_grad", "set_grad_enabled"]
