"""Views and rearrangements: PyTorch's results, errors and grad_fn names, and memory that is shared or not."""

import json

import numpy as np
import pytest
from view_cases import FACTS, agrees, outcome

import rushlight as torch

CASES = json.loads(FACTS.read_text())["shape_cases"]


@pytest.mark.parametrize("expression", CASES)
def test_as_in_pytorch(expression):
    found = outcome(torch, expression)
    assert agrees(found, CASES[expression]), found


VIEWS = {
    "reshape": lambda x: x.reshape(3, 2), "view": lambda x: x.view(-1), "flatten": lambda x: x.flatten(),
    "unsqueeze": lambda x: x.unsqueeze(1), "squeeze": lambda x: x.squeeze(), "permute": lambda x: x.permute(1, 0),
    "transpose": lambda x: x.transpose(0, 1), "t": lambda x: x.t(), "T": lambda x: x.T, "mT": lambda x: x.mT,
    "movedim": lambda x: x.movedim(0, 1), "expand": lambda x: x.expand(1, 2, 3), "unfold": lambda x: x.unfold(1, 2, 1),
    "as_strided": lambda x: x.as_strided((2,), (3,), 1), "diagonal": lambda x: x.diagonal(),
    "select": lambda x: x.select(0, 1), "narrow": lambda x: x.narrow(1, 1, 2), "index": lambda x: x[:, 1:],
    "element": lambda x: x[0, 0], "view_dtype": lambda x: x.view(torch.int32), "unbind": lambda x: x.unbind()[0],
    "split": lambda x: x.split(1)[1], "chunk": lambda x: x.chunk(2)[0], "alias": lambda x: x[...],
}  # fmt: skip


@pytest.mark.parametrize("name", VIEWS)
def test_views_share_memory_version_and_base(name):
    x = torch.arange(6.0).reshape(2, 3).clone()
    view = VIEWS[name](x)
    assert view._base is x
    assert np.shares_memory(view.numpy(), x.numpy())
    view.zero_()
    assert x._version == view._version == 1
    assert int((x == 0).sum()) >= view.numpy().size // 2


@pytest.mark.parametrize("name", VIEWS)
def test_views_of_views_have_the_same_base_and_only_copies_none(name):
    x = torch.arange(12.0).reshape(4, 3).clone()
    view = VIEWS[name](x[1:3])
    assert view._base is x
    assert VIEWS[name](x[1:3]).clone()._base is None


def test_a_reshape_that_copies_is_no_view():
    x = torch.arange(6.0).reshape(2, 3).clone()
    copied = x.t().reshape(-1)
    assert copied._base is None
    assert not np.shares_memory(copied.numpy(), x.numpy())


def test_reshape_takes_what_has_an_index():
    x = torch.arange(6)
    for shape in ((torch.tensor(2), 3), (np.int64(2), -1), torch.Size([2, 3]), [2, 3]):
        assert x.reshape(shape).shape == (2, 3)
        assert x.reshape(*shape).shape == (2, 3)


def test_expand_does_not_copy_and_cannot_be_written():
    x = torch.ones(3, 1)
    wide = x.expand(3, 1000)
    assert wide.stride() == (1, 0)
    with pytest.raises(RuntimeError, match="more than one element of the written-to tensor refers to a single memory location"):
        wide.add_(1)
    assert x.t().expand(5, 1, 3).shape == (5, 1, 3)
    x[::2].expand(2, 2, 1).sum()


def test_contiguous_is_the_tensor_itself_or_a_copy():
    x = torch.arange(6.0).reshape(2, 3)
    assert x.contiguous() is x
    turned = x.t().contiguous()
    assert turned.is_contiguous() and turned.tolist() == x.t().tolist()


def test_clone_keeps_the_order_in_memory():
    x = torch.arange(6.0).reshape(2, 3).t()
    assert x.clone().stride() == (1, 3)
    assert x.clone(memory_format=torch.contiguous_format).stride() == (2, 1)
    images = torch.arange(24.0).reshape(1, 2, 3, 4).clone(memory_format=torch.channels_last)
    assert images.is_contiguous(memory_format=torch.channels_last) and not images.is_contiguous()
    assert images.tolist() == torch.arange(24.0).reshape(1, 2, 3, 4).tolist()


def test_as_strided_reaches_the_memory_around_a_view():
    x = torch.arange(6.0).clone().requires_grad_()
    inner = (x * 1)[2:]
    assert inner.as_strided((2,), (1,)).tolist() == [2.0, 3.0]
    assert inner.as_strided((2,), (1,), 0).tolist() == [0.0, 1.0]
    windows = inner.as_strided((3, 2), (1, 1))
    windows.sum().backward()
    assert x.grad.tolist() == [0, 0, 1, 2, 2, 1]


def test_restriding_in_place_keeps_memory_and_gradients():
    w = torch.arange(6.0).reshape(2, 3).clone().requires_grad_()
    x = w * 1
    memory = x.data_ptr()
    assert x.t_() is x and x.unsqueeze_(0) is x
    assert x.shape == (1, 3, 2) and x.data_ptr() == memory
    (x * torch.arange(6.0).reshape(1, 3, 2)).sum().backward()
    assert w.grad.tolist() == [[0, 2, 4], [1, 3, 5]]


def test_second_order_goes_through_views():
    x = torch.arange(1.0, 5.0, dtype=torch.float64, requires_grad=True)
    turned, windows = lambda x: x.reshape(2, 2).t(), lambda x: x.unfold(0, 2, 1)
    for shaped in (turned, windows, lambda x: x.as_strided((2, 2), (1, 2)), lambda x: x.expand(3, 4)):
        (first,) = torch.autograd.grad((shaped(x) ** 3).sum(), x, create_graph=True)
        (second,) = torch.autograd.grad(first.sum(), x)
        times = torch.autograd.grad(shaped(x).sum(), x)[0]
        assert torch.allclose(second, 6 * x * times)
