"""The figures that everybody may read, without saying who one is: protected sums rounded again to the ten, of the country, its
régions and départements (docs/statistiques.md, Secret). A function of what is published: no further look at anybody."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from gateway.errors import ArgumentRefused, BlocksUnavailable, QuotaReached, StatisticsUnavailable
from gateway.schema.statistics import Statistiques
from gateway.statistiques.disclosure import OPEN_SHOWN, OPEN_STEP, shown_to_all
from gateway.statistiques.figures import Figures
from gateway.statistiques.grid_choice import lieu_of
from gateway.statistiques.indicators import Computation, indicators
from gateway.statistiques.presentation import Cursors, page_of, present
from gateway.statistiques.published_figures import COUNTRY_WIDE, Published
from gateway.statistiques.questions import OF_PLACES, Question, check_codes
from gateway.statistiques.reading_state import Known
from gateway.stores.quota_counters import Allowance, RateLimits

PLACES = ("REGION", "DEPARTEMENT")
_TOGETHER = Allowance("public", 600)  # requests of everybody, a minute
_NO_CURSORS = Cursors(seal=lambda _: "", read=lambda _: None)


@dataclass(frozen=True, slots=True)
class PublicFigures:
    """What anybody may read of one store. `known`: of the moment."""

    published: Published
    known: Callable[[], Known]
    limits: RateLimits

    async def spend(self) -> None:
        """Count a request of nobody known. Raises QuotaReached once they are too many."""
        exceeded = await self.limits.spend(_TOGETHER, _TOGETHER.name, 1)
        if exceeded:
            raise QuotaReached("Trop de demandes sans identification : réessayer dans une minute.", exceeded.seconds)

    async def told(self, question: Question) -> Statistiques:
        """The figures asked. Raises ArgumentRefused, StatisticsUnavailable."""
        known = self.known()
        finer = question.keys & (set(OF_PLACES) - set(PLACES))
        if finer:
            raise ArgumentRefused(f"Sans identification, les lieux sont {' et '.join(PLACES)} : ôter {min(finer)}.")
        check_codes(question, known.places)
        try:
            told = await self.published.told(question, COUNTRY_WIDE, lieu_of(question, COUNTRY_WIDE, False), known)
        except BlocksUnavailable:
            raise StatisticsUnavailable("La base des statistiques ne répond pas.") from None
        if told is None:
            raise StatisticsUnavailable("Aucun relevé n'est publié encore.")
        open_ = replace(told, comparisons=(), made=replace(told.made, finish=opened))
        shown = present(open_, page_of(open_, question, _NO_CURSORS), _NO_CURSORS, known.places)
        return replace(shown, protection=replace(shown.protection, pas=OPEN_STEP, seuil=OPEN_SHOWN))


def opened(figures: Figures) -> Figures:
    """The same, as it is published to everybody."""
    told = Figures(provisional=figures.provisional)
    for name, value in figures.values.items():
        is_count = indicators()[name].calcul is Computation.SOMME
        shown = shown_to_all(value) if is_count and isinstance(value, int) else _rounded(value)
        told.values[name] = shown
        if shown is None and (value is not None or name in figures.masked):
            told.masked.append(name)
        elif name in figures.margins:
            told.margins[name] = round(figures.margins[name] + (OPEN_STEP / 2 if is_count else 0.0), 4)
    return told


def _rounded(value: float | list[float] | None) -> float | list[float] | None:
    """Shares to the tenth of a point, days to the tenth."""
    if isinstance(value, list):
        return [round(one, 1) for one in value]
    return None if value is None else round(value, 3 if value <= 1 else 1)
