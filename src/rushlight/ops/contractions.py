"""Contractions: einsum and tensordot, and what is written with them and with products."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from .. import dtypes
from ..tensor import wrap
from . import norms, reductions, shapes
from .comparisons import where
from .diagonals import diagonal
from .kinds import Array, composite, linear
from .kinds import bilinear as bilinear_op
from .products import column, conjugated, dense, matmul, mm, row, same_type
from .samples import T, call

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


# --- einsum ----------------------------------------------------------------------------------------------------------


class Plan(NamedTuple):
    """How two arrays are contracted by one matrix product (or multiplication).

    Sums before, orders and shapes on the way.
    """

    sums: tuple  # per operand, the axes to sum first, or None
    orders: tuple  # per operand, the order in which to bring its axes, or None
    shapes: tuple  # per operand, the shape to give it
    multiplies: bool  # nothing is summed over: a broadcast multiplication
    shape: tuple  # of the result
    order: tuple | None  # in which to bring the result's axes


def order_of(letters: str, wanted: str) -> tuple | None:
    """The order that brings axes named by letters into another one, None where it is theirs."""
    return None if letters == wanted else tuple(letters.index(letter) for letter in wanted)


@lru_cache(maxsize=4096)
def pair_plan(words: tuple, output: str, shapes: tuple) -> Plan:
    """The plan for two operands of those shapes, whose axes have those letters, to a result with the letters of
    `output`.

    A letter of one operand that is not wanted is summed first; so is one whose extent of one is broadcast against the
    other's.
    """
    extents_of = [dict(zip(word, shape, strict=True)) for word, shape in zip(words, shapes, strict=True)]
    spread = [
        {c for c, extent in mine.items() if extent == 1 != theirs.get(c, 1)}
        for mine, theirs in (extents_of, extents_of[::-1])
    ]
    sums, left = [], []
    for i, word in enumerate(words):
        shared = set(words[1 - i]) - spread[1 - i]
        gone = [c for c in word if c in spread[i] or (c not in shared and c not in output)]
        sums.append(tuple(word.index(c) for c in gone) or None)
        left.append([(c, extent) for c, extent in extents_of[i].items() if c not in gone])
    extents = dict(left[0]) | dict(left[1])
    first, second = ("".join(c for c, _ in axes) for axes in left)
    batch = "".join(c for c in first if c in second and c in output)
    summed = "".join(c for c in first if c in second and c not in output)
    rows, columns = ("".join(c for c in word if c not in batch + summed) for word in (first, second))
    found = batch + rows + columns

    def size(letters: str) -> int:
        return math.prod(extents[c] for c in letters)

    outer = tuple(extents[c] for c in batch)
    if summed:
        given = (*outer, size(rows), size(summed)), (*outer, size(summed), size(columns))
    else:
        given = (
            (*outer, *(extents[c] for c in rows), *[1] * len(columns)),
            (*outer, *[1] * len(rows), *(extents[c] for c in columns)),
        )
    orders = order_of(first, batch + rows + summed), order_of(second, batch + summed + columns)
    return Plan(tuple(sums), orders, given, not summed, tuple(extents[c] for c in found), order_of(found, output))


def contraction_input(g: Any, other: Any, x_shape: tuple, words: tuple, output: str) -> Any:
    """The cotangent of the first operand: g contracted with the second."""
    return contraction_back(g, other, x_shape, words[0], words[1], output)


def contraction_other(g: Any, input: Any, other_shape: tuple, words: tuple, output: str) -> Any:
    """The cotangent of the second operand: g contracted with the first."""
    return contraction_back(g, input, other_shape, words[1], words[0], output)


def contraction_back(g: Any, other: Any, shape: tuple, word: str, theirs: str, output: str) -> Any:
    """g, which has the letters of `output`, contracted with the other operand to one of that shape and those letters.
    """
    target = "".join(c for c, extent in zip(word, shape, strict=True) if extent != 1 and (c in output or c in theirs))
    found = contraction(g, conjugated(other), (output, theirs), target)
    if target != word:  # what was broadcast, or summed in this operand alone, is the same along it
        extents = iter(found.shape)
        found = found.reshape(tuple([next(extents) if c in target else 1 for c in word]))
    return found if found.shape == shape else shapes.expand(found, *shape)


@bilinear_op(
    contraction_input, contraction_other, name="contraction", method=False, node="ViewBackward0",
    samples=lambda: [call(T((2, 3)), T((3, 4)), ("ij", "jk"), "ki"), call(T((2, 3)), T((2, 1)), ("ij", "ik"), "ik")],
)  # fmt: skip
def contraction(input: Array, other: Array, words: tuple, output: str) -> Array:
    """Two operands multiplied and summed over the letters missing from `output`.

    A word gives the letters of an operand's axes.
    """
    same_type(input, other)
    plan = pair_plan(words, output, (input.shape, other.shape))
    operands = []
    for array, axes, order, shape in zip((input, other), plan.sums, plan.orders, plan.shapes, strict=True):
        if axes is not None:
            array = np.add.reduce(array, axes)
        if order is not None:
            array = array.transpose(order)
        operands.append(array.reshape(shape))
    result = operands[0] * operands[1] if plan.multiplies else dense(operands[0], operands[1])
    result = result.reshape(plan.shape)
    return result if plan.order is None else result.transpose(plan.order)


def contracted(operands: list, words: list, output: str) -> Any:
    """Several operands contracted from left to right."""
    result, word = operands[0], words[0]
    for i in range(1, len(operands)):
        later = output + "".join(words[i + 1 :])
        kept = output if i == len(operands) - 1 else "".join(c for c in dict.fromkeys(word + words[i]) if c in later)
        result, word = contraction(result, operands[i], (word, words[i]), kept), kept
    return result


def spelled_subscripts(args: tuple) -> tuple[str, list]:
    """The equation and the operands of a call of einsum in either form. Lists of numbers become letters."""
    if isinstance(args[0], str):
        operands = args[1:]
        return args[0], list(operands[0]) if len(operands) == 1 and isinstance(operands[0], (list, tuple)) else list(
            operands
        )

    def word(numbers: Any) -> str:
        return "".join("..." if n is Ellipsis else LETTERS[n] for n in numbers)

    pairs = len(args) // 2
    equation = ",".join(word(args[2 * i + 1]) for i in range(pairs))
    if len(args) % 2:
        equation += "->" + word(args[-1])
    return equation, list(args[: 2 * pairs : 2])


@lru_cache(maxsize=4096)
def parsed(equation: str, extents: tuple) -> tuple[tuple[str, ...], str]:
    """Letters for the axes of operands of those shapes, and for the result's; an ellipsis gets letters of its own.

    Raises RuntimeError.
    """
    ranks = [len(shape) for shape in extents]
    left, arrow, right = equation.replace(" ", "").partition("->")
    words = left.split(",")
    if len(words) != len(ranks):
        quantity = "more" if len(words) < len(ranks) else "fewer"
        raise RuntimeError(f"einsum(): {quantity} operands were provided than specified in the equation")
    longest = 0
    for i, (word, rank) in enumerate(zip(words, ranks, strict=True)):
        plain = word.replace("...", "", 1)
        if any(c not in LETTERS for c in plain):
            raise RuntimeError(
                f"einsum(): invalid subscript given at index {i} in the equation string, subscripts must be in [a-zA-Z]"
            )
        if "..." not in word and len(plain) != rank:
            raise RuntimeError(
                f"einsum(): the number of subscripts in the equation ({len(plain)}) does not match the number of "
                "dimensions "
                f"({rank}) for operand {i} and no ellipsis was given"
            )
        if len(plain) > rank:
            raise RuntimeError(
                f"einsum(): the number of subscripts in the equation ({len(plain)}) is more than the number of "
                "dimensions "
                f"({rank}) for operand {i}"
            )
        longest = max(longest, rank - len(plain) if "..." in word else 0)
    dots = "".join(map(chr, range(0x100, 0x100 + longest)))
    full = []
    for word, rank in zip(words, ranks, strict=True):
        covered = rank - len(word.replace("...", "", 1))
        full.append(word.replace("...", dots[longest - covered :] if covered else ""))
    if not arrow:
        counts = "".join(words)
        right = "..." * bool(longest) + "".join(sorted(c for c in set(counts) if c != "." and counts.count(c) == 1))
    output = right.replace("...", dots, 1)
    for c in output:
        if output.count(c) > 1:
            raise RuntimeError(f"einsum(): output subscript {c} appears more than once in the output")
        if not any(c in word for word in full):
            raise RuntimeError(f"einsum(): output subscript {c} does not appear in the equation for any input operand")
    check_extents(full, extents)
    return tuple(full), output


def check_extents(words: list[str], extents: tuple) -> None:
    """Raises RuntimeError for a letter with two extents, neither of them one."""
    seen: dict[str, int] = {}
    for i, (word, shape) in enumerate(zip(words, extents, strict=True)):
        for letter, extent in zip(word, shape, strict=True):
            known = seen.setdefault(letter, extent)
            if known == 1:
                seen[letter] = extent
            elif extent not in (1, known):
                raise RuntimeError(
                    f"einsum(): subscript {letter} has size {extent} for operand {i} which does not broadcast with "
                    "previously "
                    f"seen size {known}"
                )


@composite(
    method=False,
    samples=lambda: [
        call("ij,jk->ik", T((2, 3)), T((3, 4))), call("bij,bjk->bik", T((2, 2, 3)), T((2, 3, 2))),
        call("ii->i", T((3, 3))),
        call("i,j->ij", T((2,)), T((3,))), call("ij->ji", T((2, 3))), call("ij->", T((2, 3))),
        call("i,ij,j->", T((2,)), T((2, 3)), T((3,))),
        call("...ij,...jk", T((2, 2, 3)), T((1, 3, 2))), call("ij,ij->i", T((2, 3)), T((2, 3))),
        call("ijk,j->k", T((2, 3, 2)), T((1,))),
        call("ii,ij->j", T((3, 3)), T((3, 2))), call("bij,bjk,bkl->bil", T((2, 1, 2)), T((1, 2, 3)), T((2, 3, 1))),
    ],
)  # fmt: skip
def einsum(*args: Any) -> Any:
    """Sums of products by Einstein's convention: `einsum("ij,jk->ik", a, b)`; `...` stands for further dimensions.

    Also as `einsum(a, [0, 1], b, [1, 2], [0, 2])`. Operands are contracted from left to right, as matrix products.
    """
    equation, operands = spelled_subscripts(args)
    words, output = parsed(equation, tuple([tuple(operand.shape) for operand in operands]))
    if any(len(set(word)) != len(word) for word in words):
        pairs = [along_diagonals(operand, word) for operand, word in zip(operands, words, strict=True)]
        operands, words = [operand for operand, _ in pairs], tuple(word for _, word in pairs)
    if len(operands) > 1:
        return contracted(operands, words, output)
    (word,), (operand,) = words, operands
    gone = tuple(i for i, letter in enumerate(word) if letter not in output)
    if gone:
        operand = reductions.sum(operand, gone)
    rest = "".join(letter for letter in word if letter in output)
    return (
        operand if rest == output and gone else shapes.permute(operand, tuple(rest.index(letter) for letter in output))
    )


def along_diagonals(operand: Any, word: str) -> tuple[Any, str]:
    """An operand in which a letter occurs more than once, reduced to the diagonals along which that letter walks."""
    for letter in dict.fromkeys(word):
        while word.count(letter) > 1:
            first, second = word.index(letter), word.rindex(letter)
            operand = diagonal(operand, 0, first, second)
            word = word[:first] + word[first + 1 : second] + word[second + 1 :] + letter
    return operand, word


@composite(
    method=False, out=True,
    samples=lambda: [
        call(T((2, 3)), T((3, 2)), 1), call(T((2, 3, 2)), T((3, 2, 4))), call(T((2, 3)), T((3, 4)), dims=([1], [0])),
        call(T((2, 3)), T((4, 3)), dims=([-1], [1])), call(T((2,)), T((3,)), 0),
    ],
)  # fmt: skip
def tensordot(a: Any, b: Any, dims: Any = 2) -> Any:
    """The sum over the last `dims` dimensions of `a` and the first of `b`, or over the two lists of dimensions given.
    """
    if not isinstance(dims, int) and hasattr(dims, "tolist"):
        dims = dims.tolist()
    if isinstance(dims, int):
        if dims < 0:
            raise RuntimeError(f"tensordot expects dims >= 0, but got dims={dims}")
        if dims > min(a.ndim, b.ndim):
            raise RuntimeError(f"tensordot expects dims <= ndim_a or ndim_b, but got dims={dims}")
        first, second = list(range(a.ndim - dims, a.ndim)), list(range(dims))
    else:
        first, second = ([d] if isinstance(d, int) else list(d) for d in dims)
    if len(first) != len(second):
        raise RuntimeError("both dimension lists should have same length")
    first, second = [d % a.ndim for d in first], [d % b.ndim for d in second]
    for d, e in zip(first, second, strict=True):
        if a.shape[d] != b.shape[e] and 1 not in (a.shape[d], b.shape[e]):
            raise RuntimeError(
                f"contracted dimensions need to match, but first has size {a.shape[d]} in dim {d - a.ndim} and second "
                "has size "
                f"{b.shape[e]} in dim {e}"
            )
    left = LETTERS[: a.ndim]
    right = list(LETTERS[a.ndim : a.ndim + b.ndim])
    for d, e in zip(first, second, strict=True):
        right[e] = left[d]
    shared = {left[d] for d in first}
    output = "".join(c for c in (*left, *right) if c not in shared)
    return contraction(a, b, (left, "".join(right)), output)


# --- outer and inner products ----------------------------------------------------------------------------------------


@composite(out=True, samples=lambda: [call(T((2,)), T((3,))), call(T((0,)), T((3,)))])
def outer(input: Any, vec2: Any) -> Any:
    """The products of all pairs of two vectors' elements."""
    for name, vector in (("self", input), ("vec2", vec2)):
        if vector.ndim != 1:
            raise RuntimeError(f"outer: Expected 1-D argument {name}, but got {vector.ndim}-D")
    return column(input) * vec2


