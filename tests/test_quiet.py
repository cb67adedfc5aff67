"""Divisions by zero and overflows: silent in Rushlight, as in PyTorch, and told of as ever in the program's own NumPy code."""

import subprocess
import sys
import threading

import numpy as np
import pytest

import rushlight as torch

FAULTS = [
    lambda: torch.tensor([0.0, -1.0]).log(),
    lambda: torch.ones(2) / 0,
    lambda: torch.full((2,), 1e38).mul_(1e38),
    lambda: torch.ones(0).mean(),
    lambda: torch.tensor([1e5]).exp().softmax(0),
    lambda: torch.full((2,), torch.inf) - torch.inf,
    lambda: torch.zeros(3, requires_grad=True).sqrt().sum().backward(),
    lambda: torch.vmap(torch.log)(torch.zeros(3)),
]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("fault", FAULTS)
def test_tensors_are_silent(fault):
    fault()


@pytest.mark.filterwarnings("error")
def test_they_are_in_every_thread():
    failures = []

    def work():
        for fault in FAULTS:
            try:
                fault()
            except Warning as warning:
                failures.append(warning)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert not failures


def test_what_the_program_computes_with_numpy_is_told_at_its_line():
    with pytest.warns(RuntimeWarning, match="divide by zero encountered") as told:
        np.log(np.zeros(2))
    assert told[0].filename == __file__


def test_what_the_program_says_of_its_errors_holds():
    code = "import numpy as np; np.seterr(divide='raise', over='ignore'); import rushlight; print(np.geterr())"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "'divide': 'raise', 'over': 'ignore', 'under': 'ignore', 'invalid': 'call'" in said
