"""A real gateway that receives: off by default, opened by one key, its ERP's own key imported, killed while it acknowledges."""

import asyncio
import shutil
import signal
import subprocess
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest

from fixtures import gateway_process
from fixtures.gateway_process import LaunchedGateway
from fixtures.world import World
from gateway.domain.seal import Sealer
from gateway.stores.dossier_seal import opened
from gateway.stores.receptions import ReceptionStore
from tests.support.figures import note
from tests.support.reception.facts import item

PATH = "/api/v3/dossiers-apprenants"
KEY = "7b0c9a52-2f57-4d60-8a30-6f1f6f0f3c11"
KILLS = 3


@pytest.fixture(scope="module")
def receiving(world: World, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a gateway that receives, in a directory of its own, with the key of the CFA's ERP imported."""
    assert world.record is not None
    copy = tmp_path_factory.mktemp("réception")
    shutil.copytree(world.record / "partenaires", copy / "partenaires")
    shutil.copy(world.record / "clients.toml", copy)
    text = (world.record / "gateway.toml").read_text(encoding="utf-8")
    (copy / "gateway.toml").write_text(f"{text}\n[reception]\nactive = true\n", encoding="utf-8")
    env = {**world.environment, "GATEWAY_CONFIG": str(copy)}
    (copy / "donnees").mkdir()
    told = importing(env, "cfa", KEY)
    assert (told.returncode, told.stdout) == (0, "cfa : clé importée, qui n'ouvre que la réception des dossiers\n")
    return env


def importing(env: dict[str, str], client: str, key: str) -> "subprocess.CompletedProcess[str]":
    return gateway_process.run(("cle", "importer", client), env, told=f"{key}\n")


def own(world: World, **changes: Any) -> dict[str, Any]:
    """A fictitious dossier of the CFA of the demo."""
    cfa = world.population.cfas[world.clients["cfa"].organisation]
    numbers = {
        f"etablissement_{role}_{kind}": value
        for role in ("formateur", "responsable")
        for kind, value in (("uai", cfa.uai), ("siret", cfa.siret))
    }
    return item(**numbers, **changes)


def push(gateway: LaunchedGateway, *items: Any, key: str = KEY) -> httpx.Response:
    headers = {"authorization": f"Bearer {key}"}
    return httpx.post(f"{gateway.url}{PATH}", json=list(items), headers=headers, timeout=30)


def kept(env: dict[str, str], uai: str) -> dict[str, dict[str, Any]]:
    """What the store holds of a CFA, by the key of its ERP."""
    folder = Path(env["GATEWAY_CONFIG"]) / "donnees"
    sealer = Sealer.from_text(env["GATEWAY_CLE"])

    async def read() -> dict[str, dict[str, Any]]:
        store = ReceptionStore(f"sqlite+aiosqlite:///{folder / 'receptions.sqlite'}")
        try:
            records = [opened(one.key, one.sealed, sealer) or {} for one in await store.dossiers(uai)]
        finally:
            await store.close()
        return {record["id_erp_apprenant"]: record for record in records}

    return asyncio.run(read())


def test_off_by_default_the_address_does_not_exist(gateway: LaunchedGateway) -> None:
    assert push(gateway, {}).status_code == 404


def test_only_a_cfa_of_the_register_may_transmit(receiving: dict[str, str]) -> None:
    for client, key, told in (
        ("ml", KEY, "clients.toml : ml n'est pas un CFA, ni qui agit comme un CFA"),
        ("personne", KEY, "clients.toml : personne n'est pas un CFA, ni qui agit comme un CFA"),
        ("cfa", "court", "entrée standard : une clé attendue, de 16 à 200 caractères sans blanc"),
    ):
        done = importing(receiving, client, key)
        assert (done.returncode, done.stderr) == (2, f"erreur : {told}\n")


def test_what_an_erp_transmits_is_kept_and_the_key_opens_nothing_else(world: World, receiving: dict[str, str]) -> None:
    with world.gateway(GATEWAY_CONFIG=receiving["GATEWAY_CONFIG"]) as gateway:
        response = push(gateway, own(world), own(world, id_erp_apprenant="E-2", email_contact="x"))
        assert [one["has_error"] for one in response.json()["data"]] == [False, True]
        assert response.headers["cache-control"] == "no-store"
        assert push(gateway, own(world), key="autre").json()["message"] == "La clé API n'est pas valide"
        for headers in ({"authorization": f"Bearer {KEY}"}, {"x-cle-api": KEY}):
            refused = httpx.post(f"{gateway.url}/graphql", json={"query": "{ moi { profil } }"}, headers=headers)
            assert refused.status_code == 401
        assert httpx.get(f"{gateway.url}{PATH}").status_code == 405
        metrics = httpx.get(f"{gateway.admin_url}/metrics").text
    assert 'passerelle_dossiers_transmis_total{issue="partiel"} 1.0' in metrics
    assert set(kept(receiving, world.clients["cfa"].organisation)) == {"E-1", "E-2"}


def test_i1_killed_while_it_acknowledges_it_has_kept_all_that_it_acknowledged(
    world: World, receiving: dict[str, str]
) -> None:
    """SIGKILL at any instant, between a commit and its answer too: sent again, each is one dossier, in its last words."""
    acknowledged, sent = set[str](), 0
    for _ in range(KILLS):
        with world.gateway(GATEWAY_CONFIG=receiving["GATEWAY_CONFIG"]) as gateway:
            killer = threading.Timer(1.0, gateway.processus.send_signal, [signal.SIGKILL])
            killer.start()
            while True:
                try:
                    answer = push(gateway, own(world, id_erp_apprenant=f"K-{sent}", prenom_apprenant=f"P{sent}"))
                except httpx.TransportError:
                    break
                acknowledged |= {f"K-{sent}"} if answer.status_code == 200 else set()
                sent += 1
    found = kept(receiving, world.clients["cfa"].organisation)
    assert acknowledged <= found.keys()
    assert all(found[key]["prenom_apprenant"] == f"P{key.removeprefix('K-')}" for key in acknowledged)
    assert len(acknowledged) > KILLS
    with world.gateway(GATEWAY_CONFIG=receiving["GATEWAY_CONFIG"]) as gateway:
        again = [own(world, id_erp_apprenant=key, prenom_apprenant="Encore") for key in sorted(acknowledged)]
        assert push(gateway, *again).status_code == 200
    assert kept(receiving, world.clients["cfa"].organisation).keys() == found.keys()
    note(f"réception tuée : {KILLS} kill -9, {len(acknowledged)} envois acquittés, 0 perdu, 0 en double")
