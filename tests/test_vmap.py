"""vmap: every op of the registry against a loop over the examples, forwards and backwards; and its own rules and errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from op_cases import MOST, all_ops, cases, determined, function_of_tensors, has_derivative, parametrise, tensors_in

import rushlight as torch
from rushlight.func import grad, jacfwd, jacrev, vjp, vmap
from rushlight.ops import batching
from rushlight.ops.batch_rules import DYNAMIC
from rushlight.ops.batching import looped

pytestmark = pytest.mark.filterwarnings("ignore")

REFUSED = (
    *DYNAMIC, "as_strided", "as_strided_backward", "bincount", "histc",
    "histogram", "histogram_of", "combinations", "isin", "is_in",
    "view_as_complex",
)  # fmt: skip


# Ops that run on one example after the other, for some or all of their arguments.
LOOPED = frozenset((
    "addbmm", "addr", "aminmax", "as_strided_scatter", "block_diag", "cat", "ctc_backward", "ctc_losses", "diagonal_copy", "drawn",
    "embedding_dense_backward", "fill_number_", "fill_tensor", "fill_tensor_", "fractional_max_pool", "geqrf", "hash_tensor",
    "imag",
    "index_fill_tensor", "index_select", "linalg.matrix_solve", "masked_scatter", "max_bags", "median_of_all", "mode",
    "nanmedian_along", "nanmedian_of_all", "put", "put_elements", "reduce_at", "roll", "rrelu_with_noise", "search_sorted", "share",
    "std", "std_mean", "sum_bags", "sum_to_size", "take", "take_bags", "take_elements", "unpool_planes", "var", "var_mean",
    "view_dtype",
))  # fmt: skip


# Ops that read one of their tensors to see whether it is valid.
READS = ("cov",)


def variants(tensor: Any) -> list:
    """Three tensors near one, within what its op takes; of integers, and truths, the same."""
    if not (tensor.is_floating_point() or tensor.is_complex()):
        return [tensor] * 3
    return [tensor.detach() * (1.0 - 0.015625 * k) for k in range(3)]


def close(found: Any, expected: Any) -> None:
    for a, b in zip(tensors_in(found), tensors_in(expected), strict=True):
        assert a.shape == b.shape
        assert a.dtype is b.dtype
        np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=1e-9, atol=1e-9)


def floating(results: Any) -> tuple:
    return tuple(one for one in tensors_in(results) if one.is_floating_point() or one.is_complex())


def batchable(op: Any) -> bool:
    return op.name not in REFUSED


@pytest.mark.parametrize(**parametrise(op for op in all_ops() if batchable(op)))
def test_vmap_is_a_loop(op: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = set()

    def spy(batch: Any) -> Any:
        seen.add(batch.op.name)
        return looped(batch)

    monkeypatch.setattr(batching, "looped", spy)
    for case in cases(op)[:MOST]:
        called, tensors = function_of_tensors(case)
        if not tensors:
            continue
        inputs = [one.detach() for one in tensors]

        def results(*given: Any, called: Any = called) -> tuple:
            torch.manual_seed(0)
            return tuple(tensors_in(called(*given)))

        every = range(len(inputs))
        for batched in {(0,), (len(inputs) - 1,), tuple(every)}:  # the first, the last, all of them
            if op.name in READS and batched != (0,):
                continue
            examples = [variants(one) if i in batched else [one] * 3 for i, one in enumerate(inputs)]
            expected = [torch.stack(column) for column in zip(*(results(*row) for row in zip(*examples, strict=True)), strict=True)]
            dim = -1 if case.number == 0 and all(inputs[i].ndim for i in batched) else 0
            given = [torch.stack(examples[i], dim) if i in batched else inputs[i] for i in every]
            dims = tuple(dim if i in batched else None for i in every)
            close(vmap(results, in_dims=dims, randomness="same")(*given), expected)
    assert seen <= LOOPED


@pytest.mark.parametrize(
    **parametrise(op for op in all_ops() if batchable(op) and has_derivative(op) and op.name != "masked_scatter")
)
def test_vmap_of_a_derivative_is_a_loop(op: Any) -> None:
    for case in cases(op)[:2]:
        called, tensors = function_of_tensors(case)
        if not tensors or not floating(called(*tensors)):
            continue
        inputs = [one.detach() for one in tensors]

        def derivative(*given: Any, called: Any = called) -> tuple:
            torch.manual_seed(0)
            outputs, pull = vjp(lambda *xs: floating(determined(op, called(*xs))), *given)
            return tuple(pull(tuple(torch.cos(one.real) + one * 0 for one in outputs)))

        batches = [variants(one) for one in inputs]
        expected = [torch.stack(column) for column in zip(*(derivative(*row) for row in zip(*batches, strict=True)), strict=True)]
        close(vmap(derivative, randomness="same")(*map(torch.stack, batches)), expected)


@pytest.mark.parametrize(**parametrise(op for op in all_ops() if batchable(op) and op.kind in ("pointwise", "linear", "bilinear")))
def test_jacrev_agrees_with_jacfwd(op: Any) -> None:
    case = cases(op)[0]
    called, tensors = function_of_tensors(case)
    inputs = [one.detach() for one in tensors]
    if not inputs or not has_derivative(op) or op.name == "masked_scatter":
        return
    if not floating(called(*inputs)) or any(one.is_complex() for one in inputs):
        return

    def real(*given: Any) -> tuple:
        return tuple(torch.view_as_real(one) if one.is_complex() else one for one in floating(called(*given)))

    numbers = tuple(range(len(inputs)))
    close(jacrev(real, numbers)(*inputs), jacfwd(real, numbers)(*inputs))


# --- arguments and results --------------------------------------------------------------------------------------------------------

B = torch.arange(12.0).reshape(4, 3) / 5 - 1
C = torch.arange(24.0).reshape(2, 3, 4) / 7 - 1


def test_in_dims_and_out_dims() -> None:
    assert torch.equal(vmap(torch.sum, in_dims=-1)(C), C.sum((0, 1)))
    assert torch.equal(vmap(lambda x: x, in_dims=1, out_dims=-1)(C), C.movedim(1, -1))
    nested = vmap(lambda d, y: d["a"] * d["b"][0] + y, in_dims=({"a": 0, "b": [1]}, None))({"a": B, "b": [B.T]}, B[0])
    assert torch.equal(nested, B * B + B[0])
    first, (second, third) = vmap(lambda x: (x, (x.sum(), x + 1)), out_dims=(1, (0, 1)))(B)
    assert torch.equal(first, B.T)
    assert torch.equal(second, B.sum(1))
    assert torch.equal(third, B.T + 1)
    assert torch.equal(vmap(lambda x: torch.ones(2))(B), torch.ones(4, 2))
    assert vmap(lambda x: (x, 3.0), out_dims=(0, None))(B)[1] == 3.0
    assert torch.equal(torch.vmap(torch.sin)(B), B.sin())


def test_chunks() -> None:
    sizes = []

    def sine(x: Any) -> Any:
        sizes.append(torch.zeros_like(x)._array.data.shape[0])
        return x.sin(), x.sum()

    sines, sums = vmap(sine, out_dims=(1, 0), chunk_size=3)(B)
    assert sizes == [3, 1]
    assert torch.equal(sines, B.sin().T)
    assert torch.equal(sums, B.sum(1))


WRONG = [
    (lambda: vmap(lambda x: x)(), ValueError, "got no inputs"),
    (lambda: vmap(lambda x: x, in_dims=None)(B), ValueError, "expected `in_dims` to be int"),
    (lambda: vmap(lambda x: x, in_dims="a")(B), ValueError, "expected `in_dims` to be int"),
    (lambda: vmap(lambda x: x, in_dims=(0, 0))(B), ValueError, "in_dims is not compatible with the structure"),
    (lambda: vmap(lambda x, k: x * k)(B, 3), ValueError, "We cannot vmap over non-Tensor arguments"),
    (lambda: vmap(lambda x: x, in_dims=2)(B), ValueError, "expected in_dim to satisfy -2 <= in_dim < 2"),
    (lambda: vmap(lambda x, y: x, in_dims=(None, None))(B, B), ValueError, "at least one"),
    (lambda: vmap(lambda x, y: x)(B, C), ValueError, "Expected all tensors to have the same size in the mapped dimension"),
    (lambda: vmap(lambda x: 3.0)(B), ValueError, "must only return Tensors"),
    (lambda: vmap(lambda x: x, out_dims=None)(B), ValueError, "can not return a BatchedTensor when out_dim is None"),
    (lambda: vmap(lambda x: (x, x), out_dims=(0, 0, 0))(B), ValueError, "out_dims is not compatible"),
    (lambda: vmap(lambda x: x, out_dims=3)(B), IndexError, "Dimension out of range"),
    (lambda: vmap(lambda x: x, randomness="some")(B), RuntimeError, "Only allowed values for randomness"),
    (lambda: vmap(lambda x: x, chunk_size=0)(B), ValueError, "chunk_size should be None or greater than 0"),
    (lambda: vmap(lambda x: x.sum().item())(B), RuntimeError, r"calling .item\(\) on a Tensor"),
    (lambda: vmap(lambda x: x if x.sum() > 0 else -x)(B), RuntimeError, "data-dependent control flow"),
    (lambda: vmap(lambda x: x[x > 0])(B), RuntimeError, "dynamic shape"),
    (lambda: vmap(torch.nonzero)(B), RuntimeError, "dynamic shape"),
    (lambda: vmap(lambda x: torch.zeros(3).add_(x))(B), RuntimeError, "inplace arithmetic"),
    (lambda: vmap(lambda x: torch.rand(3))(B), RuntimeError, "randomness error mode"),
]


@pytest.mark.parametrize(("call", "kind", "words"), WRONG, ids=[words for *_, words in WRONG])
def test_errors(call: Any, kind: type, words: str) -> None:
    with pytest.raises(kind, match=words):
        call()


# --- randomness -------------------------------------------------------------------------------------------------------------------

DRAWS = {
    "rand": (lambda x: torch.rand(3), lambda: torch.rand(4, 3)),
    "randn_like": (lambda x: torch.randn_like(x), lambda: torch.randn(4, 3)),
    "randint": (lambda x: torch.randint(0, 10, (3,)), lambda: torch.randint(0, 10, (4, 3))),
    "dropout": (lambda x: torch.nn.functional.dropout(x, 0.4), lambda: torch.nn.functional.dropout(B, 0.4)),
    "bernoulli": (lambda x: torch.bernoulli(x.abs() / 2), lambda: torch.bernoulli(B.abs() / 2)),
    "uniform_": (lambda x: x.clone().uniform_(), lambda: torch.rand(4, 3)),
    "randperm": (lambda x: torch.randperm(3), lambda: torch.stack([torch.randperm(3) for _ in range(4)])),
}


@pytest.mark.parametrize("name", DRAWS)
def test_each_example_draws_its_own_numbers(name: str) -> None:
    draw, whole = DRAWS[name]
    torch.manual_seed(3)
    found = vmap(draw, randomness="different")(B)
    torch.manual_seed(3)
    assert torch.equal(found, whole())
    with pytest.raises(RuntimeError, match="randomness error mode"):
        vmap(draw)(B)


def test_all_examples_draw_the_same_numbers() -> None:
    torch.manual_seed(3)
    found = vmap(lambda x: x * 0 + torch.rand(3), randomness="same")(B)
    torch.manual_seed(3)
    assert torch.equal(found, torch.rand(3).expand(4, 3))
    with pytest.raises(RuntimeError, match="same randomness with a batched tensor"):
        vmap(torch.bernoulli, randomness="same")(B.abs() / 2)


def test_levels_decide_about_randomness_each_for_itself() -> None:
    def noise(outer: str, inner: str) -> Any:
        return vmap(vmap(lambda x: x * 0 + torch.rand(()), randomness=inner), randomness=outer)(B)

    assert len(noise("different", "different").unique()) == 12
    rows = noise("different", "same")
    assert len(rows.unique()) == 4
    assert torch.equal(rows, rows[:, :1].expand(4, 3))
    columns = noise("same", "different")
    assert torch.equal(columns, columns[:1].expand(4, 3))


# --- what happens inside ----------------------------------------------------------------------------------------------------------


def test_changes_in_place_inside() -> None:
    def change(x: Any) -> Any:
        y = x.clone()
        view = y[:2]
        view.mul_(3)
        y[2] = x[0] * x[1]
        y.view(-1)[0] += 1
        return y

    expected = torch.stack([change(row) for row in B])
    assert torch.equal(vmap(change)(B), expected)
    slopes = torch.stack([grad(lambda x: change(x).sum())(row) for row in B])
    assert torch.equal(vmap(grad(lambda x: change(x).sum()))(B), slopes)
    assert torch.equal(vmap(jacfwd(lambda x: change(x).sum()))(B), slopes)
    target = B.clone()
    vmap(lambda x: x.mul_(2))(target)
    assert torch.equal(target, B * 2)


def test_indexing_inside() -> None:
    rows = torch.tensor([0, 1, 2, 0])
    assert torch.equal(vmap(lambda x, i: x[i])(B, rows), B[torch.arange(4), rows])
    assert torch.equal(vmap(lambda i: B[0][i])(rows), B[0][rows])
    assert torch.equal(vmap(lambda x: x[..., None, 1:])(B), B[:, None, 1:])

    def assign(x: Any, i: Any) -> Any:
        y = x.clone()
        y[i] = 9
        return y

    assert torch.equal(vmap(assign)(B, rows), torch.stack([assign(x, i) for x, i in zip(B, rows, strict=True)]))
    pairs = torch.tensor([[0, 1], [2, 2]])
    slopes = vmap(grad(lambda x, i: x[i].sum()))(C, pairs)
    assert torch.equal(slopes, torch.stack([grad(lambda x, i: x[i].sum())(x, i) for x, i in zip(C, pairs, strict=True)]))


def test_no_examples() -> None:
    empty = torch.zeros(0, 3)
    assert vmap(lambda x: x.sin() * 2)(empty).shape == (0, 3)
    assert vmap(lambda x: x.sum())(empty).shape == (0,)
    assert vmap(lambda x: x.prod())(empty).shape == (0,)


def test_custom_function_with_its_own_rule() -> None:
    seen = []

    class Product(torch.autograd.Function):
        @staticmethod
        def forward(x: Any, y: Any) -> Any:
            return x * y

        @staticmethod
        def setup_context(ctx: Any, inputs: tuple, output: Any) -> None:
            ctx.save_for_backward(*inputs)

        @staticmethod
        def backward(ctx: Any, g: Any) -> tuple:
            x, y = ctx.saved_tensors
            return g * y, g * x

        @staticmethod
        def vmap(info: Any, in_dims: tuple, x: Any, y: Any) -> tuple:
            seen.append((info.batch_size, info.randomness, in_dims, tuple(x.shape), tuple(y.shape)))
            return Product.apply(x.movedim(in_dims[0], 0), y), 0

    assert torch.equal(vmap(Product.apply, in_dims=(1, None))(B.T, B[0]), B * B[0])
    assert seen == [(4, "error", (1, None), (3, 4), (3,))]
    assert torch.equal(vmap(grad(lambda x, y: Product.apply(x, y).sum()))(B, B + 1), B + 1)
    assert torch.equal(grad(lambda b: vmap(Product.apply)(b, b).sum())(B), B * 2)

    class Both(Product):
        generate_vmap_rule = True

    with pytest.raises(RuntimeError, match="has both generate_vmap_rule=True and an overridden vmap"):
        vmap(Both.apply)(B, B)
