"""Programs with custom functions (see facts.py)."""

from . import arguments, changes, documentation, forward_mode, gradients, nodes, passes, saving, tangents, transforms
from .changes import in_place
from .programs import PROGRAMS, double, make, square
