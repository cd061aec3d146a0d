"""The evaluator itself, on cases small enough to count by hand."""

from datetime import date
from typing import Any

import pytest

from fixtures.evaluation.earliness import Known, Quartiles, earliness
from fixtures.evaluation.report import as_data, as_text, judge
from fixtures.evaluation.scores import Record, Scores, Truth, cost_of
from fixtures.evaluation.truth_classes import groups, truth_of
from fixtures.population.generator import generate
from fixtures.population.model import Population
from fixtures.population.spellings import letters

ERP_A, ERP_B = Record("ypareo", "0600001A/1"), Record("ypareo", "0600001A/2")
OTHER_CFA = Record("gestibase", "0600002B/E1")
CONTRAT_A, CONTRAT_A2, CONTRAT_B = (Record("registre", numero) for numero in ("n1", "n2", "n3"))
TRUTH = Truth(
    {ERP_A: "A", OTHER_CFA: "A", CONTRAT_A: "A", CONTRAT_A2: "A", ERP_B: "B", CONTRAT_B: "B"},
    {ERP_A: {"faute_de_frappe"}, CONTRAT_B: {"nom_usage", "casse"}},
)
DAY = date(2026, 10, 15)


def test_all_joined_as_the_truth_says() -> None:
    cost = cost_of(TRUTH, [{ERP_A, OTHER_CFA, CONTRAT_A, CONTRAT_A2}, {ERP_B, CONTRAT_B}])
    # Of A: the two ERPs, and each with the two contracts; the contracts together are of one installation. Of B: one.
    assert cost.pairs == Scores(6, 0, 0)
    assert cost.persons == Scores(2, 0, 0)
    assert (cost.pairs.precision, cost.pairs.recall, cost.pairs.f1) == (1.0, 1.0, 1.0)
    assert cost.false_pairs == cost.missed == []


def test_nothing_joined_is_precise_and_misses_all() -> None:
    cost = cost_of(TRUTH, [{one} for one in TRUTH.persons])
    assert cost.pairs == Scores(0, 0, 6)
    assert cost.persons == Scores(0, 6, 2)
    assert (cost.pairs.precision, cost.pairs.recall, cost.pairs.f1) == (1.0, 0.0, 0.0)


def test_a_record_that_went_to_another_person_is_missed_once_and_wrong_with_each_record_met() -> None:
    cost = cost_of(TRUTH, [{ERP_A, OTHER_CFA, CONTRAT_A}, {ERP_B, CONTRAT_B, CONTRAT_A2}])
    assert cost.pairs == Scores(4, 2, 2)
    assert cost.pairs.precision == pytest.approx(4 / 6)
    assert cost.pairs.recall == pytest.approx(4 / 6)
    assert cost.pairs.f1 == pytest.approx(4 / 6)
    assert cost.persons == Scores(0, 2, 2)
    assert cost.false_pairs == [(CONTRAT_A2, CONTRAT_B), (CONTRAT_A2, ERP_B)]
    assert cost.missed == [(OTHER_CFA, CONTRAT_A2), (CONTRAT_A2, ERP_A)]


def test_two_records_of_one_school_are_never_asked_for_and_always_wrong() -> None:
    truth = Truth({ERP_A: "A", ERP_B: "B"})
    assert cost_of(truth, [{ERP_A}, {ERP_B}]).pairs == Scores(0, 0, 0)
    assert cost_of(truth, [{ERP_A, ERP_B}]).pairs == Scores(0, 1, 0)


def test_pairs_are_counted_in_each_class_that_struck_either_record() -> None:
    cost = cost_of(TRUTH, [{ERP_A, OTHER_CFA, CONTRAT_A, CONTRAT_A2}, {ERP_B}, {CONTRAT_B}])
    assert cost.by_class == {
        "aucun": Scores(2, 0, 0),
        "casse": Scores(0, 0, 1),
        "faute_de_frappe": Scores(4 - 1, 0, 0),
        "nom_usage": Scores(0, 0, 1),
    }
    assert cost.by_systems[("registre", "ypareo")] == Scores(2, 0, 1)


def test_records_unknown_to_the_truth_are_left_out() -> None:
    unknown = Record("registre", "a deposit made by mistake")
    assert cost_of(TRUTH, [{ERP_B, CONTRAT_B, unknown}, {unknown}]).pairs == Scores(1, 0, 5)


@pytest.fixture(scope="module")
def population() -> Population:
    return generate(seed=7, jeunes=400, today=DAY, noise=4)


def _parfait(population: Population) -> list[dict[str, Any]]:
    """What the command would print if it knew the truth."""
    by_person: dict[object, dict[str, list[str]]] = {}
    for one, person in truth_of(population).persons.items():
        by_person.setdefault(person, {}).setdefault(one.system, []).append(one.id)
    return [{"enregistrements": own, "niveau": "CERTAIN", "liens": [], "douteux": []} for own in by_person.values()]


