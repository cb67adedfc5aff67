"""Switches of PyTorch's backends that programs set: accepted, and without effect on NumPy."""

from __future__ import annotations

from typing import Any


class _Backend:
    """A backend that is not there."""

    def __init__(self, name: str, **switches: Any) -> None:
        self.name = name
        self.__dict__.update(switches)

    def is_available(self) -> bool:
        """False."""
        return False

    is_built = is_available

    def __repr__(self) -> str:
        return f"<rushlight.backends.{self.name}>"


cudnn = _Backend("cudnn", benchmark=False, deterministic=False, enabled=False, allow_tf32=False)
cuda = _Backend("cuda", matmul=_Backend("cuda.matmul", allow_tf32=False))
mps = _Backend("mps")
mkl = _Backend("mkl")
mkldnn = _Backend("mkldnn", enabled=False)
openmp = _Backend("openmp")
