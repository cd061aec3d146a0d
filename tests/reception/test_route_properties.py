"""The published description of the v3 contract played against its route: whatever an ERP sends in whatever field is answered as
the contract says, each item by itself; nothing that JSON can hold has the whole body refused or the process fail."""

import json
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.reception.reception import Reception
from tests.support.reception.facts import CONTRAT, FACTS, MINIMAL, item

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("url", ["sqlite"], indirect=True)]
PATH = "/api/v3/dossiers-apprenants"
BODIES = 300
SUFFIXES = ("", "_2", "_3", "_4")
NAMES = (*FACTS, *(f"{name}{suffix}" for name in CONTRAT for suffix in SUFFIXES))
ADDED = {"validation_errors", "created_at", "updated_at", "source", "source_organisme_id", "api_version", "has_error"}
FIGURES = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)  # those of JavaScript
TEXTS = st.text(max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | FIGURES | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)
TOLD = st.fixed_dictionaries({}, optional={name: st.sampled_from([*good, *bad]) for name, (good, bad) in FACTS.items()})
ANYTHING = st.dictionaries(st.sampled_from(NAMES) | TEXTS, JSON, max_size=6)
SETTINGS = settings(max_examples=BODIES, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(autouse=True)
def kept_by_nobody(reception: Reception, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is answered is looked at here; a disk takes longer than all the rest."""

    async def record(*_: object) -> frozenset[str]:
        return frozenset()

    monkeypatch.setattr(reception.store, "record", record)


async def answered(erp: httpx.AsyncClient, sent: list[Any]) -> list[dict[str, Any]]:
    """What the route answers of each item, once what holds for any answer is seen."""
    response = await erp.post(PATH, content=json.dumps(sent), headers={"content-type": "application/json"})
    assert response.status_code == 200, response.text
    body = response.json()
    wrong = any(one["has_error"] for one in body["data"])
    assert (body["status"], body["message"]) == ("OK", "Queued")
    assert body.get("detail") == ("Some data are invalid" if wrong else None)
    assert len(body["data"]) == len(sent)
    return list(body["data"])


def own(echo: dict[str, Any]) -> dict[str, Any]:
    """What an echo says again of what was sent."""
    return {name: value for name, value in echo.items() if name in NAMES}


@SETTINGS
@given(st.lists(TOLD, min_size=1, max_size=4))
async def test_each_field_is_answered_as_its_description_says(
    erp: httpx.AsyncClient, told: list[dict[str, Any]]
) -> None:
    sent = [item(**changes) for changes in told]
    for changes, each, echo in zip(told, sent, await answered(erp, sent), strict=True):
        refused = {name for name, value in changes.items() if any(value is bad for bad in FACTS[name][1])}
        assert {name for line in echo["validation_errors"] for name in line["path"]} == refused
        assert echo["has_error"] == bool(refused) == ("processed_at" in echo)
        assert own(echo) == each
        assert echo.keys() >= ADDED


@SETTINGS
@given(st.lists(ANYTHING | JSON, min_size=1, max_size=4))
async def test_whatever_json_holds_is_answered_item_by_item(erp: httpx.AsyncClient, told: list[Any]) -> None:
    sent = [{**MINIMAL, **each} if isinstance(each, dict) else each for each in told]
    for each, echo in zip(sent, await answered(erp, [*sent, item()]), strict=False):
        fields = each if isinstance(each, dict) else {}
        assert own(echo) == {name: fields[name] for name in NAMES if fields.get(name) is not None}
        assert echo["has_error"] == bool(echo["validation_errors"])
        refused = {name for line in echo["validation_errors"] for name in line["path"]}
        assert refused <= {*NAMES}
        if {name: fields.get(name) for name in MINIMAL} == MINIMAL:
            # Whatever a field that may lack holds, what was sent beside it is kept, be it a rupture.
            assert refused.isdisjoint(MINIMAL)
