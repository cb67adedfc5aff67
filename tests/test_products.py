"""Products: shapes and types that fit and do not, names of nodes, memory of gradients, einsum's grammar.

Values and phrases are PyTorch 2.13's.
"""

from __future__ import annotations

import numpy as np
import pytest

import rushlight as torch
from rushlight.nn import functional as F

SHAPES = [
    ((2, 3), (3, 4)), ((3,), (3,)), ((3,), (3, 2)), ((2, 3), (3,)), ((2, 2, 3), (3, 4)), ((2, 2, 3), (2, 3, 4)),
    ((2, 3), (2, 3, 2)), ((3,), (2, 3, 2)), ((2, 2, 3), (3,)), ((2, 1, 2, 3), (3, 3, 2)), ((0, 3), (3, 2)),
]  # fmt: skip


def leaf(*shape: int, dtype: str = "float64") -> torch.Tensor:
    values = np.random.default_rng(sum(shape) + len(shape)).standard_normal(shape)
    return torch.from_numpy(values.astype(dtype)).requires_grad_()


@pytest.mark.parametrize(("first", "second"), SHAPES)
def test_matmul_of_every_rank(first, second):
    x, y = leaf(*first), leaf(*second)
    out = x @ y
    np.testing.assert_allclose(out.detach().numpy(), x.detach().numpy() @ y.detach().numpy())
    g = torch.from_numpy(np.random.default_rng(0).standard_normal(out.shape))
    found = torch.autograd.grad(out, (x, y), g, create_graph=True)
    # The same contraction elementwise: the definition.
    a, b = (x.unsqueeze(0) if x.ndim == 1 else x), (y.unsqueeze(1) if y.ndim == 1 else y)
    whole = (a.unsqueeze(-1) * b.unsqueeze(-3)).sum(-2).reshape(out.shape)
    for ours, plain in zip(found, torch.autograd.grad(whole, (x, y), g), strict=True):
        np.testing.assert_allclose(ours.detach().numpy(), plain.numpy(), atol=1e-12)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: leaf(2, 3) @ leaf(3, 4), "MmBackward0"),
        (lambda: leaf(2, 3) @ leaf(3), "MvBackward0"),
        (lambda: leaf(3) @ leaf(3), "DotBackward0"),
        (lambda: leaf(3) @ leaf(3, 2), "SqueezeBackward4"),
        (lambda: leaf(2, 2, 3) @ leaf(3, 2), "UnsafeViewBackward0"),
        (lambda: torch.bmm(leaf(2, 2, 3), leaf(2, 3, 2)), "BmmBackward0"),
        (lambda: F.linear(leaf(2, 3), leaf(4, 3), leaf(4)), "AddmmBackward0"),
        (lambda: F.linear(leaf(2, 3), leaf(4, 3)), "MmBackward0"),
        (lambda: F.linear(leaf(2, 2, 3), leaf(4, 3), leaf(4)), "ViewBackward0"),
        (lambda: torch.linalg.cross(leaf(2, 3), leaf(2, 3)), "LinalgCrossBackward0"),
    ],
)
def test_node_names(call, name):
    assert call().grad_fn.name() == name


