"""What programs ask of a GPU before they use one: there is none."""

from __future__ import annotations

from typing import Any

from ..lazy import on_demand


def is_available() -> bool:
    """False: Rushlight's tensors live on the CPU."""
    return False


def device_count() -> int:
    """Zero."""
    return 0


def is_initialized() -> bool:
    """False."""
    return False


def manual_seed(seed: int) -> None:
    """Nothing to seed."""


def manual_seed_all(seed: int) -> None:
    """Nothing to seed."""


def empty_cache() -> None:
    """Nothing to empty."""


def current_device() -> int:
    """Raises AssertionError: there is no GPU."""
    _refuse()
    return 0


def synchronize(device: Any = None) -> None:
    """Raises AssertionError: there is no GPU to wait for."""
    _refuse()


def _refuse() -> None:
    raise AssertionError("Torch not compiled with CUDA enabled: Rushlight's tensors live on the CPU; use device='cpu'")


__getattr__, __dir__ = on_demand(globals(), {"amp": ""})
