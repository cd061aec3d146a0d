"""The root fields of the graph. Each asks the context; none knows a source."""

from datetime import date
from typing import Annotated

import strawberry

from gateway.auth.rules import CategorieDonnee as C
from gateway.auth.rules import argument, donnee, publique
from gateway.schema.connexions import PAGE_MAX, PAGE_PAR_DEFAUT, ContratConnection, JeuneConnection, RuptureConnection
from gateway.schema.contexte import Contexte, Moi, Page
from gateway.schema.filtres import FiltreContrats, FiltreJeunes, FiltreRuptures, TriJeunes, TriRuptures
from gateway.schema.lieux import Cfa, MissionLocale, Node, Source
from gateway.schema.nouns import Contrat, Jeune, Rapprochement, Rupture
from gateway.schema.scalaires import SIRET, UAI

type_info = strawberry.Info[Contexte, None]
Premiers = Annotated[int, argument(C.PUBLIQUE, f"Nombre d'éléments de la page, de 0 à {PAGE_MAX}.")]
Apres = Annotated[str | None, argument(C.PUBLIQUE, "Curseur après lequel commence la page.")]
Identifiant = Annotated[strawberry.ID, argument(C.PUBLIQUE, "Identifiant opaque.", "id")]


def _ouverte(info: type_info) -> bool:
    return info.context.ouverte(info.path.key)


def _moi(info: type_info) -> Moi:
    return info.context.moi()


def _node(info: type_info, identifiant: Identifiant) -> Node | None:
    return info.context.node(identifiant) if _ouverte(info) else None


def _jeune(info: type_info, identifiant: Identifiant) -> Jeune | None:
    return info.context.jeune(identifiant) if _ouverte(info) else None


def _recherche_jeune(
    info: type_info,
    nom: Annotated[str, argument(C.IDENTITE, "Nom de naissance ou d'usage.")],
    prenom: Annotated[str, argument(C.IDENTITE, "Prénom.")],
    date_naissance: Annotated[date, argument(C.IDENTITE, "Date de naissance.")],
) -> list[Rapprochement] | None:
    return info.context.recherche_jeune(nom, prenom, date_naissance) if _ouverte(info) else None


def _jeunes(
    info: type_info,
    filtre: FiltreJeunes | None = None,
    tri: TriJeunes = TriJeunes.STATUT_RECENT,
    first: Premiers = PAGE_PAR_DEFAUT,
    after: Apres = None,
) -> JeuneConnection | None:
    return info.context.jeunes(filtre, tri, Page(first, after)) if _ouverte(info) else None


def _contrat(
    info: type_info,
    identifiant: Annotated[strawberry.ID | None, argument(C.PUBLIQUE, "Identifiant opaque.", "id")] = None,
    numero: Annotated[str | None, argument(C.CONTRAT, "Numéro du contrat au registre.")] = None,
) -> Contrat | None:
    return info.context.contrat(identifiant, numero) if _ouverte(info) else None


def _contrats(
    info: type_info, filtre: FiltreContrats | None = None, first: Premiers = PAGE_PAR_DEFAUT, after: Apres = None
) -> ContratConnection | None:
    return info.context.contrats(filtre, Page(first, after)) if _ouverte(info) else None


def _rupture(info: type_info, identifiant: Identifiant) -> Rupture | None:
    return info.context.rupture(identifiant) if _ouverte(info) else None


def _ruptures(
    info: type_info,
    filtre: FiltreRuptures | None = None,
    tri: TriRuptures = TriRuptures.DATE_DESC,
    first: Premiers = PAGE_PAR_DEFAUT,
    after: Apres = None,
) -> RuptureConnection | None:
    return info.context.ruptures(filtre, tri, Page(first, after)) if _ouverte(info) else None


def _cfa(
    info: type_info,
    uai: Annotated[UAI | None, argument(C.PUBLIQUE, "Code UAI.")] = None,
    siret: Annotated[SIRET | None, argument(C.PUBLIQUE, "SIRET.")] = None,
) -> Cfa | None:
    return info.context.cfa(uai, siret)


def _mission_locale(
    info: type_info, code: Annotated[str, argument(C.PUBLIQUE, "Code de la structure.")]
) -> MissionLocale | None:
    return info.context.mission_locale(code)


def _sources(info: type_info) -> list[Source] | None:
    return info.context.sources() if _ouverte(info) else None


@strawberry.type(description="Ce que la passerelle sait dire, à la demande, de chaque source qui le sait.")
class Query:
    moi: Moi = publique("Qui je suis, ce que je peux lire : la première requête d'un intégrateur.", _moi)
    node: Node | None = publique("Un objet par son identifiant.", _node)
    jeune: Jeune | None = donnee(C.PARCOURS, "Un jeune de mon périmètre.", resolver=_jeune)
    recherche_jeune: list[Rapprochement] | None = donnee(
        C.PARCOURS,
        "Cinq jeunes de mon périmètre au plus, les plus ressemblants d'abord.",
        resolver=_recherche_jeune,
        size=1,
    )
    jeunes: JeuneConnection | None = donnee(C.PARCOURS, "Les jeunes de mon périmètre.", resolver=_jeunes)
    contrat: Contrat | None = donnee(C.CONTRAT, "Un contrat, par identifiant ou par numéro.", resolver=_contrat)
    contrats: ContratConnection | None = donnee(C.CONTRAT, "Les contrats de mon périmètre.", resolver=_contrats)
    rupture: Rupture | None = donnee(C.RUPTURE, "Une rupture de mon périmètre.", resolver=_rupture)
    ruptures: RuptureConnection | None = donnee(
        C.RUPTURE,
        "Les ruptures de mon périmètre, demandées à toutes les sources qui les connaissent.",
        resolver=_ruptures,
    )
    cfa: Cfa | None = publique("Un CFA, par UAI ou par SIRET.", _cfa)
    mission_locale: MissionLocale | None = publique("Une Mission locale, par son code.", _mission_locale)
    sources: list[Source] | None = donnee(
        C.TECHNIQUE, "Les systèmes partenaires et leur état.", resolver=_sources, size=1
    )
