"""Contractions: einsum and tensordot, and what is written with them and with products."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import dtypes
from . import norms, pointwise, reductions, shapes
from .diagonals import diagonal
from .kinds import Array, bilinear as bilinear_op, composite, linear
from .products import column, conjugated, dense, matmul, mm, same_type
from .samples import T, call

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


# --- einsum --------------------------------------------------------------------------------------------------------------------------


def arranged(array: Any, letters: str, wanted: str) -> Any:
    """An array with its dimensions, named by letters, in another order."""
    return array if letters == wanted else array.transpose([letters.index(letter) for letter in wanted])


def without(array: Any, letters: str, gone: str) -> tuple[Any, str]:
    """An array summed over some dimensions, and its remaining letters."""
    if not gone:
        return array, letters
    rest = "".join(letter for letter in letters if letter not in gone)
    return np.add.reduce(array, axis=tuple(letters.index(letter) for letter in gone)), rest


def contracted_pair(a: Any, first: str, b: Any, second: str, keep: str) -> tuple[Any, str]:
    """Two arrays multiplied and summed over the letters that are not to be kept, as one batch of matrix products."""
    for letter in set(first) & set(second):  # an extent of one is broadcast: the other operand has that dimension alone
        ones = a.shape[first.index(letter)], b.shape[second.index(letter)]
        if ones[0] != ones[1]:
            if ones[0] == 1:
                a, first = without(a, first, letter)
            else:
                b, second = without(b, second, letter)
    a, first = without(a, first, "".join(c for c in first if c not in second and c not in keep))
    b, second = without(b, second, "".join(c for c in second if c not in first and c not in keep))
    batch = "".join(c for c in first if c in second and c in keep)
    summed = "".join(c for c in first if c in second and c not in keep)
    rows, columns = ("".join(c for c in letters if c not in batch + summed) for letters in (first, second))
    a, b = arranged(a, first, batch + rows + summed), arranged(b, second, batch + summed + columns)
    outer, n, m = a.shape[: len(batch)], len(batch) + len(rows), len(batch) + len(summed)
    shape = a.shape[:n] + b.shape[m:]
    if not summed:
        return a.reshape(*a.shape, *[1] * len(columns)) * b.reshape(*outer, *[1] * len(rows), *b.shape[m:]), batch + rows + columns
    depth = math.prod(a.shape[n:])
    left = a.reshape(*outer, math.prod(a.shape[len(batch) : n]), depth)
    right = b.reshape(*outer, depth, math.prod(b.shape[m:]))
    return dense(left, right).reshape(shape), batch + rows + columns


def contract_transposes(g: Any, operands: tuple, operands_shape: tuple, needs: tuple, subscripts: tuple, output: str) -> tuple:
    """The cotangent of each operand: g contracted with all other operands."""
    cotangents: list[Any] = []
    for i, (letters, shape) in enumerate(zip(subscripts, operands_shape, strict=True)):
        if not needs[i]:
            cotangents.append(None)
            continue
        others = [j for j in range(len(subscripts)) if j != i]
        present = set(output).union(*(subscripts[j] for j in others))
        target = "".join(c for c, extent in zip(letters, shape, strict=True) if c in present and extent != 1)
        found = contract([g, *(conjugated(operands[j]) for j in others)], (output, *(subscripts[j] for j in others)), target)
        # What was broadcast or summed in this operand alone is the same along it.
        extents = iter(found.shape)
        found = found.reshape(tuple(next(extents) if c in target else 1 for c in letters))
        cotangents.append(found if found.shape == shape else shapes.expand(found, *shape))
    return tuple(cotangents)


@linear(contract_transposes, method=False, node="ViewBackward0")
def contract(operands: Sequence[Array], subscripts: tuple, output: str) -> Array:
    """Several operands multiplied and summed; each operand's dimensions have different letters. Linear in each."""
    result, letters = operands[0], subscripts[0]
    for i in range(1, len(operands)):
        same_type(result, operands[i])
        keep = "".join((output, *subscripts[i + 1 :]))
        result, letters = contracted_pair(result, letters, operands[i], subscripts[i], keep)
    result, letters = without(result, letters, "".join(c for c in letters if c not in output))
    return arranged(result, letters, output)


