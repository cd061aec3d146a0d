"""What the field complains of, row by row (docs/domaine.md): one regression test each, through the whole merge."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from gateway.connectors import deca, gestibase, ypareo
from gateway.domain.days import PARIS
from gateway.domain.statut import StatutApprenant
from gateway.federation.join.join_records import SourcedRecord, link
from gateway.federation.lists import filter_ruptures
from gateway.schema.filters import FiltreRuptures
from gateway.schema.nouns import (
    Adresse,
    Collaboration,
    EtapeSuivi,
    EtatTraitement,
    Jeune,
    MotifPriorite,
    SituationSuivi,
    Suivi,
)
from gateway.schema.orders import TriRuptures
from gateway.schema.query import PageArgs
from gateway.schema.scalars import CodePostal
from tests.contract.test_connector_gestibase import ROW, TOTAL
from tests.support.contract.connectors import CFA, drive
from tests.support.contract.connectors import DAY as ERP_DAY
from tests.support.unit.federation import DAY, RECEIVED, context, contrat, merged, provenance, session, statut, told

S = StatutApprenant
CREIL = Adresse(code_postal=CodePostal("60100"), ville="Creil")
BEAUVAIS = Adresse(code_postal=CodePostal("60000"), ville="BEAUVAIS CEDEX")
FUZZY = Adresse(code_postal=CodePostal("60100"))
TWO_YEARS = session(date(2025, 9, 1), date(2027, 8, 31))


def on(day: date, moment: int = 10) -> datetime:
    return datetime(day.year, day.month, day.day, moment, tzinfo=PARIS)


# 1. Fake ruptures at the end of contracts.


@pytest.mark.parametrize("broken", [None, date(2026, 8, 1), date(2026, 7, 31)])
@pytest.mark.parametrize("day", [date(2026, 7, 31), date(2026, 8, 1), date(2026, 8, 31), date(2027, 1, 15)])
def test_need_01_false_rupture_of_the_1st_of_august(day: date, broken: date | None) -> None:
    """Contract to 31 July, session to 31 August; some ERPs even write the end as a date of rupture."""
    finished = contrat(date(2024, 9, 1), date(2026, 7, 31), broken, numero="1")
    running = [session(date(2024, 9, 1), date(2026, 8, 31))]
    erp = told("ypareo", formations=running, contrats=[finished])
    deca = told("registre", formations=running, contrats=[contrat(date(2024, 9, 2), date(2026, 7, 31), numero="1")])
    for sourced_records in ([erp, deca], [erp], [deca]):
        one = merged(*sourced_records, day=day)
        assert one.jeune.ruptures == []
        assert statut(one) is (S.APPRENTI if day == date(2026, 7, 31) else S.FIN_DE_FORMATION)
        assert S.RUPTURANT not in {step.valeur for step in one.jeune.steps or []}


# 2. The same young person twice.


def test_need_02_same_jeune_in_the_erp_and_in_the_registry() -> None:
    erp = told("ypareo", formations=[TWO_YEARS], contrats=[contrat(date(2025, 9, 1))])
    deca = told("registre", nom="LE GOFF", prenom="ANAIS", contrats=[contrat(date(2025, 9, 3), numero="1")])
    one = merged(deca, erp)
    assert len(one.jeune.contrats or []) == 1
    assert statut(one) is S.APPRENTI


def test_need_02_same_jeune_in_two_cfa_and_one_rupture() -> None:
    broken = contrat(date(2025, 9, 1), broken=date(2026, 6, 1), numero="1")
    before = told("ypareo", "7", "A", prenom="Anais", contrats=[broken], formations=[TWO_YEARS])
    after = told("gestibase", "E7", "B", nom="LE-GOFF", formations=[session(date(2026, 9, 1), date(2028, 8, 31))])
    deca = told("registre", contrats=[contrat(date(2025, 9, 1), broken=date(2026, 5, 31), numero="1")])
    for order in permutations([before, after, deca]):
        one = merged(*order)
        assert [rupture.date for rupture in one.jeune.ruptures or []] == [date(2026, 6, 1)]


def test_need_02_same_jeune_over_two_school_years() -> None:
    following = {**ROW, "Modifié le": "202603010900"}
    _, result = drive(
        gestibase.records(CFA, ERP_DAY),
        lambda partner_request: [[following if "2025" in str(partner_request.params) else ROW, TOTAL]],
    )
    (record,) = result.records
    assert len(record.jeune.contrats or []) == len(record.jeune.formations or []) == 1


@pytest.mark.parametrize(
    ("nom", "prenom", "naissance"),
    [
        ("LE GOF", "Anais", date(2006, 3, 7)),  # a slip
        ("Anaïs", "Le Goff", date(2006, 3, 7)),  # inverted
        ("Goff", "Anaïs Marie", date(2006, 3, 7)),  # a particle less, a second first name
        ("Le Goff", "Anaïs", date(2006, 7, 3)),  # day and month inverted
    ],
)
def test_need_02_same_jeune_misspelled(nom: str, prenom: str, naissance: date) -> None:
    """One contract number is evidence enough that the two spell one name."""
    broken = date(2026, 9, 10)
    erp = told(
        "ypareo", contrats=[contrat(date(2025, 9, 1), broken=broken, numero="060202509010001")], formations=[TWO_YEARS]
    )
    deposes = [contrat(date(2025, 9, 1), numero="060202509010001")]
    one = merged(erp, told("registre", nom=nom, prenom=prenom, date_naissance=naissance, contrats=deposes))
    assert [rupture.date for rupture in one.jeune.ruptures or []] == [broken]
    assert (one.jeune.nom, one.jeune.date_naissance) == ("Le Goff", date(2006, 3, 7))


def test_need_02_twin_sisters_stay_two() -> None:
    common: dict[str, Any] = {"adresse": BEAUVAIS, "telephone": "0639980001", "courriel": "famille@jeune.invalid"}
    groups = link([told("ypareo", "1", "A", **common), told("registre", "2", prenom="Maëlle", **common)])
    assert sorted(group.sourced_records[0].record.key for group in groups) == ["1", "2"]


# 3. The young person who goes to and fro between two Missions locales.


def mission(*sourced_records: SourcedRecord) -> str | None:
    found = merged(*sourced_records).jeune.mission_locale
    return found.code if found else None


def test_need_03_no_back_and_forth_between_two_missions_locales() -> None:
    """Two CFAs disagree on the home, and each rewrites its records every night in turn: one answer, night after night."""
    former, present = session(date(2024, 9, 1), date(2026, 8, 31)), session(date(2026, 9, 1), date(2028, 8, 31))
    results = Counter[str | None]()
    for night in range(6):
        midnight = datetime(2026, 10, night + 1, tzinfo=UTC)
        before = told("ypareo", "1", "A", midnight, adresse=CREIL, formations=[former])
        after = told(
            "gestibase",
            "2",
            "B",
            midnight + (-1) ** night * timedelta(hours=1),
            adresse=BEAUVAIS,
            formations=[present],
        )
        deca = told("registre", adresse=FUZZY)
        results.update(mission(*order) for order in permutations([before, after, deca]))
    assert results == {"60001": 36}


def test_need_03_the_mission_locale_changes_when_the_jeune_changes_cfa() -> None:
    deca = told("registre", adresse=CREIL)
    before = told("ypareo", "1", "A", adresse=CREIL, formations=[session(date(2024, 9, 1), date(2026, 8, 31))])
    after = told("gestibase", "2", "B", adresse=BEAUVAIS, formations=[session(date(2026, 9, 1), date(2028, 8, 31))])
    assert (mission(deca, before), mission(deca, before, after)) == ("60002", "60001")


def test_need_03_the_address_set_aside_stays_in_the_provenance() -> None:
    rows = provenance(
        merged(told("ypareo", adresse=CREIL), told("registre", adresse=BEAUVAIS), told("imilo", adresse=FUZZY))
    )
    assert rows["adresse", "ypareo"] == (True, True)
    assert rows["adresse", "registre"] == (False, True)
    assert rows["adresse", "imilo"] == (False, True)


# 4. A status to come taken for the present one.


def test_need_04_a_statut_to_come_is_never_taken_for_the_current_statut() -> None:
    following = [session(date(2026, 11, 1), date(2028, 8, 31))]
    upcoming = told("ypareo", formations=following, contrats=[contrat(date(2026, 11, 10), date(2028, 8, 31))])
    assert statut(merged(upcoming)) is S.INSCRIT
    announced = told("ypareo", formations=[TWO_YEARS], contrats=[contrat(date(2025, 9, 1), broken=date(2026, 10, 20))])
    assert statut(merged(announced)) is S.APPRENTI
    assert merged(announced).jeune.ruptures == []
    assert statut(merged(announced, day=date(2026, 10, 20))) is S.RUPTURANT


# 7. One code, two meanings.


@pytest.mark.parametrize("code", ["0", "2", "3", ""])
@pytest.mark.parametrize(("rupture", "expected"), [("20260215", S.RUPTURANT), ("00000000", S.APPRENTI)])
def test_need_07_statut_codes_of_the_erp_are_never_believed(code: str, rupture: str, expected: StatutApprenant) -> None:
    """Gestibase-like: 0 is "broken and gone", 2 is "broken and present"; the dates alone decide."""
    line = {**ROW, "Statut": code, "Contrat date rupture": rupture}
    _, result = drive(gestibase.records(CFA, ERP_DAY), lambda partner_request: [[line, TOTAL]])
    one = merged(SourcedRecord("gestibase", told("gestibase").type, "A", result.records[0], RECEIVED), day=ERP_DAY)
    assert statut(one) is expected


def test_need_07_last_day_worked_and_effective_date_are_a_rupture() -> None:
    """Whoever is believed first, the first day off is kept; two days apart are two words."""
    for erp, registre in ((11, 10), (10, 11)):
        one = merged(
            told("aimaira", contrats=[contrat(date(2025, 9, 1), broken=date(2026, 9, erp), numero="1")]),
            told("registre", contrats=[contrat(date(2025, 9, 1), broken=date(2026, 9, registre), numero="1")]),
        )
        (broken,) = one.jeune.ruptures or []
        assert (broken.date, broken.sources) == (date(2026, 9, 11), ["aimaira", "registre"])
        rows = provenance(one)
        assert rows["date", "aimaira"] == (erp == 11, False)
        assert rows["date", "registre"] == (registre == 11, False)


# 14. Counters that differ from lists.


def test_need_14_counters_equal_to_the_lists() -> None:
    """`totalCount` is what the pages hold, and states and priorities share it out."""
    subscription = context([witness for rank in range(12) for witness in _dossiers_of_a_jeune(rank)])

    def total(**criteria: Any) -> int:
        filtre, results, after = FiltreRuptures(**criteria), list[str](), None
        while True:
            page = subscription.ruptures(filtre, TriRuptures.PRIORITE, PageArgs(3, after))
            assert page is not None
            results += [edge.node.id for edge in page.edges]
            if not page.page_info.has_next_page:
                assert len(set(results)) == len(results) == page.total_count
                return page.total_count
            after = page.page_info.end_cursor

    by_etat = {state: total(etat=state) for state in EtatTraitement}
    assert by_etat == {EtatTraitement.A_TRAITER: 6, EtatTraitement.INJOIGNABLE: 3, EtatTraitement.TRAITE: 3}
    assert (total(), total(prioritaire=True), total(prioritaire=False)) == (12, 4, 8)


def _dossiers_of_a_jeune(rank: int) -> list[SourcedRecord]:
    prenom, broken = "Anaïs" + "ABCDEFGHIJKL"[rank], date(2026, 9, 1 + rank)
    situation = [None, SituationSuivi.CONTACTE_SANS_RETOUR, SituationSuivi.RDV_PRIS, SituationSuivi.RDV_PRIS][rank % 4]
    note = on(broken + timedelta(days=1 if rank % 4 < 3 else -1))
    suivi = Suivi(situation=situation, date=note, souhaite_rdv=rank % 3 == 0)
    rompus = [contrat(date(2025, 9, 1), broken=broken)]
    return [
        told("ypareo", str(rank), "A", prenom=prenom, adresse=BEAUVAIS, formations=[TWO_YEARS], contrats=rompus),
        told("imilo", str(rank), "60001", prenom=prenom, suivi=suivi),
    ]


# 16. Phones of overseas, and one phone in two formats.


@pytest.mark.parametrize(
    ("in_the_erp", "at_registry", "kept"),
    [
        ("06 39 98 00 01", "+33639980001", "0639980001"),
        ("0639.98.00.01", "00262639980001", "0639980001"),  # Mayotte
        ("0692 00 00 00", "+262692000000", "0692000000"),  # La Réunion
        ("0690000000", "+590 690 00 00 00", "0690000000"),  # Guadeloupe
        ("0694-00-00-00", "+594694000000", "0694000000"),  # Guyane
        ("0696 00 00 00", "+596 (0)696 00 00 00", "0696000000"),  # Martinique
    ],
)
def test_need_16_a_telephone_has_only_one_spelling(in_the_erp: str, at_registry: str, kept: str) -> None:
    eleve = {"codeApprenant": 1, "nomApprenant": "Le Goff", "prenomApprenant": "Anaïs", "dateNaissance": "07/03/2006"}
    responses: dict[str, list[Any]] = {
        "periodes": [[{"codePeriode": "1"}]],
        "apprenants": [[{**eleve, "adresse": {"tel1": in_the_erp}}]],
    }
    _, result = drive(ypareo.records(CFA, DAY), lambda partner_request: responses.get(partner_request.operation, [[]]))
    alternant = {"nom": "LE GOFF", "prenom": "Anais", "dateNaissance": "2006-03-07", "telephone": at_registry}
    folded = deca.contrat([{"alternant": alternant, "detailsContrat": {"noContrat": "1"}}])
    assert folded is not None
    erp = SourcedRecord("ypareo", told("ypareo").type, "A", result.records[0], RECEIVED)
    one = merged(erp, told("registre", telephone=folded[0].telephone))
    assert one.jeune.telephone == kept
    assert provenance(one)["telephone", "registre"] == (False, False)


# 17. Homes sent to the wrong Mission locale.


def test_need_17_an_ambiguous_postcode_gives_candidates_never_the_first_commune() -> None:
    fuzzy = merged(told("ypareo", adresse=FUZZY)).jeune
    assert (fuzzy.mission_locale, fuzzy.commune) == (None, None)
    assert [possible.code for possible in fuzzy.missions_locales_possibles or []] == ["60001", "60002"]
    for about in (CREIL, BEAUVAIS, Adresse(insee="60175"), Adresse(code_postal=CodePostal("60100"), insee="60176")):
        jeune = merged(told("ypareo", adresse=about)).jeune
        assert jeune.mission_locale is not None
        assert jeune.missions_locales_possibles is None
    assert (
        merged(told("ypareo", adresse=Adresse(code_postal=CodePostal("99999")))).jeune.missions_locales_possibles
        is None
    )


@pytest.mark.parametrize("code", ["60001", "60002"])
def test_need_17_the_ambiguous_home_belongs_to_no_mission_locale(code: str) -> None:
    rompus = [contrat(date(2025, 9, 1), broken=date(2026, 9, 1))]
    witness = told("ypareo", adresse=FUZZY, formations=[TWO_YEARS], contrats=rompus)
    assert context([witness], code).view.persons == {}
    followed = context([witness, told("imilo", tenant=code, suivi=Suivi())], code)
    assert len(followed.view.ruptures) == 1


# 18. A priority list that says what it means.


def _broken_off_ago(days: int, **values: Any) -> Jeune:
    long = [session(date(2025, 3, 1), date(2027, 8, 31))]
    broken = contrat(date(2025, 3, 1), broken=DAY - timedelta(days=days))
    return merged(told("ypareo", formations=long, contrats=[broken], **values)).jeune


@pytest.mark.parametrize(("days", "listed"), [(0, 1), (179, 1), (180, 0), (181, 0)])
def test_need_18_more_than_180_days_is_out_of_the_list(days: int, listed: int) -> None:
    """The 181st day without contract is an ABANDON: the window and the status say the same thing."""
    ruptures = _broken_off_ago(days).ruptures or []
    assert len(filter_ruptures(ruptures, None, DAY)) == listed
    assert len(filter_ruptures(ruptures, FiltreRuptures(statut=list(S)), DAY)) == (days <= 180)


def test_need_18_a_new_contrat_is_flagged_and_out_of_the_list() -> None:
    broken = contrat(date(2025, 9, 1), broken=date(2026, 7, 1), numero="1")
    following = contrat(date(2026, 9, 15), numero="2")
    erp = told("ypareo", formations=[TWO_YEARS], contrats=[broken])
    # The CFA's word holds until a later contract, whoever tells it.
    for witnesses, new in (([erp], False), ([erp, told("registre", contrats=[following])], True)):
        one = merged(*witnesses).jeune
        (rupture,) = one.ruptures or []
        assert rupture.nouveau_contrat is new
        assert len(filter_ruptures([rupture], None, DAY)) == (not new)
        assert len(filter_ruptures([rupture], FiltreRuptures(statut=[S.APPRENTI]), DAY)) == new


def test_need_18_of_two_ruptures_the_first_tells_the_contrat_that_followed_it() -> None:
    contrats = [
        contrat(date(2025, 9, 1), broken=date(2026, 7, 1), numero="1"),
        contrat(date(2026, 8, 1), broken=date(2026, 10, 1), numero="2"),
    ]
    ruptures = merged(told("ypareo", formations=[TWO_YEARS], contrats=contrats)).jeune.ruptures or []
    assert [(str(r.date), r.nouveau_contrat) for r in ruptures] == [("2026-10-01", False), ("2026-07-01", True)]


def test_need_18_a_suivi_noted_before_the_rupture_does_not_handle_it() -> None:
    broken = date(2026, 9, 10)

    def etat(situation: SituationSuivi, note: datetime | None, maj: datetime | None) -> EtatTraitement | None:
        historique = [EtapeSuivi(situation=situation, date=note)] if note else None
        suivi = Suivi(situation=situation, date=maj, historique=historique)
        erp = told(
            "ypareo", adresse=BEAUVAIS, formations=[TWO_YEARS], contrats=[contrat(date(2025, 9, 1), broken=broken)]
        )
        ((_, rupture),) = context([erp, told("imilo", tenant="60001", suivi=suivi)]).view.ruptures.values()
        return rupture.etat

    watch, morning = on(broken - timedelta(days=1)), on(broken, 0)
    taken, called = SituationSuivi.RDV_PRIS, SituationSuivi.CONTACTE_SANS_RETOUR
    assert etat(taken, None, watch) is EtatTraitement.A_TRAITER
    assert etat(taken, None, morning) is EtatTraitement.TRAITE
    assert etat(taken, None, morning.astimezone(UTC)) is EtatTraitement.TRAITE  # the eve, in UTC
    assert etat(called, morning, morning) is EtatTraitement.INJOIGNABLE
    assert etat(taken, watch, on(DAY)) is EtatTraitement.A_TRAITER  # only a comment was added since
    assert etat(taken, None, None) is EtatTraitement.TRAITE  # nothing says that it came before


@pytest.mark.parametrize(
    ("days", "values", "motifs"),
    [
        (10, {}, []),
        (10, {"rqth": True}, [MotifPriorite.RQTH]),
        (10, {"date_naissance": date(2009, 1, 1)}, [MotifPriorite.MINEUR]),
        (10, {"suivi": Suivi(souhaite_rdv=True)}, [MotifPriorite.SOUHAITE_RDV]),
        (10, {"collaboration": Collaboration(demandee_le=RECEIVED)}, [MotifPriorite.ACCOMPAGNEMENT_CONJOINT]),
        (10, {"suivi": Suivi(souhaite_rdv=True), "rqth": True}, [MotifPriorite.SOUHAITE_RDV, MotifPriorite.RQTH]),
        (10, {"collaboration": Collaboration()}, []),
        (181, {"rqth": True}, []),
        (181, {"suivi": Suivi(souhaite_rdv=True)}, [MotifPriorite.SOUHAITE_RDV]),
    ],
)
def test_need_18_the_reasons_of_the_priority(days: int, values: dict[str, Any], motifs: list[MotifPriorite]) -> None:
    long = [session(date(2025, 3, 1), date(2027, 8, 31))]
    rompus = [contrat(date(2025, 3, 1), broken=DAY - timedelta(days=days))]
    erp = told("ypareo", adresse=BEAUVAIS, formations=long, contrats=rompus, **values)
    ((_, rupture),) = context([erp]).view.ruptures.values()
    assert (rupture.motifs_priorite, rupture.prioritaire) == (motifs, bool(motifs))


def test_need_18_apprenti_again_no_more_priority_by_default() -> None:
    contrats = [contrat(date(2025, 9, 1), broken=date(2026, 7, 1), numero="1"), contrat(date(2026, 9, 15), numero="2")]
    common: dict[str, Any] = {"adresse": BEAUVAIS, "formations": [TWO_YEARS], "contrats": contrats, "rqth": True}
    for suivi, motifs in ((None, []), (Suivi(souhaite_rdv=True), [MotifPriorite.SOUHAITE_RDV])):
        ((_, rupture),) = context([told("ypareo", suivi=suivi, **common)]).view.ruptures.values()
        assert rupture.motifs_priorite == motifs
