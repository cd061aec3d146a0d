"""Spans are made of marks once answers have left: which are kept, what they may say; a collector that is away costs nothing."""

import json
import logging
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from gateway.correlation import RequestTrace, start_trace
from gateway.edge.graphql_http import AccessLog, write
from gateway.edge.traces import ATTRIBUTES, KEPT, AnsweredRequest, SpanBuffer, answered_request, attributes, document
from gateway.errors import SourceUnavailable
from gateway.response import GraphQLResponse
from gateway.server.trace_export import TraceExport

SECOND = 1_000_000_000
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def buffer(share: float = 0.0, draws: float = 0.5, now: int = 0) -> SpanBuffer:
    return SpanBuffer(share, lambda: draws, lambda: now)


def request(outcome: str = "OK", elapsed: float = 0.1, flags: str = "00") -> AnsweredRequest:
    return AnsweredRequest(RequestTrace("r1", "a" * 32, flags), elapsed, outcome, {})


def offer(waiting: SpanBuffer, one: AnsweredRequest) -> None:
    if waiting.wants(one.trace, one.elapsed, one.outcome):
        waiting.keep(one)


@pytest.mark.parametrize(
    ("one", "kept"),
    [
        (request(), 0),
        (request("ERREUR"), 1),
        (request("INDISPONIBLE"), 1),
        (request("PARTIELLE"), 1),
        (request("REFUSEE"), 0),
        (request(elapsed=0.999), 0),
        (request(elapsed=1.0), 1),
        (request(flags="01"), 1),
        (request(flags="02"), 0),
        (request(flags="03"), 1),
    ],
)
def test_what_failed_was_slow_or_is_followed_is_kept(one: AnsweredRequest, kept: int) -> None:
    waiting = buffer()
    offer(waiting, one)
    assert len(waiting.take()) == kept
    assert waiting.take() == []


@pytest.mark.parametrize(("draw", "kept"), [(0.0, 1), (0.0099, 1), (0.01, 0), (0.99, 0)])
def test_a_part_of_the_others_is_kept(draw: float, kept: int) -> None:
    waiting = buffer(0.01, draw)
    offer(waiting, request())
    assert len(waiting.take()) == kept


def test_those_that_callers_follow_are_bounded_by_second() -> None:
    now = 5 * SECOND
    waiting = SpanBuffer(0.0, lambda: 0.5, lambda: now)
    for _ in range(25):
        offer(waiting, request(flags="01"))
    assert len(waiting.take()) == 10
    now = 6 * SECOND
    offer(waiting, request(flags="01"))
    assert len(waiting.take()) == 1


def test_what_waits_is_bounded_and_what_is_lost_is_counted() -> None:
    waiting = buffer()
    for rank in range(KEPT + 7):
        offer(waiting, replace(request("ERREUR"), attributes={"passerelle.cout": rank}))
    assert waiting.lost == 7
    assert [one.attributes["passerelle.cout"] for _, one in waiting.take()][:1] == [7]


def test_a_trace_is_continued_and_its_stages_are_placed_by_their_marks() -> None:
    trace = start_trace(None, PARENT)
    trace.stages, trace.marks = {"analyse": 0.001, "collecte": 0.25}, {"analyse": 0.0, "collecte": 0.002}
    told = AnsweredRequest(trace, 0.5, "ERREUR", {"passerelle.issue": "ERREUR"}, [("ypareo", "DISPONIBLE", "touche")])
    (resource,) = document([(10 * SECOND, told)], {"service.name": "passerelle"})["resourceSpans"]
    assert resource["resource"]["attributes"] == [{"key": "service.name", "value": {"stringValue": "passerelle"}}]
    root, *stages = resource["scopeSpans"][0]["spans"]
    assert (root["traceId"], root["parentSpanId"]) == ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331")
    assert (root["name"], root["kind"], root["status"]) == ("query", 2, {"code": 2})
    assert (root["startTimeUnixNano"], root["endTimeUnixNano"]) == (str(9_500_000_000), str(10 * SECOND))
    assert [event["name"] for event in root["events"]] == ["source"]
    assert [(one["name"], one["startTimeUnixNano"], one["endTimeUnixNano"]) for one in stages] == [
        ("analyse", "9500000000", "9501000000"),
        ("collecte", "9502000000", "9752000000"),
    ]
    assert {one["parentSpanId"] for one in stages} == {root["spanId"]}
    assert len({one["spanId"] for one in (root, *stages)}) == 3
    assert all(re.fullmatch("[0-9a-f]{16}", one["spanId"]) for one in (root, *stages))


