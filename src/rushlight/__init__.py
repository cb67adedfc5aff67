"""Rushlight: PyTorch's autograd in pure Python on NumPy.

    import rushlight as torch

or run a PyTorch program as it is: `rushlight train.py`.
"""

from __future__ import annotations

import gc as _gc
import math as _math
from importlib import import_module as _import_module
from typing import Any as _Any

# What is imported stays: looking for garbage in it would take a sixth of the time.
_was_collecting = _gc.isenabled()
_gc.disable()

# The order is that of the layers; the functions named sum, all, ... come after the code that needs Python's.
# isort: off
from .devices import (
    channels_last,
    channels_last_3d,
    contiguous_format,
    device,
    layout,
    memory_format,
    preserve_format,
    strided,
)
from .dtypes import (
    bfloat16,
    cdouble,
    cfloat,
    complex64,
    complex128,
    double,
    float16,
    float32,
    float64,
    float8_e4m3fn,
    float8_e5m2,
    half,
    int8,
    int16,
    int32,
    int64,
    long,
    short,
    uint8,
    uint16,
    uint32,
    uint64,
    can_cast,
    dtype,
    finfo,
    get_default_dtype,
    iinfo,
    promote_types,
    result_type,
    set_default_dtype,
)
from . import autograd
from .tensor import Size, Tensor
from .autograd.modes import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_grad_enabled,
)
from . import methods, ops
from .ops.pointwise import *
from .ops.functions import *
from .ops.comparisons import *
from .ops.complexes import *
from .ops.reductions import *
from .ops.scans import *
from .ops.sorting import *
from .ops.statistics import *
from .ops.norms import *
from .ops.shapes import *
from .ops.arranging import *
from .ops.joining import *
from .ops.indexing import *
from .ops.picking import *
from .ops.scattering import *
from .ops.rows import *
from .ops.diagonals import *
from .ops.filling import *
from .ops.products import *
from .ops.accumulations import *
from .ops.einsum import *
from .ops.contractions import *
from .ops.activations import *
from .ops.dropout import *
from .ops.registry import load as _load
from .creation import *
from .ranges import *
from .inspection import *
from .random import *
from .random import Generator, default_generator
from . import random
from .printing import set_printoptions
from .overridable import overridable as _overridable
from .dtypes import bool, float, int  # last: from here on the builtins are hidden

# Functions of tensors that are no ops: here, not where Rushlight calls them itself, in the form that subclasses and modes override.
for _name in (
    "allclose", "alpha_dropout", "alpha_dropout_", "as_strided", "atleast_1d", "atleast_2d", "atleast_3d", "block_diag",
    "broadcast_tensors", "cartesian_prod", "column_stack", "combinations", "conj", "conj_physical", "detach", "detach_", "dropout",
    "dropout_", "dstack", "equal", "feature_alpha_dropout", "feature_alpha_dropout_", "feature_dropout", "feature_dropout_", "fill",
    "fill_", "float_power", "get_device", "hstack", "imag", "is_complex", "is_conj", "is_floating_point", "is_inference", "is_neg",
    "is_nonzero", "is_same_size", "is_signed", "meshgrid", "numel", "positive", "real", "repeat_interleave", "resolve_conj",
    "resolve_neg", "result_type", "row_stack", "split_with_sizes", "vstack", "zero_",
):  # fmt: skip
    globals()[_name] = _overridable(globals()[_name])

if _was_collecting:
    if not _gc.get_freeze_count():
        _gc.freeze()
        _gc.unfreeze()  # everything is old now, and not searched as soon as collecting goes on
    _gc.enable()

__version__ = "0.1.0"

inf, nan, e, pi = _math.inf, _math.nan, _math.e, _math.pi
newaxis = None

# Loaded on first use: submodules, and names by the module that has them.
_SUBMODULES = (
    "_C", "amp", "backends", "cuda", "fft", "func", "interop", "linalg", "masked", "nn", "optim", "overrides", "profiler",
    "return_types", "serialization", "signal", "special", "testing", "utils",
)  # fmt: skip
_ELSEWHERE = {
    "install_as_torch": "interop.alias",
    "explain": "autograd.explanation",
    "vmap": "func",
    **dict.fromkeys(("celu_", "rrelu_", "selu_", "threshold_"), "nn.functional"),
    "is_anomaly_enabled": "autograd.anomaly_mode",
    "is_anomaly_check_nan_enabled": "autograd.anomaly_mode",
    **dict.fromkeys(("autocast", "get_autocast_dtype", "is_autocast_enabled"), "amp.autocast_mode"),
    "save": "serialization",
    "load": "serialization",
}

def _found(name: str) -> _Any:
    """A public name that is not loaded yet; None where there is none."""
    if name in _SUBMODULES:
        return _import_module(f".{name}", __name__)
    if name in _ELSEWHERE:
        return getattr(_import_module(f".{_ELSEWHERE[name]}", __name__), name)
    for family, names in (*ops.ON_DEMAND.items(), *ops.ON_DEMAND_FUNCTIONS.items()):
        if name in names and not name.endswith("_"):
            return getattr(_load(family), name)
    if name.endswith("_") and not name.startswith("_") and hasattr(Tensor, name):
        return getattr(Tensor, name)  # sin_, relu_, ...: an in-place method as a function
    if name.endswith("_copy"):
        return _import_module(".ops.copies", __name__).FUNCTIONS.get(name)
    settings = _import_module(".settings", __name__)
    return getattr(settings, name) if name in settings.__all__ else None


def __getattr__(name: str) -> _Any:
    """Loads on first use what is not needed by every program."""
    found = None if name.startswith("__") else _found(name)
    if found is None:
        raise AttributeError(
            f"module 'rushlight' has no attribute '{name}'. If PyTorch has torch.{name}, please report it at "
            "https://github.com/rushlight/rushlight/issues."
        )
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    on_demand = (name for family in (ops.ON_DEMAND, ops.ON_DEMAND_FUNCTIONS) for names in family.values() for name in names)
    return sorted({*globals(), *_SUBMODULES, *_ELSEWHERE, *on_demand})
