"""The registry, the Missions locales' system and the referential speak their dialects."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import httpx
import pytest

from fixtures.simulateurs import imilo, referentiel, registre
from fixtures.simulateurs.horloge import PARIS
from fixtures.simulateurs.registre_lignes import Evenement, numero_variante, vues
from tests.contract import simulateurs_population as monde
from tests.contract.simulateurs_outils import Banc, banc

NUIT = datetime(2026, 3, 2, 3, 0, tzinfo=PARIS)


@pytest.fixture(scope="module")
def simulateurs() -> Iterator[Banc]:
    with banc(monde.population()) as ouvert:
        ouvert.controle.regler(NUIT)
        yield ouvert


def extraire(ouvert: Banc, debut: str, fin: str, vue: str = "TBA") -> httpx.Response:
    login = vue.lower()
    mot = registre.mot_de_passe(ouvert.population, login)
    corps = {"dateDebut": debut, "dateFin": fin, "page": 1}
    return ouvert.http.post(f"/registre/contrats/extract{vue}", json=corps, auth=(login, mot))


def contrats(ouvert: Banc, debut: str, fin: str, vue: str = "TBA") -> list[dict[str, Any]]:
    lus: list[dict[str, Any]] = extraire(ouvert, debut, fin, vue).json()["contrats"]
    return lus


def test_registry_tells_each_event_on_the_day_it_was_processed(simulateurs: Banc) -> None:
    (depot,) = contrats(simulateurs, "2025-09-10", "2025-09-10")
    assert (depot["detailsContrat"]["dateFinContrat"], depot["rupture"]["dateEffetRupture"]) == ("2027-06-30", "")
    (avenant,) = contrats(simulateurs, "2026-01-20", "2026-01-20")
    assert (avenant["detailsContrat"]["noAvenant"], avenant["detailsContrat"]["dateFinContrat"]) == ("1", "2027-08-31")
    (rompu,) = contrats(simulateurs, "2026-02-12", "2026-02-12")
    assert (rompu["detailsContrat"]["statut"], rompu["rupture"]["dateEffetRupture"]) == ("Rompu", "2026-02-01")
    assert rompu["rupture"]["dateSignalement"] == "2026-02-11"
    assert {une["detailsContrat"]["noContrat"] for une in (depot, avenant, rompu)} == {monde.NUMERO}
    assert contrats(simulateurs, "2025-11-01", "2025-12-29") == []


def test_registry_views_have_their_own_fields(simulateurs: Banc) -> None:
    (tba,) = contrats(simulateurs, "2025-09-10", "2025-09-10", "TBA")
    (lba,) = contrats(simulateurs, "2025-09-10", "2025-09-10", "LBA")
    assert (tba["alternant"]["adresse"]["codePostal"], tba["employeur"]) == ("01000", {"codeIdcc": "0843"})
    assert (lba["employeur"]["siret"], lba["detailsContrat"]["dateConclusion"]) == ("73282932000074", "2025-08-20")
    assert "adresse" not in lba["alternant"]
    assert tba["organismeFormationResponsable"] == {"uaiCfa": monde.YPAREO, "siret": "35600000000048"}


@pytest.mark.parametrize(
    ("debut", "fin", "statut"),
    [
        ("2026-01-01", "2026-03-01", 200),  # 60 days
        ("2025-12-31", "2026-03-01", 413),
        ("2026-03-01", "2026-03-02", 400),  # today
        ("2026-02-02", "2026-02-01", 400),
        ("2026-02-30", "2026-02-30", 400),
    ],
)
def test_registry_windows(simulateurs: Banc, debut: str, fin: str, statut: int) -> None:
    assert extraire(simulateurs, debut, fin).status_code == statut


def test_registry_asks_one_credential_a_view(simulateurs: Banc) -> None:
    mot = registre.mot_de_passe(simulateurs.population, "lba")
    assert simulateurs.http.post("/registre/contrats/extractTBA", auth=("lba", mot)).status_code == 401


@pytest.mark.parametrize(
    ("heure", "attente"),
    [((6, 59, 59), 0), ((7, 0, 0), 43_200), ((18, 59, 0), 60), ((19, 0, 0), 0)],
)
def test_registry_opens_at_night(heure: tuple[int, int, int], attente: int) -> None:
    instant = datetime(2026, 3, 2, *heure, tzinfo=PARIS)
    assert registre.secondes_avant_ouverture(instant) == attente


def test_registry_closed_says_when_it_opens(simulateurs: Banc) -> None:
    simulateurs.controle.regler(datetime(2026, 3, 2, 18, 0, tzinfo=PARIS))
    try:
        reponse = extraire(simulateurs, "2026-02-01", "2026-02-01")
    finally:
        simulateurs.controle.regler(NUIT)
    assert reponse.status_code == 503
    assert 3590 < int(reponse.headers["retry-after"]) <= 3600


def test_registry_noise_adds_rows_that_a_reader_must_set_aside() -> None:
    with banc(monde.population(bruit=0.0)) as calme, banc(monde.population(bruit=100.0)) as bruyant:
        for ouvert in (calme, bruyant):
            ouvert.controle.regler(NUIT)
        assert len(contrats(calme, "2025-09-01", "2025-10-25")) == 1
        lignes = [une["detailsContrat"] for une in contrats(bruyant, "2025-09-01", "2025-10-25")]
    vus = [(une["noContrat"], une["dispositif"], une["statut"] in ("Annulé", "Supprimé")) for une in lignes]
    double, prof = numero_variante(monde.NUMERO, "doublon"), numero_variante(monde.NUMERO, "PROF")
    assert vus == [
        (monde.NUMERO, "APPR", False),
        (double, "APPR", False),
        (prof, "PROF", False),
        (monde.NUMERO, "APPR", False),  # corrected
        (double, "APPR", True),
    ]


def test_registry_lba_alone_tells_only_contracts_of_cfas_that_an_erp_serves() -> None:
    bruyante = monde.population(bruit=100.0)
    (recit,) = bruyante.recits["registre"][""]
    connues = {
        vues(Evenement(monde.AUJOURDHUI, recit, monde.contrat(monde.YPAREO, numero=str(n))), bruyante)
        for n in range(50)
    }
    assert connues == {frozenset({"tba"}), frozenset({"lba"})}
    inconnues = {
        vues(Evenement(monde.AUJOURDHUI, recit, monde.contrat("0010001X", numero=str(n))), bruyante) for n in range(50)
    }
    assert inconnues == {frozenset({"tba"})}


def entetes_imilo(ouvert: Banc, acces: str = "dossier") -> dict[str, str]:
    return {"X-Gravitee-Api-Key": imilo.cle_api(ouvert.population, acces), "operateur": "APPLICATION_CEJ"}


def test_imilo_tells_the_dossiers_of_a_structure(simulateurs: Banc) -> None:
    chemin = "/imilo/operateurs/structures/01002/dossiers"
    (dossier,) = simulateurs.http.get(chemin, headers=entetes_imilo(simulateurs)).json()
    assert (dossier["idDossier"], dossier["dateNaissance"], dossier["telephone"]) == (9001, "2006-03-07", "0639980001")
    assert (dossier["adresse"]["numero"], dossier["adresse"]["libelleVoie"]) == ("12 bis", "rue des Lilas")
    assert dossier["suiviApprentissage"]["majLe"] == "2026-02-10 09:30:00"
    assert dossier["collaboration"]["demandeeLe"] == "2026-02-05 14:00:00"
    assert dossier["situations"] == [
        {"etat": "TERMINE", "dateFin": "2026-02-01 00:00:00", "categorieSituation": "Contrat en Alternance"}
    ]
    seul = simulateurs.http.get("/imilo/sue/dossiers/9001", headers=entetes_imilo(simulateurs)).json()
    assert seul == dossier


@pytest.mark.parametrize("chemin", ["/imilo/operateurs/structures/01009/dossiers", "/imilo/sue/dossiers/1"])
def test_imilo_not_found_is_an_empty_200(simulateurs: Banc, chemin: str) -> None:
    reponse = simulateurs.http.get(chemin, headers=entetes_imilo(simulateurs))
    assert (reponse.status_code, reponse.content) == (200, b"")


def test_imilo_wants_the_key_of_the_api_and_the_operator(simulateurs: Banc) -> None:
    chemin, bonnes = "/imilo/operateurs/structures/01002/dossiers", entetes_imilo(simulateurs)
    assert simulateurs.http.get(chemin).status_code == 401
    assert simulateurs.http.get(chemin, headers=entetes_imilo(simulateurs, "events")).status_code == 403
    assert simulateurs.http.get(chemin, headers={**bonnes, "operateur": "AUTRE"}).status_code == 403
    assert simulateurs.http.get(chemin, params={"taillePage": 151}, headers=bonnes).status_code == 400


def test_imilo_events_come_again_until_acknowledged() -> None:
    with banc(monde.population()) as ouvert:
        entetes = entetes_imilo(ouvert, "events")
        (evenement,) = ouvert.http.get("/imilo/operateurs/events", headers=entetes).json()
        assert (evenement["idDossier"], evenement["date"]) == (9001, "2026-02-10T08:30:00Z")
        assert ouvert.http.get("/imilo/operateurs/events", headers=entetes).json() == [evenement]
        chemin = f"/imilo/operateurs/events/{evenement['identifiant']}/ack"
        assert ouvert.http.post(chemin, headers=entetes).status_code == 204
        assert ouvert.http.get("/imilo/operateurs/events", headers=entetes).json() == []


def test_referential_pages_communes_missions_and_organismes(simulateurs: Banc) -> None:
    entetes = {"Authorization": f"Bearer {referentiel.cle_api(simulateurs.population)}"}
    params = {"page_index": 1, "page_size": 1}
    page = simulateurs.http.get("/referentiel/geographie/v1/communes", params=params, headers=entetes).json()
    assert page["pagination"] == {"page_index": 1, "page_size": 1, "total": 2}
    (commune,) = page["data"]
    assert commune["code"] == {"insee": "01053", "postaux": ["01000"]}
    assert (commune["mission_locale"]["code"], commune["region"]["code"]) == ("01002", "84")
    missions = simulateurs.http.get("/referentiel/geographie/v1/mission-locale", headers=entetes).json()["data"]
    assert [(m["code"], m["localisation"]["insee"]) for m in missions] == [("01001", "01004"), ("01002", "01053")]
    organismes = simulateurs.http.get("/referentiel/organisme/v1/export", headers=entetes).json()["data"]
    assert {o["identifiant"]["uai"] for o in organismes} == set(simulateurs.population.cfas)
    assert simulateurs.http.get("/referentiel/organisme/v1/export").status_code == 401
