"""Programs with custom functions, whose outcome in PyTorch is stored (see references/make_function_facts.py)."""

from . import arguments, changes, forward_mode, gradients, saving
from .changes import in_place
from .programs import CASES, FACTS, double, function_outcome, leaf, make, square
