"""Writes functional_errors.json: how PyTorch answers the calls in functional_errors.txt. Run it where PyTorch is installed.

For each call: the error's type and message (or OK and the result's shape), and the messages of warnings.
"""

import json
import sys
from pathlib import Path

import torch

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from functional_cases import answer  # noqa: E402

if __name__ == "__main__":
    calls = (HERE / "functional_errors.txt").read_text().splitlines()
    facts = {call: answer(torch, torch.nn.functional, call) for call in calls}
    (HERE / "functional_errors.json").write_text(json.dumps(facts, indent=0) + "\n")
    print(len(facts))
