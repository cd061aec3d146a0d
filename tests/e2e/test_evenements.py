"""A change at a partner, told by an event, seen in the graph: the delay is printed beside the five seconds promised."""

import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest

from fixtures.monde import Monde
from fixtures.passerelle import PasserelleLancee
from fixtures.population.modele import Recit
from fixtures.serveurs import HOTE
from tests.chiffres import noter
from tests.conftest import AUJOURDHUI
from tests.e2e.requetes import jusqu_a_complete

LISTE = """query L($n: Int!) { ruptures(first: $n) { edges { node { date cause contrat { cfa { uai } }
  jeune { nom dateNaissance suivi { situation } } } } } }"""
PROMIS = 5.0  # seconds
SOURCES_JUSTES = 60.0  # a busy machine: what is judged is that it is seen, and the figure is printed

Vue = list[dict[str, Any]]


@pytest.fixture(scope="module")
def petit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Monde]:
    """A small world whose partners tell their changes, for this file alone: its people change."""
    dossier = tmp_path_factory.mktemp("evenements")
    monde = Monde.genere(dossier, jeunes=600, departements=("02",), aujourdhui=AUJOURDHUI, bruit=0.0)
    monde.evenements = True
    with monde:
        yield monde


@pytest.fixture(scope="module")
def seule(petit: Monde) -> Iterator[PasserelleLancee]:
    with petit.gateway() as lancee:
        petit.controle.abonner("aimaira", f"{lancee.url}/evenements/aimaira")
        yield lancee
        petit.controle.abonner("aimaira", "")


def lire(monde: Monde, passerelle: PasserelleLancee) -> Vue:
    reponse = jusqu_a_complete(passerelle, monde.jeton("ml"), LISTE, n=100)
    return [arete["node"] for arete in reponse["data"]["ruptures"]["edges"]]


def attendre(vue: Callable[[], bool]) -> float:
    """Seconds until it is seen, asked again and again as a page that refreshes would."""
    debut = time.monotonic()
    while not vue():
        assert time.monotonic() - debut < SOURCES_JUSTES, "never seen"
        time.sleep(0.05)
    return time.monotonic() - debut


def suivi(noeuds: Vue, recit: Recit) -> str | None:
    qui = (recit.personne.nom, recit.personne.date_naissance.isoformat())
    trouves = [n["jeune"]["suivi"] for n in noeuds if (n["jeune"]["nom"], n["jeune"]["dateNaissance"]) == qui]
    return trouves[0]["situation"] if trouves and trouves[0] else None


def suivie(monde: Monde, noeuds: Vue) -> Recit:
    """A person of that list with a follow-up."""
    code = monde.clients["ml"].organisation
    return next(recit for recit in monde.population.recits["imilo"][code] if suivi(noeuds, recit) is not None)


def ecrire_un_suivi(monde: Monde, *processus: PasserelleLancee) -> list[float]:
    """Seconds until each process shows a follow-up written at i-milo, and told three times."""
    noeuds = lire(monde, processus[0])
    recit = suivie(monde, noeuds)
    situation = "AUTRE" if suivi(noeuds, recit) == "REORIENTATION" else "REORIENTATION"
    for un in processus:
        assert suivi(lire(monde, un), recit) not in (None, situation)
    monde.controle.changer("imilo", recit.cle, "situation", situation, times=3)
    return [attendre(partial(_suivi_est, monde, un, recit, situation)) for un in processus]


def _suivi_est(monde: Monde, passerelle: PasserelleLancee, recit: Recit, situation: str) -> bool:
    return suivi(lire(monde, passerelle), recit) == situation


def saisir_une_rupture(monde: Monde, jour: date, *processus: PasserelleLancee) -> list[float]:
    """Seconds until each process shows a rupture typed at Aimaira, and told three times."""
    noeuds = lire(monde, processus[0])
    uai, recit = next(
        (uai, recit)
        for uai, recits in monde.population.recits["aimaira"].items()
        for recit in recits
        if any(_la_sienne(noeud, uai, recit) for noeud in noeuds)
    )
    for un in processus:
        assert not _rupture_le(monde, un, (uai, recit), jour)
    monde.controle.changer("aimaira", f"{uai}/{recit.cle}", "rupture", jour.isoformat(), times=3)
    return [attendre(partial(_rupture_le, monde, un, (uai, recit), jour)) for un in processus]


def _rupture_le(monde: Monde, passerelle: PasserelleLancee, dossier: tuple[str, Recit], jour: date) -> bool:
    return any(noeud["date"] == jour.isoformat() and _la_sienne(noeud, *dossier) for noeud in lire(monde, passerelle))


def _la_sienne(noeud: dict[str, Any], uai: str, recit: Recit) -> bool:
    qui = (recit.personne.nom, recit.personne.date_naissance.isoformat())
    return noeud["contrat"]["cfa"]["uai"] == uai and (noeud["jeune"]["nom"], noeud["jeune"]["dateNaissance"]) == qui


def dire(quoi: str, delais: list[float]) -> None:
    noter(f"{quoi} → visible : {', '.join(f'{delai:.1f}' for delai in delais)} s (promis ≤ {PROMIS:.0f} s)")


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


@pytest.mark.chaos
def test_deux_processus_entendent_un_evenement_et_l_un_peut_mourir(petit: Monde, url_redis: str) -> None:
    """One Redis: whoever hears of it, both show it; the one that reads the queue is killed, and the other takes over."""
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


@pytest.mark.chaos
def test_une_file_en_panne_est_rattrapee(petit: Monde, seule: PasserelleLancee) -> None:
    """Half a minute of failures while records change: nothing is lost, and the last word is shown."""
    recit = suivie(petit, lire(petit, seule))
    petit.controle.panne("imilo", "error", 500, operation="events")
    for situation in ("CHERCHE_CONTRAT", "AUTRE", "RDV_PRIS"):
        petit.controle.changer("imilo", recit.cle, "situation", situation)
        time.sleep(10)
    assert suivi(lire(petit, seule), recit) != "RDV_PRIS"
    petit.controle.lever_pannes()
    delai = attendre(partial(_suivi_est, petit, seule, recit, "RDV_PRIS"))
    noter(f"file i-milo en panne 30 s : rattrapée {delai:.1f} s après son retour (recul ≤ 30 s)")