def test_the_truth_judged_by_itself_is_perfect(population: Population) -> None:
    report = judge(population, _parfait(population))
    assert (report.cost.pairs.precision, report.cost.pairs.recall) == (1.0, 1.0)
    assert (report.cost.persons.precision, report.cost.persons.recall) == (1.0, 1.0)
    assert {"faute_de_frappe", "nom_usage", "casse", "jumeaux", "telephone_absent"} <= report.cost.by_class.keys()


def test_a_wrong_merge_is_told_with_the_link_that_made_it(population: Population) -> None:
    one, other, *rest = _parfait(population)
    link = {"entre": [one["enregistrements"], other["enregistrements"]], "score": 9.5, "accords": {"nom": "proche"}}
    confused = {**one["enregistrements"], **other["enregistrements"]}
    folded = {"enregistrements": confused, "niveau": "PROBABLE", "liens": [link], "douteux": []}
    report = judge(population, [folded, *rest])
    data, text = as_data(report), "\n".join(as_text(report))
    assert data["paires"]["faux"] == len(data["fausses"]) > 0
    assert "9.5 bits (nom proche)" in data["fausses"][0]["liens"][0]
    assert "9.5 bits (nom proche)" in text
    assert data["niveaux"] == {"PROBABLE": 1}


def test_a_missed_pair_that_is_offered_is_said_to_be(population: Population) -> None:
    parfait = _parfait(population)
    rank = next(r for r, p in enumerate(parfait) if len(p["enregistrements"]) > 1)
    (source, keys), *others = parfait[rank]["enregistrements"].items()
    single, rest = {source: keys}, dict(others)
    link = {"entre": [single, rest], "score": 1.0, "accords": {}}
    separated = [
        {"enregistrements": one, "niveau": "CERTAIN", "liens": [], "douteux": [link]} for one in (single, rest)
    ]
    report = judge(population, [*parfait[:rank], *separated, *parfait[rank + 1 :]])
    assert report.offered == len(report.cost.missed) > 0


def test_no_name_and_no_contact_in_the_report(population: Population) -> None:
    rows = "\n".join(as_text(judge(population, _parfait(population)))) + str(as_data(judge(population, [])))
    assert not [p.numero for p in population.persons if p.courriel in rows or f"{p.nom} {p.prenom}" in rows]
    assert groups([]) == []


def test_noise_is_remembered_where_it_struck(population: Population) -> None:
    accounts = [r for tenants in population.accounts.values() for accounts in tenants.values() for r in accounts]
    by_numero = {person.numero: person for person in population.persons}
    inverses = [r for r in accounts if "nom_et_prenom_inverses" in r.noises]
    assert inverses
    assert all(letters(r.person.nom) == letters(by_numero[r.person.numero].prenom) for r in inverses)
    assert all(not r.person.telephone for r in accounts if "telephone_absent" in r.noises)
    for kind in ("faute_de_frappe", "nom_usage", "naissance_erronee", "nom_et_prenom_inverses", "courriel_absent"):
        assert sum(kind in r.noises for r in accounts) == population.noises[kind]


def test_the_registry_is_late_and_the_erp_is_not() -> None:
    told = earliness(generate(seed=7, jeunes=2000, today=DAY))
    assert told.ruptures > 200
    assert 0 < told.premiere.mediane < told.avance.mediane < 60
    assert (
        0 < told.jamais_au_registre < 0.15
    )  # the rate of ruptures that it never processes, of those without a later contract


def test_earliness_of_one_rupture(monkeypatch: pytest.MonkeyPatch) -> None:
    ruptures = [
        Known(date(2026, 1, 1), date(2026, 1, 6), date(2026, 2, 5)),
        Known(date(2026, 1, 1), None, date(2026, 2, 10)),
        Known(date(2026, 1, 1), date(2026, 1, 11), None),
        Known(date(2026, 1, 1), None, None),
        Known(date(2026, 10, 1), date(2026, 10, 2), None),  # too young to be judged
    ]
    monkeypatch.setattr("fixtures.evaluation.earliness.known_ruptures", lambda _: iter(ruptures))
    told = earliness(generate(seed=1, jeunes=1, today=DAY))
    assert (told.ruptures, told.tues) == (4, 1)
    assert told.premiere == Quartiles(3, 5.0, 10.0, 40.0)
    assert told.avance == Quartiles(1, 30.0, 30.0, 30.0)
    assert told.jamais_au_registre == pytest.approx(1 / 3)
    assert told.jamais_dans_un_erp == pytest.approx(1 / 3)
