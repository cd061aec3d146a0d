"""Who is in a caller's perimeter, by which relation, and which contracts and ages it sees."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.auth.authentication.clients import build_perimetre
from gateway.auth.policy.policy import (
    Affiliation,
    Perimetre,
    Relation,
    is_age_admissible,
    is_contrat_visible,
    relations,
)
from gateway.auth.policy.rules import Profil
from gateway.federation.views.build import _bound
from gateway.schema.nouns import Contrat, Formation, Jeune, Rupture
from gateway.schema.organisations import Cfa
from gateway.schema.scalars import UAI

PAR_RESIDENCE = (Profil.MISSION_LOCALE, Profil.FRANCE_TRAVAIL)
UN, TWO, THREE = "0590259B", "0590187Y", "0620123A"


class TrainingDirectory:
    """One responsible CFA with one place of training, one network of two."""

    def formateurs(self, uai: str) -> frozenset[str]:
        return frozenset({TWO}) if uai == UN else frozenset()

    def uais_of_reseau(self, transport: str) -> frozenset[str]:
        return frozenset({UN, THREE}) if transport == "mfr" else frozenset()


# A person of Mission locale 59010, followed by 62001, resident of 59 in 32, trained at DEUX (62, 75, académie 9).
JEUNE = Affiliation(
    mission_locale="59010",
    followed_by=frozenset({"62001"}),
    departement="59",
    region="32",
    uais=frozenset({TWO}),
    reseaux=frozenset({"mfr"}),
    regions=frozenset({"75"}),
    departements=frozenset({"62"}),
    academies=frozenset({"9"}),
)


@pytest.mark.parametrize(
    ("profil", "organisation", "expected"),
    [
        (Profil.MISSION_LOCALE, "59010", {Relation.RESIDENCE}),
        (Profil.MISSION_LOCALE, "62001", {Relation.SUIVI}),
        (Profil.MISSION_LOCALE, "59011", set()),
        (Profil.CFA, TWO, {Relation.CFA}),
        (Profil.CFA, UN, {Relation.CFA}),  # responsible of DEUX
        (Profil.CFA, THREE, set()),
        (Profil.TETE_DE_RESEAU, "mfr", {Relation.RESEAU}),
        (Profil.TETE_DE_RESEAU, "autre", set()),
        (Profil.DREETS, "75", {Relation.TERRITOIRE_CFA}),
        (Profil.DREETS, "32", set()),  # where the person lives is not where the CFA stands
        (Profil.DDETS, "62", {Relation.TERRITOIRE_CFA}),
        (Profil.DDETS, "59", set()),
        (Profil.ACADEMIE, "9", {Relation.TERRITOIRE_CFA}),
        (Profil.ACADEMIE, "59", set()),
        (Profil.FRANCE_TRAVAIL, "32", {Relation.RESIDENCE_REGION}),
        (Profil.FRANCE_TRAVAIL, "75", set()),
        (Profil.ARML, "32", set()),
        (Profil.REGION, "32", set()),
        (Profil.OPCO, "OPCO", set()),
        (Profil.STATISTIQUES, "", set()),
        (Profil.ADMINISTRATEUR, "", set()),
    ],
)
def test_relations(profil: Profil, organisation: str, expected: set[Relation]) -> None:
    assert relations(build_perimetre(profil, organisation, TrainingDirectory()), JEUNE) == expected


def test_residence_and_suivi_together() -> None:
    perimetre = Perimetre(Profil.MISSION_LOCALE, "59010")
    suivi = Affiliation(mission_locale="59010", followed_by=frozenset({"59010"}))
    assert relations(perimetre, suivi) == {Relation.RESIDENCE, Relation.SUIVI}


@pytest.mark.parametrize("profil", list(Profil))
@pytest.mark.parametrize("organisation", ["", "59010"])
def test_a_person_without_affiliation_is_nobodys(profil: Profil, organisation: str) -> None:
    assert relations(build_perimetre(profil, organisation, TrainingDirectory()), Affiliation()) == frozenset()


@pytest.mark.parametrize("profil", list(Profil))
def test_an_empty_organisation_sees_nobody(profil: Profil) -> None:
    empty = Affiliation(mission_locale="", region="", uais=frozenset({UN}))
    assert relations(Perimetre(profil, ""), empty) == frozenset()


def test_perimetres_of_cfas() -> None:
    assert build_perimetre(Profil.CFA, UN, TrainingDirectory()).uais == {UN, TWO}
    assert build_perimetre(Profil.CFA, THREE, TrainingDirectory()).uais == {THREE}
    assert build_perimetre(Profil.TETE_DE_RESEAU, "mfr", TrainingDirectory()).uais == {UN, THREE}
    assert build_perimetre(Profil.DREETS, "32", TrainingDirectory()).uais == frozenset()


@pytest.mark.parametrize("profil", list(Profil))
def test_visible_contrats(profil: Profil) -> None:
    perimetre = Perimetre(profil, "x", frozenset({UN}))
    bounds = profil in (Profil.CFA, Profil.TETE_DE_RESEAU)
    assert is_contrat_visible(perimetre, UN)
    assert is_contrat_visible(perimetre, TWO) is not bounds
    assert is_contrat_visible(perimetre, None) is not bounds


@given(age=st.none() | st.integers(0, 99), rqth=st.none() | st.booleans(), profil=st.sampled_from(Profil))
def test_admissible_age(age: int | None, rqth: bool | None, profil: Profil) -> None:
    if profil not in PAR_RESIDENCE:
        expected = True
    elif age is None or age < 16:
        expected = False
    else:
        expected = age <= 25 or rqth is True
    assert is_age_admissible(Perimetre(profil, "x"), age, rqth) is expected


@pytest.mark.parametrize(("age", "rqth", "expected"), [(15, True, False), (16, None, True), (25, False, True)])
def test_bounds_of_age(age: int, rqth: bool | None, expected: bool) -> None:
    assert is_age_admissible(Perimetre(Profil.MISSION_LOCALE, "59010"), age, rqth) is expected


@pytest.mark.parametrize(("rqth", "expected"), [(True, True), (False, False), (None, False)])
def test_at_26_only_with_an_rqth(rqth: bool | None, expected: bool) -> None:
    assert is_age_admissible(Perimetre(Profil.FRANCE_TRAVAIL, "32"), 26, rqth) is expected


def test_a_cfa_sees_neither_the_contrat_nor_the_formation_of_another() -> None:
    """Nor by way of its own contract: the training that it crosses may be elsewhere."""
    here, elsewhere = (
        Formation(intitule="ici", cfa=Cfa(uai=UAI(UN))),
        Formation(intitule="ailleurs", cfa=Cfa(uai=UAI(THREE))),
    )
    own, other = (
        Contrat(cfa=Cfa(uai=UAI(UN)), formation=elsewhere),
        Contrat(cfa=Cfa(uai=UAI(THREE)), formation=elsewhere),
    )
    rupture = Rupture(contrat=other)
    jeune = Jeune(contrats=[own, other], formations=[here, elsewhere], ruptures=[rupture])
    _bound(jeune, build_perimetre(Profil.CFA, UN, TrainingDirectory()))
    assert (jeune.contrats, jeune.formations, jeune.ruptures) == ([own], [here], [])
    assert own.formation is None
