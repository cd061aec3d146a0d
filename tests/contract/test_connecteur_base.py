"""What every connector shares: tolerant reading, counted, and nouns that hide nothing."""

import pytest
from pydantic import Field

from gateway.connectors.base import Charge, Compte, ReponseInattendue, lignes_de, lire, rempli
from gateway.connectors.valeurs import Booleen, JourIso, Liste, Naissance, Requis, SexeLu, Texte
from gateway.schema.nouns import Adresse, Employeur


class Bloc(Charge):
    code: Requis
    jour: JourIso = None


class Ligne(Charge):
    nom: Requis = Field(alias="Nom")
    naissance: Naissance = Field(alias="Né le")
    ville: Texte = None
    rqth: Booleen = None
    bloc: Bloc | None = None
    blocs: Liste[Bloc] = ()


ENTIERE = {"Nom": " LE GOFF ", "Né le": "2006-03-07"}


@pytest.mark.parametrize(
    ("ligne", "lue", "ignores"),
    [
        (ENTIERE, {}, 0),
        ({**ENTIERE, "inconnu": 1, "ville": "", "rqth": None}, {}, 0),
        ({**ENTIERE, "ville": ["BOURG"]}, {}, 1),
        ({**ENTIERE, "ville": "BOURG", "rqth": "peut-être"}, {"ville": "BOURG"}, 1),
        ({**ENTIERE, "bloc": {"code": 7, "jour": "hier"}}, {"bloc": Bloc(code="7")}, 1),
        ({**ENTIERE, "bloc": {"code": 7, "jour": "0000-00-00"}}, {"bloc": Bloc(code="7")}, 0),
        ({**ENTIERE, "bloc": {"jour": "2026-01-01"}}, {}, 1),
        ({**ENTIERE, "bloc": "?", "ville": "BOURG"}, {"ville": "BOURG"}, 1),
        ({**ENTIERE, "blocs": None}, {}, 0),
        ({**ENTIERE, "blocs": "?"}, {}, 1),
        (
            {**ENTIERE, "blocs": [{"code": "a"}, {}, {"code": "b", "jour": "?"}, {"code": "c"}]},
            {"blocs": (Bloc(code="a"), Bloc(code="b"), Bloc(code="c"))},
            2,
        ),
        ({**ENTIERE, "blocs": [{"code": {}}, {"code": "b"}]}, {"blocs": (Bloc(code="b"),)}, 2),
    ],
)
def test_a_bad_optional_value_is_set_aside_alone_and_counted(
    ligne: object, lue: dict[str, object], ignores: int
) -> None:
    compte = Compte()
    (lu,) = lire(Ligne, [ligne], compte)
    assert lu == Ligne.model_validate(ENTIERE).model_copy(update=lue)
    assert (compte.rejets, compte.champs_ignores) == (0, ignores)


@pytest.mark.parametrize(
    "ligne",
    [
        None,
        "LE GOFF",
        [],
        {},
        {"Nom": "LE GOFF"},
        {**ENTIERE, "Nom": " "},
        {**ENTIERE, "Nom": True},
        {**ENTIERE, "Nom": {"a": 1}},
        {**ENTIERE, "Né le": ""},
        {**ENTIERE, "Né le": "07/03/2006"},
        {**ENTIERE, "Né le": "1006-03-07"},
        {**ENTIERE, "Né le": None, "ville": ["?"]},
    ],
)
def test_a_bad_required_value_rejects_its_row_and_no_other(ligne: object) -> None:
    compte = Compte()
    lues = lire(Ligne, [ENTIERE, ligne, ENTIERE], compte)
    assert [lue.nom for lue in lues] == ["LE GOFF", "LE GOFF"]
    assert (compte.rejets, compte.champs_ignores) == (1, 0)


def test_a_row_is_read_without_being_changed() -> None:
    ligne = {**ENTIERE, "bloc": {"code": 7, "jour": "hier"}}
    lire(Ligne, [ligne], Compte())
    assert ligne == {**ENTIERE, "bloc": {"code": 7, "jour": "hier"}}


def test_rows_of_all_pages_in_order() -> None:
    assert list(lignes_de([[1, 2], [3]])) == [1, 2, 3]
    assert list(lignes_de([{"value": [1]}, {"value": []}, {"value": [2]}], "value")) == [1, 2]


@pytest.mark.parametrize(
    ("page", "champ"), [({}, ""), ("x", ""), ({}, "value"), ({"value": None}, "value"), (3, "value")]
)
def test_a_document_of_another_shape_stops_the_reading(page: object, champ: str) -> None:
    with pytest.raises(ReponseInattendue):
        list(lignes_de([page], champ))


def test_a_noun_of_which_nothing_is_said_is_none() -> None:
    assert rempli(Adresse()) is None
    assert rempli(Employeur(siret=None, denomination="")) is None
    assert rempli(Adresse(ville="BOURG")) == Adresse(ville="BOURG")


class Forme(Charge):
    cle: Requis
    sexe: SexeLu = None
    nom: Texte = None


@pytest.mark.parametrize(
    ("ligne", "derives"),
    [
        ({"cle": "1", "sexe": "M", "inconnu": 1}, {}),
        ({"sexe": "M"}, {"champ_absent": 1}),
        ({"cle": "1", "sexe": "X"}, {"code_inconnu": 1}),
        ({"cle": "1", "nom": ["LE", "GOFF"]}, {"type_change": 1}),
        ("1", {"type_change": 1}),
    ],
)
def test_u09_une_derive_est_comptee_par_genre(ligne: object, derives: dict[str, int]) -> None:
    compte = Compte()
    lire(Forme, [ligne], compte)
    assert dict(compte.derives) == derives
