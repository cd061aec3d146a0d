"""The steps of one operation, in order, and nowhere else.

    request → its text → parse, judge and validate (kept by text) → cost → charge → decide → plan → collect → view → (write)
    → execute → sentinel → look-ups → quotas and journal → answer
    a view that is not known yet: join, merge and select → give ids → place

Each step is a function over values; the effects are at both ends: the sources behind `Collector`, the bytes in `app.py`.
Knows no HTTP.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from graphql import ExecutionResult, GraphQLSchema, OperationType

from gateway.audit.quotas_and_journal import QuotasAndJournal
from gateway.auth.authentication.clients import Viewer
from gateway.auth.authorization.candidate_policy import CandidatePolicy
from gateway.auth.authorization.decide import Decision
from gateway.auth.authorization.decision_cache import CachedDecision, DecisionCache
from gateway.auth.authorization.sentinel import find_leak
from gateway.auth.authorization.visible_schema import VisibleSchemas
from gateway.auth.policy.policy import AccessPolicy
from gateway.concurrency import LongWork, PlanSlots, SingleFlight, StillUnderWay
from gateway.documents.introspection import Introspections
from gateway.documents.mistake import MistakenRequest
from gateway.documents.parse import Documents, PersistedDocuments
from gateway.domain.days import paris_day
from gateway.domain.seal import OpaqueIds
from gateway.errors import ArgumentRefused, CallerError, Code, InvalidRequest, LeakStopped, QuotaReached, WriteRefused
from gateway.evenements.perimeter_logs import EventLog
from gateway.execution.executor import Executor
from gateway.federation.collect.collector import Collector
from gateway.federation.collect.kept_readings import SourceReadings
from gateway.federation.collect.plan import plan_sources
from gateway.federation.ids.id_assigner import IdAssigner
from gateway.federation.organisation_directory import Directory
from gateway.federation.views.build import ViewCache, find_view
from gateway.federation.views.event_resolver import ANY_AGE, AskedFreshness, EventResolver
from gateway.federation.views.operation_context import OperationContext
from gateway.federation.views.view import Rights, View
from gateway.operation_runner import GraphQLRequest, ValidatedOperation, run_operation, validate
from gateway.reception.report import TransmissionReports
from gateway.response import (
    GraphQLResponse,
    cause_of,
    fallback_error,
    graphql_error,
    mistaken_response,
    refusal_errors,
    refused_response,
    source_error,
)
from gateway.schema.coordinates import EVENT_ROOTS, VIEW_ROOTS
from gateway.schema.organisations import EtatSource, Source
from gateway.statistiques.answer import Statistics
from gateway.statistiques.questions import ROOT as STATISTICS_ROOT
from gateway.statistiques.questions import asked_by
from gateway.view_in_time import FEW, Found, ViewRequest, meanwhile, prepared, view_in_time
from gateway.writes.accept_write import Writes
from gateway.writes.mutation_input import SHOWING_WRITES

logger = logging.getLogger("gateway.operation")
STATISTICS, TRANSMISSIONS = f"Query.{STATISTICS_ROOT}", "Query.transmissions"
ASKING_SOURCES = VIEW_ROOTS | {STATISTICS_ROOT, "transmissions"}
STREAMED = "Une souscription se reçoit en flux : l'envoyer avec Accept: text/event-stream, ou par WebSocket."


@dataclass(frozen=True, slots=True)
class Gateway:
    """Everything an operation uses, built once by the composition root."""

    schema: GraphQLSchema
    policy: AccessPolicy
    documents: Documents
    persisted_documents: PersistedDocuments
    decision_cache: DecisionCache
    shapes: VisibleSchemas
    candidate: CandidatePolicy | None
    stopped: Callable[[str], None]  # told where the sentinel stopped a leak
    executor: Executor
    collector: Collector
    opaque_ids: OpaqueIds
    id_assigner: IdAssigner
    statistics: Statistics
    log: EventLog
    accounting: QuotasAndJournal
    directory: Callable[[], Directory]
    states: Callable[[], list[Source]]
    state_of: Callable[[str], EtatSource | None]  # of a source by name, None when it is not configured
    source_of_cfa: Callable[[str], str | None]
    pushing: Callable[[str], Source | None]  # the state of what a CFA transmits, None when it never did
    reports: TransmissionReports
    now: Callable[[], datetime]
    writes: Writes | None = None  # None: nothing is written through this gateway
    views: ViewCache = field(default_factory=ViewCache)
    plan_slots: PlanSlots = field(default_factory=PlanSlots)
    late_views: SingleFlight[ViewRequest, None] = field(default_factory=SingleFlight)
    introspections: Introspections = field(default_factory=Introspections)
    long_work: LongWork = field(default_factory=LongWork)


async def answer(gateway: Gateway, viewer: Viewer, request: GraphQLRequest) -> GraphQLResponse:
    """The answer to one operation; what the caller did wrong is an answer too.

    Raises LeakStopped, QuotaReached, Overloaded, and JournalUnavailable when the reading could not be written: nothing leaves.
    """
    try:
        with request.trace.stage("analyse"):
            validated = await validate(gateway, viewer, request)
            if validated.is_subscription:
                raise InvalidRequest(STREAMED)
            await gateway.accounting.charge(viewer, validated.cost)
            judgement = await judge(gateway, viewer, validated)
    except (ArgumentRefused, WriteRefused) as error:
        # Refused for a criterion that it selects by, or for what it writes: answered, with null (docs/graphe.md, Refus).
        return GraphQLResponse(None, [graphql_error(error)])
    except QuotaReached:
        raise
    except MistakenRequest as error:
        return await _mistaken(gateway, viewer, error)
    except CallerError as error:
        return refused_response(error)
    try:
        return await serve(gateway, viewer, validated, judgement)
    except WriteRefused as error:
        return GraphQLResponse(None, [graphql_error(error)])
    except LeakStopped as leak:
        logger.critical("%s", leak)
        gateway.stopped(leak.coordinate)
        raise


async def _mistaken(gateway: Gateway, viewer: Viewer, refusal: MistakenRequest) -> GraphQLResponse:
    """All that is wrong, told from the caller's own shape of the graph. Raises QuotaReached."""
    shape = partial(gateway.shapes.for_viewer, viewer)
    return await gateway.long_work.run(viewer.client, object(), lambda: mistaken_response(refusal.mistakes, shape()))


