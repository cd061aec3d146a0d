"""Menus of a perimeter, each line judged by docs/graphe.md (« cfas, communes et missionsLocales remplissent les menus »), over a
referential of two regions."""

from typing import Any

import pytest

from gateway.auth.authentication.clients import build_perimetre
from gateway.auth.policy.policy import Perimetre
from gateway.auth.policy.rules import Profil
from gateway.concurrency import Preparation
from gateway.domain.referentiel import CommuneLine, MissionLocaleRow, OrganismeRow, Referentiel
from gateway.federation.organisation_directory import Directory
from gateway.federation.views.menus import Menus
from tests.support.unit.federation import IDS

# Codes of regions, departments and academies that are those of others on purpose: a code is nothing without its nature.
COMMUNES = {
    code: CommuneLine(code, nom, postal, departement, region, academie, mission)
    for code, nom, postal, departement, region, academie, mission in (
        ("60057", "Beauvais", ("60000",), "60", "32", "20", "60001"),
        ("60175", "Creil", ("60100",), "60", "32", "20", "60002"),
        ("59350", "Lille", ("59000", "59800"), "59", "32", "09", "59010"),
        ("75056", "Paris", ("75001",), "75", "11", "01", "75001"),
        ("77186", "Fontainebleau", ("77300",), "77", "11", "24", None),
    )
}
MISSIONS = {
    code: MissionLocaleRow(rank, code, nom, None, None, None)
    for rank, (code, nom) in enumerate(
        (("60001", "Beauvaisis"), ("60002", "Sud Oise"), ("59010", "Lille"), ("75001", "Paris"))
    )
}
CFAS = {
    uai: OrganismeRow(uai, siret, nom, None, departement, region, academie, reseaux, formateurs=formateurs)
    for uai, siret, nom, departement, region, academie, reseaux, formateurs in (
        ("0600001A", "73282932000074", "CFA de l'Oise", "60", "32", "20", ("mfr",), ("0750003C",)),
        ("0590002B", "35600000000048", "Éducation du Nord", "59", "32", "09", (), ()),
        ("0750003C", "35600000009075", "Compagnons", "75", "11", "01", ("mfr",), ()),
    )
}
DIRECTORY = Directory(Referentiel(communes=COMMUNES, missions_locales=MISSIONS, organismes=CFAS), IDS)
NORTH = (["0600001A", "0590002B"], ["60057", "60175", "59350"], ["60001", "59010", "60002"])
EVERYTHING = (
    ["0600001A", "0750003C", "0590002B"],
    ["60057", "60175", "77186", "59350", "75056"],
    ["60001", "59010", "75001", "60002"],
)


def menus(profil: Profil, organisation: str, directory: Directory = DIRECTORY) -> Menus:
    perimetre = build_perimetre(profil, organisation, directory.referentiel)
    return Menus(perimetre, directory, Preparation())


def shown(asked: Menus, recherche: str | None = None, first: int = 500) -> tuple[list[Any], list[Any], list[Any]]:
    return (
        [cfa.uai for cfa in asked.cfas(recherche, first)],
        [commune.code for commune in asked.communes(recherche, first)],
        [mission.code for mission in asked.missions_locales(recherche, first)],
    )


