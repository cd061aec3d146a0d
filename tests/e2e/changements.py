"""A change made at a partner, and how long a gateway takes to show it: what the tests of events share."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from fixtures.monde import Monde
from fixtures.passerelle import PasserelleLancee
from fixtures.population.modele import Recit
from tests.chiffres import noter
from tests.conftest import AUJOURDHUI
from tests.e2e.requetes import jusqu_a_complete

LISTE = """query L($n: Int!) { ruptures(first: $n) { edges { node { date cause contrat { cfa { uai } }
  jeune { nom dateNaissance suivi { situation } } } } } }"""
PROMIS = 5.0  # seconds
SOURCES_JUSTES = 60.0  # a busy machine: what is judged is that it is seen, and the figure is printed

Vue = list[dict[str, Any]]


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
    return [attendre(partial(suivi_est, monde, un, recit, situation)) for un in processus]


def suivi_est(monde: Monde, passerelle: PasserelleLancee, recit: Recit, situation: str) -> bool:
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


@contextmanager
def petit_monde(dossier: Path) -> Iterator[Monde]:
    """A small world whose partners tell their changes, for one file of tests alone: its people change."""
    monde = Monde.genere(dossier, jeunes=600, departements=("02",), aujourdhui=AUJOURDHUI, bruit=0.0)
    monde.evenements = True
    with monde:
        yield monde
