"""A proxy that does CONNECT, and notes to whom."""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fixtures.servers import HOST


@asynccontextmanager
async def tunnel() -> AsyncIterator[tuple[str, list[str]]]:
    """Its address, and what it is asked."""
    asked: list[str] = []

    async def handle(reader: StreamReader, writer: StreamWriter) -> None:
        method, target, _ = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")[0].decode().split(" ")
        asked.append(f"{method} {target}")
        host, _, port = target.rpartition(":")
        from_target, towards = await asyncio.open_connection(host, int(port))
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await asyncio.gather(_pour(reader, towards), _pour(from_target, writer))

    async with await asyncio.start_server(handle, HOST, 0) as server:
        yield f"http://{HOST}:{server.sockets[0].getsockname()[1]}", asked


async def _pour(source: StreamReader, towards: StreamWriter) -> None:
    while content := await source.read(65_536):
        towards.write(content)
        await towards.drain()
    towards.close()
