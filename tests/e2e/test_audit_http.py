"""The official GraphQL-over-HTTP audit (npm graphql-http) against a real gateway, over real HTTP."""

import json
from collections import Counter
from pathlib import Path

from fixtures.monde import Monde
from fixtures.passerelle import PasserelleLancee
from tests.chiffres import noter
from tests.noeud import executer

DOSSIER = Path(__file__).parent.parent / "audit_http"
# Requests by GET are left optional ("MAY") by the specification, and refused here: personal data have no place in a URL.
PAR_GET = {"5A70", "6A70", "D6D5"}


def test_g13_the_official_audit_finds_no_error_and_no_warning(monde: Monde, passerelle: PasserelleLancee) -> None:
    env = {"URL": f"{passerelle.url}/graphql", "JETON": monde.jeton("ml")}
    resultats = json.loads(executer(DOSSIER, "audit.mjs", env))
    compte = Counter(resultat["status"] for resultat in resultats)
    refusees = {resultat["id"]: resultat["name"] for resultat in resultats if resultat["status"] == "notice"}
    noter(
        f"audit GraphQL-over-HTTP : {compte['ok']} ok, {compte['error']} erreur, {compte['warn']} avertissement, "
        f"{compte['notice']} facultatif refusé exprès (GET), sur {len(resultats)}"
    )
    assert [resultat for resultat in resultats if resultat["status"] in ("error", "warn")] == []
    assert refusees.keys() == PAR_GET
    assert all("MAY" in nom and "GET" in nom for nom in refusees.values())
    assert len(resultats) == 61
