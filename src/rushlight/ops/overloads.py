"""`torch.ops.aten`: PyTorch's names for its operations, by which policies of selective checkpoints tell them apart.

Names are made when they are asked for; each stands for one object, so that they can be compared and looked up.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any


class OpOverload:
    """One form of an operation, such as `torch.ops.aten.add.Tensor`; can be called like the function."""

    __slots__ = ("overloadpacket", "_overloadname")
    namespace = "aten"

    def __init__(self, overloadpacket: OpOverloadPacket, overload: str) -> None:
        self.overloadpacket = overloadpacket
        self._overloadname = overload

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.overloadpacket(*args, **kwargs)

    def name(self) -> str:
        """The name in full, as `aten::add.Tensor`."""
        ending = "" if self._overloadname == "default" else f".{self._overloadname}"
        return f"aten::{self.overloadpacket.__name__}{ending}"

    @property
    def __name__(self) -> str:
        return f"{self.overloadpacket.__name__}.{self._overloadname}"

    def __str__(self) -> str:
        return f"aten.{self.__name__}"

    def __repr__(self) -> str:
        return f"<OpOverload(op='aten.{self.overloadpacket.__name__}', overload='{self._overloadname}')>"


class OpOverloadPacket:
    """All forms of an operation, such as `torch.ops.aten.add`; its attributes are the forms."""

    def __init__(self, name: str, function: Callable | None) -> None:
        self.__name__ = name
        self.function = function

    def __getattr__(self, overload: str) -> OpOverload:
        if overload.startswith("__"):
            raise AttributeError(overload)
        made = self.__dict__[overload] = OpOverload(self, overload)
        return made

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.function is None:
            raise NotImplementedError(f"{self} cannot be called here: it is a step of another function's computation")
        return self.function(*args, **kwargs)

    def __str__(self) -> str:
        return f"aten.{self.__name__}"

    def __repr__(self) -> str:
        return f"<OpOverloadPacket(op='{self}')>"


class _OpNamespace:
    """`torch.ops.aten`."""

    def __getattr__(self, name: str) -> OpOverloadPacket:
        function = function_named(name)
        if function is None and name not in STEPS:
            raise AttributeError(f"'_OpNamespace' 'aten' object has no attribute '{name}'")
        made = self.__dict__[name] = OpOverloadPacket(name, function)
        return made


aten = _OpNamespace()


def function_named(name: str) -> Callable | None:
    """The function or method that does what PyTorch calls `aten.NAME`; None for private names, and where there is none."""
    if name.startswith("_"):
        return None
    package = __name__.split(".")[0]
    places = [(import_module(package), name), (import_module(f"{package}.nn.functional"), name)]
    family, _, rest = name.partition("_")
    if family in ("linalg", "fft", "special"):
        places.append((import_module(f"{package}.{family}"), rest))
    places.append((places[0][0].Tensor, name))
    return next((getattr(place, one) for place, one in places if callable(getattr(place, one, None))), None)


# Operations that PyTorch has and that are no functions here.
STEPS = {
    "_fft_c2c", "_fft_c2r", "_fft_r2c", "_linalg_det", "_linalg_eigh", "_linalg_slogdet", "_linalg_solve_ex", "_linalg_svd",
    "_log_softmax", "_scaled_dot_product_cudnn_attention", "_scaled_dot_product_efficient_attention",
    "_scaled_dot_product_flash_attention", "_scaled_dot_product_flash_attention_for_cpu", "_softmax", "_to_copy", "_unsafe_view",
    "convolution_backward", "max_pool2d_with_indices", "native_group_norm", "nll_loss2d_forward", "nll_loss_forward",
    "upsample_bilinear2d", "upsample_nearest2d",
}  # fmt: skip

# PyTorch's names for ops that it calls otherwise, where it has one that does the same; a function says which by the call.
_TENSOR = (
    "add", "sub", "mul", "div", "remainder", "fmod", "eq", "ne", "lt", "le", "gt", "ge", "bitwise_and", "bitwise_or", "bitwise_xor",
    "bitwise_left_shift", "bitwise_right_shift", "clamp", "clamp_max", "clamp_min", "copysign", "ldexp", "rsub", "xlogy", "index",
    "split",
)  # fmt: skip
NAMES: dict[str, str | Callable] = {
    **{name: f"{name}.Tensor" for name in _TENSOR},
    **{name: f"_{name}.default" for name in ("log_softmax", "softmax", "linalg_eigh", "linalg_svd")},
    **{name: f"native_{name}.default" for name in ("group_norm", "layer_norm")},
    **dict.fromkeys(("batch_norm_fixed", "batch_norm_training"), "native_batch_norm.default"),
    **dict.fromkeys(("convolution_product", "biased_convolution", "biased_transposed_convolution"), "convolution.default"),
    **dict.fromkeys(("reshape", "flatten", "unflatten", "ravel"), "view.default"),
    **dict.fromkeys(("transpose", "swapaxes", "swapdims", "adjoint"), "transpose.int"),
    **{name: f"{name}.correction" for name in ("var", "std", "var_mean", "std_mean")},
    **{f"{name}_of_all": f"{name}.default" for name in ("max", "min", "median", "nanmedian")},
    **{f"{name}_along": f"{name}.dim" for name in ("max", "min", "median", "nanmedian")},
    "attention": "_scaled_dot_product_flash_attention_for_cpu.default",
    "basic_index": "slice.Tensor",
    "broadcast_to": "expand.default",
    "clamp_numbers": "clamp.default",
    "contraction": "bmm.default",
    "copy": "copy_.default",
    "div_rounded": "div.Tensor_mode",
    "fft_c2c": "_fft_c2c.default",
    "fft_c2r": "_fft_c2r.default",
    "fft_r2c": "_fft_r2c.default",
    "index_cross_entropy": "nll_loss_forward.default",
    "linalg_matrix_solve": "_linalg_solve_ex.default",
    "masked_fill": "masked_fill.Scalar",
    "max_pool_with_indices": "max_pool2d_with_indices.default",
    "movedim": "permute.default",
    "narrow": "slice.Tensor",
    "nll_loss": "nll_loss_forward.default",
    "norm": "linalg_vector_norm.default",
    "pow": "pow.Tensor_Tensor",
    "pow_number": "pow.Tensor_Scalar",
    "scatter_src": "scatter.src",
    "select": "select.int",
    "square": "pow.Tensor_Scalar",
    "to_dtype": "_to_copy.default",
    "true_divide": "div.Tensor",
    "unbind": "unbind.int",
    "where": "where.self",
    "linear": lambda input, weight, bias=None: "mm.default" if bias is None else "addmm.default",
    "matmul": lambda input, other: _PRODUCTS.get((input.ndim, other.ndim), "bmm.default"),
    **{
        name: lambda input, dim=None, *rest, name=name, ending=ending, **options: f"{name}.{'default' if dim is None else ending}"
        for name, ending in {
            "all": "dim", "any": "dim", "mean": "dim", "prod": "dim_int", "squeeze": "dim", "sum": "dim_IntList",
        }.items()
    },
}
_PRODUCTS = {(2, 2): "mm.default", (2, 1): "mv.default", (1, 1): "dot.default"}


def overload_of(name: str, args: tuple | list, options: dict) -> OpOverload:
    """What PyTorch calls the op of that name in a call with these arguments; where it has no such op, the op's own name is used."""
    name = name.replace(".", "_")
    found = NAMES.get(name, f"{name}.default")
    packet, _, overload = (found if isinstance(found, str) else found(*args, **options)).partition(".")
    if packet not in aten.__dict__ and packet not in STEPS and function_named(packet) is None:
        aten.__dict__[packet] = OpOverloadPacket(packet, None)
    return getattr(getattr(aten, packet), overload)
