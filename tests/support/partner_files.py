"""The files of a partner, copied to be spoilt, and what `verifier` says of them."""

import shutil
from pathlib import Path

import pytest

from gateway.__main__ import main

PARTNERS = Path(__file__).parents[1] / "partenaires"


def copied(name: str, folder: Path) -> Path:
    """A copy of one of the partners of the tests."""
    return shutil.copytree(PARTNERS / name, folder / name)


def change(path: Path, before: str, after: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1), encoding="utf-8")


def told(partner: Path, capsys: pytest.CaptureFixture[str], code: int, *options: str) -> str:
    """What is said of a partner, which ends by that code."""
    assert main(["verifier", str(partner), *options]) == code
    out = capsys.readouterr()
    return out.out + out.err