@composite(out=True, samples=lambda: [call(T((3,)), T((3,))), call(T((2, 3)), T((4, 3))), call(T(()), T((2, 3)))])
def inner(input: Any, other: Any) -> Any:
    """The sums of products over the last dimension of both."""
    if not input.ndim or not other.ndim:
        return input * other
    if input.shape[-1] != other.shape[-1]:
        raise RuntimeError(
            f"inner() the last dimension must match on both input tensors but got shapes {list(input.shape)} and "
            f"{list(other.shape)}"
        )
    return tensordot(input, other, ([-1], [-1]))


@composite(
    name="linalg.vecdot",
    method=False,
    out=True,
    samples=lambda: [call(T((2, 3)), T((2, 3))), call(T((2, 3)), T((2, 1)), dim=0)],
)
def vecdot(x: Any, y: Any, *, dim: int = -1) -> Any:
    """The inner products of vectors along `dim`: the sum of `conj(x) * y`."""
    return reductions.sum(conjugated(x) * y, dim)


@composite(out=True, samples=lambda: [call(T((2, 3)), T((2, 2))), call(T((2,)), T((2, 3))), call(T(()), T((2,)))])
def kron(input: Any, other: Any) -> Any:
    """The Kronecker product: each element of `input` times all of `other`, as blocks."""
    rank = max(input.ndim, other.ndim)
    a, b = ((1,) * (rank - x.ndim) + tuple(x.shape) for x in (input, other))
    blocks = input.reshape([n for extent in a for n in (extent, 1)]) * other.reshape(
        [n for extent in b for n in (1, extent)]
    )
    return blocks.reshape([n * m for n, m in zip(a, b, strict=True)])


