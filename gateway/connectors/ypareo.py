"""Ypareo-like ERP: many small lists nested by code, dates dd/mm/yyyy, codes that differ from one client to the next."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

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
    UnexpectedAnswer,
    attached,
    filled,
    listed,
    mapped,
    number_of,
    of_one_person,
    read,
    rows_of,
)
from gateway.connectors.values import (
    Cfd,
    CodePostalValue,
    Courriel,
    FrenchDate,
    FrenchDay,
    Ine,
    Level,
    Listed,
    Naf,
    NumeroContrat,
    Required,
    Rncp,
    SexeValue,
    SirenValue,
    SiretValue,
    Telephone,
    Text,
    UaiValue,
    midnight,
)
from gateway.schema.nouns import Adresse, Contrat, Employeur, Formation, Jeune, Representant, Rupture
from gateway.schema.organisations import Cfa, ModeSource, TypeSource
from gateway.schema.scalars import UAI

# Without these, titles, sites and employers lack, and it is told; the statuts tell who was excluded: nothing stands in for them.
SECONDARY = frozenset({"sites", "formations", "entreprises"})
EXCLUSION = "exclu"  # label of the statuses that mean the person was excluded; codes are the client's own


class Periode(Payload):
    code: Required = Field(alias="codePeriode")


class Site(Payload):
    code: Required = Field(alias="codeSite")
    uai: UaiValue = None
    siret: SiretValue = None


class YpareoFormation(Payload):
    code: Required = Field(alias="codeFormation")
    nom: Text = Field(None, alias="nomFormation")
    rncp: Rncp = Field(None, alias="codeRNCP")
    cfd: Cfd = Field(None, alias="codeDiplome")
    niveau: Level = None


class YpareoStatut(Payload):
    code: Required = Field(alias="codeStatut")
    nom: Text = Field(None, alias="nomStatut")


class Entreprise(Payload):
    code: Required = Field(alias="codeEntreprise")
    nom: Text = Field(None, alias="nomEntreprise")
    siret: SiretValue = None
    siren: SirenValue = Field(None, alias="siret")
    naf: Naf = None


class YpareoAddress(Payload):
    adr1: Text = None
    adr2: Text = None
    cp: CodePostalValue = None
    ville: Text = None
    tel1: Telephone = None
    tel2: Telephone = None
    email: Courriel = None


class Responsable(Payload):
    nom: Text = None
    email: Courriel = None
    tel: Telephone = None


class YpareoInscription(Payload):
    statut: Text = Field(None, alias="codeStatut")
    formation: Text = Field(None, alias="codeFormation")
    site: Text = Field(None, alias="codeSite")
    debut: FrenchDay = Field(None, alias="dateDeb")
    fin: FrenchDay = Field(None, alias="dateFin")
    sortie: FrenchDay = Field(None, alias="dateSortie")


class Apprenant(Payload):
    code: Required = Field(alias="codeApprenant")
    nom: Required = Field(alias="nomApprenant")
    nom_naissance: Text = Field(None, alias="nomJeuneFille")
    prenom: Required = Field(alias="prenomApprenant")
    naissance: FrenchDate = Field(alias="dateNaissance")
    sexe: SexeValue = Field(None, alias="codeCivilite")
    ine: Ine = Field(None, alias="numeroIne")
    adresse: YpareoAddress | None = None
    responsable: Responsable | None = Field(None, alias="respLegal1")
    inscriptions: Listed[YpareoInscription] = ()


class YpareoContrat(Payload):
    code: Required = Field(alias="codeContrat")
    apprenant: Required = Field(alias="codeApprenant")
    entreprise: Text = Field(None, alias="codeEntreprise")
    site: Text = Field(None, alias="codeSite")
    numero: NumeroContrat = Field(None, alias="numeroContrat")
    debut: FrenchDate = Field(alias="dateDebContrat")
    fin: FrenchDay = Field(None, alias="dateFinContrat")
    resiliation: FrenchDay = Field(None, alias="dateResiliation")
    motif: Text = Field(None, alias="nomMotifResiliation")
    modifie: FrenchDay = Field(None, alias="dateModif")


@dataclass(frozen=True, slots=True)
class Tables:
    """The reference lists of one client, by code."""

    cfa: Cfa  # the client itself, for whatever names no site
    sites: Mapping[str, Cfa]
    formations: Mapping[str, YpareoFormation]
    entreprises: Mapping[str, Employeur | None]
    exclusions: frozenset[str]

    def site(self, code: str | None) -> Cfa:
        return self.sites.get(number_of(code), self.cfa)


def records(cfa: Tenant, today: date) -> ReadingSteps[ReadingResult]:
    """All the apprentices of the CFA: the periods first, then everything that they open, at once."""
    account = QualityCounts()
    (periods,) = yield [_list("periodes")]
    codes = ",".join(periode.code for periode in read(Periode, _rows(periods), account))
    if not codes:  # an empty answer means nothing found (docs/domaine.md), but no CFA lives without school years
        raise UnexpectedAnswer("no period")
    reference = [_list(name) for name in ("sites", "formations", "statuts", "entreprises")]
    opened = {"codesPeriode": codes}
    apprenants = PartnerRequest("apprenants", "/r/v1/formation-longue/apprenants", params=opened, empty_is_absence=True)
    contrats = PartnerRequest("contrats", "/r/v1/contrats", params=opened, empty_is_absence=True)
    *tables, apprentis, signed = yield [*reference, apprenants, contrats]
    unique = {(contrat.apprenant, contrat.code): contrat for contrat in read(YpareoContrat, _rows(signed), account)}
    known = _tables([_rows(table) for table in tables], cfa, account)
    people = of_one_person(read(Apprenant, _rows(apprentis), account), lambda who: who.code, account)
    everyone = {number_of(who.code) for who in people}
    contracts = attached(list(unique.values()), lambda one: one.apprenant, everyone, account, "codeApprenant")
    found = mapped(lambda who: _record(who, contracts[number_of(who.code)], known), people, account)
    return account.result(found)


def _list(name: str) -> PartnerRequest:
    return PartnerRequest(name, f"/r/v1/{name}", empty_is_absence=True, secondary=name in SECONDARY)


def _rows(pages: Iterable[Any]) -> Iterable[Any]:
    """The same list comes as an array, or as an object keyed by code."""
    return rows_of(list(page.values()) if isinstance(page, dict) else page for page in pages)


def _tables(lists: list[Iterable[Any]], cfa: Tenant, account: QualityCounts) -> Tables:
    sites, formations, statuts, entreprises = lists
    return Tables(
        cfa=Cfa(uai=UAI(cfa.key)),
        sites={
            number_of(site.code): Cfa(uai=site.uai or UAI(cfa.key), siret=site.siret)
            for site in read(Site, sites, account)
        },
        formations={number_of(formation.code): formation for formation in read(YpareoFormation, formations, account)},
        entreprises={number_of(entry.code): _employeur(entry) for entry in read(Entreprise, entreprises, account)},
        exclusions=frozenset(
            number_of(statut.code)
            for statut in read(YpareoStatut, statuts, account)
            if EXCLUSION in (statut.nom or "").lower()
        ),
    )


def _employeur(entreprise: Entreprise) -> Employeur | None:
    return filled(
        Employeur(siret=entreprise.siret, siren=entreprise.siren, denomination=entreprise.nom, naf=entreprise.naf)
    )


def _record(apprenant: Apprenant, contrats: list[YpareoContrat], tables: Tables) -> Record:
    home, parent = apprenant.adresse or YpareoAddress(), apprenant.responsable or Responsable()
    jeune = Jeune(
        nom=apprenant.nom,
        autres_noms=(apprenant.nom_naissance,) if apprenant.nom_naissance else (),
        prenom=apprenant.prenom,
        date_naissance=apprenant.naissance,
        sexe=apprenant.sexe,
        ine=apprenant.ine,
        telephone=home.tel1 or home.tel2,
        courriel=home.email,
        adresse=filled(Adresse(voie=home.adr1, complement=home.adr2, code_postal=home.cp, ville=home.ville)),
        representants=listed(Representant(nom=parent.nom, courriel=parent.email, telephone=parent.tel)),
        formations=_formations(apprenant.inscriptions, tables),
        contrats=[_contrat(contrat, tables) for contrat in contrats],
    )
    return Record(apprenant.code, jeune, _written_at(contrats))


def _written_at(contrats: list[YpareoContrat]) -> datetime | None:
    day = max((contrat.modifie for contrat in contrats if contrat.modifie), default=None)
    return midnight(day) if day else None


def _formations(inscriptions: Iterable[YpareoInscription], tables: Tables) -> list[Formation]:
    """One inscription a school year: those of one session are one training; the last exit told holds."""
    sessions: dict[tuple[Any, ...], Formation] = {}
    for inscription in inscriptions:
        key = (inscription.formation, inscription.debut, inscription.fin)
        session = sessions.setdefault(key, _formation(inscription, tables))
        if number_of(inscription.statut) in tables.exclusions and inscription.sortie:
            session.exclusion = inscription.sortie
    return list(sessions.values())


def _formation(inscription: YpareoInscription, tables: Tables) -> Formation:
    followed = tables.formations.get(number_of(inscription.formation))
    return Formation(
        intitule=followed.nom if followed else None,
        rncp=followed.rncp if followed else None,
        cfd=followed.cfd if followed else None,
        niveau=followed.niveau if followed else None,
        date_debut=inscription.debut,
        date_fin=inscription.fin,
        cfa=tables.site(inscription.site),
    )


def _contrat(contrat: YpareoContrat, tables: Tables) -> Contrat:
    rupture = Rupture(date=contrat.resiliation, cause=contrat.motif, signalee_le=contrat.modifie)
    return Contrat(
        numero=contrat.numero,
        date_debut=contrat.debut,
        date_fin=contrat.fin,
        employeur=tables.entreprises.get(number_of(contrat.entreprise)),
        cfa=tables.site(contrat.site),
        rupture=rupture if contrat.resiliation else None,
    )


CONNECTOR = Connector("ypareo", TypeSource.ERP_CFA, ModeSource.INTERROGATION, cfa_records=records)
