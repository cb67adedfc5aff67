"""Programs in forward mode (see facts.py)."""

from . import changes, duals, levels, orders
from .programs import PROGRAMS
