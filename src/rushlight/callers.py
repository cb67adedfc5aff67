"""Where the program is that called: its innermost line, or all its lines. Rushlight's own are passed over."""

from __future__ import annotations

import sys
from typing import Any


def calling_frame(depth: int = 1) -> Any:
    """The frame of the nearest caller outside Rushlight, looked for from `depth` calls up."""
    frame: Any = sys._getframe(depth)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("rushlight."):
        frame = frame.f_back
    return frame


def calling_place(depth: int = 1) -> tuple[str, int]:
    """The file and the line of that frame."""
    frame = calling_frame(depth + 1)
    return frame.f_code.co_filename, frame.f_lineno


def calling_lines() -> list[str]:
    """The lines of the program that lead here, outermost first, as a traceback shows them."""
    import traceback

    frames = [
        (frame, line)
        for frame, line in traceback.walk_stack(sys._getframe(1))
        if not frame.f_globals.get("__name__", "").startswith("rushlight.")
    ]
    return traceback.StackSummary.extract(reversed(frames)).format()
