"""`personne effacer`: one identity goes from what was received, written and linked, by command, on both databases."""

import asyncio
from base64 import urlsafe_b64encode
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from fixtures.configuration import write_configuration
from fixtures.population.generator import generate
from gateway.__main__ import main
from gateway.config import load
from gateway.domain.links import Alias, Link, LinkWrites, RecordKey
from gateway.domain.seal import OpaqueIds
from gateway.federation.ids.anchors import followed_name
from gateway.federation.ids.id_assigner import derivation, identities
from gateway.stores.links import LinkStore
from gateway.stores.receptions import ReceptionStore
from gateway.stores.write_store import DailyLimits, NewWrite, UsedKey, WriteStore
from gateway.writes.sealed_body import person_name
from tests.reception.test_store import push
from tests.support.databases import read
from tests.support.reception.facts import item

SEEN = datetime(2026, 10, 1, tzinfo=UTC)
BORN = date(2007, 10, 28)
ASKED = ["personne", "effacer", "--nom", "LENOTRE", "--prenom", "gaston", "--naissance", "2007-10-28"]
HIS, FORMER, FOLLOWED, OTHER = "a" * 32, "b" * 32, "c" * 32, "d" * 32
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def configured(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    population = generate(jeunes=50, departements=("60",), today=date(2026, 10, 15))
    record = tmp_path_factory.mktemp("configuration")
    written = write_configuration(record, population, simulators_port=9, identity_port=9)
    key = urlsafe_b64encode(bytes(range(32))).decode()  # that of tests.support.reception.world
    return written | {"GATEWAY_NOW": "2026-10-15", "GATEWAY_CLE": key}


@pytest.fixture
def run(
    configured: dict[str, str],
    url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    """Run the command over stores of that database; its code, its output, its error."""
    journal = f"sqlite+aiosqlite:///{tmp_path / 'journal.sqlite'}"
    for name, value in (configured | {"GATEWAY_DATABASE_URL": url, "GATEWAY_JOURNAL_URL": journal}).items():
        monkeypatch.setenv(name, value)
    asyncio.run(_fill(url))
    capsys.readouterr()
    return lambda *more: (main([*ASKED, *more]), *capsys.readouterr())


async def _fill(url: str) -> None:
    """Gaston, under two ids that were told one and a third that Missions locales alone know, and somebody else."""
    sealer = load().sealer
    opaque_ids = OpaqueIds(sealer)
    derive = derivation(opaque_ids)
    own = min(identities("Lenôtre", "Gaston", BORN, opaque_ids.pseudonym))
    stranger = min(identities("Lenotre", "Gastone", BORN, opaque_ids.pseudonym))
    told = ((HIS, own), (FORMER, own), (FOLLOWED, followed_name(own, derive)), (OTHER, stranger))
    links = LinkStore(url)
    await links.write(
        LinkWrites(
            new=[Link(RecordKey(object_[::-1], name, "0" * 32), object_, SEEN, SEEN) for object_, name in told],
            alias=[Alias(FORMER, HIS, SEEN)],
        )
    )
    await links.close()
    writes = WriteStore(url)
    await writes.open()
    for rank, object_ in enumerate((HIS, FORMER, FOLLOWED, OTHER, HIS)):
        key = UsedKey("compte", f"cle-{rank}", "organisation", "empreinte")
        write = NewWrite(f"e{rank}", "NOTER_SUIVI", person_name(sealer, object_), object_, "", b"canari")
        await writes.accept(key, write, DailyLimits(9, 9), SEEN)
    await writes.close()
    receptions = ReceptionStore(url)
    await receptions.open()
    await push(receptions, item(), item(nom_apprenant="Martin", id_erp_apprenant="E-2"))
    await receptions.close()


def left(url: str) -> tuple[list[str], list[str], int, int]:
    """Whose links, which writes that say something, how many dossiers and aliases are left."""
    links = [str(row[0]) for row in read(url, "SELECT objet FROM liens ORDER BY objet")]
    said = [str(row[0]) for row in read(url, "SELECT id FROM ecritures WHERE etat = 'CONSERVEE' ORDER BY id")]
    counts = [len(read(url, f"SELECT 1 FROM {table}")) for table in ("receptions", "liens_alias")]
    return links, said, counts[0], counts[1]


def test_l08_a_person_goes_from_receptions_writes_and_links_and_nobody_else(run: Run, url: str) -> None:
    everything = ([HIS, FORMER, FOLLOWED, OTHER], ["e0", "e1", "e2", "e3", "e4"], 2, 1)
    code, told, error = run()
    assert (code, error) == (0, "")
    ids = OpaqueIds(load().sealer)
    one, other = ids.seal("Jeune", HIS), ids.seal("Jeune", FOLLOWED)
    assert told.splitlines() == [
        "dossiers transmis : dossier E-1 de 0600001A, année scolaire 2026-2027",
        f"écritures : 3 de la personne {one}",
        f"écritures : 1 de la personne {other}",
        f"liens : 2 de la personne {one}",
        f"liens : 1 de la personne {other}",
        "rien n'est effacé : ajouter --confirmer",
    ]
    assert left(url) == everything
    code, told, error = run("--confirmer")
    assert (code, error) == (0, "")
    assert told.splitlines()[5:] == [
        "dossiers transmis : 1 effacé(s)",
        "écritures : 4 effacé(s)",
        "liens : 3 effacé(s)",
        "les renvois de ces dossiers seront écartés",
    ]
    assert left(url) == ([OTHER], ["e3"], 1, 0)
    emptied = read(url, "SELECT scelle, personne FROM ecritures WHERE id <> 'e3'")
    assert {(bytes(scelle), personne) for scelle, personne in emptied} == {(b"", "")}
    assert run() == (0, "rien n'est gardé\n", "")


def test_l08_what_the_journal_cannot_hold_erases_nothing(
    run: Run, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = left(url)
    monkeypatch.setenv("GATEWAY_JOURNAL_URL", f"sqlite+aiosqlite:///{tmp_path / 'absent' / 'journal.sqlite'}")
    code, told, error = run("--confirmer")
    assert (code != 0, told) == (True, "")
    assert "journal : " in error
    assert left(url) == before
