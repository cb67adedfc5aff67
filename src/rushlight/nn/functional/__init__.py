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
