"""Datasets, samplers and loaders; orders and messages as in PyTorch 2.13."""

from __future__ import annotations

from collections import OrderedDict, namedtuple

import numpy as np
import pytest

import rushlight as torch
from rushlight.utils import data

Point = namedtuple("Point", "a b")

# From PyTorch: what seed 7 (for the generator: 3) gives.
EPOCHS = [[[1, 6, 0, 10], [3, 4, 5, 7], [9, 2, 8]], [[1, 3, 10, 0], [5, 9, 4, 7], [6, 8, 2]]]
AFTER = 0.36531615257263184
WITH_GENERATOR = [[[7, 8, 3, 2], [6, 10, 0, 5]], [[7, 9, 0, 5], [1, 2, 6, 10]]]
SPLIT = [[5, 0, 3], [4, 1], [7, 9, 6, 8, 2]]
SAMPLES = [3, 4, 0, 1, 2, 0, 3, 2, 1, 4, 1, 4]
REPLACED = [
    93, 35, 77, 91, 80, 42, 63, 46, 71, 51, 56, 66, 0, 76, 50, 7, 84, 68, 36, 78, 40, 52, 94, 39, 6, 90, 24, 94,
    31, 2, 47, 28, 28, 8, 41, 45, 8, 71, 19, 13,
]
SUBSET = [8, 7, 5, 6]
WEIGHTED = [1, 1, 2, 1, 2, 2, 1, 1]
AFTER_ITER = 0.6592116951942444

class Squares(data.Dataset):
    def __len__(self):
        return 5

    def __getitem__(self, index):
        return {"x": np.full(2, index), "y": (index, float(index), str(index)), "p": Point(torch.tensor(index), True)}


class Stream(data.IterableDataset):
    def __iter__(self):
        return iter(range(7))

    def __len__(self):
        return 7


def rows(*multiples):
    x = torch.arange(11.0)
    return data.TensorDataset(*(x * multiple for multiple in multiples))


def order(loader):
    return [batch[0].tolist() for batch in loader]


def test_shuffled_batches_are_those_of_pytorch():
    torch.manual_seed(7)
    loader = data.DataLoader(rows(1, 2), batch_size=4, shuffle=True)
    assert [order(loader), order(loader)] == EPOCHS
    assert torch.rand(1).item() == AFTER
    for first, second in loader:
        assert (first * 2).tolist() == second.tolist() and first.dtype == torch.float32


def test_shuffled_batches_with_a_generator():
    generator = torch.Generator().manual_seed(3)
    loader = data.DataLoader(rows(1), batch_size=4, shuffle=True, generator=generator, drop_last=True)
    assert [order(loader), order(loader)] == WITH_GENERATOR


def test_an_iterator_draws_one_seed():
    torch.manual_seed(7)
    iter(data.DataLoader(rows(1), batch_size=4))
    assert torch.rand(1).item() == AFTER_ITER


def test_samplers_draw_as_in_pytorch():
    def seeded(make):
        torch.manual_seed(7)
        return list(make())

    assert [list(part.indices) for part in seeded(lambda: data.random_split(range(10), [0.25, 0.25, 0.5]))] == SPLIT
    assert seeded(lambda: data.RandomSampler(range(5), num_samples=12)) == SAMPLES
    assert seeded(lambda: data.RandomSampler(range(100), True, num_samples=40)) == REPLACED
    assert seeded(lambda: data.SubsetRandomSampler([5, 6, 7, 8])) == SUBSET
    assert seeded(lambda: data.WeightedRandomSampler([0.1, 0.9, 0.4], 8)) == WEIGHTED
    assert list(data.BatchSampler(data.SequentialSampler(range(5)), 2, False)) == [[0, 1], [2, 3], [4]]
    full = data.BatchSampler(range(5), 2, True)
    assert list(full) == [[0, 1], [2, 3]] and len(full) == 2


def test_batches_of_tensors_equal_the_stacked_samples():
    dataset = rows(1, 3)
    fast = data.DataLoader(dataset, batch_size=4)
    slow = data.DataLoader(dataset, batch_size=4, collate_fn=lambda batch: data.default_collate(batch))
    subset = data.DataLoader(data.Subset(dataset, list(range(11))), batch_size=4)
    for a, b, c in zip(fast, slow, subset, strict=True):
        assert type(a) is type(b) is type(c) is list
        for one, two, three in zip(a, b, c, strict=True):
            assert one.tolist() == two.tolist() == three.tolist() and one.dtype == two.dtype
    batch = next(iter(fast))
    batch[0].fill_(-1)
    assert dataset[0][0] == 0  # a batch is a copy


def test_collation_of_nested_samples():
    batch = next(iter(data.DataLoader(Squares(), batch_size=2)))
    assert repr(batch) == (
        "{'x': tensor([[0, 0],\n        [1, 1]]), 'y': [tensor([0, 1]), tensor([0., 1.], dtype=torch.float64), "
        "('0', '1')], 'p': Point(a=tensor([0, 1]), b=tensor([True, True]))}"
    )


