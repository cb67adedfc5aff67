"""Multi-head attention (Vaswani et al. 2017)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import rushlight
from rushlight.nn import functional as F
from rushlight.nn import init
from rushlight.nn.modules.linear import NonDynamicallyQuantizableLinear
from rushlight.nn.modules.module import Module
from rushlight.nn.parameter import Parameter

if TYPE_CHECKING:
    from typing import Any

    from rushlight.tensor import Tensor

__all__ = ["MultiheadAttention"]


class MultiheadAttention(Module):
    """Attention of `query` (L, N, E) to `key` (S, N, kdim) and `value` (S, N, vdim) in `num_heads` subspaces.

    With `batch_first` the first two dimensions are (N, L); without a batch they are (L, E).
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if embed_dim <= 0 or num_heads <= 0:
            raise ValueError(
                f"embed_dim and num_heads must be greater than 0, got embed_dim={embed_dim} and "
                f"num_heads={num_heads} instead"
            )
        super().__init__()
        self.embed_dim = embed_dim
        self.kdim = embed_dim if kdim is None else kdim
        self.vdim = embed_dim if vdim is None else vdim
        self._qkv_same_embed_dim = self.kdim == embed_dim and self.vdim == embed_dim
        self.num_heads = num_heads
        self.dropout = dropout
        self.batch_first = batch_first
        self.head_dim = embed_dim // num_heads
        if self.head_dim * num_heads != embed_dim:
            raise AssertionError("embed_dim must be divisible by num_heads")
        joint, bias_kv = self._qkv_same_embed_dim, (1, 1, embed_dim)
        shapes = {
            "q_proj_weight": None if joint else (embed_dim, embed_dim),
            "k_proj_weight": None if joint else (embed_dim, self.kdim),
            "v_proj_weight": None if joint else (embed_dim, self.vdim),
            "in_proj_weight": (3 * embed_dim, embed_dim) if joint else None,
            "in_proj_bias": (3 * embed_dim,) if bias else None,
            "bias_k": bias_kv if add_bias_kv else None,
            "bias_v": bias_kv if add_bias_kv else None,
        }
        if joint:  # PyTorch's order of the state_dict
            shapes = {"in_proj_weight": shapes.pop("in_proj_weight"), **shapes}
        for name, shape in shapes.items():
            value = None if shape is None else Parameter(rushlight.empty(shape, device=device, dtype=dtype))
            self.register_parameter(name, value)
        self.out_proj = NonDynamicallyQuantizableLinear(embed_dim, embed_dim, bias=bias, device=device, dtype=dtype)
        self.add_zero_attn = add_zero_attn
        self._reset_parameters()

    def _reset_parameters(self) -> None:
        for weight in (self.in_proj_weight, self.q_proj_weight, self.k_proj_weight, self.v_proj_weight):
            if weight is not None:
                init.xavier_uniform_(weight)
        if self.in_proj_bias is not None:
            init.zeros_(self.in_proj_bias)
            init.zeros_(self.out_proj.bias)
        for bias in (self.bias_k, self.bias_v):
            if bias is not None:
                init.xavier_normal_(bias)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """The attended values, and the weights ((N, L, S), or per head (N, num_heads, L, S)) if `need_weights`.

        Masks are True (or -inf) where attention is not allowed: `key_padding_mask` (N, S), `attn_mask` (L, S) or
        (N * num_heads, L, S). `is_causal` says that `attn_mask` is the causal mask.
        """
        if is_causal and attn_mask is None:
            raise RuntimeError(
                "Need attn_mask if specifying the is_causal hint. You may use the Transformer module method "
                "`generate_square_subsequent_mask` to create this mask."
            )
        batched = _check_dims(query, key, value, key_padding_mask, attn_mask)
        inputs = [query, key, value]
        if not batched:
            inputs = [part.unsqueeze(1) for part in inputs]
            if key_padding_mask is not None:
                key_padding_mask = key_padding_mask.unsqueeze(0)
        elif self.batch_first:
            inputs = [part.transpose(0, 1) for part in inputs]
        q, k, v = self._project(inputs, same=query is key and key is value)
        length, batch = q.shape[:2]
        added = 0
        if self.bias_k is not None:
            k = rushlight.cat([k, self.bias_k.expand(1, batch, -1)])
            v = rushlight.cat([v, self.bias_v.expand(1, batch, -1)])
            added += 1
        q, k, v = (self._split_heads(part) for part in (q, k, v))
        if self.add_zero_attn:
            zeros = k.new_zeros((batch, self.num_heads, 1, self.head_dim))
            k, v = rushlight.cat([k, zeros], 2), rushlight.cat([v, zeros], 2)
            added += 1
        causal = is_causal and key_padding_mask is None and not need_weights  # then the hint stands for the mask
        mask = None if causal else self._mask(attn_mask, key_padding_mask, q, length, batch, added)
        weights = None
        dropout = self.dropout if self.training else 0.0
        if need_weights:
            scores = (q * math.sqrt(1.0 / self.head_dim)) @ k.transpose(-2, -1)
            weights = F.softmax(scores if mask is None else scores + mask, -1)
            if dropout > 0.0:
                weights = F.dropout(weights, dropout)
            output = weights @ v
        else:
            output = F.scaled_dot_product_attention(q, k, v, mask, dropout, is_causal=causal)
        output = self.out_proj(output.permute(2, 0, 1, 3).reshape(length, batch, self.embed_dim))
        if weights is not None and average_attn_weights:
            weights = weights.mean(1)
        if not batched:
            return output.squeeze(1), None if weights is None else weights.squeeze(0)
        return (output.transpose(0, 1) if self.batch_first else output), weights

    def _project(self, inputs: list[Tensor], same: bool) -> list[Tensor] | tuple[Tensor, ...]:
        if self._qkv_same_embed_dim:
            if same:
                return F.linear(inputs[0], self.in_proj_weight, self.in_proj_bias).chunk(3, -1)
            weights = self.in_proj_weight.chunk(3)
        else:
            weights = (self.q_proj_weight, self.k_proj_weight, self.v_proj_weight)
        biases = (None,) * 3 if self.in_proj_bias is None else self.in_proj_bias.chunk(3)
        return [F.linear(*each) for each in zip(inputs, weights, biases, strict=True)]

    def _split_heads(self, part: Tensor) -> Tensor:
        """(length, N, E) to (N, num_heads, length, head_dim)."""
        return part.reshape(*part.shape[:2], self.num_heads, self.head_dim).permute(1, 2, 0, 3)

    def _mask(
        self,
        attn_mask: Tensor | None,
        key_padding_mask: Tensor | None,
        like: Tensor,
        length: int,
        batch: int,
        added: int,
    ) -> Tensor | None:
        """Both masks as one to add to the scores; the `added` last keys are never masked."""
        masks = []
        if attn_mask is not None:
            mask = _additive(attn_mask, like.dtype, "attn_mask")
            if mask.dim() == 3:
                mask = mask.reshape(batch, self.num_heads, length, mask.size(-1))
            masks.append(mask)
        if key_padding_mask is not None:
            mask = _additive(key_padding_mask, like.dtype, "key_padding_mask")
            masks.append(mask.reshape(batch, 1, 1, mask.size(-1)))
        if not masks:
            return None
        mask = masks[0] if len(masks) == 1 else masks[0] + masks[1]
        return F.pad(mask, (0, added)) if added else mask