def spelled_subscripts(args: tuple) -> tuple[str, list]:
    """The equation and the operands of a call of einsum in either form. Lists of numbers become letters."""
    if isinstance(args[0], str):
        operands = args[1:]
        return args[0], list(operands[0]) if len(operands) == 1 and isinstance(operands[0], (list, tuple)) else list(operands)

    def word(numbers: Any) -> str:
        return "".join("..." if n is Ellipsis else LETTERS[n] for n in numbers)

    pairs = len(args) // 2
    equation = ",".join(word(args[2 * i + 1]) for i in range(pairs))
    if len(args) % 2:
        equation += "->" + word(args[-1])
    return equation, list(args[: 2 * pairs : 2])


def parsed(equation: str, ranks: list[int]) -> tuple[list[str], str]:
    """Letters for each operand's dimensions and for the result's; those of an ellipsis are digits. Raises RuntimeError."""
    left, arrow, right = equation.replace(" ", "").partition("->")
    words = left.split(",")
    if len(words) != len(ranks):
        quantity = "more" if len(words) < len(ranks) else "fewer"
        raise RuntimeError(f"einsum(): {quantity} operands were provided than specified in the equation")
    longest = 0
    for i, (word, rank) in enumerate(zip(words, ranks, strict=True)):
        plain = word.replace("...", "", 1)
        if any(c not in LETTERS for c in plain):
            raise RuntimeError(f"einsum(): invalid subscript given at index {i} in the equation string, subscripts must be in [a-zA-Z]")
        if "..." not in word and len(plain) != rank:
            raise RuntimeError(
                f"einsum(): the number of subscripts in the equation ({len(plain)}) does not match the number of dimensions "
                f"({rank}) for operand {i} and no ellipsis was given"
            )
        if len(plain) > rank:
            raise RuntimeError(
                f"einsum(): the number of subscripts in the equation ({len(plain)}) is more than the number of dimensions "
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
    return full, output


def check_extents(words: list[str], operands: list) -> None:
    """Raises RuntimeError for a letter with two extents, neither of them one."""
    seen: dict[str, int] = {}
    for i, (word, operand) in enumerate(zip(words, operands, strict=True)):
        for letter, extent in zip(word, operand.shape, strict=True):
            known = seen.setdefault(letter, extent)
            if known == 1:
                seen[letter] = extent
            elif extent not in (1, known):
                raise RuntimeError(
                    f"einsum(): subscript {letter} has size {extent} for operand {i} which does not broadcast with previously "
                    f"seen size {known}"
                )


@composite(
    method=False,
    samples=lambda: [
        call("ij,jk->ik", T((2, 3)), T((3, 4))), call("bij,bjk->bik", T((2, 2, 3)), T((2, 3, 2))), call("ii->i", T((3, 3))),
        call("i,j->ij", T((2,)), T((3,))), call("ij->ji", T((2, 3))), call("ij->", T((2, 3))), call("i,ij,j->", T((2,)), T((2, 3)), T((3,))),
        call("...ij,...jk", T((2, 2, 3)), T((1, 3, 2))), call("ij,ij->i", T((2, 3)), T((2, 3))), call("ijk,j->k", T((2, 3, 2)), T((1,))),
        call("ii,ij->j", T((3, 3)), T((3, 2))),
    ],
)  # fmt: skip
def einsum(*args: Any) -> Any:
    """Sums of products by Einstein's convention: `einsum("ij,jk->ik", a, b)`; `...` stands for further dimensions.

    Also as `einsum(a, [0, 1], b, [1, 2], [0, 2])`. Operands are contracted from left to right, as matrix products.
    """
    equation, operands = spelled_subscripts(args)
    words, output = parsed(equation, [operand.ndim for operand in operands])
    check_extents(words, operands)
    for i, word in enumerate(words):
        for letter in dict.fromkeys(word):
            while word.count(letter) > 1:  # a repeated letter walks along a diagonal
                first, second = word.index(letter), word.rindex(letter)
                operands[i] = diagonal(operands[i], 0, first, second)
                word = word[:first] + word[first + 1 : second] + word[second + 1 :] + letter
        words[i] = word
    if len(operands) > 1:
        return contract(operands, tuple(words), output)
    (word,), (operand,) = words, operands
    gone = tuple(i for i, letter in enumerate(word) if letter not in output)
    if gone:
        operand = reductions.sum(operand, gone)
    rest = "".join(letter for letter in word if letter in output)
    return operand if rest == output and gone else shapes.permute(operand, tuple(rest.index(letter) for letter in output))


@composite(
    method=False, out=True,
    samples=lambda: [
        call(T((2, 3)), T((3, 2)), 1), call(T((2, 3, 2)), T((3, 2, 4))), call(T((2, 3)), T((3, 4)), dims=([1], [0])),
        call(T((2, 3)), T((4, 3)), dims=([-1], [1])), call(T((2,)), T((3,)), 0),
    ],
)  # fmt: skip
def tensordot(a: Any, b: Any, dims: Any = 2) -> Any:
    """The sum over the last `dims` dimensions of `a` and the first of `b`, or over the two lists of dimensions given."""
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
                f"contracted dimensions need to match, but first has size {a.shape[d]} in dim {d - a.ndim} and second has size "
                f"{b.shape[e]} in dim {e}"
            )
    left = LETTERS[: a.ndim]
    right = list(LETTERS[a.ndim : a.ndim + b.ndim])
    for d, e in zip(first, second, strict=True):
        right[e] = left[d]
    shared = {left[d] for d in first}
    output = "".join(c for c in (*left, *right) if c not in shared)
    return contract([a, b], (left, "".join(right)), output)


