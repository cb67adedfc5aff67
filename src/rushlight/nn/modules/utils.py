"""Small helpers of the layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from rushlight.nn.modules.module import Module


def fields(module: Module, *names: str) -> str:
    """`name=value` of the module's attributes, as `repr` shows them."""
    return ", ".join(f"{name}={getattr(module, name)}" for name in names)


def as_tuple(value: Any, n: int) -> tuple[Any, ...]:
    """`value` as a tuple: repeated `n` times unless it is a sequence already."""
    return tuple(value) if hasattr(value, "__iter__") and not isinstance(value, str) else (value,) * n


def _single(value: Any) -> tuple[Any, ...]:
    return as_tuple(value, 1)


def _pair(value: Any) -> tuple[Any, ...]:
    return as_tuple(value, 2)


def _triple(value: Any) -> tuple[Any, ...]:
    return as_tuple(value, 3)


def _quadruple(value: Any) -> tuple[Any, ...]:
    return as_tuple(value, 4)
