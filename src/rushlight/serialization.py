"""`save` and `load`: PyTorch's own checkpoint files, both ways. Loading runs no code of the file's.

A file may name only tensors, plain containers and numbers, and what `add_safe_globals` was told of.
"""

from __future__ import annotations

import io
import os
import pickle
import sys
import zipfile
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from . import devices
from .interop.checkpoint import KNOWN, Pickler, Storage, StorageType, Unpickler, number_type

if TYPE_CHECKING:
    from collections.abc import Iterator

DEFAULT_PROTOCOL = 2
ALIGNMENT = 64
File = str | os.PathLike | BinaryIO

# --- what a file may name ---------------------------------------------------------------------------------------------------------

_safe: dict[str, Any] = {}


def _name_of(value: Any) -> str:
    return f"{value.__module__}.{value.__qualname__}"


def add_safe_globals(safe_globals: Iterable[Any]) -> None:
    """Lets files name these classes and functions; an entry may also be a pair of one and the name that files have for it.

    Loading calls them with arguments from the file: add only what may safely be called.
    """
    for entry in safe_globals:
        value, name = entry if isinstance(entry, tuple) else (entry, _name_of(entry))
        _safe[name] = value


def get_safe_globals() -> list[Any]:
    """What was added by `add_safe_globals`."""
    return [value if name == _name_of(value) else (value, name) for name, value in _safe.items()]


def clear_safe_globals() -> None:
    """Forgets what was added by `add_safe_globals`."""
    _safe.clear()


@contextmanager
def safe_globals(safe_globals: Iterable[Any]) -> Iterator[None]:
    """Lets files name these classes and functions for the length of a block."""
    before = dict(_safe)
    add_safe_globals(safe_globals)
    try:
        yield
    finally:
        _safe.clear()
        _safe.update(before)


def _find(name: str, weights_only: bool) -> Any:
    """What a name in a file stands for. Raises UnpicklingError unless it is allowed."""
    for table in (KNOWN, _safe):
        if name in table:
            return table[name]
    if not weights_only:
        found = _array_part(name) or _our_class(name)
        if found is not None:
            return found
    hint = "" if weights_only else " Rushlight runs no code from a file with weights_only=False either."
    raise pickle.UnpicklingError(
        f"Weights only load failed. WeightsUnpickler error: Unsupported global: GLOBAL {name} was not an allowed global by "
        f"default. Please use `torch.serialization.add_safe_globals([{name}])` or the `torch.serialization.safe_globals([{name}])` "
        f"context manager to allowlist this global if you trust this class/function.{hint}"
    )


def _our_class(name: str) -> Any:
    """A module of `torch.nn`: with `weights_only=False` a model made of these can be loaded whole."""
    from importlib import import_module

    from .nn.modules.module import Module

    module, _, qualname = name.rpartition(".")
    if not module.startswith("torch.nn."):
        return None
    try:
        found = getattr(import_module(f"{__package__}.{module.removeprefix('torch.')}"), qualname, None)
    except ImportError:
        return None
    return found if isinstance(found, type) and issubclass(found, Module) else None


def _array_part(name: str) -> Any:
    """What the pickle of a NumPy array or scalar names."""
    module, _, last = name.rpartition(".")
    if module == "numpy":
        return {"dtype": number_type, "ndarray": np.ndarray}.get(last)
    if module in ("numpy.core.multiarray", "numpy._core.multiarray"):
        return {"_reconstruct": np.empty(1).__reduce__()[0], "scalar": np.float64(1).__reduce__()[0]}.get(last)
    return None


# --- saving -----------------------------------------------------------------------------------------------------------------------


