"""Two gateways of one Redis and one PostgreSQL: one of them may be restarted, or die, and nobody is failed by the other."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fixtures.monde import Monde
from fixtures.passerelle import RACINE, environnement
from gateway.auth.quotas import PRIX_REQUETE
from tests.bases import lire
from tests.charge import Charge
from tests.chiffres import noter
from tests.e2e.requetes import jusqu_a_complete
from tests.paire import Noeud, paire, une_base
from tests.redis_aide import serveur_redis
from tests.repartiteur import Repartiteur
from tests.resilience.vie_outils import poster, qui_previent

LISTE = """query L($apres: String) { ruptures(first: 3, after: $apres) { totalCount pageInfo { endCursor }
 edges { node { id jeune { id nom } } } } }"""
RUPTURES = "{ ruptures(first: 3) { edges { node { jeune { id nom telephone } } } } }"
MOI = "{ moi { profil } }"

Deux = tuple[Repartiteur, list[Noeud]]


@contextmanager
def ensemble(monde: Monde, dossier: Path) -> Iterator[Deux]:
    """The journal in PostgreSQL; the registry and the links in the files of this machine, which both processes open.
    `pytest tests/e2e --deux-passerelles` has all of them in PostgreSQL."""
    qui_previent(monde, dossier)
    with serveur_redis() as cache, une_base() as journal:
        env = {"GATEWAY_CACHE_URL": cache, "GATEWAY_JOURNAL_URL": journal, "GATEWAY_PROCESSUS": "2"}
        with paire(monde, GATEWAY_CONFIG=str(dossier), **env) as deux:
            yield deux


@pytest.fixture(scope="module")
def deux(monde: Monde, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deux]:
    with ensemble(monde, tmp_path_factory.mktemp("deux")) as ouvertes:
        yield ouvertes


def journal_integre(noeud: Noeud) -> str:
    """What `journal verifier` prints of a chain that is whole."""
    commande = [sys.executable, "-m", "gateway", "journal", "verifier"]
    fini = subprocess.run(
        commande, env=environnement(noeud.environnement), cwd=RACINE, capture_output=True, text=True, check=False
    )
    assert fini.returncode == 0, fini.stdout + fini.stderr
    return fini.stdout


def requetes_ecrites(noeud: Noeud) -> set[str]:
    lignes = lire(noeud.environnement["GATEWAY_JOURNAL_URL"], "SELECT contenu FROM journal_entrees")
    return {json.loads(contenu).get("requete", "") for (contenu,) in lignes}


def test_two_processes_answer_as_one(monde: Monde, deux: Deux) -> None:
    """Ids, cursors and what a client may still spend are the same whichever answers; both write one chain."""
    _, (un, autre) = deux
    jeton = monde.jeton("ml")
    premiere = jusqu_a_complete(un.lancee, jeton, LISTE)
    assert jusqu_a_complete(autre.lancee, jeton, LISTE)["data"] == premiere["data"]
    apres = premiere["data"]["ruptures"]["pageInfo"]["endCursor"]
    suites = [noeud.lancee.graphql(jeton, LISTE, {"apres": apres})["data"] for noeud in (un, autre)]
    assert suites[0] == suites[1]
    (arete, *_) = premiere["data"]["ruptures"]["edges"]
    par_id = '{{ jeune(id: "{id}") {{ nom }} }}'.format(**arete["node"]["jeune"])
    assert autre.lancee.graphql(jeton, par_id)["data"]["jeune"] == {"nom": arete["node"]["jeune"]["nom"]}
    reponses = [poster(noeud.url, jeton, RUPTURES) for noeud in (un, autre)]
    restes = [int(reponse.headers["ratelimit-remaining"]) for reponse in reponses]
    assert restes[1] == restes[0] - reponses[1].json()["extensions"]["cout"] - PRIX_REQUETE
    assert {reponse.headers["x-request-id"] for reponse in reponses} <= requetes_ecrites(autre)
    assert journal_integre(un).startswith("journal intègre, entrées 1 à ")


def redemarrer(repartiteur: Repartiteur, noeud: Noeud) -> None:
    """As an orchestrator does: told to stop, ended at 0, started again, in service before the next one."""
    assert noeud.finir(signal.SIGTERM) == 0
    noeud.fermer()
    noeud.demarrer()
    while len(repartiteur.prets) < 2:
        time.sleep(0.01)


def test_one_is_restarted_and_no_request_fails(monde: Monde, deux: Deux) -> None:
    repartiteur, noeuds = deux
    jusqu_a_complete(noeuds[0].lancee, monde.jeton("ml"), RUPTURES)
    with Charge(repartiteur.url, monde.jeton("ml"), [MOI, RUPTURES], 15) as charge:
        redemarrer(repartiteur, noeuds[0])
    noter(f"redémarrage d'un nœud sur deux sous 15 requêtes/s : {charge.statuts}, échecs attendus 0")
    assert charge.statuts.keys() == {200}


@pytest.mark.chaos
def test_each_is_restarted_in_turn_and_no_request_fails(monde: Monde, deux: Deux) -> None:
    repartiteur, noeuds = deux
    jusqu_a_complete(noeuds[0].lancee, monde.jeton("ml"), RUPTURES)
    with Charge(repartiteur.url, monde.jeton("ml"), [MOI, RUPTURES], 50) as charge:
        for noeud in [*noeuds, *noeuds]:
            redemarrer(repartiteur, noeud)
    noter(
        f"redémarrage de chaque nœud, deux fois, sous 50 requêtes/s ({charge.tenue:.1f} parties) : {charge.statuts}, "
        f"{charge.partielles} partielles ; échecs attendus 0"
    )
    assert charge.statuts.keys() == {200}
    assert journal_integre(noeuds[0]).startswith("journal intègre, entrées 1 à ")


@pytest.mark.chaos
def test_one_is_killed_and_nothing_answered_is_lost(monde: Monde, tmp_path: Path) -> None:
    """Cold, so that it dies while it asks partners and holds leases; what it answered is written, what is asked of the
    other is answered."""
    with ensemble(monde, tmp_path) as (_, (mort, vivant)):
        with (
            Charge(mort.url, monde.jeton("ml"), [RUPTURES], 25) as perdue,
            Charge(vivant.url, monde.jeton("ml"), [RUPTURES, MOI], 25) as tenue,
        ):
            while sum(issue.statut == 200 for issue in perdue.issues) < 25:
                time.sleep(0.005)
            assert mort.finir(signal.SIGKILL) == -signal.SIGKILL
            survie = len(tenue.issues)
            while len(tenue.issues) < survie + 250:
                time.sleep(0.01)
        ecrites = requetes_ecrites(vivant)
        repondues = {i.requete for i in perdue.issues + tenue.issues if i.statut == 200 and i.montre}
        integre = journal_integre(vivant)
    noter(f"kill -9 d'un nœud sous 50 requêtes/s : le mort {perdue.statuts}, l'autre {tenue.statuts}")
    noter(f"         {len(repondues)} réponses nominatives, {len(repondues - ecrites)} sans entrée ; {integre.strip()}")
    assert tenue.statuts.keys() == {200}
    assert repondues <= ecrites
