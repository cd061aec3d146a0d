"""Builds the issuers of tokens, each with who asks it and how it is reached. Knows no rule."""

import time
from collections.abc import Mapping
from functools import partial
from hashlib import sha256
from typing import Any

from gateway.auth.authentication.authenticator import TokenIssuer
from gateway.auth.authentication.jwks import KeySet, SignedTokens
from gateway.auth.authentication.token_introspection import IntrospectedTokens, encryption_key
from gateway.config import Configuration
from gateway.errors import ConfigurationError
from gateway.issuer_settings import IssuerSettings
from gateway.server.services import Services
from gateway.sources.http.issuers import IssuerClient, JwksFile
from gateway.sources.http.outbound import aiohttp_transport
from gateway.sources.http.transport import Transport


def build_issuer(services: Services, settings: IssuerSettings) -> TokenIssuer:
    """One issuer of tokens, and who asks it."""
    configuration = services.configuration
    secret = configuration.introspection_secret if settings.introspection else ""
    client = IssuerClient(settings, secret, _transport_to(services, settings), time.monotonic)
    services.issuers.append(client)
    first = settings is configuration.file.jetons
    name = "jwks" if first else f"jwks-{sha256(settings.emetteur.encode()).hexdigest()[:16]}"
    kept = JwksFile(configuration.donnees / f"{name}.scelle", configuration.sealer, settings.emetteur)
    keys = KeySet(client.keys, time.time, kept, settings.algorithmes, settings.emetteur)
    if settings.introspection is None:
        return SignedTokens(settings, keys)
    own_keys = [encryption_key(sealer) for sealer in configuration.encryption_sealers]
    return IntrospectedTokens(settings, settings.introspection, client.introspect, keys, own_keys, time.time)


def _transport_to(services: Services, settings: IssuerSettings) -> Transport:
    """Where it is reached as partners are, theirs. Raises ConfigurationError."""
    proxy, authorities, root = settings.mandataire, settings.autorites, services.configuration.root
    if not proxy and not authorities:
        return services.transport
    network = partial(aiohttp_transport, str(proxy) if proxy else None, root / authorities if authorities else None)
    try:
        return Transport(services.configuration.now, network)
    except OSError as error:  # ssl's own are among them: a file that holds no certificate
        raise ConfigurationError(f"gateway.toml : autorites : fichier PEM attendu ({type(error).__name__})") from None


def published_keys(configuration: Configuration) -> Mapping[str, Any] | None:
    """What `/jwks` answers: the key for which an issuer encrypts, where one does."""
    asked = [issuer.introspection for issuer in configuration.file.issuers if issuer.introspection]
    encrypted = any(settings.reponse == "chiffree" for settings in asked)
    return {"keys": [encryption_key(configuration.encryption_sealers[0]).as_dict(private=False)]} if encrypted else None
