"""Small rules of views and follow-ups that a hurried change would turn round, each by its own case."""

from dataclasses import replace
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from gateway.auth.policy.policy import Affiliation, Perimetre
from gateway.auth.policy.rules import CategorieDonnee, Finalite, Profil
from gateway.domain.similarity import Level
from gateway.federation.collect.kept_readings import SourceReadings
from gateway.federation.join.follow_ups import one_each
from gateway.federation.join.join_records import FollowUp
from gateway.federation.join.merge import etat_traitement
from gateway.federation.join.precedence import same_representants
from gateway.federation.views.build import _is_suivi_known
from gateway.federation.views.moi_resolver import present_moi
from gateway.federation.views.view import MaskedCopies, Rights, Shown, View, readable
from gateway.schema.filters import FiltreJeunes
from gateway.schema.nouns import (
    Adresse,
    EtapeSuivi,
    EtatTraitement,
    Jeune,
    Representant,
    Sexe,
    SituationSuivi,
    Suivi,
)
from gateway.schema.orders import TriJeunes, TriRuptures
from gateway.schema.organisations import MissionLocale, TypeTerritoire
from gateway.schema.query import PageArgs
from gateway.schema.scalars import CodePostal
from tests.support.access.tools import POLICY, decision, viewer
from tests.support.unit.federation import DAY, DIRECTORY, context, contrat, told

HERE, THERE = "60001", "60002"
S = SituationSuivi


def at(day: int, hour: int = 9) -> datetime:
    return datetime(2026, 9, day, hour, tzinfo=UTC)


def _rights(profil: Profil, granted: frozenset[CategorieDonnee] = frozenset()) -> Rights:
    policy: Any = SimpleNamespace(granted=lambda *_: granted)
    return Rights(policy, profil, Finalite.ACCOMPAGNEMENT, Perimetre(profil, HERE))


def _heard(*codes: str) -> SourceReadings:
    return cast("SourceReadings", SimpleNamespace(suivi_heard=set(codes)))


def test_of_two_dossiers_of_an_installation_the_closest_is_the_persons() -> None:
    def follow_up(name: str, score: float) -> FollowUp:
        pair = SimpleNamespace(score=score, left=SimpleNamespace(rank=1), right=SimpleNamespace(rank=2))
        return cast("FollowUp", (SimpleNamespace(origin=("imilo", HERE), name=name), pair))

    closest, other = follow_up("closest", 40.0), follow_up("other", 5.0)
    assert one_each([other, closest]) == one_each([closest, other]) == [closest]


def test_two_dossiers_about_as_like_are_nobodys() -> None:
    pair = SimpleNamespace(score=40.0, left=SimpleNamespace(rank=1), right=SimpleNamespace(rank=2))
    same = [cast("FollowUp", (SimpleNamespace(origin=("imilo", HERE)), pair)) for _ in range(2)]
    assert one_each(same) == []


def test_representants_of_two_names_differ() -> None:
    assert not same_representants([Representant(nom="Durand")], [Representant(nom="Petit")])
    assert same_representants([Representant(nom="Durand")], [Representant(nom="DURAND")])


def test_a_person_of_whom_public_data_alone_may_be_read_is_not_there() -> None:
    resident = Affiliation(mission_locale=HERE)
    public = frozenset({CategorieDonnee.PUBLIQUE})
    assert readable(Jeune(age=20), resident, _rights(Profil.MISSION_LOCALE, public)) == frozenset()
    more = public | {CategorieDonnee.PARCOURS}
    assert readable(Jeune(age=20), resident, _rights(Profil.MISSION_LOCALE, more)) == more


def test_no_follow_up_means_something_once_the_system_that_would_hold_it_was_heard() -> None:
    """A Mission locale looks at its own; anybody else at the one of the residence."""
    away = Jeune(mission_locale=MissionLocale(code=THERE, nom="Ailleurs"))
    for profil, asked, other in ((Profil.MISSION_LOCALE, HERE, THERE), (Profil.CFA, THERE, HERE)):
        assert _is_suivi_known(away, _rights(profil), _heard(asked))
        assert not _is_suivi_known(away, _rights(profil), _heard(other))
    assert _is_suivi_known(Jeune(suivi=Suivi()), _rights(Profil.CFA), _heard())


