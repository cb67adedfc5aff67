"""Programs with checkpoints (see facts.py)."""

from __future__ import annotations

from . import combined, kinds, running, selective
from .programs import PROGRAMS

__all__ = ["PROGRAMS", "combined", "kinds", "running", "selective"]
