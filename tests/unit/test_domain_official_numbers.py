"""Identifiers: published vectors of each rule, the ways sources damage them, and what is junk."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain import official_numbers as i


@pytest.mark.parametrize("uai", ["0951099D", "0010856A", "0750001U", "0594899E", "9990001X", "0123456S"])
def test_uai_published_as_valid(uai: str) -> None:
    assert i.is_valid_uai(uai)


@pytest.mark.parametrize(
    "text", ["0123456A", "0123456B", "0951099d", "951099D", "0951099", "", "٠951099D", "0951099D\n"]
)
def test_uai_published_as_invalid_or_misshapen(text: str) -> None:
    assert not i.is_valid_uai(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0951099D", "0951099D"),
        (" 951099d ", "0951099D"),
        ("10856A", "0010856A"),
        ("0951099A", None),
        ("", None),
        (None, None),
        ("INCONNU", None),
    ],
)
def test_uai_gets_its_lost_zeros_back(text: str | None, expected: str | None) -> None:
    assert i.normalise_uai(text) == expected


@given(st.integers(min_value=0, max_value=9_999_999))
def test_one_letter_only_closes_an_uai(numero: int) -> None:
    valid = [letter for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" if i.is_valid_uai(f"{numero:07}{letter}")]
    assert len(valid) == 1
    assert valid[0] not in "IOQ"


@pytest.mark.parametrize("siret", ["73282932000074", "35600000000048", "35600000009075", "35600000009093"])
def test_siret_published_as_valid(siret: str) -> None:
    assert i.is_valid_siret(siret)


@pytest.mark.parametrize(
    "siret", ["35600000009090", "50000000000000", "00000000000000", "7328293200007", "7328293200007A"]
)
def test_siret_published_as_invalid_or_misshapen(siret: str) -> None:
    assert not i.is_valid_siret(siret)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("732 829 320 00074", "73282932000074"),
        ("732.829.320-00074", "73282932000074"),
        ("00572078400015", "00572078400015"),
        ("572078400015", "00572078400015"),  # its leading zero lost in a spreadsheet
        ("73282932", None),  # shorter than a SIREN
        ("732829320000740", None),
        ("732829320", None),  # a SIREN
        ("7328293200", None),
        ("73282932000", None),
        ("000000000", None),
        ("", None),
        (None, None),
        ("en cours", None),
    ],
)
def test_siret_normalised(text: str | None, expected: str | None) -> None:
    assert i.normalise_siret(text) == expected


@given(st.integers(min_value=0, max_value=13), st.integers(min_value=1, max_value=9))
def test_one_wrong_digit_makes_a_siret_invalid(rank: int, gap: int) -> None:
    siret = "73282932000074"
    false_entry = siret[:rank] + str((int(siret[rank]) + gap) % 10) + siret[rank + 1 :]
    assert not i.is_valid_siret(false_entry)


def test_siren_is_the_legal_unit() -> None:
    assert i.siren("73282932000074") == "732829320"


@pytest.mark.parametrize(
    ("code", "valid"),
    [
        ("59350", True),
        ("2A004", True),
        ("2B033", True),
        ("97411", True),
        ("2C004", False),
        ("5935", False),
        ("593500", False),
    ],
)
def test_insee_code(code: str, valid: bool) -> None:
    assert i.is_valid_code_insee(code) is valid


@pytest.mark.parametrize(
    ("valeur", "expected"),
    [
        (59000, "59000"),
        (1000, "01000"),
        ("01000", "01000"),
        ("1000", "01000"),
        ("59 000", "59000"),
        (0, None),
        ("00000", None),
        ("100", None),
        ("B-1000", None),
        ("", None),
        (None, None),
    ],
)
def test_postal_code_from_a_number_or_a_text(valeur: object, expected: str | None) -> None:
    assert i.normalise_code_postal(valeur) == expected
    assert expected is None or i.is_valid_code_postal(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("06 39 98 00 01", "0639980001"),
        ("06.39.98.00.01", "0639980001"),
        ("06-39-98-00-01", "0639980001"),
        ("+33 6 39 98 00 01", "0639980001"),
        ("+33 (0)6 39 98 00 01", "0639980001"),
        ("+33(0)639980001", "0639980001"),
        ("0033639980001", "0639980001"),
        ("0639980001 / 0639980002", "0639980001"),
        ("néant / 0639980002", "0639980002"),
        ("0639980001 ou 0639980002", "0639980001"),
        ("01 99 00 12 34", "0199001234"),
        ("+262 692 00 00 00", "0692000000"),  # La Réunion
        ("0692 00 00 00", "0692000000"),
        ("+590 690 00 00 00", "0690000000"),  # Guadeloupe
        ("+269 320 00 00", None),  # Comoros, another country
        ("+32 470 12 34 56", None),
        ("0899 70 00 00", None),
        ("0000000000", None),
        ("06 39 98 00", None),
        ("06 39 98 00 01 02", None),
        ("639980001", "0639980001"),  # its zero lost
        ("692000000", "0692000000"),
        ("33639980001", "0639980001"),  # its plus lost
        ("+33 06 39 98 00 01", "0639980001"),
        ("262692000000", "0692000000"),
        ("0639980001 - 0639980002", "0639980001"),
        ("0639980001 0639980002", "0639980001"),
        ("06 39 98 00 01 et 06 39 98 00 02", "0639980001"),
        ("06 39 98 00\n06 39 98 00 02", "0639980002"),
        ("01 99 00 12 34 poste 12", "0199001234"),
        ("Portable 1 : 06.39.98.00.01", "0639980001"),
        ("0639980001 (mère)", "0639980001"),
        ("06\u202f39\u202f98\u202f00\u202f01", "0639980001"),
        ("06–39–98–00–01", "0639980001"),
        ("06/39/98/00/01", "0639980001"),
        ("44 639 980 001", None),  # another country, its plus lost
        ("899700000", None),
        ("6,39980001E+08", None),
        ("non communiqué", None),
        ("", None),
        (None, None),
    ],
)
def test_telephone_is_ten_national_digits(text: str | None, expected: str | None) -> None:
    assert i.normalise_telephone(text) == expected


@pytest.mark.parametrize("ine", ["123456789AB", "0494004062M", "04940040_2M", "2004A12345B"])
def test_the_three_forms_of_ine(ine: str) -> None:
    assert i.normalise_ine(f" {ine[:4]} {ine[4:].lower()} ") == ine


@pytest.mark.parametrize("text", ["12345678AB", "0494004062", "2004B12345B", "INE", "", None])
def test_what_is_no_ine(text: str | None) -> None:
    assert i.normalise_ine(text) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("35316", "RNCP35316"),
        ("RNCP35316", "RNCP35316"),
        ("rncp 35316", "RNCP35316"),
        ("RS5316", None),
        ("RNCP", None),
        ("", None),
        (None, None),
    ],
)
def test_rncp_carries_its_prefix(text: str | None, expected: str | None) -> None:
    assert i.normalise_rncp(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("50022145", "50022145"),
        ("1026401", "01026401"),
        ("26c3320t", "26C3320T"),
        ("AUCUN", None),
        ("0", None),
        ("500221450", None),
        ("", None),
        (None, None),
    ],
)
def test_cfd_is_eight_characters(text: str | None, expected: str | None) -> None:
    assert i.normalise_cfd(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"), [("10.71D", "1071D"), ("1071d", "1071D"), ("10.71", None), ("", None), (None, None)]
)
def test_naf_has_no_dot(text: str | None, expected: str | None) -> None:
    assert i.normalise_naf(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (" Lea.Martin@Exemple.INVALID ", "lea.martin@exemple.invalid"),
        ("a+b@mail.exemple.invalid", "a+b@mail.exemple.invalid"),
        ("a@b@exemple.invalid", None),
        ("<a@exemple.invalid>", "a@exemple.invalid"),
        ("Léa Martin <a@exemple.invalid>", "a@exemple.invalid"),
        ("a@exemple.invalid - b@exemple.invalid", "a@exemple.invalid"),
        ("a@exemple.invalid b@exemple.invalid", "a@exemple.invalid"),
        ("néant ; b@exemple.invalid", "b@exemple.invalid"),
        ("a@exemple.invalid et b@exemple.invalid", "a@exemple.invalid"),
        ("a@exemple.invalid\r\nb@exemple.invalid", "a@exemple.invalid"),
        ("mailto:a@exemple.invalid", "a@exemple.invalid"),
        ("Courriel : a@exemple.invalid.", "a@exemple.invalid"),
        ("lea martin@exemple.invalid", None),  # what stands behind the blank is somebody else's
        ("a@exemple.invalid;b@exemple.invalid", "a@exemple.invalid"),
        ("a@exemple.invalid;", "a@exemple.invalid"),
        ("a@exemple..invalid", None),
        ("a b@exemple.invalid", None),
        ("@exemple.invalid", None),
        ("a@localhost", None),
        ("néant", None),
        ("", None),
        (None, None),
    ],
)
def test_courriel_is_lower_case_or_nothing(text: str | None, expected: str | None) -> None:
    assert i.normalise_courriel(text) == expected


TEXT = st.text(max_size=20) | st.from_regex(r"[0-9 .+/()A-Za-z@-]{0,20}", fullmatch=True)


@given(TEXT)
def test_a_normal_form_is_its_own_normal_form(text: str) -> None:
    for normalise in (
        i.normalise_uai,
        i.normalise_siret,
        i.normalise_code_postal,
        i.normalise_telephone,
        i.normalise_ine,
        i.normalise_rncp,
        i.normalise_cfd,
        i.normalise_naf,
        i.normalise_courriel,
        i.normalise_siren,
        i.normalise_code_insee,
        i.normalise_departement,
        i.normalise_numero_contrat,
    ):
        normal = normalise(text)
        assert normal is None or normalise(normal) == normal


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("59350", "59350"),
        ("2b033", "2B033"),
        ("4112", "04112"),  # a number, its zero lost
        (" 62041 ", "62041"),
        ("412", None),
        ("2C004", None),
        ("", None),
        (None, None),
    ],
)
def test_one_form_of_an_insee_code(text: str | None, expected: str | None) -> None:
    assert i.normalise_code_insee(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("59", "59"),
        ("059", "59"),
        ("7", "07"),
        ("2b", "2B"),
        ("02A", "2A"),
        ("974", "974"),
        (" 62 ", "62"),
        ("20", None),  # Corsica has two
        ("96", None),
        ("99", None),
        ("97", None),
        ("970", None),
        ("0974", None),
        ("Oise", None),
        ("", None),
    ],
)
def test_one_form_of_a_department(text: str, expected: str | None) -> None:
    assert i.normalise_departement(text) == expected


def test_every_department_of_the_country_is_known_in_its_two_forms() -> None:
    codes = [f"{n:02}" for n in range(1, 96) if n != 20] + ["2A", "2B", "971", "972", "973", "974", "976"]
    assert len(codes) == 101
    assert [i.normalise_departement(code) for code in codes] == codes
    assert [i.normalise_departement(code.rjust(3, "0").lower()) for code in codes] == codes


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("059202509120007", "059202509120007"),
        ("59202509120007", "059202509120007"),
        ("1202509120007", "001202509120007"),
        ("02a202509nc0007", "02A202509NC0007"),
        ("974 2025 09 12 0007", "974202509120007"),
        ("059/2025/09/12/0007", "059202509120007"),
        ("000202509120007", None),
        ("059202500120007", None),
        ("059182509120007", None),
        ("05920250912007", None),
        ("5,92025E+13", None),
        ("EN COURS", None),
        ("", None),
        (None, None),
    ],
)
def test_one_form_of_a_contract_number(text: str | None, expected: str | None) -> None:
    assert i.normalise_numero_contrat(text) == expected


@given(st.integers(1, 95), st.integers(2015, 2030), st.integers(1, 12), st.integers(0, 99), st.integers(0, 9999))
def test_a_number_that_went_through_a_spreadsheet_is_given_back(
    departement: int, year: int, month: int, rank: int, serial: int
) -> None:
    numero = f"{departement:03}{year}{month:02}{rank:02}{serial:04}"
    assert i.normalise_numero_contrat(str(int(numero))) == numero


@pytest.mark.parametrize(
    ("told", "expected"),
    [("1000", "1000"), (1000, "1000"), (" 1 000 ", "1000"), ("01000", "01000"), ("59000", "59000"), (59000, "59000")],
)
def test_a_postal_code_of_four_digits_stays_so_until_a_town_speaks(told: object, expected: str) -> None:
    """docs/domaine.md, Résidence: 1000 is Bourg-en-Bresse, or Brussels."""
    assert i.told_code_postal(told) == expected


@pytest.mark.parametrize("told", ["", None, 0, "100", "B-1000"])
def test_what_is_no_postal_code_is_told_to_be_none(told: object) -> None:
    assert i.told_code_postal(told) is None
