"""The Tensor: an array, and what is known of how it was made. Its operations are attached by the op registry."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import numpy as np

from . import devices, dtypes
from .arrays.basic import is_absent, ndarray
from .autograd import graph
from .autograd.graph import LEAF, OutputStub, Untracked, add_hook, public_edge, version_cell
from .autograd.modes import state, thread
from .warning import warn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ._methods import TensorMethods  # the methods that the registry of ops attaches
else:
    TensorMethods = object

new = object.__new__


class Size(tuple):
    """A tensor's shape."""

    __slots__ = ()

    def numel(self) -> int:
        """The number of elements of a tensor of this shape."""
        total = 1
        for extent in self:
            total *= extent
        return total

    def __repr__(self) -> str:
        return f"torch.Size([{', '.join(map(str, self))}])"

    def __add__(self, other: Any) -> Size:  # type: ignore[override]
        return Size(tuple.__add__(self, tuple(other)))

    def __radd__(self, other: Any) -> Size:
        return Size(tuple(other) + tuple(self))

    def __mul__(self, times: Any) -> Size:
        return Size(tuple.__mul__(self, times))

    __rmul__ = __mul__

    def __getitem__(self, index: Any) -> Any:
        item = tuple.__getitem__(self, index)
        return Size(item) if isinstance(index, slice) else item

    def __reduce__(self) -> tuple:
        return Size, (tuple(self),)


def _disabled_torch_function_impl(*args: Any, **kwargs: Any) -> Any:
    """As the `__torch_function__` of a class: its instances are treated as plain tensors."""
    return NotImplemented


_disabled_torch_function_impl.disabled = True  # type: ignore[attr-defined]


class _TensorType(type):
    """Says which subclasses of Tensor take part in `__torch_function__`; gives `torch.Tensor(...)` PyTorch's old constructor."""

    def __new__(cls, name: str, bases: tuple, namespace: dict, **options: Any) -> Any:
        if not any(isinstance(base, _TensorType) for base in bases):  # Tensor itself
            return super().__new__(cls, name, bases, namespace)
        handler = namespace.get("__torch_function__") or next(base.__torch_function__ for base in bases if issubclass(base, Tensor))
        if getattr(handler, "disabled", False):
            made = super().__new__(cls, name, bases, namespace, **options)
            plain_types.add(made)
            return made
        from .members import with_overriding_base

        return super().__new__(cls, name, with_overriding_base(bases), namespace, **options)

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if cls is Tensor:
            from .creation import legacy_tensor

            return legacy_tensor(*args, **kwargs)
        return super().__call__(*args, **kwargs)


