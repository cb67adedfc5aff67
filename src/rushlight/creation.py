"""Functions that make tensors: from data, filled, and random. Those of evenly spaced numbers are in `ranges`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from . import devices, dtypes
from .arrays.basic import as_array, is_absent, is_array
from .autograd.graph import LEAF
from .autograd.modes import state, thread
from .overridable import overridable, overridable_by_modes
from .tensor import Size, Tensor, check_floating, set_requires_grad, wrap
from .warning import warn

if TYPE_CHECKING:
    from .random import Generator


def finished(array: Any, dtype: Any, device: Any, requires_grad: bool, out: Tensor | None = None) -> Tensor:
    """A new tensor around an array of ours, with what the common keyword arguments ask for."""
    if device is not None:
        array = placed(array, device)
    if dtype is not None and array.dtype != dtypes.numpy_type(dtype):
        array = as_array(array.astype(dtypes.numpy_type(dtype)))
    if out is not None:
        from .autograd.inplace import overwrite

        overwrite(out, array)
        return set_requires_grad(out, requires_grad)
    tensor = wrap(array)
    if thread.inference:
        tensor._inference = thread.inference_mark
    if requires_grad:
        check_floating(tensor, True, "Only Tensors of floating point and complex dtype can require gradients")
        set_requires_grad(tensor, True)
    return tensor


def placed(array: Any, device: Any) -> Any:
    """A new array as it is on a device: on "meta", its shape and type without the elements. Raises for a device there is not."""
    if devices.is_meta(device):
        from .arrays.absent import AbsentArray

        return AbsentArray(array.shape, array.dtype)
    devices.check_device(device)
    return array


def _type(dtype: Any) -> np.dtype:
    return dtypes.get_default_dtype().numpy if dtype is None else dtypes.numpy_type(dtype)


def size_of(size: tuple, name: str = "size") -> tuple[int, ...]:
    """A shape from `(2, 3)` or `((2, 3),)`. Raises TypeError for anything but integers, RuntimeError for negative ones."""
    if len(size) == 1 and isinstance(size[0], (tuple, list)):
        size = tuple(size[0])
    shape = []
    for extent in size:
        if isinstance(extent, (float, str)) or not hasattr(extent, "__index__"):
            raise TypeError(f"argument '{name}' must be tuple of ints, but found element of type {type(extent).__name__}")
        shape.append(extent.__index__())
        if shape[-1] < 0:
            raise RuntimeError(f"Trying to create tensor with negative dimension {shape[-1]}: {list(size)}")
    return tuple(shape)


# --- from data --------------------------------------------------------------------------------------------------------------------


def array_from(data: Any, dtype: Any = None) -> np.ndarray:
    """An array of ours from numbers, nested sequences, arrays or tensors (always a copy)."""
    if isinstance(data, Tensor):
        array = np.array(data._array, order="K")
    elif isinstance(data, (np.ndarray, np.generic)):
        array = np.array(data)
        dtypes.from_numpy(array.dtype)  # raises for a type that we do not have
    else:
        return array_from_sequence(data, dtype)
    return array if dtype is None else as_array(array.astype(dtypes.numpy_type(dtype)))


def array_from_sequence(data: Any, dtype: Any) -> np.ndarray:
    """An array from numbers, or sequences of numbers, arrays or tensors. The type follows from what is found."""
    if isinstance(data, (list, tuple)) and data and isinstance(first_leaf(data), (Tensor, np.ndarray, np.generic)):
        data = plain(data)
    try:
        array = np.array(data)
    except ValueError:
        raise ValueError(ragged_message(data)) from None
    except OverflowError as error:
        raise RuntimeError(f"Overflow when unpacking long long: {error}") from None
    kind = array.dtype.kind
    if kind == "O":
        raise complaint(data)
    if kind in "US":
        if isinstance(data, (list, tuple)):
            raise ValueError("too many dimensions 'str'")
        raise TypeError(f"new(): invalid data type '{type(data).__name__}'")
    if dtype is not None:
        wanted = dtypes.numpy_type(dtype)
        if kind == "c" and wanted.kind != "c":
            raise TypeError("can't convert complex to float")
        return array if array.dtype == wanted else as_array(array.astype(wanted))
    if array.size == 0 or kind == "f":
        if kind == "f" and isinstance(first_leaf(data), np.generic):
            return array
        return array.astype(_type(None))
    if kind == "c":
        return array.astype(dtypes.get_default_dtype().to_complex().numpy)
    return array.astype(np.int64) if kind in "iu" and array.dtype != np.int64 else array


def first_leaf(data: Any) -> Any:
    """The first element of nested sequences."""
    while isinstance(data, (list, tuple)) and data:
        data = data[0]
    return data


def plain(data: Any) -> Any:
    """Nested sequences with the tensors in them turned into arrays."""
    if isinstance(data, (list, tuple)):
        return [plain(one) for one in data]
    if isinstance(data, Tensor):
        return data._array if data._array.ndim else data._array[()]
    return data


def ragged_message(data: Any) -> str:
    """PyTorch's error for sequences of unequal lengths."""
    dim = 0
    while True:
        lengths = [len(one) if isinstance(one, (list, tuple)) else None for one in data]
        first = lengths[0]
        for length in lengths:
            if length != first and first is not None and length is not None:
                return f"expected sequence of length {first} at dim {dim + 1} (got {length})"
        if first is None or any(length is None for length in lengths):
            return f"expected a sequence of numbers at dim {dim + 1}: numbers and sequences are mixed"
        data = [inner for one in data for inner in one]
        dim += 1


