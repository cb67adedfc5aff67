"""Programs that change tensors in place (see facts.py)."""

from . import aliases, outputs, overlaps, saved, views
from .programs import PROGRAMS
