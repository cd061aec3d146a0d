"""The cache and freshness as a caller sees them: two processes over one Redis, a partner that dies warm, fresher data."""

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any

import pytest

from fixtures.monde import Monde
from fixtures.passerelle import RACINE, PasserelleLancee, environnement
from gateway.federation.collecte import VERIFICATION
from tests.chiffres import noter
from tests.e2e.requetes import TOUT, jusqu_a_complete
from tests.paire import compteur

LISTE = "query L($n: Int!) { ruptures(first: $n) { totalCount complet edges { node { date } } } }"


@pytest.fixture
def sain(monde: Monde) -> Iterator[None]:
    yield
    monde.controle.lever_pannes()


@pytest.fixture(scope="module")
def breve(patiente: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A configuration whose answers are fresh for a hundredth of a second, and never served without asking."""
    copie = shutil.copytree(patiente, tmp_path_factory.mktemp("breve") / "configuration")
    for fichier in (copie / "partenaires").glob("*.toml"):
        texte = fichier.read_text(encoding="utf-8")
        regles = "duree_secondes = 0.01\nperime_secondes = 0.01\nplancher_secondes = 0"
        fichier.write_text(texte.replace("duree_secondes = 300", regles), encoding="utf-8")
    return str(copie)


@pytest.fixture(scope="module")
def oublieuse(monde: Monde, breve: str) -> Iterator[PasserelleLancee]:
    """A gateway that asks the partners at each query."""
    with monde.gateway(GATEWAY_CONFIG=breve) as lancee:
        yield lancee


def etats(reponse: dict[str, dict[str, list[dict[str, str]]]]) -> dict[str, str]:
    return {ligne["nom"]: ligne["cache"] for ligne in reponse["extensions"]["sources"]}


def test_two_processes_over_one_redis_ask_as_one(monde: Monde, patiente: str, url_redis: str) -> None:
    """Both asked at once, cold: each partner hears what one process would have asked (T2); then one is purged for both."""
    with monde.gateway(GATEWAY_CONFIG=patiente) as seule:
        monde.controle.remettre_a_zero()
        attendue = jusqu_a_complete(seule, monde.jeton("ml"), TOUT, n=50)
        une = {p: o for p, o in monde.controle.compteurs().items() if p != "referentiel"}

    def une_des_deux() -> AbstractContextManager[PasserelleLancee]:
        return monde.gateway(GATEWAY_CONFIG=patiente, GATEWAY_CACHE_URL=url_redis, GATEWAY_PROCESSUS="2")

    with une_des_deux() as a, une_des_deux() as b, ThreadPoolExecutor() as fils:
        monde.controle.remettre_a_zero()
        lues = list(fils.map(lambda p: jusqu_a_complete(p, monde.jeton("ml"), TOUT, n=50), (a, b)))
        deux = {p: o for p, o in monde.controle.compteurs().items() if p != "referentiel"}
        monde.controle.remettre_a_zero()
        env = environnement(monde.environnement | {"GATEWAY_CONFIG": patiente, "GATEWAY_CACHE_URL": url_redis})
        commande = [sys.executable, "-m", "gateway", "cache", "purger", "gestibase"]
        subprocess.run(commande, env=env, cwd=RACINE, check=True, capture_output=True)
        jusqu_a_complete(b, monde.jeton("ml"), TOUT, n=50)
        purgees = {p for p, o in monde.controle.compteurs().items() if o}
    noter(f"deux processus, un Redis : {sum(map(total, deux.values()))} demandes, {sum(map(total, une.values()))} seul")
    assert deux == une
    assert purgees == {"gestibase"}
    assert [lue["data"]["ruptures"]["totalCount"] for lue in lues] == [attendue["data"]["ruptures"]["totalCount"]] * 2


def total(operations: dict[str, int]) -> int:
    return sum(operations.values())


def test_a_partner_that_dies_warm_leaves_its_rows_and_says_their_age(monde: Monde, breve: str, sain: None) -> None:
    with monde.gateway(GATEWAY_CONFIG=breve) as lancee:
        chaude = jusqu_a_complete(lancee, monde.jeton("ml"), LISTE, n=100)
        assert chaude["data"]["ruptures"]["complet"] is True
        for partenaire in ("ypareo", "gestibase", "aimaira"):
            monde.controle.panne(partenaire, "refuse")
        time.sleep(VERIFICATION)  # what was read is held so long without being looked at
        morte = lancee.graphql(monde.jeton("ml"), LISTE, {"n": 100})
    assert morte["data"]["ruptures"]["edges"] == chaude["data"]["ruptures"]["edges"]
    assert morte["data"]["ruptures"]["complet"] is False
    assert {erreur["extensions"]["source"] for erreur in morte["errors"]} == {"ypareo", "gestibase", "aimaira"}
    for erreur in morte["errors"]:
        assert erreur["extensions"]["cache"] == "perime"
        assert "est montrée" in erreur["message"]
        assert erreur["extensions"]["ageSecondes"] >= 0
    assert {etats(morte)[nom] for nom in ("ypareo", "gestibase", "aimaira")} == {"perime"}


def test_c01_each_caller_is_answered_as_without_cache(
    monde: Monde, passerelle: PasserelleLancee, oublieuse: PasserelleLancee
) -> None:
    """Warm by one and read by the next, in both orders, then all at once: the answers of a gateway that keeps nothing."""
    clients = ("ml", "ml-voisine", "cfa")
    sans = {client: jusqu_a_complete(oublieuse, monde.jeton(client), TOUT, n=20) for client in clients}
    with ThreadPoolExecutor() as fils:
        jetons = [monde.jeton(client) for client in (*clients, *reversed(clients), *clients, *clients)]
        for client, jeton in zip((*clients, *reversed(clients)), jetons, strict=False):
            assert comparable(jusqu_a_complete(passerelle, jeton, TOUT, n=20)) == comparable(sans[client])
        lues = list(fils.map(lambda jeton: passerelle.graphql(jeton, TOUT, {"n": 20}), jetons[6:]))
    assert [comparable(lue) for lue in lues] == [comparable(sans[client]) for client in clients * 2]
    assert len({str(comparable(sans[client])) for client in clients}) == 3


def comparable(reponse: dict[str, Any]) -> dict[str, Any]:
    """Data and errors, without what names the request."""
    erreurs = [{**une, "extensions": {**une["extensions"], "requestId": ""}} for une in reponse.get("errors", [])]
    return {"data": reponse["data"], "errors": erreurs}


def test_what_did_not_change_is_confirmed_and_not_decoded(monde: Monde, oublieuse: PasserelleLancee) -> None:
    """As many requests as a reading, and nothing decoded, whether partners give validators or say the same again."""
    lancee = oublieuse
    partenaires = ("ypareo", "aimaira", "gestibase", "imilo")
    avant = {nom: revalidees(lancee, nom, "inchangee") for nom in partenaires}
    lue = jusqu_a_complete(lancee, monde.jeton("ml"), TOUT, n=50)
    demandes = []
    for _ in range(2):
        time.sleep(VERIFICATION)  # a held reading is looked at again
        monde.controle.remettre_a_zero()
        relue = lancee.graphql(monde.jeton("ml"), TOUT, {"n": 50})
        assert relue["data"] == lue["data"]
        demandes.append(monde.controle.compteurs())
    assert demandes[0] == demandes[1]
    confirmees = {nom: revalidees(lancee, nom, "inchangee") - avant[nom] for nom in partenaires}
    assert confirmees["ypareo"] >= 2 * demandes[0]["ypareo"]["periodes"] > 0
    assert confirmees["aimaira"] >= 2
    assert min(confirmees["gestibase"], confirmees["imilo"]) >= 2  # they give none
    assert [revalidees(lancee, nom, "changee") for nom in partenaires] == [0, 0, 0, 0]
    noter(f"revalidation : {', '.join(f'{nom} {int(n)}' for nom, n in confirmees.items())} unités confirmées, 0 relue")


def revalidees(passerelle: PasserelleLancee, partenaire: str, issue: str) -> float:
    """The units of a partner that were asked again, by all the processes."""
    return compteur(passerelle, f'passerelle_revalidations_total{{issue="{issue}",partenaire="{partenaire}"}}')


def test_a_caller_may_ask_for_fresher_data(monde: Monde, patiente: str) -> None:
    fraiche = LISTE.replace("query L($n: Int!)", "query L($n: Int!, $s: Int!) @fraicheur(maxSecondes: $s)")
    with monde.gateway(GATEWAY_CONFIG=patiente) as lancee:
        jeton = monde.jeton("ml")
        jusqu_a_complete(lancee, jeton, LISTE, n=1)
        assert "manque" not in etats(lancee.graphql(jeton, fraiche, {"n": 1, "s": 600})).values()
        epargnee = lancee.graphql(jeton, fraiche, {"n": 1, "s": 0})  # within ten seconds: the partners are spared
        assert "errors" not in epargnee
        assert {ligne["etat"] for ligne in epargnee["extensions"]["sources"]} <= {"DISPONIBLE", "FERMEE"}
