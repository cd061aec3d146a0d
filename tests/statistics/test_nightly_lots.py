"""In which order lots are read, what is asked for each, and which grids each feeds."""

from gateway.domain.referentiel import CommuneLine, MissionLocaleRow, OrganismeRow, Referentiel
from gateway.statistiques.grids import GRIDS, Place
from gateway.statistiques.nightly_lots import LotSubject, subjects

NAMES = ("registre", "imilo")


def commune(insee: str, region: str, mission: str) -> CommuneLine:
    return CommuneLine(insee, insee, (insee,), insee[:2], region, "09", mission)


def cfa(uai: str, region: str, responsables: tuple[str, ...] = (), formateurs: tuple[str, ...] = ()) -> OrganismeRow:
    return OrganismeRow(uai, "", uai, None, None, region, None, responsables=responsables, formateurs=formateurs)


REFERENTIEL = Referentiel(
    communes={line.code: line for line in (commune("59350", "32", "ML1"), commune("75056", "11", "ML2"),
                                           commune("60001", "32", "ML2"))},
    missions_locales={code: MissionLocaleRow(1, code, code, None, None, None) for code in ("ML1", "ML2")},
    organismes={
        row.uai: row for row in (
            cfa("0590001A", "32", formateurs=("0590002B",)),
            cfa("0590002B", "32", responsables=("0590001A",)),
            cfa("0750001C", "11"),
        )
    },
)  # fmt: skip


def made() -> list[LotSubject]:
    return subjects(REFERENTIEL, {"0750001C": "ypareo"}.get, NAMES)


def test_a_region_is_read_whole_before_the_next_and_a_mission_locale_after_all_of_its_own() -> None:
    assert [subject.code for subject in made()] == ["0750001C", "0590001A", "0590002B", "ML1", "ML2"]


def test_a_cfa_is_asked_with_those_it_answers_for_and_those_who_answer_for_it() -> None:
    plans = {subject.code: subject.plan for subject in made()}
    assert plans["0590001A"].uais == plans["0590002B"].uais == ("0590001A", "0590002B")
    assert plans["0750001C"].uais == ("0750001C",)
    assert not plans["0590001A"].codes_postaux
    assert plans["ML1"].structures == ("ML1",)
    assert plans["ML1"].codes_postaux == ("59350",)


def test_the_registry_tells_of_a_cfa_that_no_partner_serves() -> None:
    assert {subject.code: subject.source for subject in made()} == {
        "0750001C": "ypareo", "0590001A": "registre", "0590002B": "registre", "ML1": "imilo", "ML2": "imilo",
    }  # fmt: skip


def test_each_grid_is_fed_by_one_kind_of_lot() -> None:
    by_place = {subject.place: {grid.name for grid in subject.grids} for subject in made()}
    assert by_place[Place.CFA] | by_place[Place.MISSION_LOCALE] == GRIDS.keys()
    assert by_place[Place.MISSION_LOCALE] == {"2c", "2f", "3c"}
    assert not by_place[Place.CFA] & by_place[Place.MISSION_LOCALE]
