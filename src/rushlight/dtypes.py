"""Data types: PyTorch's names and promotion rules over NumPy's types."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

BOOL, INTEGER, FLOATING, COMPLEX = range(4)


class dtype:
    """A tensor's element type, as `torch.float32`.

    `numpy` is the NumPy type beneath, `itemsize` its size in bytes.
    """

    __slots__ = ("name", "category", "itemsize", "is_signed", "is_floating_point", "is_complex", "_numpy")

    def __init__(self, name: str, category: Any, itemsize: Any) -> None:
        self.name = name
        self.category = category
        self.itemsize = itemsize
        self.is_floating_point = category == FLOATING
        self.is_complex = category == COMPLEX
        self.is_signed = category != BOOL and not name.startswith("uint")
        self._numpy: np.dtype | None = None if name in EXTENSION_NAMES else np.dtype(name)

    @property
    def numpy(self) -> np.dtype:
        if self._numpy is None:
            self._numpy = _extension_type(self.name)
            _from_numpy[self._numpy] = self
        return self._numpy

    def to_real(self) -> dtype:
        """The real type of the same precision."""
        return _REAL_OF.get(self, self)

    def to_complex(self) -> dtype:
        """The complex type of the same precision."""
        return _COMPLEX_OF[self]

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self) -> str:
        return self.name  # pickled by reference: `float32` of this module


EXTENSION_NAMES = ("bfloat16", "float8_e4m3fn", "float8_e5m2")


def _extension_type(name: str) -> np.dtype:
    try:
        import ml_dtypes
    except ImportError:
        raise ImportError(
            f"torch.{name} needs the package ml_dtypes: install it with `pip install rushlight[bfloat16]`"
        ) from None
    return np.dtype(getattr(ml_dtypes, name))


bool = dtype("bool", BOOL, 1)
uint8 = dtype("uint8", INTEGER, 1)
uint16 = dtype("uint16", INTEGER, 2)
uint32 = dtype("uint32", INTEGER, 4)
uint64 = dtype("uint64", INTEGER, 8)
int8 = dtype("int8", INTEGER, 1)
int16 = short = dtype("int16", INTEGER, 2)
int32 = int = dtype("int32", INTEGER, 4)
int64 = long = dtype("int64", INTEGER, 8)
float16 = half = dtype("float16", FLOATING, 2)
bfloat16 = dtype("bfloat16", FLOATING, 2)
float8_e4m3fn = dtype("float8_e4m3fn", FLOATING, 1)
float8_e5m2 = dtype("float8_e5m2", FLOATING, 1)
float32 = float = dtype("float32", FLOATING, 4)
float64 = double = dtype("float64", FLOATING, 8)
complex64 = cfloat = dtype("complex64", COMPLEX, 8)
complex128 = cdouble = dtype("complex128", COMPLEX, 16)

ALL = {
    kind.name: kind
    for kind in (
        bool, uint8, uint16, uint32, uint64, int8, int16, int32, int64, float16, bfloat16,
        float8_e4m3fn, float8_e5m2, float32, float64, complex64, complex128,
    )
}  # fmt: skip
ALIASES = {"short": int16, "int": int32, "long": int64, "half": float16, "float": float32, "double": float64,
           "cfloat": complex64, "cdouble": complex128}  # fmt: skip

_REAL_OF = {complex64: float32, complex128: float64}
_COMPLEX_OF = {float16: complex64, bfloat16: complex64, float32: complex64, float64: complex128,
               complex64: complex64, complex128: complex128}  # fmt: skip
_PYTHON = {"bool": bool, "int": int64, "float": float64, "complex": complex128}
_from_numpy: dict[np.dtype, dtype] = {kind._numpy: kind for kind in ALL.values() if kind._numpy is not None}
_default = float32


def of(array: Any) -> dtype:
    """The dtype of an array."""
    return from_numpy(array.dtype)


def from_numpy(kind: np.dtype) -> dtype:
    """The dtype that stands for a NumPy type; TypeError when there is none."""
    found = _from_numpy.get(kind)
    if found is None:
        native = kind.newbyteorder("=")
        if native in _from_numpy and native == kind:
            return _from_numpy[native]
        if kind.name in EXTENSION_NAMES:
            _from_numpy[kind] = found = ALL[kind.name]
            return found
        raise TypeError(
            f"can't convert np.ndarray of type {kind.type.__module__}.{kind.type.__name__}. The only supported types are: "
            "float64, float32, float16, complex64, complex128, int64, int32, int16, int8, uint64, uint32, uint16, uint8, and bool."
        )
    return found


def resolve(kind: Any) -> dtype:
    """A dtype from what PyTorch takes for one: a dtype, or Python's `float`, `int`, `bool`, `complex`."""
    if isinstance(kind, dtype):
        return kind
    if isinstance(kind, type) and kind.__name__ in _PYTHON and kind.__module__ == "builtins":
        return _PYTHON[kind.__name__]
    raise TypeError(f"argument 'dtype' must be torch.dtype, not {type(kind).__name__}")


