"""An answer as a value: data, errors of the closed list, extensions. Knows no HTTP."""

import logging
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from graphql import GraphQLError, GraphQLSchema

from gateway.auth.authentication.clients import Viewer
from gateway.auth.authorization.decide import Decision, Path, Refusal
from gateway.auth.authorization.reasons import field_refused, useful_finalites
from gateway.auth.policy.policy import AccessPolicy
from gateway.documents.mistake import Mistake
from gateway.documents.mistake_messages import tell
from gateway.errors import (
    CallerError,
    Code,
    InvalidRequest,
    JournalUnavailable,
    LeakStopped,
    SourceError,
    WritesUnavailable,
)

logger = logging.getLogger("gateway.operation")
ErrorDict = dict[str, Any]
Place = tuple[str | int, ...]
INDEXED_MAX = 1000  # errors of refused fields told one by one in an answer (docs/graphe.md, Refus)


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


def mistaken_response(mistakes: Sequence[Mistake], shape: GraphQLSchema) -> GraphQLResponse:
    """The same, with an error for each mistake, told from that shape of the graph."""
    told: list[ErrorDict] = []
    for mistake in mistakes:
        # Told alike to this caller, two are one: how many fields there are of what is not shown is not told either.
        if (entry := _mistake_error(mistake, shape)) not in told:
            told.append(entry)
    return GraphQLResponse(None, told, refused=True)


def _mistake_error(mistake: Mistake, shape: GraphQLSchema) -> ErrorDict:
    text, nearest = tell(mistake, shape)
    entry = error_entry(text, Code.REQUETE_INVALIDE)
    entry["extensions"]["detail"] = mistake.detail.value
    if nearest:
        entry["extensions"]["suggestions"] = nearest
    if mistake.places:
        entry["locations"] = [{"line": line, "column": column} for line, column in mistake.places]
    return entry


def graphql_error(cause: Exception, path: Sequence[str | int] | None = None) -> ErrorDict:
    """The entry of an error: the caller's are shown as they are, ours say only that they are ours."""
    if isinstance(cause, CallerError):
        return error_entry(str(cause), cause.code, path)
    if isinstance(cause, WritesUnavailable):
        said = "L'écriture ne peut pas être gardée pour le moment : la redemander avec la même clé."
        return error_entry(said, Code.ECRITURE_INDISPONIBLE, path)
    entry = error_entry("Erreur interne de la passerelle.", Code.ERREUR_INTERNE, path)
    if isinstance(cause, JournalUnavailable):
        entry["extensions"]["detail"] = "JOURNAL_INDISPONIBLE"
    return entry


def refusal_errors(
    decision: Decision, data: Any, viewer: Viewer, policy: AccessPolicy
) -> tuple[list[ErrorDict], list[dict[str, Any]]]:
    """The errors of what is refused, each where its null stands, and the lines of `extensions.refus` (docs/graphe.md, Refus).

    One error at most has no place: of a refused field that the answer shows nowhere, or too many times.
    """
    shown = orjson.loads(orjson.dumps(data))  # what is kept as bytes is opened: only what is refused pays for it
    nulls = frozenset(path for path, _ in decision.nulls)
    errors: list[ErrorDict] = []
    lines, left = [], INDEXED_MAX
    for refusal in decision.refusal:
        error = _refusal_error(refusal, viewer, policy)
        code, chemin = error["extensions"]["code"], list(refusal.path)
        places = _places(shown, refusal.path, nulls)
        if 0 < len(places) <= left:
            left -= len(places)
            errors += ({**error, "extensions": {"code": code}, "path": place} for place in places)
        else:
            error["extensions"] |= {"chemin": chemin, "nombre": len(places)}
            errors.append(error)
        lines.append({"chemin": chemin, "code": code, "nombre": len(places)})
    return errors, lines


def _places(shown: Any, path: Path, nulls: Collection[Path]) -> list[Place]:
    """Where the nulls of a refused path stand, list indexes included: at its end, or where what holds it is null for that."""
    places: list[Place] = []
    level: list[tuple[Place, Any]] = [((), shown)]
    for depth in range(len(path) + 1):
        level = list(_opened(level))
        if path[:depth] in nulls:
            places += (at for at, value in level if value is None)
        if depth < len(path):
            key = path[depth]
            level = [((*at, key), value[key]) for at, value in level if value is not None and key in value]
    return places


def _opened(level: Iterable[tuple[Place, Any]]) -> Iterator[tuple[Place, Any]]:
    """The same, lists replaced by their elements."""
    for at, value in level:
        if isinstance(value, list):
            yield from _opened(((*at, index), element) for index, element in enumerate(value))
        else:
            yield at, value


def _refusal_error(refusal: Refusal, viewer: Viewer, policy: AccessPolicy) -> ErrorDict:
    """Of one refused path, wherever it stands."""
    # Refused for want of a purpose that the client may declare: said as such, for it can do something about it.
    to_declare = viewer.finalite is None and useful_finalites(refusal.categorie, viewer, policy)
    text = field_refused(refusal.coordinate, refusal.categorie, viewer, policy)
    return error_entry(text, Code.FINALITE_REQUISE if to_declare else Code.CHAMP_REFUSE)


def source_error(error: SourceError, roots: Sequence[str], data: Any) -> ErrorDict:
    """One failed source, whatever the number of its rows; the root fields that miss it are listed. Its path is one that is null
    for it: what is shown without it is no error of a field."""
    absent = [root for root in roots if not data or data.get(root) is None]
    entry = error_entry(str(error), error.code, absent[:1])
    entry["extensions"] |= {"source": error.source, "chemins": [[root] for root in roots]}
    return entry


def fallback_error(error: SourceError, roots: Sequence[str], data: Any, age: int) -> ErrorDict:
    """A failed source whose earlier answer, `age` seconds old at most, is shown."""
    entry = source_error(error, roots, data)
    entry["message"] += f" ; sa dernière réponse, d'il y a {age} s au plus, est montrée"
    entry["extensions"] |= {"cache": "perime", "ageSecondes": age}
    return entry


def error_entry(message: str, code: Code, path: Sequence[str | int] | None = None) -> ErrorDict:
    """One entry of `errors`, as every body of an error has it."""
    entry: ErrorDict = {"message": message, "extensions": {"code": code.value}}
    return entry | ({"path": list(path)} if path else {})


def cause_of(error: GraphQLError) -> Exception:
    """What an error of execution is to be told as. Raises LeakStopped when it is one."""
    cause = error.original_error or error
    if isinstance(cause, LeakStopped):
        raise cause
    if isinstance(cause, GraphQLError) and cause.message.startswith("Argument "):
        return InvalidRequest("Une variable nulle est donnée où une valeur est requise.")
    if not isinstance(cause, CallerError):
        logger.error("champ %s : %s", error.path, type(cause).__name__)
    return cause
