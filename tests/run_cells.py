"""Runs the cells of a notebook under the alias, in one namespace, and tells what a notebook would show.

A program of its own, since `import torch` must find Rushlight before anything else can load another torch. It reads a
JSON list of sources from the standard input and writes {"torch": path, "cells": [{"output": ..., "warnings": [...]}]}.
"""

from __future__ import annotations

import ast
import contextlib
import io
import json
import linecache
import sys
import traceback
import warnings


def run(source: str, filename: str, namespace: dict[str, object]) -> dict[str, object]:
    """Runs one cell; what it printed, the repr of its last expression, and an error's last line make its output."""
    # The warnings module quotes the line a warning points at, if it can find it here.
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    tree = ast.parse(source, filename)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    output = io.StringIO()
    with contextlib.redirect_stdout(output), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            exec(compile(tree, filename, "exec"), namespace)
            if last is not None:
                value = eval(compile(ast.Expression(last.value), filename, "eval"), namespace)
                if value is not None:
                    print(repr(value))
        except Exception as error:
            output.write("".join(traceback.format_exception_only(error)))
        shown = [warnings.formatwarning(w.message, w.category, w.filename, w.lineno) for w in caught]
    return {"output": output.getvalue(), "warnings": shown}


def main() -> None:
    import rushlight

    rushlight.install_as_torch()
    import torch

    torch.manual_seed(0)  # the cells that draw random numbers draw PyTorch's
    namespace: dict[str, object] = {"__name__": "__main__"}
    cells = [run(source, f"<cell {i}>", namespace) for i, source in enumerate(json.load(sys.stdin))]
    json.dump({"torch": torch.__file__, "cells": cells}, sys.stdout)


if __name__ == "__main__":
    main()
