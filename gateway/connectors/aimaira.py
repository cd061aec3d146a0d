"""Aimaira-like ERP: OData entities to be joined by Id, instants at local midnight, ruptures told by the last day worked."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

from pydantic import Field

from gateway.connectors.base import (
    ChangeNotice,
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
    read,
    rows_of,
)
from gateway.connectors.values import (
    Boolean,
    Cfd,
    CodeInseeValue,
    CodePostalValue,
    Courriel,
    DateLocale,
    Ine,
    Level,
    LocalDay,
    Naf,
    Naissance,
    Required,
    Rncp,
    SiretValue,
    Telephone,
    Text,
    UaiValue,
    midnight,
    next_day,
)
from gateway.schema.nouns import Adresse, Contrat, Employeur, Formation, Jeune, Representant, Rupture, Sexe
from gateway.schema.organisations import Cfa, ModeSource, TypeSource

PAGE_SIZE = 200
EXCLU = "2"  # EtatInscriptionId
NONE = "0"  # an Id of 0 is null


class Entity(Payload):
    id: Required = Field(alias="Id")


class Mail(Entity):
    adresse: Courriel = Field(None, alias="Adresse")


class Mobile(Entity):
    numero: Telephone = Field(None, alias="Numero")


class AimairaAddress(Entity):
    ligne1: Text = Field(None, alias="Ligne1")
    ligne2: Text = Field(None, alias="Ligne2")
    code_postal: CodePostalValue = Field(None, alias="CodePostal")
    ville: Text = Field(None, alias="Ville")
    insee: CodeInseeValue = Field(None, alias="CodeInsee")


class AimairaRepresentant(Entity):
    nom: Text = Field(None, alias="Nom")
    mail: Text = Field(None, alias="MailId")
    mobile: Text = Field(None, alias="MobileId")


class Etablissement(Entity):
    uai: UaiValue = Field(None, alias="Uai")
    siret: SiretValue = Field(None, alias="Siret")


class Programme(Entity):
    libelle: Text = Field(None, alias="Libelle")
    rncp: Rncp = Field(None, alias="CodeRncp")
    cfd: Cfd = Field(None, alias="CodeDiplome")
    niveau: Level = Field(None, alias="Niveau")
    etablissement: Text = Field(None, alias="EtablissementId")


class AimairaInscription(Entity):
    apprenant: Required = Field(alias="ApprenantId")
    programme: Text = Field(None, alias="ProgrammeId")
    debut: LocalDay = Field(None, alias="DateDebut")
    fin: LocalDay = Field(None, alias="DateFin")
    sortie: LocalDay = Field(None, alias="DateSortie")
    etat: Text = Field(None, alias="EtatInscriptionId")


class Entreprise(Entity):
    nom: Text = Field(None, alias="RaisonSociale")
    siret: SiretValue = Field(None, alias="Siret")
    naf: Naf = Field(None, alias="CodeNaf")
    idcc: Text = Field(None, alias="Idcc")


class Convention(Entity):
    apprenant: Required = Field(alias="ApprenantId")
    entreprise: Text = Field(None, alias="EntrepriseId")
    programme: Text = Field(None, alias="ProgrammeId")
    numero: Text = Field(None, alias="NumeroContrat")
    type: Text = Field(None, alias="TypeConventionId")
    avenant: Boolean = Field(None, alias="Avenant")
    origine: Text = Field(None, alias="ConventionOrigineId")
    debut: DateLocale = Field(alias="DateDebut")
    fin: LocalDay = Field(None, alias="DateFin")
    rupture: LocalDay = Field(None, alias="DateRupture")
    motif: Text = Field(None, alias="MotifRupture")
    modifiee: LocalDay = Field(None, alias="DateModification")


class Apprenant(Entity):
    """NumeroInsee is a NIR: it is not in this model, so it is never read."""

    nom: Required = Field(alias="Nom")
    prenoms: Required = Field(alias="Prenoms")
    usage: Text = Field(None, alias="NomUsage")
    naissance: Naissance = Field(alias="DateNaissance")
    masculin: Boolean = Field(None, alias="GenreMale")
    handicap: Boolean = Field(None, alias="Handicap")
    ine: Ine = Field(None, alias="NumeroIne")
    mail: Text = Field(None, alias="MailId")
    mobile: Text = Field(None, alias="MobileId")
    adresse: Text = Field(None, alias="AdresseId")
    representant: Text = Field(None, alias="Representant1Id")


MODELS: Mapping[str, type[Entity]] = {
    "Mail": Mail,
    "Mobile": Mobile,
    "Adresse": AimairaAddress,
    "Representant": AimairaRepresentant,
    "Etablissement": Etablissement,
    "Programme": Programme,
    "Inscription": AimairaInscription,
    "Entreprise": Entreprise,
    "Convention": Convention,
    "Apprenant": Apprenant,
}
M = TypeVar("M", bound=Entity)


@dataclass(frozen=True, slots=True)
class Base:
    """The entities of one client, by Id."""

    par_nom: Mapping[str, Mapping[str, Entity]]

    def all_(self, model: type[M]) -> list[M]:
        return [
            row_read for table in self.par_nom.values() for row_read in table.values() if isinstance(row_read, model)
        ]

    def one(self, model: type[M], nom: str, key: str | None) -> M | None:
        found = self.par_nom[nom].get(key) if key and key != NONE else None
        return found if isinstance(found, model) else None


def records(cfa: Tenant, today: date) -> ReadingSteps[ReadingResult]:
    """Every entity of the client at once: they point at each other by Id."""
    responses = yield [
        PartnerRequest(name, f"/{name}", params={"$top": str(PAGE_SIZE)}, pages=PagingStyle.ODATA, size=PAGE_SIZE)
        for name in MODELS
    ]
    account = QualityCounts()
    base = Base({name: _by_id(name, pages, account) for name, pages in zip(MODELS, responses, strict=True)})
    inscriptions, conventions = defaultdict(list), defaultdict(list)
    for journal_entry in base.all_(AimairaInscription):
        inscriptions[journal_entry.apprenant].append(journal_entry)
    for convention in base.all_(Convention):
        conventions[convention.apprenant].append(convention)
    kept_entries = [
        _record(apprenant, inscriptions[apprenant.id], conventions[apprenant.id], base)
        for apprenant in base.all_(Apprenant)
    ]
    return ReadingResult(kept_entries, account.rejects, account.ignored_fields, account.drifts)


def _by_id(nom: str, pages: Iterable[Any], account: QualityCounts) -> dict[str, Entity]:
    return {entity.id: entity for entity in read(MODELS[nom], rows_of(pages, "value"), account)}


def _record(
    who: Apprenant, inscriptions: list[AimairaInscription], conventions: list[Convention], base: Base
) -> Record:
    mail, mobile = base.one(Mail, "Mail", who.mail), base.one(Mobile, "Mobile", who.mobile)
    jeune = Jeune(
        nom=who.nom,
        autres_noms=(who.usage,) if who.usage else (),
        prenom=who.prenoms,
        date_naissance=who.naissance,
        sexe=None if who.masculin is None else Sexe.M if who.masculin else Sexe.F,
        ine=who.ine,
        rqth=who.handicap,
        telephone=mobile.numero if mobile else None,
        courriel=mail.adresse if mail else None,
        adresse=_address(who, base),
        representants=_representants(who, base),
        formations=[_formation(journal_entry, base) for journal_entry in inscriptions],
        contrats=_contrats(conventions, base),
    )
    written = [convention.modifiee for convention in conventions if convention.modifiee]
    return Record(who.id, jeune, midnight(max(written)) if written else None)


def _address(who: Apprenant, base: Base) -> Adresse | None:
    row_read = base.one(AimairaAddress, "Adresse", who.adresse)
    if row_read is None:
        return None
    return Adresse(
        voie=row_read.ligne1,
        complement=row_read.ligne2,
        code_postal=row_read.code_postal,
        ville=row_read.ville,
        insee=row_read.insee,
    )


def _representants(who: Apprenant, base: Base) -> list[Representant] | None:
    lu = base.one(AimairaRepresentant, "Representant", who.representant)
    if lu is None:
        return None
    mail, mobile = base.one(Mail, "Mail", lu.mail), base.one(Mobile, "Mobile", lu.mobile)
    courriel, telephone = mail.adresse if mail else None, mobile.numero if mobile else None
    representant = filled(Representant(nom=lu.nom, courriel=courriel, telephone=telephone))
    return [representant] if representant else None


def _cfa(programme: Programme | None, base: Base) -> Cfa | None:
    lu = base.one(Etablissement, "Etablissement", programme.etablissement if programme else None)
    return Cfa(uai=lu.uai, siret=lu.siret) if lu else None


def _formation(journal_entry: AimairaInscription, base: Base) -> Formation:
    programme = base.one(Programme, "Programme", journal_entry.programme)
    return Formation(
        intitule=programme.libelle if programme else None,
        rncp=programme.rncp if programme else None,
        cfd=programme.cfd if programme else None,
        niveau=programme.niveau if programme else None,
        date_debut=journal_entry.debut,
        date_fin=journal_entry.fin,
        cfa=_cfa(programme, base),
        exclusion=journal_entry.sortie if journal_entry.etat == EXCLU else None,
    )


def _contrats(conventions: list[Convention], base: Base) -> list[Contrat]:
    """An amendment is a row that points at the original: it brings the new end, and its rupture if it has one."""
    avenants = defaultdict(list)
    for convention in conventions:
        if convention.avenant:
            avenants[convention.origine].append(convention)
    return [_contrat(one, avenants[one.id], base) for one in conventions if not one.avenant]


def _contrat(original: Convention, avenants: list[Convention], base: Base) -> Contrat:
    following = [original, *sorted(avenants, key=_seniority)]
    entreprise = base.one(Entreprise, "Entreprise", original.entreprise)
    broken = next((version for version in reversed(following) if version.rupture), None)
    return Contrat(
        numero=original.numero,
        type=original.type,
        date_debut=original.debut,
        date_fin=next((version.fin for version in reversed(following) if version.fin), None),
        employeur=_employeur(entreprise) if entreprise else None,
        cfa=_cfa(base.one(Programme, "Programme", original.programme), base),
        rupture=_rupture(broken) if broken else None,
    )


def _seniority(avenant: Convention) -> tuple[date, int, str]:
    """Amendments by date, then in the order of their Ids."""
    return avenant.modifiee or date.min, len(avenant.id), avenant.id


def _employeur(entreprise: Entreprise) -> Employeur | None:
    return filled(
        Employeur(siret=entreprise.siret, denomination=entreprise.nom, naf=entreprise.naf, idcc=entreprise.idcc)
    )


def _rupture(convention: Convention) -> Rupture:
    return Rupture(date=next_day(convention.rupture), cause=convention.motif, signalee_le=convention.modifiee)


class Appel(Payload):
    """A call of the vendor: which client changed. ObjectId and the rest are not read."""

    client: Required = Field(alias="CustomerName")


def notices(document: Any) -> ChangeNotice:
    values_read = read(Appel, [document], QualityCounts())
    if not values_read:
        raise UnexpectedAnswer("no client named")
    return ChangeNotice(tenant=values_read[0].client)


CONNECTOR = Connector("aimaira", TypeSource.ERP_CFA, ModeSource.INTERROGATION, cfa_records=records, notices=notices)
