"""Warnings show the program's own line, from wherever within the package they are given."""

from __future__ import annotations

import warnings

import pytest

import rushlight as torch
import rushlight.nn.functional as F
from rushlight import nn
from rushlight.utils.checkpoint import checkpoint


class Asks(torch.Tensor):
    def __torch_function__(self, function, types, args=(), kwargs=None):
        return 1


@torch.no_grad()
def index(matrix):
    return matrix[[slice(None), 0]]


def backward_to_nan():
    x = torch.ones(2, requires_grad=True)
    with torch.autograd.set_detect_anomaly(True), pytest.raises(RuntimeError, match="nan values"):
        (x * torch.nan).sum().backward()


CALLS = {
    "tensor_of_tensor": lambda: torch.tensor(torch.ones(2)),
    "implicit_dimension": lambda: F.softmax(torch.ones(2)),
    "implicit_dimension_of_a_module": lambda: nn.Softmax()(torch.ones(2)),
    "sizes_in_a_sequence": lambda: nn.Sequential(nn.Dropout2d())(torch.ones(2, 2)),
    "dropout_of_one_layer": lambda: nn.LSTM(2, 2, dropout=0.5),
    "list_as_index": lambda: index(torch.ones(2, 2)),
    "grad_of_no_leaf": lambda: (torch.ones(2, requires_grad=True) * 2).grad,
    "cycle": lambda: torch.ones((), requires_grad=True).exp().backward(create_graph=True),
    "old_argument": lambda: torch.autograd.backward(torch.ones((), requires_grad=True), grad_variables=torch.ones(())),
    "function_instance": lambda: torch.autograd.Function(),
    "anomaly": backward_to_nan,
    "resized_result": lambda: torch.add(torch.ones(2), 1, out=torch.ones(3)),
    "plain_torch_function": lambda: torch.exp(torch.ones(2).as_subclass(Asks)),
    "implicit_reentrant": lambda: checkpoint(torch.exp, torch.ones(2, requires_grad=True)),
    "early_scheduler": lambda: torch.optim.lr_scheduler.StepLR(torch.optim.SGD([torch.ones(1)], 0.1), 1).step(),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_warning_shows_the_programs_line(name, monkeypatch):
    monkeypatch.setattr("rushlight.warning._said", set())
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        CALLS[name]()
    assert found
    assert {one.filename for one in found} == {__file__}


def test_a_line_is_warned_of_once_unless_the_program_says_otherwise():
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("default")
        for _ in range(3):
            torch.tensor(torch.ones(2))
        torch.tensor(torch.ones(2))
    assert len(found) == 2
    assert found[1].lineno == found[0].lineno + 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserWarning, match="copy construct"):
            torch.tensor(torch.ones(2))


def test_some_warnings_are_given_once_in_all(monkeypatch):
    monkeypatch.setattr("rushlight.warning._said", set())
    with pytest.warns(UserWarning, match="indexing argument") as found:
        torch.meshgrid(torch.ones(2), torch.ones(2))
        torch.meshgrid(torch.ones(2), torch.ones(2))
    assert len(found) == 1
    torch.set_warn_always(True)
    try:
        with pytest.warns(UserWarning, match="indexing argument"):
            torch.meshgrid(torch.ones(2), torch.ones(2))
    finally:
        torch.set_warn_always(False)
