"""Reads the bodies of ERPs in a process of its own: beside the loop's, a thread would hold the interpreter that it waits for.

Theory of operation
-------------------
The process is made for the first body, by the command line and the environment of this one, and reads one body at a time: frames
of a length and as many bytes, on its input and its output. It has the referential's establishments from the first frame that
follows each version of it. It ends when its input does: with this process, however that ends, and never before a stop is over.

A body of SMALL at most is read here, at once: a few milliseconds, which no process is made for, nor waited for.

One that died, or that does not answer in TIMEOUT, is killed, and another made for the next body; whoever sent this one is asked
to come back. Nothing was kept of it.
"""

import atexit
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any

import msgspec

from gateway.domain.referentiel import OrganismeRow, Referentiel
from gateway.domain.seal import Sealer
from gateway.errors import Overloaded
from gateway.reception.items import Family
from gateway.reception.transmission import InvalidTransmission, PreparedTransmission, prepare

COMMAND = (sys.executable, "-m", __name__)
TIMEOUT = 60.0  # seconds
SMALL = 64 * 1024  # bytes: some sixty dossiers
LENGTH = 8  # bytes that tell how many follow
BYTES_MAX = 512 * 1024 * 1024  # of a frame: a body is ten megabytes


@dataclass(frozen=True, slots=True)
class _Asked:
    """A body to read, for the family of `own`; the establishments, where they are others than before."""

    body: bytes
    own: str
    now: datetime
    organismes: Mapping[str, OrganismeRow] | None = None


@dataclass(frozen=True, slots=True)
class _Answered:
    """What a body is, or why it is none."""

    prepared: PreparedTransmission | None = None
    message: str = ""
    details: list[dict[str, Any]] | None = None


_ENCODE = msgspec.msgpack.Encoder().encode
_ASKED, _ANSWERED = msgspec.msgpack.Decoder(_Asked).decode, msgspec.msgpack.Decoder(_Answered).decode


class BodyProcess:
    """The process that reads bodies, one at a time. Called from a thread: it waits."""

    def __init__(self, sealer: Sealer, command: tuple[str, ...] = COMMAND) -> None:
        self._sealer, self._command = sealer, command
        self._process: subprocess.Popen[bytes] | None = None
        self._known: Mapping[str, OrganismeRow] | None = None
        atexit.register(self.close)

    def prepare(self, body: bytes, family: Family, now: datetime) -> PreparedTransmission:
        """What a body becomes. Raises InvalidTransmission; Overloaded where it could not be read."""
        if len(body) <= SMALL:
            return prepare(body, family, self._sealer, now)
        organismes = family.referentiel.organismes
        asked = _Asked(body, family.own, now, None if organismes is self._known else organismes)
        try:
            answered = self._exchanged(_ENCODE(asked))
        except (OSError, EOFError, msgspec.MsgspecError):
            self.close()
            raise Overloaded("La transmission n'a pas pu être lue.") from None
        self._known = organismes
        if answered.prepared is None:
            raise InvalidTransmission(answered.message, answered.details)
        return answered.prepared

    def close(self) -> None:
        """End the process, if there is one."""
        process, self._process, self._known = self._process, None, None
        if process is not None:
            process.kill()
            process.communicate()

    def _exchanged(self, frame: bytes) -> _Answered:
        if self._process is None:
            pipe = subprocess.PIPE
            self._process = subprocess.Popen(self._command, stdin=pipe, stdout=pipe)  # noqa: S603 - our own command
        process = self._process
        if process.stdin is None or process.stdout is None:
            raise EOFError
        late = threading.Timer(TIMEOUT, process.kill)
        late.start()
        try:
            _write(process.stdin, frame)
            return _ANSWERED(_read(process.stdout))
        finally:
            late.cancel()


def _write(stream: IO[bytes], frame: bytes) -> None:
    stream.write(len(frame).to_bytes(LENGTH, "big"))
    stream.write(frame)
    stream.flush()


def _read(stream: IO[bytes]) -> bytes:
    """The next frame. Raises EOFError where there is none, or a part of one."""
    head = stream.read(LENGTH)
    length = int.from_bytes(head, "big")
    if len(head) < LENGTH or length > BYTES_MAX or len(frame := stream.read(length)) < length:
        raise EOFError
    return frame


def main() -> None:
    """Answer each frame, until there is no more. Signals to the group are for the process that serves: it stops this one."""
    from gateway.config import load  # noqa: PLC0415 - not needed by the process that serves

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    sealer, referentiel = load().sealer, Referentiel()
    while True:
        try:
            asked = _ASKED(_read(sys.stdin.buffer))
        except EOFError:
            return
        if asked.organismes is not None:
            referentiel = Referentiel(organismes=asked.organismes)
        try:
            answered = _Answered(prepare(asked.body, Family(referentiel, asked.own), sealer, asked.now))
        except InvalidTransmission as error:
            answered = _Answered(message=str(error), details=error.details)
        _write(sys.stdout.buffer, _ENCODE(answered))


if __name__ == "__main__":
    main()