def triple(array: Any, dim: int) -> list:
    """The three slices of an array along `dim`."""
    before = (slice(None),) * (dim % array.ndim)
    return [array[(*before, i)] for i in range(3)]


@bilinear_op(
    lambda g, y, dim: linalg_cross(conjugated(y), g, dim=dim), lambda g, x,
    dim: linalg_cross(g, conjugated(x), dim=dim),
    name="linalg.cross", method=False, broadcasts=True,
    samples=lambda: [call(T((2, 3)), T((2, 3))), call(T((3, 2)), T((3, 2)), dim=0), call(T((1, 3)), T((2, 3)))],
)  # fmt: skip
def linalg_cross(input: Array, other: Array, *, dim: int = -1) -> Array:
    """The cross product of vectors of three elements along `dim`; other dimensions are broadcast."""
    if input.ndim != other.ndim:
        raise RuntimeError(
            f"linalg.cross: inputs must have the same number of dimensions, but got {input.ndim} and {other.ndim}"
        )
    if input.shape[dim] != 3 or other.shape[dim] != 3:
        raise RuntimeError(
            f"linalg.cross: inputs dimension {dim} must have length 3. Got {input.shape[dim]} and {other.shape[dim]}"
        )
    (a, b, c), (u, v, w) = triple(input, dim), triple(other, dim)
    return np.stack((b * w - c * v, c * u - a * w, a * v - b * u), axis=dim % input.ndim)


