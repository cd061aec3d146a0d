"""How a partner cuts a long answer: what to ask next, from what was asked and received. Pure: does no I/O.

A `next` address must stay on the partner's origin and under its base path; totals are believed within a bound; a page that
comes back is a loop. What a partner does wrong is an InvalidPages.

That nothing is left must be proven (docs/decisions/0072): by a total, when the partner tells one, else by an empty page. A
partner that gives shorter pages than it was asked for says so nowhere.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urljoin, urlsplit

from gateway.connectors.base import BodyFormat, Paging, PartnerRequest
from gateway.connectors.values import at, rows_at
from gateway.sources.http.decode import next_link

PATHS_MAX = 4096


class InvalidPages(Exception):
    """The partner's paging cannot be followed. The message is French and holds no address."""


class PageTrail:
    """The pages met so far, by the digest of their body, and their rows by the first of each. A page met twice, be it dated
    otherwise, or one too many, ends the reading."""

    def __init__(self, pages_max: int) -> None:
        self._pages_max = pages_max
        self._seen: set[bytes] = set()
        self._rows: dict[str, list[Sequence[Any]]] = {}

    def add(self, digest: bytes, rows: Sequence[Any] = ()) -> None:
        alike = self._rows.setdefault(repr(rows[0]), []) if rows else []
        if digest in self._seen or rows in alike:
            raise InvalidPages("page répétée ou manquante")
        self._seen.add(digest)
        alike.append(rows)
        self.bound(len(self._seen))

    def bound(self, total: int) -> None:
        if total > self._pages_max:
            raise InvalidPages(f"plus de {self._pages_max} pages")


def first(request: PartnerRequest) -> PartnerRequest:
    """The request of the first page."""
    style = request.pages
    if style.page:
        return numbered(request, 1)
    return _put(request, {style.size: request.size}) if style.size and request.size else request


def next_(request: PartnerRequest, base: str, link: str, document: Any, rank: int) -> PartnerRequest | None:
    """The request that follows page `rank` (from 1), for styles that tell the next page only; None after the last one.

    `base` is the tenant's base URL, `link` the Link header. Raises InvalidPages.
    """
    style = request.pages
    if style.link and not style.more:
        return _towards(request, base, next_link(link))
    if style.next or style.more:
        return _after_told(request, base, _object(document), rank, link)
    if style.page:
        # A short page proves nothing: a partner may give fewer rows a page than it is asked for.
        return numbered(request, rank + 1) if _counted(request, document) else None
    if style.offset:
        return _after_rows(request, document)
    if next_link(link):
        raise InvalidPages("une suite est annoncée à ce qui se lit d'un coup")
    return None


def _after_told(
    request: PartnerRequest, base: str, document: Mapping[str, Any], rank: int, link: str
) -> PartnerRequest | None:
    """Towards what the page tells of the next one: whether there is one, its cursor, its address."""
    style, told = request.pages, at(document, request.pages.next)
    more = at(document, style.more) if style.more else None
    if style.more and str(more).lower() not in {"true", "false", "0", "1"}:
        raise InvalidPages("on ne sait pas s'il y a une suite")
    if style.more and str(more).lower() in {"false", "0"}:
        return None
    if style.cursor:
        following = _after_cursor(request, told)
    elif style.link:
        following = _towards(request, base, next_link(link))
    elif style.next:
        following = _towards(request, base, _text(told)) or _after_full(request, document)
    else:
        following = numbered(request, rank + 1) if style.page else _after_rows(request, document)
    if style.more and following is None:
        raise InvalidPages("une suite est annoncée, et n'est pas donnée")
    return following


def _after_cursor(request: PartnerRequest, told: Any) -> PartnerRequest | None:
    if told is None or told == "":
        return None
    if not isinstance(told, str | int) or isinstance(told, bool):
        raise InvalidPages("page suivante illisible")
    following = _put(request, {request.pages.cursor: told})
    if (following.params, following.body) == (request.params, request.body):
        raise InvalidPages("page répétée ou manquante")
    return following


