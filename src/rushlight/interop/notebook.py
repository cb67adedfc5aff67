"""Running a Jupyter notebook (nbformat 4) without Jupyter: its cells in order, in one `__main__`."""

from __future__ import annotations
import __future__

import ast
import builtins
import json
import linecache
import os
import sys
from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING, Any

from .magics import without_magics
from .running import CannotStart, fresh_main, show, without_runner

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

FUTURES = sum(getattr(__future__, name).compiler_flag for name in __future__.all_feature_names)
RICH = {"_repr_html_": "text/html", "_repr_markdown_": "text/markdown", "_repr_latex_": "text/latex"}


def run_notebook(path: str, save: str | None = None) -> int:
    """Run the notebook's code cells until one fails; write it with its outputs to `save`; return the exit status."""
    book = _read(path)
    if save is not None:
        save = os.path.realpath(save)
        if not os.access(os.path.dirname(save), os.W_OK):  # said now, not after an hour of training
            raise CannotStart(f"can't write to {save!r}", 2)
    run = _Run(os.path.basename(path))
    main = fresh_main(os.path.dirname(os.path.realpath(path)), [path], display=run.display)
    os.environ.setdefault("MPLBACKEND", "module://rushlight.interop.figures")
    cells = [cell for cell in book["cells"] if cell["cell_type"] == "code"]
    for cell in cells:
        cell.update(outputs=[], execution_count=None)
    try:
        with run:
            for cell in cells:
                run.cell(cell, vars(main))
    except SystemExit:
        raise
    except BaseException as error:
        show(error)
        print(f"rushlight: {run.where(error)} failed", file=sys.stderr)
        return 130 if isinstance(error, KeyboardInterrupt) else 1
    finally:
        if save is not None:
            _write(book, save)
    return 0


def show_figures() -> None:
    """Display every open matplotlib figure in the running cell, and close it."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None and _Run.current is not None:
        for number in pyplot.get_fignums():
            _Run.current.display(pyplot.figure(number))
            pyplot.close(number)


class _Run:
    """A notebook at work. As a context it stands in for the standard streams and for `sys.displayhook`."""

    current: _Run | None = None

    def __init__(self, notebook: str) -> None:
        self.notebook = notebook
        self.count = 0
        self.outputs: list[dict[str, Any]] = []
        self.flags = 0  # the __future__ imports of earlier cells hold in later ones

    def __enter__(self) -> _Run:
        _Run.current = self
        self.saved = sys.stdout, sys.stderr, sys.displayhook
        self.last_stream = sys.stdout
        sys.stdout = _Stream(sys.stdout, partial(self.stream, sys.stdout, "stdout"))
        sys.stderr = _Stream(sys.stderr, partial(self.stream, sys.stderr, "stderr"))
        sys.displayhook = self.displayhook
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: TracebackType | None) -> None:
        _Run.current = None
        sys.stdout, sys.stderr, sys.displayhook = self.saved
        self.last_stream.flush()
        if isinstance(error, Exception | KeyboardInterrupt):
            from traceback import format_exception

            lines = "".join(format_exception(without_runner(error))).splitlines()
            named = {"ename": type(error).__name__, "evalue": str(error), "traceback": lines}
            self.outputs.append({"output_type": "error", **named})
        _finish(self.outputs)

    def cell(self, cell: dict[str, Any], namespace: dict[str, Any]) -> None:
        """Run one cell and show its last expression, unless a semicolon follows; a blank cell is passed over."""
        source = _text(cell["source"])
        if not source.strip():
            return
        _finish(self.outputs)
        self.outputs = cell["outputs"]
        self.count += 1
        cell["execution_count"] = self.count
        filename = self.filename
        linecache.cache[filename] = (len(source), None, source.splitlines(True), filename)
        parse = partial(self.compile, filename=filename, mode="exec", flags=ast.PyCF_ONLY_AST)
        tree: Any = without_magics(source, filename, parse, self.note)
        last = tree.body[-1:]
        if last and isinstance(last[0], ast.Expr) and not _is_quiet(source, last[0]):
            del tree.body[-1]
        else:
            last = []
        exec(self.compile(tree, filename, "exec"), namespace)
        if last:
            exec(self.compile(ast.Interactive(last), filename, "single"), namespace)
        show_figures()

    @property
    def filename(self) -> str:
        return f"<{self.notebook} cell {self.count}>"

    def compile(self, source: Any, filename: str, mode: str, flags: int = 0) -> Any:
        code = compile(source, filename, mode, self.flags | flags, dont_inherit=True)
        self.flags |= getattr(code, "co_flags", 0) & FUTURES
        return code

    def where(self, error: BaseException) -> str:
        """The running cell, and the line of it that was at work."""
        trace = error.__traceback__
        line = trace.tb_lineno if trace is not None else None
        if isinstance(error, SyntaxError) and error.filename == self.filename:
            line = error.lineno
        return f"{self.notebook}: cell {self.count}" + (f", line {line}" if line else "")

    def note(self, text: str) -> None:
        """Tell the user, not the notebook."""
        print(f"rushlight: {self.notebook}: cell {self.count}, {text}", file=self.turn(self.saved[1]))

    def turn(self, stream: Any) -> Any:
        """The terminal's stream to write to now, what went to the other one being out already."""
        if stream is not self.last_stream:
            self.last_stream.flush()
            self.last_stream = stream
        return stream

    def stream(self, stream: Any, name: str, text: str) -> int:
        """Pass on and record what a program writes to `stream`."""
        if not self.outputs or self.outputs[-1].get("name") != name:
            self.outputs.append({"output_type": "stream", "name": name, "text": []})
        self.outputs[-1]["text"].append(text)
        self.turn(stream).write(text)
        return len(text)

    def displayhook(self, value: object) -> None:
        """Show the value of a last expression."""
        if value is not None:
            builtins._ = value  # type: ignore[attr-defined]
            self.put(value, output_type="execute_result", execution_count=self.count)

    def display(self, *values: object) -> None:
        """IPython's `display`: show values in the middle of a cell."""
        for value in values:
            self.put(value, output_type="display_data")

    def put(self, value: object, **output: Any) -> None:
        data = _representations(value)
        print(data["text/plain"], file=self.turn(self.saved[0]))
        self.outputs.append({**output, "data": data, "metadata": {}})


