"""Padding of the last dimensions; `padding` lists (left, right, top, bottom, front, back), or is one width for all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rushlight.nn import functional as F
from rushlight.nn.modules.module import Module
from rushlight.nn.modules.utils import as_tuple

if TYPE_CHECKING:
    from typing import Any

    from rushlight.tensor import Tensor

_KINDS = ("Circular", "Constant", "Reflection", "Replication", "Zero")

__all__ = [f"{kind}Pad{n}d" for kind in _KINDS for n in (1, 2, 3)]


class _Pad(Module):
    _n: int  # dimensions that are padded
    _mode: str

    def __init__(self, padding: Any) -> None:
        super().__init__()
        self.padding = as_tuple(padding, 2 * self._n)

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, self._mode)

    def extra_repr(self) -> str:
        return str(self.padding)


class _ConstantPad(_Pad):
    _mode = "constant"

    def __init__(self, padding: Any, value: float) -> None:
        super().__init__(padding)
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, "constant", self.value)

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class ConstantPad1d(_ConstantPad):
    """Pads the last dimension with `value`."""

    _n = 1


class ConstantPad2d(_ConstantPad):
    """Pads the last 2 dimensions with `value`."""

    _n = 2


class ConstantPad3d(_ConstantPad):
    """Pads the last 3 dimensions with `value`."""

    _n = 3


class _ZeroPad(_ConstantPad):
    def __init__(self, padding: Any) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        return str(self.padding)


class ZeroPad1d(_ZeroPad, ConstantPad1d):
    """Pads the last dimension with zeros."""


class ZeroPad2d(_ZeroPad, ConstantPad2d):
    """Pads the last 2 dimensions with zeros."""


class ZeroPad3d(_ZeroPad, ConstantPad3d):
    """Pads the last 3 dimensions with zeros."""


class ReflectionPad1d(_Pad):
    """Pads (N, C, W) or (C, W) with the reflection at the border, which is not repeated."""

    _n = 1
    _mode = "reflect"


class ReflectionPad2d(_Pad):
    """Pads (N, C, H, W) or (C, H, W) with the reflection at the border, which is not repeated."""

    _n = 2
    _mode = "reflect"


class ReflectionPad3d(_Pad):
    """Pads (N, C, D, H, W) or (C, D, H, W) with the reflection at the border, which is not repeated."""

    _n = 3
    _mode = "reflect"


class ReplicationPad1d(_Pad):
    """Pads (N, C, W) or (C, W) with copies of the border."""

    _n = 1
    _mode = "replicate"


class ReplicationPad2d(_Pad):
    """Pads (N, C, H, W) or (C, H, W) with copies of the border."""

    _n = 2
    _mode = "replicate"


class ReplicationPad3d(_Pad):
    """Pads (N, C, D, H, W) or (C, D, H, W) with copies of the border."""

    _n = 3
    _mode = "replicate"


class _CircularPad(_Pad):
    _mode = "circular"

    def forward(self, input: Tensor) -> Tensor:
        if input.dim() not in (self._n + 1, self._n + 2):
            raise ValueError(f"expected {self._n + 1}D or {self._n + 2}D input (got {input.dim()}D input)")
        return super().forward(input)


class CircularPad1d(_CircularPad):
    """Pads (N, C, W) or (C, W) with the opposite border."""

    _n = 1


class CircularPad2d(_CircularPad):
    """Pads (N, C, H, W) or (C, H, W) with the opposite border."""

    _n = 2


class CircularPad3d(_CircularPad):
    """Pads (N, C, D, H, W) or (C, D, H, W) with the opposite border."""

    _n = 3
