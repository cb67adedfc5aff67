"""Pooling against plain loops: maxima and where they stand, ties, NaN, borders, overlaps."""

import itertools
import math

import numpy as np
import pytest

import rushlight as torch
from rushlight.nn import functional as F


def windows(size, kernel, stride, padding, dilation, ceil_mode):
    """The places of each window of one dimension that lie inside."""
    room = size + 2 * padding - dilation * (kernel - 1) - 1
    count = (math.ceil if ceil_mode else math.floor)(room / stride) + 1
    if ceil_mode and (count - 1) * stride >= size + padding:
        count -= 1
    starts = [i * stride - padding for i in range(count)]
    return [[p for p in range(start, start + dilation * kernel, dilation) if 0 <= p < size] for start in starts]


SETTINGS = [
    (kernel, stride, padding, dilation, ceil_mode)
    for kernel, stride, padding, dilation, ceil_mode in itertools.product((2, 3), (1, 2, 3), (0, 1), (1, 2), (False, True))
    if padding <= (dilation * (kernel - 1) + 1) // 2
]


@pytest.mark.parametrize("setting", SETTINGS, ids=str)
def test_maxima_as_by_loops(setting):
    x = torch.tensor(np.random.default_rng(0).permutation(84).reshape(2, 6, 7) * 1.0, requires_grad=True)
    values, indices = F.max_pool2d(x, *setting, return_indices=True)
    rows, columns = windows(6, *setting), windows(7, *setting)
    assert values.shape == (2, len(rows), len(columns))
    image = x.detach().numpy()
    gradient = np.zeros_like(image)
    for n, (i, row), (j, column) in itertools.product(range(2), enumerate(rows), enumerate(columns)):
        best, place = max((image[n, a, b], a * 7 + b) for a in row for b in column)
        assert values[n, i, j].item() == best
        assert indices[n, i, j].item() == place
        gradient[n].flat[place] += i * 10 + j + 1
    weight = torch.arange(len(rows))[:, None] * 10.0 + torch.arange(len(columns)) + 1
    (values * weight).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), gradient)


def test_the_first_of_equals_and_the_last_nan():
    values, indices = F.max_pool1d(torch.tensor([[1.0, 1.0, 0.0, 2.0, math.nan, math.nan, 3.0, 3.0]]), 4, return_indices=True)
    assert indices.tolist() == [[3, 5]]
    assert values[0, 0].item() == 2.0 and math.isnan(values[0, 1].item())
    assert F.max_pool1d(torch.zeros(1, 4), 2, return_indices=True)[1].tolist() == [[0, 2]]


def test_minus_infinity_stays_inside():
    x = torch.full((1, 1, 3, 3), -math.inf, requires_grad=True)
    values, indices = F.max_pool2d(x, 3, stride=2, padding=1, return_indices=True)
    assert indices.min() >= 0 and indices.max() < 9
    values.sum().backward()
    assert x.grad.sum().item() == 4.0


@pytest.mark.parametrize("include", [True, False])
@pytest.mark.parametrize("setting", [one for one in SETTINGS if one[3] == 1], ids=str)
def test_means_as_by_loops(setting, include):
    kernel, stride, padding, dilation, ceil_mode = setting
    x = torch.randn(2, 3, 7, dtype=torch.float64, requires_grad=True)
    y = F.avg_pool1d(x, kernel, stride, padding, ceil_mode, include)
    places = windows(7, *setting)
    wanted = np.zeros((2, 3, len(places)))
    for i, inside in enumerate(places):
        reach = min(i * stride - padding + kernel, 7 + padding) - (i * stride - padding)
        wanted[:, :, i] = x.detach().numpy()[:, :, inside].sum(2) / (reach if include else len(inside))
    np.testing.assert_allclose(y.detach().numpy(), wanted, rtol=1e-12)
    assert torch.autograd.gradcheck(lambda x: F.avg_pool1d(x, kernel, stride, padding, ceil_mode, include), x)


@pytest.mark.parametrize(("size", "count"), [(7, 3), (6, 3), (3, 5), (5, 1), (4, 4)])
def test_adaptive_windows_cover_evenly(size, count):
    x = torch.randn(2, size, dtype=torch.float64)
    parts = [x[:, i * size // count : -(-(i + 1) * size // count)] for i in range(count)]
    np.testing.assert_allclose(F.adaptive_avg_pool1d(x, count).numpy(), np.stack([p.mean(1).numpy() for p in parts], 1), rtol=1e-12)
    np.testing.assert_allclose(F.adaptive_max_pool1d(x, count).numpy(), np.stack([p.numpy().max(1) for p in parts], 1), rtol=1e-12)


def test_unpooling_puts_maxima_back():
    x = torch.randn(2, 3, 4, 6, requires_grad=True)
    values, indices = F.max_pool2d(x, 2, return_indices=True)
    back = F.max_unpool2d(values, indices, 2)
    assert back.shape == x.shape
    kept = back != 0
    np.testing.assert_array_equal(back[kept].detach().numpy(), x[kept].detach().numpy())
    assert kept.sum().item() == values.numel()
    back.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), kept.numpy())


def test_integers():
    x = torch.tensor([[[5, -3, 2, 2]]])
    assert F.max_pool1d(x, 2).tolist() == [[[5, 2]]]
    assert F.avg_pool1d(torch.tensor([[[-3, -4, 3, 4]]]), 2).tolist() == [[[-3, 3]]]


def test_nodes_are_named_as_pytorchs():
    x = torch.randn(1, 2, 4, 4, requires_grad=True)
    names = {
        "MaxPool2DWithIndices": F.max_pool2d(x, 2), "AvgPool2D": F.avg_pool2d(x, 2),
        "AdaptiveAvgPool2D": F.adaptive_avg_pool2d(x, 3),
        "AdaptiveMaxPool2D": F.adaptive_max_pool2d(x, 3),
    }  # fmt: skip
    for name, result in names.items():
        assert result.grad_fn.name() == f"{name}Backward0"