def test_a_view_keeps_what_it_showed_to_sixteen_different_rights_at_most() -> None:
    view, categories = View(), frozenset({CategorieDonnee.PARCOURS})
    rights = [
        Rights(POLICY, Profil.DREETS, Finalite.CONTROLE_OBLIGATION, Perimetre(Profil.DREETS, f"{n}")) for n in range(17)
    ]
    kept = [view.shown_copies(one, categories, ()) for one in rights[:16]]
    assert all(view.shown_copies(one, categories, ()) is copies for one, copies in zip(rights[:16], kept, strict=True))
    view.shown_copies(rights[16], categories, ())
    assert view.shown_copies(rights[0], categories, ()) is not kept[0]


def test_copies_kept_with_a_view_are_three_a_person_and_a_hundred_at_least() -> None:
    view, categories = View(), frozenset({CategorieDonnee.PARCOURS})
    copies = view.shown_copies(_rights(Profil.DREETS), categories, ())
    shown = Shown(None, {})
    view.keep(copies, {f"{n}": shown for n in range(100)})
    assert len(copies.copies) == 100
    view.keep(copies, {"one more": shown})
    assert set(copies.copies) == {"one more"}


def test_a_page_shown_to_the_same_rights_is_the_one_that_was_made_unless_it_tells_a_state_that_changes() -> None:
    page = PageArgs(5, None)
    asked = context([told("ypareo", "1", "A", adresse=Adresse(code_postal=CodePostal("60000")))])
    assert asked.frozen
    assert asked.ruptures(None, TriRuptures.DATE_DESC, page) is asked.ruptures(None, TriRuptures.DATE_DESC, page)
    state = '{ cfa(uai: "0951099D") { source { nom } } }'
    changing = replace(asked, decision=decision(Profil.ADMINISTRATEUR, state))
    assert not changing.frozen


@pytest.mark.parametrize(
    ("profil", "organisation", "nature", "codes"),
    [
        (Profil.MISSION_LOCALE, "60001", TypeTerritoire.MISSION_LOCALE, ["60001"]),
        (Profil.CFA, "0951099D", TypeTerritoire.CFA, ["0010856A", "0951099D"]),
        (Profil.TETE_DE_RESEAU, "mfr", TypeTerritoire.RESEAU, ["mfr"]),
        (Profil.DREETS, "32", TypeTerritoire.REGION, ["32"]),
        (Profil.DDETS, "60", TypeTerritoire.DEPARTEMENT, ["60"]),
        (Profil.ACADEMIE, "20", TypeTerritoire.ACADEMIE, ["20"]),
        (Profil.FRANCE_TRAVAIL, "32", TypeTerritoire.REGION, ["32"]),
        (Profil.ARML, "32", TypeTerritoire.REGION, ["32"]),
        (Profil.STATISTIQUES, "", TypeTerritoire.NATIONAL, ["FR"]),
        (Profil.STATISTIQUES, "DARES", TypeTerritoire.NATIONAL, ["FR"]),
        (Profil.ADMINISTRATEUR, "", None, []),
        (Profil.ADMINISTRATEUR, "exploitant", None, []),
        (Profil.DREETS, "", None, []),
    ],
)
def test_a_caller_is_told_its_perimeter_by_nature_and_code(
    profil: Profil, organisation: str, nature: TypeTerritoire | None, codes: list[str]
) -> None:
    uais = frozenset({"0951099D", "0010856A"}) if profil is Profil.CFA else frozenset[str]()
    who = replace(viewer(profil), perimetre=Perimetre(profil, organisation, uais))
    rights = Rights(POLICY, profil, who.finalite, who.perimetre)
    moi = present_moi(who, rights, decision(who, "{ moi { perimetre { code } } }"), DIRECTORY)
    assert [(place.type, place.code) for place in moi.perimetre] == [(nature, code) for code in codes]


