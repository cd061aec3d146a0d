"""API-Alternance-like referential: communes, Missions locales, training bodies. Harvested, never asked for a person."""

from gateway.connectors.base import Charge, Compte, Connecteur, Lecture, Pages, Requete, lignes_de, lire
from gateway.connectors.valeurs import CodeInseeLu, Liste, Requis, SiretLu, Texte, UaiLu
from gateway.domain.referentiel import LigneCommune, LigneMissionLocale, LigneOrganisme, Referentiel
from gateway.schema.lieux import ModeSource, TypeSource, TypeTerritoire

TAILLE_PAGE = 1000


class CodeNom(Charge):
    code: Requis
    nom: Texte = None


class CodesCommune(Charge):
    insee: Requis
    postaux: Liste[Requis] = ()


class CommuneLue(Charge):
    nom: Requis
    code: CodesCommune
    departement: CodeNom
    region: CodeNom
    academie: CodeNom
    mission_locale: CodeNom | None = None


class Localisation(Charge):
    insee: CodeInseeLu = None


class Contact(Charge):
    email: Texte = None
    telephone: Texte = None


class MissionLocaleLue(Charge):
    id: int
    code: Requis
    nom: Requis
    localisation: Localisation = Localisation()
    contact: Contact = Contact()


class Identifiant(Charge):
    uai: UaiLu = None
    siret: SiretLu = None


class OrganismeLu(Charge):
    identifiant: Identifiant
    nom: Requis
    adresse: Localisation = Localisation()
    departement: CodeNom | None = None
    region: CodeNom | None = None
    academie: CodeNom | None = None
    reseaux: Liste[Requis] = ()
    nature: Texte = None
    responsables: Liste[Identifiant] = ()
    formateurs: Liste[Identifiant] = ()


def referentiel() -> Lecture[tuple[Referentiel, Compte]]:
    """The whole referential, and what of it could not be read."""
    reponses = yield [
        _liste("communes", "/geographie/v1/communes"),
        _liste("mission-locale", "/geographie/v1/mission-locale"),
        _liste("organismes", "/organisme/v1/export"),
    ]
    compte = Compte()
    missions, organismes = (lignes_de(pages, "data") for pages in reponses[1:])
    lus = [lu for lu in lire(OrganismeLu, organismes, compte) if lu.identifiant.uai]
    communes: dict[str, LigneCommune] = {}
    noms = _noms([], lus)
    for page in reponses[0]:  # a page at a time: the 35,000 communes of the country, as read, are a hundred megabytes
        lues = lire(CommuneLue, lignes_de([page], "data"), compte)
        communes |= {lue.code.insee: _commune(lue) for lue in lues}
        noms |= _noms(lues, [])
    return (
        Referentiel(
            communes=communes,
            missions_locales={lue.code: _mission_locale(lue) for lue in lire(MissionLocaleLue, missions, compte)},
            organismes={lu.identifiant.uai or "": _organisme(lu) for lu in lus},
            noms=noms,
        ),
        compte,
    )


def _liste(operation: str, chemin: str) -> Requete:
    params = {"page_index": "0", "page_size": str(TAILLE_PAGE)}
    return Requete(operation, chemin, params=params, pages=Pages.INDEX, taille=TAILLE_PAGE)


def _commune(lue: CommuneLue) -> LigneCommune:
    return LigneCommune(
        code=lue.code.insee,
        nom=lue.nom,
        codes_postaux=tuple(lue.code.postaux),
        departement=lue.departement.code,
        region=lue.region.code,
        academie=lue.academie.code,
        mission_locale=lue.mission_locale.code if lue.mission_locale else None,
    )


def _mission_locale(lue: MissionLocaleLue) -> LigneMissionLocale:
    return LigneMissionLocale(
        lue.id, lue.code, lue.nom, lue.localisation.insee, lue.contact.telephone, lue.contact.email
    )


def _organisme(lu: OrganismeLu) -> LigneOrganisme:
    return LigneOrganisme(
        uai=lu.identifiant.uai or "",
        siret=lu.identifiant.siret or "",
        nom=lu.nom,
        insee=lu.adresse.insee,
        departement=lu.departement.code if lu.departement else None,
        region=lu.region.code if lu.region else None,
        academie=lu.academie.code if lu.academie else None,
        reseaux=tuple(lu.reseaux),
        nature=lu.nature,
        responsables=tuple(lien.uai for lien in lu.responsables if lien.uai),
        formateurs=tuple(lien.uai for lien in lu.formateurs if lien.uai),
    )


def _noms(communes: list[CommuneLue], organismes: list[OrganismeLu]) -> dict[tuple[str, str], str]:
    """Names of territories, by kind and code."""
    noms: dict[tuple[str, str], str] = {}
    for lue in communes:
        niveaux = (
            (TypeTerritoire.DEPARTEMENT, lue.departement),
            (TypeTerritoire.REGION, lue.region),
            (TypeTerritoire.ACADEMIE, lue.academie),
            (TypeTerritoire.MISSION_LOCALE, lue.mission_locale),
        )
        noms |= {(nature.value, lieu.code): lieu.nom for nature, lieu in niveaux if lieu and lieu.nom}
    noms |= {(TypeTerritoire.CFA.value, lu.identifiant.uai or ""): lu.nom for lu in organismes}
    return noms


CONNECTEUR = Connecteur("referentiel", TypeSource.REFERENTIEL, ModeSource.MOISSON, referentiel=referentiel)