def numpy_type(kind: Any) -> np.dtype:
    """The NumPy type for a dtype (or for what `resolve` takes, or a NumPy type itself)."""
    return kind if isinstance(kind, np.dtype) else resolve(kind).numpy


def get_default_dtype() -> dtype:
    """The dtype of tensors made from Python floats."""
    return _default


def set_default_dtype(d: dtype) -> None:
    """Sets the dtype of tensors made from Python floats.

    Raises TypeError unless `d` is a floating-point dtype.
    """
    global _default
    if not isinstance(d, dtype) or not d.is_floating_point:
        raise TypeError(f"only floating-point types are supported as the default type, got {d}")
    _default = d


def of_scalar(value: Any) -> dtype:
    """The dtype that a Python number counts as."""
    kind = type(value).__name__
    if kind == "bool":
        return bool
    if kind == "int":
        return int64
    if kind == "float":
        return _default
    if kind == "complex":
        return _default.to_complex()
    if isinstance(value, np.generic):
        return from_numpy(value.dtype)
    return of_scalar(_plain_number(value))


def _plain_number(value: Any) -> Any:
    builtins = sys.modules["builtins"]
    for plain in (builtins.bool, builtins.int, builtins.float, builtins.complex):
        if isinstance(value, plain):
            return plain(value)
    raise TypeError(f"expected a number or a tensor, got {type(value).__name__}")


def promote_types(type1: dtype, type2: dtype) -> dtype:
    """The smallest dtype that both convert to, by PyTorch's table."""
    if type1 is type2:
        return type1
    low, high = (type1, type2) if type1.category <= type2.category else (type2, type1)
    if high.category == COMPLEX:
        return promote_types(low.to_complex(), high) if low.category >= FLOATING and low is not high.to_real() \
            and low.category != COMPLEX else (complex128 if complex128 in (low, high) else high)
    if low.category != high.category:
        return high
    if high.category == FLOATING:
        return high if high.itemsize > low.itemsize else low if low.itemsize > high.itemsize else float32
    if uint64 in (low, high) and (low.is_signed or high.is_signed):
        raise RuntimeError(f"Promotion for uint16, uint32, uint64 types is not supported, attempted to promote {low} and {high}")
    return _from_numpy[np.promote_types(low.numpy, high.numpy)]


def combine(dimensioned: dtype | None, zero_dim: dtype | None, scalar: dtype | None) -> dtype:
    """The result type of operands of three ranks: a lower rank counts only when its category is higher.

    Source: "Type promotion" in the documentation of torch.Tensor attributes.
    """
    return _yield_to(dimensioned, _yield_to(zero_dim, scalar))  # type: ignore[return-value]


def _yield_to(upper: dtype | None, lower: dtype | None) -> dtype | None:
    if upper is None or lower is None:
        return upper or lower
    if upper.category >= lower.category:
        return upper
    if upper.category == FLOATING:
        return upper.to_complex()
    return promote_types(upper, lower)


