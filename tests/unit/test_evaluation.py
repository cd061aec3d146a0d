"""The evaluator itself, on cases small enough to count by hand."""

from datetime import date
from typing import Any

import pytest

from fixtures.evaluation.jugement import groupes, verite_de
from fixtures.evaluation.mesure import Enregistrement, Scores, Verite, mesurer
from fixtures.evaluation.precocite import Connue, Quartiles, precocite
from fixtures.evaluation.rapport import en_donnees, en_texte, juger
from fixtures.population.ecritures import lettres
from fixtures.population.generateur import generer
from fixtures.population.modele import Population

ERP_A, ERP_B = Enregistrement("ypareo", "0600001A/1"), Enregistrement("ypareo", "0600001A/2")
AUTRE_CFA = Enregistrement("gestibase", "0600002B/E1")
CONTRAT_A, CONTRAT_A2, CONTRAT_B = (Enregistrement("registre", numero) for numero in ("n1", "n2", "n3"))
VERITE = Verite(
    {ERP_A: "A", AUTRE_CFA: "A", CONTRAT_A: "A", CONTRAT_A2: "A", ERP_B: "B", CONTRAT_B: "B"},
    {ERP_A: {"faute_de_frappe"}, CONTRAT_B: {"nom_usage", "casse"}},
)
JOUR = date(2026, 10, 15)


def test_all_joined_as_the_truth_says() -> None:
    mesure = mesurer(VERITE, [{ERP_A, AUTRE_CFA, CONTRAT_A, CONTRAT_A2}, {ERP_B, CONTRAT_B}])
    # Of A: the two ERPs, and each with the two contracts; the contracts together are of one installation. Of B: one.
    assert mesure.paires == Scores(6, 0, 0)
    assert mesure.personnes == Scores(2, 0, 0)
    assert (mesure.paires.precision, mesure.paires.rappel, mesure.paires.f1) == (1.0, 1.0, 1.0)
    assert mesure.fausses == mesure.manquees == []


def test_nothing_joined_is_precise_and_misses_all() -> None:
    mesure = mesurer(VERITE, [{un} for un in VERITE.personnes])
    assert mesure.paires == Scores(0, 0, 6)
    assert mesure.personnes == Scores(0, 6, 2)
    assert (mesure.paires.precision, mesure.paires.rappel, mesure.paires.f1) == (1.0, 0.0, 0.0)


def test_a_record_that_went_to_another_person_is_missed_once_and_wrong_with_each_record_met() -> None:
    mesure = mesurer(VERITE, [{ERP_A, AUTRE_CFA, CONTRAT_A}, {ERP_B, CONTRAT_B, CONTRAT_A2}])
    assert mesure.paires == Scores(4, 2, 2)
    assert mesure.paires.precision == pytest.approx(4 / 6)
    assert mesure.paires.rappel == pytest.approx(4 / 6)
    assert mesure.paires.f1 == pytest.approx(4 / 6)
    assert mesure.personnes == Scores(0, 2, 2)
    assert mesure.fausses == [(CONTRAT_A2, CONTRAT_B), (CONTRAT_A2, ERP_B)]
    assert mesure.manquees == [(AUTRE_CFA, CONTRAT_A2), (CONTRAT_A2, ERP_A)]


def test_two_records_of_one_school_are_never_asked_for_and_always_wrong() -> None:
    verite = Verite({ERP_A: "A", ERP_B: "B"})
    assert mesurer(verite, [{ERP_A}, {ERP_B}]).paires == Scores(0, 0, 0)
    assert mesurer(verite, [{ERP_A, ERP_B}]).paires == Scores(0, 1, 0)


def test_pairs_are_counted_in_each_class_that_struck_either_record() -> None:
    mesure = mesurer(VERITE, [{ERP_A, AUTRE_CFA, CONTRAT_A, CONTRAT_A2}, {ERP_B}, {CONTRAT_B}])
    assert mesure.par_classe == {
        "aucun": Scores(2, 0, 0),
        "casse": Scores(0, 0, 1),
        "faute_de_frappe": Scores(4 - 1, 0, 0),
        "nom_usage": Scores(0, 0, 1),
    }
    assert mesure.par_systemes[("registre", "ypareo")] == Scores(2, 0, 1)


def test_records_unknown_to_the_truth_are_left_out() -> None:
    inconnu = Enregistrement("registre", "a deposit made by mistake")
    assert mesurer(VERITE, [{ERP_B, CONTRAT_B, inconnu}, {inconnu}]).paires == Scores(1, 0, 5)


@pytest.fixture(scope="module")
def population() -> Population:
    return generer(graine=7, jeunes=400, aujourdhui=JOUR, bruit=4)


def _parfait(population: Population) -> list[dict[str, Any]]:
    """What the command would print if it knew the truth."""
    par_personne: dict[object, dict[str, list[str]]] = {}
    for un, personne in verite_de(population).personnes.items():
        par_personne.setdefault(personne, {}).setdefault(un.systeme, []).append(un.id)
    return [
        {"enregistrements": siens, "niveau": "CERTAIN", "liens": [], "douteux": []} for siens in par_personne.values()
    ]