@composite(
    out=True, samples=lambda: [call(T((2, 3)), T((2, 3))), call(T((3, 2)), T((3, 2))), call(T((2, 3)), T((2, 3)), 1)]
)
def cross(input: Any, other: Any, dim: int | None = None) -> Any:
    """The cross product along `dim`, by default the first dimension of extent three."""
    if dim is None:
        found = [d for d, extent in enumerate(input.shape) if extent == 3]
        if not found:
            raise RuntimeError("no dimension of size 3 in input")
        dim = found[0]
    return linalg_cross(input, other, dim=dim)


@linear(
    lambda g, x_shape, x_dtype: g * np.eye(*x_shape, dtype=x_dtype), samples=lambda: [call(T((3, 3))), call(T((2, 3)))]
)
def trace(input: Array) -> Array:
    """The sum of the diagonal of a matrix."""
    if input.ndim != 2:
        raise RuntimeError(f"trace: expected a matrix, but got tensor with dim {input.ndim}")
    if input.dtype == bool:
        raise NotImplementedError("\"trace\" not implemented for 'Bool'")
    return np.trace(input, dtype=np.dtype("int64") if input.dtype.kind in "iu" else input.dtype)


# --- several factors -------------------------------------------------------------------------------------------------


def cheapest_order(extents: list[int]) -> list[list[int]]:
    """For each chain of matrices i..j where to split it for the fewest multiplications (Cormen et al., "Matrix-chain
    multiplication").
    """
    count = len(extents) - 1
    cost = [[0] * count for _ in range(count)]
    split = [[0] * count for _ in range(count)]
    for length in range(1, count):
        for i in range(count - length):
            j = i + length
            cost[i][j], split[i][j] = min(
                (cost[i][k] + cost[k + 1][j] + extents[i] * extents[k + 1] * extents[j + 1], k) for k in range(i, j)
            )
    return split