def result_type(tensor1: Any, tensor2: Any) -> dtype:
    """The dtype of an arithmetic operation on two tensors or numbers."""
    ranks: list[dtype | None] = [None, None, None]
    for operand in (tensor1, tensor2):
        array = getattr(operand, "_array", None)
        rank = 2 if array is None else 0 if array.ndim else 1
        kind = of_scalar(operand) if array is None else of(array)
        ranks[rank] = kind if ranks[rank] is None else promote_types(ranks[rank], kind)  # type: ignore[arg-type]
    return combine(*ranks)


def can_cast(from_: dtype, to: dtype) -> Any:
    """Whether a conversion keeps the category: float to int is refused, int to float is not."""
    return from_.category <= to.category


class finfo:
    """Limits of a floating-point dtype: `eps`, `max`, `min`, `tiny`, `smallest_normal`, `resolution`, `bits`."""

    def __init__(self, type: dtype | None = None) -> None:
        kind = _default if type is None else type
        if kind.category < FLOATING:
            raise TypeError(f"torch.finfo() requires a floating point input type. Use torch.iinfo to handle '{kind!r}'")
        kind = kind.to_real()
        info: Any
        if kind.name in EXTENSION_NAMES:
            kind.numpy  # noqa: B018 - raises the error that names the extra
            import ml_dtypes

            info = ml_dtypes.finfo(kind.numpy)
        else:
            info = np.finfo(kind.numpy)
        number = sys.modules["builtins"].float
        self.dtype = kind.name
        self.bits = kind.itemsize * 8
        self.eps, self.max, self.min = number(info.eps), number(info.max), number(info.min)
        self.tiny = self.smallest_normal = number(info.tiny)
        self.resolution = number(info.resolution)

    def __repr__(self) -> str:
        fields = ("resolution", "min", "max", "eps", "smallest_normal", "tiny")
        return f"finfo({', '.join(f'{name}={getattr(self, name):g}' for name in fields)}, dtype={self.dtype})"


class iinfo:
    """Limits of an integer dtype: `min`, `max`, `bits`."""

    def __init__(self, type: dtype) -> None:
        if type.category != INTEGER:
            raise TypeError(f"torch.iinfo() requires an integer input type. Use torch.finfo to handle '{type!r}'")
        info = np.iinfo(type.numpy)
        self.dtype, self.bits, self.min, self.max = type.name, info.bits, info.min, info.max

    def __repr__(self) -> str:
        return f"iinfo(min={self.min:g}, max={self.max:g}, dtype={self.dtype})"


# --- PyTorch's words for types, in error messages ---------------------------------------------------------------------------------

WORDS = {"float32": "Float", "float64": "Double", "float16": "Half", "bfloat16": "BFloat16", "int64": "Long", "int32": "Int",
         "int16": "Short", "int8": "Char", "uint8": "Byte", "bool": "Bool", "complex64": "ComplexFloat",
         "complex128": "ComplexDouble", "uint16": "UInt16", "uint32": "UInt32", "uint64": "UInt64"}  # fmt: skip
CPP_WORDS = {"float32": "float", "float64": "double", "int64": "long int", "int32": "int", "int16": "short int",
             "int8": "signed char", "uint8": "unsigned char", "float16": "c10::Half", "bfloat16": "c10::BFloat16",
             "complex64": "c10::complex<float>", "complex128": "c10::complex<double>"}  # fmt: skip


def type_word(kind: dtype) -> str:
    """The usual word for a type: `Float`, `Long`, ..."""
    return WORDS.get(kind.name, kind.name)


def type_word_of(array: Any) -> str:
    """That for an array's type."""
    return type_word(of(array))


def cpp_word(kind: dtype) -> str:
    """That of ops that do not cast, and of gradients: `float`, `long int`, ..."""
    return CPP_WORDS.get(kind.name, kind.name)
