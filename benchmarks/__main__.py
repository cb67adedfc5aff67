"""Prints every row of the speed budget as a Markdown table, or as JSON."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator
from math import prod

from .cases import IMPORT_BUDGET, LONG_CHAIN, NODE_BUDGET, ROWS
from .measure import Measured, compare, compare_case, import_seconds, node_bytes

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    parser.add_argument("--check", action="store_true", help="exit with 1 if a row is over its budget")
    parser.add_argument("--only", metavar="TEXT", default="", help="only the rows whose name contains TEXT")
    parser.add_argument("--rounds", type=int, default=15, help="turns of each side (default: 15)")
    parser.add_argument("--threads", type=int, default=1, help="threads of both sides (default: 1)")
    parser.add_argument("--candidate", default="rushlight", help="the module to measure (default: rushlight)")
    parser.add_argument("--reference", default="torch", help="the module to compare it with, if installed")
    return parser.parse_args()


def environment(threads: int) -> dict[str, str]:
    """The environment both sides need: it must be set before NumPy or PyTorch load, so the benchmark starts anew."""
    wanted = {**os.environ, **dict.fromkeys(THREAD_VARIABLES, str(threads))}
    wanted.pop("OPENBLAS_CORETYPE", None)  # would have NumPy run the kernels of another CPU
    wanted.pop("PYTHONDONTWRITEBYTECODE", None)  # would have every import compile its sources anew
    return wanted


def show_time(value: float | None) -> str:
    if value is None:
        return "-"
    for factor, unit in ((1.0, "s"), (1e3, "ms"), (1e6, "us")):
        if value * factor >= 1:
            return f"{value * factor:.3g} {unit}"
    return f"{value * 1e9:.3g} ns"


def show_bytes(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f} bytes"


def line(
    row: str,
    measured: Measured,
    budget: float | None,
    show: Callable[[float | None], str] = show_time,
    judged: str = "ratio",
) -> dict:
    """A line of the table; `judged` names the number that the budget limits."""
    reference, candidate, ratio = measured
    value = getattr(measured, judged)
    within = None if budget is None or value is None else value <= budget
    return {
        "row": row,
        "reference": reference,
        "candidate": candidate,
        "ratio": ratio,
        "budget": budget,
        "within": within,
        "cells": [row, show(reference), show(candidate), "-" if ratio is None else f"{ratio:.2f}"],
    }


def geometric_mean(values: tuple[float | None, ...]) -> float | None:
    return None if None in values else prod(values) ** (1 / len(values))


def measure(options: argparse.Namespace) -> Iterator[dict]:
    """Yields the lines of the table as they are measured."""
    names = [*filter(importlib.util.find_spec, [options.reference]), options.candidate]
    if options.only in "import":
        sides = [lambda: import_seconds("numpy"), lambda: import_seconds(options.candidate)]
        yield line("import (reference: `import numpy`)", compare(sides, options.rounds), IMPORT_BUDGET)
    libraries = [importlib.import_module(name) for name in names]
    for library in libraries:
        if hasattr(library, "set_num_threads"):
            library.set_num_threads(options.threads)
    for row in ROWS:
        if options.only not in row.name:
            continue
        measured = [compare_case(case, libraries, options.rounds) for case in row.cases]
        if len(row.cases) == 1:
            yield line(f"{row.name}: {row.cases[0].name}", measured[0], row.budget)
            continue
        for case, result in zip(row.cases, measured, strict=True):
            yield line(f"{row.name}: `{case.name}`", result, None)
        mean = Measured(*(geometric_mean(column) for column in zip(*measured, strict=True)))
        yield line(f"{row.name}: geometric mean", mean, row.budget)
    if options.only in "memory of a node of that chain":
        sides = [lambda name=name: node_bytes(name, LONG_CHAIN // 4) for name in names]
        yield line("memory of a node of that chain", compare(sides, 3), NODE_BUDGET, show_bytes, judged="candidate")


def conditions(options: argparse.Namespace) -> str:
    import numpy

    versions = [f"Python {platform.python_version()}", f"NumPy {numpy.__version__}"]
    for name in (options.candidate, options.reference):
        if importlib.util.find_spec(name):
            versions.append(f"{name} {importlib.import_module(name).__version__}")
    turns = f"{options.threads} thread(s) each; medians of at most {options.rounds} rounds, in turns"
    return f"{', '.join(versions)}; {turns}; {platform.system()} {platform.machine()}"


def main() -> int:
    options = arguments()
    wanted = environment(options.threads)
    if wanted != dict(os.environ):
        return subprocess.run([sys.executable, "-m", "benchmarks", *sys.argv[1:]], env=wanted).returncode

    lines = []
    if not options.json:
        print(f"| work | {options.reference} | {options.candidate} | ratio | budget | |")
        print("|---|--:|--:|--:|--:|---|")
    for entry in measure(options):
        cells = entry.pop("cells")
        lines.append(entry)
        if not options.json:
            mark = {True: "pass", False: "**FAIL**", None: ""}[entry["within"]]
            budget = "" if entry["budget"] is None else f"{entry['budget']:g}"
            print("| " + " | ".join([*cells, budget, mark]) + " |", flush=True)
    if options.json:
        print(json.dumps({"conditions": conditions(options), "rows": lines}, indent=2))
    else:
        print(f"\n{conditions(options)}")
    return int(options.check and any(entry["within"] is False for entry in lines))


if __name__ == "__main__":
    sys.exit(main())
