"""Writes view_facts.json: what PyTorch gives for the cases of shapes, indexing, joining and in-place changes. Needs PyTorch."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parent.parent))
from view_cases import FACTS, outcome, program_outcome, read_cases  # noqa: E402

GROUPS = {"shape_cases": outcome, "index_cases": outcome, "join_cases": outcome, "inplace_cases": program_outcome}


def main() -> None:
    """Runs every case with PyTorch, and stores what comes of it, a line per case."""
    facts = {group: {case: run(torch, case) for case in read_cases(group)} for group, run in GROUPS.items()}
    lines = [
        f"{json.dumps(group)}: {{\n" + ",\n".join(f"{json.dumps(case)}: {json.dumps(fact)}" for case, fact in cases.items()) + "\n}"
        for group, cases in facts.items()
    ]
    FACTS.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
