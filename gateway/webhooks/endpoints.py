"""The webhook endpoints of `abonnements.toml`: who is told, at which address, of what, and by which secrets.

They are registered here and nowhere else: no operation of the graph names an address, so that no caller has us send anything
anywhere. Asks nobody.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from gateway.auth.authentication.clients import RegisteredClient
from gateway.auth.policy.rules import Finalite
from gateway.errors import ConfigurationError
from gateway.schema.events import TypeEvenement
from gateway.sources.partners.file_format import NetworkKeys, PartnerName, Url
from gateway.sources.partners.network import OwnNetwork, read_network
from gateway.sources.partners.tenants import secret_of
from gateway.stores.webhook_store import WebhookStore
from gateway.toml_file import StrictModel, read_toml
from gateway.webhooks.signing import read_secrets

FILE = "abonnements.toml"


class EndpointTable(NetworkKeys):
    """`[abonnements.<nom>]`. `client`: the entry of the register whose rights decide what is told; `secret`: the variable of its
    secrets; `types`: what it is told of, everything without it. The rest: how it is reached, as a partner's file says it."""

    client: str
    adresse: Url
    secret: Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]{0,63}$")]
    finalite: Finalite | None = None
    types: Annotated[tuple[TypeEvenement, ...], Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if "{" in self.adresse:
            raise ValueError("adresse : rien n'y est remplacé")
        return self


class EndpointsFile(StrictModel):
    """`abonnements.toml`."""

    abonnements: dict[PartnerName, EndpointTable]


@dataclass(frozen=True, slots=True)
class WebhookEndpoint:
    """One endpoint, its secrets read."""

    nom: str
    client: str
    adresse: str
    secrets: tuple[bytes, ...] = field(repr=False)
    finalite: Finalite | None = None
    types: tuple[TypeEvenement, ...] | None = None
    network: OwnNetwork | None = None


def read_endpoints(folder: Path, environ: Mapping[str, str]) -> tuple[WebhookEndpoint, ...]:
    """Those of a configuration folder; none where it has no such file. Raises ConfigurationError."""
    path = folder / FILE
    if not path.exists():
        return ()
    file = read_toml(path, EndpointsFile, FILE)
    return tuple(_endpoint(path, name, table, environ) for name, table in file.abonnements.items())


@dataclass(frozen=True, slots=True)
class RegisteredEndpoints:
    """The endpoints of a configuration, and where each is kept to be."""

    endpoints: tuple[WebhookEndpoint, ...]
    store: WebhookStore

    def named(self, name: str) -> WebhookEndpoint | None:
        return next((one for one in self.endpoints if one.nom == name), None)


def _endpoint(path: Path, name: str, table: EndpointTable, environ: Mapping[str, str]) -> WebhookEndpoint:
    where = f"{FILE} : abonnements.{name}"
    secret = secret_of(environ, table.secret, f"{where}.secret")
    try:
        secrets = read_secrets(secret.get_secret_value())
    except ValueError as error:
        raise ConfigurationError(f"{where}.secret : variable d'environnement {table.secret} : {error}") from None
    network = read_network(path, table)
    return WebhookEndpoint(name, table.client, table.adresse, secrets, table.finalite, table.types, network)


def check_endpoints(endpoints: tuple[WebhookEndpoint, ...], clients: Mapping[str, RegisteredClient]) -> None:
    """Raises ConfigurationError for one of whom the register makes no system that could be told."""
    for endpoint in endpoints:
        where, client = f"{FILE} : abonnements.{endpoint.nom}", clients.get(endpoint.client)
        if client is None:
            raise ConfigurationError(f"{where}.client : « {endpoint.client} » n'est pas dans clients.toml")
        if client.mfa or client.agent_exige:
            raise ConfigurationError(
                f"{where}.client : un webhook ne dit rien d'un second facteur ni de qui agit, que ce client exige"
            )
        if endpoint.finalite is None and len(client.finalites) > 1:
            raise ConfigurationError(f"{where}.finalite : obligatoire, ce client en a plusieurs")
        if endpoint.finalite is not None and endpoint.finalite not in client.finalites:
            raise ConfigurationError(f"{where}.finalite : {endpoint.finalite.value} n'est pas accordée à ce client")