@pytest.mark.parametrize(
    ("batch", "shown"),
    [
        ([True, False], "tensor([ True, False])"),
        ([1.5, 2], "tensor([1.5000, 2.0000], dtype=torch.float64)"),
        ([np.float32(1), np.float32(2)], "tensor([1., 2.])"),
        ([np.array(1.0), np.array(2.0)], "tensor([1., 2.], dtype=torch.float64)"),
        ([b"a", b"b"], "[b'a', b'b']"),
        ([[1, 2], [3, 4]], "[tensor([1, 3]), tensor([2, 4])]"),
        ([(1, (2, 3)), (4, (5, 6))], "[tensor([1, 4]), [tensor([2, 5]), tensor([3, 6])]]"),
        ([range(2), range(2)], "[tensor([0, 0]), tensor([1, 1])]"),
        ([OrderedDict(a=1)], "OrderedDict([('a', tensor([1]))])"),
    ],
)
def test_collate(batch, shown):
    result = repr(data.default_collate(batch))
    assert result.replace("({'a': tensor([1])})", "([('a', tensor([1]))])") == shown  # Python 3.12 prints dicts


def test_convert():
    converted = data.default_convert((1, np.arange(2), "a", {"k": np.arange(1)}, Point(1, np.arange(1))))
    assert repr(converted) == "[1, tensor([0, 1]), 'a', {'k': tensor([0])}, Point(a=1, b=tensor([0]))]"


def test_no_batching():
    assert [sample[0].item() for sample in data.DataLoader(rows(1), batch_size=None)] == list(range(11))
    assert list(data.DataLoader(Stream(), batch_size=None)) == list(range(7))


def test_streams():
    assert [batch.tolist() for batch in data.DataLoader(Stream(), batch_size=3)] == [[0, 1, 2], [3, 4, 5], [6]]
    assert [len(batch) for batch in data.DataLoader(Stream(), batch_size=3, drop_last=True)] == [3, 3]
    assert len(data.DataLoader(Stream(), batch_size=3)) == 3
    assert list(Stream() + Stream()) == [*range(7), *range(7)]


def test_lengths_and_given_orders():
    assert [len(data.DataLoader(range(10), n, drop_last=drop)) for n, drop in ((3, False), (3, True))] == [4, 3]
    assert len(data.DataLoader(range(10), batch_size=None)) == 10
    assert order(data.DataLoader(rows(1), batch_sampler=[[1, 2], [5, 5]])) == [[1, 2], [5, 5]]
    assert order(data.DataLoader(rows(1), sampler=[1, 2, 5], batch_size=2)) == [[1, 2], [5]]
    assert list(data.DataLoader([1, 2, 3], 2, collate_fn=tuple, num_workers=2, pin_memory=False)) == [(1, 2), (3,)]
    assert data.get_worker_info() is None


def test_batches_by_getitems():
    class Many(data.Dataset):
        def __len__(self):
            return 4

        def __getitems__(self, indices):
            return [-index for index in indices]

    assert [batch.tolist() for batch in data.DataLoader(Many(), batch_size=2)] == [[0, -1], [-2, -3]]
    assert data.Subset(Many(), [3, 1]).__getitems__([0, 1]) == [-3, -1]


def test_combined_datasets():
    joined = rows(1) + rows(100)
    assert len(joined) == 22 and joined[12][0] == 100 and joined[-1][0] == 1000 and joined.cumulative_sizes == [11, 22]
    assert data.StackDataset(range(3), range(3, 6))[1] == (1, 4)
    assert data.StackDataset(a=range(3), b=range(3, 6))[1] == {"a": 1, "b": 4}
    assert data.Subset(range(10), [3, 4])[1] == 4
    assert data.Dataset[int] is not None


@pytest.mark.parametrize(
    ("action", "kind", "phrase"),
    [
        (lambda: data.DataLoader([1], batch_size=0), ValueError, "batch_size should be a positive integer value"),
        (lambda: data.DataLoader([1], shuffle=True, sampler=[0]), ValueError, "mutually exclusive with shuffle"),
        (lambda: data.DataLoader([1], batch_sampler=[[0]], batch_size=2), ValueError, "exclusive with batch_size"),
        (lambda: data.DataLoader([1], batch_size=None, drop_last=True), ValueError, "disables auto-batching"),
        (lambda: data.DataLoader(Stream(), shuffle=True), ValueError, "expected unspecified shuffle option"),
        (lambda: data.DataLoader(Stream(), sampler=[0]), ValueError, "expected unspecified sampler option"),
        (lambda: data.DataLoader([1], num_workers=-1), ValueError, "num_workers option should be non-negative"),
        (lambda: data.DataLoader([1], prefetch_factor=2), ValueError, "prefetch_factor option could only be"),
        (lambda: data.DataLoader([1], persistent_workers=True), ValueError, "needs num_workers > 0"),
        (lambda: data.DataLoader([], shuffle=True), ValueError, "num_samples=0"),
        (lambda: setattr(data.DataLoader([1]), "batch_size", 3), ValueError, "should not be set after DataLoader"),
        (lambda: list(data.DataLoader([[1], [1, 2]], 2)), RuntimeError, "should be of equal size"),
        (lambda: list(data.DataLoader([object()])), TypeError, "batch must contain tensors, numpy arrays, numbers"),
        (lambda: rows(1)[20], IndexError, "out of"),
        (lambda: data.TensorDataset(torch.zeros(2), torch.zeros(3)), AssertionError, "Size mismatch between tensors"),
        (lambda: data.random_split(range(10), [3, 6]), ValueError, "does not equal the length of the input dataset"),
        (lambda: data.ConcatDataset([]), AssertionError, "should not be an empty iterable"),
        (lambda: data.StackDataset(), ValueError, "At least one dataset should be passed"),
        (lambda: data.WeightedRandomSampler([[1.0]], 1), ValueError, "weights should be a 1d sequence"),
        (lambda: data.Dataset()[0], NotImplementedError, "should implement __getitem__"),
    ],
)
def test_errors(action, kind, phrase):
    with pytest.raises(kind, match=phrase):
        action()
