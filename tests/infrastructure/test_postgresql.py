"""PostgreSQL as productions have it: pooled, TLS required, its primary lost, its server frozen (docs/postgresql.md)."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fixtures.certificates import Authority
from tests.support.figures import note
from tests.support.infrastructure.deployment import Deployment, databases, log, readiness, wrong_lines
from tests.support.infrastructure.postgresql import Server, pgbouncer, postgresql, standby, url
from tests.support.infrastructure.programs import eventually

pytestmark = pytest.mark.infrastructure


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """One that requires TLS."""
    with postgresql() as opened:
        yield opened


@pytest.fixture(scope="module")
def plain() -> Iterator[Server]:
    """One that lets PgBouncer in as it likes."""
    with postgresql(tls="host") as opened:
        yield opened


def emptied(server: Server) -> None:
    server.say("DROP SCHEMA public CASCADE; CREATE SCHEMA public AUTHORIZATION passerelle", "passerelle")


def intact(deployment: Deployment, env: dict[str, str]) -> None:
    code, told = deployment.command("journal", "verifier", **env)
    assert code == 0, told
    assert told.startswith("journal intègre")


@pytest.mark.parametrize("mode", ["transaction", "session"])
def test_two_gateways_behind_pgbouncer(plain: Server, deployment: Deployment, expected: Any, mode: str) -> None:
    emptied(plain)
    with pgbouncer(plain, mode) as place:
        env = databases(url(place))
        deployment.harvest(url(place))
        with deployment.gateway(**env) as one, deployment.gateway(**env) as other:
            assert deployment.answer(one) == deployment.answer(other) == expected
            bursts = [deployment.at_once(gateway, 100) for gateway in (one, other)]
            assert [dict(burst.statuts) for burst in bursts] == [{200: 100}] * 2
            assert readiness(one)[:3] == readiness(other)[:3] == (200, [], [])
            assert wrong_lines(one) == wrong_lines(other) == []
        with deployment.gateway(**env) as again:
            assert deployment.answer(again) == expected
            assert wrong_lines(again) == []
        intact(deployment, env)
    assert "prepared statement" not in (plain.data.parent / "journal").read_text(errors="replace")
    note(f"PgBouncer, pool_mode={mode} : 2 passerelles, 200 requêtes d'un coup, 0 erreur, la chaîne du journal intègre")


def test_statement_pooling_is_told(plain: Server, deployment: Deployment) -> None:
    with pgbouncer(plain, "statement") as place:
        code, told = deployment.command("serve", **databases(url(place)), PORT="0", ADMIN_PORT="0")
    assert code == 2
    assert "journal : base inutilisable (08P01 : refus d'un intermédiaire ; PgBouncer en pool_mode" in told


def test_tls_is_required_and_verified(server: Server, deployment: Deployment, expected: Any) -> None:
    emptied(server)
    env = databases(server.verified())
    deployment.harvest(server.verified())
    with deployment.gateway(**env) as gateway:
        assert deployment.answer(gateway) == expected
        encrypted = "SELECT bool_and(ssl), count(*) > 0 FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)"
        assert server.say(f"{encrypted} WHERE application_name = 'passerelle'") == "t|t"
        assert wrong_lines(gateway) == []
    intact(deployment, env)


@pytest.fixture(scope="module")
def unwelcome(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate that signed nothing of these servers."""
    return Authority(tmp_path_factory.mktemp("autre")).file


@pytest.mark.parametrize(
    ("case", "told"),
    [
        ("without TLS", "28000 : accès refusé ; admettre dans pg_hba.conf ce compte, cette base et cette adresse"),
        ("another authority", "SSLCertVerificationError : certificat non reconnu ; vérifier sslrootcert"),
        ("another secret", "28P01 : mot de passe refusé ; corriger le compte ou le secret"),
        ("no such base", "3D000 : base inconnue ; la créer, ou corriger son nom"),
        ("no right", "42501 : droit manquant ; GRANT USAGE, CREATE sur le schéma"),
        ("no schema", "3F000 : aucun schéma où écrire ; ALTER ROLE … SET search_path"),
        ("a standby", "25006 : lecture seule ; nommer le primaire"),
        ("no primary", "aucun serveur n'accepte ces sessions ; promouvoir un réplica"),
    ],
)
def test_a_server_that_refuses_tells_why(
    server: Server, deployment: Deployment, unwelcome: Path, case: str, told: str
) -> None:
    server.say(
        "DROP SCHEMA IF EXISTS vide CASCADE; CREATE SCHEMA vide; GRANT USAGE ON SCHEMA vide TO passerelle", "passerelle"
    )
    emptied(server)
    urls = {
        "without TLS": server.url(sslmode="disable"),
        "another authority": server.url(sslmode="verify-full", sslrootcert=str(unwelcome)),
        "another secret": url(server.place, "faux", sslmode="require"),
        "no such base": url(server.place, base="absente"),
        "no right": server.url(options="-csearch_path%3Dvide"),
        "no schema": server.url(options="-csearch_path%3Dabsent"),
        "a standby": server.url(options="-cdefault_transaction_read_only%3Don"),
        "no primary": server.url(target_session_attrs="standby"),
    }
    code, printed = deployment.command("serve", GATEWAY_JOURNAL_URL=urls[case], PORT="0", ADMIN_PORT="0")
    (line,) = [line for line in printed.splitlines() if line.startswith("configuration")]
    assert (code, "Traceback" in printed) == (2, False)
    assert line.startswith(f"configuration : journal : base inutilisable ({told}")
    assert not any(secret in printed for secret in ("p@ss", "p%40ss", "faux"))