def test_the_truth_judged_by_itself_is_perfect(population: Population) -> None:
    rapport = juger(population, _parfait(population))
    assert (rapport.mesure.paires.precision, rapport.mesure.paires.rappel) == (1.0, 1.0)
    assert (rapport.mesure.personnes.precision, rapport.mesure.personnes.rappel) == (1.0, 1.0)
    assert {"faute_de_frappe", "nom_usage", "casse", "jumeaux", "telephone_absent"} <= rapport.mesure.par_classe.keys()


def test_a_wrong_merge_is_told_with_the_link_that_made_it(population: Population) -> None:
    un, autre, *reste = _parfait(population)
    lien = {"entre": [un["enregistrements"], autre["enregistrements"]], "score": 9.5, "accords": {"nom": "proche"}}
    confondus = {**un["enregistrements"], **autre["enregistrements"]}
    fondu = {"enregistrements": confondus, "niveau": "PROBABLE", "liens": [lien], "douteux": []}
    rapport = juger(population, [fondu, *reste])
    donnees, texte = en_donnees(rapport), "\n".join(en_texte(rapport))
    assert donnees["paires"]["faux"] == len(donnees["fausses"]) > 0
    assert "9.5 bits (nom proche)" in donnees["fausses"][0]["liens"][0]
    assert "9.5 bits (nom proche)" in texte
    assert donnees["niveaux"] == {"PROBABLE": 1}


def test_a_missed_pair_that_is_offered_is_said_to_be(population: Population) -> None:
    parfait = _parfait(population)
    rang = next(r for r, p in enumerate(parfait) if len(p["enregistrements"]) > 1)
    (source, cles), *autres = parfait[rang]["enregistrements"].items()
    seul, reste = {source: cles}, dict(autres)
    lien = {"entre": [seul, reste], "score": 1.0, "accords": {}}
    separes = [{"enregistrements": un, "niveau": "CERTAIN", "liens": [], "douteux": [lien]} for un in (seul, reste)]
    rapport = juger(population, [*parfait[:rang], *separes, *parfait[rang + 1 :]])
    assert rapport.offertes == len(rapport.mesure.manquees) > 0


def test_no_name_and_no_contact_in_the_report(population: Population) -> None:
    lignes = "\n".join(en_texte(juger(population, _parfait(population)))) + str(en_donnees(juger(population, [])))
    assert not [p.numero for p in population.personnes if p.courriel in lignes or f"{p.nom} {p.prenom}" in lignes]
    assert groupes([]) == []


def test_noise_is_remembered_where_it_struck(population: Population) -> None:
    recits = [r for tenants in population.recits.values() for recits in tenants.values() for r in recits]
    par_numero = {personne.numero: personne for personne in population.personnes}
    inverses = [r for r in recits if "nom_et_prenom_inverses" in r.bruits]
    assert inverses
    assert all(lettres(r.personne.nom) == lettres(par_numero[r.personne.numero].prenom) for r in inverses)
    assert all(not r.personne.telephone for r in recits if "telephone_absent" in r.bruits)
    for classe in ("faute_de_frappe", "nom_usage", "naissance_erronee", "nom_et_prenom_inverses", "courriel_absent"):
        assert sum(classe in r.bruits for r in recits) == population.bruits[classe]


def test_the_registry_is_late_and_the_erp_is_not() -> None:
    dite = precocite(generer(graine=7, jeunes=2000, aujourdhui=JOUR))
    assert dite.ruptures > 200
    assert 0 < dite.premiere.mediane < dite.avance.mediane < 60
    assert (
        0 < dite.jamais_au_registre < 0.15
    )  # the rate of ruptures that it never processes, of those without a later contract


def test_earliness_of_one_rupture(monkeypatch: pytest.MonkeyPatch) -> None:
    ruptures = [
        Connue(date(2026, 1, 1), date(2026, 1, 6), date(2026, 2, 5)),
        Connue(date(2026, 1, 1), None, date(2026, 2, 10)),
        Connue(date(2026, 1, 1), date(2026, 1, 11), None),
        Connue(date(2026, 1, 1), None, None),
        Connue(date(2026, 10, 1), date(2026, 10, 2), None),  # too young to be judged
    ]
    monkeypatch.setattr("fixtures.evaluation.precocite.connues", lambda _: iter(ruptures))
    dite = precocite(generer(graine=1, jeunes=1, aujourdhui=JOUR))
    assert (dite.ruptures, dite.tues) == (4, 1)
    assert dite.premiere == Quartiles(3, 5.0, 10.0, 40.0)
    assert dite.avance == Quartiles(1, 30.0, 30.0, 30.0)
    assert dite.jamais_au_registre == pytest.approx(1 / 3)
    assert dite.jamais_dans_un_erp == pytest.approx(1 / 3)
