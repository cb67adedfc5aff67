"""`DataLoader`: batches of samples from a dataset."""

from __future__ import annotations

from typing import TYPE_CHECKING

import rushlight
from rushlight.utils.data.collate import default_collate, default_convert
from rushlight.utils.data.dataset import IterableDataset, Subset, TensorDataset
from rushlight.utils.data.sampler import BatchSampler, RandomSampler, SequentialSampler, batches, random_seed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

__all__ = ["DataLoader", "get_worker_info"]

_FIXED = ("batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers")


def get_worker_info() -> None:
    """None: samples are loaded in the main process."""
    return None


class DataLoader:
    """An iterable over the batches of a dataset.

    Samples are loaded in the main process. The options for worker processes and pinned memory (`num_workers`,
    `worker_init_fn`, `pin_memory`, `timeout`, `multiprocessing_context`, `prefetch_factor`, `persistent_workers`,
    `pin_memory_device`, `in_order`) are accepted and change nothing: the batches are the same.

    Args:
        dataset: a map from index to sample, or an `IterableDataset`.
        batch_size: samples in a batch; None gives single samples.
        shuffle: visit the dataset in a new random order in each pass.
        sampler, batch_sampler: the order of the indices, or of lists of them.
        collate_fn: makes a batch of a list of samples.
        drop_last: leave out a last batch that is not full.
        generator: the source of random orders.
    """

    _initialized = False

    def __init__(
        self,
        dataset: Any,
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Any = None,
        batch_sampler: Any = None,
        num_workers: int = 0,
        collate_fn: Callable[[list[Any]], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], None] | None = None,
        multiprocessing_context: Any = None,
        generator: rushlight.Generator | None = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
    ) -> None:
        _check_workers(num_workers, timeout, prefetch_factor, persistent_workers)
        self.dataset = dataset
        self.num_workers = num_workers
        self.prefetch_factor = prefetch_factor
        self.pin_memory = pin_memory
        self.pin_memory_device = pin_memory_device
        self.timeout = timeout
        self.worker_init_fn = worker_init_fn
        self.multiprocessing_context = multiprocessing_context
        self.persistent_workers = persistent_workers
        self.in_order = in_order
        self._is_stream = isinstance(dataset, IterableDataset)
        if self._is_stream:
            _check_stream(shuffle, sampler, batch_sampler)
        if sampler is not None and shuffle:
            raise ValueError("sampler option is mutually exclusive with shuffle")
        if batch_sampler is not None:
            if batch_size != 1 or shuffle or sampler is not None or drop_last:
                raise ValueError(
                    "batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, and drop_last"
                )
            batch_size = None
            drop_last = False
        elif batch_size is None and drop_last:
            raise ValueError(
                "batch_size=None option disables auto-batching and is mutually exclusive with drop_last"
            )
        if sampler is None and not self._is_stream:
            sampler = RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)
        if batch_size is not None and batch_sampler is None and not self._is_stream:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        self.batch_size: Any = batch_size
        self.drop_last = drop_last
        self.sampler = sampler
        self.batch_sampler = batch_sampler
        self.generator = generator
        if collate_fn is None:
            collate_fn = default_collate if self._auto_collation else default_convert
        self.collate_fn = collate_fn
        self._initialized = True

    def __setattr__(self, name: str, value: Any) -> None:
        if self._initialized and name in _FIXED:
            raise ValueError(f"{name} attribute should not be set after {type(self).__name__} is initialized")
        super().__setattr__(name, value)

    @property
    def _auto_collation(self) -> bool:
        return self.batch_sampler is not None or self.batch_size is not None

    def __iter__(self) -> Iterator[Any]:
        if self._is_stream:
            random_seed(self.generator)
            return self._batches_of_stream(iter(self.dataset))
        indices = iter(self.batch_sampler if self._auto_collation else self.sampler)
        random_seed(self.generator)  # PyTorch draws a seed for its workers here: the stream stays in step
        return self._batches_of_map(indices)

    def _batches_of_stream(self, samples: Iterator[Any]) -> Iterator[Any]:
        if not self._auto_collation:
            for sample in samples:
                yield self.collate_fn(sample)
        else:
            for batch in batches(samples, self.batch_size, self.drop_last):
                yield self.collate_fn(batch)

    def _batches_of_map(self, indices: Iterator[Any]) -> Iterator[Any]:
        dataset, collate = self.dataset, self.collate_fn
        if not self._auto_collation:
            for index in indices:
                yield collate(dataset[index])
            return
        fetch = _whole_batch(dataset) if collate is default_collate else None
        if fetch is not None:
            for batch in indices:
                yield fetch(batch)
            return
        many = getattr(dataset, "__getitems__", None)
        for batch in indices:
            yield collate(many(batch) if many else [dataset[index] for index in batch])

    def __len__(self) -> int:
        if not self._is_stream:
            return len(self.batch_sampler if self._auto_collation else self.sampler)
        length = len(self.dataset)
        if self.batch_size is None:
            return length
        whole, rest = divmod(length, self.batch_size)
        return whole if self.drop_last else whole + (rest > 0)


def _whole_batch(dataset: Any) -> Callable[[list[int]], list[Any]] | None:
    """Rows of tensors: a function that takes a collated batch by one index operation per tensor."""
    if type(dataset) is TensorDataset:
        tensors = dataset.tensors

        def fetch(indices: list[int]) -> list[Any]:
            rows = rushlight.tensor(indices)
            return [tensor[rows] for tensor in tensors]

        return fetch
    if type(dataset) is Subset:
        inner = _whole_batch(dataset.dataset)
        if inner is not None:
            positions = dataset.indices
            return lambda indices: inner([positions[i] for i in indices])
    return None


def _check_workers(num_workers: int, timeout: float, prefetch_factor: int | None, persistent_workers: bool) -> None:
    if num_workers < 0:
        raise ValueError(
            "num_workers option should be non-negative; use num_workers=0 to disable multiprocessing."
        )
    if timeout < 0:
        raise ValueError("timeout option should be non-negative")
    if num_workers == 0 and prefetch_factor is not None:
        raise ValueError(
            "prefetch_factor option could only be specified in multiprocessing."
            "let num_workers > 0 to enable multiprocessing, otherwise set prefetch_factor to None."
        )
    if prefetch_factor is not None and prefetch_factor < 0:
        raise ValueError("prefetch_factor option should be non-negative")
    if persistent_workers and num_workers == 0:
        raise ValueError("persistent_workers option needs num_workers > 0")


def _check_stream(shuffle: Any, sampler: Any, batch_sampler: Any) -> None:
    for name, value, wrong in (
        ("shuffle", shuffle, shuffle not in (None, False)),
        ("sampler", sampler, sampler is not None),
        ("batch_sampler", batch_sampler, batch_sampler is not None),
    ):
        if wrong:
            raise ValueError(
                f"DataLoader with IterableDataset: expected unspecified {name} option, but got {name}={value}"
            )