@pytest.mark.parametrize(
    ("call", "phrase"),
    [
        (lambda one: one(2, 3) @ one(2, 3), r"mat1 and mat2 shapes cannot be multiplied \(2x3 and 2x3\)"),
        (lambda one: one(2, 3) @ one(3, 4).double(), "m1 and m2 to have the same dtype, but got: float != double"),
        (lambda one: one(3) @ one(4), r"inconsistent tensor size, expected tensor \[3\] and src \[4\]"),
        (lambda one: one(2, 3) @ one(4), r"size mismatch, got input \(2\), mat \(2x3\), vec \(4\)"),
        (lambda one: one(5, 2, 3) @ one(4, 3, 2), r"The size of tensor a \(5\) must match the size of tensor b \(4\)"),
        (lambda one: one(5, 2, 3) @ one(5, 2, 3), r"batch2 tensor to be: \[5, 3\] but got: \[5, 2\]"),
        (lambda one: one() @ one(3), "both arguments to matmul need to be at least 1D, but they are 0D and 1D"),
        (lambda one: torch.mm(one(2, 2, 2), one(2, 2)), "self must be a matrix"),
        (lambda one: torch.dot(one(2, 2), one(2)), "1D tensors expected, but got 2D and 1D tensors"),
        (lambda one: F.linear(one(2, 3), one(4, 2)), r"mat1 and mat2 shapes cannot be multiplied \(2x3 and 2x4\)"),
        (lambda one: F.linear(one(2, 3), one(4, 3), one(5)), r"The expanded size of the tensor \(4\) must match"),
        (lambda one: F.linear(one(2, 3), one(4, 3), one(4).double()), "self and mat2 must have the same dtype"),
        (lambda one: torch.addmm(one(3), one(2, 2), one(2, 2)), r"The expanded size of the tensor \(2\) must match"),
        (lambda one: torch.einsum("ij,jk", one(2, 3), one(4, 5)), "subscript j has size 4 for operand 1"),
        (lambda one: torch.einsum("ij->q", one(2, 3)), "output subscript q does not appear in the equation"),
        (lambda one: torch.einsum("ij", one(2), one(2)), "more operands were provided than specified"),
        (lambda one: torch.tensordot(one(2, 3), one(4, 5), 1), "contracted dimensions need to match"),
        (lambda one: torch.cross(one(2, 2), one(2, 2)), "no dimension of size 3 in input"),
    ],
)  # fmt: skip
def test_errors_say_what_does_not_fit(call, phrase):
    with pytest.raises(RuntimeError, match=phrase):
        call(lambda *shape: torch.ones(*shape) if shape else torch.tensor(1.0))


def test_integers_half_and_booleans():
    ones = torch.ones(2, 2)
    assert (ones.int() @ ones.int()).dtype is torch.int32
    assert (ones.half() @ ones.half()).dtype is torch.float16
    assert torch.trace(ones.int()).dtype is torch.int64
    with pytest.raises(NotImplementedError, match="not implemented for 'Bool'"):
        ones.bool() @ ones.bool()
    with pytest.raises(TypeError):
        ones @ 3


def test_an_array_on_either_side_is_a_constant():
    x = leaf(2, 2)
    eye = np.eye(2)
    for out in (x @ eye, torch.matmul(x, torch.from_numpy(eye))):
        (found,) = torch.autograd.grad(out.sum(), x)
        np.testing.assert_allclose(found.numpy(), np.ones((2, 2)))
    assert torch.autograd.grad((eye @ x).sum(), x)[0].shape == (2, 2)


@pytest.mark.parametrize("shape", [(5, 3), (3,), (2, 5, 3)])
@pytest.mark.parametrize("biased", [True, False])
def test_linear_is_its_definition(shape, biased):
    x, weight, bias = leaf(*shape), leaf(4, 3), leaf(4) if biased else None
    inputs = [x, weight, *([bias] if biased else [])]
    fast = F.linear(x, weight, bias)
    plain = x @ weight.mT
    plain = plain + bias if biased else plain
    g = torch.from_numpy(np.random.default_rng(1).standard_normal(fast.shape))
    np.testing.assert_allclose(fast.detach().numpy(), plain.detach().numpy())
    for one, other in zip(torch.autograd.grad(fast, inputs, g), torch.autograd.grad(plain, inputs, g), strict=True):
        np.testing.assert_allclose(one.numpy(), other.numpy(), atol=1e-12)


def test_gradients_of_linear_own_their_memory():
    weight, bias = leaf(4, 3, dtype="float32"), leaf(4, dtype="float32")
    F.linear(torch.ones(5, 3), weight, bias).sum().backward()
    for tensor in (weight, bias):
        array = tensor.grad.numpy()
        assert array.base is None
        assert array.flags.c_contiguous
        assert array.shape == tensor.shape