def complaint(data: Any) -> Exception:
    """The error for elements that are no numbers."""
    leaf = first_leaf(data)
    if isinstance(leaf, int):
        return RuntimeError("Overflow when unpacking long long")
    if leaf is None or isinstance(leaf, (dict, set)) or not hasattr(leaf, "__len__"):
        return RuntimeError(f"Could not infer dtype of {type(leaf).__name__}")
    return TypeError(f"new(): invalid data type '{type(leaf).__name__}'")


def tensor(data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, pin_memory: bool = False) -> Tensor:
    """A tensor that holds a copy of `data`: numbers, nested sequences, an array.

    Floats get the default dtype, integers int64. Raises ValueError for sequences of unequal lengths.
    """
    if state.active and thread.functions:
        from .overrides import call_overrides

        options = {"dtype": dtype, "device": device, "requires_grad": requires_grad}
        return call_overrides(tensor, (data,), {name: value for name, value in options.items() if value})
    if type(data) is float and dtype is None and device is None and not thread.inference:
        made = wrap(np.array(data, dtypes.get_default_dtype().numpy))  # the usual case, without the general questions
        if requires_grad:
            made._node = LEAF
        return made
    if isinstance(data, Tensor):
        warn(
            "To copy construct from a tensor, it is recommended to use sourceTensor.detach().clone() or "
            "sourceTensor.detach().clone().requires_grad_(True), rather than torch.tensor(sourceTensor)."
        )
    return finished(array_from(data, dtype), dtype, device, requires_grad)


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """`data` as a tensor, sharing memory (and history) where it is already a tensor or an array of the right type."""
    if device is not None:
        devices.check_device(device)
    if isinstance(data, Tensor):
        return data if dtype is None else data.to(dtype)
    if isinstance(data, np.ndarray):
        shared = from_numpy(data)
        return shared if dtype is None else shared.to(dtype)
    return tensor(data, dtype=dtype)


