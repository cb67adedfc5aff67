"""Tensors that a module owns: `Parameter` (trained) and `Buffer` (kept, not trained), and those that have no shape yet."""

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


# --- without a shape --------------------------------------------------------------------------------------------------------------

# What may be done with a tensor that has no shape yet, by the names of methods; properties are read by `__get__`.
_ALLOWED = frozenset((
    "__get__", "__set__", "__hash__", "copy_", "to", "half", "float", "double", "char", "short", "int", "long", "bfloat16", "cpu",
    "cuda", "share_memory_", "requires_grad_", "is_floating_point", "is_complex", "is_cuda",
))  # fmt: skip


class _Uninitialized(Tensor):
    """A tensor that gets its shape by `materialize`; until then it can be moved and converted only."""

    cls_to_become: type = Tensor

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = getattr(func, "__name__", str(func))
        if name not in _ALLOWED:
            raise ValueError(
                f"Attempted to use an uninitialized parameter in {name}. This error happens when you are using a `LazyModule` or "
                "explicitly manipulating `torch.nn.parameter.UninitializedParameter` objects. When using LazyModules Call "
                "`forward` with a dummy batch to initialize the parameters before calling torch functions"
            )
        return Tensor.__torch_function__.__func__(cls, func, types, args, kwargs or {})  # type: ignore[attr-defined]

    def materialize(self, shape: Any, device: Any = None, dtype: Any = None) -> None:
        """Gives the tensor memory of that shape, uninitialised; it becomes a `cls_to_become`."""
        dtype = self.dtype if dtype is None else dtype
        self.data = rushlight.empty(tuple(shape), device=device, dtype=dtype)
        self.__class__ = self.cls_to_become  # type: ignore[assignment]

    @property
    def shape(self) -> Any:  # type: ignore[override]
        raise RuntimeError(
            "Can't access the shape of an uninitialized parameter or buffer. This error usually happens in `load_state_dict` when "
            "trying to load an uninitialized parameter into an initialized one. Call `forward` to initialize the parameters before "
            "accessing their attributes."
        )

    def share_memory_(self) -> Any:
        raise RuntimeError(
            "Can't share memory on an uninitialized parameter or buffer. Call `forward` to initialize the parameters before "
            "calling `module.share_memory()`."
        )

    def __repr__(self, *, tensor_contents: str | None = None) -> str:  # type: ignore[override]
        return f"<{type(self).__name__}>"


class UninitializedParameter(_Uninitialized, Parameter):  # type: ignore[misc]
    """A `Parameter` whose shape is not known yet."""

    cls_to_become = Parameter

    def __new__(cls, requires_grad: bool = True, device: Any = None, dtype: Any = None) -> Any:  # type: ignore[misc]
        return Tensor._make_subclass(cls, rushlight.empty(0, device=device, dtype=dtype), requires_grad)

    def __deepcopy__(self, memo: dict[int, Any]) -> UninitializedParameter:
        if id(self) not in memo:
            memo[id(self)] = type(self)(self.requires_grad, dtype=self.data.dtype)
        return memo[id(self)]

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return UninitializedParameter, (self.requires_grad, None, self.dtype)


class UninitializedBuffer(_Uninitialized):
    """A buffer whose shape is not known yet."""

    cls_to_become = Tensor

    def __new__(
        cls, requires_grad: bool = False, device: Any = None, dtype: Any = None, persistent: bool = True
    ) -> Any:
        buffer: Any = Tensor._make_subclass(cls, rushlight.empty(0, device=device, dtype=dtype), requires_grad)
        buffer.persistent = persistent
        buffer._is_buffer = True
        return buffer

    def __deepcopy__(self, memo: dict[int, Any]) -> UninitializedBuffer:
        if id(self) not in memo:
            memo[id(self)] = type(self)(self.requires_grad, dtype=self.data.dtype, persistent=self.persistent)
        return memo[id(self)]


def is_lazy(value: Any) -> bool:
    """Whether a tensor has no shape yet."""
    return isinstance(value, _Uninitialized)
