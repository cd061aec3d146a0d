"""Joining, folding and merging: pure rules, on records written by hand."""

from collections.abc import Sequence
from datetime import date
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.seal import OpaqueIds, Sealer
from gateway.domain.similarity import Level
from gateway.domain.statut import StatutApprenant
from gateway.errors import InvalidRequest
from gateway.federation.join.join_records import SourcedRecord, link
from gateway.federation.join.precedence import fold
from gateway.federation.join.provenance import attach
from gateway.federation.lists import filter_jeunes
from gateway.federation.paging import CursorCodec, cut, sort
from gateway.federation.views.search import search
from gateway.schema.filters import FiltreJeunes
from gateway.schema.nouns import Adresse, Employeur, Formation, Jeune, Sexe
from gateway.schema.query import PageArgs
from gateway.schema.scalars import SIRET, CodePostal
from tests.support.unit.federation import AUTRE, IDS, UN, context, contrat, merged, session, told


def keys(sourced_records: Sequence[SourcedRecord]) -> list[list[tuple[str, str]]]:
    return [[(t.source, t.record.key) for t in group.sourced_records] for group in link(sourced_records)]


def test_one_identity_spelled_three_ways_is_one_person_best_source_first() -> None:
    three = [
        told("imilo", nom="LE GOFF", prenom="Anais"),
        told("registre", nom="LE-GOFF", prenom="ANAIS"),
        told("ypareo", nom="Le Goff", prenom="Anaïs"),
    ]
    assert keys(three) == [[("ypareo", "1"), ("registre", "1"), ("imilo", "1")]]


def test_two_records_of_one_installation_are_never_one_person_and_leave_the_third_apart() -> None:
    homonyms = [told("ypareo", "1", "A"), told("ypareo", "2", "A"), told("registre")]
    assert sorted(map(len, keys(homonyms))) == [1, 1, 1]


def test_two_tenants_of_one_vendor_are_two_installations() -> None:
    assert keys([told("ypareo", "1", "A"), told("ypareo", "1", "B")]) == [[("ypareo", "1"), ("ypareo", "1")]]


def test_records_that_disagree_on_the_sex_stay_apart() -> None:
    assert len(link([told("ypareo", sexe=Sexe.F), told("registre", sexe=Sexe.M)])) == 2


def test_twins_are_two_persons() -> None:
    assert len(link([told("ypareo", "1"), told("registre", prenom="Maël")])) == 2


def test_a_name_without_letters_names_nobody() -> None:
    assert len(link([told("ypareo", nom="?"), told("registre", nom="--")])) == 2


@given(st.randoms(use_true_random=False), st.integers(0, 4))
def test_joining_does_not_depend_on_the_order_nor_on_a_source_that_answers_twice(
    randomness: Random, doubles: int
) -> None:
    sourced_records = [
        told("ypareo", "1", "A"),
        told("registre"),
        told("imilo", "9", "60001"),
        told("ypareo", "2", "A", prenom="Maël"),
        told("gestibase", "E1", "B", nom="N'Diaye"),
    ]
    mix = sourced_records + sourced_records[:doubles]
    randomness.shuffle(mix)
    assert keys(mix) == keys(sourced_records)


def test_a_contract_told_twice_is_one_by_number_whatever_the_dates() -> None:
    erp = told("ypareo", contrats=[contrat(date(2025, 9, 1), numero="060A")])
    deca = told("registre", contrats=[contrat(date(2025, 10, 1), numero="060a")])
    assert len(fold([erp, deca])) == 1


@pytest.mark.parametrize(("days", "siret", "number"), [(0, UN, 1), (7, UN, 1), (8, UN, 2), (0, None, 1), (0, AUTRE, 2)])
def test_without_numbers_the_employer_and_a_start_within_a_week(days: int, siret: SIRET | None, number: int) -> None:
    erp = told("ypareo", contrats=[contrat(date(2025, 9, 1), employeur=Employeur(siret=UN))])
    deca = told("registre", contrats=[contrat(date(2025, 9, 1 + days), employeur=Employeur(siret=siret))])
    assert len(fold([erp, deca])) == number


def test_two_contracts_of_one_installation_stay_two() -> None:
    assert len(fold([told("ypareo", contrats=[contrat(date(2025, 9, 1)), contrat(date(2025, 9, 3))])])) == 2


def test_a_contract_that_one_source_declares_void_is_no_contract() -> None:
    erp = told("ypareo", contrats=[contrat(date(2025, 9, 1), numero="1")])
    deca = told("registre", contrats=[contrat(date(2025, 9, 1), numero="1", annule=True)])
    assert fold([erp, deca]) == []


def test_the_erp_speaks_before_the_registry_and_silence_is_filled() -> None:
    erp = told("ypareo", telephone="0639980001", rqth=None)
    deca = told("registre", telephone="0639980002", rqth=True)
    jeune = merged(deca, erp).jeune
    assert (jeune.telephone, jeune.rqth) == ("0639980001", True)


def test_every_loser_is_kept_in_provenance() -> None:
    one = merged(told("ypareo", telephone="0639980001"), told("registre", nom="LE GOFF", telephone="0639980002"))
    attach(one)
    rows = {(line.champ, line.source): (line.retenue, line.divergente) for line in one.jeune.rows or []}
    assert rows["telephone", "ypareo"] == (True, True)
    assert rows["telephone", "registre"] == (False, True)
    assert rows["nom", "registre"] == (False, False)


