"""The memory beneath tensors: storages, and the methods of Tensor that exchange or resize what it looks at."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from .arrays.memory import address, owner, resized, storage_view
from .autograd.graph import LEAF, Node, next_order, version_cell
from .autograd.modes import thread
from .dtypes import cpp_word
from .tensor import Tensor
from .warning import warn

if TYPE_CHECKING:
    from collections.abc import Callable


class UntypedStorage:
    """The memory beneath a tensor, as bytes."""

    def __init__(self, tensor: Tensor) -> None:
        self.array = owner(tensor._array)

    def data_ptr(self) -> int:
        """The address of the first byte."""
        return address(self.array)

    def nbytes(self) -> int:
        """The number of bytes."""
        return self.array.nbytes

    def size(self) -> int:
        """The number of elements, which are bytes here."""
        return self.nbytes()

    def __len__(self) -> int:
        return self.size()

    @property
    def _cdata(self) -> int:
        """A number that is the same for storages of the same memory."""
        return id(self.array)

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, UntypedStorage) and self.array is other.array

    def __hash__(self) -> int:
        return id(self.array)


class TypedStorage(UntypedStorage):
    """The memory beneath a tensor, as elements of the tensor's type."""

    def __init__(self, tensor: Tensor) -> None:
        super().__init__(tensor)
        self.dtype = tensor.dtype

    def size(self) -> int:
        """The number of elements."""
        return self.nbytes() // self.dtype.itemsize

    def untyped(self) -> UntypedStorage:
        """The same memory, as bytes."""
        storage = UntypedStorage.__new__(UntypedStorage)
        storage.array = self.array
        return storage


class NotDerived(Node):
    """Of an operation without derivative: a pass that comes here is refused."""

    __slots__ = ("operation",)

    def __init__(self, edge: Any, operation: str) -> None:
        self._order = next_order()
        self.edges = (edge,)
        self.spaces = None
        self.operation = operation

    def name(self) -> str:
        return "NotImplemented"

    def vjp(self, g: Any, keep: bool) -> tuple:
        raise RuntimeError(f"derivative for {self.operation} is not implemented")

    vjp_recorded = vjp


NotDerived.__name__ = NotDerived.__qualname__ = "NotImplemented"  # the type that PyTorch shows


def untyped_storage(self: Tensor) -> UntypedStorage:
    """The memory beneath this tensor, which views share."""
    return UntypedStorage(self)


def storage(self: Tensor) -> TypedStorage:
    """The memory beneath this tensor, which views share, as elements of its type."""
    warn(
        "TypedStorage is deprecated. It will be removed in the future and UntypedStorage will be the only storage class. This "
        "should only matter to you if you are using storages directly.  To access UntypedStorage directly, use "
        "tensor.untyped_storage() instead of tensor.storage()"
    )
    return TypedStorage(self)


def is_set_to(self: Tensor, tensor: Tensor) -> bool:
    """Whether both are the same elements of the same memory."""
    return (
        self.data_ptr() == tensor.data_ptr() and self.stride() == tensor.stride() and self._array.shape == tensor._array.shape
        and self.dtype is tensor.dtype
    )  # fmt: skip


def set_(self: Tensor, source: Any = None, storage_offset: int = 0, size: Any = None, stride: Any = None) -> Tensor:
    """Lets this tensor look at the memory of a tensor or storage: from `storage_offset`, in that shape, with those strides.

    By default in the shape of a tensor, or at all of a storage; without a source, at nothing. Raises RuntimeError for a tensor of
    another type, a leaf that requires grad, and a view beyond the memory.
    """
    from .autograd.inplace import check_writable

    check_writable(self)
    kind = self._array.dtype
    if source is None:
        array = np.empty(0, kind)
    elif isinstance(source, Tensor):
        if source.dtype is not self.dtype:
            raise RuntimeError(f"Could not set tensor of type {cpp_word(source.dtype)} to a tensor of type {cpp_word(self.dtype)}")
        array = source._array if size is None else placed(owner(source._array), storage_offset, size, stride)
    elif isinstance(source, UntypedStorage):
        whole = source.array.reshape(-1).view(kind)
        array = whole if size is None else placed(whole, storage_offset, size, stride)
    else:
        raise TypeError(f"set_() received an invalid combination of arguments - got ({type(source).__name__})")
    before = self._node if self._node is not None else source._node if isinstance(source, Tensor) else None
    self._array = array
    if before is not None and thread.grad_enabled:
        self._node = NotDerived(source if before is LEAF else before, "set_")
    version_cell(self).bump()
    return self


def placed(memory: Any, offset: int, size: Any, stride: Any) -> Any:
    """The part of a memory with these extents and strides, contiguous by default, in elements."""
    shape = tuple(size)
    steps = [prod(shape[i + 1 :]) for i in range(len(shape))] if stride is None else stride
    return storage_view(memory, shape, tuple(step * memory.itemsize for step in steps), offset * memory.itemsize)


def resize_(self: Tensor, *size: Any, memory_format: Any = None) -> Tensor:
    """Changes the shape to a contiguous one that begins at the same element. What lies there in memory is seen again; beyond the
    memory there is a larger copy of it, uninitialised at the end. Raises RuntimeError where grad is required.
    """
    from .autograd.inplace import check_inference
    from .creation import size_of

    if self._node is not None and not thread.inference:
        raise RuntimeError("cannot resize variables that require grad")
    check_inference(self)
    shape = size_of(size)
    if shape != self._array.shape:
        self._array = resized(self._array, shape)
        version_cell(self).bump()
    return self


def is_shared(self: Tensor) -> bool:
    """False: the memory belongs to this process."""
    return False


def share_memory_(self: Tensor) -> Tensor:
    """This tensor (threads share it anyway)."""
    return self


METHODS: dict[str, Callable] = {
    "untyped_storage": untyped_storage, "storage": storage, "is_set_to": is_set_to, "set_": set_, "resize_": resize_,
    "is_shared": is_shared, "share_memory_": share_memory_,
}  # fmt: skip


def swap_tensors(t1: Tensor, t2: Tensor) -> None:
    """Exchanges two tensors: class, memory, history, gradient and attributes; whoever holds one of them has the other's afterwards.

    Raises RuntimeError for tensors with weak references to them, and for classes with different slots.
    """
    import weakref

    for name, tensor in (("t1", t1), ("t2", t2)):
        if weakref.getweakrefs(tensor):
            raise RuntimeError(f"Cannot swap {name} because it has weakref associated with it")
    slots = [{slot for kind in type(one).__mro__ for slot in kind.__dict__.get("__slots__", ())} for one in (t1, t2)]
    if slots[0] != slots[1]:
        raise RuntimeError("Cannot swap t1 and t2 if they have different slots")
    t1.__class__, t2.__class__ = t2.__class__, t1.__class__
    for name in slots[0] - {"__weakref__"}:
        first, second = getattr(t1, name, None), getattr(t2, name, None)
        setattr(t1, name, second)
        setattr(t2, name, first)
