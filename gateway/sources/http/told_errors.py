"""What an answer of success says of itself: an error of the partner's own, and whose answer it is. Knows no partner."""

from collections.abc import Mapping
from typing import Any

from gateway.connectors.base import Meaning, PartnerRequest, ToldError
from gateway.connectors.page_description import at
from gateway.errors import SourceDenied, SourceError, SourceInvalid, SourceUnavailable

_MEANINGS: Mapping[Meaning, tuple[type[SourceError], str]] = {
    Meaning.REFUSED: (SourceDenied, "accès refusé par le partenaire"),
    Meaning.QUOTA: (SourceUnavailable, "le partenaire limite nos demandes"),
    Meaning.FAILURE: (SourceUnavailable, "le partenaire annonce une erreur"),
}


def _written(value: Any) -> str:
    return str(value.get("#text", "")).strip() if isinstance(value, Mapping) else str(value).strip()


def _tells(document: Any, error: ToldError) -> bool:
    found = at(document, error.path)
    return _written(found) in error.values if error.values else found not in (None, "", [], {}, False)


def checked(source: str, document: Any, request: PartnerRequest) -> Any:
    """The document, None when it says that there is nothing. Raises SourceError for what it tells, or when it is another's."""
    for error in request.told_errors:
        if _tells(document, error):
            if error.meaning is Meaning.ABSENT:
                return None
            kind, message = _MEANINGS[error.meaning]
            raise kind(source, message)
    for path, value in request.expected:
        if _written(at(document, path)) != value:
            raise SourceInvalid(source, "le partenaire a répondu pour un autre établissement")
    return document
