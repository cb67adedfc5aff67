"""From the registry to methods: what an op's declaration asks for is attached to Tensor."""

from __future__ import annotations

from importlib import import_module
from types import FunctionType
from typing import TYPE_CHECKING, Any

from ..autograd.inplace import inplace_form
from ..tensor import Tensor
from .kinds import registry

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


attached: set[str] = set()  # the ops whose methods Tensor has


def attach(families: Sequence[Any]) -> None:
    """Gives Tensor the methods, in-place methods and operators of the families of ops.

    What a declaration cannot say is in a family's `METHODS` (methods and properties by name) and `ALIASES` (more names by op).
    """
    fresh = [op for op in registry.values() if op.name not in attached]
    attached.update(op.name for op in fresh)
    for op in fresh:
        if op.method:
            setattr(Tensor, op.name, as_method(op.function, op.name))
        if op.inplace:
            setattr(Tensor, f"{op.name}_", inplace_form(op))
        if op.operator is not None:
            name, function = op.operator
            function.__name__ = function.__qualname__ = name
            setattr(Tensor, name, function)
            if op.inplace and op.result != "bool":
                setattr(Tensor, name.replace("__", "__i", 1), getattr(Tensor, f"{op.name}_"))
    for family in families:
        for name, member in getattr(family, "METHODS", {}).items():
            is_function = name in getattr(family, "__all__", ()) and getattr(family, name) is member
            setattr(Tensor, name, as_method(member, name) if is_function else member)
        for name, names in getattr(family, "ALIASES", {}).items():
            alias_of(name, *names)


def alias_of(op_name: str, *names: str) -> None:
    """Further names of an op's method and in-place method."""
    function = getattr(Tensor, op_name)
    changed: Any = getattr(Tensor, f"{op_name}_", None)
    for name in names:
        setattr(Tensor, name, as_method(function, name))
        if changed is not None:
            setattr(Tensor, f"{name}_", as_method(changed, f"{name}_"))


def as_method(member: Any, name: str) -> Any:
    """A function as the method of that name: another one of the same code, so that `torch.add` and `Tensor.add` are told apart.

    A property is returned as it is.
    """
    if type(member) is not FunctionType:
        return member
    method = FunctionType(member.__code__, member.__globals__, name, member.__defaults__, member.__closure__)
    method.__kwdefaults__, method.__doc__, method.__annotations__ = member.__kwdefaults__, member.__doc__, member.__annotations__
    method.__dict__.update(member.__dict__)
    if "forms" in method.__dict__:
        method.forms.append(method)  # type: ignore[attr-defined]
    return method


def load(family: str) -> Any:
    """Loads a family of ops, and gives Tensor its methods."""
    module = import_module(f".{family}", __package__)
    attach([module])
    return module


def attach_on_demand(names: dict[str, tuple[str, ...]]) -> None:
    """Gives Tensor methods that load their family when they are first called."""
    for family, methods in names.items():
        for name in methods:
            setattr(Tensor, name, loading_method(family, name))


def loading_method(family: str, name: str) -> Callable:
    """A method that stands in for the real one until it is called."""

    def method(self: Tensor, *args: Any, **kwargs: Any) -> Any:
        load(family)
        return getattr(self, name)(*args, **kwargs)

    method.__name__ = method.__qualname__ = name
    return method
