"""The cases of the systematic tests: every op of the registry over its samples, with seeded inputs."""

from __future__ import annotations

import importlib
import pkgutil
import zlib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

import rushlight as torch
from rushlight import ops
from rushlight.arrays.memory import Layout
from rushlight.ops.kinds import registry
from rushlight.ops.samples import Call, T, call

for _family in pkgutil.iter_modules(ops.__path__):  # some are loaded on first use
    importlib.import_module(f"rushlight.ops.{_family.name}")

MOST = 6  # samples of one op that the gradient tests take


class Case(NamedTuple):
    """One call of one op."""

    op: Any
    number: int
    call: Call

    def __repr__(self) -> str:
        return f"{self.op.name}[{self.number}]"


SQUARE = T((3, 3), kind="positive_definite")
SPECTRA = T((2, 3), kind="complex")
PAIR = (2, 2)
BASE = np.zeros((3, 4))
LAYOUT = Layout.of(BASE[1:, ::2], BASE)
SEQUENCES = (T((2, 2), 1, 3, "int"), T((2,), 4, 5, "int"), T((2,), 2, 3, "int"))  # targets, and both lengths

# Samples of ops that only other ops call.
HELPERS: dict[str, Callable] = {
    "alias": lambda: [call(T((2, 3)))],
    "as_strided": lambda: [call(T((3, 4)), LAYOUT)],
    "as_strided_backward": lambda: [call(T((2, 2)), LAYOUT)],
    "avg_pool2d": lambda: [call(T((1, 2, 3, 4)), 2), call(T((2, 4, 3)), (2, 1), 1, (1, 0), divisor_override=3)],
    "avg_pool3d": lambda: [call(T((1, 2, 2, 3, 4)), 2, 1), call(T((1, 1, 3, 3, 2)), 2, 2, 1, True, False)],
    "contract": lambda: [call([T((2, 3)), T((3, 4)), T((4,))], ("ab", "bc", "c"), "a")],
    "ctc_backward": lambda: [call(T((2,)), T((4, 2, 3)), *SEQUENCES, 0, False)],
    "ctc_losses": lambda: [call(T((4, 2, 3), kind="log_probabilities"), *SEQUENCES)],
    "dsplit": lambda: [call(T((2, 1, 4)), 2)],
    "elu_slope": lambda: [call(T((2, 3)), 1.5, 1.0, 1.0)],
    "fft.c2c": lambda: [call(SPECTRA, (0, 1), True, "ortho"), call(SPECTRA, (0,), False, "forward")],
    "fft.c2r": lambda: [call(SPECTRA, 4, 1, "backward"), call(SPECTRA, 5, 1, "ortho")],
    "fft.fitted": lambda: [call(T((2, 3)), (0, 1), (3, 2))],
    "fft.r2c": lambda: [call(T((2, 4)), 1, "backward"), call(T((5,)), 0, "ortho")],
    "histogram_of": lambda: [call(T((5,)), 3, None, None, False)],
    "fractional_max_pool": lambda: [call(T((1, 2, 5, 4), distinct=True), T((1, 2, 2), 0, 1, grad=False), PAIR, PAIR)],
    "gather_planes": lambda: [call(T((2, 3, 4)), T((2, 3, 2), 0, 4, "int"), (4,))],
    "hsplit": lambda: [call(T((2, 4)), 2), call(T((4,)), [1, 3])],
    "is_in": lambda: [call(T((3,), 0, 4, "int"), T((2,), 0, 4, "int"))],
    "leaky_relu_slope": lambda: [call(T((3,)), 0.1)],
    "linalg.getrf_info": lambda: [call(SQUARE)],
    "linalg.permutation": lambda: [call(T((3,), 1, 4, "int"), 3, np.dtype("float64"))],
    "linalg.potrf_info": lambda: [call(SQUARE)],
    "max_along": lambda: [call(T((2, 3), distinct=True), -1), call(T((2, 3), distinct=True), 0, True)],
    "max_bags": lambda: [call(T((4, 2), distinct=True), T((4,), 1, 2, "int"), 3)],
    "max_of_all": lambda: [call(T((2, 3), distinct=True)), call(T(()))],
    "median_along": lambda: [call(T((2, 3), distinct=True), -1), call(T((2, 3), distinct=True), 0, True)],
    "median_of_all": lambda: [call(T((2, 3), distinct=True)), call(T(()))],
    "min_along": lambda: [call(T((2, 3), distinct=True), -1), call(T((2, 3), distinct=True), 0, True)],
    "min_of_all": lambda: [call(T((2, 3), distinct=True)), call(T(()))],
    "multilabel_margin_loss": lambda: [call(T((2, 3)), T((2, 3), 0, 3, "int"))],
    "nanmedian_along": lambda: [call(T((2, 3), distinct=True), -1), call(T((2, 3), distinct=True), 0, True)],
    "nanmedian_of_all": lambda: [call(T((2, 3), distinct=True)), call(T(()))],
    "nonzero_by_dim": lambda: [call(T((2, 3), 0, 2, "int"))],
    "put_elements": lambda: [call(T((2, 3)), T((2, 3), -1, 4, "int"), 4)],
    "recur": lambda: [call(T((2, 3)), T((2, 3)), 1), call(T((3,)), T((3,)), 0)],
    "repeated_indices": lambda: [call(T((3,), 0, 4, "int"))],
    "scatter_planes": lambda: [call(T((2, 3, 2)), T((2, 3, 2), 0, 4, "int"), (2, 2))],
    "search_sorted": lambda: [call(T((4,), kind="sorted"), T((3,)))],
    "shift": lambda: [call(T((2, 3)), 1, 1), call(T((3,)), 0, -1)],
    "slope": lambda: [call(T((3,)))],
    "sum_bags": lambda: [call(T((4, 2)), T((4,), 0, 3, "int"), 3)],
    "swapaxes": lambda: [call(T((2, 3)), 0, 1)],
    "swapdims": lambda: [call(T((2, 3)), 0, -1)],
    "take_bags": lambda: [call(T((3, 2)), T((4,), 0, 3, "int"))],
    "take_elements": lambda: [call(T((3, 2)), T((4, 2), -1, 3, "int"))],
    "to_dtype": lambda: [call(T((2, 3)), torch.complex128)],
    "unpool_planes": lambda: [call(T((2, 2, 1)), T((2, 2, 1), 0, 4, "int"), (4,))],
    "view": lambda: [call(T((2, 3)), 3, 2), call(T((2, 3)), -1)],
    "view_as_real": lambda: [call(T((2, 3), kind="complex"))],
    "view_dtype": lambda: [call(T((2, 3)), torch.int64)],
    "vsplit": lambda: [call(T((4, 2)), 2)],
}  # fmt: skip

