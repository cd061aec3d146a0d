"""What holds of joining and merging whatever the sources say: on generated testimonies, through the public functions.

What is merged is the question here, not who is joined: an INE makes one person of the records of each, whatever else they
contradict; twins without one are never joined.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.connectors import gestibase
from gateway.federation.join.join_records import SourcedRecord, link
from gateway.federation.join.merge import MergedPerson, merge
from gateway.federation.join.precedence import CONTRAT, JEUNE, RUPTURE
from gateway.federation.join.provenance import attach
from gateway.schema.nouns import (
    Adresse,
    Collaboration,
    Contrat,
    Employeur,
    Representant,
    Rupture,
    Sexe,
    SituationSuivi,
    Suivi,
)
from gateway.schema.organisations import Cfa
from gateway.schema.scalars import CodePostal
from tests.contract.test_connector_gestibase import ROW, WITHOUT_CONTRAT, whole
from tests.support.contract.connectors import CFA, drive
from tests.support.contract.connectors import DAY as ERP_DAY
from tests.support.unit.federation import AUTRE, DAY, DIRECTORY, UN, session, told

FEW = settings(max_examples=60, deadline=None)
PERSONS: list[dict[str, Any]] = [
    {"nom": "Le Goff", "prenom": "Anaïs", "date_naissance": date(2006, 3, 7), "sexe": Sexe.F},
    {"nom": "Le Goff", "prenom": "Maëlle", "date_naissance": date(2006, 3, 7), "sexe": Sexe.F},
    {"nom": "N'Diaye", "prenom": "Aminata", "date_naissance": date(2004, 11, 21), "sexe": Sexe.F},
]
INSTALLATIONS = [("ypareo", "A"), ("gestibase", "B"), ("registre", ""), ("imilo", "60001"), ("imilo", "60002")]
ADDRESSES = [Adresse(code_postal=CodePostal("60100"), ville=ville) for ville in ("Creil", "Nogent", None)]
BROKEN_OFF = date(2026, 9, 10)
FORMATIONS = [session(date(2025, 9, 1), date(2027, 8, 31)), session(date(2024, 9, 1), date(2025, 8, 31))]

instants = st.none() | st.integers(0, 40).map(lambda days: datetime(2026, 9, 1, tzinfo=UTC) + timedelta(days=days))
contacts = st.fixed_dictionaries(
    {
        "telephone": st.sampled_from([None, "0639980001", "0639980002", "0639980003"]),
        "courriel": st.sampled_from([None, "a@jeune.invalid", "b@jeune.invalid"]),
    }
)
followed = st.none() | st.builds(
    Suivi,
    situation=st.none() | st.sampled_from(SituationSuivi),
    date=instants,
    souhaite_rdv=st.booleans(),
)


@st.composite
def contrats(draw: st.DrawFn, who: int) -> list[Contrat]:
    """Some of three contracts, as one source tells them: a number of their own, days and employers that vary."""
    told_values = []
    for rank in sorted(draw(st.sets(st.integers(0, 2)))):
        debut = date(2024 + rank, 9, 1) + timedelta(days=draw(st.integers(0, 3)))
        broken = (
            draw(st.none() | st.sampled_from([BROKEN_OFF, BROKEN_OFF + timedelta(days=1)]))
            if debut < BROKEN_OFF
            else None
        )
        rupture = Rupture(date=broken, signalee_le=draw(st.none() | st.just(DAY))) if broken else None
        employeur = draw(
            st.sampled_from([None, Employeur(siret=UN), Employeur(siret=AUTRE), Employeur(denomination="X")])
        )
        fin = draw(st.sampled_from([date(2027, 8, 31), date(2027, 7, 31)]))
        told_values.append(
            Contrat(numero=f"0602026{who}{rank}", date_debut=debut, date_fin=fin, rupture=rupture, employeur=employeur)
        )
    return told_values


@st.composite
def witnesses(draw: st.DrawFn, persons: Sequence[int] = (0, 1, 2), ine: bool = True) -> list[SourcedRecord]:
    """What some installations say of some people, one record each."""
    records = []
    for who in persons:
        for source, tenant in INSTALLATIONS:
            if draw(st.booleans()):
                values = {
                    **PERSONS[who],
                    "ine": f"12345678{who}AB" if ine else None,
                    **draw(contacts),
                    "rqth": draw(st.sampled_from([None, True, False])),
                    "adresse": draw(st.none() | st.sampled_from(ADDRESSES)),
                }
                if source == "imilo":
                    values["suivi"] = draw(followed)
                else:
                    values["contrats"] = draw(contrats(who))
                    values["formations"] = draw(st.lists(st.sampled_from(FORMATIONS), max_size=2))
                records.append(told(source, str(who), tenant, draw(instants), **values))
    return records


def fusions(sourced_records: Iterable[SourcedRecord]) -> list[MergedPerson]:
    return [merge(group, DIRECTORY, DAY) for group in link(sourced_records)]


def resume(one: MergedPerson) -> dict[str, Any]:
    """All that the graph would show of a person, but for ids and times of receipt."""
    attach(one)
    jeune = one.jeune
    champs = {
        champ: getattr(jeune, champ) for champ in (*JEUNE, "mission_locale", "missions_locales_possibles", "statut")
    }
    champs |= {"etapes": jeune.steps, "formations": jeune.formations, "provenance": rows(jeune)}
    champs["contrats"] = [
        {**{champ: getattr(contrat, champ) for champ in CONTRAT if champ != "rupture"}, "provenance": rows(contrat)}
        for contrat in jeune.contrats or []
    ]
    champs["ruptures"] = [
        {**{champ: getattr(r, champ) for champ in (*RUPTURE, "sources", "nouveau_contrat")}, "provenance": rows(r)}
        for r in jeune.ruptures or []
    ]
    return champs


def rows(holder: Any) -> list[tuple[str, str, bool, bool]]:
    return [(line.champ, line.source, line.retenue, line.divergente) for line in holder.rows or []]


def resumes(sourced_records: Iterable[SourcedRecord]) -> list[dict[str, Any]]:
    return sorted(
        (resume(one) for one in fusions(sourced_records)), key=lambda seen: (str(seen["nom"]), str(seen["prenom"]))
    )


@FEW
@given(witnesses(), st.randoms(use_true_random=False))
def test_merging_is_independent_of_the_order_of_answers(told: list[SourcedRecord], randomness: Random) -> None:
    awaited = resumes(told)
    assert len(awaited) == len({witness.record.key for witness in told})  # everybody once
    randomness.shuffle(told)
    for witness in told:
        randomness.shuffle(witness.jeune.contrats or [])
    assert resumes(told) == awaited


@FEW
@given(witnesses(), st.randoms(use_true_random=False))
def test_a_source_that_answers_twice_says_nothing_more(told: list[SourcedRecord], randomness: Random) -> None:
    repeated_values = [
        replace(witness, received_at=witness.received_at + timedelta(minutes=5))
        for witness in told
        if randomness.random() < 0.5
    ]
    mix = told + repeated_values
    randomness.shuffle(mix)
    assert resumes(mix) == resumes(told)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=12), st.sets(st.integers(0, 12)))
def test_reading_is_independent_of_paging(eleves: list[int], coupes: set[int]) -> None:
    """The same rows, cut into pages elsewhere, even in the middle of one young person."""
    seen, csv_rows = dict[int, int](), list[dict[str, str]]()
    for eleve in eleves:
        rank = seen[eleve] = seen.get(eleve, -1) + 1
        line = {**ROW, "Contrat numéro": f"{rank}", "Contrat date début": f"2024{9 + rank % 4:02}01"}
        csv_rows.append({**(line if rank else {**ROW, **WITHOUT_CONTRAT}), "Elève ID": f"E{eleve}"})
    bounds = [0, *sorted(cut for cut in coupes if cut < len(csv_rows)), len(csv_rows)]
    pages = [whole(csv_rows[debut:fin]) for debut, fin in pairwise(bounds)]
    _, single = drive(gestibase.records(CFA, ERP_DAY), lambda partner_request: [whole(csv_rows)])
    _, cut_off = drive(gestibase.records(CFA, ERP_DAY), lambda partner_request: pages)
    assert cut_off.records == single.records


def kept_entries(holder: Any) -> dict[str, str]:
    """field -> the source kept."""
    return {line.champ: line.source for line in holder.rows or [] if line.retenue}


def as_field(attribute: str) -> str:
    head, *following = attribute.split("_")
    return head + "".join(word.capitalize() for word in following)


def verify(before: Any, after: Any, table: Iterable[str], retiree: str) -> None:
    """What another source said is still there; what only the removed one said is not."""
    who, rest = kept_entries(before), {line.champ for line in before.rows if line.source != retiree}
    for attribute in table:
        champ = as_field(attribute)
        if champ in who and who[champ] != retiree:
            assert value_of(before, attribute) == value_of(after, attribute), champ
        assert (champ in kept_entries(after)) == (champ in rest), champ


def value_of(holder: Any, attribute: str) -> Any:
    """A rupture and an employer are completed from several sources: theirs are verified apart."""
    value = getattr(holder, attribute)
    return value is not None if isinstance(value, Rupture | Employeur) else value


def siret_values(told: Iterable[SourcedRecord], numero: str | None) -> set[str]:
    everything = [contrat for witness in told for contrat in witness.jeune.contrats or [] if contrat.numero == numero]
    return {contrat.employeur.siret for contrat in everything if contrat.employeur and contrat.employeur.siret}


@settings(max_examples=250, deadline=None)
@given(witnesses([0]), st.sampled_from(["ypareo", "gestibase", "registre", "imilo"]))
def test_removing_a_source_removes_only_what_it_alone_said(told: list[SourcedRecord], retiree: str) -> None:
    remainders = [witness for witness in told if witness.source != retiree]
    if not remainders:
        return
    (before,), (after,) = fusions(told), fusions(remainders)
    attach(before)
    attach(after)
    verify(before.jeune, after.jeune, JEUNE, retiree)
    remaining = {contrat.numero: contrat for contrat in after.contrats}
    assert set(remaining) == {c.numero for witness in remainders for c in witness.jeune.contrats or []}
    for contrat in before.contrats:
        if contrat.numero in remaining:
            following = remaining[contrat.numero]
            verify(contrat, following, CONTRAT, retiree)
            of_the_removed = siret_values((witness for witness in told if witness.source == retiree), contrat.numero)
            if contrat.employeur and contrat.employeur.siret and contrat.employeur.siret not in of_the_removed:
                assert following.employeur
                assert following.employeur.siret == contrat.employeur.siret
            if contrat.rupture and following.rupture:
                verify(contrat.rupture, following.rupture, RUPTURE, retiree)


@FEW
@given(
    witnesses([0, 1], ine=False),
    st.sets(st.integers(0, 4)),
    st.sets(st.sampled_from(["telephone", "courriel", "adresse"]), min_size=1),
)
def test_swapping_contact_details_of_two_people_never_joins_them(
    told: list[SourcedRecord], where: set[int], champs: set[str]
) -> None:
    """Twins, who live together: in some systems, each has what the other should have."""
    exchanges = [INSTALLATIONS[rank] for rank in where]
    for origin in exchanges:
        pair = [witness.jeune for witness in told if witness.origin == origin]
        if len(pair) == 2:
            for champ in champs:
                one, other = (getattr(jeune, champ) for jeune in pair)
                setattr(pair[0], champ, other)
                setattr(pair[1], champ, one)
    groups = link(told)
    assert {witness.key for group in groups for witness in group.sourced_records} == {witness.key for witness in told}
    for group in groups:
        assert len({witness.record.key for witness in group.sourced_records}) == 1


OF_A_JEUNE: dict[str, Any] = {
    "nom": "Durand",
    "prenom": "Zoé",
    "date_naissance": date(2005, 1, 2),
    "sexe": Sexe.F,
    "ine": "123456789AB",
    "rqth": True,
    "telephone": "0639980001",
    "courriel": "a@jeune.invalid",
    "adresse": ADDRESSES[0],
    "representants": [Representant(nom="Durand", telephone="0639980002")],
    "suivi": Suivi(situation=SituationSuivi.NOUVEAU_PROJET),
    "collaboration": Collaboration(commentaire="un appel"),
}
OF_A_CONTRAT: dict[str, Any] = {
    "numero": "060202509000001",
    "type": "11",
    "date_debut": date(2025, 9, 1),
    "date_fin": date(2027, 8, 31),
    "employeur": Employeur(denomination="Au Bon Pain"),
    "cfa": Cfa(siret=UN),
    "rupture": Rupture(date=BROKEN_OFF),
}


def test_whatever_one_source_tells_comes_out_merged() -> None:
    """A field of the table of conflicts that merging forgets would be null for ever, and every check green."""
    (one,) = fusions([told("imilo", tenant="60001", **OF_A_JEUNE, contrats=[Contrat(**OF_A_CONTRAT)])])
    assert one.jeune.contrats
    (contrat,) = one.jeune.contrats
    assert OF_A_JEUNE.keys() == JEUNE.keys()
    assert OF_A_CONTRAT.keys() == CONTRAT.keys()
    assert {champ for champ in JEUNE if getattr(one.jeune, champ) is None} == set()
    assert {champ for champ in CONTRAT if getattr(contrat, champ) is None} == set()
