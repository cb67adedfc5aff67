"""Programs with hooks (see facts.py)."""

from __future__ import annotations

from . import changing, edges, nodes, tensors
from .programs import PROGRAMS

__all__ = ["PROGRAMS", "changing", "edges", "nodes", "tensors"]
