"""Products of vectors, matrices and batches of them, each with its transposes.

In the rules g is the cotangent; for complex numbers the other factor is conjugated (the conjugate Wirtinger
convention).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..arrays.basic import ndarray
from ..arrays.constants import ones
from ..autograd.graph import LEAF, next_order
from ..autograd.modes import state, thread
from ..dtypes import type_word_of
from ..overridable import overriding
from ..tensor import Tensor, new, plain_types
from .dispatch import broadcast_error
from .kinds import Array, bilinear, careful_operator, float32, float64, several
from .samples import T, call
from .shapes import expand

CPP_NAMES = {
    "float32": "float", "float64": "double", "float16": "c10::Half", "bfloat16": "c10::BFloat16", "int64": "long int",
    "int32": "int",
    "int16": "short int", "int8": "signed char", "uint8": "unsigned char", "complex64": "c10::complex<float>",
    "complex128": "c10::complex<double>",
}  # fmt: skip


# --- helpers of the rules: for arrays and Tensors alike --------------------------------------------------------------


def conjugated(x: Any) -> Any:
    """The complex conjugate; a real operand as it is."""
    if isinstance(x, Tensor):
        return x.conj() if x.is_complex() else x
    return x.conj()


def adjoint(x: Any) -> Any:
    """The conjugate transpose of the last two dimensions."""
    return conjugated(x.mT)


def product(a: Any, b: Any) -> Any:
    """`a @ b` for two matrices; of arrays by the quickest way."""
    return a.dot(b) if type(a) is ndarray and type(b) is ndarray else a @ b


def by_matrix(a: Any, b: Any, shape: tuple) -> Any:
    """`a @ b` for a matrix on the right, a result of that shape; of arrays as one large product."""
    return product(flat(a), b).reshape(shape) if type(a) is ndarray else a @ b


def row(x: Any) -> Any:
    """A last dimension as a matrix of one row."""
    return x.reshape(*x.shape[:-1], 1, x.shape[-1])


def column(x: Any) -> Any:
    """A last dimension as a matrix of one column."""
    return x.reshape(*x.shape, 1)


def flat(x: Any) -> Any:
    """All dimensions but the last as one."""
    return x.reshape(math.prod(x.shape[:-1]), x.shape[-1]) if x.ndim != 2 else x


def summed_to(g: Any, shape: tuple) -> Any:
    """A cotangent summed over the dimensions along which an operand of that shape was broadcast."""
    from ..autograd.projection import dtype_of, project

    return g if g.shape == shape else project(g, tuple(shape), dtype_of(g))


# --- helpers of the forwards: for arrays -----------------------------------------------------------------------------


def dense(a: Any, b: Any) -> Any:
    """`np.matmul` with PyTorch's demands on types. Half precision is computed in single."""
    kind = a.dtype
    if kind is float32 or kind is float64:
        return a.dot(b) if b.ndim == 2 == a.ndim else np.matmul(a, b)
    if kind.kind == "b":
        raise NotImplementedError("\"addmm_impl_cpu_\" not implemented for 'Bool': convert to an integer type first")
    if kind.itemsize == 2 and kind.kind in "fV":
        return np.matmul(a.astype(float32), b.astype(float32)).astype(kind)
    return np.matmul(a, b)


def same_type(a: Any, b: Any) -> None:
    """Raises RuntimeError for operands of two types."""
    if a.dtype != b.dtype:
        names = [CPP_NAMES.get(x.dtype.name, x.dtype.name) for x in (a, b)]
        raise RuntimeError(
            f"expected m1 and m2 to have the same dtype, but got: {names[0]} != {names[1]}. Convert one, as with "
            "b.to(a.dtype)."
        )


