"""Who is joined with whom: best first, one record of an installation a person, never across a contradiction."""

from collections.abc import Sequence
from datetime import date
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.domain.matching import match
from gateway.domain.official_numbers import Traits
from gateway.domain.search import CANDIDATES_MAX, PersonIndex
from gateway.domain.similarity import Level, compare, weights
from tests.support.unit.identity import contrat, trait


def persons(traits: Sequence[Traits]) -> list[str]:
    """The persons, each as its records in order: "imilo1 ypareo1"."""
    return sorted(" ".join(f"{t.origin[0]}{t.origin[1]}{t.key}" for t in person.members) for person in match(traits)[0])


def test_a_misspelled_surname_is_joined_by_what_surrounds_it() -> None:
    one = trait(telephone="0639980001", contrats=(contrat("060A"),))
    other = trait("registre", nom="LE GOF", contrats=(contrat("060A"),))
    assert persons([one, other]) == ["registre1 ypareo1"]


def test_a_usage_name_is_joined_by_its_contract_and_brings_the_third_system_with_it() -> None:
    erp = trait(nom="Petit", contrats=(contrat("060A"),), telephone="0639980001")
    deca = trait("registre", nom="DURAND", contrats=(contrat("060A"),))
    suivi = trait("imilo", nom="PETIT", telephone="0639980001")
    assert persons([erp, deca, suivi]) == ["imilo1 registre1 ypareo1"]


def test_a_birth_date_mistyped_is_joined_by_the_names_and_the_phone() -> None:
    one, other = trait(telephone="0639980001"), trait("imilo", naissance=trait().naissance.replace(year=2005))
    assert persons([one, trait("imilo", naissance=other.naissance, telephone="0639980001")]) == ["imilo1 ypareo1"]
    assert persons([one, other]) == ["imilo1", "ypareo1"]


def test_two_slips_at_once_in_the_name_and_in_the_year_are_compared_for_the_phone_they_share() -> None:
    shared: dict[str, Any] = {"telephone": "0639980001", "code_postal": "60000"}
    one = trait(nom="Leclercq", **shared)
    other = trait("imilo", nom="Leclerq", naissance=trait().naissance.replace(year=2005), **shared)
    assert persons([one, other]) == ["imilo1 ypareo1"]


def test_inverted_names_are_one_person() -> None:
    assert persons([trait(nom="Martin", prenom="Léa"), trait("imilo", nom="LEA", prenom="MARTIN")]) == [
        "imilo1 ypareo1"
    ]


def test_twins_born_the_same_day_stay_two_in_every_system() -> None:
    shared: dict[str, Any] = {"telephone": "0639980001", "code_postal": "60000", "cfas": frozenset({"0600001A"})}
    everything = [
        trait("ypareo", "1", prenom="Emma", **shared),
        trait("ypareo", "2", prenom="Chloé", **shared),
        trait("registre", "1", prenom="EMMA", **shared),
        trait("registre", "2", prenom="CHLOE", **shared),
    ]
    assert persons(everything) == ["registre1 ypareo1", "registre2 ypareo2"]


def test_homonyms_born_the_same_day_are_told_apart_by_their_contracts() -> None:
    everything = [
        trait("ypareo", "1", tenant="A", contrats=(contrat("060A"),)),
        trait("ypareo", "1", tenant="B", contrats=(contrat("060B", siren="356000000"),)),
        trait("registre", "1", contrats=(contrat("060A"),)),
        trait("registre", "2", contrats=(contrat("060B", siren="356000000"),)),
    ]
    assert persons(everything) == ["registre1 ypareoA1", "registre2 ypareoB1"]


def test_homonyms_of_whom_one_has_every_contact_otherwise_are_not_joined() -> None:
    one = trait(telephone="0639980001", courriel="a@exemple.invalid", code_postal="60000", cfas=frozenset({"A"}))
    other = trait("registre", telephone="0639980002", courriel="b@exemple.invalid", code_postal="02100")
    assert persons([one, other]) == ["registre1", "ypareo1"]


def test_a_record_claimed_by_two_of_one_school_joins_neither_and_is_offered_to_both() -> None:
    everything = [trait("ypareo", "1"), trait("ypareo", "2"), trait("imilo")]
    groups, doubtful = match(everything)
    assert [len(group.members) for group in groups] == [1, 1, 1]
    assert sorted(link.right.key for link in doubtful) == ["1", "2"]


def test_what_tells_between_two_homonyms_of_one_school_decides() -> None:
    everything = [
        trait("ypareo", "1", telephone="0639980001"),
        trait("ypareo", "2"),
        trait("imilo", telephone="0639980001"),
    ]
    assert persons(everything) == ["imilo1 ypareo1", "ypareo2"]


def test_the_phone_of_a_school_joins_nobody() -> None:
    """Three records of one school with one phone: the school's. Two who share a first name and a birth date stay two."""
    school = [
        trait("ypareo", str(n), nom=name, telephone="0199000001") for n, name in enumerate(("Roy", "Petit", "Blanc"))
    ]
    other = trait("imilo", nom="Moreau", telephone="0199000001")
    assert persons([*school, other]) == ["imilo1", "ypareo0", "ypareo1", "ypareo2"]


