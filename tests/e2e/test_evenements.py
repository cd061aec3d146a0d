"""A change at a partner, told by an event, seen in the graph: the delay is printed beside the five seconds promised."""

import json
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest

from fixtures.monde import Monde
from fixtures.passerelle import PasserelleLancee
from fixtures.simulateurs import aimaira
from fixtures.simulateurs.evenements import signature
from fixtures.telecommande import client_http
from tests.chiffres import noter
from tests.conftest import AUJOURDHUI
from tests.e2e.changements import dire, ecrire_un_suivi, lire, petit_monde, saisir_une_rupture, suivi, suivie


@pytest.fixture(scope="module")
def petit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Monde]:
    with petit_monde(tmp_path_factory.mktemp("evenements")) as ouvert:
        yield ouvert


@pytest.fixture(scope="module")
def seule(petit: Monde) -> Iterator[PasserelleLancee]:
    with petit.gateway() as lancee:
        petit.controle.abonner("aimaira", f"{lancee.url}/evenements/aimaira")
        yield lancee
        petit.controle.abonner("aimaira", "")


def test_un_suivi_ecrit_chez_i_milo_se_voit(petit: Monde, seule: PasserelleLancee) -> None:
    dire("événement i-milo", ecrire_un_suivi(petit, seule))


def test_une_rupture_saisie_chez_aimaira_se_voit(petit: Monde, seule: PasserelleLancee) -> None:
    dire("appel Aimaira", saisir_une_rupture(petit, AUJOURDHUI - timedelta(days=3), seule))


def test_un_appel_faux_tronque_rejoue_ou_trop_long_ne_fait_rien_demander(petit: Monde, seule: PasserelleLancee) -> None:
    """Over real HTTP, through everything that stands before the route."""
    uai = next(iter(petit.population.recits["aimaira"]))
    corps = json.dumps({"CustomerName": uai.lower(), "ObjectType": "Apprenant"}).encode()
    secret, instant = aimaira.secret_evenements(petit.population), int(time.time())
    juste = signature(secret, corps, instant)
    lire(petit, seule)
    petit.controle.remettre_a_zero()
    appels = [
        ("aimaira", corps, {}, 401),
        ("aimaira", corps, signature("autre", corps, instant), 401),
        ("aimaira", corps[:-1], juste, 401),
        ("aimaira", corps, signature(secret, corps, instant - 301), 401),
        ("imilo", corps, juste, 401),
        ("personne", corps, juste, 401),
        ("aimaira", b"x" * 8193, signature(secret, b"x" * 8193, instant), 413),
    ]
    with client_http(seule.url) as http:
        for nom, octets, entetes, statut in appels:
            assert http.post(f"/evenements/{nom}", content=octets, headers=entetes).status_code == statut
        lire(petit, seule)
        assert petit.controle.total() == 0
        for _ in range(100):
            assert http.post("/evenements/aimaira", content=corps, headers=juste).status_code == 202
    time.sleep(2.1)  # what was read a moment ago serves two seconds
    lire(petit, seule)
    lire(petit, seule)
    lots = petit.controle.compteurs()["aimaira"]
    noter(f"100 appels rejoués d'un établissement : {max(lots.values())} lecture")
    assert set(lots.values()) == {1}


def test_sans_evenement_un_changement_attend_la_duree_de_la_source(petit: Monde, seule: PasserelleLancee) -> None:
    """What proves that the events did it: the same change, told to nobody, is not seen."""
    recit = suivie(petit, lire(petit, seule))
    petit.controle.remettre_a_zero()
    petit.controle.changer("imilo", recit.cle, "situation", "NOUVEAU_PROJET", times=0)
    time.sleep(2)
    assert suivi(lire(petit, seule), recit) != "NOUVEAU_PROJET"
    assert petit.controle.compteurs()["imilo"] == {}
