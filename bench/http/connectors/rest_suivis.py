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
    results = [_record(result) for result in read(SuiviRest, rows_of(pages), account)]
    return ReadingResult(results, account.rejects, account.ignored_fields, account.drifts)


def _record(parsed: SuiviRest) -> Record:
    suivi = Suivi(situation=parsed.situation, conseiller=parsed.conseiller)
    return Record(parsed.id, Jeune(nom=parsed.nom, prenom=parsed.prenom, date_naissance=parsed.naissance, suivi=suivi))


CONNECTOR = Connector("rest-suivis", TypeSource.MISSION_LOCALE, ModeSource.INTERROGATION, structure_records=records)
