"""What an HTTP status means, in one table: status → error of the gateway. Knows no partner's habits.

Messages are French and hold neither address, nor body, nor value.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache

from gateway.errors import ErreurSource, SourceFermee, SourceIndisponible, SourceInvalide, SourceRefusee

REESSAYER_MAX = 86_400.0  # seconds; a partner may be closed for a night, not for a year

INSTANTS_MAX = 64  # read again and again: partners' clocks tell seconds
REUSSIS = frozenset({200, 204})

_SENS: Mapping[int, tuple[type[ErreurSource], str]] = {
    304: (SourceInvalide, "le partenaire dit inchangé ce qui n'était pas demandé ainsi"),
    400: (SourceInvalide, "demande refusée par le partenaire"),
    401: (SourceRefusee, "accès refusé par le partenaire"),
    403: (SourceRefusee, "accès refusé par le partenaire"),
    404: (SourceInvalide, "ressource inconnue du partenaire"),
    408: (SourceIndisponible, "le partenaire n'a pas répondu à temps"),
    409: (SourceInvalide, "demande en conflit chez le partenaire"),
    413: (SourceInvalide, "demande trop large pour le partenaire"),
    429: (SourceIndisponible, "le partenaire limite nos demandes"),
    503: (SourceIndisponible, "le partenaire est momentanément indisponible"),
    504: (SourceIndisponible, "le partenaire n'a pas répondu à temps"),
}
_PAR_CLASSE: Mapping[int, tuple[type[ErreurSource], str]] = {
    3: (SourceInvalide, "redirection refusée"),
    4: (SourceInvalide, "demande refusée par le partenaire"),
    5: (SourceIndisponible, "le partenaire est en erreur"),
}


def erreur_du_statut(source: str, statut: int, reessayer: str, maintenant: datetime) -> ErreurSource | None:
    """The error that a status means for `source`, None for 200 and 204. `reessayer` is the Retry-After header."""
    if statut in REUSSIS:
        return None
    sorte, message = _SENS.get(statut) or _PAR_CLASSE.get(statut // 100, (SourceInvalide, "statut inattendu"))
    attente = reessayer_dans(reessayer, maintenant) if statut in {429, 503} else None
    if attente is None:
        return sorte(source, message)
    if statut == 503:
        return SourceFermee(source, "le partenaire est fermé pour le moment", attente)
    return SourceIndisponible(source, message, attente)


def reessayer_dans(entete: str, maintenant: datetime) -> float | None:
    """Seconds told by Retry-After (a count or an HTTP date), between 0 and a day; None when it says nothing readable."""
    texte = entete.strip()
    if texte.isascii() and texte.isdigit():
        return min(float(texte[:9]), REESSAYER_MAX)
    instant = instant_http(texte)
    return min(max((instant - maintenant).total_seconds(), 0.0), REESSAYER_MAX) if instant else None


@lru_cache(INSTANTS_MAX)
def instant_http(texte: str) -> datetime | None:
    """An HTTP date, None when it cannot be read."""
    try:
        instant = parsedate_to_datetime(texte)
    except ValueError:
        return None
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)
