"""The graph as stock Strawberry serves it best: without our directive, for which it would make every field asynchronous."""

from strawberry import Schema
from strawberry.schema.config import StrawberryConfig

from gateway.schema.racines import Query
from gateway.schema.scalaires import SCALAIRES


def schema_ordinaire() -> Schema:
    return Schema(Query, config=StrawberryConfig(scalar_map=SCALAIRES))