async def judge(gateway: Gateway, viewer: Viewer, validated: ValidatedOperation) -> CachedDecision:
    """The decision of the policy in force, compared with that of the candidate policy. Raises what the former refuses."""
    document, cache = validated.document, gateway.decision_cache
    question = (document.tree, document.operation, validated.variables.coerced, viewer)
    key = cache.key(*question[1:])
    granted: frozenset[str] = frozenset()
    # A refusal is compared too: a candidate policy that would allow it must be seen.
    try:
        judgement = cache.find(key)
        if judgement is None:
            made = await gateway.long_work.run(viewer.client, ("decision", key), partial(cache.make, *question))
            judgement = cache.keep(key, document.tree, document.operation, made)
        granted = judgement.decision.coordinates
        return judgement
    finally:
        if gateway.candidate:
            gateway.candidate.compare(*question, granted)


async def serve(
    gateway: Gateway,
    viewer: Viewer,
    validated: ValidatedOperation,
    judgement: CachedDecision,
    told: EventResolver | None = None,
) -> GraphQLResponse:
    """The answer to a decided operation; `told`: what it may show of the log of events, where that was read already."""
    trace = validated.trace
    with trace.stage("collecte"):
        if not EVENT_ROOTS.isdisjoint(judgement.decision.coordinates):
            told = told or await gateway.log.told(viewer)  # before the sources: what they say is later than each event
        context = await _collect(gateway, viewer, validated, judgement.decision, told)
    if gateway.writes and not SHOWING_WRITES.isdisjoint(judgement.decision.coordinates):
        written = validated.document, validated.variables
        context = await gateway.writes.serve(gateway.schema, context, *written, trace)
    with trace.stage("execution"):
        result, walked = await run_operation(gateway, context, validated, judgement)
        response = _response(gateway, context, result, validated.cost + walked + context.figures.walked)
        if judgement.forbidden and (found := find_leak(response.data, judgement.forbidden)):
            raise LeakStopped(".".join(found))
        if told:
            await told.ask_later(context.readings)
    # The journal comes last and before the answer: what it cannot write is not shown.
    states = {source["nom"]: source["etat"] for source in response.extensions["sources"]}
    with trace.stage("journal"):
        await gateway.accounting.limit_lookups(context)
        await gateway.accounting.record(context, trace, states)
    return response


