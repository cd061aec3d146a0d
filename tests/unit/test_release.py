"""What a release says of itself, and what it is made of: versions, fragments of the changelog, licences."""

import re
from pathlib import Path

import pytest

from tools import licences, release

ROOT = Path(__file__).resolve().parent.parent.parent
FRAGMENTS = sorted((ROOT / "changelog.d").glob("*"))
NAME = re.compile(r"\+[a-z0-9-]+\.(added|changed|deprecated|removed|fixed|security)\.md")


def test_the_version_is_the_same_wherever_it_is_told() -> None:
    sections = re.findall(r"^## \[([^\]]+)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    told = re.findall(r'^softwareVersion: "(.*)"', (ROOT / "publiccode.yml").read_text(encoding="utf-8"), re.MULTILINE)
    assert sections[0] == "Unreleased"
    assert told == [sections[1]]
    # Two of one number would be two of one wheel, which pip takes for each other: what comes after a release has another.
    changed = any(NAME.fullmatch(fragment.name) for fragment in FRAGMENTS)
    number = release.version().removesuffix(".dev0")
    assert (number != sections[1], number != release.version()) == (changed, changed)


@pytest.mark.parametrize("fragment", FRAGMENTS, ids=lambda fragment: fragment.name)
def test_a_fragment_is_a_paragraph_of_a_known_kind(fragment: Path) -> None:
    text = fragment.read_text(encoding="utf-8")
    if fragment.name == "README.md":
        return
    assert NAME.fullmatch(fragment.name)
    assert text.endswith("\n")
    assert "\n\n" not in text
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text)
    assert [link for link in links if not (ROOT / link).exists()] == [], "links are read from CHANGELOG.md"


@pytest.mark.parametrize(
    ("expression", "allowed"),
    [
        ("MIT", True),
        ("GPL-3.0-only", False),
        ("", False),
        ("MIT OR GPL-3.0-only", True),
        ("MIT AND GPL-3.0-only", False),
        ("MPL-2.0 AND (Apache-2.0 OR MIT)", True),
        ("Apache-2.0 WITH LLVM-exception", True),
        ("MIT AND (Apache-2.0 OR AGPL-3.0-only)", False),
    ],
)
def test_a_licence_is_allowed_when_all_that_binds_us_is_in_the_list(expression: str, allowed: bool) -> None:
    assert licences.is_allowed(expression) is allowed


def test_a_package_under_another_licence_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(licences, "ALLOWED", licences.ALLOWED - {"LGPL-2.1-or-later"})
    monkeypatch.setattr("sys.argv", ["licences", "--check"])
    assert licences.main() == 1
    assert [line.split(":")[0] for line in capsys.readouterr().out.splitlines()[:-1]] == ["python-stdnum"]


def test_what_is_not_committed_or_announced_is_no_release(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(release, "version", lambda: "9.9.9")
    assert {"9.9.9 is not the latest section of CHANGELOG.md", "publiccode.yml does not tell 9.9.9"} <= set(
        release.faults()
    )
