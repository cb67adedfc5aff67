"""Padding, resampling and rearranging of images, with the arguments of `torch.nn.functional`."""

from __future__ import annotations

from ...ops.padding import pad

__all__ = ["pad"]
