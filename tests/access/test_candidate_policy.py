"""A candidate policy: what it would change is counted and told without a value; the answer is the same."""

import logging
from random import Random

import pytest
from prometheus_client import CollectorRegistry

from gateway.auth.authorization.candidate_policy import CandidatePolicy
from gateway.auth.authorization.decision_cache import DecisionCache
from gateway.auth.authorization.metrics import AccessMetrics
from gateway.auth.policy.policy import AccessPolicy
from gateway.auth.policy.rules import CategorieDonnee, Profil
from tests.support.access.small_world import SmallWorld, caller, draw_from
from tests.support.access.tools import POLICY, SCHEMA

pytestmark = pytest.mark.anyio

ML, DREETS = caller("MISSION_LOCALE", "60001"), caller("DREETS", "32")
QUERY = '{ jeunes(filtre: {nom: "Nom"}) { edges { node { age nom telephone adresse { voie } } } } }'


def _without(*categories: CategorieDonnee) -> AccessPolicy:
    rows = tuple(r.model_copy(update={"categories": r.categories - set(categories)}) for r in POLICY.regle)
    return POLICY.model_copy(update={"regle": rows})


def _attempt(policy: AccessPolicy) -> tuple[CandidatePolicy, CollectorRegistry]:
    registry = CollectorRegistry()
    return CandidatePolicy(DecisionCache(SCHEMA, policy), AccessMetrics(registry).gap), registry


def _counts(registry: CollectorRegistry) -> dict[tuple[str, str, str], float]:
    return {
        (line.labels["profil"], line.labels["coordonnee"], line.labels["ecart"]): line.value
        for metric in registry.collect()
        for line in metric.samples
        if line.name == "passerelle_politique_candidate_total"
    }


async def test_what_it_would_refuse_is_told_and_nothing_changes(caplog: pytest.LogCaptureFixture) -> None:
    candidate, registry = _attempt(_without(CategorieDonnee.CONTACT, CategorieDonnee.ADRESSE))
    inhabitants = draw_from(Random(3), 8)
    without, with_contrat = SmallWorld(inhabitants), SmallWorld(inhabitants, candidate=candidate)
    with caplog.at_level(logging.INFO, logger="gateway.acces"):
        assert await with_contrat.request(ML, QUERY) == await without.request(ML, QUERY)
    assert with_contrat.sources.requests == without.sources.requests
    assert _counts(registry) == {
        ("MISSION_LOCALE", coordinate, "refuserait"): 1
        for coordinate in ("Jeune.telephone", "Jeune.adresse", "Adresse.voie")
    }
    assert [trace.getMessage() for trace in caplog.records] == [
        "politique candidate, profil MISSION_LOCALE : refuserait Adresse.voie, Jeune.adresse, Jeune.telephone"
    ]


async def test_an_operation_it_would_refuse_as_a_whole() -> None:
    candidate, registry = _attempt(_without(CategorieDonnee.IDENTITE))
    assert (await SmallWorld([], candidate=candidate).request(ML, QUERY))["data"]["jeunes"] is not None
    assert ("MISSION_LOCALE", "FiltreJeunes.nom", "refuserait") in _counts(registry)
    assert ("MISSION_LOCALE", "Jeune.age", "refuserait") in _counts(registry)


async def test_what_it_would_open() -> None:
    rows = tuple(
        r.model_copy(update={"categories": r.categories | {CategorieDonnee.SENSIBLE}})
        if Profil.DREETS in r.profils
        else r
        for r in POLICY.regle
    )
    candidate, registry = _attempt(POLICY.model_copy(update={"regle": rows}))
    world = SmallWorld(draw_from(Random(3), 8), candidate=candidate)
    response = await world.request(DREETS, "{ jeunes { edges { node { age rqth } } } }")
    assert {edge["node"]["rqth"] for edge in response["data"]["jeunes"]["edges"]} == {None}
    assert _counts(registry) == {("DREETS", "Jeune.rqth", "ouvrirait"): 1}


async def test_the_same_policy_tells_nothing(caplog: pytest.LogCaptureFixture) -> None:
    candidate, registry = _attempt(POLICY)
    with caplog.at_level(logging.INFO, logger="gateway.acces"):
        await SmallWorld([], candidate=candidate).request(ML, QUERY)
        await SmallWorld([], candidate=candidate).request(DREETS, "{ ruptures(tri: PRIORITE) { totalCount } }")
    assert _counts(registry) == {}
    assert caplog.records == []
