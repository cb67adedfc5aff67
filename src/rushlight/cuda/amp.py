"""The old place of `torch.amp`'s classes, for the device that there is not."""

from __future__ import annotations

import functools

from ..amp import GradScaler as AnyGradScaler
from ..amp import autocast as any_autocast
from ..amp import custom_bwd, custom_fwd

autocast = functools.partial(any_autocast, "cuda")
GradScaler = functools.partial(AnyGradScaler, "cuda")

__all__ = ["GradScaler", "autocast", "custom_bwd", "custom_fwd"]
