"""Attention, with the arguments of `torch.nn.functional`."""

from __future__ import annotations

from ...ops.attention import multi_head_attention_forward, scaled_dot_product_attention

__all__ = ["multi_head_attention_forward", "scaled_dot_product_attention"]
