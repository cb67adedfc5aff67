"""What happens at the making of a node while something rare is on: anomaly mode, or hooks on saved tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .modes import thread

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .graph import Node


def program_stack() -> list[str]:
    """The lines of the program that lead here, outermost first, without Rushlight's own."""
    import sys
    import traceback

    frames = [
        (frame, line)
        for frame, line in traceback.walk_stack(sys._getframe(1))
        if not frame.f_globals.get("__name__", "").startswith("rushlight.")
    ]
    return traceback.StackSummary.extract(reversed(frames)).format()


def observe(node: Node, given: Sequence[Any] = (), outputs: Sequence[Any] = ()) -> None:
    """Notes where a node was made, and packs what it saved of the inputs given and of its outputs."""
    if thread.anomaly:
        from .anomaly_mode import remember

        remember(node)
    if thread.saved_hooks:
        from .saved import pack_saved

        pack_saved(node, given, outputs, thread.saved_hooks[-1])
