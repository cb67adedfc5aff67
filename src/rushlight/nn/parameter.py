"""Tensors that a module owns: `Parameter` (trained) and `Buffer` (kept, not trained)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import rushlight
from rushlight.tensor import Tensor, _disabled_torch_function_impl, _TensorType, set_requires_grad

if TYPE_CHECKING:
    from typing import Any


class _ParameterMeta(_TensorType):
    """A tensor of another class counts as a parameter when it says so by `_is_param`."""

    def __instancecheck__(cls, instance: object) -> bool:
        if type.__instancecheck__(cls, instance):
            return True
        return cls is Parameter and isinstance(instance, Tensor) and getattr(instance, "_is_param", False)


class Parameter(Tensor, metaclass=_ParameterMeta):
    """A leaf tensor that a `Module` lists among its parameters when it is assigned as an attribute.

    Args:
        data: the tensor whose memory the parameter shares (nothing: an empty tensor).
        requires_grad: whether backward computes its gradient.
    """

    __torch_function__ = _disabled_torch_function_impl  # operations on parameters give plain tensors

    def __new__(cls, data: Tensor | None = None, requires_grad: bool = True) -> Parameter:
        if data is None:
            data = rushlight.empty(0)
        if type(data) in (Tensor, Parameter):
            return Tensor._make_subclass(cls, data.detach(), requires_grad)
        if not isinstance(data, Tensor):
            raise AttributeError(
                f"'{type(data).__name__}' object has no attribute 'detach': "
                "Parameter takes a Tensor; make one first, e.g. torch.tensor(data)"
            )
        parameter: Any = set_requires_grad(data.detach(), requires_grad)
        kind = type(parameter)
        if kind is not type(data):
            raise RuntimeError(
                f"Creating a Parameter from an instance of type {type(data).__name__} requires that detach() "
                f"returns an instance of the same type, but return type {kind.__name__} was found instead."
            )
        parameter._is_param = True
        return parameter

    def __copy__(self) -> Parameter:
        return type(self)(self.data, self.requires_grad)

    def __deepcopy__(self, memo: dict[int, Any]) -> Parameter:
        if id(self) not in memo:
            memo[id(self)] = type(self)(self.data.clone(), self.requires_grad)
        return memo[id(self)]

    # mypy takes the parameters of such methods for nameless.
    def __repr__(self, *, tensor_contents: str | None = None) -> str:  # type: ignore[override]
        return "Parameter containing:\n" + super().__repr__(tensor_contents=tensor_contents)  # type: ignore[call-arg]

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        from collections import OrderedDict

        from rushlight.methods import user_attributes

        hooks: OrderedDict = OrderedDict()  # PyTorch's form has it
        arguments = self.data, self.requires_grad, hooks
        state = user_attributes(self)
        return (_rebuild_parameter_with_state, (*arguments, state)) if state else (_rebuild_parameter, arguments)


def _rebuild_parameter(data: Tensor, requires_grad: bool, backward_hooks: Any) -> Parameter:
    return Parameter(data, requires_grad)


def _rebuild_parameter_with_state(data: Tensor, requires_grad: bool, backward_hooks: Any, state: Any) -> Parameter:
    parameter = Parameter(data, requires_grad)
    parameter.__dict__.update(state)
    return parameter


class _BufferMeta(_TensorType):
    """A buffer is an ordinary tensor with a mark."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, Tensor) and getattr(instance, "_is_buffer", False)


class Buffer(Tensor, metaclass=_BufferMeta):
    """A tensor that a `Module` lists among its buffers when it is assigned as an attribute.

    Args:
        data: the tensor whose memory the buffer shares (nothing: an empty tensor).
        persistent: whether it is part of the module's `state_dict`.
    """

    __torch_function__ = _disabled_torch_function_impl

    def __new__(cls, data: Tensor | None = None, *, persistent: bool = True) -> Any:
        if data is None:
            data = rushlight.empty(0)
        buffer: Any = set_requires_grad(data.detach(), data.requires_grad)
        buffer.persistent = persistent
        buffer._is_buffer = True
        return buffer
