"""What the programs about in-place changes share."""

from __future__ import annotations

import warnings
from typing import Any

from facts import Programs

PROGRAMS = case = Programs("inplace")


def tried(function: Any, *args: Any) -> Any:
    """What a call gives, or the type and the first sentence of its error; after its warnings, if any."""
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        try:
            result = function(*args)
        except Exception as error:
            message = str(error).split(" Hint")[0].split(". ")[0].split(".You")[0].splitlines()[0]
            result = [type(error).__name__, message.removesuffix(".")]
    return [[str(one.message).split(". ")[0] for one in seen], result] if seen else result


def matrix(torch: Any, rows: int = 3, columns: int = 3) -> Any:
    """A float64 matrix of different numbers, without history."""
    return torch.arange(1.0, rows * columns + 1, dtype=torch.float64).reshape(rows, columns)


def start(torch: Any) -> tuple[Any, Any]:
    """A leaf of two rows, and what it is times one."""
    w = matrix(torch, 2, 3).requires_grad_()
    return w, w * 1


def names(node: Any) -> list:
    """The names of what a node consumed."""
    return [None if edge is None else edge.name() for edge, _ in node.next_functions]
