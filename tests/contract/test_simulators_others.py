"""The registry, the Missions locales' system and the referential speak their dialects."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import httpx
import pytest

from fixtures.simulators import deca, imilo, referentiel
from fixtures.simulators.clock import PARIS
from fixtures.simulators.deca_rows import Event, numero_variant, views
from tests.support.contract import simulated_population as world
from tests.support.contract.simulators import RunningSimulators, running_simulators

NIGHT = datetime(2026, 3, 2, 3, 0, tzinfo=PARIS)


@pytest.fixture(scope="module")
def simulators() -> Iterator[RunningSimulators]:
    with running_simulators(world.population()) as opened:
        opened.check.set_pragmas(NIGHT)
        yield opened


def extract(opened: RunningSimulators, debut: str, fin: str, view: str = "TBA") -> httpx.Response:
    login = view.lower()
    word = deca.password(opened.population, login)
    body = {"dateDebut": debut, "dateFin": fin, "page": 1}
    return opened.http.post(f"/registre/contrats/extract{view}", json=body, auth=(login, word))


def contrats(opened: RunningSimulators, debut: str, fin: str, view: str = "TBA") -> list[dict[str, Any]]:
    results: list[dict[str, Any]] = extract(opened, debut, fin, view).json()["contrats"]
    return results


def test_registry_tells_each_event_on_the_day_it_was_processed(simulators: RunningSimulators) -> None:
    (depot,) = contrats(simulators, "2025-09-10", "2025-09-10")
    assert (depot["detailsContrat"]["dateFinContrat"], depot["rupture"]["dateEffetRupture"]) == ("2027-06-30", "")
    (avenant,) = contrats(simulators, "2026-01-20", "2026-01-20")
    assert (avenant["detailsContrat"]["noAvenant"], avenant["detailsContrat"]["dateFinContrat"]) == ("1", "2027-08-31")
    (broken,) = contrats(simulators, "2026-02-12", "2026-02-12")
    assert (broken["detailsContrat"]["statut"], broken["rupture"]["dateEffetRupture"]) == ("Rompu", "2026-02-01")
    assert broken["rupture"]["dateSignalement"] == "2026-02-11"
    assert {one["detailsContrat"]["noContrat"] for one in (depot, avenant, broken)} == {world.NUMERO}
    assert contrats(simulators, "2025-11-01", "2025-12-29") == []


def test_registry_views_have_their_own_fields(simulators: RunningSimulators) -> None:
    (tba,) = contrats(simulators, "2025-09-10", "2025-09-10", "TBA")
    (lba,) = contrats(simulators, "2025-09-10", "2025-09-10", "LBA")
    assert (tba["alternant"]["adresse"]["codePostal"], tba["employeur"]) == ("01000", {"codeIdcc": "0843"})
    assert (lba["employeur"]["siret"], lba["detailsContrat"]["dateConclusion"]) == ("73282932000074", "2025-08-20")
    assert "adresse" not in lba["alternant"]
    assert tba["organismeFormationResponsable"] == {"uaiCfa": world.YPAREO, "siret": "35600000000048"}


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
def test_registry_windows(simulators: RunningSimulators, debut: str, fin: str, statut: int) -> None:
    assert extract(simulators, debut, fin).status_code == statut


def test_registry_asks_one_credential_a_view(simulators: RunningSimulators) -> None:
    word = deca.password(simulators.population, "lba")
    assert simulators.http.post("/registre/contrats/extractTBA", auth=("lba", word)).status_code == 401


@pytest.mark.parametrize(
    ("moment", "waiting"),
    [((6, 59, 59), 0), ((7, 0, 0), 43_200), ((18, 59, 0), 60), ((19, 0, 0), 0)],
)
def test_registry_opens_at_night(moment: tuple[int, int, int], waiting: int) -> None:
    instant = datetime(2026, 3, 2, *moment, tzinfo=PARIS)
    assert deca.seconds_before_opening(instant) == waiting


def test_registry_closed_says_when_it_opens(simulators: RunningSimulators) -> None:
    simulators.check.set_pragmas(datetime(2026, 3, 2, 18, 0, tzinfo=PARIS))
    try:
        response = extract(simulators, "2026-02-01", "2026-02-01")
    finally:
        simulators.check.set_pragmas(NIGHT)
    assert response.status_code == 503
    assert 3590 < int(response.headers["retry-after"]) <= 3600


def test_registry_noise_adds_rows_that_a_reader_must_set_aside() -> None:
    with (
        running_simulators(world.population(noise=0.0)) as quiet,
        running_simulators(world.population(noise=100.0)) as noisy,
    ):
        for opened in (quiet, noisy):
            opened.check.set_pragmas(NIGHT)
        assert len(contrats(quiet, "2025-09-01", "2025-10-25")) == 1
        rows = [one["detailsContrat"] for one in contrats(noisy, "2025-09-01", "2025-10-25")]
    seen = [(one["noContrat"], one["dispositif"], one["statut"] in ("Annulé", "Supprimé")) for one in rows]
    double, prof = numero_variant(world.NUMERO, "doublon"), numero_variant(world.NUMERO, "PROF")
    assert seen == [
        (world.NUMERO, "APPR", False),
        (double, "APPR", False),
        (prof, "PROF", False),
        (world.NUMERO, "APPR", False),  # corrected
        (double, "APPR", True),
    ]


def test_registry_lba_alone_tells_only_contracts_of_cfas_that_an_erp_serves() -> None:
    noisy = world.population(noise=100.0)
    (account,) = noisy.accounts["registre"][""]
    known = {views(Event(world.TODAY, account, world.contrat(world.YPAREO, numero=str(n))), noisy) for n in range(50)}
    assert known == {frozenset({"tba"}), frozenset({"lba"})}
    unknown = {views(Event(world.TODAY, account, world.contrat("0010001X", numero=str(n))), noisy) for n in range(50)}
    assert unknown == {frozenset({"tba"})}


def imilo_headers(opened: RunningSimulators, acces: str = "dossier") -> dict[str, str]:
    return {"X-Gravitee-Api-Key": imilo.api_key(opened.population, acces), "operateur": "APPLICATION_CEJ"}


def test_imilo_tells_the_dossiers_of_a_structure(simulators: RunningSimulators) -> None:
    path = "/imilo/operateurs/structures/01002/dossiers"
    (record,) = simulators.http.get(path, headers=imilo_headers(simulators)).json()
    assert (record["idDossier"], record["dateNaissance"], record["telephone"]) == (9001, "2006-03-07", "0639980001")
    assert (record["adresse"]["numero"], record["adresse"]["libelleVoie"]) == ("12 bis", "rue des Lilas")
    assert record["suiviApprentissage"]["majLe"] == "2026-02-10 09:30:00"
    assert record["collaboration"]["demandeeLe"] == "2026-02-05 14:00:00"
    assert record["collaboration"]["uai"] == world.YPAREO
    assert record["situations"] == [
        {"etat": "TERMINE", "dateFin": "2026-02-01 00:00:00", "categorieSituation": "Contrat en Alternance"}
    ]
    single = simulators.http.get("/imilo/sue/dossiers/9001", headers=imilo_headers(simulators)).json()
    assert single == record


@pytest.mark.parametrize("path", ["/imilo/operateurs/structures/01009/dossiers", "/imilo/sue/dossiers/1"])
def test_imilo_not_found_is_an_empty_200(simulators: RunningSimulators, path: str) -> None:
    response = simulators.http.get(path, headers=imilo_headers(simulators))
    assert (response.status_code, response.content) == (200, b"")


def test_imilo_wants_the_key_of_the_api_and_the_operator(simulators: RunningSimulators) -> None:
    path, good = "/imilo/operateurs/structures/01002/dossiers", imilo_headers(simulators)
    assert simulators.http.get(path).status_code == 401
    assert simulators.http.get(path, headers=imilo_headers(simulators, "events")).status_code == 403
    assert simulators.http.get(path, headers={**good, "operateur": "AUTRE"}).status_code == 403
    assert simulators.http.get(path, params={"taillePage": 151}, headers=good).status_code == 400


def test_imilo_events_come_again_until_acknowledged() -> None:
    with running_simulators(world.population()) as opened:
        headers = imilo_headers(opened, "events")
        (event,) = opened.http.get("/imilo/operateurs/events", headers=headers).json()
        assert (event["idDossier"], event["date"]) == (9001, "2026-02-10T08:30:00Z")
        assert opened.http.get("/imilo/operateurs/events", headers=headers).json() == [event]
        path = f"/imilo/operateurs/events/{event['identifiant']}/ack"
        assert opened.http.post(path, headers=headers).status_code == 204
        assert opened.http.get("/imilo/operateurs/events", headers=headers).json() == []


def test_referential_pages_communes_missions_and_organismes(simulators: RunningSimulators) -> None:
    headers = {"Authorization": f"Bearer {referentiel.api_key(simulators.population)}"}
    params = {"page_index": 1, "page_size": 1}
    page = simulators.http.get("/referentiel/geographie/v1/communes", params=params, headers=headers).json()
    assert page["pagination"] == {"page_index": 1, "page_size": 1, "total": 2}
    (commune,) = page["data"]
    assert commune["code"] == {"insee": "01053", "postaux": ["01000"]}
    assert (commune["mission_locale"]["code"], commune["region"]["code"]) == ("01002", "84")
    missions = simulators.http.get("/referentiel/geographie/v1/mission-locale", headers=headers).json()["data"]
    assert [(m["code"], m["localisation"]["insee"]) for m in missions] == [("01001", "01004"), ("01002", "01053")]
    organismes = simulators.http.get("/referentiel/organisme/v1/export", headers=headers).json()["data"]
    assert {o["identifiant"]["uai"] for o in organismes} == set(simulators.population.cfas)
    assert simulators.http.get("/referentiel/organisme/v1/export").status_code == 401
