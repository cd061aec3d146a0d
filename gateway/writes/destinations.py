"""Where a write goes: the system of the Mission locale that it concerns, where that system receives it. Knows no store."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from gateway.auth.policy.acts import Acte
from gateway.errors import ConfigurationError
from gateway.federation.join.join_records import SourcedRecord
from gateway.federation.views.view import ViewPerson
from gateway.schema.organisations import TypeSource
from gateway.sources.fetch import Sources
from gateway.writes.eligibility import WriteTarget
from gateway.writes.sealed_body import Destination


@dataclass(frozen=True, slots=True)
class PartnerDestinations:
    """Those of the partners whose file says that they receive writes."""

    sources: Sources

    def check(self) -> None:
        """Raises ConfigurationError for a partner that is said to receive writes, and whose connector cannot say them."""
        for name, partner in self.sources.partners.items():
            if partner.ecritures and self.sources.connector_of(name).write is None:
                raise ConfigurationError(f"partenaires/{name} : ecritures : ce genre de partenaire n'en reçoit pas")

    def destination(self, acte: Acte, target: WriteTarget) -> Destination:
        """Nowhere when nobody receives it."""
        code = target.mission_locale
        for source in self.sources.partners_of_structure(code) if code else ():
            connector = self.sources.connector_of(source)
            if self.sources.partners[source].ecritures and acte.value in connector.acts:
                own = (who for who in _dossiers(target.person) if who.origin == (source, code))
                if found := next(own, None):
                    return Destination(f"{source}/{code}", found.record.key, _seen(acte, target, found))
        return Destination()


def _seen(acte: Acte, target: WriteTarget, found: SourcedRecord) -> datetime | None:
    """When what a write is about was last changed in the partner's dossier, where what is shown of it is the partner's word."""
    shown, told = target.person.jeune, found.record.jeune
    if acte is Acte.NOTER_SUIVI:
        return told.suivi.date if told.suivi and shown.suivi and shown.suivi.ecriture is None else None
    asked = told.collaboration
    return asked.demandee_le if asked and shown.collaboration and shown.collaboration.ecriture is None else None


def _dossiers(person: ViewPerson) -> Iterator[SourcedRecord]:
    """What Missions locales hold of a person."""
    follow_ups = (who for who, _ in (*person.merged.follow_ups, *person.claimed))
    records = (*person.merged.cluster.sourced_records, *follow_ups)
    yield from (who for who in records if who.type is TypeSource.MISSION_LOCALE)
