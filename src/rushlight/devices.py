"""Devices, layouts and memory formats: names that PyTorch programs pass around."""

from __future__ import annotations

from typing import Any


class device:
    """Where a tensor's array lives. Rushlight has `cpu`, and `meta` for tensors without elements.

    Raises RuntimeError for a name that PyTorch does not know.
    """

    __slots__ = ("type", "index")

    KNOWN = ("cpu", "cuda", "mps", "meta", "xpu", "mkldnn", "xla", "hip", "ipu", "hpu", "mtia", "vulkan")

    def __init__(self, type: Any = "cpu", index: int | None = None) -> None:
        if isinstance(type, device):
            type, index = type.type, type.index
        elif isinstance(type, int):
            type, index = "cuda", type
        elif ":" in type:
            type, _, number = type.partition(":")
            if not number.isdigit():
                raise RuntimeError(f"Invalid device string: '{type}:{number}'")
            index = int(number)
        if type not in self.KNOWN:
            raise RuntimeError(f"Expected one of {', '.join(self.KNOWN)} device type at start of device string: {type}")
        self.type: str = type
        self.index = index

    def __repr__(self) -> str:
        return f"device(type='{self.type}')" if self.index is None else f"device(type='{self.type}', index={self.index})"

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, device) and (self.type, self.index) == (other.type, other.index)

    def __hash__(self) -> int:
        return hash((self.type, self.index))

    def __reduce__(self) -> tuple:
        return device, (self.type, self.index)

    def __enter__(self) -> device:
        check_device(self)
        return self

    def __exit__(self, *exception: Any) -> None:
        pass


cpu = device("cpu")
meta = device("meta")


def is_meta(where: Any) -> bool:
    """Whether a device, or the name of one, is that of tensors without elements."""
    return where is not None and where is not cpu and device(where) == meta


def check_device(where: Any) -> None:
    """Raises unless tensors can be placed on `where` (None, a device or its name)."""
    if where is None or where is cpu:
        return
    kind = device(where)
    if kind.type == "cuda":
        raise AssertionError("Torch not compiled with CUDA enabled: Rushlight's tensors live on the CPU; use device='cpu'")
    if kind.type != "cpu":
        raise RuntimeError(f"device '{kind}' is not available: Rushlight's tensors live on the CPU; use device='cpu'")


class _Named:
    """A constant that prints as PyTorch prints it."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self) -> str:
        return self.name


class layout(_Named):
    """How a tensor's elements are stored."""

    __slots__ = ()


class memory_format(_Named):
    """In which order a tensor's dimensions lie in memory."""

    __slots__ = ()


strided = layout("strided")
contiguous_format = memory_format("contiguous_format")
preserve_format = memory_format("preserve_format")
channels_last = memory_format("channels_last")
channels_last_3d = memory_format("channels_last_3d")
