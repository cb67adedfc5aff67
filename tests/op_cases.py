"""The cases of the systematic tests: every op of the registry over its samples, with seeded inputs."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

import rushlight as torch
from rushlight.ops.kinds import registry
from rushlight.ops.samples import Call, T, call

MOST = 6  # samples of one op that the gradient tests take


class Case(NamedTuple):
    """One call of one op."""

    op: Any
    number: int
    call: Call

    def __repr__(self) -> str:
        return f"{self.op.name}[{self.number}]"


def samples(op: Any) -> list[Call]:
    """The calls that an op's declaration describes; a pointwise op without any gets some that broadcast."""
    if op.samples is not None:
        return list(op.samples())
    if op.kind != "pointwise":
        return []
    low, high = op.domain
    shapes: list[tuple] = [((2, 3),), ((),), ((0, 2),)]
    if len(op.inputs) == 2:
        shapes = [((2, 3), (2, 3)), ((2, 3), (3,)), ((2, 1), (1, 3)), ((), (2,)), ((2, 1), (0,)), ((1,), ())]
    if len(op.inputs) > 2:
        shapes = [((2, 3),) * len(op.inputs), ((2, 1), *(((3,),) * (len(op.inputs) - 1)))]
    return [call(*(T(shape, low, high) for shape in one)) for one in shapes]


def cases(op: Any) -> list[Case]:
    """An op's samples as cases."""
    return [Case(op, number, one) for number, one in enumerate(samples(op))]


def all_ops() -> list[Any]:
    """Every op, by name."""
    return [registry[name] for name in sorted(registry)]


def parametrise(ops: Any) -> dict[str, Any]:
    """Arguments of `pytest.mark.parametrize` for some ops."""
    ops = list(ops)
    return {"argnames": "op", "argvalues": ops, "ids": [op.name for op in ops]}


def has_derivative(op: Any) -> bool:
    """Whether an op has a rule, or consists of ops that may have."""
    rules = (*op.rules, op.joint)
    return op.differentiable and (op.kind == "composite" or any(rule is not None for rule in rules))


def differentiable_ops() -> Iterator[Any]:
    """The ops through which gradients flow."""
    return (op for op in all_ops() if has_derivative(op) and any(inputs_to_differentiate(case) for case in cases(op)))


# --- making inputs ----------------------------------------------------------------------------------------------------


def arrays(case: Case, dtype: str = "float64") -> tuple[tuple, dict]:
    """The call's arguments with arrays in the places of tensors, the same at every run."""
    generator = np.random.default_rng(zlib.crc32(f"{case.op.name}{case.number}".encode()))
    return substitute((case.call.args, case.call.kwargs), lambda one: one.make(generator, np.dtype(dtype)))


def substitute(tree: Any, make: Callable) -> Any:
    """A tree of arguments with every described tensor replaced by what `make` makes of it."""
    if isinstance(tree, T):
        return make(tree)
    if isinstance(tree, dict):
        return {key: substitute(value, make) for key, value in tree.items()}
    if isinstance(tree, (tuple, list)) and not hasattr(tree, "_fields"):
        return type(tree)(substitute(value, make) for value in tree)
    return tree


def described(case: Case) -> list[T]:
    """The tensors of a call, in order."""
    found: list[T] = []
    substitute((case.call.args, case.call.kwargs), found.append)
    return found


def inputs_to_differentiate(case: Case) -> list[int]:
    """Which of the call's tensors take part in gradient tests, by number."""
    return [n for n, one in enumerate(described(case)) if one.grad and one.kind not in ("int", "bool")]


def function_of_tensors(case: Case, dtype: str = "float64", function: Callable | None = None) -> tuple[Callable, list]:
    """A function of the call's differentiable tensors alone, and these tensors.

    Symmetric matrices stay symmetric when the tensors change: the function symmetrises them.
    """
    marks = described(case)
    made: list = []

    def keep(array: Any) -> int:
        made.append(torch.from_numpy(np.array(array)))
        return len(made) - 1

    generator = np.random.default_rng(zlib.crc32(f"{case.op.name}{case.number}".encode()))
    args, kwargs = substitute(
        (case.call.args, case.call.kwargs), lambda one: Slot(keep(one.make(generator, np.dtype(dtype))))
    )
    wanted = inputs_to_differentiate(case)
    op_function = case.op.function if function is None else function

    def call_with(*tensors: Any) -> Any:
        table = dict(enumerate(made)) | dict(zip(wanted, tensors, strict=True))
        for number in wanted:
            if marks[number].kind in ("symmetric", "positive_definite"):
                table[number] = symmetrised(table[number])
        positional, named = fill((args, kwargs), table)
        return op_function(*positional, **named)

    return call_with, [made[number].requires_grad_() for number in wanted]


class Slot(NamedTuple):
    """The place of a tensor in a tree of arguments."""

    number: int


def fill(tree: Any, table: dict[int, Any]) -> Any:
    """A tree of arguments with its slots filled."""
    if isinstance(tree, Slot):
        return table[tree.number]
    if isinstance(tree, dict):
        return {key: fill(value, table) for key, value in tree.items()}
    if isinstance(tree, (tuple, list)):
        return type(tree)(fill(value, table) for value in tree)
    return tree


def symmetrised(matrix: Any) -> Any:
    """The Hermitian part of a matrix."""
    return (matrix + matrix.transpose(-1, -2).conj()) / 2


def tensors_in(result: Any) -> list:
    """The tensors of a result, whatever its form."""
    if isinstance(result, torch.Tensor):
        return [result]
    if isinstance(result, (tuple, list)):
        return [tensor for one in result for tensor in tensors_in(one)]
    return []


def floating_results(function: Callable) -> Callable:
    """The function with only those of its results that gradients flow to, as gradcheck takes them."""

    def only_floating(*tensors: Any) -> tuple:
        torch.manual_seed(0)
        return tuple(one for one in tensors_in(function(*tensors)) if one.requires_grad)

    return only_floating
