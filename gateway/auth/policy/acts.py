"""What callers may write: the acts, and the rules beside what they are told by.

An act's row grants its own input fields: whoever may note a follow-up may say its situation. Knows no noun, no viewer.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Any

import strawberry
from graphql import GraphQLField, GraphQLInputField, GraphQLSchema

from gateway.auth.policy.rules import CATEGORIE, CategorieDonnee, publique, written

ACT = "acte"
GRANTED = "granted_by_act"


@strawberry.enum(description="Ce qu'une écriture fait.")
class Acte(Enum):
    __hash__ = object.__hash__  # members are unique, and hashed at each decision: Enum hashes its name, in Python

    NOTER_SUIVI = "NOTER_SUIVI"
    DEMANDER_ACCOMPAGNEMENT = "DEMANDER_ACCOMPAGNEMENT"
    REPONDRE_ACCOMPAGNEMENT = "REPONDRE_ACCOMPAGNEMENT"
    DECLARER_RUPTURE = "DECLARER_RUPTURE"


def written_by(*acts: Acte, description: str, resolver: Any) -> Any:
    """A root field that writes, or tells what was written: whoever may do one of these acts may use it."""
    field = publique(description, resolver)
    field.metadata = {**field.metadata, ACT: frozenset(acts)}
    return field


def saisie(categorie: CategorieDonnee, description: str, **default: Any) -> Any:
    """An input field of an act, granted with it. `categorie`: of what it tells. Without `default` it is required."""
    return strawberry.field(description=description, metadata={CATEGORIE: categorie, GRANTED: True}, **default)


def acts_of(field: GraphQLField) -> frozenset[Acte]:
    """The acts by one of which a field of Mutation may be used; none: it writes nothing."""
    return written(field, ACT) or frozenset()


def is_granted_by_act(field: GraphQLInputField) -> bool:
    """Whether an input field is granted with the act that it tells, and filters nothing."""
    return bool(written(field, GRANTED))


def mutations(schema: GraphQLSchema) -> Mapping[str, GraphQLField]:
    """The fields of Mutation, by name."""
    return schema.mutation_type.fields if schema.mutation_type else {}
