"""A gateway with its cache answers what a gateway without one does, whoever asked before (docs/security.md C01, C04, C11).

Hypothesis drives both over {caller, query, variables, time, changes at the partners}.
"""

import asyncio
import json
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from gateway.auth.authentication.clients import Viewer
from gateway.auth.authorization.decision_cache import DecisionCache
from gateway.auth.policy.policy import AccessPolicy
from gateway.auth.policy.rules import CategorieDonnee, Profil
from gateway.edge.graphql_http import body
from gateway.operation import answer
from gateway.operation_runner import GraphQLRequest
from gateway.sources.codec import codec
from gateway.sources.units import UnitResult
from tests.access.test_non_interference import _ids
from tests.support.access.operations import draw_operation, write
from tests.support.access.small_world import CALLERS, REGIONS, Inhabitant, caller, draw_from
from tests.support.figures import note
from tests.support.security.cached_world import UNITES, CachedWorld, response_bytes

pytestmark = pytest.mark.anyio
PAGE = """query P($n: Int!, $statut: [StatutApprenant!]) { jeunes(first: $n, filtre: {statut: $statut}) {
 totalCount edges { node { nom telephone statut { valeur } ruptures { date } } } } }"""
STATUSES = ("INSCRIT", "APPRENTI", "RUPTURANT", "ABANDON", "FIN_DE_FORMATION")
NAMES = "{ jeunes(first: 50) { edges { node { nom } } } }"
HERE, NEIGHBOUR_ONE, CFA = (
    caller("MISSION_LOCALE", "60001"),
    caller("MISSION_LOCALE", "60002"),
    caller("CFA", "0600001A"),
)
ValidatedOperation = tuple[Viewer, str, dict[str, Any]]


@st.composite
def questions(draw: st.DrawFn) -> tuple[int, int, dict[str, Any]]:
    """A caller and a text by their rank, and variables."""
    variables = {"n": draw(st.integers(1, 20)), "statut": draw(st.lists(st.sampled_from(STATUSES), min_size=1))}
    return draw(st.integers(0, len(CALLERS) - 1)), draw(st.integers(0, 5)), variables


class WithAndWithoutCache(RuleBasedStateMachine):
    """The model is the gateway without cache."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.Runner()
        self.compared = 0

    @initialize(seed=st.integers(0, 10_000))
    def populate(self, seed: int) -> None:
        randomness = Random(seed)
        self.world = CachedWorld(draw_from(randomness, 10))
        ids = self.loop.run(_ids(self.world.world))
        self.texts = [PAGE, *(write(draw_operation(randomness), randomness, ids) for _ in range(5))]

    @rule(batch=st.lists(questions(), min_size=4, max_size=20))
    def request(self, batch: list[tuple[int, int, dict[str, Any]]]) -> None:
        """Everybody of the lot at once."""
        self.loop.run(self._compare([self._question(*one) for one in batch]))

    @rule(seconds=st.sampled_from([0.5, 2.0, 100.0, 301.0, 901.0, 3601.0]))
    def grow_older(self, seconds: float) -> None:
        self.loop.run(self.world.grow_older(seconds))

    @rule()
    def purge(self) -> None:
        self.loop.run(self.world.sources.purge("erp"))
        self.loop.run(self.world.grow_older(1.0))

    @precondition(lambda self: self.world.inhabitants)
    @rule(rank=st.integers(0, 9), cachet=st.text("abcdef", min_size=1, max_size=3), told=st.booleans())
    def change(self, rank: int, cachet: str, told: bool) -> None:
        """Somebody moves and changes phone; the partners tell, or the answers come to their end."""
        one = self.world.inhabitants[rank % len(self.world.inhabitants)]
        locales = next(codes for codes in REGIONS.values() if one.mission_locale in codes)
        elsewhere = locales[(locales.index(one.mission_locale) + 1) % len(locales)]
        new = replace(one, mission_locale=elsewhere, cachets={"CONTACT": cachet})
        self.loop.run(self._everyone())
        self.world.inhabitants[self.world.inhabitants.index(one)] = new
        self.loop.run(self._learn(told))

    @precondition(lambda self: len(self.world.inhabitants) > 1)
    @rule(rank=st.integers(0, 9), told=st.booleans())
    def delete(self, rank: int, told: bool) -> None:
        self.loop.run(self._everyone())
        del self.world.inhabitants[rank % len(self.world.inhabitants)]
        self.loop.run(self._learn(told))

    async def _learn(self, told: bool) -> None:
        await (self.world.event() if told else self.world.grow_older(3601.0))
        await self._everyone()

    async def _everyone(self) -> None:
        """Everybody's list, at once."""
        await self._compare([(who, PAGE, {"n": 20, "statut": list(STATUSES)}) for who in CALLERS])

    def _question(self, rank: int, text: int, variables: dict[str, Any]) -> ValidatedOperation:
        return CALLERS[rank], self.texts[text], variables if text == 0 else {}

    async def _compare(self, batch: list[ValidatedOperation]) -> None:
        returned = await asyncio.gather(*(self.world.request(who, text, **v) for who, text, v in batch))
        for (who, text, variables), rendered in zip(batch, returned, strict=True):
            assert rendered == await self.world.without_cache(who, text, **variables), (who.profil, text, variables)
        COMPARED[0] += len(batch)
        await self.world.settle()

    def teardown(self) -> None:
        self.loop.run(self.world.sources.aclose())
        self.loop.close()


