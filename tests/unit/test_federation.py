"""Joining, folding and merging: pure rules, on records written by hand."""

from collections.abc import Sequence
from datetime import date
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.ressemblance import Niveau
from gateway.domain.sceau import Sceau
from gateway.domain.statut import StatutApprenant
from gateway.errors import RequeteInvalide
from gateway.federation.contrats import fondre
from gateway.federation.identifiants import Identifiants
from gateway.federation.lists import filtrer_jeunes
from gateway.federation.pages import Curseurs, decouper, ordonner
from gateway.federation.provenance import attacher
from gateway.federation.rapprochement import rapprocher
from gateway.federation.recherche import chercher
from gateway.federation.temoignages import Temoignage
from gateway.schema.contexte import Page
from gateway.schema.filtres import FiltreJeunes
from gateway.schema.nouns import Adresse, Employeur, Formation, Jeune, Sexe
from gateway.schema.scalaires import SIRET, CodePostal
from tests.unit.federation_outils import AUTRE, IDENTIFIANTS, UN, contexte, contrat, dit, fusion, session


def cles(temoignages: Sequence[Temoignage]) -> list[list[tuple[str, str]]]:
    return [[(t.source, t.dossier.cle) for t in groupe.temoignages] for groupe in rapprocher(temoignages)]


def test_one_identity_spelled_three_ways_is_one_person_best_source_first() -> None:
    trois = [
        dit("imilo", nom="LE GOFF", prenom="Anais"),
        dit("registre", nom="LE-GOFF", prenom="ANAIS"),
        dit("ypareo", nom="Le Goff", prenom="Anaïs"),
    ]
    assert cles(trois) == [[("ypareo", "1"), ("registre", "1"), ("imilo", "1")]]


def test_two_records_of_one_installation_are_never_one_person_and_leave_the_third_apart() -> None:
    homonymes = [dit("ypareo", "1", "A"), dit("ypareo", "2", "A"), dit("registre")]
    assert sorted(map(len, cles(homonymes))) == [1, 1, 1]


def test_two_tenants_of_one_vendor_are_two_installations() -> None:
    assert cles([dit("ypareo", "1", "A"), dit("ypareo", "1", "B")]) == [[("ypareo", "1"), ("ypareo", "1")]]


def test_records_that_disagree_on_the_sex_stay_apart() -> None:
    assert len(rapprocher([dit("ypareo", sexe=Sexe.F), dit("registre", sexe=Sexe.M)])) == 2


def test_twins_are_two_persons() -> None:
    assert len(rapprocher([dit("ypareo", "1"), dit("registre", prenom="Maël")])) == 2


def test_a_name_without_letters_names_nobody() -> None:
    assert len(rapprocher([dit("ypareo", nom="?"), dit("registre", nom="--")])) == 2


@given(st.randoms(use_true_random=False), st.integers(0, 4))
def test_joining_does_not_depend_on_the_order_nor_on_a_source_that_answers_twice(hasard: Random, doubles: int) -> None:
    temoignages = [
        dit("ypareo", "1", "A"),
        dit("registre"),
        dit("imilo", "9", "60001"),
        dit("ypareo", "2", "A", prenom="Maël"),
        dit("gestibase", "E1", "B", nom="N'Diaye"),
    ]
    melange = temoignages + temoignages[:doubles]
    hasard.shuffle(melange)
    assert cles(melange) == cles(temoignages)


def test_a_contract_told_twice_is_one_by_number_whatever_the_dates() -> None:
    erp = dit("ypareo", contrats=[contrat(date(2025, 9, 1), numero="060A")])
    deca = dit("registre", contrats=[contrat(date(2025, 10, 1), numero="060a")])
    assert len(fondre([erp, deca])) == 1


@pytest.mark.parametrize(
    ("jours", "siret", "nombre"), [(0, UN, 1), (7, UN, 1), (8, UN, 2), (0, None, 1), (0, AUTRE, 2)]
)
def test_without_numbers_the_employer_and_a_start_within_a_week(jours: int, siret: SIRET | None, nombre: int) -> None:
    erp = dit("ypareo", contrats=[contrat(date(2025, 9, 1), employeur=Employeur(siret=UN))])
    deca = dit("registre", contrats=[contrat(date(2025, 9, 1 + jours), employeur=Employeur(siret=siret))])
    assert len(fondre([erp, deca])) == nombre


def test_two_contracts_of_one_installation_stay_two() -> None:
    assert len(fondre([dit("ypareo", contrats=[contrat(date(2025, 9, 1)), contrat(date(2025, 9, 3))])])) == 2


def test_a_contract_that_one_source_declares_void_is_no_contract() -> None:
    erp = dit("ypareo", contrats=[contrat(date(2025, 9, 1), numero="1")])
    deca = dit("registre", contrats=[contrat(date(2025, 9, 1), numero="1", annule=True)])
    assert fondre([erp, deca]) == []


def test_the_erp_speaks_before_the_registry_and_silence_is_filled() -> None:
    erp = dit("ypareo", telephone="0639980001", rqth=None)
    deca = dit("registre", telephone="0639980002", rqth=True)
    jeune = fusion(deca, erp).jeune
    assert (jeune.telephone, jeune.rqth) == ("0639980001", True)


