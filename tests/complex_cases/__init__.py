"""Programs with complex numbers (see facts.py)."""

from . import behaviour, functions, lazy, learning, parts
from .programs import PROGRAMS
