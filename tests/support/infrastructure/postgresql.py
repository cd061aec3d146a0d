"""PostgreSQL as a production has it: TLS required, a standby that can be promoted, PgBouncer in front."""

import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from fixtures.servers import HOST, free_port
from tests.support.infrastructure.programs import as_postgres, certificates, directory, program, running

ACCOUNT, SECRET = "passerelle", "p@ss:w/o#rd%é?&"  # with every character that must be encoded
ENCODED = "p%40ss%3Aw%2Fo%23rd%25%C3%A9%3F%26"


@dataclass(frozen=True, slots=True)
class Server:
    """A running PostgreSQL."""

    port: int
    data: Path
    authority: Path
    process: "subprocess.Popen[bytes]"

    @property
    def place(self) -> str:
        return f"{HOST}:{self.port}"

    def url(self, **options: str) -> str:
        return url(self.place, **options)

    def verified(self) -> str:
        """With TLS, and who answers proved."""
        return self.url(sslmode="verify-full", sslrootcert=str(self.authority))

    def say(self, order: str, base: str = "postgres") -> str:
        """What psql answers, as the owner of the server."""
        command = [
            program("psql"),
            "-X",
            "-A",
            "-t",
            "-h",
            str(self.data),
            "-p",
            str(self.port),
            "-U",
            "postgres",
            base,
        ]
        return subprocess.run([*command, "-c", order], check=True, capture_output=True, text=True).stdout.strip()

    def promote(self) -> None:
        _run(program("pg_ctl"), "-D", str(self.data), "-w", "promote")


def url(place: str, secret: str = ENCODED, base: str = "passerelle", **options: str) -> str:
    """As an operator writes it."""
    query = "&".join(f"{name}={value}" for name, value in options.items())
    return f"postgresql://{ACCOUNT}:{secret}@{place}/{base}" + (f"?{query}" if query else "")


@contextmanager
def postgresql(*settings: str, tls: str = "hostssl") -> Iterator[Server]:
    """A server of one account and one base. `tls`: hostssl requires it, host does not."""
    with directory() as record:
        data = record / "donnees"
        _run(
            program("initdb"), "-D", str(data), "-U", "postgres", "--auth=trust", "-E", "UTF8", "--locale=C.UTF-8", "-N"
        )
        access = [f"{tls} all {ACCOUNT} 127.0.0.1/32 scram-sha-256", "host replication postgres 127.0.0.1/32 trust"]
        access += ["local all postgres trust", "local replication postgres trust", ""]
        (data / "pg_hba.conf").write_text("\n".join(access))
        with serving(record, data, *settings) as server:
            server.say(f"CREATE ROLE {ACCOUNT} LOGIN PASSWORD '{SECRET}'")
            server.say(f"CREATE DATABASE passerelle OWNER {ACCOUNT}")
            yield server


@contextmanager
def standby(primary: Server) -> Iterator[Server]:
    """A copy that follows, until it is promoted."""
    with directory() as record:
        data = record / "donnees"
        source = ["-h", str(primary.data), "-p", str(primary.port), "-U", "postgres"]
        _run(program("pg_basebackup"), *source, "-D", str(data), "-R", "-X", "stream", "-c", "fast")
        with serving(record, data) as server:
            yield server


@contextmanager
def serving(record: Path, data: Path, *settings: str) -> Iterator[Server]:
    """A cluster, served on a free port."""
    port, (authority, pair) = free_port(), certificates(record)
    told = [
        f"port={port}",
        "listen_addresses=127.0.0.1",
        f"unix_socket_directories={data}",
        "ssl=on",
        "max_connections=60",
    ]
    told += [f"ssl_cert_file={pair}", f"ssl_key_file={pair}", "fsync=off", "hot_standby=on", *settings]
    options = [word for setting in told for word in ("-c", setting)]
    command = [program("postgres"), "-D", str(data), *options]
    with running(command, partial(_answers, port), record / "journal", **as_postgres()) as process:
        yield Server(port, data, authority, process)


@contextmanager
def pgbouncer(server: Server, mode: str) -> Iterator[str]:
    """The place of a PgBouncer in front of a server."""
    with directory() as record:
        port, size = free_port(), 6 if mode == "transaction" else 30  # a session holds its connection
        (record / "users.txt").write_text(f'"{ACCOUNT}" "{SECRET}"\n')
        (record / "pgbouncer.ini").write_text(
            f"[databases]\n* = host={HOST} port={server.port}\n[pgbouncer]\nlisten_addr = {HOST}\nlisten_port = {port}\n"
            f"auth_type = scram-sha-256\nauth_file = {record / 'users.txt'}\npool_mode = {mode}\ndefault_pool_size = {size}\n"
            f"server_tls_sslmode = prefer\nunix_socket_dir =\nmax_client_conn = 400\n"
        )
        command = [program("pgbouncer"), str(record / "pgbouncer.ini")]
        with running(command, partial(_answers, port), record / "journal", **as_postgres()):
            yield f"{HOST}:{port}"


def _answers(port: int) -> bool:
    return subprocess.run([program("pg_isready"), "-q", "-h", HOST, "-p", str(port)], check=False).returncode == 0


def _run(*command: str) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True, **as_postgres())
    assert done.returncode == 0, f"{shlex.join(command)}\n{done.stderr}"