class _Stream:
    """A standard stream whose writes go through a notebook run; in everything else the stream itself."""

    def __init__(self, stream: Any, write: Callable[[str], int]) -> None:
        self._stream = stream
        self.write = write

    def writelines(self, lines: list[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _representations(value: object) -> dict[str, str]:
    """The value by MIME type: its repr, a figure's picture, and what rich reprs it has."""
    data = {"text/plain": repr(value)}
    for method, mime in RICH.items():
        write = getattr(type(value), method, None)
        rich = write(value) if write is not None else None
        if isinstance(rich, str):
            data[mime] = rich
    figures = sys.modules.get("matplotlib.figure")
    if figures is not None and isinstance(value, figures.Figure):
        from binascii import b2a_base64

        picture = BytesIO()
        value.savefig(picture, format="png", bbox_inches="tight")
        data["image/png"] = b2a_base64(picture.getvalue()).decode()
    return data


def _is_quiet(source: str, last: Any) -> bool:
    """Whether a semicolon follows the last expression: after it stand only brackets, comments and semicolons."""
    lines = source.split("\n")[last.end_lineno - 1 :]
    lines[0] = lines[0].encode()[last.end_col_offset :].decode()
    return any(line.partition("#")[0].rstrip().endswith(";") for line in lines)


def _text(text: str | list[str]) -> str:
    """nbformat keeps a text of several lines as one string or as a list of them."""
    return text if isinstance(text, str) else "".join(text)


def _finish(outputs: list[dict[str, Any]]) -> None:
    """Turn the recorded texts into lists of lines, as nbformat keeps them."""
    for output in outputs:
        if "text" in output:
            output["text"] = "".join(output["text"]).splitlines(True)
        for mime, text in output.get("data", {}).items():
            if mime != "image/png" and isinstance(text, str):
                output["data"][mime] = text.splitlines(True)


def _read(path: str) -> dict[str, Any]:
    try:
        with open(path, encoding="utf-8") as file:
            book = json.load(file)
    except OSError as error:
        raise CannotStart(f"can't open file {path!r}: [Errno {error.errno}] {error.strerror}", 2) from None
    except ValueError as error:
        raise CannotStart(f"{path!r} is not a notebook: {error}", 2) from None
    if not isinstance(book, dict) or book.get("nbformat") != 4 or not isinstance(book.get("cells"), list):
        raise CannotStart(f"{path!r} is not a notebook of format 4; convert it with `jupyter nbconvert`", 2)
    return book


def _write(book: dict[str, Any], path: str) -> None:
    """Write beside the file and rename, so that there is always one whole notebook."""
    beside = f"{path}.{os.getpid()}"
    with open(beside, "w", encoding="utf-8") as file:
        json.dump(book, file, indent=1, ensure_ascii=False)
        file.write("\n")
    os.replace(beside, path)
