"""The assertion that must never fire, made to fire: by a mask, a decision, a view and an executor broken on purpose."""

import logging
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from graphql import get_operation_ast, parse

from gateway.auth.authorization import decision_cache as decisions
from gateway.auth.authorization.decide import decide
from gateway.auth.authorization.mask import mask
from gateway.auth.authorization.selection import Selection
from gateway.auth.authorization.sentinel import Forbidden, excess, find_leak, forbidden
from gateway.auth.policy.policy import AccessPolicy
from gateway.auth.policy.rules import CategorieDonnee, Profil
from gateway.auth.policy.rules import CategorieDonnee as C
from gateway.errors import LeakStopped
from gateway.federation.views import view
from gateway.federation.views.view import View
from gateway.response import graphql_error
from gateway.schema.nouns import Contrat, Jeune, MotifPriorite, Rupture
from tests.support.access.small_world import SmallWorld, caller, draw_from
from tests.support.access.tools import FINALITES, POLICY, SCHEMA

pytestmark = pytest.mark.anyio

RESEAU, CFA = caller("TETE_DE_RESEAU", "mfr"), caller("CFA", "0600001A")
ML, AUTRE = caller("MISSION_LOCALE", "60001"), caller("MISSION_LOCALE", "60002")
TELEPHONES = "{ liste: jeunes { edges { node { nom tel: telephone suivi { commentaire } } } } }"
FOLLOWED = "{ jeunes { edges { node { nom suivi { commentaire } } } } }"


@pytest.fixture
def world() -> SmallWorld:
    return SmallWorld(draw_from(Random(5), 10))


def _lax(*arguments: Any) -> Any:
    """decide, for a policy that grants everything to everybody."""
    everything = tuple(r.model_copy(update={"categories": frozenset(CategorieDonnee)}) for r in POLICY.regle)
    large: AccessPolicy = POLICY.model_copy(update={"regle": everything})
    schema, document, operation, variables, viewer, _ = arguments
    return decide(schema, document, operation, variables, viewer, large)


def _sans_masque(item: Any, _categories: Any) -> Any:
    return item