def test_a_stage_is_marked_where_it_first_began() -> None:
    trace = start_trace(None, None)
    with trace.stage("collecte"):
        pass
    first = dict(trace.marks)
    with trace.stage("collecte"):
        pass
    assert trace.marks == first
    assert 0.0 <= first["collecte"] <= trace.elapsed
    assert trace.parent == ""


@given(st.text(min_size=1))
def test_a_span_says_what_is_listed_and_nothing_else(name: str) -> None:
    if name in ATTRIBUTES:
        assert attributes({name: "x"})
        return
    with pytest.raises(ValueError, match="attributs non admis"):
        attributes({"passerelle.issue": "OK", name: "x"})


def test_what_a_request_tells_is_all_listed_and_holds_no_text_of_its_own() -> None:
    """Names of operations that no trusted document has are the caller's own words: they could say somebody's name."""
    trace = start_trace("0" * 32, None)
    trace.operation, trace.document = "CherchePaulCanari", "d" * 32
    answer = GraphQLResponse(
        data={"jeunes": [{"nom": "CANARI"}]},
        errors=[],
        extensions={"cout": 3, "sources": [{"nom": "imilo", "etat": "DISPONIBLE", "qui": "CANARI"}]},
    )
    told = answered_request(trace, None, answer, (None, "OK", 200, []))
    text = json.dumps(document([(0, told)], {}))
    assert "anari" not in text.casefold()
    assert json.loads(text)["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["events"][0]["attributes"][0] == {
        "key": "passerelle.source",
        "value": {"stringValue": "imilo"},
    }


class Collector:
    """One that answers a status, or is away."""

    def __init__(self) -> None:
        self.status: int | None = 200
        self.received: list[Any] = []

    async def take(self, body: bytes) -> int:
        if self.status is None:
            raise SourceUnavailable("traces", "injoignable")
        self.received.append(json.loads(body))
        return self.status


@pytest.mark.anyio
async def test_a_collector_that_is_away_is_told_once_and_what_it_missed_is_counted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING, "gateway.traces")
    registry, collector, waiting = CollectorRegistry(), Collector(), buffer()
    export = TraceExport(waiting, collector.take, {}, registry)
    for status in (None, None, 503, 200, 200):
        collector.status = status
        offer(waiting, request("ERREUR"))
        await export.flush()
    await export.flush()  # nothing waits: nothing is sent
    assert len(collector.received) == 3
    assert registry.get_sample_value("passerelle_traces_total", {"sort": "perdues"}) == 3
    assert registry.get_sample_value("passerelle_traces_total", {"sort": "remises"}) == 2
    assert [record.getMessage() for record in caplog.records] == [
        "traces : le collecteur ne les prend pas (injoignable) ; elles sont perdues jusque-là",
        "traces : le collecteur les prend de nouveau",
    ]


def test_without_a_collector_no_span_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr("gateway.edge.traces.answered_request", forbidden)
    trace, answer = start_trace(None, PARENT), GraphQLResponse(data=None, errors=[], extensions={})
    rendered = write(answer, trace.request_id, "application/json")
    AccessLog(CollectorRegistry(), ()).tell(trace, None, answer, rendered)
    with pytest.raises(AssertionError):
        AccessLog(CollectorRegistry(), (), spans=buffer()).tell(trace, None, answer, rendered)
