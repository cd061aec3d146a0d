"""Aimaira-like ERP: OData entities to be joined by Id, instants at local midnight, ruptures told by the last day worked."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
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
    attached,
    filled,
    indexed,
    listed,
    mapped,
    number_of,
    of_one_person,
    read,
    rows_of,
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
    Level,
    Naf,
    NumeroContrat,
    Required,
    Rncp,
    SirenValue,
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
    voie: Text = Field(None, alias="Ligne1")
    complement: Text = Field(None, alias="Ligne2")
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
    intitule: Text = Field(None, alias="Libelle")
    rncp: Rncp = Field(None, alias="CodeRncp")
    cfd: Cfd = Field(None, alias="CodeDiplome")
    niveau: Level = Field(None, alias="Niveau")
    etablissement: Text = Field(None, alias="EtablissementId")


class AimairaInscription(Entity):
    apprenant: Required = Field(alias="ApprenantId")
    programme: Text = Field(None, alias="ProgrammeId")
    debut: IsoDay = Field(None, alias="DateDebut")
    fin: IsoDay = Field(None, alias="DateFin")
    sortie: IsoDay = Field(None, alias="DateSortie")
    etat: Text = Field(None, alias="EtatInscriptionId")


class Entreprise(Entity):
    denomination: Text = Field(None, alias="RaisonSociale")
    siret: SiretValue = Field(None, alias="Siret")
    siren: SirenValue = Field(None, alias="Siret")
    naf: Naf = Field(None, alias="CodeNaf")
    idcc: Text = Field(None, alias="Idcc")


class Convention(Entity):
    apprenant: Required = Field(alias="ApprenantId")
    entreprise: Text = Field(None, alias="EntrepriseId")
    programme: Text = Field(None, alias="ProgrammeId")
    numero: NumeroContrat = Field(None, alias="NumeroContrat")
    type: Text = Field(None, alias="TypeConventionId")
    avenant: Boolean = Field(None, alias="Avenant")
    origine: Text = Field(None, alias="ConventionOrigineId")
    debut: IsoDate = Field(alias="DateDebut")
    fin: IsoDay = Field(None, alias="DateFin")
    rupture: IsoDay = Field(None, alias="DateRupture")
    motif: Text = Field(None, alias="MotifRupture")
    modifiee: IsoDay = Field(None, alias="DateModification")


class Apprenant(Entity):
    """NumeroInsee is a NIR: it is not in this model, so it is never read."""

    nom: Required = Field(alias="Nom")
    prenom: Required = Field(alias="Prenoms")
    usage: Text = Field(None, alias="NomUsage")
    naissance: IsoDate = Field(alias="DateNaissance")
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
# Without these, contacts and employers lack, and it is told; without the others nobody knows who is there, nor when.
SECONDARY = frozenset({"Mail", "Mobile", "Adresse", "Representant", "Entreprise"})
M = TypeVar("M", bound=Entity)


@dataclass(frozen=True, slots=True)
class Base:
    """The entities of one client, by model then by Id as a number."""

    tables: Mapping[type[Entity], Mapping[str, Entity]]

    def entities(self, model: type[M]) -> list[M]:
        return [entity for entity in self.tables[model].values() if isinstance(entity, model)]

    def one(self, model: type[M], key: str | None) -> M | None:
        found = self.tables[model].get(number) if (number := number_of(key)) != NONE else None
        return found if isinstance(found, model) else None


def records(cfa: Tenant, today: date) -> ReadingSteps[ReadingResult]:
    """Every entity of the client at once: they point at each other by Id."""
    responses = yield [_list(name) for name in MODELS]
    account = QualityCounts()
    base = Base({model: _by_id(model, pages, account) for model, pages in zip(MODELS.values(), responses, strict=True)})
    everyone, signed = base.tables[Apprenant], base.entities(Convention)
    registered, first = base.entities(AimairaInscription), [one for one in signed if not one.avenant]
    inscriptions = attached(registered, lambda one: one.apprenant, everyone, account, "Inscription.ApprenantId")
    contrats = attached(first, lambda one: one.apprenant, everyone, account, "Convention.ApprenantId")
    originals, moves = {number_of(one.id) for one in first}, [one for one in signed if one.avenant]
    avenants = attached(moves, lambda one: one.origine, originals, account, "Convention.ConventionOrigineId")

    def record(who: Apprenant) -> Record:
        number = number_of(who.id)
        versions = [[one, *avenants[number_of(one.id)]] for one in contrats[number]]
        return _record(who, inscriptions[number], versions, base)

    return account.result(mapped(record, base.entities(Apprenant), account))


def _list(name: str) -> PartnerRequest:
    params = {"$top": str(PAGE_SIZE), "$count": "true"}
    pages, secondary = PagingStyle.ODATA, name in SECONDARY
    return PartnerRequest(name, f"/{name}", params=params, pages=pages, size=PAGE_SIZE, secondary=secondary)


def _by_id(model: type[Entity], pages: Iterable[Any], account: QualityCounts) -> dict[str, Entity]:
    entities: Iterable[Entity] = read(model, rows_of(pages, "value"), account)
    if model is Apprenant:
        people = [entity for entity in entities if isinstance(entity, Apprenant)]
        entities = of_one_person(people, lambda who: who.id, account)
    return indexed(entities, lambda entity: entity.id, account, "Id")


def _record(who: Apprenant, inscriptions: list[AimairaInscription], told: list[list[Convention]], base: Base) -> Record:
    courriel, telephone = _contact(who, base)
    jeune = Jeune(
        nom=who.nom,
        autres_noms=(who.usage,) if who.usage else (),
        prenom=who.prenom,
        date_naissance=who.naissance,
        sexe=None if who.masculin is None else Sexe.M if who.masculin else Sexe.F,
        ine=who.ine,
        rqth=who.handicap,
        telephone=telephone,
        courriel=courriel,
        adresse=_address(who, base),
        representants=_representants(who, base),
        formations=[_formation(inscription, base) for inscription in inscriptions],
        contrats=[_contrat(versions, base) for versions in told],
    )
    written = [one.modifiee for versions in told for one in versions if one.modifiee]
    return Record(who.id, jeune, midnight(max(written)) if written else None)


def _contact(who: Apprenant | AimairaRepresentant, base: Base) -> tuple[str | None, str | None]:
    """The mail and the telephone of somebody, each an entity of its own."""
    mail, mobile = base.one(Mail, who.mail), base.one(Mobile, who.mobile)
    return mail.adresse if mail else None, mobile.numero if mobile else None


def _address(who: Apprenant, base: Base) -> Adresse | None:
    found = base.one(AimairaAddress, who.adresse)
    return Adresse(**found.model_dump(exclude={"id"})) if found else None


def _representants(who: Apprenant, base: Base) -> list[Representant] | None:
    if (found := base.one(AimairaRepresentant, who.representant)) is None:
        return None
    courriel, telephone = _contact(found, base)
    return listed(Representant(nom=found.nom, courriel=courriel, telephone=telephone))


def _cfa(programme: Programme | None, base: Base) -> Cfa | None:
    found = base.one(Etablissement, programme.etablissement if programme else None)
    return Cfa(uai=found.uai, siret=found.siret) if found else None


def _formation(inscription: AimairaInscription, base: Base) -> Formation:
    programme = base.one(Programme, inscription.programme)
    told = (programme or Programme(id=NONE)).model_dump(exclude={"id", "etablissement"})
    own = Formation(**told, date_debut=inscription.debut, date_fin=inscription.fin, cfa=_cfa(programme, base))
    return replace(own, exclusion=inscription.sortie) if inscription.etat == EXCLU else own


def _contrat(told: list[Convention], base: Base) -> Contrat:
    """An amendment is a row that points at the original: it brings the new end, and its rupture if it has one."""
    original, *avenants = told
    # By date, then in the order of their Ids; the last word first.
    latest = sorted(avenants, key=lambda one: (one.modifiee or date.min, len(one.id), one.id), reverse=True)
    versions = [*latest, original]
    firm = base.one(Entreprise, original.entreprise) or Entreprise(id=NONE)
    broken = next((one for one in versions if one.rupture), None)
    return Contrat(
        numero=original.numero,
        type=original.type,
        date_debut=original.debut,
        date_fin=next((one.fin for one in versions if one.fin), None),
        employeur=filled(Employeur(**firm.model_dump(exclude={"id"}))),
        cfa=_cfa(base.one(Programme, original.programme), base),
        rupture=Rupture(date=next_day(broken.rupture), cause=broken.motif, signalee_le=broken.modifiee)
        if broken
        else None,
    )


class Appel(Payload):
    """A call of the vendor: which client changed. ObjectId and the rest are not read."""

    client: Required = Field(alias="CustomerName")


def notices(document: Any) -> ChangeNotice:
    """The client that a call names. Raises UnexpectedAnswer."""
    calls = read(Appel, [document], QualityCounts())
    if not calls:
        raise UnexpectedAnswer("no client named")
    return ChangeNotice(tenant=calls[0].client)


CONNECTOR = Connector("aimaira", TypeSource.ERP_CFA, ModeSource.INTERROGATION, cfa_records=records, notices=notices)
