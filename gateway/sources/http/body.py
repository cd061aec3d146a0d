"""The body of an answer, read with a bound on its decoded size. Knows neither what it holds nor who sent it."""

import zlib
from collections.abc import AsyncIterable

_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32  # the header tells which


class InvalidBody(Exception):
    """The body cannot be decoded, or is larger than agreed. The message is French and holds nothing of the body."""


class _AsIs:
    """No content encoding; HTTP itself checks that the body is whole."""

    def decode(self, block: bytes, _rest: int) -> bytes:
        return block

    def finish(self) -> None:
        pass


class _Compressed:
    """gzip (several members allowed) or deflate. Never inflates more than one byte above what is left."""

    def __init__(self) -> None:
        self._flux = zlib.decompressobj(_GZIP_OR_ZLIB)

    def decode(self, block: bytes, rest: int) -> bytes:
        sortie = b""
        while block and len(sortie) <= rest:
            if self._flux.eof:
                self._flux = zlib.decompressobj(_GZIP_OR_ZLIB)
            sortie += self._inflate(block, rest + 1 - len(sortie))
            block = self._flux.unconsumed_tail or self._flux.unused_data
        return sortie

    def _inflate(self, block: bytes, rest: int) -> bytes:
        try:
            return self._flux.decompress(block, rest)
        except zlib.error:
            raise InvalidBody("compression illisible") from None

    def finish(self) -> None:
        if not self._flux.eof:
            raise InvalidBody("réponse tronquée")


async def read_body(blocks: AsyncIterable[bytes], encoding: str, octets_max: int) -> bytes:
    """The decoded body, at most `octets_max` bytes; `encoding` is the Content-Encoding header. Raises InvalidBody."""
    decoder = _decoder(encoding.strip().lower())
    chunks: list[bytes] = []
    rest = octets_max
    async for block in blocks:
        chunk = decoder.decode(block, rest)
        rest -= len(chunk)
        if rest < 0:
            raise InvalidBody("réponse trop volumineuse")
        chunks.append(chunk)
    if rest < octets_max:
        decoder.finish()
    return b"".join(chunks)


def _decoder(encoding: str) -> _AsIs | _Compressed:
    if encoding in {"", "identity"}:
        return _AsIs()
    if encoding in {"gzip", "x-gzip", "deflate"}:
        return _Compressed()
    raise InvalidBody("compression non prise en charge")
