"""Programs with hooks (see facts.py)."""

from __future__ import annotations

from . import edges, nodes, tensors
from .programs import PROGRAMS

__all__ = ["PROGRAMS", "edges", "nodes", "tensors"]