COMPARED = [0]


def _play(examples: int, step: int, phases: tuple[Phase, ...]) -> None:
    COMPARED[0] = 0
    options = settings(max_examples=examples, stateful_step_count=step, deadline=None, phases=phases)
    WithAndWithoutCache.TestCase.settings = options
    attempt = WithAndWithoutCache.TestCase("runTest")
    attempt.debug()
    note(f"C01 : {COMPARED[0]} réponses égales avec et sans cache ({examples} suites de {step} pas)")


def test_c01_with_and_without_cache_the_answers_are_equal() -> None:
    _play(4, 6, (Phase.generate,))


@pytest.mark.chaos
def test_c01_for_a_long_time() -> None:
    _play(150, 40, (Phase.generate, Phase.shrink))


def inhabitants(*codes: str) -> list[Inhabitant]:
    """Young people of one CFA, each of a Mission locale."""
    drawn = draw_from(Random(1), len(codes))
    common: dict[str, Any] = {"cfa": "0600001A", "age": 17, "statut": "RUPTURANT", "followed_by": frozenset()}
    return [replace(one, mission_locale=code, **common) for one, code in zip(drawn, codes, strict=True)]


async def noms(world: CachedWorld, viewer: Viewer) -> list[str]:
    data = json.loads(await world.request(viewer, NAMES))["data"]
    return sorted(edge["node"]["nom"].split()[0] for edge in data["jeunes"]["edges"])


async def test_c04_who_moves_home_changes_mission_locale_as_soon_as_the_row_is_read_again() -> None:
    world = CachedWorld(inhabitants("60001", "60001"))
    seen = [(await noms(world, HERE), await noms(world, NEIGHBOUR_ONE))]
    world.inhabitants[0] = replace(world.inhabitants[0], mission_locale="60002")
    await world.grow_older(299)  # young
    seen.append((await noms(world, HERE), await noms(world, NEIGHBOUR_ONE)))
    await world.grow_older(2)  # stale: the first who asks is answered from the copy, and the partner is asked behind
    assert await noms(world, HERE) == ["Nom0", "Nom1"]
    await world.settle()
    await world.grow_older(2)  # read again
    seen.append((await noms(world, HERE), await noms(world, NEIGHBOUR_ONE)))
    at_home: tuple[list[str], list[str]] = (["Nom0", "Nom1"], [])
    assert seen == [at_home, at_home, (["Nom1"], ["Nom0"])]


