"""The examples of the page hold against the product's own schema."""

import pytest
from graphql import parse, validate

from gateway.schema.query import build, core_schema
from tests.support.examples import Example, examples

GRAPH = core_schema(build())
PROFILES = {"ml", "cfa", "dreets", "ddets", "academie", "france-travail", "si-partenaire", "admin"}


@pytest.mark.parametrize("example", examples(), ids=lambda example: example.title)
def test_an_example_is_valid(example: Example) -> None:
    assert validate(GRAPH, parse(example.partner_request)) == []


def test_every_profile_has_an_example_of_its_own() -> None:
    own = {client for example in examples() for client in example.clients if "moi" not in example.partner_request}
    assert own >= PROFILES


def test_the_first_is_the_main_job_and_moi_is_for_everyone() -> None:
    everything = examples()
    assert "ruptures(" in everything[0].partner_request
    assert everything[0].clients[0] == "ml"
    assert set(everything[-1].clients) > PROFILES
    assert "moi {" in everything[-1].partner_request
