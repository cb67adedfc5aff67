"""Programs with checkpoints (see facts.py)."""

from __future__ import annotations

from . import kinds, running, selective
from .programs import PROGRAMS

__all__ = ["PROGRAMS", "kinds", "running", "selective"]
