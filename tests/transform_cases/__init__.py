"""Programs with transforms (see facts.py)."""

from __future__ import annotations

from . import batching, derivatives, inside, jacobians, modules, nesting
from .programs import PROGRAMS