def test_a_primary_that_dies_is_replaced(deployment: Deployment, expected: Any) -> None:
    with postgresql() as primary, standby(primary) as replica:
        address = url(f"{primary.place},{replica.place}", sslmode="require", target_session_attrs="read-write")
        deployment.harvest(address)
        env = databases(address)
        with deployment.gateway(**env) as gateway:
            assert deployment.answer(gateway) == expected

            def fail_over() -> None:
                time.sleep(2.0)
                os.kill(primary.process.pid, signal.SIGQUIT)
                time.sleep(1.0)
                replica.promote()

            failing = threading.Thread(target=fail_over)
            failing.start()
            burst = deployment.load(gateway, 30, 10.0)
            failing.join()
            back = eventually(lambda: readiness(gateway)[:3], (200, [], []))
            assert set(burst.statuts) <= {200, 503}
            assert burst.statuts[200] > 100
            assert deployment.answer(gateway) == expected
        intact(deployment, env)
    note(
        f"primaire tué, réplica promu 1 s après : {dict(burst.statuts)} à 30 requêtes par seconde ; prête {back:.1f} s après"
    )


def test_a_primary_that_freezes_is_replaced(deployment: Deployment, expected: Any) -> None:
    """It holds its connections open and says nothing: a frozen machine, a network that drops."""
    with postgresql() as primary, standby(primary) as replica:
        address = url(f"{primary.place},{replica.place}", sslmode="require", target_session_attrs="read-write")
        deployment.harvest(address)
        env = databases(address)
        with deployment.gateway(**env) as gateway:
            assert deployment.answer(gateway) == expected
            frozen = [primary.process.pid, *children(primary.process.pid)]
            for pid in frozen:
                os.kill(pid, signal.SIGSTOP)
            try:
                replica.promote()
                start = time.monotonic()
                burst = deployment.load(gateway, 10, 10.0)
                eventually(lambda: readiness(gateway)[:3], (200, [], []), 60)
                back = time.monotonic() - start
                assert set(burst.statuts) <= {200, 503}
                assert deployment.answer(gateway) == expected
            finally:
                for pid in frozen:
                    os.kill(pid, signal.SIGCONT)
    note(
        f"primaire figé, réplica promu : {dict(burst.statuts)}, p99 {burst.percentile(0.99):.0f} ms ; prête {back:.1f} s après"
    )


def children(pid: int) -> list[int]:
    listed = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False).stdout  # noqa: S607
    return [int(word) for word in listed.split()]


def test_a_server_that_hangs_holds_nobody(server: Server, deployment: Deployment) -> None:
    emptied(server)
    env = databases(server.url(sslmode="require"))
    deployment.harvest(server.url(sslmode="require"))
    with deployment.gateway(**env) as gateway:
        deployment.answer(gateway)
        frozen = [server.process.pid, *children(server.process.pid)]
        for pid in frozen:
            os.kill(pid, signal.SIGSTOP)
        try:
            burst = deployment.load(gateway, 20, 10.0)
            probes = [readiness(gateway) for _ in range(5)]
        finally:
            for pid in frozen:
                os.kill(pid, signal.SIGCONT)
        eventually(lambda: readiness(gateway)[:3], (200, [], []), 60)
        deployment.answer(gateway)
        assert set(burst.statuts) <= {200, 503}
        assert {status for status, *_ in probes} == {503}
        assert "journal des lectures indisponible (pas de réponse en 2 s)" in log(gateway)
    slowest = max(seconds for *_, seconds in probes)
    note(
        f"PostgreSQL figé, 20 requêtes par seconde : {dict(burst.statuts)}, médiane {burst.percentile(0.5):.0f} ms,"
        f" p99 {burst.percentile(0.99):.0f} ms ; /health/ready {slowest:.1f} s au plus"
    )
