"""How a partner cuts a long answer: what to ask next, from what was asked and received. Pure: does no I/O.

A `next` address must stay on the partner's origin and under its base path; totals are believed within a bound; a page that
comes back is a loop. What a partner does wrong is an InvalidPages.

That nothing is left must be proven (docs/decisions/0072): by a total, when the partner tells one, else by an empty page. A
partner that gives shorter pages than it was asked for says so nowhere.

What tells whether a page is as it was: its validator (RFC 9110 §8.8), or a digest of the answer. A page is kept as it was
asked, never as it was answered.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urljoin, urlsplit

from gateway.connectors.base import PagingStyle, PartnerRequest
from gateway.sources.http.decode import instant_http

RequestedPage = tuple[str, str, tuple[tuple[str, ...], ...], str]

_ETAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e]{0,200}"')
_BYTES = 16  # of a digest
_LINK = re.compile(r"<([^<>]*)>([^<]*)")
_NEXT = re.compile(r';\s*rel\s*=\s*("[^"]*"|[^\s;,"]+)', re.IGNORECASE)
# Styles that number their pages in the query: the names of the page and of its size, and the number of the first page.
_NUMBERING = {PagingStyle.SIZE: ("page", "taillePage", 1), PagingStyle.INDEX: ("page_index", "page_size", 0)}
# Where a style tells how many rows there are in all; a header may tell it of any.
_TOTALS: Mapping[PagingStyle, tuple[str, ...]] = {
    PagingStyle.METADATA: ("metadonnees", "totalElements"),
    PagingStyle.INDEX: ("pagination", "total"),
    PagingStyle.ODATA: ("@odata.count",),
}
PATHS_MAX = 4096
ANNOUNCED = frozenset({PagingStyle.METADATA, PagingStyle.INDEX})  # styles whose first page tells how many there are


@dataclass(frozen=True, slots=True)
class PageValidator:
    """One page as it was asked, the digest of its answer, and its validator if it has one: an entity tag, or a date of
    modification."""

    partner_request: PartnerRequest
    digest: str
    etag: str = ""
    modifie: str = ""
    following: bool = False  # it follows the one before

    @property
    def conditions(self) -> Mapping[str, str]:
        """The headers that ask for the page only if it is another now; none when the partner gave nothing sure."""
        if self.etag:
            return {"If-None-Match": self.etag}
        return {"If-Modified-Since": self.modifie} if self.modifie else {}


def requested_page(request: PartnerRequest) -> RequestedPage:
    """What tells a page of a reading from another."""
    return request.operation, request.path, (tuple(request.params), tuple(request.params.values())), request.acces


def digest_of(body: bytes) -> bytes:
    """The digest of a body."""
    return hashlib.blake2b(body, digest_size=_BYTES).digest()


def page_validator(request: PartnerRequest, page_digest: bytes, headers: Mapping[str, str]) -> PageValidator | None:
    """What a page can be compared by, from the digest and the headers of its answer; None for what is not merely read.

    Where a header tells the next page, no validator speaks of it: such a page is compared by its digest alone, address of the
    next one included.
    """
    if request.method != "GET":
        return None
    digest = digest_of(page_digest + headers.get("Link", "").encode()).hex()
    if request.pages is PagingStyle.LINK:
        return PageValidator(request, digest)
    etag, modifie = headers.get("ETag", ""), headers.get("Last-Modified", "")
    if _ETAG.fullmatch(etag):
        return PageValidator(request, digest, etag=etag)
    return PageValidator(request, digest, modifie=modifie if _is_safe(modifie, headers.get("Date", "")) else "")


def all_validators(validators: Sequence[PageValidator | None]) -> tuple[PageValidator, ...]:
    """Those of a whole reading; none at all when one page has none: it might be the one that changes."""
    certain = tuple(page_validator for page_validator in validators if page_validator)
    return certain if len(certain) == len(validators) else ()


def chain(request: PartnerRequest, pages: Sequence[PageValidator | None]) -> list[PageValidator | None]:
    """The pages of a request, as they are asked: one after the other, unless the first tells how many there are."""
    if request.pages in ANNOUNCED:
        return list(pages)
    return [page and replace(page, following=rank > 0) for rank, page in enumerate(pages)]


def chains(validators: Iterable[PageValidator]) -> list[list[PageValidator]]:
    """The pages that may be asked together with others, each with those that follow it."""
    found: list[list[PageValidator]] = []
    for page_validator in validators:
        if page_validator.following and found:
            found[-1].append(page_validator)
        else:
            found.append([page_validator])
    return found


def _is_safe(modifie: str, date: str) -> bool:
    """A date tells a change only if the answer left later: twice changed in one second, it would tell nothing."""
    before, after = instant_http(modifie), instant_http(date)
    return bool(before and after and (after - before).total_seconds() >= 1)


class InvalidPages(Exception):
    """The partner's paging cannot be followed. The message is French and holds no address."""


