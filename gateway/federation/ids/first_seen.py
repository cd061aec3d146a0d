"""When each rupture was first told, by whom, and how long before the registry. Pure; first sightings are given.

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
ViewCache = Mapping[tuple[str, str], datetime]  # by record and fact


def undated_facts(folded: FoldedContrat, pseudonym: Pseudonym) -> Iterator[Fact]:
    """The ruptures of a contract whose source does not say when it reported them; those to come are facts too."""
    for sourced_record, contrat in folded.versions:
        if contrat.rupture and contrat.rupture.date and not contrat.rupture.signalee_le:
            yield (*_fact(sourced_record, contrat, contrat.rupture, pseudonym), sourced_record.source)


def date_report(rupture: Rupture, folded: FoldedContrat, views: ViewCache, pseudonym: Pseudonym) -> None:
    """Write on a merged rupture when it was told, and how much earlier by an ERP than by the registry."""
    days: dict[TypeSource, list[date]] = {}
    for sourced_record, contrat in folded.versions:
        day = _reported_at(sourced_record, contrat, views, pseudonym)
        if day:
            days.setdefault(sourced_record.type, []).append(day)
    rupture.signalee_le = min((min(told_values) for told_values in days.values()), default=None)
    if rupture.signalee_le and rupture.date:
        rupture.delai_signalement_jours = (rupture.signalee_le - rupture.date).days
    if days.keys() >= {TypeSource.ERP_CFA, TypeSource.REGISTRE_CONTRATS}:
        ahead = min(days[TypeSource.REGISTRE_CONTRATS]) - min(days[TypeSource.ERP_CFA])
        rupture.avance_sur_registre_jours = ahead.days


def _reported_at(
    sourced_record: SourcedRecord, contrat: Contrat, views: ViewCache, pseudonym: Pseudonym
) -> date | None:
    rupture = contrat.rupture
    if rupture is None or rupture.date is None:
        return None
    if rupture.signalee_le:
        return rupture.signalee_le
    view = views.get(_fact(sourced_record, contrat, rupture, pseudonym))
    return paris_day(view) if view else None


def _fact(sourced_record: SourcedRecord, contrat: Contrat, rupture: Rupture, pseudonym: Pseudonym) -> tuple[str, str]:
    record = contrat_text(sourced_record, contrat)
    return pseudonym(f"contrat|{record}"), pseudonym(f"rupture|{record}|{rupture.date}")
