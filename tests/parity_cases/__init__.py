"""Programs at the edges that PyTorch's own tests of its operators look at (see facts.py)."""

from . import creation, further, keywords, kinks, matrices, operands
from .programs import PROGRAMS
