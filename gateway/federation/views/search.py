"""Who, in a view, may be the one that a caller looks for by identity. Pure; knows no mask."""

from datetime import date

from gateway.domain.identity import Traits
from gateway.domain.search import CANDIDATES_MAX, Candidate
from gateway.domain.similarity import Level, weights
from gateway.errors import InvalidRequest
from gateway.federation.views.build import View

SEARCHER = ("", "")  # the installation of whoever searches: no source


def search(view: View, nom: str, prenom: str, naissance: date) -> list[tuple[Candidate, Level]]:
    """CANDIDATES_MAX at most, the most alike first, then those whose records only looked like theirs.

    Raises InvalidRequest for a name without letters.
    """
    sought = Traits(SEARCHER, "", (nom,), prenom, naissance)
    if not sought.letters or not sought.prenom_letters:
        raise InvalidRequest("La recherche demande un nom et un prénom qui ont des lettres.")
    found_ones = {candidate.person: candidate for candidate in view.person_index.search(sought)}
    offered = {un.person: un for found in found_ones.values() for un in _a_confirmer(view, found)}
    responses = [(un, weights().niveau(un.similarity.score) or Level.A_CONFIRMER) for un in found_ones.values()]
    responses += [(un, Level.A_CONFIRMER) for key, un in offered.items() if key not in found_ones]
    return responses[:CANDIDATES_MAX]


def _a_confirmer(view: View, found: Candidate) -> list[Candidate]:
    """The persons of the view with a record that looked like one of a person found, not enough to be joined."""
    links = view.persons[found.person].merged.cluster.doubtful
    parts = [(view.person_index.person(part), link.similarity) for link in links for part in (link.left, link.right)]
    return [Candidate(key, similarity) for key, similarity in parts if key]
