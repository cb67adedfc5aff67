"""How tensors are written: `repr`, `str`, `format`, and the options that `set_printoptions` sets.

The text is PyTorch's to the character. The rules, found by trial:

- Integers and booleans are padded to the widest entry shown, reals to the widest that is finite and not zero; only such
  reals decide the notation, too.
- Reals that are all whole are written without decimals (`2.`). Scientific notation is taken if the largest magnitude
  exceeds 1e8 or 1000 times the smallest, or if not all are whole and the smallest is below 1e-4.
- The parts of a complex number are judged apart; the imaginary part is not padded.
- Above `threshold` entries only the first and last `edgeitems` of each dimension are shown, and only these are judged.
"""

from __future__ import annotations

from contextlib import contextmanager
from math import isfinite, prod
from typing import TYPE_CHECKING, Any

import numpy as np

from .arrays.basic import is_absent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from .dtypes import dtype
    from .tensor import Tensor

_PROFILES: dict[str, dict[str, Any]] = {
    "default": {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80},
    "short": {"precision": 2, "threshold": 1000, "edgeitems": 2, "linewidth": 80},
    "full": {"precision": 4, "threshold": float("inf"), "edgeitems": 3, "linewidth": 80},
}
_options: dict[str, Any] = {**_PROFILES["default"], "sci_mode": None}


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Sets how tensors are printed; what is None stays, except `sci_mode`, which goes back to automatic.

    `precision`: digits after the point (4). `threshold`: number of entries above which a summary is shown (1000).
    `edgeitems`: entries shown at each end of a dimension in a summary (3). `linewidth`: characters per line (80).
    `profile`: "default", "short" or "full", a set of the above that the other arguments refine.
    `sci_mode`: scientific notation always (True), never (False) or where it reads better (None).
    Raises ValueError for an unknown profile or a negative precision or edgeitems.
    """
    changes: dict[str, Any] = {
        "precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth,
    }  # fmt: skip
    changes = {name: value for name, value in changes.items() if value is not None}
    for name in ("precision", "edgeitems"):
        if changes.get(name, 0) < 0:
            raise ValueError(f"set_printoptions: {name} must not be negative, got {changes[name]}")
    if profile is not None:
        if profile not in _PROFILES:
            raise ValueError(f"set_printoptions: unknown profile {profile!r}; choose one of {', '.join(_PROFILES)}")
        changes = {**_PROFILES[profile], **changes}
    _options.update(changes, sci_mode=sci_mode)


def get_printoptions() -> dict[str, Any]:
    """The options in force, by name: precision, threshold, edgeitems, linewidth, sci_mode."""
    return dict(_options)


@contextmanager
def printoptions(**options: Any) -> Iterator[None]:
    """Sets options, as `set_printoptions` does, for the length of a `with` block."""
    before = get_printoptions()
    set_printoptions(**options)
    try:
        yield
    finally:
        _options.update(before)


def tensor_str(tensor: Tensor, *, tensor_contents: str | None = None, tangent: Tensor | None = None) -> str:
    """The text of `repr(tensor)`; `tensor_contents`, if given, stands for the entries; `tangent` is forward mode's."""
    from .autograd.modes import thread

    levels = getattr(tensor._array, "levels", None)
    if levels is not None:
        return f"BatchedTensor(lvl={thread.batch_levels.index(levels[-1]) + 1}, bdim=0, value=\n    {_examples(tensor)}\n)"
    if tangent is None and thread.forward_levels:
        from .autograd.forward_ad import unpack_dual

        tangent = unpack_dual(tensor).tangent
    kind = type(tensor).__name__
    plain = kind in ("Tensor", "Parameter")
    prefix = "tensor(" if plain else f"{kind}("
    contents = _contents(tensor, len(prefix)) if tensor_contents is None else tensor_contents
    text = _with_suffixes(prefix + contents, len(prefix), _suffixes(tensor, tangent)) + ")"
    return text if plain or not _is_parameter(tensor) else f"Parameter({text})"


def format_scalar(tensor: Tensor, spec: str) -> str:
    """The text of `format(tensor, spec)`: a plain 0-d tensor is formatted as its Python number.

    Any other tensor is written as by `str`; TypeError if it comes with a format specification.
    """
    if type(tensor).__name__ == "Tensor" and not tensor.shape:
        return format(_entries(tensor._array, tensor.dtype)[0], spec)
    return object.__format__(tensor, spec)


def _is_parameter(tensor: Tensor) -> bool:
    from .nn.parameter import Parameter

    return isinstance(tensor, Parameter)


def _contents(tensor: Tensor, indent: int) -> str:
    """The bracketed entries; `indent` is the column in which they start."""
    array, shape, edge = tensor._array, tuple(tensor.shape), _options["edgeitems"]
    if is_absent(array):
        return "..."
    if 0 in shape:
        return "[]"
    cut = [False] * len(shape)
    if shape and prod(shape) > _options["threshold"]:
        if edge == 0:
            return "[...]"
        cut = [length > 2 * edge for length in shape]
        # The longest dimension first, so that little is copied.
        for axis in sorted(range(len(shape)), key=shape.__getitem__, reverse=True):
            if cut[axis]:
                ends = [*range(edge), *range(shape[axis] - edge, shape[axis])]
                array = np.take(array, ends, axis)
    values = _entries(array, tensor.dtype)
    write, width = (_complex_writer if tensor.dtype.is_complex else _writer)(values)
    cells = [write(value) for value in values]
    return _brackets(cells, array.shape, cut, indent, width) if shape else cells[0]