def save(
    obj: Any,
    f: File,
    pickle_module: Any = None,
    pickle_protocol: int = DEFAULT_PROTOCOL,
    _use_new_zipfile_serialization: bool = True,
    _disable_byteorder_record: bool = False,
) -> None:
    """Writes an object to a file, by name or open for writing, in the format of `torch.save`.

    Tensors that share memory share it in the file. Classes and functions are written by name, those of this package by PyTorch's.
    Raises NotImplementedError for the format that PyTorch had before version 1.6.
    """
    if not _use_new_zipfile_serialization:
        raise NotImplementedError("only PyTorch's zip format is written: leave _use_new_zipfile_serialization True")
    stem = "archive"
    if isinstance(f, (str, os.PathLike)):
        stem = os.path.splitext(os.path.basename(os.fspath(f)))[0] or stem
    described = io.BytesIO()
    pickler = Pickler(described, pickle_protocol)
    pickler.dump(obj)
    with zipfile.ZipFile(f, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        _write(archive, f"{stem}/data.pkl", described.getvalue())
        _write(archive, f"{stem}/.format_version", b"1")
        _write(archive, f"{stem}/.storage_alignment", str(ALIGNMENT).encode())
        if not _disable_byteorder_record:
            _write(archive, f"{stem}/byteorder", sys.byteorder.encode())
        for key, memory in pickler.storages.items():
            _write(archive, f"{stem}/data/{key}", memory.data)
        _write(archive, f"{stem}/version", b"3\n")


def _write(archive: zipfile.ZipFile, name: str, content: Any) -> None:
    """Adds an entry whose content begins at a multiple of the alignment, so that it can be mapped into memory."""
    info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    begin = archive.fp.tell() + 30 + len(name.encode()) + 4  # type: ignore[union-attr]
    padding = -begin % ALIGNMENT
    info.extra = b"FB" + padding.to_bytes(2, "little") + b"Z" * padding
    if len(content) > 0xFFFFFF00:  # zipfile adds its own extra field for what needs 64 bits: no alignment then
        info.extra = b""
    with archive.open(info, "w", force_zip64=len(content) > 0xFFFFFF00) as entry:
        entry.write(content)


# --- loading ----------------------------------------------------------------------------------------------------------------------


def load(
    f: File,
    map_location: Any = None,
    pickle_module: Any = None,
    *,
    weights_only: bool | None = None,
    mmap: bool | None = None,
    **pickle_load_args: Any,
) -> Any:
    """Reads an object from a file written by `torch.save`, PyTorch's or ours: by name, or open for reading.

    `map_location`: where tensors go that the file has on a GPU; here that can only be the CPU. `weights_only=False` also allows the
    modules of `torch.nn`, and NumPy arrays; no other code is run then either. `mmap` maps the tensors' memory from the file, which
    must be given by name. Raises UnpicklingError, naming it, for what the file may not name.
    """
    if pickle_load_args.keys() - {"encoding"}:
        raise TypeError(f"load() got unexpected arguments: {', '.join(sorted(pickle_load_args))}")
    if mmap and not isinstance(f, (str, os.PathLike)):
        raise ValueError("f must be a file path in order to use the mmap argument")
    if not isinstance(f, (str, os.PathLike)) and not (hasattr(f, "read") and hasattr(f, "seek")):
        raise AttributeError(f"a file must be given by its path, or as an object with read and seek, not as {type(f).__name__}")
    try:
        archive = zipfile.ZipFile(f)
    except zipfile.BadZipFile:
        raise pickle.UnpicklingError(
            "Weights only load failed: this is no checkpoint in PyTorch's zip format. A file from before PyTorch 1.6 has "
            "to be saved again with a newer PyTorch; a plain pickle can be read with Python's own pickle, if you trust it."
        ) from None
    with archive:
        reader = _Reader(archive, map_location, os.fspath(f) if mmap else None)  # type: ignore[arg-type]
        unpickler = Unpickler(lambda name: _find(name, weights_only is not False), reader.storage)
        try:
            return unpickler.load(archive.read(f"{reader.stem}/data.pkl"))
        except (IndexError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise pickle.UnpicklingError(f"Weights only load failed: the file is damaged, or made to harm ({error!r})") from error


class _Reader:
    """The storages of an archive."""

    def __init__(self, archive: zipfile.ZipFile, map_location: Any, path: str | None) -> None:
        self.archive, self.map_location, self.path = archive, map_location, path
        names = archive.namelist()
        described = next((name for name in names if name.endswith("/data.pkl")), None)
        if described is None:
            raise pickle.UnpicklingError("PytorchStreamReader failed locating file data.pkl: file not found")
        self.stem = described.removesuffix("/data.pkl")
        if f"{self.stem}/constants.pkl" in names:
            raise RuntimeError("this is a TorchScript archive, which holds code: save the model's state_dict() instead")
        order = archive.read(f"{self.stem}/byteorder").decode() if f"{self.stem}/byteorder" in names else "little"
        self.swapped = order != sys.byteorder
        self.storages: dict[str, Storage] = {}

    def storage(self, key: str, kind: StorageType, location: str) -> Storage:
        """The storage of an entry, read once."""
        if key not in self.storages:
            self.check_location(location)
            info = self.archive.getinfo(f"{self.stem}/data/{key}")
            memory = np.empty(info.file_size, np.uint8) if self.path is None else self.mapped(info)
            if self.path is None:
                with self.archive.open(info) as entry:
                    entry.readinto(memory.data)  # type: ignore[attr-defined]
            if self.swapped and kind.dtype is not None:
                memory.view(kind.dtype.numpy).byteswap(True)
            self.storages[key] = Storage(memory, kind, key)
        return self.storages[key]

    def mapped(self, info: zipfile.ZipInfo) -> np.ndarray:
        """An entry's bytes, mapped from the file; changes stay in memory."""
        assert self.path is not None
        with open(self.path, "rb") as file:
            file.seek(info.header_offset + 26)
            lengths = file.read(4)
        begin = info.header_offset + 30 + int.from_bytes(lengths[:2], "little") + int.from_bytes(lengths[2:], "little")
        if not info.file_size:
            return np.empty(0, np.uint8)
        return np.memmap(self.path, np.uint8, "c", begin, (info.file_size,)).view(np.ndarray)

    def check_location(self, location: str) -> None:
        """Raises unless tensors from that place go to the CPU."""
        where = self.map_location
        if isinstance(where, dict):
            where = where.get(location, location)
        elif where is None:
            where = location
        if isinstance(where, Callable):  # type: ignore[arg-type]
            return
        if devices.device(where).type != "cpu":
            raise RuntimeError(
                f"Attempting to deserialize object on {where}, but there is only a CPU here. Please use torch.load with "
                "map_location=torch.device('cpu') to map your storages to the CPU."
            )


def get_unsafe_globals_in_checkpoint(f: File) -> list[str]:
    """The names in a file that loading would refuse."""
    from pickletools import genops

    with zipfile.ZipFile(f) as archive:
        reader = _Reader(archive, "cpu", None)
        described = archive.read(f"{reader.stem}/data.pkl")
    names = [str(argument).replace(" ", ".", 1) for opcode, argument, _ in genops(described) if opcode.name == "GLOBAL"]
    names = [name.replace("__builtin__.", "builtins.", 1) for name in names]
    return sorted({name for name in names if name not in KNOWN and name not in _safe})
