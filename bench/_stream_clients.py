"""The other side of `bench.streams`: thousands of streams in one process, told by lines what to do with them.

Reads a JSON object (`address`, `kind`, `tokens`: one a stream), says how many are open, then obeys `close`, `reset` or `freeze`.
"""

import asyncio
import json
import resource
import socket
import struct
import sys
import time
from typing import Any

from websockets import Subprotocol
from websockets.asyncio.client import connect

QUERY = "subscription { evenements { id type jeune { id nom } } }"
AT_ONCE = 20  # that are being opened
PATIENCE = 300.0  # seconds for a place, where a client's budget of the minute is spent

Opened = tuple[Any, Any]
READERS: set[asyncio.Task[None]] = set()  # asyncio itself keeps weak references only


async def open_sse(host: str, port: int, token: str) -> Opened:
    body = json.dumps({"query": QUERY}).encode()
    head = (
        f"POST /graphql HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Bearer {token}\r\nAccept: text/event-stream\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    reader, writer = await asyncio.open_connection(host, port, limit=1024)
    writer.write(head.encode() + body)
    try:
        await reader.readuntil(b":\n\n")
    except (asyncio.LimitOverrunError, asyncio.IncompleteReadError):
        writer.transport.abort()
        raise ConnectionError from None
    READERS.add(asyncio.create_task(_drop(reader)))
    return writer.transport, writer


async def _drop(reader: asyncio.StreamReader) -> None:
    try:
        while await reader.read(1024):
            pass
    except OSError:
        pass


async def open_socket(host: str, port: int, token: str) -> Opened:
    opened = await connect(
        f"ws://{host}:{port}/graphql", subprotocols=[Subprotocol("graphql-transport-ws")], compression=None, ping_interval=None,
        open_timeout=60,
    )  # fmt: skip
    await opened.send(json.dumps({"type": "connection_init", "payload": {"authorization": f"Bearer {token}"}}))
    await opened.recv()
    await opened.send(json.dumps({"type": "subscribe", "id": "1", "payload": {"query": QUERY}}))
    await opened.send('{"type":"ping"}')
    if '"pong"' not in str(await opened.recv()):
        await opened.close()
        raise ConnectionError
    return opened.transport, opened


async def open_all(asked: dict[str, Any]) -> list[Opened]:
    host, _, port = asked["address"].rpartition(":")
    turn, opening = asyncio.Semaphore(AT_ONCE), {"sse": open_sse, "websocket": open_socket}[asked["kind"]]

    async def one(token: str) -> Opened:
        end = time.monotonic() + PATIENCE
        while True:
            try:
                async with turn:
                    return await opening(host, int(port), token)
            except Exception:
                if time.monotonic() > end:
                    raise
                await asyncio.sleep(5)

    return list(await asyncio.gather(*(one(token) for token in asked["tokens"])))


def leave(opened: list[Opened], how: str) -> None:
    for transport, _ in opened:
        if how == "reset":
            taken = transport.get_extra_info("socket")
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            transport.abort()
        elif how == "close":
            transport.close()
        else:
            transport.pause_reading()


async def main() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    loop = asyncio.get_running_loop()
    opened = await open_all(json.loads(sys.stdin.readline()))
    print(len(opened), flush=True)
    while how := (await loop.run_in_executor(None, sys.stdin.readline)).strip():
        leave(opened, how)
        print(how, flush=True)


if __name__ == "__main__":
    asyncio.run(main())
