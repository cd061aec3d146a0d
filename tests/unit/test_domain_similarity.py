"""How alike two records are, level by level, on values written by hand."""

from datetime import date
from typing import Any

import pytest

from gateway.domain.official_numbers import ContratTraits, Traits, full_words_of, words
from gateway.domain.similarity import Level, agreements, compare, weights
from tests.support.unit.identity import contrat, trait


def accord(criterion: str, one: Traits, other: Traits) -> str | None:
    assert agreements(one, other) == agreements(other, one)
    return dict(agreements(one, other)).get(criterion)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("Le Goff", "LEGOFF", "identique"),
        ("N'Diaye", "N Diaye", "identique"),
        ("Lecœur", "LECOEUR", "identique"),
        ("de La Tour", "Tour", "identique"),
        ("Saint-Martin", "Martin Saint", "identique"),
        ("Leclercq", "Leclerq", "proche"),
        ("Leclercq", "Lecelrcq", "proche"),
        ("Dupont", "Dupond", "proche"),
        ("Martin", "Martinez", "autre"),
        ("Martin-Dubois", "Martin", "partie"),
        ("Deleplanque-Vandenbroucke", "DELEPLANQUE-VANDENBROUCK", "proche"),
        ("Martin-Vandenbrouckeloo-Petit", "MARTINVANDENBROUCKELOO", "partie"),
        ("Roy", "Roi", "autre"),
        ("Martin", "Bernard", "autre"),
        ("Le Da", "Le", "partie"),
    ],
)
def test_surnames(one: str, other: str, expected: str) -> None:
    assert accord("nom", trait(nom=one), trait(nom=other)) == expected


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("Jean-Pierre", "Jean", "partie"),
        ("Van-Minh", "Van", "partie"),
        ("Jean-Pierre", "JEAN PIERRE", "identique"),
        ("Anaïs", "Anais", "identique"),
        ("Mickaël", "Mickael", "identique"),
        ("Théo", "Léo", "autre"),
        ("Zo?", "Zoé", "proche"),  # a letter that a system lost
        ("Ma\ufffdlle", "Maëlle", "proche"),
        ("F??lix", "Félix", "proche"),
        ("J?r?me", "Jérôme", "proche"),
        ("Zo?", "Léo", "autre"),
        ("L?a", "Luana", "autre"),
        ("Emma", "Chloé", "autre"),
    ],
)
def test_first_names(one: str, other: str, expected: str) -> None:
    assert accord("prenom", trait(prenom=one), trait(prenom=other)) == expected


def test_a_usage_name_that_one_record_gives_beside_is_the_name_of_the_other() -> None:
    assert accord("nom", trait(nom="Petit", others=("Durand",)), trait(nom="Durand")) == "identique"


def test_inverted_name_and_first_name() -> None:
    one, other = trait(nom="Martin", prenom="Léa"), trait(nom="LEA", prenom="Martin")
    assert [accord(c, one, other) for c in ("ordre", "nom", "prenom")] == ["inverse", "identique", "identique"]


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (date(2006, 3, 7), "identique"),
        (date(2006, 7, 3), "jour_mois"),
        (date(2006, 3, 8), "proche"),
        (date(2005, 3, 7), "proche"),
        (date(2006, 3, 17), "proche"),
        (date(2007, 3, 6), "proche"),
        (date(2006, 5, 30), "autre"),
    ],
)
def test_birth_dates(other: date, expected: str) -> None:
    assert accord("naissance", trait(naissance=date(2006, 3, 7)), trait(naissance=other)) == expected


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (contrat("060A"), contrat("060A", debut=date(2024, 1, 8)), "numero"),
        (contrat(None), contrat("060A", debut=date(2025, 9, 8)), "employeur"),
        (contrat(None, siren=None), contrat("060A"), "debut"),
        (contrat("060A"), contrat("060B", siren="356000000"), "incompatible"),
        (contrat("060A"), contrat("060B"), "autre"),  # each has its number: they are two, at one employer
        (contrat(None), contrat("060B", debut=date(2025, 9, 9)), "autre"),  # the same employer, eight days later
        (contrat(None), contrat("060B", siren="356000000"), "incompatible"),
        (contrat(None, siren=None), contrat("060B", debut=date(2025, 9, 9)), "incompatible"),
        (contrat(None, fin=None), contrat("060B", siren="356000000"), "autre"),
        (contrat("060A", fin=date(2026, 3, 6)), contrat("060B", debut=date(2026, 1, 5), siren="356000000"), "autre"),
        (
            contrat("060A", fin=date(2026, 3, 7)),
            contrat("060B", debut=date(2026, 1, 5), siren="356000000"),
            "incompatible",
        ),
        (contrat("060A"), contrat("060B", debut=date(2028, 1, 3), fin=date(2029, 1, 3)), "autre"),
        (contrat("060A", fin=date(2026, 2, 28)), contrat("060B", debut=date(2026, 1, 5), siren="356000000"), "autre"),
    ],
)
def test_contracts(one: ContratTraits, other: ContratTraits, expected: str) -> None:
    assert accord("contrat", trait(contrats=(one,)), trait(contrats=(other,))) == expected


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ({"0600001A"}, {"0600001A", "73282932000074"}, "commun"),
        ({"0600001A"}, {"0600002B"}, "autre"),
        ({"0600001A"}, {"73282932000074"}, None),
    ],
)
def test_a_cfa_told_by_uai_and_by_siret_is_not_told_to_be_another(
    one: set[str], other: set[str], expected: str | None
) -> None:
    assert accord("cfa", trait(cfas=frozenset(one)), trait(cfas=frozenset(other))) == expected


