"""One partner down: the others' answer leaves in time, says what is missing, and tells nothing else."""

import time
from collections.abc import Iterator

import pytest

from fixtures.monde import Monde
from fixtures.passerelle import PasserelleLancee
from tests.chiffres import noter
from tests.e2e.requetes import TOUT

VIVANTS = ["ypareo", "gestibase", "aimaira", "imilo"]
TEMOIN = """query T($n: Int!) { ruptures(first: $n) { totalCount complet edges { node { date sources
 jeune { nom telephone suivi { situation } } } } } }"""


@pytest.fixture
def sain(monde: Monde) -> Iterator[None]:
    yield
    monde.controle.lever_pannes()


@pytest.mark.parametrize(
    ("partenaire", "genre"),
    [*((partenaire, "refuse") for partenaire in VIVANTS), ("ypareo", "hang"), ("imilo", "hang"), ("aimaira", "malformed")],
)
def test_any_live_partner_killed_leaves_a_partial_answer_in_time(
    monde: Monde, sain: None, partenaire: str, genre: str
) -> None:
    with monde.gateway() as lancee:
        monde.controle.panne(partenaire, genre)
        debut = time.monotonic()
        reponse = lancee.graphql(monde.jeton("ml"), TEMOIN, {"n": 100})
        duree = time.monotonic() - debut
        journal = lancee.journal.read_text(encoding="utf-8")
    noter(f"panne {genre:<9} de {partenaire:<9} : réponse partielle en {duree:.1f} s")
    liste = reponse["data"]["ruptures"]
    assert liste["complet"] is False
    assert liste["totalCount"] > 0
    assert liste["edges"][0]["node"]["jeune"]["nom"]
    (erreur,) = reponse["errors"]
    assert erreur["extensions"]["source"] == partenaire
    assert erreur["extensions"]["code"] in {"SOURCE_INDISPONIBLE", "SOURCE_DELAI_DEPASSE", "SOURCE_INVALIDE"}
    for texte in (str(reponse["errors"]), journal):
        assert monde.url_simulateurs.removeprefix("http://") not in texte
        assert "Traceback" not in texte
        assert not any(secret in texte for nom, secret in monde.environnement.items() if "CLE" in nom)


def test_a_partner_that_comes_back_is_asked_again(monde: Monde, sain: None) -> None:
    with monde.gateway() as lancee:
        monde.controle.panne("gestibase", "error", 503)
        assert lancee.graphql(monde.jeton("ml"), TEMOIN, {"n": 1})["data"]["ruptures"]["complet"] is False
        monde.controle.lever_pannes()
        assert lancee.graphql(monde.jeton("ml"), TEMOIN, {"n": 1})["data"]["ruptures"]["complet"] is True


def test_nobody_answers_is_null_and_never_an_empty_list(monde: Monde, sain: None, tmp_path: object) -> None:
    """The registry of this gateway was never harvested, and every live partner is down."""
    with monde.gateway(GATEWAY_DATABASE_URL="sqlite+aiosqlite://") as lancee:
        for partenaire in VIVANTS:
            monde.controle.panne(partenaire, "error", 500)
        reponse = lancee.graphql(monde.jeton("ml"), TEMOIN, {"n": 1})
    assert reponse["data"]["ruptures"] is None
    assert {erreur["extensions"]["source"] for erreur in reponse["errors"]} == {*VIVANTS, "registre"}


def test_a_late_partner_fills_the_cache_for_the_next_answer(monde: Monde, sain: None) -> None:
    with monde.gateway() as lancee:
        monde.controle.panne("imilo", "latency", 4000)
        premiere = lancee.graphql(monde.jeton("ml"), TEMOIN, {"n": 1})
        assert premiere["errors"][0]["extensions"] | {"requestId": ""} == {
            "code": "SOURCE_DELAI_DEPASSE",
            "source": "imilo",
            "chemins": [["ruptures"]],
            "requestId": "",
        }
        monde.controle.lever_pannes()
        time.sleep(2)
        monde.controle.remettre_a_zero()
        assert lancee.graphql(monde.jeton("ml"), TEMOIN, {"n": 1})["data"]["ruptures"]["complet"] is True
        assert monde.controle.total() == 0
