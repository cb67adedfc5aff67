"""Joining and splitting: PyTorch's results, errors and grad_fn names."""

import json

import pytest
from view_cases import FACTS, agrees, outcome

import rushlight as torch

CASES = json.loads(FACTS.read_text())["join_cases"]


@pytest.mark.parametrize("expression", CASES)
def test_as_in_pytorch(expression):
    found = outcome(torch, expression)
    assert agrees(found, CASES[expression]), found


def test_parts_of_a_split_that_take_no_part_get_zeros():
    x = torch.arange(6.0).requires_grad_()
    first, _, third = x.split(2)
    (first.sum() + 2 * third.sum()).backward()
    assert x.grad.tolist() == [1, 1, 0, 0, 2, 2]


def test_cat_casts_each_cotangent_back():
    a, b = torch.ones(2, requires_grad=True), torch.ones(2, dtype=torch.float64, requires_grad=True)
    joined = torch.cat([a, b, torch.ones(1, dtype=torch.int64)])
    assert joined.dtype is torch.float64
    joined.sum().backward()
    assert a.grad.dtype is torch.float32 and b.grad.dtype is torch.float64


def test_one_tensor_may_be_joined_with_itself_and_with_constants():
    x = torch.ones(2, requires_grad=True)
    torch.stack([x, x, torch.zeros(2)]).sum().backward()
    assert x.grad.tolist() == [2, 2]


def test_join_under_no_grad_and_iteration():
    x = torch.arange(4.0, requires_grad=True)
    with torch.no_grad():
        assert not torch.cat([x, x]).requires_grad
        assert x.unbind()[0].requires_grad and x.unbind()[0].is_leaf
    assert [float(one) for one in x] == [0, 1, 2, 3]
    sum(x).backward()
    assert x.grad.tolist() == [1, 1, 1, 1]


def test_second_order_goes_through_joins():
    x = torch.arange(1.0, 4.0, dtype=torch.float64, requires_grad=True)
    joined = torch.cat([torch.stack([x, x * x]).reshape(-1), *torch.chunk(x, 2)])
    (first,) = torch.autograd.grad((joined**2).sum(), x, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), x)
    assert torch.allclose(second, 2 + 12 * x**2 + 2)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_many_slices_come_together_again(count):
    x = torch.ones(1000, requires_grad=True)
    total = torch.stack([*x.unbind()] * count).sum()
    total.backward()
    assert x.grad.sum().item() == 1000 * count


@pytest.mark.parametrize("join", [torch.cat, torch.stack])
def test_what_is_joined_is_contiguous(join):
    turned = torch.arange(6.0).reshape(2, 3).t()
    assert all(join([turned, turned], dim).is_contiguous() for dim in (0, 1, -1))