def asarray(
    obj: Any, *, dtype: Any = None, device: Any = None, copy: bool | None = None, requires_grad: bool | None = None
) -> Tensor:
    """`obj` as a tensor: shared where possible unless `copy`; `copy=False` raises ValueError where it is not possible.

    A tensor keeps its history, unless `requires_grad` is False.
    """
    if hasattr(obj, "__dlpack__") and not isinstance(obj, (Tensor, np.ndarray)):
        obj = np.from_dlpack(obj)
    made = as_tensor(obj, dtype, device)
    shared = isinstance(obj, (Tensor, np.ndarray)) and np.shares_memory(made._array, getattr(obj, "_array", obj))
    if copy is False and not shared:
        raise ValueError("can't alias arbitrary sequence into a tensor: it would have to be copied")
    if copy and shared:
        made = made.clone()
    if requires_grad is None and made._node is not None:
        warn(
            "torch.asarray: unspecified requires_grad now defaults to obj.requires_grad instead of False. Pass "
            "requires_grad=False explicitly to get the old behavior and silence this warning.",
            once=True,
        )
    elif made._node is not None and not requires_grad:
        return made.detach()
    elif requires_grad and made._node is None:
        return set_requires_grad(made, True)
    return made


def from_numpy(ndarray: np.ndarray) -> Tensor:
    """A tensor that shares an array's memory. Raises TypeError for a type that PyTorch does not have."""
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(ndarray).__name__})")
    dtypes.from_numpy(ndarray.dtype)
    if any(step < 0 for step in ndarray.strides):
        raise ValueError(
            "At least one stride in the given numpy array is negative, and tensors with negative strides are not currently "
            "supported. (You can probably work around this by making a copy of your array  with array.copy().) "
        )
    if not ndarray.dtype.isnative:
        raise ValueError("given numpy array has byte order different from the native byte order.")
    tensor = wrap(ndarray)
    if thread.inference:
        tensor._inference = thread.inference_mark
    return tensor


def frombuffer(buffer: Any, *, dtype: Any, count: int = -1, offset: int = 0, requires_grad: bool = False) -> Tensor:
    """A one-dimensional tensor that shares the memory of a buffer."""
    if len(buffer) == 0:
        raise ValueError("both buffer length (0) and count (-1) must not be 0")
    return set_requires_grad(wrap(np.frombuffer(buffer, dtypes.numpy_type(dtype), count, offset)), requires_grad)


def from_dlpack(ext_tensor: Any) -> Tensor:
    """A tensor that shares the memory of another library's array."""
    return wrap(np.from_dlpack(ext_tensor))


