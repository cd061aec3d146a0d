"""Calls of partners: forged, old, cut, of a stranger, of another; and a flood of right ones (docs/security.md C03)."""

import hashlib
import hmac
import json
from typing import Any

import httpx
import pytest
import respx
from prometheus_client import CollectorRegistry
from pydantic import SecretStr
from starlette.applications import Starlette

from gateway.cache.interface import CacheKey, LocalCache, MemoryBackend
from gateway.connectors.aimaira import CONNECTOR
from gateway.edge.partner_notices_http import BYTES_MAX, webhook_route
from gateway.sources.events.webhook_receiver import WINDOW, Subscription, WebhookReceiver
from gateway.sources.metrics import SourceMetrics
from tests.support.sources import BASE, UAI_A, UAI_B, SourcesHarness, partner, sources_harness, transport, unit

pytestmark = pytest.mark.anyio
INSTANT = 1_790_000_000
SECRET = "secret-des-appels"
CORPS = json.dumps({"CustomerName": UAI_A, "ObjectId": 7, "ObjectType": "Apprenant", "TriggerName": "Update"}).encode()


def sign(body: bytes = CORPS, instant: object = INSTANT, secret: str = SECRET) -> dict[str, str]:
    signed = hmac.new(secret.encode(), f"{instant}.".encode() + body, hashlib.sha256).hexdigest()
    return {"x-horodatage": str(instant), "x-signature": f"v1={signed}"}


def client(attempt: SourcesHarness, registry: CollectorRegistry | None = None) -> httpx.AsyncClient:
    notices = CONNECTOR.notices
    assert notices
    subscriptions = {"erp": Subscription(partner(), notices, SecretStr(SECRET))}
    receiver = WebhookReceiver(
        subscriptions, attempt.sources, SourceMetrics(registry or CollectorRegistry()), lambda: float(INSTANT)
    )
    app = Starlette(routes=[webhook_route(receiver)])
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://passerelle")


@pytest.fixture
def router() -> Any:
    with respx.mock(assert_all_called=False) as routes:
        for uai in (UAI_A, UAI_B):
            routes.get(f"{BASE}/liste/{uai}").respond(json=[{"cle": "1", "uai": uai}])
        yield routes


async def invalidated(attempt: SourcesHarness) -> list[str]:
    units = [unit(UAI_A), unit(UAI_B)]
    versions = await attempt.sources.kept_versions(units)
    return [u.key for u, version in zip(units, versions, strict=True) if version is None]


async def read_both(attempt: SourcesHarness) -> None:
    await attempt.sources.read([unit(UAI_A), unit(UAI_B)], 5.0)
    attempt.seconds[0] += 30


REFUSES: dict[str, tuple[str, dict[str, str], bytes]] = {
    "sans signature": ("erp", {}, CORPS),
    "d'un autre secret": ("erp", sign(secret="autre"), CORPS),
    "d'un autre corps": ("erp", sign(), CORPS.replace(UAI_A.encode(), UAI_B.encode())),
    "tronqué": ("erp", sign(), CORPS[:-1]),
    "d'un autre instant": ("erp", {**sign(), "x-horodatage": str(INSTANT + 1)}, CORPS),
    "trop ancien": ("erp", sign(instant=INSTANT - WINDOW - 1), CORPS),
    "trop en avance": ("erp", sign(instant=INSTANT + WINDOW + 1), CORPS),
    "sans instant": ("erp", sign(instant=""), CORPS),
    "d'un instant illisible": ("erp", sign(instant="1e9"), CORPS),
    "d'un instant sans fin": ("erp", sign(instant="1" * 5000), CORPS),
    "sans version": ("erp", {**sign(), "x-signature": sign()["x-signature"].removeprefix("v1=")}, CORPS),
    "d'une signature vide": ("erp", {**sign(), "x-signature": ""}, CORPS),
    "d'octets étrangers": ("erp", {**sign(), "x-signature": "v1=é"}, CORPS),
    "d'un inconnu": ("personne", sign(), CORPS),
}


