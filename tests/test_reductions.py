"""Reductions, scans, norms and statistics give what PyTorch gives at ties, zeros, NaN and edges."""

import copy
import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import reduction_cases as cases

import rushlight as torch
from rushlight import return_types
from rushlight.ops import reductions, scans

FACTS = json.loads((Path(__file__).parent / "references" / "reductions.json").read_text())


def same(got, wanted):
    assert len(got) == len(wanted)
    for ours, theirs in zip(got, wanted, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("expression", cases.GRADIENTS)
def test_gradients_of_both_orders_as_pytorch(expression):
    for values, wanted in zip(cases.GRADIENTS[expression], FACTS["second"][expression], strict=True):
        got = cases.differentiate(torch, expression, values, 2)
        if len(got) > len(wanted):  # PyTorch sees that a gradient is constant where we say zero
            assert not np.any(got[-1])
            got.pop()
        same(got, wanted)


@pytest.mark.parametrize("expression", cases.FIRST_ORDER)
def test_gradients_as_pytorch(expression):
    for values, wanted in zip(cases.FIRST_ORDER[expression], FACTS["first"][expression], strict=True):
        same(cases.differentiate(torch, expression, values, 1), wanted)


@pytest.mark.parametrize("expression", cases.calls())
def test_nodes_types_shapes_and_errors_as_pytorch(expression):
    got, wanted = cases.describe(torch, expression), FACTS["calls"][expression]
    if wanted[0].endswith("Error"):
        assert got[0] == wanted[0]
        # A TypeError of PyTorch lists its signatures; to other messages we may add what to do.
        assert wanted[0] == "TypeError" or got[1].startswith(wanted[1])
    else:
        assert got == wanted


def test_second_derivative_of_a_norm_at_zero_is_finite():
    assert cases.differentiate(torch, "x.norm()", [0.0, 0.0], 2)[2] == [0.0, 0.0]


@pytest.mark.parametrize("name", ["sum", "mean"])
@pytest.mark.parametrize("kind", ["float32", "float64", "float16"])
@pytest.mark.parametrize("options", [{}, {"dim": 1}, {"dim": -2, "keepdim": True}, {"keepdim": True}, {"dim": (0, 1)}])
def test_quick_path_is_the_general_one(name, kind, options):
    values = np.arange(6.0).reshape(2, 3).astype(kind)
    function = getattr(np, name)
    wanted = function(values, axis=options.get("dim"), keepdims=options.get("keepdim", False))
    for recorded in (False, True):
        x = torch.tensor(values, requires_grad=recorded)
        out = getattr(x, name)(**options)
        assert out._array.dtype == kind and isinstance(out._array, np.ndarray)
        np.testing.assert_array_equal(out.detach().numpy(), wanted)
        if recorded:
            share = out.numel() / 6 if name == "mean" else 1.0
            (grad,) = torch.autograd.grad(out, x, torch.ones_like(out))
            np.testing.assert_allclose(grad.numpy(), np.full((2, 3), share), rtol=1e-3)


def test_half_precision_is_summed_in_single_precision():
    x = torch.full((70000,), 0.5, dtype=torch.float16)
    assert x.mean().item() == 0.5
    assert torch.full((4096,), 1.0, dtype=torch.float16).sum().item() == 4096


def test_sums_under_modes_and_of_subclasses():
    class Marked(torch.Tensor):
        pass

    x = torch.ones(3, requires_grad=True)
    with torch.no_grad():
        assert not x.sum().requires_grad
    assert torch.ones(3).sum().grad_fn is None
    assert x.sum().sum().grad_fn.name() == "SumBackward0"
    assert torch.ones(3).as_subclass(Marked).sum().item() == 3


def test_out_and_axis():
    x = torch.tensor([[1.0, 2.0], [3.0, 0.0]])
    values, indices = torch.empty(0), torch.empty(0, dtype=torch.int64)
    found = torch.max(x, 0, out=(values, indices))
    assert found.values is values and indices.tolist() == [1, 0]
    assert torch.median(x, axis=1, keepdims=True).values.tolist() == [[1.0], [0.0]]
    out = torch.empty(())
    assert torch.sum(x, out=out) is out and out.item() == 6


def test_return_types():
    found = torch.tensor([[3.0, 1.0], [2.0, 5.0]]).max(1)
    assert repr(found) == "torch.return_types.max(\nvalues=tensor([3., 5.]),\nindices=tensor([0, 1]))"
    assert isinstance(found, tuple) and found.indices is found[1] and type(found) is return_types.max
    match found:
        case return_types.max(values, indices):
            assert values is found[0] and indices is found[1]
    for again in (copy.deepcopy(found), pickle.loads(pickle.dumps(found)), return_types.max(list(found))):
        assert type(again) is return_types.max and again.values.tolist() == [3.0, 5.0]
    assert return_types.max.n_fields == 2
    with pytest.raises(TypeError, match="2-sequence"):
        return_types.max((1,))
    assert return_types.make("aminmax", "min", "max") is return_types.aminmax


def test_sum_to_size_is_the_transpose_of_expand():
    x = torch.ones(2, 3, requires_grad=True)
    values = torch.rand(2, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: x.sum_to_size(1, 3), values)
    assert x.sum_to_size(2, 3)._base is x
    assert x.sum_to_size((3,)).tolist() == [2.0, 2.0, 2.0]


def test_extent_counts_what_is_reduced():
    assert reductions.extent((2, 3, 4), None) == 24
    assert reductions.extent((2, 3, 4), -1) == 4
    assert reductions.extent((2, 3, 4), (0, 2)) == 8
    assert reductions.extent((2, 3, 4), ()) == 24
    assert reductions.extent((), 0) == 1


def test_recurrence_is_closed_under_differentiation():
    factors = torch.rand(2, 4, dtype=torch.float64, requires_grad=True)
    terms = torch.rand(2, 4, dtype=torch.float64, requires_grad=True)
    for dim in (0, 1, -1):
        assert torch.autograd.gradcheck(lambda a, b, dim=dim: scans.recur(a, b, dim), (factors, terms))
        assert torch.autograd.gradgradcheck(lambda a, b, dim=dim: scans.recur(a, b, dim), (factors, terms))
    assert scans.recur(torch.tensor([9.0, 2.0, 3.0]), torch.tensor([1.0, 1.0, 1.0]), 0).tolist() == [1.0, 3.0, 10.0]


@pytest.mark.parametrize("name", ["prod", "cumprod"])
def test_products_with_zeros_have_derivatives_of_all_orders(name):
    x = torch.tensor([[1.5, 0.0, 2.0], [0.0, 0.5, 0.0]], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: getattr(x, name)(1), (x,))
    assert torch.autograd.gradgradcheck(lambda x: getattr(x, name)(1), (x,))
    if name == "prod":
        assert torch.autograd.gradgradcheck(lambda x: x.prod(), (x,))


def test_complex_reductions():
    z = torch.tensor([1 + 2j, 3 - 1j, -2 + 0.5j], dtype=torch.complex128, requires_grad=True)
    for name in ("prod", "var", "std", "norm"):
        assert torch.autograd.gradcheck(getattr(torch, name), (z,))
    for name in ("logsumexp", "logcumsumexp", "cumprod", "cumsum"):
        assert torch.autograd.gradcheck(lambda z, name=name: getattr(z, name)(0), (z,))
    assert z.norm().dtype is torch.float64


def test_logsumexp_does_not_overflow():
    x = torch.tensor([1000.0, 1000.0])
    assert x.logsumexp(0).item() == pytest.approx(1000.6931, rel=1e-6)
    assert torch.tensor([-torch.inf, -torch.inf]).logsumexp(0).item() == -torch.inf
    assert torch.tensor([torch.inf, 0.0]).logsumexp(0).item() == torch.inf


def test_cumulative_extremes_tell_the_latest_place():
    assert torch.tensor([1.0, 1.0, 2.0, 2.0]).cummax(0).indices.tolist() == [0, 1, 2, 3]
    assert torch.tensor([1.0, torch.nan, 2.0, 1.0]).cummax(0).indices.tolist() == [0, 1, 1, 1]
    assert torch.tensor([[3, 1], [2, 5]]).cummin(0).values.tolist() == [[3, 1], [2, 1]]
