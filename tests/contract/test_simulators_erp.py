"""The ERP simulators speak their dialects, with the quirks that make them worth simulating."""

import csv
import io
from collections.abc import Iterator

import httpx
import pytest

from tests.support.contract import simulated_population as world
from tests.support.contract.simulators import RunningSimulators, running_simulators, ypareo_rows


@pytest.fixture(scope="module")
def simulators() -> Iterator[RunningSimulators]:
    with running_simulators(world.population(), quota_gestibase=20) as opened:
        yield opened


@pytest.fixture(scope="module")
def numerous() -> Iterator[RunningSimulators]:
    """450 youths a CFA: several pages."""
    with running_simulators(world.population(eleves=450)) as opened:
        yield opened


def test_ypareo_tells_a_youth_once_with_one_inscription_a_school_year(simulators: RunningSimulators) -> None:
    periods = ypareo_rows(simulators.ypareo("periodes", world.YPAREO))
    assert [p["nomPeriode"] for p in periods] == ["2022-2023", "2023-2024", "2024-2025", "2025-2026"]
    assert (periods[-1]["dateDeb"], periods[-1]["dateFin"]) == ("01/08/2025", "31/07/2026")
    codes = ",".join(str(p["codePeriode"]) for p in periods)
    (eleve,) = ypareo_rows(simulators.ypareo("formation-longue/apprenants", world.YPAREO, codesPeriode=codes))
    assert (eleve["codeApprenant"], eleve["nomApprenant"], eleve["dateNaissance"]) == (42, "LE GOFF", "07/03/2006")
    assert eleve["adresse"]["cp"] == 1000
    assert eleve["adresse"]["tel1"] == "06 39 98 00 01"
    (journal_entry,) = eleve["inscriptions"]
    assert (journal_entry["codePeriode"], journal_entry["dateDeb"]) == (periods[-1]["codePeriode"], "01/09/2025")
    statuts = {
        line["codeStatut"]: line["nomStatut"] for line in ypareo_rows(simulators.ypareo("statuts", world.YPAREO))
    }
    assert statuts[journal_entry["codeStatut"]] == "Rupture"


def test_ypareo_contract_leads_to_its_employer_and_site(simulators: RunningSimulators) -> None:
    code = ypareo_rows(simulators.ypareo("periodes", world.YPAREO))[-1]["codePeriode"]
    (contrat,) = ypareo_rows(simulators.ypareo("contrats", world.YPAREO, codesPeriode=str(code)))
    assert (contrat["dateDebContrat"], contrat["dateResiliation"], contrat["resilEnCours"]) == (
        "01/09/2025",
        "01/02/2026",
        0,
    )
    employeurs = {e["codeEntreprise"]: e for e in ypareo_rows(simulators.ypareo("entreprises", world.YPAREO))}
    employeur = employeurs[contrat["codeEntreprise"]]
    assert (employeur["siret"], employeur["naf"], employeur["cp"]) == ("732 829 320 00074", "10.71D", 1000)
    sites = {s["codeSite"]: s for s in ypareo_rows(simulators.ypareo("sites", world.YPAREO))}
    assert sites[contrat["codeSite"]]["uai"].zfill(8) == world.YPAREO
    formations = {f["codeFormation"]: f for f in ypareo_rows(simulators.ypareo("formations", world.YPAREO))}
    assert formations[contrat["codeFormation"]]["codeRNCP"] == "37537"


def test_ypareo_nothing_found_is_an_empty_200(simulators: RunningSimulators) -> None:
    response = simulators.ypareo("contrats", world.YPAREO, codesPeriode="99999")
    assert (response.status_code, response.content) == (200, b"")


def test_ypareo_refuses_the_token_of_another_tenant(simulators: RunningSimulators) -> None:
    headers = {"X-Auth-Token": simulators.secret("ypareo", world.YPAREO_BIS)}
    response = simulators.http.get(f"/ypareo/{world.YPAREO.lower()}/index.php/r/v1/sites", headers=headers)
    assert (response.status_code, response.json()) == (401, {"message": "Token invalide"})


def test_gestibase_page_has_heading_rows_and_totals(simulators: RunningSimulators) -> None:
    response = simulators.gestibase(world.GESTIBASE, annee=2025, page=1, par_page=500)
    text = response.content.removeprefix(b"\xef\xbb\xbf").decode("iso-8859-15")
    header, line, total = csv.reader(io.StringIO(text), delimiter=";")
    result = dict(zip(header, line, strict=True))
    assert total[:2] == ["TOTAL", "1"]
    assert (result["Elève ID"], result["Elève prénom"], result["Elève date naissance"]) == (
        "E00042",
        "Jean-Marie",
        "20060307",
    )
    assert (result["Statut"], result["CFA UAI"], result["RQTH"]) == ("2", world.GESTIBASE, "O")
    assert (result["Contrat date rupture"], result["Mds SIRET"]) == ("20260201", "73282932000074")
    assert "link" not in response.headers


def test_gestibase_lists_only_the_school_year_asked(simulators: RunningSimulators) -> None:
    response = simulators.gestibase(world.GESTIBASE, annee=2023)
    assert b"TOTAL;0;" in response.content


def test_gestibase_pages_follow_a_link_that_does_not_hold_the_key(numerous: RunningSimulators) -> None:
    key = numerous.secret("gestibase", world.GESTIBASE)
    pages = [numerous.gestibase(world.GESTIBASE, annee=2025, par_page=200)]
    while "next" in pages[-1].links:
        following = pages[-1].links["next"]["url"]
        assert key not in following
        pages.append(numerous.http.get(httpx.URL(following).copy_add_param("cle", key)))
    assert len(pages) == 3
    assert all(f"TOTAL;{n};".encode() in page.content for n, page in zip((200, 200, 50), pages, strict=True))


