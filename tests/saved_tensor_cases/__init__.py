"""Programs with saved tensors and their hooks (see facts.py)."""

from __future__ import annotations

from . import hooks, mutation, shown
from .programs import PROGRAMS

__all__ = ["PROGRAMS", "hooks", "mutation", "shown"]
