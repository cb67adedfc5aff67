"""Makes printing.json: what PyTorch prints for tensors of many kinds, under many options.

Run with PyTorch 2.13 installed: `python tests/references/make_printing.py`. Each case is a description and its text:

- `dtype`, `shape`, `values`: the entries, repeated to fill the shape; a pair is a complex number
- `grad`: "leaf" (requires grad), "mul" (times one), "clone", or the name of a custom function that made the tensor
- `options`: arguments of `set_printoptions`, applied to the defaults; `default`: the default dtype
- `format`: a format specification, where the text is that of `format` and not of `repr`
- `error`: the message that `format` raises instead
"""

from __future__ import annotations

import json
import random
from pathlib import Path

import torch

NAN, INF = float("nan"), float("inf")
REALS = {
    "ones": [1.0],
    "zeros": [0.0, -0.0],
    "nothing regular": [NAN, 0.0, -INF],
    "whole": [1.0, -20.0, 300.0],
    "whole, wide": [1.0, 1001.0],
    "whole, widest fixed": [1e8, 2e5],
    "whole, too large": [2e8],
    "whole, with nan": [1.0, NAN, INF, 12.0],
    "mixed": [0.5, -1.25, 3.0, 0.0],
    "small": [1e-5, 2e-5, 0.0],
    "smallest fixed": [1.001e-4, 0.05],
    "smallest fixed, exactly": [1e-4, 0.05],
    "just too small": [0.9e-4, 0.05],
    "ratio 1000": [0.1, 100.0],
    "ratio above 1000": [0.7, 700.1],
    "negative, tiny": [-1e-10, 1.0],
    "wide": [12345.678, -0.5, 1e6],
    "irregular": [NAN, -INF, 1.5, INF],
    "thirds": [1 / 3, -2 / 3, 4 / 3, 5 / 3, -7 / 3],
    "large": [1.5e10, 3e10],
}
INTEGERS = {"small": [1, 0, 3], "wide": [1, 100, 27], "ones": [1]}
SIGNED = {"signed": [1, -2, 30], "min": [-128, 127]}
COMPLEX = {
    "whole": [[1, 2], [3, -4]],
    "mixed": [[1, 2.5], [-3, -40.25]],
    "wide": [[1e10, 1], [1, 0.001]],
    "irregular": [[NAN, -INF], [0.0, -0.0], [INF, NAN]],
    "zero": [[0.0, 0.0]],
}
SHAPES = [[], [1], [7], [2, 3], [2, 1, 2]]
OPTIONS = [
    {"precision": 0},
    {"precision": 2},
    {"precision": 8},
    {"threshold": 5},
    {"threshold": 5, "edgeitems": 1},
    {"threshold": 0, "edgeitems": 2, "linewidth": 30},
    {"threshold": 3, "edgeitems": 0},
    {"linewidth": 40},
    {"linewidth": 1},
    {"linewidth": 120},
    {"sci_mode": True},
    {"sci_mode": False},
    {"profile": "short"},
    {"profile": "full"},
    {"profile": "short", "precision": 6},
]


