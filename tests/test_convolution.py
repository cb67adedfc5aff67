"""Convolutions against plain loops; their transposes as adjoints; unfolding; pooling's windows stand in test_pooling."""

import itertools

import numpy as np
import pytest

import rushlight as torch
from rushlight.nn import functional as F

GEOMETRIES = [
    {}, {"stride": 2}, {"padding": 1}, {"dilation": 2, "padding": 2}, {"stride": 3, "padding": 1, "dilation": 2}, {"groups": 2},
    {"groups": 4, "padding": 1},
]  # fmt: skip


def by_loops(x, w, stride=1, padding=0, dilation=1, groups=1):
    """The definition, in two dimensions."""
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    samples, channels, *size = x.shape
    outputs, taken, *kernel = w.shape
    counts = [(n - dilation * (k - 1) - 1) // stride + 1 for n, k in zip(size, kernel, strict=True)]
    result = np.zeros((samples, outputs, *counts))
    for n, o, i, j in np.ndindex(result.shape):
        first = o // (outputs // groups) * taken
        for c, a, b in np.ndindex(taken, *kernel):
            result[n, o, i, j] += x[n, first + c, i * stride + a * dilation, j * stride + b * dilation] * w[o, c, a, b]
    return result


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
def test_convolution_is_what_it_is_defined_to_be(geometry):
    x, w = torch.randn(2, 4, 7, 8, dtype=torch.float64), torch.randn(8, 4 // geometry.get("groups", 1), 3, 2, dtype=torch.float64)
    np.testing.assert_allclose(F.conv2d(x, w, **geometry).numpy(), by_loops(x.numpy(), w.numpy(), **geometry), atol=1e-12)


@pytest.mark.parametrize(("geometry", "rank"), list(itertools.product(GEOMETRIES, (1, 2, 3))), ids=str)
def test_transposed_convolution_is_the_adjoint(geometry, rank):
    forward, transpose = getattr(F, f"conv{rank}d"), getattr(F, f"conv_transpose{rank}d")
    w = torch.randn(8, 4 // geometry.get("groups", 1), *(3, 2, 2)[:rank], dtype=torch.float64)
    x = torch.randn(2, 4, *(8, 7, 6)[:rank], dtype=torch.float64, requires_grad=True)
    y = forward(x, w, **geometry)
    g = torch.randn(*y.shape, dtype=torch.float64)
    (gradient,) = torch.autograd.grad(y, x, g)
    back = transpose(g, w, **geometry)
    inside = tuple(slice(min(a, b)) for a, b in zip(back.shape, x.shape, strict=True))
    np.testing.assert_allclose(back[inside].numpy(), gradient[inside].numpy(), atol=1e-12)


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
def test_derivatives_of_two_orders(geometry):
    x = torch.randn(1, 4, 6, dtype=torch.float64, requires_grad=True)
    w = torch.randn(4, 4 // geometry.get("groups", 1), 2, dtype=torch.float64, requires_grad=True)
    b = torch.randn(4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda *given: F.conv1d(*given, **geometry), (x, w, b))
    assert torch.autograd.gradgradcheck(lambda *given: F.conv1d(*given, **geometry), (x, w, b))
    back = {**geometry, "output_padding": 1} if geometry.get("stride", 1) > 1 else geometry
    w = torch.randn(4, 4 // geometry.get("groups", 1), 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(lambda x, w: F.conv_transpose1d(x, w, **back), (x, w))


def test_large_batches_go_in_chunks():
    x = torch.randn(40, 16, 20, 20, dtype=torch.float64, requires_grad=True)
    w = torch.randn(8, 16, 3, 3, dtype=torch.float64, requires_grad=True)
    y = F.conv2d(x, w)
    g = torch.randn(*y.shape, dtype=torch.float64)
    whole = torch.autograd.grad(y, (x, w), g)
    parts = [torch.autograd.grad(F.conv2d(x[i : i + 1], w), (x, w), g[i : i + 1]) for i in (0, 7, 39)]
    for i, part in zip((0, 7, 39), parts, strict=True):
        np.testing.assert_allclose(whole[0][i].numpy(), part[0][i].numpy(), atol=1e-10)
    single = sum(torch.autograd.grad(F.conv2d(x[i : i + 1], w), w, g[i : i + 1])[0] for i in range(40))
    np.testing.assert_allclose(whole[1].numpy(), single.numpy(), atol=1e-8)


def test_a_convolution_of_columns_is_a_product():
    x, w = torch.randn(2, 3, 5, 6, dtype=torch.float64), torch.randn(4, 3, 2, 3, dtype=torch.float64)
    columns = F.unfold(x, (2, 3), padding=1)
    np.testing.assert_allclose((w.reshape(4, -1) @ columns).reshape(2, 4, 6, 6).numpy(), F.conv2d(x, w, padding=1).numpy(),
    atol=1e-12)
    overlaps = F.fold(F.unfold(torch.ones(1, 1, 4, 4), 3), (4, 4), 3)
    assert overlaps[0, 0].tolist() == [[1, 2, 2, 1], [2, 4, 4, 2], [2, 4, 4, 2], [1, 2, 2, 1]]


def test_types():
    x, w = torch.randn(1, 2, 4, 4), torch.randn(3, 2, 3, 3)
    half = F.conv2d(x.half(), w.half())
    assert half.dtype is torch.float16
    np.testing.assert_allclose(half.float().numpy(), F.conv2d(x, w).numpy(), atol=0.05)
    assert F.conv2d(torch.ones(1, 1, 3, 3, dtype=torch.int64), torch.ones(1, 1, 2, 2, dtype=torch.int64)).unique().tolist() == [4]
    z = torch.complex(x, x).requires_grad_()
    k = torch.complex(w, -w).requires_grad_()
    F.conv2d(z, k).abs().sum().backward()
    assert z.grad.is_complex() and k.grad.is_complex()


def test_inputs_without_batch_and_views():
    x, w = torch.randn(6, 2, 5).permute(2, 1, 0)[::2], torch.randn(4, 2, 3)
    np.testing.assert_allclose(F.conv1d(x, w).numpy(), F.conv1d(x.contiguous(), w).numpy(), rtol=1e-5)
    np.testing.assert_allclose(F.conv1d(x[0], w).numpy(), F.conv1d(x, w)[0].numpy(), rtol=1e-5)
    assert F.conv1d(x, w).is_contiguous()


def test_node():
    node = F.conv2d(torch.ones(1, 1, 3, 3, requires_grad=True), torch.ones(1, 1, 2, 2)).grad_fn
    assert (node.name(), len(node.next_functions)) == ("ConvolutionBackward0", 3)
