"""A process that has imported the gateway and does nothing else: for each command of it that a test runs it forks, and the child
runs the command line that it is told, in the environment that it is told (docs/decisions/0163).

`python -m tests.support.imported_gateway FD` speaks over that socket: a message asks for a process, whose standard streams come
with it, or for the exit code of one.
"""

import gc
import json
import os
import socket
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any

# What `serve` and `moisson` import when they are called, and when they open a database that is new.
import aiosqlite  # noqa: F401
import alembic.migration
import alembic.operations
import alembic.script  # noqa: F401

import gateway.cli.commands
import gateway.server.lifecycle  # noqa: F401
from gateway import __main__ as command
from gateway.connectors.discovery import connectors
from gateway.server.version import version
from tests.support.forked_gateways import MESSAGE_MAX

STREAMS = 3  # of a process: what it is told, what it tells, its errors


def main(number: int) -> int:
    """Answer until the test process is gone. Returns in each child too, with the exit code of its command."""
    assert threading.active_count() == 1, "a process of several threads cannot be forked"
    connectors()
    version()
    gc.freeze()  # in every child: what is here lives as long as it
    with socket.socket(fileno=number) as channel:
        while True:
            message, streams, _, _ = socket.recv_fds(channel, MESSAGE_MAX, STREAMS)
            if not message:
                return 0
            asked = json.loads(message)
            if not streams:
                channel.send(json.dumps(_exit_code(asked["pid"])).encode())
                continue
            if (pid := os.fork()) == 0:
                break
            for stream in streams:
                os.close(stream)
            channel.send(json.dumps(pid).encode())
    return _gateway(asked, streams)


def _exit_code(pid: int) -> int | None:
    """As `subprocess` tells it; nothing while the process lives."""
    ended, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if ended else None


def _gateway(asked: dict[str, Any], streams: Sequence[int]) -> int:
    """Be the process that was asked for."""
    os.setsid()  # Ctrl-C reaches the tests only
    for descriptor, stream in enumerate(streams):
        os.dup2(stream, descriptor)
        os.close(stream)
    os.environ.clear()
    os.environ.update(asked["environment"])
    time.tzset()
    sys.argv = [command.__file__, *asked["arguments"]]
    return command.main(asked["arguments"])


if __name__ == "__main__":
    raise SystemExit(main(int(sys.argv[1])))
