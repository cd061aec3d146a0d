"""The REST service of contracts (`fixtures.rest`), asked as any partner: ruptures of a structure, then who they are of."""

from collections.abc import Sequence
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
from gateway.connectors.values import (
    CodeInseeValue,
    CodePostalValue,
    Courriel,
    IsoDay,
    Required,
    SiretValue,
    Telephone,
    Text,
    UaiValue,
)
from gateway.schema.nouns import Adresse, Contrat, Employeur, Formation, Jeune, Rupture
from gateway.schema.organisations import Cfa, ModeSource, TypeSource

IDS_MAX = 500  # a URL holds


class EmployeurRest(Payload):
    siret: SiretValue = None
    denomination: Text = None


class SessionRest(Payload):
    intitule: Text = None
    debut: IsoDay = Field(None, alias="dateDebut")
    fin: IsoDay = Field(None, alias="dateFin")


class CfaRest(Payload):
    uai: UaiValue = None


class ContratRest(Payload):
    debut: IsoDay = Field(None, alias="dateDebut")
    fin: IsoDay = Field(None, alias="dateFin")
    employeur: EmployeurRest
    formation: SessionRest
    cfa: CfaRest


class RuptureRest(Payload):
    numero: Required
    date: IsoDay = None
    jeune: Required = Field(alias="jeuneId")
    contrat: ContratRest


class AdresseRest(Payload):
    code_postal: CodePostalValue = Field(None, alias="codePostal")
    insee: CodeInseeValue = None


class JeuneRest(Payload):
    id: Required
    nom: Required
    prenom: Required
    naissance: IsoDay = Field(None, alias="dateNaissance")
    telephone: Telephone = None
    courriel: Courriel = None
    adresse: AdresseRest


def records(structure: Tenant, _today: date) -> ReadingSteps[ReadingResult]:
    """Every rupture of the structure's young people; one record a person."""
    account = QualityCounts()
    (pages,) = yield [PartnerRequest("ruptures", f"/structures/{structure.key}/ruptures")]
    ruptures = read(RuptureRest, rows_of(pages), account)
    ids = list(dict.fromkeys(rupture.jeune for rupture in ruptures))
    batches = [ids[debut : debut + IDS_MAX] for debut in range(0, len(ids), IDS_MAX)]
    responses = yield [PartnerRequest("jeunes", "/jeunes", params={"ids": ",".join(batch)}) for batch in batches]
    jeunes = [jeune for pages in responses for jeune in read(JeuneRest, rows_of(pages), account)]
    results = [_record(jeune, [rupture for rupture in ruptures if rupture.jeune == jeune.id]) for jeune in jeunes]
    return ReadingResult(results, account.rejects, account.ignored_fields, account.drifts)


def _record(who: JeuneRest, ruptures: Sequence[RuptureRest]) -> Record:
    jeune = Jeune(
        nom=who.nom,
        prenom=who.prenom,
        date_naissance=who.naissance,
        telephone=who.telephone,
        courriel=who.courriel,
        adresse=Adresse(code_postal=who.adresse.code_postal, insee=who.adresse.insee),
        formations=[_formation(rupture.contrat) for rupture in ruptures],
        contrats=[_contrat(rupture) for rupture in ruptures],
    )
    return Record(who.id, jeune)


def _formation(parsed: ContratRest) -> Formation:
    session = parsed.formation
    return Formation(
        intitule=session.intitule, date_debut=session.debut, date_fin=session.fin, cfa=Cfa(uai=parsed.cfa.uai)
    )


def _contrat(result: RuptureRest) -> Contrat:
    contrat = result.contrat
    return Contrat(
        numero=result.numero,
        date_debut=contrat.debut,
        date_fin=contrat.fin,
        employeur=Employeur(siret=contrat.employeur.siret, denomination=contrat.employeur.denomination),
        cfa=Cfa(uai=contrat.cfa.uai),
        rupture=Rupture(date=result.date),
    )


CONNECTOR = Connector("rest-contrats", TypeSource.MISSION_LOCALE, ModeSource.INTERROGATION, structure_records=records)
