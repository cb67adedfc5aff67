"""Where an array's elements lie: addresses, owners, and one array's place in another's memory."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np


def address(array: Any) -> int:
    """The address of the first element."""
    memory = array.data if hasattr(array, "resolved") else array  # of a mirrored array what it shows
    return memory.__array_interface__["data"][0]


def owner(array: Any) -> Any:
    """The array at the end of the chain of views."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def strided(array: Any, shape: tuple, strides: tuple, offset: int = 0) -> Any:
    """The view of an array's memory with that shape and those strides, `offset` bytes from its first element; all in the array.

    NumPy's `broadcast_to` and `as_strided` do this too, at ten times the cost.
    """
    if type(array) is not np.ndarray and hasattr(array, "resolved"):
        return array.view_of(strided(array.data, shape, strides, offset))
    if array.flags.c_contiguous and array.dtype.kind != "V" and array.size:
        return np.ndarray(shape, array.dtype, array, offset, None if 0 in shape else strides)
    return storage_view(array, shape, strides, offset)


def storage_view(array: Any, shape: tuple, strides: tuple, offset: int = 0) -> Any:
    """As `strided`, but free to leave the array for the memory around it. Raises RuntimeError where it would leave that too."""
    if type(array) is not np.ndarray and hasattr(array, "resolved"):
        return array.view_of(storage_view(array.data, shape, strides, offset))
    whole = array if array.base is None else owner(array)
    whole = whole.transpose(
        sorted(range(whole.ndim), key=lambda dim: -whole.strides[dim])
    )  # in the order of the memory
    begin = address(array) - address(whole) + offset
    if whole.size and not whole.flags.c_contiguous:  # foreign memory with gaps
        return np.lib.stride_tricks.as_strided(array, shape, strides)
    memory = whole.reshape(-1).view(np.uint8)
    try:
        if not memory.size and 0 not in shape:
            raise ValueError("NumPy does not check the bounds of empty memory")
        return np.ndarray(shape, array.dtype, memory, begin, None if 0 in shape else strides)
    except ValueError:
        item = array.dtype.itemsize
        reach = begin + item + sum((extent - 1) * step for extent, step in zip(shape, strides, strict=True))
        raise RuntimeError(
            f"setStorage: sizes {list(shape)}, strides {[step // item for step in strides]}, storage offset {begin // item}, and "
            f"itemsize {item} requiring a storage size of {reach} are out of bounds for storage of size {memory.size}"
        ) from None


def extent_of(array: Any) -> tuple[int, int, int]:
    """The addresses of the first element, of the lowest byte, and of the end."""
    start = low = high = address(array)
    if array.flags.c_contiguous or not array.size:
        return start, low, low + array.nbytes
    for extent, step in zip(array.shape, array.strides, strict=True):
        if step > 0:
            high += (extent - 1) * step
        else:
            low += (extent - 1) * step
    return start, low, high + array.itemsize


class Place(NamedTuple):
    """Where a view's elements lie in its base's memory: all in bytes from the base's lowest address."""

    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: np.dtype
    is_mirrored: bool = False  # whether the view shows the conjugates or negatives of what the base does

    def in_buffer(self, buffer: np.ndarray) -> np.ndarray:
        """The array at this place of a buffer of bytes."""
        array = np.ndarray(self.shape, self.dtype, buffer, self.offset, self.strides)
        if self.is_mirrored:
            from .mirrored import mirrored

            return mirrored(array)
        return array


