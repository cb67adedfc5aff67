"""Result types of operations that return several named tensors: tuples with fields, as `torch.return_types.max`."""

from __future__ import annotations

import sys
from operator import itemgetter
from typing import Any


class _Fields(tuple):
    """A tuple whose entries also have names. Made from the entries, or from one sequence of them."""

    __slots__ = ()
    __match_args__: tuple[str, ...] = ()
    n_fields = n_sequence_fields = n_unnamed_fields = 0

    def __new__(cls, *values: Any) -> Any:
        entries = values[0] if len(values) == 1 else values
        if len(entries) != cls.n_fields:
            raise TypeError(
                f"torch.return_types.{cls.__name__}() takes a {cls.n_fields}-sequence ({len(entries)}-sequence given)"
            )
        return tuple.__new__(cls, entries)

    def __repr__(self) -> str:
        parts = ",\n".join(f"{name}={value!r}" for name, value in zip(self.__match_args__, self, strict=True))
        return f"torch.return_types.{type(self).__name__}(\n{parts})"

    def __reduce__(self) -> tuple:
        return type(self), (tuple(self),)


def make(name: str, *fields: str) -> Any:
    """The result type of that name, entered in this module; made once."""
    known = getattr(sys.modules[__name__], name, None)
    if known is not None:
        return known
    members: dict[str, Any] = {field: property(itemgetter(i)) for i, field in enumerate(fields)}
    members |= {"__slots__": (), "__match_args__": fields, "__module__": __name__}
    members |= {"n_fields": len(fields), "n_sequence_fields": len(fields)}
    made = type(name, (_Fields,), members)
    setattr(sys.modules[__name__], name, made)
    return made


aminmax = make("aminmax", "min", "max")
histogram = make("histogram", "hist", "bin_edges")
frexp = make("frexp", "mantissa", "exponent")
max, min, median, nanmedian, mode, sort, topk, kthvalue, cummax, cummin = (
    make(name, "values", "indices")
    for name in ("max", "min", "median", "nanmedian", "mode", "sort", "topk", "kthvalue", "cummax", "cummin")
)
