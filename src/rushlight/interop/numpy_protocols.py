"""NumPy's protocols: ndarrays and tensors mix in either order, and NumPy's functions of tensors stay in the graph.

A ufunc of a tensor is the operation of the same meaning, and so is a function that in NumPy calls the method of its
name (`np.sum`, `np.reshape`). All others are operations where gradients flow; of tensors that need no gradient they are
NumPy's own, on the memory beneath, and return what they return in PyTorch programs: arrays.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from ..arrays.promotion import cast, common_dtype
from ..tensor import Tensor, wrap

# NumPy's names, where PyTorch's differ.
UFUNCS = {
    "power": "pow", "conjugate": "conj", "invert": "bitwise_not", "left_shift": "bitwise_left_shift",
    "right_shift": "bitwise_right_shift", "rint": "round", "degrees": "rad2deg", "radians": "deg2rad", "fabs": "abs",
    "equal": "eq",
}  # fmt: skip
REDUCED = {
    "add": "sum",
    "multiply": "prod",
    "maximum": "amax",
    "minimum": "amin",
    "logical_and": "all",
    "logical_or": "any",
}
FUNCTIONS = {
    "concatenate": "cat", "concat": "cat", "expand_dims": "unsqueeze", "copy": "clone", "array_equal": "equal",
    "max": "amax", "min": "amin", "repeat": "repeat_interleave",
}  # fmt: skip
METHODS = frozenset((
    "sum", "prod", "mean", "max", "min", "amax", "amin", "any", "all", "std", "var", "reshape", "transpose",
    "squeeze", "cumsum", "cumprod", "argmax", "argmin", "argsort", "clip", "round", "repeat", "swapaxes",
))  # fmt: skip
SAME = METHODS | frozenset((
    "stack", "hstack", "vstack", "dstack", "column_stack", "where", "ravel", "moveaxis", "broadcast_to", "tile",
    "fliplr", "flipud", "roll", "einsum", "tensordot", "outer", "inner", "kron", "trace", "isclose", "allclose",
    "sinc", "nan_to_num", "real", "imag", "angle", "tril", "triu", "diag", "diagonal", "zeros_like", "ones_like",
    "full_like", "empty_like", "nansum", "nanmean", "atleast_1d", "atleast_2d", "atleast_3d", "count_nonzero",
))  # fmt: skip
LINALG = frozenset((
    "norm", "inv", "det", "slogdet", "solve", "cholesky", "eigh", "eigvalsh", "eig", "eigvals", "pinv",
    "matrix_power", "matrix_rank", "multi_dot", "svdvals", "vector_norm", "matrix_norm",
))  # fmt: skip


def operation(name: str) -> Any:
    """The function `torch.name`; None where there is none."""
    return getattr(sys.modules["rushlight"], name, None)


def requires_grad(values: Any) -> bool:
    """Whether a tensor that requires grad is among some arguments, at any depth of tuples and lists."""
    return any(
        value._node is not None
        if isinstance(value, Tensor)
        else isinstance(value, (tuple, list)) and requires_grad(value)
        for value in values
    )


def arrays_in(value: Any) -> Any:
    """Arguments with arrays in the place of tensors, at any depth of tuples and lists."""
    if isinstance(value, Tensor):
        return value._array
    return type(value)(map(arrays_in, value)) if type(value) in (tuple, list) else value


def array_ufunc(ufunc: np.ufunc, method: str, inputs: tuple, options: dict) -> Any:
    """A ufunc with a tensor among its operands: the operation of the same meaning.

    Raises TypeError where gradients are wanted and there is no such operation, or the result is to go into an ndarray.
    """
    out = options.pop("out", None)
    tensors = [wrap(np.asarray(one)) if isinstance(one, (list, tuple)) else one for one in inputs]
    target = None if out is None else out[0]
    if isinstance(target, np.ndarray):
        if requires_grad(inputs):
            raise TypeError(
                f"np.{ufunc.__name__} cannot write a tensor that requires grad into an ndarray: "
                "use an out-of-place operation, or "
                "tensor.detach().numpy()."
            )
        return getattr(ufunc, method)(*map(arrays_in, inputs), out=target, **options)
    if method == "reduce" and ufunc.__name__ in REDUCED:
        dims = options.get("axis", 0)
        keep = options.get("keepdims", False)
        return operation(REDUCED[ufunc.__name__])(tensors[0], dims, keepdim=keep)
    function = operation(UFUNCS.get(ufunc.__name__, ufunc.__name__))
    if ufunc.__name__ == "matmul":
        kind = common_dtype([getattr(one, "_array", one) for one in tensors])
        tensors = [(one if isinstance(one, Tensor) else wrap(one)).to(kind) for one in tensors]  # type: ignore[attr-defined]
    if method == "__call__" and not options and function is not None:
        return function(*operands(function, tensors), **({} if target is None else {"out": target}))
    if requires_grad(inputs):
        call = f"np.{ufunc.__name__}" if method == "__call__" else f"np.{ufunc.__name__}.{method}"
        raise TypeError(
            f"{call} with these arguments has no derivative here: call torch's operation, or detach the tensor first."
        )
    result = getattr(ufunc, method)(*map(arrays_in, inputs), **options)
    return tuple(wrap(np.asarray(one)) for one in result) if isinstance(result, tuple) else wrap(np.asarray(result))


def operands(function: Any, given: list) -> list:
    """Operands as a function takes them: numbers as tensors where it refuses numbers."""
    op = getattr(function, "op", None)
    if op is None or op.numbers == "both":
        return given
    like = next(one for one in given if isinstance(one, Tensor))._array
    numbers = [one.item() if isinstance(one, np.generic) else one for one in given]
    return [
        one if isinstance(one, (Tensor, np.ndarray)) else wrap(cast(one, common_dtype([like, one]))) for one in numbers
    ]


def dot(a: Any, b: Any) -> Any:
    """`np.dot` for operands of at most two dimensions."""
    if not np.ndim(a) or not np.ndim(b):
        return operation("mul")(a, b)
    if np.ndim(b) > 2:
        raise TypeError("np.dot with more than two dimensions has no derivative here: use torch.tensordot.")
    return operation("matmul")(a, b)


def running(name: str) -> Any:
    """`np.cumsum` or `np.cumprod`, of all elements in a row unless told otherwise."""

    def function(a: Any, axis: int | None = None) -> Any:
        return operation(name)(a, axis) if axis is not None else operation(name)(a.reshape(-1), 0)

    return function


def spread(name: str) -> Any:
    """`np.std` or `np.var`, which divide by the number of elements unless told otherwise."""

    def function(
        a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: int = 0, keepdims: bool = False
    ) -> Any:
        return operation(name)(a, axis, correction=ddof, keepdim=keepdims)

    return function


SPECIAL: dict[str, Any] = {
    "dot": dot,
    "std": spread("std"),
    "var": spread("var"),
    "cumsum": running("cumsum"),
    "cumprod": running("cumprod"),
    "clip": lambda a, a_min=None, a_max=None, **kwargs: operation("clamp")(
        a, kwargs.get("min", a_min), kwargs.get("max", a_max)
    ),
    "round": lambda a, decimals=0: operation("round")(a, decimals=decimals),
    "sort": lambda a, axis=-1: operation("sort")(a, axis)[0],
    "transpose": lambda a, axes=None: operation("permute")(a, axes if axes is not None else tuple(range(a.ndim))[::-1]),
    "ndim": lambda a: a.ndim,
    "shape": lambda a: a.shape,
    "size": lambda a, axis=None: a.numel() if axis is None else a.shape[axis],
}


def array_function(function: Any, args: tuple, kwargs: dict) -> Any:
    """Another NumPy function with a tensor among its arguments.

    Raises TypeError where gradients are wanted and there is no operation of the same meaning.
    """
    name = function.__name__
    if name not in METHODS and name != "shape" and not requires_grad((*args, *kwargs.values())):
        return function(*map(arrays_in, args), **{key: arrays_in(value) for key, value in kwargs.items()})
    if name in SPECIAL:
        return SPECIAL[name](*args, **kwargs)
    if function.__module__ == "numpy.linalg" and name in LINALG:
        return getattr(operation("linalg"), name)(*args, **kwargs)
    found = operation(FUNCTIONS.get(name, name)) if name in SAME or name in FUNCTIONS else None
    if found is None:
        raise TypeError(
            f"np.{name} of a tensor that requires grad has no derivative here: use torch's function, or detach it."
        )
    return found(*args, **kwargs)
