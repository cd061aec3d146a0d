"""The REST service of follow-ups (`fixtures.rest`), asked as any partner: those of a structure."""

from datetime import date

from pydantic import Field

from gateway.connectors.base import (
    Connector,
    PartnerRequest,
    Payload,
    QualityCounts,
    ReadingResult,
    ReadingSteps,
    Record,
    Tenant,
    read,
    rows_of,
)
from gateway.connectors.values import IsoDay, Required, Text
from gateway.schema.nouns import Jeune, SituationSuivi, Suivi
from gateway.schema.organisations import ModeSource, TypeSource


class SuiviRest(Payload):
    id: Required
    nom: Required
    prenom: Required
    naissance: IsoDay = Field(None, alias="dateNaissance")
    situation: SituationSuivi | None = None
    conseiller: Text = None


def records(structure: Tenant, _today: date) -> ReadingSteps[ReadingResult]:
    """Every follow-up of the structure."""
    account = QualityCounts()
    (pages,) = yield [PartnerRequest("suivis", f"/structures/{structure.key}/suivis")]
    values_read = [_record(lu) for lu in read(SuiviRest, rows_of(pages), account)]
    return ReadingResult(values_read, account.rejects, account.ignored_fields, account.derives)


def _record(lu: SuiviRest) -> Record:
    suivi = Suivi(situation=lu.situation, conseiller=lu.conseiller)
    return Record(lu.id, Jeune(nom=lu.nom, prenom=lu.prenom, date_naissance=lu.naissance, suivi=suivi))


CONNECTOR = Connector("rest-suivis", TypeSource.MISSION_LOCALE, ModeSource.INTERROGATION, structure_records=records)
