"""`torch.autocast` switched off, and refused where it would be on."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from .. import devices, dtypes
from ..warning import warn

if TYPE_CHECKING:
    from collections.abc import Callable

# Where PyTorch's autocast would go, it computes in other types than the program's.
_LOWER = {"cpu": dtypes.bfloat16, "cuda": dtypes.float16}


class autocast:  # noqa: N801  (PyTorch's name)
    """A block, or a decorated function, whose ops keep their types.

    Without a GPU, autocast for one is disabled with a warning, as in PyTorch, and so is that to a type that PyTorch has none for.
    Raises RuntimeError where it would be on: everything here is computed in the types that it is given in.
    """

    def __init__(
        self, device_type: str, dtype: dtypes.dtype | None = None, enabled: bool = True, cache_enabled: bool | None = None
    ) -> None:
        if not isinstance(device_type, str):
            raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
        self.device = devices.device(device_type).type
        self.fast_dtype = get_autocast_dtype(self.device) if dtype is None else dtype
        if enabled and self.device == "cuda":
            warn("CUDA is not available or torch_xla is imported. Disabling autocast.")
        elif enabled and self.fast_dtype not in _LOWER.values():
            warn(
                "In CPU autocast, but the target dtype is not supported. Disabling autocast.\nCPU Autocast only supports dtypes of "
                "torch.bfloat16, torch.float16 currently."
            )
        elif enabled:
            raise RuntimeError("autocast is not available: Rushlight computes in the types it is given; pass enabled=False")

    def __enter__(self) -> autocast:
        return self

    def __exit__(self, *exception: Any) -> None:
        pass

    def __call__(self, func: Callable) -> Callable:
        return func


def get_autocast_dtype(device_type: str) -> dtypes.dtype:
    """The type that PyTorch's autocast would compute in. Raises RuntimeError for a device that has none."""
    if device_type not in _LOWER:
        raise RuntimeError(f"User specified an unsupported autocast device_type '{device_type}'")
    return _LOWER[device_type]


def is_autocast_enabled(device_type: str = "cuda") -> bool:
    """False."""
    return False


def is_autocast_available(device_type: str) -> bool:
    """False: it is accepted only where it is off."""
    return False


def custom_fwd(
    fwd: Callable | None = None, *, device_type: str = "cuda", cast_inputs: dtypes.dtype | None = None
) -> Callable:
    """Decorates the `forward` of a custom function: `cast_inputs` matters only within autocast, and so nothing changes."""
    if fwd is None:
        return functools.partial(custom_fwd, device_type=device_type, cast_inputs=cast_inputs)
    return fwd


def custom_bwd(bwd: Callable | None = None, *, device_type: str = "cuda") -> Callable:
    """Decorates the `backward` of a custom function, which runs without autocast anyway."""
    return functools.partial(custom_bwd, device_type=device_type) if bwd is None else bwd
