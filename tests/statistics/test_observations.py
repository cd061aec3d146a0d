"""What is counted of one person, by hand from the definitions of docs/statistiques.md."""

from collections import Counter
from datetime import UTC, date, datetime

import pytest

from gateway.domain.referentiel import CommuneLine, MissionLocaleRow, OrganismeRow, Referentiel
from gateway.domain.statut import StatutApprenant
from gateway.schema.nouns import (
    Contrat,
    Employeur,
    EtapeSuivi,
    Formation,
    Jeune,
    Rupture,
    Sexe,
    SituationSuivi,
    Statut,
    Suivi,
)
from gateway.schema.organisations import Cfa, MissionLocale
from gateway.schema.scalars import UAI
from gateway.statistiques.cell_counts import count
from gateway.statistiques.grids import GRIDS, Cell, Population
from gateway.statistiques.naf_sections import section_of
from gateway.statistiques.observations import (
    Knowledge,
    Observation,
    is_of_mission_locale,
    issue,
    niveau,
    observe,
    prise_en_charge,
    signalement,
    suite,
    tranche_age,
)
from gateway.statistiques.places import Places

TODAY = date(2026, 10, 15)
LILLE, ARRAS = "0590001A", "0620001B"
KNOWN = Knowledge(TODAY, "registre", frozenset({"ML1"}))


def contrat(debut: date, fin: date | None = None, rupture: date | None = None, uai: str = LILLE) -> Contrat:
    broken = Rupture(date=rupture, sources=["erp"]) if rupture else None
    return Contrat(date_debut=debut, date_fin=fin, rupture=broken, cfa=Cfa(uai=UAI(uai)))


@pytest.mark.parametrize(
    ("rupture", "classe"),
    [
        (date(2026, 2, 27), "R3"),
        (date(2026, 2, 28), "R6"),  # 30 November and three months is the last of February
        (date(2026, 5, 29), "R6"),
        (date(2026, 8, 29), "R9"),
        (date(2026, 8, 30), "R+"),
    ],
)
def test_a_rupture_is_within_so_many_calendar_months(rupture: date, classe: str) -> None:
    debut = date(2025, 11, 30)
    assert issue(contrat(debut, date(2027, 8, 31), rupture), debut, TODAY) == classe


def test_a_contract_ended_before_nine_months_is_watched_no_more() -> None:
    debut = date(2026, 1, 1)
    assert issue(contrat(debut, date(2026, 9, 30)), debut, TODAY) == "T"
    assert issue(contrat(debut, date(2026, 10, 1)), debut, TODAY) == "V"
    assert issue(contrat(debut, date(2026, 9, 30)), debut, date(2026, 9, 30)) == "V"
    assert issue(contrat(debut), debut, TODAY) == "V"


@pytest.mark.parametrize(
    ("start", "classe"),
    [
        (date(2026, 3, 1), "N1"),
        (date(2026, 3, 31), "N1"),
        (date(2026, 4, 1), "N3"),
        (date(2026, 8, 31), "N6"),
        (date(2026, 9, 1), "N+"),
        (None, "N+"),
    ],
)
def test_a_new_contract_comes_within_so_many_months(start: date | None, classe: str) -> None:
    assert suite(date(2026, 3, 1), start, TODAY) == classe


def test_before_six_months_nobody_is_said_to_be_without_contract() -> None:
    assert suite(date(2026, 4, 16), None, TODAY) == "ATTENTE"
    assert suite(date(2026, 4, 15), None, TODAY) == "N+"
    assert suite(date(2026, 9, 1), date(2026, 11, 1), TODAY) == "ATTENTE"  # a contract to come is none yet


@pytest.mark.parametrize(
    ("delay", "ahead", "sources", "classe"),
    [
        (-3, None, ["erp"], "E7"),
        (8, 20, ["erp", "registre"], "E30"),
        (31, 1, ["erp", "registre"], "E+"),
        (30, 0, ["erp", "registre"], "D30"),
        (60, -5, ["erp", "registre"], "D60"),
        (120, None, ["registre"], "D120"),
        (121, None, ["registre"], "D+"),
        (None, None, ["erp"], "INCONNU"),
    ],
)
def test_who_told_first_and_when(delay: int | None, ahead: int | None, sources: list[str], classe: str) -> None:
    rupture = Rupture(delai_signalement_jours=delay, avance_sur_registre_jours=ahead, sources=sources)
    assert signalement(rupture, "registre") == classe


