"""Who is joined with whom: best first, one record of an installation a person, never across a contradiction."""

from collections.abc import Sequence
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.domain.appariement import apparier
from gateway.domain.identity import Traits
from gateway.domain.recherche import CANDIDATS_MAX, Repertoire
from gateway.domain.ressemblance import Niveau, bareme
from tests.unit.identite_outils import contrat, trait


def personnes(traits: Sequence[Traits]) -> list[str]:
    """The persons, each as its records in order: "imilo1 ypareo1"."""
    return sorted(
        " ".join(f"{t.origine[0]}{t.origine[1]}{t.cle}" for t in personne.membres) for personne in apparier(traits)[0]
    )


def test_a_misspelled_surname_is_joined_by_what_surrounds_it() -> None:
    un = trait(telephone="0639980001", contrats=(contrat("060A"),))
    autre = trait("registre", nom="LE GOF", contrats=(contrat("060A"),))
    assert personnes([un, autre]) == ["registre1 ypareo1"]


def test_a_usage_name_is_joined_by_its_contract_and_brings_the_third_system_with_it() -> None:
    erp = trait(nom="Petit", contrats=(contrat("060A"),), telephone="0639980001")
    deca = trait("registre", nom="DURAND", contrats=(contrat("060A"),))
    suivi = trait("imilo", nom="PETIT", telephone="0639980001")
    assert personnes([erp, deca, suivi]) == ["imilo1 registre1 ypareo1"]


def test_a_birth_date_mistyped_is_joined_by_the_names_and_the_phone() -> None:
    un, autre = trait(telephone="0639980001"), trait("imilo", naissance=trait().naissance.replace(year=2005))
    assert personnes([un, trait("imilo", naissance=autre.naissance, telephone="0639980001")]) == ["imilo1 ypareo1"]
    assert personnes([un, autre]) == ["imilo1", "ypareo1"]


def test_two_slips_at_once_in_the_name_and_in_the_year_are_compared_for_the_phone_they_share() -> None:
    commun: dict[str, Any] = {"telephone": "0639980001", "code_postal": "60000"}
    un = trait(nom="Leclercq", **commun)
    autre = trait("imilo", nom="Leclerq", naissance=trait().naissance.replace(year=2005), **commun)
    assert personnes([un, autre]) == ["imilo1 ypareo1"]


def test_inverted_names_are_one_person() -> None:
    assert personnes([trait(nom="Martin", prenom="Léa"), trait("imilo", nom="LEA", prenom="MARTIN")]) == [
        "imilo1 ypareo1"
    ]


def test_twins_born_the_same_day_stay_two_in_every_system() -> None:
    commun: dict[str, Any] = {"telephone": "0639980001", "code_postal": "60000", "cfas": frozenset({"0600001A"})}
    tous = [
        trait("ypareo", "1", prenom="Emma", **commun),
        trait("ypareo", "2", prenom="Chloé", **commun),
        trait("registre", "1", prenom="EMMA", **commun),
        trait("registre", "2", prenom="CHLOE", **commun),
    ]
    assert personnes(tous) == ["registre1 ypareo1", "registre2 ypareo2"]


def test_homonyms_born_the_same_day_are_told_apart_by_their_contracts() -> None:
    tous = [
        trait("ypareo", "1", locataire="A", contrats=(contrat("060A"),)),
        trait("ypareo", "1", locataire="B", contrats=(contrat("060B", siren="356000000"),)),
        trait("registre", "1", contrats=(contrat("060A"),)),
        trait("registre", "2", contrats=(contrat("060B", siren="356000000"),)),
    ]
    assert personnes(tous) == ["registre1 ypareoA1", "registre2 ypareoB1"]


def test_homonyms_of_whom_one_has_every_contact_otherwise_are_not_joined() -> None:
    un = trait(telephone="0639980001", courriel="a@exemple.invalid", code_postal="60000", cfas=frozenset({"A"}))
    autre = trait("registre", telephone="0639980002", courriel="b@exemple.invalid", code_postal="02100")
    assert personnes([un, autre]) == ["registre1", "ypareo1"]


