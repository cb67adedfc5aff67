"""Writes dropout.json: what PyTorch draws in dropout and other random functions. Run it where PyTorch is installed."""

import json
import sys
from pathlib import Path

import torch

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from functional_cases import DRAWS, draw  # noqa: E402

if __name__ == "__main__":
    facts = [draw(torch, torch.nn.functional, number) for number in range(len(DRAWS))]
    (HERE / "dropout.json").write_text(json.dumps(facts) + "\n")
    print(len(facts))
