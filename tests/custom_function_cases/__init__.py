"""Programs with custom functions (see facts.py)."""

from . import arguments, changes, forward_mode, gradients, saving
from .changes import in_place
from .programs import PROGRAMS, double, make, square
