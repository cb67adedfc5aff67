"""Random numbers: the streams of PyTorch's own CPU generator, found by trial.

The source is the Mersenne Twister (MT19937) that NumPy has too, seeded by the low 32 bits of the seed. What each draw
spends of its 32-bit words, and how words become numbers, stands at the methods of `Generator`. A 64-bit word is two
words, the high one first. Streams of words, integers, uniforms, Bernoulli draws and permutations equal PyTorch's to the
bit (on a CPU with fused multiply-add, where PyTorch scales by one); where a logarithm, sine or cosine is in the way,
PyTorch's polynomial and NumPy's may differ in the last bits.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from operator import index
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.arrays.streams import CHUNK, LOW_21, Stream, box_muller, scale_and_shift
from rushlight.autograd.modes import hold_while_forking, thread
from rushlight.devices import check_device, cpu

if TYPE_CHECKING:
    from rushlight.devices import device as Device
    from rushlight.tensor import Tensor

    Array = np.ndarray
    Shape = Sequence[int]

__all__ = ["set_rng_state", "get_rng_state", "manual_seed", "seed", "initial_seed", "fork_rng"]

DEFAULT_SEED = 67280421310721
DIGITS = {"bfloat16": 8, "float16": 11, "float32": 24, "float64": 53}  # bits of a float's significand
SCALAR_NAMES = {
    "bool": "Bool", "uint8": "Byte", "int8": "Char", "int16": "Short", "int32": "Int", "int64": "Long",
    "float16": "Half", "bfloat16": "BFloat16", "float32": "Float", "float64": "Double",
    "complex64": "ComplexFloat", "complex128": "ComplexDouble",
}  # fmt: skip


def drawing(method: Any) -> Any:
    """Decorates a generator's method that draws an array: inside vmap, each example may get its own numbers."""

    @wraps(method)
    def draw(*args: Any, **kwargs: Any) -> Any:
        if not thread.randomness:
            return method(*args, **kwargs)
        from rushlight.func.vmap import drawn

        return drawn(method, args, kwargs)

    return draw


