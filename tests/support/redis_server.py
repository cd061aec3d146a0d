"""A Redis of the tests' own, that they may empty; never the one that listens on the usual port."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import redis
from prometheus_client import CollectorRegistry

from fixtures.servers import free_port
from gateway.redis_breaker import RedisBreaker


def redis_breaker(seconds: Callable[[], float] = time.monotonic) -> RedisBreaker:
    """The state of a Redis, of one process and with figures of its own."""
    return RedisBreaker(seconds, CollectorRegistry())


@contextmanager
def redis_server() -> Iterator[str]:
    """The URL of a Redis. Skips without one, saying so; under CI that is a failure."""
    programme = shutil.which("redis-server")
    if programme is None:
        _absent()
        return
    port = free_port()
    command = [
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
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as processes:
        try:
            yield _wait(f"redis://127.0.0.1:{port}/0")
        finally:
            processes.kill()


def _absent() -> None:
    reason = "redis-server is not installed: what processes share by Redis is not tried"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def _wait(url: str) -> str:
    limit = time.monotonic() + 20
    while not _answers(url):
        if time.monotonic() > limit:
            raise RuntimeError("redis-server did not start")
        time.sleep(0.02)
    return url


def _answers(url: str) -> bool:
    with redis.Redis.from_url(url) as client:
        try:
            return bool(client.ping())
        except redis.ConnectionError:
            return False