def test_a_rupture_known_to_one_source_only_is_a_rupture_and_says_who_knows() -> None:
    session = [Formation(date_debut=date(2025, 9, 1), date_fin=date(2027, 8, 31))]
    broken = contrat(date(2025, 9, 10), broken=date(2026, 9, 1), numero="1")
    one = merged(
        told("ypareo", contrats=[broken], formations=session),
        told("registre", contrats=[contrat(date(2025, 9, 10), numero="1")]),
    )
    (rupture,) = one.jeune.ruptures or []
    assert (rupture.date, rupture.jours_depuis, rupture.sources) == (date(2026, 9, 1), 44, ["ypareo"])
    assert one.jeune.statut is not None
    assert one.jeune.statut.valeur is StatutApprenant.RUPTURANT


@pytest.mark.parametrize("broken", [date(2026, 10, 16), date(2027, 8, 31)])
def test_a_rupture_to_come_or_at_the_planned_end_is_none(broken: date) -> None:
    one = merged(told("ypareo", contrats=[contrat(date(2025, 9, 10), broken=broken)]))
    assert one.jeune.ruptures == []


def test_an_ambiguous_home_gives_no_mission_locale_and_the_next_source_may_place_it() -> None:
    fuzzy = Adresse(code_postal=CodePostal("60100"))
    about = Adresse(code_postal=CodePostal("60100"), ville="CREIL CEDEX 2")
    assert merged(told("registre", adresse=fuzzy)).jeune.mission_locale is None
    placed = merged(told("registre", adresse=fuzzy), told("imilo", adresse=about)).jeune
    assert placed.mission_locale is not None
    assert (placed.mission_locale.code, placed.commune and placed.commune.nom) == ("60002", "Creil")


def test_the_registry_adds_no_session_that_overlaps_the_erp_s() -> None:
    erp = told("ypareo", formations=[Formation(date_debut=date(2025, 9, 1), date_fin=date(2027, 8, 31))])
    deca = told(
        "registre",
        formations=[
            Formation(date_debut=date(2025, 9, 15), date_fin=date(2027, 7, 31)),
            Formation(date_debut=date(2027, 9, 1), date_fin=date(2028, 8, 31)),
            Formation(date_debut=date(2023, 9, 1), date_fin=date(2024, 8, 31)),
            Formation(date_debut=date(2024, 9, 1), date_fin=date(2025, 9, 1)),  # of one day in common
            Formation(date_debut=date(2027, 8, 31), date_fin=date(2028, 8, 31)),
        ],
    )
    starts = [formation.date_debut for formation in merged(erp, deca).jeune.formations or []]
    assert starts == [date(2027, 9, 1), date(2025, 9, 1), date(2023, 9, 1)]


@given(st.lists(st.integers(0, 30), max_size=40), st.integers(1, 7))
def test_pages_cover_a_list_once_each_whatever_their_size(values: list[int], size: int) -> None:
    list_query = list(enumerate(values))

    def order(element: tuple[int, int]) -> list[Any]:
        return [element[1], element[0]]

    results: list[tuple[int, int]] = []
    after = None
    while True:
        page_slice = cut(sort(list_query, order), PageArgs(size, after), CursorCodec(IDS, lambda: "liste"))
        results += [element for _, element in page_slice.elements]
        if not page_slice.info.has_next_page:
            break
        after = page_slice.elements[-1][0]
    assert results == sorted(list_query, key=order)


def test_a_filter_by_name_asks_three_letters_and_ignores_accents() -> None:
    jeunes = [Jeune(nom="Éloïse"), Jeune(nom="ELOI"), Jeune(nom="Martin")]
    assert [jeune.nom for jeune in filter_jeunes(jeunes, FiltreJeunes(nom="élo"))] == ["Éloïse", "ELOI"]
    with pytest.raises(InvalidRequest):
        filter_jeunes(jeunes, FiltreJeunes(nom="é-l"))


def test_an_id_tells_nothing_and_another_key_opens_nothing() -> None:
    sealed = IDS.seal("Jeune", "0123")
    assert IDS.open(sealed) == ("Jeune", "0123")
    assert OpaqueIds(Sealer(bytes([1]) * 32)).open(sealed) is None
    for attempt in ("", "x", sealed[:-2], sealed + "A" * 4000, "é"):
        assert IDS.open(attempt) is None


def test_a_near_miss_is_offered_by_the_search_and_never_joined() -> None:
    """Two names at one home, one phone and one e-mail: the search for one offers the other, to be confirmed."""
    foyer: dict[str, Any] = {
        "telephone": "0639980001",
        "courriel": "famille@exemple.invalid",
        "adresse": Adresse(code_postal=CodePostal("60000"), ville="Beauvais"),
    }
    one = told("ypareo", tenant="A", formations=[session(date(2025, 9, 1), date(2027, 8, 31))], **foyer)
    other = told("imilo", tenant="60001", nom="Durand", prenom="Emma", **foyer)
    view = context([one, other]).view
    found = search(view, "LE GOFF", "Anais", date(2006, 3, 7))
    assert [(view.persons[first.person].jeune.nom, niveau) for first, niveau in found] == [
        ("Le Goff", Level.CERTAIN),
        ("Durand", Level.A_CONFIRMER),
    ]
    assert search(context([one]).view, "Durand", "Emma", date(1999, 1, 1)) == []
