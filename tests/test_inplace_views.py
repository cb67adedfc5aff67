"""In-place changes of views, and of what has views: values, versions, histories and gradients as in PyTorch."""

import json

import pytest
from inplace_cases import PROGRAMS
from view_cases import FACTS, agrees, program_outcome

import rushlight as torch

CASES = json.loads(FACTS.read_text())["inplace_cases"]


@pytest.mark.parametrize("program", CASES)
def test_as_in_pytorch(program):
    found = program_outcome(torch, program)
    assert agrees(found, CASES[program]), found


test_program_as_in_pytorch = PROGRAMS.test(torch)


def start():
    w = torch.arange(6.0, dtype=torch.float64).reshape(2, 3).clone().requires_grad_()
    return w, w * 1


def test_sibling_views_take_their_history_anew():
    w, x = start()
    first, second = x[0], x[:, 0]
    assert type(second.grad_fn).__name__ == "SelectBackward0"
    first.mul_(3)
    assert type(x.grad_fn).__name__ == "CopySlices"
    assert type(second.grad_fn).__name__ == "AsStridedBackward0"
    second.sum().backward()
    assert w.grad.tolist() == [[3, 0, 0], [1, 0, 0]]


def test_a_change_of_the_base_reaches_its_views():
    w, x = start()
    view = x[1]
    x.mul_(2)
    view.sum().backward()
    assert view.tolist() == [6, 8, 10]
    assert w.grad.tolist() == [[0, 0, 0], [2, 2, 2]]


def test_views_of_a_tensor_without_history_gain_one():
    w = torch.ones(2, dtype=torch.float64, requires_grad=True)
    x = torch.zeros(3, 2, dtype=torch.float64)
    view = x[1]
    view.copy_(w)
    x[2] = w * 3
    assert x.requires_grad
    assert view.requires_grad
    (x.sum() + view.sum()).backward()
    assert w.grad.tolist() == [5, 5]


def test_second_order_goes_through_a_changed_view():
    w = torch.arange(1.0, 5.0, dtype=torch.float64, requires_grad=True)

    def changed(w):
        x = w * w
        x[1:3].mul_(w[:2])
        x.view(2, 2)[0].sin_()
        x[3] = w[0]
        return x * x

    assert torch.autograd.gradcheck(changed, (w,))
    assert torch.autograd.gradgradcheck(changed, (w,))


def test_what_an_in_place_operation_saved_of_a_view_is_guarded():
    w, x = start()
    x[0].add_(1).sqrt_()
    x[1] = 0
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        x.sum().backward()


def test_a_tensor_may_not_be_its_own_factor_in_place():
    w, x = start()
    x.mul_(x)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        x.sum().backward()


def test_overlapping_views_add_up():
    w, x = start()
    wide, windows = x.expand(2, 2, 3), x.unfold(1, 2, 1)
    x.mul_(2)
    (wide.sum() + windows.sum()).backward()
    assert w.grad.tolist() == [[6, 8, 6], [6, 8, 6]]


def test_views_made_without_grad_are_not_changed_with_it():
    w, x = start()
    with torch.no_grad():
        view = x[0]
    with pytest.raises(RuntimeError, match="A view was created in no_grad mode and is being modified inplace"):
        view.mul_(2)


def test_views_of_one_of_several_views_are_not_changed_either():
    w, x = start()
    for one in (x.unbind()[0], x.unbind()[0][1:], x.split(1)[0], x.chunk(2, 1)[1]):
        with pytest.raises(RuntimeError, match="output of a function that returns multiple views"):
            one.mul_(2)


def test_a_view_of_a_leaf_is_changed_only_without_grad():
    w, _ = start()
    with pytest.raises(RuntimeError, match="a view of a leaf Variable that requires grad is being used in an in-place operation"):
        w[0].mul_(2)
    with torch.no_grad():
        w[0].mul_(2)
    assert w._version == 1 and w.is_leaf


def test_a_loop_that_fills_a_tensor():
    w = torch.arange(1.0, 4.0, requires_grad=True)
    out = torch.zeros(4)
    for i in range(3):
        out[i + 1] = out[i] + w[i] * w[i]
    out.sum().backward()
    assert out.tolist() == [0, 1, 5, 14]
    assert w.grad.tolist() == [6, 8, 6]


def test_detached_aliases_share_versions():
    w, x = start()
    square = x * x
    x.detach()[0] = 7
    assert x.tolist()[0] == [7, 7, 7] and x._version == 1
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        square.sum().backward()


def test_fill_copy_and_zero_cut_the_history_of_what_they_overwrite():
    for change in (lambda x: x.fill_(2.0), lambda x: x.zero_(), lambda x: x.copy_(torch.ones(3)), lambda x: x[:].fill_(1)):
        w, x = start()
        change(x)
        (x * x).sum().backward()
        assert w.grad.tolist() == [[0, 0, 0], [0, 0, 0]]


def test_expanded_tensors_are_zeroed():
    w, x = start()
    x[0].expand(2, 3).zero_()
    (x * x).sum().backward()
    assert x.tolist() == [[0, 0, 0], [3, 4, 5]]
    assert w.grad.tolist() == [[0, 0, 0], [6, 8, 10]]


def test_changed_indices_of_a_selection_are_noticed_or_copied():
    w, x = start()
    index, mask = torch.tensor([0, 1]), x > 2
    picked = x[index].sum() + x[mask].sum()
    index.fill_(0)
    mask.fill_(False)
    picked.backward()
    assert w.grad.tolist() == [[1, 1, 1], [2, 2, 2]]


def test_empty_memory_is_not_left():
    with pytest.raises(RuntimeError, match="out of bounds for storage of size 0"):
        torch.empty(0).as_strided((3,), (1,))
    assert torch.empty(0).resize_(3).zero_().tolist() == [0, 0, 0]
    assert torch.add(torch.ones(3), 1, out=torch.empty(0)).tolist() == [2, 2, 2]


def test_memory_without_history_is_changed_directly():
    x = torch.zeros(2, 3)
    for count, change in enumerate([
        lambda: x.fill_(1), lambda: x.zero_(), lambda: x.copy_(torch.ones(3)), lambda: x[0].fill_(torch.tensor(3)),
        lambda: x.index_fill_(0, torch.tensor([1]), 4), lambda: x.scatter_(1, torch.tensor([[0]]), 5.0),
        lambda: x.index_add_(0, torch.tensor([0]), torch.ones(1, 3)), lambda: x.masked_scatter_(x > 4, torch.zeros(6)),
    ]):  # fmt: skip
        change()
        assert x._version == count + 1 and x.grad_fn is None
    assert x.tolist() == [[0, 4, 4], [4, 4, 4]]
