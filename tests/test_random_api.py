"""torch's creation functions, in-place draws and dropout yield PyTorch's numbers after manual_seed."""

import json
from pathlib import Path

import numpy as np
import pytest

import rushlight as torch

STORED = json.loads((Path(__file__).parent / "references" / "random_api.json").read_text())


def test_expressions_in_turn():
    torch.manual_seed(42)
    for case in STORED:
        drawn = eval(case["expression"], {"torch": torch})
        assert str(drawn.dtype) == case["dtype"], case["expression"]
        values = torch.view_as_real(drawn).tolist() if drawn.is_complex() else drawn.tolist()
        np.testing.assert_allclose(values, case["values"], 3e-6, 3e-7, err_msg=case["expression"])


def test_state_is_a_tensor():
    torch.manual_seed(1)
    state = torch.get_rng_state()
    assert state.dtype == torch.uint8 and tuple(state.shape) == (5056,)
    first = torch.randn(5).tolist()
    torch.set_rng_state(state)
    assert torch.randn(5).tolist() == first
    g = torch.Generator()
    g.set_state(state)
    assert torch.randn(5, generator=g).tolist() == first
    with pytest.raises(TypeError, match="expected a torch.ByteTensor"):
        g.set_state([1])
    with pytest.raises(TypeError, match="RNG state must be a torch.ByteTensor"):
        g.set_state(torch.zeros(5056))


def test_fork_rng():
    torch.manual_seed(1)
    with torch.random.fork_rng():
        first = torch.rand(3).tolist()
        torch.manual_seed(9)
    assert torch.rand(3).tolist() == first


def test_generator_device():
    assert torch.Generator(device="cpu").device == torch.device("cpu")
    assert isinstance(torch.manual_seed(0), torch.Generator)
    assert torch.seed() == torch.initial_seed()
