"""Activations, softmax and dropout: precision, edges, in-place forms, the random stream, nodes."""

import json
import math
import warnings
from pathlib import Path

import numpy as np
import pytest
from functional_cases import DRAWS, draw

import rushlight as torch
from rushlight.nn import functional as F

FACTS = Path(__file__).parent / "references" / "dropout.json"


@pytest.mark.parametrize("number", range(len(DRAWS)), ids=DRAWS)
def test_draws_as_pytorch(number):
    for ours, theirs in zip(draw(torch, F, number), json.loads(FACTS.read_text())[number], strict=True):
        np.testing.assert_allclose(np.array(ours), np.array(theirs), rtol=2e-6, atol=1e-7)


def test_gradients_vanish_where_functions_are_flat_even_if_infinite():
    flat = {F.relu: -1.0, F.relu6: 7.0, F.hardtanh: 2.0, F.hardsigmoid: 4.0, F.hardshrink: 0.1, F.softshrink: 0.1}
    for function, place in flat.items():
        x = torch.tensor([place], requires_grad=True)
        function(x).backward(torch.tensor([math.inf]))
        assert x.grad.item() == 0.0, function


def test_kinks_have_pytorchs_derivatives():
    for function, place, slope in (
        (F.relu, 0.0, 0.0), (F.relu6, 6.0, 0.0), (F.leaky_relu, 0.0, 0.01), (F.elu, 0.0, 1.0), (F.hardtanh, -1.0, 0.0),
        (F.hardswish, 3.0, 1.0), (F.hardswish, -3.0, 0.0), (F.hardsigmoid, 3.0, 0.0),
        (F.hardshrink, 0.5, 0.0), (F.softshrink, 0.5, 0.0),
    ):  # fmt: skip
        x = torch.tensor(place, requires_grad=True)
        function(x).backward()
        assert x.grad.item() == pytest.approx(slope), function


def test_large_values_do_not_overflow():
    x = torch.tensor([-1e4, -200.0, 200.0, 1e4], requires_grad=True)
    for function in (F.silu, F.gelu, F.mish, F.softplus, F.logsigmoid, F.elu, F.softsign, lambda x: F.softmax(x, 0)):
        (gradient,) = torch.autograd.grad(function(x).sum(), x)
        assert torch.isfinite(function(x)).all()
        assert torch.isfinite(gradient).all()
    assert F.logsigmoid(x).tolist() == [-1e4, -200.0, 0.0, 0.0]


@pytest.mark.parametrize(("kind", "tolerance"), [("float64", 1e-14), ("float32", 3e-7), ("float16", 2e-3)])
def test_gelu_is_precise(kind, tolerance):
    points = np.linspace(-9, 9, 181)
    x = torch.tensor(points, dtype=getattr(torch, kind))
    wanted = [v * 0.5 * (1 + math.erf(v / math.sqrt(2))) for v in x.double().tolist()]
    np.testing.assert_allclose(F.gelu(x).double().numpy(), wanted, atol=tolerance * 9)


def test_softmax_of_extreme_rows():
    x = torch.tensor([[1e30, -1e30, 0.0], [-math.inf, 0.0, 0.0], [1000.0, 1000.0, 999.0]])
    e = math.exp(-1)
    expected = [[1, 0, 0], [0, 0.5, 0.5], [1 / (2 + e), 1 / (2 + e), e / (2 + e)]]
    np.testing.assert_allclose(F.softmax(x, 1).numpy(), expected, rtol=1e-6)
    assert torch.isnan(F.softmax(torch.full((2,), -math.inf), 0)).all()
    assert F.log_softmax(torch.zeros(0, 3), 1).shape == (0, 3)
    assert F.softmax(torch.tensor(3.0), 0).item() == 1.0
    assert F.softmax(torch.tensor([1, 2]), 0, dtype=torch.float64).dtype is torch.float64


def test_implicit_dimensions_warn():
    with pytest.warns(UserWarning, match="Implicit dimension choice for softmax"):
        assert F.softmax(torch.ones(2, 4)).sum(1).tolist() == [1.0, 1.0]


def test_inplace_forms_change_their_argument_and_its_history():
    forms = {
        F.relu: (), F.relu6: (), F.leaky_relu: (0.2,), F.elu: (0.7,),
        F.selu: (), F.celu: (0.7,), F.silu: (), F.mish: (), F.hardtanh: (),
        F.hardsigmoid: (), F.hardswish: (), F.threshold: (0.1, 2.0), F.rrelu: (0.2, 0.2, False),
    }  # fmt: skip
    for function, arguments in forms.items():
        leaf = torch.tensor([-1.5, -0.2, 0.3, 2.0], dtype=torch.float64, requires_grad=True)
        wanted = function(leaf, *arguments)
        (gradient,) = torch.autograd.grad(wanted.sum(), leaf)
        x = leaf * 1
        same = function(x, *arguments, inplace=True)
        assert same is x
        np.testing.assert_array_equal(x.detach().numpy(), wanted.detach().numpy())
        x.sum().backward()
        np.testing.assert_allclose(leaf.grad.numpy(), gradient.numpy(), rtol=1e-12)
        with pytest.raises(RuntimeError, match="leaf Variable that requires grad"):
            function(leaf, *arguments, inplace=True)


def test_dropout_in_place_and_out_of_training():
    x = torch.ones(100)
    assert F.dropout(x, 0.5, False) is x
    assert F.dropout(x, 0.0) is x
    assert F.dropout(x, 0.5, inplace=True) is x
    assert set(x.tolist()) == {0.0, 2.0}
    with pytest.raises(ValueError, match="between 0 and 1, but got 1.5"):
        F.dropout(x, 1.5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        y = F.dropout3d(torch.ones(3, 2, 2, 2), inplace=True)
    assert len({tuple(channel.reshape(-1).tolist()) for channel in y}) <= 2


def test_nodes_are_named_as_pytorchs():
    x = torch.ones(2, 4, requires_grad=True)
    names = {
        "Relu": F.relu(x), "LeakyRelu": F.leaky_relu(x), "Elu": F.selu(x), "Celu": F.celu(x), "Gelu": F.gelu(x), "Silu": F.silu(x),
        "Mish": F.mish(x), "Softplus": F.softplus(x), "Hardtanh": F.relu6(x),
        "Hardsigmoid": F.hardsigmoid(x), "Hardswish": F.hardswish(x),
        "Hardshrink": F.hardshrink(x), "Softshrink": F.softshrink(x), "LogSigmoid": F.logsigmoid(x), "Glu": F.glu(x),
        "Threshold": F.threshold(x, 0.1, 1.0), "RreluWithNoise": F.rrelu(x), "PreluKernel": F.prelu(x, torch.ones(1)),
        "Softmax": F.softmax(x, 1), "LogSoftmax": F.log_softmax(x, 1), "Mul": F.dropout(x), "Div": F.normalize(x),
    }  # fmt: skip
    for name, result in names.items():
        assert result.grad_fn.name() == f"{name}Backward0"
