"""The pages of a reading and the validators a partner gave for them (RFC 9110 §8.8): what asks whether anything changed.

Pure. Knows no HTTP client and no page's content: a page is kept as it was asked, never as it was answered.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime

from gateway.connectors.base import Requete

_ETAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e]{0,200}"')


@dataclass(frozen=True, slots=True)
class Repere:
    """One page as it was asked, with its validator: an entity tag, or a date of modification."""

    operation: str
    chemin: str
    params: tuple[tuple[str, ...], ...]
    acces: str
    etag: str = ""
    modifie: str = ""

    @property
    def requete(self) -> Requete:
        """The same page, to be asked again."""
        return Requete(self.operation, self.chemin, params=dict(zip(*self.params, strict=True)), acces=self.acces)

    @property
    def conditions(self) -> Mapping[str, str]:
        """The headers that ask for the page only if it is another now."""
        return {"If-None-Match": self.etag} if self.etag else {"If-Modified-Since": self.modifie}


def repere(requete: Requete, entetes: Mapping[str, str]) -> Repere | None:
    """What a page can be revalidated by, from the headers of its answer; None when the partner gave nothing sure."""
    etag, modifie = entetes.get("ETag", ""), entetes.get("Last-Modified", "")
    if requete.methode != "GET":
        return None
    page = (requete.operation, requete.chemin, (tuple(requete.params), tuple(requete.params.values())), requete.acces)
    if _ETAG.fullmatch(etag):
        return Repere(*page, etag=etag)
    return Repere(*page, modifie=modifie) if _sur(modifie, entetes.get("Date", "")) else None


def tous(reperes: Sequence[Repere | None]) -> tuple[Repere, ...]:
    """Those of a whole reading; none at all when one page has none: it might be the one that changes."""
    surs = tuple(repere for repere in reperes if repere)
    return surs if len(surs) == len(reperes) else ()


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
