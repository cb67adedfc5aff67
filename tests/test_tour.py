"""The tour of autograd shows on Rushlight what its stored outputs, which are PyTorch's, show."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest
from notebooks import run_cells

TOUR = Path(__file__).parents[1] / "examples" / "autograd_tour.ipynb"
CELLS = [cell for cell in json.loads(TOUR.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]


@cache
def results() -> list[dict]:
    return run_cells(["".join(cell["source"]) for cell in CELLS])


def shown(cell: dict) -> str:
    """What a notebook displays under the cell: what it printed, then the value of its last expression."""
    texts = ["".join(output.get("text") or output["data"]["text/plain"]) for output in cell["outputs"]]
    return "".join(text if text.endswith("\n") else text + "\n" for text in texts)


@pytest.mark.parametrize("index", range(len(CELLS)))
def test_cell(index: int) -> None:
    assert results()[index] == {"output": shown(CELLS[index]), "warnings": []}
