"""Writes modules.json: what PyTorch's modules look like, start from, and compute. Needs PyTorch:

python tests/references/make_modules.py
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
import torch  # noqa: E402
from module_cases import FORWARD, LAYERS, build, describe_layer, describe_run  # noqa: E402

warnings.simplefilter("ignore")
facts = {
    "layers": {text: describe_layer(torch, text) for text in LAYERS},
    "forward": {text: describe_run(torch, text) for text in FORWARD},
}
assert build(torch, LAYERS[0])
path = Path(__file__).with_name("modules.json")
path.write_text("{\n" + ",\n".join(
    f'"{part}": {{\n' + ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in facts[part].items()) + "\n}"
    for part in facts
) + "\n}\n")
print(path, path.stat().st_size, "bytes")