@pytest.mark.parametrize("case", REFUSES)
async def test_a_refused_call_invalidates_nothing(router: respx.MockRouter, case: str) -> None:
    """The same 401, whatever was wrong; nothing of the call is in the answer."""
    name, headers, body = REFUSES[case]
    raw = httpx.Headers([(name.encode(), value.encode()) for name, value in headers.items()])
    async with sources_harness(transport(router)) as attempt:
        await read_both(attempt)
        async with client(attempt) as http:
            rendered = await http.post(f"/evenements/{name}", content=body, headers=raw)
        assert rendered.status_code == 401
        assert rendered.json()["errors"][0]["message"] == "Appel non signé, mal signé, ou trop ancien."
        assert await invalidated(attempt) == []


async def test_a_signed_call_invalidates_this_client_and_asks_nothing(router: respx.MockRouter) -> None:
    registry = CollectorRegistry()
    async with sources_harness(transport(router)) as attempt:
        await read_both(attempt)
        requests = router.calls.call_count
        async with client(attempt, registry) as http:
            rendered = await http.post("/evenements/erp", content=CORPS, headers=sign())
        assert (rendered.status_code, rendered.content) == (202, b"")
        assert await invalidated(attempt) == [UAI_A]
        assert router.calls.call_count == requests
    labels = {"partenaire": "erp", "issue": "invalide"}
    assert registry.get_sample_value("passerelle_evenements_total", labels) == 1


@pytest.mark.parametrize(
    ("body", "statut"),
    [
        (b'{"CustomerName": "inconnu"}', 202),
        (b"{}", 400),
        (b"[]", 400),
        (b"null", 400),
        (b'{"CustomerName": null}', 400),
        (b'{"CustomerName": ["0590001F"]}', 400),
        (b'{"CustomerName": "0590001F"', 400),
        (b"[" * 8000, 400),
        (b"", 400),
        (b"\xff\xfe", 400),
    ],
)
async def test_a_signed_body_is_believed_only_from_its_client(
    router: respx.MockRouter, body: bytes, statut: int
) -> None:
    async with sources_harness(transport(router)) as attempt:
        await read_both(attempt)
        async with client(attempt) as http:
            rendered = await http.post("/evenements/erp", content=body, headers=sign(body))
        assert rendered.status_code == statut
        assert await invalidated(attempt) == []


async def test_a_body_too_long_is_not_read(router: respx.MockRouter) -> None:
    async with sources_harness(transport(router)) as attempt, client(attempt) as http:
        body = b"x" * (BYTES_MAX + 1)
        assert (await http.post("/evenements/erp", content=body, headers=sign(body))).status_code == 413
        assert (await http.get("/evenements/erp")).status_code == 405


async def test_a_hundred_replayed_calls_make_one_request(router: respx.MockRouter) -> None:
    """Within the window a call may be shown again: it says nothing new, and what it costs the partner is bounded."""
    async with sources_harness(transport(router)) as attempt:
        await read_both(attempt)
        requests = router.calls.call_count
        async with client(attempt) as http:
            for _ in range(100):
                assert (await http.post("/evenements/erp", content=CORPS, headers=sign())).status_code == 202
                await attempt.sources.read([unit(UAI_A), unit(UAI_B)], 5.0)
        assert router.calls.call_count == requests + 1


async def test_a_mute_cache_asks_the_call_to_come_back(router: respx.MockRouter) -> None:
    class Silent(LocalCache):
        async def invalidate(self, key: CacheKey) -> bool:
            return False

    async with (
        sources_harness(transport(router), cache=Silent(MemoryBackend(10, 1000, lambda: 0.0))) as attempt,
        client(attempt) as http,
    ):
        rendered = await http.post("/evenements/erp", content=CORPS, headers=sign())
    assert (rendered.status_code, rendered.headers["retry-after"]) == (503, "1")
