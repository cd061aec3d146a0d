"""What is counted in a caller's own list is what the list shows; and counts of few are look-ups of those counted."""

from dataclasses import replace
from random import Random
from typing import Any

import pytest

from gateway.auth.authentication.clients import Viewer
from gateway.auth.policy.rules import Finalite, Profil
from gateway.federation.views.operation_context import OperationContext
from gateway.operation import answer
from gateway.operation_runner import GraphQLRequest
from gateway.statistiques.answered_counts import ANSWERS_MAX, AnsweredCounts
from tests.support.access.small_world import STATUSES, Inhabitant, SmallWorld, caller, draw_from

pytestmark = pytest.mark.anyio

STATUTS = {
    "apprentis": "APPRENTI",
    "inscrits": "INSCRIT",
    "rupturants": "RUPTURANT",
    "abandons": "ABANDON",
    "finsDeFormation": "FIN_DE_FORMATION",
}
ALL = ", ".join(STATUSES)
LISTERS = [
    caller("MISSION_LOCALE", "60001"),
    caller("MISSION_LOCALE", "75002"),
    caller("CFA", "0600001A"),
    caller("CFA", "0770001H"),
    caller("SI_PARTENAIRE", "60002", comme="MISSION_LOCALE"),
    caller("SI_PARTENAIRE", "0600001A", comme="CFA"),
]


async def figures(world: SmallWorld, who: Viewer, asked: str, fields: str) -> Any:
    return (await world.request(who, f"{{ statistiques{asked} {{ {fields} }} }}"))["data"]["statistiques"]


@pytest.mark.parametrize("who", LISTERS, ids=lambda who: f"{who.profil.value}-{who.organisation}")
async def test_counters_are_the_totals_of_the_lists(who: Viewer) -> None:
    world = SmallWorld(draw_from(Random(3), 120))
    names = " ".join([*STATUTS, "ruptures"])
    told = await figures(
        world, who, "", f"origine periode {{ depuis jusqua }} protection {{ exacte }} total {{ {names} }}"
    )
    assert (told["origine"], told["protection"]["exacte"]) == ("EN_DIRECT", True)
    for name, statut in STATUTS.items():
        listed = await world.request(who, f"{{ jeunes(filtre: {{statut: [{statut}]}}) {{ totalCount }} }}")
        assert told["total"][name] == listed["data"]["jeunes"]["totalCount"], name
    window = f'depuis: "{told["periode"]["depuis"]}", jusqua: "{told["periode"]["jusqua"]}", statut: [{ALL}]'
    listed = await world.request(who, f"{{ ruptures(filtre: {{{window}}}) {{ totalCount }} }}")
    assert told["total"]["ruptures"] == listed["data"]["ruptures"]["totalCount"] > 0


@pytest.mark.parametrize("dimensions", ["STATUT", "CFA", "MISSION_LOCALE", "DEPARTEMENT", "SEXE", "NIVEAU, CFA"])
async def test_lines_add_up_to_the_total(dimensions: str) -> None:
    world, who = SmallWorld(draw_from(Random(5), 120)), caller("MISSION_LOCALE", "60001")
    name = "effectif" if dimensions == "STATUT" else "apprenants"
    fields = f"lignes {{ dimensions {{ code }} {name} }} total {{ {name} }}"
    told = await figures(world, who, f"(dimensions: [{dimensions}])", fields)
    codes = [[value["code"] for value in line["dimensions"]] for line in told["lignes"]]
    assert codes == sorted(codes)
    assert sum(line[name] for line in told["lignes"]) == told["total"][name] > 0


async def test_a_cfa_does_not_count_the_follow_ups_that_it_reads_of_some_alone() -> None:
    world, who = SmallWorld(draw_from(Random(3), 120)), caller("CFA", "0600001A")
    told = await figures(world, who, "", "total { partTraitee delaiPriseEnChargeMedian secret masques }")
    names = ["delaiPriseEnChargeMedian", "partTraitee", "partInjoignable", "partContactee"]
    assert told["total"] == {
        "partTraitee": None,
        "delaiPriseEnChargeMedian": None,
        "secret": True,
        "masques": names,
    }


@pytest.mark.parametrize(
    ("who", "asked"),
    [
        (caller("MISSION_LOCALE", "60001", finalite=None), ""),
        (caller("MISSION_LOCALE", "60001", finalite="PILOTAGE"), ""),
        (caller("MISSION_LOCALE", "60001"), "(dimensions: [MOIS])"),
        (caller("MISSION_LOCALE", "60001"), '(filtre: {depuis: "2026-01-01"})'),
        (caller("TETE_DE_RESEAU", "mfr"), ""),
        (caller("STATISTIQUES", ""), ""),
    ],
)
async def test_without_a_snapshot_what_is_not_ones_own_list_today_is_unavailable(who: Viewer, asked: str) -> None:
    world = SmallWorld(draw_from(Random(3), 20))
    told = await world.request(who, f"{{ statistiques{asked} {{ origine }} moi {{ profil }} }}")
    (error,) = told["errors"]
    assert (error["extensions"]["code"], error["path"]) == ("STATISTIQUES_INDISPONIBLES", ["statistiques"])
    assert told["data"] == {"statistiques": None, "moi": {"profil": who.profil.value}}
    assert world.sources.requests == []