def test_only_steps_of_the_day_of_the_rupture_or_later_are_a_follow_up_of_it() -> None:
    before, after = datetime(2026, 2, 28, 12, tzinfo=UTC), datetime(2026, 3, 9, 12, tzinfo=UTC)
    steps = [EtapeSuivi(date=after), EtapeSuivi(date=before)]
    followed = Jeune(suivi=Suivi(situation=SituationSuivi.RDV_PRIS, date=after, historique=steps))
    assert prise_en_charge(followed, date(2026, 3, 1)) == "P15"
    assert prise_en_charge(followed, date(2026, 3, 9)) == "P7"
    assert prise_en_charge(followed, date(2026, 3, 10)) == "AUCUNE"
    assert prise_en_charge(followed, date(2025, 1, 1)) == "P+"
    assert (
        prise_en_charge(Jeune(suivi=Suivi(date=after)), date(2026, 3, 1)) == "AUCUNE"
    )  # no situation: nothing was done


def test_the_history_dates_the_situation_not_the_last_change_of_the_dossier() -> None:
    noted, changed = datetime(2026, 2, 20, 12, tzinfo=UTC), datetime(2026, 3, 9, 12, tzinfo=UTC)
    told = EtapeSuivi(date=noted, situation=SituationSuivi.RDV_PRIS)
    suivi = Suivi(situation=SituationSuivi.RDV_PRIS, date=changed, historique=[told])
    assert prise_en_charge(Jeune(suivi=suivi), date(2026, 3, 1)) == "AUCUNE"
    assert prise_en_charge(Jeune(suivi=suivi), date(2026, 2, 18)) == "P7"
    undated = Suivi(situation=SituationSuivi.RDV_PRIS, date=changed)
    assert prise_en_charge(Jeune(suivi=undated), date(2026, 3, 1)) == "P15"


def test_traits_are_told_or_unknown() -> None:
    assert [niveau(Formation(niveau=6, cfd="50022137")), niveau(Formation(cfd="40033003"))] == ["6", "4"]
    assert [niveau(Formation(cfd="01022103")), niveau(None)] == ["INCONNU", "INCONNU"]
    ages = [tranche_age(date(birth, 10, 15), TODAY) for birth in (2009, 2008, 2006, 2005, 2001, 2000)]
    assert ages == ["MOINS_DE_18", "DE_18_A_20", "DE_18_A_20", "DE_21_A_25", "DE_21_A_25", "DE_26_ET_PLUS"]
    assert [section_of(code) for code in ("56.10A", "4711F", "01.11Z", "99.00Z", "", None, "xx")] == [
        "I", "G", "A", "U", None, None, None,
    ]  # fmt: skip


def test_a_mission_locale_counts_whom_it_may_list() -> None:
    assert [is_of_mission_locale(Jeune(date_naissance=date(y, 10, 16)), TODAY) for y in (2011, 2010, 2000, 1999)] == [
        False, False, True, False,
    ]  # fmt: skip
    assert is_of_mission_locale(Jeune(date_naissance=date(1990, 1, 1), rqth=True), TODAY)
    assert not is_of_mission_locale(Jeune(), TODAY)


def someone() -> Jeune:
    """Enrolled at Lille, broken there, under contract at Arras since."""
    first = contrat(date(2025, 9, 1), date(2027, 8, 31), date(2026, 1, 10))
    second = contrat(date(2026, 3, 2), date(2027, 8, 31), uai=ARRAS)
    session = Formation(date_debut=date(2025, 9, 1), date_fin=date(2027, 8, 31), niveau=4, cfa=first.cfa)
    first.formation = second.formation = session
    first.employeur = Employeur(naf="56.10A")
    statuts = ((date(2025, 9, 1), "APPRENTI"), (date(2026, 1, 10), "RUPTURANT"), (date(2026, 3, 2), "APPRENTI"))
    return Jeune(
        sexe=Sexe.F,
        date_naissance=date(2008, 5, 1),
        mission_locale=MissionLocale(code="ML1", nom="ML"),
        formations=[session],
        contrats=[second, first],
        steps=[Statut(valeur=StatutApprenant(valeur), depuis=day) for day, valeur in statuts],
    )


def of(population: Population, found: list[Observation]) -> list[Observation]:
    return [unit for unit in found if unit.population is population]


