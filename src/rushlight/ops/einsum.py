"""einsum and tensordot: sums of products, contracted two operands at a time as matrix products."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from . import reductions, shapes
from .diagonals import diagonal
from .kinds import Array, bilinear, composite
from .products import conjugated, dense, same_type
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
    """g, with the letters of `output`, contracted with the other operand to one of that shape and those letters."""
    target = "".join(c for c, extent in zip(word, shape, strict=True) if extent != 1 and (c in output or c in theirs))
    found = contraction(g, conjugated(other), (output, theirs), target)
    if target != word:  # what was broadcast, or summed in this operand alone, is the same along it
        extents = iter(found.shape)
        found = found.reshape(tuple([next(extents) if c in target else 1 for c in word]))
    return found if found.shape == shape else shapes.expand(found, *shape)


@bilinear(
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


def contracted(operands: list, words: list | tuple, output: str) -> Any:
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
    """The sum over the last `dims` dimensions of `a` and the first of `b`, or over two lists of dimensions."""
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


__all__ = ["einsum", "tensordot"]
ALIASES: dict[str, tuple[str, ...]] = {}
