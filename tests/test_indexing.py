"""Indexing and what picks and places by index: PyTorch's results, errors and names, and NumPy's meaning of random indices."""

import json
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from view_cases import FACTS, agrees, outcome

import rushlight as torch

CASES = json.loads(FACTS.read_text())["index_cases"]


@pytest.mark.parametrize("expression", CASES)
def test_as_in_pytorch(expression):
    found = outcome(torch, expression)
    assert agrees(found, CASES[expression]), found


# --- random indices against NumPy -------------------------------------------------------------------------------------------


@st.composite
def cases(draw):
    """A shape, and an index on which PyTorch and NumPy agree: arrays stand together, without integers beside them."""
    shape = tuple(draw(st.lists(st.integers(1, 4), min_size=1, max_size=3)))
    picking = draw(st.booleans())
    index, place, together = [], 0, None
    while place < len(shape):
        extent = shape[place]
        kind = draw(st.sampled_from(["int", "slice", "none", "array", "mask", "stop"]))
        if kind == "stop":
            break
        if kind == "none":
            if len(index) < 5:
                index.append(None)
            together = False if together else together
        elif kind == "slice" or (kind == "int" and picking) or (kind != "int" and not (picking and together is not False)):
            bound = st.none() | st.integers(-5, 5)
            index.append(slice(draw(bound), draw(bound), draw(st.none() | st.integers(1, 3))))
            together = False if together else together
            place += 1
        elif kind == "int":
            index.append(draw(st.integers(-extent, extent - 1)))
            place += 1
        elif kind == "mask" and together is None:
            rank = draw(st.integers(1, len(shape) - place))
            mask = np.array(draw(st.lists(st.booleans(), min_size=int(np.prod(shape[place : place + rank])), max_size=64)))
            index.append(np.resize(mask, shape[place : place + rank]).astype(bool))
            together, place = False, place + rank
        else:
            index.append(np.array(draw(st.lists(st.integers(-extent, extent - 1), min_size=2, max_size=2)), np.int64))
            together, place = True, place + 1
    if draw(st.booleans()):
        index.append(...)
    return shape, tuple(index)


def for_us(index):
    """The same index with tensors for arrays."""
    return tuple(torch.from_numpy(one) if isinstance(one, np.ndarray) else one for one in index)


@settings(max_examples=300, deadline=None, database=None, derandomize=True)
@given(cases())
def test_reading_has_numpys_meaning_and_the_right_gradient(case):
    shape, index = case
    array = np.arange(float(np.prod(shape))).reshape(shape)
    wanted = array[index]
    x = torch.from_numpy(array.copy()).requires_grad_()
    found = x[for_us(index)]
    assert found.shape == wanted.shape
    assert found.tolist() == wanted.tolist()
    weights = np.cos(np.arange(float(wanted.size))).reshape(wanted.shape)
    (found * torch.tensor(weights)).sum().backward()
    gradient = np.zeros(shape)
    np.add.at(gradient, index, weights)
    np.testing.assert_allclose(x.grad.numpy(), gradient, atol=1e-12)


@settings(max_examples=300, deadline=None, database=None, derandomize=True)
@given(cases(), st.booleans())
def test_assignment_has_numpys_meaning_and_the_right_gradients(case, recorded):
    shape, index = case
    array = np.arange(float(np.prod(shape))).reshape(shape)
    places = np.arange(array.size).reshape(shape)[index]
    values = -1.0 - np.arange(float(places.size)).reshape(places.shape)
    wanted = array.copy()
    wanted[index] = values
    leaf = torch.from_numpy(array.copy()).requires_grad_(recorded)
    given_values = torch.tensor(values).requires_grad_(recorded)
    x = leaf * 1
    x[for_us(index)] = given_values
    assert x.tolist() == wanted.tolist()
    assert x._version == 1
    if recorded:
        (x * x).sum().backward()
        kept = np.ones(shape)
        kept[index] = 0
        np.testing.assert_allclose(leaf.grad.numpy(), 2 * array * kept)
        if len(np.unique(places)) == places.size:
            np.testing.assert_allclose(given_values.grad.numpy(), 2 * values)


# --- what differs from NumPy ------------------------------------------------------------------------------------------------


