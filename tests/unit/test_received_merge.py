"""What a CFA transmits beside what its ERP answers, and what it no longer transmits: who is believed, who is listed."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from gateway.auth.policy.policy import Affiliation, Perimetre
from gateway.auth.policy.rules import Finalite, Profil
from gateway.domain.statut import StatutApprenant
from gateway.federation.collect.kept_readings import Freshness, SourceReadings
from gateway.federation.join.join_records import SourcedRecord
from gateway.federation.lists import filter_jeunes
from gateway.federation.views.view import Rights, readable
from gateway.schema.filters import FiltreJeunes
from gateway.schema.nouns import Formation, Jeune
from gateway.schema.organisations import EtatSource
from gateway.sources.units import CacheStatus, PushState, Resource, Unit, UnitResult
from tests.support.access.tools import POLICY
from tests.support.unit.federation import DAY, contrat, merged, provenance, session, statut, told

CFA = "0600001A"
OLD, NEW = datetime(2026, 9, 1, tzinfo=UTC), datetime(2026, 10, 14, tzinfo=UTC)
DEBUT, FIN = date(2026, 9, 1), date(2027, 8, 31)


def asked(modifie: datetime | None = OLD, tenant: str = CFA, **values: Any) -> SourcedRecord:
    return told("ypareo", tenant=tenant, modifie=modifie, **values)


def received(modifie: datetime | None = NEW, mixed: bool = True, **values: Any) -> SourcedRecord:
    """What the CFA transmitted; `mixed`: its ERP is asked too."""
    return replace(told("transmissions", tenant=CFA, modifie=modifie, **values), stands_in=mixed)


def test_the_answer_asked_wins_a_conflicting_field_however_old_it_says_it_is() -> None:
    for before in (OLD, None):
        one = merged(asked(before, telephone="0639980001", rqth=False), received(telephone="0639980002", rqth=True))
        assert (one.jeune.telephone, one.jeune.rqth) == ("0639980001", False)
        assert provenance(one)["telephone", "transmissions"] == (False, True)


def test_what_was_received_fills_holes() -> None:
    one = merged(asked(courriel="a@jeune.invalid"), received(telephone="0639980002"))
    assert (one.jeune.courriel, one.jeune.telephone) == ("a@jeune.invalid", "0639980002")


def test_what_was_received_stands_in_when_the_erp_fails() -> None:
    assert merged(received(telephone="0639980002")).jeune.telephone == "0639980002"


def test_of_a_cfa_that_only_transmits_the_record_last_written_wins() -> None:
    other = asked(OLD, tenant="0600009Z", telephone="0639980001")
    assert merged(other, received(NEW, mixed=False, telephone="0639980002")).jeune.telephone == "0639980002"


@pytest.mark.parametrize("who", ["asked", "received"])
def test_a_rupture_known_to_either_exists(who: str) -> None:
    broken, whole = contrat(DEBUT, broken=date(2026, 10, 1)), contrat(DEBUT)
    live = asked(contrats=[broken if who == "asked" else whole], formations=[session(DEBUT, FIN)])
    pushed = received(contrats=[broken if who == "received" else whole], formations=[session(DEBUT, FIN)])
    one = merged(live, pushed)
    assert [rupture.date for rupture in one.jeune.ruptures or []] == [date(2026, 10, 1)]
    assert statut(one) is StatutApprenant.RUPTURANT
    assert len(one.contrats) == 1
    source = "ypareo" if who == "asked" else "transmissions"
    assert provenance(one)["rupture", source] == (True, True)  # the other tells the contract whole


def test_a_session_that_both_tell_is_shown_once_and_another_cfas_is_kept() -> None:
    here, there = session(DEBUT, FIN), session(date(2026, 9, 15), FIN)
    one = merged(asked(formations=[here]), received(formations=[session(date(2026, 9, 2), FIN)]))
    assert [formation.date_debut for formation in one.jeune.formations or []] == [DEBUT]
    two = merged(asked(tenant="0600009Z", formations=[there]), received(formations=[here]))
    assert len(two.jeune.formations or []) == 2


def waiting(attested: bool) -> Jeune:
    """Enrolled for six weeks without a contract."""
    formation = Formation(date_debut=DEBUT, date_fin=FIN, is_attested=attested)
    return merged(received(mixed=False, formations=[formation])).jeune


def test_a_session_no_longer_sent_feeds_the_statuses_and_lists_nobody_as_waiting() -> None:
    for attested in (True, False):
        jeune = waiting(attested)
        assert jeune.statut is not None
        assert jeune.statut.valeur is StatutApprenant.INSCRIT
        assert (jeune.sans_contrat is not None) is attested
        inscrits = filter_jeunes([jeune], FiltreJeunes(statut=[StatutApprenant.INSCRIT]))
        assert (len(inscrits), len(filter_jeunes([jeune], None))) == (attested, 1)


def test_who_reads_the_enrolled_alone_reads_nobody_whose_session_is_no_longer_sent() -> None:
    rights = Rights(POLICY, Profil.FRANCE_TRAVAIL, Finalite.ACCOMPAGNEMENT, Perimetre(Profil.FRANCE_TRAVAIL, "32"))
    for attested in (True, False):
        seen = readable(waiting(attested), Affiliation(region="32"), rights)
        assert bool(seen) is attested


def test_a_broken_contract_of_a_session_no_longer_sent_is_listed_all_the_same() -> None:
    formation = Formation(date_debut=DEBUT, date_fin=FIN, is_attested=False)
    broken = contrat(DEBUT, broken=date(2026, 10, 1))
    jeune = merged(received(mixed=False, formations=[formation], contrats=[broken])).jeune
    assert filter_jeunes([jeune], FiltreJeunes(statut=[StatutApprenant.RUPTURANT])) == [jeune]
    assert len(jeune.ruptures or []) == 1


def test_a_session_that_an_answer_tells_too_is_attested() -> None:
    kept = merged(
        asked(formations=[session(DEBUT, FIN)]),
        received(formations=[Formation(date_debut=DEBUT, date_fin=FIN, is_attested=False)]),
    )
    assert kept.jeune.sans_contrat is not None


def unit(key: str, days: float | None, etat: EtatSource) -> UnitResult:
    at = datetime(2026, 10, 15, 9, tzinfo=UTC)
    as_of = None if days is None else datetime(2026, 10, 15 - int(days), 9, tzinfo=UTC)
    age = (days or 0) * 86400.0
    where = Unit("transmissions", Resource.CFA, key)
    return UnitResult(where, (), at, CacheStatus.HIT, "1", age, pushed=PushState(as_of, etat))


def test_the_line_of_an_answer_tells_the_last_transmission_of_the_cfa_longest_silent() -> None:
    now = datetime(2026, 10, 15, 9, tzinfo=UTC)
    readings = SourceReadings()
    readings.date([unit("A", None, EtatSource.DISPONIBLE)], 1e6)
    assert readings.freshness_by_source == {}  # whoever never transmitted has no age
    readings.date([unit("A", 1, EtatSource.DISPONIBLE), unit("B", 5, EtatSource.DEGRADEE)], 1e6)
    line = readings.freshness_by_source["transmissions"]
    assert line.line(1e6, now) == {"ageSecondes": 432_000, "cache": "touche", "asOf": "2026-10-10T09:00:00Z"}
    assert line.state(EtatSource.DISPONIBLE, now) is EtatSource.DEGRADEE
    gone = Freshness("touche", 0.0, now, EtatSource.INDISPONIBLE)
    assert gone.oldest(gone).state(EtatSource.DISPONIBLE, now) is EtatSource.INDISPONIBLE
    assert gone.oldest(line).state(EtatSource.DISPONIBLE, now) is EtatSource.DEGRADEE
    assert now.date() == DAY
