"""Writes optim.json: what PyTorch's optimizers and schedulers do in the cases of ../optim_cases.py. Needs PyTorch:

python tests/references/make_optim.py
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
import optim_cases as cases  # noqa: E402
import torch  # noqa: E402

facts = {
    "runs": {f"{n} {i} {kind}": cases.describe_run(torch, n, i, kind) for n, i, kind in cases.CASES},
    "schedules": {
        f"{name} {kind}": cases.describe_schedule(torch, text, kind)
        for name, text in cases.SCHEDULERS.items()
        for kind in ("SGD", "Adam")
    },
    "plateaus": {text: cases.describe_plateau(torch, text) for text in cases.PLATEAUS},
    "errors": {text: cases.describe_error(torch, text) for text in cases.ERRORS},
}
path = Path(__file__).with_name("optim.json")
path.write_text(
    "{\n"
    + ",\n".join(
        f'"{part}": {{\n' + ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in facts[part].items()) + "\n}"
        for part in facts
    )
    + "\n}\n"
)
print(path, path.stat().st_size, "bytes")