def test_integers_are_taken_before_arrays():
    x = torch.arange(24).reshape(2, 3, 4)
    picked = torch.tensor([0, 2])
    assert x[0, :, picked].shape == (3, 2)
    assert x[torch.tensor(0), :, picked].shape == (3, 2)
    assert x[picked[:1], :, picked].shape == (2, 3)


def test_bytes_are_masks():
    x = torch.arange(3)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        assert x[torch.tensor([1, 0, 1], dtype=torch.uint8)].tolist() == [0, 2]
    assert "uint8" in str(seen[0].message)


def test_elements_are_views_without_dimensions():
    x = torch.zeros(3)
    x[1].add_(5)
    assert x.tolist() == [0, 5, 0]
    assert x[1].shape == ()


def test_picked_elements_lie_in_order():
    x = torch.arange(24.0).reshape(2, 3, 4)
    assert x[:, [0, 2]].is_contiguous()
    assert x[:, :, torch.tensor([1, 0])].view(-1).shape == (12,)


# --- gradients --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [5, 4000])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16])
def test_repeated_rows_are_added_in_few_and_in_many(rows, dtype):
    generator = np.random.default_rng(0)
    weight = torch.zeros(7, 16, dtype=dtype, requires_grad=True)
    places = generator.integers(-7, 7, rows)
    cotangent = generator.integers(-3, 4, (rows, 16)).astype(weight.detach().numpy().dtype)
    weight[torch.from_numpy(places)].backward(torch.from_numpy(cotangent))
    wanted = np.zeros((7, 16))
    np.add.at(wanted, places, cotangent)
    assert weight.grad.dtype is dtype
    np.testing.assert_array_equal(weight.grad.numpy(), wanted)


def test_an_index_changed_after_its_use_does_no_harm():
    x, places = torch.arange(3.0, requires_grad=True), torch.tensor([0, 0])
    picked = x[places]
    places += 1
    picked.sum().backward()
    assert x.grad.tolist() == [2, 0, 0]


def test_an_index_input_changed_after_its_use_is_an_error():
    x, places = torch.arange(3.0, requires_grad=True), torch.tensor([0, 0])
    picked = x.index_select(0, places)
    places += 1
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        picked.sum().backward()


@pytest.mark.parametrize("reduce", ["sum", "prod", "mean", "amax", "amin"])
@pytest.mark.parametrize("include_self", [True, False])
def test_scatter_reduce_agrees_with_finite_differences_twice(reduce, include_self):
    x = torch.tensor([1.0, 0.5, 3.0, 2.0], dtype=torch.float64, requires_grad=True)
    source = torch.tensor([2.0, 5.0, 0.25], dtype=torch.float64, requires_grad=True)
    places = torch.tensor([0, 0, 2])

    def function(x, source):
        return x.scatter_reduce(0, places, source, reduce, include_self=include_self)

    assert torch.autograd.gradcheck(function, (x, source))
    assert torch.autograd.gradgradcheck(function, (x, source))


def test_a_zero_in_a_product_keeps_its_derivatives():
    x = torch.tensor([3.0], dtype=torch.float64, requires_grad=True)
    source = torch.tensor([0.0, 2.0], dtype=torch.float64, requires_grad=True)
    out = x.scatter_reduce(0, torch.tensor([0, 0]), source, "prod")
    first = torch.autograd.grad(out.sum(), (x, source), create_graph=True)
    assert [one.tolist() for one in first] == [[0.0], [6.0, 0.0]]
    second = torch.autograd.grad(first[0].sum() + first[1].sum(), (x, source))
    assert [one.tolist() for one in second] == [[2.0], [5.0, 3.0]]


def test_without_gradients_an_assignment_records_nothing():
    x, w = torch.zeros(2, 3), torch.zeros(2, 3, requires_grad=True)
    x[0] = 1
    assert x.grad_fn is None and x._version == 1
    with torch.no_grad():
        w[0] = 1
    assert w.is_leaf and w.tolist()[0] == [1, 1, 1]
    x[1] = w[0]
    assert type(x.grad_fn).__name__ == "CopySlices"


def test_numpy_values_may_be_assigned():
    x = torch.zeros(2, 2)
    x[0] = np.array([1.0, 2.0])
    x[1, 0] = np.float64(3)
    assert x.tolist() == [[1, 2], [3, 0]] and x.dtype is torch.float32
