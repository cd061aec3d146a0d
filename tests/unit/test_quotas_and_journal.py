"""The accounting of one caller, by itself: what stops, when, and what is written of it then (docs/exploitation.md, Plafonds)."""

import json
import sqlite3
import threading
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from prometheus_client import CollectorRegistry

from gateway.audit.alerts import Alerts
from gateway.audit.entries import Governed
from gateway.audit.quotas_and_journal import DailyAccounts, QuotasAndJournal, account_of
from gateway.auth.authentication.clients import ClientQuotas, Viewer
from gateway.auth.policy.rules import CategorieDonnee as C
from gateway.auth.policy.rules import Profil
from gateway.correlation import RequestTrace
from gateway.domain.quota_rules import QuotaCrossed
from gateway.domain.referentiel import Referentiel
from gateway.domain.seal import OpaqueIds, Sealer
from gateway.errors import JournalUnavailable, QuotaReached
from gateway.federation.criteria import AnsweredList, Tally
from gateway.federation.organisation_directory import Directory
from gateway.federation.views.figure_resolver import ShownFigure
from gateway.federation.views.operation_context import OperationContext
from gateway.federation.views.view import Rights, View
from gateway.schema.query import PageArgs
from gateway.stores.journal import Journal
from gateway.stores.quota_counters import RateLimits
from tests.support.access.tools import POLICY, SCHEMA, decision, viewer

pytestmark = pytest.mark.anyio

SEALER = Sealer(bytes(range(32)))
IDS = OpaqueIds(SEALER)
NOW = datetime(2026, 10, 15, 12, tzinfo=UTC)
TO_MIDNIGHT = 10 * 3600 + 1  # seconds: noon of Greenwich is two in the afternoon in Paris
READ = frozenset({C.IDENTITE, C.PARCOURS})
FIVE = ClientQuotas(persons_a_day=5, not_found=3, cout_minute=100, agents_a_day=2)
NAMES = "{ jeunes { edges { node { nom } } } }"
NOTHING = '{ contrat(numero: "1") { numero @skip(if: true) } }'  # whether it exists


