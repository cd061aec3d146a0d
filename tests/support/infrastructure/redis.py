"""Redis as a production has it: TLS, an account with an ACL, Sentinels, a Cluster."""

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis

from fixtures.servers import HOST, free_port
from tests.support.infrastructure.programs import certificates, directory, program, running

# As docs/redis.md gives it.
RIGHTS = (
    "~passerelle:* resetchannels -@all +@connection +@read +@write +@scripting +@transaction +time -@dangerous +info"
)
ACCOUNT = f"user passerelle on >secret {RIGHTS}"


@dataclass(frozen=True, slots=True)
class RedisServer:
    """A running one, and how a test speaks to it: as the one who owns it."""

    port: int
    client: redis.Redis
    process: "subprocess.Popen[bytes]"


@contextmanager
def redis_with(*options: str, acl: Sequence[str] = (), tls: tuple[Path, Path] | None = None) -> Iterator[RedisServer]:
    """A server with these options."""
    with directory() as record:
        port = free_port()
        common = ["--bind", HOST, "--save", "", "--appendonly", "no", "--dir", str(record), *options]
        listen = ["--port", str(port)]
        known: dict[str, Any] = {}
        if tls:
            files = ["--tls-ca-cert-file", str(tls[0]), "--tls-cert-file", str(tls[1]), "--tls-key-file", str(tls[1])]
            listen = ["--port", "0", "--tls-port", str(port), "--tls-auth-clients", "no", *files]
            known = {"ssl": True, "ssl_ca_certs": str(tls[0])}
        if acl:
            (record / "acl").write_text("\n".join([*acl, ""]))
            listen += ["--aclfile", str(record / "acl")]
        with redis.Redis(HOST, port, password="maitre" if acl else None, **known) as client:
            command = [program("redis-server"), *listen, *common]
            with running(command, lambda: _answers(client), record / "journal") as process:
                yield RedisServer(port, client, process)


def acl() -> list[str]:
    """An owner, and the account of the gateway."""
    return ["user default on >maitre ~* &* +@all", ACCOUNT]


@contextmanager
def encrypted() -> Iterator[tuple[RedisServer, str]]:
    """A server that speaks TLS to accounts only, and the address that the gateway is given."""
    with directory() as record:
        authority, pair = certificates(record)
        with redis_with(acl=acl(), tls=(authority, pair)) as server:
            yield server, f"rediss://passerelle:secret@{HOST}:{server.port}/0?ssl_ca_certs={authority}"


@contextmanager
def sentinels(number: int = 3) -> Iterator[tuple[RedisServer, RedisServer, str]]:
    """A primary, its replica, and the address that names the Sentinels that watch over them."""
    with ExitStack() as stack:
        primary = stack.enter_context(redis_with())
        replica = stack.enter_context(redis_with("--replicaof", f"{HOST} {primary.port}"))
        ports = [stack.enter_context(_sentinel(primary.port)) for _ in range(number)]
        places = ",".join(f"{HOST}:{port}" for port in ports)
        yield primary, replica, f"redis+sentinel://{places}/passerelle/0"


@contextmanager
def _sentinel(watched: int) -> Iterator[int]:
    with directory() as record:
        port, file = free_port(), record / "sentinel.conf"
        file.write_text(
            f"port {port}\nbind {HOST}\ndir {record}\nsentinel monitor passerelle {HOST} {watched} 2\n"
            "sentinel down-after-milliseconds passerelle 1000\nsentinel failover-timeout passerelle 3000\n"
        )
        with redis.Redis(HOST, port) as client:
            command = [program("redis-server"), str(file), "--sentinel"]
            with running(command, lambda: _answers(client), record / "journal"):
                yield port


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False
