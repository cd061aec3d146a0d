"""Searches a view for the persons whom a caller may mean by an identity. Knows no mask and no right."""

from datetime import date

from gateway.domain.official_numbers import Traits
from gateway.domain.search import CANDIDATES_MAX, Candidate
from gateway.domain.similarity import Level, weights
from gateway.errors import InvalidRequest
from gateway.federation.views.view import View

SEARCHER = ("", "")  # the installation of whoever searches: no source


def search(view: View, nom: str, prenom: str, naissance: date) -> list[tuple[Candidate, Level]]:
    """CANDIDATES_MAX at most, the most alike first, then those whose records only looked like theirs.

    Raises InvalidRequest for a name without letters.
    """
    sought = Traits(SEARCHER, "", (nom,), prenom, naissance)
    if not sought.letters or not sought.prenom_letters:
        raise InvalidRequest("La recherche demande un nom et un prénom qui ont des lettres.")
    found = {candidate.person: candidate for candidate in view.person_index.search(sought)}
    doubtful = {candidate.person: candidate for one in found.values() for candidate in _doubtful(view, one)}
    # Found by a score under every threshold, a person is still shown: the caller confirms, not we.
    matches = [(one, weights().niveau(one.similarity.score) or Level.A_CONFIRMER) for one in found.values()]
    matches += [(candidate, Level.A_CONFIRMER) for key, candidate in doubtful.items() if key not in found]
    return matches[:CANDIDATES_MAX]


def _doubtful(view: View, found: Candidate) -> list[Candidate]:
    """The persons of the view with a record that looked like one of a person found, not enough to be joined."""
    # A link may lead to a record whose person is not of the view: that one has no id here, and is left out.
    links = view.persons[found.person].merged.cluster.doubtful
    ends = [(view.person_index.person(record), link.similarity) for link in links for record in (link.left, link.right)]
    return [Candidate(key, similarity) for key, similarity in ends if key]
