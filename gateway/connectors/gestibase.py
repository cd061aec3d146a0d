"""Gestibase-like ERP: one flat CSV export under human headings, one contract a row, the young person repeated."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

from pydantic import Field

from gateway.connectors.base import (
    BodyFormat,
    Connector,
    PagingStyle,
    PartnerRequest,
    Payload,
    QualityCounts,
    ReadingResult,
    ReadingSteps,
    Record,
    Tenant,
    UnexpectedAnswer,
    filled,
    grouped,
    listed,
    mapped,
    of_one_person,
    read,
    rows_of,
)
from gateway.connectors.values import (
    Boolean,
    Cfd,
    CodePostalValue,
    CompactDate,
    CompactDay,
    Courriel,
    Ine,
    InstantCompact,
    Level,
    NumeroContrat,
    Required,
    Rncp,
    SexeValue,
    SirenValue,
    SiretValue,
    Telephone,
    Text,
    UaiValue,
)
from gateway.schema.nouns import Adresse, Contrat, Employeur, Formation, Jeune, Representant, Rupture
from gateway.schema.organisations import Cfa, ModeSource, TypeSource
from gateway.schema.scalars import UAI

TOTAL = "TOTAL"  # the last line of a page is no record
RENTREE_MONTH = 8
PAGE_SIZE = 500
Key = tuple[object, object] | None


class Row(Payload):
    """One line of the export."""

    id: Required = Field(alias="Elève ID")
    nom: Required = Field(alias="Elève nom")
    prenom: Required = Field(alias="Elève prénom")
    naissance: CompactDate = Field(alias="Elève date naissance")
    sexe: SexeValue = Field(None, alias="Sexe")
    ine: Ine = Field(None, alias="INE")
    rqth: Boolean = Field(None, alias="RQTH")
    portable: Telephone = Field(None, alias="Portable 1")
    fixe: Telephone = Field(None, alias="Téléphone 1")
    courriel: Courriel = Field(None, alias="Courriel")
    voie: Text = Field(None, alias="Elève adresse 1")
    code_postal: CodePostalValue = Field(None, alias="Elève code postal")
    ville: Text = Field(None, alias="Elève ville")
    uai: UaiValue = Field(None, alias="CFA UAI")
    formation: Text = Field(None, alias="Formation libellé")
    rncp: Rncp = Field(None, alias="Formation RNCP")
    cfd: Cfd = Field(None, alias="Formation CFD")
    niveau: Level = Field(None, alias="Formation niveau")
    debut: CompactDay = Field(None, alias="Session date début")
    fin: CompactDay = Field(None, alias="Session date fin")
    exclusion: CompactDay = Field(None, alias="Date exclusion")
    rep_nom: Text = Field(None, alias="Représentant 1 nom")
    rep_courriel: Courriel = Field(None, alias="Représentant 1 courriel")
    rep_telephone: Telephone = Field(None, alias="Représentant 1 téléphone")
    numero: NumeroContrat = Field(None, alias="Contrat numéro")
    type: Text = Field(None, alias="Contrat type contrat")
    contrat_debut: CompactDay = Field(None, alias="Contrat date début")
    contrat_fin: CompactDay = Field(None, alias="Contrat date fin")
    rupture: CompactDay = Field(None, alias="Contrat date rupture")
    motif: Text = Field(None, alias="Contrat motif rupture")
    employeur: Text = Field(None, alias="Mds nom")
    siret: SiretValue = Field(None, alias="Mds SIRET")
    siren: SirenValue = Field(None, alias="Mds SIRET")
    modifie: InstantCompact = Field(None, alias="Modifié le")

    @property
    def session(self) -> Key:
        """What tells two trainings of one person apart; None where the line has none."""
        return (self.debut, self.fin) if self.formation or self.debut else None

    @property
    def contrat(self) -> Key:
        """What tells two contracts of one person apart; None where the line has none."""
        return (self.numero, self.contrat_debut) if self.contrat_debut else None


def records(cfa: Tenant, today: date) -> ReadingSteps[ReadingResult]:
    """The export of this school year and of the one before, at once."""
    year = today.year - (today.month < RENTREE_MONTH)
    current, previous = yield [_export(year), _export(year - 1)]
    account = QualityCounts()
    rows = {str(line): line for page in (*current, *previous) for line in _whole(page)}
    # once each: both years tell most of them
    told = of_one_person(read(Row, rows.values(), account), lambda line: line.id, account)
    by_eleve = grouped(told, lambda line: line.id)
    found = mapped(lambda lines: record(lines, cfa), by_eleve.values(), account)
    return account.result(found)


def _unique(rows: list[Row], key: Callable[[Row], Key]) -> list[Row]:
    """The first line of each key: both years tell the same contract."""
    first: dict[Key, Row] = {}
    for line in rows:
        first.setdefault(key(line), line)
    first.pop(None, None)
    return list(first.values())


def _whole(page: Any) -> list[Any]:
    """The rows of a page that ends with their count: a CSV cut anywhere, or of something else, reads as well as a whole one."""
    *rows, last = list(rows_of([page])) or [{}]
    if (last.get("Elève ID"), last.get("Elève nom")) != (TOTAL, str(len(rows))):
        raise UnexpectedAnswer("no totals row that counts the rows before it")
    return rows


def _export(year: int) -> PartnerRequest:
    return PartnerRequest(
        "eleves.csv",
        "/export/eleves.csv",
        params={"annee": str(year), "page": "1", "par_page": str(PAGE_SIZE)},
        pages=PagingStyle.LINK,
        size=PAGE_SIZE,
        shape=BodyFormat.CSV,
        encoding="iso-8859-15",
    )


# What follows is the mapping that docs/partenaires-python.md quotes.
def record(rows: list[Row], cfa: Tenant) -> Record:
    """The lines of one young person, those of the latest year first."""
    line = rows[0]
    centre = Cfa(uai=line.uai or UAI(cfa.key))
    jeune = Jeune(
        nom=line.nom,
        prenom=line.prenom,
        date_naissance=line.naissance,
        sexe=line.sexe,
        ine=line.ine,
        rqth=line.rqth,
        telephone=line.portable or line.fixe,
        courriel=line.courriel,
        adresse=filled(Adresse(voie=line.voie, code_postal=line.code_postal, ville=line.ville)),
        representants=listed(Representant(nom=line.rep_nom, courriel=line.rep_courriel, telephone=line.rep_telephone)),
        formations=[_formation(one, centre) for one in _unique(rows, lambda one: one.session)],
        contrats=[_contrat(one, centre) for one in _unique(rows, lambda one: one.contrat)],
    )
    return Record(line.id, jeune, max((one.modifie for one in rows if one.modifie), default=None))


def _formation(line: Row, cfa: Cfa) -> Formation:
    diplome = Formation(intitule=line.formation, rncp=line.rncp, cfd=line.cfd, niveau=line.niveau, cfa=cfa)
    return replace(diplome, date_debut=line.debut, date_fin=line.fin, exclusion=line.exclusion)


def _contrat(line: Row, cfa: Cfa) -> Contrat:
    told_at = line.modifie.date() if line.modifie else None
    return Contrat(
        numero=line.numero,
        type=line.type,
        date_debut=line.contrat_debut,
        date_fin=line.contrat_fin,
        employeur=filled(Employeur(siret=line.siret, siren=line.siren, denomination=line.employeur)),
        cfa=cfa,
        rupture=Rupture(date=line.rupture, cause=line.motif, signalee_le=told_at) if line.rupture else None,
    )


CONNECTOR = Connector("gestibase", TypeSource.ERP_CFA, ModeSource.INTERROGATION, cfa_records=records)
