"""Quotas of distinct persons: counted exactly, on SQLite and on PostgreSQL, by several processes, through restarts."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from gateway.alertes import Alertes
from gateway.auth.quotas import PAR_DEFAUT, Quotas, message, plafonds, secondes_jusqu_a_demain
from gateway.auth.rules import Profil
from gateway.domain.quotas import Comptage, Franchissement, Plafond, juger
from gateway.domain.sceau import Sceau
from gateway.stores.debits import Debit, Debits
from gateway.stores.journal import Journal
from gateway.stores.journal_lecture import lectures_de, oublier_les_comptes, verifier
from gateway.stores.lot import Inscription

pytestmark = pytest.mark.anyio

SCEAU = Sceau(bytes(range(32)))
JOUR = date(2026, 10, 15)


def comptage(jour: date = JOUR, compte: str = "a", quotas: Quotas = PAR_DEFAUT, population: int = 100) -> Comptage:
    siens = plafonds(quotas, Profil.MISSION_LOCALE, compte, "ML/59", jour)
    return Comptage(siens, "ML/59", population)


def lecture(personnes: range, sous: Comptage) -> Inscription:
    return Inscription(b"{}", tuple(map(str, personnes)), sous)


def test_the_default_quotas() -> None:
    compte, organisation = plafonds(PAR_DEFAUT, Profil.MISSION_LOCALE, "a", "ML/59", JOUR)
    assert (compte.limite, compte.limite * compte.part_alerte, compte.depuis) == (500, 200, JOUR)  # type: ignore[operator]
    assert (organisation.limite, organisation.depuis) == (None, JOUR - timedelta(days=29))
    cfa, _ = plafonds(PAR_DEFAUT, Profil.CFA, "a", "CFA/0590001F", JOUR)
    assert cfa.limite is None
    siens = plafonds(Quotas(personnes_jour=9, organisation=70), Profil.CFA, "a", "CFA/0590001F", JOUR)
    assert [plafond.limite for plafond in siens] == [9, 70]


@given(avant=st.integers(0, 50), nouvelles=st.integers(1, 50), borne=st.integers(1, 50))
def test_a_limit_is_never_passed_and_an_alert_told_once(avant: int, nouvelles: int, borne: int) -> None:
    franchis = juger(Plafond("COMPTE", "a", JOUR, JOUR, borne, 0.4), avant, nouvelles, borne)
    arrets = [franchi for franchi in franchis if franchi.arret]
    assert bool(arrets) == (avant + nouvelles > borne)
    assert len(franchis) <= 1
    if not arrets:
        assert bool(franchis) == (avant < 0.4 * borne <= avant + nouvelles)


def test_windows_move_at_midnight_in_paris_and_the_message_counts_nobody_else() -> None:
    assert secondes_jusqu_a_demain(datetime(2026, 10, 15, 21, 59, tzinfo=UTC)) == 61
    assert "500" in message(Franchissement("COMPTE", "a", 499, 500, arret=True))
    assert "12345" not in message(Franchissement("ORGANISATION", "a", 12344, 12345, arret=True))


@pytest.fixture
async def journal(url: str) -> AsyncIterator[Journal]:
    ouvert = Journal(url, SCEAU)
    await ouvert.ouvrir()
    yield ouvert
    await ouvert.fermer()


def autre(journal: Journal) -> Journal:
    """Another process on the same database."""
    return Journal(journal.moteur.url.render_as_string(hide_password=False), SCEAU)


async def test_a10_an_account_stops_at_its_quota_and_may_read_again_what_it_read(journal: Journal) -> None:
    sous = comptage(quotas=Quotas(personnes_jour=50, organisation=1000))
    assert await journal.inscrire(lecture(range(19), sous)) == []
    assert await journal.inscrire(lecture(range(20), sous)) == [Franchissement("COMPTE", "a", 20, 50, arret=False)]
    assert await journal.inscrire(lecture(range(50), sous)) == []
    assert await journal.inscrire(lecture(range(51), sous)) == [Franchissement("COMPTE", "a", 50, 50, arret=True)]
    assert await journal.inscrire(lecture(range(50), sous)) == []
    assert await lectures_de(journal, "50") == []  # refused: neither written nor counted
    assert (await verifier(journal)).fin.numero == 4
    demain = comptage(JOUR + timedelta(days=1), quotas=Quotas(personnes_jour=50, organisation=1000))
    assert [franchi.arret for franchi in await journal.inscrire(lecture(range(50, 100), demain))] == [False]


async def test_a10_counters_survive_a_restart_and_are_shared_by_processes(journal: Journal) -> None:
    sous = comptage(quotas=Quotas(personnes_jour=50, organisation=1000))
    processus = [journal, *(autre(journal) for _ in range(3))]
    for rang in range(3):
        await processus[rang + 1].ouvrir()
    verdicts = await asyncio.gather(
        *(processus[n % 4].inscrire(lecture(range(n * 2, n * 2 + 2), sous)) for n in range(40))
    )
    assert sum(any(franchi.arret for franchi in verdict) for verdict in verdicts) == 15  # 25 pairs of persons are 50
    assert sum(verdict == [Franchissement("COMPTE", "a", 20, 50, arret=False)] for verdict in verdicts) == 1
    for un in processus[1:]:
        await un.fermer()
    relance = autre(journal)
    await relance.ouvrir()
    assert [franchi.arret for franchi in await relance.inscrire(lecture(range(900, 901), sous))] == [True]
    await relance.fermer()


async def test_a10_three_accounts_of_one_organisation_stop_at_its_population(journal: Journal) -> None:
    for rang, compte in enumerate("abc"):
        verdict = await journal.inscrire(lecture(range(rang * 35, rang * 35 + 35), comptage(compte=compte)))
        assert not any(franchi.arret for franchi in verdict)
    panne = comptage(compte="d", population=10)  # a source is down: the population seen today stays the largest one
    assert [franchi.arret for franchi in await journal.inscrire(lecture(range(105, 120), panne))] == [False]
    verdict = await journal.inscrire(lecture(range(120, 121), comptage(compte="d")))
    assert verdict == [Franchissement("ORGANISATION", "ML/59", 120, 120, arret=True)]


async def test_a10_the_window_of_an_organisation_is_thirty_days_from_the_last_reading(journal: Journal) -> None:
    def le(jours: int) -> Comptage:
        return comptage(JOUR + timedelta(days=jours), quotas=Quotas(organisation=10))

    await journal.inscrire(lecture(range(10), le(0)))
    await journal.inscrire(lecture(range(1), le(20)))
    assert (await journal.inscrire(lecture(range(10, 11), le(29))))[0].arret
    assert await journal.inscrire(lecture(range(10, 18), le(30))) == [
        Franchissement("ORGANISATION", "ML/59", 9, 10, arret=False)
    ]
    assert (await journal.inscrire(lecture(range(18, 20), le(30))))[0].arret
    await oublier_les_comptes(journal, JOUR + timedelta(days=30))
    assert await journal.inscrire(lecture(range(18, 20), le(50))) == [
        Franchissement("ORGANISATION", "ML/59", 10, 10, arret=False)
    ]


async def debiter(debits: Debits) -> None:
    debit = Debit("essai", 10)
    assert await debits.depenser(debit, "a", 4) is None
    assert (await debits.solde(debit, "a")).reste == 6
    assert await debits.depenser(debit, "a", 6) is None
    depasse = await debits.depenser(debit, "a", 1)
    assert depasse is not None
    assert (depasse.limite, depasse.reste) == (10, 0)
    assert 0 < depasse.secondes <= 60
    assert await debits.depenser(debit, "b", 10) is None
    assert await debits.depenser(Debit("autre", 10), "a", 10) is None


async def test_a_client_spends_its_allowance_and_no_other() -> None:
    await debiter(Debits("memory://"))


async def test_a_redis_that_does_not_answer_stops_nobody(caplog: pytest.LogCaptureFixture) -> None:
    debits = Debits("redis://127.0.0.1:1/0")
    assert await debits.depenser(Debit("essai", 1), "a", 5) is None
    assert (await debits.solde(Debit("essai", 1), "a")).reste == 1
    assert "Redis" in caplog.text
    await debits.fermer()


async def test_two_processes_share_the_allowance_of_a_redis(url_redis: str) -> None:
    un, autre = Debits(url_redis), Debits(url_redis)
    await debiter(un)
    assert await autre.depenser(Debit("essai", 10), "a", 1) is not None
    assert await autre.depenser(Debit("essai", 10), "c", 1) is None
    await un.fermer()
    await autre.fermer()


def test_l05_a_name_that_a_caller_chooses_makes_one_short_line(caplog: pytest.LogCaptureFixture) -> None:
    """Line breaks, terminal codes, formats and length."""
    Alertes(CollectorRegistry()).devinettes("a\nERROR forged\x1b[31m%s{}" + "x" * 1_000_000)
    (ligne,) = [enregistrement.getMessage() for enregistrement in caplog.records]
    assert "\n" not in ligne
    assert "\x1b" not in ligne
    assert len(ligne) < 200
