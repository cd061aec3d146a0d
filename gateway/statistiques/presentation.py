"""Shows what was counted as the graph does: a page of lines, their total, what stands beside them. Pure."""

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, fields
from functools import cache
from typing import Any

from strawberry.utils.str_converters import to_camel_case

from gateway.errors import InvalidCursor
from gateway.schema.connections import PageInfo
from gateway.schema.organisations import EtatSource
from gateway.schema.statistics import (
    Couverture,
    Definition,
    LigneStatistique,
    Marge,
    PeriodeStatistique,
    RuptureDeSerie,
    ShownProtection,
    Statistiques,
    ValeurDimension,
)
from gateway.schema.statistics_filter import Dimension
from gateway.statistiques.counted_figures import CountedFigures
from gateway.statistiques.coverage import Covered
from gateway.statistiques.figure_lines import NO_CELLS, Codes, told_by, told_by_total
from gateway.statistiques.figures import Figures
from gateway.statistiques.indicators import indicators
from gateway.statistiques.labels import label
from gateway.statistiques.periods import first_day
from gateway.statistiques.places import Places
from gateway.statistiques.questions import Question

Named = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Cursors:
    """How a position is sealed in a cursor, and read again: None when it is not one of these."""

    seal: Callable[[list[int]], str]
    read: Callable[[str], list[int] | None]


@dataclass(frozen=True, slots=True)
class LinePage:
    """The lines of a page, by their codes, and where they stand."""

    codes: Sequence[Codes]
    start: int
    total: int


def page_of(told: CountedFigures, question: Question, cursors: Cursors) -> LinePage:
    """The lines asked. Raises InvalidCursor."""
    every, start = told.codes(), 0
    if question.after is not None:
        position = cursors.read(question.after)
        if position is None or position[0] != told.number:
            raise InvalidCursor("Curseur inconnu ici, ou d'un relevé remplacé depuis : reprendre sans after.")
        start = position[1] + 1
    return LinePage(every[start : start + question.first], start, len(every))


def present(told: CountedFigures, page: LinePage, cursors: Cursors, places: Places) -> Statistiques:
    """The answer. May run in any thread: lines are made into figures here."""
    names = told_by(told.dimensions)
    lines = [
        _line(zip(told.dimensions, codes, strict=True), told.made.figures(names, *told.cells(codes)), places)
        for codes in page.codes
    ]
    total = told.made.figures(told_by_total(told.dimensions), *told.totals)
    return Statistiques(
        lignes=lines,
        total=_line((), total, places),
        comparaisons=[
            _line(one.named, one.made.figures(told_by(()), NO_CELLS, one.cells), places) for one in told.comparisons
        ],
        calculees_le=told.told_at,
        etat_au=told.as_of,
        origine=told.origin,
        periode=PeriodeStatistique(depuis=told.span.depuis, jusqua=told.span.jusqua),
        protection=_protection(told),
        couverture=[_coverage(covered) for covered in told.covered],
        ruptures_de_serie=[
            RuptureDeSerie(mois=first_day(one.month), source=one.source, avant=one.before, apres=one.after)
            for one in told.breaks
        ],
        nombre_de_lignes=page.total,
        page_info=_page_info(told, page, cursors),
        defined=definitions(),
    )


def _line(named: Iterable[tuple[str, str]], figures: Figures, places: Places) -> LigneStatistique:
    attributes = _attributes()
    values: dict[str, Any] = {attributes[name]: value for name, value in figures.values.items()}
    return LigneStatistique(
        dimensions=[
            ValeurDimension(dimension=Dimension(name), code=code, libelle=label(name, code, places))
            for name, code in named
        ],
        **values,
        secret=bool(figures.masked),
        masques=figures.masked,
        provisoire=figures.provisional,
        marges=[Marge(champ=name, valeur=margin) for name, margin in figures.margins.items()],
    )


@cache
def _attributes() -> dict[str, str]:
    """The attribute of a line that holds each figure."""
    return {to_camel_case(field.name): field.name for field in fields(LigneStatistique)}


@cache
def definitions() -> tuple[Definition, ...]:
    """The definitions of all the figures, as they are declared."""
    return tuple(
        Definition(
            nom=indicator.nom,
            libelle=indicator.libelle,
            unite=indicator.unite,
            numerateur=indicator.numerateur,
            denominateur=indicator.denominateur,
            fenetre=indicator.fenetre,
            source=indicator.source,
        )
        for indicator in indicators().values()
    )


def _protection(told: CountedFigures) -> ShownProtection:
    secrecy = told.secrecy
    if secrecy is None:
        return ShownProtection(exacte=True)
    return ShownProtection(exacte=False, pas=secrecy.step, seuil=secrecy.threshold, maille=", ".join(told.grids))


def _coverage(covered: Covered) -> Couverture:
    return Couverture(
        source=covered.source,
        attendus=covered.expected,
        couverts=covered.covered,
        part=covered.share,
        plus_ancien=covered.oldest,
        etat=_state(covered),
    )


def _state(covered: Covered) -> EtatSource | None:
    if not covered.expected:
        return None
    if covered.covered == covered.expected:
        return EtatSource.DISPONIBLE
    return EtatSource.DEGRADEE if covered.covered else EtatSource.INDISPONIBLE


def _page_info(told: CountedFigures, page: LinePage, cursors: Cursors) -> PageInfo:
    last = page.start + len(page.codes) - 1
    return PageInfo(
        has_next_page=last + 1 < page.total,
        has_previous_page=page.start > 0,
        start_cursor=cursors.seal([told.number, page.start]) if page.codes else None,
        end_cursor=cursors.seal([told.number, last]) if page.codes else None,
    )


def binding(question: Question, reader: Collection[str]) -> str:
    """What a cursor is bound to: the question, and who asks it."""
    content = [*question.key, *reader]
    return hashlib.sha256(json.dumps(content, default=str).encode()).hexdigest()
