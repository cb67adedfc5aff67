"""Notebooks run without Jupyter: cells in order, last expressions shown, outputs saved."""

from __future__ import annotations

import base64
import json
import os
import sys
import warnings
from types import ModuleType

import pytest

from rushlight import __main__ as command
from rushlight.interop import alias, notebook


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Write cells as a notebook, run it with these options, and return status, output, error output and cells."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "torch"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "argv", list(sys.argv))
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    monkeypatch.setenv("MPLBACKEND", "agg")
    path = tmp_path / "book.ipynb"

    def run(*sources, options=("--save",), read=path):
        cells = [{"cell_type": "markdown", "id": "text", "metadata": {}, "source": "# Title"}]
        for number, source in enumerate(sources):
            old = {"output_type": "stream", "name": "stdout", "text": "old"}
            body = {"source": source.splitlines(True), "outputs": [old], "execution_count": 99}
            cells.append({"cell_type": "code", "id": f"cell{number}", "metadata": {}, **body})
        path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {"a": 1}, "cells": cells}))
        status = command.main([str(path), *map(str, options)])
        captured = capsys.readouterr()
        return status, captured.out, captured.err, json.loads(read.read_text())["cells"][1:]

    yield run
    alias.uninstall()


def texts(cell):
    """Each output's kind with its text."""
    found = []
    for output in cell["outputs"]:
        text = output.get("text") or output.get("data", {}).get("text/plain") or output["traceback"]
        found.append((output.get("name") or output["output_type"], "".join(text)))
    return found


def test_cells_share_a_real_main_and_show_their_last_expression(run):
    status, out, err, cells = run(
        "import torch, __main__, pickle, sys\nclass Thing: pass\n1\n2",
        "",
        "pickle.loads(pickle.dumps(Thing())).__class__ is __main__.Thing, __name__, torch.__name__",
        "None",
        "x = 'kept'",
        "display(x, [1])\nx",
    )
    assert (status, err) == (0, "")
    assert out == "2\n(True, '__main__', 'rushlight')\n'kept'\n[1]\n'kept'\n"
    assert [cell["execution_count"] for cell in cells] == [1, None, 2, 3, 4, 5]
    assert [texts(cell) for cell in cells] == [
        [("execute_result", "2")],
        [],
        [("execute_result", "(True, '__main__', 'rushlight')")],
        [],
        [],
        [("display_data", "'kept'"), ("display_data", "[1]"), ("execute_result", "'kept'")],
    ]
    assert cells[0]["outputs"][0]["execution_count"] == 1


@pytest.mark.parametrize("source", ["3;", "3 ; # why", "(3\n);", "'é'; 'ü';"])
def test_a_semicolon_silences(run, source):
    assert run(source)[1] == ""


@pytest.mark.parametrize("source", ["3 # a; b", "3 # ;", "';'", "x = 1; 3"])
def test_other_semicolons_do_not(run, source):
    assert run(source)[1] != ""


def test_streams_are_recorded_in_order(run):
    status, out, err, cells = run(
        "import sys\nprint('a'); print('b')\nsys.stderr.write('c')\nsys.stdout.writelines(['d', 'e'])\nprint(end='')\n9"
    )
    assert (status, out, err) == (0, "a\nb\nde9\n", "c")
    assert texts(cells[0]) == [("stdout", "a\nb\n"), ("stderr", "c"), ("stdout", "de"), ("execute_result", "9")]
    assert cells[0]["outputs"][0]["text"] == ["a\n", "b\n"]


def test_a_failing_cell_is_named_shown_and_saved(run, tmp_path):
    status, out, err, cells = run("def f(x):\n    return 1 / x", "print('on')\n\nf(0)", "print('never')")
    assert (status, out) == (1, "on\n")
    top = 'Traceback (most recent call last):\n  File "<book.ipynb cell 2>", line 3, in <module>\n    f(0)\n'
    assert err.startswith(top)
    assert 'File "<book.ipynb cell 1>", line 2, in f\n    return 1 / x\n' in err
    assert err.endswith("ZeroDivisionError: division by zero\nrushlight: book.ipynb: cell 2, line 3 failed\n")
    assert [kind for kind, _ in texts(cells[1])] == ["stdout", "error"]
    error = cells[1]["outputs"][1]
    assert (error["ename"], error["evalue"]) == ("ZeroDivisionError", "division by zero")
    assert error["traceback"][0] == "Traceback (most recent call last):" and "rushlight" not in str(error)
    assert cells[2]["outputs"] == [] and cells[2]["execution_count"] is None
    assert os.listdir(tmp_path) == ["book.ipynb"]  # nothing is left beside it


def test_a_syntax_error_names_its_line(run):
    status, _, err, _ = run("x = 1", "\n\nx = = 2")
    assert status == 1
    assert err.startswith('  File "<book.ipynb cell 2>", line 3\n    x = = 2\n')
    assert err.endswith("cell 2, line 3 failed\n")


def test_leaving_early(run):
    assert run("raise KeyboardInterrupt")[0] == 130
    with pytest.raises(SystemExit) as left:
        run("print('before')\nraise SystemExit(7)")
    assert left.value.code == 7