def _after_full(request: PartnerRequest, document: Mapping[str, Any]) -> PartnerRequest | None:
    """Without link nor total, a page as long as was asked may have others behind it: OData's `$top` cuts too."""
    rows, style = rows_in(document, request) or 0, request.pages
    if not style.offset or at(document, style.total) is not None or not 0 < request.size <= rows:
        return None
    return _put(request, {style.offset: _skipped(request) + _differing(request, document)})


def _after_rows(request: PartnerRequest, document: Any) -> PartnerRequest | None:
    """Beyond the rows of a page, until the total that it tells, else an empty page. A row told twice is gone beyond once: those
    that it stands for would be skipped."""
    rows = _counted(request, document)
    read, total = _skipped(request) + _differing(request, document), total_rows(request, document)
    return None if not rows or read == total else _put(request, {request.pages.offset: read})


def _skipped(request: PartnerRequest) -> int:
    style = request.pages
    told = at(request.body, tuple(style.offset.split("."))) if style.in_body else request.params.get(style.offset)
    return int(told or 0)


def _put(request: PartnerRequest, values: Mapping[str, str | int]) -> PartnerRequest:
    """The request with other parameters, where its style has them."""
    if not request.pages.in_body:
        return replace(request, params={**request.params, **{name: str(value) for name, value in values.items()}})
    body = request.body or {}
    for name, value in values.items():
        body = _with(body, name.split("."), value)
    return replace(request, body=body)


def _with(body: Any, path: Sequence[str], value: str | int) -> dict[str, Any]:
    """A copy of a body with a value at a path."""
    own = dict(body) if isinstance(body, Mapping) else {}
    own[path[0]] = value if len(path) == 1 else _with(own.get(path[0]), path[1:], value)
    return own


def announces_pages(style: Paging) -> bool:
    """Whether the first page tells how many there are: the others are asked for together."""
    return bool(style.page and (style.pages or style.total))


