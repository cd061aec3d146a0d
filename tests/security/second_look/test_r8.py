"""R8: a value of another type in the journal is told as tampering; its keeper survives it; a clock that jumps purges nothing."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from fixtures.remote_control import client_http
from fixtures.world import World
from tests.conftest import TODAY
from tests.support.databases import read, write
from tests.support.e2e.queries import until_complete
from tests.support.pair import a_database, metrics
from tests.support.security.journal_attacks import NOMINATIVE, ask, attacked, health, until
from tests.support.security.second_checkout import command

ENTRIES = 5
ALTERED = "numero = 3"
SQLITE = {  # what SQLite lets anybody put where bytes or an integer stand
    "texte au lieu d'octets": f"UPDATE journal_entrees SET contenu = CAST(contenu AS TEXT) WHERE {ALTERED}",
    "texte illisible": f"UPDATE journal_entrees SET contenu = CAST(x'ff' AS TEXT) WHERE {ALTERED}",
    "entier au lieu d'octets": f"UPDATE journal_entrees SET personnes = 1000000000000 WHERE {ALTERED}",
    "empreinte en texte": f"UPDATE journal_entrees SET empreinte = 'abc' WHERE {ALTERED}",
    "texte au lieu d'un entier": f"UPDATE journal_entrees SET ensemble = 'abc' WHERE {ALTERED}",
    "réel au lieu d'un entier": f"UPDATE journal_entrees SET ensemble = 1.5 WHERE {ALTERED}",
}
POSTGRESQL = {
    "NULL": (
        "ALTER TABLE journal_entrees ALTER contenu DROP NOT NULL",
        f"UPDATE journal_entrees SET contenu = NULL WHERE {ALTERED}",
    ),
    "NULL au lieu d'un entier": (
        "ALTER TABLE journal_entrees ALTER ensemble DROP NOT NULL",
        f"UPDATE journal_entrees SET ensemble = NULL WHERE {ALTERED}",
    ),
    "octets vides": (f"UPDATE journal_entrees SET personnes = '' WHERE {ALTERED}",),
}
BOUNDS = {
    "sqlite": (
        "UPDATE journal_bornes SET numero = 'abc' WHERE nom = 'debut'",
        "UPDATE journal_bornes SET empreinte = 'abc' WHERE nom = 'fin'",
        "UPDATE journal_bornes SET numero = -1 WHERE nom = 'fin'",
    ),
    "postgresql": ("UPDATE journal_bornes SET numero = -1 WHERE nom = 'debut'",),
}


TABLES = ("journal_entrees", "journal_personnes", "journal_bornes")


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.chaos)])
def written(
    request: pytest.FixtureRequest, small_world: World, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The URL of a journal of five entries at least, that no process has open, and of a copy of its tables."""
    with a_database(request.param, tmp_path_factory.mktemp("journal")) as url:
        with attacked(small_world, GATEWAY_JOURNAL_URL=url) as gateway:
            token = small_world.token("ml", agent="lecteur")
            until_complete(gateway, token, NOMINATIVE)
            with client_http(gateway.url) as http:
                for _ in range(ENTRIES):
                    assert ask(http, token, NOMINATIVE).status_code == 200
        write_all(url, *(f"CREATE TABLE copie_{name} AS SELECT * FROM {name}" for name in TABLES))
        yield url


@pytest.fixture
def journal(written: str) -> str:
    """That journal, as it was written."""
    restore(written)
    return written


def write_all(url: str, *orders: str) -> None:
    for order in orders:
        write(url, order)


def restore(url: str) -> None:
    write_all(url, *(f"DELETE FROM {table}" for table in TABLES))
    write_all(url, *(f"INSERT INTO {table} SELECT * FROM copie_{table}" for table in TABLES))


