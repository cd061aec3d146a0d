"""Presents a caller to itself: profile, perimeter, purposes and readable categories; and the systems of partners, with what it
can mend there. Knows no view."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cached_property
from typing import Any

from gateway.auth.authentication.clients import Viewer
from gateway.auth.authorization.decide import Decision
from gateway.auth.policy.policy import mends
from gateway.auth.policy.rules import Profil
from gateway.federation.organisation_directory import Directory
from gateway.federation.views.view import Rights, cfas_of
from gateway.schema.moi import Moi
from gateway.schema.organisations import Cfa, ModeSource, Qualite, Source, Territoire, TypeTerritoire

HARMED_MAX = 100  # establishments of a source whose quality is told: an answer is read by somebody
# What kind of territory the organisation of a profile is; a profile without one sees the nation, or nothing.
_NATURES = {
    Profil.MISSION_LOCALE: TypeTerritoire.MISSION_LOCALE,
    Profil.CFA: TypeTerritoire.CFA,
    Profil.TETE_DE_RESEAU: TypeTerritoire.RESEAU,
    Profil.DREETS: TypeTerritoire.REGION,
    Profil.DDETS: TypeTerritoire.DEPARTEMENT,
    Profil.ACADEMIE: TypeTerritoire.ACADEMIE,
    Profil.FRANCE_TRAVAIL: TypeTerritoire.REGION,
    Profil.ARML: TypeTerritoire.REGION,
    Profil.REGION: TypeTerritoire.REGION,
}

_OF_COUNTRY = (Profil.STATISTIQUES, Profil.OPCO)


def present_moi(viewer: Viewer, rights: Rights, decision: Decision, directory: Directory) -> Moi:
    """The value of the root field `moi`."""
    return Moi(
        profil=viewer.profil,
        organisation=viewer.nom or None,
        finalite=viewer.finalite,
        finalites=sorted(viewer.finalites, key=lambda finalite: finalite.value),
        perimetre=_perimetre(rights, directory),
        categories=sorted(decision.categories, key=lambda categorie: categorie.value),
    )


def _perimetre(rights: Rights, directory: Directory) -> list[Territoire]:
    perimetre = rights.perimetre
    nature = _NATURES.get(perimetre.profil)
    if nature is None or not perimetre.organisation:
        return [directory.territoire(TypeTerritoire.NATIONAL, "FR")] if perimetre.profil in _OF_COUNTRY else []
    # A CFA may hold several UAIs: each is a place where it trains.
    if nature is TypeTerritoire.CFA:
        return [directory.territoire(nature, uai) for uai in sorted(perimetre.uais)]
    return [directory.territoire(nature, perimetre.organisation)]


def to_mend(source: Source, rights: Rights) -> list[Qualite]:
    """What this viewer can mend at a partner, the most harmed establishments first."""
    own = [line for line in source.qualite or () if mends(rights.perimetre, line.etablissement)]
    return sorted(own, key=lambda line: -sum(defaut.nombre for defaut in line.defauts))[:HARMED_MAX]


class SourceStates:
    """The systems of partners as they are now, as a caller may see them. `pushing`: the state of what a CFA transmits."""

    def __init__(
        self,
        states: Iterable[Source],
        source_of_cfa: Callable[[str], str | None],
        rights: Rights,
        pushing: Callable[[str], Source | None],
    ) -> None:
        self._told, self._source_of_cfa, self._rights, self._pushing = states, source_of_cfa, rights, pushing

    @cached_property
    def _by_name(self) -> dict[str | None, Source]:
        return {source.nom: replace(source, qualite=to_mend(source, self._rights)) for source in self._told}

    @property
    def all(self) -> list[Source]:
        return list(self._by_name.values())

    def of_cfa(self, cfa: Cfa) -> Source | None:
        """The system that serves a CFA."""
        source = self._by_name.get(self._source_of_cfa(cfa.uai)) if cfa.uai else None
        # Of what is transmitted, each CFA has its own freshness: another one's tells nothing of it.
        if source and cfa.uai and source.mode is ModeSource.RECEPTION:
            return self._pushing(cfa.uai)
        return source

    def tell(self, objects: Iterable[Any]) -> None:
        """Write on masked copies the systems of their CFAs."""
        for object_ in objects:
            for cfa in cfas_of(object_):
                cfa.source = self.of_cfa(cfa)
