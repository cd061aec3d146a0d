"""Letters as they were meant, and names in order: what systems do to a text, and what must not be touched."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.official_numbers import normalise_nom
from gateway.domain.text import LOST, is_suspect, restore, shown_name, through

FRENCH = st.text(st.sampled_from("abcdefghijklmnopqrstuvwxyzéèêëàâäôöùûüçîïœæÿÉÈÀÇŒ '-"), min_size=1, max_size=30)


@pytest.mark.parametrize(
    ("told", "meant", "kind"),
    [
        ("GaÃ«lle", "Gaëlle", "encodage"),
        ("FranÃ§ois-RÃ©gis", "François-Régis", "encodage"),
        ("Ã‰ric", "Éric", "encodage"),  # the second letter as Windows has it
        ("Ã\x89ric", "Éric", "encodage"),  # as latin-1 has it
        ("BÅ“uf", "Bœuf", "encodage"),
        ("MÃƒÂ©lanie", "Mélanie", "encodage"),  # spoilt twice
        ("NoÃ«l Hébrard", "Noël Hébrard", "encodage"),  # two systems, one of which was right
        ("Lâ€™HÃ´pital", "L’Hôpital", "encodage"),
        ("S\x9cur", "Sœur", "encodage"),
        ("B&eacute;n&eacute;dicte", "Bénédicte", "entite"),
        ("N&#39;Guessan", "N'Guessan", "entite"),
        ("Z&#xE9;lie", "Zélie", "entite"),
        ("DUPONT &amp;amp; FILS", "DUPONT & FILS", "entite"),
        ("\u200bInès\ufeff", "Inès", "invisible"),
        ("Ma\x00ud", "Maud", "invisible"),
        ("Ma\u00adrion", "Marion", "invisible"),
        (f"Ma{LOST}va", f"Ma{LOST}va", "lettre_perdue"),
        ("Ma\ud83dva", f"Ma{LOST}va", "lettre_perdue"),
    ],
)
def test_a_text_is_given_back_as_it_was_meant_and_counted(told: str, meant: str, kind: str) -> None:
    repairs = Counter[str]()
    assert (restore(told, repairs), dict(repairs)) == (meant, {kind: 1})


@pytest.mark.parametrize(
    "told", ["Zoé", "Ângela", "JOÃO", "Åsa", "PÂQUES", "A & B;", "AT&T", "Â", "à «\u202fquai", "Łukasz", "سارة", ""]
)
def test_what_is_right_is_left_as_it_is(told: str) -> None:
    repairs = Counter[str]()
    assert restore(told, repairs) == told.replace("\u202f", " ")
    assert not repairs


def test_accents_apart_are_composed_and_blanks_of_printing_are_blanks() -> None:
    assert restore("E\u0301lodie\u00a0Le\u202fGoff", Counter()) == "Élodie Le Goff"


@given(FRENCH)
def test_any_french_text_spoilt_once_or_twice_is_given_back(text: str) -> None:
    once = text.encode().decode("cp1252", "replace")
    if LOST not in once:  # five bytes mean no letter of Windows: what they held is lost
        assert restore(once, Counter()) == text
        twice = once.encode().decode("cp1252", "replace")
        assert LOST in twice or restore(twice, Counter()) == text


@given(st.text(max_size=40))
def test_a_text_restored_can_be_written_and_is_not_restored_again(text: str) -> None:
    own = restore(text, Counter())
    own.encode()
    assert "\x00" not in own
    repairs = Counter[str]()
    assert restore(own, repairs) == own or repairs


@given(FRENCH)
def test_french_text_is_never_repaired(text: str) -> None:
    repairs = Counter[str]()
    assert restore(text, repairs) == text
    assert not repairs


def test_a_document_is_restored_at_any_depth_names_included() -> None:
    document = {"ElÃ¨ve": [{"nom": "ZoÃ©", "rang": 1, "vide": None}, ["Ã©"]]}
    assert through(document, lambda text: restore(text, Counter())) == {
        "Elève": [{"nom": "Zoé", "rang": 1, "vide": None}, ["é"]]
    }


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ("lÉA", "Léa"),
        ("bERNARD", "Bernard"),
        ("pETIT-lEROY", "Petit-Leroy"),
        ("ANNE-SOPHIE", "Anne-Sophie"),
        ("jean baptiste", "Jean Baptiste"),
        ("DU BELLAY", "du Bellay"),
        ("dE lA fONTAINE", "de La Fontaine"),
        ("DES FORÊTS", "des Forêts"),
        ("SAINT-GERMAIN-DES-PRÉS", "Saint-Germain-des-Prés"),
        ("LE CORRE", "Le Corre"),
        ("d'aLMEIDA", "D'Almeida"),
        ("m'BAREK", "M'Barek"),
        ("L’HOSTIS", "L'Hostis"),
        ("VAN DER MEER", "Van der Meer"),
        ("EL HADDAD", "El Haddad"),
        ("MCALISTER", "McAlister"),
        ("ŒSTREICH", "Œstreich"),
        ("MArtin", "Martin"),
        ("DE", "De"),
        ("  LE   GALL ", "Le Gall"),
    ],
)
def test_a_name_is_shown_in_order(told: str, shown: str) -> None:
    assert shown_name(told) == shown


@pytest.mark.parametrize(
    "told",
    ["de Gaulle", "d'Ormesson", "du Plessis", "McDonald", "DeVito", "Le Goff", "Jean-Luc", "D'Hondt", "Van den Berg"],
)
def test_a_name_in_order_stays_as_its_bearer_writes_it(told: str) -> None:
    assert shown_name(told) == told


@given(FRENCH)
def test_showing_a_name_changes_no_letter_of_what_is_compared_and_is_done_once(nom: str) -> None:
    shown = shown_name(nom)
    assert shown_name(shown) == shown
    assert normalise_nom(shown) == normalise_nom(nom)


@given(
    st.dictionaries(st.text(max_size=8), st.text(max_size=20) | st.lists(st.text(max_size=20), max_size=2), max_size=3)
)
def test_a_document_that_is_not_walked_would_not_be_changed(document: dict[str, Any]) -> None:
    repairs = Counter[str]()
    own = through(document, lambda text: restore(text, repairs))
    assert is_suspect(document) or (own, dict(repairs)) == (document, {})


@pytest.mark.parametrize(
    "row", [{"nom": "Hâte"}, {"nom": "Ângela & fils"}, {"né": "L’Écuyer – Noël", "rang": 3, "vide": None}]
)
def test_a_row_of_plain_french_is_not_walked(row: dict[str, Any]) -> None:
    assert not is_suspect(row)
