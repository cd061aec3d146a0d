"""How a partner is reached otherwise than the others: through which proxy, believing which authorities, with which certificate of
ours. Its files are read at the start, so that what is wrong is told then. Asks nobody.
"""

import ssl
from dataclasses import dataclass, field
from pathlib import Path

from gateway.errors import ConfigurationError
from gateway.sources.partners.file_format import NetworkKeys
from gateway.system_reasons import reason_of


@dataclass(frozen=True, slots=True)
class OwnNetwork:
    """The proxy of a partner, "" for none, and the TLS context of its connections."""

    proxy: str
    tls: ssl.SSLContext = field(repr=False, compare=False)


def verified(authorities: Path | None = None) -> ssl.SSLContext:
    """TLS that verifies the chain, the dates and the name, alike on every Python: 3.13 would also refuse a certificate without
    Authority Key Identifier, as internal authorities make them (docs/decisions/0062). `authorities`: a PEM file of those
    believed, instead of the system's. Raises OSError."""
    context = ssl.create_default_context(cafile=authorities)
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def read_network(path: Path, file: NetworkKeys) -> OwnNetwork | None:
    """What the file of a partner says of it, beside which its PEM files stand; None when it is reached as the others. Raises
    ConfigurationError."""
    if not (file.mandataire or file.autorites or file.certificat):
        return None
    try:
        tls = verified(path.parent / file.autorites if file.autorites else None)
    except OSError as error:  # ssl's own are among them: a file that holds no certificate
        raise ConfigurationError(f"{path} : autorites : fichier PEM attendu ({_reason(error)})") from None
    if file.certificat:
        _show(path, file, tls)
    return OwnNetwork(str(file.mandataire or ""), tls)


def _show(path: Path, file: NetworkKeys, tls: ssl.SSLContext) -> None:
    """Have our certificate shown. A key that asks for a password is refused: nobody is there to type it."""
    key = path.parent / file.cle_certificat if file.cle_certificat else None
    try:
        tls.load_cert_chain(path.parent / str(file.certificat), key, password=b"")
    except OSError as error:
        both = "certificat et cle_certificat"
        raise ConfigurationError(
            f"{path} : {both} : PEM d'un certificat et de sa clé attendus ({_reason(error)})"
        ) from None


def _reason(error: OSError) -> str:
    return "illisible" if isinstance(error, ssl.SSLError) else reason_of(error)
