"""The body of an answer, read with a bound on its decoded size. Knows neither what it holds nor who sent it."""

import zlib
from collections.abc import AsyncIterable

_GZIP_OU_ZLIB = zlib.MAX_WBITS | 32  # the header tells which


class CorpsInvalide(Exception):
    """The body cannot be decoded, or is larger than agreed. The message is French and holds nothing of the body."""


class _TelQuel:
    """No content encoding; HTTP itself checks that the body is whole."""

    def decoder(self, bloc: bytes, _reste: int) -> bytes:
        return bloc

    def finir(self) -> None:
        pass


class _Comprime:
    """gzip (several members allowed) or deflate. Never inflates more than one byte above what is left."""

    def __init__(self) -> None:
        self._flux = zlib.decompressobj(_GZIP_OU_ZLIB)

    def decoder(self, bloc: bytes, reste: int) -> bytes:
        sortie = b""
        while bloc and len(sortie) <= reste:
            if self._flux.eof:
                self._flux = zlib.decompressobj(_GZIP_OU_ZLIB)
            sortie += self._gonfler(bloc, reste + 1 - len(sortie))
            bloc = self._flux.unconsumed_tail or self._flux.unused_data
        return sortie

    def _gonfler(self, bloc: bytes, reste: int) -> bytes:
        try:
            return self._flux.decompress(bloc, reste)
        except zlib.error:
            raise CorpsInvalide("compression illisible") from None

    def finir(self) -> None:
        if not self._flux.eof:
            raise CorpsInvalide("réponse tronquée")


async def lire_corps(blocs: AsyncIterable[bytes], encodage: str, octets_max: int) -> bytes:
    """The decoded body, at most `octets_max` bytes; `encodage` is the Content-Encoding header. Raises CorpsInvalide."""
    decodeur = _decodeur(encodage.strip().lower())
    morceaux: list[bytes] = []
    reste = octets_max
    async for bloc in blocs:
        morceau = decodeur.decoder(bloc, reste)
        reste -= len(morceau)
        if reste < 0:
            raise CorpsInvalide("réponse trop volumineuse")
        morceaux.append(morceau)
    if reste < octets_max:
        decodeur.finir()
    return b"".join(morceaux)


def _decodeur(encodage: str) -> _TelQuel | _Comprime:
    if encodage in {"", "identity"}:
        return _TelQuel()
    if encodage in {"gzip", "x-gzip", "deflate"}:
        return _Comprime()
    raise CorpsInvalide("compression non prise en charge")
