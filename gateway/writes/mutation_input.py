"""What a mutation asks, read from a valid operation before it is executed. Pure; knows no person and no store."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from enum import Enum
from typing import Any

import orjson
from graphql import GraphQLSchema, OperationType, VariableValues, get_argument_values
from strawberry.utils.str_converters import to_camel_case

from gateway.auth.authorization.selection import Selection
from gateway.auth.policy.acts import Acte, acts_of
from gateway.documents.parse import Document
from gateway.execution.conversions import convert
from gateway.schema.mutation import Mutation
from gateway.schema.writes import Ecriture, SaisieAccompagnement, SaisieReponse, SaisieRupture, SaisieSuivi

Saisie = SaisieSuivi | SaisieAccompagnement | SaisieReponse | SaisieRupture
_KEY = re.compile(r"[A-Za-z0-9-]{16,64}")
_TARGETS = ("cle", "jeune", "contrat", "version", "mission_locale")  # of an input: what it is about, not what it tells
_CHANGES = {"reprendreEcriture": "reprise", "abandonnerEcriture": "abandon"}

# What an operation that writes, or shows writes, has among its coordinates, and no other.
SHOWING_WRITES = frozenset(
    {
        *(f"Mutation.{name}" for name in map(to_camel_case, Mutation.__annotations__)),
        *(f"Ecriture.{to_camel_case(name)}" for name in Ecriture.__annotations__),
        "Query.ecritures",
    }
)


@dataclass(frozen=True, slots=True)
class AskedWrite:
    """One write, or one change of a write (`change`, of the write `target`), with the key that makes it happen once.

    `content`: the input as bytes, the same for the same input.
    """

    field: str
    key: str
    content: bytes
    saisie: Saisie | None = None
    acte: Acte | None = None
    change: str = ""
    target: str = ""

    @property
    def has_valid_key(self) -> bool:
        """Whether its key has the form that keys must have."""
        return _KEY.fullmatch(self.key) is not None


def is_mutation(document: Document) -> bool:
    """Whether an operation writes."""
    return document.operation.operation is OperationType.MUTATION


def asked_write(schema: GraphQLSchema, document: Document, variables: VariableValues) -> AskedWrite | None:
    """What a mutation asks; None when its only field is left out by @skip or @include."""
    root = schema.mutation_type
    assert root is not None  # noqa: S101 - the document is valid
    selection = Selection(schema, document.tree, document.operation, variables.coerced)
    for nodes in selection.fields(root, (document.operation.selection_set,)).values():
        name = nodes[0].name.value
        if name.startswith("__"):
            return None
        field = root.fields[name]
        arguments = convert(field, get_argument_values(field, nodes[0], variables))
        return _asked(name, next(iter(sorted(acts_of(field), key=lambda acte: acte.value))), arguments)
    return None


def _asked(name: str, acte: Acte, arguments: Mapping[str, Any]) -> AskedWrite:
    if name in _CHANGES:
        target = str(arguments["ecriture"])
        return AskedWrite(name, str(arguments["cle"]), content_of([name, target]), change=_CHANGES[name], target=target)
    saisie: Saisie = arguments["saisie"]
    told = {key: value for key, value in asdict(saisie).items() if key != "cle" and value is not None}
    return AskedWrite(name, str(saisie.cle), content_of([name, told]), saisie, acte)


def content_of(told: Any) -> bytes:
    """A value as bytes, the same for the same value."""
    return orjson.dumps(told, default=_plain, option=orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATETIME)


def _plain(value: object) -> object:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError


def told_fields(saisie: Saisie) -> list[str]:
    """The fields of an input that tell something, by name: what the journal writes of it, never a value."""
    return sorted(name for name, value in vars(saisie).items() if name not in _TARGETS and value is not None)
