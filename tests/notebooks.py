"""What the tests that run notebooks share."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import rushlight

PACKAGE = Path(rushlight.__file__).parent


def run_cells(sources: list[str]) -> list[dict]:
    """Runs the cells in a fresh process, on Rushlight under the name of torch; `output` and `warnings` of each."""
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("run_cells.py"))],
        input=json.dumps(sources),
        env={**os.environ, "PYTHONPATH": str(PACKAGE.parent), "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert Path(answer["torch"]).is_relative_to(PACKAGE), f"the cells imported another torch: {answer['torch']}"
    return answer["cells"]