async def _collect(
    gateway: Gateway, viewer: Viewer, validated: ValidatedOperation, decision: Decision, told: EventResolver | None
) -> OperationContext:
    """The context, with the figures that the operation asks for; of a mutation, with the persons that it may write of."""
    if validated.document.operation.operation is OperationType.MUTATION:
        if gateway.writes is None:
            raise WriteRefused("Cette passerelle n'écrit rien.", Code.ACTE_REFUSE)
        return await build_context(gateway, viewer, decision, ANY_AGE, True, gateway.writes.rights_of(viewer))
    freshness = AskedFreshness(validated.age_max, told)
    if STATISTICS not in decision.coordinates:
        return await build_context(gateway, viewer, decision, freshness)
    questions = asked_by(gateway.schema, validated.document, validated.variables, decision)
    counts_list = gateway.statistics.reads_list(questions, viewer)
    context = await build_context(gateway, viewer, decision, freshness, counts_list)
    await gateway.statistics.answer_all(questions, context)
    await gateway.accounting.charge(viewer, context.figures.walked)
    return context


async def build_context(
    gateway: Gateway,
    viewer: Viewer,
    decision: Decision,
    freshness: AskedFreshness = ANY_AGE,
    counts_list: bool = False,
    rights: Rights | None = None,
) -> OperationContext:
    """All that the operation may show, collected and merged; `counts_list`: the caller's list is looked at; `rights`: by which
    persons are found, where they are not the caller's. Raises Overloaded."""
    directory, day = gateway.directory(), paris_day(gateway.now())
    rights = rights or Rights(gateway.policy, viewer.profil, viewer.finalite, viewer.perimetre)
    plan = plan_sources(decision, viewer.perimetre, directory, counts_list)
    found: Found | None = None
    if plan.view:
        with gateway.plan_slots.hold(plan):
            found = await _find(gateway, ViewRequest(plan, rights, directory, day), freshness)
    readings, view, people = found or (SourceReadings(), View(), 0)
    context = OperationContext(
        viewer=viewer,
        rights=rights,
        decision=decision,
        directory=directory,
        opaque_ids=gateway.opaque_ids,
        day=day,
        states=gateway.states,
        source_of_cfa=gateway.source_of_cfa,
        pushing=gateway.pushing,
        readings=readings,
        view=view,
        people=people,
        events=freshness.told or EventResolver(),
    )
    if gateway.writes and gateway.writes.pending.by_person:
        # Most gateways hold no write, most of the time: nothing is called then.
        context = gateway.writes.over(context)
    return await gateway.reports.told(context) if TRANSMISSIONS in decision.coordinates else context


async def _find(gateway: Gateway, wanted: ViewRequest, asked: AskedFreshness) -> Found:
    """What may be shown of persons before the deadline of the answer."""
    collector = gateway.collector
    try:
        end = collector.wall_clock() + collector.timeout
        if gateway.late_views:  # under way: whoever asks for the same adds no work
            await prepared(gateway, wanted)
        readings = await _read(collector, wanted, asked, end)
        if len(readings.sourced_records) > FEW:
            return await view_in_time(gateway, wanted, readings, end)
        view = find_view(gateway.views, gateway.id_assigner, readings, wanted.rights, wanted.directory, wanted.day)
        return readings, *await view
    except StillUnderWay:
        return meanwhile(gateway, wanted)


async def _read(collector: Collector, wanted: ViewRequest, asked: AskedFreshness, end: float) -> SourceReadings:
    """What the sources say, later than each event that is told, as far as they say it in time. Raises StillUnderWay."""
    told, read = asked.told, partial(collector.collect, wanted.plan, wanted.directory, asked.age_max)
    if told is None:
        return await read(timeout=end - collector.wall_clock())
    readings = await read(told.met_at, end - collector.wall_clock())
    if await told.asks_first(readings):
        readings = await read(collector.wall_clock(), end - collector.wall_clock())
    return readings


def _response(gateway: Gateway, context: OperationContext, result: ExecutionResult, cost: int) -> GraphQLResponse:
    """The answer: data, then the errors of fields, of rights, of sources, and of sources whose earlier answer is shown."""
    decision, readings = context.decision, context.readings
    rows = readings.lines(gateway.state_of, gateway.now(), gateway.collector.wall_clock())
    roots = decision.keys(ASKING_SOURCES) if readings.errors or readings.covered else []
    told = (decision, result.data, context.viewer, gateway.policy)
    refused, lines = refusal_errors(*told) if decision.refusal else ([], [])
    errors = [
        *(graphql_error(cause_of(error), error.path) for error in result.errors or []),
        *refused,
        *(source_error(error, roots, result.data) for error in readings.errors.values()),
        *(
            fallback_error(error, roots, result.data, rows[source]["ageSecondes"])
            for source, error in readings.covered.items()
            if source not in readings.errors
        ),
    ]
    extensions = (
        {"sources": list(rows.values()), "cout": cost} | ({"refus": lines} if lines else {}) | readings.progress
    )
    return GraphQLResponse(result.data, errors, extensions)
