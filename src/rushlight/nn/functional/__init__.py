"""Functions of neural networks, by PyTorch's names and with its arguments: `torch.nn.functional`."""

from __future__ import annotations

from ...ops.contractions import bilinear, pdist
from ...ops.distances import cosine_similarity, pairwise_distance
from ...ops.products import linear
from ...overridable import overridable
from .activation import *
from .attention import *
from .convolution import *
from .embedding import *
from .loss import *
from .normalization import *
from .pooling import *
from .vision import *

# Ops hand calls to tensor subclasses and modes by themselves; the functions written here are made to.
for name, function in list(globals().items()):
    if type(function) is type(overridable) and not hasattr(function, "op") and function is not overridable:
        globals()[name] = overridable(function)
del name, function


def __getattr__(name: str) -> object:
    """PyTorch lends the functions of `torch.overrides` here as well."""
    if name in ("handle_torch_function", "has_torch_function"):
        from ... import overrides

        return getattr(overrides, name)
    raise AttributeError(f"module 'torch.nn.functional' has no attribute {name!r}")
