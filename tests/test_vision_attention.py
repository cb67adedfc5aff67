"""Padding, resampling and sampling of images; attention and its masks."""

import math

import numpy as np
import pytest

import rushlight as torch
from rushlight.nn import functional as F
from rushlight.ops.attention import attention


@pytest.mark.parametrize(("mode", "name"),
[("reflect", "reflect"), ("replicate", "edge"), ("circular", "wrap"), ("constant", "constant")])
def test_padding_as_numpy(mode, name):
    x = torch.randn(1, 2, 4, 5, dtype=torch.float64, requires_grad=True)
    wanted = np.pad(x.detach().numpy(), ((0, 0), (0, 0), (3, 1), (2, 4)), mode=name)
    np.testing.assert_array_equal(F.pad(x, (2, 4, 3, 1), mode).detach().numpy(), wanted)
    assert torch.autograd.gradgradcheck(lambda x: F.pad(x, (2, 4, 3, 1), mode), x)


def test_resampling_keeps_what_it_should():
    x = torch.randn(1, 2, 5, 6, dtype=torch.float64)
    for mode in ("nearest", "nearest-exact", "bilinear", "bicubic", "area"):
        np.testing.assert_allclose(F.interpolate(x, size=(5, 6), mode=mode).numpy(), x.numpy(), atol=1e-12)
    for mode in ("bilinear", "bicubic"):
        corners = F.interpolate(x, size=(9, 4), mode=mode, align_corners=True)[..., :: 8, :: 3]
        np.testing.assert_allclose(corners.numpy(), x[..., :: 4, :: 5].numpy(), atol=1e-12)
        constant = F.interpolate(torch.ones(1, 1, 5, 6), size=(3, 11), mode=mode, antialias=True)
        np.testing.assert_allclose(constant.numpy(), 1, rtol=1e-6)
    assert F.interpolate(torch.arange(3.0).reshape(1, 1, 3), scale_factor=2).tolist() == [[[0, 0, 1, 1, 2, 2]]]


def test_sampling_at_the_pixels_gives_the_image():
    x = torch.randn(2, 3, 4, 5, dtype=torch.float64)
    identity = torch.eye(2, 3, dtype=torch.float64).expand(2, 2, 3)
    for align in (True, False):
        grid = F.affine_grid(identity, x.shape, align_corners=align)
        for mode in ("bilinear", "nearest", "bicubic"):
            np.testing.assert_allclose(F.grid_sample(x, grid, mode, align_corners=align).numpy(), x.numpy(), atol=1e-12)


@pytest.mark.parametrize("padding_mode", ["zeros", "border", "reflection"])
def test_sampling_is_differentiated(padding_mode):
    x = torch.randn(1, 2, 3, 4, dtype=torch.float64, requires_grad=True)
    grid = (torch.rand(1, 2, 2, 2, dtype=torch.float64) * 2.4 - 1.2).requires_grad_()
    assert torch.autograd.gradcheck(lambda x, grid: F.grid_sample(x, grid, "bilinear", padding_mode, False), (x, grid))


def test_shuffles_are_undone():
    x = torch.randn(2, 12, 4, 6)
    assert torch.equal(F.pixel_unshuffle(F.pixel_shuffle(x, 2), 2), x)
    assert torch.equal(F.channel_shuffle(F.channel_shuffle(x, 3), 4), x)


# --- attention
# ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mask", ["none", "added", "boolean", "causal"])
def test_fused_attention_is_its_composite(mask):
    q, k, v = (torch.randn(2, n, e, dtype=torch.float64, requires_grad=True) for n, e in ((3, 4), (5, 4), (5, 2)))
    given = {"added": torch.randn(3, 5, dtype=torch.float64), "boolean": torch.rand(2, 3, 5) > 0.3}.get(mask)
    fast, slow = (run(q, k, v, given, mask == "causal", 0.7) for run in (attention, attention.op.composite))
    np.testing.assert_allclose(fast.detach().numpy(), slow.detach().numpy(), rtol=1e-10)
    weight = torch.randn(*fast.shape, dtype=torch.float64)
    for ours, theirs in zip(*(torch.autograd.grad((one * weight).sum(), (q, k, v)) for one in (fast, slow)), strict=True):
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-9, atol=1e-12)


def test_rows_that_may_look_nowhere_are_zero():
    q = torch.randn(1, 2, 3, requires_grad=True)
    allowed = torch.tensor([[True, True], [False, False]])
    y = F.scaled_dot_product_attention(q, q, q, allowed)
    assert y[0, 1].tolist() == [0.0, 0.0, 0.0]
    y.sum().backward()
    assert torch.isfinite(q.grad).all()


def test_heads_attend_apart():
    size, heads = 6, 2
    x = torch.randn(4, 3, size, dtype=torch.float64)
    w, b = torch.randn(18, size, dtype=torch.float64), torch.randn(18, dtype=torch.float64)
    out = torch.eye(size, dtype=torch.float64)
    result, weights = F.multi_head_attention_forward(x, x, x, size, heads, w, b, None, None, False, 0.0, out, None)
    q, k, v = ((x @ w.T + b)[..., i * size : (i + 1) * size] for i in range(3))
    means = []
    for head in range(heads):
        part = slice(head * 3, head * 3 + 3)
        scores = torch.einsum("lne,sne->nls", q[..., part], k[..., part]) / math.sqrt(3)
        means.append(F.softmax(scores, 2))
        np.testing.assert_allclose(result[..., part].numpy(), torch.einsum("nls,sne->lne", means[-1], v[..., part]).numpy(),
        rtol=1e-9)
    np.testing.assert_allclose(weights.numpy(), (sum(means) / heads).numpy(), rtol=1e-9)
