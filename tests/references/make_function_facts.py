"""Writes function_facts.json: the outcomes of the programs in function_cases.py under PyTorch. Run with a Python that has torch."""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import torch
from function_cases import CASES, FACTS, function_outcome

if __name__ == "__main__":
    FACTS.write_text(json.dumps({name: function_outcome(torch, name) for name in CASES}, indent=1) + "\n")
