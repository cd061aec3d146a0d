"""Builds the graph and its text. Knows the nouns and the root fields, no policy and no source."""

import strawberry
from graphql import GraphQLSchema
from strawberry.schema.config import StrawberryConfig

from gateway.schema.racines import Query
from gateway.schema.scalaires import SCALAIRES


class Schema(strawberry.Schema):
    """Strawberry's schema with its logger quiet: that one writes the text of a failing query, values included."""

    def process_errors(self, errors: object, execution_context: object = None) -> None:
        """Errors are reported once, by the operation, without values (SECURITY F12)."""


def construire() -> Schema:
    """The schema of the gateway."""
    config = StrawberryConfig(scalar_map=SCALAIRES, disable_field_suggestions=True)
    return Schema(Query, config=config)


def graphe(schema: Schema) -> GraphQLSchema:
    """The graphql-core schema behind it, for validation and the access policy."""
    return schema._schema


def texte(schema: Schema) -> str:
    """The published SDL (`schema.graphql`)."""
    return schema.as_str() + "\n"
