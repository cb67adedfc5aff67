"""Tensors in the safetensors format, with the functions of `safetensors.torch`. Needs the package safetensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import dtypes
from ..devices import check_device
from ..tensor import Tensor, wrap

if TYPE_CHECKING:
    import os

# The format's names of types.
KINDS = {
    "F64": dtypes.float64, "F32": dtypes.float32, "F16": dtypes.float16,
    "BF16": dtypes.bfloat16, "I64": dtypes.int64, "I32": dtypes.int32,
    "I16": dtypes.int16, "I8": dtypes.int8, "U8": dtypes.uint8, "U16": dtypes.uint16, "U32": dtypes.uint32, "U64": dtypes.uint64,
    "BOOL": dtypes.bool, "C64": dtypes.complex64, "F8_E4M3": dtypes.float8_e4m3fn, "F8_E5M2": dtypes.float8_e5m2,
}  # fmt: skip


def _package() -> Any:
    try:
        import safetensors.numpy
    except ImportError:
        raise ImportError(
            "the safetensors format needs the package safetensors: install it with `pip install rushlight[safetensors]`"
        ) from None
    return safetensors


def _arrays(tensors: dict[str, Tensor]) -> dict[str, np.ndarray]:
    return {name: np.array(tensor._array, order="C") for name, tensor in tensors.items()}


def save_file(tensors: dict[str, Tensor], filename: str | os.PathLike, metadata: dict[str, str] | None = None) -> None:
    """Writes tensors by name to a file."""
    _package().numpy.save_file(_arrays(tensors), filename, metadata)


def save(tensors: dict[str, Tensor], metadata: dict[str, str] | None = None) -> bytes:
    """Tensors by name as bytes."""
    return _package().numpy.save(_arrays(tensors), metadata)


def load_file(filename: str | os.PathLike, device: Any = "cpu") -> dict[str, Tensor]:
    """The tensors of a file, by name. Raises unless `device` is the CPU."""
    check_device(device)
    with open(filename, "rb") as file:
        return load(file.read())


def load(data: bytes) -> dict[str, Tensor]:
    """The tensors in bytes, by name."""
    loaded = {}
    for name, found in _package().deserialize(data):
        array = np.frombuffer(bytearray(found["data"]), KINDS[found["dtype"]].numpy)
        loaded[name] = wrap(array.reshape(found["shape"]))
    return loaded
