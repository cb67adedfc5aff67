"""Programs whose outcome in PyTorch is stored, and compared with what they give here.

The programs of a feature stand in `<feature>_cases.py`, or a package of that name, as functions of the module `torch`, collected by
the feature's `PROGRAMS`. What PyTorch gives stands in `references/<feature>_facts.json`, written by `references/make_facts.py`.
"""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

REFERENCES = Path(__file__).parent / "references"


class Programs:
    """The programs of one feature: a decorator that collects them."""

    def __init__(self, feature: str) -> None:
        self.path = REFERENCES / f"{feature}_facts.json"
        self.cases: dict[str, Callable[[Any], Any]] = {}

    def __call__(self, program: Callable[[Any], Any]) -> Callable[[Any], Any]:
        if program.__name__ in self.cases:
            raise ValueError(f"there are two programs named {program.__name__}")
        self.cases[program.__name__] = program
        return program

    def outcome(self, torch: Any, name: str) -> Any:
        """What a program gives: its result as plain data, or the type and the first words of its error."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                return {"result": plain(torch, self.cases[name](torch))}
            except Exception as error:
                return {"error": type(error).__name__, "message": key_phrase(str(error))}

    def test(self, torch: Any) -> Callable[[str], None]:
        """A pytest function that compares every program's outcome with what is stored."""
        facts = json.loads(self.path.read_text())
        assert list(facts) == list(self.cases), "write the facts anew: references/make_facts.py"

        @pytest.mark.parametrize("name", self.cases)
        def test_as_in_pytorch(name: str) -> None:
            found = self.outcome(torch, name)
            assert agrees(found, facts[name]), found

        return test_as_in_pytorch


def agrees(found: Any, wanted: Any) -> bool:
    """Whether two outcomes are the same up to rounding."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        return found.keys() == wanted.keys() and all(agrees(found[key], wanted[key]) for key in wanted)
    if isinstance(wanted, list) and isinstance(found, list):
        return len(found) == len(wanted) and all(map(agrees, found, wanted))
    if isinstance(wanted, float) and isinstance(found, (int, float)):
        return math.isclose(found, wanted, rel_tol=1e-9, abs_tol=1e-9) or (math.isnan(found) and math.isnan(wanted))
    return bool(found == wanted)


def key_phrase(message: str) -> str:
    """The first words of a message, up to where the two sides differ."""
    message = message.replace("MineBackward", "Mine")
    marks = (
        "[torch.", " of Mine is a view", ". Make an input", ". Keep it", " as gradient", ": convert with", " You can ask",
        " 0 of type",
    )  # fmt: skip
    for mark in marks:
        message = message.split(mark)[0]
    return message.strip()


def plain(torch: Any, value: Any) -> Any:
    """Plain data that says what a value is: of a tensor its elements, whether it requires a gradient, and what made it."""
    if isinstance(value, torch.Tensor):
        elements = torch.view_as_real(value.detach().resolve_conj()) if value.is_complex() else value.detach()
        return [elements.tolist(), value.requires_grad, type(value.grad_fn).__name__ if value.grad_fn is not None else None]
    if isinstance(value, (tuple, list)):
        return [plain(torch, one) for one in value]
    if isinstance(value, dict):
        return {str(key): plain(torch, one) for key, one in value.items()}
    if isinstance(value, complex):
        return [value.real, value.imag]
    return value if isinstance(value, (int, float, str)) or value is None else str(value)


def leaf(torch: Any, *values: Any) -> Any:
    """A float64 vector that requires a gradient, 1 2 3 by default."""
    return torch.tensor(values or (1.0, 2.0, 3.0), dtype=torch.float64, requires_grad=True)