def test_a_factor_is_kept_only_for_the_other_ones_gradient():
    x, weight = torch.ones(2, 3), leaf(3, 4, dtype="float32")
    node = (x @ weight).grad_fn
    assert node.mat2 is None
    assert node.input is x


def test_beta_of_zero_ignores_the_input():
    nan = torch.full((2, 2), float("nan"))
    assert torch.addmm(nan, torch.ones(2, 2), torch.ones(2, 2), beta=0, alpha=3).tolist() == [[6.0, 6.0], [6.0, 6.0]]
    with pytest.raises(RuntimeError, match="same dtype"):
        torch.addmm(torch.ones(2, 2).double(), torch.ones(2, 2), torch.ones(2, 2))


@pytest.mark.parametrize(
    ("equation", "shapes"),
    [
        ("ij,jk->ik", [(2, 3), (3, 4)]), ("ij,jk->ki", [(2, 3), (3, 4)]),
        ("bhqd,bhkd->bhqk", [(2, 3, 4, 5), (2, 3, 6, 5)]),
        ("ij,jk", [(2, 3), (3, 4)]), ("ii->i", [(3, 3)]), ("ii", [(3, 3)]), ("i,j->ij", [(2,), (3,)]),
        ("ij->ji", [(2, 3)]),
        ("i,ij,j->", [(2,), (2, 3), (3,)]), ("...ij,...jk->...ik", [(4, 2, 3), (1, 3, 2)]),
        ("ij,ij->i", [(2, 3), (2, 3)]),
        ("i...->...", [(2, 3, 4)]), ("ij,kj,lj->ikl", [(2, 3), (4, 3), (2, 3)]), ("iij,jk->ik", [(2, 2, 3), (3, 2)]),
        (" i j , j k -> i k ", [(2, 3), (3, 4)]), ("ij,k->k", [(2, 3), (4,)]),
    ],
)  # fmt: skip
def test_einsum_agrees_with_numpy(equation, shapes):
    operands = [leaf(*shape) for shape in shapes]
    out = torch.einsum(equation, *operands)
    expected = np.einsum(equation.replace(" ", ""), *[x.detach().numpy() for x in operands])
    np.testing.assert_allclose(out.detach().numpy(), expected, atol=1e-12)
    assert torch.autograd.gradcheck(lambda *xs: torch.einsum(equation, *xs), operands)


def test_einsum_with_lists_of_numbers_and_of_operands():
    a, b = leaf(2, 3), leaf(3, 4)
    wanted = (a @ b).tolist()
    assert torch.einsum(a, [0, 1], b, [1, 2], [0, 2]).tolist() == wanted
    assert torch.einsum("ij,jk->ik", [a, b]).tolist() == wanted


def test_the_cheapest_order_of_a_chain():
    from rushlight.ops.contractions import cheapest_order

    # The example of Cormen et al.: ((A1 (A2 A3)) ((A4 A5) A6)).
    assert cheapest_order([30, 35, 15, 5, 10, 20, 25])[0][5] == 2


def test_complex_products_conjugate_the_other_factor():
    x = torch.tensor([[1 + 2j]], dtype=torch.complex128, requires_grad=True)
    y = torch.tensor([[3 - 1j]], dtype=torch.complex128, requires_grad=True)
    torch.autograd.backward(x @ y, torch.tensor([[1 + 0j]], dtype=torch.complex128))
    assert x.grad.item() == 3 + 1j
    assert y.grad.item() == 1 - 2j


def test_distances_at_zero_have_gradient_zero():
    x = torch.tensor([[1.0, 2.0], [1.0, 2.0], [4.0, 6.0]], requires_grad=True)
    distances = torch.cdist(x, x)
    assert distances[0].tolist() == [0.0, 0.0, 5.0]
    distances.sum().backward()
    assert np.isfinite(x.grad.numpy()).all()
    assert torch.pdist(x.detach()).tolist() == [0.0, 5.0, 5.0]