# --- outer and inner products --------------------------------------------------------------------------------------------------------


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
            f"inner() the last dimension must match on both input tensors but got shapes {list(input.shape)} and {list(other.shape)}"
        )
    return tensordot(input, other, ([-1], [-1]))


@composite(name="linalg.vecdot", method=False, out=True, samples=lambda: [call(T((2, 3)), T((2, 3))), call(T((2, 3)), T((2, 1)), dim=0)])
def vecdot(x: Any, y: Any, *, dim: int = -1) -> Any:
    """The inner products of vectors along `dim`: the sum of `conj(x) * y`."""
    return reductions.sum(conjugated(x) * y, dim)


@composite(out=True, samples=lambda: [call(T((2, 3)), T((2, 2))), call(T((2,)), T((2, 3))), call(T(()), T((2,)))])
def kron(input: Any, other: Any) -> Any:
    """The Kronecker product: each element of `input` times all of `other`, as blocks."""
    rank = max(input.ndim, other.ndim)
    a, b = ((1,) * (rank - x.ndim) + tuple(x.shape) for x in (input, other))
    blocks = input.reshape([n for extent in a for n in (extent, 1)]) * other.reshape([n for extent in b for n in (1, extent)])
    return blocks.reshape([n * m for n, m in zip(a, b, strict=True)])


def triple(array: Any, dim: int) -> list:
    """The three slices of an array along `dim`."""
    before = (slice(None),) * (dim % array.ndim)
    return [array[(*before, i)] for i in range(3)]


@bilinear_op(
    lambda g, y, dim: linalg_cross(conjugated(y), g, dim=dim), lambda g, x, dim: linalg_cross(g, conjugated(x), dim=dim),
    name="linalg.cross", method=False, broadcasts=True,
    samples=lambda: [call(T((2, 3)), T((2, 3))), call(T((3, 2)), T((3, 2)), dim=0), call(T((1, 3)), T((2, 3)))],
)  # fmt: skip
def linalg_cross(input: Array, other: Array, *, dim: int = -1) -> Array:
    """The cross product of vectors of three elements along `dim`; other dimensions are broadcast."""
    if input.ndim != other.ndim:
        raise RuntimeError(f"linalg.cross: inputs must have the same number of dimensions, but got {input.ndim} and {other.ndim}")
    if input.shape[dim] != 3 or other.shape[dim] != 3:
        raise RuntimeError(f"linalg.cross: inputs dimension {dim} must have length 3. Got {input.shape[dim]} and {other.shape[dim]}")
    (a, b, c), (u, v, w) = triple(input, dim), triple(other, dim)
    return np.stack((b * w - c * v, c * u - a * w, a * v - b * u), axis=dim % input.ndim)


