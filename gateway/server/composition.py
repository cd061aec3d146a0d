"""Builds the gateway over its services: every part once, each given what it needs. Knows no rule."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Any

from graphql import GraphQLSchema

from gateway.app import AppState
from gateway.audit.accounting import Accounting, governed
from gateway.auth.authentication.authenticator import Authenticator, TokenVerifier
from gateway.auth.authentication.clients import ClientRegister
from gateway.auth.authentication.jwks import BYTES_MAX, KeySet
from gateway.auth.authorization.decide import DecisionCache
from gateway.auth.authorization.metrics import AccessMetrics
from gateway.auth.authorization.trial import PolicyTrial
from gateway.auth.authorization.visible_schema import VisibleSchemas
from gateway.auth.policy.policy import read_policy
from gateway.auth.policy.schema_check import check_schema
from gateway.config import Configuration
from gateway.connectors.base import PartnerRequest
from gateway.connectors.discovery import connectors
from gateway.documents.parse import Documents, PersistedDocuments, read_manifests
from gateway.domain.days import paris_day
from gateway.domain.referentiel import Referentiel
from gateway.domain.seal import OpaqueIds
from gateway.edge.health import Health
from gateway.errors import ConfigurationError
from gateway.execution.executor import Executor
from gateway.federation.collect.collector import Collector
from gateway.federation.directory import Directory
from gateway.federation.ids.assign import IdAssigner
from gateway.operation import Gateway
from gateway.schema.query import build, core_schema
from gateway.server.services import Services
from gateway.sources.harvest.referentiel import ReferentielKeeper
from gateway.sources.harvest.registry_reader import RegistryReader
from gateway.sources.http.transport import Exchange
from gateway.stores.jwks_file import JwksFile

JWKS_TIMEOUT = 3.0  # a start without the issuer nor a kept set must end within five
PROBE_TIMEOUT = 2.0


def build_state(services: Services) -> AppState:
    """What the routes use, nothing of it opened yet. Raises ConfigurationError."""
    authenticator = build_authenticator(services)
    return AppState(
        gateway=build_gateway(services),
        authenticator=authenticator,
        health=build_health(services, authenticator),
        slots=services.slots,
        metrics=services.metrics,
        webhooks=services.receiver,
        http=services.configuration.file.http,
        host=services.configuration.host,
    )


def build_gateway(services: Services) -> Gateway:
    """Everything an operation uses. Raises ConfigurationError when the schema or the policy leaves a hole."""
    configuration = services.configuration
    schema, policy = build(), read_policy()
    check_schema(core_schema(schema), policy)
    access = AccessMetrics(services.metrics)
    opaque_ids = OpaqueIds(configuration.sealer)
    directories = _DirectoryHolder(services.keeper, opaque_ids)
    documents = Documents(core_schema(schema))
    return Gateway(
        schema=schema,
        policy=policy,
        documents=documents,
        persisted_documents=PersistedDocuments(read_manifests(configuration.root / "documents", documents.validate)),
        decision_cache=DecisionCache(core_schema(schema), policy),
        shapes=VisibleSchemas(core_schema(schema), policy),
        candidate=_candidate(configuration, core_schema(schema), access),
        stopped=access.stopped,
        executor=Executor(core_schema(schema), lambda voie: services.execution_paths.labels(voie.value).inc()),
        collector=_collector(services),
        opaque_ids=opaque_ids,
        id_assigner=_id_assigner(services, opaque_ids),
        accounting=_accounting(services, opaque_ids, core_schema(schema)),
        directory=directories.current,
        states=services.sources.states,
        state_of=services.sources.state_of,
        source_of_cfa=services.sources.partner_of_cfa,
        now=services.now,
        day=lambda: paris_day(services.now()),
    )


def _collector(services: Services) -> Collector:
    fold = connectors()[services.sources.partners[services.registry_name].genre].contrat
    if fold is None:
        raise ConfigurationError(f"partenaires : {services.registry_name} ne sait pas replier un contrat")
    return Collector(
        live_sources=services.sources,
        registry=RegistryReader(services.registry, fold),
        registry_name=services.registry_name,
        timeout=services.configuration.file.reponse.delai_secondes,
        wall_clock=_seconds,
        without_mission_locale=services.counts.ambiguous,
    )


def _id_assigner(services: Services, opaque_ids: OpaqueIds) -> IdAssigner:
    return IdAssigner(
        store=services.links,
        derive=lambda text: opaque_ids.pseudonym(f"objet|{text}"),
        now=services.now,
        failure=services.counts.links_unavailable.inc,
    )


def _accounting(services: Services, opaque_ids: OpaqueIds, schema: GraphQLSchema) -> Accounting:
    return Accounting(
        readings_journal=services.readings_journal,
        rate_limits=services.rate_limits,
        alerts=services.alerts,
        opaque_ids=opaque_ids,
        governed=governed(schema),
        now=services.now,
    )


def _candidate(configuration: Configuration, schema: GraphQLSchema, access: AccessMetrics) -> PolicyTrial | None:
    """The policy on trial, held to the same rules as the one in force."""
    if configuration.candidate is None:
        return None
    policy = read_policy(configuration.candidate)
    check_schema(schema, policy)
    return PolicyTrial(DecisionCache(schema, policy), access.gap)


def _seconds() -> float:
    return asyncio.get_running_loop().time()


class _DirectoryHolder:
    """The directory of the referential of the moment, built again when it changes."""

    def __init__(self, keeper: ReferentielKeeper, opaque_ids: OpaqueIds) -> None:
        self._keeper = keeper
        self._opaque_ids = opaque_ids
        self._built = Directory(Referentiel(), opaque_ids)

    def current(self) -> Directory:
        if self._built.referentiel is not self._keeper.current:
            self._built = Directory(self._keeper.current, self._opaque_ids)
        return self._built


def build_authenticator(services: Services) -> Authenticator:
    """Identifies callers: tokens of the issuer, whose key set is read through the guarded client, and API keys."""
    configuration = services.configuration
    tokens, clients = configuration.file.jetons, read_client_register(configuration)
    verifier = TokenVerifier(
        emetteur=tokens.emetteur,
        audience=tokens.audience,
        keys=KeySet(
            lambda: _jwks(services, str(tokens.jwks_url)),
            _epoch,
            JwksFile(configuration.donnees / "jwks.scelle", configuration.sealer),
        ),
        clients=clients,
        wall_clock=_epoch,
    )
    return Authenticator(verifier, clients, configuration.sealer, lambda: paris_day(services.now()))


def build_health(services: Services, authenticator: Authenticator) -> Health:
    """The probes of what every answer needs, and of what answers can lack; a partner is neither (docs/fiabilite.md)."""

    async def read_links() -> bool:
        async with asyncio.timeout(PROBE_TIMEOUT):
            await services.links.read(("",))
        return True

    async def read_registry() -> bool:
        async with asyncio.timeout(PROBE_TIMEOUT):
            await services.registry.harvest_state()
        return True

    necessary = {"cles": authenticator.verifier.keys.is_usable, "journal": services.readings_journal.run_probe}
    useful = {"liens": read_links, "registre": read_registry}
    return Health(necessary, useful, time.monotonic)


async def _jwks(services: Services, url: str) -> Any:
    exchange = Exchange("identite", url, PartnerRequest("jwks", ""), None, JWKS_TIMEOUT, BYTES_MAX)
    return (await services.transport.request(exchange)).document


def _epoch() -> float:
    return datetime.now(UTC).timestamp()


def read_client_register(configuration: Configuration) -> ClientRegister:
    """The register of callers, followed when it changes. Raises ConfigurationError."""
    return ClientRegister(configuration.root / "clients.toml", time.monotonic)
