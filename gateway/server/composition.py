"""Builds the gateway over its services: every part once, each given what it needs. Knows no rule."""

import asyncio
import time
from collections.abc import Coroutine
from functools import partial
from typing import Any

from graphql import GraphQLSchema
from prometheus_client import ProcessCollector

from gateway.app import AppState
from gateway.audit.entries import Governed
from gateway.audit.quotas_and_journal import DailyAccounts, QuotasAndJournal
from gateway.auth.authentication.authenticator import Authenticator, TokenVerifier
from gateway.auth.authentication.client_register import ClientRegister, OrganisationCheck
from gateway.auth.authorization.candidate_policy import CandidatePolicy
from gateway.auth.authorization.decision_cache import DecisionCache
from gateway.auth.authorization.metrics import AccessMetrics
from gateway.auth.authorization.visible_schema import VisibleSchemas
from gateway.auth.policy.policy import AccessPolicy, read_policy
from gateway.auth.policy.schema_check import check_schema
from gateway.concurrency import LongWork, loop_seconds
from gateway.config import Configuration
from gateway.documents.manifests import read_manifests
from gateway.documents.parse import Documents, PersistedDocuments
from gateway.domain.days import paris_day
from gateway.domain.seal import OpaqueIds
from gateway.edge.event_stream import StreamDeps
from gateway.edge.graphql_http import AccessLog
from gateway.edge.guard import Health, Probe
from gateway.edge.metrics_page import MetricsPage
from gateway.errors import ConfigurationError
from gateway.evenements.catch_up import EventCatchUp
from gateway.evenements.perimeter_logs import EventLog
from gateway.execution.executor import Executor, ModeCounts
from gateway.federation.collect.collector import Collector
from gateway.federation.ids.id_assigner import IdAssigner, derivation
from gateway.federation.organisation_directory import RenewedDirectory
from gateway.operation import Gateway
from gateway.reception.report import TransmissionReports
from gateway.schema.query import build, core_schema
from gateway.server.issuer_parts import build_issuer, published_keys
from gateway.server.reception_parts import build_reception
from gateway.server.services import Services
from gateway.server.state_parts import build_board, known_states
from gateway.server.statistics_parts import build_public_figures, build_statistics
from gateway.server.trace_export import build_traces
from gateway.server.version import version
from gateway.server.write_parts import build_writing
from gateway.sources.harvest.registry_reader import RegistryReader
from gateway.sources.metrics import StateGauges
from gateway.statistiques.figure_rights import check_exact
from gateway.subscription import StreamPlaces
from gateway.web.statistics_page import read_sheet

PROBE_TIMEOUT = 2.0


def build_state(services: Services) -> AppState:
    """What the routes use, nothing of it opened yet. Raises ConfigurationError."""
    ProcessCollector(registry=services.metrics)
    services.metrics.register(StateGauges(services.states, services.sources.left_alone))
    register = read_client_register(services.configuration)
    authenticator, gateway = build_authenticator(services, register), build_gateway(services)
    services.traces = traces = build_traces(services.configuration.file.traces, services.transport, services.metrics)
    health = build_health(services, authenticator, register)
    return AppState(
        gateway=gateway,
        authenticator=authenticator,
        clients=register,
        health=health,
        board=build_board(services, health),
        slots=services.slots,
        access_log=AccessLog(
            services.metrics, gateway.persisted_documents.operations, spans=traces.buffer if traces else None
        ),
        metrics=MetricsPage(services.metrics, time.monotonic),
        durations=services.edge_metrics.durations,
        version=version(),
        streams=StreamDeps(gateway, StreamPlaces(services.configuration.file.flux, services.edge_metrics.streams.set)),
        webhooks=services.receiver,
        http=services.configuration.file.http,
        host=services.configuration.host,
        public_figures=build_public_figures(services, gateway),
        page=services.configuration.file.statistiques.page,
        style=_style(services.configuration),
        public_keys=published_keys(services.configuration),
        reception=build_reception(services, register),
    )


def build_gateway(services: Services) -> Gateway:
    """Everything an operation uses. Raises ConfigurationError when the schema or the policy leaves a hole."""
    configuration, counts, now = services.configuration, services.counts, services.configuration.now
    schema, policy = _ruled_schema()
    access, opaque_ids = AccessMetrics(services.metrics), OpaqueIds(configuration.sealer)
    documents = Documents(schema, opaque_ids.document)
    collector, long_work = _collector(services), LongWork()
    return Gateway(
        schema=schema,
        policy=policy,
        documents=documents,
        persisted_documents=PersistedDocuments(read_manifests(configuration.root / "documents", documents.validate)),
        decision_cache=DecisionCache(schema, policy),
        shapes=VisibleSchemas(schema, policy),
        candidate=_candidate(configuration, schema, access),
        stopped=access.stopped,
        executor=Executor(schema, ModeCounts(services.metrics)),
        collector=collector,
        opaque_ids=opaque_ids,
        statistics=build_statistics(services, policy, opaque_ids, collector),
        log=EventLog(services.events, configuration.sealer, opaque_ids, now, _catch_up(services)),
        id_assigner=IdAssigner(services.links, derivation(opaque_ids), now, counts.links_unavailable.inc),
        accounting=_accounting(services, schema, opaque_ids, long_work),
        directory=RenewedDirectory(services.keeper, opaque_ids),
        states=partial(known_states, services),
        state_of=services.sources.state_of,
        source_of_cfa=services.live_sources.partner_of_cfa,
        pushing=services.received.source_of if services.received else lambda _: None,
        reports=TransmissionReports(services.receptions, now),
        now=now,
        long_work=long_work,
        writes=build_writing(services, policy, opaque_ids),
    )


