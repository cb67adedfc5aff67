"""Writes errors.json: what PyTorch raises for every case of ../error_cases.py, as [type, key phrase].

Run with PyTorch installed: `python tests/references/make_errors.py` from the repository's root.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parents[1]))

from error_cases import CASES, run  # noqa: E402

LONGEST = 96

# Where the whole first line would bind us to more than the phrase that people search for.
PHRASES = {
    "second backward": "Trying to backward through the graph a second time",
    "unused input": "appears to not have been used in the graph. Set allow_unused=True",
    "saved input changed": "modified by an inplace operation: [torch.FloatTensor [2]]",
    "saved result changed": "modified by an inplace operation: [torch.FloatTensor [2]]",
    "one of several views": "is a view and is being modified inplace",
    "inference tensor changed": "Inplace update to inference tensor outside InferenceMode is not allowed.",
    "unknown argument of backward": "got an unexpected keyword argument 'foo'",
    "dtype": "argument 'dtype' must be torch.dtype, not str",
    "zeros float": "must be tuple of ints",
    "sort complex": "Sort does not support complex dtypes on CPU",
    "parameter int": "Only Tensors of floating point",
    "int requires_grad_": "only Tensors of floating point",
    "grad wrong shape": "size",
    "unknown kw sum": "sum() ",
    "too few args": "add() ",
    "no args": "exp() missing 1 required positional argument",
    "torch attr": "has no attribute 'foo'",
    "zeros neg": "negative",
    "parameter": "cannot assign 'torch.FloatTensor' object to parameter 'a'",
    "load_state_dict": 'Missing key(s) in state_dict: "weight", "bias"',
    "matmul dtype": "to have the same dtype, but got: float != double",
}


def raised(code: str) -> tuple[str, str]:
    """The error that PyTorch raises."""
    try:
        run(code, torch)
    except Exception as error:
        return type(error).__name__, str(error)
    raise AssertionError(f"PyTorch accepts {code}")


def main() -> None:
    warnings.simplefilter("ignore")
    lines = []
    for name, code in CASES.items():
        kind, message = raised(code)
        phrase = PHRASES.get(name, message.split("\n")[0])
        if len(phrase) > LONGEST:
            phrase = phrase[:LONGEST].rsplit(" ", 1)[0]
        assert phrase in message, (name, message)
        lines.append(f"{json.dumps(name)}: {json.dumps([kind, phrase])}")
    Path(__file__).with_name("errors.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
