"""Batches of sequences of different lengths: padded, and packed without the padding."""

from __future__ import annotations

from collections import namedtuple
from typing import TYPE_CHECKING

import rushlight
from rushlight.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

__all__ = [
    "PackedSequence",
    "invert_permutation",
    "pack_padded_sequence",
    "pack_sequence",
    "pad_packed_sequence",
    "pad_sequence",
    "unpack_sequence",
    "unpad_sequence",
]

_Fields = namedtuple("_Fields", ["data", "batch_sizes", "sorted_indices", "unsorted_indices"])


class PackedSequence(_Fields):
    """Sequences, longest first, stored step by step without padding.

    `data` holds first all first steps, then all second steps, ...; `batch_sizes[t]` says how many sequences have a
    step t; `sorted_indices` is the order in which the sequences were taken, `unsorted_indices` its inverse.
    """

    __slots__ = ()

    def __new__(
        cls,
        data: Tensor,
        batch_sizes: Tensor | None = None,
        sorted_indices: Tensor | None = None,
        unsorted_indices: Tensor | None = None,
    ) -> PackedSequence:
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        if batch_sizes is None:
            raise ValueError("batch_sizes is required: use pack_padded_sequence to make a PackedSequence")
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def _convert(self, convert: Callable[[Tensor], Tensor]) -> PackedSequence:
        return type(self)(convert(self.data), self.batch_sizes, self.sorted_indices, self.unsorted_indices)

    def to(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """The same with `data.to(...)`."""
        return self._convert(lambda data: data.to(*args, **kwargs))

    def cpu(self) -> PackedSequence:
        """The same on the CPU."""
        return self._convert(lambda data: data.cpu())

    def double(self) -> PackedSequence:
        """The same in float64."""
        return self._convert(lambda data: data.double())

    def float(self) -> PackedSequence:
        """The same in float32."""
        return self._convert(lambda data: data.float())

    def half(self) -> PackedSequence:
        """The same in float16."""
        return self._convert(lambda data: data.half())

    def long(self) -> PackedSequence:
        """The same in int64."""
        return self._convert(lambda data: data.long())

    def int(self) -> PackedSequence:
        """The same in int32."""
        return self._convert(lambda data: data.int())

    @property
    def is_cuda(self) -> bool:
        """Whether `data` is on a CUDA device."""
        return self.data.is_cuda

    def is_pinned(self) -> bool:
        """Whether `data` is in pinned memory."""
        return self.data.is_pinned()


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """The permutation that undoes `permutation`."""
    if permutation is None:
        return None
    inverse = rushlight.empty_like(permutation)
    inverse[permutation] = rushlight.arange(permutation.numel())
    return inverse


def _sizes_of_steps(lengths: list[int]) -> list[int]:
    """How many of the sequences (longest first) have each step."""
    sizes, count = [], len(lengths)
    for step in range(lengths[0]):
        while lengths[count - 1] <= step:
            count -= 1
        sizes.append(count)
    return sizes


def pack_padded_sequence(
    input: Tensor, lengths: Any, batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """Pack sequences padded to a common length.

    Args:
        input: (T, B, *), or (B, T, *) if `batch_first`.
        lengths: the length of each sequence.
        enforce_sorted: whether the sequences have to come longest first; otherwise they are sorted here.
    """
    lengths = rushlight.as_tensor(lengths, dtype=rushlight.int64)
    if enforce_sorted:
        order = None
    else:
        lengths, order = rushlight.sort(lengths, descending=True)
        input = input.index_select(0 if batch_first else 1, order)
    sizes = lengths.tolist()
    if len(sizes) != input.size(0 if batch_first else 1):
        raise RuntimeError(
            f"Expected `len(lengths)` to be equal to batch_size, but got {len(sizes)} "
            f"(batch_size={input.size(0 if batch_first else 1)})"
        )
    if any(a < b for a, b in zip(sizes, sizes[1:], strict=False)):
        raise RuntimeError(
            "`lengths` array must be sorted in decreasing order when `enforce_sorted` is True. You can pass "
            "`enforce_sorted=False` to pack_padded_sequence and/or pack_sequence to sidestep this requirement if you "
            "do not need ONNX exportability."
        )
    if sizes[-1] <= 0:
        raise RuntimeError(
            "Length of all samples has to be greater than 0, but found an element in 'lengths' that is <= 0"
        )
    steps = _sizes_of_steps(sizes)
    if steps and len(steps) > input.size(1 if batch_first else 0):
        raise RuntimeError(f"Expected lengths up to {input.size(1 if batch_first else 0)}, but got {sizes[0]}")
    if batch_first:
        input = input.transpose(0, 1)
    data = rushlight.cat([input[step, :count] for step, count in enumerate(steps)])
    return PackedSequence(data, rushlight.tensor(steps), order, None)


def pad_packed_sequence(
    sequence: PackedSequence, batch_first: bool = False, padding_value: float = 0.0, total_length: int | None = None
) -> tuple[Tensor, Tensor]:
    """Undo `pack_padded_sequence`: the padded sequences, and their lengths.

    Args:
        total_length: pad to this length rather than to that of the longest sequence.
    """
    steps = sequence.batch_sizes.tolist()
    if total_length is not None and total_length < len(steps):
        raise ValueError(
            "Expected total_length to be at least the length of the longest sequence in input, but got "
            f"total_length={total_length} and max sequence length being {len(steps)}"
        )
    length = len(steps) if total_length is None else total_length
    batch = steps[0]
    # A table of rows of `data`, with one more row, of padding, for the places past a sequence's end.
    offsets = [sum(steps[:step]) for step in range(len(steps))]
    blank = sequence.data.size(0)
    rows = [
        [offsets[step] + place if step < len(steps) and place < steps[step] else blank for place in range(batch)]
        for step in range(length)
    ]
    padding = sequence.data.new_full((1, *sequence.data.shape[1:]), padding_value)
    output = rushlight.cat([sequence.data, padding])[rushlight.tensor(rows)]
    lengths = rushlight.tensor([sum(count > place for count in steps) for place in range(batch)])
    if sequence.unsorted_indices is not None:
        output = output.index_select(1, sequence.unsorted_indices)
        lengths = lengths[sequence.unsorted_indices]
    return (output.transpose(0, 1) if batch_first else output), lengths


def pad_sequence(
    sequences: Tensor | Iterable[Tensor],
    batch_first: bool = False,
    padding_value: float = 0.0,
    padding_side: str = "right",
) -> Tensor:
    """Stack sequences (T_i, *) into (T, B, *), or (B, T, *) if `batch_first`, padding the shorter ones."""
    if not (isinstance(sequences, Tensor) or hasattr(sequences, "__iter__")):
        raise RuntimeError(
            f"pad_sequence: Expected iterable for input sequences, but got arg of type: {type(sequences)}"
        )
    if padding_side not in ("left", "right"):
        raise RuntimeError(f"Expected padding_side to be one of left or right, but got {padding_side}.")
    sequences = list(sequences)
    if not sequences:
        raise RuntimeError("received an empty list of sequences")
    length = max(sequence.size(0) for sequence in sequences)
    padded = []
    for sequence in sequences:
        padding = sequence.new_full((length - sequence.size(0), *sequences[0].shape[1:]), padding_value)
        padded.append(rushlight.cat([sequence, padding] if padding_side == "right" else [padding, sequence]))
    return rushlight.stack(padded, 0 if batch_first else 1)


def unpad_sequence(padded_sequences: Tensor, lengths: Tensor, batch_first: bool = False) -> list[Tensor]:
    """Undo `pad_sequence`: the sequences without padding."""
    if not batch_first:
        padded_sequences = padded_sequences.transpose(0, 1)
    return [sequence[:length] for sequence, length in zip(padded_sequences, lengths.tolist(), strict=True)]


def pack_sequence(sequences: list[Tensor], enforce_sorted: bool = True) -> PackedSequence:
    """Pack sequences (T_i, *)."""
    lengths = rushlight.as_tensor([sequence.size(0) for sequence in sequences])
    return pack_padded_sequence(pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """Undo `pack_sequence`."""
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)
