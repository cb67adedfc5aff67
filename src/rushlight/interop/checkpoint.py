"""The pickles within PyTorch's checkpoints: written under PyTorch's names, and read by an interpreter that runs no code of theirs.

A checkpoint is a zip file. `data.pkl` in it describes the objects; a tensor there is a call of one of the functions below, by
PyTorch's name, on a storage, which stands for an entry `data/0`, `data/1`, ... of the zip file.
"""

from __future__ import annotations

import pickle
import sys
from collections import Counter, OrderedDict
from collections.abc import Callable
from types import FunctionType
from typing import Any

import numpy as np

from .. import devices, dtypes
from ..arrays.basic import unmirrored
from ..arrays.memory import address, owner
from ..methods import INTERNAL, user_attributes
from ..nn import parameter
from ..tensor import Size, Tensor, recast, wrap
from ..utils.hooks import warn_if_has_hooks


class StorageType:
    """PyTorch's class of a storage; `dtype` is None for untyped memory."""

    def __init__(self, name: str, dtype: Any) -> None:
        self.name, self.dtype = name, dtype


TYPED = {
    kind: StorageType(f"{name}Storage", kind)
    for name, kind in {
        "Float": dtypes.float32, "Double": dtypes.float64, "Half": dtypes.float16,
        "BFloat16": dtypes.bfloat16, "Long": dtypes.int64,
        "Int": dtypes.int32, "Short": dtypes.int16, "Char": dtypes.int8, "Byte": dtypes.uint8, "Bool": dtypes.bool,
        "ComplexFloat": dtypes.complex64, "ComplexDouble": dtypes.complex128,
    }.items()
}  # fmt: skip
UNTYPED = StorageType("UntypedStorage", None)


class Storage:
    """The memory of tensors in a checkpoint: bytes, and the type that the checkpoint gives it."""

    def __init__(self, memory: np.ndarray, kind: StorageType, key: str) -> None:
        self.memory, self.kind, self.key = memory, kind, key


# --- PyTorch's functions, that a checkpoint names ---------------------------------------------------------------------------------


def rebuild_tensor(
    storage: Storage, offset: int, size: tuple, stride: tuple, requires_grad: bool = False, hooks: Any = None, metadata: Any = None
) -> Tensor:
    """A tensor on a typed storage; offset and strides count elements."""
    return rebuild_typed_tensor(storage, offset, size, stride, requires_grad, hooks, storage.kind.dtype)


def rebuild_typed_tensor(
    storage: Storage, offset: int, size: tuple, stride: tuple, requires_grad: bool, hooks: Any, dtype: Any, metadata: Any = None
) -> Tensor:
    """A tensor of the given type on a storage. Raises UnpicklingError where it would leave the storage."""
    kind = dtypes.numpy_type(dtype)
    steps = tuple(step * kind.itemsize for step in stride)
    if any(extent < 0 for extent in size) or any(step < 0 for step in steps) or offset < 0:
        raise pickle.UnpicklingError(f"a tensor of size {list(size)}, strides {list(stride)} and offset {offset} cannot be")
    reach = offset * kind.itemsize + sum((extent - 1) * step for extent, step in zip(size, steps, strict=True)) + kind.itemsize
    if 0 in size:
        array = np.empty(size, kind)
    elif reach > storage.memory.size:
        raise pickle.UnpicklingError(
            f"a tensor of size {list(size)} and strides {list(stride)} needs a storage of {reach} "
            f"bytes, and entry data/{storage.key} has {storage.memory.size}: the file is damaged"
        )
    else:
        array = np.ndarray(tuple(size), kind, storage.memory, offset * kind.itemsize, steps)
    tensor = wrap(array)
    return tensor.requires_grad_(True) if requires_grad else tensor


def rebuild_with_state(function: Callable, kind: type, args: tuple, state: Any) -> Tensor:
    """A tensor of a subclass, or one with attributes of the user's own."""
    tensor = function(*args)
    if kind is not type(tensor):
        tensor = recast(tensor, kind)
    if isinstance(state, tuple):  # for the dictionary, and for slots
        state = {**(state[0] or {}), **(state[1] or {})}
    set_attributes(tensor, state)
    return tensor


def set_attributes(tensor: Tensor, state: dict | None) -> None:
    """Hangs on a tensor what a user had hung on it; what is ours a file cannot set."""
    tensor.__dict__.update({name: value for name, value in (state or {}).items() if name not in INTERNAL})


