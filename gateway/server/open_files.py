"""Tells when the system lets this process open no more files: callers are cut off, partners look dead, and nothing else says why.

Knows neither connections nor partners.
"""

import logging
import os
import resource
from collections.abc import Awaitable, Callable

STEP = 1.0  # seconds between two looks
MARGIN = 16  # files that must still be free

logger = logging.getLogger("gateway.vie")


class OpenFiles:
    """Whether there are some left, as of the last look. The process goes on in any case."""

    def __init__(self) -> None:
        self._lacking = False

    async def is_well(self) -> bool:
        return not self._lacking

    async def watch(self, sleep: Callable[[float], Awaitable[object]]) -> None:
        """Look until cancelled, and tell what changes."""
        while True:
            self.look()
            await sleep(STEP)

    def look(self) -> None:
        """Tell when they begin to lack, and when they lack no more."""
        limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        lacking = limit != resource.RLIM_INFINITY and _lowest_free(limit) + MARGIN > limit
        if lacking and not self._lacking:
            logger.error(
                "fichiers : limite du système atteinte (%d) ; la passerelle continue, refuse des connexions et ne joint plus "
                "tous les partenaires : LimitNOFILE=8192 dans l'unité systemd, ou ulimit -n, puis redémarrer",
                limit,
            )
        elif self._lacking and not lacking:
            logger.info("fichiers : de nouveau sous la limite du système (%d)", limit)
        self._lacking = lacking


def _lowest_free(limit: int) -> int:
    """The number that the next file would have, which is the lowest free one: `limit` when there is none."""
    try:
        free = os.open(os.devnull, os.O_RDONLY)
    except OSError:
        return limit
    os.close(free)
    return free
