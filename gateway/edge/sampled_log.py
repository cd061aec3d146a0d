"""Bounds the lines that one kind of event may write: whoever can cause an event can cause a thousand a second."""

import logging
from collections import Counter
from collections.abc import Awaitable, Callable

LINES = 10  # a minute, of one kind
PERIOD = 60.0
KINDS_MAX = 1000  # told apart in a minute

logger = logging.getLogger("gateway.lignes")
# What an operator must see each of: readings that cross a quota (docs/security.md L09), and this module's own counts.
WHOLE = frozenset({"gateway.alertes", logger.name})


class SampledLog(logging.Filter):
    """Lets the first warnings and errors of a kind pass, and counts the others, told in one line when the minute ends.

    A kind is a logger and a text before its values are put in. What only informs passes, and what is critical.
    """

    def __init__(self) -> None:
        super().__init__()
        self._counts: Counter[tuple[str, str]] = Counter()

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name in WHOLE or not logging.WARNING <= record.levelno < logging.CRITICAL:
            return True
        kind = (record.name, str(record.msg))
        if kind not in self._counts and len(self._counts) >= KINDS_MAX:
            kind = ("", "autres")
        self._counts[kind] += 1
        return self._counts[kind] <= LINES

    def tell(self) -> None:
        """Say how many lines were left out, and begin another minute."""
        counts, self._counts = self._counts, Counter()
        for (name, text), number in counts.items():
            if number > LINES:
                logger.warning("%d ligne(s) de plus en une minute : %s %s", number - LINES, name, text)

    async def watch(self, sleep: Callable[[float], Awaitable[object]]) -> None:
        """Tell each minute, until cancelled, and then what is left."""
        try:
            while True:
                await sleep(PERIOD)
                self.tell()
        finally:
            self.tell()