def test_one_person_is_counted_by_contract_rupture_and_month_end() -> None:
    month_ends = [date(2026, 1, 31), date(2026, 3, 31)]
    found = list(observe(someone(), KNOWN, month_ends))
    assert [(c.day, c.cfa, c.classes["issue"]) for c in of(Population.CONTRATS, found)] == [
        (date(2026, 3, 2), ARRAS, "V"),
        (date(2025, 9, 1), LILLE, "R6"),
    ]
    (rupture,) = of(Population.RUPTURES, found)
    assert rupture.classes == {
        "rupture": "RUPTURE", "suite": "N3", "signalement": "INCONNU", "traitement": "A_TRAITER",
        "prise_en_charge": "AUCUNE",
    }  # fmt: skip
    assert rupture.keys == {"NIVEAU": "4", "SEXE": "F", "TRANCHE_AGE": "MOINS_DE_18", "SECTEUR": "I"}
    # The inscription is where what began last is.
    assert [(s.day, s.cfa, s.classes["statut"]) for s in of(Population.STATUTS, found)] == [
        (date(2026, 1, 31), LILLE, "RUPTURANT"),
        (date(2026, 3, 31), ARRAS, "APPRENTI"),
    ]


def test_a_late_report_counts_in_the_month_of_its_rupture_and_nowhere_else() -> None:
    """Nine months after, by the registry alone: the contract leaves those that hold, its quarter gains a rupture that was told
    late, and what was counted of other months does not move."""
    known, late = someone(), someone()
    told = Rupture(date=date(2026, 1, 10), delai_signalement_jours=264, sources=["registre"])
    for each, rupture in ((known, None), (late, told)):
        (first,) = (one for one in each.contrats or () if one.date_debut == date(2025, 9, 1))
        first.rupture = rupture
    before, after = (count(observe(each, KNOWN, []), GRIDS.values(), Places(REFERENTIEL)) for each in (known, late))
    lille = {(cell.maille, cell.mois, cell.classe): n for cell, n in (before - after).items()}
    assert lille == {
        ("1a", "2025-09", "V"): 1,
        ("1b", "2025-08", "V"): 1,
        ("1c", "2025-08", "V"): 1,
        ("1d", "2025-08", "V"): 1,
    }
    gained = Counter((cell.maille, cell.mois, cell.classe) for cell in after - before)
    assert gained == Counter([
        ("1a", "2025-09", "R6"), ("1b", "2025-08", "R6"), ("1c", "2025-08", "R6"), ("1d", "2025-08", "R6"),
        ("2a", "2026-01", "RUPTURE"), ("2b", "2025-11", "RUPTURE"), ("2c", "2026-01", "A_TRAITER"),
        ("2d", "2025-11", "N3"), ("2e", "2025-11", "D+"), ("2f", "2025-11", "AUCUNE"),
    ])  # fmt: skip


def test_a_system_that_was_not_heard_says_nothing_of_a_follow_up() -> None:
    (rupture,) = of(Population.RUPTURES, list(observe(someone(), Knowledge(TODAY, "registre"), [])))
    assert (rupture.classes["traitement"], rupture.classes["prise_en_charge"]) == ("NON_ENTENDU", "NON_ENTENDU")


def test_what_is_to_come_is_not_counted() -> None:
    early = Knowledge(date(2026, 1, 9), "registre")
    found = list(observe(someone(), early, []))
    assert [(unit.population, unit.classes) for unit in found] == [(Population.CONTRATS, {"issue": "V"})]


def test_an_old_session_is_of_no_stock_once_its_school_year_is_over() -> None:
    days = [date(2027, 7, 31), date(2028, 7, 31), date(2028, 8, 1)]
    found = of(Population.STATUTS, list(observe(someone(), KNOWN, days)))
    assert [unit.day for unit in found] == days[:2]
    whole = of(Population.STATUTS, list(observe(someone(), KNOWN, days, school_year_only=False)))
    assert [unit.day for unit in whole] == days


def standing_at(jeune: Jeune, day: date) -> list[str | None]:
    return [unit.cfa for unit in of(Population.STATUTS, list(observe(jeune, KNOWN, [day])))]


