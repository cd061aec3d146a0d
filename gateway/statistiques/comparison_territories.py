"""What a perimeter is compared with: the département, the région and the country around it. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from gateway.statistiques.figure_rights import FigureRights
from gateway.statistiques.grids import Place
from gateway.statistiques.places import Places
from gateway.statistiques.questions import OF_TRAITS, Question

_KINDS = {"CFA": Place.CFA, "MISSION_LOCALE": Place.MISSION_LOCALE, "DEPARTEMENT": Place.DEPARTEMENT}
COUNTRY = ""


def territories_around(rights: FigureRights, question: Question, places: Places) -> dict[str, frozenset[str]]:
    """By dimension, the codes of those around a perimeter, the smallest first; COUNTRY, of no dimension, comes last."""
    if rights.par and rights.par not in question.kept:
        return {}
    holders = [held for name, codes in rights.bounds.items() for held in _holders(name, codes, places)]
    around = {name: frozenset[str]().union(*(held[name] for held in holders)) for name in ("DEPARTEMENT", "REGION")}
    # A perimeter that is an area of several départements is compared with what holds it.
    if not rights.bounds.keys() <= {"CFA", "MISSION_LOCALE", "DEPARTEMENT"}:
        around.pop("DEPARTEMENT")
    return {**{name: codes for name, codes in around.items() if codes}, COUNTRY: frozenset()}


def _holders(dimension: str, codes: frozenset[str], places: Places) -> Iterator[Mapping[str, frozenset[str]]]:
    if dimension in _KINDS:
        yield from (places.holders(_KINDS[dimension], code) for code in codes)
        return
    for code in places.codes("DEPARTEMENT"):
        held = places.holders(Place.DEPARTEMENT, code)
        if not held[dimension].isdisjoint(codes):
            yield held


def question_of(dimension: str, codes: frozenset[str], question: Question) -> Question:
    """The same question of these territories, its places and its own dimensions left out."""
    traits = {name: told for name, told in question.kept.items() if name in OF_TRAITS}
    kept = {**traits, dimension: codes} if dimension else traits
    return replace(question, dimensions=(dimension,) if dimension else (), kept=kept)
