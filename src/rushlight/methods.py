"""Methods of Tensor that are no operations: conversions, copies, pickling, new tensors like this one, random filling."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from . import creation, devices, dtypes, inspection
from .arrays.basic import as_array
from .autograd.graph import LEAF
from .autograd.modes import no_grad, thread
from .dtypes import type_word
from .ops.casting import to_dtype
from .ops.registry import as_method
from .overridable import overridable
from .storage import METHODS
from .tensor import Tensor, check_floating, lost, new, recast, set_requires_grad, wrap
from .utils.hooks import warn_if_has_hooks

if TYPE_CHECKING:
    from collections.abc import Callable

    from .random import Generator

TypeObject = type  # the builtin: further down `type` is a method

# Attributes of our own in a tensor's dictionary; whatever else is there is the user's.
INTERNAL = frozenset(
    (
        "_grad", "_cell", "_hooks", "_post_hooks", "_retains", "_inference", "_viewed", "_stamp", "_made", "_accumulate",
        "_node_hooks", "_tangents", "_record", "_alias_of",
    )
)


def method(function: Callable) -> Callable:
    """Attaches a function to Tensor under its own name."""
    setattr(Tensor, function.__name__, function)
    return function


def user_attributes(tensor: Tensor) -> dict[str, Any]:
    """What a user hung on a tensor."""
    return {name: value for name, value in tensor.__dict__.items() if name not in INTERNAL}


# --- types and devices ------------------------------------------------------------------------------------------------------------


@method
def to(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """This tensor in another dtype or on another device: itself when nothing changes (unless `copy=True`).

    Takes a dtype, a device, both, or another tensor to be like.
    """
    dtype, copy, device = kwargs.get("dtype"), kwargs.get("copy", False), kwargs.get("device")
    for position, given in enumerate(args):
        if isinstance(given, Tensor):
            dtype, device = given.dtype, given.device
        elif isinstance(given, (str, devices.device)):
            device = given
        elif isinstance(given, bool):
            copy = copy or (position == len(args) - 1 and given and sum(isinstance(a, bool) for a in args) == 2)
        elif given is not None and not isinstance(given, devices.memory_format):
            dtype = dtypes.resolve(given)
    if device is not None and not devices.is_meta(device):
        devices.check_device(device)
    moved = self if device is None or self.device == devices.device(device) else moved_to(self, device)
    if dtype is not None and dtypes.resolve(dtype) is not self.dtype:
        return to_dtype(moved, dtypes.resolve(dtype))
    return self.clone() if copy and moved is self else moved


def moved_to(tensor: Tensor, device: Any) -> Tensor:
    """A tensor on another device: on "meta", without its elements and history. Raises NotImplementedError from there."""
    if tensor.is_meta:  # type: ignore[attr-defined]
        from .arrays.absent import NO_DATA

        raise NotImplementedError(NO_DATA)
    return wrap(creation.placed(tensor._array, device))


def _conversion(name: str, kind: dtypes.dtype) -> None:
    def convert(self: Tensor, memory_format: Any = None) -> Tensor:
        return self if self.dtype is kind else to_dtype(self, kind)

    convert.__name__ = convert.__qualname__ = name
    convert.__doc__ = f"This tensor as {kind}."
    setattr(Tensor, name, convert)


for _name, _kind in {
    "bool": dtypes.bool, "byte": dtypes.uint8, "char": dtypes.int8,
    "short": dtypes.int16, "int": dtypes.int32, "long": dtypes.int64,
    "half": dtypes.float16, "bfloat16": dtypes.bfloat16, "float": dtypes.float32, "double": dtypes.float64,
    "cfloat": dtypes.complex64, "cdouble": dtypes.complex128,
}.items():  # fmt: skip
    _conversion(_name, _kind)


@method
@overridable
def type_as(self: Tensor, other: Tensor) -> Tensor:
    """This tensor in the other's dtype."""
    return self.to(other.dtype)


