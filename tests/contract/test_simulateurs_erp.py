"""The ERP simulators speak their dialects, with the quirks that make them worth simulating."""

import csv
import io
from collections.abc import Iterator

import httpx
import pytest

from tests.contract import simulateurs_population as monde
from tests.contract.simulateurs_outils import Banc, banc, lignes_ypareo


@pytest.fixture(scope="module")
def simulateurs() -> Iterator[Banc]:
    with banc(monde.population(), quota_gestibase=20) as ouvert:
        yield ouvert


@pytest.fixture(scope="module")
def nombreux() -> Iterator[Banc]:
    """450 youths a CFA: several pages."""
    with banc(monde.population(eleves=450)) as ouvert:
        yield ouvert


def test_ypareo_tells_a_youth_once_with_one_inscription_a_school_year(simulateurs: Banc) -> None:
    periodes = lignes_ypareo(simulateurs.ypareo("periodes", monde.YPAREO))
    assert [p["nomPeriode"] for p in periodes] == ["2022-2023", "2023-2024", "2024-2025", "2025-2026"]
    assert (periodes[-1]["dateDeb"], periodes[-1]["dateFin"]) == ("01/08/2025", "31/07/2026")
    codes = ",".join(str(p["codePeriode"]) for p in periodes)
    (eleve,) = lignes_ypareo(simulateurs.ypareo("formation-longue/apprenants", monde.YPAREO, codesPeriode=codes))
    assert (eleve["codeApprenant"], eleve["nomApprenant"], eleve["dateNaissance"]) == (42, "LE GOFF", "07/03/2006")
    assert eleve["adresse"]["cp"] == 1000
    assert eleve["adresse"]["tel1"] == "06 39 98 00 01"
    (inscription,) = eleve["inscriptions"]
    assert (inscription["codePeriode"], inscription["dateDeb"]) == (periodes[-1]["codePeriode"], "01/09/2025")
    statuts = {
        ligne["codeStatut"]: ligne["nomStatut"] for ligne in lignes_ypareo(simulateurs.ypareo("statuts", monde.YPAREO))
    }
    assert statuts[inscription["codeStatut"]] == "Rupture"


def test_ypareo_contract_leads_to_its_employer_and_site(simulateurs: Banc) -> None:
    code = lignes_ypareo(simulateurs.ypareo("periodes", monde.YPAREO))[-1]["codePeriode"]
    (contrat,) = lignes_ypareo(simulateurs.ypareo("contrats", monde.YPAREO, codesPeriode=str(code)))
    assert (contrat["dateDebContrat"], contrat["dateResiliation"], contrat["resilEnCours"]) == (
        "01/09/2025",
        "01/02/2026",
        0,
    )
    employeurs = {e["codeEntreprise"]: e for e in lignes_ypareo(simulateurs.ypareo("entreprises", monde.YPAREO))}
    employeur = employeurs[contrat["codeEntreprise"]]
    assert (employeur["siret"], employeur["naf"], employeur["cp"]) == ("732 829 320 00074", "10.71D", 1000)
    sites = {s["codeSite"]: s for s in lignes_ypareo(simulateurs.ypareo("sites", monde.YPAREO))}
    assert sites[contrat["codeSite"]]["uai"].zfill(8) == monde.YPAREO
    formations = {f["codeFormation"]: f for f in lignes_ypareo(simulateurs.ypareo("formations", monde.YPAREO))}
    assert formations[contrat["codeFormation"]]["codeRNCP"] == "37537"


def test_ypareo_nothing_found_is_an_empty_200(simulateurs: Banc) -> None:
    reponse = simulateurs.ypareo("contrats", monde.YPAREO, codesPeriode="99999")
    assert (reponse.status_code, reponse.content) == (200, b"")


def test_ypareo_refuses_the_token_of_another_tenant(simulateurs: Banc) -> None:
    entetes = {"X-Auth-Token": simulateurs.secret("ypareo", monde.YPAREO_BIS)}
    reponse = simulateurs.http.get(f"/ypareo/{monde.YPAREO.lower()}/index.php/r/v1/sites", headers=entetes)
    assert (reponse.status_code, reponse.json()) == (401, {"message": "Token invalide"})


def test_gestibase_page_has_heading_rows_and_totals(simulateurs: Banc) -> None:
    reponse = simulateurs.gestibase(monde.GESTIBASE, annee=2025, page=1, par_page=500)
    texte = reponse.content.removeprefix(b"\xef\xbb\xbf").decode("iso-8859-15")
    entete, ligne, total = csv.reader(io.StringIO(texte), delimiter=";")
    lu = dict(zip(entete, ligne, strict=True))
    assert total[:2] == ["TOTAL", "1"]
    assert (lu["Elève ID"], lu["Elève prénom"], lu["Elève date naissance"]) == ("E00042", "Jean-Marie", "20060307")
    assert (lu["Statut"], lu["CFA UAI"], lu["RQTH"]) == ("2", monde.GESTIBASE, "O")
    assert (lu["Contrat date rupture"], lu["Mds SIRET"]) == ("20260201", "73282932000074")
    assert "link" not in reponse.headers


def test_gestibase_lists_only_the_school_year_asked(simulateurs: Banc) -> None:
    reponse = simulateurs.gestibase(monde.GESTIBASE, annee=2023)
    assert b"TOTAL;0;" in reponse.content


def test_gestibase_pages_follow_a_link_that_does_not_hold_the_key(nombreux: Banc) -> None:
    cle = nombreux.secret("gestibase", monde.GESTIBASE)
    pages = [nombreux.gestibase(monde.GESTIBASE, annee=2025, par_page=200)]
    while "next" in pages[-1].links:
        suivante = pages[-1].links["next"]["url"]
        assert cle not in suivante
        pages.append(nombreux.http.get(httpx.URL(suivante).copy_add_param("cle", cle)))
    assert len(pages) == 3
    assert all(f"TOTAL;{n};".encode() in page.content for n, page in zip((200, 200, 50), pages, strict=True))


