"""Layers, losses and models: `Module`, everything built from it, and `functional`, `init`, `parameter`, `utils`."""

from __future__ import annotations

from rushlight.lazy import on_demand
from rushlight.nn import modules

_PARAMETERS = "Buffer Parameter UninitializedBuffer UninitializedParameter"

__all__ = [*modules.__all__, *_PARAMETERS.split(), "functional", "init", "utils"]

__getattr__, __dir__ = on_demand(
    globals(), {"functional": "", "init": "", "modules": " ".join(modules.__all__), "parameter": _PARAMETERS, "utils": ""}
)
