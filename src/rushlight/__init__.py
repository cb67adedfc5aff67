"""Rushlight: PyTorch's autograd in pure Python on NumPy.

    import rushlight as torch

or run a PyTorch program as it is: `rushlight train.py`.
"""

from __future__ import annotations

__version__ = "0.1.0"

import warnings as _warnings
from importlib import import_module as _import_module
from typing import Any as _Any

# NumPy tells of divisions by zero and overflows; PyTorch does not. Only warnings raised by Rushlight's own calls are silenced.
_warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"rushlight\.")

from . import dtypes as _dtypes  # noqa: E402
from .creation import *  # noqa: E402, F403
from .devices import (  # noqa: E402
    channels_last,
    channels_last_3d,
    contiguous_format,
    device,
    layout,
    memory_format,
    preserve_format,
    strided,
)
from .dtypes import can_cast, dtype, finfo, get_default_dtype, iinfo, promote_types, result_type, set_default_dtype  # noqa: E402
from .tensor import Size, Tensor  # noqa: E402
from .autograd.modes import (  # noqa: E402
    enable_grad,
    inference_mode,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_grad_enabled,
)
from .ops.registry import attach as _attach  # noqa: E402

_families = []
for _family in ("pointwise", "functions", "comparisons", "complexes", "operators", "reductions", "scans", "sorting", "statistics", "norms", "shapes", "joining", "indexing", "picking", "scattering", "arranging", "diagonals", "restriding", "filling",
                "casting", "products", "contractions", "linalg", "decompositions", "matrix_functions", "fft", "signal", "activations", "losses", "normalization", "convolution", "pooling",
                "embedding", "vision", "attention"):
    try:
        _module = _import_module(f".ops.{_family}", __name__)
    except ImportError as _e:  # TEMPORARY while families land
        if not isinstance(_e, ModuleNotFoundError) or _family not in str(_e):
            print("SKIPPED", _family, _e, file=__import__("sys").stderr)
        continue
    _families.append(_module)
    for _name in getattr(_module, "__all__", ()):
        globals()[_name] = getattr(_module, _name)
_attach(_families)
from . import methods as _methods  # noqa: E402
globals().update({k: v for k, v in _dtypes.ALL.items()}); globals().update(_dtypes.ALIASES)
from .random import *  # noqa: E402, F403
from .random import Generator, default_generator  # noqa: E402
from .printing import set_printoptions  # noqa: E402
from . import autograd, random  # noqa: E402
import math as _math  # noqa: E402

inf, nan, e, pi = _math.inf, _math.nan, _math.e, _math.pi
newaxis = None


def is_tensor(obj: _Any) -> bool:
    """Whether an object is a tensor."""
    return isinstance(obj, Tensor)

_LAZY = ("nn", "optim", "linalg", "fft", "special", "func", "utils", "distributions", "testing", "interop")

def __getattr__(name: str) -> _Any:
    """Loads a public submodule on first use."""
    if name in _LAZY:
        return _import_module(f".{name}", __name__)
    if name == "install_as_torch":
        from .interop.alias import install_as_torch
        return install_as_torch
    raise AttributeError(
        f"module 'rushlight' has no attribute '{name}'. If PyTorch has torch.{name}, please report it at "
        "https://github.com/rushlight/rushlight/issues."
    )
