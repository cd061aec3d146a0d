"""An answer as a value: data, errors of the closed list, extensions. Knows no HTTP."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.auth.authentication.clients import Viewer
from gateway.auth.authorization.decide import Refusal
from gateway.auth.authorization.reasons import field_refused, useful_finalites
from gateway.auth.policy.policy import AccessPolicy
from gateway.errors import CallerError, Code, JournalUnavailable, SourceError

ErrorDict = dict[str, Any]


@dataclass(frozen=True, slots=True)
class GraphQLResponse:
    """`refused`: nothing was executed; the document has no `data` (GraphQL-over-HTTP, request error)."""

    data: Any
    errors: list[ErrorDict] = field(default_factory=list)
    extensions: dict[str, Any] = field(default_factory=dict)
    refused: bool = False


def refused_response(cause: Exception) -> GraphQLResponse:
    """The whole operation is refused before any work."""
    return GraphQLResponse(None, [graphql_error(cause)], refused=True)


def graphql_error(cause: Exception, path: Sequence[str | int] | None = None) -> ErrorDict:
    """The entry of an error: the caller's are shown as they are, ours say only that they are ours."""
    if isinstance(cause, CallerError):
        return error_entry(str(cause), cause.code, path)
    entry = error_entry("Erreur interne de la passerelle.", Code.ERREUR_INTERNE, path)
    if isinstance(cause, JournalUnavailable):
        entry["extensions"]["detail"] = "JOURNAL_INDISPONIBLE"
    return entry


def refusal_error(refusal: Refusal, viewer: Viewer, policy: AccessPolicy) -> ErrorDict:
    """One refused path, without list indexes (docs/graphe.md)."""
    # Refused for want of a purpose that the client may declare: said as such, for it can do something about it.
    to_declare = viewer.finalite is None and useful_finalites(refusal.categorie, viewer, policy)
    text = field_refused(refusal.coordinate, refusal.categorie, viewer, policy)
    return error_entry(text, Code.FINALITE_REQUISE if to_declare else Code.CHAMP_REFUSE, list(refusal.path))


def source_error(error: SourceError, roots: Sequence[str]) -> ErrorDict:
    """One failed source, whatever the number of its rows; the root fields that miss it are listed."""
    entry = error_entry(str(error), error.code, list(roots[:1]))
    entry["extensions"] |= {"source": error.source, "chemins": [[root] for root in roots]}
    return entry


def fallback_error(error: SourceError, roots: Sequence[str], age: int) -> ErrorDict:
    """A failed source whose earlier answer, `age` seconds old at most, is shown."""
    entry = source_error(error, roots)
    entry["message"] += f" ; sa dernière réponse, d'il y a {age} s au plus, est montrée"
    entry["extensions"] |= {"cache": "perime", "ageSecondes": age}
    return entry


def error_entry(message: str, code: Code, path: Sequence[str | int] | None = None) -> ErrorDict:
    """One entry of `errors`, as every body of an error has it."""
    entry: ErrorDict = {"message": message, "extensions": {"code": code.value}}
    return entry | ({"path": list(path)} if path else {})
