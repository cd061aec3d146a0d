"""What the pages of docs/ say of a name, read from their tables: the reference says the same words beside what the code says.
Knows no name; that each has its row, and each row its name, is held by tests/unit/test_reference.py."""

import re
from collections.abc import Iterator, Mapping

from tools.source import ROOT

CELL = re.compile(r" \|(?= |$)")
CODE = re.compile(r"`([^`]+)`")
LINK = re.compile(r"\]\((?!https?:)([^)]+)\)")


def documented(page: str, title: str | None = None) -> Mapping[str, tuple[str, ...]]:
    """The cells of each row, by each name written as code in its first cell. `title`: one section of the page only."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    if title is not None:
        below = re.split(rf"^##+ {re.escape(title)}$", text, maxsplit=1, flags=re.MULTILINE)[1]
        text = re.split(r"^##+ ", below, maxsplit=1, flags=re.MULTILINE)[0]
    return {name: cells[1:] for cells in _rows(text, page) for name in CODE.findall(cells[0])}


def _rows(text: str, page: str) -> Iterator[tuple[str, ...]]:
    for line in text.splitlines():
        if line.startswith("| ") and not line.startswith("| ---"):
            cells = CELL.split(line.strip()[1:])[:-1]
            yield tuple(_placed(cell.strip(), page) for cell in cells)


def _placed(cell: str, page: str) -> str:
    """A cell whose links lead where they did, read from one folder further in."""

    def from_below(match: re.Match[str]) -> str:
        link = match[1]
        return f"](../{page}{link})" if link.startswith("#") else f"](../{link})"

    return LINK.sub(from_below, cell)
