"""Programs with subclasses of Tensor and `__torch_function__` (see facts.py)."""

from . import documented, foreign, handlers, kept, seen
from .programs import PROGRAMS
