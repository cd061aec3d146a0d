"""S2: what totals, edges and positions tell of somebody is written in the journal and counted, over HTTP.

The truth is in the rows that the same client reads; who was named is what `journal personne` prints.
"""

import asyncio
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import pytest

from fixtures.gateway_process import LaunchedGateway
from fixtures.world import World
from gateway.config import load
from gateway.domain.seal import OpaqueIds, Sealer
from gateway.stores.journal import Journal
from gateway.stores.journal_queries import readings_of
from tests.support.e2e.readings import journal_de
from tests.support.figures import note
from tests.support.security.totals_attacks import Attacker, attacked_world

STATUTS = ["INSCRIT", "APPRENTI", "RUPTURANT", "ABANDON", "FIN_DE_FORMATION"]
FEW = 10
QUESTIONS = 300
SEED = 20261129

Row = dict[str, Any]


@pytest.fixture(scope="module")
def opened(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, LaunchedGateway]]:
    with attacked_world(world, tmp_path_factory.mktemp("s2")) as both:
        yield both


@pytest.fixture(scope="module")
def rows(opened: tuple[World, LaunchedGateway]) -> list[Row]:
    return Attacker(*opened, "lectrice").rows()


@pytest.fixture
def attacker(opened: tuple[World, LaunchedGateway], request: pytest.FixtureRequest) -> Attacker:
    """An agent of its own for each test, so that each has its own day."""
    return Attacker(*opened, request.node.name[-64:])  # as long as an agent may be


def alone(rows: list[Row], key: Callable[[Row], Any], most: int = 1) -> Row:
    """The first person whom few others are like."""
    counts = Counter(map(key, rows))
    return next(row for row in rows if key(row) is not None and counts[key(row)] <= most)


def nom(row: Row) -> str:
    return str(row["nom"])


def commune(row: Row) -> str | None:
    return row["commune"] and str(row["commune"]["code"])


def by_name(rows: list[Row]) -> Row:
    """Somebody whose name nobody else bears or begins with, and whose commune and status are known."""
    return next(row for row in unique_names(rows) if commune(row) and row["statut"])


def unique_names(rows: list[Row]) -> list[Row]:
    return [row for row in rows if sum(folded(nom(other)).startswith(folded(nom(row))) for other in rows) == 1]


