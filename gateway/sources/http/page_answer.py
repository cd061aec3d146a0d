"""What an answer says of itself: an error under a status of success, whose answer it is, and what tells whether the page is as it
was. Pure; knows no partner.

A page is as it was by its validator (RFC 9110 §8.8), or by a digest of the answer. It is kept as it was asked, never as it was
answered.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gateway.connectors.base import Meaning, PartnerRequest, ToldError
from gateway.connectors.values import at
from gateway.errors import SourceDenied, SourceError, SourceInvalid, SourceUnavailable
from gateway.sources.http.decode import instant_http
from gateway.sources.http.page_trail import announces_pages

RequestedPage = tuple[str, str, tuple[tuple[str, ...], ...], str]

_MEANINGS: Mapping[Meaning, tuple[type[SourceError], str]] = {
    Meaning.REFUSED: (SourceDenied, "accès refusé par le partenaire"),
    Meaning.QUOTA: (SourceUnavailable, "le partenaire limite nos demandes"),
    Meaning.FAILURE: (SourceUnavailable, "le partenaire annonce une erreur"),
}

_UNLISTED = " : code que rien ne liste sous « {} » ; à mettre sous « succes », si c'en est un"
_ETAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e]{0,200}"')
_BYTES = 16  # of a digest


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
    if request.pages.link:
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
    if announces_pages(request.pages):
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


def _written(value: Any) -> str:
    return str(value.get("#text", "")).strip() if isinstance(value, Mapping) else str(value).strip()


def _tells(document: Any, error: ToldError) -> bool:
    found = at(document, error.path)
    if not error.values:
        return found not in (None, "", [], {}, False)
    written = _written(found)  # a boolean of JSON is told as JSON writes it, or as Python did in tables of before
    is_listed = written in error.values or (isinstance(found, bool) and written.lower() in error.values)
    return found not in (None, "", [], {}) and not is_listed if error.others else is_listed


def checked(source: str, document: Any, request: PartnerRequest) -> Any:
    """The document, None when it says that there is nothing. Raises SourceError for what it tells, or when it is another's."""
    for error in request.told_errors:
        if _tells(document, error):
            if error.meaning is Meaning.ABSENT:
                return None
            kind, message = _MEANINGS[error.meaning]
            raise kind(source, message + (_UNLISTED.format(".".join(error.path)) if error.others else ""))
    for path, value in request.expected:
        if (told := at(document, path)) is None:
            raise SourceInvalid(source, f"chemin absent de la page : « {'.'.join(path)} », qui dit de qui elle est")
        if _written(told) != value:
            raise SourceInvalid(source, "le partenaire a répondu pour un autre établissement")
    return document