def fitting(a: Any, b: Any) -> None:
    """Raises RuntimeError for two matrices that cannot be multiplied."""
    if a.shape[-1] != b.shape[-2]:
        if a.ndim > 2 and b.ndim > 2:
            count = math.prod(a.shape[:-2])
            raise RuntimeError(
                f"Expected size for first two dimensions of batch2 tensor to be: [{count}, {a.shape[-1]}] but got: "
                f"[{math.prod(b.shape[:-2])}, {b.shape[-2]}]."
            )
        rows = math.prod(a.shape[:-1])
        raise RuntimeError(
            f"mat1 and mat2 shapes cannot be multiplied ({rows}x{a.shape[-1]} and {b.shape[-2]}x{b.shape[-1]})"
        )


def need_rank(array: Any, rank: int, message: str) -> None:
    """Raises RuntimeError with that message for an array of another number of dimensions."""
    if array.ndim != rank:
        raise RuntimeError(message)


def batches_fit(a: Any, b: Any) -> None:
    """Raises RuntimeError unless two batches of matrices can be multiplied."""
    need_rank(a, 3, "batch1 must be a 3D tensor")
    need_rank(b, 3, "batch2 must be a 3D tensor")
    same_type(a, b)
    if a.shape[0] != b.shape[0] or a.shape[2] != b.shape[1]:
        raise RuntimeError(
            f"Expected size for first two dimensions of batch2 tensor to be: [{a.shape[0]}, {a.shape[2]}] "
            f"but got: [{b.shape[0]}, {b.shape[1]}]."
        )


def vectors_fit(a: Any, b: Any) -> None:
    """Raises RuntimeError unless two operands are vectors of one type and length."""
    if a.ndim != 1 or b.ndim != 1:
        raise RuntimeError(f"1D tensors expected, but got {a.ndim}D and {b.ndim}D tensors")
    if a.dtype != b.dtype:
        words = [type_word_of(x) for x in (a, b)]
        raise RuntimeError(f"dot : expected both vectors to have same dtype, but found {words[0]} and {words[1]}")
    if a.size != b.size:
        raise RuntimeError(
            f"inconsistent tensor size, expected tensor [{a.size}] and src [{b.size}] to have the same number of "
            "elements, "
            f"but got {a.size} and {b.size} elements respectively"
        )


# --- matrices and vectors --------------------------------------------------------------------------------------------


@bilinear(
    lambda g, y: product(g, adjoint(y)), lambda g, x: product(adjoint(x), g),
    samples=lambda: [call(T((2, 3)), T((3, 4))), call(T((0, 3)), T((3, 2))), call(T((2, 0)), T((0, 2)))],
)  # fmt: skip
def mm(input: Array, mat2: Array) -> Array:
    """The product of two matrices, (n, k) and (k, m). Raises RuntimeError for other shapes or different types."""
    need_rank(input, 2, "self must be a matrix")
    need_rank(mat2, 2, "mat2 must be a matrix")
    same_type(input, mat2)
    fitting(input, mat2)
    return dense(input, mat2)


@bilinear(
    lambda g, y: column(g) @ row(conjugated(y)), lambda g, x: adjoint(x) @ g,
    samples=lambda: [call(T((2, 3)), T((3,))), call(T((2, 0)), T((0,)))],
)  # fmt: skip
def mv(input: Array, vec: Array) -> Array:
    """The product of a matrix (n, k) and a vector (k)."""
    if input.ndim != 2 or vec.ndim != 1:
        raise RuntimeError(f"vector + matrix @ vector expected, got 1, {input.ndim}, {vec.ndim}")
    if input.dtype != vec.dtype:
        words = [type_word_of(x) for x in (vec, input)]
        raise RuntimeError(
            f"addmv input tensors must have the same dtype, but got {words[0]}, {words[1]}, and {words[0]}"
        )
    if input.shape[1] != vec.size:
        raise RuntimeError(
            f"size mismatch, got input ({input.shape[0]}), mat ({input.shape[0]}x{input.shape[1]}), vec ({vec.size})"
        )
    return dense(input, vec)


