"""API-Alternance-like referential: communes, Missions locales, training bodies. Harvested, never asked for a person."""

from gateway.connectors.base import (
    Connector,
    PagingStyle,
    PartnerRequest,
    Payload,
    QualityCounts,
    ReadingSteps,
    mapped,
    read,
    rows_of,
)
from gateway.connectors.values import CodeInseeValue, Listed, Required, SiretValue, Text, UaiValue
from gateway.domain.referentiel import CommuneLine, MissionLocaleRow, OrganismeRow, Referentiel
from gateway.schema.organisations import ModeSource, TypeSource, TypeTerritoire

PAGE_SIZE = 1000


class CodeNom(Payload):
    code: Required
    nom: Text = None


class CodesCommune(Payload):
    insee: Required
    postaux: Listed[Required] = ()


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
    reseaux: Listed[Required] = ()
    nature: Text = None
    responsables: Listed[Identifiant] = ()
    formateurs: Listed[Identifiant] = ()


def referentiel() -> ReadingSteps[tuple[Referentiel, QualityCounts]]:
    """The whole referential, and what of it could not be read."""
    responses = yield [
        _list("communes", "/geographie/v1/communes"),
        _list("mission-locale", "/geographie/v1/mission-locale"),
        _list("organismes", "/organisme/v1/export"),
    ]
    account = QualityCounts()
    missions, organismes = (rows_of(pages, "data") for pages in responses[1:])
    structures = read(MissionLocaleRecord, missions, account)
    cfas = [row for row in read(OrganismeRecord, organismes, account) if row.identifiant.uai]
    communes: dict[str, CommuneLine] = {}
    names = {(TypeTerritoire.CFA.value, cfa.identifiant.uai or ""): cfa.nom for cfa in cfas}
    for page in responses[0]:  # a page at a time: the 35,000 communes of the country, as read, are a hundred megabytes
        rows = read(CommuneRow, rows_of([page], "data"), account)
        communes |= {commune.code: commune for commune in mapped(_commune, rows, account)}
        names |= _names(rows)
    return (
        Referentiel(
            communes=communes,
            missions_locales={row.code: row for row in mapped(_mission_locale, structures, account)},
            organismes={organisme.uai: organisme for organisme in mapped(_organisme, cfas, account)},
            noms=names,
        ),
        account,
    )


def _list(operation: str, path: str) -> PartnerRequest:
    params = {"page_index": "0", "page_size": str(PAGE_SIZE)}
    return PartnerRequest(operation, path, params=params, pages=PagingStyle.INDEX, size=PAGE_SIZE)


def _commune(row: CommuneRow) -> CommuneLine:
    return CommuneLine(
        code=row.code.insee,
        nom=row.nom,
        codes_postaux=tuple(row.code.postaux),
        departement=row.departement.code,
        region=row.region.code,
        academie=row.academie.code,
        mission_locale=row.mission_locale.code if row.mission_locale else None,
    )


def _mission_locale(row: MissionLocaleRecord) -> MissionLocaleRow:
    return MissionLocaleRow(row.id, row.code, row.nom, row.localisation.insee, row.contact.telephone, row.contact.email)


def _organisme(row: OrganismeRecord) -> OrganismeRow:
    return OrganismeRow(
        uai=row.identifiant.uai or "",
        siret=row.identifiant.siret or "",
        nom=row.nom,
        insee=row.adresse.insee,
        departement=row.departement.code if row.departement else None,
        region=row.region.code if row.region else None,
        academie=row.academie.code if row.academie else None,
        reseaux=tuple(row.reseaux),
        nature=row.nature,
        responsables=tuple(link.uai for link in row.responsables if link.uai),
        formateurs=tuple(link.uai for link in row.formateurs if link.uai),
    )


def _names(communes: list[CommuneRow]) -> dict[tuple[str, str], str]:
    """Names of the territories of communes, by kind and code."""
    names: dict[tuple[str, str], str] = {}
    for commune in communes:
        levels = (
            (TypeTerritoire.DEPARTEMENT, commune.departement),
            (TypeTerritoire.REGION, commune.region),
            (TypeTerritoire.ACADEMIE, commune.academie),
            (TypeTerritoire.MISSION_LOCALE, commune.mission_locale),
        )
        names |= {(nature.value, place.code): place.nom for nature, place in levels if place and place.nom}
    return names


CONNECTOR = Connector("referentiel", TypeSource.REFERENTIEL, ModeSource.MOISSON, referentiel=referentiel)