def test_every_loser_is_kept_in_provenance() -> None:
    une = fusion(dit("ypareo", telephone="0639980001"), dit("registre", nom="LE GOFF", telephone="0639980002"))
    attacher(une)
    lignes = {(ligne.champ, ligne.source): (ligne.retenue, ligne.divergente) for ligne in une.jeune.lignes or []}
    assert lignes["telephone", "ypareo"] == (True, True)
    assert lignes["telephone", "registre"] == (False, True)
    assert lignes["nom", "registre"] == (False, False)


def test_a_rupture_known_to_one_source_only_is_a_rupture_and_says_who_knows() -> None:
    session = [Formation(date_debut=date(2025, 9, 1), date_fin=date(2027, 8, 31))]
    rompu = contrat(date(2025, 9, 10), rompu=date(2026, 9, 1), numero="1")
    une = fusion(
        dit("ypareo", contrats=[rompu], formations=session),
        dit("registre", contrats=[contrat(date(2025, 9, 10), numero="1")]),
    )
    (rupture,) = une.jeune.ruptures or []
    assert (rupture.date, rupture.jours_depuis, rupture.sources) == (date(2026, 9, 1), 44, ["ypareo"])
    assert une.jeune.statut is not None
    assert une.jeune.statut.valeur is StatutApprenant.RUPTURANT


@pytest.mark.parametrize("rompu", [date(2026, 10, 16), date(2027, 8, 31)])
def test_a_rupture_to_come_or_at_the_planned_end_is_none(rompu: date) -> None:
    une = fusion(dit("ypareo", contrats=[contrat(date(2025, 9, 10), rompu=rompu)]))
    assert une.jeune.ruptures == []


def test_an_ambiguous_home_gives_no_mission_locale_and_the_next_source_may_place_it() -> None:
    flou = Adresse(code_postal=CodePostal("60100"))
    sur = Adresse(code_postal=CodePostal("60100"), ville="CREIL CEDEX 2")
    assert fusion(dit("registre", adresse=flou)).jeune.mission_locale is None
    placee = fusion(dit("registre", adresse=flou), dit("imilo", adresse=sur)).jeune
    assert placee.mission_locale is not None
    assert (placee.mission_locale.code, placee.commune and placee.commune.nom) == ("60002", "Creil")


def test_the_registry_adds_no_session_that_overlaps_the_erp_s() -> None:
    erp = dit("ypareo", formations=[Formation(date_debut=date(2025, 9, 1), date_fin=date(2027, 8, 31))])
    deca = dit(
        "registre",
        formations=[
            Formation(date_debut=date(2025, 9, 15), date_fin=date(2027, 7, 31)),
            Formation(date_debut=date(2023, 9, 1), date_fin=date(2024, 8, 31)),
        ],
    )
    debuts = [formation.date_debut for formation in fusion(erp, deca).jeune.formations or []]
    assert debuts == [date(2025, 9, 1), date(2023, 9, 1)]


@given(st.lists(st.integers(0, 30), max_size=40), st.integers(1, 7))
def test_pages_cover_a_list_once_each_whatever_their_size(valeurs: list[int], taille: int) -> None:
    liste = list(enumerate(valeurs))

    def ordre(element: tuple[int, int]) -> list[Any]:
        return [element[1], element[0]]

    lus: list[tuple[int, int]] = []
    apres = None
    while True:
        tranche = decouper(ordonner(liste, ordre), Page(taille, apres), Curseurs(IDENTIFIANTS, lambda: "liste"))
        lus += [element for _, element in tranche.elements]
        if not tranche.apres:
            break
        apres = tranche.elements[-1][0]
    assert lus == sorted(liste, key=ordre)


def test_a_filter_by_name_asks_three_letters_and_ignores_accents() -> None:
    jeunes = [Jeune(nom="Éloïse"), Jeune(nom="ELOI"), Jeune(nom="Martin")]
    assert [jeune.nom for jeune in filtrer_jeunes(jeunes, FiltreJeunes(nom="élo"))] == ["Éloïse", "ELOI"]
    with pytest.raises(RequeteInvalide):
        filtrer_jeunes(jeunes, FiltreJeunes(nom="é-l"))


def test_an_id_tells_nothing_and_another_key_opens_nothing() -> None:
    scelle = IDENTIFIANTS.sceller("Jeune", "0123")
    assert IDENTIFIANTS.ouvrir(scelle) == ("Jeune", "0123")
    assert Identifiants(Sceau(bytes([1]) * 32)).ouvrir(scelle) is None
    for essai in ("", "x", scelle[:-2], scelle + "A" * 4000, "é"):
        assert IDENTIFIANTS.ouvrir(essai) is None


def test_a_near_miss_is_offered_by_the_search_and_never_joined() -> None:
    """Two names at one home, one phone and one e-mail: the search for one offers the other, to be confirmed."""
    foyer: dict[str, Any] = {
        "telephone": "0639980001",
        "courriel": "famille@exemple.invalid",
        "adresse": Adresse(code_postal=CodePostal("60000"), ville="Beauvais"),
    }
    une = dit("ypareo", locataire="A", formations=[session(date(2025, 9, 1), date(2027, 8, 31))], **foyer)
    autre = dit("imilo", locataire="60001", nom="Durand", prenom="Emma", **foyer)
    vue = contexte([une, autre]).vue
    trouves = chercher(vue, "LE GOFF", "Anais", date(2006, 3, 7))
    assert [(vue.personnes[un.personne].jeune.nom, niveau) for un, niveau in trouves] == [
        ("Le Goff", Niveau.CERTAIN),
        ("Durand", Niveau.A_CONFIRMER),
    ]
    assert chercher(contexte([une]).vue, "Durand", "Emma", date(1999, 1, 1)) == []
