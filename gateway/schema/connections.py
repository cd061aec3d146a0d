"""Relay connections of the graph. Know nothing of how a page was cut."""

import strawberry

from gateway.auth.policy.rules import CURSOR, libre, object_type
from gateway.auth.policy.rules import CategorieDonnee as C
from gateway.schema.nouns import Contrat, Jeune, Rupture
from gateway.schema.organisations import KeptBytes

PAGE_MAX = 500  # elements of a page
DEFAULT_PAGE = 20
_CURSOR = "Curseur opaque, lié au filtre, à l'ordre et au périmètre."
_COMPLETE = "Faux quand une source de cette liste n'a pas répondu."
_TOTAL = "Nombre d'éléments du périmètre qui répondent au filtre."
_EDGES, _NODES = "Éléments de la page.", "Éléments de la page, sans leurs curseurs."


@object_type("Position dans une liste.", C.PARCOURS, C.SANS_CONTRAT, C.CONTRAT, C.RUPTURE, C.AGREGAT, C.TECHNIQUE)
class PageInfo:
    has_next_page: bool = strawberry.field(description="Vrai s'il reste des éléments après cette page.")
    has_previous_page: bool = strawberry.field(description="Vrai s'il y a des éléments avant cette page.")
    start_cursor: str | None = libre("Curseur du premier élément de la page.", cursor="ends")
    end_cursor: str | None = libre("Curseur du dernier élément de la page.", cursor="ends")


@object_type("Une rupture dans une liste.", C.RUPTURE)
class RuptureEdge:
    cursor: str = strawberry.field(description=_CURSOR, metadata={CURSOR: "rows"})
    node: Rupture = strawberry.field(description="La rupture.")


@object_type("Liste de ruptures.", C.RUPTURE)
class RuptureConnection(KeptBytes):
    edges: list[RuptureEdge] = strawberry.field(description=_EDGES)
    nodes: list[Rupture] = strawberry.field(description=_NODES)
    page_info: PageInfo = strawberry.field(description="Position de la page.")
    total_count: int = strawberry.field(description=_TOTAL)
    complet: bool = strawberry.field(description=_COMPLETE)


@object_type("Un jeune dans une liste.", C.PARCOURS, C.SANS_CONTRAT)
class JeuneEdge:
    cursor: str = strawberry.field(description=_CURSOR, metadata={CURSOR: "rows"})
    node: Jeune = strawberry.field(description="Le jeune.")


@object_type("Liste de jeunes.", C.PARCOURS, C.SANS_CONTRAT)
class JeuneConnection(KeptBytes):
    edges: list[JeuneEdge] = strawberry.field(description=_EDGES)
    nodes: list[Jeune] = strawberry.field(description=_NODES)
    page_info: PageInfo = strawberry.field(description="Position de la page.")
    total_count: int = strawberry.field(description=_TOTAL)
    complet: bool = strawberry.field(description=_COMPLETE)


@object_type("Un contrat dans une liste.", C.CONTRAT)
class ContratEdge:
    cursor: str = strawberry.field(description=_CURSOR, metadata={CURSOR: "rows"})
    node: Contrat = strawberry.field(description="Le contrat.")


@object_type("Liste de contrats.", C.CONTRAT)
class ContratConnection(KeptBytes):
    edges: list[ContratEdge] = strawberry.field(description=_EDGES)
    nodes: list[Contrat] = strawberry.field(description=_NODES)
    page_info: PageInfo = strawberry.field(description="Position de la page.")
    total_count: int = strawberry.field(description=_TOTAL)
    complet: bool = strawberry.field(description=_COMPLETE)
