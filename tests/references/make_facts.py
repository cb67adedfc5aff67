"""Writes what PyTorch gives for the programs of the features named on the command line (see facts.py).

Run with a Python that has torch: `python tests/references/make_facts.py custom_function hooks`.
"""

import json
import sys
from importlib import import_module
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parents[1]))

if __name__ == "__main__":
    for feature in sys.argv[1:]:
        programs = import_module(f"{feature}_cases").PROGRAMS
        facts = {name: programs.outcome(torch, name) for name in programs.cases}
        programs.path.write_text(json.dumps(facts, indent=1) + "\n")
        print(f"{feature}: {len(facts)}")
