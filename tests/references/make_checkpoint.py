"""Writes checkpoint.pt with PyTorch: run it with a Python that has PyTorch 2.13."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

import torch

base = torch.arange(6.0).reshape(2, 3)
noted = torch.ones(2)
noted.note = "hi"
model = torch.nn.Sequential(torch.nn.Linear(2, 1), torch.nn.BatchNorm1d(1))
with torch.no_grad():
    for value, parameter in enumerate(model.parameters()):
        parameter.fill_(value + 0.5)

torch.save(
    {
        "base": base, "row": base[1], "transposed": base.t(), "double": torch.tensor([0.1], dtype=torch.float64),
        "half": torch.tensor([1.5], dtype=torch.float16), "integers": torch.tensor([1, -2]), "truths": torch.tensor([True, False]),
        "uint16": torch.tensor([7], dtype=torch.uint16), "complex": torch.tensor([1 + 2j]), "scalar": torch.tensor(3.5),
        "empty": torch.empty(0, 3), "leaf": torch.ones(2, requires_grad=True), "parameter": torch.nn.Parameter(torch.zeros(2)),
        "noted": noted, "dtype": torch.float32, "size": torch.Size([1, 2]), "device": torch.device("cpu"), "bytes": b"\x00\xff",
        "set": {1, 2}, "number": 1 + 2j, "nested": [(1, None), {"a": 1.5}, OrderedDict(b=True)], "big": 2**70,
        "state": model.state_dict(), "class": torch.Tensor,
    },
    Path(__file__).with_name("checkpoint.pt"),
)  # fmt: skip