@composite(out=True, samples=lambda: [call(T((2, 3)), T((2, 3))), call(T((3, 2)), T((3, 2))), call(T((2, 3)), T((2, 3)), 1)])
def cross(input: Any, other: Any, dim: int | None = None) -> Any:
    """The cross product along `dim`, by default the first dimension of extent three."""
    if dim is None:
        found = [d for d, extent in enumerate(input.shape) if extent == 3]
        if not found:
            raise RuntimeError("no dimension of size 3 in input")
        dim = found[0]
    return linalg_cross(input, other, dim=dim)


@linear(lambda g, x_shape, x_dtype: g * np.eye(*x_shape, dtype=x_dtype), samples=lambda: [call(T((3, 3))), call(T((2, 3)))])
def trace(input: Array) -> Array:
    """The sum of the diagonal of a matrix."""
    if input.ndim != 2:
        raise RuntimeError(f"trace: expected a matrix, but got tensor with dim {input.ndim}")
    if input.dtype == bool:
        raise NotImplementedError("\"trace\" not implemented for 'Bool'")
    return np.trace(input, dtype=np.dtype("int64") if input.dtype.kind in "iu" else input.dtype)


# --- several factors -----------------------------------------------------------------------------------------------------------------


def cheapest_order(extents: list[int]) -> list[list[int]]:
    """For each chain of matrices i..j where to split it for the fewest multiplications (Cormen et al., "Matrix-chain multiplication")."""
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
    samples=lambda: [call([T((2, 3)), T((3, 4)), T((4, 2))]), call([T((3,)), T((3, 4)), T((4,))]), call([T((2, 3)), T((3, 2))])],
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
    factors[0] = factors[0].reshape(-1, factors[0].shape[-1])
    factors[-1] = factors[-1].reshape(factors[-1].shape[0], -1)
    split = cheapest_order([factors[0].shape[0], *(factor.shape[1] for factor in factors)])

    def chain(i: int, j: int) -> Any:
        return factors[i] if i == j else mm(chain(i, split[i][j]), chain(split[i][j] + 1, j))

    return chain(0, len(factors) - 1).reshape(shape)


@composite(method=False, samples=lambda: [call(T((2, 3)), T((3, 4)), T((4, 2))), call(T((2, 3)))])
def chain_matmul(*matrices: Any, out: Any = None) -> Any:
    """The product of any number of matrices, in the cheapest order."""
    return matrices[0] if len(matrices) == 1 else multi_dot(matrices, out=out)


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
            f"linalg.matrix_power: A must be batches of square matrices, but they are {A.shape[-2]} by {A.shape[-1]} matrices"
        )
    if n == 0:
        return pointwise.mul(A, 0) + np.eye(A.shape[-1], dtype=dtypes.numpy_type(A.dtype))
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
    """`input1 @ weight[o] @ input2 + bias[o]` for each output o: (..., in1) and (..., in2) with (out, in1, in2) give (..., out)."""
    for i, (given, extent) in enumerate(((input1, weight.shape[1]), (input2, weight.shape[2])), 1):
        if given.shape[-1] != extent:
            raise RuntimeError(f"bilinear(): input{i} size does not match weight size: got {given.shape[-1]} but expected {extent}")
    result = einsum("...i,oij,...j->...o", input1, weight, input2)
    return result if bias is None else result + bias


# --- distances -----------------------------------------------------------------------------------------------------------------------


@composite(
    method=False,
    samples=lambda: [call(T((2, 3)), T((4, 3)), p) for p in (2.0, 1.0, 3.0, math.inf)] + [call(T((2, 2, 3)), T((2, 4, 3)))],
)  # fmt: skip
def cdist(x1: Any, x2: Any, p: float = 2.0, compute_mode: str = "use_mm_for_euclid_dist_if_necessary") -> Any:
    """The distances, in the norm of order `p`, between all pairs of rows: (..., n, k) and (..., m, k) give (..., n, m)."""
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

__all__ = ["einsum", "tensordot", "outer", "ger", "inner", "kron", "cross", "trace", "chain_matmul", "matrix_power", "cdist", "pdist",
           "bilinear"]  # fmt: skip
FUNCTIONAL = ["bilinear", "pdist"]
ALIASES: dict[str, tuple[str, ...]] = {"outer": ("ger",)}
