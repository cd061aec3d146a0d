"""What a list tells of persons without showing a row: which criteria identify, and what a filter matches once widened. Pure.

Closed criteria describe a state that the list itself has; the others point at somebody (docs/security.md, A18).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any, TypeVar

from gateway.auth.policy.rules import CategorieDonnee
from gateway.domain.official_numbers import normalise_departement, normalise_nom, normalise_numero_contrat, words
from gateway.domain.referentiel import Geographie
from gateway.domain.statut import StatutApprenant
from gateway.errors import InvalidRequest
from gateway.federation.lists import WINDOW_DAYS, ListQuery
from gateway.federation.paging import SortedList
from gateway.federation.views.view import View
from gateway.schema.connections import ContratConnection, JeuneConnection, RuptureConnection
from gateway.schema.filters import FiltreRuptures, FiltreSansContrat
from gateway.schema.query import PageArgs

C = TypeVar("C", JeuneConnection, ContratConnection, RuptureConnection)
NUMERO_EXAMPLE = "060202609010001"
CLOSED = frozenset({"statut", "etat", "prioritaire", "mineur", "rompus", "depassee"})
NOM, RECHERCHE = "nom", "recherche"
BY_NAME = frozenset({NOM, RECHERCHE})  # criteria that say who is looked for
# What widens a criterion that narrows by its absence: without one of these, a list takes its own window, status or members.
_WIDEST: Mapping[type, dict[str, Any]] = {
    FiltreRuptures: {"depuis": date.min, "jusqua": date.max, "statut": list(StatutApprenant)},
    FiltreSansContrat: {"contrat_prevu": True},
}


@dataclass(frozen=True, slots=True)
class AnsweredList:
    """A list of which a total, an edge or a page's position is told, under criteria that identify.

    `page`: as it was asked for. `shown`: the persons whose rows are
    written in the journal anyway. `mark`: stands for what is told, within one view. `ordered`: the list as an answer kept it
    with the view, if it still does: another thread may not look there.
    """

    query: ListQuery[Any, Any]
    criteria: tuple[str, ...]
    page: PageArgs
    shown: frozenset[str]
    mark: int
    ordered: SortedList[Any] | None = None

    def in_order(self, view: View) -> SortedList[Any]:
        """All the elements. May run in any thread."""
        return self.ordered or self.query.sort(view)

    @property
    def is_by_name(self) -> bool:
        return not BY_NAME.isdisjoint(self.criteria)

    @property
    def cursors(self) -> tuple[str, ...]:
        """The arguments by which it goes on from a point."""
        return tuple(name for name in ("after", "before") if getattr(self.page, name) is not None)


def placed(query: ListQuery[Any, C], geographie: Geographie) -> ListQuery[Any, C]:
    """The list, the codes of its territories in their normal forms. Raises InvalidRequest, naming the criterion, for one that
    does not exist: nobody lives there, and an empty list would say that nobody needs help."""
    known = {
        "departements": normalise_departement,
        "communes": lambda code: commune.code if (commune := geographie.commune(code)) else None,
    }
    told = {name: value for name, value in given(query.filtre).items() if name in known}
    if not told:
        return query
    codes = {name: _known(name, value, known[name]) for name, value in told.items()}
    return replace(query, filtre=replace(query.filtre, **codes))


def check_numero(numero: str | None) -> None:
    """Raises InvalidRequest for what no contract can bear. Called once nobody is found, and that is counted: a register may
    have numbers of another form, which are as good to guess."""
    if numero is not None and normalise_numero_contrat(numero) is None:
        raise InvalidRequest(f"L'argument numero n'a pas la forme d'un numéro de contrat, comme {NUMERO_EXAMPLE}.")


def _known(name: str, codes: list[str], find: Callable[[str], str | None]) -> list[str]:
    found = [find(code) for code in codes]
    if None in found:
        raise InvalidRequest(f"L'argument filtre.{name}[{found.index(None)}] n'est pas le code d'un territoire connu.")
    return [code for code in found if code]


def mark_of(account: tuple[str, str], key: tuple[str, ...], page: PageArgs) -> int:
    """Stands for what a list of that key tells to an account, within one view."""
    return hash((account, key, page.cursors))


def given(filtre: Any) -> dict[str, Any]:
    """The criteria of a filter that are in use, by name."""
    return {name: value for name, value in vars(filtre).items() if value is not None} if filtre else {}


def identifying(query: ListQuery[Any, Any]) -> tuple[str, ...]:
    """The criteria in use that may point at somebody: neither closed, nor the window that the list has by default."""
    filtre = query.filtre
    if filtre is None:
        return ()
    return tuple(
        name for name, value in vars(filtre).items() if value is not None and name not in CLOSED
        and not _is_default(filtre, name, value, query.day)
    )  # fmt: skip


def _is_default(filtre: Any, name: str, value: Any, day: date) -> bool:
    if not isinstance(filtre, FiltreRuptures):
        return False
    return (name == "depuis" and value == day - timedelta(days=WINDOW_DAYS)) or (name == "jusqua" and value == day)


def closed_part(query: ListQuery[Any, Any]) -> ListQuery[Any, Any]:
    """The same list by its closed criteria only."""
    return replace(query, filtre=replace(query.filtre, **dict.fromkeys(identifying(query))))


def widened(query: ListQuery[Any, Any], view: View) -> Iterator[list[Any]]:
    """What the list keeps with one criterion fewer, each in turn; the name stays, since it says who is looked for."""
    filtre, keep, day = query.filtre, query.definition.keep, query.day
    widest = _WIDEST.get(type(filtre), {})
    elements = query.definition.elements(view)
    if named := {name: value for name, value in given(filtre).items() if name in BY_NAME}:
        elements = keep(elements, type(filtre)(**widest, **named), day)
    for name in given(filtre):
        if name not in BY_NAME:
            yield keep(elements, replace(filtre, **{name: widest.get(name)}), day)


def is_refined_by(wide: dict[str, Any], narrow: dict[str, Any]) -> bool:
    """Whether the second criteria ask for nobody whom the first would not: the same ones, narrower, and maybe more."""
    return all(name in narrow and _is_within(name, narrow[name], value) for name, value in wide.items())


def _is_within(name: str, narrow: Any, wide: Any) -> bool:
    if name == NOM:
        return normalise_nom(narrow).startswith(normalise_nom(wide))
    if name == RECHERCHE:
        return all(any(part in longer for longer in words(narrow)) for part in words(wide))
    return set(narrow) <= set(wide) if isinstance(wide, list) else bool(narrow == wide)


@dataclass(slots=True)
class Tally:
    """What is counted while an operation executes, for the quotas and the journal.

    `shown`: the categories read of each person, by id; `found`: of those, the persons of an object that the caller names:
    that it exists is told, be nothing of it selected. `lookups`: searches of what the caller names. `told`: lists that tell
    something of persons beside their rows.
    """

    shown: dict[str, frozenset[CategorieDonnee]] = field(default_factory=dict)
    told: list[AnsweredList] = field(default_factory=list)
    found: dict[str, frozenset[CategorieDonnee]] = field(default_factory=dict)
    lookups: int = 0
    not_found: int = 0
