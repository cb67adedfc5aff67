"""Programs with complex numbers (see facts.py)."""

from . import behaviour, expressions, functions, lazy, learning, parts
from .programs import PROGRAMS
