"""A world: its clients, the configuration it writes, its clock; and the demo as a developer runs it."""

import os
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

import httpx
import pytest

from fixtures.clients import clients_demo
from fixtures.configuration import ecrire_configuration
from fixtures.monde import Monde, Ports
from fixtures.passerelle import RACINE
from fixtures.population.generateur import generer
from fixtures.population.modele import Population
from fixtures.serveurs import PortOccupe, port_libre, reserver
from fixtures.simulateurs.horloge import PARIS
from tests.contract import simulateurs_population as petite


@pytest.fixture(scope="module")
def population() -> Population:
    return generer(jeunes=400, aujourdhui=date(2026, 10, 15))


@pytest.fixture(scope="module")
def monde(population: Population) -> Iterator[Monde]:
    with Monde(population) as ouvert:
        yield ouvert


def test_every_client_is_bound_to_an_organisation_of_the_population(population: Population) -> None:
    clients, geo = clients_demo(population), population.geographie
    fixes = (
        "ml ml-voisine ml-deux-finalites ml-quota si-partenaire dreets ddets academie france-travail arml cfa reseau"
    )
    assert set(clients) == {*fixes.split(), "statistiques", "admin", *(f"ml-{code}" for code in geo.missions_locales)}
    assert {clients[nom].organisation for nom in ("ml", "ml-deux-finalites", "ml-quota", "si-partenaire")} == {
        clients["ml"].organisation
    }
    assert clients["ml-voisine"].organisation in set(geo.missions_locales) - {clients["ml"].organisation}
    assert population.cfas[clients["cfa"].organisation].erp == "ypareo"
    assert any(clients["reseau"].organisation in cfa.reseaux for cfa in population.cfas.values())
    assert (clients["dreets"].organisation, clients["academie"].organisation) == ("32", "20")
    assert clients["ddets"].organisation in geo.departements
    assert (clients["ml-quota"].quota, clients["si-partenaire"].comme) == (None, "MISSION_LOCALE")
    assert clients["ml-deux-finalites"].finalites == ("ACCOMPAGNEMENT", "PILOTAGE")


def test_the_demos_mission_locale_has_the_most_recent_ruptures(population: Population) -> None:
    debut, comptes = date(2026, 4, 18), dict.fromkeys(population.geographie.missions_locales, 0)
    for personne in population.personnes:
        dates = [contrat.rupture.date for contrat in personne.contrats if contrat.rupture]
        comptes[personne.mission_locale] += sum(debut <= jour <= population.aujourdhui for jour in dates)
    assert comptes[clients_demo(population)["ml"].organisation] == max(comptes.values()) > 0


def test_configuration_names_secrets_and_holds_none(tmp_path: Path) -> None:
    env = ecrire_configuration(tmp_path, petite.population(), port_simulateurs=8020, port_identite=8010)
    assert env["GATEWAY_CONFIG"] == str(tmp_path)
    fichiers = {chemin.name: chemin.read_text(encoding="utf-8") for chemin in tmp_path.rglob("*.*")}
    secrets = {nom: valeur for nom, valeur in env.items() if nom != "GATEWAY_CONFIG"}
    assert len(set(secrets.values())) == len(secrets)
    assert not [valeur for valeur in secrets.values() for texte in fichiers.values() if valeur in texte]
    ypareo = tomllib.loads(fichiers["ypareo.toml"])
    assert ypareo["base_url"] == "http://127.0.0.1:8020/ypareo/{code}/index.php"
    lignes = fichiers["ypareo.locataires.csv"].splitlines()
    assert lignes[0] == "uai,siret,code,base_url,secret"
    assert lignes[1] == f"{petite.YPAREO},35600000000048,{petite.YPAREO.lower()},,YPAREO_CLE_{petite.YPAREO}"
    assert tomllib.loads(fichiers["registre.toml"])["moisson"] == {"depuis": date(2025, 9, 10), "fenetre_jours": 59}
    assert set(tomllib.loads(fichiers["clients.toml"])["clients"]) == set(clients_demo(petite.population()))


