"""Exact identity: what writing changes is one name; everything else is another."""

import unicodedata
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.official_numbers import identity_key, normalise_nom

DAY = date(2007, 3, 7)


@pytest.mark.parametrize(
    ("writes", "expected"),
    [
        (("LE GOFF", "Le-Goff", "LEGOFF", " le  goff ", "Lè Gôff"), "LEGOFF"),
        (("D'Almeida", "D’ALMEIDA", "d almeida"), "DALMEIDA"),
        (("Jérôme", "JEROME", unicodedata.normalize("NFD", "Jérôme")), "JEROME"),
        (("Lecœur", "LECŒUR", "LECOEUR"), "LECOEUR"),
        (("Strauß", "STRAUSS"), "STRAUSS"),
        (("Nuñez", "NUNEZ"), "NUNEZ"),
        (("Łukasz", "Lukasz"), "LUKASZ"),
        (("Martin 2", "MARTIN*"), "MARTIN"),
        (("", "-", "?"), ""),
    ],
)
def test_writings_of_one_name(writes: tuple[str, ...], expected: str) -> None:
    assert {normalise_nom(name) for name in writes} == {expected}


@given(st.text(max_size=40))
def test_a_normal_name_is_plain_and_stays_so(nom: str) -> None:
    normal = normalise_nom(nom)
    assert set(normal) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    assert normalise_nom(normal) == normal


def test_the_key_is_canonical_text() -> None:
    assert identity_key("Le Goff", "Éléonore", DAY) == "6:LEGOFF8:ELEONORE10:2007-03-07"


@pytest.mark.parametrize(
    ("nom", "prenom", "day"),
    [
        ("Legoff", "Eleanore", DAY),
        ("Legof", "Eleonore", DAY),
        ("Eleonore", "Le Goff", DAY),
        ("Le Goff", "Éléonore", date(2007, 7, 3)),
        ("Le Goffe", "Léonore", DAY),
    ],
)
def test_another_identity_is_another_key(nom: str, prenom: str, day: date) -> None:
    assert identity_key(nom, prenom, day) != identity_key("Le Goff", "Éléonore", DAY)


@given(st.text("AB", max_size=4), st.text("AB", max_size=4), st.text("AB", max_size=4), st.text("AB", max_size=4))
def test_no_two_identities_share_a_key(nom: str, prenom: str, other_nom: str, other_prenom: str) -> None:
    same = (nom, prenom) == (other_nom, other_prenom)
    assert (identity_key(nom, prenom, DAY) == identity_key(other_nom, other_prenom, DAY)) is same
