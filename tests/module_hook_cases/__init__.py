"""Programs with hooks of modules (see facts.py)."""

from __future__ import annotations

from . import backward, forward
from .programs import PROGRAMS

__all__ = ["PROGRAMS", "backward", "forward"]
