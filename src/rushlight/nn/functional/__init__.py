"""Functions of neural networks, by PyTorch's names and with its arguments: `torch.nn.functional`."""

from __future__ import annotations

from ...ops.contractions import bilinear, pdist
from ...ops.distances import cosine_similarity, pairwise_distance
from ...ops.products import linear
from .activation import *  # noqa: F403
from .loss import *  # noqa: F403
from .normalization import *  # noqa: F403
from .convolution import *  # noqa: F403
from .vision import *  # noqa: F403
from .pooling import *  # noqa: F403
from .embedding import *  # noqa: F403
from ...overridable import overridable

# Ops hand calls to tensor subclasses and modes by themselves; the functions written here are made to.
for name, function in list(globals().items()):
    if type(function) is type(overridable) and not hasattr(function, "op") and function is not overridable:
        globals()[name] = overridable(function)
from .attention import *  # noqa: F403
