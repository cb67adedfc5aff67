"""Writes pointwise.json: what PyTorch 2.13 says to the expressions in ../pointwise_cases.py. Needs torch."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch

here = Path(__file__).parent
sys.path.insert(0, str(here.parent))
import pointwise_cases as cases  # noqa: E402


def error(expression: str) -> list[str]:
    """The type and the message of the error that an expression raises."""
    try:
        cases.evaluate(torch, expression)
    except Exception as raised:
        return [type(raised).__name__, str(raised).partition("\n")[0]]
    raise AssertionError(f"{expression} raises nothing")


found = {
    "values": {one: cases.plain(cases.evaluate(torch, one)) for one in cases.expressions(cases.VALUES)},
    "errors": {one: error(one) for one in cases.expressions(cases.ERRORS)},
    "kinks": {one: cases.kink(torch, one) for one in cases.KINKS},
    "names": {one: cases.node_name(torch, one) for one in cases.expressions(cases.NAMES)},
    "promotions": cases.promotions(torch),
}
(here / "pointwise.json").write_text(json.dumps(found, indent=0) + "\n")
