"""What the second model of mistakes does to a name, class by class, and what kin share: joined where something of one person's
own speaks, and never among kin. The expected levels are written from the names, not from the code."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.evaluation.report import judge
from fixtures.world import World
from gateway.domain.matching import candidate_pairs, match
from gateway.domain.official_numbers import Traits
from gateway.domain.similarity import agreements, compare, weights
from gateway.federation.join.join_records import Installation, link
from tests.support.unit.federation import told
from tests.support.unit.identity import contrat, trait

TODAY = date(2026, 10, 15)
OWN: dict[str, Any] = {"telephone": "0639980001", "code_postal": "60000", "cfas": frozenset({"0600001A"})}
FAMILY: dict[str, Any] = {**OWN, "courriel": "famille@exemple.invalid"}


def are_joined(one: Traits, other: Traits) -> bool:
    return len(match([one, other])[0]) == 1


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("J.", "Jules", "initiale"),
        ("J-P", "Jean-Pierre", "initiale"),
        ("JP", "Jean-Pierre", "initiale"),
        ("Ma", "Mathieu", "autre"),
        ("Alex", "Alexandre", "diminutif"),
        ("Fatou", "Fatoumata", "diminutif"),
        ("Youssef", "Youcef", "variante"),
        ("Mohamed", "Muhammad", "variante"),
        ("Thibault", "Thibaud", "variante"),
        ("Paul", "Lucas Paul", "partie"),
        ("Christop", "Christophe", "partie"),
        ("Zo", "Zoé", "proche"),
        ("Jrme", "Jérôme", "proche"),
        ("Lucqs", "Lucas", "proche"),
        ("Leq", "Léa", "proche"),
        ("Mathis", "Mathias", "voisin"),
        ("Hassan", "Hussein", "autre"),
        ("Enzo", "Lorenzo", "autre"),
        ("X", "Xavier", "absent"),
        ("INCONNU", "Lucas", "absent"),
    ],
)
def test_first_names_of_each_class(one: str, other: str, expected: str) -> None:
    for left, right in ((one, other), (other, one)):
        assert dict(agreements(trait(prenom=left), trait(prenom=right)))["prenom"] == expected


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("M. Martin", "Martin", "identique"),
        ("Mme Durand", "DURAND", "identique"),
        ("El Amrani", "Elamrani", "identique"),
        ("La Tour", "Delatour", "proche"),
        ("Ben Youcef", "Benyoussef", "proche"),
        ("Bemard", "Bernard", "proche"),
        ("R0usseau", "Rousseau", "proche"),
        ("VANDENBROU", "Vandenbroucke", "partie"),
        ("INCONNU", "Martin", "absent"),
        ("Leclercq", "Laclercs", "proche"),  # two letters, from eight on
        ("Bernard", "Barnord", "autre"),
        ("Yack", "Jacq", "proche"),  # four letters are enough for a sound
        ("Brnic", "Bérénice", "autre"),  # three letters lost: any name is some other's by then
    ],
)
def test_surnames_of_each_class(one: str, other: str, expected: str) -> None:
    assert dict(agreements(trait(nom=one), trait(nom=other)))["nom"] == expected


@pytest.mark.parametrize("prenom", ["A.", "ANAÏS MARIE", "Anaiis", "Ana?s"])
def test_a_first_name_about_the_same_is_joined_where_the_cfa_speaks(prenom: str) -> None:
    assert are_joined(trait(**OWN), trait("registre", prenom=prenom, **OWN))


@pytest.mark.parametrize("prenom", ["A.", "Alex"])
def test_what_stands_for_several_first_names_is_not_joined_by_the_birth_alone_nor_against_a_cfa(prenom: str) -> None:
    one, other = trait(prenom="Alexandre"), trait("registre", prenom=prenom)
    assert not are_joined(one, other)
    elsewhere = {**FAMILY, "cfas": frozenset({"0600002B"})}
    assert not are_joined(trait(prenom="Alexandre", **FAMILY), trait("registre", prenom=prenom, **elsewhere))


def test_a_birth_that_is_not_told_is_joined_by_what_is_of_one_person_only() -> None:
    untold = date(1900, 1, 1)
    assert not are_joined(trait(**FAMILY), trait("imilo", naissance=untold, **FAMILY))
    signed = {**FAMILY, "contrats": (contrat(None),)}
    assert are_joined(trait(**signed), trait("imilo", naissance=untold, **signed))


@pytest.mark.parametrize(("nom", "joined"), [("Leclercq", True), ("Leclerq", False), ("Leclercq-Petit", False)])
def test_without_a_birth_a_class_that_begins_together_is_joined_by_the_very_names_only(nom: str, joined: bool) -> None:
    begun = {**FAMILY, "contrats": (contrat(None, siren=None),)}
    told_here = trait(nom="Leclercq", naissance=date(1900, 1, 1), **begun)
    assert are_joined(told_here, trait("registre", nom=nom, **begun)) is joined


@pytest.mark.parametrize("telephone", ["0600000000", "0606060606", "0612345678", "0123456789"])
def test_a_number_typed_to_fill_a_field_is_not_told(telephone: str) -> None:
    assert trait(telephone=telephone).telephone is None
    assert trait(telephone="0639980001").telephone == "0639980001"


@pytest.mark.parametrize("local", ["accueil", "secretariat.cfa", "no-reply", "contact2"])
def test_the_address_of_a_desk_is_not_told(local: str) -> None:
    assert trait(courriel=f"{local}@cfa.invalid").courriel is None
    assert trait(courriel="lea.martin@exemple.invalid").courriel == "lea.martin@exemple.invalid"


def test_a_block_of_two_thousand_placeholders_compares_nobody() -> None:
    several = [
        trait("ypareo", str(n), "TEST", prenom="Test", tenant=str(n % 18), naissance=date(2000, 1, 1), **OWN)
        for n in range(2000)
    ]
    assert list(candidate_pairs(several)) == []


def test_an_identity_that_an_installation_gives_three_times_names_nobody_there() -> None:
    """Whoever files strangers under one name: whatever that name is, and whatever else is read."""
    records = [told("ypareo", str(n), "A") for n in range(3)]
    whole = Installation([who.record for who in records])
    filed = [replace(who, installation=whole) for who in records]
    assert [who.traits for who in filed] == [None] * 3
    assert [len(cluster.sourced_records) for cluster in link([*filed, told("registre", "9")])] == [1] * 4


def test_what_is_collective_does_not_depend_on_what_else_is_read() -> None:
    """A school's phone is not compared for its records; that another installation has it is its own affair."""
    school = [
        told("ypareo", str(n), "A", prenom=prenom, telephone="0199000001") for n, prenom in enumerate(("Léa", "Zoé"))
    ]
    whole = Installation([who.record for who in school])
    alone = told("imilo", "1", "60001", telephone="0199000001")
    assert [replace(who, installation=whole).traits.telephone for who in school] == [None, None]  # type: ignore[union-attr]
    assert alone.traits is not None
    assert alone.traits.telephone == "0199000001"


