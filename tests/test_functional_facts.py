"""Every function of nn.functional gives PyTorch's values and gradients."""

from pathlib import Path

import functional_cases as cases
import numpy as np
import pytest

import rushlight as torch
from rushlight.nn import functional

pytestmark = pytest.mark.filterwarnings("ignore")


def load():
    stored = np.load(Path(__file__).parent / "references" / "functional.npz")
    facts, start = {}, 0
    for entry in stored["shapes"]:
        name, _, extents = str(entry).partition(":")
        shape = tuple(int(n) for n in extents.split(",") if n)
        size = int(np.prod(shape, dtype=np.int64))
        facts[name] = stored["values"][start : start + size].reshape(shape)
        start += size
    return facts


FACTS = load()


@pytest.mark.parametrize(
    ("family", "number"),
    [pytest.param(family, n, id=f"{call[0]}-{n}") for family, calls in cases.FAMILIES.items() for n, call in enumerate(calls)],
)
def test_values_and_gradients_as_pytorch(family, number):
    results = cases.run(torch, functional, family, number)
    for k, ours in enumerate(results):
        theirs = FACTS[f"{family}-{number}-{k}"]
        assert ours.shape == theirs.shape
        np.testing.assert_allclose(ours, theirs, rtol=1e-7, atol=1e-9)
    assert f"{family}-{number}-{len(results)}" not in FACTS


def test_every_function_of_the_families_is_called():
    called = {call[0] for calls in cases.FAMILIES.values() for call in calls}
    assert len(called) > 90
    assert called <= {name for name in dir(functional)}
