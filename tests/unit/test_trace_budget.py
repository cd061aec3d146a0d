"""What traces cost: off, not a call; on, what is kept is found from a duration by its exemplar, in OpenMetrics."""

import asyncio
import logging
import sys
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from gateway.correlation import RequestTrace, start_trace
from gateway.edge import metrics_page
from gateway.edge.graphql_http import AccessLog, write
from gateway.edge.traces import SpanBuffer
from gateway.response import GraphQLResponse

FOLLOWED = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
ORDINARY = "00-1af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"


def tell(access_log: AccessLog, traceparent: str) -> None:
    trace: RequestTrace = start_trace("", traceparent)
    response = GraphQLResponse({"moi": None}, [], {"cout": 2, "sources": []})
    access_log.tell(trace, None, response, write(response, trace.request_id, "application/json"))


def called(access_log: AccessLog) -> list[str]:
    """The Python functions that an answer that is told goes through, by file."""
    files: list[str] = []

    def note(frame: Any, event: str, _: Any) -> None:
        if event == "call":
            files.append(Path(frame.f_code.co_filename).name)

    tell(access_log, ORDINARY)  # its series is made
    sys.setprofile(note)
    try:
        tell(access_log, ORDINARY)
    finally:
        sys.setprofile(None)
    return files


@pytest.fixture(autouse=True)
def silent(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)


def test_off_no_function_of_traces_is_called() -> None:
    off = called(AccessLog(CollectorRegistry(), ()))
    sampled_out = called(AccessLog(CollectorRegistry(), (), spans=SpanBuffer(0.01, lambda: 0.5, lambda: 0)))
    assert "traces.py" not in off
    assert sampled_out.count("traces.py") == 2  # whether it is wanted, and nothing is made of it


_families: Any = text_string_to_metric_families


def page(accept: str, *traceparents: str) -> tuple[str, str]:
    registry = CollectorRegistry()
    access_log = AccessLog(registry, (), spans=SpanBuffer(0.0, lambda: 0.5, lambda: 0))
    for traceparent in traceparents:
        tell(access_log, traceparent)
    text, media_type = asyncio.run(metrics_page.MetricsPage(registry, lambda: 0.0).text(accept))
    return text.decode(), media_type


def test_a_duration_leads_to_the_trace_that_was_kept_and_to_no_other() -> None:
    text, media_type = page("application/openmetrics-text;version=1.0.0,text/plain;q=0.5", ORDINARY, FOLLOWED, ORDINARY)
    assert media_type.startswith("application/openmetrics-text; version=")
    assert text.count("# EOF") == 1
    samples = [one for family in _families(text) for one in family.samples]
    exemplars = [one.exemplar.labels for one in samples if one.exemplar]
    assert exemplars == [{"trace_id": "0af7651916cd43dd8448eb211c80319c"}]


def test_who_does_not_ask_for_openmetrics_reads_what_it_read() -> None:
    text, media_type = page("*/*", FOLLOWED)
    assert media_type.startswith("text/plain; version=")
    assert "0af7651916cd43dd8448eb211c80319c" not in text
    assert "# EOF" not in text
