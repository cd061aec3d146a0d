"""API-Alternance-like referential: communes, Missions locales, training bodies. Harvested, never asked for a person."""

from gateway.connectors.base import (
    Connector,
    PagingStyle,
    PartnerRequest,
    Payload,
    QualityCounts,
    ReadingSteps,
    read,
    rows_of,
)
from gateway.connectors.values import CodeInseeValue, ListQuery, Required, SiretValue, Text, UaiValue
from gateway.domain.referentiel import CommuneLine, MissionLocaleRow, OrganismeRow, Referentiel
from gateway.schema.organisations import ModeSource, TypeSource, TypeTerritoire

PAGE_SIZE = 1000


class CodeNom(Payload):
    code: Required
    nom: Text = None


class CodesCommune(Payload):
    insee: Required
    postaux: ListQuery[Required] = ()


class CommuneRow(Payload):
    nom: Required
    code: CodesCommune
    departement: CodeNom
    region: CodeNom
    academie: CodeNom
    mission_locale: CodeNom | None = None


class Localisation(Payload):
    insee: CodeInseeValue = None


class Contact(Payload):
    email: Text = None
    telephone: Text = None


class MissionLocaleRecord(Payload):
    id: int
    code: Required
    nom: Required
    localisation: Localisation = Localisation()
    contact: Contact = Contact()


class Identifiant(Payload):
    uai: UaiValue = None
    siret: SiretValue = None


class OrganismeRecord(Payload):
    identifiant: Identifiant
    nom: Required
    adresse: Localisation = Localisation()
    departement: CodeNom | None = None
    region: CodeNom | None = None
    academie: CodeNom | None = None
    reseaux: ListQuery[Required] = ()
    nature: Text = None
    responsables: ListQuery[Identifiant] = ()
    formateurs: ListQuery[Identifiant] = ()


def referentiel() -> ReadingSteps[tuple[Referentiel, QualityCounts]]:
    """The whole referential, and what of it could not be read."""
    responses = yield [
        _list("communes", "/geographie/v1/communes"),
        _list("mission-locale", "/geographie/v1/mission-locale"),
        _list("organismes", "/organisme/v1/export"),
    ]
    account = QualityCounts()
    missions, organismes = (rows_of(pages, "data") for pages in responses[1:])
    values_read = [lu for lu in read(OrganismeRecord, organismes, account) if lu.identifiant.uai]
    communes: dict[str, CommuneLine] = {}
    names = _names([], values_read)
    for page in responses[0]:  # a page at a time: the 35,000 communes of the country, as read, are a hundred megabytes
        rows_read = read(CommuneRow, rows_of([page], "data"), account)
        communes |= {row_read.code.insee: _commune(row_read) for row_read in rows_read}
        names |= _names(rows_read, [])
    return (
        Referentiel(
            communes=communes,
            missions_locales={
                row_read.code: _mission_locale(row_read) for row_read in read(MissionLocaleRecord, missions, account)
            },
            organismes={lu.identifiant.uai or "": _organisme(lu) for lu in values_read},
            noms=names,
        ),
        account,
    )


def _list(operation: str, path: str) -> PartnerRequest:
    params = {"page_index": "0", "page_size": str(PAGE_SIZE)}
    return PartnerRequest(operation, path, params=params, pages=PagingStyle.INDEX, size=PAGE_SIZE)


def _commune(row_read: CommuneRow) -> CommuneLine:
    return CommuneLine(
        code=row_read.code.insee,
        nom=row_read.nom,
        codes_postaux=tuple(row_read.code.postaux),
        departement=row_read.departement.code,
        region=row_read.region.code,
        academie=row_read.academie.code,
        mission_locale=row_read.mission_locale.code if row_read.mission_locale else None,
    )


def _mission_locale(row_read: MissionLocaleRecord) -> MissionLocaleRow:
    return MissionLocaleRow(
        row_read.id,
        row_read.code,
        row_read.nom,
        row_read.localisation.insee,
        row_read.contact.telephone,
        row_read.contact.email,
    )


def _organisme(lu: OrganismeRecord) -> OrganismeRow:
    return OrganismeRow(
        uai=lu.identifiant.uai or "",
        siret=lu.identifiant.siret or "",
        nom=lu.nom,
        insee=lu.adresse.insee,
        departement=lu.departement.code if lu.departement else None,
        region=lu.region.code if lu.region else None,
        academie=lu.academie.code if lu.academie else None,
        reseaux=tuple(lu.reseaux),
        nature=lu.nature,
        responsables=tuple(link.uai for link in lu.responsables if link.uai),
        formateurs=tuple(link.uai for link in lu.formateurs if link.uai),
    )


def _names(communes: list[CommuneRow], organismes: list[OrganismeRecord]) -> dict[tuple[str, str], str]:
    """Names of territories, by kind and code."""
    names: dict[tuple[str, str], str] = {}
    for row_read in communes:
        levels = (
            (TypeTerritoire.DEPARTEMENT, row_read.departement),
            (TypeTerritoire.REGION, row_read.region),
            (TypeTerritoire.ACADEMIE, row_read.academie),
            (TypeTerritoire.MISSION_LOCALE, row_read.mission_locale),
        )
        names |= {(nature.value, place.code): place.nom for nature, place in levels if place and place.nom}
    names |= {(TypeTerritoire.CFA.value, lu.identifiant.uai or ""): lu.nom for lu in organismes}
    return names


CONNECTOR = Connector("referentiel", TypeSource.REFERENTIEL, ModeSource.MOISSON, referentiel=referentiel)
