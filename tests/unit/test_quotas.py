"""Quotas of distinct persons: counted exactly, on SQLite and on PostgreSQL, by several processes, through restarts."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from gateway.audit.alerts import Alerts
from gateway.auth.authentication.clients import DEFAULTS, ClientQuotas, caps, message, seconds_to_tomorrow
from gateway.auth.policy.rules import Profil
from gateway.domain.quota_rules import CountUnder, Quota, QuotaCrossed
from gateway.domain.seal import Sealer
from gateway.redis_client import open_redis
from gateway.stores.journal import Journal, JournalEntry
from gateway.stores.journal_purge import forget_counts
from gateway.stores.journal_queries import readings_of, verify_chain
from gateway.stores.quota_counters import Allowance, CountedToday, RateLimits, judge
from gateway.stores.shared_counters import SharedCounters
from tests.support.redis_server import redis_breaker
from tests.support.unit.accounts import account

pytestmark = pytest.mark.anyio

SEALER = Sealer(bytes(range(32)))
DAY = date(2026, 10, 15)


def count_under(
    day: date = DAY, agent: str = "a", quotas: ClientQuotas = DEFAULTS, population: int = 100
) -> CountUnder:
    own = caps(quotas, Profil.MISSION_LOCALE, account(agent), "ML/59", day)
    return CountUnder(own, "ML/59", population)


def reading(persons: range, under: CountUnder) -> JournalEntry:
    return JournalEntry(b"{}", tuple(map(str, persons)), under)


def test_the_default_quotas() -> None:
    one, organisation, client, agents = caps(DEFAULTS, Profil.MISSION_LOCALE, account(), "ML/59", DAY)
    assert (one.limit, one.limit * one.alert_share, one.depuis) == (500, 200, DAY)  # type: ignore[operator]
    assert (organisation.limit, organisation.depuis) == (None, DAY - timedelta(days=29))
    assert [(cap.scope, cap.limit, cap.depuis) for cap in (client, agents)] == [
        ("CLIENT", 5000, DAY),
        ("AGENTS", 200, DAY),
    ]
    cfa, *_ = caps(DEFAULTS, Profil.CFA, account(), "CFA/0590001F", DAY)
    assert cfa.limit is None
    own = caps(ClientQuotas(persons_a_day=9, organisation=70), Profil.CFA, account(), "CFA/0590001F", DAY)
    assert [cap.limit for cap in own] == [9, 70, 5000, 200]


@given(before=st.integers(0, 50), new=st.integers(1, 50), anchor=st.integers(1, 50))
def test_a_limit_is_never_passed_and_an_alert_told_once(before: int, new: int, anchor: int) -> None:
    crossings = judge(Quota("COMPTE", "a", DAY, DAY, anchor, 0.4), before, new, anchor)
    stops = [crossed for crossed in crossings if crossed.arret]
    assert bool(stops) == (before + new > anchor)
    assert len(crossings) <= 1
    if not stops:
        assert bool(crossings) == (before < 0.4 * anchor <= before + new)


def test_windows_move_at_midnight_in_paris_and_the_message_counts_nobody_else() -> None:
    assert seconds_to_tomorrow(datetime(2026, 10, 15, 21, 59, tzinfo=UTC)) == 61
    assert "500" in message(QuotaCrossed("COMPTE", "a", 499, 500, arret=True))
    assert "12345" not in message(QuotaCrossed("ORGANISATION", "a", 12344, 12345, arret=True))


@pytest.fixture
async def journal(url: str) -> AsyncIterator[Journal]:
    opened = Journal(url, SEALER)
    await opened.open()
    yield opened
    await opened.close()


def other(journal: Journal) -> Journal:
    """Another process on the same database."""
    return Journal(journal.url, SEALER)


async def test_a10_an_account_stops_at_its_quota_and_may_read_again_what_it_read(journal: Journal) -> None:
    under = count_under(quotas=ClientQuotas(persons_a_day=50, organisation=1000))
    assert await journal.append(reading(range(19), under)) == []
    assert await journal.append(reading(range(20), under)) == [QuotaCrossed("COMPTE", "a", 20, 50, arret=False)]
    assert await journal.append(reading(range(50), under)) == []
    assert await journal.append(reading(range(51), under)) == [QuotaCrossed("COMPTE", "a", 50, 50, arret=True)]
    assert await journal.append(reading(range(50), under)) == []
    assert await readings_of(journal, ["50"]) == []  # refused: neither written nor counted
    assert (await verify_chain(journal)).last.numero == 4
    tomorrow = count_under(DAY + timedelta(days=1), quotas=ClientQuotas(persons_a_day=50, organisation=1000))
    assert [crossed.arret for crossed in await journal.append(reading(range(50, 100), tomorrow))] == [False]


async def test_a10_counters_survive_a_restart_and_are_shared_by_processes(journal: Journal) -> None:
    under = count_under(quotas=ClientQuotas(persons_a_day=50, organisation=1000))
    processes = [journal, *(other(journal) for _ in range(3))]
    for rank in range(3):
        await processes[rank + 1].open()
    verdicts = await asyncio.gather(
        *(processes[n % 4].append(reading(range(n * 2, n * 2 + 2), under)) for n in range(40))
    )
    assert sum(any(crossed.arret for crossed in verdict) for verdict in verdicts) == 15  # 25 pairs of persons are 50
    assert sum(verdict == [QuotaCrossed("COMPTE", "a", 20, 50, arret=False)] for verdict in verdicts) == 1
    for one in processes[1:]:
        await one.close()
    restarted = other(journal)
    await restarted.open()
    assert [crossed.arret for crossed in await restarted.append(reading(range(900, 901), under))] == [True]
    await restarted.close()


async def test_a10_three_accounts_of_one_organisation_stop_at_its_population(journal: Journal) -> None:
    for rank, agent in enumerate("abc"):
        verdict = await journal.append(reading(range(rank * 35, rank * 35 + 35), count_under(agent=agent)))
        assert not any(crossed.arret for crossed in verdict)
    fault = count_under(agent="d", population=10)  # a source is down: the population seen today stays the largest one
    assert [crossed.arret for crossed in await journal.append(reading(range(105, 120), fault))] == [False]
    verdict = await journal.append(reading(range(120, 121), count_under(agent="d")))
    assert verdict == [QuotaCrossed("ORGANISATION", "ML/59", 120, 120, arret=True)]


async def test_a10_the_window_of_an_organisation_is_thirty_days_from_the_last_reading(journal: Journal) -> None:
    def counted_on(days: int) -> CountUnder:
        return count_under(DAY + timedelta(days=days), quotas=ClientQuotas(organisation=10))

    await journal.append(reading(range(10), counted_on(0)))
    await journal.append(reading(range(1), counted_on(20)))
    assert (await journal.append(reading(range(10, 11), counted_on(29))))[0].arret
    assert await journal.append(reading(range(10, 18), counted_on(30))) == [
        QuotaCrossed("ORGANISATION", "ML/59", 9, 10, arret=False)
    ]
    assert (await journal.append(reading(range(18, 20), counted_on(30))))[0].arret
    await forget_counts(journal, DAY + timedelta(days=30))
    assert await journal.append(reading(range(18, 20), counted_on(50))) == [
        QuotaCrossed("ORGANISATION", "ML/59", 10, 10, arret=False)
    ]


async def debit(rate_limits: RateLimits) -> None:
    allowance = Allowance("essai", 10)
    assert await rate_limits.spend(allowance, "a", 4) is None
    assert (await rate_limits.balance(allowance, "a")).left == 6
    assert await rate_limits.spend(allowance, "a", 6) is None
    exceeded = await rate_limits.spend(allowance, "a", 1)
    assert exceeded is not None
    assert (exceeded.limit, exceeded.left) == (10, 0)
    assert 0 < exceeded.seconds <= 60
    assert await rate_limits.spend(allowance, "b", 10) is None
    assert await rate_limits.spend(Allowance("autre", 10), "a", 10) is None


async def test_a_client_spends_its_allowance_and_no_other() -> None:
    await debit(RateLimits())


async def test_while_redis_does_not_answer_a_process_counts_alone(caplog: pytest.LogCaptureFixture) -> None:
    async with open_redis("redis://127.0.0.1:1/0") as client:
        await debit(RateLimits(SharedCounters(client, redis_breaker())))
    assert "redis sans réponse (ConnectionError : connexion refusée ; démarrer Redis, ou corriger" in caplog.text


async def test_two_processes_share_the_allowance_of_a_redis(redis_url: str) -> None:
    async with open_redis(redis_url) as client:
        one, other = (RateLimits(SharedCounters(client, redis_breaker())) for _ in range(2))
        await debit(one)
        assert await other.spend(Allowance("essai", 10), "a", 1) is not None
        assert await other.spend(Allowance("essai", 10), "c", 1) is None


def test_l05_a_name_that_a_caller_chooses_makes_one_short_line(caplog: pytest.LogCaptureFixture) -> None:
    """Line breaks, terminal codes, formats and length."""
    Alerts(CollectorRegistry()).guessing("a\nERROR forged\x1b[31m%s{}" + "x" * 1_000_000)
    (line,) = [record.getMessage() for record in caplog.records]
    assert "\n" not in line
    assert "\x1b" not in line
    assert len(line) < 200


@pytest.mark.parametrize(("days", "limit"), [(0, 120), (29, 120), (30, 12)])
async def test_a10_a_quota_follows_the_largest_population_of_its_thirty_days(
    journal: Journal, days: int, limit: int
) -> None:
    """1.2 times the population seen, the first day of the window included: a source that is down lowers nothing."""
    assert await journal.append(reading(range(1), count_under(population=100))) == []
    later = count_under(DAY + timedelta(days=days), quotas=ClientQuotas(persons_a_day=1000), population=10)
    (crossed,) = await journal.append(reading(range(1000, 1200), later))
    assert (crossed.scope, crossed.limit, crossed.arret) == ("ORGANISATION", limit, True)


def test_whoever_was_counted_today_need_not_be_again_until_tomorrow() -> None:
    counted, today, tomorrow = CountedToday(), count_under(), count_under(DAY + timedelta(days=1))
    assert not counted.holds_all(today, [1, 2])
    counted.remember(today, [1, 2])
    assert counted.holds_all(today, [1])
    assert counted.holds_all(today, [2, 1])
    assert not counted.holds_all(today, [1, 3])
    assert not counted.holds_all(count_under(agent="b"), [1])
    assert not counted.holds_all(tomorrow, [1])
    assert not counted.holds_all(today, [1]), "another day was asked of since: nothing of this one is kept"


@pytest.mark.parametrize(("stopped", "level"), [(True, "ARRET"), (False, "ALERTE")])
def test_a10_a_quota_that_is_crossed_is_told_to_the_operator_by_account(
    caplog: pytest.LogCaptureFixture, stopped: bool, level: str
) -> None:
    metrics = CollectorRegistry()
    Alerts(metrics).quota(QuotaCrossed("COMPTE", "alice\nx", 499, 500, arret=stopped))
    assert caplog.messages == [f'quota COMPTE {level} : "alice\\nx", 499 personnes sur 500']
    assert metrics.get_sample_value("passerelle_quota_franchi_total", {"portee": "COMPTE", "niveau": level}) == 1


def test_a02_an_account_that_guesses_is_told_to_the_operator(caplog: pytest.LogCaptureFixture) -> None:
    metrics = CollectorRegistry()
    Alerts(metrics).guessing("b" * 81)
    assert caplog.messages == [f'recherches sans résultat : compte "{"b" * 80}" arrêté']
    assert metrics.get_sample_value("passerelle_introuvables_refuses_total") == 1


def test_l03_whether_the_journal_can_be_written_is_a_figure() -> None:
    metrics = CollectorRegistry()
    alerts = Alerts(metrics)
    for yes in (True, False, True):
        alerts.available(yes)
        assert metrics.get_sample_value("passerelle_journal_disponible") == yes
    alerts.keeping_failed("purge")
    assert metrics.get_sample_value("passerelle_journal_tenue_echecs_total", {"tache": "purge"}) == 1
