"""Linear algebra: values and derivatives against facts of PyTorch 2.13, reconstructions, errors, degenerate cases."""

from __future__ import annotations

import math

import numpy as np
import pytest

import rushlight as torch

A = [[4.0, 1.0, 2.0], [1.0, 3.0, 0.0], [2.0, 0.0, 5.0]]
B = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]
W = torch.arange(9.0, dtype=torch.float64).reshape(3, 3)
ROW = W[0]
SIX = torch.arange(6.0, dtype=torch.float64).reshape(2, 3)

# A scalar function of A (or of B), its value, and its gradient.
FACTS = {
    "det": (lambda a, b: torch.linalg.det(a), 43.0, [15.0, -5.0, -6.0, -5.0, 16.0, 2.0, -6.0, 2.0, 11.0]),
    "logdet": (
        lambda a, b: torch.logdet(a), 3.7612001,
        [0.3488372, -0.1162790, -0.1395348, -0.1162790, 0.3720930, 0.0465116, -0.1395348, 0.0465116, 0.2558139],
    ),
    "inv": (
        lambda a, b: (torch.linalg.inv(a) * W).sum(), 2.5116279,
        [0.1471065, 0.3153055, 0.1411573, -0.0102758, -0.5624662, -0.3958896, -0.0914007, -0.5819361, -0.3634397],
    ),
    "cholesky": (
        lambda a, b: (torch.linalg.cholesky(a) * W).sum(), 27.8398070,
        [0.2914271, -0.9033766, -0.1311660, -0.9033766, 1.6566671, 2.4784198, -0.1311660, 2.4784198, 2.0231221],
    ),
    "solve": (
        lambda a, b: torch.linalg.solve(a, b).square().sum(), 8.4424013,
        [-1.5028110, 3.2061831, 3.1488799, 1.6929327, -3.6521061, -3.5760373, 1.3068031, -2.7983196, -2.7455444],
    ),
    "eigh": (
        lambda a, b: (torch.linalg.eigh(a)[1].abs() * W).sum() + (torch.linalg.eigvalsh(a) * ROW).sum(), 36.3180000,
        [1.4021393, 0.9981957, 0.6372862, 0.9981957, 0.6646075, 0.2408967, 0.6372862, 0.2408967, 0.9332530],
    ),
    "svdvals": (
        lambda a, b: (torch.linalg.svdvals(a) * ROW).sum(), 7.1858182,
        [1.0630793, -0.5115706, -0.7708239, -0.5115706, 1.3223326, 0.1261586, -0.7708239, 0.1261586, 0.6145880],
    ),
    "qr": (
        lambda a, b: (torch.linalg.qr(a)[1].abs() * W).sum(), 54.7930169,
        [1.8841860, 1.3113724, -1.4352575, 2.0726157, 3.7638837, -3.1180216, -4.8046800, -2.2133989, 9.0121016],
    ),
    "pinv": (lambda a, b: (torch.linalg.pinv(b) * SIX).sum(), 3.5, [3.5, -3.375, 1.0, -1.0, -1.5, 1.375]),
    "matrix_exp": (
        lambda a, b: (torch.matrix_exp(a / 5) * W).sum(), 41.7563417,
        [1.1513181, 1.2815017, 2.2240198, 1.9361040, 1.7090270, 2.7616604, 4.3508959, 3.6888198, 5.4909231],
    ),
    "lu": (
        lambda a, b: (torch.linalg.lu(a)[2] * W).sum(), 44.7727272,
        [3.2551652, -0.7933884, -3.6136363, -4.2933884, 4.2644628, 6.4545454, -4.3636363, 1.4545454, 8.0],
    ),
    "nuclear": (
        lambda a, b: torch.linalg.matrix_norm(b, "nuc"), 10.0398186,
        [-0.5510032, 0.7278246, 0.1361585, 0.5610652, 0.8233202, 0.3943057],
    ),
    "cond": (
        lambda a, b: torch.linalg.cond(a), 3.5953899,
        [-0.6796948, 0.8396636, 0.8261604, 0.8396636, -0.6661917, -0.4265833, 0.8261604, -0.4265833, -0.0533229],
    ),
}  # fmt: skip


def random(*shape: int, complex_numbers: bool = False) -> torch.Tensor:
    generator = np.random.default_rng(sum(shape))
    values = generator.standard_normal(shape)
    if complex_numbers:
        values = values + 1j * generator.standard_normal(shape)
    return torch.from_numpy(values)


def close(first: torch.Tensor, second: torch.Tensor) -> None:
    np.testing.assert_allclose(first.detach().numpy(), second.detach().numpy(), atol=1e-10)