@pytest.mark.parametrize("selected", [True, False])
def test_what_joined_the_records_of_a_person_is_told_where_it_is_selected(selected: bool) -> None:
    broken_off = contrat(date(2025, 3, 1), broken=DAY, numero="060202503010001")
    home = Adresse(code_postal=CodePostal("60000"))
    both = [told(name, "1", "A", adresse=home, contrats=[broken_off], sexe=Sexe.F) for name in ("ypareo", "registre")]
    text = "{ jeunes { edges { node { id %s } } } }" % ("rapprochements { champ accord sources }" if selected else "")
    asked = replace(context(both), decision=decision(Profil.MISSION_LOCALE, text))
    page = asked.jeunes(FiltreJeunes(), TriJeunes.NOM_ASC, PageArgs(5, None))
    assert page
    lines = page.nodes[0].indices
    assert {line.niveau for line in lines or ()} <= {Level.CERTAIN}, "one name, one birth, one contract"
    told_lines = {(line.champ, line.accord, tuple(line.sources)) for line in lines or ()}
    names = {("nom", "identique"), ("prenom", "identique"), ("dateNaissance", "identique"), ("sexe", "identique")}
    pair = ("registre", "ypareo")
    expected = {(*one, pair) for one in (*names, ("contrats", "numero"), ("adresse", "identique"))}
    assert told_lines == (expected if selected else set())


def test_a_copy_that_a_page_showed_is_kept_for_the_next_answer_to_the_same_rights() -> None:
    home = Adresse(code_postal=CodePostal("60000"))
    asked = context([told("ypareo", "1", "A", adresse=home)])
    asked = replace(asked, decision=decision(Profil.MISSION_LOCALE, "{ jeunes { edges { node { id nom } } } }"))
    page = asked.jeunes(None, TriJeunes.NOM_ASC, PageArgs(5, None))
    assert page
    (person,) = asked.view.persons.values()
    assert MaskedCopies(asked.view, asked.rights, asked.decision).show(person, person.jeune).value is page.nodes[0]


@pytest.mark.parametrize(
    ("suivi", "etat"),
    [
        (None, EtatTraitement.A_TRAITER),
        (Suivi(date=at(5)), EtatTraitement.A_TRAITER),  # a dossier without a situation
        (Suivi(situation=S.RDV_PRIS, date=at(5)), EtatTraitement.TRAITE),
        (Suivi(situation=S.CONTACTE_SANS_RETOUR, date=at(5)), EtatTraitement.INJOIGNABLE),
        (Suivi(situation=S.INJOIGNABLE_APRES_RELANCES, date=at(5)), EtatTraitement.TRAITE),
        # Noted before the day of the rupture, it does not treat it; the very day, it does; without a day, nobody knows.
        (Suivi(situation=S.RDV_PRIS, date=at(3)), EtatTraitement.A_TRAITER),
        (Suivi(situation=S.CONTACTE_SANS_RETOUR, date=at(3)), EtatTraitement.A_TRAITER),
        (Suivi(situation=S.RDV_PRIS, date=at(4)), EtatTraitement.TRAITE),
        (Suivi(situation=S.RDV_PRIS, date=at(3, 22)), EtatTraitement.TRAITE),  # midnight in Paris
        (Suivi(situation=S.RDV_PRIS), EtatTraitement.TRAITE),
        # The day is that of its step in the history, and of its last one, before that of the dossier.
        (
            Suivi(situation=S.RDV_PRIS, date=at(5), historique=[EtapeSuivi(situation=S.RDV_PRIS, date=at(3))]),
            EtatTraitement.A_TRAITER,
        ),
        (
            Suivi(
                situation=S.RDV_PRIS,
                date=at(3),
                historique=[EtapeSuivi(situation=S.RDV_PRIS, date=at(day)) for day in (2, 5)],
            ),
            EtatTraitement.TRAITE,
        ),
        (
            Suivi(situation=S.RDV_PRIS, date=at(5), historique=[EtapeSuivi(situation=S.AUTRE, date=at(3))]),
            EtatTraitement.TRAITE,
        ),
    ],
)
def test_the_state_of_a_rupture_is_that_of_the_situation_noted_since(suivi: Suivi | None, etat: EtatTraitement) -> None:
    """docs/domaine.md, Rupture, `etat`: a rupture of 4 September, in summer time."""
    assert etat_traitement(suivi, date(2026, 9, 4)) is etat
