"""Each partner that is a folder is read from its cases, as the gateway would read it, and through what goes wrong. A folder more
is covered without a line here."""

import asyncio
from pathlib import Path

import pytest

from gateway.cli.kit.target import NoSecrets, find_target
from gateway.cli.kit.verify import verify_cases

PARTNERS = sorted(path for path in (Path(__file__).parents[1] / "partenaires").iterdir() if path.is_dir())


@pytest.mark.parametrize("folder", PARTNERS, ids=lambda folder: folder.name)
def test_a_partner_is_read_as_its_cases_say(folder: Path) -> None:
    verdict = asyncio.run(verify_cases(find_target(str(folder), {}, NoSecrets()), with_misbehaviours=True))
    assert verdict.failures == []
    assert verdict.passed


def test_there_are_partners_of_each_way() -> None:
    """A nested XML, a cursor, a CSV of several years, GraphQL."""
    dialects = [find_target(str(folder), {}, NoSecrets()).dialect for folder in PARTNERS]
    assert {dialect.format for dialect in dialects if dialect} == {"xml", "json", "csv"}
    assert {bool(dialect.graphql) for dialect in dialects if dialect} == {True, False}
