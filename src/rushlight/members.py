"""Tensor's methods and properties in the form that hands calls to `__torch_function__`.

Subclasses inherit them from a class between Tensor and them. While a mode is on, Tensor itself has them, so that the mode sees
`x.shape` and tells `x.add(y)` from `torch.add(x, y)`; plain tensors without a mode pay for nothing of this.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .autograd.modes import thread
from .overrides import call_overrides
from .tensor import Tensor, _TensorType, plain_types

# What is Python's own business, or ours.
UNTOUCHED = frozenset((
    "__new__", "__init__", "__init_subclass__", "__hash__", "__iter__", "__torch_function__", "__getattribute__",
    "__setattr__", "__delattr__", "__array_ufunc__", "__array_function__", "__setstate__", "as_subclass", "__class__",
))  # fmt: skip

# Operators that PyTorch reports under the name of a method.
METHOD_OF_OPERATOR = {
    "__add__": "add", "__radd__": "add", "__sub__": "sub", "__mul__": "mul", "__rmul__": "mul", "__truediv__": "div",
    "__mod__": "remainder", "__matmul__": "matmul", "__neg__": "neg", "__pos__": "positive", "__abs__": "abs",
    "__ne__": "ne", "__lt__": "lt", "__le__": "le", "__gt__": "gt", "__ge__": "ge",
}  # fmt: skip

BINARY_OPERATORS = frozenset(
    f"__{prefix}{name}__"
    for name in ("add", "sub", "mul", "truediv", "div", "floordiv", "mod", "pow", "matmul", "and", "or", "xor", "lshift", "rshift")
    for prefix in ("", "r")
)

hidden: dict[str, Any] = {}  # while a mode is on: Tensor's own members, in whose places the others stand
_blocks = 0  # how many blocks of modes are open, in all threads
_members: dict[str, Any] = {}
_between: Any = None


def own_members() -> dict[str, Any]:
    """Tensor's own members, whether or not others stand in their places."""
    return {**vars(Tensor), **hidden}


def own_member(name: str) -> Any:
    """One of Tensor's own members."""
    return hidden[name] if name in hidden else vars(Tensor)[name]


def operator_method(name: str) -> Callable:
    """The method that stands for an operator."""
    return own_member(METHOD_OF_OPERATOR.get(name, name))


def _method(function: Callable, find: Callable[[], Callable], operator: bool = False) -> Callable:
    """A method that hands calls of the one that `find` finds anew each time to `__torch_function__`."""
    import functools

    @functools.wraps(function)
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        modes = thread.functions
        if (modes and modes[-1].sees_members) or (type(self) not in plain_types and not thread.subclasses_disabled):
            return call_overrides(find(), (self, *args), kwargs, None, operator)
        return find()(self, *args, **kwargs)

    return method


def _property(prop: Any) -> property:
    accessors = [prop.__get__, None if prop.fset is None else prop.__set__, None if prop.fdel is None else prop.__delete__]
    get, put, delete = (None if one is None else _method(one, lambda one=one: one) for one in accessors)  # type: ignore[misc]
    return property(get, put, delete, prop.__doc__)


def members() -> dict[str, Any]:
    """The methods and properties that go through `__torch_function__`, by name."""
    if _members:
        return _members
    from .ops.kinds import registry

    # These operators ask by themselves. In a subclass they would look overloaded, and Python would ask the right operand first.
    alone = {id(op.operator[1]) for op in registry.values() if op.operator}
    for name, value in vars(Tensor).items():
        private = name.startswith("_") and not name.startswith("__") and name != "_version"
        if name in UNTOUCHED or private or id(value) in alone:
            continue
        if isinstance(value, property):
            _members[name] = _property(value)
        elif callable(value) and not isinstance(value, type):
            if name.startswith("__") and not hasattr(Tensor, value.__name__):
                value.__name__ = name  # what a handler asks for
            public = METHOD_OF_OPERATOR.get(name, name)
            _members[name] = _method(value, lambda public=public: own_member(public), name in BINARY_OPERATORS)  # type: ignore[misc]
    return _members


def with_overriding_base(bases: tuple[type, ...]) -> tuple[type, ...]:
    """A subclass's bases, among them the class whose members go through `__torch_function__`."""
    global _between
    if _between is None:
        namespace = {"__slots__": (), "__module__": Tensor.__module__, **members()}
        _between = type.__new__(_TensorType, "Tensor", (Tensor,), namespace)
    if any(issubclass(base, _between) for base in bases):
        return bases
    if Tensor in bases:
        return tuple(_between if base is Tensor else base for base in bases)
    return (*bases, _between)


def open_block() -> None:
    """Lets modes see the members of plain tensors."""
    global _blocks
    _blocks += 1
    if _blocks == 1:
        for name, member in members().items():
            hidden[name] = vars(Tensor)[name]
            setattr(Tensor, name, member)
        _TensorType.__getattribute__ = _seen_from_outside  # type: ignore[method-assign, assignment]


def close_block() -> None:
    """Gives Tensor its own members back, when no block of a mode is left."""
    global _blocks
    _blocks -= 1
    if not _blocks:
        del _TensorType.__getattribute__
        for name, member in _members.items():
            if vars(Tensor)[name] is member:  # otherwise a family of ops was loaded meanwhile
                setattr(Tensor, name, hidden[name])
        hidden.clear()


def _seen_from_outside(cls: Any, name: str) -> Any:
    """`torch.Tensor.add` is the function that handlers are given, also while another stands in its place."""
    found = type.__getattribute__(cls, name)
    return hidden[name] if cls is Tensor and found is _members.get(name, hidden) else found
