"""How it is measured: two sides take turns, and the median of the ratios of the turns counts."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import repeat
from statistics import median
from types import ModuleType
from typing import NamedTuple

from .cases import Case

SHORTEST = 0.01  # seconds that one timing must last, to drown the clock's own error


class Measured(NamedTuple):
    """Median seconds (or bytes) of either side, and the median over the rounds of candidate / reference."""

    reference: float | None
    candidate: float
    ratio: float | None


def seconds(run: Callable[[], object], count: int) -> float:
    start = time.perf_counter()
    for _ in repeat(None, count):
        run()
    return (time.perf_counter() - start) / count


def compare(sides: list[Callable[[], float]], rounds: int) -> Measured:
    """Lets the sides (reference and candidate, or the candidate alone) take turns, in alternating order."""
    times: list[list[float]] = [[] for _ in sides]
    for turn in range(rounds):
        order = range(len(sides)) if turn % 2 == 0 else reversed(range(len(sides)))
        for side in order:
            times[side].append(sides[side]())
    if len(sides) == 1:
        return Measured(None, median(times[0]), None)
    ratios = [candidate / reference for reference, candidate in zip(*times, strict=True)]
    return Measured(median(times[0]), median(times[1]), median(ratios))


def compare_case(case: Case, libraries: list[ModuleType], rounds: int) -> Measured:
    """Times of one operation of the case; the garbage collector stays on, as in a program, and starts clean."""
    gc.collect()
    sides = []
    for library in libraries:
        run = case.make(library)
        if case.self_timed:
            sides.append(lambda run=run: run() / case.operations)
            continue
        for _ in range(3):
            run()  # warm caches, lazily made state, optimizer buffers
        count = max(1, round(SHORTEST / seconds(run, 3)))
        sides.append(lambda run=run, count=count: seconds(run, count) / case.operations)
    return compare(sides, min(rounds, 5) if case.self_timed else rounds)


def output_of(program: str) -> float:
    """The number that a program prints, run by a fresh interpreter."""
    return float(subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout)


def import_seconds(module: str) -> float:
    return output_of(f"import time; start = time.perf_counter(); import {module}; print(time.perf_counter() - start)")


def resident_bytes() -> int:
    """The memory that this process holds, from the operating system's own books."""
    try:
        with open("/proc/self/statm") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:  # not Linux: the most that it ever held, in bytes on macOS
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def node_bytes(module: str, length: int) -> float:
    """How much memory a fresh process gains by one operation of a long chain."""
    return output_of(
        f"import {module} as torch\n"
        "from benchmarks.cases import build_chain\n"
        "from benchmarks.measure import resident_bytes\n"
        "build_chain(torch, 1000)\n"
        "before = resident_bytes()\n"
        f"ends = build_chain(torch, {length})\n"
        f"print((resident_bytes() - before) / {length})"
    )
