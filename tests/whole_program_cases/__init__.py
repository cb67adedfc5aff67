"""Programs as users bring them, from tutorials, courses and papers' reference code, in double precision (see facts.py)."""

from . import optimizers, tutorials
from .programs import PROGRAMS