@pytest.mark.parametrize("name", FACTS)
def test_values_and_gradients_are_pytorchs(name):
    function, value, gradient = FACTS[name]
    a = torch.tensor(A, dtype=torch.float64, requires_grad=True)
    b = torch.tensor(B, dtype=torch.float64, requires_grad=True)
    out = function(a, b)
    of_a, of_b = torch.autograd.grad(out, (a, b), allow_unused=True)
    assert out.item() == pytest.approx(value, abs=1e-6)
    found = of_a if of_a is not None else of_b
    np.testing.assert_allclose(found.numpy().ravel(), gradient, atol=2e-7)


@pytest.mark.parametrize("complex_numbers", [False, True])
@pytest.mark.parametrize("shape", [(3, 3), (4, 3), (3, 4), (2, 3, 3)])
def test_decompositions_give_the_matrix_back(shape, complex_numbers):
    x = random(*shape, complex_numbers=complex_numbers)
    U, S, Vh = torch.linalg.svd(x, full_matrices=False)
    close((U * S.unsqueeze(-2).to(U.dtype)) @ Vh, x)
    close(torch.matmul(*torch.linalg.qr(x)), x)
    P, L, U = torch.linalg.lu(x)
    close(P.to(L.dtype) @ L @ U, x)
    if shape[-1] == shape[-2]:
        values, vectors = torch.linalg.eig(x)
        close(vectors @ torch.diag_embed(values) @ torch.linalg.inv(vectors), x.to(torch.complex128))
        symmetric = x + x.mH
        values, vectors = torch.linalg.eigh(symmetric)
        close(vectors @ torch.diag_embed(values).to(vectors.dtype) @ vectors.mH, symmetric)
        factor, pivots = torch.linalg.ldl_factor(symmetric, hermitian=True)
        close(symmetric @ torch.linalg.ldl_solve(factor, pivots, x, hermitian=True), x)
        close(x @ torch.linalg.solve(x, x), x)
        close(torch.linalg.lu_solve(*torch.linalg.lu_factor(x), x, adjoint=True), torch.linalg.solve(x.mH, x))


@pytest.mark.parametrize(
    ("call", "kind", "phrase"),
    [
        (lambda: torch.linalg.inv(torch.zeros(2, 2)), torch.linalg.LinAlgError,
         "linalg.inv: The diagonal element 1 is zero, the inversion could not be completed because"),
        (lambda: torch.inverse(torch.stack([torch.eye(2), torch.ones(2, 2)])), torch.linalg.LinAlgError,
         r"\(Batch element 1\): The diagonal element 2 is zero"),
        (lambda: torch.linalg.solve(torch.ones(2, 2), torch.ones(2)), torch.linalg.LinAlgError,
         "torch.linalg.solve: The solver failed because the input matrix is singular"),
        (lambda: torch.linalg.cholesky(-torch.eye(2)), torch.linalg.LinAlgError,
         r"input is not positive-definite \(the leading minor of order 1 is not positive-definite\)"),
        (lambda: torch.linalg.svd(torch.tensor([[math.nan, 1.0], [1.0, 1.0]])), torch.linalg.LinAlgError,
         "linalg.svd: The algorithm failed to converge because the input matrix contained non-finite values"),
        (lambda: torch.linalg.lu_factor(torch.ones(2, 2)), RuntimeError, r"U\[2,2\] is zero and using it on lu_solve"),
        (lambda: torch.linalg.inv(torch.ones(2, 3)), RuntimeError,
         "A must be batches of square matrices, but they are 2 by 3 matrices"),
        (lambda: torch.linalg.det(torch.ones(3)), RuntimeError, "The input tensor A must have at least 2 dimensions"),
        (lambda: torch.linalg.inv(torch.ones(2, 2).int()), RuntimeError,
         "Expected a floating point or complex tensor as input. Got Int"),
        (lambda: torch.linalg.inv(torch.ones(2, 2).half()), RuntimeError, "Low precision dtypes not supported"),
        (lambda: torch.linalg.solve(torch.eye(2), torch.ones(3)), RuntimeError,
         r"Incompatible shapes of A and B for the equation AX = B \(2x2 and 3x1\)"),
        (lambda: torch.linalg.qr(torch.eye(2), mode="x"), RuntimeError, "qr received unrecognized mode 'x'"),
        (lambda: torch.linalg.matrix_norm(torch.eye(2), "x"), RuntimeError, "Order x not supported"),
    ],
)  # fmt: skip
def test_errors(call, kind, phrase):
    with pytest.raises(kind, match=phrase):
        call()


def test_the_error_is_a_runtime_error():
    assert issubclass(torch.linalg.LinAlgError, RuntimeError)