class PageTrail:
    """The pages met so far, by the digest of their body. A page met twice, or one too many, ends the reading."""

    def __init__(self, pages_max: int) -> None:
        self._pages_max = pages_max
        self._seen: set[bytes] = set()

    def add(self, digest: bytes) -> None:
        if digest in self._seen:
            raise InvalidPages("page répétée ou manquante")
        self._seen.add(digest)
        self.bound(len(self._seen))

    def bound(self, total: int) -> None:
        if total > self._pages_max:
            raise InvalidPages(f"plus de {self._pages_max} pages")


def first(request: PartnerRequest) -> PartnerRequest:
    """The request of the first page."""
    has_numbers = request.pages in {PagingStyle.METADATA, *_NUMBERING}
    return numbered(request, 1) if has_numbers else request


def next_(request: PartnerRequest, base: str, link: str, document: Any, rank: int) -> PartnerRequest | None:
    """The request that follows page `rank` (from 1), for styles that tell the next page only; None after the last one.

    `base` is the tenant's base URL, `link` the Link header. Raises InvalidPages.
    """
    if request.pages is PagingStyle.LINK:
        return _towards(request, base, _next_link(link))
    if request.pages is PagingStyle.ODATA:
        return _after_odata(request, base, _object(document))
    if request.pages is PagingStyle.SIZE:
        # A short page proves nothing: a partner may give fewer rows a page than it is asked for.
        return numbered(request, rank + 1) if _counted(document) else None
    if request.pages is PagingStyle.ONE and _next_link(link):
        raise InvalidPages("une suite est annoncée à ce qui se lit d'un coup")
    return None


def _after_odata(request: PartnerRequest, base: str, document: Mapping[str, Any]) -> PartnerRequest | None:
    """Towards the link. Without link nor total, a page as long as was asked may have others behind it: `$top` cuts too."""
    if adresse := _text(document.get("@odata.nextLink")):
        return _towards(request, base, adresse)
    rows = rows_in(document) or 0
    if "@odata.count" in document or not 0 < request.size <= rows:
        return None
    skipped = int(request.params.get("$skip", "0")) + rows
    return replace(request, params={**request.params, "$skip": str(skipped)})


def announced(request: PartnerRequest, document: Any) -> int:
    """How many pages the answer says there are, for styles that tell it; 1 for the others. Raises InvalidPages."""
    if request.pages is PagingStyle.METADATA:
        return max(1, _integer(_object(_object(document).get("metadonnees")).get("totalPages")))
    if request.pages is PagingStyle.INDEX:
        total = _integer(_object(_object(document).get("pagination")).get("total"))
        return max(1, -(-total // max(1, request.size)))
    return 1


def clamped(request: PartnerRequest, document: Any) -> PartnerRequest:
    """The request at the size of page that its first page shows, when that is shorter than was asked."""
    rows = rows_in(document) or request.size
    return replace(request, size=rows) if request.pages is PagingStyle.INDEX and 0 < rows < request.size else request


def rows_in(document: Any) -> int | None:
    """How many rows a page holds: a list, or the only list of an object; None where that cannot be told."""
    values = document.values() if isinstance(document, Mapping) else [document]
    lists = [value for value in values if isinstance(value, list)]
    return len(lists[0]) if len(lists) == 1 else None


def _counted(document: Any) -> int:
    if (rows := rows_in(document)) is None:
        raise InvalidPages("forme inattendue")
    return rows


def total_rows(request: PartnerRequest, document: Any, header: str = "") -> int | None:
    """How many rows there are in all, by a page or by its X-Total-Count header; None where neither tells."""
    for name in _TOTALS.get(request.pages, ()):
        document = document.get(name) if isinstance(document, Mapping) else None
    if request.pages in _TOTALS and document is not None:
        return _integer(document)
    return int(header) if header.isascii() and header.isdigit() else None


def prove_whole(rows: Sequence[int | None], totals: Sequence[int | None]) -> None:
    """Raises InvalidPages when the pages did not hold as many rows as they announced. A list may change while it is read."""
    told = [total for total in totals if total is not None]
    read = sum(number or 0 for number in rows)
    if told and None not in rows and not min(told) <= read <= max(told):
        raise InvalidPages(f"{max(told)} lignes annoncées, {read} reçues")


def numbered(request: PartnerRequest, rank: int) -> PartnerRequest:
    """The request of page `rank` (from 1), for styles that number their pages."""
    if request.pages is PagingStyle.METADATA:
        return replace(request, body={**(request.body or {}), "page": rank})
    number, size, first_number = _NUMBERING[request.pages]
    told = {number: str(first_number + rank - 1), size: str(request.size)}
    return replace(request, params={**request.params, **told})


def _next_link(header: str) -> str:
    """The target whose relation is `next` in a Link header (RFC 8288), "" when there is none."""
    for target, attributes in _LINK.findall(header):
        relation = _NEXT.search(attributes)
        if relation and "next" in relation[1].strip('"').lower().split():
            return str(target)
    return ""


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


def _integer(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise InvalidPages("nombre de pages illisible")
    return value
