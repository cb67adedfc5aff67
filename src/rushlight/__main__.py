"""The command line: run a program, a module, a string or a notebook with `import torch` meaning Rushlight."""

from __future__ import annotations

import sys

HELP = """\
usage: rushlight program.py [arguments]      run a program (also a directory or zip with a __main__)
       rushlight -m module [arguments]       run a module, as python -m
       rushlight -c code [arguments]         run a string, as python -c
       rushlight - [arguments]               run the program on standard input
       rushlight notebook.ipynb              run the cells in order and print each last expression
       rushlight notebook.ipynb --save [OUT] and write the executed notebook to OUT, or in place

Inside, `import torch` and every `torch.x.y` are Rushlight. Everything after the program belongs to the program.

options: -h, --help      show this help
         -V, --version   show the version
For an option of Python itself: python -X option -m rushlight program.py
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command line (`sys.argv[1:]` by default) and return the exit status; a program's SystemExit passes."""
    words = sys.argv[1:] if arguments is None else arguments
    if not words and sys.stdin is not None and not sys.stdin.isatty():
        words = ["-"]
    if not words or words[0] in ("-h", "--help"):
        print(HELP, end="")
        return 0
    if words[0] in ("-V", "--version"):
        from . import __version__

        print(f"rushlight {__version__}")
        return 0
    from .interop.alias import install_as_torch
    from .interop.running import CannotStart

    install_as_torch()
    try:
        return _run(words)
    except CannotStart as error:
        print(f"rushlight: {error}", file=sys.stderr)
        return error.status


def _run(words: list[str]) -> int:
    from .interop import running

    program, *rest = words
    option = program[:2]
    if option in ("-c", "-m"):
        if len(program) > 2:
            rest = [program[2:], *rest]
        if not rest:
            raise running.CannotStart(f"argument expected for the {option} option; see rushlight --help", 2)
        value, *rest = rest
        if option == "-m":
            return running.guarded(running.run_module, value, rest)
        return running.guarded(running.run_source, value, "<string>", ["-c", *rest])
    if program == "-":
        return running.guarded(running.run_source, sys.stdin.buffer.read(), "<stdin>", words)
    if program.startswith("-"):
        hint = "--save comes after the notebook" if program.startswith("--save") else "see rushlight --help"
        raise running.CannotStart(f"unknown option {program}; {hint}", 2)
    if program.lower().endswith(".ipynb"):
        from .interop.notebook import run_notebook

        return run_notebook(program, _save_to(program, rest))
    return running.guarded(running.run_file, program, rest)


def _save_to(notebook: str, words: list[str]) -> str | None:
    """Where `--save [OUT]` or `--save=OUT` writes; None without it."""
    if not words:
        return None
    option, equals, out = words[0].partition("=")
    if option == "--save":
        if equals and out and len(words) == 1:
            return out
        if not equals and len(words) <= 2:
            return words[1] if len(words) == 2 else notebook
    from .interop.running import CannotStart

    raise CannotStart(f"a notebook takes only --save [OUT], not {' '.join(words)!r}", 2)


if __name__ == "__main__":
    sys.exit(main())