async def test_c04_without_a_reader_a_row_does_not_outlive_fifteen_minutes() -> None:
    """Deleted at the source, and nobody asked since: at fifteen minutes the partner is waited for."""
    world = CachedWorld(inhabitants("60001", "60001"))
    await noms(world, HERE)
    del world.inhabitants[0]
    await world.grow_older(900)
    assert await noms(world, HERE) == ["Nom1"]


async def test_c04_a_right_withdrawn_is_withdrawn_at_the_next_request() -> None:
    """The rows are warm, and stay so: what may be read of them is decided again, and nothing is asked."""
    world = CachedWorld(inhabitants("60001"))
    assert await noms(world, HERE) == ["Nom0"]
    gateway, requests = world.world.gateway, world.requests
    for retiree in (CategorieDonnee.IDENTITE, CategorieDonnee.PARCOURS):
        policy = policy_without(gateway.policy, Profil.MISSION_LOCALE, retiree)
        other = replace(gateway, policy=policy, decision_cache=DecisionCache(gateway.schema, policy))
        response = body(await answer(other, HERE, GraphQLRequest(NAMES, None, {})), "")
        assert "Nom0" not in response_bytes(response)
        assert [error["extensions"]["code"] for error in response["errors"]] == ["CHAMP_REFUSE"]
    assert world.requests == requests
    assert await noms(world, HERE) == ["Nom0"]


def policy_without(policy: AccessPolicy, profil: Profil, categorie: CategorieDonnee) -> AccessPolicy:
    """The policy whose rows grant that profile all but one category."""
    rules = tuple(
        rule.model_copy(update={"categories": rule.categories - {categorie}}) if profil in rule.profils else rule
        for rule in policy.regle
    )
    return policy.model_copy(update={"regle": rules})


async def test_c04_a_perimetre_reduced_is_reduced_at_the_next_request() -> None:
    people = inhabitants("60001", "60001")
    world = CachedWorld([people[0], replace(people[1], cfa="0600002B")])
    assert await noms(world, CFA) == ["Nom0", "Nom1"]
    requests = world.requests
    reduced = replace(CFA, perimetre=replace(CFA.perimetre, uais=frozenset({"0600001A"})))
    assert await noms(world, reduced) == ["Nom0"]
    assert await noms(world, CFA) == ["Nom0", "Nom1"]
    assert world.requests == requests


async def test_c11_changing_an_answer_does_not_change_the_next() -> None:
    world = CachedWorld(inhabitants("60001", "60002"))
    question = (HERE, PAGE, {"n": 5, "statut": ["RUPTURANT"]})
    first = await world.world.request(question[0], question[1], **question[2])
    expected = response_bytes(first)
    spoil(first)
    assert response_bytes(first) != expected
    assert await world.request(question[0], question[1], **question[2]) == expected


async def test_c11_answering_everyone_changes_nothing_of_what_is_kept() -> None:
    """Merging, masking, sorting, explaining work on what is kept, and leave it byte for byte as it was."""
    randomness, written = Random(3), codec(UnitResult)
    world = CachedWorld(draw_from(randomness, 10))
    ids = await _ids(world.world)
    await world.sources.read(UNITES, 5.0)
    before = [written.write(kept.value) for kept in await world.sources.kept_entries(UNITES) if kept]
    for viewer in CALLERS:
        for _ in range(4):
            await world.request(viewer, write(draw_operation(randomness), randomness, ids))
    after = [written.write(kept.value) for kept in await world.sources.kept_entries(UNITES) if kept]
    assert len(before) == len(UNITES)
    assert before == after


def spoil(value: Any) -> None:
    """Write over all that can be written over."""
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for child in children:
        spoil(child)
    if isinstance(value, dict):
        value.update({key: "abîmé" for key, child in value.items() if not isinstance(child, dict | list)})
