"""What is executed compiled, what is not, and what a row costs."""

import ast
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest
from graphql import ExecutionResult

from gateway.auth.authorization.decide import decide
from gateway.auth.policy.rules import CategorieDonnee, Profil
from gateway.cli.explain import explain
from gateway.documents.parse import Documents
from gateway.domain.statut import StatutApprenant
from gateway.errors import CallerError
from gateway.execution import codegen
from gateway.execution.executor import ExecutionMode, Executor
from gateway.federation.views.view import ViewPerson
from gateway.schema.nouns import Statut
from tests.execution.differential import DrawnWorld
from tests.support.access.tools import POLICY, SCHEMA, viewer
from tests.support.examples import examples
from tests.support.execution.data import DAY
from tests.support.figures import note

ROOT = Path(__file__).resolve().parents[2]
PAGE = """{ ruptures(first: 100) { edges { node { date joursDepuis etat prioritaire sources
  jeune { nom prenom age telephone courriel commune { nom } statut { valeur depuis } suivi { situation conseiller } }
  contrat { dateDebut employeur { denomination } formation { intitule } cfa { nom } } } } } }"""


def _execute(
    text: str, world: DrawnWorld, times: int, profil: Profil = Profil.MISSION_LOCALE
) -> tuple[Any, Counter[ExecutionMode]]:
    """The last answer, and the ways."""
    execution_paths: Counter[ExecutionMode] = Counter()
    executor = Executor(SCHEMA, lambda voie: execution_paths.update([voie]))
    document = Documents(SCHEMA, str).read(text, None)
    variables: dict[str, Any] = dict.fromkeys(("n", "first"), 5)
    results = document.variables(SCHEMA, variables)
    decision = decide(SCHEMA, document.tree, document.operation, results.coerced, viewer(profil), POLICY)
    rendered: ExecutionResult | None = None
    for _ in range(times):
        rendered = executor.execute(document, results, world.context(profil, decision))
    return rendered, execution_paths


