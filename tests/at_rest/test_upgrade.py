"""From the wheel of the release before to this one, over one data directory, as docs/exploitation.md has it: nobody stops."""

import asyncio
import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.auth.policy.rules import Finalite, Profil
from gateway.domain.perimeter_events import About, Changes, Fact
from gateway.domain.seal import OpaqueIds, Sealer
from gateway.evenements.catch_up import EventCatchUp
from gateway.evenements.perimeter_logs import EventLog
from gateway.evenements.perimeters import WatchedPerimeter
from gateway.stores.event_log import EventStore
from gateway.stores.schema_versions import HEADS
from tests.at_rest.opened import COMMAND, KINDS, Opened, answers, as_written, run
from tests.support.releases import BEFORE, commit_of, following, former

NEW = {"abonnements"}  # stores that the release before knows nothing of


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return former(tmp_path_factory.mktemp("avant"))


@pytest.fixture(scope="module")
def after(before: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return following(tmp_path_factory.mktemp("apres"), before)


@pytest.fixture(params=KINDS)
def data(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Opened]:
    with as_written(BEFORE, tmp_path, request.param) as written, written.issuer():
        yield written


def test_the_wheel_of_before_tells_what_it_is(before: Path) -> None:
    told = run({}, "--version", code=before).stdout.splitlines()
    schema = hashlib.sha256((BEFORE / "schema.graphql").read_bytes()).hexdigest()[:12]
    assert told[:3] == [
        f"passerelle {BEFORE.name[1:]}",
        f"commit {commit_of(BEFORE.name[1:])}",
        f"schéma {schema}",
    ]


def test_the_release_before_serves_what_this_one_migrated(before: Path, after: Path, data: Opened) -> None:
    """Migrated under its feet, it goes on; beside this one, both answer the same; and it may come back."""
    key, known = data.expected["cle_api"], data.expected
    with data.beside(before) as old:
        expected = answers(old, key, known)
        lines = data.command("base", "migrer", code=after).splitlines()
        assert [line for line in lines if ", depuis " not in line] == []
        migrated = {line.partition(" : ")[0] for line in lines}
        # A store of its own file, on SQLite, is made when something is first kept in it.
        assert migrated == HEADS.keys() - ({"receptions", *NEW} if "receptions" not in migrated else set())
        assert answers(old, key, known) == expected
        with data.beside(after) as new:
            assert answers(new, key, known) == answers(old, key, known) == expected
    assert data.command("base", "etat", code=before).count("de la version suivante") == len(migrated - NEW)
    with data.beside(before) as again:
        assert answers(again, key, known) == expected
    ends = [data.command("journal", "verifier", "--ancre", known["anchor"], code=code) for code in (before, after)]
    assert ends[0] == ends[1] != known["verified"]


READS_EVENTS = """
import asyncio, json, sys
from datetime import UTC, datetime
from gateway.domain.seal import OpaqueIds, Sealer
from gateway.evenements.perimeter_logs import EventLog
from gateway.schema.events import TypeEvenement
from gateway.stores.event_log import EventStore

async def main(url):
    store, sealer = EventStore(url), Sealer(bytes(32))
    log = EventLog(store, sealer, OpaqueIds(sealer), lambda: datetime(2026, 10, 15, 9, tzinfo=UTC))
    kept, known = await log.read("p"), await log.known("p")
    told = [(TypeEvenement(e.kind).value, e.about.jeune, e.about.rupture, e.about.source) for e in kept.events]
    print(json.dumps([told, [fact.lasting and fact.lasting.about.rupture for fact in known.facts.values()]]))
    await store.close()

asyncio.run(main(sys.argv[1]))
"""


@pytest.mark.anyio
async def test_the_release_before_reads_the_events_that_this_one_writes(before: Path, tmp_path: Path) -> None:
    """It has four fields of an event: a fifth was an error of every page and stream of that perimeter, for seven days, and no
    event was found there any more by a release that came back."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'evenements.sqlite'}"
    store, sealer, now = EventStore(url), Sealer(bytes(32)), datetime(2026, 10, 15, 9, tzinfo=UTC)
    await store.open()
    # Found while nothing tells this process what the others hear.
    without_redis = EventCatchUp(_invalidate, lambda: False, lambda: 0.0, lambda: now)
    log = EventLog(store, sealer, OpaqueIds(sealer), lambda: now, without_redis)
    await log.follow("p", WatchedPerimeter(Profil.CFA, Finalite.GESTION_CFA, Profil.CFA, "0600001A"))
    rupture, failure = About("jeune", "rupture", "erp"), About(ecriture="ecriture", auteur="compte")
    facts = (
        Fact("f1", "RUPTURE_NOUVELLE", rupture, frozenset({"erp"}), lasting=True),
        Fact("f2", "ECRITURE_EN_ECHEC", failure),
        Fact("f3", "SOURCE_AJOUTEE", About(source="erp", nombre=3)),
    )
    await log.write("p", Changes(told=facts))
    events = (await log.read("p")).events
    await store.close()
    assert [(event.kind, event.about) for event in events] == [
        (fact.kind, replace(fact.about, alone=True)) for fact in facts
    ]
    read = await asyncio.to_thread(_run, [sys.executable, "-c", READS_EVENTS, url], before)
    assert read.returncode == 0, read.stderr
    told, lasting = json.loads(read.stdout)
    assert told == [
        ["RUPTURE_NOUVELLE", "jeune", "rupture", "erp"],
        ["ECRITURE_REFUSEE", None, None, None],  # of no person: told to nobody there
        ["SOURCE_AJOUTEE", None, None, "erp"],
    ]
    assert lasting == ["rupture", None, None]


def _run(command: list[str], folder: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=COMMAND, check=False)


async def _invalidate(_: object) -> bool:
    return False
