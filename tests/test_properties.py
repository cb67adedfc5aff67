"""Properties of random programs: a few here, as many as RUSHLIGHT_FUZZ says in `make fuzz`."""

from __future__ import annotations

import os

import numpy as np
from graphs import Graph
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from programs import STEPS, Program

import rushlight as torch

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