@method
def type(self: Tensor, dtype: Any = None, non_blocking: bool = False) -> Any:
    """The old name of the type (`torch.FloatTensor`), or this tensor in another dtype."""
    if dtype is None:
        return f"torch.{type_word(self.dtype)}Tensor"
    if isinstance(dtype, str):
        word = dtype.removeprefix("torch.").removesuffix("Tensor")
        dtype = next(kind for kind in dtypes.ALL.values() if type_word(kind) == word)
    return self.to(getattr(dtype, "dtype", dtype))


@method
def cpu(self: Tensor, memory_format: Any = None) -> Tensor:
    """This tensor on the CPU."""
    return self.to(devices.cpu)


@method
def cuda(self: Tensor, device: Any = None, non_blocking: bool = False, memory_format: Any = None) -> Tensor:
    """Raises AssertionError: there is no GPU beneath this tensor."""
    devices.check_device("cuda")
    return self


@method
def pin_memory(self: Tensor, device: Any = None) -> Tensor:
    """This tensor."""
    return self


# --- copies -----------------------------------------------------------------------------------------------------------------------


@method
def __copy__(self: Tensor) -> Tensor:
    return rebuild(self._array, self.requires_grad, user_attributes(self), self.__class__)


@method
def __deepcopy__(self: Tensor, memo: dict[int, Any]) -> Tensor:
    """A copy with its own memory. Raises RuntimeError for a non-leaf, whose history cannot be copied."""
    import copy

    if not self.is_leaf:
        raise RuntimeError(
            "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at the moment.  If you were "
            "attempting to deepcopy a module, this may be because of a torch.nn.utils.weight_norm usage, see "
            "https://github.com/pytorch/pytorch/pull/103001"
        )
    if id(self) in memo:
        return memo[id(self)]
    with no_grad():
        result = recast(wrap(np.copy(self._array, order="K")), self.__class__)
        result._node = LEAF if self._node is not None else None
        memo[id(self)] = result
        if self._grad is not None:
            result._grad = copy.deepcopy(self._grad, memo)
        result.__dict__.update(copy.deepcopy(user_attributes(self), memo))
    return result


def rebuild(array: Any, requires_grad: bool, attributes: dict[str, Any], kind: Any = Tensor) -> Tensor:
    """A pickled tensor again."""
    tensor = recast(wrap(array), kind)
    tensor._node = LEAF if requires_grad else None
    tensor.__dict__.update(attributes)
    return tensor


@method
def __reduce_ex__(self: Tensor, protocol: Any) -> tuple:
    """What pickle writes: the values, and whether a gradient is wanted; a history is not kept, nor are hooks."""
    warn_if_has_hooks(self)
    return rebuild, (np.array(self._array, order="C"), self.requires_grad, user_attributes(self), self.__class__)


@method
def __setstate__(self: Tensor, state: dict[str, Any]) -> None:
    self.__dict__.update(state)


@method
def __dlpack__(self: Tensor, **options: Any) -> Any:
    """The array, for another library (DLPack). Raises BufferError for a tensor that requires grad."""
    if self._node is not None:
        raise BufferError("Can't export tensors that require gradient, use tensor.detach()")
    if self.is_conj():
        raise BufferError("Can't export tensors with the conjugate bit set")
    return self._array.__dlpack__(**options)


@method
def __dlpack_device__(self: Tensor) -> tuple[int, int]:
    return self._array.__dlpack_device__()


@method
def as_subclass(self: Tensor, cls: Any) -> Any:
    """This tensor, sharing memory and history, as an instance of a subclass."""
    from .ops.shapes import alias
    from .overrides import DisableTorchFunction

    if not isinstance(cls, TypeObject):
        raise TypeError(f"cls must be a type (got {TypeObject(cls).__name__})")
    if not issubclass(cls, Tensor):
        raise TypeError(
            "Creating a Tensor subclass from a class that does not inherit from Tensor is not possible. Make sure your class "
            "inherits from Tensor."
        )
    check_dispatch(cls)
    with DisableTorchFunction():
        return recast(alias(self), cls)


