"""Redis as productions have it: TLS and an ACL, a failover that Sentinels decide, a Cluster (docs/redis.md)."""

import re
from pathlib import Path
from typing import Any

import pytest
import redis

from fixtures.servers import HOST
from tests.support.figures import note
from tests.support.infrastructure.deployment import Deployment, log, readiness, wrong_lines
from tests.support.infrastructure.programs import eventually
from tests.support.infrastructure.redis import RIGHTS, RedisServer, encrypted, redis_with, sentinels

pytestmark = pytest.mark.infrastructure
TWO = {"GATEWAY_PROCESSUS": "2"}


def names(server: RedisServer) -> set[str]:
    """The kinds of names that are there."""
    return {re.sub(rb"^([^:]*:[^:]*):.*", rb"\1", name).decode() for name in server.client.scan_iter()}


@pytest.mark.parametrize("run", range(4))
def test_tls_and_acl_serve_a_cold_crowd(deployment: Deployment, expected: Any, run: int) -> None:
    """An empty Redis, a process that just started, forty at once: none lacks anything."""
    with encrypted() as (server, url), deployment.gateway(GATEWAY_CACHE_URL=url, **TWO) as gateway:
        burst = deployment.at_once(gateway, 40)
        assert (dict(burst.statuts), burst.partial_answers) == ({200: 40}, 0)
        assert deployment.answer(gateway) == expected
        assert readiness(gateway)[:3] == (200, [], [])
        assert wrong_lines(gateway) == []
        kinds = {kind: f"passerelle:{kind}" for kind in "gtvcdb"}
        assert {kinds[kind] for kind in "gtvc"} <= names(server) <= set(kinds.values())
        assert -1 not in [server.client.ttl(name) for name in server.client.scan_iter()]  # none for ever
        assert server.client.acl_log() == []
    note(
        f"Redis TLS et ACL, vide, départ à froid n° {run + 1} : 40 d'un coup, p99 {burst.percentile(0.99):.0f} ms, 0 partielle"
    )


REFUSALS = {
    "another secret": "AuthenticationError : compte ou secret refusé",
    "another prefix": "NoPermissionError : droit manquant (ACL)",
    "no script": "NoPermissionError : droit manquant (ACL)",
    "read only": "réplica en lecture seule",
    "full": "OutOfMemoryError : mémoire pleine",
    "no TLS": "connexion coupée",
    "another authority": "certificat non reconnu",
}


@pytest.mark.parametrize("case", REFUSALS)
def test_what_redis_refuses_is_told(deployment: Deployment, expected: Any, case: str) -> None:
    """The state, with its cause; answers go on."""
    with encrypted() as (server, url):
        address = url
        match case:
            case "another secret":
                server.client.acl_setuser("passerelle", enabled=True, passwords=["-secret", "+autre"])
            case "another prefix":
                server.client.acl_setuser("passerelle", enabled=True, reset_keys=True, keys=["ailleurs:*"])
            case "no script":
                server.client.acl_setuser("passerelle", enabled=True, categories=["-@scripting"])
            case "read only":
                server.client.replicaof(HOST, "1")
                server.client.config_set("replica-serve-stale-data", "yes")
            case "full":
                server.client.config_set("maxmemory", "1")
            case "no TLS":
                address = f"redis://passerelle:secret@{HOST}:{server.port}/0"
            case "another authority":
                address = url.partition("?")[0]
        with deployment.gateway(GATEWAY_CACHE_URL=address, **TWO) as gateway:
            assert deployment.answer(gateway) == expected
            eventually(lambda: readiness(gateway)[2], ["redis"])
            assert readiness(gateway)[:2] == (200, [])
            assert f"({REFUSALS[case]}" in log(gateway) or f" : {REFUSALS[case]}" in log(gateway)
            assert "secret@" not in log(gateway)


def test_sentinels_name_the_new_primary(deployment: Deployment, expected: Any) -> None:
    with sentinels() as (primary, replica, url):
        eventually(lambda: replica.client.info("replication")["master_link_status"], "up")
        with deployment.gateway(GATEWAY_CACHE_URL=url, **TWO) as gateway:
            assert deployment.answer(gateway) == expected
            assert "passerelle:v" in names(primary)
            primary.process.kill()
            burst = deployment.load(gateway, 20, 8.0)
            assert (dict(burst.statuts), burst.partial_answers) == ({200: 160}, 0)
            seconds = eventually(lambda: replica.client.info("replication")["role"], "master")
            back = eventually(lambda: readiness(gateway)[2], [], 60)
            before = replica.client.dbsize()
            assert deployment.answer(gateway) == expected
            assert before
    note(
        f"Sentinel : primaire tué, {dict(burst.statuts)} pendant ; promu {seconds:.1f} s et retrouvé {back:.1f} s après la charge"
    )


def test_a_cluster_is_refused(deployment: Deployment) -> None:
    with redis_with("--cluster-enabled", "yes") as server:
        url = f"redis://{HOST}:{server.port}/0"
        code, told = deployment.command("serve", GATEWAY_CACHE_URL=url, PORT="0", ADMIN_PORT="0")
    (line,) = [line for line in told.splitlines() if line.startswith("configuration")]
    assert code == 2
    assert line.startswith("configuration : GATEWAY_CACHE_URL : Redis Cluster n'est pas pris en charge")


def test_a_frozen_redis_is_asked_once_a_second(deployment: Deployment, expected: Any) -> None:
    with encrypted() as (server, url), deployment.gateway(GATEWAY_CACHE_URL=url, **TWO) as gateway:
        assert deployment.answer(gateway) == expected
        server.process.send_signal(19)
        burst = deployment.load(gateway, 20, 5.0)
        state = readiness(gateway)[2]
        server.process.send_signal(18)
        assert dict(burst.statuts) == {200: 100}
        assert state == ["redis"]
        eventually(lambda: readiness(gateway)[2], [], 60)
    note(
        f"Redis figé (TLS), 20 requêtes par seconde : médiane {burst.percentile(0.5):.0f} ms, p99 {burst.percentile(0.99):.0f} ms"
    )


def test_the_rights_of_the_documentation_are_those_that_are_tried() -> None:
    assert RIGHTS in Path("docs/redis.md").read_text(encoding="utf-8")


def test_a_socket_serves(deployment: Deployment, expected: Any, tmp_path: Path) -> None:
    socket = tmp_path / "s"
    with redis_with("--unixsocket", str(socket)) as server:
        with deployment.gateway(GATEWAY_CACHE_URL=f"unix://{socket}?db=1", **TWO) as gateway:
            assert deployment.answer(gateway) == expected
            assert readiness(gateway)[2] == []
        with redis.Redis(HOST, server.port, db=1) as client:
            assert client.dbsize() > 0