def test_s2_the_commune_and_status_of_a_named_person_are_a_look_up(attacker: Attacker, rows: list[Row]) -> None:
    target = by_name(rows)
    communes = sorted({code for row in rows if (code := commune(row))})
    while len(communes) > 1:
        half = communes[: len(communes) // 2]
        communes = half if attacker.total("jeunes", nom=target["nom"], communes=half) else communes[len(half) :]
    statuts = list(STATUTS)
    while len(statuts) > 1:
        half = statuts[: len(statuts) // 2]
        statuts = half if attacker.total("jeunes", nom=target["nom"], statut=half) else statuts[len(half) :]
    assert (communes, statuts) == ([commune(target)], [target["statut"]["valeur"]]), "the attack is the control"
    assert len(attacker.readings(target)) > 0
    written = repr(attacker.entries())
    assert not any(value in written for value in (target["nom"], communes[0]))


def test_s2_a_status_found_by_zeros_alone_is_a_look_up(attacker: Attacker, rows: list[Row]) -> None:
    target = by_name(rows)
    others = [statut for statut in STATUTS if statut != target["statut"]["valeur"]]
    assert [attacker.total("jeunes", nom=target["nom"], statut=[statut]) for statut in others] == [0] * len(others)
    assert len(attacker.readings(target)) == len(others)


def test_s2_names_of_nobody_end_in_a_refusal(opened: tuple[World, LaunchedGateway]) -> None:
    """Five times, by this register; the sixth is told nothing more."""
    guessing = Attacker(*opened, "devin", "ml-quota")
    query = "query T($n: String) { jeunes(filtre: {nom: $n}, first: 0) { totalCount } }"
    assert [code_of(guessing.ask(query, n=f"ZZX{letter}")) for letter in "ABCDEF"] == [None] * 5 + ["QUOTA_ATTEINT"]


def code_of(answer: dict[str, Any]) -> str | None:
    """The code of the first error."""
    return answer["errors"][0]["extensions"]["code"] if "errors" in answer else None


def test_s2_persons_told_by_totals_count_in_the_quota(opened: tuple[World, LaunchedGateway], rows: list[Row]) -> None:
    greedy = Attacker(*opened, "avide", "ml-quota")
    query = "query T($n: String) { jeunes(filtre: {nom: $n}, first: 0) { totalCount } }"
    codes = [code_of(greedy.ask(query, n=row["nom"])) for row in unique_names(rows)[:6]]
    assert codes == [None] * 5 + ["QUOTA_ATTEINT"]


ONE = "query T($n: String) {{ jeunes(filtre: {{nom: $n}}{more}) {{ {told} }} }}"
FORMS = {
    "total": ONE.format(more=", first: 0", told="totalCount"),
    "next page": ONE.format(more=", first: 0", told="pageInfo { hasNextPage }"),
    "a fragment": ONE.format(more="", told="...P") + " fragment P on JeuneConnection { pageInfo { hasNextPage } }",
    "edges": ONE.format(more="", told="edges { __typename }"),
    "nodes": ONE.format(more="", told="nodes { __typename }"),
    "last": ONE.format(more=", last: 0", told="pageInfo { hasPreviousPage }"),
    "cursors": ONE.format(more=", tri: NOM_DESC", told="edges { cursor }"),
    "end cursor": ONE.format(more=", tri: NOM_ASC", told="pageInfo { endCursor }"),
    "skipped rows": ONE.format(more="", told="edges { node { id @skip(if: true) } }"),
    "alias": ONE.format(more=", first: 0", told="a: __typename b: totalCount").replace("jeunes(", "c: jeunes("),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_s2_however_it_is_told_it_is_a_look_up(
    form: str, opened: tuple[World, LaunchedGateway], rows: list[Row]
) -> None:
    attacker, target = Attacker(*opened, f"forme {form}"), by_name(rows)
    assert "errors" not in attacker.ask(FORMS[form], n=target["nom"])
    assert len(attacker.readings(target)) == 1


def test_s2_that_somebody_exists_is_a_look_up_be_nothing_selected(attacker: Attacker, rows: list[Row]) -> None:
    query = "query T($i: ID!) { jeune(id: $i) { id @skip(if: true) } }"
    assert attacker.ask(query, i=rows[0]["id"])["data"] == {"jeune": {}}
    assert len(attacker.readings(rows[0])) == 1


def test_s2_ten_filters_in_one_operation_are_ten_look_ups(attacker: Attacker, rows: list[Row]) -> None:
    unique = unique_names(rows)[:10]
    roots = [f'a{i}: jeunes(filtre: {{nom: "{nom(row)}"}}, first: 0) {{ totalCount }}' for i, row in enumerate(unique)]
    answer = attacker.ask("{ " + " ".join(roots) + " }")
    assert [found["totalCount"] for found in answer["data"].values()] == [1] * 10
    assert [entry["groupes"][0]["personnes"] for entry in attacker.entries()] == [1] * 10
    assert len(attacker.readings(unique[9])) == 1


def test_s2_two_large_totals_that_differ_by_one_person_name_that_person(attacker: Attacker, rows: list[Row]) -> None:
    target = alone(rows, commune)
    communes = sorted({code for row in rows if (code := commune(row))})
    rest = [code for code in communes if code != commune(target)]
    assert attacker.total("jeunes", communes=communes) - attacker.total("jeunes", communes=rest) == 1
    assert len(attacker.readings(target)) == 1


def test_s2_totals_of_two_clients_of_an_organisation_are_compared(
    opened: tuple[World, LaunchedGateway], rows: list[Row]
) -> None:
    target = alone(rows, commune)
    communes = sorted({code for row in rows if (code := commune(row))})
    one = Attacker(*opened, "complice 1", "ml-quota")
    two = Attacker(*opened, "complice 2", "ml")
    criteria = {"statut": STATUTS[:4] if target["statut"]["valeur"] in STATUTS[:4] else STATUTS}
    rest = [code for code in communes if code != commune(target)]
    # Large totals leave `ml-quota` within its five persons.
    assert one.total("jeunes", communes=communes, **criteria) - two.total("jeunes", communes=rest, **criteria) == 1
    assert len(two.readings(target)) == 1


def test_s2_contracts_of_a_day_are_a_look_up(attacker: Attacker, rows: list[Row]) -> None:
    contrats = [(row, contrat["dateDebut"]) for row in rows for contrat in row["contrats"] if contrat["dateDebut"]]
    counts = Counter(day for _, day in contrats)
    target, day = next((row, day) for row, day in contrats if counts[day] <= FEW)
    assert attacker.total("contrats", debutDepuis=day, debutJusqua=day) == counts[day]
    assert len(attacker.readings(target)) == 1


def test_s2_a_priority_beside_a_cfa_is_a_look_up(attacker: Attacker, rows: list[Row]) -> None:
    query = """query T($f: FiltreRuptures) { ruptures(filtre: $f, first: 100) { totalCount edges { node {
 prioritaire contrat { cfa { uai } } jeune { id } } } } }"""
    reader = Attacker(attacker.world, attacker.gateway, "lectrice")
    edges = reader.ask(query, f={})["data"]["ruptures"]["edges"]
    nodes = [edge["node"] for edge in edges if edge["node"]["contrat"]["cfa"]]
    counts = Counter((node["contrat"]["cfa"]["uai"], node["prioritaire"]) for node in nodes)
    node = next(n for n in nodes if counts[n["contrat"]["cfa"]["uai"], n["prioritaire"]] <= FEW)
    uai = node["contrat"]["cfa"]["uai"]
    assert attacker.total("ruptures", cfa=uai, prioritaire=node["prioritaire"]) >= 1
    assert len(attacker.readings(node["jeune"])) == 1


def test_s2_the_rest_behind_a_cursor_is_a_look_up(attacker: Attacker) -> None:
    query = """query T($a: String, $n: Int!) { jeunes(first: $n, after: $a, tri: NOM_ASC) { totalCount
 pageInfo { endCursor hasNextPage } } }"""
    total = attacker.ask(query, n=0)["data"]["jeunes"]["totalCount"]
    after, left = None, total
    while left > FEW:
        after = attacker.ask(query, n=min(200, left - 3), a=after)["data"]["jeunes"]["pageInfo"]["endCursor"]
        left -= min(200, left - 3)
    assert left == 3
    attacker.ask(query, n=0, a=after)
    assert sum(group["personnes"] for entry in attacker.entries() for group in entry["groupes"]) == 3


def test_s2_what_stands_before_a_cursor_is_a_look_up(attacker: Attacker) -> None:
    first = attacker.ask("{ jeunes(first: 4, tri: NOM_ASC) { pageInfo { endCursor } } }")
    assert attacker.entries() == []
    query = "query T($b: String) { jeunes(last: 2, before: $b, tri: NOM_ASC) { pageInfo { hasPreviousPage } } }"
    told = attacker.ask(query, b=first["data"]["jeunes"]["pageInfo"]["endCursor"])
    assert told["data"]["jeunes"] == {"pageInfo": {"hasPreviousPage": True}}
    (entry,) = attacker.entries()
    assert sum(group["personnes"] for group in entry["groupes"]) == 3
    assert entry["coordonnees"] == {"PARCOURS": ["Query.jeunes(before:)"]}


@pytest.mark.parametrize("root", ["jeunes", "contrats"])
def test_s2_any_part_of_a_name_is_a_look_up(attacker: Attacker, rows: list[Row], root: str) -> None:
    named = [f"{folded(nom(row))}" for row in rows]
    whole = [row for row in rows if len(folded(nom(row))) > 5 and row["contrats"]]
    target = next(r for r in whole if sum(folded(nom(r))[1:] in other for other in named) == 1)
    found = attacker.total(root, recherche=folded(nom(target))[1:].lower())
    assert found >= 1
    assert len(attacker.readings(target)) == 1
    (entry,) = attacker.entries()
    assert entry["coordonnees"]["IDENTITE"] == [f"Filtre{root.capitalize()}.recherche"]


def test_s2_parts_of_no_name_end_in_a_refusal(opened: tuple[World, LaunchedGateway]) -> None:
    guessing = Attacker(*opened, "devin par parties", "ml-quota")
    query = "query T($n: String) { ruptures(filtre: {recherche: $n}, first: 0) { totalCount } }"
    assert [code_of(guessing.ask(query, n=f"ZZX{letter}")) for letter in "ABCDEF"] == [None] * 5 + ["QUOTA_ATTEINT"]


def test_s2_the_few_that_changed_since_an_instant_are_looked_up(attacker: Attacker) -> None:
    """Beside a criterion that is free, since it is asked of the few that no source dates or that changed last."""
    since = [f"{day}T12:00:00+02:00" for day in ("2026-08-01", "2026-09-15", "2026-10-14")]
    totals = [attacker.total("jeunes", modifieDepuis=one, statut=[statut]) for one in since for statut in STATUTS]
    assert any(1 <= total <= FEW for total in totals), totals
    told = [entry["coordonnees"]["TECHNIQUE"] for entry in attacker.entries()]
    assert len(told) >= 1
    assert {tuple(one) for one in told} == {("FiltreJeunes.modifieDepuis",)}


def test_s2_pages_of_rows_are_written_once_each(attacker: Attacker, rows: list[Row]) -> None:
    query = """query T($a: String, $f: FiltreJeunes) { jeunes(first: 5, after: $a, filtre: $f) {
 pageInfo { endCursor hasNextPage } edges { node { id } } } }"""
    after: str | None = None
    for _ in range(4):
        page = attacker.ask(query, a=after, f={"statut": ["APPRENTI"]})["data"]["jeunes"]
        after = page["pageInfo"]["endCursor"]
    assert [sum(group["personnes"] for group in entry["groupes"]) for entry in attacker.entries()] == [5] * 4


def test_s2_closed_criteria_and_large_totals_leave_no_entry(attacker: Attacker, rows: list[Row]) -> None:
    for statut in STATUTS:
        attacker.total("jeunes", statut=[statut])
        for etat in ("A_CONTACTER", "CONTACTE", "RDV_PRIS"):
            attacker.ask(f"{{ ruptures(filtre: {{statut: [{statut}], etat: {etat}}}, first: 0) {{ totalCount }} }}")
        attacker.total("ruptures", statut=[statut], prioritaire=True, mineur=False)
    attacker.total("contrats", rompus=True)
    counts = Counter(map(commune, rows))
    large = [code for code, count in counts.most_common(1) if code and FEW < count < len(rows) - FEW]
    assert large
    attacker.total("jeunes", communes=large)
    assert attacker.entries() == []


def test_s2_a_question_repeated_is_written_once(attacker: Attacker, rows: list[Row]) -> None:
    target = by_name(rows)
    assert [attacker.total("jeunes", nom=target["nom"]) for _ in range(5)] == [1] * 5
    (entry,) = attacker.entries()
    assert (entry["acte"], entry["groupes"]) == (
        "LECTURE",
        [{"categories": ["IDENTITE", "PARCOURS"], "personnes": 1}],
    )
    assert entry["coordonnees"] == {"PARCOURS": ["Query.jeunes(filtre:)"], "IDENTITE": ["FiltreJeunes.nom"]}


def test_s2_the_same_agent_through_another_client_is_another_account(
    opened: tuple[World, LaunchedGateway], rows: list[Row]
) -> None:
    """A person may act through two clients of one organisation, and bear the same name in both."""
    target = by_name(rows)
    through = [Attacker(*opened, "deux portes", client) for client in ("ml", "ml-quota")]
    assert [attacker.total("jeunes", nom=target["nom"]) for attacker in through] == [1, 1]
    assert [entry["client"] for entry in through[0].entries()] == ["ml", "ml-quota"]


def test_s2_whoever_a_total_counts_among_few_is_named(
    attacker: Attacker, rows: list[Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    """300 questions of totals, each of which counts by the rows that were read."""
    randomness, expected, few = Random(SEED), set[str](), 0
    for _ in range(QUESTIONS):
        criteria, matched = question(randomness, rows)
        assert attacker.total("jeunes", **criteria) == len(matched)
        if 0 < len(matched) <= FEW:
            few += 1
            expected |= {row["id"] for row in matched}
    for name, value in attacker.world.environment.items():
        monkeypatch.setenv(name, value)
    sealer = load().sealer
    keys = [OpaqueIds(sealer).key(identifier) for identifier in expected]
    note(f"S2 : {QUESTIONS} totaux (graine {SEED}), {few} de 10 personnes au plus")
    assert few > QUESTIONS // 5
    assert asyncio.run(_not_named(journal_de(attacker.world), sealer, keys, attacker.agent.encode())) == []


async def _not_named(url: str, sealer: Sealer, keys: list[str], agent: bytes) -> list[str]:
    """Those of these persons whom no entry of that agent names."""
    journal = Journal(url, sealer)
    try:
        entries = {key: await readings_of(journal, [key]) for key in keys}
    finally:
        await journal.close()
    return [key for key, shown in entries.items() if not any(agent in content for content, _ in shown)]


def question(randomness: Random, rows: list[Row]) -> tuple[dict[str, Any], list[Row]]:
    """Criteria drawn after somebody, and who meets them by the rows."""
    # Whoever has a name of two letters is looked for otherwise: three are asked.
    long = [row for row in rows if sum(map(str.isalpha, nom(row)[:4])) > 2]
    one = randomness.choice([row for row in long if commune(row) and row["statut"]])
    prefix = nom(one)[:4]
    chosen = randomness.sample(("communes", "statut", "nom"), randomness.randint(1, 3))
    possible = {"communes": [commune(one)], "statut": [one["statut"]["valeur"]], "nom": prefix}
    tests: dict[str, Callable[[Row], bool]] = {
        "communes": lambda row: commune(row) == commune(one),
        "statut": lambda row: row["statut"] is not None and row["statut"]["valeur"] == one["statut"]["valeur"],
        "nom": lambda row: folded(nom(row)).startswith(folded(prefix)),
    }
    return {name: possible[name] for name in chosen}, [row for row in rows if all(tests[name](row) for name in chosen)]


def folded(text: str) -> str:
    """A name without accents, hyphens nor case, as the graph's filter says that it compares them."""
    return "".join(c for c in unicodedata.normalize("NFD", text.upper()) if c.isascii() and c.isalpha())
