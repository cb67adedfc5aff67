"""The matplotlib backend of a notebook run: figures are drawn in memory and go to the cell that shows them."""

from __future__ import annotations

from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg as FigureCanvas

from .notebook import show_figures

__all__ = ["FigureCanvas", "show"]


def show(*arguments: Any, **options: Any) -> None:
    """What `plt.show()` does: display every open figure and close it."""
    show_figures()
