"""The pages of a reading and what tells whether each is as it was: validators (RFC 9110 §8.8), and a digest of the answer.

Pure. Knows no HTTP client and no page's content: a page is kept as it was asked, never as it was answered.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from email.utils import parsedate_to_datetime

from gateway.connectors.base import Pages, Requete
from gateway.sources.pages import ANNONCEES

PageDemandee = tuple[str, str, tuple[tuple[str, ...], ...], str]

_ETAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e]{0,200}"')
_OCTETS = 16  # of a digest


@dataclass(frozen=True, slots=True)
class Repere:
    """One page as it was asked, the digest of its answer, and its validator if it has one: an entity tag, or a date of
    modification."""

    requete: Requete
    empreinte: str
    etag: str = ""
    modifie: str = ""
    suite: bool = False  # it follows the one before

    @property
    def conditions(self) -> Mapping[str, str]:
        """The headers that ask for the page only if it is another now; none when the partner gave nothing sure."""
        if self.etag:
            return {"If-None-Match": self.etag}
        return {"If-Modified-Since": self.modifie} if self.modifie else {}


def page_demandee(requete: Requete) -> PageDemandee:
    """What tells a page of a reading from another."""
    return requete.operation, requete.chemin, (tuple(requete.params), tuple(requete.params.values())), requete.acces


def condenser(octets: bytes) -> bytes:
    """The digest of a body."""
    return hashlib.blake2b(octets, digest_size=_OCTETS).digest()


def repere(requete: Requete, condense: bytes, entetes: Mapping[str, str]) -> Repere | None:
    """What a page can be compared by, from the digest and the headers of its answer; None for what is not merely read.

    Where a header tells the next page, no validator speaks of it: such a page is compared by its digest alone, address of the
    next one included.
    """
    if requete.methode != "GET":
        return None
    empreinte = condenser(condense + entetes.get("Link", "").encode()).hex()
    if requete.pages is Pages.LIEN:
        return Repere(requete, empreinte)
    etag, modifie = entetes.get("ETag", ""), entetes.get("Last-Modified", "")
    if _ETAG.fullmatch(etag):
        return Repere(requete, empreinte, etag=etag)
    return Repere(requete, empreinte, modifie=modifie if modifie and _sur(modifie, entetes.get("Date", "")) else "")


def tous(reperes: Sequence[Repere | None]) -> tuple[Repere, ...]:
    """Those of a whole reading; none at all when one page has none: it might be the one that changes."""
    surs = tuple(repere for repere in reperes if repere)
    return surs if len(surs) == len(reperes) else ()


def enchainer(requete: Requete, pages: Sequence[Repere | None]) -> list[Repere | None]:
    """The pages of a request, as they are asked: one after the other, unless the first tells how many there are."""
    if requete.pages in ANNONCEES:
        return list(pages)
    return [page and replace(page, suite=rang > 0) for rang, page in enumerate(pages)]


def chaines(reperes: Iterable[Repere]) -> list[list[Repere]]:
    """The pages that may be asked together with others, each with those that follow it."""
    trouvees: list[list[Repere]] = []
    for repere in reperes:
        if repere.suite and trouvees:
            trouvees[-1].append(repere)
        else:
            trouvees.append([repere])
    return trouvees


def _sur(modifie: str, date: str) -> bool:
    """A date tells a change only if the answer left later: twice changed in one second, it would tell nothing."""
    avant, apres = _instant(modifie), _instant(date)
    return bool(avant and apres and (apres - avant).total_seconds() >= 1)


def _instant(texte: str) -> datetime | None:
    try:
        instant = parsedate_to_datetime(texte)
    except (ValueError, OverflowError):
        return None
    return instant if instant.tzinfo else None
