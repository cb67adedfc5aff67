"""How samples become a batch."""

from __future__ import annotations

import copy
from collections.abc import Mapping, MutableMapping, MutableSequence, Sequence
from typing import TYPE_CHECKING

import numpy as np

import rushlight
from rushlight.tensor import Tensor

if TYPE_CHECKING:
    from typing import Any

__all__ = ["default_collate", "default_convert"]


def _is_text(array: np.ndarray | np.generic) -> bool:
    return array.dtype.kind in "SUO"


def default_convert(data: Any) -> Any:
    """Turn every NumPy array in nested mappings and sequences into a tensor; leave the rest as it is."""
    if isinstance(data, Tensor):
        return data
    if isinstance(data, (np.ndarray, np.generic)):
        return data if _is_text(data) else rushlight.as_tensor(data)
    if isinstance(data, Mapping):
        return _like_mapping(data, {key: default_convert(data[key]) for key in data})
    if isinstance(data, tuple) and hasattr(data, "_fields"):
        return type(data)(*(default_convert(value) for value in data))
    if isinstance(data, tuple):
        return [default_convert(value) for value in data]
    if isinstance(data, Sequence) and not isinstance(data, (str, bytes)):
        return _like_sequence(data, [default_convert(value) for value in data])
    return data


def _like_mapping(like: Any, values: dict[Any, Any]) -> Any:
    """`values` in a mapping of the type of `like`, where that type can be made; else in a dict."""
    try:
        if isinstance(like, MutableMapping):
            clone = copy.copy(like)
            clone.update(values)
            return clone
        return type(like)(values)
    except TypeError:
        return values


def _like_sequence(like: Any, values: list[Any]) -> Any:
    """`values` in a sequence of the type of `like`, where that type can be made; else in a list."""
    try:
        if isinstance(like, MutableSequence):
            clone = copy.copy(like)
            clone[:] = values
            return clone
        return values if isinstance(like, range) else type(like)(values)
    except TypeError:
        return values


def default_collate(batch: Any) -> Any:
    """Stack samples into a batch: tensors, NumPy arrays and numbers become tensors with a new first dimension;
    mappings, sequences and named tuples are collated member by member; text stays a list.

    Raises:
        TypeError: for samples of another type.
        RuntimeError: for sequences of different lengths.
    """
    first = batch[0]
    if isinstance(first, Tensor):
        return rushlight.stack(list(batch), 0)
    if isinstance(first, (np.ndarray, np.generic)):
        if _is_text(first):
            raise TypeError(
                "default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; "
                f"found {first.dtype}"
            )
        if first.ndim == 0:
            return rushlight.as_tensor(np.asarray(batch))
        return rushlight.stack([rushlight.as_tensor(sample) for sample in batch], 0)
    if isinstance(first, float):
        return rushlight.tensor(batch, dtype=rushlight.float64)
    if isinstance(first, int):
        return rushlight.tensor(batch)
    if isinstance(first, (str, bytes)):
        return batch
    if isinstance(first, Mapping):
        return _like_mapping(first, {key: default_collate([sample[key] for sample in batch]) for key in first})
    if isinstance(first, Sequence):
        if any(len(sample) != len(first) for sample in batch):
            raise RuntimeError("each element in list of batch should be of equal size")
        columns = [default_collate(samples) for samples in zip(*batch, strict=True)]
        if isinstance(first, tuple):
            return type(first)(*columns) if hasattr(first, "_fields") else columns
        return _like_sequence(first, columns)
    raise TypeError(
        f"default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found {type(first)}"
    )