@pytest.mark.parametrize("champ", ["telephone", "courriel", "ine", "code_postal", "sexe"])
def test_what_one_record_does_not_tell_weighs_nothing(champ: str) -> None:
    one: dict[str, Any] = {champ: "1"}
    assert compare(trait(**one), trait()).score == compare(trait(), trait()).score


def test_the_same_name_and_birth_date_are_certain_and_contradicted_by_all_the_rest_are_not() -> None:
    assert weights().niveau(compare(trait(), trait()).score) is Level.CERTAIN
    one = trait(telephone="0639980001", courriel="a@exemple.invalid", code_postal="60000")
    other = trait(telephone="0639980002", courriel="b@exemple.invalid", code_postal="02100")
    assert weights().niveau(compare(one, other).score) is Level.A_CONFIRMER


def test_twins_who_share_everything_but_the_first_name_are_never_joined() -> None:
    shared: dict[str, Any] = {
        "telephone": "0639980001",
        "courriel": "famille@exemple.invalid",
        "code_postal": "60000",
        "cfas": frozenset({"0600001A"}),
    }
    one = trait(prenom="Emma", contrats=(contrat("060A"),), **shared)
    other = trait(prenom="Chloé", contrats=(contrat("060B"),), **shared)
    assert weights().niveau(compare(one, other).score) is Level.A_CONFIRMER
    confused = trait(prenom="Chloé", contrats=(contrat("060A"),), **shared)
    assert weights().niveau(compare(one, confused).score) is Level.A_CONFIRMER


def test_neither_contacts_nor_a_home_make_one_person_of_two_names() -> None:
    shared: dict[str, Any] = {"telephone": "0639980001", "courriel": "a@exemple.invalid", "code_postal": "60000"}
    one, other = trait(nom="Martin", prenom="Emma", **shared), trait(nom="Bernard", prenom="Chloé", **shared)
    assert compare(one, other).score < weights().probable


def test_two_sexes_are_two_persons_whatever_else_agrees() -> None:
    one, other = trait(sexe="F", contrats=(contrat("060A"),)), trait(sexe="M", contrats=(contrat("060A"),))
    assert compare(one, other).score < weights().probable


def test_the_evidence_adds_up_to_the_score() -> None:
    result = compare(trait(telephone="0639980001", sexe="F"), trait(telephone="0639980001", sexe="F"))
    assert result.agreements == (
        ("ordre", "droit"),
        ("nom", "identique"),
        ("prenom", "identique"),
        ("naissance", "identique"),
        ("sexe", "identique"),
        ("telephone", "identique"),
    )
    evidence = sum(weights().poids[criterion][accord] for criterion, accord in result.agreements)
    assert result.score == pytest.approx(weights().a_priori + evidence)


def test_words_of_a_name() -> None:
    assert words("d'Angelo-Le Goff") == ("D", "ANGELO", "LE", "GOFF")
    assert full_words_of("d'Angelo-Le Goff") == {"ANGELO", "GOFF"}
    assert full_words_of("Le Da") == {"LE", "DA"}


@pytest.mark.parametrize(
    ("score", "level"),
    [
        (float("inf"), Level.CERTAIN),
        (9.0, Level.CERTAIN),
        (8.9, Level.PROBABLE),
        (5.0, Level.PROBABLE),
        (4.9, Level.A_CONFIRMER),
        (-5.0, Level.A_CONFIRMER),
        (-5.1, None),
    ],
)
def test_the_levels_begin_where_the_paper_says(score: float, level: Level | None) -> None:
    """docs/domaine.md, Identité: certain from 9 bits, probable from 5, to be confirmed from -5."""
    assert weights().niveau(score) is level