class Layout(NamedTuple):
    """A base's own place, a view's place within it, and the bytes that both span."""

    base: Place
    view: Place
    size: int

    @staticmethod
    def of(view: Any, base: Any) -> Layout:
        view, base = (getattr(one, "first", one) for one in (view, base))  # of batched arrays, as each of the examples has it
        begin, low, high = extent_of(base)
        start, first, last = extent_of(view)
        low, high = min(low, first), max(high, last)
        is_mirrored = hasattr(view, "resolved") != hasattr(base, "resolved")
        if is_mirrored and view.dtype != base.dtype and (start - begin) % base.itemsize == 0:
            is_mirrored = False  # the real part is the same
        return Layout(
            Place(begin - low, base.shape, base.strides, base.dtype),
            Place(start - low, view.shape, view.strides, view.dtype, is_mirrored),
            high - low,
        )

    def arrange(self, values: Any) -> tuple[np.ndarray, np.ndarray]:
        """A fresh array of the base's shape and memory order with these values (or all of one), and the view's part of it."""
        buffer = np.zeros(self.size, np.uint8)
        whole = self.base.in_buffer(buffer)
        whole[...] = values
        return whole, self.view.in_buffer(buffer)

    def spread(self, values: Any) -> np.ndarray:
        """Zeros in the base's place, with values of the view's shape added where the view has them."""
        whole, part = self.arrange(0)
        if not may_overlap(part):
            part[...] = values
            return whole
        flat = np.zeros(whole.size, np.asarray(values).dtype)
        np.add.at(flat, self.indices(), self.seen(values))
        whole[...] = flat.reshape(whole.shape)
        return whole

    def seen(self, values: Any) -> Any:
        """Elements of the base, an array or a Tensor, as the view shows them, and the reverse."""
        if not self.view.is_mirrored:
            return values
        return values.conj() if self.view.dtype.kind == "c" else -values

    def shared(self, values: Any) -> Any:
        """An array of the base's shape, whose values are shared equally by the elements that are at one address."""
        first = self.base.in_buffer(np.zeros(self.size, np.uint8))
        if not may_overlap(first):
            return values
        addresses = sum(np.ix_(*(np.arange(extent) * step for extent, step in zip(first.shape, first.strides, strict=True))))
        _, place, count = np.unique(addresses, return_inverse=True, return_counts=True)
        return values * (1 / count)[place].reshape(first.shape).astype(self.base.dtype)

    def indices(self) -> np.ndarray:
        """For each element of the view, its index in the flattened base. Raises RuntimeError where the types differ."""
        if self.base.dtype != self.view.dtype:
            raise RuntimeError(
                "higher-order gradients through an in-place change of a view of another type (view_as_real, view(dtype)) are "
                "not supported; use the out-of-place operation"
            )
        numbered = Layout(
            self.base._replace(dtype=np.dtype(np.int64)),
            self.view._replace(dtype=np.dtype(np.int64), is_mirrored=False),
            self.size,
        ).scaled(8 // self.base.dtype.itemsize, 8 % self.base.dtype.itemsize)
        count = int(np.prod(self.base.shape, dtype=np.int64))
        return numbered.arrange(np.arange(count).reshape(self.base.shape))[1]

    def scaled(self, factor: int, remainder: int) -> Layout:
        """The same layout for elements that are `factor` times larger (16-byte elements: half)."""

        def scale(extent: int) -> int:
            return extent * factor if factor else extent // 2

        places = [
            place._replace(offset=scale(place.offset), strides=tuple(map(scale, place.strides))) for place in self[:2]
        ]
        return Layout(places[0], places[1], scale(self.size) + 8 * bool(remainder))


def overlaps_itself(array: Any) -> bool:
    """Whether several elements share an address, as after `expand`."""
    if 0 not in array.strides or not array.size:
        return False
    return any(step == 0 and extent > 1 for step, extent in zip(array.strides, array.shape, strict=True))


def is_block(array: Any) -> bool:
    """Whether the elements fill a stretch of memory, in any order."""
    if array.flags.c_contiguous:
        return True
    reach = array.itemsize
    for step, extent in sorted(zip(array.strides, array.shape, strict=True)):
        if extent > 1:
            if step != reach:
                return False
            reach *= extent
    return True


def share_elements(first: Any, second: Any) -> bool:
    """Whether two arrays are blocks of memory with elements in common; where it is hard to tell, no."""
    if (first.base is None and second.base is None) or owner(first) is not owner(second):
        return first is second
    if not (first.size and second.size and is_block(first) and is_block(second)):
        return False
    start, other_start = address(first), address(second)
    return start < other_start + second.nbytes and other_start < start + first.nbytes


def coincide(first: Any, second: Any) -> bool:
    """Whether two arrays that share elements are the same elements, in the same order."""
    return first.nbytes == second.nbytes and first.strides == second.strides and address(first) == address(second)


def resized(array: Any, shape: tuple) -> Any:
    """An array of that shape with the given one's first element: in its memory if that is large enough, else in a larger copy."""
    strides, step = [], array.itemsize
    for extent in reversed(shape):
        strides.append(step)
        step *= max(extent, 1)
    try:
        return storage_view(array, shape, tuple(reversed(strides)))
    except RuntimeError:
        larger = np.empty(shape, array.dtype)
        rest = storage_view(array, (storage_rest(array),), (array.itemsize,))
        larger.reshape(-1)[: rest.size] = rest
        return larger


def storage_rest(array: Any) -> int:
    """How many elements there are in the memory from an array's first element on."""
    whole = owner(array)
    return (address(whole) + whole.nbytes - address(array)) // array.itemsize


def may_overlap(array: Any) -> bool:
    """Whether elements might share addresses, as after `expand` or `unfold`; where it is hard to tell, yes."""
    reach = 0
    for step, extent in sorted(
        (abs(step), extent) for step, extent in zip(array.strides, array.shape, strict=True) if extent > 1
    ):
        if step <= reach or not step:
            return True
        reach += step * (extent - 1)
    return False
