"""Relay connections of the graph. Know nothing of how a page was cut."""

import strawberry

from gateway.auth.policy.rules import CURSOR, libre
from gateway.schema.nouns import Contrat, Jeune, Rupture
from gateway.schema.organisations import KeptBytes

PAGE_MAX = 500  # elements of a page
DEFAULT_PAGE = 20
_CURSOR = "Curseur opaque, lié au filtre, à l'ordre et au périmètre."
_COMPLETE = "Faux quand une source de cette liste n'a pas répondu."
_TOTAL = "Nombre d'éléments du périmètre qui répondent au filtre."


@strawberry.type(description="Position dans une liste.")
class PageInfo:
    has_next_page: bool = strawberry.field(description="Vrai s'il reste des éléments après cette page.")
    has_previous_page: bool = strawberry.field(description="Vrai s'il y a des éléments avant cette page.")
    start_cursor: str | None = libre("Curseur du premier élément de la page.", cursor="ends")
    end_cursor: str | None = libre("Curseur du dernier élément de la page.", cursor="ends")


@strawberry.type(description="Une rupture dans une liste.")
class RuptureEdge:
    cursor: str = strawberry.field(description=_CURSOR, metadata={CURSOR: "rows"})
    node: Rupture = strawberry.field(description="La rupture.")


@strawberry.type(description="Liste de ruptures.")
class RuptureConnection(KeptBytes):
    edges: list[RuptureEdge] = strawberry.field(description="Éléments de la page.")
    page_info: PageInfo = strawberry.field(description="Position de la page.")
    total_count: int = strawberry.field(description=_TOTAL)
    complet: bool = strawberry.field(description=_COMPLETE)


@strawberry.type(description="Un jeune dans une liste.")
class JeuneEdge:
    cursor: str = strawberry.field(description=_CURSOR, metadata={CURSOR: "rows"})
    node: Jeune = strawberry.field(description="Le jeune.")


@strawberry.type(description="Liste de jeunes.")
class JeuneConnection(KeptBytes):
    edges: list[JeuneEdge] = strawberry.field(description="Éléments de la page.")
    page_info: PageInfo = strawberry.field(description="Position de la page.")
    total_count: int = strawberry.field(description=_TOTAL)
    complet: bool = strawberry.field(description=_COMPLETE)


@strawberry.type(description="Un contrat dans une liste.")
class ContratEdge:
    cursor: str = strawberry.field(description=_CURSOR, metadata={CURSOR: "rows"})
    node: Contrat = strawberry.field(description="Le contrat.")


@strawberry.type(description="Liste de contrats.")
class ContratConnection(KeptBytes):
    edges: list[ContratEdge] = strawberry.field(description="Éléments de la page.")
    page_info: PageInfo = strawberry.field(description="Position de la page.")
    total_count: int = strawberry.field(description=_TOTAL)
    complet: bool = strawberry.field(description=_COMPLETE)
