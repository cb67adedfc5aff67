"""Writes op_facts.json: what PyTorch gives for the samples of every op in the registry.

Run with PyTorch installed: `python tests/references/make_op_facts.py` from the repository's root.

Per op, under the name that both libraries give it: the values of each sample in float64, the result types for each
input type, what becomes of tensors without elements and without dimensions, and whether there are `out=` and an
in-place form. An op without a namesake in PyTorch that takes its first sample is null.
"""

from __future__ import annotations

import json
import math
import sys
import warnings
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]

from op_cases import all_ops, arrays, cases, determined, required  # noqa: E402
from op_cases import described as tensors_of  # noqa: E402

import rushlight  # noqa: E402

TYPES = ("float32", "float64", "float16", "complex64", "complex128", "int64", "int32", "uint8", "bool")
SHAPES = ((), (0,), (2, 0))
MOST_VALUES = 24
DIGITS = 9


def namesakes(op):
    """PyTorch's functions of the same name."""
    found = []
    for root in (torch, torch.nn.functional, torch.Tensor):
        for part in op.name.split("."):
            root = getattr(root, part, None)
        if callable(root):
            found.append(root)
    return found


def namesake(op):
    """The function of the same name that takes the op's first sample; the first one when none does."""
    found = namesakes(op)
    for case in cases(op)[:1]:
        args, kwargs = converted(arrays(case))
        for function in found:
            if not isinstance(attempt(function, *args, **kwargs), str):
                return function
    return None


def converted(tree):
    """Arguments as PyTorch takes them."""
    if isinstance(tree, (np.ndarray, np.generic)):
        return torch.from_numpy(np.array(tree))
    if isinstance(tree, rushlight.dtype):
        return getattr(torch, tree.name)
    if isinstance(tree, dict):
        return {key: converted(value) for key, value in tree.items()}
    if type(tree) in (tuple, list):
        return type(tree)(converted(value) for value in tree)
    return tree


def tensors_in(result):
    if isinstance(result, torch.Tensor):
        return [result]
    if isinstance(result, (tuple, list)):
        return [tensor for one in result for tensor in tensors_in(one)]
    return []


def number(value):
    """A number as JSON keeps it."""
    if isinstance(value, complex):
        return [number(value.real), number(value.imag)]
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else str(value)
    return value


def described(result):
    """Shape, type and the first values of every tensor in a result."""
    return [
        {
            "shape": list(one.shape),
            "dtype": str(one.dtype).removeprefix("torch."),
            "values": [number(value) for value in one.detach().resolve_conj().reshape(-1)[:MOST_VALUES].tolist()],
        }
        for one in tensors_in(result)
    ]


def attempt(function, *args, **kwargs):
    """The result, or the name of the error."""
    torch.manual_seed(0)
    try:
        return function(*args, **kwargs)
    except Exception as error:  # whatever PyTorch raises is the fact
        return type(error).__name__


def facts(op):
    function = namesake(op)
    if function is None:
        return None
    found = {"samples": [], "types": {}, "shapes": {}, "out": False, "inplace": hasattr(torch.Tensor, f"{op.name}_")}
    for case in cases(op):
        args, kwargs = converted(arrays(case))
        result = attempt(function, *args, **kwargs)
        if isinstance(result, str):
            print(f"{case}: {result}", file=sys.stderr)
        found["samples"].append(None if isinstance(result, str) else described(determined(op, result)))
    for case in cases(op)[:1]:
        for kind in ("float32", "float64") if any(one.kind == "complex" for one in tensors_of(case)) else TYPES:
            args, kwargs = converted(arrays(case, kind))
            result = attempt(function, *args, **kwargs)
            found["types"][kind] = result if isinstance(result, str) else [one["dtype"] for one in described(result)]
        args, kwargs = converted(arrays(case))
        result = attempt(function, *args, **kwargs)
        if not isinstance(result, str):
            buffers = [torch.empty_like(one) for one in tensors_in(result)]
            out = buffers[0] if isinstance(result, torch.Tensor) else tuple(buffers)
            found["out"] = not isinstance(attempt(function, *args, **kwargs, out=out), str)
    low, high = op.domain
    for shape in SHAPES:
        inputs = [torch.full(shape, (low + high) / 2 + 0.25, dtype=torch.float64) for _ in required(op)]
        result = attempt(function, *inputs)
        found["shapes"][str(shape)] = result if isinstance(result, str) else described(result)
    return found


def main() -> None:
    warnings.simplefilter("ignore")
    lines = [f"{json.dumps(op.name)}: {json.dumps(facts(op))}" for op in all_ops()]
    path = Path(__file__).with_name("op_facts.json")
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    print(f"{path}: {len(lines)} ops, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