def _texts(file: Path) -> list[str]:
    """The queries written in a test or in the README."""
    if file.suffix == ".md":
        source = file.read_text(encoding="utf-8")
        return [chunk.split('"}')[0] for chunk in source.split('"query":\n "')[1:]]
    tree = ast.parse(file.read_text(encoding="utf-8"))
    told_values = [n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
    return [
        told
        for told in told_values
        if told.lstrip().startswith(("{ ", "query")) and "__schema" not in told and "__type(" not in told
    ]


def _queries() -> list[str]:
    static_routes = [ROOT / "README.md", *sorted((ROOT / "tests/e2e").glob("*.py"))]
    of_examples = [example.query for example in examples() if "subscription" not in example.query]
    candidates = of_examples + [t for f in static_routes for t in _texts(f)]
    return list(dict.fromkeys(candidates))


def test_no_query_of_ours_falls_back() -> None:
    world, served_rows = DrawnWorld(Random(1), spoilt=False), 0
    for text in _queries():
        try:
            _, execution_paths = _execute(text, world, 3)
        except (CallerError, KeyError):
            continue  # refused on purpose, or a piece of a query
        assert execution_paths == {ExecutionMode.FIRST_SEEN: 1, ExecutionMode.COMPILED: 2}, text
        served_rows += 1
    assert served_rows >= 25


def test_a_query_asked_once_costs_no_plan() -> None:
    _, execution_paths = _execute("{ moi { profil } }", DrawnWorld(Random(1), spoilt=False), 1)
    assert execution_paths == {ExecutionMode.FIRST_SEEN: 1}


def test_what_has_no_plan_falls_back_and_says_so_once(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(codegen, "FIELDS_MAX", 0)
    rendered, execution_paths = _execute("{ moi { profil } }", DrawnWorld(Random(1), spoilt=False), 4)
    assert rendered.data == {"moi": {"profil": "MISSION_LOCALE"}}
    assert execution_paths == {ExecutionMode.FIRST_SEEN: 1, ExecutionMode.FALLBACK: 3}
    assert [r.getMessage().split(" : ", 1)[1] for r in caplog.records] == ["repli, Unsupported (plus de 0 champs)"]


def test_what_is_asked_of_the_graph_itself_is_left_to_its_own_shape() -> None:
    text = "{ moi { profil } __schema { queryType { name } } }"
    for times in (1, 2):
        rendered, _ = _execute(text, DrawnWorld(Random(1), spoilt=False), times)
        assert {key: value for key, value in rendered.data.items() if value} == {"moi": {"profil": "MISSION_LOCALE"}}


def test_a_value_out_of_place_is_told_by_graphql_core() -> None:
    world = DrawnWorld(Random(5), spoilt=False)
    for person, rupture in list(world.view.ruptures.values()):
        world.view.ruptures[rupture.id] = (_is_open(person), rupture)
        rupture.jours_depuis = "hier"  # type: ignore[assignment]
    rendered, execution_paths = _execute("{ ruptures { edges { node { joursDepuis } } } }", world, 2)
    assert execution_paths == {ExecutionMode.FIRST_SEEN: 1, ExecutionMode.COMPILED_FAILED: 1}
    assert rendered.data["ruptures"]["edges"][0] == {"node": {"joursDepuis": None}}
    assert rendered.errors[0].path == ["ruptures", "edges", 0, "node", "joursDepuis"]


def test_a_refused_field_is_not_in_the_function() -> None:
    text = explain("{ ruptures { edges { node { cause jeune { ine nom } } } } }", "reseau")
    assert "'cause': None" in text
    assert ".cause" not in text.split("# ruptures")[1]
    assert "'ine': v if" in text


def test_a_row_costs_five_python_calls_at_most() -> None:
    """Page, perimeter looked at again, mask and execution: what fifty rows more cost, their copies known, then the page."""
    per_row, kept = [(_calls_of_a_page(100, seen) - _calls_of_a_page(50, seen)) / 50 for seen in (False, True)]
    note(f"exécution : {per_row:.1f} appels Python par ligne de 22 champs, page comprise ; {kept:.0f} page connue")
    assert 0 < per_row <= 5
    assert kept == 0


def _calls_of_a_page(rows: int, known_page: bool) -> int:
    world = DrawnWorld(Random(5), spoilt=False)
    model = next(iter(world.view.ruptures.values()))
    everything = _is_open(model[0])
    world.view.ruptures = {f"R{rank}": (everything, _copy(model[1], rank)) for rank in range(rows)}
    executor = Executor(SCHEMA, lambda _: None)
    document = Documents(SCHEMA, str).read(PAGE, None)
    without = document.variables(SCHEMA, {})
    decision = decide(SCHEMA, document.tree, document.operation, {}, viewer(Profil.MISSION_LOCALE), POLICY)
    for _ in range(3):
        rendered = executor.execute(document, without, world.context(Profil.MISSION_LOCALE, decision))
    assert len(orjson.loads(orjson.dumps(rendered.data))["ruptures"]["edges"]) == rows
    for shown_copies in () if known_page else world.view.kept_copies.values():
        shown_copies.pages.clear()
    return _calls(lambda: executor.execute(document, without, world.context(Profil.MISSION_LOCALE, decision)))


def _is_open(person: ViewPerson) -> ViewPerson:
    """The same, a RUPTURANT read whole."""
    person.jeune.statut = Statut(valeur=StatutApprenant.RUPTURANT, depuis=DAY)
    return ViewPerson(person.merged, person.affiliation, frozenset(CategorieDonnee))


def _copy(rupture: Any, rank: int) -> Any:
    return replace(rupture, id=f"R{rank}")


def _calls(make: Any) -> int:
    account = 0

    def count(frame: Any, event: str, _argument: Any) -> None:
        nonlocal account
        account += event == "call"

    sys.setprofile(count)
    try:
        make()
    finally:
        sys.setprofile(None)
    return account