def test_gestibase_bad_key_is_a_login_page_at_200(simulateurs: Banc) -> None:
    reponse = simulateurs.http.get("/gestibase/export/eleves.csv", params={"cle": "fausse", "annee": 2025})
    assert (reponse.status_code, reponse.headers["content-type"]) == (200, "text/html; charset=utf-8")


def test_gestibase_quota_is_a_json_error_at_200_until_a_minute_has_passed() -> None:
    with banc(monde.population(), quota_gestibase=2) as ouvert:
        reponses = [ouvert.gestibase(monde.GESTIBASE, annee=2025) for _ in range(3)]
        assert [r.headers["content-type"] for r in reponses[:2]] == ["text/csv; charset=iso-8859-15"] * 2
        assert (reponses[2].status_code, reponses[2].json()) == (200, {"erreur": "quota"})
        ouvert.controle.regler(ouvert.controle.maintenant().replace(hour=18))
        assert ouvert.gestibase(monde.GESTIBASE, annee=2025).headers["content-type"] == "text/csv; charset=iso-8859-15"


def test_aimaira_links_entities_by_id_and_tells_the_last_day_worked(simulateurs: Banc) -> None:
    (apprenant,) = simulateurs.aimaira("Apprenant", monde.AIMAIRA).json()["value"]
    assert (apprenant["Prenoms"], apprenant["DateNaissance"]) == ("Jean Marie", "2006-03-07T00:00:00+01:00")
    mobiles = {m["Id"]: m["Numero"] for m in simulateurs.aimaira("Mobile", monde.AIMAIRA).json()["value"]}
    assert mobiles[apprenant["MobileId"]] == "+33 6 39 98 00 01"
    (representant,) = simulateurs.aimaira("Representant", monde.AIMAIRA).json()["value"]
    assert (apprenant["Representant1Id"], mobiles[representant["MobileId"]]) == (
        representant["Id"],
        "+33 6 39 98 00 02",
    )
    (convention,) = simulateurs.aimaira("Convention", monde.AIMAIRA).json()["value"]
    assert (convention["ApprenantId"], convention["DateRupture"]) == (apprenant["Id"], "2026-01-31T00:00:00+01:00")
    (programme,) = simulateurs.aimaira("Programme", monde.AIMAIRA).json()["value"]
    assert (convention["ProgrammeId"], programme["CodeRncp"]) == (programme["Id"], "RNCP37537")
    (etablissement,) = simulateurs.aimaira("Etablissement", monde.AIMAIRA).json()["value"]
    assert (programme["EtablissementId"], etablissement["Uai"]) == (etablissement["Id"], monde.AIMAIRA)


def test_aimaira_tells_amendments_as_conventions_of_their_own() -> None:
    population = monde.population()
    population.recits["aimaira"][monde.AIMAIRA][0].personne.contrats = [monde.contrat_etendu(monde.AIMAIRA)]
    with banc(population) as ouvert:
        origine, avenant = ouvert.aimaira("Convention", monde.AIMAIRA).json()["value"]
    assert (origine["Avenant"], origine["ConventionOrigineId"]) == (False, 0)
    assert (avenant["Avenant"], avenant["ConventionOrigineId"]) == (True, origine["Id"])
    assert (origine["DateFin"][:10], avenant["DateFin"][:10]) == ("2027-06-30", "2027-08-31")


def test_aimaira_pages_by_next_link_of_the_same_origin(nombreux: Banc) -> None:
    page = nombreux.aimaira("Apprenant", monde.AIMAIRA, top=900).json()
    tailles = [len(page["value"])]
    while suivante := page.get("@odata.nextLink"):
        assert suivante.startswith(f"http://127.0.0.1:{nombreux.port}/aimaira/")
        page = nombreux.http.get(suivante, headers={"X-ApiKey": nombreux.secret("aimaira", monde.AIMAIRA)}).json()
        tailles.append(len(page["value"]))
    assert tailles == [200, 200, 50]


def test_aimaira_refuses_without_the_key(simulateurs: Banc) -> None:
    reponse = simulateurs.http.get(f"/aimaira/{monde.AIMAIRA.lower()}/GraphV1/Apprenant")
    assert reponse.status_code == 401


@pytest.mark.parametrize("erp", ["ypareo", "aimaira"])
def test_two_of_them_give_validators_and_confirm_what_did_not_change(simulateurs: Banc, erp: str) -> None:
    chemin, uai, entete = {
        "ypareo": ("/ypareo/{}/index.php/r/v1/periodes", monde.YPAREO, "X-Auth-Token"),
        "aimaira": ("/aimaira/{}/GraphV1/Apprenant", monde.AIMAIRA, "X-ApiKey"),
    }[erp]
    acces = {entete: simulateurs.secret(erp, uai)}
    lue = simulateurs.http.get(chemin.format(uai.lower()), headers=acces)
    marque = lue.headers["ETag"]
    memes = [
        simulateurs.http.get(chemin.format(uai.lower()), headers={**acces, "If-None-Match": tenue})
        for tenue in (marque, f'"autre", W/{marque}', '"autre"')
    ]
    assert [(reponse.status_code, reponse.content == b"") for reponse in memes] == [
        (304, True),
        (304, True),
        (200, False),
    ]
    assert {reponse.headers["ETag"] for reponse in memes} == {marque}
    refus = simulateurs.http.get(chemin.format(uai.lower()), headers={entete: "faux", "If-None-Match": marque})
    assert refus.status_code == 401  # who may not read is told nothing, not even that nothing changed
