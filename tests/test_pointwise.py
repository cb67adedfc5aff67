"""Pointwise operations where they are special: types, integers, ties and kinks, errors, NumPy operands, powers."""

from __future__ import annotations

import builtins
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pointwise_cases as cases
import pytest

import rushlight as torch

REFERENCE = json.loads((Path(__file__).parent / "references" / "pointwise.json").read_text())
SCOPE = {"nan": float("nan"), "inf": float("inf"), "nanj": complex(0, float("nan"))}


def assert_same(found: Any, expected: Any, **tolerances: float) -> None:
    """Compares what `cases.plain` says: numbers within rounding, types and other objects exactly."""
    if isinstance(expected, str) or not (len(expected) == 2 and isinstance(expected[1], str)):
        assert (found == expected) if isinstance(expected, str) else len(found) == len(expected)
        for one, other in zip(found, expected, strict=True) if not isinstance(expected, str) else ():
            assert_same(one, other, **tolerances)
        return
    assert found[1] == expected[1]
    kind = expected[1]
    values = [np.array(eval(text, SCOPE), kind if kind != "bool" else bool) for text in (found[0], expected[0])]
    np.testing.assert_allclose(*values, **({"rtol": 1e-5, "atol": 1e-6} | tolerances))


def test_promotion_of_every_pair_of_types():
    assert cases.promotions(torch) == {
        pair: kind if kind != "complex32" else "complex64" for pair, kind in REFERENCE["promotions"].items()
    }


@pytest.mark.parametrize("expression", REFERENCE["values"])
def test_value_and_type(expression: str):
    assert_same(cases.plain(cases.evaluate(torch, expression)), REFERENCE["values"][expression])


@pytest.mark.parametrize("expression", REFERENCE["kinks"])
def test_value_and_gradient_at_a_kink(expression: str):
    for found, expected in zip(cases.kink(torch, expression), REFERENCE["kinks"][expression], strict=True):
        np.testing.assert_allclose(eval(found, SCOPE), eval(expected, SCOPE), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("expression", REFERENCE["errors"])
def test_error(expression: str):
    kind, message = REFERENCE["errors"][expression]
    with pytest.raises(getattr(builtins, kind)) as raised:
        cases.evaluate(torch, expression)
    if "not implemented for '" in message:  # the kernel's name before that is PyTorch's own affair
        phrase = message[message.index("not implemented for") :]
        assert phrase in str(raised.value)
    elif "invalid combination" not in message and "argument '" not in message:
        length = 15 if message.startswith("expected dtype") else 25
        assert str(raised.value)[:length] == message[:length]


@pytest.mark.parametrize("expression", REFERENCE["names"])
def test_name_of_the_node(expression: str):
    assert cases.node_name(torch, expression) == REFERENCE["names"][expression]


# --- NumPy ----------------------------------------------------------------------------------------------------------

ARRAY = np.array([3.0, 4.0])


def leaf(*values: float, dtype: Any = torch.float64) -> Any:
    return torch.tensor(values, dtype=dtype, requires_grad=True)


@pytest.mark.parametrize(
    ("function", "gradient"),
    [
        (lambda x: ARRAY * x, [3.0, 4.0]),
        (lambda x: x * ARRAY, [3.0, 4.0]),
        (lambda x: ARRAY - x, [-1.0, -1.0]),
        (lambda x: 12 / (ARRAY * x), [-4.0, -0.75]),
        (lambda x: np.float64(2) * x, [2.0, 2.0]),
        (lambda x: np.float32(2) - x, [-1.0, -1.0]),
        (lambda x: np.int64(2) ** x, [2 * np.log(2), 4 * np.log(2)]),
        (lambda x: np.exp(x), [np.e, np.e**2]),
        (lambda x: np.power(x, 2), [2.0, 4.0]),
        (lambda x: np.maximum(x, 1.5), [0.0, 1.0]),
        (lambda x: np.hypot(0, x), [1.0, 1.0]),
        (lambda x: np.sum(x, axis=0), [1.0, 1.0]),
        (lambda x: np.mean(x), [0.5, 0.5]),
        (lambda x: np.add.reduce(x), [1.0, 1.0]),
        (lambda x: np.concatenate([x, ARRAY]), [1.0, 1.0]),
        (lambda x: np.stack([x, 2 * x]), [3.0, 3.0]),
        (lambda x: np.where(x > 1, x, 0), [0.0, 1.0]),
        (lambda x: np.clip(x, 0, 1), [1.0, 0.0]),
        (lambda x: np.dot(x, ARRAY), [3.0, 4.0]),
        (lambda x: np.matmul(ARRAY.astype(np.float32), x), [3.0, 4.0]),
        (lambda x: np.var(x), [-0.5, 0.5]),
        (lambda x: np.cumsum(x), [2.0, 1.0]),
    ],
)
def test_numpy_stays_in_the_graph(function: Any, gradient: list):
    x = leaf(1.0, 2.0)
    out = function(x)
    assert isinstance(out, torch.Tensor)
    out.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), gradient)


def test_numpy_scalars_count_as_numbers():
    assert (np.float64(2) * torch.ones(2)).dtype is torch.float32
    assert (torch.ones(2, dtype=torch.int64) * np.float64(2)).dtype is torch.float32
    assert (torch.ones(2) * np.ones(2)).dtype is torch.float64


