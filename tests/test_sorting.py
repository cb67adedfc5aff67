"""Sorting, selection, distinct values, search and histograms, against NumPy and by their properties."""

import numpy as np
import pytest

import rushlight as torch

nan = float("nan")


def test_sort_is_stable_in_both_directions_and_puts_nan_last_or_first():
    x = torch.tensor([2.0, 1.0, 2.0, nan, 1.0])
    assert x.sort().indices.tolist() == [1, 4, 0, 2, 3]
    assert x.sort(descending=True).indices.tolist() == [3, 0, 2, 1, 4]
    assert x.argsort(descending=True).tolist() == [3, 0, 2, 1, 4]
    for kind in (torch.uint8, torch.int64, torch.bool):
        values = torch.tensor([1, 0, 1, 0]).to(kind)
        assert values.sort(descending=True).indices.tolist() == [0, 2, 1, 3]


@pytest.mark.parametrize("largest", [True, False])
@pytest.mark.parametrize("dim", [0, 1, -1])
@pytest.mark.parametrize("k", [0, 1, 3, 90, 100])
def test_topk_of_few_among_many_is_the_head_of_the_sort(largest, dim, k):
    generator = np.random.default_rng(0)
    x = torch.from_numpy(generator.permutation(100 * 100).reshape(100, 100).astype(np.float64))
    values, indices = x.topk(k, dim, largest)
    wanted, places = x.sort(dim, descending=largest)
    assert torch.equal(values, wanted.narrow(dim, 0, k))
    assert torch.equal(indices, places.narrow(dim, 0, k))


def test_topk_counts_nan_as_the_largest():
    x = torch.ones(100)
    x[40] = nan
    assert x.topk(1).indices.tolist() == [40]
    assert not x.topk(2, largest=False).values.isnan().any()


def test_selection_agrees_with_the_sorted_order():
    x = torch.from_numpy(np.random.default_rng(1).normal(size=(5, 7)))
    ordered = x.sort(1).values
    for k in range(1, 8):
        values, indices = x.kthvalue(k, 1)
        assert torch.equal(values, ordered[:, k - 1])
        assert torch.equal(x.gather(1, indices.unsqueeze(1)).squeeze(1), values)
    assert torch.equal(x.median(1).values, ordered[:, 3])
    assert x.median().item() == x.flatten().sort().values[17].item()


def test_median_meets_nan():
    x = torch.tensor([[nan, 1.0, 3.0], [2.0, 1.0, 5.0]])
    values, indices = x.median(1)
    assert values[0].isnan() and values[1] == 2 and indices.tolist() == [0, 0]
    assert x.nanmedian(1).values.tolist() == [1.0, 2.0]
    assert torch.tensor([nan, nan]).nanmedian().isnan()
    assert torch.zeros(0).median().isnan()


def test_mode_is_the_smallest_of_the_most_frequent_and_its_last_place():
    values, indices = torch.mode(torch.tensor([[1, 2, 2, 1], [3, 3, 0, 0], [5, 4, 3, 2]]))
    assert values.tolist() == [1, 0, 2]
    assert indices.tolist() == [3, 3, 3]
    assert torch.mode(torch.tensor([[1, 2], [1, 3]]), 0, True).values.tolist() == [[1, 2]]


def test_unique():
    x = torch.tensor([[3, 1, 3], [1, 1, 2]])
    found, inverse, counts = x.unique(return_inverse=True, return_counts=True)
    assert found.tolist() == [1, 2, 3] and counts.tolist() == [3, 1, 2]
    assert torch.equal(found[inverse], x)
    rows, inverse = torch.unique(torch.tensor([[2, 1], [0, 1], [2, 1]]), dim=0, return_inverse=True)
    assert rows.tolist() == [[0, 1], [2, 1]] and inverse.tolist() == [1, 0, 1]
    assert len(torch.tensor([nan, nan, 1.0]).unique()) == 3


def test_unique_consecutive():
    x = torch.tensor([1, 1, 2, 2, 1])
    found, inverse, counts = x.unique_consecutive(return_inverse=True, return_counts=True)
    assert found.tolist() == [1, 2, 1] and inverse.tolist() == [0, 0, 1, 1, 2] and counts.tolist() == [2, 2, 1]
    columns = torch.unique_consecutive(torch.tensor([[1, 1, 0], [2, 2, 0]]), dim=1)
    assert columns.tolist() == [[1, 0], [2, 0]]
    assert torch.zeros(0).unique_consecutive().tolist() == []