# Ops that refuse to be differentiated, as PyTorch's do, and those that can be differentiated once.
REFUSING = (
    "ctc_backward", "geqrf", "histogram", "histogram_of", "linalg.ldl_factor", "linalg.ldl_factor_ex",
    "unique",
)  # fmt: skip
ONCE = ("ctc_losses",)
# What these give depends on how their input lies in memory.
OF_MEMORY = ("as_strided", "view_as_complex")


def samples(op: Any) -> list[Call]:
    """The calls that an op's declaration describes; a pointwise op without any gets some that broadcast."""
    if op.name in HELPERS:
        return HELPERS[op.name]()
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


# Results that are determined only up to a sign or phase, by position: their absolute values are compared.
UP_TO_PHASE = {"linalg.eig": (1,), "linalg.eigh": (1,), "linalg.svd": (0, 2), "svd": (0, 2)}


def determined(op: Any, result: Any) -> Any:
    """A result with what is arbitrary in it taken away."""
    positions = UP_TO_PHASE.get(op.name)
    if positions is None:
        return result
    return tuple(one.abs() if number in positions else one for number, one in enumerate(result))


def required(op: Any) -> tuple[str, ...]:
    """The tensor inputs that have no default."""
    code, defaults = getattr(op.forward, "__code__", None), getattr(op.forward, "__defaults__", None) or ()
    optional = code.co_varnames[code.co_argcount - len(defaults) : code.co_argcount] if code is not None else ()
    return tuple(name for name in op.inputs if name not in optional)


def has_derivative(op: Any) -> bool:
    """Whether an op has a rule, or consists of ops that may have."""
    rules = (*op.rules, op.joint)
    if not op.differentiable or op.name in REFUSING:
        return False
    return op.kind == "composite" or any(rule is not None for rule in rules)


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
    if type(tree) in (tuple, list):
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

    What is constrained stays so when the tensors change: symmetric matrices are symmetrised, ...
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
            constrain = CONSTRAINTS.get(marks[number].kind)
            if constrain is not None:
                table[number] = constrain(table[number])
        positional, named = fill((args, kwargs), table)
        return determined(case.op, op_function(*positional, **named))

    return call_with, [made[number].requires_grad_(has_derivative(case.op)) for number in wanted]


class Slot(NamedTuple):
    """The place of a tensor in a tree of arguments."""

    number: int


def fill(tree: Any, table: dict[int, Any]) -> Any:
    """A tree of arguments with its slots filled."""
    if isinstance(tree, Slot):
        return table[tree.number]
    if isinstance(tree, dict):
        return {key: fill(value, table) for key, value in tree.items()}
    if type(tree) in (tuple, list):
        return type(tree)(fill(value, table) for value in tree)
    return tree


def symmetrised(matrix: Any) -> Any:
    """The Hermitian part of a matrix."""
    return (matrix + matrix.transpose(-1, -2).conj()) / 2


CONSTRAINTS: dict[str, Callable] = {
    "symmetric": symmetrised,
    "positive_definite": symmetrised,
    "log_probabilities": lambda scores: torch.log_softmax(scores, -1),
}


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