def test_idle_magics_are_left_out_with_a_note(run):
    status, out, err, _ = run(
        "%matplotlib inline\n!pip install \\\n    thing it's\n"
        "from __future__ import annotations\nif True:\n    %autoreload 2\n1",
        "%%time\n'''\n%not a magic\n'''\n%time 1 + 1",
        "%%timeit\nundefined",
        "def f(x: undefined): pass",  # the __future__ import of the first cell still holds
    )
    assert (status, out) == (0, "1\n2\n")
    assert err.splitlines() == [
        "rushlight: book.ipynb: cell 1, line 1: %matplotlib inline is left out",
        "rushlight: book.ipynb: cell 1, line 2: !pip install \\ is left out",
        "rushlight: book.ipynb: cell 1, line 6: %autoreload 2 is left out",
        "rushlight: book.ipynb: cell 2, line 1: %%time runs without its timing",
        "rushlight: book.ipynb: cell 2, line 5: %time 1 + 1 runs without its timing",
        "rushlight: book.ipynb: cell 3, line 1: %%timeit measures only; the cell is left out",
    ]


@pytest.mark.parametrize("line", ["!ls", "%run other.py", "%%bash", "%", "!"])
def test_other_magics_are_clear_errors(run, line):
    status, out, err, _ = run(f"print('not run')\n{line}")
    assert (status, out) == (1, "")
    assert err.startswith('  File "<book.ipynb cell 1>", line 2\n')
    assert f"SyntaxError: {line.split()[0]} is IPython's, and Rushlight runs Python only" in err


def test_the_source_of_cells_is_known(run):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        source = "import inspect, warnings\ndef f():\n    return 1\nwarnings.warn('careful')\ninspect.getsource(f)"
        _, out, _, _ = run(source)
    assert out == repr("def f():\n    return 1\n") + "\n"
    assert (caught[0].filename, caught[0].lineno) == ("<book.ipynb cell 1>", 4)


def test_rich_representations_are_saved(run):
    source = "class Table:\n    def _repr_html_(self): return '<b>1</b>'\n    def __repr__(self): return 'table'\n"
    _, out, _, cells = run(source + "Table()")
    assert out == "table\n"
    assert cells[0]["outputs"][0]["data"] == {"text/plain": ["table"], "text/html": ["<b>1</b>"]}


def test_figures_are_shown_and_saved(run, monkeypatch):
    # A stand-in with the three calls that a notebook run makes of matplotlib, so that the suite does not need it.
    stand_in = """
import sys
from types import ModuleType
figure, pyplot = ModuleType("matplotlib.figure"), ModuleType("matplotlib.pyplot")
class Figure:
    def __repr__(self): return "<Figure>"
    def savefig(self, file, format, bbox_inches): file.write(b"picture as " + format.encode())
figure.Figure, open_figures = Figure, {1: Figure()}
pyplot.get_fignums, pyplot.figure, pyplot.close = lambda: list(open_figures), open_figures.get, open_figures.pop
sys.modules.update({"matplotlib.figure": figure, "matplotlib.pyplot": pyplot})
"""
    agg = ModuleType("matplotlib.backends.backend_agg")
    agg.FigureCanvasAgg = object()
    modules = {"matplotlib.backends.backend_agg": agg, "matplotlib.figure": None, "matplotlib.pyplot": None}
    for name in ("matplotlib", "matplotlib.backends"):
        modules[name] = ModuleType(name)
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.delitem(sys.modules, "rushlight.interop.figures", raising=False)
    show = "import os\nfrom importlib import import_module\n"
    show += "backend = import_module(os.environ['MPLBACKEND'].removeprefix('module://'))\n"
    monkeypatch.delenv("MPLBACKEND")
    _, out, _, cells = run(stand_in, f"open_figures[2] = Figure()\n{show}backend.show()\nopen_figures")
    monkeypatch.delitem(sys.modules, "rushlight.interop.figures")
    assert out == "<Figure>\n<Figure>\n{}\n"
    assert [output["output_type"] for output in cells[1]["outputs"]] == ["display_data", "execute_result"]
    (shown,) = cells[0]["outputs"]
    assert shown["output_type"] == "display_data"
    assert base64.b64decode(shown["data"]["image/png"]) == b"picture as png"


def test_save_to_another_file_or_not_at_all(run, tmp_path):
    out = tmp_path / "out.ipynb"
    assert texts(run("1", options=[f"--save={out}"], read=out)[3][0]) == [("execute_result", "1")]
    assert texts(run("2", options=["--save", out], read=out)[3][0]) == [("execute_result", "2")]
    assert texts(run("3", options=[])[3][0]) == [("stdout", "old")]
    whole = json.loads(out.read_text())
    assert (whole["metadata"], whole["cells"][0]["source"]) == ({"a": 1}, "# Title")


@pytest.mark.parametrize(
    ("text", "message"),
    [("not json", "is not a notebook"), ('{"nbformat": 3}', "format 4"), ("[]", "format 4")],
)
def test_what_is_not_a_notebook(tmp_path, text, message):
    path = tmp_path / "book.ipynb"
    path.write_text(text)
    with pytest.raises(notebook.CannotStart, match=message):
        notebook.run_notebook(str(path))


def test_an_unwritable_place_is_told_before_running(run, tmp_path, capsys):
    status, out, err, _ = run("print('ran')", options=["--save", tmp_path / "gone" / "out.ipynb"])
    assert (status, out) == (2, "")
    assert "can't write to" in err
