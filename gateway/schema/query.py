"""The root fields of the graph, what they ask for, the schema they make and its text.

Each asks the `Context` of its operation, which federation implements; none reaches a source (docs/architecture.md).
"""

from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Annotated, Protocol

import strawberry
from graphql import GraphQLSchema
from strawberry import Schema
from strawberry.schema.config import StrawberryConfig

from gateway.auth.policy.acts import Acte, written_by
from gateway.auth.policy.rules import CategorieDonnee as C
from gateway.auth.policy.rules import argument, donnee, publique
from gateway.schema.connections import DEFAULT_PAGE, PAGE_MAX, ContratConnection, JeuneConnection, RuptureConnection
from gateway.schema.directives import fraicheur
from gateway.schema.event_roots import EVENEMENTS, EventContext, EventRoots
from gateway.schema.events import EvenementConnection
from gateway.schema.filters import FiltreContrats, FiltreJeunes, FiltreRuptures, FiltreSansContrat
from gateway.schema.meanings import describe
from gateway.schema.moi import Moi
from gateway.schema.mutation import Mutation, list_writes
from gateway.schema.nouns import Contrat, Jeune, Rupture
from gateway.schema.orders import TriContrats, TriJeunes, TriRuptures, TriSansContrat
from gateway.schema.organisations import Cfa, Commune, MissionLocale, Node, Source
from gateway.schema.rapprochement import Rapprochement
from gateway.schema.reception_report import TransmissionConnection
from gateway.schema.scalars import SCALARS, SIRET, UAI
from gateway.schema.statistics import DEFAULT_LINES, LINES_MAX, Statistiques
from gateway.schema.statistics_filter import Dimension, FiltreStatistiques
from gateway.schema.writes import EcritureConnection


@dataclass(frozen=True, slots=True)
class PageArgs:
    """The Relay arguments of a page: the `first` elements behind `after`, or the `last` ones before `before`."""

    first: int
    after: str | None
    last: int | None = None
    before: str | None = None

    @property
    def size(self) -> int:
        """How many elements it has at most."""
        return self.first if self.last is None else self.last

    @property
    def cursors(self) -> tuple[str | None, str | None]:
        """Those between which it stands."""
        return self.after, self.before


class Context(EventContext, Protocol):
    """One operation's granted view of the graph: already fetched, merged and bounded to the caller's perimeter."""

    def moi(self) -> Moi: ...
    def sources(self) -> list[Source] | None: ...
    def node(self, identifier: str) -> Node | None: ...
    def jeune(self, identifier: str) -> Jeune | None: ...
    def recherche_jeune(self, nom: str, prenom: str, naissance: date) -> list[Rapprochement] | None: ...
    def jeunes(self, filtre: FiltreJeunes | None, tri: TriJeunes, page: PageArgs) -> JeuneConnection | None: ...
    def waiting(
        self, filtre: FiltreSansContrat | None, tri: TriSansContrat, page: PageArgs
    ) -> JeuneConnection | None: ...
    def contrat(self, identifier: str | None, numero: str | None) -> Contrat | None: ...
    def contrats(self, filtre: FiltreContrats | None, tri: TriContrats, page: PageArgs) -> ContratConnection | None: ...
    def rupture(self, identifier: str) -> Rupture | None: ...
    def ruptures(self, filtre: FiltreRuptures | None, tri: TriRuptures, page: PageArgs) -> RuptureConnection | None: ...
    def cfa(self, uai: str | None, siret: str | None) -> Cfa | None: ...
    def mission_locale(self, code: str) -> MissionLocale | None: ...
    def cfas(self, recherche: str | None, first: int) -> list[Cfa]: ...
    def communes(self, recherche: str | None, first: int) -> list[Commune]: ...
    def missions_locales(self, recherche: str | None, first: int) -> list[MissionLocale]: ...
    def transmissions(self, first: int, after: str | None) -> TransmissionConnection | None: ...
    def statistiques(self, key: object) -> Statistiques | None:
        """The figures of the root field of that response key."""
        ...


