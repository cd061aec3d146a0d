"""What an HTTP status means, in one table: status → error of the gateway. Knows no partner's habits.

Messages are French and hold neither address, nor body, nor value.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache

from gateway.errors import SourceClosed, SourceDenied, SourceError, SourceInvalid, SourceUnavailable

RETRY_AFTER_MAX = 86_400.0  # seconds; a partner may be closed for a night, not for a year

INSTANTS_MAX = 64  # read again and again: partners' clocks tell seconds
SUCCEEDED = frozenset({200, 204})

_MEANING: Mapping[int, tuple[type[SourceError], str]] = {
    304: (SourceInvalid, "le partenaire dit inchangé ce qui n'était pas demandé ainsi"),
    400: (SourceInvalid, "demande refusée par le partenaire"),
    401: (SourceDenied, "accès refusé par le partenaire"),
    403: (SourceDenied, "accès refusé par le partenaire"),
    404: (SourceInvalid, "ressource inconnue du partenaire"),
    408: (SourceUnavailable, "le partenaire n'a pas répondu à temps"),
    409: (SourceInvalid, "demande en conflit chez le partenaire"),
    413: (SourceInvalid, "demande trop large pour le partenaire"),
    429: (SourceUnavailable, "le partenaire limite nos demandes"),
    503: (SourceUnavailable, "le partenaire est momentanément indisponible"),
    504: (SourceUnavailable, "le partenaire n'a pas répondu à temps"),
}
_BY_CLASS: Mapping[int, tuple[type[SourceError], str]] = {
    3: (SourceInvalid, "redirection refusée"),
    4: (SourceInvalid, "demande refusée par le partenaire"),
    5: (SourceUnavailable, "le partenaire est en erreur"),
}


def error_for_status(source: str, statut: int, retry: str, now: datetime) -> SourceError | None:
    """The error that a status means for `source`, None for 200 and 204. `retry` is the Retry-After header."""
    if statut in SUCCEEDED:
        return None
    kind, message = _MEANING.get(statut) or _BY_CLASS.get(statut // 100, (SourceInvalid, "statut inattendu"))
    waiting = retry_after(retry, now) if statut in {429, 503} else None
    if waiting is None:
        return kind(source, message)
    if statut == 503:
        return SourceClosed(source, "le partenaire est fermé pour le moment", waiting)
    return SourceUnavailable(source, message, waiting)


def retry_after(header: str, now: datetime) -> float | None:
    """Seconds told by Retry-After (a count or an HTTP date), between 0 and a day; None when it says nothing readable."""
    text = header.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), RETRY_AFTER_MAX)
    instant = instant_http(text)
    return min(max((instant - now).total_seconds(), 0.0), RETRY_AFTER_MAX) if instant else None


@lru_cache(INSTANTS_MAX)
def instant_http(text: str) -> datetime | None:
    """An HTTP date, None when it cannot be read."""
    try:
        instant = parsedate_to_datetime(text)
    except ValueError:
        return None
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)
