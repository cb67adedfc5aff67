"""Tensors are written as PyTorch writes them, to the character (references/printing.json)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import rushlight as torch
from rushlight import printing

CASES = json.loads((Path(__file__).parent / "references" / "printing.json").read_text())
DEFAULTS = {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80, "sci_mode": None}


@pytest.fixture(autouse=True)
def default_state():
    yield
    torch.set_printoptions(profile="default")
    torch.set_default_dtype(torch.float32)


def array_of(case: dict) -> np.ndarray:
    kind = "float32" if case["dtype"] == "bfloat16" else case["dtype"]
    values = [complex(*value) if isinstance(value, list) else value for value in case["values"]]
    return np.resize(np.array(values, dtype=kind), case["shape"])


def bfloat16_stand_in(array: np.ndarray) -> object:
    """What printing asks of a tensor, so that no extension type is needed here."""
    fields = {"_array": array, "shape": array.shape, "dtype": torch.bfloat16, "grad_fn": None, "requires_grad": False}
    return type("Tensor", (), {**fields, "__repr__": printing.tensor_str})()


def identity(name: str) -> type:
    body = {"forward": staticmethod(lambda ctx, x: x.clone()), "backward": staticmethod(lambda ctx, g: g)}
    return type(name, (torch.autograd.Function,), body)


def build(case: dict):
    array = array_of(case)
    if case["dtype"] == "bfloat16":
        return bfloat16_stand_in(array)
    tensor = torch.from_numpy(array)
    grad = case.get("grad")
    if grad is None:
        return tensor
    tensor.requires_grad_()
    if grad == "leaf":
        return tensor
    if grad == "mul":
        return tensor * 1
    return tensor.clone() if grad == "clone" else identity(grad).apply(tensor)


@pytest.mark.parametrize("case", CASES, ids=range(len(CASES)))
def test_text_is_that_of_pytorch(case):
    torch.set_default_dtype(getattr(torch, case.get("default", "float32")))
    torch.set_printoptions(**case.get("options", {}))
    tensor = build(case)
    if "error" in case:
        with pytest.raises((TypeError, ValueError)) as caught:
            format(tensor, case["format"])
        assert str(caught.value) == case["error"]
    elif "format" in case:
        assert format(tensor, case["format"]) == case["text"]
    else:
        assert repr(tensor) == case["text"]


def test_str_is_repr():
    assert str(torch.tensor([1.5, 2.0])) == "tensor([1.5000, 2.0000])"
    assert f"{torch.tensor([1.5])}" == "tensor([1.5000])"


def test_tensor_contents_replace_the_entries():
    assert torch.tensor([1.0]).__repr__(tensor_contents="...") == "tensor(...)"
    assert torch.zeros(0, 3).__repr__(tensor_contents="...") == "tensor(..., size=(0, 3))"
    assert torch.zeros(2, dtype=torch.int8).__repr__(tensor_contents="a\nb") == "tensor(a\nb, dtype=torch.int8)"


def test_tangent_follows_the_entries():
    value, tangent = torch.tensor([1.0, 1.0]), torch.tensor([3.0, 3.0])
    assert printing.tensor_str(value, tangent=tangent) == "tensor([1., 1.], tangent=tensor([3., 3.]))"
    assert printing.tensor_str(value.sum(), tangent=tangent.sum()) == "tensor(2., tangent=6.0)"


def test_subclass_is_named():
    class Sample(torch.Tensor):
        pass

    sample = torch.tensor([1.5, 2.5] * 8).as_subclass(Sample).requires_grad_()
    assert repr(sample) == (
        "Sample([1.5000, 2.5000, 1.5000, 2.5000, 1.5000, 2.5000, 1.5000, 2.5000, 1.5000,\n"
        "        2.5000, 1.5000, 2.5000, 1.5000, 2.5000, 1.5000, 2.5000],\n"
        "       requires_grad=True)"
    )
    scalar = torch.tensor(1.5).as_subclass(Sample)
    assert f"{scalar}" == "Sample(1.5000)"
    with pytest.raises(TypeError, match="unsupported format string passed to Sample.__format__"):
        format(scalar, ".2f")


def test_parameter():
    class Weight(torch.nn.Parameter):
        pass

    parameter = torch.nn.Parameter(torch.tensor([1.0, 2.0]))
    assert repr(parameter) == "Parameter containing:\ntensor([1., 2.], requires_grad=True)"
    frozen = torch.nn.Parameter(torch.tensor([1.0, 2.0]), requires_grad=False)
    assert repr(frozen) == "Parameter containing:\ntensor([1., 2.])"
    scalar = torch.nn.Parameter(torch.tensor(1.0))
    assert f"{scalar}" == "Parameter containing:\ntensor(1., requires_grad=True)"
    with pytest.raises(TypeError, match="unsupported format string passed to Parameter.__format__"):
        format(scalar, ".2f")

    class Sample(torch.Tensor):
        pass

    sample = torch.nn.Parameter(torch.tensor([1.0]).as_subclass(Sample))
    assert repr(sample) == "Parameter(Sample([1.], requires_grad=True))"
    weight = Weight(torch.tensor([1.0]))
    assert repr(weight) == "Parameter containing:\nParameter(Weight([1.], requires_grad=True))"


def test_invalid_history_is_told_and_not_raised():
    class Tensor:
        _array, shape, dtype = np.float32([2.0]), (1,), torch.float32

        @property
        def grad_fn(self):
            raise RuntimeError("a view was modified in place")

    assert printing.tensor_str(Tensor()) == "tensor([2.], grad_fn=<Invalid>)"


def test_printing_leaves_the_entries_alone():
    tensor = torch.arange(3000.0).reshape(1500, 2)
    before = tensor.clone()
    repr(tensor)
    assert torch.equal(tensor, before)


def test_options_stay_until_changed_but_sci_mode_does_not():
    torch.set_printoptions(precision=2, sci_mode=True)
    assert printing.get_printoptions() == {**DEFAULTS, "precision": 2, "sci_mode": True}
    torch.set_printoptions(linewidth=40)
    assert printing.get_printoptions() == {**DEFAULTS, "precision": 2, "linewidth": 40}
    torch.set_printoptions(profile="full", edgeitems=5)
    assert printing.get_printoptions() == {**DEFAULTS, "threshold": float("inf"), "edgeitems": 5}


def test_printoptions_end_with_the_block():
    torch.set_printoptions(sci_mode=False)
    with printing.printoptions(precision=1):
        assert repr(torch.tensor(0.25)) == "tensor(0.2)"
    assert printing.get_printoptions() == {**DEFAULTS, "sci_mode": False}


@pytest.mark.parametrize("bad", [{"profile": "brief"}, {"precision": -1}, {"edgeitems": -1}])
def test_bad_options_are_refused_and_change_nothing(bad):
    with pytest.raises(ValueError, match="set_printoptions"):
        torch.set_printoptions(**{"linewidth": 10, **bad})
    assert printing.get_printoptions() == DEFAULTS
