"""A process that has imported the gateway and does nothing else: for each gateway that a test starts it forks, and the child runs
the command line that it is told, in the environment that it is told (docs/decisions/0163).

`python -m tests.support.imported_gateway FD` speaks over that socket: a message asks for a process or for the exit code of one.
"""

import json
import os
import socket
import sys
import threading
import time
from typing import Any

# What `serve` and `moisson` import when they are called, and when they open a database that is new.
import aiosqlite  # noqa: F401
import alembic.migration
import alembic.operations
import alembic.script  # noqa: F401

import gateway.cli.commands
import gateway.server.lifecycle  # noqa: F401
from gateway.__main__ import main as command_line
from tests.support.forked_gateways import MESSAGE_MAX


def main(number: int) -> int:
    """Answer until the test process is gone. Returns in each child too, with the exit code of its command."""
    assert threading.active_count() == 1, "a process of several threads cannot be forked"
    with socket.socket(fileno=number) as channel:
        while True:
            message, files, _, _ = socket.recv_fds(channel, MESSAGE_MAX, 1)
            if not message:
                return 0
            asked = json.loads(message)
            if not files:
                channel.send(json.dumps(_exit_code(asked["pid"])).encode())
                continue
            if (pid := os.fork()) == 0:
                break
            os.close(files[0])
            channel.send(json.dumps(pid).encode())
    return _gateway(asked, files[0])


def _exit_code(pid: int) -> int | None:
    """As `subprocess` tells it; nothing while the process lives."""
    ended, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if ended else None


def _gateway(asked: dict[str, Any], output: int) -> int:
    """Be the process that was asked for."""
    os.setsid()  # Ctrl-C reaches the tests only
    for descriptor in (1, 2):
        os.dup2(output, descriptor)
    os.close(output)
    os.environ.clear()
    os.environ.update(asked["environment"])
    time.tzset()
    sys.argv[1:] = asked["arguments"]
    return command_line(asked["arguments"])


if __name__ == "__main__":
    raise SystemExit(main(int(sys.argv[1])))
