"""The official GraphQL-over-HTTP audit (npm graphql-http) against a real gateway, over real HTTP."""

import json
from collections import Counter
from pathlib import Path

from fixtures.gateway_process import LaunchedGateway
from fixtures.world import World
from tests.support.figures import note
from tests.support.node import execute

DOSSIER = Path(__file__).parent.parent / "audit_http"
# Requests by GET are left optional ("MAY") by the specification, and refused here: personal data have no place in a URL.
BY_GET = {"5A70", "6A70", "D6D5"}


def test_g13_the_official_audit_finds_no_error_and_no_warning(world: World, gateway: LaunchedGateway) -> None:
    env = {"URL": f"{gateway.url}/graphql", "JETON": world.token("ml")}
    results = json.loads(execute(DOSSIER, "audit.mjs", env))
    account = Counter(result["status"] for result in results)
    refused = {result["id"]: result["name"] for result in results if result["status"] == "notice"}
    note(
        f"audit GraphQL-over-HTTP : {account['ok']} ok, {account['error']} erreur, {account['warn']} avertissement, "
        f"{account['notice']} facultatif refusé exprès (GET), sur {len(results)}"
    )
    assert [result for result in results if result["status"] in ("error", "warn")] == []
    assert refused.keys() == BY_GET
    assert all("MAY" in name and "GET" in name for name in refused.values())
    assert len(results) == 61
