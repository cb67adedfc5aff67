"""Changes in place: versions, the check of what was saved, and how they enter the graph."""

from __future__ import annotations

import pytest

import rushlight as torch


def leaf(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


def test_versions_count_changes() -> None:
    x = torch.ones(3)
    view, other = x[0], x.detach()
    assert x._version == 0
    x.add_(1)
    view.mul_(2)
    x[1] = 0
    other.zero_()
    assert (x._version, view._version, other._version) == (4, 4, 4)


def test_saved_tensor_changed_in_place() -> None:
    x = leaf(1.0, 2.0)
    y = x * 1
    z = (y * y).sum()
    y.add_(1)
    with pytest.raises(RuntimeError) as error:
        z.backward()
    message = str(error.value)
    assert "has been modified by an inplace operation: [torch.DoubleTensor [2]]" in message
    assert "is at version 1; expected version 0 instead" in message
    assert "MulBackward0 saved it" in message
    assert __file__ in message


def test_saved_result_changed_in_place() -> None:
    y = leaf(1.0).exp()
    y.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.backward()


def test_changes_before_saving_or_of_what_is_not_saved_are_fine() -> None:
    x = leaf(1.0, 2.0)
    y = x * 1
    y.mul_(2)
    z = (y * y).sum() + (y + 1).sum()
    (y * 3).add_(1)
    z.backward()
    assert x.grad.tolist() == [10.0, 18.0]


def test_in_place_chain() -> None:
    x = leaf(1.0, 2.0)
    y = x.clone()
    y.mul_(2).add_(1).exp_()
    y.sum().backward()
    assert x.grad.tolist() == pytest.approx((2 * (2 * x.detach() + 1).exp()).tolist())


def test_in_place_on_a_view_reaches_the_base() -> None:
    x = leaf(1.0, 2.0, 3.0)
    base = x * 1
    view = base[1:]
    view.mul_(10)
    assert base.grad_fn.name() == "torch::autograd::CopySlices"
    base.sum().backward()
    assert x.grad.tolist() == [1.0, 10.0, 10.0]


def test_views_follow_a_base_changed_in_place() -> None:
    x = leaf(1.0, 2.0)
    base = x * 1
    view = base[0]
    base.mul_(3)
    view.backward()
    assert x.grad.tolist() == [3.0, 0.0]
