"""The lists of the graph in order, cut in pages forwards and backwards by cursors (Relay, "Cursor Connections"). Pure; knows no
view, no filter.

A position in a list is the sort key of an element in the order that was asked, so rows that come or go shift nothing. A page
stands between its cursors (`Window`), at one end of what they leave.
"""

import hashlib
import json
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from typing import Any, Generic, TypeVar

from gateway.domain.official_numbers import normalise_nom
from gateway.domain.seal import OpaqueIds
from gateway.errors import InvalidCursor, InvalidRequest
from gateway.schema.connections import PAGE_MAX, PageInfo
from gateway.schema.nouns import Contrat, Jeune, MotifPriorite, Rupture
from gateway.schema.orders import TriContrats, TriJeunes, TriRuptures, TriSansContrat
from gateway.schema.query import PageArgs

E = TypeVar("E")
Key = Callable[[E], list[Any]]


@dataclass(frozen=True, slots=True)
class PageSlice(Generic[E]):
    """One page of a list, with the cursor of each element."""

    elements: list[tuple[str, E]]
    total: int
    info: PageInfo


@dataclass(frozen=True, slots=True)
class SortedList(Generic[E]):
    """A list in order, with the key of each element."""

    keys: list[list[Any]]
    elements: list[E]


@dataclass(frozen=True, slots=True)
class CursorCodec:
    """How the cursors of a page are written, and which: those of each element, of the first and last (`bounds`), or none.

    `bound_to` says what they are bound to; called only when one is written or read.
    """

    opaque_ids: OpaqueIds
    bound_to: Callable[[], str]
    each: bool = True
    bounds: bool = True


def sort(elements: Sequence[E], key: Key[E]) -> SortedList[E]:
    """Sort by a total order."""
    # Elements have no order of their own: without `key`, two equal positions would compare them.
    pairs = sorted(((key(element), element) for element in elements), key=lambda pair: pair[0])
    return SortedList([position for position, _ in pairs], [element for _, element in pairs])


def cut(ordered: SortedList[E], page: PageArgs, cursors: CursorCodec) -> PageSlice[E]:
    """Cut a page; a cursor that is not selected is empty. Raises InvalidCursor, InvalidRequest."""
    if not 0 <= page.size <= PAGE_MAX:
        raise InvalidRequest(f"Les arguments first et last vont de 0 à {PAGE_MAX}.")
    left, right = window(ordered, page, cursors)
    start, end = (left, min(left + page.size, right)) if page.last is None else (max(left, right - page.size), right)
    texts = _texts(ordered.keys[start:end], cursors)
    first, last = (texts[0], texts[-1]) if texts else (None, None)
    more = _has_next(len(ordered.keys), page, right, end), _has_previous(page, left, start)
    info = PageInfo(has_next_page=more[0], has_previous_page=more[1], start_cursor=first, end_cursor=last)
    return PageSlice(list(zip(texts, ordered.elements[start:end], strict=True)), len(ordered.keys), info)


def _has_next(total: int, page: PageArgs, right: int, end: int) -> bool:
    """Relay, HasNextPage: forwards, whether the cursors leave more; backwards, whether something stands from `before` on."""
    return end < right if page.last is None else right < total


def _has_previous(page: PageArgs, left: int, start: int) -> bool:
    """Relay, HasPreviousPage: backwards, whether the cursors leave more; forwards, whether something stands up to `after`."""
    return left > 0 if page.last is None else left < start


def window(ordered: SortedList[Any], page: PageArgs, cursors: CursorCodec) -> tuple[int, int]:
    """The ranks between which the cursors of a page leave elements: from the first, up to the second without it; that is nothing
    when they cross. Raises InvalidCursor."""
    # Be their rows still there or not: a page goes on where another stopped.
    left = bisect_right(ordered.keys, _position(page.after, cursors)) if page.after is not None else 0
    right = bisect_left(ordered.keys, _position(page.before, cursors)) if page.before is not None else len(ordered.keys)
    return left, right


def _position(cursor: str, cursors: CursorCodec) -> list[Any]:
    position = cursors.opaque_ids.open_cursor(cursor, cursors.bound_to())
    if position is None:
        raise InvalidCursor("Curseur inconnu ici : reprendre la liste depuis le début, sans changer filtre ni ordre.")
    return position


def _texts(positions: list[list[Any]], cursors: CursorCodec) -> list[str]:
    """The cursors of a page, in its order."""
    if not positions or not (cursors.each or cursors.bounds):
        return [""] * len(positions)
    bound_to, seal = cursors.bound_to(), cursors.opaque_ids.seal_cursor
    if cursors.each:
        return [seal(position, bound_to) for position in positions]
    texts = [""] * len(positions)
    texts[0], texts[-1] = seal(positions[0], bound_to), seal(positions[-1], bound_to)
    return texts


def binding(name: str, filtre: Any, tri: Enum, viewer: str) -> str:
    """The digest of what a cursor is bound to: the list, its filter, its order and who looks."""
    # Under another filter or order the same key would be another place: such a cursor is refused, not misread.
    content = [name, asdict(filtre) if filtre else None, tri.value, viewer]
    return hashlib.sha256(json.dumps(content, default=str, sort_keys=True).encode()).hexdigest()


def _rising(value: int | None, identifier: str) -> list[Any]:
    """The smallest first, those without a value last."""
    return [value is None, value or 0, identifier]


