"""What goes wrong below, as what the sources know: every failure becomes a SourceError, which names its partner, no address."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

import aiohttp
import httpx

from gateway.errors import OutOfFiles, SourceDenied, SourceInvalid, SourceTimedOut, SourceUnavailable
from gateway.sources.http.credentials import AccessDenied
from gateway.sources.http.decode import AnnouncedError, InvalidDocument


@contextmanager
def translated(source: str) -> Iterator[None]:
    """Every failure below becomes ours; the cause is cut off, for it holds the URL."""
    try:
        yield
    except TimeoutError:
        raise SourceTimedOut(source, "le partenaire n'a pas répondu à temps") from None
    except InvalidDocument as error:
        raise SourceInvalid(source, f"réponse du partenaire invalide : {error}") from None
    except AnnouncedError as error:
        raise SourceUnavailable(source, f"refus du partenaire : {error}") from None
    except AccessDenied as error:
        raise SourceDenied(source, f"refus du partenaire : {error}") from None
    except (httpx.HTTPError, aiohttp.ClientError, OSError) as error:
        if isinstance(error.__cause__, aiohttp.ClientPayloadError):  # an answer begun and not finished
            raise SourceInvalid(source, "réponse du partenaire tronquée") from None
        if _lacks_files(error):
            raise OutOfFiles(source, "la passerelle ne peut plus ouvrir de connexion") from None
        unknown = isinstance(error.__cause__ or error, aiohttp.ClientConnectorCertificateError)
        raise SourceUnavailable(source, "certificat non reconnu" if unknown else "partenaire injoignable") from None


def _lacks_files(error: BaseException | None) -> bool:
    """Whether it is our system that refused to open a connection, or a file of the look-up of a name."""
    return error is not None and (
        getattr(error, "errno", None) in (errno.EMFILE, errno.ENFILE) or _lacks_files(error.__cause__)
    )