def test_unique_has_no_derivative_and_says_so():
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(NotImplementedError, match="unique"):
        x.unique().sum().backward()


def test_search():
    edges = torch.tensor([[1.0, 3.0, 5.0], [2.0, 4.0, 6.0]])
    values = torch.tensor([[3.0, 6.0], [3.0, 6.0]])
    assert torch.searchsorted(edges, values).tolist() == [[1, 3], [1, 2]]
    assert torch.searchsorted(edges, values, side="right").tolist() == [[2, 3], [1, 3]]
    assert torch.searchsorted(edges[0].flip(0), 3.0, sorter=torch.tensor([2, 1, 0])).item() == 1
    assert torch.bucketize(torch.tensor([[1, 4]]), torch.tensor([1, 3, 5]), right=True).tolist() == [[1, 2]]
    assert torch.bucketize(2.5, torch.tensor([1, 3, 5]), out_int32=True).dtype is torch.int32


def test_quantile_agrees_with_numpy():
    values = np.random.default_rng(2).normal(size=(4, 6))
    x = torch.from_numpy(values)
    q = torch.tensor([0.0, 0.15, 0.5, 1.0], dtype=torch.float64)
    for method in ("linear", "lower", "higher", "nearest", "midpoint"):
        for dim in (None, 0, 1):
            wanted = np.quantile(values, q.numpy(), axis=dim, method=method, keepdims=True)
            got = x.quantile(q, dim, True, interpolation=method)
            np.testing.assert_allclose(got.numpy(), wanted, rtol=1e-12)
    values[1, 2] = nan
    np.testing.assert_allclose(torch.from_numpy(values).nanquantile(0.3, 1).numpy(), np.nanquantile(values, 0.3, 1))
    assert torch.from_numpy(values).quantile(0.3, 1).isnan().tolist() == [False, True, False, False]


def test_histograms_and_counts():
    x = torch.tensor([1.0, 2.0, 3.0, nan])
    assert torch.histc(x[:3], 2, 1, 2).tolist() == [1.0, 1.0]
    assert torch.histc(torch.ones(3), 2).tolist() == [0.0, 3.0]
    hist, edges = torch.histogram(x[:3], 2, range=(0.0, 3.0), weight=torch.tensor([1.0, 1.0, 2.0]), density=True)
    np.testing.assert_allclose(hist.numpy(), [1 / 6, 0.5], rtol=1e-6)
    assert edges.tolist() == [0.0, 1.5, 3.0]
    assert torch.histogram(x[:3], torch.tensor([0.0, 2.0, 3.0])).hist.tolist() == [1.0, 2.0]
    counted = torch.bincount(torch.tensor([1, 2, 2]), torch.tensor([1.0, 2.0, 3.0]), minlength=5)
    assert counted.tolist() == [0.0, 1.0, 5.0, 0.0, 0.0] and counted.dtype is torch.float32
    assert torch.bincount(torch.zeros(0, dtype=torch.int64), minlength=2).tolist() == [0, 0]


def test_positions():
    x = torch.tensor([[0, 2], [3, 0]])
    assert x.nonzero().tolist() == [[0, 1], [1, 0]]
    assert [part.tolist() for part in x.nonzero(as_tuple=True)] == [[0, 1], [1, 0]]
    assert torch.tensor(3).nonzero().shape == (1, 0)
    assert torch.tensor(3).nonzero(as_tuple=True)[0].tolist() == [0]
    assert torch.isin(x, torch.tensor([2, 3]), invert=True).tolist() == [[True, False], [False, True]]


def test_gradients_go_where_the_values_came_from():
    x = torch.tensor([[1.0, 4.0, 2.0], [6.0, 5.0, 7.0]], requires_grad=True)
    weights = torch.tensor([[1.0, 10.0], [100.0, 1000.0]])
    (grad,) = torch.autograd.grad((x.topk(2).values * weights).sum(), x)
    assert grad.tolist() == [[0.0, 1.0, 10.0], [1000.0, 0.0, 100.0]]
    (grad,) = torch.autograd.grad(x.sort(0, descending=True).values[0].sum(), x)
    assert grad.tolist() == [[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]]
