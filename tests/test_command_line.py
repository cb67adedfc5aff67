"""The command line runs programs as Python does, with torch meaning Rushlight."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

import rushlight
from rushlight import __main__ as command

REPORT = """\
import sys, __main__, pickle, torch
class Thing: pass
assert type(pickle.loads(pickle.dumps(Thing()))) is Thing and __main__.Thing is Thing
print(torch.__name__, __name__, globals().get("__package__"), sys.argv[1:], sys.path[0])
"""


def rush(*arguments, cwd, stdin=""):
    """The exit status, output and error output of one command line."""
    words = [sys.executable, "-m", "rushlight", *map(str, arguments)]
    done = subprocess.run(words, cwd=cwd, input=stdin, capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    """Subprocesses find the same package that the tests run on, installed or not."""
    monkeypatch.setenv("PYTHONPATH", rushlight.__path__[0].removesuffix("rushlight"))


def test_a_program_gets_everything_after_it(tmp_path):
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "program.py").write_text(REPORT + "import beside; print(__file__, sys.argv[0])")
    (tmp_path / "inner" / "beside.py").write_text("")
    status, out, err = rush("inner/program.py", "--help", "-m", "x", cwd=tmp_path)
    folder = tmp_path / "inner"
    assert (status, err) == (0, "")
    assert out.splitlines() == [
        f"rushlight __main__ None ['--help', '-m', 'x'] {folder}",
        f"{folder / 'program.py'} inner/program.py",
    ]


def test_a_module_a_package_and_a_folder(tmp_path):
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "__main__.py").write_text(REPORT)
    (package / "tool.py").write_text(REPORT + "from . import other")
    (package / "other.py").write_text("print(__name__)")
    assert rush("-m", "package", "a", cwd=tmp_path) == (0, f"rushlight __main__ package ['a'] {tmp_path}\n", "")
    status, out, err = rush("-m", "package.tool", cwd=tmp_path)
    assert (status, err) == (0, "")
    assert out == f"rushlight __main__ package [] {tmp_path}\npackage.other\n"
    assert rush("package", "a", cwd=tmp_path) == (0, f"rushlight __main__  ['a'] {package}\n", "")


def test_code_and_standard_input(tmp_path):
    assert rush("-c", REPORT, "-c", cwd=tmp_path) == (0, "rushlight __main__ None ['-c'] \n", "")
    assert rush("-", "a", cwd=tmp_path, stdin=REPORT) == (0, "rushlight __main__ None ['a'] \n", "")
    assert rush(cwd=tmp_path, stdin="print('piped')") == (0, "piped\n", "")


def test_a_failing_program_shows_its_own_traceback_only(tmp_path):
    program = tmp_path / "program.py"
    program.write_text("import torch\ndef divide(x):\n    return x / 0\n\ndivide(1)\n")
    status, out, err = rush("program.py", cwd=tmp_path)
    assert status == 1 and out == ""
    assert [line.strip() for line in err.splitlines() if line.startswith("  File")] == [
        f'File "{program}", line 5, in <module>',
        f'File "{program}", line 3, in divide',
    ]
    assert err.endswith("ZeroDivisionError: division by zero\n")


def test_spawned_workers_have_the_same_torch(tmp_path):
    (tmp_path / "program.py").write_text(
        "import multiprocessing, torch.nn.functional\n"
        "def name(thing): return torch.__name__, torch.nn.functional.__name__, thing is torch.nn.Module\n"
        "if __name__ == '__main__':\n"
        "    with multiprocessing.get_context('spawn').Pool(1) as pool:\n"
        "        print(pool.apply(name, [torch.nn.Module]))\n"
    )
    expected = "('rushlight', 'rushlight.nn.functional', True)\n"
    assert rush("program.py", cwd=tmp_path) == (0, expected, "")


def test_a_missing_import_tells_how_to_report_it(tmp_path):
    status, _, err = rush("-c", "from torch.nn import gone", cwd=tmp_path)
    assert status == 1
    assert "ImportError: cannot import name 'gone'" in err and "/issues" in err.splitlines()[-1]


def test_a_syntax_error_has_no_traceback_above_it(tmp_path):
    (tmp_path / "program.py").write_text("x = = 1\n")
    status, _, err = rush("program.py", cwd=tmp_path)
    assert status == 1
    assert err.startswith(f'  File "{tmp_path / "program.py"}", line 1\n') and "SyntaxError" in err


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        ("raise SystemExit(7)", 7, ""),
        ("raise SystemExit('bye')", 1, "bye\n"),
        ("import atexit; atexit.register(print, 'left'); raise SystemExit", 0, ""),
    ],
)
def test_exit_codes_propagate(tmp_path, code, status, error):
    found, out, err = rush("-c", code, cwd=tmp_path)
    assert (found, err) == (status, error)
    assert ("left" in out) == ("atexit" in code)


@pytest.fixture
def in_process(monkeypatch):
    """Run a command line here, the interpreter's own state put back afterwards."""
    from rushlight.interop import alias

    for name in [name for name in sys.modules if name.partition(".")[0] == "torch"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "argv", list(sys.argv))
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    yield lambda *words: command.main(list(words))
    alias.uninstall()


def test_a_keyboard_interrupt_is_130(in_process, capsys):
    assert in_process("-c", "raise KeyboardInterrupt") == 130
    assert capsys.readouterr().err.endswith("KeyboardInterrupt\n")


def test_the_programs_own_hook_shows_its_errors(in_process, capsys, monkeypatch):
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    hook = "lambda kind, error, trace: print('mine', kind.__name__, trace.tb_lineno)"
    assert in_process("-c", f"import sys\nsys.excepthook = {hook}\n1 / 0") == 1
    assert capsys.readouterr().out == "mine ZeroDivisionError 3\n"


def test_help_and_version(in_process, capsys):
    assert in_process("--help") == in_process("-h") == 0
    assert "rushlight notebook.ipynb --save [OUT]" in capsys.readouterr().out
    assert in_process("--version") == in_process("-V") == 0
    assert capsys.readouterr().out == f"rushlight {rushlight.__version__}\n" * 2


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["gone.py"], 2, "can't open file '.*gone.py': .Errno 2. No such file"),
        (["-m", "gone_module"], 1, "No module named gone_module"),
        (["-m", "json.gone"], 1, "No module named json.gone"),
        (["-c"], 2, "argument expected for the -c option"),
        (["-z"], 2, "unknown option -z"),
        (["--save", "a.ipynb"], 2, "--save comes after the notebook"),
        (["a.ipynb", "--what"], 2, "takes only --save"),
    ],
)
def test_what_cannot_start(in_process, capsys, words, status, message):
    assert in_process(*words) == status
    assert re.match(f"rushlight: .*{message}", capsys.readouterr().err)
