"""In-place forms of views (`t_`, `transpose_`, `squeeze_`, ...): the tensor itself gets another shape and other strides."""

from __future__ import annotations

from typing import Any

from ..autograd.graph import Node, version_cell
from ..autograd.inplace import check_writable
from ..autograd.modes import thread
from ..tensor import Tensor
from . import shapes
from .op import renamed


def squeezing(args: tuple) -> str:
    """PyTorch's name of the node of `squeeze_`: of all dimensions, of one, or of several."""
    return f"SqueezeBackward{3 if not args else 5 if isinstance(args[0], tuple) else 4}"


def _restrided(name: str, view: Any, node_name: Any) -> Any:
    def function(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        check_writable(self)
        result = view(self, *args, **kwargs)
        node = result._node
        self._array = result._array
        self._tangents = result._tangents
        if thread.grad_enabled:
            self._node = node
        if isinstance(node, Node):
            renamed(node, node_name(args) if callable(node_name) else node_name)
        version_cell(self).bump()
        return self

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"In-place form of `{name[:-1]}`: changes this tensor's shape and strides, not its memory."
    return function


for _name, _view, _node in (
    ("unsqueeze_", shapes.unsqueeze, "UnsqueezeBackward1"),
    ("squeeze_", shapes.squeeze, squeezing),
    ("t_", shapes.t, "TBackward1"),
    ("transpose_", shapes.transpose, "TransposeBackward1"),
    ("swapaxes_", shapes.swapaxes, "TransposeBackward1"),
    ("swapdims_", shapes.swapdims, "TransposeBackward1"),
    ("as_strided_", shapes.as_strided, "AsStridedBackward1"),
):
    setattr(Tensor, _name, _restrided(_name, _view, _node))