def announced(request: PartnerRequest, document: Any) -> int:
    """How many pages the answer says there are, for styles that tell it; 1 for the others. Raises InvalidPages."""
    style = request.pages
    if not announces_pages(style):
        return 1
    _object(document)
    if style.pages:
        return max(1, _integer(at(document, style.pages), request))
    return max(1, -(-_integer(at(document, style.total), request) // max(1, request.size)))


def clamped(request: PartnerRequest, document: Any) -> PartnerRequest:
    """The request at the size of page that its first page shows, when that is shorter than was asked, or nothing was asked."""
    rows = rows_in(document, request) or request.size
    shorter = not request.pages.pages and rows > 0 and (rows < request.size or not request.size)
    return replace(request, size=rows) if announces_pages(request.pages) and shorter else request


def without_repeats(request: PartnerRequest, document: Any) -> PartnerRequest:
    """The request at the number of rows of its page that differ, to tell how many pages a total makes: rows told twice reach it
    before the list is whole. One page too many is empty, and harms nothing."""
    repeats = (rows_in(document, request) or 0) - _differing(request, document)
    return replace(request, size=max(1, request.size - repeats))


def _differing(request: PartnerRequest, document: Any) -> int:
    """How many rows of a page differ."""
    return len(set(map(repr, _rows(document, request) or ())))


def placed_rows(request: PartnerRequest, document: Any) -> Sequence[Any]:
    """The rows of a page, where it is known where they stand: another list may well be the same on each page."""
    if request.rows:
        return _rows(document, request) or ()
    return document if isinstance(document, list) else ()


def rows_in(document: Any, request: PartnerRequest | None = None) -> int | None:
    """How many rows a page holds: those where its request says that they stand, else a list, or the only list of an object; None
    where that cannot be told."""
    rows = _rows(document, request)
    return None if rows is None else len(rows)


def _rows(document: Any, request: PartnerRequest | None) -> list[Any] | None:
    if request and request.rows:
        return rows_at(document, request.rows, request.shape is BodyFormat.XML)
    values = document.values() if isinstance(document, Mapping) else [document]
    lists = [value for value in values if isinstance(value, list)]
    return lists[0] if len(lists) == 1 else None


def _counted(request: PartnerRequest, document: Any) -> int:
    """How many rows a page holds, where going on depends on it: a list of something else beside the rows' own would end it."""
    if not request.rows and _hidden_lists(document):
        raise InvalidPages("forme inattendue")
    if (rows := rows_in(document, request)) is None:
        raise InvalidPages("forme inattendue")
    return rows


def _hidden_lists(document: Any) -> bool:
    """Whether an object holds lists deeper than those that are counted."""
    inside = (
        [value for value in document.values() if isinstance(value, Mapping)] if isinstance(document, Mapping) else []
    )
    return any(isinstance(value, list) for own in inside for value in own.values()) or any(map(_hidden_lists, inside))


def total_rows(request: PartnerRequest, document: Any, header: str = "") -> int | None:
    """How many rows there are in all, by a page or by its X-Total-Count header; None where neither tells."""
    told = at(document, request.pages.total) if request.pages.total else None
    if told is not None:
        return _integer(told, request)
    return int(header) if header.isascii() and header.isdigit() else None


def prove_whole(rows: Sequence[int | None], totals: Sequence[int | None]) -> None:
    """Raises InvalidPages when the pages did not hold as many rows as they announced. A list may change while it is read."""
    told = [total for total in totals if total is not None]
    read = sum(number or 0 for number in rows)
    if told and None not in rows and not min(told) <= read <= max(told):
        raise InvalidPages(f"{max(told)} lignes annoncées, {read} reçues")


def numbered(request: PartnerRequest, rank: int) -> PartnerRequest:
    """The request of page `rank` (from 1), for styles that number their pages."""
    style = request.pages
    size = {style.size: request.size} if style.size and request.size else {}
    return _put(request, {style.page: style.first_page + rank - 1, **size})


def _towards(request: PartnerRequest, base: str, adresse: str) -> PartnerRequest | None:
    """The same request at another address of the same partner."""
    if not adresse:
        return None
    here, there = urlsplit(base), _split(base + request.path, adresse)
    path, root = unquote(there.path), unquote(here.path)
    if (there.scheme, there.netloc) != (here.scheme, here.netloc) or not path.startswith(root + "/"):
        raise InvalidPages("page suivante hors du partenaire")
    params = dict(parse_qsl(there.query, keep_blank_values=True))
    return replace(request, path=safe_path(path.removeprefix(root)), params=params)


def _split(here: str, adresse: str) -> SplitResult:
    try:
        return urlsplit(urljoin(here, adresse))
    except ValueError:
        raise InvalidPages("page suivante illisible") from None


@lru_cache(PATHS_MAX)
def quoted_path(path: str) -> str:
    """A path of ours as it is asked. Raises InvalidPages."""
    return quote(safe_path(path), safe="/")


def safe_path(path: str) -> str:
    """A path whose segments may not leave the base path, ready to be percent-encoded. Raises InvalidPages."""
    segments = path.split("/")
    leaves = segments[0] or "\\" in path or any(segment in {"", ".", ".."} for segment in segments[1:])
    if leaves or not path.isprintable():
        raise InvalidPages("chemin refusé")
    return path


def _object(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InvalidPages("forme inattendue")
    return value


def _text(value: Any) -> str:
    if value is not None and not isinstance(value, str):
        raise InvalidPages("page suivante illisible")
    return value or ""


def _integer(value: Any, request: PartnerRequest) -> int:
    """A number that a page tells: in XML, everything is text."""
    if request.shape is BodyFormat.XML and isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise InvalidPages("nombre de pages illisible")
    return value
