"""`journal personne` by identity, over a ledger of links: one person, homonyms, a person under several ids (security.md, L08)."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from fixtures.configuration import write_configuration
from fixtures.population.generator import generate
from gateway.__main__ import main
from gateway.domain.links import Alias, Link, LinkWrites, RecordKey
from gateway.domain.seal import OpaqueIds, Sealer
from gateway.federation.ids.anchors import followed_name
from gateway.federation.ids.id_assigner import derivation, identities
from gateway.stores.links import LinkStore

SEEN = datetime(2026, 10, 1, tzinfo=UTC)
BORN = date(2006, 3, 7)
ASKED = ["journal", "personne", "--nom", "LE GOFF", "--prenom", "anaïs", "--naissance", "2006-03-07"]
HEAD = "quand\tprofil\torganisation\tcompte\tclient\tfinalite\tchamps\trequete\tnom\n"
Ask = Callable[[Sequence[Link], Sequence[Alias]], tuple[int, str, str]]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    record = tmp_path_factory.mktemp("configuration")
    population = generate(jeunes=50, departements=("60",), today=date(2026, 10, 15))
    return write_configuration(record, population, simulators_port=9, identity_port=9) | {"GATEWAY_NOW": "2026-10-15"}


@pytest.fixture
def opaque_ids(written: dict[str, str]) -> OpaqueIds:
    return OpaqueIds(Sealer.from_text(written["GATEWAY_CLE"]))


@pytest.fixture
def ask(
    written: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Ask:
    """Ask who read Anaïs Le Goff, over a ledger that holds these links: exit code, output, error."""
    for name, value in written.items():
        monkeypatch.setenv(name, value)
    url = f"sqlite+aiosqlite:///{tmp_path / 'base.sqlite'}"
    monkeypatch.setenv("GATEWAY_DATABASE_URL", url)
    monkeypatch.setenv("GATEWAY_JOURNAL_URL", f"sqlite+aiosqlite:///{tmp_path / 'journal.sqlite'}")

    async def write(links: Sequence[Link], alias: Sequence[Alias]) -> None:
        ledger = LinkStore(url)
        await ledger.write(LinkWrites(new=links, alias=alias))
        await ledger.close()

    def asked(links: Sequence[Link], alias: Sequence[Alias] = ()) -> tuple[int, str, str]:
        asyncio.run(write(links, alias))
        capsys.readouterr()
        return main(ASKED), *capsys.readouterr()

    return asked


def link(opaque_ids: OpaqueIds, record: str, object_: str, rank: int = 0, nom: str = "Le Goff") -> Link:
    """A record of somebody of that name; `rank`: under which of the three stand-ins, by sex told."""
    stand_in = sorted(identities(nom, "Anaïs", BORN, opaque_ids.pseudonym))[rank]
    return Link(RecordKey(record * 32, stand_in, "0" * 32), object_ * 32, SEEN, SEEN)


def test_d5_an_identity_is_found_whatever_the_sex_that_its_records_tell(ask: Ask, opaque_ids: OpaqueIds) -> None:
    records = [link(opaque_ids, str(rank), "a", rank) for rank in range(3)]
    stranger = link(opaque_ids, "9", "b", nom="Le Gof")
    assert ask([*records, stranger], ()) == (0, HEAD, "")


def test_d5_a_person_whom_missions_locales_alone_know_is_found(ask: Ask, opaque_ids: OpaqueIds) -> None:
    """Theirs have stand-ins of their own, which nobody else's records give."""
    known = link(opaque_ids, "1", "a")
    own = followed_name(known.key.identity, derivation(opaque_ids))
    assert ask([replace(known, key=replace(known.key, identity=own))], ()) == (0, HEAD, "")


def test_d5_a_person_known_under_two_ids_is_one(ask: Ask, opaque_ids: OpaqueIds) -> None:
    both = [link(opaque_ids, "1", "a"), link(opaque_ids, "2", "b")]
    assert ask(both, [Alias("b" * 32, "a" * 32, SEEN)]) == (0, HEAD, "")


@pytest.mark.parametrize(
    "alias", [[], [Alias("b" * 32, "a" * 32, SEEN, broken=True)]], ids=["never one", "parted for good"]
)
def test_d5_homonyms_are_told_and_nothing_that_was_read_of_either(
    alias: list[Alias], ask: Ask, opaque_ids: OpaqueIds
) -> None:
    code, told, error = ask([link(opaque_ids, "1", "a"), link(opaque_ids, "2", "b", 1)], alias)
    assert (code, told) == (2, "")
    ids = {opaque_ids.seal("Jeune", object_ * 32) for object_ in "ab"}
    before, _, after = error.rstrip("\n").partition(" : 2 personnes sont ainsi connues, à demander une par une : ")
    assert (before, set(after.split(" "))) == ("erreur", ids)


def test_d5_nobody_of_that_name_is_told(ask: Ask, opaque_ids: OpaqueIds) -> None:
    code, told, error = ask([link(opaque_ids, "9", "b", nom="Le Gof")], ())
    assert (code, told) == (2, "")
    assert error.startswith("erreur : personne de connu sous ce nom, ce prénom et cette date de naissance exacts")
