"""Each partner that is a folder, and each connector of the house, is read from its cases, as the gateway would read it, and
through what goes wrong. A folder or a connector more is covered without a line here."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest

from gateway.cli.kit.target import NoSecrets, find_target
from gateway.cli.kit.verify import verify_cases
from gateway.connectors.base import Connector
from gateway.connectors.discovery import connectors

TESTS = Path(__file__).parents[1]
PARTNERS = sorted(path for path in (TESTS / "partenaires").iterdir() if path.is_dir())
HOUSE, DEMO = TESTS / "cas", TESTS.parent / "fixtures" / "partenaires"


def without_cases(found: Mapping[str, Connector], root: Path) -> list[str]:
    """The connectors that no case proves."""
    return sorted(genre for genre in found if not any((root / genre / "cas").glob("*.attendu.json")))


def test_every_connector_of_the_house_has_cases(tmp_path: Path) -> None:
    """One more module that exports a connector, and this fails until it has some."""
    assert without_cases(connectors(), HOUSE) == []
    assert without_cases(connectors(), tmp_path) == sorted(connectors())


@pytest.mark.parametrize(
    "folder",
    [*PARTNERS, *sorted(HOUSE.iterdir()), *sorted(DEMO.iterdir())],
    ids=lambda folder: "/".join(folder.parts[-3:]),
)
def test_a_partner_is_read_as_its_cases_say(folder: Path) -> None:
    verdict = asyncio.run(verify_cases(find_target(str(folder), {}, NoSecrets()), with_misbehaviours=True))
    assert verdict.failures == []
    assert verdict.passed


def test_there_are_partners_of_each_way() -> None:
    """A nested XML, a cursor, a CSV of several years, GraphQL."""
    dialects = [find_target(str(folder), {}, NoSecrets()).dialect for folder in PARTNERS]
    assert {dialect.format for dialect in dialects if dialect} == {"xml", "json", "csv"}
    assert {bool(dialect.graphql) for dialect in dialects if dialect} == {True, False}