def test_gestibase_bad_key_is_a_login_page_at_200(simulators: RunningSimulators) -> None:
    response = simulators.http.get("/gestibase/export/eleves.csv", params={"cle": "fausse", "annee": 2025})
    assert (response.status_code, response.headers["content-type"]) == (200, "text/html; charset=utf-8")


def test_gestibase_quota_is_a_json_error_at_200_until_a_minute_has_passed() -> None:
    with running_simulators(world.population(), quota_gestibase=2) as opened:
        responses = [opened.gestibase(world.GESTIBASE, annee=2025) for _ in range(3)]
        assert [r.headers["content-type"] for r in responses[:2]] == ["text/csv; charset=iso-8859-15"] * 2
        assert (responses[2].status_code, responses[2].json()) == (200, {"erreur": "quota"})
        opened.check.set_pragmas(opened.check.now().replace(hour=18))
        assert opened.gestibase(world.GESTIBASE, annee=2025).headers["content-type"] == "text/csv; charset=iso-8859-15"


def test_aimaira_links_entities_by_id_and_tells_the_last_day_worked(simulators: RunningSimulators) -> None:
    (apprenant,) = simulators.aimaira("Apprenant", world.AIMAIRA).json()["value"]
    assert (apprenant["Prenoms"], apprenant["DateNaissance"]) == ("Jean Marie", "2006-03-07T00:00:00+01:00")
    mobiles = {m["Id"]: m["Numero"] for m in simulators.aimaira("Mobile", world.AIMAIRA).json()["value"]}
    assert mobiles[apprenant["MobileId"]] == "+33 6 39 98 00 01"
    (representant,) = simulators.aimaira("Representant", world.AIMAIRA).json()["value"]
    assert (apprenant["Representant1Id"], mobiles[representant["MobileId"]]) == (
        representant["Id"],
        "+33 6 39 98 00 02",
    )
    (convention,) = simulators.aimaira("Convention", world.AIMAIRA).json()["value"]
    assert (convention["ApprenantId"], convention["DateRupture"]) == (apprenant["Id"], "2026-01-31T00:00:00+01:00")
    (programme,) = simulators.aimaira("Programme", world.AIMAIRA).json()["value"]
    assert (convention["ProgrammeId"], programme["CodeRncp"]) == (programme["Id"], "RNCP37537")
    (etablissement,) = simulators.aimaira("Etablissement", world.AIMAIRA).json()["value"]
    assert (programme["EtablissementId"], etablissement["Uai"]) == (etablissement["Id"], world.AIMAIRA)


def test_aimaira_tells_amendments_as_conventions_of_their_own() -> None:
    population = world.population()
    population.accounts["aimaira"][world.AIMAIRA][0].person.contrats = [world.extended_contrat(world.AIMAIRA)]
    with running_simulators(population) as opened:
        origin, avenant = opened.aimaira("Convention", world.AIMAIRA).json()["value"]
    assert (origin["Avenant"], origin["ConventionOrigineId"]) == (False, 0)
    assert (avenant["Avenant"], avenant["ConventionOrigineId"]) == (True, origin["Id"])
    assert (origin["DateFin"][:10], avenant["DateFin"][:10]) == ("2027-06-30", "2027-08-31")


def test_aimaira_pages_by_next_link_of_the_same_origin(numerous: RunningSimulators) -> None:
    page = numerous.aimaira("Apprenant", world.AIMAIRA, top=900).json()
    sizes = [len(page["value"])]
    while following := page.get("@odata.nextLink"):
        assert following.startswith(f"http://127.0.0.1:{numerous.port}/aimaira/")
        page = numerous.http.get(following, headers={"X-ApiKey": numerous.secret("aimaira", world.AIMAIRA)}).json()
        sizes.append(len(page["value"]))
    assert sizes == [200, 200, 50]


def test_aimaira_refuses_without_the_key(simulators: RunningSimulators) -> None:
    response = simulators.http.get(f"/aimaira/{world.AIMAIRA.lower()}/GraphV1/Apprenant")
    assert response.status_code == 401


@pytest.mark.parametrize("erp", ["ypareo", "aimaira"])
def test_two_of_them_give_validators_and_confirm_what_did_not_change(simulators: RunningSimulators, erp: str) -> None:
    path, uai, header = {
        "ypareo": ("/ypareo/{}/index.php/r/v1/periodes", world.YPAREO, "X-Auth-Token"),
        "aimaira": ("/aimaira/{}/GraphV1/Apprenant", world.AIMAIRA, "X-ApiKey"),
    }[erp]
    access = {header: simulators.secret(erp, uai)}
    result = simulators.http.get(path.format(uai.lower()), headers=access)
    mark = result.headers["ETag"]
    same = [
        simulators.http.get(path.format(uai.lower()), headers={**access, "If-None-Match": kept_version})
        for kept_version in (mark, f'"autre", W/{mark}', '"autre"')
    ]
    assert [(response.status_code, response.content == b"") for response in same] == [
        (304, True),
        (304, True),
        (200, False),
    ]
    assert {response.headers["ETag"] for response in same} == {mark}
    refusal = simulators.http.get(path.format(uai.lower()), headers={header: "faux", "If-None-Match": mark})
    assert refusal.status_code == 401  # who may not read is told nothing, not even that nothing changed
