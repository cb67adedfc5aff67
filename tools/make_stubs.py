"""Writes src/rushlight/_methods.pyi: the methods that the registry puts on Tensor, for editors and type checkers.

Run from the repository's root: `python tools/make_stubs.py`. A test compares the file with what this makes.
"""

from __future__ import annotations

import ast
import inspect
import keyword
import re
from pathlib import Path
from typing import Any

import rushlight
from rushlight.ops import ON_DEMAND
from rushlight.ops.registry import load
from rushlight.tensor import Tensor

ROOT = Path(__file__).parents[1]
STUB = ROOT / "src" / "rushlight" / "_methods.pyi"
OPERATORS = {"__radd__", "__rsub__", "__rmul__", "__rtruediv__", "__rpow__", "__invert__", "__neg__", "__pos__", "__abs__"}
PLAIN = {"bool", "complex", "dict", "float", "int", "list", "str", "tuple"}
KNOWN = PLAIN | {"Any", "Array", "Callable", "None", "Sequence", "Tensor"}  # an annotation with any other name becomes Any

HEADER = '''# Made by tools/make_stubs.py from the registry of ops: do not edit.
import builtins
from collections.abc import Sequence
from typing import Any

from .tensor import Tensor

class TensorMethods:
'''


def written_in_class() -> set[str]:
    """The names that the source of class Tensor defines itself."""
    tree = ast.parse((ROOT / "src" / "rushlight" / "tensor.py").read_text())
    body = next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Tensor").body
    names = {node.name for node in body if isinstance(node, ast.FunctionDef)}
    for node in body:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        names |= {target.id for target in targets if isinstance(target, ast.Name)}
    return names


def annotation(text: Any, default: str) -> str:
    """A forward's annotation as the public function has it: arrays are tensors there."""
    if text is inspect.Parameter.empty or not isinstance(text, str):
        return default
    try:
        names = {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}
    except SyntaxError:
        return default
    if not names <= KNOWN:
        return default
    # Methods named float, bool, ... hide Python's types in the class's own scope.
    text = re.sub(rf"\b({'|'.join(sorted(PLAIN))})\b", r"builtins.\1", text)
    return text.replace("Array", "Tensor")


def parameter(one: inspect.Parameter) -> str:
    """A parameter in a stub's notation."""
    text = {one.VAR_POSITIONAL: "*", one.VAR_KEYWORD: "**"}.get(one.kind, "") + one.name
    # How many sizes or dimensions a call spells one by one, and whether it gives them as a tuple, no annotation tells.
    variadic = one.kind in (one.VAR_POSITIONAL, one.VAR_KEYWORD)
    text += f": {'Any' if variadic else annotation(one.annotation, 'Any')}"
    return text if one.default is one.empty else f"{text} = ..."


def signature(function: Any) -> str:
    """The parameters and the result of a method."""
    try:
        parameters = list(inspect.signature(function).parameters.values())[1:]
    except (TypeError, ValueError):
        return "(self, *args: Any, **kwargs: Any) -> Any"
    if any(keyword.iskeyword(one.name) for one in parameters):
        return "(self, *args: Any, **kwargs: Any) -> Any"
    parts, starred = ["self"], False
    for one in parameters:
        if one.kind is one.KEYWORD_ONLY and not starred:
            parts.append("*")
            starred = True
        starred = starred or one.kind is one.VAR_POSITIONAL
        parts.append(parameter(one))
    result = inspect.signature(function).return_annotation
    returns = annotation(result, "Tensor" if hasattr(function, "op") else "Any")
    return f"({', '.join(parts)}) -> {'builtins.tuple[Tensor, ...]' if returns == 'builtins.tuple' else returns}"


def stub() -> str:
    """The stub's text."""
    for family in ON_DEMAND:  # whose methods are stand-ins until then
        load(family)
    lines = []
    written = written_in_class()
    for name, value in sorted(vars(Tensor).items()):
        if name in written or (name.startswith("_") and not name.startswith("__")) or not hasattr(rushlight.Tensor, name):
            continue
        if name in vars(object) or name in ("__slots__", "__module__", "__dict__", "__weakref__", "__qualname__"):
            if name not in ("__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__"):
                continue
            ignore = "  # type: ignore[override]" if name in ("__eq__", "__ne__") else ""
            lines.append(f"    def {name}(self, other: Any) -> Tensor: ...{ignore}")
        elif isinstance(value, property):
            lines.append(f"    @property\n    def {name}(self) -> Any: ...")
        elif inspect.isfunction(value):
            binary = name.startswith("__") and name not in OPERATORS and "op" in vars(value)
            text = "(self, other: Any) -> Tensor" if binary else signature(value)
            lines.append(f"    def {name}{text}: ...")
        elif not name.startswith("__"):
            lines.append(f"    {name}: Any")
    return HEADER + "\n".join(lines) + "\n"


if __name__ == "__main__":
    STUB.write_text(stub())
