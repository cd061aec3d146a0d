"""Exact identity: what writing changes is one name; everything else is another."""

import unicodedata
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.identity import cle_identite, normaliser_nom

JOUR = date(2007, 3, 7)


@pytest.mark.parametrize(
    ("ecritures", "attendu"),
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
def test_writings_of_one_name(ecritures: tuple[str, ...], attendu: str) -> None:
    assert {normaliser_nom(nom) for nom in ecritures} == {attendu}


@given(st.text(max_size=40))
def test_a_normal_name_is_plain_and_stays_so(nom: str) -> None:
    normal = normaliser_nom(nom)
    assert set(normal) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    assert normaliser_nom(normal) == normal


def test_the_key_is_canonical_text() -> None:
    assert cle_identite("Le Goff", "Éléonore", JOUR) == "6:LEGOFF8:ELEONORE10:2007-03-07"


@pytest.mark.parametrize(
    ("nom", "prenom", "jour"),
    [
        ("Legoff", "Eleanore", JOUR),
        ("Legof", "Eleonore", JOUR),
        ("Eleonore", "Le Goff", JOUR),
        ("Le Goff", "Éléonore", date(2007, 7, 3)),
        ("Le Goffe", "Léonore", JOUR),
    ],
)
def test_another_identity_is_another_key(nom: str, prenom: str, jour: date) -> None:
    assert cle_identite(nom, prenom, jour) != cle_identite("Le Goff", "Éléonore", JOUR)


@given(st.text("AB", max_size=4), st.text("AB", max_size=4), st.text("AB", max_size=4), st.text("AB", max_size=4))
def test_no_two_identities_share_a_key(nom: str, prenom: str, autre_nom: str, autre_prenom: str) -> None:
    memes = (nom, prenom) == (autre_nom, autre_prenom)
    assert (cle_identite(nom, prenom, JOUR) == cle_identite(autre_nom, autre_prenom, JOUR)) is memes