def test_r8_a_value_of_another_type_is_told_with_its_entry(small_world: World, journal: str) -> None:
    kind = "sqlite" if journal.startswith("sqlite") else "postgresql"
    alterations = {name: (order,) for name, order in SQLITE.items()} if kind == "sqlite" else POSTGRESQL
    told = {}
    for name, orders in {**alterations, **{order: (order,) for order in BOUNDS[kind]}}.items():
        write_all(journal, *orders)
        told[name] = command(small_world, "journal", "verifier", GATEWAY_JOURNAL_URL=journal)
        restore(journal)
    print(kind, {name: (code, out, err[-200:]) for name, (code, out, err) in told.items()})
    assert [name for name, (_, _, err) in told.items() if "Traceback" in err] == []
    assert {name: code for name, (code, _, _) in told.items()} == dict.fromkeys(told, 1)
    assert [name for name in alterations if not told[name][1].startswith("entrée 3 : ")] == []
    assert command(small_world, "journal", "verifier", GATEWAY_JOURNAL_URL=journal)[0] == 0


def test_r8_an_entry_out_of_the_chain_is_told(small_world: World, journal: str) -> None:
    """Before the first one: no number of the chain, but a false answer to who asks who read his data."""
    columns = "contenu, personnes, empreinte, ensemble"
    write(
        journal,
        f"INSERT INTO journal_entrees (numero, {columns}) SELECT -7, {columns} FROM journal_entrees WHERE {ALTERED}",
    )
    code, told, error = command(small_world, "journal", "verifier", GATEWAY_JOURNAL_URL=journal)
    assert (code, told, "Traceback" in error) == (1, "entrée -7 : en trop\n", False)


def test_r8_the_keeper_survives_and_tells(small_world: World, journal: str) -> None:
    """The oldest entry is the first that it reads."""
    if journal.startswith("sqlite"):
        write(journal, "UPDATE journal_entrees SET contenu = 'illisible' WHERE numero = 1")
    else:
        write(journal, "UPDATE journal_entrees SET contenu = 'illisible'::bytea WHERE numero = 1")
    with attacked(small_world, GATEWAY_JOURNAL_URL=journal) as gateway:
        assert until(lambda: "tenue" in health(gateway)["degrade"], 10)
        assert 'passerelle_journal_tenue_echecs_total{tache="oubli"} 1.0' in metrics(gateway)
        assert health(gateway)["etat"] == "prêt"
        log = gateway.journal.read_text(encoding="utf-8")
    assert "journal des lectures : oubli impossible (entrée 1 : altérée" in log
    assert "journal des lectures : ancre " in log.rpartition("oubli impossible")[2]


def test_r8_a_clock_that_jumps_a_year_purges_nothing_before_it_is_confirmed(small_world: World, journal: str) -> None:
    ahead = {"GATEWAY_JOURNAL_URL": journal, "GATEWAY_NOW": (TODAY + timedelta(days=370)).isoformat()}
    written = read(journal, "SELECT count(*) FROM journal_entrees")[0][0]
    assert written >= ENTRIES
    with attacked(small_world, **ahead) as gateway:
        until(lambda: "tenue" in health(gateway)["degrade"], 5)
        assert read(journal, "SELECT count(*) FROM journal_entrees")[0][0] == written
        assert health(gateway)["degrade"] == ["tenue"]
    code, _, error = command(small_world, "journal", "purger", **ahead)
    assert (code, "journal purger --confirmer" in error) == (2, True)
    assert read(journal, "SELECT count(*) FROM journal_entrees")[0][0] == written
    code, told, _ = command(small_world, "journal", "purger", "--confirmer", **ahead)
    assert (code, told) == (0, f"{written} entrée(s) oubliée(s)\n")
    assert command(small_world, "journal", "verifier", **ahead)[0] == 0


def test_r8_a_clock_set_back_a_day_counts_nothing_on_a_day_to_come(small_world: World, journal: str) -> None:
    """What was read "tomorrow" would count today and again tomorrow: a window of two days."""
    token, ages = small_world.token("ml", agent="horloge"), []
    for days in (2, 1):
        now = TODAY + timedelta(days=days)
        with attacked(small_world, GATEWAY_JOURNAL_URL=journal, GATEWAY_NOW=now.isoformat()) as gateway:
            until_complete(gateway, token, NOMINATIVE)
            with client_http(gateway.url) as http:
                answer = ask(http, token, "{ ruptures(first: 1) { totalCount } }").json()
        ages += [row["ageSecondes"] or 0 for row in answer["extensions"]["sources"]]
    assert min(ages) >= 0
    counted = read(journal, "SELECT max(jour) FROM quota_lues")
    assert str(counted[0][0]) == str(TODAY + timedelta(days=1))