_ORDER = strawberry.argument(description="Ordre de la liste.")
_FILTER = strawberry.argument(
    description="Ce que la liste garde ; sans filtre, tout, sauf ce que le filtre dit garder par défaut."
)
_FIGURES = strawberry.argument(description="Ce que les chiffres gardent ; sans filtre, tout mon périmètre.")
_DIMENSIONS = argument(C.AGREGAT, "Ce qui distingue les lignes ; sans dimension, le total seul.")
type_info = strawberry.Info[Context, None]
First = Annotated[int, argument(C.PUBLIQUE, f"Nombre d'éléments de la page, de 0 à {PAGE_MAX}.")]
After = Annotated[str | None, argument(C.PUBLIQUE, "Curseur après lequel commence la page.")]
_LAST = f"Nombre d'éléments de la page prise par la fin, de 0 à {PAGE_MAX} ; jamais avec `first`."
Last = Annotated[int | None, argument(C.PUBLIQUE, _LAST)]
Before = Annotated[str | None, argument(C.PUBLIQUE, "Curseur avant lequel finit la page.")]
_SOUGHT = "Partie du nom, sans égard aux accents, ou début d'un code."
Sought = Annotated[str | None, argument(C.PUBLIQUE, _SOUGHT)]
MenuSize = Annotated[int, argument(C.PUBLIQUE, f"Nombre d'éléments, de 0 à {PAGE_MAX}.")]
Identifiant = Annotated[strawberry.ID, argument(C.PUBLIQUE, "Identifiant opaque.", "id")]


def _is_open(info: type_info) -> bool:
    return info.context.is_open(info.path.key)


def _me(info: type_info) -> Moi:
    return info.context.moi()


def _node(info: type_info, identifier: Identifiant) -> Node | None:
    return info.context.node(identifier) if _is_open(info) else None


def _jeune(info: type_info, identifier: Identifiant) -> Jeune | None:
    return info.context.jeune(identifier) if _is_open(info) else None


def _search_jeune(
    info: type_info,
    nom: Annotated[str, argument(C.IDENTITE, "Nom de naissance ou d'usage.")],
    prenom: Annotated[str, argument(C.IDENTITE, "Prénom.")],
    date_naissance: Annotated[date, argument(C.IDENTITE, "Date de naissance.")],
) -> list[Rapprochement] | None:
    return info.context.recherche_jeune(nom, prenom, date_naissance) if _is_open(info) else None


def _jeunes(  # noqa: PLR0913 - the graph's own: Relay's four arguments, and two of ours
    info: type_info,
    *,
    filtre: Annotated[FiltreJeunes | None, _FILTER] = None,
    tri: Annotated[TriJeunes, _ORDER] = TriJeunes.STATUT_RECENT,
    first: First = DEFAULT_PAGE,
    after: After = None,
    last: Last = None,
    before: Before = None,
) -> JeuneConnection | None:
    return info.context.jeunes(filtre, tri, PageArgs(first, after, last, before)) if _is_open(info) else None


def _waiting(  # noqa: PLR0913 - the graph's own: Relay's four arguments, and two of ours
    info: type_info,
    *,
    filtre: Annotated[FiltreSansContrat | None, _FILTER] = None,
    tri: Annotated[TriSansContrat, _ORDER] = TriSansContrat.ECHEANCE,
    first: First = DEFAULT_PAGE,
    after: After = None,
    last: Last = None,
    before: Before = None,
) -> JeuneConnection | None:
    return info.context.waiting(filtre, tri, PageArgs(first, after, last, before)) if _is_open(info) else None


def _contrat(
    info: type_info,
    identifier: Annotated[strawberry.ID | None, argument(C.PUBLIQUE, "Identifiant opaque.", "id")] = None,
    numero: Annotated[str | None, argument(C.CONTRAT, "Numéro du contrat au registre.")] = None,
) -> Contrat | None:
    return info.context.contrat(identifier, numero) if _is_open(info) else None


def _contrats(  # noqa: PLR0913 - the graph's own: Relay's four arguments, and two of ours
    info: type_info,
    *,
    filtre: Annotated[FiltreContrats | None, _FILTER] = None,
    tri: Annotated[TriContrats, _ORDER] = TriContrats.DEBUT_DESC,
    first: First = DEFAULT_PAGE,
    after: After = None,
    last: Last = None,
    before: Before = None,
) -> ContratConnection | None:
    return info.context.contrats(filtre, tri, PageArgs(first, after, last, before)) if _is_open(info) else None


def _rupture(info: type_info, identifier: Identifiant) -> Rupture | None:
    return info.context.rupture(identifier) if _is_open(info) else None


def _ruptures(  # noqa: PLR0913 - the graph's own: Relay's four arguments, and two of ours
    info: type_info,
    *,
    filtre: Annotated[FiltreRuptures | None, _FILTER] = None,
    tri: Annotated[TriRuptures, _ORDER] = TriRuptures.DATE_DESC,
    first: First = DEFAULT_PAGE,
    after: After = None,
    last: Last = None,
    before: Before = None,
) -> RuptureConnection | None:
    return info.context.ruptures(filtre, tri, PageArgs(first, after, last, before)) if _is_open(info) else None


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


def _cfas(info: type_info, recherche: Sought = None, first: MenuSize = PAGE_MAX) -> list[Cfa]:
    return info.context.cfas(recherche, first)


def _communes(info: type_info, recherche: Sought = None, first: MenuSize = PAGE_MAX) -> list[Commune]:
    return info.context.communes(recherche, first)