def _make_subclass(cls: Any, data: Tensor, require_grad: bool = False, **options: Any) -> Any:
    """A leaf of a subclass that shares a tensor's memory."""
    check_dispatch(cls)
    tensor = new(cls)
    tensor._array, tensor._base, tensor._node = data._array, None, None
    if thread.functions:
        lost(data, f"{cls.__name__}()", tensor)
    if data._inference:
        tensor._inference = data._inference
    check_floating(tensor, require_grad, "Only Tensors of floating point and complex dtype can require gradients")
    return set_requires_grad(tensor, True) if require_grad else tensor


def _make_wrapper_subclass(cls: Any, *args: Any, **kwargs: Any) -> Any:
    """Raises: a tensor without memory of its own needs `__torch_dispatch__`, which Rushlight does not call."""
    check_dispatch(cls)
    raise TypeError(f"{cls.__name__} must define __torch_dispatch__")


def check_dispatch(cls: Any) -> None:
    """Raises NotImplementedError for a class with `__torch_dispatch__`, which would never be called."""
    if hasattr(cls, "__torch_dispatch__"):
        from .utils._python_dispatch import REFUSAL

        raise NotImplementedError(f"{cls.__name__}: {REFUSAL}")


Tensor._make_subclass = staticmethod(_make_subclass)  # type: ignore[attr-defined]
Tensor._make_wrapper_subclass = staticmethod(_make_wrapper_subclass)  # type: ignore[attr-defined]


for _name in ("is_nonzero", "is_inference", "is_conj", "is_neg", "get_device"):
    setattr(Tensor, _name, as_method(getattr(inspection, _name), _name))


def _answer(value: bool) -> property:
    """A property that is the same for all tensors."""

    def get(self: Tensor) -> bool:
        return value

    return property(get)


for _name in ("is_cuda", "is_sparse", "is_quantized", "is_mps", "is_mkldnn", "is_nested", "is_sparse_csr", "is_xpu"):
    setattr(Tensor, _name, _answer(False))


def _is_on(where: devices.device) -> property:
    """A property that says whether a tensor is on a device."""

    def get(self: Tensor) -> bool:
        return self.device == where

    return property(get)


for _name, _device in (("is_cpu", devices.cpu), ("is_meta", devices.meta)):
    setattr(Tensor, _name, _is_on(_device))
Tensor.name = None  # type: ignore[attr-defined]


for _name, _member in METHODS.items():
    setattr(Tensor, _name, _member)


@method
def is_pinned(self: Tensor, device: Any = None) -> bool:
    """False: no memory is pinned for an accelerator."""
    return False


@method
def dim_order(self: Tensor, ambiguity_check: Any = False) -> tuple[int, ...]:
    """The dimensions from the outermost to the innermost in memory."""
    return tuple(sorted(range(self.ndim), key=lambda dim: (-abs(self._array.strides[dim]), dim)))


# --- by a Python function, element by element -------------------------------------------------------------------------------------


def _elementwise(name: str, count: int) -> None:
    def function(self: Tensor, *given: Any) -> Tensor:
        *others, callable = given
        if len(others) != count - 1:
            raise TypeError(f"{name}() takes {count - 1} tensors and a function")
        if self._node is not None and thread.grad_enabled:
            raise RuntimeError(f"Can't call {name}() on Variable that requires grad. Use var.detach().{name}() instead.")
        arrays = [self._array, *(one._array for one in others)]
        results = [callable(*elements) for elements in zip(*(array.reshape(-1).tolist() for array in arrays), strict=True)]
        return self.copy_(wrap(np.array(results, self._array.dtype).reshape(self._array.shape)))

    function.__name__ = function.__qualname__ = name
    function.__doc__ = "Sets each element to what a Python function makes of it, and of the others' elements: slow."
    setattr(Tensor, name, function)


for _name, _count in (("apply_", 1), ("map_", 2), ("map2_", 3)):
    _elementwise(_name, _count)


# --- new tensors like this one ----------------------------------------------------------------------------------------------------


