"""Gateways and commands of tests that are forked instead of started: importing is done once (docs/decisions/0163)."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, TextIO

from fixtures.gateway_process import COMMAND, ROOT, environment

Start = Callable[[str, Mapping[str, str], Any, Path], "subprocess.Popen[str]"]
Run = Callable[..., "subprocess.CompletedProcess[str]"]
MESSAGE_MAX = 1 << 18  # bytes: an environment in it
BEAT = 0.01  # seconds between two looks at a process that is waited for


class ImportedGateway:
    """The process that forks, seen from the tests."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.imported_gateway", str(theirs.fileno())],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )

    def start_or(self, started: Start) -> Start:
        """Fork what is of this checkout; start what is of another."""

        def start(command: str, env: Mapping[str, str], output: Any, code: Path) -> "subprocess.Popen[str]":
            return self._fork([command], env, output) if code == ROOT else started(command, env, output, code)

        return start

    def run_or(self, run: Run) -> Run:
        """The same, of a command that is waited for."""

        def forked(
            arguments: Sequence[str], env: Mapping[str, str], code: Path = ROOT, told: str = ""
        ) -> "subprocess.CompletedProcess[str]":
            return self._run(arguments, environment(env), told) if code == ROOT else run(arguments, env, code, told)

        return forked

    def _run(self, arguments: Sequence[str], env: Mapping[str, str], told: str) -> "subprocess.CompletedProcess[str]":
        asked = {"arguments": arguments, "environment": dict(env)}
        with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
            given.write(told.encode())
            given.seek(0)
            pid = self.ask(asked, given.fileno(), output.fileno(), errors.fileno())
            process = ForkedProcess(self, pid, arguments)
            try:
                code = process.wait(COMMAND)
            finally:
                process.kill()  # one that takes too long; nothing, of one that has ended
            return subprocess.CompletedProcess(arguments, code, _written(output), _written(errors))

    def _fork(self, arguments: Sequence[str], env: Mapping[str, str], output: Any) -> "subprocess.Popen[str]":
        asked = {"arguments": arguments, "environment": dict(env)}
        with open(os.devnull, encoding="ascii") as nothing:
            if output != subprocess.PIPE:
                pid = self.ask(asked, nothing.fileno(), output.fileno(), output.fileno())
                return ForkedProcess(self, pid, arguments)
            reading, writing = os.pipe()
            try:
                pid = self.ask(asked, nothing.fileno(), writing, writing)
            finally:
                os.close(writing)
        return ForkedProcess(self, pid, arguments, os.fdopen(reading, encoding="utf-8"))

    def ask(self, asked: Mapping[str, Any], *files: int) -> Any:
        with self._lock:
            socket.send_fds(self._channel, [json.dumps(asked).encode()], files)
            return json.loads(self._channel.recv(MESSAGE_MAX))

    def close(self) -> None:
        self._channel.close()
        self._process.wait()


def _written(stream: IO[bytes]) -> str:
    stream.seek(0)
    return stream.read().decode()


class ForkedProcess(subprocess.Popen[str]):
    """A process whose parent is the one that forks: its end is asked there."""

    def __init__(
        self, imported: ImportedGateway, pid: int, arguments: Sequence[str], stdout: TextIO | None = None
    ) -> None:
        self._imported, self.pid, self.args, self.stdout = imported, pid, arguments, stdout
        self.stdin = self.stderr = None
        self.returncode = None
        self._looking = threading.Lock()

    def poll(self) -> int | None:
        with self._looking:
            if self.returncode is None:
                self.returncode = self._imported.ask({"pid": self.pid})
            return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        start = time.monotonic()
        while (code := self.poll()) is None:
            if timeout is not None and time.monotonic() > start + timeout:
                raise subprocess.TimeoutExpired(self.args, timeout)
            time.sleep(BEAT)
        return code

    def send_signal(self, sig: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, sig)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def __exit__(self, *exception: object) -> None:
        if self.stdout:
            self.stdout.close()
        self.wait()

    def __del__(self) -> None:
        """Nothing is left to reap here."""


@contextmanager
def imported_gateway() -> Iterator[ImportedGateway]:
    """One for as long as tests need it."""
    opened = ImportedGateway()
    try:
        yield opened
    finally:
        opened.close()