def descriptions() -> list[dict]:
    chance = random.Random(0)
    cases = []

    def add(dtype: str, shape: list[int], values: list, **rest: object) -> None:
        cases.append({"dtype": dtype, "shape": shape, "values": values, **rest})

    for values in REALS.values():  # every kind of number, alone and in a row
        add("float32", [], values)
        add("float32", [len(values) + 1], values)
        add("float64", [2, len(values)], values)
    for name in ("whole", "mixed", "irregular", "thirds", "ratio 1000"):
        add("float16", [3], REALS[name])
        # Rounded here, since NumPy without an extension cannot.
        add("bfloat16", [3], torch.tensor(REALS[name], dtype=torch.bfloat16).tolist())
    for dtype in ("uint8", "int8", "int16", "int32", "int64", "uint16", "uint32", "uint64"):
        for values in INTEGERS.values() if dtype[0] == "u" else SIGNED.values():
            add(dtype, chance.choice(SHAPES), values)
    add("int64", [3], [2**63 - 1, -(2**63), 0])
    add("uint64", [2], [2**64 - 1, 0])
    for values in ([True, False], [True], [False]):
        for shape in SHAPES:
            add("bool", shape, values)
    for dtype in ("complex64", "complex128"):
        for values in COMPLEX.values():
            add(dtype, chance.choice(SHAPES), values)
            add(dtype, [3, 4], values)
    for dtype in ("float32", "float64", "int64", "bool", "complex64", "uint8"):  # empty ones
        for shape in ([0], [0, 3], [3, 0], [2, 0, 4]):
            add(dtype, shape, [1])

    for shape in ([1001], [1000, 2], [2, 501], [7, 11, 14], [501, 1, 2], [1, 1, 1200], [2, 2, 8, 33]):
        add("float32", shape, REALS["thirds"])
        add("int64", shape, INTEGERS["wide"], default="float64")
    for hidden in (1e6, 0.5, -200.0, NAN):  # what is not shown does not decide the notation
        add("float32", [9], [*REALS["ones"] * 4, hidden, *REALS["ones"] * 4], options={"threshold": 8})
    add("complex64", [1001], COMPLEX["mixed"])
    add("bool", [40, 40], [True, False, True])
    for shape in ([2, 2, 2], [2, 1, 2, 2], [2, 2, 1, 2, 1], [1, 1, 1, 1, 1, 1]):  # blank lines between blocks
        add("float32", shape, REALS["thirds"])
    for length in range(14, 31, 2):  # rows that wrap
        add("int64", [length], INTEGERS["wide"])
        add("float32", [2, length], REALS["thirds"])
        add("bool", [length], [True, False])
        add("complex64", [length], COMPLEX["mixed"])
    add("float32", [60], REALS["zeros"])
    add("float32", [60], REALS["nothing regular"])

    for length in range(1, 14):  # suffixes, on the line or below it
        add("float32", [length], REALS["thirds"], grad="mul")
        add("float64", [length], REALS["thirds"], grad="leaf")
        add("float64", [2, length], REALS["ones"], grad="clone")
        add("float64", [length], REALS["mixed"], grad="FunctionWithQuiteALongName")
    for length in range(1, 12):  # every length about the limit
        add("float32", [5], REALS["thirds"], grad="F" * length)
        add("float32", [2, 5], REALS["thirds"], grad="F" * length)
        add("float64", [2], REALS["thirds"], grad="F" * (length + 6))
    for width in range(44, 51):  # a second suffix after one below the line
        add("float64", [3], REALS["thirds"], grad="F", options={"linewidth": width})
    add("float32", [], REALS["ones"], grad="leaf")
    add("complex128", [], COMPLEX["mixed"], grad="Small")
    add("float32", [0, 2], REALS["ones"], grad="leaf")
    add("float32", [2000], REALS["mixed"], grad="mul")

    for default in ("float64", "float16"):
        for dtype in ("float16", "float32", "float64", "complex64", "complex128", "int64", "bool", "int32"):
            for shape in ([2], [0]):
                add(dtype, shape, [1], default=default)

    for options in OPTIONS:
        add("float32", [], REALS["mixed"], options=options)
        add("float32", [5], REALS["zeros"], options=options)
        add("float32", [2, 9], REALS["thirds"], options=options, grad=chance.choice(["mul", "leaf"]))
        add("float64", [12], REALS[chance.choice(["wide", "large", "whole", "irregular"])], options=options)
        add("complex64", [3, 3], COMPLEX[chance.choice(list(COMPLEX))], options=options)
        add("int32", [2, 3, 4], INTEGERS["wide"], options=options)
    for _ in range(90):
        options = {
            "precision": chance.randint(0, 6),
            "threshold": chance.choice([0, 10, 1000]),
            "edgeitems": chance.randint(1, 3),
            "linewidth": chance.randint(10, 100),
            "sci_mode": chance.choice([None, None, True, False]),
        }
        options = {name: value for name, value in options.items() if chance.random() < 0.5}
        shape = [chance.randint(1, 8) for _ in range(chance.randint(0, 3))]
        scale = 10 ** chance.uniform(-5, 5)
        values = [float(f"{chance.gauss(0, scale):.4g}") for _ in range(chance.randint(1, 6))]
        grad = chance.choice([{}, {"grad": "leaf"}, {"grad": "mul"}, {"grad": "Square"}])
        add(chance.choice(["float32", "float64"]), shape, values, options=options, **grad)

    for spec in ("", ".3f", "e", ">12", "8.2f"):
        add("float32", [], [0.1], format=spec)
        add("float64", [], [-1.5], format=spec, grad="mul")
        add("float16", [], [0.1], format=spec)
        add("complex64", [], [[1.5, -2]], format=spec)
    for spec in ("", "d", "5", "<4", "x", ".1f"):
        add("int64", [], [10], format=spec)
        add("bool", [], [True], format=spec)
    for spec in ("", ".2f"):
        add("float32", [1], [0.1], format=spec)
        add("int64", [0], [1], format=spec)
    return cases


def build(case: dict) -> torch.Tensor:
    size = torch.Size(case["shape"]).numel()
    values = [complex(*value) if isinstance(value, list) else value for value in case["values"]]
    values = (values * (size // len(values) + 1))[:size]
    dtype = getattr(torch, case["dtype"])
    tensor = torch.tensor(values, dtype=dtype).reshape(case["shape"])
    grad = case.get("grad")
    if grad is None:
        return tensor
    tensor.requires_grad_()
    if grad == "leaf":
        return tensor
    if grad == "mul":
        return tensor * 1
    if grad == "clone":
        return tensor.clone()
    identity = {"forward": staticmethod(lambda ctx, x: x.clone()), "backward": staticmethod(lambda ctx, g: g)}
    return type(grad, (torch.autograd.Function,), identity).apply(tensor)


def write(case: dict) -> dict:
    torch.set_default_dtype(getattr(torch, case.get("default", "float32")))
    torch.set_printoptions(profile="default")
    torch.set_printoptions(**case.get("options", {}))
    tensor = build(case)
    if "format" not in case:
        return {**case, "text": repr(tensor)}
    try:
        return {**case, "text": format(tensor, case["format"])}
    except (TypeError, ValueError) as error:
        return {**case, "error": str(error)}


def main() -> None:
    unique = {json.dumps(case): case for case in descriptions()}
    lines = [json.dumps(write(case)) for case in unique.values()]
    (Path(__file__).parent / "printing.json").write_text("[\n" + ",\n".join(lines) + "\n]\n")


if __name__ == "__main__":
    main()
