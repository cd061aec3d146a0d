"""How fresh what was heard of each source is, as an answer tells it. Pure; knows no clock and no partner."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from gateway.sources.unites import EtatCache, Resultat, Tenue, Unite

# A source that tells something stale is stale; else it was asked if any of its units was.
_PRIORITE = [EtatCache.TOUCHE.value, EtatCache.MANQUE.value, EtatCache.PERIME.value]


@dataclass(frozen=True, slots=True)
class Fraicheur:
    """One line of `extensions.sources`: the oldest thing used of a source. `age` in seconds, None: reckon from `recu_le`."""

    recu_le: datetime
    cache: str
    age: float | None = None


def plus_vieille(connue: Fraicheur | None, resultat: Resultat) -> Fraicheur:
    """A source is as fresh as the oldest answer used."""
    vue = Fraicheur(resultat.recu_le, resultat.cache.value, resultat.age)
    if connue is None:
        return vue
    vieille = max(connue, vue, key=lambda une: une.age or 0.0)
    return replace(vieille, cache=max(connue.cache, vue.cache, key=_PRIORITE.index))


def tenues_fraiches(
    fraicheurs: Mapping[str, Fraicheur], unites: Iterable[Unite], tenues: Sequence[Tenue | None]
) -> dict[str, Fraicheur]:
    """Of what was heard and is still kept: nothing is asked, and a source is as old as its oldest unit."""
    ages: dict[str, float] = {}
    for unite, tenue in zip(unites, tenues, strict=True):
        ages[unite.source] = max(tenue.age if tenue else 0.0, ages.get(unite.source, 0.0))
    touche = EtatCache.TOUCHE.value
    return {nom: replace(fraicheurs[nom], cache=touche, age=age) for nom, age in ages.items()}


def relues(fraicheurs: Mapping[str, Fraicheur], resultats: Sequence[Resultat]) -> dict[str, Fraicheur]:
    """Of what was heard before, once these units said the same again; what none of them tells stays as it was."""
    sources = {resultat.unite.source for resultat in resultats}
    vues = {nom: vue for nom, vue in fraicheurs.items() if nom not in sources}
    for resultat in resultats:
        vues[resultat.unite.source] = plus_vieille(vues.get(resultat.unite.source), resultat)
    return vues


def vieillies(fraicheurs: Mapping[str, Fraicheur], secondes: float) -> dict[str, Fraicheur]:
    """The same, that much later, as whoever comes next finds it: nothing is asked again."""
    return {nom: _vieillie(vue, secondes) for nom, vue in fraicheurs.items()}


def _vieillie(vue: Fraicheur, secondes: float) -> Fraicheur:
    if vue.age is None:
        return vue
    cache = EtatCache.TOUCHE.value if vue.cache == EtatCache.MANQUE.value else vue.cache
    return replace(vue, age=vue.age + secondes, cache=cache)
