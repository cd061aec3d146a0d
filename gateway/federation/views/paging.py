"""Sort a list, and cut a page of it. Pure; a position is a sort key, so rows that come or go shift nothing."""

import hashlib
import json
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any, Generic, TypeVar

from gateway.errors import InvalidCursor, InvalidRequest
from gateway.federation.opaque_ids import OpaqueIds
from gateway.schema.connections import PAGE_MAX
from gateway.schema.context import PageArgs

T = TypeVar("T")

Key = Callable[[T], list[Any]]


@dataclass(frozen=True, slots=True)
class PageSlice(Generic[T]):
    """One page of a list, with the cursor of each element."""

    elements: list[tuple[str, T]]
    total: int
    before: bool
    after: bool


@dataclass(frozen=True, slots=True)
class SortedList(Generic[T]):
    """A list in order, with the key of each element."""

    keys: list[list[Any]]
    elements: list[T]


@dataclass(frozen=True, slots=True)
class CursorCodec:
    """How the cursors of a page are written, and which: those of every element (`all_`), of the first and last (`bounds`).

    `bound_to` tells what they are bound to, when one is written or read.
    """

    opaque_ids: OpaqueIds
    bound_to: Callable[[], str]
    all_: bool = True
    bounds: bool = True


def sort(list_query: Sequence[T], key: Key[T]) -> SortedList[T]:
    """Sort by a total order."""
    pairs = sorted(((key(element), element) for element in list_query), key=lambda pair: pair[0])
    return SortedList([position for position, _ in pairs], [element for _, element in pairs])


def cut(list_query: SortedList[T], page: PageArgs, cursors: CursorCodec) -> PageSlice[T]:
    """Cut a page; a cursor that is not asked is empty. Raises InvalidCursor, InvalidRequest."""
    if not 0 <= page.first <= PAGE_MAX:
        raise InvalidRequest(f"L'argument first va de 0 à {PAGE_MAX}.")
    debut = 0 if page.after is None else bisect_right(list_query.keys, _position(page.after, cursors))
    fin = min(debut + page.first, len(list_query.keys))
    texts = _texts(list_query.keys[debut:fin], cursors)
    return PageSlice(
        list(zip(texts, list_query.elements[debut:fin], strict=True)),
        len(list_query.keys),
        debut > 0,
        fin < len(list_query.keys),
    )


def _texts(positions: list[list[Any]], cursors: CursorCodec) -> list[str]:
    """The cursors of a page."""
    if not positions or not (cursors.all_ or cursors.bounds):
        return [""] * len(positions)
    bound_to, seal = cursors.bound_to(), cursors.opaque_ids.seal_cursor
    if cursors.all_:
        return [seal(position, bound_to) for position in positions]
    empty = [""] * len(positions)
    empty[0], empty[-1] = seal(positions[0], bound_to), seal(positions[-1], bound_to)
    return empty


def _position(cursor: str, cursors: CursorCodec) -> list[Any]:
    position = cursors.opaque_ids.open_cursor(cursor, cursors.bound_to())
    if position is None:
        raise InvalidCursor("Curseur inconnu ici : reprendre la liste depuis le début, sans changer filtre ni ordre.")
    return position


def binding(list_query: str, filtre: Any, tri: Enum | None, perimetre: str) -> str:
    """What a cursor is bound to: the list, its filter, its order and the caller's perimeter."""
    content = [list_query, asdict(filtre) if filtre else None, tri.value if tri else None, perimetre]
    return hashlib.sha256(json.dumps(content, default=str, sort_keys=True).encode()).hexdigest()
