"""A Redis of the tests' own, that they may empty; never the one that listens on the usual port."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import redis

from fixtures.serveurs import port_libre


@contextmanager
def serveur_redis() -> Iterator[str]:
    """The URL of a Redis. Skips without one, saying so; under CI that is a failure."""
    programme = shutil.which("redis-server")
    if programme is None:
        _absent()
        return
    port = port_libre()
    commande = [
        programme,
        "--port",
        str(port),
        "--bind",
        "127.0.0.1",
        "--save",
        "",
        "--appendonly",
        "no",
        "--databases",
        "256",
    ]
    with subprocess.Popen(commande, stdout=subprocess.DEVNULL) as processus:
        try:
            yield _attendre(f"redis://127.0.0.1:{port}/0")
        finally:
            processus.kill()


def _absent() -> None:
    raison = "redis-server is not installed: what processes share by Redis is not tried"
    if os.environ.get("CI"):
        pytest.fail(raison)
    pytest.skip(raison)


def _attendre(url: str) -> str:
    limite = time.monotonic() + 20
    while not _repond(url):
        if time.monotonic() > limite:
            raise RuntimeError("redis-server did not start")
        time.sleep(0.02)
    return url


def _repond(url: str) -> bool:
    with redis.Redis.from_url(url) as client:
        try:
            return bool(client.ping())
        except redis.ConnectionError:
            return False