def layout(name: str) -> devices.layout:
    """The layout of that name."""
    if name != "torch.strided":
        raise pickle.UnpicklingError(f"layout {name} is not there")
    return devices.strided


def latin_bytes(text: str, encoding: str) -> bytes:
    """Bytes, as the old pickle protocols write them."""
    return text.encode(encoding)


def number_type(name: str, align: bool = False, copy: bool = False) -> np.dtype:
    """NumPy's type of that name. Raises UnpicklingError unless it is one of numbers."""
    kind = np.dtype(name)
    if kind.kind not in "biufc":
        raise pickle.UnpicklingError(f"NumPy arrays of type {kind} are not read")
    return kind


KNOWN: dict[str, Any] = {
    "torch._utils._rebuild_tensor": rebuild_tensor,
    "torch._utils._rebuild_tensor_v2": rebuild_tensor,
    "torch._utils._rebuild_tensor_v3": rebuild_typed_tensor,
    "torch._utils._rebuild_parameter": parameter._rebuild_parameter,
    "torch._utils._rebuild_parameter_with_state": parameter._rebuild_parameter_with_state,
    "torch._tensor._rebuild_from_type_v2": rebuild_with_state,
    "torch.serialization._get_layout": layout,
    "torch.Tensor": Tensor,
    "torch.Size": Size,
    "torch.device": devices.device,
    "torch.nn.parameter.Parameter": parameter.Parameter,
    "torch.storage.UntypedStorage": UNTYPED,
    "collections.OrderedDict": OrderedDict,
    "collections.Counter": Counter,
    "builtins.set": set,
    "builtins.frozenset": frozenset,
    "builtins.complex": complex,
    "builtins.bytearray": bytearray,
    "_codecs.encode": latin_bytes,
    **{f"torch.{kind.name}": kind for kind in dtypes.ALL.values()},
    **{f"torch.{kind.name}": kind for kind in TYPED.values()},
    **{f"torch.cuda.{kind.name}": kind for kind in TYPED.values()},
}
NAMES = {id(value): name for name, value in KNOWN.items() if "cuda" not in name and not name.endswith("_rebuild_tensor")}
OLD_MODULES = {"__builtin__": "builtins", "copy_reg": "copyreg"}


# --- writing ----------------------------------------------------------------------------------------------------------------------


class Pickler(pickle._Pickler):  # type: ignore[name-defined]  # the one in Python: only there can a class be written under another name
    """Writes objects; `storages` are the memories found, by key."""

    def __init__(self, file: Any, protocol: int) -> None:
        super().__init__(file, protocol)
        self.storages: dict[str, np.ndarray] = {}
        self.found: dict[tuple, Storage] = {}

    def save_global(self, obj: Any, name: str | None = None) -> None:
        """Writes the name of a class or function: PyTorch's, where it is ours."""
        known = NAMES.get(id(obj))
        if known is None and getattr(obj, "__module__", "").partition(".")[0] != __package__.partition(".")[0]:
            super().save_global(obj, name)  # type: ignore[misc]
            return
        if known is None:
            known = f"torch.{obj.__module__.partition('.')[2]}.{name or obj.__qualname__}"
        module, _, name = known.rpartition(".")
        if module == "builtins" and self.proto < 3:
            module = "__builtin__"
        self.write(pickle.GLOBAL + f"{module}\n{name}\n".encode())
        self.memoize(obj)

    dispatch = {**pickle._Pickler.dispatch, FunctionType: save_global}  # type: ignore[dict-item]

    def persistent_id(self, obj: Any) -> Any:
        """What stands for a storage."""
        if not isinstance(obj, Storage):
            return None
        size = obj.memory.size if obj.kind is UNTYPED else obj.memory.size // obj.kind.dtype.itemsize
        return "storage", obj.kind, obj.key, "cpu", size

    def reducer_override(self, obj: Any) -> Any:
        """How our own kinds of object are written."""
        if isinstance(obj, (StorageType, dtypes.dtype)):
            return obj.name
        if isinstance(obj, devices.device):
            return devices.device, (obj.type,) if obj.index is None else (obj.type, obj.index)
        if isinstance(obj, devices.layout):
            return layout, (str(obj),)
        if not isinstance(obj, Tensor):
            return NotImplemented
        if type(obj) is parameter.Parameter:
            return obj.__reduce_ex__(2)
        function, args = self.reduced(obj)
        state = user_attributes(obj)
        if type(obj) is Tensor and not state:
            return function, args
        return rebuild_with_state, (function, type(obj), args, state)

    def reduced(self, tensor: Tensor) -> tuple:
        """The function that rebuilds a plain tensor, and its arguments."""
        warn_if_has_hooks(tensor)
        array, dtype = unmirrored(tensor._array), tensor.dtype
        whole = owner(array)
        memory = memory_of(whole)
        if memory is None:
            array = whole = array.copy()
            memory = memory_of(whole)
        kind = TYPED.get(dtype, UNTYPED)
        storage = self.found.get((id(whole), kind))
        if storage is None:
            storage = self.found[id(whole), kind] = Storage(memory, kind, str(len(self.found)))  # type: ignore[arg-type]
            storage.whole = whole  # type: ignore[attr-defined]  # alive as long as its id is a key
            self.storages[storage.key] = memory  # type: ignore[assignment]
        offset = (address(array) - address(whole)) // array.itemsize if array.size else 0
        strides = wrap(array).stride()
        common: tuple = storage, offset, tuple(array.shape), strides, tensor._node is not None, OrderedDict()
        return (rebuild_typed_tensor, (*common, dtype)) if kind is UNTYPED else (rebuild_tensor, common)