class Desk:
    """An accounting, its journal and what it told the operator."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "journal.sqlite"
        self.metrics = CollectorRegistry()
        self.now = NOW
        self.journal = Journal(f"sqlite+aiosqlite:///{self.file}", SEALER)
        alerts = Alerts(self.metrics)
        self.accounting = QuotasAndJournal(
            self.journal,
            RateLimits(None),
            alerts,
            DailyAccounts(alerts.quota),
            IDS,
            Governed(SCHEMA),
            lambda: self.now,
        )

    async def record(self, caller: Viewer, *persons: str, query: str = NAMES, found: bool = False) -> None:
        await self.accounting.record(
            context(caller, persons, query, found), RequestTrace("r1"), {"registre": "DISPONIBLE"}
        )

    def entries(self) -> list[dict[str, Any]]:
        with closing(sqlite3.connect(self.file)) as base:
            written = base.execute("SELECT contenu FROM journal_entrees ORDER BY numero").fetchall()
        return [json.loads(content) for (content,) in written]

    def told(self, scope: str, level: str) -> float | None:
        return self.metrics.get_sample_value("passerelle_quota_franchi_total", {"portee": scope, "niveau": level})


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    opened = Desk(tmp_path)
    await opened.journal.open()
    yield opened
    await opened.journal.close()


def caller(account: str = "alice", client: str = "client", quotas: ClientQuotas = FIVE) -> Viewer:
    return replace(viewer(Profil.MISSION_LOCALE), account=account, client=client, quotas=quotas)


def context(who: Viewer, persons: tuple[str, ...], query: str = NAMES, found: bool = False) -> OperationContext:
    """An operation whose answer shows these persons, or finds them, among a hundred."""
    view = View(persons={f"{rank}": None for rank in range(100)}, records={one: (f"d{one}",) for one in persons})  # type: ignore[misc]
    read = dict.fromkeys(persons, READ)
    tally = Tally(found=read) if found else Tally(shown=read)
    return OperationContext(
        viewer=who,
        rights=Rights(POLICY, who.profil, who.finalite, who.perimetre),
        decision=decision(who, query),
        directory=Directory(Referentiel(), IDS),
        opaque_ids=IDS,
        day=date(2026, 10, 15),
        states=list,
        source_of_cfa=lambda _: None,
        view=view,
        tally=tally,
    )


def ids(*numbers: int) -> tuple[str, ...]:
    return tuple(IDS.seal("Jeune", f"{number:032x}") for number in numbers)


async def test_up_to_its_quota_an_account_is_written_and_not_stopped(desk: Desk) -> None:
    await desk.record(caller(), *ids(1, 2, 3))
    await desk.record(caller(), *ids(3, 4, 5))  # one of them again: five in all
    assert [sum(group["personnes"] for group in entry["groupes"]) for entry in desk.entries()] == [3, 3]
    assert (desk.told("COMPTE", "ALERTE"), desk.told("COMPTE", "ARRET")) == (
        1.0,
        None,
    )  # two of five: forty in a hundred


async def test_one_person_beyond_its_quota_stops_the_answer_and_nothing_is_written_nor_counted(desk: Desk) -> None:
    await desk.record(caller(), *ids(1, 2, 3))
    with pytest.raises(
        QuotaReached, match=r"^Quota atteint : 5 personnes différentes par jour et par compte\."
    ) as stop:
        await desk.record(caller(), *ids(3, 4, 5, 6))
    assert stop.value.retry_after == TO_MIDNIGHT
    assert len(desk.entries()) == 1
    assert desk.told("COMPTE", "ARRET") == 1.0
    await desk.record(caller(), *ids(4, 5))  # what was refused was not counted: two are left
    with pytest.raises(QuotaReached):
        await desk.record(caller(), *ids(6))
    await desk.record(caller(), *ids(1, 2, 3, 4, 5))  # those already read stay readable
    assert len(desk.entries()) == 3


async def test_the_quota_is_of_the_account_and_of_the_day_of_paris(desk: Desk) -> None:
    await desk.record(caller(), *ids(1, 2, 3, 4, 5))
    await desk.record(caller("benoit"), *ids(6, 7, 8, 9, 10))
    with pytest.raises(QuotaReached):
        await desk.record(caller(), *ids(11))
    desk.now = NOW + timedelta(seconds=TO_MIDNIGHT)
    await desk.record(caller(), *ids(11, 12, 13, 14, 15))
    assert len(desk.entries()) == 3


async def test_an_answer_that_shows_nobody_has_no_entry(desk: Desk) -> None:
    await desk.record(caller())
    assert desk.entries() == []


async def test_who_is_found_is_read_though_nothing_of_her_is_selected(desk: Desk) -> None:
    await desk.record(caller(), *ids(1), query=NOTHING, found=True)
    await desk.record(caller(), *ids(2), query=NAMES, found=True)  # a list of persons is read by its rows
    (entry,) = desk.entries()
    assert (entry["requete"], entry["compte"], entry["groupes"]) == (
        "r1", "alice", [{"categories": ["IDENTITE", "PARCOURS"], "personnes": 1}],
    )  # fmt: skip


async def test_what_cannot_be_written_does_not_leave(desk: Desk) -> None:
    with closing(sqlite3.connect(desk.file)) as base:
        base.execute("ALTER TABLE journal_entrees RENAME TO ailleurs")
    with pytest.raises(JournalUnavailable):
        await desk.record(caller(), *ids(1))


async def test_figures_of_a_snapshot_leave_without_a_journal_and_with_a_person_they_do_not(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    """They read nobody (docs/statistiques.md, Qui lit quoi)."""
    asked = {"releve": 7, "question": {"dimensions": ["MOIS"], "filtre": {}}}
    told = context(caller(), ())
    told.figures.by_key["statistiques"] = ShownFigure(None, published=asked)
    await desk.accounting.record(told, RequestTrace("r1"), {})
    assert [(entry["acte"], entry["releve"]) for entry in desk.entries()] == [("STATISTIQUES", 7)]
    with closing(sqlite3.connect(desk.file)) as base, base:
        base.execute("DROP TABLE journal_entrees")
    await desk.accounting.record(told, RequestTrace("r2"), {})
    assert "journal indisponible : 1 question(s) de statistiques sans trace" in caplog.messages
    with_person = context(caller(), ids(1))
    with_person.figures.by_key["statistiques"] = ShownFigure(None, published=asked)
    with pytest.raises(JournalUnavailable):
        await desk.accounting.record(with_person, RequestTrace("r3"), {})
    counted = context(caller(), ())
    counted.figures.by_key["statistiques"] = ShownFigure(None, persons=frozenset(ids(1)))
    with pytest.raises(JournalUnavailable):
        await desk.accounting.record(counted, RequestTrace("r4"), {})


async def test_a_client_is_stopped_beyond_its_price_of_a_minute_whatever_its_accounts(desk: Desk) -> None:
    await desk.accounting.charge(caller("alice"), 60)
    await desk.accounting.charge(caller("benoit"), 40)
    with pytest.raises(QuotaReached, match=r"^Débit dépassé : 100 unités de coût par minute\.$") as stop:
        await desk.accounting.charge(caller("alice"), 1)
    assert 0 < stop.value.retry_after <= 60
    await desk.accounting.charge(caller("alice", client="autre"), 100)


async def test_a_request_has_a_price_and_a_client_a_number_of_accounts(desk: Desk) -> None:
    for name in ("alice", "benoit", "alice"):
        await desk.accounting.charge_request(caller(name))
    with pytest.raises(QuotaReached, match=r"^Quota atteint : 2 comptes différents par jour et par client\.") as stop:
        await desk.accounting.charge_request(caller("chloé"))
    assert stop.value.retry_after == TO_MIDNIGHT
    assert desk.told("AGENTS", "ARRET") == 1.0
    assert (await desk.accounting.balance(caller())).left == 100 - 4 * 10  # the refused one is charged too


async def test_an_account_that_guesses_is_stopped_and_a_client_that_guesses_as_many(desk: Desk) -> None:
    async def look(account: str, lookups: int, not_found: int) -> None:
        operation = replace(context(caller(account), ()), tally=Tally(lookups=lookups, not_found=not_found))
        await desk.accounting.limit_lookups(operation)

    await look("alice", 9, 3)  # three vain ones are allowed, and those that found cost nothing
    with pytest.raises(QuotaReached, match=r"^Trop de recherches sans résultat\.$") as stop:
        await look("alice", 1, 1)
    assert 0 < stop.value.retry_after <= 600
    await look("alice", 0, 0)  # what looks nobody up goes on
    for rank in range(8):
        await look(f"compte {rank}", 3, 3)
    await look(
        "compte 8", 2, 2
    )  # thirty vain ones of one client, those of who was stopped with them: ten accounts' worth
    with pytest.raises(QuotaReached):
        await look("compte 9", 1, 1)
    assert desk.metrics.get_sample_value("passerelle_introuvables_refuses_total") == 2.0


def test_a_client_has_so_many_accounts_a_day_and_is_told_once() -> None:
    told: list[QuotaCrossed] = []
    accounts, day = DailyAccounts(told.append), date(2026, 10, 15)
    assert [accounts.take(caller(name), day) for name in ("a", "b", "a")] == [None, None, None]
    stops = [accounts.take(caller(name), day) for name in ("c", "d")]
    assert stops == [QuotaCrossed("AGENTS", "client", 2, 2, arret=True)] * 2
    assert told == stops[:1]
    assert accounts.take(caller("c", client="autre"), day) is None
    assert accounts.take(caller("c"), day + timedelta(days=1)) is None


def test_two_clients_never_have_an_account_in_common() -> None:
    first, second = account_of(IDS, "a", "bc"), account_of(IDS, "ab", "c")
    assert first.code != second.code
    assert first.client_code != second.client_code
    assert account_of(IDS, "a", "bc") == first
    codes = {account_of(IDS, client, name).code for client, name in (("a", "2/b"), ("a/2", "b"), ("2", "a/b"))}
    assert len(codes) == 3


async def test_of_whom_a_list_tells_is_read_too_and_it_is_told_once_it_is_written(desk: Desk) -> None:
    """A total by name that matches few: they are looked up, beside the rows, and count in the quota."""
    looked_up: Any = SimpleNamespace(
        busy=False, looked_up=lambda asked: [frozenset(ids(2, 3, 4)) for _ in asked.tally.told]
    )
    desk.accounting = replace(desk.accounting, answered_sets=looked_up)
    query: Any = SimpleNamespace(definition=SimpleNamespace(name="jeunes"))
    operation = context(caller(), ids(1))
    operation.view.records.update(dict.fromkeys(ids(2, 3, 4), ("d",)))
    operation.tally.told.append(AnsweredList(query, ("nom",), PageArgs(0, None), frozenset(), 77))
    await desk.accounting.record(operation, RequestTrace("r1"), {})
    assert [sum(group["personnes"] for group in entry["groupes"]) for entry in desk.entries()] == [1, 3]
    assert 77 in operation.view.told
    beyond = context(caller(), ids(5))
    beyond.view.records.update(dict.fromkeys(ids(2, 3, 4), ("d",)))
    beyond.tally.told.append(AnsweredList(query, ("nom",), PageArgs(0, None), frozenset(), 78))
    await desk.record(caller(), *ids(9))  # five in all
    with pytest.raises(QuotaReached):
        await desk.accounting.record(beyond, RequestTrace("r2"), {})
    assert 78 not in beyond.view.told


@pytest.mark.parametrize(("people", "busy", "aside"), [(100, False, False), (8_000, False, True), (100, True, True)])
async def test_what_lists_tell_of_many_is_compared_beside_the_loop(
    desk: Desk, people: int, busy: bool, aside: bool
) -> None:
    threads: list[int] = []

    def looked_up(asked: OperationContext) -> list[frozenset[str]]:
        threads.append(threading.get_ident())
        return [frozenset() for _ in asked.tally.told]

    desk.accounting = replace(
        desk.accounting, answered_sets=cast("Any", SimpleNamespace(busy=busy, looked_up=looked_up))
    )
    operation = context(caller(), ())
    operation.view.persons.clear()
    operation.view.persons.update(dict.fromkeys(map(str, range(people)), cast("Any", None)))
    query: Any = SimpleNamespace(definition=SimpleNamespace(name="jeunes"))
    operation.tally.told.append(AnsweredList(query, ("nom",), PageArgs(0, None), frozenset(), 77))
    await desk.accounting.record(operation, RequestTrace("r1"), {})
    assert [thread != threading.get_ident() for thread in threads] == [aside]
