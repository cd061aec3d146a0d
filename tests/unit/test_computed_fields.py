"""A field of a merged noun is told by a source, and settled by the table of precedence; or computed, and says of what. Else
nobody would know why its reader may read it (ACCES.md)."""

import re

import pytest
from graphql import is_object_type

from gateway.auth.policy.rules import derivation
from gateway.auth.policy.schema_check import governed
from gateway.federation.join import precedence
from tests.support.access.tools import SCHEMA

TABLES = {"Jeune": precedence.JEUNE, "Contrat": precedence.CONTRAT, "Rupture": precedence.RUPTURE}
# What links the nouns, what says how they were joined and who tells them: made by joining, of no field.
BY_JOINING = {
    "Jeune": "contrats ruptures formations provenance rapprochements",
    "Contrat": "formation jeune provenance",
    "Rupture": "sources contrat jeune provenance",
}


@pytest.mark.parametrize("noun", TABLES)
def test_a_field_is_told_joined_or_computed_of_what_it_says(noun: str) -> None:
    type_ = SCHEMA.type_map[noun]
    assert is_object_type(type_)
    fields = governed(type_)
    computed = {name for name in fields if derivation(type_.fields[name])}
    told = {_camel(name) for name in TABLES[noun]}
    joined = set(BY_JOINING[noun].split())
    assert computed | told | joined == set(fields)
    assert sum(map(len, (computed, told, joined))) == len(fields), "of one kind only"


def _camel(name: str) -> str:
    return re.sub(r"_(\w)", lambda letter: letter[1].upper(), name)