def _entries(array: Any, kind: dtype) -> list[Any]:
    """The entries in order, as Python numbers."""
    if kind.is_floating_point:
        array = array.astype(np.float64)  # exact, and NumPy knows no Python number for an extension type (bfloat16)
    return array.reshape(-1).tolist()


def _brackets(cells: list[str], shape: Sequence[int], cut: Sequence[bool], indent: int, width: int) -> str:
    """Lays out the entries of an array of `shape` in nested brackets; `cut[i]`: dimension i lacks its middle."""
    if len(shape) == 1:
        if cut[0]:
            middle = len(cells) // 2
            cells = [*cells[:middle], " ...", *cells[middle:]]
        per_line = max(1, int((_options["linewidth"] - indent) // (width + 2)))
        lines = [", ".join(cells[start : start + per_line]) for start in range(0, len(cells), per_line)]
        return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"
    size = len(cells) // shape[0]
    parts = [
        _brackets(cells[start : start + size], shape[1:], cut[1:], indent + 1, width)
        for start in range(0, len(cells), size)
    ]
    if cut[0]:
        parts.insert(len(parts) // 2, "...")
    return "[" + ("," + "\n" * (len(shape) - 1) + " " * (indent + 1)).join(parts) + "]"


def _writer(values: list) -> tuple[Callable[[Any], str], int]:
    """The function that writes one of the real, integer or boolean `values`, and the width that it pads to."""
    if not isinstance(values[0], float):
        width = max(len(str(value)) for value in values)
        return lambda value: str(value).rjust(width), width
    regular = [value for value in values if value and isfinite(value)]
    if not regular:
        return lambda value: _whole(value), 1
    write = _real_writer(regular)
    width = max(len(write(value)) for value in regular)
    return lambda value: write(value).rjust(width), width


def _real_writer(regular: list[float]) -> Callable[[float], str]:
    """The notation, without padding, that suits reals of which `regular` are the non-zero finite ones."""
    whole = all(value.is_integer() for value in regular)
    scientific = _options["sci_mode"]
    if scientific is None:
        magnitudes = [abs(value) for value in regular]
        least, most = min(magnitudes), max(magnitudes)
        scientific = most / least > 1000 or most > 1e8 or (not whole and least < 1e-4)
    if whole and not scientific:
        return _whole
    spec = f".{_options['precision']}{'e' if scientific else 'f'}"
    return lambda value: format(value, spec)


def _whole(value: float) -> str:
    return f"{value:.0f}." if isfinite(value) else str(value)


def _complex_writer(values: list[complex]) -> tuple[Callable[[complex], str], int]:
    """As `_writer`, for complex numbers."""
    write_real, real_width = _writer([value.real for value in values])
    write_imag, imag_width = _writer([value.imag for value in values])

    def write(value: complex) -> str:
        imag = write_imag(value.imag).lstrip()
        return write_real(value.real) + ("" if imag[0] in "+-" else "+") + imag + "j"

    return write, real_width + imag_width + 1


def _examples(tensor: Tensor) -> str:
    """The text of all examples of a tensor inside vmap."""
    from .tensor import wrap

    return tensor_str(wrap(tensor._array.data)).replace("\n", "\n    ")


def _suffixes(tensor: Tensor, tangent: Tensor | None) -> list[str]:
    """What follows the entries: size, dtype, gradient, tangent; each only where the entries do not tell it."""
    from .dtypes import get_default_dtype

    shape, name, default = tuple(tensor.shape), str(tensor.dtype), str(get_default_dtype())
    empty = 0 in shape
    implied = {default}
    if not empty:
        implied |= {"torch.int64", "torch.bool"}
        implied.add("torch.complex128" if default == "torch.float64" else "torch.complex64")

    absent = is_absent(tensor._array)
    suffixes = ["device='meta'"] if absent else []
    if absent or (empty and len(shape) != 1) or _options["edgeitems"] == 0:
        suffixes.append(f"size={shape}")
    if name not in implied:
        suffixes.append(f"dtype={name}")
    suffixes += _gradient_suffix(tensor)
    if tangent is not None:
        suffixes.append(f"tangent={tangent}")
    return suffixes


def _gradient_suffix(tensor: Tensor) -> list[str]:
    try:
        node = tensor.grad_fn
    except RuntimeError:  # a view whose history an in-place change has made invalid
        return ["grad_fn=<Invalid>"]
    if node is not None:
        return [f"grad_fn=<{type(node).__name__}>"]
    return ["requires_grad=True"] if tensor.requires_grad else []


def _with_suffixes(text: str, indent: int, suffixes: list[str]) -> str:
    """Appends the suffixes, each on a new line where the current one has no room for it."""
    column = len(text) - text.rfind("\n") + 1  # two more than the characters of the last line, as in PyTorch
    for suffix in suffixes:
        if column + len(suffix) + 2 > _options["linewidth"]:
            text += ",\n" + " " * indent + suffix
            column = indent + len(suffix)
        else:
            text += ", " + suffix
            column += len(suffix) + 2
    return text
