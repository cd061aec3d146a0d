"""Sorts a list, and cuts a page of it. A position is a sort key, so rows that come or go shift nothing. Knows no noun."""

import hashlib
import json
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any, Generic, TypeVar

from gateway.domain.seal import OpaqueIds
from gateway.errors import InvalidCursor, InvalidRequest
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
    """How the cursors of a page are written, and which: those of each element, of the first and last (`bounds`), or none.

    `bound_to` says what they are bound to; called only when one is written or read.
    """

    opaque_ids: OpaqueIds
    bound_to: Callable[[], str]
    each: bool = True
    bounds: bool = True


def sort(elements: Sequence[T], key: Key[T]) -> SortedList[T]:
    """Sort by a total order."""
    # Elements have no order of their own: without `key`, two equal positions would compare them.
    pairs = sorted(((key(element), element) for element in elements), key=lambda pair: pair[0])
    return SortedList([position for position, _ in pairs], [element for _, element in pairs])


def cut(ordered: SortedList[T], page: PageArgs, cursors: CursorCodec) -> PageSlice[T]:
    """Cut a page; a cursor that is not selected is empty. Raises InvalidCursor, InvalidRequest."""
    if not 0 <= page.first <= PAGE_MAX:
        raise InvalidRequest(f"L'argument first va de 0 à {PAGE_MAX}.")
    # To the right of the key, whether its row is still there or not: the page goes on where it stopped.
    start = 0 if page.after is None else bisect_right(ordered.keys, _position(page.after, cursors))
    end = min(start + page.first, len(ordered.keys))
    texts = _texts(ordered.keys[start:end], cursors)
    return PageSlice(
        elements=list(zip(texts, ordered.elements[start:end], strict=True)),
        total=len(ordered.keys),
        before=start > 0,
        after=end < len(ordered.keys),
    )


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


def _position(cursor: str, cursors: CursorCodec) -> list[Any]:
    position = cursors.opaque_ids.open_cursor(cursor, cursors.bound_to())
    if position is None:
        raise InvalidCursor("Curseur inconnu ici : reprendre la liste depuis le début, sans changer filtre ni ordre.")
    return position


def binding(name: str, filtre: Any, tri: Enum | None, viewer: str) -> str:
    """The digest of what a cursor is bound to: the list, its filter, its order and who looks."""
    # Under another filter or order the same key would be another place: such a cursor is refused, not misread.
    content = [name, asdict(filtre) if filtre else None, tri.value if tri else None, viewer]
    return hashlib.sha256(json.dumps(content, default=str, sort_keys=True).encode()).hexdigest()
