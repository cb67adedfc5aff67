"""Anomaly detection: remembers where each operation was called, and looks for NaN in what backward computes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..callers import calling_lines
from ..warning import warn
from .engine import as_tensor, running_node
from .modes import adjust_active, check_bool, thread

if TYPE_CHECKING:
    from .graph import Node


def is_anomaly_enabled() -> bool:
    """Whether anomaly detection is on."""
    return thread.anomaly


def is_anomaly_check_nan_enabled() -> bool:
    """Whether anomaly detection, where it is on, looks for NaN."""
    return thread.anomaly_check_nan


def _set(enabled: bool, check_nan: bool) -> None:
    if enabled is not thread.anomaly:
        adjust_active(1 if enabled else -1)
    everywhere = type(thread)  # other than the other modes, this one holds for all threads
    everywhere.anomaly, everywhere.anomaly_check_nan = enabled, check_nan


class detect_anomaly:
    """A block in which an error in backward is preceded by a warning with the traceback of the forward call that caused it.

    With `check_nan` a NaN in a gradient is such an error. Slow: for debugging only.
    """

    def __init__(self, check_nan: bool = True) -> None:
        self.previous = thread.anomaly, thread.anomaly_check_nan
        self.check_nan = check_nan
        warn("Anomaly Detection has been enabled. This mode will increase the runtime and should only be enabled for debugging.")

    def __enter__(self) -> None:
        self.previous = thread.anomaly, thread.anomaly_check_nan
        _set(True, self.check_nan)

    def __exit__(self, *exception: Any) -> None:
        _set(*self.previous)


class set_detect_anomaly:
    """Switches anomaly detection on or off: at once as a function call, until the block's end as a context manager."""

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        self.previous = thread.anomaly, thread.anomaly_check_nan
        check_bool("set_anomaly_enabled", mode)
        _set(mode, check_nan)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exception: Any) -> None:
        _set(*self.previous)


def remember(node: Node) -> None:
    """Notes on a node the lines of the program that led to it, and during backward the node that ran."""
    node.metadata["traceback_"] = calling_lines()
    parent = running_node()
    if parent is not None:
        node.metadata["parent_"] = parent


def apply_checked(node: Node, g: Any, keep: bool, on_tensors: bool) -> tuple:
    """Runs a node's derivative. Raises RuntimeError where it gives NaN."""
    results = node.vjp_recorded(g, keep) if on_tensors else node.vjp(g, keep)
    if thread.anomaly_check_nan:
        for index, (result, edge) in enumerate(zip(results, node.edges, strict=False)):
            if result is not None and edge is not None and has_nan(as_tensor(result)._array):
                raise RuntimeError(f"Function '{node_name(node)}' returned nan values in its {index}th output.")
    return results


def has_nan(array: Any) -> bool:
    """Whether a floating-point array holds NaN."""
    return array.dtype.kind in "fcV" and bool(np.isnan(array).any())


def node_name(node: Any) -> str:
    """The name that `grad_fn` prints."""
    from .graph import public_node

    return public_node(node).name()


def report(node: Any) -> None:
    """Warns where the node was made at which a pass has just failed, and what led to that."""
    trace = node.metadata.get("traceback_")
    if trace is None:
        warn(
            f"Error detected in {node_name(node)}. No forward pass information available. Enable detect anomaly during forward "
            "pass for more information."
        )
        return
    lines = "".join(trace)
    warn(f"Error detected in {node_name(node)}. Traceback of forward call that caused the error:\n{lines}")
    parent = node.metadata.get("parent_")
    while parent is not None:
        lines = "".join(parent.metadata.get("traceback_", ("No forward pass information available.",)))
        warn(
            f"\n\nPrevious calculation was induced by {node_name(parent)}. Traceback of forward call that induced the previous "
            f"calculation:\n{lines}"
        )
        parent = parent.metadata.get("parent_")
