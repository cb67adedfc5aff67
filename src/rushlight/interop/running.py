"""Running a user's program as Python itself would: a true `__main__`, clean tracebacks, honest exit codes."""

from __future__ import annotations

import os
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

from .alias import explain

if TYPE_CHECKING:
    from collections.abc import Callable
    from importlib.machinery import ModuleSpec
    from types import CodeType

# Where the frames above the user's own come from: this package, and importlib where it loads the program.
RUNNERS = (__name__.partition(".")[0], "importlib")


class CannotStart(Exception):
    """There is no program to run: the message, and the exit status that Python gives."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


def fresh_main(directory: str | None, argv: list[str], **attributes: Any) -> ModuleType:
    """Install and return an empty `__main__` with these attributes; set `sys.argv`, and `sys.path[0]` if given."""
    if directory is not None and not sys.flags.safe_path:
        sys.path[0] = directory
    sys.argv[:] = argv
    main = ModuleType("__main__")
    vars(main).update({"__builtins__": sys.modules["builtins"], "__annotations__": {}}, **attributes)
    sys.modules["__main__"] = main
    return main


def guarded(action: Callable[..., None], *arguments: Any) -> int:
    """Run the user's code, show what it raises, and return the exit status; SystemExit and CannotStart pass."""
    try:
        action(*arguments)
    except (SystemExit, CannotStart):
        raise
    except BaseException as error:
        show(error)
        return 130 if isinstance(error, KeyboardInterrupt) else 1
    return 0


def show(error: BaseException) -> None:
    """Print the error as Python would have, through the user's `sys.excepthook` if there is one."""
    explain(error)
    without_runner(error)
    if sys.excepthook is sys.__excepthook__:
        from traceback import print_exception  # unlike the built-in hook, it knows the source lines of cells

        print_exception(error)
    else:
        sys.excepthook(type(error), error, error.__traceback__)


def without_runner(error: BaseException) -> BaseException:
    """The same error, its traceback beginning at the user's first line."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_globals.get("__name__", "").partition(".")[0] in RUNNERS:
        trace = trace.tb_next
    return error.with_traceback(trace)


def run_source(source: str | bytes, filename: str, argv: list[str]) -> None:
    """Run the text of `-c` or of standard input."""
    from importlib.machinery import BuiltinImporter

    main = fresh_main("", argv, __loader__=BuiltinImporter)
    exec(compile(source, filename, "exec", dont_inherit=True), vars(main))


def run_file(path: str, arguments: list[str]) -> None:
    """Run a source file, or a directory or zip archive that holds a `__main__`."""
    from importlib.machinery import SourceFileLoader
    from pkgutil import get_importer

    filename = os.path.abspath(path)
    importer = get_importer(filename)
    if importer is not None:
        spec = importer.find_spec("__main__")
        if spec is None:
            raise CannotStart(f"can't find '__main__' module in {filename!r}", 1)
        _run_spec(spec, filename, [path, *arguments])
        return
    try:
        with open(filename, "rb") as file:
            source = file.read()
    except OSError as error:
        raise CannotStart(f"can't open file {filename!r}: [Errno {error.errno}] {error.strerror}", 2) from None
    loader = SourceFileLoader("__main__", filename)
    directory = os.path.dirname(os.path.realpath(path))
    main = fresh_main(directory, [path, *arguments], __file__=filename, __cached__=None, __loader__=loader)
    exec(compile(source, filename, "exec", dont_inherit=True), vars(main))


def run_module(name: str, arguments: list[str]) -> None:
    """Run a module, or a package's `__main__`, found along `sys.path` with the current directory first."""
    fresh_main(os.getcwd(), ["-m", *arguments])
    spec = _module_spec(name)
    if spec.submodule_search_locations is not None:
        spec = _module_spec(name + ".__main__")
    _run_spec(spec, None, [spec.origin or name, *arguments])


def _module_spec(name: str) -> ModuleSpec:
    from importlib.util import find_spec

    try:
        spec = find_spec(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):  # an import inside the user's package
            raise
        raise CannotStart(str(error), 1) from None
    if spec is None:
        raise CannotStart(f"No module named {name}", 1)
    return spec


def _run_spec(spec: ModuleSpec, directory: str | None, argv: list[str]) -> None:
    code: CodeType | None = getattr(spec.loader, "get_code", lambda name: None)(spec.name)
    if code is None:
        raise CannotStart(f"No code object available for {spec.name}", 1)
    about = {"__file__": spec.origin, "__cached__": spec.cached, "__loader__": spec.loader, "__package__": spec.parent}
    main = fresh_main(directory, argv, __spec__=spec, **about)
    exec(code, vars(main))
