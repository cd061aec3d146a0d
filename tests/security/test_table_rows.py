"""Each row of the tables G, T and U of docs/security.md has a test of its id, or a reason in the README beside this file."""

import re
from pathlib import Path

TESTS = Path(__file__).parent.parent
ROWS = {f"G{n:02}" for n in range(1, 21)} | {f"T{n:02}" for n in range(1, 12)} | {f"U{n:02}" for n in range(1, 19)}


def _named() -> set[str]:
    names = [name for file in TESTS.rglob("test_*.py") for name in re.findall(r"def (test_\w+)", file.read_text())]
    return {line.upper() for name in names for line in re.findall(r"_([gtu]\d\d)(?=_)", name)}


def _explained() -> set[str]:
    return set(
        re.findall(r"^\| ([GTU]\d\d) \|", (TESTS / "security/README.md").read_text(encoding="utf-8"), re.MULTILINE)
    )


def test_every_row_has_a_test_or_a_reason() -> None:
    assert ROWS - _named() - _explained() == set()
