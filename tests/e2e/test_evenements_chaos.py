"""Events for minutes: two processes of which one dies, a queue that fails. Printed beside what is promised."""

import time
from collections.abc import Iterator
from datetime import timedelta
from functools import partial

import pytest

from fixtures.monde import Monde
from fixtures.serveurs import HOTE
from tests.chiffres import noter
from tests.conftest import AUJOURDHUI
from tests.e2e.changements import (
    attendre,
    dire,
    ecrire_un_suivi,
    lire,
    petit_monde,
    saisir_une_rupture,
    suivi,
    suivi_est,
    suivie,
)

pytestmark = pytest.mark.chaos


@pytest.fixture(scope="module")
def petit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Monde]:
    with petit_monde(tmp_path_factory.mktemp("evenements")) as ouvert:
        yield ouvert


def test_deux_processus_entendent_un_evenement_et_l_un_peut_mourir(petit: Monde, url_redis: str) -> None:
    """One Redis: whoever hears of it, both show it; one is killed, and the other shows the next."""
    env = {"GATEWAY_CACHE_URL": url_redis, "GATEWAY_PROCESSUS": "2"}
    with petit.gateway(0, HOTE, **env) as une, petit.gateway(0, HOTE, **env) as autre:
        petit.controle.abonner("aimaira", f"{une.url}/evenements/aimaira")
        suivis = [ecrire_un_suivi(petit, une, autre) for _ in range(2)]
        jours = [AUJOURDHUI - timedelta(days=jours) for jours in (5, 7)]
        ruptures = [saisir_une_rupture(petit, jour, une, autre) for jour in jours]
        dire("événements i-milo, deux processus", [max(delais) for delais in suivis])
        dire("appels Aimaira, deux processus", [max(delais) for delais in ruptures])
        une.processus.kill()
        dire("événement i-milo, l'autre processus tué", ecrire_un_suivi(petit, autre))
        petit.controle.abonner("aimaira", "")


def test_une_file_en_panne_est_rattrapee(petit: Monde) -> None:
    """Half a minute of failures while records change: nothing is lost, and the last word is shown."""
    with petit.gateway() as seule:
        recit = suivie(petit, lire(petit, seule))
        petit.controle.panne("imilo", "error", 500, operation="events")
        for situation in ("CHERCHE_CONTRAT", "AUTRE", "RDV_PRIS"):
            petit.controle.changer("imilo", recit.cle, "situation", situation)
            time.sleep(10)
        assert suivi(lire(petit, seule), recit) != "RDV_PRIS"
        petit.controle.lever_pannes()
        delai = attendre(partial(suivi_est, petit, seule, recit, "RDV_PRIS"))
    noter(f"file i-milo en panne 30 s : rattrapée {delai:.1f} s après son retour (recul ≤ 30 s)")
