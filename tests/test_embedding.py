"""Embeddings: rows that repeat, padding, norms, bags."""

import numpy as np
import pytest

import rushlight as torch
from rushlight.nn import functional as F


def test_gradients_of_repeated_rows_add_up():
    table = torch.randn(4, 3, requires_grad=True)
    F.embedding(torch.tensor([[1, 1], [3, 1]]), table).sum().backward()
    assert table.grad[:, 0].tolist() == [0.0, 3.0, 0.0, 1.0]


def test_many_rows_at_once():
    table = torch.randn(50, 32, dtype=torch.float64, requires_grad=True)
    indices = torch.randint(0, 50, (3000,))
    g = torch.randn(3000, 32, dtype=torch.float64)
    (gradient,) = torch.autograd.grad(F.embedding(indices, table), table, g)
    wanted = np.zeros((50, 32))
    np.add.at(wanted, indices.numpy(), g.numpy())
    np.testing.assert_allclose(gradient.numpy(), wanted, rtol=1e-10, atol=1e-12)


def test_padding_and_frequency():
    table = torch.randn(3, 2, requires_grad=True)
    F.embedding(torch.tensor([0, 0, 2, 1]), table, padding_idx=2, scale_grad_by_freq=True).sum().backward()
    assert table.grad.tolist() == [[1.0, 1.0], [1.0, 1.0], [0.0, 0.0]]


def test_rows_are_scaled_down_in_place():
    table = torch.tensor([[3.0, 4.0], [0.3, 0.4], [6.0, 8.0]], requires_grad=True)
    version = table._version
    with torch.no_grad():
        F.embedding(torch.tensor([0, 1]), table, max_norm=1.0)
    np.testing.assert_allclose(table.detach().norm(dim=1).numpy(), [1.0, 0.5, 10.0], rtol=1e-6)
    assert table._version == version + 1


def test_derivatives_of_two_orders():
    table = torch.randn(4, 2, dtype=torch.float64, requires_grad=True)
    indices = torch.tensor([[0, 3, 3]])
    for options in ({}, {"padding_idx": 3}):
        looked_up = lambda table, options=options: F.embedding(indices, table, **options)  # noqa: E731
        assert torch.autograd.gradgradcheck(looked_up, table)
    assert torch.autograd.gradcheck(lambda table: F.embedding_bag(indices, table, mode="max"), table)


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
def test_bags(mode):
    table = torch.randn(5, 3, dtype=torch.float64)
    indices, offsets = torch.tensor([4, 1, 1, 0, 2]), torch.tensor([0, 2, 2])
    bags = F.embedding_bag(indices, table, offsets, mode=mode)
    rows = table.numpy()
    reduce = {"sum": np.sum, "mean": np.mean, "max": np.max}[mode]
    np.testing.assert_allclose(bags.numpy(), [reduce(rows[[4, 1]], 0), np.zeros(3), reduce(rows[[1, 0, 2]], 0)], rtol=1e-12)


def test_one_hot():
    assert F.one_hot(torch.tensor([2, 0])).tolist() == [[0, 0, 1], [1, 0, 0]]
    assert F.one_hot(torch.zeros(0, dtype=torch.int64), 3).shape == (0, 3)
    assert F.one_hot(torch.tensor([1]), 2).dtype is torch.int64


def test_functions_of_the_torch_namespace_have_its_order_of_arguments():
    table, indices = torch.randn(4, 2), torch.tensor([1, 3])
    assert torch.equal(torch.embedding(table, indices), F.embedding(indices, table))
    x = torch.randn(3, 2)
    mean, var, w, b = torch.zeros(2), torch.ones(2), torch.rand(2), torch.rand(2)
    ours = torch.batch_norm(x, w, b, mean, var, False, 0.1, 1e-5, True)
    assert torch.equal(ours, F.batch_norm(x, mean, var, w, b))


def test_nodes_are_named_as_pytorchs():
    table = torch.randn(3, 2, requires_grad=True)
    indices = torch.tensor([[0, 1]])
    node = F.embedding(indices, table).grad_fn
    assert (node.name(), len(node.next_functions)) == ("EmbeddingBackward0", 1)
    assert F.embedding_bag(indices, table, mode="sum").grad_fn.name() == "EmbeddingBagBackward0"