class Tensor(TensorMethods, metaclass=_TensorType):
    """A multi-dimensional array that records what is done to it, so that gradients can be computed.

    Made by `tensor`, `zeros`, `randn`, ... and by operations on other tensors.
    """

    __slots__ = ("_array", "_node", "_base", "__dict__", "__weakref__")
    _array: Any
    _node: Any
    _base: Tensor | None

    # Rare attributes, in the instance dictionary only where used.
    _grad: Tensor | None = None
    _cell: graph.VersionCell | None = None
    _hooks: OrderedDict | None = None  # hooks on the gradient of a leaf
    _post_hooks: OrderedDict | None = None  # hooks after that gradient has been accumulated
    _retains = False
    _grad_dtype: Any = False  # what type `.grad` has to have, None for any; False: the tensor's own
    _order: None = None  # a leaf, as the end of an edge, has no place in the order of nodes
    _inference: Any = None  # of a tensor made in inference mode: that mode's mark
    _tangents: dict[int, Tensor] | None = None  # by level of forward mode
    _viewed = False  # whether it is the base of a view
    _stamp = 0  # of a base: how often its history was rewritten through a view; of a view: when it last looked

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """A tensor of a subclass: from a tensor it shares the memory, otherwise as `torch.Tensor(...)`."""
        if len(args) == 1 and isinstance(args[0], Tensor):
            return args[0].as_subclass(cls)
        if hasattr(cls, "__torch_dispatch__"):
            from .methods import check_dispatch

            check_dispatch(cls)
        return recast(Tensor(*args, **kwargs), cls)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    @classmethod
    def __torch_function__(cls, func: Callable, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        """What a subclass does with a function called on its instances: runs it on plain tensors, casts the results to itself."""
        from .overrides import default_torch_function

        return default_torch_function(cls, func, types, args, kwargs)

    # --- what it is -------------------------------------------------------------------------------------------------------------

    @property
    def shape(self) -> Size:
        """The extents, as a Size."""
        return Size(self._array.shape)

    @property
    def dtype(self) -> dtypes.dtype:
        """The type of the elements."""
        return dtypes.from_numpy(self._array.dtype)

    @property
    def device(self) -> devices.device:
        """Where the elements live."""
        return devices.meta if is_absent(self._array) else devices.cpu

    @property
    def layout(self) -> devices.layout:
        """How the elements are stored: `strided`."""
        return devices.strided

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return self._array.ndim

    def dim(self) -> int:
        """The number of dimensions."""
        return self._array.ndim

    ndimension = dim

    def size(self, dim: int | None = None) -> Any:
        """The shape, or its extent in `dim`. Raises IndexError for a dimension that is not there."""
        shape = self._array.shape
        if dim is None:
            return Size(shape)
        try:
            return shape[dim]
        except IndexError:
            limit = max(len(shape), 1)
            raise IndexError(
                f"Dimension out of range (expected to be in range of [{-limit}, {limit - 1}], but got {dim})"
            ) from None

    def numel(self) -> int:
        """The number of elements."""
        return self._array.size

    nelement = numel

    @property
    def itemsize(self) -> int:
        """Bytes per element."""
        return self._array.itemsize

    def element_size(self) -> int:
        """Bytes per element."""
        return self._array.itemsize

    @property
    def nbytes(self) -> int:
        """Bytes of all elements."""
        return self._array.nbytes

    def stride(self, dim: int | None = None) -> Any:
        """The steps, in elements, between neighbours along each dimension, or along `dim`."""
        itemsize = self._array.itemsize
        strides = tuple(step // itemsize for step in self._array.strides)
        if self._array.size == 0 or 1 in self._array.shape:
            strides = canonical_strides(self._array.shape, strides, self._array.flags.c_contiguous)
        return strides if dim is None else strides[dim]

    def storage_offset(self) -> int:
        """How many elements into its memory the tensor begins."""
        from .arrays.memory import address, owner

        return (address(self._array) - address(owner(self._array))) // self._array.itemsize

    def data_ptr(self) -> int:
        """The address of the first element."""
        from .arrays.memory import address

        return address(self._array)

    def is_contiguous(self, memory_format: devices.memory_format = devices.contiguous_format) -> bool:
        """Whether the elements lie in memory in the order of the indices."""
        if memory_format is devices.channels_last:
            return self._array.ndim == 4 and self._array.transpose(0, 2, 3, 1).flags.c_contiguous
        if memory_format is devices.channels_last_3d:
            return self._array.ndim == 5 and self._array.transpose(0, 2, 3, 4, 1).flags.c_contiguous
        return self._array.flags.c_contiguous

    def is_floating_point(self) -> bool:
        """Whether the elements are real floating-point numbers."""
        return self.dtype.is_floating_point

    def is_complex(self) -> bool:
        """Whether the elements are complex numbers."""
        return self.dtype.is_complex

    def is_signed(self) -> bool:
        """Whether the elements can be negative."""
        return self.dtype.is_signed

    # --- differentiation --------------------------------------------------------------------------------------------------------

    @property
    def requires_grad(self) -> bool:
        """Whether gradients flow to this tensor."""
        return self._node is not None or gains_history(self)

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if not isinstance(value, bool):
            raise RuntimeError("requires_grad must be a bool")
        check_floating(self, value, "only Tensors of floating point and complex dtype can require gradients")
        if value and not self.is_leaf:
            raise RuntimeError("you can only change requires_grad flags of leaf variables.")
        set_requires_grad(self, value)

    @requires_grad.deleter
    def requires_grad(self) -> None:
        raise RuntimeError("requires_grad must be a bool")

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Says whether gradients are wanted for this leaf; returns it.

        Raises RuntimeError for an integer tensor, or when asked to forget the history of a non-leaf.
        """
        if not isinstance(requires_grad, bool):
            raise TypeError(
                f"requires_grad_(): argument 'requires_grad' (position 1) must be bool, not {type(requires_grad).__name__}"
            )
        refuse_in_transforms("requires_grad_()", "Tensor.requires_grad_() (or perhaps using torch.autograd.functional.* APIs)")
        return set_requires_grad(self, requires_grad)

    @property
    def is_leaf(self) -> bool:
        """Whether no recorded operation made this tensor."""
        return (self._node is None or self._node is LEAF or type(self._node) is Untracked) and not gains_history(self)

    @property
    def grad_fn(self) -> Any:
        """The node that made this tensor, None for a leaf."""
        if self._base is not None:
            refresh_view(self)
        node = self._node
        if node is None or node is LEAF:
            return None
        shown = public_edge(node)[0]
        if shown is node:
            node._output = self._array.shape, self._array.dtype
        return shown

    def _is_view(self) -> bool:
        return self._base is not None and not self._inference

    @property
    def output_nr(self) -> int:
        """Which output of its node this tensor is."""
        return self._node.index if isinstance(self._node, OutputStub) else 0

    @property
    def grad(self) -> Tensor | None:
        """The gradient accumulated so far, None before the first."""
        grad = self._grad
        if grad is None and not self._retains and not self.is_leaf:
            warn(
                "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its .grad attribute won't be "
                "populated during autograd.backward(). If you indeed want the .grad field to be populated for a non-leaf Tensor, "
                "use .retain_grad() on the non-leaf Tensor. If you access the non-leaf Tensor by mistake, make sure you access "
                "the leaf Tensor instead."
            )
        return grad

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None:
            from .autograd.grad_dtype import check_grad

            check_grad(self, value)
        self._grad = value

    @grad.deleter
    def grad(self) -> None:
        self._grad = None

    @property
    def grad_dtype(self) -> dtypes.dtype | None:
        """The type that this leaf's `.grad` has to have, and gradients are cast to: its own by default; None allows any."""
        from .autograd.grad_dtype import get_grad_dtype

        return get_grad_dtype(self)

    @grad_dtype.setter
    def grad_dtype(self, value: dtypes.dtype | None) -> None:
        from .autograd.grad_dtype import set_grad_dtype

        set_grad_dtype(self, value)

    @property
    def retains_grad(self) -> bool:
        """Whether this non-leaf tensor keeps its gradient."""
        return self._retains

    @property
    def data(self) -> Tensor:
        """The same memory without history, whose changes are not noticed."""
        alias = wrap(self._array)
        if self._inference:
            alias._inference = self._inference
        if state.active and thread.functions:
            lost(self, ".data", alias)
        return alias

    @data.setter
    def data(self, value: Tensor) -> None:
        if not isinstance(value, Tensor):
            raise TypeError(f"Variable data has to be a tensor, but got {type(value).__name__}")
        if self._node is LEAF and value._array.dtype.kind not in "fc" and not value.is_floating_point():
            raise RuntimeError("data set to a tensor that requires gradients must be floating point or complex dtype")
        self._array = value._array

    @data.deleter
    def data(self) -> None:
        raise RuntimeError("Deleting tensor data is not allowed. Delete tensor instead!")

    @property
    def _version(self) -> int:
        """How often the memory has been changed in place."""
        if self._inference:
            raise RuntimeError("Inference tensors do not track version counter.")
        return version_cell(self).version

    def register_hook(self, hook: Callable) -> graph.RemovableHandle:
        """Calls `hook(grad)` when the gradient of this tensor is known; what it returns replaces the gradient."""
        node = self._node
        if node is None:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        holder = self if node is LEAF else node.hook_holder
        name = "_hooks" if node is LEAF else "tensor_hooks"
        hooks = getattr(holder, name)
        if hooks is None:
            hooks = OrderedDict()
            setattr(holder, name, hooks)
        return add_hook(hooks, hook)

    @property
    def _backward_hooks(self) -> OrderedDict | None:
        """The hooks on this tensor's gradient by number, None before the first."""
        node = self._node
        return self._hooks if node is None or node is LEAF else node.hook_holder.tensor_hooks

    @property
    def _post_accumulate_grad_hooks(self) -> OrderedDict | None:
        """The hooks after accumulation by number, None before the first."""
        return self._post_hooks

    def register_post_accumulate_grad_hook(self, hook: Callable) -> graph.RemovableHandle:
        """Calls `hook(tensor)` after this leaf's `.grad` has been updated."""
        if self._node is None:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        if self._node is not LEAF:
            raise RuntimeError("post accumulate grad hooks cannot be registered on non-leaf tensors")
        if self._post_hooks is None:
            self._post_hooks = OrderedDict()
        return add_hook(self._post_hooks, hook)

    def retain_grad(self) -> None:
        """Lets this non-leaf tensor keep its gradient in `.grad`."""
        refuse_in_transforms("retain_grad()", "Tensor.retain_grad()")
        node = self._node
        if node is None:
            raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
        if node is not LEAF:
            graph.retain(self)
            self._retains = True
            state.hooks = True

    def detach(self) -> Tensor:
        """The same memory without history."""
        cell = version_cell(self)
        alias = wrap(self._array)
        alias._cell = cell
        if self._inference:
            alias._inference = self._inference
        if state.active and thread.functions:
            lost(self, "detach()", alias)
        return alias

    def detach_(self) -> Tensor:
        """Cuts this tensor from its history; returns it. Raises RuntimeError for a view."""
        if self._base is not None:
            raise RuntimeError(
                "Can't detach views in-place. Use detach() instead. If you are using DistributedDataParallel (DDP) for training, "
                "and gradient_as_bucket_view is set as True, gradients are views of DDP buckets, and hence detach_() cannot be "
                "called on these gradients."
            )
        self._node = None
        return self

    # --- to Python --------------------------------------------------------------------------------------------------------------

    def numpy(self, *, force: bool = False) -> ndarray:
        """The array beneath, sharing memory. Raises RuntimeError where gradients would be lost, unless `force`."""
        if self._node is not None and thread.grad_enabled and not force:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")
        if state.active and thread.functions:
            lost(self, "numpy()")
        if type(self._array) is not ndarray and hasattr(self._array, "resolved"):
            return resolved(self, force)
        return self._array

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> ndarray:
        array = self.numpy()
        if dtype is not None and array.dtype != dtype:
            return array.astype(dtype)
        return array.copy() if copy else array

    __array_priority__ = 1000

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        from .interop.numpy_protocols import array_ufunc

        return array_ufunc(ufunc, method, inputs, options)

    def __array_function__(self, function: Any, types: Any, args: tuple, kwargs: dict) -> Any:
        from .interop.numpy_protocols import array_function

        return array_function(function, args, kwargs)

    def item(self) -> Any:
        """The single element as a Python number. Raises RuntimeError when there is not exactly one."""
        if self._array.size != 1:
            raise RuntimeError(f"a Tensor with {self._array.size} elements cannot be converted to Scalar")
        if state.active and thread.functions:
            lost(self, "item()")
        value = self._array.item()
        return float(value) if self._array.dtype.kind == "V" else value

    def tolist(self) -> Any:
        """The elements as nested lists of Python numbers, a number for a tensor without dimensions."""
        if state.active and thread.functions:
            lost(self, "tolist()")
        return self._array.tolist()

    def __bool__(self) -> bool:
        if self._array.size != 1:
            if self._array.size == 0:
                raise RuntimeError("Boolean value of Tensor with no values is ambiguous")
            raise RuntimeError("Boolean value of Tensor with more than one value is ambiguous")
        return bool(self._array)

    def __float__(self) -> float:
        return float(real_number(self._measured(), "double"))

    def __int__(self) -> int:
        return int(real_number(self._scalar(), "int64_t"))

    def __complex__(self) -> complex:
        return complex(self._measured())

    def _scalar(self) -> Any:
        if self._array.size != 1:
            raise ValueError("only one element tensors can be converted to Python scalars")
        return self.item()

    def _measured(self) -> Any:
        if self._node is not None and thread.grad_enabled:
            warn(
                "Converting a tensor with requires_grad=True to a scalar may lead to unexpected behavior.\nConsider using "
                "tensor.detach() first.",
                once=True,
            )
        return self._scalar()

    def __index__(self) -> int:
        if self._array.ndim or self._array.dtype.kind not in "iub":
            raise TypeError("only integer tensors of a single element can be converted to an index")
        return int(self._array)

    def __len__(self) -> int:
        if not self._array.ndim:
            raise TypeError("len() of a 0-d tensor")
        return self._array.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        if not self._array.ndim:
            raise TypeError("iteration over a 0-d tensor")
        return iter(self.unbind(0))

    def __contains__(self, element: Any) -> bool:
        if not isinstance(element, (Tensor, int, float, complex)):
            raise RuntimeError(
                f"Tensor.__contains__ only supports Tensor or scalar, but you passed in a {type(element)}."
            )
        return bool((self == element).any())

    def __repr__(self, *, tensor_contents: Any = None) -> str:
        from .printing import tensor_str

        return tensor_str(self, tensor_contents=tensor_contents)

    def __format__(self, spec: str) -> str:
        from .printing import format_scalar

        return format_scalar(self, spec)

    __hash__ = object.__hash__

    def __dir__(self) -> list[str]:
        return sorted(set(dir(type(self))) | set(self.__dict__))


# Classes whose instances take the ops' fast path: Tensor itself, and subclasses that only mark a role.
plain_types: set[type] = {Tensor}


def wrap(array: Any) -> Tensor:
    """A plain tensor around an array, without history."""
    tensor = new(Tensor)
    tensor._array = array
    tensor._node = tensor._base = None
    return tensor


def resolved(tensor: Tensor, force: bool) -> ndarray:
    """The elements of a view whose conjugation or negation was put off. Raises RuntimeError unless `force`."""
    if not force:
        bit, word = ("conjugate", "conj") if tensor.is_complex() else ("negative", "neg")
        raise RuntimeError(
            f"Can't call numpy() on Tensor that has {bit} bit set. Use tensor.resolve_{word}().numpy() instead."
        )
    return tensor._array.resolved()


def real_number(value: Any, kind: str) -> Any:
    """A number whose imaginary part, if it has one, is zero, without it. Raises RuntimeError for others."""
    if isinstance(value, complex):
        if value.imag:
            raise RuntimeError(f"value cannot be converted to type {kind} without overflow")
        return value.real
    return value


def recast(tensor: Tensor, cls: Any) -> Any:
    """A new tensor that nobody has seen yet, as an instance of a subclass."""
    made = new(cls)
    made._array, made._node, made._base = tensor._array, tensor._node, tensor._base
    made.__dict__.update(tensor.__dict__)
    return made


def lost(tensor: Tensor, name: str, alias: Any = None) -> None:
    """Tells a recording for `explain` that a tensor's values go on without its history."""
    from .autograd.recording import lose

    lose(name, tensor, alias)


def canonical_strides(shape: tuple, strides: tuple, contiguous: bool) -> tuple:
    """PyTorch's strides of a tensor with extents of one or zero, where NumPy's may be anything: those of a contiguous one, or of
    extents of one that are as if they had been put there.
    """
    steps: list[int] = []
    step = 1
    for extent, known in zip(reversed(shape), reversed(strides), strict=True):
        if not contiguous and (extent != 1 or known):
            step = known
        steps.append(step)
        step *= max(extent, 1)
    return tuple(reversed(steps))


def set_requires_grad(tensor: Tensor, requires_grad: bool) -> Tensor:
    """What `requires_grad_` does, within transforms too, where that refuses."""
    if not tensor.is_leaf:
        if not requires_grad:
            raise RuntimeError(
                "you can only change requires_grad flags of leaf variables. If you want to use a computed variable in a "
                "subgraph that doesn't require differentiation use var_no_grad = var.detach()."
            )
        return tensor
    check_floating(tensor, requires_grad, "only Tensors of floating point dtype can require gradients")
    if requires_grad and tensor._inference and not thread.inference:
        raise RuntimeError("Setting requires_grad=True on inference tensor outside InferenceMode is not allowed.")
    if requires_grad:
        tensor._node = LEAF
    elif tensor._node is LEAF:
        tensor._node = None
    return tensor


def refuse_in_transforms(name: str, words: str) -> None:
    """Raises RuntimeError within a transform of torch.func, whose variables are its own."""
    if thread.transforms:
        raise RuntimeError(
            f"You are attempting to call {words} inside of a function being transformed by a functorch transform. This is "
            "unsupported, please attempt to use the functorch transforms (e.g. grad, vjp, jacrev, jacfwd, hessian) or call "
            f"{name} outside of a function being transformed instead."
        )


def check_floating(tensor: Tensor, requires_grad: bool, message: str) -> None:
    """Raises RuntimeError when gradients are asked for of a tensor that has none, as one of integers."""
    if requires_grad and tensor._array.dtype.kind not in "fc" and not tensor.is_floating_point():
        raise RuntimeError(message)


def gains_history(tensor: Tensor) -> bool:
    """Whether this is a view whose base got a history by an in-place change, and which has not been used since."""
    base = tensor._base
    return base is not None and tensor._stamp != base._stamp and base._node is not None and tensor._array.dtype.kind in "fcV"


def refresh_view(tensor: Tensor) -> None:
    """Brings a view's history up to date, after its base was changed in place."""
    if tensor._base is not None and tensor._stamp != tensor._base._stamp:
        from .autograd.views import refresh

        refresh(tensor)
