"""Padding, resampling, sampling and rearranging of images, with the arguments of `torch.nn.functional`."""

from __future__ import annotations

from ...ops.padding import pad
from ...ops.resampling import interpolate, upsample, upsample_bilinear, upsample_nearest
from ...ops.vision import affine_grid, channel_shuffle, grid_sample, native_channel_shuffle, pixel_shuffle, pixel_unshuffle

__all__ = [
    "affine_grid", "channel_shuffle", "grid_sample", "interpolate", "native_channel_shuffle", "pad", "pixel_shuffle",
    "pixel_unshuffle",
    "upsample", "upsample_bilinear", "upsample_nearest",
]  # fmt: skip
