"""Properties of random programs: a few here, as many as RUSHLIGHT_FUZZ says in `make fuzz`."""

from __future__ import annotations

import os

import numpy as np
import pytest
from custom_function_cases import make
from graphs import Graph
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from programs import STEPS, Program

import rushlight as torch
from rushlight.autograd.views import CopySlices

COUNT = int(os.environ.get("RUSHLIGHT_FUZZ", "0"))
FUZZ = settings(
    max_examples=COUNT or 100, deadline=None, derandomize=not COUNT, database=None, suppress_health_check=list(HealthCheck)
)  # fmt: skip

small = st.integers(0, 11)


def same(found, wanted):
    if isinstance(wanted, list):
        return len(found) == len(wanted) and all(map(same, found, wanted))
    if isinstance(wanted, float):
        return bool(np.isclose(found, wanted, rtol=1e-9, atol=1e-9))
    return found == wanted


@FUZZ
@given(st.lists(st.tuples(st.sampled_from(STEPS), small, small, small), min_size=1, max_size=14))
def test_views_and_writes_are_as_on_copies(steps):
    program = Program(torch)
    for step in steps:
        program.step(*step)
    found, wanted = program.outcome()
    assert same(found, wanted)


@FUZZ
@given(st.lists(st.tuples(small, small, small, st.integers(0, 999)), min_size=1, max_size=10), small)
def test_graphs_of_operations_are_as_by_differences(steps, seed):
    Graph(torch, steps, seed).check()


def test_the_programs_see_a_wrong_gradient(monkeypatch):
    run = CopySlices.vjp

    def planted(self, g, keep):
        whole, *others = run(self, g, keep)
        return whole * 1.001, *others

    program = Program(torch)
    program.step("row", 1, 0, 0)
    program.step("scale", 5, 0, 1)
    monkeypatch.setattr(CopySlices, "vjp", planted)
    found, wanted = program.outcome()
    assert not same(found, wanted)


def test_the_graphs_see_a_wrong_gradient(monkeypatch):
    double = make(
        torch, lambda x: x * 2, lambda ctx, g: g * 2.001, lambda ctx, inputs, output: None, jvp=lambda ctx, t: t * 2,
        generate_vmap_rule=True,
    )  # fmt: skip
    monkeypatch.setattr("graphs.OPERATIONS", [lambda t, x, y: double.apply(x) * y])
    with pytest.raises(AssertionError):
        Graph(torch, [(0, 1, 0, 0), (2, 0, 0, 0)], 1).check()