def test_a_record_claimed_by_two_of_one_school_joins_neither_and_is_offered_to_both() -> None:
    tous = [trait("ypareo", "1"), trait("ypareo", "2"), trait("imilo")]
    groupes, douteux = apparier(tous)
    assert [len(groupe.membres) for groupe in groupes] == [1, 1, 1]
    assert sorted(lien.autre.cle for lien in douteux) == ["1", "2"]


def test_what_tells_between_two_homonyms_of_one_school_decides() -> None:
    tous = [trait("ypareo", "1", telephone="0639980001"), trait("ypareo", "2"), trait("imilo", telephone="0639980001")]
    assert personnes(tous) == ["imilo1 ypareo1", "ypareo2"]


def test_the_phone_of_a_school_joins_nobody() -> None:
    """Three records of one school with one phone: the school's. Two who share a first name and a birth date stay two."""
    ecole = [
        trait("ypareo", str(n), nom=nom, telephone="0199000001") for n, nom in enumerate(("Roy", "Petit", "Blanc"))
    ]
    autre = trait("imilo", nom="Moreau", telephone="0199000001")
    assert personnes([*ecole, autre]) == ["imilo1", "ypareo0", "ypareo1", "ypareo2"]


def test_a_link_that_is_only_probable_is_said() -> None:
    (un,), _ = apparier([trait(telephone="0639980001"), trait("imilo", telephone="0639980002")])
    assert un.niveau is Niveau.PROBABLE
    (sur,), _ = apparier([trait(), trait("imilo")])
    assert sur.niveau is Niveau.CERTAIN


SOURCES = st.sampled_from([("ypareo", "A"), ("ypareo", "B"), ("registre", ""), ("imilo", "60001")])
ENREGISTREMENTS = st.lists(
    st.builds(
        lambda origine, cle, nom, prenom, telephone, numero: trait(
            origine[0],
            cle,
            nom,
            locataire=origine[1],
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
    unique_by=lambda t: t.rang,
)


@settings(deadline=None)
@given(ENREGISTREMENTS, st.randoms(use_true_random=False))
def test_joining_is_a_partition_with_one_record_of_an_installation_a_person_whatever_the_order(
    traits: list[Traits], hasard: Random
) -> None:
    attendu = personnes(traits)
    groupes, _ = apparier(traits)
    assert sorted(t.rang for groupe in groupes for t in groupe.membres) == sorted(t.rang for t in traits)
    for groupe in groupes:
        assert len({t.origine for t in groupe.membres}) == len(groupe.membres)
        assert len(groupe.liens) == len(groupe.membres) - 1
        assert all(lien.score >= bareme().probable for lien in groupe.liens)
    hasard.shuffle(traits)
    assert personnes(traits) == attendu


@pytest.mark.parametrize(
    ("nom", "prenom", "attendus"),
    [
        ("Le Goff", "Anaïs", [("a", Niveau.CERTAIN)]),
        ("legoff", "ANAIS", [("a", Niveau.CERTAIN)]),
        ("Le Gof", "Anais", [("a", Niveau.PROBABLE)]),
        ("Anaïs", "Le Goff", [("a", Niveau.CERTAIN)]),
        ("Durand", "Anaïs", [("a", Niveau.A_CONFIRMER)]),
        ("Durand", "Emma", []),
    ],
)
def test_a_search_by_identity(nom: str, prenom: str, attendus: list[tuple[str, Niveau]]) -> None:
    repertoire = Repertoire(
        [("a", [trait(), trait("imilo")]), ("b", [trait("ypareo", "9", nom="Petit", prenom="Léa")])]
    )
    trouves = repertoire.chercher(trait("", "", nom, prenom=prenom))
    assert [(un.personne, bareme().niveau(un.ressemblance.score)) for un in trouves] == attendus


def test_a_search_gives_five_candidates_at_most_in_a_fixed_order() -> None:
    homonymes = [(str(rang), [trait("ypareo", str(rang))]) for rang in range(9)]
    trouves = Repertoire(reversed(homonymes)).chercher(trait("", ""))
    assert [un.personne for un in trouves] == ["0", "1", "2", "3", "4"]
    assert len(trouves) == CANDIDATS_MAX