def _missions_locales(info: type_info, recherche: Sought = None, first: MenuSize = PAGE_MAX) -> list[MissionLocale]:
    return info.context.missions_locales(recherche, first)


def _statistiques(
    info: type_info,
    *,
    filtre: Annotated[FiltreStatistiques | None, _FIGURES] = None,
    dimensions: Annotated[list[Dimension], _DIMENSIONS] = [],  # noqa: B006 - read by the schema, never changed
    first: Annotated[int, argument(C.PUBLIQUE, f"Nombre de lignes de la page, de 0 à {LINES_MAX}.")] = DEFAULT_LINES,
    after: After = None,
) -> Statistiques | None:
    # Its arguments were read before the sources were asked: figures are made beside the loop (statistiques.questions).
    return info.context.statistiques(info.path.key) if _is_open(info) else None


def _transmissions(info: type_info, first: First = DEFAULT_PAGE, after: After = None) -> TransmissionConnection | None:
    return info.context.transmissions(first, after) if _is_open(info) else None


def _sources(info: type_info) -> list[Source] | None:
    return info.context.sources() if _is_open(info) else None


@strawberry.type(description="Ce que la passerelle sait dire, à la demande, de chaque source qui le sait.")
class Query:
    moi: Moi = publique("Qui je suis, ce que je peux lire : la première requête d'un intégrateur.", _me)
    node: Node | None = publique("Un objet par son identifiant.", _node)
    jeune: Jeune | None = donnee(C.PARCOURS, "Un jeune de mon périmètre.", _jeune)
    recherche_jeune: list[Rapprochement] | None = donnee(
        C.PARCOURS, "Cinq jeunes de mon périmètre au plus, les plus ressemblants d'abord.", _search_jeune, size=1
    )
    jeunes: JeuneConnection | None = donnee(C.PARCOURS, "Les jeunes de mon périmètre.", _jeunes)
    inscrits_sans_contrat: JeuneConnection | None = donnee(
        C.SANS_CONTRAT, "Les jeunes de mon périmètre qui se forment sans avoir jamais eu de contrat.", _waiting
    )
    contrat: Contrat | None = donnee(C.CONTRAT, "Un contrat, par identifiant ou par numéro.", _contrat)
    contrats: ContratConnection | None = donnee(C.CONTRAT, "Les contrats de mon périmètre.", _contrats)
    rupture: Rupture | None = donnee(C.RUPTURE, "Une rupture de mon périmètre.", _rupture)
    ruptures: RuptureConnection | None = donnee(
        C.RUPTURE, "Les ruptures de mon périmètre, demandées à toutes les sources qui les connaissent.", _ruptures
    )
    evenements: EvenementConnection | None = EVENEMENTS
    cfa: Cfa | None = publique("Un CFA, par UAI ou par SIRET.", _cfa)
    mission_locale: MissionLocale | None = publique("Une Mission locale, par son code.", _mission_locale)
    cfas: list[Cfa] = publique("Les CFA de mon périmètre, par nom : de quoi remplir un menu.", _cfas, size=1)
    communes: list[Commune] = publique("Les communes de mon périmètre, par nom.", _communes, size=1)
    missions_locales: list[MissionLocale] = publique(
        "Les Missions locales de mon périmètre, par nom.", _missions_locales, size=1
    )
    statistiques: Statistiques | None = donnee(
        C.AGREGAT,
        "Des chiffres de mon périmètre, jamais une personne : exacts de ce que je lis, protégés ailleurs.",
        _statistiques,
        rows="lignes",
        page_max=LINES_MAX,
    )
    ecritures: EcritureConnection = written_by(
        *Acte,
        description="Les écritures de mon organisation : celles en échec d'abord, puis les dernières.",
        resolver=list_writes,
    )
    transmissions: TransmissionConnection | None = donnee(
        C.TECHNIQUE,
        "Ce que l'ERP de mon CFA a transmis, jour par jour, et ce qui est à y corriger ; absent pour qui n'est pas un CFA.",
        _transmissions,
    )
    sources: list[Source] | None = donnee(C.TECHNIQUE, "Les systèmes partenaires et leur état.", _sources, size=1)


@cache
def build() -> Schema:
    """The schema of the gateway, made once a process: nobody changes it."""
    config = StrawberryConfig(scalar_map=SCALARS, disable_field_suggestions=True)
    schema = Schema(Query, Mutation, EventRoots, config=config, directives=[fraicheur])
    describe(core_schema(schema))
    return schema


def core_schema(schema: Schema) -> GraphQLSchema:
    """The graphql-core schema behind it, for validation and the access policy."""
    return schema._schema


def text(schema: Schema) -> str:
    """The published SDL (`schema.graphql`)."""
    return schema.as_str() + "\n"