def test_a_link_that_is_only_probable_is_said() -> None:
    (one,), _ = match([trait(telephone="0639980001"), trait("imilo", telephone="0639980002")])
    assert one.niveau is Level.PROBABLE
    (about,), _ = match([trait(), trait("imilo")])
    assert about.niveau is Level.CERTAIN


SOURCES = st.sampled_from([("ypareo", "A"), ("ypareo", "B"), ("registre", ""), ("imilo", "60001")])
RECORDS = st.lists(
    st.builds(
        lambda origin, key, nom, prenom, telephone, numero: trait(
            origin[0],
            key,
            nom,
            tenant=origin[1],
            prenom=prenom,
            telephone=telephone,
            contrats=(contrat(numero),) if numero else (),
        ),
        SOURCES,
        st.sampled_from("1234"),
        st.sampled_from(["Le Goff", "LE GOF", "Petit", "Durand"]),
        st.sampled_from(["Anaïs", "Anais", "Emma"]),
        st.sampled_from([None, "0639980001", "0639980002"]),
        st.sampled_from([None, "060A", "060B"]),
    ),
    max_size=10,
    unique_by=lambda t: t.rank,
)


@settings(deadline=None)
@given(RECORDS, st.randoms(use_true_random=False))
def test_joining_is_a_partition_with_one_record_of_an_installation_a_person_whatever_the_order(
    traits: list[Traits], randomness: Random
) -> None:
    expected = persons(traits)
    groups, _ = match(traits)
    assert sorted(t.rank for group in groups for t in group.members) == sorted(t.rank for t in traits)
    for group in groups:
        assert len({t.origin for t in group.members}) == len(group.members)
        assert len(group.links) == len(group.members) - 1
        assert all(link.score >= weights().probable for link in group.links)
    randomness.shuffle(traits)
    assert persons(traits) == expected


@pytest.mark.parametrize(
    ("nom", "prenom", "awaited"),
    [
        ("Le Goff", "Anaïs", [("a", Level.CERTAIN)]),
        ("legoff", "ANAIS", [("a", Level.CERTAIN)]),
        ("Le Gof", "Anais", [("a", Level.PROBABLE)]),
        ("Anaïs", "Le Goff", [("a", Level.CERTAIN)]),
        ("Durand", "Anaïs", [("a", Level.A_CONFIRMER)]),
        ("Durand", "Emma", []),
    ],
)
def test_a_search_by_identity(nom: str, prenom: str, awaited: list[tuple[str, Level]]) -> None:
    person_index = PersonIndex(
        [("a", [trait(), trait("imilo")]), ("b", [trait("ypareo", "9", nom="Petit", prenom="Léa")])]
    )
    found = person_index.search(trait("", "", nom, prenom=prenom))
    assert [(one.person, weights().niveau(one.similarity.score)) for one in found] == awaited


def test_a_search_gives_five_candidates_at_most_in_a_fixed_order() -> None:
    homonyms = [(str(rank), [trait("ypareo", str(rank))]) for rank in range(9)]
    found = PersonIndex(reversed(homonyms)).search(trait("", ""))
    assert [one.person for one in found] == ["0", "1", "2", "3", "4"]
    assert len(found) == CANDIDATES_MAX


@pytest.mark.parametrize("order", [1, -1])
def test_a_person_is_found_by_the_record_most_like_whom_one_looks_for(order: int) -> None:
    sought = trait("", "")
    exact, slipped = trait(), trait("registre", naissance=date(2006, 7, 3))  # under the same keys of comparison
    (found,) = PersonIndex([("une", [exact, slipped][::order])]).search(sought)
    assert found.similarity == compare(sought, exact)
    assert found.similarity.score > compare(sought, slipped).score


@pytest.mark.parametrize(
    ("shared", "joined", "offered"),
    [
        ({}, [["gestibase"], ["imilo"], ["ypareo"]], 2),
        ({"telephone": "0639980001"}, [["gestibase"], ["imilo", "ypareo"]], 1),
    ],
)
def test_nobody_is_joined_across_two_who_cannot_be_one(
    shared: dict[str, Any], joined: list[list[str]], offered: int
) -> None:
    """A father and his son of one name, and a dossier without a birth that bears a contract of each: the one that claims it more
    strongly by far has it; of two that claim it alike, neither."""
    son = trait("ypareo", contrats=(contrat("060A"),), **shared)
    father = trait("gestibase", naissance=date(1978, 11, 20), contrats=(contrat("060B", debut=date(2020, 9, 1)),))
    signed = (contrat("060A"), contrat("060B", debut=date(2020, 9, 1)))
    between = trait("imilo", naissance=date(1900, 1, 1), contrats=signed, **shared)
    assert all(compare(one, between).score >= weights().probable for one in (son, father))
    persons, doubtful = match([son, father, between])
    assert [sorted(member.origin[0] for member in person.members) for person in persons] == joined
    assert len(doubtful) == offered
