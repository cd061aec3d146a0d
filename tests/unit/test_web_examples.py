"""The examples of the page hold against the product's own schema."""

import pytest
from graphql import parse, validate

from gateway.auth.policy.rules import Profil
from gateway.schema.query import build, core_schema
from tests.support.examples import Example, examples

GRAPH = core_schema(build())


@pytest.mark.parametrize("example", examples(), ids=lambda example: example.title)
def test_an_example_and_the_list_of_its_values_are_valid(example: Example) -> None:
    assert validate(GRAPH, parse(example.query)) == []
    assert example.search is None or validate(GRAPH, parse(example.search)) == []


@pytest.mark.parametrize("example", examples(), ids=lambda example: example.title)
def test_no_example_names_somebody_its_values_are_found_in_a_list(example: Example) -> None:
    assert bool(example.variables) == (example.search is not None)
    assert all(name in (example.search or "") for name in example.variables)


def test_every_profile_has_an_example_of_its_own_that_opens_without_a_search() -> None:
    for profile in Profil:
        own = [example for example in examples() if example.is_for(profile.value)]
        assert own[-1].profiles == ("*",)
        assert own[0].search is None
        assert len(own) > 1, profile
