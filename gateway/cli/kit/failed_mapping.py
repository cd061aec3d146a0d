"""Where a connector in Python failed at a record: what the reading tells the log, kept for the verdict."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager


class _Kept(logging.Handler):
    def __init__(self, lines: list[str]) -> None:
        super().__init__()
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(record.getMessage())


@contextmanager
def failed_mapping() -> Iterator[list[str]]:
    """The lines, each with its file, that are told meanwhile instead of going to the log."""
    logger, lines = logging.getLogger("gateway.connecteurs"), list[str]()
    handler, propagated = _Kept(lines), logger.propagate
    logger.addHandler(handler)
    logger.propagate = False
    try:
        yield lines
    finally:
        logger.removeHandler(handler)
        logger.propagate = propagated
