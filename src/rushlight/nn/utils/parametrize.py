"""Parameters computed from other parameters: `register_parametrization` puts a function between the two."""

from __future__ import annotations

import copy
from contextlib import suppress
from typing import TYPE_CHECKING

import rushlight
from rushlight.nn.modules.container import ModuleDict, ModuleList
from rushlight.nn.modules.module import Module
from rushlight.nn.parameter import Parameter
from rushlight.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

__all__ = [
    "ParametrizationList",
    "cached",
    "is_parametrized",
    "register_parametrization",
    "remove_parametrizations",
    "transfer_parametrizations_and_params",
    "type_before_parametrizations",
]

_cache: dict[tuple[int, str], Tensor] | None = None  # None outside `cached`
_depth = 0


class cached:  # noqa: N801  (PyTorch's name)
    """A context in which each parametrized tensor is computed once."""

    def __enter__(self) -> None:
        global _cache, _depth
        _depth += 1
        if _cache is None:
            _cache = {}

    def __exit__(self, *error: object) -> None:
        global _cache, _depth
        _depth -= 1
        if _depth == 0:
            _cache = None


class ParametrizationList(ModuleList):
    """The functions of one tensor, applied in order to `original` (or to `original0`, `original1`, ...)."""

    def __init__(self, modules: list[Module], original: Tensor, unsafe: bool = False) -> None:
        super().__init__(modules)
        self.unsafe = unsafe
        value: Any = original
        with rushlight.no_grad(), suppress(NotImplementedError):  # without an inverse the functions start from what there is
            for module in reversed(modules):
                if hasattr(module, "right_inverse"):
                    value = module.right_inverse(value)
        self.is_tensor = isinstance(value, Tensor)
        self.ntensors = 1 if self.is_tensor else len(value)
        for name, part in zip(self._names(), [value] if self.is_tensor else value, strict=True):
            if isinstance(original, Parameter):
                keep = self.is_tensor and part.shape == original.shape
                if keep:  # the optimizer may know the parameter already
                    original.data = part.detach()
                setattr(self, name, original if keep else Parameter(part.detach(), original.requires_grad))
            else:
                self.register_buffer(name, part)

    def _names(self) -> list[str]:
        return ["original"] if self.is_tensor else [f"original{place}" for place in range(self.ntensors)]

    def originals(self) -> list[Tensor]:
        """The tensors that the functions start from."""
        return [getattr(self, name) for name in self._names()]

    def right_inverse(self, value: Tensor) -> None:
        """Set the originals so that the functions give `value`."""
        with rushlight.no_grad():
            for module in reversed(list(self)):
                if not hasattr(module, "right_inverse"):
                    raise RuntimeError(
                        f"parametrization {type(module).__name__} does not implement right_inverse."
                    )
                value = module.right_inverse(value)
            for original, part in zip(self.originals(), [value] if self.is_tensor else value, strict=True):
                original.data = part.detach()

    def forward(self) -> Tensor:
        modules = iter(self)
        value = next(modules)(*self.originals())
        for module in modules:
            value = module(value)
        return value


def _property(name: str) -> property:
    def get(self: Module) -> Tensor:
        if _cache is None:
            return self.parametrizations[name]()
        key = (id(self), name)
        if key not in _cache:
            _cache[key] = self.parametrizations[name]()
        return _cache[key]

    def put(self: Module, value: Tensor) -> None:
        self.parametrizations[name].right_inverse(value)

    return property(get, put)


def _make_class(module: Module) -> None:
    """Give the module a class of its own, on which properties can be set."""
    kind = type(module)

    def refuse(self: Module) -> None:
        raise RuntimeError(
            "Serialization of parametrized modules is only supported through state_dict(). See torch.nn.Module."
        )

    def deepcopy(self: Module, memo: dict[int, Any]) -> Module:
        if id(self) not in memo:
            twin = self.__new__(type(self))
            memo[id(self)] = twin
            twin.__dict__ = copy.deepcopy(self.__dict__, memo)
        return memo[id(self)]

    members = {"__getstate__": refuse, "__deepcopy__": deepcopy}
    module.__class__ = type(f"Parametrized{kind.__name__}", (kind,), members)


