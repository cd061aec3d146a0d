"""Dates the report of each rupture: by whom, and how long before the registry. Pure; first sightings are given.

A source that states the day of its report is believed; for another, it is the day we first saw it there (docs/domaine.md).
"""

from collections.abc import Iterator, Mapping
from datetime import date, datetime

from gateway.domain.days import paris_day
from gateway.federation.ids.record_keys import Pseudonym, contrat_text
from gateway.federation.join.contracts import FoldedContrat
from gateway.federation.join.records import SourcedRecord
from gateway.schema.nouns import Contrat, Rupture
from gateway.schema.organisations import TypeSource

Fact = tuple[str, str, str]  # record, fact, name of the source
FirstSeen = Mapping[tuple[str, str], datetime]  # by record and fact


def undated_facts(folded: FoldedContrat, pseudonym: Pseudonym) -> Iterator[Fact]:
    """The ruptures of a contract whose source does not say when it reported them; those to come are facts too."""
    for sourced_record, contrat in folded.versions:
        if contrat.rupture and contrat.rupture.date and not contrat.rupture.signalee_le:
            yield (*_fact(sourced_record, contrat, contrat.rupture, pseudonym), sourced_record.source)


def date_report(rupture: Rupture, folded: FoldedContrat, first_seen: FirstSeen, pseudonym: Pseudonym) -> None:
    """Write on a merged rupture the day of its first report, and how many days an ERP was ahead of the registry."""
    # By kind of source: the advance compares the first ERP with the first registry, whichever they are.
    first_days: dict[TypeSource, date] = {}
    for sourced_record, contrat in folded.versions:
        day = _reported_at(sourced_record, contrat, first_seen, pseudonym)
        if day:
            first_days[sourced_record.type] = min(day, first_days.get(sourced_record.type, day))
    rupture.signalee_le = min(first_days.values(), default=None)
    if rupture.signalee_le and rupture.date:
        rupture.delai_signalement_jours = (rupture.signalee_le - rupture.date).days
    if first_days.keys() >= {TypeSource.ERP_CFA, TypeSource.REGISTRE_CONTRATS}:
        ahead = first_days[TypeSource.REGISTRE_CONTRATS] - first_days[TypeSource.ERP_CFA]
        rupture.avance_sur_registre_jours = ahead.days


def _reported_at(
    sourced_record: SourcedRecord, contrat: Contrat, first_seen: FirstSeen, pseudonym: Pseudonym
) -> date | None:
    rupture = contrat.rupture
    if rupture is None or rupture.date is None:
        return None
    if rupture.signalee_le:
        return rupture.signalee_le
    seen_at = first_seen.get(_fact(sourced_record, contrat, rupture, pseudonym))
    return paris_day(seen_at) if seen_at else None


def _fact(sourced_record: SourcedRecord, contrat: Contrat, rupture: Rupture, pseudonym: Pseudonym) -> tuple[str, str]:
    record = contrat_text(sourced_record, contrat)
    # The day is part of the fact: a rupture whose day is corrected is reported anew.
    return pseudonym(f"contrat|{record}"), pseudonym(f"rupture|{record}|{rupture.date}")
