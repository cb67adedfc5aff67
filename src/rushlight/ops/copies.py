"""The views as functions that copy (`view_copy`, ...), and the `unsafe_` splits, whose parts may be changed in place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..tensor import Tensor
from .dispatch import write_out
from .op import Op
from .shapes import alias


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


VIEWS = (
    "as_strided", "detach", "diagonal", "expand", "permute", "select", "split", "split_with_sizes", "squeeze", "t", "transpose",
    "unbind", "unfold", "unsqueeze", "view",
)  # fmt: skip
FUNCTIONS: dict[str, Callable] = {f"{name}_copy": copying(f"{name}_copy", as_method(name)) for name in VIEWS}
FUNCTIONS["alias_copy"] = copying("alias_copy", alias)
FUNCTIONS |= {f"unsafe_{name}": copying(f"unsafe_{name}", as_method(name)) for name in ("chunk", "split", "split_with_sizes")}
