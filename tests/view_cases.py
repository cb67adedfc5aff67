"""Expressions and in-place programs over a few small tensors, and what comes of them, here and in PyTorch.

`references/make_view_facts.py` writes down what PyTorch gives; the tests compare.
"""

from __future__ import annotations

import math
import warnings
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
FACTS = HERE / "references" / "view_facts.json"


def read_cases(group: str) -> list[str]:
    """The cases of a group, one a line."""
    lines = (HERE / "references" / f"{group}.txt").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def numbers(count: int, start: int) -> list[float]:
    """Plain numbers of both signs, spaced apart."""
    return [round(math.sin(1.7 * (start + i)) * 2 + 0.01 * i, 4) for i in range(count)]


def leaves(torch: Any) -> dict[str, Any]:
    """The tensors that the expressions are about."""

    def make(start: int, *shape: int) -> Any:
        return torch.tensor(numbers(math.prod(shape), start), dtype=torch.float32).reshape(shape).requires_grad_()

    return {"x": make(1, 2, 3), "y": make(11, 2, 3, 4), "v": make(41, 4), "s": make(51), "sq": make(61, 3, 3)}


def digest(tensor: Any) -> list[float]:
    """Two weighted sums of the elements, which tell tensors of one shape apart."""
    flat = [float(value) for value in tensor.detach().reshape(-1).to(dtype=tensor.dtype).tolist()]
    return [round(sum(value * math.cos(0.3 * i + phase) for i, value in enumerate(flat)), 4) for phase in (0.0, 1.0)]


def describe(torch: Any, result: Any) -> Any:
    """What can be said of a result: of a tensor its grad_fn, shape, type and digest."""
    if isinstance(result, torch.Tensor):
        name = None if result.grad_fn is None else type(result.grad_fn).__name__
        return [name, list(result.shape), str(result.dtype), digest(result)]
    if isinstance(result, (tuple, list)):
        return [describe(torch, one) for one in result]
    return result if isinstance(result, (int, float, str)) else type(result).__name__


def gradients(torch: Any, result: Any, given: dict[str, Any]) -> dict[str, list[float]]:
    """The gradients, with respect to the leaves, of a sum of squares of a result."""
    tensors = [one for one in (result if isinstance(result, (tuple, list)) else [result]) if isinstance(one, torch.Tensor)]
    total: Any = 0
    for tensor in tensors:
        if tensor.requires_grad:
            weights = torch.tensor(numbers(math.prod(tensor.shape), 5), dtype=tensor.dtype).reshape(tuple(tensor.shape))
            total = total + (tensor * tensor * weights).sum()
    if not isinstance(total, torch.Tensor):
        return {}
    try:
        total.backward()
    except (NotImplementedError, RuntimeError):
        return {"none": []}
    return {name: digest(leaf.grad) for name, leaf in given.items() if leaf.grad is not None}


def outcome(torch: Any, expression: str) -> dict[str, Any]:
    """The value and the gradients of an expression, or its error."""
    given = leaves(torch)
    scope = {name: leaf * 1 for name, leaf in given.items()}
    scope |= {"torch": torch, "np": np, "n": torch.arange(6).reshape(2, 3), "i0": torch.tensor(0), "i1": torch.tensor([0, 1])}
    scope["m"] = torch.tensor([True, False])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            result = eval(expression, scope)
        except Exception as error:
            return {"error": [type(error).__name__, str(error).splitlines()[0]]}
        return {"value": describe(torch, result), "gradients": gradients(torch, result, given)}


def program_outcome(torch: Any, program: str) -> dict[str, Any]:
    """What an in-place program leaves of `w` (with history), `x` and `n` (without), or its error."""
    start = torch.arange(6.0).reshape(2, 3)
    given = {"W": start.clone().requires_grad_(), "v": torch.tensor([1.0, 2.0, 3.0], requires_grad=True)}
    scope = {"torch": torch, "x": start.clone(), "n": torch.arange(6).reshape(2, 3), "v": given["v"], "w": given["W"] * 1}
    scope["leaf"] = start.clone().requires_grad_()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            exec(program, scope)
            w = scope["w"]
            edges = [None if node is None else type(node).__name__ for node, _ in w.grad_fn.next_functions]
            seen = {"w": describe(torch, w), "version": w._version, "edges": edges}
            seen |= {"x": describe(torch, scope["x"]), "n": describe(torch, scope["n"])}
            return {**seen, "gradients": gradients(torch, w, given)}
        except Exception as error:
            return {"error": [type(error).__name__, key_phrase(str(error))]}


def key_phrase(message: str) -> str:
    """The part of a message that both sides share: the first words, up to shapes, names and versions."""
    for mark in ("[torch.", "Output 0 of", "\n"):
        message = message.split(mark)[0]
    return message.strip()


def agrees(found: Any, wanted: Any) -> bool:
    """Whether two outcomes are the same, up to rounding."""
    if isinstance(wanted, dict):
        return found.keys() == wanted.keys() and all(agrees(found[key], wanted[key]) for key in wanted)
    if isinstance(wanted, list):
        return len(found) == len(wanted) and all(map(agrees, found, wanted))
    if isinstance(wanted, float):
        return math.isclose(found, wanted, rel_tol=2e-3, abs_tol=2e-3)
    return found == wanted
