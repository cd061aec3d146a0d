"""Who is in a caller's perimeter, by which relation, and which contracts and ages it sees."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.auth.perimetre import (
    Perimetre,
    Rattachement,
    Relation,
    age_recevable,
    construire_perimetre,
    contrat_visible,
    relations,
)
from gateway.auth.rules import Profil
from gateway.federation.views import _borner
from gateway.schema.lieux import Cfa
from gateway.schema.nouns import Contrat, Formation, Jeune, Rupture
from gateway.schema.scalaires import UAI

PAR_RESIDENCE = (Profil.MISSION_LOCALE, Profil.FRANCE_TRAVAIL)
UN, DEUX, TROIS = "0590259B", "0590187Y", "0620123A"


class Annuaire:
    """One responsible CFA with one place of training, one network of two."""

    def formateurs(self, uai: str) -> frozenset[str]:
        return frozenset({DEUX}) if uai == UN else frozenset()

    def uais_du_reseau(self, reseau: str) -> frozenset[str]:
        return frozenset({UN, TROIS}) if reseau == "mfr" else frozenset()


# A person of Mission locale 59010, followed by 62001, resident of 59 in 32, trained at DEUX (62, 75, académie 9).
JEUNE = Rattachement(
    mission_locale="59010",
    suivi_par=frozenset({"62001"}),
    departement="59",
    region="32",
    uais=frozenset({DEUX}),
    reseaux=frozenset({"mfr"}),
    regions=frozenset({"75"}),
    departements=frozenset({"62"}),
    academies=frozenset({"9"}),
)


@pytest.mark.parametrize(
    ("profil", "organisation", "attendues"),
    [
        (Profil.MISSION_LOCALE, "59010", {Relation.RESIDENCE}),
        (Profil.MISSION_LOCALE, "62001", {Relation.SUIVI}),
        (Profil.MISSION_LOCALE, "59011", set()),
        (Profil.CFA, DEUX, {Relation.CFA}),
        (Profil.CFA, UN, {Relation.CFA}),  # responsible of DEUX
        (Profil.CFA, TROIS, set()),
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
        (Profil.STATISTIQUES, "", set()),
        (Profil.ADMINISTRATEUR, "", set()),
    ],
)
def test_relations(profil: Profil, organisation: str, attendues: set[Relation]) -> None:
    assert relations(construire_perimetre(profil, organisation, Annuaire()), JEUNE) == attendues


def test_residence_et_suivi_ensemble() -> None:
    perimetre = Perimetre(Profil.MISSION_LOCALE, "59010")
    suivi = Rattachement(mission_locale="59010", suivi_par=frozenset({"59010"}))
    assert relations(perimetre, suivi) == {Relation.RESIDENCE, Relation.SUIVI}


@pytest.mark.parametrize("profil", list(Profil))
@pytest.mark.parametrize("organisation", ["", "59010"])
def test_une_personne_sans_rattachement_n_est_a_personne(profil: Profil, organisation: str) -> None:
    assert relations(construire_perimetre(profil, organisation, Annuaire()), Rattachement()) == frozenset()


@pytest.mark.parametrize("profil", list(Profil))
def test_une_organisation_vide_ne_voit_personne(profil: Profil) -> None:
    vide = Rattachement(mission_locale="", region="", uais=frozenset({UN}))
    assert relations(Perimetre(profil, ""), vide) == frozenset()


def test_perimetres_de_cfas() -> None:
    assert construire_perimetre(Profil.CFA, UN, Annuaire()).uais == {UN, DEUX}
    assert construire_perimetre(Profil.CFA, TROIS, Annuaire()).uais == {TROIS}
    assert construire_perimetre(Profil.TETE_DE_RESEAU, "mfr", Annuaire()).uais == {UN, TROIS}
    assert construire_perimetre(Profil.DREETS, "32", Annuaire()).uais == frozenset()


@pytest.mark.parametrize("profil", list(Profil))
def test_contrats_visibles(profil: Profil) -> None:
    perimetre = Perimetre(profil, "x", frozenset({UN}))
    bornes = profil in (Profil.CFA, Profil.TETE_DE_RESEAU)
    assert contrat_visible(perimetre, UN)
    assert contrat_visible(perimetre, DEUX) is not bornes
    assert contrat_visible(perimetre, None) is not bornes


@given(age=st.none() | st.integers(0, 99), rqth=st.none() | st.booleans(), profil=st.sampled_from(Profil))
def test_age_recevable(age: int | None, rqth: bool | None, profil: Profil) -> None:
    if profil not in PAR_RESIDENCE:
        attendu = True
    elif age is None or age < 16:
        attendu = False
    else:
        attendu = age <= 25 or rqth is True
    assert age_recevable(Perimetre(profil, "x"), age, rqth) is attendu


@pytest.mark.parametrize(("age", "rqth", "attendu"), [(15, True, False), (16, None, True), (25, False, True)])
def test_bornes_d_age(age: int, rqth: bool | None, attendu: bool) -> None:
    assert age_recevable(Perimetre(Profil.MISSION_LOCALE, "59010"), age, rqth) is attendu


@pytest.mark.parametrize(("rqth", "attendu"), [(True, True), (False, False), (None, False)])
def test_a_26_ans_seulement_avec_une_rqth(rqth: bool | None, attendu: bool) -> None:
    assert age_recevable(Perimetre(Profil.FRANCE_TRAVAIL, "32"), 26, rqth) is attendu


def test_un_cfa_ne_voit_ni_le_contrat_ni_la_formation_d_un_autre() -> None:
    """Nor by way of its own contract: the training that it crosses may be elsewhere."""
    ici, ailleurs = (
        Formation(intitule="ici", cfa=Cfa(uai=UAI(UN))),
        Formation(intitule="ailleurs", cfa=Cfa(uai=UAI(TROIS))),
    )
    propre, autre = (
        Contrat(cfa=Cfa(uai=UAI(UN)), formation=ailleurs),
        Contrat(cfa=Cfa(uai=UAI(TROIS)), formation=ailleurs),
    )
    rupture = Rupture(contrat=autre)
    jeune = Jeune(contrats=[propre, autre], formations=[ici, ailleurs], ruptures=[rupture])
    _borner(jeune, construire_perimetre(Profil.CFA, UN, Annuaire()))
    assert (jeune.contrats, jeune.formations, jeune.ruptures) == ([propre], [ici], [])
    assert propre.formation is None