def test_the_forms_that_report_instead_of_raising():
    singular = torch.tensor([[1.0, 2.0], [2.0, 4.0]])
    assert torch.linalg.inv_ex(singular).info.item() == 2
    assert torch.linalg.cholesky_ex(-torch.eye(2)).info.item() == 1
    assert torch.linalg.lu_factor_ex(singular).info.dtype is torch.int32
    assert torch.linalg.inv_ex(torch.eye(2)).inverse.tolist() == [[1.0, 0.0], [0.0, 1.0]]


def test_determinants_of_singular_matrices_have_gradients():
    x = torch.tensor([[1.0, 2.0], [2.0, 4.0]], dtype=torch.float64, requires_grad=True)
    torch.linalg.det(x).backward()
    np.testing.assert_allclose(x.grad.numpy(), [[4.0, -2.0], [-2.0, 1.0]], atol=1e-12)
    sign, logarithm = torch.linalg.slogdet(torch.zeros(2, 2))
    assert (sign.item(), logarithm.item()) == (0.0, -math.inf)
    assert math.isnan(torch.logdet(-torch.eye(3)).item())
    assert torch.linalg.det(torch.zeros(0, 0)).item() == 1.0


def test_results_have_names_and_print_as_pytorchs():
    result = torch.linalg.eigh(torch.eye(2))
    assert repr(result).startswith("torch.return_types.linalg_eigh(\neigenvalues=tensor([1., 1.]),\neigenvectors=")
    assert result.eigenvalues is result[0]
    assert type(torch.svd(torch.eye(2))).__name__ == "svd"
    assert torch.linalg.lu_factor(torch.eye(2)).pivots.tolist() == [1, 2]


@pytest.mark.parametrize("driver", ["gels", "gelsy", "gelsd", "gelss"])
@pytest.mark.parametrize("shape", [(4, 2), (2, 2), (2, 4)])
def test_what_least_squares_fills_in(driver, shape):
    result = torch.linalg.lstsq(random(*shape), random(shape[0], 3), driver=driver)
    assert result.solution.shape == (shape[1], 3)
    assert result.residuals.shape == ((3,) if shape == (4, 2) and driver != "gelsy" else (0,))
    assert result.rank.shape == ((0,) if driver == "gels" else ())
    assert result.singular_values.shape == ((2,) if driver in ("gelsd", "gelss") else (0,))


def test_triangular_solvers_do_not_look_at_the_other_triangle():
    triangle = random(3, 3).tril() + 3 * torch.eye(3, dtype=torch.float64)
    spoilt = (triangle + torch.full((3, 3), math.nan).double().triu(1)).requires_grad_()
    out = torch.linalg.solve_triangular(spoilt, random(3, 2), upper=False)
    close(triangle @ out, random(3, 2))
    (gradient,) = torch.autograd.grad(out.sum(), spoilt)
    assert np.triu(gradient.numpy(), 1).tolist() == np.zeros((3, 3)).tolist()
    zero = torch.linalg.solve_triangular(torch.zeros(2, 2), torch.ones(2, 1), upper=True)
    assert not np.isfinite(zero.numpy()).any()


def test_what_has_no_derivative_says_so():
    x = random(3, 3).requires_grad_()
    with pytest.raises(RuntimeError, match="mode='complete' and nrows > ncols"):
        torch.linalg.qr(random(4, 3).requires_grad_(), mode="complete")[1].sum().backward()
    with pytest.raises(RuntimeError, match="which is not computed when mode='r'"):
        torch.linalg.qr(x, mode="r")[1].sum().backward()
    with pytest.raises(NotImplementedError, match="geqrf"):
        torch.geqrf(x)[0].sum().backward()


def test_powers_of_matrices():
    x = torch.tensor([[1.0, 1.0], [0.0, 1.0]])
    assert torch.matrix_power(x, 10).tolist() == [[1.0, 10.0], [0.0, 1.0]]
    assert torch.matrix_power(x, -3).tolist() == [[1.0, -3.0], [0.0, 1.0]]
    assert torch.matrix_power(x * math.nan, 0).tolist() == [[1.0, 0.0], [0.0, 1.0]]


def test_rank_and_tolerances():
    x = torch.diag(torch.tensor([1.0, 1e-3, 1e-9]))
    assert torch.linalg.matrix_rank(x).item() == 2
    assert torch.linalg.matrix_rank(x, atol=1e-2, rtol=0.0).item() == 1
    assert torch.linalg.matrix_rank(x).dtype is torch.int64
    assert torch.linalg.pinv(x, rtol=1e-2)[1, 1].item() == 0.0
