"""The ids of contracts, and when a rupture was first told: what stays, what follows a correction, what is noted once."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from gateway.domain.links import RecordKey
from gateway.federation.ids.id_assigner import contract_keys, date_report, undated_facts
from gateway.federation.ids.keep_or_create import RecordKeys
from gateway.federation.join.join_records import SourcedRecord
from gateway.federation.join.precedence import FoldedContrat, fold
from gateway.schema.nouns import Contrat, Employeur, Rupture
from gateway.schema.scalars import SIRET
from gateway.stores.links import LinkStore
from tests.support.unit.links import IDS, T0, UnitReader, told

pytestmark = pytest.mark.anyio

START = date(2025, 9, 1)
BROKEN_OFF = date(2026, 9, 20)


def erp(*contrats: Contrat, key: str = "1", tenant: str = "A", **values: Any) -> SourcedRecord:
    return told("ypareo", key, tenant, contrats=list(contrats), **values)


def deca(*contrats: Contrat) -> SourcedRecord:
    return told("registre", "p", contrats=list(contrats))


async def ids(here: UnitReader, *sourced_records: SourcedRecord) -> list[str]:
    """The ids of the contracts of one person, by first day."""
    folded_contrats = fold(sorted(sourced_records, key=lambda sourced_record: sourced_record.rank))
    key_sets = contract_keys(folded_contrats, IDS.pseudonym)
    assigned_ids = await here.id_assigner.assign(key_sets, ())
    by_start = [
        (str(folded.versions[0][1].date_debut), assigned_ids.id_of(g))
        for folded, g in zip(folded_contrats, key_sets, strict=True)
    ]
    return [item for _, item in sorted(by_start)]


async def test_a_start_that_is_corrected_keeps_the_contract_that_has_a_number(here: UnitReader) -> None:
    before = await ids(here, deca(Contrat(numero="N1", date_debut=START)))
    assert await ids(here, deca(Contrat(numero="n1", date_debut=date(2025, 9, 15)))) == before


async def test_a_contract_told_by_an_erp_keeps_its_id_when_the_registry_hears_of_it_and_when_the_erp_forgets(
    here: UnitReader,
) -> None:
    before = await ids(here, erp(Contrat(date_debut=START)))
    assert await ids(here, erp(Contrat(date_debut=START)), deca(Contrat(numero="N1", date_debut=START))) == before
    assert await ids(here, deca(Contrat(numero="N1", date_debut=date(2025, 9, 3)))) == before


async def test_a_number_told_late_and_a_start_corrected_after_keep_the_id(here: UnitReader) -> None:
    before = await ids(here, erp(Contrat(date_debut=START)))
    assert await ids(here, erp(Contrat(numero="N1", date_debut=START))) == before
    assert await ids(here, erp(Contrat(numero="N1", date_debut=date(2025, 10, 1)))) == before


async def test_another_contract_before_it_changes_no_id(here: UnitReader) -> None:
    (before,) = await ids(here, deca(Contrat(numero="N2", date_debut=START)))
    two = await ids(
        here, deca(Contrat(numero="N1", date_debut=date(2023, 9, 1)), Contrat(numero="N2", date_debut=START))
    )
    assert two[1] == before
    assert two[0] != before


async def test_two_contracts_alike_have_two_ids(here: UnitReader) -> None:
    other = Employeur(siret=SIRET("73282932000074"))
    alike = erp(Contrat(date_debut=START), Contrat(date_debut=START, employeur=other))
    two = await ids(here, alike)
    assert len(set(two)) == 2
    assert await ids(here, alike) == two


def broken(signalee_le: date | None = None, day: date = BROKEN_OFF, numero: str | None = "N1") -> Contrat:
    return Contrat(numero=numero, date_debut=START, rupture=Rupture(date=day, signalee_le=signalee_le))


async def reported(here: UnitReader, *sourced_records: SourcedRecord) -> tuple[date | None, int | None, int | None]:
    """signaleeLe, delaiSignalementJours and avanceSurRegistreJours of the one contract of a person."""
    (folded,) = fold(sorted(sourced_records, key=lambda sourced_record: sourced_record.rank))
    facts = list(undated_facts(folded, IDS.pseudonym))
    assigned_ids = await here.id_assigner.assign([RecordKeys((RecordKey("0" * 32),))], facts)
    rupture = Rupture(date=BROKEN_OFF)
    date_report(rupture, folded, assigned_ids.first_seen, IDS.pseudonym)
    return rupture.signalee_le, rupture.delai_signalement_jours, rupture.avance_sur_registre_jours


async def test_a_source_that_states_its_day_is_believed(here: UnitReader) -> None:
    assert await reported(here, erp(broken(date(2026, 9, 25)))) == (date(2026, 9, 25), 5, None)


async def test_without_a_stated_day_it_is_the_first_one_we_saw_it_and_it_stays(here: UnitReader) -> None:
    assert await reported(here, erp(broken())) == (date(2026, 10, 1), 11, None)
    assert await reported(here.a(datetime(2026, 11, 1, 9, tzinfo=UTC)), erp(broken())) == (date(2026, 10, 1), 11, None)


async def test_the_first_sight_is_a_day_in_paris(here: UnitReader) -> None:
    assert (await reported(here.a(datetime(2026, 10, 1, 22, 30, tzinfo=UTC)), erp(broken())))[0] == date(2026, 10, 2)


async def test_another_date_is_another_fact(here: UnitReader) -> None:
    await reported(here, erp(broken(day=date(2026, 9, 18))))
    assert (await reported(here.a(datetime(2026, 10, 8, 9, tzinfo=UTC)), erp(broken())))[0] == date(2026, 10, 8)


@pytest.mark.parametrize(
    ("of_the_cfa", "from_registry", "ahead"),
    [
        (date(2026, 9, 22), date(2026, 10, 12), 20),
        (date(2026, 10, 12), date(2026, 9, 22), -20),
        (None, date(2026, 10, 12), 11),
    ],
    ids=["the CFA first", "the registry first", "the CFA states no day"],
)
async def test_how_long_before_the_registry_the_cfa_told_it(
    here: UnitReader, of_the_cfa: date | None, from_registry: date, ahead: int
) -> None:
    result = await reported(here, erp(broken(of_the_cfa)), deca(broken(from_registry)))
    assert result[2] == ahead
    assert result[0] == min(of_the_cfa or date(2026, 10, 1), from_registry)


async def test_no_advance_on_a_registry_that_ignores_the_rupture_nor_without_a_cfa(here: UnitReader) -> None:
    day = date(2026, 9, 22)
    sound = Contrat(numero="N1", date_debut=START)
    assert (await reported(here, erp(broken(day)), deca(sound)))[2] is None
    assert (await reported(here, erp(sound), deca(broken(day)))) == (day, 2, None)


async def test_the_earliest_of_several_cfas_counts(here: UnitReader) -> None:
    folded = FoldedContrat(
        [
            (erp(), broken(date(2026, 9, 30))),
            (erp(tenant="B"), broken(date(2026, 9, 25))),
            (deca(), broken(date(2026, 10, 5))),
        ]
    )
    rupture = Rupture(date=BROKEN_OFF)
    date_report(rupture, folded, {}, IDS.pseudonym)
    assert (rupture.signalee_le, rupture.avance_sur_registre_jours) == (date(2026, 9, 25), 10)


async def test_a_first_sight_is_kept_whatever_was_written_meanwhile(ledger: LinkStore) -> None:
    fact = ("c" * 32, "f" * 32, "ypareo")
    later = datetime(2026, 10, 9, tzinfo=UTC)
    assert await ledger.first_seen([fact], T0) == {fact[:2]: T0}
    assert await ledger.first_seen([fact, ("c" * 32, "g" * 32, "ypareo")], later) == {
        fact[:2]: T0,
        ("c" * 32, "g" * 32): later,
    }
    await ledger.purge(datetime(2030, 1, 1, tzinfo=UTC))
    assert await ledger.first_seen([fact], later) == {fact[:2]: later}


async def test_a_report_of_a_rupture_without_its_day_reports_none(here: UnitReader) -> None:
    """No day is the day of no rupture: what else its source says of it is of nothing."""
    undated = Contrat(numero="N1", date_debut=START, rupture=Rupture(signalee_le=date(2026, 9, 21)))
    day = date(2026, 9, 25)
    assert await reported(here, erp(broken(day)), deca(undated)) == (day, 5, None)
    assert await reported(here, deca(undated)) == (None, None, None)


async def test_a_report_of_the_very_day_is_a_report(here: UnitReader) -> None:
    assert await reported(here, erp(broken(BROKEN_OFF)), deca(broken(BROKEN_OFF))) == (BROKEN_OFF, 0, 0)
