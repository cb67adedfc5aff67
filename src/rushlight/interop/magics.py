"""The lines of a notebook cell that are IPython's and not Python's: `%magic`, `%%magic` and `!shell`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# They set up a notebook's surroundings or measure, and leave its variables alone.
IGNORED = frozenset(
    ("alias_magic", "autoreload", "colors", "conda", "config", "load_ext", "matplotlib", "pip", "precision")
    + ("reload_ext", "timeit", "xmode")
)


def without_magics(source: str, filename: str, parse: Callable[[str], object], note: Callable[[str], None]) -> object:
    """`parse(source)`, after IPython's lines in it became Python on the same line, `note` telling of each.

    Only the lines that Python rejects are looked at: one in a string that begins with `%` is text. A line that has no
    meaning here raises SyntaxError.
    """
    lines = source.split("\n")
    while True:
        try:
            return parse("\n".join(lines))
        except SyntaxError as error:
            foreign = [number for number, line in enumerate(lines) if line.lstrip()[:1] in ("%", "!")]
            if not foreign:
                raise
            # The tokenizer may stumble over a later line's shell text before the parser reaches this one.
            reported = (error.lineno or 0) - 1
            _translate(lines, reported if reported in foreign else foreign[0], filename, note)


def _translate(lines: list[str], number: int, filename: str, note: Callable[[str], None]) -> None:
    """Replace the foreign line `lines[number]`, and the lines that continue it, in place."""
    line = lines[number]
    indent, text = line[: len(line) - len(line.lstrip())], line.strip()
    words = text.lstrip("%!").split(None, 1) or [""]
    name, rest = words[0], words[1] if len(words) > 1 else ""
    replacement = indent and indent + "pass"  # nothing where it can be: a __future__ import may follow
    if name == "time" and text.startswith("%"):
        note(f"line {number + 1}: {text} runs without its timing")
        replacement = indent + rest if rest and not text.startswith("%%") else replacement
    elif text.startswith("%%timeit"):
        note(f"line {number + 1}: {text} measures only; the cell is left out")
        lines[number:] = []
        return
    elif text.startswith("%%") or not _is_idle(text, name, rest):
        message = f"{text.split()[0]} is IPython's, and Rushlight runs Python only; remove the line"
        raise SyntaxError(message, (filename, number + 1, len(indent) + 1, line)) from None
    else:
        note(f"line {number + 1}: {text} is left out")
    while lines[number].endswith("\\") and number + 1 < len(lines):
        lines[number] = replacement
        number, replacement = number + 1, ""
    lines[number] = replacement


def _is_idle(text: str, name: str, rest: str) -> bool:
    """Whether the program can go on without the line: an idle magic, or an installation."""
    return name in IGNORED if text.startswith("%") else name in ("pip", "pip3", "conda")
