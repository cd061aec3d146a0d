"""What figures an operation asks for: read off its arguments, held to the referential, and told in French where they do not do.

Pure. What a caller may be answered is for `figure_rights`; by which cells, for `grid_choice`.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from graphql import GraphQLSchema, VariableValues, get_argument_values

from gateway.auth.authorization.decide import Decision
from gateway.auth.authorization.selection import Selection
from gateway.documents.parse import Document
from gateway.errors import ArgumentRefused, CallerError, InvalidRequest
from gateway.execution.conversions import convert
from gateway.schema.statistics import DEFAULT_LINES, LINES_MAX
from gateway.schema.statistics_filter import Dimension, FiltreStatistiques, LieuDeReference
from gateway.statistiques.naf_sections import SECTIONS
from gateway.statistiques.places import Places

ROOT = "statistiques"
OF_PLACES = ("REGION", "DEPARTEMENT", "ACADEMIE", "RESEAU", "CFA", "MISSION_LOCALE")
OF_TRAITS = ("NIVEAU", "SEXE", "TRANCHE_AGE", "SECTEUR")
OF_TIME = ("MOIS", "ANNEE_SCOLAIRE")
LEVELS = tuple(str(level) for level in range(3, 9))
# Criteria by dimension: the one of a single value, and the one of several.
_CRITERIA = {
    "REGION": ("region", "regions"),
    "DEPARTEMENT": ("departement", "departements"),
    "ACADEMIE": ("academie", ""),
    "RESEAU": ("reseau", ""),
    "CFA": ("cfa", "cfas"),
    "MISSION_LOCALE": ("mission_locale", "missions_locales"),
    "NIVEAU": ("niveau", "niveaux"),
    "SEXE": ("sexe", ""),
    "TRANCHE_AGE": ("tranche_age", ""),
    "SECTEUR": ("secteur", ""),
}
_WRITTEN = {"mission_locale": "missionLocale", "missions_locales": "missionsLocales", "tranche_age": "trancheAge"}


@dataclass(frozen=True, slots=True)
class Question:
    """What one root field asks. `dimensions`: each once, in the order asked; `kept`: by dimension, the values kept; `lieu`:
    None where the caller leaves it to us."""

    dimensions: tuple[str, ...] = ()
    kept: Mapping[str, frozenset[str]] = field(default_factory=dict)
    lieu: LieuDeReference | None = None
    depuis: date | None = None
    jusqua: date | None = None
    first: int = DEFAULT_LINES
    after: str | None = None

    @property
    def key(self) -> tuple[object, ...]:
        """All that it asks but the page."""
        kept = tuple(sorted((name, tuple(sorted(codes))) for name, codes in self.kept.items()))
        return self.dimensions, kept, self.lieu and self.lieu.value, self.depuis, self.jusqua

    @property
    def keys(self) -> frozenset[str]:
        """The dimensions that its lines are told apart or kept by."""
        return frozenset(self.dimensions) | self.kept.keys()

    @property
    def asks_history(self) -> bool:
        """True when it asks of a time, and not of today."""
        return bool(self.depuis or self.jusqua or not set(OF_TIME).isdisjoint(self.dimensions))


def asked_by(
    schema: GraphQLSchema, document: Document, variables: VariableValues, decision: Decision
) -> dict[str, Question | CallerError]:
    """The questions of an operation by response key, or why one is none."""
    return questions_of(schema, document, variables, set(decision.keys((ROOT,))) & decision.roots)


def questions_of(
    schema: GraphQLSchema, document: Document, variables: VariableValues, keys: Collection[str]
) -> dict[str, Question | CallerError]:
    """Those of these response keys."""
    root = schema.query_type
    if not keys or root is None:
        return {}
    selection = Selection(schema, document.tree, document.operation, variables.coerced)
    groups = selection.fields(root, (document.operation.selection_set,))
    field = root.fields[ROOT]
    return {key: _question(convert(field, get_argument_values(field, groups[key][0], variables))) for key in keys}


def _question(arguments: Mapping[str, Any]) -> Question | CallerError:
    try:
        return _read(**arguments)
    except CallerError as error:
        return error


def _read(
    *, dimensions: list[Dimension], first: int, filtre: FiltreStatistiques | None = None, after: str | None = None
) -> Question:
    wanted = filtre or FiltreStatistiques()
    if not 0 <= first <= LINES_MAX:
        raise InvalidRequest(f"L'argument first va de 0 à {LINES_MAX}.")
    if wanted.depuis and wanted.jusqua and wanted.depuis > wanted.jusqua:
        raise ArgumentRefused("filtre.depuis vient après filtre.jusqua : les échanger.")
    names = tuple(dict.fromkeys(dimension.value for dimension in dimensions))
    return Question(names, dict(_kept(wanted)), wanted.lieu, wanted.depuis, wanted.jusqua, first, after)


def _kept(filtre: FiltreStatistiques) -> Iterator[tuple[str, frozenset[str]]]:
    for dimension, (one, several) in _CRITERIA.items():
        single, many = getattr(filtre, one), getattr(filtre, several) if several else None
        if single is not None and many is not None:
            raise ArgumentRefused(f"filtre.{_written(one)} et filtre.{_written(several)} ne vont pas ensemble.")
        values = [single] if single is not None else many
        if values is not None:
            yield dimension, frozenset(_code(dimension, value) for value in values)


def _written(criterion: str) -> str:
    return _WRITTEN.get(criterion, criterion)


def _code(dimension: str, value: Any) -> str:
    code = str(getattr(value, "value", value)).strip()
    return code.upper() if dimension in ("DEPARTEMENT", "SECTEUR") else code


def check_codes(question: Question, places: Places) -> None:
    """Raises ArgumentRefused for a code that nobody bears: nothing would be counted, and that would look like none."""
    for dimension, codes in question.kept.items():
        known = _known(dimension, places)
        for code in sorted(codes):
            if known is not None and code not in known:
                shown = f" : admis : {', '.join(sorted(known))}" if len(known) <= len(SECTIONS) else ""
                raise ArgumentRefused(f"filtre : {dimension} ne connaît pas un des codes donnés{shown}.")


def _known(dimension: str, places: Places) -> frozenset[str] | None:
    """The codes of a dimension; None for those that the graph has checked."""
    if dimension in OF_PLACES:
        return places.codes(dimension)
    return {"NIVEAU": frozenset(LEVELS), "SECTEUR": frozenset(SECTIONS)}.get(dimension)
