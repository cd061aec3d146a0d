"""What root fields ask for. Federation implements it; no resolver reaches a source (ANSWERS 21)."""

from dataclasses import dataclass
from datetime import date
from typing import Protocol

import strawberry

from gateway.auth.rules import CategorieDonnee, Finalite, Profil, libre
from gateway.schema.connexions import ContratConnection, JeuneConnection, RuptureConnection
from gateway.schema.filtres import FiltreContrats, FiltreJeunes, FiltreRuptures, TriJeunes, TriRuptures
from gateway.schema.lieux import Cfa, MissionLocale, Node, Source, Territoire
from gateway.schema.nouns import Contrat, Jeune, Rapprochement, Rupture


@strawberry.type(description="Qui je suis et ce que je peux lire.")
class Moi:
    profil: Profil = strawberry.field(description="Profil de l'appelant.")
    organisation: str | None = libre("Nom de l'organisation.")
    finalite: Finalite | None = libre("Finalité de cette requête.")
    finalites: list[Finalite] = strawberry.field(description="Finalités que le registre m'accorde.")
    perimetre: list[Territoire] = strawberry.field(description="Territoires ou organismes dont je vois les jeunes.")
    categories: list[CategorieDonnee] = strawberry.field(description="Catégories lisibles pour cette finalité.")


@dataclass(frozen=True, slots=True)
class Page:
    """The Relay arguments of a forward page."""

    first: int
    after: str | None


class Contexte(Protocol):
    """One operation's granted view of the graph: already fetched, merged and bounded to the caller's perimeter."""

    def ouverte(self, cle: object) -> bool:
        """Whether the root field of that response key was granted."""
        ...

    def moi(self) -> Moi: ...
    def sources(self) -> list[Source] | None: ...
    def node(self, identifiant: str) -> Node | None: ...
    def jeune(self, identifiant: str) -> Jeune | None: ...
    def recherche_jeune(self, nom: str, prenom: str, naissance: date) -> list[Rapprochement] | None: ...
    def jeunes(self, filtre: FiltreJeunes | None, tri: TriJeunes, page: Page) -> JeuneConnection | None: ...
    def contrat(self, identifiant: str | None, numero: str | None) -> Contrat | None: ...
    def contrats(self, filtre: FiltreContrats | None, page: Page) -> ContratConnection | None: ...
    def rupture(self, identifiant: str) -> Rupture | None: ...
    def ruptures(self, filtre: FiltreRuptures | None, tri: TriRuptures, page: Page) -> RuptureConnection | None: ...
    def cfa(self, uai: str | None, siret: str | None) -> Cfa | None: ...
    def mission_locale(self, code: str) -> MissionLocale | None: ...