@pytest.fixture
def spoil(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Breaks the locks named: decide, masque, and the look at nouns."""

    def make(*locks: str) -> None:
        if "decide" in locks:
            monkeypatch.setattr(decisions, "decide", _lax)
        if "masque" in locks:
            monkeypatch.setattr(view, "mask", _sans_masque)
        if "noms" in locks:
            monkeypatch.setattr(view, "excess", lambda _object, _categories: None)

    return make


async def test_it_never_fires_on_what_is_whole(world: SmallWorld) -> None:
    for viewer in (RESEAU, CFA, ML):
        assert (await world.request(viewer, TELEPHONES))["data"]["liste"]["edges"]
    assert world.stopped == []


async def test_a_broken_decision_alone_shows_nothing(world: SmallWorld, spoil: Callable[..., None]) -> None:
    spoil("decide")
    edges = (await world.request(RESEAU, TELEPHONES))["data"]["liste"]["edges"]
    assert {edge["node"]["tel"] for edge in edges} == {None}
    assert world.stopped == []


@pytest.mark.parametrize(
    ("locks", "viewer", "coordinate"),
    [
        (("masque",), RESEAU, "Jeune.rqth"),  # the noun is looked at whole, whatever was asked of it
        (("decide", "masque"), RESEAU, "Jeune.rqth"),
        (("decide", "masque", "noms"), RESEAU, "liste.edges.node.tel"),
        (("decide", "masque", "noms"), caller("FRANCE_TRAVAIL", "32"), "liste.edges.node.suivi"),
    ],
)
async def test_it_fires_and_nothing_is_sent(
    world: SmallWorld,
    spoil: Callable[..., None],
    caplog: pytest.LogCaptureFixture,
    locks: tuple[str, ...],
    viewer: Any,
    coordinate: str,
) -> None:
    spoil(*locks)
    for _ in range(3):  # by graphql-core, then by a plan whose bytes nobody could look into
        with caplog.at_level(logging.DEBUG), pytest.raises(LeakStopped):
            await world.request(viewer, TELEPHONES)
    assert world.stopped == [coordinate] * 3
    critical = [trace.getMessage() for trace in caplog.records if trace.levelno == logging.CRITICAL]
    assert critical == [f"{coordinate} : non accordé, rien n'est envoyé"] * 3
    assert not any(one["CONTACT"] in caplog.text or one["SUIVI"] in caplog.text for one in world.inhabitants)


async def test_it_knows_what_may_be_read_of_each_person(world: SmallWorld, spoil: Callable[..., None]) -> None:
    """A CFA reads the follow-up of some of its people: a mask that forgets it is caught on the others."""
    assert {one.collaboration for one in world.inhabitants if one.cfa in CFA.perimetre.uais} == {True, False}
    spoil("masque")
    with pytest.raises(LeakStopped):
        await world.request(CFA, FOLLOWED)
    assert world.stopped == ["Jeune.suivi"]


async def test_u10_a_row_of_another_perimeter_stops_the_answer(
    world: SmallWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    views: list[View] = []
    owner = world.gateway.views.view

    async def first(*arguments: Any) -> View:
        views.append(await owner(*arguments))
        return views[0]

    monkeypatch.setattr(type(world.gateway.views), "view", lambda _views, *arguments: first(*arguments))
    assert (await world.request(ML, FOLLOWED))["data"]["jeunes"]["edges"]
    with pytest.raises(LeakStopped):
        await world.request(AUTRE, FOLLOWED)
    assert world.stopped == ["Jeune hors périmètre"]


def test_the_caller_is_told_an_internal_error_and_no_more() -> None:
    assert graphql_error(LeakStopped("Jeune.rqth")) == {
        "message": "Erreur interne de la passerelle.",
        "extensions": {"code": "ERREUR_INTERNE"},
    }


def test_only_forbidden_branches_are_walked() -> None:
    class Curious(dict[str, Any]):
        def get(self, *_: Any) -> Any:
            raise AssertionError("looked at what is granted")

    assert find_leak(Curious(a=1), {}) is None
    assert find_leak([Curious(a=1)] * 3, {}) is None


@pytest.mark.parametrize(
    ("data", "found"),
    [
        ({"a": {"b": None}}, None),
        ({"a": None}, None),
        ({"a": {"c": 1}}, None),
        ({"a": {"b": 0}}, ("a", "b")),
        ({"a": {"b": False}}, ("a", "b")),
        ({"a": {"b": []}}, ("a", "b")),
        ({"a": [{"b": None}, [{"b": ""}]]}, ("a", "b")),
        (None, None),
    ],
)
def test_what_is_not_null_where_it_must_be_is_found(data: Any, found: tuple[str, ...] | None) -> None:
    assert find_leak(data, {"a": {"b": None}}) == found


def test_a_reason_that_tells_another_category_is_too_much() -> None:
    rupture = Rupture(prioritaire=True, motifs_priorite=[MotifPriorite.SOUHAITE_RDV, MotifPriorite.RQTH])
    assert excess(rupture, frozenset({C.SUIVI})) == "Rupture.motifs_priorite"
    assert excess(rupture, frozenset({C.SUIVI, C.SENSIBLE})) is None
    assert excess(mask(rupture, frozenset({C.SUIVI})), frozenset({C.SUIVI})) is None


def watched(profil: Profil, text: str) -> Forbidden:
    """What must be null in the answer of an operation of that profile, for its own purpose."""
    document = parse(text)
    operation = get_operation_ast(document)
    assert operation
    readable = POLICY.categories(profil, FINALITES[profil], profil)
    return forbidden(SCHEMA, Selection(SCHEMA, document, operation, {}), operation, readable)


@pytest.mark.parametrize(
    ("profil", "selected", "under_node"),
    [
        (Profil.TETE_DE_RESEAU, "... on Jeune { nom telephone }", {"telephone": None}),
        (Profil.TETE_DE_RESEAU, "... on Jeune { nom }", None),
        (Profil.MISSION_LOCALE, "... on Jeune { telephone ine }", {"ine": None}),
        # One key for a refused field and a granted one: which it is, the type of the object tells, and no path does.
        (Profil.TETE_DE_RESEAU, "... on Jeune { v: telephone } ... on MissionLocale { v: telephone }", None),
        (Profil.TETE_DE_RESEAU, "... on MissionLocale { v: telephone } ... on Jeune { v: telephone }", None),
        (Profil.DREETS, "... on Jeune { v: ine } ... on Contrat { v: numero }", {"v": None}),
        # Of a type that is not opened, nothing is.
        (Profil.DREETS, "... on Contrat { n: numero } ... on Jeune { nom }", {"n": None}),
        (Profil.ARML, "... on Jeune { nom }", {"nom": None}),
        (Profil.ARML, "... on Jeune { v: nom } ... on Cfa { v: nom }", None),
        (
            Profil.TETE_DE_RESEAU,
            "... on Jeune { ruptures { cause contrat { numero } } }",
            {"ruptures": {"cause": None}},
        ),
    ],
)
def test_e5_what_is_refused_under_a_node_is_watched_by_its_type(
    profil: Profil, selected: str, under_node: Forbidden | None
) -> None:
    expected = {"node": under_node} if under_node else {}
    assert watched(profil, f'{{ node(id: "x") {{ {selected} }} }}') == expected


def test_e5_what_is_refused_in_lists_of_lists_is_found() -> None:
    watch = watched(Profil.TETE_DE_RESEAU, "{ jeunes { edges { node { ruptures { date cause } } } } }")
    kept: dict[str, Any] = {"date": "2026-09-01", "cause": None}
    rows = [[kept], [kept, {**kept, "cause": "Démission"}]]
    answers = [{"jeunes": {"edges": [{"node": {"ruptures": row}} for row in told]}} for told in ([rows[0]], rows)]
    assert [find_leak(answer, watch) for answer in answers] == [None, ("jeunes", "edges", "node", "ruptures", "cause")]


@pytest.mark.parametrize("last", [0, 1, 2])
def test_e5_what_is_too_much_is_found_in_any_row_of_a_list(last: int) -> None:
    contrats = [Contrat(numero=str(rank), rupture=Rupture()) for rank in range(3)]
    jeune, granted = Jeune(contrats=contrats), frozenset({C.PARCOURS, C.CONTRAT, C.RUPTURE})
    assert excess(jeune, granted) is None
    contrats[last].rupture = Rupture(cause="Démission")
    assert excess(jeune, granted) == "Rupture.cause"
    assert excess(jeune, granted | {C.COLLABORATION}) is None
    assert excess(jeune, granted - {C.CONTRAT}) == "Jeune.contrats"


async def test_e5_a_node_that_shows_what_it_must_not_is_stopped(world: SmallWorld, spoil: Callable[..., None]) -> None:
    """The mask, the decision and the look at nouns broken: the answer is looked at last, by the path of the caller."""
    (first, *_) = (await world.request(RESEAU, "{ jeunes { edges { node { id } } } }"))["data"]["jeunes"]["edges"]
    text = "query ($id: ID!) { o: node(id: $id) { ... on Jeune { nom tel: telephone } } }"
    assert (await world.request(RESEAU, text, id=first["node"]["id"]))["data"]["o"]["tel"] is None
    spoil("decide", "masque", "noms")
    with pytest.raises(LeakStopped):
        await SmallWorld(world.inhabitants).request(RESEAU, text, id=first["node"]["id"])