def test_numpy_functions_of_tensors_without_gradient_return_arrays():
    assert isinstance(np.concatenate([torch.ones(2), torch.ones(2)]), np.ndarray)
    assert isinstance(np.sin(torch.ones(2)), torch.Tensor)


def test_ndarray_changed_in_place_by_a_tensor():
    array = np.array([1.0, 2.0])
    array += torch.tensor([1.0, 1.0])
    np.testing.assert_array_equal(array, [2.0, 3.0])
    with pytest.raises(TypeError, match="requires grad"):
        array += leaf(1.0, 2.0)


def test_numpy_function_without_derivative_is_refused_where_gradients_flow():
    with pytest.raises(TypeError, match="no derivative"):
        np.cbrt(leaf(1.0))
    with pytest.raises(TypeError, match="no derivative"):
        np.unwrap(leaf(1.0))
    np.testing.assert_allclose(np.cbrt(torch.tensor([8.0])).numpy(), [2.0])


# --- what else is special -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("exponent", [2, 3, 2.0, 0.5, -1, 4])
def test_power_by_a_number_and_its_derivatives(exponent: float):
    x = leaf(1.5, 2.0)
    (first,) = torch.autograd.grad((x**exponent).sum(), x, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), x)
    values = np.array([1.5, 2.0])
    np.testing.assert_allclose(first.detach().numpy(), exponent * values ** (exponent - 1))
    np.testing.assert_allclose(second.numpy(), exponent * (exponent - 1) * values ** (exponent - 2), atol=1e-12)


def test_operators_in_place():
    x = torch.tensor([6.0, 7.0])
    start = x
    x += 1
    x -= 2
    x *= 3
    x /= 5
    x **= 2
    x //= 1
    x %= 4
    assert x is start
    np.testing.assert_array_equal(x.numpy(), [1.0, 0.0])
    bits = torch.tensor([6, 7])
    bits &= 3
    bits |= 8
    bits ^= 1
    bits <<= 2
    bits >>= 1
    np.testing.assert_array_equal(bits.numpy(), [22, 20])


def test_a_choice_stops_infinite_cotangents():
    x = leaf(-1.0, 4.0)
    torch.where(x > 0, torch.sqrt(torch.where(x > 0, x, 1.0)), 0.0).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), [0.0, 0.25])


@pytest.mark.parametrize("size", [3, 5000])
def test_choices_of_any_size_are_exact(size: int):
    generator = np.random.default_rng(0)
    x, y = (torch.from_numpy(generator.normal(size=size)) for _ in range(2))
    x[0], y[1] = float("inf"), float("nan")
    mask = torch.from_numpy(generator.random(size) < 0.5)
    expected = np.where(mask.numpy(), x.numpy(), y.numpy())
    np.testing.assert_array_equal(torch.where(mask, x, y).numpy(), expected)
    for number in (0, -0.0, 2.5, float("-inf")):
        found = torch.where(mask, number, y).numpy()
        np.testing.assert_array_equal(found, np.where(mask.numpy(), number, y.numpy()))
        np.testing.assert_array_equal(np.signbit(found), np.signbit(np.where(mask.numpy(), number, y.numpy())))
        np.testing.assert_array_equal(x.masked_fill(mask, number).numpy(), np.where(mask.numpy(), number, x.numpy()))


def test_masked_fill_in_place_and_its_gradients():
    x, value = leaf(1.0, 2.0, 3.0), leaf(5.0)
    mask = torch.tensor([True, False, True])
    y = x * 2
    y.masked_fill_(mask, value[0])
    (y * torch.tensor([1.0, 2.0, 3.0])).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [0.0, 4.0, 0.0])
    np.testing.assert_array_equal(value.grad.numpy(), [4.0])


def test_parts_of_complex_tensors_share_memory():
    c = torch.zeros(2, dtype=torch.complex64)
    c.real.fill_(1.0)
    c.imag = torch.tensor([2.0, 3.0])
    torch.view_as_real(c)[0, 0] = 5.0
    np.testing.assert_array_equal(c.numpy(), [5 + 2j, 1 + 3j])


def test_warnings_of_numpy_do_not_reach_the_user():
    program = (
        "import rushlight as t; z = t.zeros(1); 1 / z; t.log(z - 1); t.exp(z + 1e9); z % z; z ** -1.0; "
        "t.ones(1, dtype=t.int8) * 200"
    )
    subprocess.run([sys.executable, "-W", "error::RuntimeWarning", "-c", program], check=True)


@pytest.mark.parametrize("bounds", [(-0.5, 0.25), (0.5, -0.5), (float("nan"), 1.0)])
def test_clamp_of_many_elements_is_as_of_few(bounds):
    x = torch.linspace(-1, 1, 3000)
    x[7] = float("nan")
    parts = torch.cat([part.clamp(*bounds) for part in x.split(500)])
    assert torch.equal(x.clamp(*bounds).nan_to_num(9.0), parts.nan_to_num(9.0))
    tensors = [torch.full((3000,), bound) for bound in bounds]
    assert torch.equal(x.clamp(*tensors).nan_to_num(9.0), parts.nan_to_num(9.0))
