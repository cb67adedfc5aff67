"""Writes functional.npz: what PyTorch gives for the calls of ../functional_cases.py. Run it where PyTorch is installed."""

import sys
import warnings
from pathlib import Path

import numpy as np
import torch

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

import functional_cases as cases  # noqa: E402

if __name__ == "__main__":
    warnings.simplefilter("ignore")
    facts = {}
    for family, calls in cases.FAMILIES.items():
        for number in range(len(calls)):
            functional = torch if calls[number][0] == "conv_tbc" else torch.nn.functional
            for k, array in enumerate(cases.run(torch, functional, family, number)):
                facts[f"{family}-{number}-{k}"] = array
    names = list(facts)
    flat = np.concatenate([np.asarray(facts[name], np.float64).reshape(-1) for name in names])
    shapes = [f"{name}:{','.join(map(str, np.shape(facts[name])))}" for name in names]
    np.savez_compressed(HERE / "functional.npz", values=flat, shapes=np.array(shapes))
    print(len(names), flat.size)
