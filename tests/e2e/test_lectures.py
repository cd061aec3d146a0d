"""Reading, counted and written by a real gateway: nothing nominative leaves before, nothing beyond the quotas."""

import contextlib
import random
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from fixtures.monde import Monde
from fixtures.passerelle import PasserelleLancee, attendre
from gateway.__main__ import main
from gateway.auth.journal import acte
from gateway.auth.quotas import Quotas, plafonds
from gateway.auth.rules import Profil
from gateway.domain.quotas import Comptage
from gateway.domain.sceau import Sceau
from gateway.sante import VALIDITE
from gateway.stores.journal import Journal
from gateway.stores.journal_lecture import verifier
from gateway.stores.lot import Inscription
from tests.bases import base, ecrire
from tests.e2e.lectures_outils import contenus, demander, entrees, journal_de, octets_de, sans_entrees
from tests.e2e.requetes import TOUT, jusqu_a_complete
from tests.paire import base_vide, compteur, mesures, noeuds
from tests.resilience.vie_outils import pret

RUPTURES = "{ ruptures(first: 3) { edges { node { jeune { id nom telephone ine } } } } }"
COMPTE = "{ ruptures { totalCount } }"
PEU = "[clients.ml-quota]\nquota_personnes_jour = 5\nintrouvables_10_minutes = 5\ncout_minute = 3000\n"


Commande = Callable[..., tuple[int, str]]


