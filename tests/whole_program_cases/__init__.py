"""Programs as users bring them, from tutorials, courses and papers' reference code, in double precision (see facts.py)."""

from . import layers, models, optimizers, precision, tutorials
from .programs import PROGRAMS