@pytest.mark.parametrize(
    ("profil", "organisation", "expected"),
    [
        # Its communes, itself, and the CFAs of the regions that it touches.
        (Profil.MISSION_LOCALE, "60001", (["0600001A", "0590002B"], ["60057"], ["60001"])),
        (Profil.MISSION_LOCALE, "75001", (["0750003C"], ["75056"], ["75001"])),
        # A service of the State, or France Travail: its territory.
        (Profil.DREETS, "32", NORTH),
        (Profil.FRANCE_TRAVAIL, "32", NORTH),
        (Profil.ARML, "32", NORTH),
        (Profil.DDETS, "59", (["0590002B"], ["59350"], ["59010"])),
        (Profil.ACADEMIE, "20", (["0600001A"], ["60057", "60175"], ["60001", "60002"])),
        (Profil.ACADEMIE, "11", ([], [], [])),
        # A CFA or a network: its own, and the communes and Missions locales of their regions.
        (Profil.CFA, "0590002B", (["0590002B"], NORTH[1], NORTH[2])),
        (Profil.CFA, "0600001A", (["0600001A", "0750003C"], EVERYTHING[1], EVERYTHING[2])),
        (Profil.TETE_DE_RESEAU, "mfr", (["0600001A", "0750003C"], EVERYTHING[1], EVERYTHING[2])),
        (Profil.TETE_DE_RESEAU, "cci", ([], [], [])),
        (Profil.STATISTIQUES, "", EVERYTHING),
        (Profil.ADMINISTRATEUR, "", ([], [], [])),
    ],
)
def test_b10_each_profile_has_the_lines_of_its_perimeter_by_name(
    profil: Profil, organisation: str, expected: tuple[list[str], list[str], list[str]]
) -> None:
    for _ in range(2):  # found, then kept
        assert shown(menus(profil, organisation)) == expected


@pytest.mark.parametrize(
    ("recherche", "expected"),
    [
        ("", EVERYTHING),
        ("lille", ([], ["59350"], ["59010"])),
        ("EAU", ([], ["60057", "77186"], ["60001"])),
        ("oise", (["0600001A"], [], ["60002"])),
        ("oise sud", ([], [], ["60002"])),
        ("oise nord", ([], [], [])),
        ("education", (["0590002B"], [], [])),
        ("59", ([], ["59350"], ["59010"])),
        ("059", (["0590002B"], [], [])),
        ("59800", ([], ["59350"], [])),
        (" 60100 ", ([], ["60175"], [])),
        ("356", (["0750003C", "0590002B"], [], [])),
        ("0600001a", (["0600001A"], [], [])),  # a code, and not whatever has an A
        ("lille 59", ([], ["59350"], ["59010"])),
        ("9010", ([], [], [])),  # the beginning of a code, not any part of it
    ],
)
def test_b10_a_menu_is_looked_for_by_any_part_of_a_name_or_the_beginning_of_a_code(
    recherche: str, expected: tuple[list[str], list[str], list[str]]
) -> None:
    assert shown(menus(Profil.STATISTIQUES, ""), recherche) == expected


@pytest.mark.parametrize("recherche", [None, "", "60"])
def test_b10_a_menu_has_as_many_lines_as_are_asked(recherche: str | None) -> None:
    asked = menus(Profil.DREETS, "32")
    for first in (0, 1, 2):
        assert [len(lines) for lines in shown(asked, recherche, first)] == [
            min(first, len(lines)) for lines in shown(asked, recherche)
        ]


def test_b10_a_referential_at_fault_shows_no_other_mission_locale_than_oneself() -> None:
    """A commune of one, under the code of another that does not exist; a perimeter that has none."""
    strayed = Directory(Referentiel(communes=COMMUNES, organismes=CFAS), IDS)
    assert shown(menus(Profil.MISSION_LOCALE, "60001", strayed)) == (["0600001A", "0590002B"], ["60057"], [])
    assert shown(menus(Profil.MISSION_LOCALE, "99999")) == ([], [], [])


def test_what_a_search_goes_through_is_counted_and_what_is_kept_is_not() -> None:
    """docs/graphe.md, Coût et limites: a menu that is looked in costs the hundredth of its lines."""
    fresh = Directory(Referentiel(communes=COMMUNES, missions_locales=MISSIONS, organismes=CFAS), IDS)
    perimetre = Perimetre(Profil.DREETS, "32")

    def counted(recherche: str | None) -> int:
        preparation = Preparation(over=False)
        asked = Menus(perimetre, fresh, preparation)
        assert asked.communes(recherche, 500) == [] or recherche is None
        for key, work in preparation.works.items():
            preparation.done[key] = work.do()
        assert [commune.code for commune in asked.communes(recherche, 500)] == NORTH[1]
        return preparation.lines

    assert [counted(text) for text in (None, None, "")] == [5, 0, 3]
