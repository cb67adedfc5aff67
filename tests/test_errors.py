"""Bad input: every case raises PyTorch's type of exception, with the phrase that people search for."""

from __future__ import annotations

import builtins
import json
from pathlib import Path

import pytest
from error_cases import CASES, run

import rushlight

EXPECTED = json.loads((Path(__file__).parent / "references" / "errors.json").read_text())


def test_every_case_has_a_reference() -> None:
    assert set(CASES) == set(EXPECTED)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.filterwarnings("ignore")
def test_error(name: str) -> None:
    kind, phrase = EXPECTED[name]
    with pytest.raises(getattr(builtins, kind)) as raised:
        run(CASES[name], rushlight)
    assert type(raised.value).__name__ == kind
    assert phrase.lower() in str(raised.value).lower()
