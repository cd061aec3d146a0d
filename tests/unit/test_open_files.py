"""Files that lack are told once when they begin to, and once when they lack no more."""

import logging
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from gateway.server.open_files import MARGIN, OpenFiles

REACHED = (
    "fichiers : limite du système atteinte ({}) ; la passerelle continue, refuse des connexions et ne joint plus tous les "
    "partenaires : LimitNOFILE=8192 dans l'unité systemd, ou ulimit -n, puis redémarrer"
)
OVER = "fichiers : de nouveau sous la limite du système ({})"


@contextmanager
def limited(left: int) -> Iterator[int]:
    """The limit of this process, such that so many more files may be opened."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.dup(0)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free + left, hard))
    try:
        yield free + left
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.anyio
@pytest.mark.parametrize("left", [0, MARGIN - 1])
async def test_what_lacks_is_told_at_its_beginning_and_its_end(left: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "gateway.vie")
    files = OpenFiles()
    files.look()
    with limited(left) as limit:
        files.look()
        files.look()
        assert not await files.is_well()
    files.look()
    assert await files.is_well()
    enough, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("ERROR", REACHED.format(limit)),
        ("INFO", OVER.format(enough)),
    ]


@pytest.mark.anyio
async def test_what_is_enough_is_not_told(caplog: pytest.LogCaptureFixture) -> None:
    files = OpenFiles()
    with limited(MARGIN + 1):
        files.look()
    assert await files.is_well()
    assert caplog.records == []
