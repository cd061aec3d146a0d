"""S1: a partner's software reads nothing that whom it acts for does not. The truth of the population judges.

With AUTRE_DEPOT, the gateway of another checkout is attacked: the same requests showed what it told.
"""

import re
from pathlib import Path
from typing import Any

import pytest

from fixtures.gateway_process import FailingGateway, LaunchedGateway
from fixtures.population.model import Population
from fixtures.world import World
from tests.security.second_look.conftest import CHECKOUT
from tests.support.e2e.queries import until_complete
from tests.support.figures import note

FIELDS = """id nom prenom dateNaissance telephone courriel age statut { valeur } contrats { numero dateDebut }
 suivi { situation commentaire conseiller historique { situation } } ruptures { date etat prioritaire motifsPriorite }"""
PAIRS = [("si-partenaire", "ml"), ("si-partenaire-cfa", "cfa")]


def _people(world: World, gateway: LaunchedGateway, client: str, fields: str = FIELDS) -> dict[str, dict[str, Any]]:
    """The persons of a client by id, page after page."""
    text = f"""query P($a: String) {{ jeunes(first: 100, after: $a) {{ pageInfo {{ hasNextPage endCursor }}
 edges {{ node {{ {fields} }} }} }} }}"""
    found: dict[str, dict[str, Any]] = {}
    after, more = None, True
    while more:
        page = until_complete(gateway, world.token(client), text, a=after)["data"]["jeunes"]
        found |= {edge["node"]["id"]: edge["node"] for edge in page["edges"]}
        more, after = page["pageInfo"]["hasNextPage"], page["pageInfo"]["endCursor"]
    return found


def _requested(population: Population, uai: str) -> set[str]:
    """The numbers of the contracts of those for whom this CFA asked its Mission locale for joint support."""
    people = [p for p in population.persons if p.collaboration and p.collaboration.uai == uai]
    return {contrat.numero for person in people for contrat in person.contrats if contrat.numero}


@pytest.mark.parametrize(("delegate", "principal"), PAIRS)
def test_s1_a_delegate_reads_nobody_and_nothing_that_its_principal_does_not(
    asked: tuple[World, LaunchedGateway], delegate: str, principal: str
) -> None:
    mine, theirs = (_people(*asked, client) for client in (delegate, principal))
    assert len(mine) > 100, "the control: it works with somebody"
    strangers = mine.keys() - theirs.keys()
    excess = [(key, field) for key in mine.keys() & theirs.keys() for field in _excess(mine[key], theirs[key])]
    note(f"S1 : suivis lus par {delegate} {_followed(mine)}, par {principal} {_followed(theirs)}")
    assert (strangers, excess) == (set(), [])


def _followed(people: dict[str, dict[str, Any]]) -> int:
    return sum(bool(one["suivi"]) for one in people.values())


def _excess(mine: dict[str, Any], theirs: dict[str, Any]) -> list[str]:
    """The fields of which the delegate is told what its principal is not."""
    return [field for field, value in mine.items() if not _within(value, theirs[field])]


def _within(value: Any, whole: Any) -> bool:
    if isinstance(value, dict):
        return isinstance(whole, dict) and all(_within(value[key], whole[key]) for key in value)
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return isinstance(whole, list) and all(any(_within(one, other) for other in whole) for one in value)
    if isinstance(value, list):
        return set(value) <= set(whole or ())
    return value is None or value == whole or value is False


@pytest.mark.parametrize("client", ["si-partenaire-cfa", "cfa"])
def test_s1_as_a_cfa_the_follow_up_only_of_those_for_whom_that_cfa_asked(
    asked: tuple[World, LaunchedGateway], client: str
) -> None:
    world, gateway = asked
    requested = _requested(world.population, world.clients["cfa"].organisation)
    followed = [one for one in _people(world, gateway, client).values() if one["suivi"]]
    without = [one["id"] for one in followed if not {c["numero"] for c in one["contrats"]} & requested]
    note(f"S1 : {client} lit {len(followed)} suivis, dont {len(without)} sans demande de ce CFA")
    assert followed, "the control: some were asked"
    assert without == []


@pytest.mark.parametrize("client", ["si-partenaire-cfa", "cfa"])
@pytest.mark.parametrize("criterion", ["filtre: {etat: TRAITE}", "filtre: {prioritaire: true}", "tri: PRIORITE"])
def test_s1_what_is_read_of_some_only_is_no_criterion(
    asked: tuple[World, LaunchedGateway], client: str, criterion: str
) -> None:
    world, gateway = asked
    answer = gateway.graphql(world.token(client), f"{{ ruptures({criterion}) {{ totalCount }} }}")
    assert (answer["data"], [e["extensions"]["code"] for e in answer["errors"]]) == (None, ["ARGUMENT_REFUSE"])


def test_s1_the_mission_locale_and_its_delegate_still_sort_by_what_they_read(
    asked: tuple[World, LaunchedGateway],
) -> None:
    world, gateway = asked
    used = {"tri: PRIORITE": "ml", "filtre: {prioritaire: true}": "ml", "filtre: {etat: A_TRAITER}": "si-partenaire"}
    for criterion, client in used.items():
        answer = until_complete(gateway, world.token(client), f"{{ ruptures({criterion}) {{ totalCount }} }}")
        assert answer["data"]["ruptures"]["totalCount"] > 0, (client, criterion)


WIDER = [
    ('relations = ["CFA"]\nstatuts = "TOUS"\nfinalite = "ACCOMPAGNEMENT"\ncategories = ["PARCOURS"',
     'relations = ["CFA"]\nstatuts = "TOUS"\nfinalite = "ACCOMPAGNEMENT"\ncategories = ["SUIVI", "PARCOURS"',
     r"regle\.\d+ : agissant comme CFA, SI_PARTENAIRE y lirait SUIVI par CFA \(tout statut, sans condition\)"),
    ('"CONTRAT", "RUPTURE", "SUIVI"]', '"CONTRAT", "RUPTURE", "SUIVI", "IDENTIFIANT_NATIONAL"]',
     r"regle\.\d+ : agissant comme MISSION_LOCALE, SI_PARTENAIRE y lirait IDENTIFIANT_NATIONAL par RESIDENCE"),
]  # fmt: skip


@pytest.mark.parametrize(("former", "new", "told"), WIDER)
def test_s1_a_policy_on_trial_that_gives_a_delegate_more_stops_the_start(
    asked: tuple[World, LaunchedGateway], tmp_path: Path, former: str, new: str, told: str
) -> None:
    world, _ = asked
    text = (CHECKOUT / "gateway" / "auth" / "policy.toml").read_text(encoding="utf-8")
    assert former in text
    candidate = tmp_path / "policy.toml"
    candidate.write_text(text.replace(former, new), encoding="utf-8")
    with (
        pytest.raises(FailingGateway) as raised,
        world.gateway(GATEWAY_POLITIQUE_CANDIDATE=str(candidate), GATEWAY_DONNEES=str(tmp_path)),
    ):
        pass
    assert re.search(told, str(raised.value)), str(raised.value)