def register_parametrization(
    module: Module, tensor_name: str, parametrization: Module, *, unsafe: bool = False
) -> Module:
    """Make the attribute `tensor_name` of `module` the result of `parametrization` of what it was.

    The former tensor becomes `module.parametrizations[tensor_name].original`, after `right_inverse` if the
    parametrization defines it. Several may be registered; each is applied to the result of the one before.

    Raises:
        ValueError: if there is no such tensor, or the shape or dtype would change (unless `unsafe`).
    """
    parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        if not unsafe:
            _check_same(getattr(module, tensor_name), parametrization, tensor_name)
        functions = module.parametrizations[tensor_name]
        functions.append(parametrization)
        functions.unsafe |= unsafe
    elif tensor_name in module._parameters or tensor_name in module._buffers:
        original = getattr(module, tensor_name)
        shape, dtype = original.shape, original.dtype
        functions = ParametrizationList([parametrization], original, unsafe)
        if not unsafe:
            with rushlight.no_grad():
                _check_result(functions(), shape, dtype, tensor_name)
        delattr(module, tensor_name)
        if not is_parametrized(module):
            _make_class(module)
            module.parametrizations = ModuleDict()
        setattr(type(module), tensor_name, _property(tensor_name))
        module.parametrizations[tensor_name] = functions
    else:
        raise ValueError(
            f"Module '{module}' does not have a parameter, a buffer, or a parametrized element "
            f"with name '{tensor_name}'"
        )
    return module


def _check_same(value: Tensor, parametrization: Module, name: str) -> None:
    with rushlight.no_grad():
        _check_result(parametrization(value), value.shape, value.dtype, name)


def _check_result(result: Any, shape: Any, dtype: Any, name: str) -> None:
    if not isinstance(result, Tensor):
        raise ValueError(f"A parametrization must return a tensor. Got {type(result).__name__}.")
    if result.dtype != dtype:
        raise ValueError(
            f"Registering a parametrization may not change the dtype of the tensor, unless `unsafe` flag is "
            f"enabled. module.{name}: {dtype}, parametrized: {result.dtype}"
        )
    if result.shape != shape:
        raise ValueError(
            f"Registering a parametrization may not change the shape of the tensor, unless `unsafe` flag is "
            f"enabled. module.{name}: {shape}, parametrized: {result.shape}"
        )


def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    """Whether the module has a parametrized tensor (of that name)."""
    functions = getattr(module, "parametrizations", None)
    if functions is None or not isinstance(functions, ModuleDict):
        return False
    return len(functions) > 0 if tensor_name is None else tensor_name in functions


def remove_parametrizations(module: Module, tensor_name: str, leave_parametrized: bool = True) -> Module:
    """Undo `register_parametrization`: the attribute is a parameter again, with its present value.

    With `leave_parametrized=False` it has the original's value instead.
    """
    if not is_parametrized(module, tensor_name):
        raise ValueError(f"Module {module} does not have a parametrization on {tensor_name}")
    functions = module.parametrizations[tensor_name]
    originals = functions.originals()
    if leave_parametrized:
        with rushlight.no_grad():
            value = functions()
        if functions.is_tensor:
            originals[0].data = value.detach()
            value = originals[0]
        elif isinstance(originals[0], Parameter):
            value = Parameter(value.detach(), any(original.requires_grad for original in originals))
    elif functions.is_tensor:
        value = originals[0]
    else:
        raise ValueError(
            "Cannot leave unparametrized (`leave_parametrized=False`) a tensor that is parametrized in terms of a "
            "sequence of tensors."
        )
    del module.parametrizations[tensor_name]
    delattr(type(module), tensor_name)
    if not module.parametrizations:
        del module.parametrizations
        module.__class__ = type(module).__bases__[0]
    if isinstance(value, Parameter):
        module.register_parameter(tensor_name, value)
    else:
        module.register_buffer(tensor_name, value)
    return module


def type_before_parametrizations(module: Module) -> type:
    """The module's class without its parametrizations."""
    return type(module).__bases__[0] if is_parametrized(module) else type(module)


def _names(module: Module, tensor_name: str | None) -> Iterator[str]:
    return iter([tensor_name] if tensor_name is not None else list(module.parametrizations))


def transfer_parametrizations_and_params(
    from_module: Module, to_module: Module, tensor_name: str | None = None
) -> Module:
    """Give `to_module` the parametrizations of `from_module`, and the parameters behind them."""
    if not is_parametrized(from_module):
        return to_module
    for name in _names(from_module, tensor_name):
        if not hasattr(to_module, name):
            setattr(to_module, name, Parameter(getattr(from_module, name).detach().clone()))
        for function in from_module.parametrizations[name]:
            register_parametrization(to_module, name, function)
        source, target = from_module.parametrizations[name], to_module.parametrizations[name]
        for mine, theirs in zip(target.originals(), source.originals(), strict=True):
            mine.data = theirs.data
    return to_module
