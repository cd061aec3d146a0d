"""What ERPs transmitted by the v3 contract (docs/reception.md), mapped to the nouns: one record for all the dossiers of one.

Nothing is asked: a dossier was read, and what was refused of it set aside, when it came. An ERP sends one for each school year;
the same number there is the same person, else nobody. Of a contract that two dossiers tell, the one last told is kept whole.
"""

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeVar

from pydantic import Field

from gateway.connectors.base import (
    Payload,
    QualityCounts,
    ReadingResult,
    Record,
    filled,
    grouped,
    mapped,
    of_one_person,
    read,
)
from gateway.connectors.values import (
    Boolean,
    Cfd,
    CodeInseeValue,
    CodePostalValue,
    Courriel,
    Ine,
    IsoDate,
    IsoDay,
    Required,
    Rncp,
    SexeValue,
    SirenValue,
    SiretValue,
    Telephone,
    Text,
)
from gateway.schema.nouns import Adresse, Contrat, Employeur, Formation, Jeune, Representant, Rupture
from gateway.schema.organisations import Cfa
from gateway.schema.scalars import UAI

T = TypeVar("T")


class PushedDossier(Payload):
    """A dossier, as it is kept: in the words of the contract."""

    id: Required = Field(alias="id_erp_apprenant")
    annee: Required = Field(alias="annee_scolaire")
    nom: Required = Field(alias="nom_apprenant")
    prenom: Required = Field(alias="prenom_apprenant")
    naissance: IsoDate = Field(alias="date_de_naissance_apprenant")
    sexe: SexeValue = Field(None, alias="sexe_apprenant")
    ine: Ine = Field(None, alias="ine_apprenant")
    rqth: Boolean = Field(None, alias="rqth_apprenant")
    telephone: Telephone = Field(None, alias="tel_apprenant")
    courriel: Courriel = Field(None, alias="email_contact")
    voie: Text = Field(None, alias="adresse_apprenant")
    code_postal: CodePostalValue = Field(None, alias="code_postal_apprenant")
    insee: CodeInseeValue = Field(None, alias="code_commune_insee_apprenant")
    representant_1: Courriel = Field(None, alias="responsable_apprenant_mail1")
    representant_2: Courriel = Field(None, alias="responsable_apprenant_mail2")
    uai: Required = Field(alias="etablissement_formateur_uai")
    siret: SiretValue = Field(None, alias="etablissement_formateur_siret")
    intitule: Text = Field(None, alias="libelle_court_formation")
    rncp: Rncp = Field(None, alias="formation_rncp")
    cfd: Cfd = Field(None, alias="formation_cfd")
    entree: IsoDate = Field(alias="date_entree_formation")
    fin: IsoDate = Field(alias="date_fin_formation")
    exclusion: IsoDay = Field(None, alias="date_exclusion_formation")
    contrats: tuple["PushedContrat", ...] = ()
    changed_at: datetime
    is_attested: bool

    @property
    def cfa(self) -> Cfa:
        return Cfa(uai=UAI(self.uai), siret=self.siret)


class PushedContrat(Payload):
    """One of the four contracts of a dossier."""

    debut: IsoDate = Field(alias="contrat_date_debut")
    fin: IsoDay = Field(None, alias="contrat_date_fin")
    rupture: IsoDay = Field(None, alias="contrat_date_rupture")
    cause: Text = Field(None, alias="cause_rupture_contrat")
    siret: SiretValue = Field(None, alias="siret_employeur")
    siren: SirenValue = Field(None, alias="siret_employeur")


SUFFIXES = ("", "_2", "_3", "_4")  # of the contracts of a dossier
PushedDossier.model_rebuild()


@dataclass(frozen=True, slots=True)
class ReceivedRow:
    """A dossier as it is kept, when what it says was received, and whether its CFA still sends it."""

    said: Mapping[str, Any]
    changed_at: datetime
    is_attested: bool


def received_records(rows: Iterable[ReceivedRow]) -> ReadingResult:
    """The records of the dossiers of one CFA."""
    account = QualityCounts()
    dossiers = read(PushedDossier, (_plain(row) for row in rows), account)
    same = grouped(of_one_person(dossiers, lambda dossier: dossier.id, account), lambda dossier: dossier.id)
    return account.result(mapped(_record, same.values(), account))


def _plain(row: ReceivedRow) -> dict[str, Any]:
    names = [(suffix, [f"{name}{suffix}" for name in _OF_CONTRAT]) for suffix in SUFFIXES]
    contrats = [
        {told.removesuffix(suffix): row.said[told] for told in known if told in row.said} for suffix, known in names
    ]
    begun = tuple(contrat for contrat in contrats if "contrat_date_debut" in contrat)
    return {**row.said, "contrats": begun, "changed_at": row.changed_at, "is_attested": row.is_attested}


_OF_CONTRAT = (
    *(f"contrat_date_{what}" for what in ("debut", "fin", "rupture")),
    "cause_rupture_contrat",
    "siret_employeur",
)


def _record(dossiers: list[PushedDossier]) -> Record:
    """The dossiers of one person, the one last told first."""
    told = sorted(dossiers, key=lambda one: (one.is_attested, one.changed_at, one.annee), reverse=True)
    last = told[0]
    jeune = Jeune(
        nom=last.nom,
        prenom=last.prenom,
        date_naissance=last.naissance,
        sexe=last.sexe,
        ine=last.ine,
        rqth=last.rqth,
        telephone=last.telephone,
        courriel=last.courriel,
        adresse=filled(Adresse(voie=last.voie, code_postal=last.code_postal, insee=last.insee)),
        representants=_representants(last),
        formations=_first([(_bounds(one), _formation(one)) for one in told]),
        contrats=_first([(_same(each), _contrat(each, one)) for one in told for each in one.contrats]),
    )
    return Record(last.id, jeune, max(one.changed_at for one in told))


def _representants(dossier: PushedDossier) -> list[Representant] | None:
    told = [courriel for courriel in (dossier.representant_1, dossier.representant_2) if courriel]
    return [Representant(courriel=courriel) for courriel in dict.fromkeys(told)] or None


def _first(told: Iterable[tuple[Hashable, T]]) -> list[T]:
    """The first of each key."""
    found: dict[Hashable, T] = {}
    for key, value in told:
        found.setdefault(key, value)
    return list(found.values())


def _bounds(dossier: PushedDossier) -> tuple[date, date]:
    return dossier.entree, dossier.fin


def _formation(dossier: PushedDossier) -> Formation:
    return Formation(
        intitule=dossier.intitule,
        rncp=dossier.rncp,
        cfd=dossier.cfd,
        date_debut=dossier.entree,
        date_fin=dossier.fin,
        exclusion=dossier.exclusion,
        cfa=dossier.cfa,
        is_attested=dossier.is_attested,
    )


def _same(contrat: PushedContrat) -> tuple[date, str | None]:
    return contrat.debut, contrat.siret


def _contrat(contrat: PushedContrat, dossier: PushedDossier) -> Contrat:
    # Not dated: any change of the dossier would move the day. The ledger of links has the one on which it was first seen.
    broken = Rupture(date=contrat.rupture, cause=contrat.cause)
    return Contrat(
        date_debut=contrat.debut,
        date_fin=contrat.fin,
        employeur=filled(Employeur(siret=contrat.siret, siren=contrat.siren)),
        cfa=dossier.cfa,
        rupture=broken if contrat.rupture else None,
    )
