from __future__ import annotations
import numpy as np
from .kinds import Array, linear
from . import shapes

def restore(g, shape, dim, keepdim):
    """A reduced cotangent spread again over the dimensions that were reduced."""
    if not shape:
        return g
    if dim is not None and not keepdim and dim != ():
        dims = (dim,) if isinstance(dim, int) else dim
        rank = len(shape)
        kept = list(shape)
        for d in dims:
            kept[d] = 1
        g = g.reshape(kept)
    return shapes.expand(g, *shape)

@linear(lambda g, x_shape, dim, keepdim: restore(g, x_shape, dim, keepdim), node=lambda node, input, dim=None, keepdim=False, dtype=None: "SumBackward0" if dim is None else "SumBackward1")
def sum(input: Array, dim=None, keepdim=False, *, dtype=None):
    return np.add.reduce(input, axis=dim, keepdims=keepdim)
