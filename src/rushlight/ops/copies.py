"""The views as functions that copy (`view_copy`, ...), and the `unsafe_` splits, whose parts may be changed in place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..autograd.graph import public_edge
from ..tensor import Tensor
from .along import part_along
from .complexes import view_as_complex, view_as_real
from .dims import position
from .op import Op, renamed
from .shapes import alias
from .writing import write_out


def copying(name: str, view: Callable) -> Callable:
    """A function that returns copies of what a view function returns."""

    def function(input: Tensor, *args: Any, out: Any = None, **kwargs: Any) -> Any:
        result = view(input, *args, **kwargs)
        copies = tuple(one.clone() for one in result) if isinstance(result, tuple) else result.clone()
        return copies if out is None else write_out(record, out, copies)

    record = Op(name, function, "composite", inputs=("input",), method=False)
    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"`{name.removesuffix('_copy').removeprefix('unsafe_')}`, as a copy."
    return function


def as_method(name: str) -> Callable:
    """A method of Tensor as a function."""
    return lambda input, *args, **kwargs: getattr(input, name)(*args, **kwargs)


def slice_of(input: Tensor, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1) -> Tensor:
    """The slices along a dimension from `start` to `end`."""
    return part_along(input, position(dim, input.ndim), slice(start, end, step))


VIEWS = (
    "as_strided", "detach", "diagonal", "expand", "permute", "select", "split", "split_with_sizes", "squeeze", "t", "transpose",
    "unbind", "unfold", "unsqueeze", "view",
)  # fmt: skip
FUNCTIONS: dict[str, Callable] = {f"{name}_copy": copying(f"{name}_copy", as_method(name)) for name in VIEWS}
FUNCTIONS["slice_copy"] = copying("slice_copy", slice_of)
FUNCTIONS |= {f"{view.__name__}_copy": copying(f"{view.__name__}_copy", view) for view in (alias, view_as_complex, view_as_real)}


def unsafe(name: str) -> Callable:
    """A function that returns parts like a view function, but as tensors of their own: a change of one is not noticed elsewhere."""

    def function(input: Tensor, *args: Any, **kwargs: Any) -> Any:
        parts = getattr(input, name)(*args, **kwargs)
        for part in parts:
            part._base = None
            part.__dict__.pop("_made", None)
        node = parts[0]._node if parts else None
        if node is not None:
            node = public_edge(node)[0]
            renamed(node, f"Unsafe{node.name()}")
        return parts

    function.__name__ = function.__qualname__ = f"unsafe_{name}"
    function.__doc__ = f"`{name}`, whose parts may be changed in place: they count as tensors of their own, but share memory."
    return function


unsafe_chunk, unsafe_split, unsafe_split_with_sizes = map(unsafe, ("chunk", "split", "split_with_sizes"))

METHODS = {"unsafe_chunk": unsafe_chunk, "unsafe_split": unsafe_split, "unsafe_split_with_sizes": unsafe_split_with_sizes}

__all__ = [*METHODS]
