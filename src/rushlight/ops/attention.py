"""Attention: softmax(query @ key) @ value, and the multi-head form of it with its projections.

Source: Vaswani et al., Attention Is All You Need (2017).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..arrays.elementary import over
from ..arrays.sums import sum_along
from ..tensor import Tensor, wrap
from . import softmax as softmaxes
from .casting import to_dtype
from .checks import floating, somewhere
from .comparisons import where
from .dropout import dropout
from .joining import cat
from .kinds import Array, fused
from .products import CPP_NAMES, linear, summed_to
from .samples import T, call

# --- scaled dot product -----------------------------------------------------------------------------------------------------------


def attention_composite(
    query: Any, key: Any, value: Any, attn_mask: Any = None, is_causal: bool = False, scale: float = 1.0
) -> Any:
    return attention_weights(query, key, attn_mask, is_causal, scale) @ value


def causal_mask(rows: int, columns: int) -> Any:
    """Where a row may look: not at later columns."""
    return np.tri(rows, columns, dtype=bool)


def attention_weights(query: Any, key: Any, attn_mask: Any, is_causal: bool, scale: float) -> Any:
    """The softmax of the scaled products; rows that may look nowhere are zero."""
    scores = (query * scale) @ key.mT
    allowed = None
    if is_causal:
        allowed = wrap(causal_mask(*scores.shape[-2:]))
    elif attn_mask is not None and attn_mask._array.dtype == bool:
        allowed = attn_mask
    elif attn_mask is not None:
        scores = scores + attn_mask
    if allowed is not None:
        scores = where(allowed, scores, -math.inf)
    weights = softmaxes.softmax(scores, -1)
    if attn_mask is None and not is_causal:
        return weights
    lost = np.maximum.reduce(scores._array, -1, keepdims=True, initial=-math.inf) == -math.inf
    return where(wrap(lost), 0.0, weights) if somewhere(lost) else weights


def attention_joint(
    g: Any, residuals: Any, needs: tuple, query: Any, key: Any, value: Any, attn_mask: Any, scale: float
) -> tuple:
    weights = residuals
    onto_value = np.matmul(weights.mT, g) if needs[2] else None
    if not (needs[0] or needs[1] or needs[3]):
        return None, None, onto_value, None
    scores = np.matmul(g, value.mT)
    scores -= np.vecdot(scores, weights)[..., None]
    scores *= weights
    onto_mask = summed_to(scores, attn_mask.shape) if needs[3] else None
    onto_query = np.matmul(scores, key) if needs[0] else None
    onto_key = np.matmul(scores.mT, query) if needs[1] else None
    for one in (onto_query, onto_key):
        if one is not None:
            one *= scale
    return onto_query, onto_key, onto_value, onto_mask


def attention_samples() -> list:
    """Samples with each kind of mask."""
    q, k, v = T((2, 3, 4)), T((2, 5, 4)), T((2, 5, 2))
    return [call(q, k, v), call(q, k, v, T((3, 5))), call(q, k, v, None, True, 0.7), call(q, k, v, T((2, 3, 5), kind="bool"))]


@fused(
    attention_composite, attention_joint, method=False, broadcasts=True, node="ScaledDotProductFlashAttentionForCpuBackward0",
    samples=attention_samples,
)  # fmt: skip
def attention(
    query: Array, key: Array, value: Array, attn_mask: Array | None = None, is_causal: bool = False, scale: float = 1.0
) -> Array:
    """softmax(scale * query @ key.mT + attn_mask) @ value for (..., L, E), (..., S, E), (..., S, V): (..., L, V).

    A boolean mask is true where looking is allowed.
    """
    weights = np.matmul(floating(query, "softmax_lastdim_kernel_impl", refused="c") * scale, key.mT)
    bounded = True
    if is_causal:
        allowed: Any = causal_mask(*weights.shape[-2:])
    else:
        allowed = attn_mask if attn_mask is not None and attn_mask.dtype == bool else None
    if allowed is not None:
        weights = np.where(allowed, weights, -np.inf).astype(query.dtype, copy=False)
        bounded = False
    elif attn_mask is not None:
        weights = weights + attn_mask
        bounded = False
    largest = np.maximum.reduce(weights, -1, keepdims=True, initial=-np.inf)
    if not bounded:
        largest = np.where(largest == -np.inf, 0.0, largest).astype(weights.dtype, copy=False)
    weights -= largest
    weights = over(np.exp, weights)
    total = sum_along(weights, -1, True)
    weights /= total if bounded else np.where(total == 0.0, 1.0, total).astype(weights.dtype, copy=False)
    return np.matmul(weights, value), weights


def check_attention(query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None, is_causal: bool) -> None:
    """Raises RuntimeError for inputs that do not go together."""
    if attn_mask is not None and is_causal:
        raise RuntimeError("_scaled_dot_product_attention: Explicit attn_mask should not be set when is_causal=True")
    if min(query.ndim, key.ndim, value.ndim) < 2:
        raise RuntimeError(
            "Expected query, key, and value to all be  at least 2 dimensional, but got query.dim: "
            f"{query.ndim} key.dim: {key.ndim} and value.dim: {value.ndim} instead."
        )
    if not query._array.dtype == key._array.dtype == value._array.dtype:
        names = [CPP_NAMES.get(one._array.dtype.name, one._array.dtype.name) for one in (query, key, value)]
        raise RuntimeError(
            f"Expected query, key, and value to have the same dtype, but got query.dtype: {names[0]} key.dtype: {names[1]} and "
            f"value.dtype: {names[2]} instead."
        )
    if query.shape[-1] != key.shape[-1]:
        raise RuntimeError(
            f"mat1 and mat2 shapes cannot be multiplied ({query.shape[-2]}x{query.shape[-1]} and {key.shape[-1]}x{key.shape[-2]})"
        )


def scaled_dot_product_attention(
    query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None = None, dropout_p: float = 0.0, is_causal: bool = False,
    scale: float | None = None, enable_gqa: bool = False,
) -> Tensor:  # fmt: skip
    """softmax(query @ key.mT * scale + mask) @ value, for (..., L, E), (..., S, E) and (..., S, V): (..., L, V).

    `attn_mask` is added, or, if boolean, true where looking is allowed; `is_causal` forbids looking ahead; `scale` is by default
    1 / sqrt(E); `dropout_p` drops weights; with `enable_gqa` several heads of the query (dimension -3) share one of key and value.
    """
    check_attention(query, key, value, attn_mask, is_causal)
    if enable_gqa and query.ndim > 2:
        heads = query.shape[-3]
        key, value = (one.repeat_interleave(heads // one.shape[-3], -3) for one in (key, value))
    if scale is None:
        scale = 1.0 / math.sqrt(query.shape[-1]) if query.shape[-1] else 1.0
    if dropout_p == 0.0 and query._array.dtype.itemsize > 2:
        return attention(query, key, value, attn_mask, is_causal, scale)
    weights = dropout(attention_weights(query, key, attn_mask, is_causal, scale), dropout_p, True)
    return weights @ value


# --- many heads -------------------------------------------------------------------------------------------------------------------


def in_projection_packed(q: Tensor, k: Tensor, v: Tensor, weight: Tensor, bias: Tensor | None) -> tuple:
    """Query, key and value each times its third of `weight` (3E, E), plus its third of `bias`; in one product where they are
    one.
    """
    size = q.shape[-1]
    if q is k and k is v:
        whole = linear(q, weight, bias)
        return tuple(whole[..., i * size : (i + 1) * size] for i in range(3))
    biases = (None, None, None) if bias is None else tuple(bias[i * size : (i + 1) * size] for i in range(3))
    return tuple(linear(one, weight[i * size : (i + 1) * size], biases[i]) for i, one in enumerate((q, k, v)))


def additive(mask: Tensor | None, name: str, kind: Any) -> Tensor | None:
    """A mask to be added: minus infinity where a boolean one is true. Raises AssertionError for integers."""
    if mask is None or mask.is_floating_point():
        return mask if mask is None or mask.dtype is kind else to_dtype(mask, kind)
    if mask._array.dtype != bool:
        raise AssertionError(f"only bool and floating types of {name} are supported")
    return wrap(np.where(mask._array, -np.inf, 0.0).astype(kind.numpy))


def check_shape(embed_dim: int, wanted: int, heads: int) -> None:
    """Raises AssertionError unless the embedding has the expected size, and divides among the heads."""
    if embed_dim != wanted:
        raise AssertionError(f"was expecting embedding dimension of {wanted}, but got {embed_dim}")
    if embed_dim % heads:
        raise AssertionError(f"embed_dim {embed_dim} not divisible by num_heads {heads}")


def expanded_mask(mask: Tensor | None, length: int, sources: int, samples: int, heads: int) -> Tensor | None:
    """A mask (L, S) or (N * heads, L, S) with three dimensions. Raises RuntimeError for another shape."""
    if mask is None:
        return None
    if mask.ndim not in (2, 3):
        raise RuntimeError(f"attn_mask's dimension {mask.ndim} is not supported")
    wanted = (length, sources) if mask.ndim == 2 else (samples * heads, length, sources)
    if tuple(mask.shape) != wanted:
        raise RuntimeError(f"The shape of the {mask.ndim}D attn_mask is {tuple(mask.shape)}, but should be {wanted}.")
    return mask.unsqueeze(0) if mask.ndim == 2 else mask


def one_longer(mask: Tensor | None) -> Tensor | None:
    """A mask with a column of zeros appended, for a source that every row may look at."""
    from .padding import constant_pad_nd

    return None if mask is None else constant_pad_nd(mask, (0, 1))


def multi_head_attention_forward(
    query: Tensor, key: Tensor, value: Tensor, embed_dim_to_check: int, num_heads: int, in_proj_weight: Tensor | None,
    in_proj_bias: Tensor | None, bias_k: Tensor | None, bias_v: Tensor | None, add_zero_attn: bool, dropout_p: float,
    out_proj_weight: Tensor, out_proj_bias: Tensor | None, training: bool = True, key_padding_mask: Tensor | None = None,
    need_weights: bool = True, attn_mask: Tensor | None = None, use_separate_proj_weight: bool = False,
    q_proj_weight: Tensor | None = None, k_proj_weight: Tensor | None = None, v_proj_weight: Tensor | None = None,
    static_k: Tensor | None = None, static_v: Tensor | None = None, average_attn_weights: bool = True, is_causal: bool = False,
) -> tuple[Tensor, Tensor | None]:  # fmt: skip
    """Attention of (L, N, E) to (S, N, E), or without N, with projections, in several heads; and its weights, (N, L, S), if needed.

    Masks are true, or minus infinity, where looking is not allowed: `key_padding_mask` (N, S),
    `attn_mask` (L, S) or (N * heads, L, S).
    """
    single = query.ndim == 2
    if single:
        same_key, same_value = key is query, value is key
        query = query.unsqueeze(1)
        key = query if same_key else key.unsqueeze(1)
        value = key if same_value else value.unsqueeze(1)
        key_padding_mask = None if key_padding_mask is None else key_padding_mask.unsqueeze(0)
    length, samples, size = query.shape
    check_shape(size, embed_dim_to_check, num_heads)
    if is_causal and attn_mask is None:
        raise RuntimeError("Need attn_mask if specifying the is_causal hint.")
    if is_causal and key_padding_mask is None and not need_weights:
        attn_mask = None
    else:
        is_causal = False
    if use_separate_proj_weight:
        biases = (None, None, None) if in_proj_bias is None else tuple(in_proj_bias[i * size : (i + 1) * size] for i in range(3))
        weights = (q_proj_weight, k_proj_weight, v_proj_weight)
        q, k, v = (linear(one, w, b) for one, w, b in zip((query, key, value), weights, biases, strict=True))
    else:
        assert in_proj_weight is not None, "use_separate_proj_weight is False but in_proj_weight is None"
        q, k, v = in_projection_packed(query, key, value, in_proj_weight, in_proj_bias)
    mask = expanded_mask(additive(attn_mask, "attn_mask", query.dtype), length, k.shape[0], samples, num_heads)
    padding = additive(key_padding_mask, "key_padding_mask", query.dtype)
    if bias_k is not None and bias_v is not None:
        k, v = cat([k, bias_k.repeat(1, samples, 1)]), cat([v, bias_v.repeat(1, samples, 1)])
        mask, padding = one_longer(mask), one_longer(padding)

    def by_head(one: Tensor) -> Tensor:
        return one.reshape(one.shape[0], samples * num_heads, size // num_heads).transpose(0, 1)

    q = by_head(q)
    k = by_head(k) if static_k is None else static_k
    v = by_head(v) if static_v is None else static_v
    if add_zero_attn:
        zeros = k.new_zeros((k.shape[0], 1, k.shape[2]))
        k, v = cat([k, zeros], 1), cat([v, zeros], 1)
        mask, padding = one_longer(mask), one_longer(padding)
    if padding is not None:
        spread = padding.reshape(samples, 1, 1, -1).expand(-1, num_heads, -1, -1).reshape(samples * num_heads, 1, -1)
        mask = spread if mask is None else mask + spread
    dropout_p = dropout_p if training else 0.0
    heads: Tensor | None = None
    if need_weights:
        scores = (q * math.sqrt(1.0 / q.shape[-1])) @ k.mT
        heads = softmaxes.softmax(scores if mask is None else scores + mask, -1)
        heads = dropout(heads, dropout_p, True)
        result = heads @ v
    else:
        result = scaled_dot_product_attention(q, k, v, mask, dropout_p, is_causal)
    result = linear(result.transpose(0, 1).reshape(length * samples, size), out_proj_weight, out_proj_bias)
    result = result.reshape(length, samples, -1)
    if heads is not None:
        heads = heads.reshape(samples, num_heads, length, k.shape[1])
        heads = heads.mean(1) if average_attn_weights else heads
    if single:
        return result.squeeze(1), None if heads is None else heads.squeeze(0)
    return result, heads
