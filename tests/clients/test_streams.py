"""Clients that receive events, each in its own file of tests, against one real gateway whose partners tell their changes."""

import json
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from fixtures.gateway_process import LaunchedGateway
from fixtures.world import World
from tests.clients.conftest import FOLDER
from tests.clients.events_client import receive as events_of
from tests.conftest import TODAY
from tests.support.e2e.changes import broken_off
from tests.support.e2e.told_streams import log, rupture
from tests.support.node import execute
from tests.support.pair import counter

CLIENTS = ("events", "graphql-ws", "urql-events", "apollo-events")
ACCOUNTS = ("sse", "ws", "urql", "apollo")


@pytest.mark.parametrize(("rank", "client"), list(enumerate(CLIENTS)))
def test_a_client_subscribes_comes_back_and_misses_nothing(
    rank: int, client: str, small: World, alone: LaunchedGateway, built: Path
) -> None:
    uai, account = broken_off(small, alone)
    context = {
        "url": f"{alone.url}/graphql",
        "admin": alone.admin_url,
        "control": f"{small.simulators_url}/__control",
        "tokens": {account: small.token("ml", agent=account) for account in ACCOUNTS},
        "record": f"{uai}/{account.key}",
        "day": (TODAY - timedelta(days=60 + 10 * rank)).isoformat(),
    }
    told = execute(FOLDER, f"{client}.test.mjs", {"STREAMS": json.dumps(context)})
    assert "\n# fail 0\n" in told or "ℹ fail 0\n" in told


def test_the_python_example_receives_and_resumes(small: World, alone: LaunchedGateway) -> None:
    address, received = f"{alone.url}/graphql", list[dict[str, Any]]()

    def token() -> str:
        return small.token("ml", agent="python")

    def receive() -> None:
        received.append(next(events_of(address, token)))

    receiving = threading.Thread(target=receive)
    receiving.start()
    while not counter(alone, "passerelle_flux_ouverts"):
        pass
    rupture(small, alone)
    receiving.join(60)
    rupture(small, alone)
    (place,) = (event["id"] for event in received)
    missed = [event["id"] for event in log(small, alone, depuis=place)]
    events = events_of(address, token, place)
    assert received[0]["type"] == "RUPTURE_NOUVELLE"
    assert [next(events)["id"] for _ in missed] == missed
    events.close()
