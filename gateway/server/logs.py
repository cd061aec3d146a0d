"""Writes log lines for operators: text, or one JSON object a line; each names the request it is about. Knows no rule."""

import logging
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from gateway.correlation import CURRENT
from gateway.errors import ConfigurationError

FORMATS = ("texte", "json")
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
PLAIN = str | int | float | None  # written as they are
FIELDS = "fields"  # where a record carries what it tells beside its message


def configure_logs(environ: Mapping[str, str]) -> None:
    """Say how this process logs, on standard error. Raises ConfigurationError."""
    level = _chosen(environ, "GATEWAY_LOGS_NIVEAU", LEVELS, "INFO")
    formatter = JsonFormatter() if _chosen(environ, "GATEWAY_LOGS", FORMATS, "texte") == "json" else TextFormatter()
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    # No line tells them, and each record would look for them.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging.basicConfig(level=level, handlers=[handler])
    logging.getLogger("alembic").setLevel(logging.WARNING)  # it tells its own plugins, one by one, beside what is asked


def _chosen(environ: Mapping[str, str], variable: str, words: tuple[str, ...], default: str) -> str:
    word = environ.get(variable) or default
    if word not in words:
        raise ConfigurationError(f"{variable} : « {word} » inconnu ; au choix {', '.join(words)}")
    return word


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    """What is told beside the message: of the record's own, or which request it is about."""
    told: dict[str, Any] | None = getattr(record, FIELDS, None)
    trace = CURRENT.get()
    return told if told is not None else {"requete": trace.request_id, "trace": trace.trace_id} if trace else {}


class TextFormatter(logging.Formatter):
    """One line a record; what is told beside the message follows it, `name=value`."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802
        """The machine's time with its offset: lines of several machines are read together."""
        return datetime.fromtimestamp(record.created, UTC).astimezone().isoformat(timespec="milliseconds")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name is logging's
        told = " ".join(f"{name}={_word(value)}" for name, value in _fields(record).items())
        return " ".join(part for part in (_line(super().formatMessage(record)), told) if part)


class JsonFormatter(logging.Formatter):
    """One JSON object a record: `quand` (RFC 3339, UTC), `niveau`, `journal`, `message`, and what is told beside it."""

    def format(self, record: logging.LogRecord) -> str:
        told = {
            "quand": _instant(record.created),
            "niveau": record.levelname,
            "journal": record.name,
            "message": record.getMessage(),
            **_fields(record),
        }
        if record.exc_info:
            told["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(told, default=str).decode()


def _instant(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


def _word(value: Any) -> str:
    """A value without space: a line is read by columns."""
    return str(value) if isinstance(value, PLAIN) else orjson.dumps(value).decode()


def _line(text: str) -> str:
    """The text on one line, whatever it quotes (docs/security.md L05)."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)
