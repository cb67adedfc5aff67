"""What concerns compiled programs and the streams of GPUs only: checked as in PyTorch, and without effect here."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def region_activation_memory_budget(budget: float) -> Iterator[None]:
    """For compiled programs only. Raises ValueError for a budget that is not in [0, 1], and otherwise RuntimeError."""
    if not 0 <= budget <= 1:
        raise ValueError(f"torch.autograd.graph.region_activation_memory_budget: must be in [0, 1], got {budget}")
    raise RuntimeError(
        "torch.autograd.graph.region_activation_memory_budget can only be used inside a torch.compile region; it has no effect in "
        "eager mode. To trade computing for memory here, use torch.utils.checkpoint."
    )
    yield


def set_warn_on_accumulate_grad_stream_mismatch(enabled: bool) -> None:
    """Whether to warn of gradients that come from another stream than that of their leaf: there is one stream here."""
    check_switch(enabled)


def set_override_stale_capture_stream(enabled: bool) -> None:
    """Whether a stream outside a CUDA graph's capture is replaced by that of the capture: there is one stream here."""
    check_switch(enabled)


def check_switch(enabled: Any) -> None:
    """Raises RuntimeError unless a setting is True or False."""
    if not isinstance(enabled, bool):
        raise RuntimeError(f"enabled must be a bool, but got {type(enabled).__name__}")