def scalar_tensor(s: Any, *, dtype: Any = None, device: Any = None, layout: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor without dimensions."""
    return finished(np.array(s, _type(dtype)), None, device, requires_grad)


def legacy_tensor(*args: Any, dtype: Any = None, device: Any = None, size: Any = None) -> Tensor:
    """`torch.Tensor(...)`: from extents an uninitialised tensor, from data a tensor, of the default dtype.

    `torch.FloatTensor(...)` and `Tensor.new(...)` give a dtype, which a tensor must have already. Raises TypeError for what is no
    sequence, and for another dtype.
    """
    devices.check_device(device)
    args = args if size is None else (Size(size),)
    kind = dtypes.get_default_dtype() if dtype is None else dtype
    if len(args) == 1 and not isinstance(args[0], int):
        data = args[0]
        if isinstance(data, Tensor):
            if dtype is not None and data.dtype is not dtype:
                raise TypeError(f"expected a tensor of {dtype}, but got {data.dtype}: convert with .to({dtype})")
            return wrap(data._array)
        if isinstance(data, Size):
            return empty(data, dtype=kind)
        if isinstance(data, str):
            raise TypeError("new(): invalid data type 'str'")
        if isinstance(data, (float, complex)) or not hasattr(data, "__len__"):
            raise TypeError(f"new(): data must be a sequence (got {type(data).__name__})")
        return tensor(data, dtype=kind)
    return empty(*(args or (0,)), dtype=kind)


# --- filled -----------------------------------------------------------------------------------------------------------------------


def _filler(name: str, make: Any, doc: str) -> Any:
    def function(
        *sizes: Any, size: Any = None, out: Tensor | None = None, dtype: Any = None, layout: Any = None, device: Any = None,
        requires_grad: bool = False, pin_memory: bool = False, memory_format: Any = None, names: Any = None,
    ) -> Tensor:  # fmt: skip
        sizes = sizes if size is None else (size,)
        if dtype is None and out is not None:
            dtype = out.dtype
        if not sizes:
            raise TypeError(f"{name}() missing 1 required positional arguments: \"size\"")
        return finished(make(size_of(sizes), _type(dtype)), None, device, requires_grad, out)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    return function


def _filler_like(name: str, make: Any, doc: str) -> Any:
    def function(
        input: Tensor, *, dtype: Any = None, layout: Any = None, device: Any = None, requires_grad: bool = False,
        memory_format: Any = None, pin_memory: bool = False,
    ) -> Tensor:  # fmt: skip
        if not isinstance(input, Tensor):
            if isinstance(input, (np.ndarray, np.generic)):
                return make(input, None)  # a derivative rule at work
            raise TypeError(f"{name}(): argument 'input' (position 1) must be Tensor, not {type(input).__name__}")
        array = input._array
        if device is not None and is_absent(array):
            array = array.stand_in()
        return finished(make(array, None if dtype is None else dtypes.numpy_type(dtype)), None, device, requires_grad)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    return function


zeros = _filler("zeros", np.zeros, "A tensor of zeros of the given size.")
ones = _filler("ones", np.ones, "A tensor of ones of the given size.")
empty = _filler("empty", np.empty, "An uninitialised tensor of the given size.")
zeros_like = _filler_like("zeros_like", np.zeros_like, "Zeros of the shape and type of `input`.")
ones_like = _filler_like("ones_like", np.ones_like, "Ones of the shape and type of `input`.")
empty_like = _filler_like("empty_like", np.empty_like, "Uninitialised memory of the shape and type of `input`.")


def full(
    size: Any, fill_value: Any, *, out: Tensor | None = None, dtype: Any = None, layout: Any = None, device: Any = None,
    requires_grad: bool = False, pin_memory: bool = False, names: Any = None,
) -> Tensor:  # fmt: skip
    """A tensor of the given size with the one value everywhere; its type follows the value's."""
    value = fill_value._array if isinstance(fill_value, Tensor) else fill_value
    if dtype is None:
        dtype = out.dtype if out is not None else dtypes.of_scalar(fill_value) if value is fill_value else fill_value.dtype
    return finished(np.full(size_of((size,)), value, dtypes.numpy_type(dtype)), None, device, requires_grad, out)


def full_like(
    input: Tensor, fill_value: Any, *, dtype: Any = None, layout: Any = None, device: Any = None, requires_grad: bool = False,
    memory_format: Any = None, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """One value everywhere, in the shape and type of `input`."""
    value = fill_value._array if isinstance(fill_value, Tensor) else fill_value
    kind = None if dtype is None else dtypes.numpy_type(dtype)
    return finished(np.full_like(input._array, value, kind), None, device, requires_grad)


def empty_strided(
    size: Any, stride: Any, *, dtype: Any = None, layout: Any = None, device: Any = None, requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """An uninitialised tensor of the given size and strides (in elements)."""
    kind, shape = _type(dtype), size_of((size,))
    extent = 1 + sum((n - 1) * step for n, step in zip(shape, stride, strict=True)) if math.prod(shape) else 0
    memory = np.empty(extent, kind)
    array = np.ndarray(shape, kind, memory, 0, tuple(step * kind.itemsize for step in stride))
    return finished(array, None, device, requires_grad)


def empty_permuted(size: Any, physical_layout: Any, **options: Any) -> Tensor:
    """An uninitialised tensor whose dimensions lie in memory in that order. Raises RuntimeError unless it names each once."""
    if len(size) != len(physical_layout):
        raise RuntimeError(
            "Number of dimensions in size does not match the length of the physical_layout; i.e. "
            f"len(size) = {len(size)} is not equal to len(physical_layout) = {len(physical_layout)}"
        )
    for dim in physical_layout:
        if not 0 <= dim < len(size):
            raise RuntimeError(f"Dimension out of range (expected to be between 0 and {len(size) - 1}, but got {dim}).")
    if len(set(physical_layout)) < len(size):
        raise RuntimeError("Duplicate dim not allowed")
    made = empty(*(size[i] for i in physical_layout), **options)
    back = np.argsort(physical_layout)
    made._array = made._array.transpose(back)
    return made


def eye(
    n: int, m: int | None = None, *, out: Tensor | None = None, dtype: Any = None, layout: Any = None, device: Any = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """Ones on the diagonal of an `n` by `m` matrix, zeros elsewhere."""
    if n < 0:
        raise RuntimeError(f"n must be greater or equal to 0, got {n}")
    kind = out.dtype if dtype is None and out is not None else dtype
    return finished(np.eye(n, m, dtype=_type(kind)), None, device, requires_grad, out)


# --- random -----------------------------------------------------------------------------------------------------------------------


def _source(generator: Generator | None) -> Any:
    if generator is not None:
        return generator
    from .random import default_generator

    return default_generator


def _random(name: str, method: str, doc: str) -> Any:
    def function(
        *sizes: Any, size: Any = None, generator: Generator | None = None, out: Tensor | None = None, dtype: Any = None,
        layout: Any = None, device: Any = None, requires_grad: bool = False, pin_memory: bool = False, names: Any = None,
    ) -> Tensor:  # fmt: skip
        sizes = sizes if size is None else (size,)
        kind = _type(out.dtype if dtype is None and out is not None else dtype)
        array = getattr(_source(generator), method)(size_of(sizes), kind)
        return finished(as_array(array), None, device, requires_grad, out)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    return function


def _random_like(name: str, method: str, doc: str) -> Any:
    def function(
        input: Tensor, *, dtype: Any = None, layout: Any = None, device: Any = None, requires_grad: bool = False,
        memory_format: Any = None, generator: Generator | None = None,
    ) -> Tensor:  # fmt: skip
        kind = input._array.dtype if dtype is None else dtypes.numpy_type(dtype)
        array = getattr(_source(generator), method)(input._array.shape, kind)
        return finished(as_array(array), None, device, requires_grad)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    return function


rand = _random("rand", "uniform", "Numbers drawn uniformly from [0, 1), PyTorch's for the same seed.")
randn = _random("randn", "normal", "Numbers drawn from the standard normal distribution, PyTorch's for the same seed.")
rand_like = _random_like("rand_like", "uniform", "Numbers drawn uniformly from [0, 1), in the shape and type of `input`.")
randn_like = _random_like("randn_like", "normal", "Standard normal numbers, in the shape and type of `input`.")


def randint(
    low: Any = None, high: Any = None, size: Any = None, *, generator: Generator | None = None, out: Tensor | None = None,
    dtype: Any = None, layout: Any = None, device: Any = None, requires_grad: bool = False, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """Integers drawn uniformly from `low` (0) up to, not including, `high`."""
    if size is None:
        low, high, size = None, low, high
    if high is None:
        low, high = None, low
    low = 0 if low is None else low
    if size is None or high is None:
        raise TypeError('randint() missing 1 required positional arguments: "size"')
    if not low < high:
        raise RuntimeError(f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}")
    kind = np.dtype(np.int64) if dtype is None else dtypes.numpy_type(dtype)
    array = _source(generator).integers(int(low), int(high), size_of((size,)), kind)
    return finished(as_array(array), None, device, requires_grad, out)


def randint_like(
    input: Tensor, low: Any = 0, high: Any = None, *, generator: Generator | None = None, dtype: Any = None, layout: Any = None,
    device: Any = None, requires_grad: bool = False, memory_format: Any = None,
) -> Tensor:  # fmt: skip
    """Integers drawn uniformly from `low` (0) up to, not including, `high`, in the shape and type of `input`."""
    if high is None:
        low, high = 0, low
    kind = input.dtype if dtype is None else dtype
    return randint(low, high, tuple(input._array.shape), generator=generator, dtype=kind, requires_grad=requires_grad)


def randperm(
    n: int, *, generator: Generator | None = None, out: Tensor | None = None, dtype: Any = None, layout: Any = None,
    device: Any = None, requires_grad: bool = False, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """The integers below `n` in random order."""
    kind = np.dtype(np.int64) if dtype is None else dtypes.numpy_type(dtype)
    return finished(_source(generator).permutation(n, kind), None, device, requires_grad, out)


def normal(
    mean: Any, std: Any = 1.0, size: Any = None, *, generator: Generator | None = None, out: Tensor | None = None,
    dtype: Any = None, layout: Any = None, device: Any = None, requires_grad: bool = False, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """Numbers drawn from normal distributions, whose means and deviations may be tensors."""
    given = [one for one in (mean, std) if isinstance(one, Tensor)]
    node = f"NormalBackward{3 if len(given) == 2 else 1 if isinstance(mean, Tensor) else 2}"
    mean, std = (one._array if isinstance(one, Tensor) else one for one in (mean, std))
    if size is None:
        shape = np.broadcast_shapes(np.shape(mean), np.shape(std))
        kind = next((one.dtype for one in (mean, std) if is_array(one)), _type(None))
    else:
        shape, kind = size_of((size,)), _type(dtype)
    if not thread.batch_levels and np.any(np.asarray(std) < 0):
        raise RuntimeError(f"normal expects std >= 0.0, but found std {np.min(std)}")
    array = as_array(_source(generator).normal(shape, kind, mean, std))
    return drawn_from(given, array, node, out) if given else finished(array, None, device, requires_grad, out)


def drawn_from(parameters: list, array: Any, node: str, out: Tensor | None = None) -> Tensor:
    """Random numbers as a tensor, with a zero derivative with respect to the tensors that they were drawn by."""
    if out is not None or not thread.grad_enabled or all(one._node is None for one in parameters):
        return finished(array, None, None, False, out)
    from .ops.filling import drawn

    return drawn(parameters[0], parameters[1] if len(parameters) > 1 else None, wrap(array), node)


def bernoulli(input: Tensor, p: float | None = None, *, generator: Generator | None = None, out: Tensor | None = None) -> Tensor:
    """Ones with the probabilities in `input` (or `p`), else zeros. Raises RuntimeError for a probability outside [0, 1]."""
    probability = input._array if p is None else p
    array = as_array(_source(generator).bernoulli(probability, input._array.shape, input._array.dtype))
    return drawn_from([input], array, "BernoulliBackward0", out)


def multinomial(
    input: Tensor, num_samples: int, replacement: bool = False, *, generator: Generator | None = None, out: Tensor | None = None
) -> Tensor:
    """Indices drawn with the (unnormalised) probabilities in each row."""
    if out is not None and out.dtype is not dtypes.int64:
        raise RuntimeError(f"multinomial expects Long tensor out, got: {out.dtype}")
    return finished(_source(generator).multinomial(input._array, num_samples, replacement), None, None, False, out)


def poisson(input: Tensor, generator: Generator | None = None) -> Tensor:
    """Numbers drawn from Poisson distributions with the given rates."""
    return drawn_from([input], as_array(_source(generator).poisson(input._array)), "PoissonBackward0")


def binomial(count: Tensor, prob: Tensor, generator: Generator | None = None) -> Tensor:
    """How many of `count` trials succeed, each with probability `prob`."""
    return wrap(as_array(_source(generator).binomial(count._array, prob._array)))


__all__ = [
    "as_tensor", "asarray", "bernoulli", "binomial", "empty", "empty_like", "empty_permuted", "empty_strided", "eye",
    "from_dlpack", "from_numpy", "frombuffer", "full", "full_like", "multinomial", "normal", "ones", "ones_like", "poisson", "rand",
    "rand_like", "randint", "randint_like", "randn", "randn_like", "randperm", "scalar_tensor", "tensor", "zeros", "zeros_like",
]  # fmt: skip

for _name in __all__:
    if _name not in ("tensor", "from_numpy"):  # `tensor` asks for itself, since it is called so often
        _takes_tensor = "input" in globals()[_name].__code__.co_varnames[:1]
        globals()[_name] = (overridable if _takes_tensor else overridable_by_modes)(globals()[_name])
