"""The graph as stock Strawberry serves it best: without our directive, for which it would make every field asynchronous."""

from strawberry import Schema
from strawberry.schema.config import StrawberryConfig

from gateway.schema.query import Query
from gateway.schema.scalars import SCALARS


def ordinary_schema() -> Schema:
    return Schema(Query, config=StrawberryConfig(scalar_map=SCALARS))