@pytest.fixture
def commande(monde: Monde, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Commande:
    """`python -m gateway journal …` in this process: exit code and what it prints."""

    def lancer(*arguments: str, **env: str) -> tuple[int, str]:
        for nom, valeur in {**monde.environnement, **env}.items():
            monkeypatch.setenv(nom, valeur)
        capsys.readouterr()
        return main(["journal", *arguments]), capsys.readouterr().out

    return lancer


@pytest.fixture(scope="module")
def peu(monde: Monde, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A configuration by which `ml-quota` may take little."""
    assert monde.dossier is not None
    dossier = tmp_path_factory.mktemp("a part")
    shutil.copytree(monde.dossier / "partenaires", dossier / "partenaires")
    texte = (monde.dossier / "gateway.toml").read_text(encoding="utf-8")
    (dossier / "gateway.toml").write_text(
        texte.replace('"donnees"', f'"{monde.dossier / "donnees"}"'), encoding="utf-8"
    )
    clients = (monde.dossier / "clients.toml").read_text(encoding="utf-8")
    (dossier / "clients.toml").write_text(clients.replace("[clients.ml-quota]\n", PEU), encoding="utf-8")
    return dossier


@pytest.fixture(scope="module")
def a_part(monde: Monde, peu: Path) -> Iterator[tuple[PasserelleLancee, str]]:
    """A gateway whose journal, at this URL, may be broken, and the gateway killed."""
    with base_vide(monde, peu) as url, monde.gateway(GATEWAY_CONFIG=str(peu), GATEWAY_JOURNAL_URL=url) as lancee:
        yield lancee, url


def test_l03_a_nominative_answer_has_one_entry_and_the_others_none(monde: Monde, passerelle: PasserelleLancee) -> None:
    jeton = monde.jeton("ml", agent="conseillère 12")
    jusqu_a_complete(passerelle, jeton, RUPTURES)
    reponse = demander(passerelle, jeton, RUPTURES)
    autres = [demander(passerelle, jeton, requete) for requete in (COMPTE, "{ moi { profil } }", "{ inconnu }")]
    lues = entrees(journal_de(monde))
    entree = lues[reponse.headers["x-request-id"]]
    personnes = {arete["node"]["jeune"]["id"] for arete in reponse.json()["data"]["ruptures"]["edges"]}
    assert sum(groupe["personnes"] for groupe in entree["groupes"]) == len(personnes) == 3
    assert (entree["client"], entree["compte"], entree["finalite"]) == ("ml", "conseillère 12", "ACCOMPAGNEMENT")
    assert entree["organisation"] == monde.clients["ml"].organisation
    assert entree["coordonnees"] == {
        "IDENTITE": ["Jeune.nom"],
        "CONTACT": ["Jeune.telephone"],
        "PARCOURS": ["Rupture.jeune"],
    }
    assert entree["refus"] == ["Jeune.ine"]
    assert entree["sources"].keys() == {s["nom"] for s in reponse.json()["extensions"]["sources"]}
    assert not lues.keys() & {autre.headers["x-request-id"] for autre in autres}


MELANGE = {  # what is asked, and whether the answer shows somebody
    RUPTURES: True,
    COMPTE: False,
    "{ a: jeunes(first: 2) { edges { node { id } } } b: ruptures { totalCount } }": True,
    "{ jeunes(first: 2) { edges { node { ine } } } }": False,  # refused: there is no node left
    '{ jeune(id: "inconnu") { nom } }': False,
    "{ ruptures(first: 2) { edges { node { inconnu } } } }": False,
    '{ jeunes(first: 2, after: "faux") { edges { node { nom } } } }': False,
    "{ moi { profil categories } }": False,
    "{ sources { nom } contrats(first: 1) { edges { node { numero } } } }": True,
}


def test_l03_whatever_is_asked_at_once_has_one_entry_if_it_shows_somebody(
    monde: Monde, passerelle: PasserelleLancee
) -> None:
    jeton = monde.jeton("ml")
    jusqu_a_complete(passerelle, jeton, RUPTURES)
    demandes = random.Random(7).choices(list(MELANGE), k=40)
    with ThreadPoolExecutor(8) as lecteurs:
        reponses = list(lecteurs.map(lambda requete: demander(passerelle, jeton, requete), demandes))
    ecrites = Counter(contenu.get("requete") for contenu in contenus(journal_de(monde)))
    obtenues = [ecrites[reponse.headers["x-request-id"]] for reponse in reponses]
    assert list(zip(demandes, obtenues, strict=True)) == [(requete, int(MELANGE[requete])) for requete in demandes]


def test_l01_nothing_of_a_person_is_in_the_files_of_the_journal(monde: Monde, passerelle: PasserelleLancee) -> None:
    reponse = jusqu_a_complete(passerelle, monde.jeton("ml"), TOUT, n=100, apres=None)
    jeunes = [arete["node"]["jeune"] for arete in reponse["data"]["ruptures"]["edges"]]
    octets = octets_de(journal_de(monde))
    canaris = {
        jeune[champ] for jeune in jeunes for champ in ("id", "courriel", "telephone", "dateNaissance") if jeune[champ]
    }
    assert len(canaris) > len(jeunes)
    assert [canari for canari in canaris if canari.encode() in octets] == []
    noms = {f"{jeune['prenom']}" for jeune in jeunes} | {jeune["nom"] for jeune in jeunes}
    assert [nom for nom in noms if len(nom) > 4 and nom.encode() in octets] == []


def test_l08_who_read_this_person(monde: Monde, passerelle: PasserelleLancee, commande: Commande) -> None:
    jeton = monde.jeton("ml", agent="c\n7")
    noeud = jusqu_a_complete(passerelle, jeton, RUPTURES)["data"]["ruptures"]["edges"][0]["node"]
    reponse = demander(passerelle, jeton, f'{{ jeune(id: "{noeud["jeune"]["id"]}") {{ prenom suivi {{ date }} }} }}')
    code, dit = commande("personne", noeud["jeune"]["id"])
    assert code == 0
    ligne = dit.splitlines()[-1].split("\t")
    assert ligne[1:7] == [
        "MISSION_LOCALE", monde.clients["ml"].organisation, '"c\\n7"', "ml", "ACCOMPAGNEMENT", "Jeune.prenom,Jeune.suivi",
    ]  # fmt: skip
    assert ligne[7] == reponse.headers["x-request-id"]
    assert commande("personne", "inconnue") == (2, "")


def test_l03_store_down_refuses_what_is_nominative_and_the_rest_goes_on(
    monde: Monde, a_part: tuple[PasserelleLancee, str]
) -> None:
    """Each process by itself: a balancer sends nothing to those that say they are not ready."""
    passerelle, journal = a_part
    jeton = monde.jeton("ml")
    jusqu_a_complete(passerelle, jeton, RUPTURES)
    with sans_entrees(journal):
        for noeud in noeuds(passerelle):
            refusee = demander(noeud, jeton, RUPTURES)
            assert refusee.status_code == 503
            assert refusee.json().keys() == {"errors"}
            assert refusee.json()["errors"][0]["extensions"]["code"] == "ERREUR_INTERNE"
            assert demander(noeud, jeton, COMPTE).json()["data"]["ruptures"]["totalCount"] > 0
        time.sleep(VALIDITE)  # what a probe found before is believed at most so long
        for noeud in noeuds(passerelle):
            assert pret(noeud.url) == (503, ["journal"])
            assert "passerelle_journal_disponible 0.0" in mesures(noeud)
    for noeud in noeuds(passerelle):
        assert demander(noeud, jeton, RUPTURES).status_code == 200
        assert "passerelle_journal_disponible 1.0" in mesures(noeud)
    attendre(passerelle)  # until a balancer sends requests again


def test_a10_l09_an_account_reads_its_quota_of_distinct_persons_and_no_more(
    monde: Monde, a_part: tuple[PasserelleLancee, str]
) -> None:
    passerelle, _ = a_part
    alice, benoit = monde.jeton("ml-quota", agent="alice\nalice"), monde.jeton("ml-quota", agent="benoit")
    assert jusqu_a_complete(passerelle, alice, RUPTURES)["data"]["ruptures"]["edges"]
    tous = demander(passerelle, alice, "{ jeunes(first: 20) { edges { node { nom } } } }")
    assert (tous.status_code, tous.json().keys()) == (429, {"errors"})
    assert tous.json()["errors"][0]["extensions"]["code"] == "QUOTA_ATTEINT"
    assert 0 < int(tous.headers["retry-after"]) <= 24 * 3600
    for _ in range(2):  # those already read
        assert demander(passerelle, alice, RUPTURES).status_code == 200
    assert demander(passerelle, alice, COMPTE).status_code == 200
    assert demander(passerelle, benoit, RUPTURES).status_code == 200
    assert compteur(passerelle, 'passerelle_quota_franchi_total{niveau="ALERTE",portee="COMPTE"}') == 2
    assert compteur(passerelle, 'passerelle_quota_franchi_total{niveau="ARRET",portee="COMPTE"}') == 1
    lignes = [ligne for ligne in passerelle.journal.read_text(encoding="utf-8").splitlines() if "quota COMPTE" in ligne]
    assert [ligne.partition("quota ")[2] for ligne in lignes] == [
        'COMPTE ALERTE : "alice\\nalice", 3 personnes sur 5',
        'COMPTE ARRET : "alice\\nalice", 3 personnes sur 5',
        'COMPTE ALERTE : "benoit", 3 personnes sur 5',
    ]


def test_a02_an_account_that_guesses_finds_nothing_more(monde: Monde, a_part: tuple[PasserelleLancee, str]) -> None:
    passerelle, _ = a_part
    devin, autre = monde.jeton("ml-quota", agent="devin"), monde.jeton("ml-quota", agent="autre")
    vraie = jusqu_a_complete(passerelle, autre, RUPTURES)["data"]["ruptures"]["edges"][0]["node"]["jeune"]["id"]
    cherche = '{ rechercheJeune(nom: "Nemo", prenom: "Ada", dateNaissance: "2006-01-02") { jeune { nom } } }'
    for requete in (
        '{ jeune(id: "a") { nom } }',
        '{ contrat(numero: "b") { numero } }',
        cherche,
        '{ node(id: "c") { id } }',
    ):
        assert demander(passerelle, devin, requete).status_code == 200
    assert demander(passerelle, devin, f'{{ jeune(id: "{vraie}") {{ nom }} }}').json()["data"]["jeune"]
    trop = demander(passerelle, devin, '{ a: rupture(id: "d") { id } b: rupture(id: "e") { id } }')
    assert (trop.status_code, trop.json()["errors"][0]["extensions"]["code"]) == (429, "QUOTA_ATTEINT")
    assert 0 < int(trop.headers["retry-after"]) <= 600
    assert demander(passerelle, devin, f'{{ jeune(id: "{vraie}") {{ nom }} }}').status_code == 429
    assert demander(passerelle, autre, f'{{ jeune(id: "{vraie}") {{ nom }} }}').status_code == 200


def test_a_client_is_told_its_pace_and_stopped_beyond(monde: Monde, a_part: tuple[PasserelleLancee, str]) -> None:
    passerelle, _ = a_part
    jeton = monde.jeton("ml-quota")
    premiere = demander(passerelle, jeton, "{ moi { profil } }")
    assert premiere.headers["ratelimit-limit"] == "3000"
    reste = int(premiere.headers["ratelimit-remaining"])
    assert 0 < int(premiere.headers["ratelimit-reset"]) <= 60
    seconde = demander(passerelle, jeton, "{ moi { profil } }")
    assert int(seconde.headers["ratelimit-remaining"]) == reste - seconde.json()["extensions"]["cout"] - 10
    lourde = "{ jeunes(first: 500) { edges { node { id nom prenom age sexe } } } }"  # above three thousand
    refusee = demander(passerelle, jeton, lourde)
    assert (refusee.status_code, refusee.json()["errors"][0]["extensions"]["code"]) == (429, "QUOTA_ATTEINT")
    assert 0 < int(refusee.headers["retry-after"]) <= 60
    assert refusee.headers["ratelimit-remaining"] == "0"
    assert demander(passerelle, jeton, "{ moi { profil } }").status_code == 429
    assert demander(passerelle, monde.jeton("ml"), "{ moi { profil } }").status_code == 200


def test_l03_killed_between_the_entry_and_the_answer(
    monde: Monde, a_part: tuple[PasserelleLancee, str], commande: Commande
) -> None:
    """Whenever its processes die, every answer that left has its entry, and the chain is whole."""
    passerelle, journal = a_part
    processus = [noeud.processus for noeud in noeuds(passerelle)]
    jeton = monde.jeton("ml")
    jusqu_a_complete(passerelle, jeton, RUPTURES)
    recues: list[str] = []

    def lire() -> None:
        while any(un.poll() is None for un in processus):
            with contextlib.suppress(httpx.TransportError):
                reponse = demander(passerelle, jeton, RUPTURES)
                recues.append(reponse.headers["x-request-id"])

    lecteurs = [threading.Thread(target=lire) for _ in range(4)]
    for lecteur in lecteurs:
        lecteur.start()
    while len(recues) < 30 and all(un.poll() is None for un in processus):
        time.sleep(0.001)
    for un in processus:
        un.kill()
    for lecteur in lecteurs:
        lecteur.join()
    assert set(recues) <= entrees(journal).keys()
    code, dit = commande("verifier", GATEWAY_JOURNAL_URL=journal)
    assert (code, dit.startswith("journal intègre, entrées 1 à ")) == (0, True)
    ecrire(journal, "DELETE FROM journal_entrees WHERE numero = 3")
    assert commande("verifier", GATEWAY_JOURNAL_URL=journal) == (1, "entrée 3 : manquante\n")


@pytest.mark.anyio
async def test_a10_processes_of_one_postgresql_count_together(monde: Monde, peu: Path, tmp_path: Path) -> None:
    """What another process counted, the gateway knows; killed, it leaves a chain that the other goes on with."""
    jour = monde.population.aujourdhui
    siens = plafonds(Quotas(personnes_jour=5), Profil.MISSION_LOCALE, "chloé", "MISSION_LOCALE/x", jour)
    ailleurs = Inscription(acte("LECTURE", datetime.now(UTC)), ("p1", "p2", "p3"), Comptage(siens, "x", 100))
    async with base("postgresql", tmp_path) as url:
        autre = Journal(url, Sceau.depuis_texte(monde.environnement["GATEWAY_CLE"]))
        await autre.ouvrir()
        await autre.inscrire(ailleurs)
        with monde.gateway(GATEWAY_JOURNAL_URL=url, GATEWAY_CONFIG=str(peu)) as passerelle:
            jusqu_a_complete(passerelle, monde.jeton("ml-quota", agent="didier"), RUPTURES)
            assert demander(passerelle, monde.jeton("ml-quota", agent="chloé"), RUPTURES).status_code == 429
            for noeud in noeuds(passerelle):
                noeud.processus.kill()
        await autre.inscrire(ailleurs)
        constat = await verifier(autre)
        await autre.fermer()
    assert constat.defaut is None
    assert constat.fin.numero >= 3
