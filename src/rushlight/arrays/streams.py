"""The Mersenne Twister's stream of 32-bit words, and its plainest readings: uniforms and normals.

The words are those of NumPy's MT19937 (hence PyTorch's), seeded by the low 32 bits of the seed. A double takes two
words, the high one first.
"""

from __future__ import annotations

import math
from _thread import RLock  # threading would cost import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    Array = np.ndarray

BLOCK = 624  # words that the twister makes at a time
CHUNK = 32 * BLOCK  # elements that stay in cache while words become numbers
LOW_24, LOW_21 = 0xFFFFFF, 0x1FFFFF
NO_WORDS = np.empty(0, np.uint32)
STATE = np.dtype(
    {  # the fields of PyTorch's state that are in use
        "names": ["seed", "left", "seeded", "next", "key", "normal", "normal_is_valid"],
        "formats": ["<u8", "<i4", "<i4", "<u8", ("<u8", BLOCK), "<f8", "<i4"],
        "offsets": [0, 8, 12, 16, 24, 5024, 5040],
        "itemsize": 5056,
    }
)


class Stream:
    """A stream of words at some position, with a lock that a draw holds."""

    __slots__ = ("_seed", "_twister", "_integers", "_pending", "_block", "_position", "_normal", "_lock", "__weakref__")

    def __init__(self, seed: int) -> None:
        self._lock = RLock()
        self._twister: Any = None
        self._restart(seed)

    def _restart(self, seed: int) -> None:
        with self._lock:
            self._seed = seed
            self._normal: float | None = None
            self._pending = True  # the twister is seeded when first used: numpy.random is slow to import
            self._block, self._position = NO_WORDS, BLOCK

    def _state_array(self) -> Array:
        state = np.zeros((), STATE)
        with self._lock:
            state["key"] = self._seeded_twister().state["state"]["key"]
            state["seed"], state["left"], state["seeded"] = self._seed, BLOCK + 1 - self._position, 1
            state["next"] = self._position if self._block.size else 0
            if self._normal is not None:
                state["normal"], state["normal_is_valid"] = self._normal, 1
        return np.frombuffer(state.tobytes(), np.uint8).copy()

    def _set_state_array(self, array: Array) -> None:
        if array.dtype != np.uint8:
            raise TypeError("RNG state must be a torch.ByteTensor")
        if array.size != STATE.itemsize:
            raise RuntimeError(
                f"Expected a CPUGeneratorImplState of size {STATE.itemsize} but found the input RNG state size to be "
                f"{array.size}"
            )
        state = np.frombuffer(array.tobytes(), STATE)[0]
        left, drawn = int(state["left"]), int(state["next"]) > 0
        if not state["seeded"] or not 1 <= left <= BLOCK or int(state["next"]) > BLOCK:
            raise RuntimeError("Invalid mt19937 state")
        with self._lock:
            self._restart(int(state["seed"]))
            key = state["key"].astype(np.uint32)
            twister = self._seeded_twister()
            twister.state = {"bit_generator": "MT19937", "state": {"key": key, "pos": 0 if drawn else BLOCK}}
            if drawn:  # the words of this key are under way
                self._block, self._position = self._integers(0, 2**32, BLOCK, np.uint32), BLOCK + 1 - left
            self._normal = float(state["normal"]) if state["normal_is_valid"] else None

    # The source: words, and doubles one at a time

    def _seeded_twister(self) -> Any:
        if self._pending:
            from numpy.random import MT19937, RandomState
            from numpy.random import Generator as Bulk

            if self._twister is None:
                self._twister = MT19937(0)
                self._integers = Bulk(self._twister).integers
            RandomState(self._twister).seed(self._seed & 0xFFFFFFFF)
            self._pending = False
        return self._twister

    def _words(self, count: int) -> Array:
        """The next `count` words, uint32; not to be written to. The lock is held."""
        start = self._position
        if start + count <= BLOCK:
            self._position = start + count
            return self._block[start : start + count]
        self._seeded_twister()
        rest = count - (BLOCK - start)
        blocks = -(-rest // BLOCK)  # whole ones, so that the twister's key is always that of the last block
        fresh = self._integers(0, 2**32, blocks * BLOCK, np.uint32)
        left_over = self._block[start:]
        self._block = fresh if blocks == 1 else fresh[-BLOCK:].copy()
        self._position = rest - (blocks - 1) * BLOCK
        return np.concatenate((left_over, fresh[:rest])) if left_over.size else fresh[:rest]

    def _double_words(self, count: int) -> Array:
        words = self._words(2 * count)
        return (words[0::2].astype(np.uint64) << 32) | words[1::2]

    def _unit(self, out: Array) -> Array:
        """Fills a 1-d float32 or float64 array with uniforms of [0, 1): the low 24 bits of a word, or 53 of two."""
        for start in range(0, out.size, CHUNK):
            part = out[start : start + CHUNK]
            if out.dtype == np.float32:
                bits = (self._words(part.size) & LOW_24).view(np.int32)
                part[:] = bits
                part *= 2.0**-24
            else:
                words = self._words(2 * part.size)
                np.multiply(words[0::2] & LOW_21, 2.0**-21, out=part)
                part += words[1::2] * 2.0**-53
        return out

    def _doubles(self, count: int) -> Array:
        """`count` uniform doubles, 1-d."""
        with self._lock:
            return self._unit(np.empty(count))

    def _each_double(self) -> Iterator[float]:
        """Uniform doubles, one at a time; at every moment just the words of those taken are spent."""
        while True:
            pairs = (BLOCK - self._position) // 2
            if pairs == 0:
                yield float(self._unit(np.empty(1))[0])
                continue
            words = self._block[self._position : self._position + 2 * pairs]
            for value in ((words[0::2] & LOW_21) * 2.0**-21 + words[1::2] * 2.0**-53).tolist():
                self._position += 2
                yield value

    def _next_normal(self, draw: Callable[[], float]) -> float:
        """The next normal of the serial stream: Box-Muller in double, its second value kept for the next call."""
        value, self._normal = self._normal, None
        if value is None:
            angle, radius = 2.0 * math.pi * draw(), math.sqrt(-2.0 * math.log1p(-draw()))
            value, self._normal = radius * math.cos(angle), radius * math.sin(angle)
        return value

    def _serial_normals(self, count: int) -> Array:
        """`count` standard normals of the serial stream, in double: four words a pair."""
        with self._lock:
            kept = self._normal is not None
            pairs = (count - kept + 1) // 2
            uniforms = self._unit(np.empty(2 * pairs))
            if pairs <= 32:
                draw = iter(uniforms.tolist()).__next__
                return np.array([self._next_normal(draw) for _ in range(count)], np.float64)
            angle, radius = 2.0 * math.pi * uniforms[0::2], np.sqrt(-2.0 * np.log1p(-uniforms[1::2]))
            values = np.empty(kept + 2 * pairs)
            if kept:
                values[0], self._normal = self._normal, None
            values[kept::2] = radius * np.cos(angle)
            values[kept + 1 :: 2] = radius * np.sin(angle)
            if values.size > count:
                self._normal = float(values[count])
            return values[:count]


def box_muller(values: Array) -> None:
    """Turns uniforms into standard normals in place, blocks of 16: 8 radii, 8 angles; 8 cosines, 8 sines."""
    for start in range(0, values.size, 16 * 1024):
        block = values[start : start + 16 * 1024].reshape(-1, 16)
        radius = np.subtract(1.0, block[:, :8])
        np.log(radius, out=radius)
        radius *= -2.0
        np.sqrt(radius, out=radius)
        angle = block[:, 8:] * (2.0 * math.pi)
        np.multiply(radius, np.cos(angle), out=block[:, :8])
        np.multiply(radius, np.sin(angle, out=angle), out=block[:, 8:])


def scale_and_shift(values: Array, scale: float, shift: float) -> Array:
    """values * scale + shift in place (1-d), rounded once, as a fused multiply-add does."""
    if shift == 0.0:
        if scale != 1.0:
            values *= scale
        return values
    for start in range(0, values.size, CHUNK):
        part = values[start : start + CHUNK]
        if part.dtype == np.float64:
            part[:] = _fused(part, scale, shift)
        else:  # the product is exact in double
            wide = part.astype(np.float64)
            wide *= scale
            wide += shift
            part[:] = wide
    return values


def _fused(x: Array, scale: float, shift: float) -> Array:
    """x * scale + shift in double with the product's and the sum's rounding errors added back (Dekker, Knuth)."""
    product = x * scale
    if not 1e-100 < abs(scale) < 1e100:  # splitting might overflow, or the error underflow
        return product + shift
    split = x * 134217729.0
    x_high = split - (split - x)
    x_low = x - x_high
    scale_split = scale * 134217729.0
    scale_high = scale_split - (scale_split - scale)
    scale_low = scale - scale_high
    error = x_low * scale_low - (((product - x_high * scale_high) - x_low * scale_high) - x_high * scale_low)
    total = product + shift
    added = total - product
    return total + (((product - (total - added)) + (shift - added)) + error)