@composite(
    name="linalg.multi_dot", method=False, out=True,
    samples=lambda: [
        call([T((2, 3)), T((3, 4)), T((4, 2))]), call([T((3,)), T((3, 4)), T((4,))]), call([T((2, 3)), T((3, 2))]),
    ],
)  # fmt: skip
def multi_dot(tensors: Any) -> Any:
    """The product of two or more matrices in the cheapest order; the first and the last may be vectors."""
    factors = list(tensors)
    if len(factors) < 2:
        raise RuntimeError(f"multi_dot(): expected at least 2 tensors but got {len(factors)}")
    for i, factor in enumerate(factors):
        if factor.ndim != 2 and not (factor.ndim == 1 and i in (0, len(factors) - 1)):
            allowed = "1D or 2D" if i in (0, len(factors) - 1) else "2D"
            raise RuntimeError(f"multi_dot(): tensor {i} must be {allowed} but got {factor.ndim}D")
    shape = [*factors[0].shape[:-1], *factors[-1].shape[1:]]
    if factors[0].ndim == 1:
        factors[0] = row(factors[0])
    if factors[-1].ndim == 1:
        factors[-1] = column(factors[-1])
    split = cheapest_order([factors[0].shape[0], *(factor.shape[1] for factor in factors)])

    def chain(i: int, j: int) -> Any:
        return factors[i] if i == j else mm(chain(i, split[i][j]), chain(split[i][j] + 1, j))

    return chain(0, len(factors) - 1).reshape(shape)


@composite(method=False, out=True, samples=lambda: [call(T((2, 3)), T((3, 4)), T((4, 2))), call(T((2, 3)))])
def chain_matmul(*matrices: Any) -> Any:
    """The product of any number of matrices, in the cheapest order."""
    return matrices[0] if len(matrices) == 1 else multi_dot(matrices)


