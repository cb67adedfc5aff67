"""Programs as users bring them, from tutorials, courses and papers' reference code, in double precision (see facts.py)."""

from . import layers, optimizers, precision, tutorials
from .programs import PROGRAMS