@bilinear(
    lambda g, y: g * conjugated(y), lambda g, x: g * conjugated(x),
    samples=lambda: [call(T((3,)), T((3,))), call(T((0,)), T((0,)))],
)  # fmt: skip
def dot(input: Array, tensor: Array) -> Array:
    """The sum of the products of two vectors' elements (without conjugation)."""
    vectors_fit(input, tensor)
    if input.dtype == bool:
        raise NotImplementedError("\"dot\" not implemented for 'Bool'")
    return np.dot(input, tensor)


@bilinear(lambda g, y: conjugated(g) * y, lambda g, x: g * x, samples=lambda: [call(T((3,)), T((3,)))])
def vdot(input: Array, other: Array) -> Array:
    """The inner product of two vectors: the first is conjugated."""
    vectors_fit(input, other)
    return np.vdot(input, other)


@bilinear(
    lambda g, y: g @ adjoint(y), lambda g, x: adjoint(x) @ g,
    samples=lambda: [call(T((2, 2, 3)), T((2, 3, 4))), call(T((0, 2, 3)), T((0, 3, 4)))],
)  # fmt: skip
def bmm(input: Array, mat2: Array) -> Array:
    """The products of corresponding matrices of two batches, (b, n, k) and (b, k, m)."""
    batches_fit(input, mat2)
    return dense(input, mat2)


def matmul_name(node: Any) -> str:
    """The name of the node with which PyTorch's matmul ends, by the operands' dimensions."""
    first, second = (len(shape) for shape in node.shapes)
    names = {(1, 1): "DotBackward0", (2, 1): "MvBackward0", (1, 2): "SqueezeBackward4", (2, 2): "MmBackward0"}
    return names.get((first, second), "UnsafeViewBackward0")


def matmul_first(g: Any, y: Any, x_shape: tuple) -> Any:
    """The cotangent of a product's first factor; the engine sums over batches that were broadcast."""
    if len(y.shape) == 1:
        return g * conjugated(y) if len(x_shape) == 1 else column(g) @ row(conjugated(y))
    if len(x_shape) == 1:
        return row(g) @ adjoint(y)
    return by_matrix(g, adjoint(y), x_shape) if len(y.shape) == 2 else g @ adjoint(y)


def matmul_second(g: Any, x: Any, y_shape: tuple) -> Any:
    """The cotangent of a product's second factor."""
    if len(x.shape) == 1:
        return g * conjugated(x) if len(y_shape) == 1 else column(conjugated(x)) @ row(g)
    if len(y_shape) == 1:
        return adjoint(flat(x)) @ g.reshape(-1)
    if len(y_shape) == 2:
        return product(adjoint(flat(x)), flat(g))
    return adjoint(x) @ g


def quick_for_matrices(otherwise: Callable) -> Callable:
    """`matmul` with a path of its own for two matrices, recorded as `mm`; `otherwise` takes all other operands."""

    def function(input: Any, other: Any, **kwargs: Any) -> Any:
        if not kwargs and not state.active and type(input) in plain_types and type(other) in plain_types:
            array, operand = input._array, other._array
            dtype = array.dtype
            if (dtype is float32 or dtype is float64) and operand.dtype is dtype and array.ndim == 2 == operand.ndim:
                try:
                    result = array.dot(operand)
                except ValueError:
                    fitting(array, operand)
                    raise
                tensor = new(Tensor)
                tensor._array = result
                tensor._base = None
                made_by, made_other_by = input._node, other._node
                if (made_by is None and made_other_by is None) or (state.silent and not thread.grad_enabled):
                    tensor._node = None
                    return tensor
                node = mm.op.node_class()
                node._order = next_order()
                node.edges = (input if made_by is LEAF else made_by, other if made_other_by is LEAF else made_other_by)
                node.spaces = None
                node.input = None if made_other_by is None else input
                node.mat2 = None if made_by is None else other
                tensor._node = node
                return tensor
        return otherwise(input, other, **kwargs)

    return function


