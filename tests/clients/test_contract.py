"""The published contract beside that of the last release (docs/versions.md): what breaks callers is announced beforehand."""

import json
import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from graphql import DirectiveNode, StringValueNode, Visitor, parse, visit

from tests.at_rest.opened import VERSIONS
from tests.clients.conftest import FOLDER
from tests.support.node import execute

SCHEMA = Path("schema.graphql")
RELEASED = max(VERSIONS.glob("v*/schema.graphql"))
LEAVES = re.compile(r", retrait le (\d{4}-\d{2}-\d{2})$")
Change = dict[str, str]


def changes(before: Path, after: Path) -> list[Change]:
    """What graphql-inspector finds from one contract to the other, descriptions left out."""
    told = execute(FOLDER, "changes.mjs", {"BEFORE": str(before.resolve()), "AFTER": str(after.resolve())})
    return [change for change in json.loads(told) if change["criticality"] != "NON_BREAKING"]


class _Deprecations(Visitor):
    """The reason of each deprecation, by the names that lead to it."""

    def __init__(self) -> None:
        super().__init__()
        self.reasons: dict[str, str] = {}

    def enter_directive(
        self, node: DirectiveNode, _key: object, _parent: object, _path: object, ancestors: list[object]
    ) -> None:
        if node.name.value == "deprecated":
            names = [one.name.value for one in ancestors if hasattr(one, "name")]
            reasons = [one.value for one in node.arguments or () if one.name.value == "reason"]
            self.reasons[".".join(names)] = next((one.value for one in reasons if isinstance(one, StringValueNode)), "")


def deprecations(contract: Path) -> dict[str, str]:
    visitor = _Deprecations()
    visit(parse(contract.read_text(encoding="utf-8")), visitor)
    return visitor.reasons


def unannounced(before: Path, after: Path, today: date) -> list[str]:
    """What breaks callers, and was not deprecated by the contract before with a day that has come."""
    reasons = deprecations(before)
    return [
        change["message"]
        for change in changes(before, after)
        if change["criticality"] == "BREAKING" and not _is_over(reasons.get(change["path"], ""), today)
    ]


def _is_over(reason: str, today: date) -> bool:
    told = LEAVES.search(reason)
    return told is not None and date.fromisoformat(told[1]) <= today


def test_nothing_breaks_who_reads_by_the_contract_of_the_last_release() -> None:
    assert unannounced(RELEASED, SCHEMA, datetime.now(UTC).date()) == []


def test_what_may_surprise_callers_has_a_line_of_the_changelog() -> None:
    """A new value of an enum, say, which a client of before does not know."""
    told = "\n".join(
        file.read_text(encoding="utf-8") for file in (Path("CHANGELOG.md"), *Path("changelog.d").glob("*.md"))
    )
    paths = [change["path"] for change in changes(RELEASED, SCHEMA) if change["criticality"] == "DANGEROUS"]
    assert [path for path in paths if path.rpartition(".")[2] not in told] == []


def test_each_deprecation_says_the_day_of_its_end() -> None:
    assert [path for path, reason in deprecations(SCHEMA).items() if not LEAVES.search(reason)] == []


@pytest.fixture
def before(tmp_path: Path) -> Path:
    file = tmp_path / "avant.graphql"
    announced = '@deprecated(reason: "Lire `nom`, retrait le 2026-06-01")'
    file.write_text(
        f"type Query {{ nom: String\n ancien: String {announced}\n profil: Profil }} enum Profil {{ CFA ML }}"
    )
    return file


@pytest.mark.parametrize(
    ("after", "today", "told"),
    [
        ("type Query { nom: String profil: Profil } enum Profil { CFA ML }", date(2026, 5, 31), 1),
        ("type Query { nom: String profil: Profil } enum Profil { CFA ML }", date(2026, 6, 1), 0),
        ("type Query { ancien: String profil: Profil } enum Profil { CFA ML }", date(2026, 6, 1), 1),
        ("type Query { nom: Int ancien: String profil: Profil } enum Profil { CFA ML }", date(2026, 6, 1), 1),
        ("type Query { nom: String profil: Profil! } enum Profil { CFA }", date(2026, 6, 1), 1),
        ("type Query { nom: String ancien: String profil: Profil! autre: Int } enum Profil { CFA ML }", date(2026, 6, 1), 0),
    ],
    ids=["too-early", "announced", "unannounced", "another-type", "a-value-less", "more"],
)  # fmt: skip
def test_a_removal_is_taken_when_its_day_has_come(
    before: Path, tmp_path: Path, after: str, today: date, told: int
) -> None:
    file = tmp_path / "apres.graphql"
    file.write_text(after)
    assert len(unannounced(before, file, today)) == told


def test_a_new_value_of_an_enum_is_dangerous(before: Path, tmp_path: Path) -> None:
    file = tmp_path / "apres.graphql"
    file.write_text(before.read_text().replace("CFA ML", "CFA ML DREETS"))
    assert [(one["criticality"], one["path"]) for one in changes(before, file)] == [("DANGEROUS", "Profil.DREETS")]
