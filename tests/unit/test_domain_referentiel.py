"""Residence: INSEE first, then postal code and town, then what a postal code shares; never the first commune found."""

import pytest

from gateway.domain.referentiel import CommuneLine, Geographie, Residence, normalise_ville, resolve


def place(code: str, nom: str, postaux: str, mission_locale: str | None, departement: str = "59") -> CommuneLine:
    return CommuneLine(code, nom, tuple(postaux.split()), departement, "32", "09", mission_locale)


GEO = Geographie(
    [
        place("59350", "Lille", "59000 59160 59260 59777 59800", "59010"),
        place("59355", "Lomme", "59160", "59010"),
        place("59009", "Villeneuve-d'Ascq", "59491 59493 59650", "59020"),
        place("59410", "Mons-en-Barœul", "59370", "59020"),
        place("59544", "Saint-Hilaire-sur-Helpe", "59440", "59030"),
        place("59035", "Avesnelles", "59440", "59030"),
        place("59036", "Avesnes-sur-Helpe", "59440", "59040"),
        place("59333", "Landrecies", "59550", None),
        place("59225", "Fesmy", "59550", "59030"),
        place("02100", "Homonyme", "59999", "02010", "02"),
        place("59900", "Homonyme", "59999", "59010"),
        place("75056", "Paris", "75001 75015", "75010", "75"),
        place("13055", "Marseille", "13008", "13010", "13"),
        place("69123", "Lyon", "69003", "69010", "69"),
    ]
)
LILLE = Residence("59350", "59010", "59", "32")


def test_the_insee_code_wins_over_what_follows() -> None:
    assert resolve(GEO, "59350", "59440", "Avesnelles") == LILLE


def test_an_unknown_insee_code_leaves_the_rest_to_tell() -> None:
    assert resolve(GEO, "99999", "59000", None) == LILLE


def test_the_town_chooses_among_the_communes_of_a_postal_code() -> None:
    assert resolve(GEO, None, "59440", "AVESNES S/HELPE").insee == "59036"
    assert resolve(GEO, None, "59440", "St Hilaire sur Helpe").insee == "59544"


def test_a_postal_code_of_one_mission_locale_tells_it_and_no_commune() -> None:
    assert resolve(GEO, None, "59160", "Lambersart") == Residence(None, "59010", "59", "32", ("59350", "59355"))


def test_a_postal_code_of_two_missions_locales_is_ambiguous() -> None:
    expected = Residence(None, None, "59", "32", ("59035", "59036", "59544"))
    assert resolve(GEO, None, "59440", None) == expected
    assert resolve(GEO, None, "59440", "Ailleurs") == expected


def test_a_commune_without_mission_locale_makes_its_postal_code_ambiguous() -> None:
    assert resolve(GEO, None, "59550", None).mission_locale is None
    assert resolve(GEO, None, "59550", "Landrecies") == Residence("59333", None, "59", "32")


def test_two_towns_of_one_name_and_postal_code_are_told_apart_by_nothing() -> None:
    assert resolve(GEO, None, "59999", "Homonyme") == Residence(None, None, None, "32", ("02100", "59900"))


def test_the_only_commune_of_a_postal_code_needs_no_town() -> None:
    assert resolve(GEO, None, "59370", "quartier du Fort") == Residence("59410", "59020", "59", "32")


@pytest.mark.parametrize(("code_postal", "ville"), [(None, "Lille"), ("", ""), ("98000", "Monaco"), (None, None)])
def test_nothing_known_is_nowhere(code_postal: str | None, ville: str | None) -> None:
    assert resolve(GEO, None, code_postal, ville) == Residence()


@pytest.mark.parametrize(
    ("insee", "commune"),
    [
        ("75101", "75056"),
        ("75120", "75056"),
        ("13201", "13055"),
        ("13216", "13055"),
        ("69381", "69123"),
        ("69389", "69123"),
    ],
)
def test_an_arrondissement_is_its_commune(insee: str, commune: str) -> None:
    assert resolve(GEO, insee, None, None).insee == commune


@pytest.mark.parametrize("insee", ["75100", "75121", "13217", "69380", "7511"])
def test_what_is_next_to_an_arrondissement_is_not(insee: str) -> None:
    assert resolve(GEO, insee, None, None) == Residence()


def test_an_arrondissement_that_is_listed_is_itself() -> None:
    geo = Geographie([*GEO.by_insee.values(), place("75115", "Paris 15e Arrondissement", "75015", "75020", "75")])
    assert resolve(geo, "75115", None, None).mission_locale == "75020"
    assert resolve(geo, None, "75015", "PARIS 15").mission_locale is None


@pytest.mark.parametrize(
    ("writes", "expected"),
    [
        (("Saint-Étienne", "ST ETIENNE", "St-Étienne", "SAINT ETIENNE CEDEX 1", "42000 ST ETIENNE"), "SAINTETIENNE"),
        (("Sainte-Foy", "STE FOY", "Ste-Foy"), "SAINTEFOY"),
        (("Saintes-Maries-de-la-Mer", "Les Stes Maries de la Mer"), "SAINTESMARIESDELAMER"),
        (("L'Haÿ-les-Roses", "L’HAY LES ROSES", "HAY LES ROSES"), "HAYLESROSES"),
        (("Le Mans", "LE MANS", "Mans"), "MANS"),
        (("Villeneuve-d'Ascq", "VILLENEUVE D ASCQ", "Villeneuve d’Ascq Cedex"), "VILLENEUVEDASCQ"),
        (("Mons-en-Barœul", "MONS EN BAROEUL"), "MONSENBAROEUL"),
        (("Chalon-sur-Saône", "CHALON S/SAONE", "Chalon s/ Saône", "CHALON/SAONE", "CHALON-S-SAONE"), "CHALONSSAONE"),
        (("Villers-sur-Mer", "VILLERS/MER", "VILLERS /S/ MER"), "VILLERSSMER"),
        (("Rosny-sous-Bois", "ROSNY S/BOIS", "ROSNY S/ BOIS"), "ROSNYSBOIS"),
        (("Lyon", "LYON 3EME", "Lyon 03", "LYON CEDEX 03"), "LYON"),
        (("", "59000", "CEDEX 9"), ""),
    ],
)
def test_writings_of_one_town(writes: tuple[str, ...], expected: str) -> None:
    assert {normalise_ville(spelling) for spelling in writes} == {expected}


def test_a_town_that_only_contains_an_abbreviation_keeps_its_name() -> None:
    assert normalise_ville("Stains") == "STAINS"
    assert normalise_ville("Lesquin") == "LESQUIN"
    assert normalise_ville("Cedexville") == "CEDEXVILLE"
