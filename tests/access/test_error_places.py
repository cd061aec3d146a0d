"""Errors of refused fields stand where their nulls stand (GraphQL §7.1.2: a path has its list indexes).

Clients that read `path` (Relay's @catch, graphql-toe, graphcache of urql) take any other null for a true one.
"""

from typing import Any

import pytest

from gateway.auth.authorization.decide import Decision, Path, Refusal
from gateway.auth.policy.rules import CategorieDonnee, Profil
from gateway.errors import SourceTimedOut
from gateway.response import INDEXED_MAX, fallback_error, refusal_errors, source_error
from tests.support.access.small_world import Inhabitant, SmallWorld, caller
from tests.support.access.tools import POLICY, viewer

pytestmark = pytest.mark.anyio


def _people(number: int) -> list[Inhabitant]:
    return [
        Inhabitant(n, "60001", "0600001A", frozenset(), "RUPTURANT", 20, False, False, False) for n in range(number)
    ]


async def _asked(number: int, text: str) -> dict[str, Any]:
    return await SmallWorld(_people(number)).request(caller("DREETS", "32"), text)


async def test_b3_a_refused_field_of_a_list_has_an_error_at_each_of_its_nulls() -> None:
    response = await _asked(3, "{ jeunes { edges { node { nom rqth } } } }")
    assert [edge["node"]["rqth"] for edge in response["data"]["jeunes"]["edges"]] == [None] * 3
    assert [e["path"] for e in response["errors"]] == [["jeunes", "edges", n, "node", "rqth"] for n in range(3)]
    assert {e["extensions"]["code"] for e in response["errors"]} == {"CHAMP_REFUSE"}
    assert response["extensions"]["refus"] == [
        {"chemin": ["jeunes", "edges", "node", "rqth"], "code": "CHAMP_REFUSE", "nombre": 3}
    ]


async def test_b3_the_same_where_the_page_is_already_bytes() -> None:
    world, who = SmallWorld(_people(2)), caller("DREETS", "32")
    text = "{ jeunes { edges { node { nom rqth } } } }"
    answers = [await world.request(who, text) for _ in range(4)]
    assert [answer["errors"] for answer in answers] == [answers[0]["errors"]] * 4
    assert [answer["data"] for answer in answers] == [answers[0]["data"]] * 4


async def test_b3_what_holds_nothing_granted_is_null_and_the_error_is_there() -> None:
    response = await _asked(1, "{ jeunes { edges { node { nom representants { nom telephone } } } } }")
    assert response["data"]["jeunes"]["edges"][0]["node"]["representants"] is None
    assert {tuple(e["path"]) for e in response["errors"]} == {("jeunes", "edges", 0, "node", "representants")}


async def test_b3_a_refusal_that_no_null_shows_is_told_without_a_place() -> None:
    response = await _asked(0, "{ jeunes { edges { node { nom rqth } } } }")
    (error,) = response["errors"]
    assert "path" not in error
    assert error["extensions"]["chemin"] == ["jeunes", "edges", "node", "rqth"]
    assert response["extensions"]["refus"][0]["nombre"] == 0


async def test_b3_without_refusal_nothing_is_added() -> None:
    response = await _asked(2, "{ jeunes { edges { node { nom } } } }")
    assert "errors" not in response
    assert "refus" not in response["extensions"]


def _refused(*paths: Path) -> Decision:
    refusal = tuple(Refusal(path, f"Jeune.{path[-1]}", CategorieDonnee.CONTACT) for path in paths)
    nulls = frozenset((path, f"Jeune.{path[-1]}") for path in paths)
    return Decision(frozenset(), frozenset(), (), frozenset(), refusal, nulls, nominative=True)


def test_b3_a_thousand_errors_are_told_one_by_one_and_a_pattern_beyond_once() -> None:
    decision = _refused(("l", "a"), ("l", "b"), ("l", "c"))
    data = {"l": [{"a": None, "b": None, "c": None if n < 400 else 1} for n in range(600)]}
    errors, lines = refusal_errors(decision, data, viewer(Profil.DREETS), POLICY)
    assert INDEXED_MAX == 1000
    assert [line["nombre"] for line in lines] == [600, 600, 400]
    placed = [e["path"] for e in errors if "path" in e]
    assert placed == [("l", n, "a") for n in range(600)] + [("l", n, "c") for n in range(400)]
    (collapsed,) = [e for e in errors if "path" not in e]
    assert collapsed["extensions"] == {"code": "CHAMP_REFUSE", "chemin": ["l", "b"], "nombre": 600}


def test_b3_a_true_null_has_no_error() -> None:
    """Of an object that is not there, its refused field is nowhere; a key of another type is not that field."""
    decision = _refused(("j", "suivi", "a"), ("n", "t"))
    data = {"j": [{"suivi": None}, {"suivi": {"a": None}}], "n": {"__typename": "Cfa"}}
    errors, lines = refusal_errors(decision, data, viewer(Profil.DREETS), POLICY)
    assert [e["path"] for e in errors if "path" in e] == [("j", 1, "suivi", "a")]
    assert [line["nombre"] for line in lines] == [1, 0]


def test_b3_a_source_s_error_has_a_path_only_where_the_answer_is_null_for_it() -> None:
    error = SourceTimedOut("imilo", "imilo n'a pas répondu à temps")
    shown: dict[str, Any] = {"jeunes": {"edges": []}, "ruptures": None}
    assert source_error(error, ["jeunes", "ruptures"], shown)["path"] == ["ruptures"]
    told = source_error(error, ["jeunes"], shown)
    assert "path" not in told
    assert told["extensions"]["chemins"] == [["jeunes"]]
    assert "path" not in fallback_error(error, ["jeunes"], shown, 5)
