"""What root fields ask for. Federation implements it; no resolver reaches a source (docs/architecture.md)."""

from dataclasses import dataclass
from datetime import date
from typing import Protocol

import strawberry

from gateway.auth.policy.rules import CategorieDonnee, Finalite, Profil, libre, object_type
from gateway.schema.connections import ContratConnection, JeuneConnection, RuptureConnection
from gateway.schema.filters import FiltreContrats, FiltreJeunes, FiltreRuptures
from gateway.schema.nouns import Contrat, Jeune, Rupture
from gateway.schema.orders import TriContrats, TriJeunes, TriRuptures
from gateway.schema.organisations import Cfa, Commune, MissionLocale, Node, Source, Territoire
from gateway.schema.rapprochement import Rapprochement
from gateway.schema.statistics import Statistiques


@object_type("Qui je suis et ce que je peux lire.", CategorieDonnee.PUBLIQUE)
class Moi:
    profil: Profil = strawberry.field(description="Profil de l'appelant.")
    organisation: str | None = libre("Nom de l'organisation.")
    finalite: Finalite | None = libre("Finalité de cette requête.")
    finalites: list[Finalite] = strawberry.field(description="Finalités que le registre m'accorde.")
    perimetre: list[Territoire] = strawberry.field(description="Territoires ou organismes dont je vois les jeunes.")
    categories: list[CategorieDonnee] = strawberry.field(description="Catégories lisibles pour cette finalité.")


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


class Context(Protocol):
    """One operation's granted view of the graph: already fetched, merged and bounded to the caller's perimeter."""

    def is_open(self, key: object) -> bool:
        """Whether the root field of that response key was granted."""
        ...

    def moi(self) -> Moi: ...
    def sources(self) -> list[Source] | None: ...
    def node(self, identifier: str) -> Node | None: ...
    def jeune(self, identifier: str) -> Jeune | None: ...
    def recherche_jeune(self, nom: str, prenom: str, naissance: date) -> list[Rapprochement] | None: ...
    def jeunes(self, filtre: FiltreJeunes | None, tri: TriJeunes, page: PageArgs) -> JeuneConnection | None: ...
    def contrat(self, identifier: str | None, numero: str | None) -> Contrat | None: ...
    def contrats(self, filtre: FiltreContrats | None, tri: TriContrats, page: PageArgs) -> ContratConnection | None: ...
    def rupture(self, identifier: str) -> Rupture | None: ...
    def ruptures(self, filtre: FiltreRuptures | None, tri: TriRuptures, page: PageArgs) -> RuptureConnection | None: ...
    def cfa(self, uai: str | None, siret: str | None) -> Cfa | None: ...
    def mission_locale(self, code: str) -> MissionLocale | None: ...
    def cfas(self, recherche: str | None, first: int) -> list[Cfa]: ...
    def communes(self, recherche: str | None, first: int) -> list[Commune]: ...
    def missions_locales(self, recherche: str | None, first: int) -> list[MissionLocale]: ...
    def statistiques(self, key: object) -> Statistiques | None:
        """The figures of the root field of that response key."""
        ...