class Generator(Stream):
    """A stream of random numbers, PyTorch's `torch.Generator`.

    `device` may be None or the CPU. A new generator has PyTorch's default seed. Draws are safe among threads.

    The drawing methods return NumPy arrays of the given shape and NumPy dtype.
    """

    __slots__ = ()

    def __init__(self, device: Any = None) -> None:
        check_device(device)
        super().__init__(DEFAULT_SEED)

    # The API of torch.Generator

    @property
    def device(self) -> Device:
        """The device of the tensors that it can fill."""
        return cpu

    def manual_seed(self, seed: int) -> Generator:
        """Restarts the stream at `seed`, of [-2**63, 2**64); a negative seed counts from 2**64. Returns self."""
        if isinstance(seed, bool) or not hasattr(seed, "__index__"):
            raise RuntimeError(f"manual_seed expected a long, but got {type(seed).__name__}")
        seed = index(seed)
        if not -(2**63) <= seed < 2**64:
            raise ValueError("Overflow when unpacking long long: a seed lies in [-2**63, 2**64)")
        self._restart(seed % 2**64)
        return self

    def seed(self) -> int:
        """Restarts the stream at a seed from the operating system, and returns that seed."""
        seed = int.from_bytes(os.urandom(8), "little")
        self.manual_seed(seed)
        return seed

    def initial_seed(self) -> int:
        """The seed that the stream started from."""
        return self._seed

    def get_state(self) -> Tensor:
        """The state, a uint8 tensor of 5056 elements that PyTorch's generator takes too."""
        from rushlight.tensor import wrap

        return wrap(self._state_array())

    def set_state(self, new_state: Tensor) -> None:
        """Continues from a state of `get_state`, Rushlight's or PyTorch's."""
        from rushlight.tensor import Tensor

        if not isinstance(new_state, Tensor):
            raise TypeError(f"expected a torch.ByteTensor, but got {type(new_state).__name__}")
        self._set_state_array(new_state._array)

    def clone_state(self) -> Generator:
        """A new generator in the same state."""
        return _restore(self._state_array())

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (self._state_array(),)

    # Drawing arrays

    @drawing
    def uniform(self, shape: Shape, dtype: Any, low: float = 0.0, high: float = 1.0) -> Array:
        """Uniform on [low, high): a word a float32 (also for halves), two a float64. Complex: both parts."""
        dtype = np.dtype(dtype)
        if dtype.kind == "c":
            return self.uniform((*shape, 2), _real(dtype), low, high).view(dtype)[..., 0]
        _check_floating(dtype, "check_uniform_bounds")
        work = _work_type(dtype)
        plain = low == 0.0 and high == 1.0
        if not plain:
            low, high, width = _uniform_bounds(low, high, work)
        with self._lock:
            values = self._unit(np.empty(math.prod(shape), work))
        if not plain:
            scale_and_shift(values, width, low)
        if dtype != work or not plain:  # rounding may have reached `high`
            values = values.astype(dtype, copy=False)
            values[values == np.asarray(high).astype(dtype)] = low
        return values.reshape(shape)

    @drawing
    def normal(self, shape: Shape, dtype: Any, mean: Any = 0.0, std: Any = 1.0, contiguous: bool = True) -> Array:
        """Normal; `mean` and `std` are numbers or arrays that broadcast to `shape`.

        Below 16 elements: the serial stream, four words a pair, a second value kept. From 16 on: Box-Muller on blocks
        of 8 radii and 8 angles in the dtype (halves: in float32); where 16 does not divide the number of elements the
        last 16 are drawn afresh. PyTorch fills a non-contiguous tensor from the serial stream: `contiguous=False`.
        """
        dtype = np.dtype(dtype)
        if dtype.kind == "c":
            return self.normal((*shape, 2), _real(dtype), mean, std / math.sqrt(2.0), contiguous).view(dtype)[..., 0]
        _check_floating(dtype, "normal_kernel_cpu")
        if _is_array(mean) or _is_array(std):
            return self._normal_of_arrays(shape, dtype, mean, std)
        if not std >= 0.0:
            raise RuntimeError(f"normal expects std >= 0.0, but found std {std:g}")
        count = math.prod(shape)
        if count < 16 or not contiguous:
            return _narrowed(scale_and_shift(self._serial_normals(count), std, mean), dtype).reshape(shape)
        work = _work_type(dtype)
        whole = count // 16 * 16
        blocks = np.empty(-(-count // 16) * 16, work)  # the last is the tail's
        with self._lock:
            self._unit(blocks[: count if dtype == work else whole])
            self._unit(blocks[whole:])
        box_muller(blocks)
        values = blocks[:count]
        values[-16:] = blocks[-16:]
        scale_and_shift(values, float(work(std)), float(work(mean)))
        return values.astype(dtype, copy=False).reshape(shape)

    def _normal_of_arrays(self, shape: Shape, dtype: np.dtype, mean: Any, std: Any) -> Array:
        if not _is_array(std):
            return np.asarray(self.normal(shape, dtype, 0.0, std) + mean, dtype)
        if np.any(std < 0):
            raise RuntimeError("normal expects all elements of std >= 0.0")
        return np.asarray(self.normal(shape, dtype) * std + mean, dtype)

    @drawing
    def log_normal(self, shape: Shape, dtype: Any, mean: float = 1.0, std: float = 2.0) -> Array:
        """exp of a normal of the serial stream, whatever the size."""
        dtype = _check_floating(np.dtype(dtype), "log_normal_cpu")
        if not std > 0.0:
            raise RuntimeError(f"log_normal_ expects std > 0.0, but found std={std:g}")
        normals = scale_and_shift(self._serial_normals(math.prod(shape)), std, mean)
        return _narrowed(np.exp(normals), dtype).reshape(shape)

    @drawing
    def bernoulli(self, p: Any, shape: Shape, dtype: Any) -> Array:
        """Ones with probability `p`: two words an element for a number `p` (also in dropout) and a float64 array, one
        word for an array of another dtype, which must broadcast to `shape`."""
        dtype = np.dtype(dtype)
        if dtype.kind == "c":
            raise NotImplementedError(f'"bernoulli_scalar_cpu_" not implemented for \'{SCALAR_NAMES[dtype.name]}\'')
        if not _is_array(p):
            if not 0.0 <= p <= 1.0:
                raise RuntimeError(f"bernoulli_ expects p to be in [0, 1], but got p={p:g}")
            return self._coins(p, math.prod(shape)).reshape(shape).astype(dtype, copy=False)
        if not np.all((p >= 0) & (p <= 1)):
            raise RuntimeError("Expected p_in >= 0 && p_in <= 1 to be true, but got false: probabilities lie in [0, 1]")
        with self._lock:
            uniforms = self._unit(np.empty(math.prod(shape), _work_type(p.dtype))).reshape(shape)
        return np.asarray(uniforms < p.astype(uniforms.dtype, copy=False), dtype)

    def _coins(self, p: float, count: int) -> Array:
        """Whether a uniform double is below `p`, decided on the high word alone where that settles it."""
        high, low = divmod(math.ceil(p * 2.0**53), 2**32)
        heads = np.empty(count, np.bool_)
        with self._lock:
            for start in range(0, count, CHUNK):
                part = heads[start : start + CHUNK]
                words = self._words(2 * part.size)
                leading = words[0::2] & LOW_21
                np.less(leading, high, out=part)
                if low:
                    ties = np.nonzero(leading == high)[0]
                    part[ties] = words[2 * ties + 1] < low
        return heads

    @drawing
    def integers(self, low: int, high: int, shape: Shape, dtype: Any = np.int64) -> Array:
        """Integers of [low, high), in any dtype that holds them: low + word % (high - low).

        Two words an element where the range is 2**28 or more, else one.
        """
        dtype = np.dtype(dtype)
        if not low < high:
            raise RuntimeError(f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}")
        _check_bounds(low, high - 1, dtype)
        return self._remainders(high - low, low, shape, dtype, wide=high - low >= 2**28)

    @drawing
    def random_(self, shape: Shape, dtype: Any, low: int | None = None, high: int | None = None) -> Array:
        """Integers of [low, high); without bounds, of [0, largest] of the dtype (floats: 2 to the number of its bits).

        As `Tensor.random_`: with `low` alone up to the largest. Without bounds two words an element for int64 and
        float64, else one.
        """
        dtype = np.dtype(dtype)
        if dtype.kind == "c" or (dtype.kind == "u" and dtype.itemsize > 1):
            name = SCALAR_NAMES.get(dtype.name, dtype.name.replace("ui", "UI"))
            raise NotImplementedError(f'"random_kernel_cpu" not implemented for \'{name}\'')
        if high is not None:
            return self.integers(low or 0, high, shape, dtype)
        largest = _largest(dtype)
        if low is not None and largest + 1 - low == 2**64:  # the words themselves
            return self._remainders(2**64, 0, shape, dtype, wide=True)
        if low is not None:
            return self.integers(low, largest + 1, shape, dtype)
        return self._remainders(largest + 1, 0, shape, dtype, wide=dtype.name in ("int64", "float64"))

    def _remainders(self, count: int, low: int, shape: Shape, dtype: np.dtype, wide: bool) -> Array:
        """low + word % count, with words of 64 bits if `wide`."""
        values = np.empty(math.prod(shape), np.uint64)
        with self._lock:
            for start in range(0, values.size, CHUNK):
                part = values[start : start + CHUNK]
                words = (self._double_words if wide else self._words)(part.size)
                if count < 2**64:
                    words = words - words // count * count  # NumPy divides by a number faster than it takes remainders
                np.add(words, low % 2**64, out=part, dtype=np.uint64)  # wraps, to the right signed number
        return (values if dtype.kind == "u" else values.view(np.int64)).astype(dtype, copy=False).reshape(shape)

    @drawing
    def permutation(self, n: int, dtype: Any = np.int64) -> Array:
        """A permutation of 0 .. n-1: the forward Fisher-Yates shuffle, one word for each element but the last."""
        dtype = np.dtype(dtype)
        if n < 0:
            raise RuntimeError(f"Trying to create tensor with negative dimension {n}: [{n}]")
        if dtype.kind in "bc":
            raise NotImplementedError(f'"randperm" not implemented for \'{SCALAR_NAMES[dtype.name]}\'')
        if n > _largest(dtype) + 1:
            raise RuntimeError(f"n cannot be greater than {_largest(dtype) + 1} for {SCALAR_NAMES[dtype.name]} type.")
        with self._lock:
            words = self._words(max(n - 1, 0))
        positions = np.arange(words.size)
        items = list(range(n))
        for i, j in enumerate((positions + words % (n - positions)).tolist()):
            item = items[j]
            items[j] = items[i]
            items[i] = item
        return np.array(items, np.int64).astype(dtype, copy=False)

    @drawing
    def exponential(self, shape: Shape, dtype: Any, rate: float = 1.0) -> Array:
        """Exponential with the given rate (PyTorch's `lambd`), by -log(1 - u) / rate: two words an element."""
        dtype = _check_floating(np.dtype(dtype), "exponential_cpu", "Exponential")
        if not rate > 0.0:
            raise RuntimeError(f"exponential_ expects lambda > 0.0, but found lambda={rate:g}")
        return _narrowed(-1.0 / rate * np.log1p(-self._doubles(math.prod(shape))), dtype).reshape(shape)

    @drawing
    def geometric(self, shape: Shape, dtype: Any, p: float) -> Array:
        """Number of trials up to the first success, ceil(log(u) / log(1 - p)): two words an element."""
        dtype = np.dtype(dtype)
        if dtype.kind in "bc":
            raise NotImplementedError(f'"geometric_cpu" not implemented for \'{SCALAR_NAMES[dtype.name]}\'')
        if not 0.0 < p < 1.0:
            raise RuntimeError(f"geometric_ expects p to be in (0, 1), but got p={p:g}")
        trials = np.ceil(np.log(self._doubles(math.prod(shape))) / math.log(1.0 - p))
        return trials.astype(dtype).reshape(shape)

    @drawing
    def cauchy(self, shape: Shape, dtype: Any, median: float = 0.0, sigma: float = 1.0) -> Array:
        """Cauchy, median + sigma tan(pi (u - 1/2)): two words an element."""
        dtype = _check_floating(np.dtype(dtype), "cauchy_cpu", "Cauchy")
        if not sigma > 0.0:
            raise RuntimeError(f"cauchy_ expects sigma > 0.0, but found sigma={sigma:g}")
        tangents = np.tan(math.pi * (self._doubles(math.prod(shape)) - 0.5))
        return _narrowed(median + sigma * tangents, dtype).reshape(shape)

    @drawing
    def multinomial(self, probs: Array, num_samples: int, replacement: bool = False) -> Array:
        """Indices, int64, drawn by the rows of `probs` (1-d or 2-d, floating): shape (..., num_samples).

        One sample, or without replacement: the largest of probs / exponentials. Else by bisection of the cumulated row.
        """
        if probs.ndim not in (1, 2):
            raise RuntimeError("prob_dist must be 1 or 2 dim")
        if probs.dtype.kind in "biuc":
            name = SCALAR_NAMES[probs.dtype.name]
            raise RuntimeError(f"multinomial only supports floating-point dtypes for input, got: {name}")
        if num_samples <= 0:
            raise RuntimeError("cannot sample n_sample <= 0 samples")
        if not replacement and num_samples > probs.shape[-1]:
            raise RuntimeError("cannot sample n_sample > prob_dist.size(-1) samples without replacement")
        if probs.shape[-1] > 2**24:
            raise RuntimeError("number of categories cannot exceed 2^24")
        if not np.all((probs >= 0) & np.isfinite(probs)):
            raise RuntimeError("probability tensor contains either `inf`, `nan` or element < 0")
        if np.any(probs.sum(-1) <= 0):
            raise RuntimeError("invalid multinomial distribution (sum of probabilities <= 0)")
        if replacement and num_samples > 1:
            return self._bisected(probs, num_samples)
        race = probs / self.exponential(probs.shape, probs.dtype)
        if num_samples == 1:
            return race.argmax(-1)[..., None].astype(np.int64)
        return np.argsort(-race, -1, kind="stable")[..., :num_samples].astype(np.int64)

    def _bisected(self, probs: Array, num_samples: int) -> Array:
        rows = probs.reshape(-1, probs.shape[-1]).astype(_work_type(probs.dtype), copy=False)
        cumulated = np.cumsum(rows, 1)
        cumulated /= cumulated[:, -1:].copy()
        uniforms = self._doubles(len(rows) * num_samples).reshape(-1, num_samples)
        drawn = [np.searchsorted(steps, row) for steps, row in zip(cumulated, uniforms, strict=True)]
        return np.array(drawn, np.int64).reshape(*probs.shape[:-1], num_samples)

    @drawing
    def poisson(self, rates: Array) -> Array:
        """Poisson variates, of the shape and dtype of `rates`, drawn one by one."""
        from rushlight.arrays.samplers import poisson

        _check_floating(rates.dtype, "poisson_cpu")
        if not np.all(rates >= 0):
            raise RuntimeError("invalid Poisson rate, expected rate to be non-negative")
        with self._lock:
            draw = self._each_double().__next__
            values = [poisson(rate, draw) for rate in rates.ravel().tolist()]
        return np.array(values, np.float64).astype(rates.dtype).reshape(rates.shape)

    @drawing
    def binomial(self, count: Array, prob: Array) -> Array:
        """Binomial variates of arrays that broadcast, in the dtype of `count`, drawn one by one."""
        from rushlight.arrays.samplers import binomial

        _check_single_or_double(count.dtype, "binomial_cpu")
        shape = np.broadcast_shapes(count.shape, prob.shape)
        pairs = [np.broadcast_to(a, shape).ravel().tolist() for a in (count, prob)]
        with self._lock:
            draw = self._each_double().__next__
            values = [binomial(n, p, draw) for n, p in zip(*pairs, strict=True)]
        return np.array(values, np.float64).astype(count.dtype).reshape(shape)

    @drawing
    def standard_gamma(self, alpha: Array) -> Array:
        """Gamma variates of rate 1, of the shape and dtype (float32 or float64) of `alpha`, drawn one by one."""
        _check_single_or_double(alpha.dtype, "gamma_cpu")
        values = self._gammas(alpha).astype(alpha.dtype)
        return np.maximum(values, np.finfo(alpha.dtype).tiny, out=values)

    @drawing
    def dirichlet(self, alpha: Array) -> Array:
        """Dirichlet variates along the last dimension: gammas, in double, over their sum."""
        _check_single_or_double(alpha.dtype, "dirichlet")
        tiny = float(np.finfo(alpha.dtype).tiny)
        gammas = np.maximum(self._gammas(alpha.astype(np.float64)), tiny)
        shares = (gammas / gammas.sum(-1, keepdims=True)).astype(alpha.dtype)
        return np.maximum(shares, tiny, out=shares)

    def _gammas(self, alpha: Array) -> Array:
        from rushlight.arrays.samplers import gamma

        with self._lock:
            draw = self._each_double().__next__
            values = [gamma(shape, draw, lambda: self._next_normal(draw)) for shape in alpha.ravel()]
        return np.array(values, np.float64).reshape(alpha.shape)


def _restore(state: Array) -> Generator:
    generator = Generator()
    generator._set_state_array(state)
    return generator


def _is_array(value: Any) -> bool:
    return hasattr(value, "dtype") and not isinstance(value, np.generic)


def _real(dtype: np.dtype) -> np.dtype:
    return np.dtype(f"f{dtype.itemsize // 2}")


def _work_type(dtype: np.dtype) -> Any:
    """The type that numbers of `dtype` are made in."""
    return np.float64 if dtype == np.float64 else np.float32


def _narrowed(values: Array, dtype: np.dtype) -> Array:
    """Doubles as `dtype`; to halves by way of float32, as PyTorch's round."""
    return values.astype(_work_type(dtype), copy=False).astype(dtype, copy=False)


def _uniform_bounds(low: float, high: float, work: Any) -> tuple[float, float, float]:
    """`low`, `high` and their distance in the type `work`, checked."""
    if not low <= high:
        raise RuntimeError(f"uniform_ expects to return a [from, to) range, but found from={low:g} > to={high:g}")
    width = float(work(high) - work(low))
    if math.isinf(width):
        raise RuntimeError(
            f"uniform_ expects to-from <= std::numeric_limits<Float>::max(), but found to={high:g} and "
            f"from={low:g} which result in to-from to exceed the limit"
        )
    return float(work(low)), float(work(high)), width


def _check_floating(dtype: np.dtype, kernel: str, distribution: str = "") -> np.dtype:
    if dtype.kind not in "biuc":
        return dtype
    name = SCALAR_NAMES.get(dtype.name, dtype.name)
    if distribution:
        raise RuntimeError(
            f"{distribution} distribution is a continuous probability distribution. dtype must be a floating point but "
            f"you specified {name}"
        )
    raise NotImplementedError(f'"{kernel}" not implemented for \'{name}\'')


def _check_single_or_double(dtype: np.dtype, kernel: str) -> None:
    if dtype not in (np.float32, np.float64):
        raise NotImplementedError(f'"{kernel}" not implemented for \'{SCALAR_NAMES.get(dtype.name, dtype.name)}\'')


def _largest(dtype: np.dtype) -> int:
    """The largest integer up to which a dtype holds them all."""
    if dtype.kind in "iu":
        return int(np.iinfo(dtype).max)
    return 1 if dtype.kind == "b" else 2 ** DIGITS[dtype.name]


def _check_bounds(first: int, last: int, dtype: np.dtype) -> None:
    """Raises where `dtype` cannot hold the bounds (a float: not even rounded)."""
    if dtype.kind in "biu":
        smallest: float = int(np.iinfo(dtype).min) if dtype.kind == "i" else 0
        largest: float = _largest(dtype)
    else:
        largest = 65504 if dtype.name == "float16" else math.inf
        smallest = -largest
    for name, bound in (("from", first), ("to - 1", last)):
        if not smallest <= bound <= largest:
            raise RuntimeError(f"{name} is out of bounds for {dtype.name}: it holds {smallest} to {largest}")


default_generator = Generator()
default_generator.seed()
hold_while_forking(default_generator._lock)


def manual_seed(seed: int) -> Generator:
    """Restarts the default generator at `seed`, and returns it."""
    return default_generator.manual_seed(int(seed))


def seed() -> int:
    """Restarts the default generator at a seed from the operating system, and returns that seed."""
    return default_generator.seed()


def initial_seed() -> int:
    """The seed that the default generator started from."""
    return default_generator.initial_seed()


def get_rng_state() -> Tensor:
    """The state of the default generator, a uint8 tensor."""
    return default_generator.get_state()


def set_rng_state(new_state: Tensor) -> None:
    """Continues the default generator from a state of `get_rng_state`."""
    default_generator.set_state(new_state)


@contextmanager
def fork_rng(devices: Any = None, enabled: bool = True, device_type: str | None = None) -> Iterator[None]:
    """Restores the default generator on leaving. The arguments about devices are accepted: there is the CPU alone."""
    if not enabled:
        yield
        return
    state = default_generator._state_array()
    try:
        yield
    finally:
        default_generator._set_state_array(state)