def memory_of(array: np.ndarray) -> np.ndarray | None:
    """The bytes of an array that owns its memory, None where they do not lie side by side."""
    in_order = array.transpose(sorted(range(array.ndim), key=lambda dim: -array.strides[dim]))
    return in_order.reshape(-1).view(np.uint8) if in_order.flags.c_contiguous else None


# --- reading ----------------------------------------------------------------------------------------------------------------------

MARK = object()
# Opcodes whose argument is the object itself.
CONSTANTS = frozenset((
    "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT", "UNICODE", "BINUNICODE",
    "SHORT_BINUNICODE", "BINUNICODE8", "STRING", "BINSTRING", "SHORT_BINSTRING",
    "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8",
))  # fmt: skip


class Unpickler:
    """Reads a pickle by the opcodes that data needs; only what `find` knows can be called.

    `load_storage(key, storage type, location)` gives the storages.
    """

    def __init__(self, find: Callable[[str], Any], load_storage: Callable) -> None:
        self.find = find
        self.load_storage = load_storage
        self.callables: list[Any] = []
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def load(self, data: bytes) -> Any:
        """The object that was pickled. Raises UnpicklingError for anything that is not allowed."""
        from pickletools import genops

        for opcode, argument, _ in genops(data):
            name = opcode.name
            if name in CONSTANTS:
                self.stack.append(argument)
            elif name == "STOP":
                return self.stack.pop()
            elif name not in ("PROTO", "FRAME"):
                step = getattr(self, f"do_{name.lower()}", None)
                if step is None:
                    raise pickle.UnpicklingError(f"Unsupported operand {ord(opcode.code)} ({name})")
                step(argument)
        raise pickle.UnpicklingError("the pickle ends without an object")

    def pop_to_mark(self) -> list:
        """Everything above the last mark, taken from the stack with it."""
        place = len(self.stack) - 1
        while self.stack[place] is not MARK:
            place -= 1
        found = self.stack[place + 1 :]
        del self.stack[place:]
        return found

    def do_none(self, _: Any) -> None:
        self.stack.append(None)

    def do_newtrue(self, _: Any) -> None:
        self.stack.append(True)

    def do_newfalse(self, _: Any) -> None:
        self.stack.append(False)

    def do_mark(self, _: Any) -> None:
        self.stack.append(MARK)

    def do_pop(self, _: Any) -> None:
        self.stack.pop()

    def do_pop_mark(self, _: Any) -> None:
        self.pop_to_mark()

    def do_dup(self, _: Any) -> None:
        self.stack.append(self.stack[-1])

    def do_empty_list(self, _: Any) -> None:
        self.stack.append([])

    def do_empty_dict(self, _: Any) -> None:
        self.stack.append({})

    def do_empty_set(self, _: Any) -> None:
        self.stack.append(set())

    def do_empty_tuple(self, _: Any) -> None:
        self.stack.append(())

    def do_list(self, _: Any) -> None:
        self.stack.append(self.pop_to_mark())

    def do_tuple(self, _: Any) -> None:
        self.stack.append(tuple(self.pop_to_mark()))

    def do_frozenset(self, _: Any) -> None:
        self.stack.append(frozenset(self.pop_to_mark()))

    def do_dict(self, _: Any) -> None:
        items = self.pop_to_mark()
        self.stack.append(dict(zip(items[::2], items[1::2], strict=True)))

    def do_tuple1(self, _: Any) -> None:
        self.stack[-1:] = [tuple(self.stack[-1:])]

    def do_tuple2(self, _: Any) -> None:
        self.stack[-2:] = [tuple(self.stack[-2:])]

    def do_tuple3(self, _: Any) -> None:
        self.stack[-3:] = [tuple(self.stack[-3:])]

    def do_append(self, _: Any) -> None:
        value = self.stack.pop()
        self.container(list).append(value)

    def do_appends(self, _: Any) -> None:
        values = self.pop_to_mark()
        self.container(list).extend(values)

    def do_additems(self, _: Any) -> None:
        values = self.pop_to_mark()
        self.container(set).update(values)

    def do_setitem(self, _: Any) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self.container(dict)[key] = value

    def do_setitems(self, _: Any) -> None:
        items = self.pop_to_mark()
        self.container(dict).update(zip(items[::2], items[1::2], strict=True))

    def container(self, kind: type) -> Any:
        """What is on top of the stack, if it is a list, set or dictionary as wanted."""
        if not isinstance(self.stack[-1], kind):
            raise pickle.UnpicklingError(f"Can only add elements to a {kind.__name__}, not to {type(self.stack[-1])}")
        return self.stack[-1]

    def do_put(self, index: int) -> None:
        self.memo[index] = self.stack[-1]

    do_binput = do_long_binput = do_put

    def do_memoize(self, _: Any) -> None:
        self.memo[len(self.memo)] = self.stack[-1]

    def do_get(self, index: int) -> None:
        self.stack.append(self.memo[index])

    do_binget = do_long_binget = do_get

    def do_global(self, names: str) -> None:
        module, name = names.split(" ", 1)
        found = self.find(f"{OLD_MODULES.get(module, module)}.{name}")
        self.callables.append(found)
        self.stack.append(found)

    def do_stack_global(self, _: Any) -> None:
        name, module = self.stack.pop(), self.stack.pop()
        self.do_global(f"{module} {name}")

    def allowed(self, function: Any) -> Any:
        """The function itself, if `find` gave it; calling any other value is refused."""
        if not any(function is one for one in self.callables):
            raise pickle.UnpicklingError(f"Trying to call reduce for unrecognized function {function}")
        return function

    def do_reduce(self, _: Any) -> None:
        args, function = self.stack.pop(), self.stack.pop()
        self.stack.append(self.allowed(function)(*args))

    def do_newobj(self, _: Any) -> None:
        args, kind = self.stack.pop(), self.stack.pop()
        self.stack.append(self.allowed(kind).__new__(kind, *args))

    def do_newobj_ex(self, _: Any) -> None:
        options, args, kind = self.stack.pop(), self.stack.pop(), self.stack.pop()
        self.stack.append(self.allowed(kind).__new__(kind, *args, **options))

    def do_build(self, _: Any) -> None:
        state, target = self.stack.pop(), self.stack[-1]
        if not any(type(target) is one for one in self.callables) and not isinstance(target, (Tensor, OrderedDict, np.dtype)):
            raise pickle.UnpicklingError(
                f"Can only build Tensor, Parameter, OrderedDict or types allowlisted, but got {type(target)}"
            )
        if isinstance(target, Tensor):
            set_attributes(target, state)
            return
        if isinstance(target, np.dtype):  # made complete already; the state tells the order of bytes
            if state[1] not in ("|", "=", "<" if sys.byteorder == "little" else ">"):
                raise pickle.UnpicklingError("NumPy arrays of another byte order are not read")
            return
        if hasattr(target, "__setstate__"):
            target.__setstate__(state)
            return
        slots = None
        if isinstance(state, tuple) and len(state) == 2:
            state, slots = state
        target.__dict__.update(state or {})
        for name, value in (slots or {}).items():
            setattr(target, name, value)

    def do_binpersid(self, _: Any) -> None:
        mark, kind, key, location, _ = self.stack.pop()
        if mark != "storage" or not isinstance(kind, StorageType):
            raise pickle.UnpicklingError(f"Only persistent_load of storage is allowed, but got {mark}")
        self.stack.append(self.load_storage(key, kind, location))
