"""What lists, joins and views owe, told by the law, the policy or the truth: cases that no other test would miss."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from strawberry import ID

from gateway.auth.policy.policy import Perimetre
from gateway.auth.policy.rules import Finalite, Profil
from gateway.domain.matching import match
from gateway.domain.similarity import agreements, compare, weights
from gateway.domain.statut import StatutApprenant
from gateway.errors import InvalidRequest
from gateway.federation.collect.kept_readings import SourceReadings
from gateway.federation.join.join_records import Installation, SourcedRecord, link
from gateway.federation.join.merge import merge
from gateway.federation.join.provenance import attach
from gateway.federation.lists import filter_contrats, filter_jeunes, filter_ruptures
from gateway.federation.paging import JEUNE_ORDERS, RUPTURE_ORDERS, sort
from gateway.federation.views.view import Rights, View
from gateway.schema.filters import FiltreContrats, FiltreJeunes, FiltreRuptures
from gateway.schema.nouns import (
    Adresse,
    Collaboration,
    Formation,
    Jeune,
    MotifPriorite,
    Rupture,
    SituationSuivi,
    Statut,
    Suivi,
)
from gateway.schema.orders import TriContrats, TriJeunes, TriRuptures
from gateway.schema.organisations import Cfa
from gateway.schema.query import PageArgs
from gateway.schema.scalars import UAI, CodeInsee, CodePostal
from gateway.sources.resilience.circuit_breaker import CircuitBreaker, Outcome
from tests.support.access.tools import POLICY
from tests.support.unit.federation import DAY, DIRECTORY, build, context, contrat, merged, session, statut, told
from tests.support.unit.identity import contrat as signed
from tests.support.unit.identity import trait

PAGE = PageArgs(10, None)
BROKEN = DAY - timedelta(days=30)
HERE = Adresse(code_postal=CodePostal("60000"))
AMBIGUOUS = Adresse(code_postal=CodePostal("60100"))  # two communes, two Missions locales, one department
ONE, OTHER = Cfa(uai=UAI("0951099D")), Cfa(uai=UAI("0010856A"))
LONG_ONE = session(date(2025, 3, 1), date(2027, 8, 31))


def broken(key: str = "1", tenant: str = "A", **values: Any) -> SourcedRecord:
    signed_at = contrat(date(2025, 3, 1), broken=BROKEN, numero=key)
    return told("ypareo", key, tenant, **{"adresse": HERE, "formations": [LONG_ONE], "contrats": [signed_at], **values})


def seen_by(profil: Profil, organisation: str, *records: SourcedRecord, heard: Sequence[str] = ()) -> View:
    uais = frozenset({organisation}) if profil is Profil.CFA else frozenset[str]()
    finalite = Finalite.GESTION_CFA if profil is Profil.CFA else Finalite.ACCOMPAGNEMENT
    rights = Rights(POLICY, profil, finalite, Perimetre(profil, organisation, uais))
    return build(SourceReadings(list(records), suivi_heard=frozenset(heard)), rights)


# The treatment of a rupture


def test_nothing_is_said_of_a_treatment_when_no_mission_locale_was_heard() -> None:
    record = broken(rqth=True)
    (_, unheard), (_, heard) = (
        next(iter(seen_by(Profil.MISSION_LOCALE, "60001", record, heard=who).ruptures.values()))
        for who in ((), ("60001",))
    )
    assert (unheard.etat, unheard.prioritaire, unheard.motifs_priorite) == (None, None, None)
    assert (heard.etat is not None, heard.prioritaire is not None) == (True, True)


# Who may be seen


@pytest.mark.parametrize(
    ("born", "rqth", "seen"),
    [
        (date(1999, 3, 7), True, True),  # 27, a recognised disability
        (date(1999, 3, 7), False, False),
        (date(1999, 3, 7), None, False),
        (date(2000, 10, 16), None, True),  # 26 tomorrow
        (date(2000, 10, 15), None, False),  # 26 today
        (date(2010, 10, 15), None, True),  # 16 today
        (date(2010, 10, 16), None, False),
        (date(2010, 10, 16), True, False),  # under 16, disabled or not
    ],
)
def test_a_mission_locale_sees_from_16_to_25_and_disabled_people_beyond(
    born: date, rqth: bool | None, seen: bool
) -> None:
    view = seen_by(Profil.MISSION_LOCALE, "60001", broken(date_naissance=born, rqth=rqth))
    assert len(view.persons) == len(view.ruptures) == seen


def test_a_cfa_keeps_its_own_contracts_and_trainings_and_loses_those_of_others() -> None:
    own, foreign = replace(LONG_ONE, cfa=ONE), replace(session(date(2024, 9, 1), date(2025, 2, 1)), cfa=OTHER)
    contrats = [contrat(date(2025, 3, 1), cfa=ONE), contrat(date(2024, 9, 1), date(2025, 2, 1), cfa=OTHER)]
    view = seen_by(Profil.CFA, "0951099D", broken(tenant="0951099D", formations=[own, foreign], contrats=contrats))
    (person,) = view.persons.values()
    assert [formation.date_debut for formation in person.jeune.formations or []] == [date(2025, 3, 1)]
    assert [one.date_debut for one in person.jeune.contrats or []] == [date(2025, 3, 1)]
    assert [one.formation and one.formation.date_debut for one in person.jeune.contrats or []] == [date(2025, 3, 1)]


# Who is joined with whom


def test_an_inversion_is_of_both_names_or_none() -> None:
    paul, martin = trait(nom="Martin", prenom="Paul"), trait("imilo", nom="Dupont", prenom="Martin")
    assert compare(paul, martin).score < weights().probable
    assert len(match([paul, martin])[0]) == 2
    assert len(match([trait(nom="Martin", prenom="Paul"), trait("imilo", nom="Paul", prenom="Martin")])[0]) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        # each shares one key of comparison with the other, and no other one
        (
            trait(nom="Duval", prenom="Anne", naissance=date(2006, 3, 7), ine="123456789AB"),
            trait("imilo", nom="Duvall", prenom="Anne", naissance=date(2006, 3, 9), ine="123456789AB"),
        ),
        (
            trait(nom="Duval", prenom="Anne", naissance=date(2006, 3, 7), contrats=(signed("059202509120007"),)),
            trait(
                "registre",
                nom="Duvall",
                prenom="Anne",
                naissance=date(2006, 3, 9),
                contrats=(signed("059202509120007"),),
            ),
        ),
        (
            trait(naissance=date(2006, 3, 7), telephone="0639980001"),
            trait("imilo", naissance=date(2006, 7, 3), telephone="0639980001"),
        ),
    ],
    ids=["INE", "numéro de contrat", "jour et mois échangés"],
)
def test_each_key_of_comparison_alone_brings_two_records_of_one_person_together(one: Any, other: Any) -> None:
    (single,), doubtful = match([one, other])
    assert len(single.members) == 2
    assert doubtful == []  # what is joined is not offered too


def test_the_silence_of_one_side_on_contracts_says_nothing_and_in_the_same_way_both_ways() -> None:
    silent, speaking = trait(), trait("registre", contrats=(signed("059202509120007"),))
    assert "contrat" not in dict(agreements(silent, speaking))
    assert (
        compare(silent, speaking).score == compare(speaking, silent).score == compare(silent, trait("registre")).score
    )


def test_a_link_offered_is_strong_enough_to_be_offered_and_no_other_is() -> None:
    one, near = trait(), trait("imilo", prenom="Anna", telephone="0639980001")
    far = trait("gestibase", nom="Bernard", prenom="Louis", naissance=date(2006, 3, 8))
    _, doubtful = match([one, near, far])
    assert all(weights().a_confirmer <= pair.score < weights().probable for pair in doubtful)
    assert all("gestibase" not in (pair.left.origin[0], pair.right.origin[0]) for pair in doubtful)


@pytest.mark.parametrize(
    ("prenoms", "joined"), [((), True), (("Anaïs",), True), (("Zoé",), False), (("Anaïs",) * 2, False)]
)
def test_a_phone_joins_two_people_until_its_school_gives_it_for_two_first_names_or_three_records(
    prenoms: tuple[str, ...], joined: bool
) -> None:
    home: dict[str, Any] = {"telephone": "0199000001", "adresse": HERE}
    one = told("ypareo", "0", nom="Leclercq", **home)
    others = [
        told("ypareo", str(n), nom=f"{'ABCD'[n]}utre", prenom=prenom, telephone="0199000001")
        for n, prenom in enumerate(prenoms, 1)
    ]
    whole = Installation([who.record for who in (one, *others)])
    school = [replace(who, installation=whole) for who in (one, *others)]
    same = told("imilo", nom="Leclerq", date_naissance=date(2006, 3, 8), **home)  # the home alone does not join them
    joined_to = [person for person in link([*school, same]) if len(person.sourced_records) == 2]
    assert bool(joined_to) is joined


# Lists


@pytest.mark.parametrize(
    ("filtre", "kept"),
    [
        ({"debut_depuis": date(2025, 9, 1)}, {"b", "c"}),
        ({"debut_jusqua": date(2025, 9, 1)}, {"a", "b"}),
        ({"debut_depuis": date(2025, 9, 1), "debut_jusqua": date(2025, 9, 1)}, {"b"}),
        ({"cfa": ONE.uai}, {"b"}),
        ({"rompus": True}, {"c"}),
        ({"rompus": False}, {"a", "b", "d"}),
        ({}, {"a", "b", "c", "d"}),
    ],
)
def test_every_filter_of_contracts(filtre: dict[str, Any], kept: set[str]) -> None:
    contrats = [
        replace(contrat(date(2025, 8, 31), cfa=OTHER), id=ID("a")),
        replace(contrat(date(2025, 9, 1), cfa=ONE), id=ID("b")),
        replace(contrat(date(2025, 9, 2), broken=BROKEN), id=ID("c")),
        replace(contrat(date(2025, 9, 2)), id=ID("d"), date_debut=None),
    ]
    assert {one.id for one in filter_contrats(contrats, FiltreContrats(**filtre))} == kept


def rupture(id_: str, jeune: Jeune, cfa: Cfa | None) -> Rupture:
    return Rupture(id=ID(id_), date=BROKEN, jeune=jeune, contrat=contrat(date(2025, 3, 1), cfa=cfa))


def test_ruptures_are_filtered_by_cfa_and_by_the_department_of_the_residence_that_was_derived() -> None:
    person = merged(broken()).jeune
    near, undecided, abroad = (replace(person, departement=code) for code in ("60", "60", None))
    undecided.commune = None  # one department, two communes
    rows = [rupture("a", near, ONE), rupture("b", undecided, OTHER), rupture("c", abroad, None)]

    def ids(**filtre: Any) -> set[str]:
        return {str(one.id) for one in filter_ruptures(rows, FiltreRuptures(**filtre), DAY)}

    assert ids() == {"a", "b", "c"}
    assert (ids(departements=["60"]), ids(departements=["59"]), ids(departements=["59", "60"])) == (
        {"a", "b"},
        set(),
        {"a", "b"},
    )
    assert (ids(cfa=ONE.uai), ids(cfa=OTHER.uai), ids(cfa=ONE.uai, departements=["59"])) == ({"a"}, {"b"}, set())


def test_an_ambiguous_home_of_one_department_is_listed_for_it() -> None:
    followed = told(
        "imilo", "1", "60001", suivi=Suivi(situation=SituationSuivi.RDV_PRIS, date=datetime(2026, 10, 1, tzinfo=UTC))
    )
    listed = context([broken(adresse=AMBIGUOUS), followed])
    ((_, one),) = listed.view.ruptures.values()
    assert one.jeune
    assert (one.jeune.commune, one.jeune.departement) == (None, "60")


@pytest.mark.parametrize("code", ["60", "060", "60 "])
def test_a_caller_writes_a_department_as_partners_do(code: str) -> None:
    page = context([broken()]).ruptures(FiltreRuptures(departements=[code]), TriRuptures.DATE_DESC, PAGE)
    assert page
    assert page.total_count == 1


@pytest.mark.parametrize(
    ("criteria", "named"),
    [
        ({"departements": ["60", "97"]}, r"filtre\.departements\[1\]"),
        ({"departements": ["Oise"]}, r"filtre\.departements\[0\]"),
        ({"communes": ["60057", "99999"]}, r"filtre\.communes\[1\]"),
    ],
)
def test_an_unknown_territory_is_an_error_that_names_its_place_and_not_an_empty_list(
    criteria: dict[str, Any], named: str
) -> None:
    with pytest.raises(InvalidRequest, match=named):
        context([broken()]).ruptures(FiltreRuptures(**criteria), TriRuptures.DATE_DESC, PAGE)
    if "communes" in criteria:
        with pytest.raises(InvalidRequest, match=named):
            context([broken()]).jeunes(FiltreJeunes(**criteria), TriJeunes.NOM_ASC, PAGE)


def test_a_caller_writes_a_contract_number_as_partners_do() -> None:
    numero = "060202702000011"
    record = broken(contrats=[contrat(date(2025, 3, 1), numero=numero)])
    for written in (numero, "60202702000011", "060 2027 02 00 0011"):
        found = context([record]).contrat(None, written)
        assert found, written
        assert found.date_debut == date(2025, 3, 1)
    assert context([record]).contrat(None, "060202702000012") is None
    with pytest.raises(InvalidRequest, match="argument numero"):
        context([record]).contrat(None, "6,0202E+13")


def test_a_contract_is_found_by_its_number_among_others_that_have_none() -> None:
    numero = "060202503010001"
    rows = [contrat(date(2025, 3, 1), numero=numero), contrat(date(2023, 3, 1), date(2024, 3, 1))]
    found = context([broken(contrats=rows)]).contrat(None, numero)
    assert found
    assert found.date_debut == date(2025, 3, 1)


@pytest.mark.parametrize("written", ["", " "])
def test_a_number_without_characters_is_not_that_of_a_contract_without_number(written: str) -> None:
    record = broken(contrats=[contrat(date(2025, 3, 1))])
    assert context([record]).contrats(None, TriContrats.DEBUT_DESC, PAGE).total_count == 1  # type: ignore[union-attr]
    with pytest.raises(InvalidRequest, match="argument numero"):
        context([record]).contrat(None, written)


def test_names_in_order_backwards_and_with_accents_apart() -> None:
    told_names = [("Roy", "Zoé"), ("Élan", "Léo"), ("Roy", "Anne"), ("Royer", "Ève"), ("Dubois", "Max")]
    people = [Jeune(id=ID(str(rank)), nom=nom, prenom=prenom) for rank, (nom, prenom) in enumerate(told_names)]
    names = ["Dubois", "Élan", "Roy", "Roy", "Royer"]
    ascending = sort(people, JEUNE_ORDERS[TriJeunes.NOM_ASC]).elements
    descending = sort(people, JEUNE_ORDERS[TriJeunes.NOM_DESC]).elements
    assert [jeune.nom for jeune in ascending] == names
    assert [jeune.prenom for jeune in ascending if jeune.nom == "Roy"] == ["Anne", "Zoé"]
    assert descending == ascending[::-1]


def test_the_order_of_priority_puts_last_those_whose_reasons_are_unknown() -> None:
    reasons = [None, [], [MotifPriorite.MINEUR], [MotifPriorite.MINEUR, MotifPriorite.ACCOMPAGNEMENT_CONJOINT]]
    rows = [
        Rupture(id=ID(str(rank)), date=BROKEN, motifs_priorite=told_reasons)
        for rank, told_reasons in enumerate(reasons)
    ]
    assert [one.id for one in sort(rows, RUPTURE_ORDERS[TriRuptures.PRIORITE]).elements] == ["3", "2", "0", "1"]


@pytest.mark.parametrize(
    ("filtre", "kept"),
    [
        ({"nom": "roy"}, 3),
        ({"nom": "ROYE"}, 1),
        ({"cfa": ONE.uai}, 1),
        ({"statut": []}, 0),
        ({"statut": [StatutApprenant.INSCRIT]}, 1),
        ({"communes": ["60057"]}, 1),
        ({"communes": ["60175"]}, 0),
        ({"communes": []}, 0),
        ({}, 3),
    ],
)
def test_every_filter_of_young_people(filtre: dict[str, Any], kept: int) -> None:
    people = [
        Jeune(nom=nom, formations=[Formation(cfa=cfa)]) for nom, cfa in (("Roy", ONE), ("Roÿ", OTHER), ("Royer", None))
    ]
    people[0].commune = DIRECTORY.commune("60057")
    people[1].statut = Statut(valeur=StatutApprenant.INSCRIT, depuis=DAY)
    assert len(filter_jeunes(people, FiltreJeunes(**filtre))) == kept


# Merging


def test_of_two_trainings_at_once_the_contract_is_tied_to_the_one_of_its_own_cfa_and_leads_to_its_person() -> None:
    trainings = [replace(LONG_ONE, cfa=ONE, intitule="A"), replace(LONG_ONE, cfa=OTHER, intitule="B")]
    for cfa, title in ((ONE, "A"), (OTHER, "B")):
        one = merged(told("ypareo", formations=trainings, contrats=[contrat(date(2025, 3, 1), cfa=cfa)]))
        (single,) = one.jeune.contrats or []
        assert single.formation
        assert single.formation.intitule == title
        assert single.jeune is one.jeune


def test_a_contract_crosses_no_training_whose_days_nobody_tells() -> None:
    one = merged(told("ypareo", formations=[Formation(intitule="CAP")], contrats=[contrat(date(2025, 3, 1))]))
    assert [signed_at.formation for signed_at in one.jeune.contrats or []] == [None]


def test_a_training_of_the_registry_without_its_days_adds_nothing_to_those_of_the_cfa() -> None:
    dateless = Formation(intitule="CAP")
    one = merged(told("ypareo", formations=[LONG_ONE]), told("registre", formations=[dateless]))
    assert [formation.date_debut for formation in one.jeune.formations or []] == [LONG_ONE.date_debut]
    alone = merged(told("registre", formations=[dateless]))
    assert [formation.intitule for formation in alone.jeune.formations or []] == ["CAP"]


def test_the_earliest_report_is_the_one_that_is_kept() -> None:
    early, late = date(2026, 9, 20), date(2026, 10, 2)
    days = {"ypareo": late, "registre": early}
    records = [
        told(source, contrats=[contrat(date(2025, 9, 1), numero="1", rupture=Rupture(date=BROKEN, signalee_le=day))])
        for source, day in days.items()
    ]
    (group,) = link(records)
    one = merge(group, DIRECTORY, DAY)
    attach(one)
    (broken_one,) = one.jeune.ruptures or []
    rows = {line.source: line.retenue for line in broken_one.rows or [] if line.champ == "signaleeLe"}
    assert rows == {"ypareo": False, "registre": True}


# Breakers


def test_a_breaker_closes_after_three_probes_that_succeed_and_lets_everything_go_again() -> None:
    breaker, instant = CircuitBreaker(), 100.0
    for _ in range(5):
        breaker.note(Outcome.TIMEOUT, instant, breaker.depart())
    assert not breaker.closed
    for probes in (1, 2, 3):
        instant += breaker.waiting(instant)
        assert breaker.waiting(instant) == 0
        breaker.note(Outcome.SUCCESS, instant, breaker.depart())
        assert breaker.closed is (probes == 3)
    assert [breaker.depart() for _ in range(10)] == [False] * 10  # readings at once, none of which is a probe
    assert breaker.waiting(instant) == 0


# Statuses of contracts that no training tells of (docs/domaine.md, Statut)


@pytest.mark.parametrize(
    ("debut", "fin", "parcours"),
    [
        # the training goes from 1 September 2025 to 31 August 2026; a contract that crosses it makes no training of its own
        ("2026-08-31", "2027-08-31", ["INSCRIT 2025-09-01", "ABANDON 2025-11-30", "FIN_DE_FORMATION 2026-08-31"]),
        ("2024-09-01", "2025-09-01", ["APPRENTI 2024-09-01", "RUPTURANT 2025-09-02", "ABANDON 2026-03-01"]),
        # … and one that does not does
        ("2026-09-01", "2027-08-31", ["INSCRIT 2025-09-01", "ABANDON 2025-11-30", "APPRENTI 2026-09-01"]),
        ("2024-09-01", "2025-08-31", ["APPRENTI 2024-09-01", "FIN_DE_FORMATION 2025-08-31", "INSCRIT 2025-09-01"]),
    ],
)
def test_a_contract_is_a_training_of_its_own_where_it_crosses_none(debut: str, fin: str, parcours: list[str]) -> None:
    training = session(date(2025, 9, 1), date(2026, 8, 31))
    signed_at = contrat(date.fromisoformat(debut), date.fromisoformat(fin))
    one = merged(told("ypareo", formations=[training], contrats=[signed_at]))
    assert [f"{step.valeur.value} {step.depuis}" for step in one.jeune.steps or []][: len(parcours)] == parcours


@pytest.mark.parametrize("days", [0, 1])
def test_a_training_of_one_day_is_a_training(days: int) -> None:
    one = merged(told("ypareo", formations=[session(DAY, DAY + timedelta(days=days))]))
    assert statut(one) is (StatutApprenant.FIN_DE_FORMATION if days == 0 else StatutApprenant.INSCRIT)
    backwards = merged(told("ypareo", formations=[session(DAY, DAY - timedelta(days=1))]))
    assert backwards.jeune.statut is None


def test_an_end_that_another_start_outdates_hides_no_rupture() -> None:
    """docs/domaine.md, Rupture: an end that is not after the start is no end, whoever tells it."""
    former = contrat(date(2024, 9, 1), date(2025, 8, 31), numero="060202509010001")
    signed_at = contrat(date(2025, 9, 1), broken=BROKEN, numero="060202509010001")
    signed_at.date_fin = None
    one = merged(told("ypareo", contrats=[signed_at]), told("registre", contrats=[former]))
    (single,) = one.jeune.contrats or []
    assert single.date_debut == date(2025, 9, 1)
    assert single.rupture


@pytest.mark.parametrize(("fin", "is_end"), [(date(2025, 8, 31), False), (date(2025, 9, 1), False), (DAY, True)])
def test_an_end_that_is_not_after_the_start_makes_no_training_of_a_contract(fin: date, is_end: bool) -> None:
    former = contrat(date(2024, 9, 1), fin, numero="060202509010001")
    signed_at = contrat(date(2025, 9, 1), numero="060202509010001")
    signed_at.date_fin = None
    one = merged(told("ypareo", contrats=[signed_at]), told("registre", contrats=[former]))
    assert (one.jeune.statut is not None) is is_end


def test_a_contract_whose_start_nobody_tells_ends_at_its_term_as_another() -> None:
    for broken_on, is_broken in ((date(2026, 9, 1), True), (date(2027, 8, 31), False)):
        signed_at = contrat(date(2025, 9, 1), date(2027, 8, 31), broken_on)
        signed_at.date_debut = None
        assert bool(merged(told("ypareo", contrats=[signed_at]), day=date(2028, 1, 1)).jeune.ruptures) is is_broken


def test_the_cfa_of_a_contract_is_the_one_that_a_source_tells() -> None:
    silent, speaking = (contrat(date(2025, 3, 1), numero="060202509010001", cfa=cfa) for cfa in (None, ONE))
    one = merged(told("ypareo", contrats=[silent]), told("registre", contrats=[speaking]))
    (single,) = one.jeune.contrats or []
    assert single.cfa
    assert single.cfa.uai == ONE.uai


def test_of_two_ruptures_that_one_source_tells_of_one_number_the_latest_is_kept() -> None:
    days = [date(2026, 9, 10), date(2026, 9, 20)]
    for order in (days, days[::-1], [None, days[1]], [days[1], None]):
        rows = [replace(contrat(date(2025, 9, 1), broken=DAY), numero="060202509010001") for _ in order]
        for row, day in zip(rows, order, strict=True):
            row.rupture = Rupture(date=day)
        one = merged(told("ypareo", contrats=rows))
        assert [rupture.date for rupture in one.jeune.ruptures or []] == [days[1]]


def test_the_home_is_that_of_the_mission_locale_that_noted_the_latest_follow_up() -> None:
    """docs/domaine.md, Conflits, *située*: of one kind of source, who tells the latest event of this life."""
    homes = {"60001": "60057", "60002": "60175"}
    for latest, home in homes.items():
        records = [
            told(
                "imilo",
                "7",
                code,
                adresse=Adresse(insee=CodeInsee(insee)),
                suivi=Suivi(date=datetime(2026, 10, 2 if code == latest else 1, 9, tzinfo=UTC)),
            )
            for code, insee in homes.items()
        ]
        jeune = merged(*records).jeune
        assert jeune.commune
        assert jeune.commune.code == home


# What a Mission locale knows, where a CFA looks


def dossier(code: str, key: str = "7", asked_by: str | None = None, day: int = 1, **values: Any) -> SourcedRecord:
    asked = Collaboration(demandee_le=datetime(2026, 10, 1, tzinfo=UTC), uai=UAI(asked_by)) if asked_by else None
    noted = datetime(2026, 10, day, 9, tzinfo=UTC)
    suivi = Suivi(situation=SituationSuivi.RDV_PRIS, date=noted)
    return told("imilo", key, code, noted, suivi=suivi, collaboration=asked, **values)


def follow_up_of(uai: str, *dossiers: SourcedRecord) -> tuple[str | None, str | None]:
    """The Mission locale whose follow-up a CFA reads of its only person, and the CFA whose request it reads."""
    own = broken(tenant=uai, contrats=[contrat(date(2025, 3, 1), cfa=Cfa(uai=UAI(uai)))])
    ((person),) = seen_by(Profil.CFA, uai, own, *dossiers).persons.values()
    suivi, request = person.jeune.suivi, person.jeune.collaboration
    told_by = suivi.mission_locale if suivi else None
    return told_by.code if told_by else None, request.uai if request else None


HERE_CFA, THERE_CFA = "0951099D", "0010856A"


def test_s4_a_cfa_that_asked_reads_the_latest_follow_up_and_its_own_request() -> None:
    asked = dossier("60001", asked_by=HERE_CFA)
    assert follow_up_of(HERE_CFA, asked) == ("60001", HERE_CFA)
    assert follow_up_of(HERE_CFA, asked, dossier("60002", day=5)) == ("60002", HERE_CFA)
    assert follow_up_of(HERE_CFA, dossier("60001", asked_by=HERE_CFA, day=5), dossier("60002")) == ("60001", HERE_CFA)


def test_s4_a_cfa_that_did_not_ask_learns_nothing_of_a_mission_locale() -> None:
    for dossiers in (
        [dossier("60001")],
        [dossier("60001", asked_by=THERE_CFA)],
        [dossier("60001", asked_by=THERE_CFA), dossier("60002")],
    ):
        assert follow_up_of(HERE_CFA, *dossiers) == (None, None)


def test_s4_a_dossier_without_a_request_changes_nothing_of_what_a_request_opens() -> None:
    """Two dossiers of one system about as like the person are nobody's; of two of which one holds the request, that one is."""
    asked, without = dossier("60001", "7", HERE_CFA), dossier("60001", "8")
    assert follow_up_of(HERE_CFA, asked, without) == ("60001", HERE_CFA)
    assert follow_up_of(HERE_CFA, asked, dossier("60001", "8", THERE_CFA)) == ("60001", HERE_CFA)
    assert follow_up_of(HERE_CFA, asked, dossier("60001", "8", HERE_CFA)) == (None, None)


def test_s4_no_doubtful_link_leads_out_of_what_is_seen() -> None:
    """Somebody who looks like one of mine and lives elsewhere is not even hinted at; of two of mine, each hints at the other."""
    places = [Adresse(code_postal=CodePostal("60100"), ville=ville) for ville in ("Nogent", "Creil")]
    mine = broken(telephone="0639980001", adresse=places[0])
    for place, hints in ((places[1], 0), (places[0], 1)):
        near = broken("2", "B", prenom="Anna", telephone="0639980001", adresse=place)
        view = seen_by(Profil.MISSION_LOCALE, "60001", mine, near)
        assert [len(person.merged.cluster.doubtful) for person in view.persons.values()] == [hints] * (1 + hints)
