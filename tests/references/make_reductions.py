"""Writes reductions.json: what PyTorch gives for every case of ../reduction_cases.py.

Run with PyTorch installed: `python tests/references/make_reductions.py` from the repository's root.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parents[1]))

import reduction_cases as cases  # noqa: E402

warnings.simplefilter("ignore")
facts = {
    "second": {e: [cases.differentiate(torch, e, v, 2) for v in values] for e, values in cases.GRADIENTS.items()},
    "first": {e: [cases.differentiate(torch, e, v, 1) for v in values] for e, values in cases.FIRST_ORDER.items()},
    "calls": {expression: cases.describe(torch, expression) for expression in cases.calls()},
}
parts = [
    f' "{kind}": {{\n' + ",\n".join(f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in part.items()) + "\n }"
    for kind, part in facts.items()
]
(Path(__file__).parent / "reductions.json").write_text("{\n" + ",\n".join(parts) + "\n}\n")
