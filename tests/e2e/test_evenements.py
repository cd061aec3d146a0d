"""A change at a partner, told by an event, seen in the graph: the delay is printed beside the five seconds promised."""

import time
from collections.abc import Iterator
from datetime import timedelta

import pytest

from fixtures.monde import Monde
from fixtures.passerelle import PasserelleLancee
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


def test_sans_evenement_un_changement_attend_la_duree_de_la_source(petit: Monde, seule: PasserelleLancee) -> None:
    """What proves that the events did it: the same change, told to nobody, is not seen."""
    recit = suivie(petit, lire(petit, seule))
    petit.controle.remettre_a_zero()
    petit.controle.changer("imilo", recit.cle, "situation", "NOUVEAU_PROJET", times=0)
    time.sleep(2)
    assert suivi(lire(petit, seule), recit) != "NOUVEAU_PROJET"
    assert petit.controle.compteurs()["imilo"] == {}