class Listening(SmallWorld):
    """Keeps the context of each operation, where the journal reads whom figures tell of."""

    def __init__(self, inhabitants: list[Inhabitant]) -> None:
        super().__init__(inhabitants)
        self.contexts: list[OperationContext] = []
        self.gateway.accounting.record = self._record  # type: ignore[method-assign, assignment]

    async def _record(self, context: OperationContext, *_: object) -> None:
        self.contexts.append(context)
        for mark in filter(None, [one.mark for one in context.figures.by_key.values()]):
            context.view.told[mark] = None

    async def looked_up(self, who: Viewer, text: str) -> frozenset[str]:
        await answer(self.gateway, who, GraphQLRequest(text, None, {}))
        told = self.contexts[-1].figures.by_key.values()
        return frozenset[str]().union(*(figure.persons for figure in told))


ML = caller("MISSION_LOCALE", "60001")


async def test_a18_a_line_of_few_is_a_look_up_of_them_once_for_a_version_of_the_list() -> None:
    world = Listening(draw_from(Random(3), 120))
    text = "{ statistiques(dimensions: [CFA, NIVEAU]) { lignes { rupturants } } }"
    found = await world.looked_up(ML, text)
    view = world.contexts[-1].view
    rupturants = {key for key, person in view.persons.items() if person.jeune.statut.valeur.value == "RUPTURANT"}  # type: ignore[union-attr]
    assert 0 < len(rupturants) <= 10
    assert found == rupturants
    assert await world.looked_up(ML, text) == frozenset()
    other = caller("MISSION_LOCALE", "60001")
    assert await world.looked_up(other, text.replace("rupturants", "abandons")) != found


@pytest.mark.parametrize("asked", ["", "(dimensions: [STATUT])", '(filtre: {missionLocale: "60001"})'])
async def test_a18_statuses_and_ones_own_whole_list_are_free(asked: str) -> None:
    world = Listening(draw_from(Random(3), 120))
    text = f"{{ statistiques{asked} {{ total {{ rupturants effectif }} lignes {{ effectif rupturants }} }} }}"
    assert await world.looked_up(ML, text) == frozenset()


async def test_a18_a_criterion_that_leaves_few_out_is_a_look_up_of_those() -> None:
    world = Listening(draw_from(Random(3), 120))
    await world.looked_up(ML, "{ statistiques { total { apprenants } } }")
    view = world.contexts[-1].view
    by_sex = {
        sex: {key for key, one in view.persons.items() if one.jeune.sexe and one.jeune.sexe.value == sex}
        for sex in "FM"
    }
    found = await world.looked_up(ML, "{ statistiques(filtre: {sexe: F}) { total { apprenants } } }")
    few = {key for keys in by_sex.values() if len(keys) <= 10 for key in keys}
    assert found >= few - {key for key, one in view.persons.items() if one.jeune.statut.valeur.value == "ABANDON"}  # type: ignore[union-attr]


def two_cfas_of_some_age() -> list[Inhabitant]:
    """Of one Mission locale: fifteen of nineteen years in one CFA, five in another, and older ones in both."""
    left, found = {"0600001A": 15, "0600002B": 5}, []
    for one in draw_from(Random(3), 300):
        if one.cfa in left and one.mission_locale == "60001":
            left[one.cfa] -= 1
            found.append(replace(one, age=19 if left[one.cfa] >= 0 else 24))
    return found


async def test_a18_two_questions_that_differ_by_few_are_a_look_up_of_those() -> None:
    """Contracts of an age, then those of one CFA: neither counts few, nor leaves few of the list."""
    age = "trancheAge: DE_18_A_20"
    both = f"{{ statistiques(filtre: {{{age}}}) {{ total {{ contratsCommences }} }} }}"
    one = both.replace(age, f'{age}, cfas: ["0600001A"]')
    world = SmallWorld(two_cfas_of_some_age())
    counts = [
        (await world.request(ML, text))["data"]["statistiques"]["total"]["contratsCommences"] for text in (both, one)
    ]
    assert counts == [15, 11]
    alone = await Listening(two_cfas_of_some_age()).looked_up(ML, one)
    listening = Listening(two_cfas_of_some_age())
    assert alone == await listening.looked_up(ML, both) == frozenset()
    found = await listening.looked_up(ML, one)
    view = listening.contexts[-1].view
    assert len(found) == 4
    assert {view.persons[key].jeune.age for key in found} == {19}
    assert await listening.looked_up(replace(ML, account="autre"), one) == frozenset()


def test_a18_what_is_remembered_of_an_account_is_bounded() -> None:
    told, wanted = AnsweredCounts(), (("statut", "APPRENTI"),)
    everybody = frozenset(map(str, range(100)))
    assert told.compared("a", {wanted: [everybody]}) == frozenset()
    for rank in range(20, 20 + 2 * ANSWERS_MAX):
        assert told.compared("a", {wanted: [frozenset({f"{rank}/{one}" for one in range(rank)})]}) == frozenset()
    assert told.compared("a", {wanted: [everybody - {"7"}]}) == frozenset()  # too long ago
    assert told.compared("a", {wanted: [everybody - {"7", "8"}]}) == {"8"}
    assert told.compared("b", {wanted: [everybody]}) == frozenset()
    assert told.compared("a", {(("statut", "ABANDON"),): [everybody]}) == frozenset()  # another count


async def test_origin_and_protection_do_not_follow_what_is_selected() -> None:
    world = SmallWorld(draw_from(Random(3), 60))
    origins = {
        (await figures(world, ML, "", f"origine protection {{ exacte }} {fields}"))["origine"]
        for fields in ("", "total { partTraitee }", "lignes { apprentis }", "couverture { source }")
    }
    assert origins == {"EN_DIRECT"}


def test_the_purposes_of_these_callers() -> None:
    assert {who.finalite for who in LISTERS} == {Finalite.ACCOMPAGNEMENT, Finalite.GESTION_CFA}
    assert {who.perimetre.profil for who in LISTERS} == {Profil.MISSION_LOCALE, Profil.CFA}
