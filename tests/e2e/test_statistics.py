"""Figures over real HTTP: a world counted by the gateway's own pass, asked by its clients; the page's examples among them."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest

from fixtures.clients import is_repeated
from fixtures.gateway_process import LaunchedGateway
from tests.support.examples import Example, examples
from tests.support.statistics.counted_world import CountedWorld, counted_world
from tests.unit.test_population import TODAY

QUERIES = 100
STATUTS = {"apprentis": "APPRENTI", "inscrits": "INSCRIT", "rupturants": "RUPTURANT", "abandons": "ABANDON"}
PROTECTED = ("statistiques", "arml", "region", "opco")
DIMENSIONS = ("REGION", "DEPARTEMENT", "CFA", "MISSION_LOCALE", "NIVEAU", "SECTEUR", "STATUT", "MOIS", "ANNEE_SCOLAIRE")


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CountedWorld]:
    with counted_world(tmp_path_factory.mktemp("chiffres"), jeunes=500, departements=("02",), today=TODAY) as counted:
        yield counted


@pytest.fixture(scope="module")
def gateway(counted: CountedWorld) -> Iterator[LaunchedGateway]:
    with _gateway(counted) as launched:
        yield launched


def _gateway(counted: CountedWorld) -> Any:
    return counted.world.gateway(GATEWAY_CLE_STATISTIQUES=counted.environment["GATEWAY_CLE_STATISTIQUES"])


def ask(counted: CountedWorld, gateway: LaunchedGateway, client: str, text: str, **variables: Any) -> Any:
    """The answer, once no source is late."""
    token = counted.world.token(client)
    for _ in range(20):
        response = gateway.graphql(token, text, variables)
        if not any("source" in error["extensions"] for error in response.get("errors", [])):
            return response
    pytest.fail(json.dumps(response["errors"], ensure_ascii=False))


OF_FIGURES = [example for example in examples() if "statistiques" in example.query]


@pytest.mark.parametrize("example", OF_FIGURES, ids=lambda example: example.title)
def test_an_example_of_figures_is_answered_to_each_profile_it_is_for(
    counted: CountedWorld, gateway: LaunchedGateway, example: Example
) -> None:
    named = {(one.profil, one.comme): name for name, one in counted.world.clients.items() if not is_repeated(name)}
    for (profil, _), client in named.items():
        if example.is_for(profil):
            response = ask(counted, gateway, client, example.query)
            assert "errors" not in response, (client, response["errors"])
            assert response["data"]["statistiques"]["lignes"], client


def test_the_command_writes_the_file_that_everybody_may_read(
    counted: CountedWorld, gateway: LaunchedGateway, tmp_path: Path
) -> None:
    """Byte for byte that of the address, without credentials; and a file that is refused is not written."""
    asked = ("dimensions=DEPARTEMENT,MOIS", "depuis=2025-08-01")
    for format_ in ("csv", "json", "sdmx.csv"):
        file = tmp_path / f"chiffres.{format_}"
        done = counted.statistics("exporter", str(file), *asked)
        assert (done.returncode, done.stderr) == (0, "")
        assert "que chacun peut lire" in done.stdout
        served = httpx.get(f"{gateway.url}/statistiques/export.{format_}?{'&'.join(asked)}")
        assert file.read_bytes() == served.content
    for name, parameter, told in (
        ("a.csv", "dimensions=CFA", "Sans identification, les lieux sont REGION et DEPARTEMENT"),
        ("a.csv", "dimensions", "dimensions : NOM=VALEUR attendu"),
        ("a.csv", "couleur=1", "Paramètre non admis"),
        ("a.xls", "dimensions=REGION", "un nom en .csv, .json, .sdmx.csv attendu"),
    ):
        done = counted.statistics("exporter", str(tmp_path / name), parameter)
        assert (done.returncode, told in done.stderr) == (2, True), done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {f"chiffres.{one}" for one in ("csv", "json", "sdmx.csv")}


def test_counters_are_the_lists_and_those_of_the_night(counted: CountedWorld, gateway: LaunchedGateway) -> None:
    """The night leaves out whom the Mission locale follows and who lives elsewhere, and tells nothing else otherwise."""
    fields = f"origine total {{ {' '.join(STATUTS)} ruptures }} periode {{ depuis jusqua }}"
    direct = ask(counted, gateway, "ml", f"{{ statistiques {{ {fields} }} }}")["data"]["statistiques"]
    assert direct["origine"] == "EN_DIRECT"
    for name, statut in STATUTS.items():
        listed = ask(counted, gateway, "ml", f"{{ jeunes(filtre: {{statut: [{statut}]}}) {{ totalCount }} }}")
        assert direct["total"][name] == listed["data"]["jeunes"]["totalCount"], name
    code = counted.world.clients["ml"].organisation
    people = ask(
        counted, gateway, "ml", "{ jeunes(first: 500) { nodes { statut { valeur } missionLocale { code } } } }"
    )
    nodes = people["data"]["jeunes"]["nodes"]
    depuis = direct["periode"]["depuis"]
    night = ask(
        counted,
        gateway,
        "ml",
        f'{{ statistiques(filtre: {{depuis: "{depuis}", jusqua: "2026-10-31"}}) {{ {fields} }} }}',
    )["data"]["statistiques"]
    assert night["origine"] == "RELEVE"
    for name, statut in STATUTS.items():
        own = [one for one in nodes if one["missionLocale"] and one["missionLocale"]["code"] == code]
        assert night["total"][name] == sum(one["statut"]["valeur"] == statut for one in own if one["statut"]), name


def draw(randomness: Random) -> str:
    dimensions = ", ".join(randomness.sample(DIMENSIONS, randomness.randint(0, 2)))
    filtre = randomness.choice(
        ["", 'filtre: {depuis: "2025-08-01"}, ', "filtre: {lieu: RESIDENCE}, ", "filtre: {niveau: 3}, "]
    )
    fields = "apprentis rupturants contratsCommences ruptures tauxRupture3Mois partTraitee effectif masques marges { valeur }"
    lines = f"total {{ {fields} }} lignes {{ dimensions {{ code }} {fields} }}"
    return f"{{ statistiques({filtre}dimensions: [{dimensions}]) {{ {lines} }} }}"


def answers(counted: CountedWorld, gateway: LaunchedGateway) -> list[str]:
    randomness = Random(17)
    told = [ask(counted, gateway, randomness.choice(PROTECTED), draw(randomness))["data"] for _ in range(QUERIES)]
    assert sum(one["statistiques"] is not None for one in told) > QUERIES / 4
    with httpx.Client(base_url=gateway.url) as http:
        paths = (
            "/statistiques",
            *(f"/statistiques/export.{form}?dimensions=MOIS" for form in ("csv", "json", "sdmx.csv")),
        )
        files = [http.get(path) for path in paths]
    assert [one.status_code for one in files] == [200] * 4
    return [*map(json.dumps, told), *(one.text for one in files)]


def test_protected_answers_files_and_the_page_do_not_depend_on_true_counts(
    counted: CountedWorld, gateway: LaunchedGateway
) -> None:
    before = answers(counted, gateway)
    exact = "{ statistiques(dimensions: [MOIS]) { total { ruptures } } }"
    counts = ask(counted, gateway, "reseau", exact)
    _add_to_every_count(counted, 3)
    try:
        with _gateway(counted) as other:
            assert answers(counted, other) == before
            assert ask(counted, other, "reseau", exact)["data"] != counts["data"]  # the trial can fail
    finally:
        _add_to_every_count(counted, -3)


def _add_to_every_count(counted: CountedWorld, number: int) -> None:
    with closing(sqlite3.connect(counted.record / "donnees" / "statistiques.sqlite")) as connection, connection:
        connection.execute("UPDATE statistiques_apports SET nombre = nombre + ?", (number,))
    connection.close()


def entries(counted: CountedWorld) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(counted.record / "donnees" / "journal.sqlite")) as connection, connection:
        rows = connection.execute("SELECT contenu FROM journal_entrees ORDER BY numero").fetchall()
    connection.close()
    return [json.loads(content) for (content,) in rows]


def test_the_journal_has_the_question_and_the_snapshot_and_whom_a_count_of_few_tells_of(
    counted: CountedWorld, gateway: LaunchedGateway
) -> None:
    ask(
        counted,
        gateway,
        "statistiques",
        "{ statistiques(filtre: {niveaux: [3, 4]}, dimensions: [REGION]) { total { ruptures } } }",
    )
    last = entries(counted)[-1]
    assert (last["acte"], last["client"], last["releve"]) == ("STATISTIQUES", "statistiques", 1)
    assert last["question"] == {"dimensions": ["REGION"], "filtre": {"NIVEAU": ["3", "4"]}}
    assert "groupes" not in last
    before = len(entries(counted))
    ask(counted, gateway, "ml", "{ statistiques { total { rupturants } } }")
    assert len(entries(counted)) == before
    ask(counted, gateway, "ml", "{ statistiques(dimensions: [NIVEAU, CFA]) { lignes { rupturants } } }")
    added = entries(counted)[before:]
    assert [entry["acte"] for entry in added] == ["LECTURE"]
    assert added[0]["coordonnees"] == {"AGREGAT": ["Query.statistiques"]}
    assert sum(group["personnes"] for group in added[0]["groupes"]) > 0