def _falling(value: int | None, identifier: str) -> list[Any]:
    """The largest first, those without a value last."""
    return [value is None, -(value or 0), identifier]


def _day(day: date | None) -> int | None:
    return day.toordinal() if day else None


_URGENCIES = list(MotifPriorite)


def _urgency(rupture: Rupture) -> int:
    return min((_URGENCIES.index(reason) for reason in rupture.motifs_priorite or []), default=len(_URGENCIES))


def _names(jeune: Jeune | None, identifier: str) -> list[Any]:
    """Name and first name, closed by a character below letters so that the reverse order is a total one too."""
    who = jeune or Jeune()
    return [normalise_nom(who.nom or "") + " ", normalise_nom(who.prenom or "") + " ", identifier]


def _names_reversed(jeune: Jeune | None, identifier: str) -> list[Any]:
    *names, last = _names(jeune, identifier)
    return [*([-ord(letter) for letter in nom] for nom in names), last]


def _change(jeune: Jeune | None) -> int:
    """When it last changed, in microseconds; what does not say when counts as changed now, and ever after."""
    told = jeune.modifie if jeune else None
    return (told - _EPOCH) // timedelta(microseconds=1) if told else _NEVER_PAST


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NEVER_PAST = 1 << 62


def _last_rupture(ruptures: Sequence[Rupture | None]) -> int | None:
    return max((day for rupture in ruptures if rupture and (day := _day(rupture.date))), default=None)


def _deadline(jeune: Jeune) -> list[Any]:
    """The deadline that comes first, first; those that are past behind all others."""
    wait = jeune.sans_contrat
    return [wait is None or wait.depassee, *_rising(_day(wait.echeance if wait else None), jeune.id)]


RUPTURE_ORDERS: dict[TriRuptures, Key[Rupture]] = {
    TriRuptures.DATE_DESC: lambda one: _falling(_day(one.date), one.id),
    TriRuptures.DATE_ASC: lambda one: _rising(_day(one.date), one.id),
    TriRuptures.PRIORITE: lambda one: [_urgency(one), *_falling(_day(one.date), one.id)],
    TriRuptures.SIGNALEE_DESC: lambda one: _falling(_day(one.signalee_le), one.id),
    TriRuptures.SIGNALEE_ASC: lambda one: _rising(_day(one.signalee_le), one.id),
    TriRuptures.NOM_ASC: lambda one: _names(one.jeune, one.id),
    TriRuptures.NOM_DESC: lambda one: _names_reversed(one.jeune, one.id),
    TriRuptures.AGE_ASC: lambda one: _rising(one.jeune.age if one.jeune else None, one.id),
    TriRuptures.AGE_DESC: lambda one: _falling(one.jeune.age if one.jeune else None, one.id),
    TriRuptures.MODIFIE_DESC: lambda one: _falling(_change(one.jeune), one.id),
    TriRuptures.MODIFIE_ASC: lambda one: _rising(_change(one.jeune), one.id),
}
JEUNE_ORDERS: dict[TriJeunes, Key[Jeune]] = {
    TriJeunes.STATUT_RECENT: lambda one: _falling(_day(one.statut.depuis if one.statut else None), one.id),
    TriJeunes.STATUT_ANCIEN: lambda one: _rising(_day(one.statut.depuis if one.statut else None), one.id),
    TriJeunes.NOM_ASC: lambda one: _names(one, one.id),
    TriJeunes.NOM_DESC: lambda one: _names_reversed(one, one.id),
    TriJeunes.AGE_ASC: lambda one: _rising(one.age, one.id),
    TriJeunes.AGE_DESC: lambda one: _falling(one.age, one.id),
    TriJeunes.RUPTURE_DESC: lambda one: _falling(_last_rupture(one.ruptures or []), one.id),
    TriJeunes.RUPTURE_ASC: lambda one: _rising(_last_rupture(one.ruptures or []), one.id),
    TriJeunes.MODIFIE_DESC: lambda one: _falling(_change(one), one.id),
    TriJeunes.MODIFIE_ASC: lambda one: _rising(_change(one), one.id),
}
CONTRAT_ORDERS: dict[TriContrats, Key[Contrat]] = {
    TriContrats.DEBUT_DESC: lambda one: _falling(_day(one.date_debut), one.id),
    TriContrats.DEBUT_ASC: lambda one: _rising(_day(one.date_debut), one.id),
    TriContrats.FIN_DESC: lambda one: _falling(_day(one.date_fin), one.id),
    TriContrats.FIN_ASC: lambda one: _rising(_day(one.date_fin), one.id),
    TriContrats.RUPTURE_DESC: lambda one: _falling(_last_rupture([one.rupture]), one.id),
    TriContrats.RUPTURE_ASC: lambda one: _rising(_last_rupture([one.rupture]), one.id),
    TriContrats.NOM_ASC: lambda one: _names(one.jeune, one.id),
    TriContrats.NOM_DESC: lambda one: _names_reversed(one.jeune, one.id),
    TriContrats.MODIFIE_DESC: lambda one: _falling(_change(one.jeune), one.id),
    TriContrats.MODIFIE_ASC: lambda one: _rising(_change(one.jeune), one.id),
}
WAITING_ORDERS: dict[TriSansContrat, Key[Jeune]] = {TriSansContrat.ECHEANCE: _deadline}
