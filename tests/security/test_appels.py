"""Calls of partners: forged, old, cut, of a stranger, of another; and a flood of right ones (SECURITY T08's manner, C03)."""

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

from gateway.cache.memoire import CacheMemoire
from gateway.cache.seam import CacheLocal, Cle
from gateway.connectors.aimaira import CONNECTEUR
from gateway.evenements import OCTETS_MAX, chemin_des_appels
from gateway.sources.appels import FENETRE, Ecoute, Receveur
from gateway.sources.mesures import Mesures
from tests.sources_aide import BASE, UAI_A, UAI_B, Banc, banc, partenaire, transport, unite

pytestmark = pytest.mark.anyio
INSTANT = 1_790_000_000
SECRET = "secret-des-appels"
CORPS = json.dumps({"CustomerName": UAI_A, "ObjectId": 7, "ObjectType": "Apprenant", "TriggerName": "Update"}).encode()


def signer(corps: bytes = CORPS, instant: object = INSTANT, secret: str = SECRET) -> dict[str, str]:
    signe = hmac.new(secret.encode(), f"{instant}.".encode() + corps, hashlib.sha256).hexdigest()
    return {"x-horodatage": str(instant), "x-signature": f"v1={signe}"}


def client(essai: Banc, registre: CollectorRegistry | None = None) -> httpx.AsyncClient:
    avis = CONNECTEUR.avis
    assert avis
    ecoutes = {"erp": Ecoute(partenaire(), avis, SecretStr(SECRET))}
    receveur = Receveur(ecoutes, essai.sources, Mesures(registre or CollectorRegistry()), lambda: float(INSTANT))
    app = Starlette(routes=[chemin_des_appels(receveur)])
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://passerelle")


@pytest.fixture
def routeur() -> Any:
    with respx.mock(assert_all_called=False) as routes:
        for uai in (UAI_A, UAI_B):
            routes.get(f"{BASE}/liste/{uai}").respond(json=[{"cle": "1", "uai": uai}])
        yield routes


async def invalidees(essai: Banc) -> list[str]:
    unites = [unite(UAI_A), unite(UAI_B)]
    versions = await essai.sources.tenues(unites)
    return [u.cle for u, version in zip(unites, versions, strict=True) if version is None]


async def lues(essai: Banc) -> None:
    await essai.sources.lire([unite(UAI_A), unite(UAI_B)], 5.0)
    essai.secondes[0] += 30


REFUSES: dict[str, tuple[str, dict[str, str], bytes]] = {
    "sans signature": ("erp", {}, CORPS),
    "d'un autre secret": ("erp", signer(secret="autre"), CORPS),
    "d'un autre corps": ("erp", signer(), CORPS.replace(UAI_A.encode(), UAI_B.encode())),
    "tronqué": ("erp", signer(), CORPS[:-1]),
    "d'un autre instant": ("erp", {**signer(), "x-horodatage": str(INSTANT + 1)}, CORPS),
    "trop ancien": ("erp", signer(instant=INSTANT - FENETRE - 1), CORPS),
    "trop en avance": ("erp", signer(instant=INSTANT + FENETRE + 1), CORPS),
    "sans instant": ("erp", signer(instant=""), CORPS),
    "d'un instant illisible": ("erp", signer(instant="1e9"), CORPS),
    "d'un instant sans fin": ("erp", signer(instant="1" * 5000), CORPS),
    "sans version": ("erp", {**signer(), "x-signature": signer()["x-signature"].removeprefix("v1=")}, CORPS),
    "d'une signature vide": ("erp", {**signer(), "x-signature": ""}, CORPS),
    "d'octets étrangers": ("erp", {**signer(), "x-signature": "v1=é"}, CORPS),
    "d'un inconnu": ("personne", signer(), CORPS),
}


@pytest.mark.parametrize("cas", REFUSES)
async def test_un_appel_refuse_n_invalide_rien(routeur: respx.MockRouter, cas: str) -> None:
    """The same 401, whatever was wrong; nothing of the call is in the answer."""
    nom, entetes, corps = REFUSES[cas]
    brut = httpx.Headers([(nom.encode(), valeur.encode()) for nom, valeur in entetes.items()])
    async with banc(transport(routeur)) as essai:
        await lues(essai)
        async with client(essai) as http:
            rendue = await http.post(f"/evenements/{nom}", content=corps, headers=brut)
        assert rendue.status_code == 401
        assert rendue.json()["errors"][0]["message"] == "Appel non signé, mal signé, ou trop ancien."
        assert await invalidees(essai) == []


async def test_un_appel_signe_invalide_ce_client_et_ne_demande_rien(routeur: respx.MockRouter) -> None:
    registre = CollectorRegistry()
    async with banc(transport(routeur)) as essai:
        await lues(essai)
        demandes = routeur.calls.call_count
        async with client(essai, registre) as http:
            rendue = await http.post("/evenements/erp", content=CORPS, headers=signer())
        assert (rendue.status_code, rendue.content) == (202, b"")
        assert await invalidees(essai) == [UAI_A]
        assert routeur.calls.call_count == demandes
    etiquettes = {"partenaire": "erp", "issue": "invalide"}
    assert registre.get_sample_value("passerelle_evenements_total", etiquettes) == 1


@pytest.mark.parametrize(
    ("corps", "statut"),
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
async def test_un_corps_signe_n_est_cru_que_de_son_client(routeur: respx.MockRouter, corps: bytes, statut: int) -> None:
    async with banc(transport(routeur)) as essai:
        await lues(essai)
        async with client(essai) as http:
            rendue = await http.post("/evenements/erp", content=corps, headers=signer(corps))
        assert rendue.status_code == statut
        assert await invalidees(essai) == []


async def test_un_corps_trop_long_n_est_pas_lu(routeur: respx.MockRouter) -> None:
    async with banc(transport(routeur)) as essai, client(essai) as http:
        corps = b"x" * (OCTETS_MAX + 1)
        assert (await http.post("/evenements/erp", content=corps, headers=signer(corps))).status_code == 413
        assert (await http.get("/evenements/erp")).status_code == 405


async def test_cent_appels_rejoues_font_une_demande(routeur: respx.MockRouter) -> None:
    """Within the window a call may be shown again: it says nothing new, and what it costs the partner is bounded."""
    async with banc(transport(routeur)) as essai:
        await lues(essai)
        demandes = routeur.calls.call_count
        async with client(essai) as http:
            for _ in range(100):
                assert (await http.post("/evenements/erp", content=CORPS, headers=signer())).status_code == 202
                await essai.sources.lire([unite(UAI_A), unite(UAI_B)], 5.0)
        assert routeur.calls.call_count == demandes + 1


async def test_un_cache_muet_demande_que_l_appel_revienne(routeur: respx.MockRouter) -> None:
    class Muet(CacheLocal):
        async def invalider(self, cle: Cle) -> bool:
            return False

    async with (
        banc(transport(routeur), cache=Muet(CacheMemoire(10, 1000, lambda: 0.0))) as essai,
        client(essai) as http,
    ):
        rendue = await http.post("/evenements/erp", content=CORPS, headers=signer())
    assert (rendue.status_code, rendue.headers["retry-after"]) == (503, "1")
