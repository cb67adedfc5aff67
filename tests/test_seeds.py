"""The seed documents, cell by cell: the code runs verbatim, and what it shows is what the document shows.

The documents are notebooks saved as text, in which code, output and prose are not marked apart; hence the table of
line numbers. The cells of a document share a namespace and run in the order of their execution counts, as their authors
ran them. Memory addresses are not compared.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest
from notebooks import run_cells

SEEDS = Path(__file__).parents[2] / "shared" / "seeds"

pytestmark = pytest.mark.skipif(not SEEDS.is_dir(), reason="the seed documents are not beside this repository")

# Document -> execution count -> (lines of code, lines of output or None), first and last, counted from 1.
# The one cell of the last document stands in a fence and has no count.
CELLS = {
    "000_3b0d20d49c73ead8.txt": {
        5: ((10, 18), (20, 20)),
        6: ((29, 37), (39, 40)),
        24: ((50, 64), (66, 67)),
        27: ((77, 109), None),
    },
    "001_1ae6ac2a684a6cae.txt": {
        7: ((6, 6), None),
        8: ((11, 15), (17, 18)),
        9: ((22, 23), None),
        10: ((26, 27), (29, 29)),
        23: ((34, 40), (42, 44)),
        24: ((48, 48), None),
        25: ((51, 51), (53, 53)),
        26: ((56, 56), (58, 58)),
        60: ((66, 67), None),
        61: ((70, 73), (75, 76)),
        62: ((80, 83), (85, 86)),
        63: ((90, 97), None),
        64: ((100, 101), (103, 103)),
        65: ((106, 106), None),
        66: ((109, 110), (112, 113)),
        70: ((121, 123), (125, 126)),
        71: ((130, 131), (133, 133)),
        72: ((136, 136), None),
        73: ((139, 139), (141, 141)),
        74: ((146, 147), (149, 149)),
        75: ((152, 153), (155, 155)),
        76: ((158, 159), (161, 161)),
        77: ((164, 165), (167, 167)),
        78: ((170, 171), (173, 173)),
        79: ((180, 180), (182, 182)),
        80: ((185, 187), (189, 189)),
        82: ((203, 204), (206, 206)),
        83: ((211, 211), (213, 213)),
        84: ((218, 219), (221, 221)),
        86: ((197, 198), (200, 200)),
        87: ((224, 225), (227, 227)),
        88: ((230, 231), (233, 233)),
        89: ((238, 239), None),
        90: ((242, 242), (244, 244)),
    },
    "002_8cce1ca8be29cd20.txt": {
        18: ((13, 13), None),
        34: ((16, 23), (25, 27)),
        35: ((38, 46), (48, 51)),
        74: ((66, 67), (69, 69)),
        78: ((72, 73), (75, 75)),
        79: ((78, 79), (81, 81)),
        80: ((84, 85), (87, 87)),
        83: ((92, 94), None),
    },
    "003_bbbffeebc981196e.txt": {
        1: ((8, 8), None),
        3: ((11, 13), (15, 16)),
        4: ((20, 22), (24, 25)),
        6: ((31, 32), (34, 34)),
        7: ((38, 40), (42, 43)),
        9: ((49, 55), (57, 59)),
        10: ((67, 67), None),
        11: ((70, 71), (73, 74)),
        13: ((80, 84), (86, 86)),
        14: ((93, 95), (97, 97)),
        15: ((105, 110), (112, 114)),
        16: ((118, 121), (123, 125)),
    },
    "004_e47711d459c9f971.txt": {
        0: ((28, 37), None),
    },
}

# What PyTorch 2.13 shows where a document cannot say it: the two random cells after manual_seed(0), and the fence,
# which shows code only.
INSTEAD = {
    ("003_bbbffeebc981196e.txt", 13): "tensor([472.2014, 973.9448, 752.7834], grad_fn=<MulBackward0>)\n",
    ("003_bbbffeebc981196e.txt", 14): "tensor([1.5360e+02, 1.5360e+03, 1.5360e-01])\n",
    ("004_e47711d459c9f971.txt", 0): "tensor([3., 3., 3.])\n",
}

# The cell that reads the gradient of a non-leaf: of the warning the document kept the second line, which quotes it.
WARNING = ("001_1ae6ac2a684a6cae.txt", 26)

EVERY_CELL = [(document, count) for document, cells in CELLS.items() for count in cells]


@cache
def lines(document: str) -> list[str]:
    return (SEEDS / document).read_text(encoding="utf-8").splitlines()


def between(document: str, span: tuple[int, int] | None) -> str:
    return "" if span is None else "".join(line + "\n" for line in lines(document)[span[0] - 1 : span[1]])


@cache
def results(document: str) -> dict[int, dict]:
    cells = CELLS[document]
    order = sorted(cells)
    return dict(zip(order, run_cells([between(document, cells[count][0]) for count in order]), strict=True))


def without_addresses(text: str) -> str:
    return re.sub(r"0x[0-9a-f]+", "0x...", text)


def shown(document: str, count: int) -> str:
    """What the document shows for the cell, or what stands in for it."""
    return INSTEAD.get((document, count)) or between(document, CELLS[document][count][1])


def test_the_table_names_every_cell() -> None:
    """Each `In [n]:` and the fence has its row, and a blank line or the end of the document follows code and output."""
    assert sum(map(len, CELLS.values())) == 59
    assert {path.name for path in SEEDS.glob("*.txt")} == set(CELLS)
    for document, cells in CELLS.items():
        counts = {}
        for number, line in enumerate(lines(document), 1):
            if match := re.fullmatch(r"In \[(\d+)\]:|```python", line):
                counts[int(match[1] or 0)] = number + 1
        assert counts == {count: code[0] for count, (code, _) in cells.items()}
        for code, output in cells.values():
            for _, last in filter(None, (code, output)):
                assert [*lines(document), ""][last] in ("", "```")
            assert output is None or not "".join(lines(document)[code[1] : output[0] - 1])


@pytest.mark.parametrize(("document", "count"), EVERY_CELL, ids=lambda value: str(value)[:3])
def test_cell(document: str, count: int) -> None:
    result = results(document)[count]
    warned = result["warnings"]
    if (document, count) == WARNING:
        (warning,) = warned
        first, rest = warning.split("\n", 1)
        assert "UserWarning: The .grad attribute of a Tensor that is not a leaf Tensor is being accessed" in first
        assert rest == shown(document, count)
        assert result["output"] == ""
    else:
        assert warned == []
        assert without_addresses(result["output"]) == without_addresses(shown(document, count))