def _additive(mask: Tensor, dtype: Any, name: str) -> Tensor:
    if mask.dtype == rushlight.bool:
        return rushlight.zeros(mask.shape, dtype=dtype).masked_fill_(mask, float("-inf"))
    if not mask.is_floating_point():
        raise AssertionError(f"only bool and floating types of {name} are supported")
    return mask


def _check_dims(
    query: Tensor, key: Tensor, value: Tensor, key_padding_mask: Tensor | None, attn_mask: Tensor | None
) -> bool:
    """Whether there is a batch dimension; an error where the arguments disagree about it."""
    n = query.dim()
    if n not in (2, 3):
        raise AssertionError(f"query should be unbatched 2D or batched 3D tensor but received {n}-D query tensor")
    if key.dim() != n or value.dim() != n:
        raise AssertionError(
            f"For {'batched' if n == 3 else 'unbatched'} ({n}-D) `query`, expected `key` and `value` to be {n}-D "
            f"but found {key.dim()}-D and {value.dim()}-D tensors respectively"
        )
    if key_padding_mask is not None and key_padding_mask.dim() != n - 1:
        raise AssertionError(
            f"For {'batched' if n == 3 else 'unbatched'} ({n}-D) `query`, expected `key_padding_mask` to be `None` or "
            f"{n - 1}-D but found {key_padding_mask.dim()}-D tensor instead"
        )
    if attn_mask is not None and attn_mask.dim() not in (2, 3):
        raise AssertionError(
            f"expected `attn_mask` to be `None`, 2-D or 3-D but found {attn_mask.dim()}-D tensor instead"
        )
    return n == 3