def test_an_erp_without_cfa_has_no_file(tmp_path: Path) -> None:
    population = petite.population()
    population.cfas = {uai: cfa for uai, cfa in population.cfas.items() if cfa.erp != "aimaira"}
    ecrire_configuration(tmp_path, population, port_simulateurs=1, port_identite=2)
    assert {chemin.stem for chemin in (tmp_path / "partenaires").glob("*.toml")} == {
        *("ypareo", "gestibase", "registre", "imilo", "referentiel")
    }


def test_a_world_of_another_day_lives_on_that_day(monde: Monde) -> None:
    assert monde.environnement["GATEWAY_NOW"] == "2026-10-15"
    assert monde.controle.maintenant().date() == date(2026, 10, 15)
    with monde.nuit():
        nuit = monde.controle.maintenant()
        assert (nuit.date(), nuit.hour, nuit.astimezone(PARIS).utcoffset()) == (date(2026, 10, 15), 3, nuit.utcoffset())
    assert monde.controle.maintenant().astimezone(PARIS).hour == 14


def test_a_world_of_today_keeps_the_systems_time() -> None:
    population = petite.population(aujourdhui=datetime.now(PARIS).date())
    with Monde(population) as ouvert:
        assert "GATEWAY_NOW" not in ouvert.environnement
        with ouvert.nuit():
            assert ouvert.controle.maintenant().hour == 3
        assert abs((ouvert.controle.maintenant() - datetime.now(PARIS)).total_seconds()) < 60


def test_truth_and_tokens_of_a_world(monde: Monde) -> None:
    personnes = list(monde.controle.verite())
    assert len(personnes) == 400
    assert {"nom", "prenom", "date_naissance", "insee", "mission_locale", "contrats", "enregistrements"} <= set(
        personnes[0]
    )
    assert monde.jeton("ml").count(".") == 2
    with pytest.raises(httpx.HTTPStatusError):
        monde.jeton("inconnu")


def test_a_busy_port_is_one_clear_line() -> None:
    with reserver(0) as prise, pytest.raises(PortOccupe, match=r"^port \d+ on 127.0.0.1 is already in use: [^\n]+$"):
        Monde(petite.population(), ports=Ports(simulateurs=prise.getsockname()[1])).__enter__()


def _demo(dossier: Path, **env: str) -> "subprocess.Popen[str]":
    ports = [f"--port-simulateurs={port_libre()}", f"--port-identite={port_libre()}"]
    return subprocess.Popen(
        [sys.executable, "-m", "fixtures", "demo", "--jeunes=400", f"--dossier={dossier}", *ports],
        cwd=RACINE,
        env={**os.environ, **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_demo_refuses_to_start_on_a_busy_port(tmp_path: Path) -> None:
    with reserver(0) as prise, _demo(tmp_path, PORT=str(prise.getsockname()[1])) as processus:
        sortie, erreurs = processus.communicate(timeout=60)
    assert (processus.returncode, sortie) == (1, "")
    assert erreurs.startswith("fixtures: port ")
    assert erreurs.count("\n") == 1


def test_demo_answers_a_real_query_then_ends_all_it_started(tmp_path: Path) -> None:
    port = port_libre()
    lues: list[str] = []
    with _demo(tmp_path / "une démo", PORT=str(port)) as processus:
        assert processus.stdout is not None
        for ligne in processus.stdout:
            lues.append(ligne)
            if ligne.startswith("Ctrl-C"):
                break
        processus.send_signal(signal.SIGINT)
        try:
            reste, erreurs = processus.communicate(timeout=60)
        except subprocess.TimeoutExpired:  # told to ignore it by what started these tests in the background
            processus.terminate()
            raise
    assert (processus.returncode, reste, erreurs) == (0, "", "")
    texte = "".join(lues)
    assert '"totalCount": ' in texte
    assert '"denomination": ' in texte
    assert f"http://127.0.0.1:{port}/graphql" in texte
    reserver(port).close()  # the gateway is gone
