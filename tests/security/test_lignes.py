"""Each row of the tables G, T and U of SECURITY has a test that bears its id, or a reason in the README beside this file."""

import re
from pathlib import Path

TESTS = Path(__file__).parent.parent
LIGNES = {f"G{n:02}" for n in range(1, 21)} | {f"T{n:02}" for n in range(1, 12)} | {f"U{n:02}" for n in range(1, 19)}


def _nommees() -> set[str]:
    noms = [nom for fichier in TESTS.rglob("test_*.py") for nom in re.findall(r"def (test_\w+)", fichier.read_text())]
    return {ligne.upper() for nom in noms for ligne in re.findall(r"_([gtu]\d\d)(?=_)", nom)}


def _expliquees() -> set[str]:
    return set(
        re.findall(r"^\| ([GTU]\d\d) \|", (TESTS / "security/README.md").read_text(encoding="utf-8"), re.MULTILINE)
    )


def test_every_row_has_a_test_or_a_reason() -> None:
    assert LIGNES - _nommees() - _expliquees() == set()
