"""The fixtures' own status machine, against the vectors published with the rules (docs/domaine.md, Statut)."""

from datetime import date, timedelta

import pytest

from fixtures.geography.load import known_departements, load
from fixtures.population.statuses import Etape, Periode, Session, parcours, statut_on

SESSION = Session(date(2024, 9, 1), date(2025, 8, 31), None)
LONG_ONE = Session(date(2024, 9, 1), date(2026, 8, 31), None)


def au(day: date, session: Session, *contrats: Periode) -> str | None:
    return statut_on([session], contrats, day)


def test_ninety_days_without_contract_then_abandon() -> None:
    assert au(date(2024, 11, 29), SESSION) == "INSCRIT"
    assert au(date(2024, 11, 30), SESSION) == "ABANDON"


def test_a_hundred_and_eighty_days_after_a_rupture_then_abandon() -> None:
    broken = Periode(date(2024, 9, 1), date(2026, 8, 31), date(2024, 12, 1))
    assert au(date(2024, 11, 30), LONG_ONE, broken) == "APPRENTI"
    assert au(date(2024, 12, 1), LONG_ONE, broken) == "RUPTURANT"
    assert au(date(2025, 5, 29), LONG_ONE, broken) == "RUPTURANT"
    assert au(date(2025, 5, 30), LONG_ONE, broken) == "ABANDON"


@pytest.mark.parametrize(("days", "expected"), [(31, "FIN_DE_FORMATION"), (60, "FIN_DE_FORMATION"), (61, "RUPTURANT")])
def test_a_contract_that_ends_shortly_before_its_session_is_no_rupture(days: int, expected: str) -> None:
    contrat = Periode(date(2024, 9, 1), SESSION.fin - timedelta(days=days), None)
    assert au(contrat.fin + timedelta(days=1), SESSION, contrat) == expected


def test_exclusion_beats_contracts_and_tolerance() -> None:
    excluded = SESSION._replace(exclusion=date(2025, 2, 1))
    contrat = Periode(date(2024, 9, 1), date(2025, 7, 31), None)
    assert au(date(2025, 1, 31), excluded, contrat) == "APPRENTI"
    assert au(date(2025, 2, 1), excluded, contrat) == "ABANDON"
    assert au(date(2025, 8, 15), excluded, contrat) == "ABANDON"


def test_a_rupture_still_open_on_the_last_day_stays_one() -> None:
    broken = Periode(date(2024, 9, 1), date(2025, 8, 31), date(2025, 7, 1))
    assert au(date(2026, 1, 1), SESSION, broken) == "RUPTURANT"


def test_a_later_session_takes_over_from_its_first_day_and_the_future_counts_by_its_first_status() -> None:
    following = Session(date(2025, 9, 1), date(2026, 8, 31), None)
    contrat = Periode(date(2024, 9, 1), date(2025, 8, 31), None)
    assert statut_on([following, SESSION], [contrat], date(2025, 8, 31)) == "FIN_DE_FORMATION"
    assert statut_on([following, SESSION], [contrat], date(2025, 9, 1)) == "INSCRIT"
    assert statut_on([following, SESSION], [contrat], date(2024, 1, 1)) == "APPRENTI"
    assert statut_on([], [], date(2025, 1, 1)) is None


def test_statuses_follow_one_another_from_session_to_session() -> None:
    following = Session(date(2026, 9, 1), date(2028, 8, 31), None)
    broken = Periode(date(2024, 9, 1), date(2026, 8, 31), date(2024, 12, 1))
    found = Periode(date(2025, 2, 1), date(2026, 7, 31), None)
    assert parcours([following, LONG_ONE], [broken, found]) == [
        Etape(date(2024, 9, 1), "APPRENTI", LONG_ONE),
        Etape(date(2024, 12, 1), "RUPTURANT", LONG_ONE),
        Etape(date(2025, 2, 1), "APPRENTI", LONG_ONE),
        Etape(date(2026, 8, 1), "FIN_DE_FORMATION", LONG_ONE),
        Etape(date(2026, 9, 1), "INSCRIT", following),
        Etape(date(2026, 11, 30), "ABANDON", following),
    ]
    assert parcours([], []) == []


def test_territories_cover_the_country_and_cut_some_postal_codes() -> None:
    country = load(known_departements())
    assert 430 <= len(country.missions_locales) <= 450
    assert len(country.departements) == 101
    assert {commune.mission_locale for commune in country.communes.values()} == set(country.missions_locales)
    assert sum(len(mission.communes) for mission in country.missions_locales.values()) == len(country.communes)
    assert len({mission.code for mission in country.missions_locales.values()}) == len(country.missions_locales)
    assert all(len(code) == 5 for code in country.missions_locales)
    by_code: dict[str, set[str]] = {}
    for commune in country.communes.values():
        for code in commune.codes_postaux:
            by_code.setdefault(code, set()).add(commune.mission_locale)
    assert sum(len(missions) > 1 for missions in by_code.values()) > 300
    assert country.arrondissements["75116"] == ("75056", ("75016", "75116"))
    assert "6.0.0" in country.millesime


def test_default_territory_has_from_twelve_to_twenty_missions_locales_with_readable_names() -> None:
    geo = load(("02", "60", "80"))
    assert 12 <= len(geo.missions_locales) <= 20
    names = {mission.nom for mission in geo.missions_locales.values()}
    assert {"Mission locale d'Amiens", "Mission locale de Beauvais"} <= names
    assert geo.academies == {"20": "Amiens"}
    with pytest.raises(ValueError, match="unknown départements: 99"):
        load(("99",))
