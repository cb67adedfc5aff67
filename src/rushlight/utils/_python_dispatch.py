"""PyTorch's `__torch_dispatch__`, which Rushlight does not have: programs can name it, and learn so when they use it."""

from __future__ import annotations

from typing import Any

REFUSAL = (
    "__torch_dispatch__ is not supported: there is no layer of aten operators beneath Rushlight's functions. Override functions "
    "with __torch_function__ (torch.overrides.TorchFunctionMode for all of them), and hold data in a tensor made by as_subclass."
)


class TorchDispatchMode:
    """In PyTorch a block that sees every operation below autograd."""

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        raise NotImplementedError

    def __enter__(self) -> TorchDispatchMode:
        """Raises NotImplementedError: operations cannot be seen here."""
        raise NotImplementedError(f"{type(self).__name__}: {REFUSAL}")

    def __exit__(self, *exception: Any) -> None:
        pass