@bilinear(
    matmul_first, matmul_second, node=matmul_name, broadcasts=True, fast=lambda op: quick_for_matrices(several(op)),
    samples=lambda: [
        call(T((2, 3)), T((3, 4))), call(T((3,)), T((3,))), call(T((3,)), T((3, 2))), call(T((2, 3)), T((3,))),
        call(T((2, 2, 3)), T((3, 4))), call(T((2, 2, 3)), T((2, 3, 4))), call(T((2, 3)), T((2, 3, 2))),
        call(T((3,)), T((2, 3, 2))),
        call(T((2, 2, 3)), T((3,))), call(T((2, 1, 2, 3)), T((3, 3, 2))), call(T((2, 0)), T((0, 3))),
    ],
)  # fmt: skip
def matmul(input: Array, other: Array) -> Array:
    """The product of tensors of any number of dimensions.

    Vectors: their inner product. Matrices: their product. A vector counts as a row on the left and as a column on the
    right. More dimensions are batches, which are broadcast. Raises RuntimeError for shapes that do not fit, or
    different types.
    """
    if not input.ndim or not other.ndim:
        raise RuntimeError(
            f"both arguments to matmul need to be at least 1D, but they are {input.ndim}D and {other.ndim}D"
        )
    if input.ndim == 1 and other.ndim == 1:
        return dot.op.forward(input, other)
    if input.ndim == 2 and other.ndim == 1:
        return mv.op.forward(input, other)
    same_type(input, other)
    if other.ndim > 1:
        fitting(input, other)
    elif input.shape[-1] != other.size:
        rows = math.prod(input.shape[:-1])
        raise RuntimeError(f"size mismatch, got input ({rows}), mat ({rows}x{input.shape[-1]}), vec ({other.size})")
    if input.ndim > 2 and other.ndim == 2:
        return dense(flat(input), other).reshape(
            *input.shape[:-1], other.shape[1]
        )  # one large product, not one per batch
    try:
        return dense(input, other)
    except ValueError as error:
        raise broadcast_error(input.shape[:-2], other.shape[:-2]) or error from None


def matmul_operator(self: Tensor, other: Any) -> Any:
    """`self @ other`; an array counts as a constant."""
    if thread.functions or overriding((self, other), {}):
        return careful_operator(matmul.op, (self, other), {})
    return matmul(self, other) if is_operand(other) else NotImplemented


def reflected_matmul(self: Tensor, other: Any) -> Any:
    """`other @ self` for an array."""
    return matmul(other, self) if is_operand(other) else NotImplemented


def is_operand(value: Any) -> bool:
    """Whether matmul takes a value."""
    return isinstance(value, (Tensor, np.ndarray)) or hasattr(type(value), "__torch_function__")


matmul.op.operator = ("__matmul__", quick_for_matrices(matmul_operator))


# --- linear ----------------------------------------------------------------------------------------------------------


def linear_name(node: Any) -> str:
    """PyTorch's name for the last node of a linear map, by the input's dimensions and whether there is a bias."""
    rank, biased = len(node.shapes[0]), node.shapes[2] is not None
    if len(node.shapes[1]) == 1:
        return "AddBackward0" if biased else "MvBackward0"
    if rank == 2:
        return "AddmmBackward0" if biased else "MmBackward0"
    return "ViewBackward0" if biased else "SqueezeBackward4" if rank == 1 else "UnsafeViewBackward0"


def linear_input(g: Any, weight: Any, x_shape: tuple) -> Any:
    """The cotangent of a linear map's input."""
    if len(weight.shape) == 1:
        return column(g) * conjugated(weight)
    if len(x_shape) == 2:
        return product(g, conjugated(weight))
    if len(x_shape) == 1:
        return product(row(g), conjugated(weight)).reshape(x_shape)
    return by_matrix(g, conjugated(weight), x_shape)


def linear_weight(g: Any, x: Any, weight_shape: tuple) -> Any:
    """The cotangent of a linear map's weight."""
    if len(weight_shape) == 1:
        return g.reshape(-1) @ conjugated(flat(row(x)))
    if len(x.shape) == 2:
        return product(g.mT, conjugated(x))
    return product(flat(row(g)).mT, conjugated(flat(row(x))))