def _catch_up(services: Services) -> EventCatchUp:
    """What is made of events that this process does not find: it may be behind the others."""
    shared, is_alone = services.shared_counters, services.configuration.processus == 1
    return EventCatchUp(
        invalidate=services.sources.invalidate,
        is_told=lambda: shared.available if shared else is_alone,
        seconds=loop_seconds,
        now=services.configuration.now,
    )


def _accounting(
    services: Services, schema: GraphQLSchema, opaque_ids: OpaqueIds, long_work: LongWork
) -> QuotasAndJournal:
    """Who reads whom, counted and written."""
    kept = services.readings_journal, services.rate_limits, services.alerts, DailyAccounts(services.alerts.quota)
    return QuotasAndJournal(*kept, opaque_ids, Governed(schema), services.configuration.now, long_work)


def _ruled_schema() -> tuple[GraphQLSchema, AccessPolicy]:
    """The schema and the policy, checked against each other. Raises ConfigurationError."""
    schema, policy = core_schema(build()), read_policy()
    check_schema(schema, policy)
    check_exact(policy)
    return schema, policy


def _collector(services: Services) -> Collector:
    name = services.harvest_target.source
    fold = services.sources.connector_of(name).contrat
    if fold is None:
        raise ConfigurationError(f"partenaires : {name} ne sait pas replier un contrat")
    return Collector(
        live_sources=services.live_sources,
        registry=RegistryReader(services.registry, fold),
        registry_name=name,
        timeout=services.configuration.file.reponse.delai_secondes,
        wall_clock=loop_seconds,
        without_mission_locale=services.counts.ambiguous,
    )


def _candidate(configuration: Configuration, schema: GraphQLSchema, access: AccessMetrics) -> CandidatePolicy | None:
    """The candidate policy, held to the same rules as the one in force."""
    if configuration.candidate is None:
        return None
    policy = read_policy(configuration.candidate)
    check_schema(schema, policy)
    return CandidatePolicy(DecisionCache(schema, policy), access.gap)


def build_authenticator(services: Services, clients: ClientRegister) -> Authenticator:
    """Identifies callers: tokens of the issuers, who are asked through the guarded client, and API keys."""
    configuration = services.configuration
    issuers = [build_issuer(services, settings) for settings in configuration.file.issuers]
    verifier = TokenVerifier(issuers, clients, time.time)
    return Authenticator(verifier, clients, configuration.sealer, lambda: paris_day(configuration.now()))


def _style(configuration: Configuration) -> str | None:
    """The sheet of the theme that the operator names. Raises ConfigurationError."""
    theme = configuration.file.statistiques.theme
    return read_sheet(configuration.root / theme) if theme else None


def build_health(services: Services, authenticator: Authenticator, register: ClientRegister) -> Health:
    """The probes of what every answer needs, and of what answers can lack; a partner is neither (docs/fiabilite.md)."""

    async def answers(reading: Coroutine[Any, Any, object]) -> bool:
        await asyncio.wait_for(reading, PROBE_TIMEOUT)
        return True

    async def in_force() -> bool:
        register.current()  # raises once it has outlived its file for too long
        return True

    necessary = {
        "cles": authenticator.verifier.is_usable,
        "journal": services.readings_journal.run_probe,
        "clients": in_force,
    }
    useful: dict[str, Probe] = {
        "liens": lambda: answers(services.links.is_well()),
        "registre": lambda: _registry_is_whole(services),
        "tenue": services.journal_keeper.is_well,
        "emetteurs": authenticator.verifier.all_usable,
        "fichiers": services.open_files.is_well,
    }
    if services.shared_counters is not None:
        useful["redis"] = services.shared_counters.answers
    useful |= _register_probes(services, register)
    return Health(necessary, useful, time.monotonic)


def _register_probes(services: Services, register: ClientRegister) -> dict[str, Probe]:
    """What is wrong with the register of callers, though it serves still. Once it does not, nobody is answered."""
    check = OrganisationCheck(register, lambda: services.keeper.current)
    services.client_metrics.follow(register, check.strangers)

    async def readable() -> bool:
        return not register.unreadable_for()

    async def closed() -> bool:
        return register.is_closed

    async def known() -> bool:
        return not check.strangers()

    return {"clients": readable, "clients.fin": closed, "clients.organisation": known}


async def _registry_is_whole(services: Services) -> bool:
    """Whether the copy of the registry answers, reads and tells of something: one never harvested answers for nobody."""
    state = await asyncio.wait_for(services.registry.harvest_state(), PROBE_TIMEOUT)
    return state.as_of is not None and not services.registry.damage


def read_client_register(configuration: Configuration) -> ClientRegister:
    """The register of callers, followed when it changes. Raises ConfigurationError."""
    bound = configuration.file.clients.illisible_secondes
    return ClientRegister(configuration.root / "clients.toml", time.monotonic, bound)
