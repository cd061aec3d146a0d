"""The examples of the page hold against the product's own schema."""

import pytest
from graphql import parse, validate

from gateway.schema.build import construire, graphe
from tests.exemples import Exemple, exemples

GRAPHE = graphe(construire())
PROFILS = {"ml", "cfa", "dreets", "ddets", "academie", "france-travail", "si-partenaire", "admin"}


@pytest.mark.parametrize("exemple", exemples(), ids=lambda exemple: exemple.titre)
def test_an_example_is_valid(exemple: Exemple) -> None:
    assert validate(GRAPHE, parse(exemple.requete)) == []


def test_every_profile_has_an_example_of_its_own() -> None:
    propres = {client for exemple in exemples() for client in exemple.clients if "moi" not in exemple.requete}
    assert propres >= PROFILS


def test_the_first_is_the_main_job_and_moi_is_for_everyone() -> None:
    tous = exemples()
    assert "ruptures(" in tous[0].requete
    assert tous[0].clients[0] == "ml"
    assert set(tous[-1].clients) > PROFILS
    assert "moi {" in tous[-1].requete