def _new(name: str, make: Callable) -> None:
    def function(self: Tensor, *size: Any, dtype: Any = None, **options: Any) -> Tensor:
        made = make(*size, dtype=self.dtype if dtype is None else dtype, **options)
        if thread.batch_levels:
            from .func.vmap import batched_like

            return batched_like(made, self)
        return made

    function.__name__ = function.__qualname__ = f"new_{name}"
    function.__doc__ = f"`{name}` with this tensor's dtype."
    setattr(Tensor, f"new_{name}", function)


for _name in ("zeros", "ones", "empty", "full", "tensor", "empty_strided"):
    _new(_name, getattr(creation, _name))


def _legacy_new(self: Tensor, *args: Any, **options: Any) -> Tensor:
    """The old way to make a tensor of this one's dtype: from extents an uninitialised one, from data one with that data."""
    return creation.legacy_tensor(*args, dtype=self.dtype, **options)


_legacy_new.__name__ = _legacy_new.__qualname__ = "new"  # in this module `new` makes an empty object
Tensor.new = _legacy_new  # type: ignore[assignment]


# --- random filling ---------------------------------------------------------------------------------------------------------------


def _filling(name: str, draw: Callable, doc: str) -> None:
    def function(self: Tensor, *args: Any, generator: Generator | None = None, **kwargs: Any) -> Tensor:
        from .autograd.inplace import assign, check_alone, check_writable

        check_writable(self)
        check_alone(self._array)
        array = draw(creation._source(generator), self._array, *args, **kwargs)
        return assign(self, wrap(as_array(array)), name)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    setattr(Tensor, name, function)


def _probability(p: Any) -> Any:
    return p._array if isinstance(p, Tensor) else p


def _from(low: Any = None, high: Any = None, **bounds: Any) -> tuple[Any, Any]:
    low, high = bounds.get("from", low), bounds.get("to", high)
    return (0, low) if high is None and low is not None else (low, high)


_filling("uniform_",
         lambda source, a, low=0.0, high=1.0, **k: source.uniform(a.shape, a.dtype, k.get("from", low), k.get("to", high)),
         "Fills with numbers drawn uniformly from [`from`, `to`).")  # fmt: skip
_filling("normal_", lambda source, a, mean=0.0, std=1.0: source.normal(a.shape, a.dtype, mean, std),
         "Fills with numbers drawn from a normal distribution.")  # fmt: skip
_filling("random_", lambda source, a, *bounds, **k: source.random_(a.shape, a.dtype, *_from(*bounds, **k)),
         "Fills with integers drawn uniformly from [`from`, `to`).")  # fmt: skip
_filling("bernoulli_", lambda source, a, p=0.5: source.bernoulli(_probability(p), a.shape, a.dtype),
         "Fills with ones, with probability `p`, and zeros.")  # fmt: skip
_filling("exponential_", lambda source, a, lambd=1.0: source.exponential(a.shape, a.dtype, lambd),
         "Fills with numbers drawn from an exponential distribution.")  # fmt: skip
_filling("geometric_", lambda source, a, p: source.geometric(a.shape, a.dtype, p),
         "Fills with numbers drawn from a geometric distribution.")  # fmt: skip
_filling("cauchy_", lambda source, a, median=0.0, sigma=1.0: source.cauchy(a.shape, a.dtype, median, sigma),
         "Fills with numbers drawn from a Cauchy distribution.")  # fmt: skip
_filling("log_normal_", lambda source, a, mean=1.0, std=2.0: source.log_normal(a.shape, a.dtype, mean, std),
         "Fills with numbers whose logarithms are normally distributed.")  # fmt: skip


@method
def bernoulli(self: Tensor, p: float | None = None, *, generator: Generator | None = None) -> Tensor:
    """Ones with these probabilities (or `p`), else zeros."""
    return creation.bernoulli(self, p, generator=generator)


@method
def multinomial(self: Tensor, num_samples: int, replacement: bool = False, *, generator: Generator | None = None) -> Tensor:
    """Indices drawn with the (unnormalised) probabilities in each row."""
    return creation.multinomial(self, num_samples, replacement, generator=generator)