def test_a_session_to_come_of_the_same_school_year_does_not_keep_an_old_one_in_it() -> None:
    old = Formation(date_debut=date(2023, 9, 1), date_fin=date(2024, 7, 31), cfa=Cfa(uai=UAI(LILLE)))
    new = Formation(date_debut=date(2026, 9, 1), date_fin=date(2027, 7, 31), cfa=Cfa(uai=UAI(LILLE)))
    told = ((date(2023, 9, 1), "RUPTURANT"), (date(2026, 9, 1), "INSCRIT"))
    steps = [Statut(valeur=StatutApprenant(valeur), depuis=day) for day, valeur in told]
    again = Jeune(formations=[new, old], contrats=[], steps=steps)
    assert standing_at(again, date(2024, 7, 31)) == [LILLE]
    assert standing_at(again, date(2026, 8, 31)) == []  # whose status is that of a session two years old
    assert standing_at(again, date(2026, 9, 1)) == [LILLE]


def test_of_a_session_and_a_contract_of_one_day_the_contract_says_where() -> None:
    day, end = date(2026, 9, 1), date(2027, 7, 31)
    steps = [Statut(valeur=StatutApprenant.APPRENTI, depuis=day)]
    session = Formation(date_debut=day, date_fin=end, cfa=Cfa(uai=UAI(ARRAS)))
    signed = contrat(day, end)
    assert standing_at(Jeune(formations=[session], contrats=[signed], steps=steps), day) == [LILLE]
    other = Formation(date_debut=day, date_fin=end, cfa=Cfa(uai=UAI(LILLE)))
    for formations in ([session, other], [other, session]):
        assert standing_at(Jeune(formations=formations, contrats=[], steps=steps), day) == [ARRAS]


REFERENTIEL = Referentiel(
    communes={
        "59350": CommuneLine("59350", "Lille", ("59000",), "59", "32", "09", "ML1"),
        "62041": CommuneLine("62041", "Arras", ("62000",), "62", "32", "09", "ML1"),
        "59009": CommuneLine("59009", "Villeneuve", ("59491",), "59", "32", "09", "ML1"),
    },
    missions_locales={"ML1": MissionLocaleRow(1, "ML1", "ML de Lille", "59350", None, None)},
    organismes={
        LILLE: OrganismeRow(LILLE, "1", "CFA de Lille", "59350", "59", "32", "09", ("greta", "cci")),
        ARRAS: OrganismeRow(ARRAS, "2", "CFA d'Arras", "62041", "62", "32", "09"),
    },
)


def test_each_unit_is_in_one_cell_of_each_grid_of_its_population() -> None:
    found = list(observe(someone(), KNOWN, [date(2026, 1, 31), date(2026, 3, 31)])) * 3
    counts = count(found, GRIDS.values(), Places(REFERENTIEL))
    totals: Counter[str] = Counter()
    for cell, number in counts.items():
        assert cell.classe in GRIDS[cell.maille].partition.classes
        totals[cell.maille] += number
    assert totals == {
        name: 3 * {Population.CONTRATS: 2, Population.RUPTURES: 1, Population.STATUTS: 2}[grid.population]
        for name, grid in GRIDS.items()
    }
    assert counts[Cell("2a", "59", "4", "2026-01", "RUPTURE")] == 3
    assert counts[Cell("1c", "32", "4/F/MOINS_DE_18", "2025-08", "R6")] == 3
    assert counts[Cell("3b", ARRAS, "", "2026-03", "APPRENTI")] == 3


def test_a_cfa_that_the_referential_does_not_know_is_in_no_cell() -> None:
    stranger = Jeune(contrats=[contrat(date(2026, 1, 1), uai="0750001C")])
    assert not count(observe(stranger, KNOWN, []), GRIDS.values(), Places(REFERENTIEL))


def test_a_place_is_held_by_its_territories() -> None:
    places = Places(REFERENTIEL)
    held = {name: set(codes) for name, codes in places.holders(GRIDS["1b"].place, LILLE).items() if codes}
    assert held == {
        "CFA": {LILLE},
        "DEPARTEMENT": {"59"},
        "REGION": {"32"},
        "ACADEMIE": {"09"},
        "RESEAU": {"greta", "cci"},
    }
    held = {name: set(codes) for name, codes in places.holders(GRIDS["2c"].place, "ML1").items() if codes}
    assert held == {"MISSION_LOCALE": {"ML1"}, "DEPARTEMENT": {"59"}, "REGION": {"32"}}
    held = {name: set(codes) for name, codes in places.holders(GRIDS["1a"].place, "62").items() if codes}
    assert held == {"DEPARTEMENT": {"62"}, "REGION": {"32"}, "ACADEMIE": {"09"}}
