"""Builds the graph and its text. Knows the nouns and the root fields, no policy and no source."""

from graphql import GraphQLSchema
from strawberry import Schema
from strawberry.schema.config import StrawberryConfig

from gateway.schema.directives import fraicheur
from gateway.schema.query import Query
from gateway.schema.scalars import SCALARS


def build() -> Schema:
    """The schema of the gateway."""
    config = StrawberryConfig(scalar_map=SCALARS, disable_field_suggestions=True)
    return Schema(Query, config=config, directives=[fraicheur])


def core_schema(schema: Schema) -> GraphQLSchema:
    """The graphql-core schema behind it, for validation and the access policy."""
    return schema._schema


def text(schema: Schema) -> str:
    """The published SDL (`schema.graphql`)."""
    return schema.as_str() + "\n"