def linear_bias(g: Any, bias_shape: tuple) -> Any:
    """The cotangent of a linear map's bias."""
    if type(g) is ndarray and g.ndim == 2 and bias_shape == g.shape[1:]:
        return ones(len(g), g.dtype).dot(g)  # as sum_along, spared its questions
    return summed_to(g, bias_shape)


@bilinear(
    linear_input, linear_weight, linear_bias, addend=lambda t, out: expand(t, *out.shape), node=linear_name, method=False,
    samples=lambda: [
        call(T((2, 3)), T((4, 3)), T((4,))), call(T((2, 3)), T((4, 3))), call(T((3,)), T((4, 3)), T((4,))),
        call(T((3,)), T((4, 3))),
        call(T((2, 2, 3)), T((4, 3)), T((4,))), call(T((2, 2, 3)), T((4, 3)), T((1,))), call(T((2, 3)), T((3,))),
        call(T((0, 3)), T((4, 3)), T((4,))),
    ],
)  # fmt: skip
def linear(input: Array, weight: Array, bias: Array | None = None) -> Array:
    """`input @ weight.T + bias`: input (..., in), weight (out, in) or (in,), bias (out,) or None; the result is (...,
    out).

    Raises RuntimeError for shapes that do not fit, or different types.
    """
    kind = input.dtype
    if input.ndim == 2 == weight.ndim and kind is weight.dtype and (kind is float32 or kind is float64):
        try:
            out = input.dot(weight.T)
        except ValueError:
            fitting(input, weight.T)
            raise
    else:
        out = any_linear(input, weight)
    if bias is None:
        return out
    if bias.dtype is not kind and bias.dtype != kind:
        words = [type_word_of(x) for x in (bias, input)]
        raise RuntimeError(f"self and mat2 must have the same dtype, but got {words[0]} and {words[1]}")
    try:
        return np.add(out, bias, out)
    except ValueError:
        if bias.ndim > 1:
            return out + bias
        raise expansion_error(bias.shape, out.shape) from None


def inputs_in_order(node: Any) -> tuple[int, ...]:
    """The inputs of a linear map as PyTorch's node has them: `addmm` takes the bias first."""
    if node.shapes[2] is None:
        return (0, 1)
    return (2, 0, 1) if linear_name(node) == "AddmmBackward0" else (0, 1, 2)


linear.op.shown = inputs_in_order


def any_linear(input: Any, weight: Any) -> Any:
    """`input @ weight.T` for operands of any ranks and types. Raises RuntimeError where they do not fit."""
    same_type(input, weight)
    if weight.ndim > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {weight.ndim}D")
    turned = weight.T
    if not input.ndim or input.shape[-1] != turned.shape[0]:
        fitting(row(input) if input.ndim == 1 else input, turned.reshape(turned.shape[0], -1))
    if input.ndim > 2 and weight.ndim == 2:
        return dense(flat(input), turned).reshape(*input.shape[:-1], weight.shape[0])
    return dense(input, turned)


def expansion_error(shape: tuple, wanted: tuple) -> RuntimeError:
    """The error for an operand that cannot be broadcast to the shape of the result."""
    if len(shape) > len(wanted):
        return RuntimeError(
            f"expand: the number of sizes provided ({len(wanted)}) must be greater or equal to the number of "
            "dimensions in the tensor "
            f"({len(shape)})"
        )
    pairs = zip(reversed(shape), reversed(wanted), reversed(range(len(wanted))), strict=False)
    extent, target, dim = next(pair for pair in pairs if pair[0] not in (1, pair[1]))
    return RuntimeError(
        f"The expanded size of the tensor ({target}) must match the existing size ({extent}) at non-singleton "
        f"dimension {dim}.  "
        f"Target sizes: {list(wanted)}.  Tensor sizes: {list(shape)}"
    )


__all__ = ["mm", "mv", "dot", "vdot", "bmm", "matmul"]
FUNCTIONAL = ["linear"]
METHODS = {"__rmatmul__": reflected_matmul}
ALIASES: dict[str, tuple[str, ...]] = {}
