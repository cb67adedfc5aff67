"""Calls of `nn.functional` whose values and gradients are stored from PyTorch by references/make_functional.py.

A case is (function, inputs, keywords). Of the inputs, a tuple ("f", shape) is drawn from a normal distribution, "p" uniformly from
(0.1, 0.9), "s" from 1 and -1, "i" from the integers below its third entry; anything else is passed as it is.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np


def f(*shape: int) -> tuple:
    return ("f", shape)


def p(*shape: int) -> tuple:
    return ("p", shape)


def s(*shape: int) -> tuple:
    return ("s", shape)


def i(high: int, *shape: int) -> tuple:
    return ("i", shape, high)


ACTIVATIONS = [
    *[(name, (f(3, 4),), {}) for name in (
        "relu", "relu6", "leaky_relu", "elu", "selu", "celu", "gelu", "silu",
        "mish", "softplus", "softsign", "hardtanh", "hardsigmoid",
        "hardswish", "hardshrink", "softshrink", "tanhshrink", "logsigmoid", "rrelu", "glu", "sigmoid", "tanh")],
    ("gelu", (f(5),), {"approximate": "tanh"}), ("leaky_relu", (f(6), -0.3), {}), ("leaky_relu", (f(6), 1.7), {}),
    ("elu", (f(6), 0.4), {}), ("celu", (f(6), 0.4), {}), ("softplus", (f(6), 3.0, 1.0), {}), ("threshold", (f(6), 0.2, 7.0), {}),
    ("hardtanh", (f(6), -0.3, 0.8), {}), ("hardshrink", (f(6), 0.9), {}),
    ("softshrink", (f(6), 0.2), {}), ("glu", (f(2, 4, 3), 1), {}),
    ("prelu", (f(2, 3, 2), f(3)), {}), ("prelu", (f(4), f(1)), {}), ("softmax", (f(2, 3, 4), 1), {}), ("softmax", (f(3), 0), {}),
    ("log_softmax", (f(2, 3, 4), -1), {}), ("softmin", (f(2, 3), 1), {}), ("normalize", (f(2, 3, 2),), {}),
    ("normalize", (f(2, 3),), {"p": 1.0, "dim": 0}), ("cosine_similarity", (f(2, 3), f(2, 3)), {}),
    ("cosine_similarity", (f(2, 1, 3), f(4, 3), -1), {}), ("pairwise_distance", (f(2, 3), f(2, 3)), {}),
    ("pairwise_distance", (f(2, 3), f(2, 3)), {"p": 3.0, "keepdim": True}),
]  # fmt: skip

REDUCTIONS = ("mean", "sum", "none")
LOSSES = [
    *[
        (name, (f(3, 4), f(3, 4)), {"reduction": r})
        for name in ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss") for r in REDUCTIONS
    ],
    *[(name, (f(3, 4), f(3, 4)), {"weight": p(3, 4)}) for name in ("mse_loss", "l1_loss", "huber_loss")],
    ("smooth_l1_loss", (f(5), f(5)), {"beta": 0.3}),
    ("smooth_l1_loss", (f(5), f(5)), {"beta": 0.0}), ("huber_loss", (f(5), f(5)), {"delta": 0.3}),
    *[("cross_entropy", (f(4, 3), i(3, 4)), {"reduction": r}) for r in REDUCTIONS],
    *[("cross_entropy", (f(2, 3, 2, 2), i(3, 2, 2, 2)), {"reduction": r, "weight": p(3)}) for r in REDUCTIONS],
    ("cross_entropy", (f(3), i(3)), {}), ("cross_entropy", (f(4, 3), i(3, 4)), {"ignore_index": 1}),
    *[
        ("cross_entropy", (f(4, 3), i(3, 4)), {"label_smoothing": 0.2, "weight": p(3), "ignore_index": 2, "reduction": r})
        for r in REDUCTIONS
    ],
    *[("cross_entropy", (f(2, 3, 2), p(2, 3, 2)), {"label_smoothing": 0.1, "weight": p(3), "reduction": r}) for r in REDUCTIONS],
    *[("nll_loss", (f(2, 3, 2), i(3, 2, 2)), {"reduction": r, "weight": p(3), "ignore_index": 0}) for r in REDUCTIONS],
    ("nll_loss", (f(4, 3), i(3, 4)), {}),
    *[("binary_cross_entropy", (p(3, 2), p(3, 2)), {"reduction": r, "weight": p(2)}) for r in REDUCTIONS],
    *[
        ("binary_cross_entropy_with_logits", (f(3, 2), p(3, 2)), {"reduction": r, "weight": p(2), "pos_weight": p(2)})
        for r in REDUCTIONS
    ],
    ("binary_cross_entropy_with_logits", (f(3, 2), p(3, 2)), {}),
    *[("kl_div", (f(3, 2), p(3, 2)), {"reduction": r}) for r in (*REDUCTIONS, "batchmean")],
    ("kl_div", (f(3, 2), f(3, 2)), {"log_target": True}),
    ("poisson_nll_loss", (f(5), p(5)), {}), ("poisson_nll_loss", (p(5), p(5)), {"log_input": False, "full": True}),
    ("gaussian_nll_loss", (f(3, 2), f(3, 2), p(3, 2)), {"full": True}),
    ("gaussian_nll_loss", (f(3, 2), f(3, 2), p(3)), {"reduction": "sum"}),
    ("hinge_embedding_loss", (f(6), s(6)), {}),
    ("margin_ranking_loss", (f(6), f(6), s(6)), {"margin": 0.3}), ("soft_margin_loss", (f(6), s(6)), {}),
    ("multi_margin_loss", (f(3, 4), i(4, 3)), {"p": 2, "weight": p(4)}), ("multi_margin_loss", (f(4), i(4)), {"margin": 0.4}),
    ("multilabel_margin_loss", (f(3, 4), i(4, 3, 4)), {}), ("multilabel_soft_margin_loss", (f(3, 4), p(3, 4)), {"weight": p(4)}),
    ("triplet_margin_loss", (f(3, 4), f(3, 4), f(3, 4)), {"swap": True}),
    ("triplet_margin_loss", (f(3, 4), f(3, 4), f(3, 4)), {"p": 1, "margin": 2.0}),
    ("triplet_margin_with_distance_loss", (f(3, 4), f(3, 4), f(3, 4)), {}),
    ("cosine_embedding_loss", (f(4, 3), f(4, 3), s(4)), {"margin": 0.1}), ("cosine_embedding_loss", (f(3), f(3), s()), {}),
    ("linear_cross_entropy", (f(4, 5), f(3, 5), i(3, 4)), {}),
    *[("ctc_loss", (f(6, 2, 4), [[1, 2, 2], [3, 1, 0]], (6, 5), (3, 2)), {"reduction": r}) for r in REDUCTIONS],
    ("ctc_loss", (f(6, 2, 4), [1, 2, 2, 3], (6, 4), (3, 1)), {"zero_infinity": True}),
    ("ctc_loss", (f(3, 2, 4), [[1, 1, 1], [3, 1, 0]], (3, 3), (3, 0)), {"zero_infinity": True}),
    ("ctc_loss", (f(5, 4), [3, 1], (5,), (2,)), {"blank": 2}),
]  # fmt: skip

NORMALIZATION = [
    ("layer_norm", (f(2, 3, 4), (4,)), {"weight": f(4), "bias": f(4)}), ("layer_norm", (f(2, 3, 4), (3, 4)), {"weight": f(3, 4)}),
    ("layer_norm", (f(2, 3), (3,)), {"bias": f(3), "eps": 0.1}), ("rms_norm", (f(2, 3, 4), (4,)), {"weight": f(4)}),
    ("rms_norm", (f(2, 3, 4), (3, 4)), {"eps": 0.1}), ("group_norm", (f(2, 4, 3), 2), {"weight": f(4), "bias": f(4)}),
    ("group_norm", (f(2, 6), 3), {}), ("group_norm", (f(2, 3, 2, 2), 1), {"weight": f(3)}),
    *[("batch_norm", (f(*shape), None, None, f(3), f(3), True), {}) for shape in ((4, 3), (2, 3, 4), (2, 3, 2, 2))],
    *[("batch_norm", (f(*shape), f(3), p(3), f(3), f(3), False), {}) for shape in ((4, 3), (2, 3, 4))],
    ("batch_norm", (f(2, 3, 4), None, None), {"training": True, "eps": 0.1}), ("batch_norm", (f(2, 3, 4), f(3), p(3)), {}),
    ("instance_norm", (f(2, 3, 4),), {"weight": f(3), "bias": f(3)}),
    ("instance_norm", (f(2, 3, 4), f(3), p(3)), {"use_input_stats": False}),
    ("local_response_norm", (f(2, 5, 3), 3), {"alpha": 0.5}), ("local_response_norm", (f(1, 4, 2, 2), 2), {"beta": 0.5, "k": 2.0}),
]  # fmt: skip

CONVOLUTION = [
    ("conv1d", (f(2, 3, 7), f(4, 3, 3), f(4)), {}),
    ("conv1d", (f(2, 4, 8), f(6, 2, 3)), {"stride": 2, "padding": 2, "dilation": 2, "groups": 2}),
    ("conv1d", (f(3, 7), f(2, 3, 2), f(2)), {"padding": "same"}), ("conv1d", (f(3, 7), f(2, 3, 2)), {"padding": "valid"}),
    ("conv2d", (f(2, 3, 5, 6), f(4, 3, 2, 3), f(4)), {"stride": (2, 1), "padding": (1, 0)}),
    ("conv2d", (f(2, 3, 4, 4), f(5, 3, 1, 1), f(5)), {}),
    ("conv2d", (f(2, 3, 5, 5), f(6, 1, 3, 3), f(6)), {"groups": 3, "padding": 1}), ("conv2d", (f(1, 2, 9, 9), f(3, 2, 2, 2)), {}),
    ("conv2d", (f(2, 5, 6), f(3, 2, 3, 2)), {"padding": "same", "dilation": (1, 2)}),
    ("conv3d", (f(1, 2, 3, 4, 3), f(2, 2, 2, 2, 2), f(2)), {"stride": (1, 2, 1)}),
    ("conv_transpose1d", (f(2, 3, 4), f(3, 2, 3), f(2)), {"stride": 2, "padding": 1, "output_padding": 1}),
    ("conv_transpose1d", (f(3, 4), f(3, 2, 3)), {"dilation": 3, "output_padding": 2}),
    ("conv_transpose2d", (f(1, 4, 3, 3), f(4, 3, 2, 3), f(6)), {"stride": (2, 1), "groups": 2, "dilation": (1, 2)}),
    ("conv_transpose3d", (f(1, 2, 2, 2, 3), f(2, 1, 2, 2, 2)), {"stride": 2}),
    ("conv_tbc", (f(5, 2, 3), f(3, 3, 4), f(4)), {"pad": 1}),
    ("unfold", (f(2, 3, 4, 5), (2, 3)), {"padding": 1, "stride": (1, 2)}), ("unfold", (f(3, 4, 5), 2), {"dilation": 2}),
    ("fold", (f(2, 12, 6), (3, 4), 2), {}), ("fold", (f(4, 15), (5, 4), 2), {"padding": 1, "stride": (2, 1)}),
]  # fmt: skip

POOLING = [
    ("max_pool1d", (f(2, 3, 8), 3), {"stride": 2, "padding": 1, "return_indices": True}),
    ("max_pool1d", (f(3, 8), 2), {"dilation": 2, "ceil_mode": True}),
    ("max_pool2d", (f(2, 2, 5, 6), 2), {"return_indices": True}),
    ("max_pool2d", (f(1, 2, 5, 6), (3, 2)), {"stride": 1, "padding": (1, 0), "dilation": (1, 2), "return_indices": True}),
    ("max_pool2d", (f(2, 5, 7), 3), {"ceil_mode": True, "stride": 2}),
    ("max_pool3d", (f(1, 2, 4, 4, 5), 2), {"stride": (1, 2, 2), "return_indices": True}),
    ("avg_pool1d", (f(2, 3, 8), 3), {"stride": 2, "padding": 1}),
    ("avg_pool2d", (f(2, 5, 6), 2), {"count_include_pad": False, "padding": 1, "ceil_mode": True}),
    ("avg_pool2d", (f(1, 2, 5, 6), (3, 2)), {"stride": 2, "ceil_mode": True, "divisor_override": 5}),
    ("avg_pool3d", (f(1, 2, 4, 4, 5), 2), {"stride": 1}),
    ("adaptive_avg_pool1d", (f(2, 3, 7), 3), {}), ("adaptive_avg_pool2d", (f(2, 3, 5, 7), (3, None)), {}),
    ("adaptive_avg_pool2d", (f(3, 5, 7), 1), {}),
    ("adaptive_avg_pool3d", (f(1, 2, 3, 4, 5), (2, 3, 2)), {}), ("adaptive_max_pool1d", (f(2, 3, 7), 3), {"return_indices": True}),
    ("adaptive_max_pool2d", (f(2, 3, 5, 7), (3, 2)), {"return_indices": True}),
    ("adaptive_max_pool3d", (f(1, 2, 3, 4, 5), 2), {"return_indices": True}),
    ("lp_pool1d", (p(2, 3, 6), 2, 2), {}), ("lp_pool2d", (p(2, 3, 4, 6), 3, (2, 3)), {"stride": 1}),
    ("fractional_max_pool2d", (f(2, 2, 7, 9), 2), {"output_size": (3, 4), "return_indices": True, "_random_samples": p(2, 2, 2)}),
    (
        "fractional_max_pool3d", (f(1, 2, 7, 6, 8), 2),
        {"output_size": (3, 2, 4), "return_indices": True, "_random_samples": p(1, 2, 3)},
    ),
]  # fmt: skip

EMBEDDING = [
    ("embedding", (i(5, 2, 3), f(5, 3)), {}), ("embedding", (i(3, 4), f(3, 2)), {"padding_idx": -1}),
    ("embedding", (i(3, 7), f(3, 2)), {"scale_grad_by_freq": True}),
    *[("embedding_bag", (i(5, 2, 3), f(5, 3)), {"mode": m}) for m in ("sum", "mean", "max")],
    *[("embedding_bag", (i(5, 7), f(5, 3), [0, 2, 2, 5]), {"mode": m, "padding_idx": 1}) for m in ("sum", "mean", "max")],
    ("embedding_bag", (i(5, 7), f(5, 3), [0, 2, 7]), {"mode": "sum", "per_sample_weights": f(7), "include_last_offset": True}),
    ("one_hot", (i(4, 2, 3), 5), {}),
]  # fmt: skip

VISION = [
    ("pad", (f(2, 3), (1, 2)), {"value": 0.5}), ("pad", (f(2, 3, 4), (-1, 2, 1, 0)), {}),
    *[("pad", (f(2, 3, 4), (2, 1, 1, 2)), {"mode": m}) for m in ("reflect", "replicate", "circular")],
    ("pad", (f(2, 5), (-1, 2)), {"mode": "circular"}),
    *[
        ("interpolate", (f(1, 2, 3, 4),), {"size": (5, 3), "mode": m})
        for m in ("nearest", "nearest-exact", "bilinear", "bicubic", "area")
    ],
    *[
        ("interpolate", (f(1, 2, 6, 7),), {"size": (4, 9), "mode": m, "antialias": True})
        for m in ("bilinear", "bicubic", "lanczos")
    ],
    *[("interpolate", (f(1, 2, 3, 4),), {"scale_factor": 1.7, "mode": m, "align_corners": True}) for m in ("bilinear", "bicubic")],
    ("interpolate", (f(1, 2, 4),), {"scale_factor": 2.3, "mode": "linear"}),
    ("interpolate", (f(1, 2, 4),), {"scale_factor": 2.3, "mode": "linear", "recompute_scale_factor": True}),
    ("interpolate", (f(1, 1, 2, 3, 2),), {"scale_factor": 2, "mode": "trilinear"}),
    *[("grid_sample", (f(2, 2, 4, 3), f(2, 3, 2, 2)), {"mode": m, "padding_mode": e, "align_corners": a})
      for m in ("bilinear", "nearest", "bicubic") for e in ("zeros", "border", "reflection") for a in (True, False)],
    *[
        ("grid_sample", (f(1, 2, 3, 2, 3), f(1, 2, 2, 2, 3)), {"padding_mode": e, "align_corners": False})
        for e in ("zeros", "border", "reflection")
    ],
    ("affine_grid", (f(2, 2, 3), (2, 1, 3, 4)), {"align_corners": False}),
    ("affine_grid", (f(1, 3, 4), (1, 1, 2, 3, 2)), {"align_corners": True}),
    ("pixel_shuffle", (f(2, 8, 2, 3), 2), {}),
    ("pixel_unshuffle", (f(2, 1, 4, 6), 2), {}), ("channel_shuffle", (f(1, 6, 2), 3), {}),
]  # fmt: skip

ATTENTION = [
    ("scaled_dot_product_attention", (f(2, 3, 4), f(2, 5, 4), f(2, 5, 3)), {}),
    ("scaled_dot_product_attention", (f(2, 3, 4), f(2, 5, 4), f(2, 5, 3), f(3, 5)), {}),
    ("scaled_dot_product_attention", (f(2, 3, 4), f(2, 3, 4), f(2, 3, 3)), {"is_causal": True, "scale": 0.3}),
    ("scaled_dot_product_attention", (f(1, 4, 3, 2), f(1, 2, 3, 2), f(1, 2, 3, 2)), {"enable_gqa": True}),
    (
        "multi_head_attention_forward",
        (f(3, 2, 4), f(5, 2, 4), f(5, 2, 4), 4, 2, f(12, 4), f(12), None, None, False, 0.0, f(4, 4), f(4)), {},
    ),
    (
        "multi_head_attention_forward",
        (f(3, 2, 4), f(5, 2, 4), f(5, 2, 4), 4, 2, f(12, 4), f(12), f(1, 1, 4), f(1, 1, 4), True, 0.0, f(4, 4), f(4)),
        {"attn_mask": f(3, 5), "average_attn_weights": False},
    ),
    (
        "multi_head_attention_forward",
        (f(3, 4), f(5, 4), f(5, 4), 4, 1, f(12, 4), None, None, None, False, 0.0, f(4, 4), None), {"need_weights": False},
    ),
]  # fmt: skip

FAMILIES = {
    "activations": ACTIVATIONS, "losses": LOSSES, "normalization": NORMALIZATION, "convolution": CONVOLUTION, "pooling": POOLING,
    "embedding": EMBEDDING, "vision": VISION, "attention": ATTENTION,
}  # fmt: skip


def made(spec: Any, generator: np.random.Generator) -> Any:
    """The input that a specification stands for."""
    if not (isinstance(spec, tuple) and spec and spec[0] in ("f", "p", "s", "i")):
        return np.array(spec, np.int64) if isinstance(spec, list) else spec
    shape = spec[1]
    if spec[0] == "i":
        return np.asarray(generator.integers(0, spec[2], shape), np.int64)
    if spec[0] == "s":
        return np.asarray(generator.integers(0, 2, shape) * 2.0 - 1.0)
    return np.asarray(generator.normal(size=shape) if spec[0] == "f" else generator.uniform(0.1, 0.9, shape))


def run(torch: Any, functional: Any, family: str, number: int) -> list:
    """The results of a case, and the gradients of their weighted sum with respect to the floating-point inputs, as arrays."""
    name, inputs, keywords = FAMILIES[family][number]
    generator = np.random.default_rng([number, *map(ord, family)])
    leaves = []

    def tensor(spec: Any, differentiate: bool) -> Any:
        value = made(spec, generator)
        if not isinstance(value, np.ndarray):
            return value
        leaf = torch.from_numpy(value)
        if value.dtype == np.float64 and differentiate and spec[0] != "s":
            leaf.requires_grad_()
            leaves.append(leaf)
        return leaf

    constants = {"batch_norm": (1, 2), "instance_norm": (1, 2)}.get(name, ())
    args = [tensor(spec, k not in constants) for k, spec in enumerate(inputs)]
    options = {key: tensor(spec, key in ("bias",) or (key == "weight" and name.endswith("norm"))) for key, spec in keywords.items()}
    results = getattr(functional, name)(*args, **options)
    results = [one for one in (results if isinstance(results, tuple) else (results,)) if one is not None]
    total = sum((one * torch.from_numpy(np.cos(np.arange(one.numel())).reshape(tuple(one.shape)))).sum()
                for one in results if one.is_floating_point())  # fmt: skip
    gradients = []
    if leaves and not isinstance(total, int):
        total.backward()
        gradients = [np.zeros(tuple(leaf.shape)) if leaf.grad is None else leaf.grad.numpy() for leaf in leaves]
    return [*[one.detach().numpy() for one in results], *gradients]


# Calls that draw random numbers; x has ones, or -1 and 2 in turn.
DRAWS = [
    "F.dropout(x(4, 5), 0.5)", "F.dropout(x(300), 0.1)", "F.dropout(x(40).double(), 0.3)", "F.dropout(x(3, 4).t(), 0.5)",
    "F.dropout(x(2, 3, 4).permute(1, 2, 0), 0.5)", "F.dropout(x(2, 3, 8)[:, :, ::2], 0.5)", "F.dropout(x(5), 1.0)",
    "F.dropout1d(x(2, 3, 4))", "F.dropout1d(x(3, 4))", "F.dropout2d(x(2, 3, 2, 2), 0.3)", "F.dropout3d(x(2, 3, 2, 2, 2))",
    "F.alpha_dropout(x(20), 0.3, True)", "F.alpha_dropout(x(5), 1.0, True)", "F.feature_alpha_dropout(x(3, 4, 2), 0.5, True)",
    "F.rrelu(alternating(12), 0.1, 0.9, True)", "F.rrelu(alternating(12).double(), 0.1, 0.9, True)",
    "F.gumbel_softmax(x(3, 4).double())", "F.gumbel_softmax(x(3, 4).double(), hard=True, dim=0)",
    "torch.dropout(x(6), 0.5, True)", "torch.feature_dropout(x(2, 3, 2), 0.5, True)",
]  # fmt: skip


def draw(torch, functional, number):
    """The result of a call, and its gradient with respect to the input, as lists."""
    leaves = []

    def x(*shape):
        leaves.append(torch.ones(*shape, requires_grad=True))
        return leaves[0]

    def alternating(count):
        leaves.append(torch.tensor([-1.0, 2.0] * (count // 2), requires_grad=True))
        return leaves[0]

    torch.manual_seed(number)
    result = eval(DRAWS[number], {"F": functional, "torch": torch, "x": x, "alternating": alternating})
    result.sum().backward()
    return [result.detach().tolist(), leaves[0].grad.tolist()]


def answer(torch, functional, call):
    """What a call raises or gives, and the warnings."""

    def zeros(*shape):
        return torch.zeros(*shape, dtype=torch.long)

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        torch.manual_seed(0)
        try:
            result = eval(call, {"torch": torch, "F": functional, "r": torch.randn, "L": zeros})
            outcome = ["OK", list(result.shape) if hasattr(result, "shape") else str(result)]
        except Exception as error:
            outcome = [type(error).__name__, str(error)]
    return [*outcome, [str(one.message) for one in caught if one.category is UserWarning and "Triggered" not in str(one.message)]]