TWINS = ["Mathis", "Mathias", "Mathéo", "Matteo", "Léo", "Théo", "Enzo", "Lorenzo", "Hassan", "Hussein", "Lou", "Louna"]
KIN_NAMES = st.sampled_from(TWINS)
SYSTEMS = st.sampled_from(["registre", "imilo", "gestibase"])


@pytest.mark.parametrize(("one", "other"), [("Lou", "Louna"), ("Lou", "Louise"), ("Tess", "Tessa"), ("Léo", "Léonie")])
def test_two_names_that_parents_give_to_twins_are_no_short_form_of_each_other(one: str, other: str) -> None:
    """One home, one telephone, one e-mail, one school, one day of birth: a wrong join that a draw had shown."""
    assert not are_joined(trait(prenom=one, **FAMILY), trait("registre", prenom=other, **FAMILY))


@settings(deadline=None)
@given(KIN_NAMES, KIN_NAMES, st.sampled_from([0, 300, 365, 366, 730, 8766]), SYSTEMS)
def test_no_wrong_join_among_kin(one: str, other: str, days: int, system: str) -> None:
    """Brothers, twins, a father and his son of one name: one home, one telephone, one e-mail, one school."""
    elder = trait(nom="Diallo", prenom=one, **FAMILY)
    younger = trait(system, nom="Diallo", prenom=other, naissance=elder.naissance + timedelta(days), **FAMILY)
    same_name = one == other or {one, other} == {"Mathéo", "Matteo"}
    if same_name and days < 8766:
        return  # nothing that is told tells them from one person with a slip in the birth
    assert compare(elder, younger).score < weights().probable
    assert not are_joined(elder, younger)


def test_the_second_model_joins_nobody_wrongly_on_a_small_population() -> None:
    with World.generated(seed=91, jeunes=500, model=2, today=TODAY) as world:
        world.harvest()
        report = judge(world.population, world.rapprochements())
    assert report.cost.false_pairs == []
    assert report.cost.pairs.recall >= 0.97


@pytest.mark.chaos
@pytest.mark.parametrize("seed", range(91, 101))
def test_the_second_model_joins_nobody_wrongly(seed: int) -> None:
    with World.generated(seed=seed, jeunes=5000, model=2, today=TODAY) as world:
        world.harvest()
        report = judge(world.population, world.rapprochements())
    assert report.cost.false_pairs == [], report.evidence
    assert report.cost.pairs.recall >= 0.98