@composite(
    out=True,
    samples=lambda: [call(T((3, 3)), n) for n in (0, 1, 2, 3, 5)] + [call(T((2, 3, 3), kind="positive_definite"), -2)],
)  # fmt: skip
def matrix_power(A: Any, n: int) -> Any:
    """The n-th power of square matrices, of the inverse for negative n, by repeated squaring."""
    if A.ndim < 2 or A.shape[-1] != A.shape[-2]:
        if A.ndim < 2:
            raise RuntimeError("linalg.matrix_power: The input tensor A must have at least 2 dimensions.")
        raise RuntimeError(
            f"linalg.matrix_power: A must be batches of square matrices, but they are {A.shape[-2]} by {A.shape[-1]} "
            "matrices"
        )
    if n == 0:
        unit = np.zeros(tuple(A.shape), dtypes.numpy_type(A.dtype))
        unit[...] = np.eye(A.shape[-1])
        return where(wrap(np.array(True)), wrap(unit), A)  # connected to A, and without its NaNs
    if n < 0:
        from .linalg import inv

        return matrix_power(inv(A), -n)
    power, square = None, A
    while True:
        if n & 1:
            power = square if power is None else matmul(power, square)
        n >>= 1
        if not n:
            return power
        square = matmul(square, square)


@composite(
    method=False,
    samples=lambda: [
        call(T((2, 3)), T((2, 4)), T((5, 3, 4)), T((5,))), call(T((2, 2, 3)), T((2, 2, 2)), T((1, 3, 2))),
        call(T((3,)), T((2,)), T((4, 3, 2))),
    ],
)  # fmt: skip
def bilinear(input1: Any, input2: Any, weight: Any, bias: Any = None) -> Any:
    """`input1 @ weight[o] @ input2 + bias[o]` for each output o.

    (..., in1) and (..., in2) with (out, in1, in2) give (..., out).
    """
    for i, (given, extent) in enumerate(((input1, weight.shape[1]), (input2, weight.shape[2])), 1):
        if given.shape[-1] != extent:
            raise RuntimeError(
                f"bilinear(): input{i} size does not match weight size: got {given.shape[-1]} but expected {extent}"
            )
    result = einsum("...i,oij,...j->...o", input1, weight, input2)
    return result if bias is None else result + bias


# --- distances -------------------------------------------------------------------------------------------------------


@composite(
    method=False,
    samples=lambda: [
        call(T((2, 3)), T((4, 3)), p) for p in (2.0, 1.0, 3.0, math.inf)] + [call(T((2, 2, 3)), T((2, 4, 3))),
    ],
)  # fmt: skip
def cdist(x1: Any, x2: Any, p: float = 2.0, compute_mode: str = "use_mm_for_euclid_dist_if_necessary") -> Any:
    """The distances, in the norm of order `p`, between all pairs of rows.

    (..., n, k) and (..., m, k) give (..., n, m).
    """
    if x1.shape[-1] != x2.shape[-1]:
        raise RuntimeError(f"X1 and X2 must have the same number of columns. X1: {x1.shape[-1]} X2: {x2.shape[-1]}")
    if p < 0:
        raise RuntimeError("cdist only supports non-negative p values")
    difference = x1.reshape(*x1.shape[:-1], 1, x1.shape[-1]) - x2.reshape(*x2.shape[:-2], 1, *x2.shape[-2:])
    if not x1.shape[-1]:
        return reductions.sum(difference, -1)
    return norms.vector_norm(difference, p, -1)


@composite(method=False, samples=lambda: [call(T((4, 3)), p) for p in (2.0, 1.0, 3.0)])
def pdist(input: Any, p: float = 2.0) -> Any:
    """The distances, in the norm of order `p`, between all pairs of different rows of a matrix."""
    if input.ndim != 2:
        raise RuntimeError(f"pdist only supports 2D tensors, got: {input.ndim}D")
    if p < 0:
        raise RuntimeError("pdist only supports non-negative p values")
    first, second = (index.astype(np.int64) for index in np.triu_indices(input.shape[0], 1))
    return norms.vector_norm(input[first] - input[second], p, -1)


ger = outer

__all__ = ["einsum", "tensordot", "outer", "ger", "inner", "kron", "cross", "trace", "chain_matmul", "matrix_power",
           "cdist", "pdist",
           "bilinear"]  # fmt: skip
FUNCTIONAL = ["bilinear", "pdist"]
ALIASES: dict[str, tuple[str, ...]] = {"outer": ("ger",)}
