"""API-Alternance-like pages, and the referential they become."""

from typing import Any

import pytest

from gateway.connectors import referentiel
from gateway.connectors.base import Compte, Pages, ReponseInattendue
from gateway.domain.referentiel import LigneCommune, LigneMissionLocale, LigneOrganisme, Referentiel
from tests.contract.connecteurs_outils import mener, par_operation

TERRITOIRE = {
    "departement": {"code": "01", "nom": "Ain"},
    "region": {"code": "84", "nom": "Auvergne-Rhône-Alpes"},
    "academie": {"code": "10", "nom": "Lyon"},
}
COMMUNE: dict[str, Any] = {
    "nom": "Bourg-en-Bresse",
    "code": {"insee": "01053", "postaux": ["01000"]},
    **TERRITOIRE,
    "mission_locale": {"id": 1001, "code": "01001", "nom": "Mission locale de Bourg"},
}
MISSION: dict[str, Any] = {
    "id": 1001,
    "code": "01001",
    "nom": "Mission locale de Bourg",
    "localisation": {"cp": "01000", "ville": "Bourg-en-Bresse", "insee": "01053"},
    "contact": {"email": "ml@ml.invalid", "telephone": "0465710002", "siteWeb": None},
}
ORGANISME: dict[str, Any] = {
    "identifiant": {"uai": "0010856A", "siret": "73282932000074"},
    "nom": "CFA de Bourg",
    "adresse": {"insee": "01053", "cp": "01000", "ville": "Bourg-en-Bresse"},
    **TERRITOIRE,
    "reseaux": ["cma", "greta"],
    "nature": "responsable",
    "responsables": [],
    "formateurs": [{"uai": "0594899E", "siret": None}, {"uai": "", "siret": "35600000000048"}],
}
LUE = LigneCommune("01053", "Bourg-en-Bresse", ("01000",), "01", "84", "10", "01001")
CFA_LU: dict[str, Any] = {
    "uai": "0010856A",
    "siret": "73282932000074",
    "nom": "CFA de Bourg",
    "insee": "01053",
    "departement": "01",
    "region": "84",
    "academie": "10",
    "reseaux": ("cma", "greta"),
    "nature": "responsable",
    "responsables": (),
    "formateurs": ("0594899E",),
}
NOMS = {
    ("DEPARTEMENT", "01"): "Ain",
    ("REGION", "84"): "Auvergne-Rhône-Alpes",
    ("ACADEMIE", "10"): "Lyon",
    ("MISSION_LOCALE", "01001"): "Mission locale de Bourg",
    ("CFA", "0010856A"): "CFA de Bourg",
}


def lu(communes: list[Any], missions: list[Any], organismes: list[Any]) -> tuple[Referentiel, Compte]:
    listes = {"communes": communes, "mission-locale": missions, "organismes": organismes}
    pages = {nom: [{"data": liste, "pagination": {}}] for nom, liste in listes.items()}
    return mener(referentiel.referentiel(), par_operation(pages))[1]


def test_the_whole_referential() -> None:
    assert lu([COMMUNE], [MISSION], [ORGANISME]) == (
        Referentiel(
            communes={"01053": LUE},
            missions_locales={
                "01001": LigneMissionLocale(
                    1001, "01001", "Mission locale de Bourg", "01053", "0465710002", "ml@ml.invalid"
                )
            },
            organismes={"0010856A": LigneOrganisme(**CFA_LU)},
            noms=NOMS,
        ),
        Compte(),
    )


def test_a_commune_may_have_no_mission_locale() -> None:
    referentiel_lu, compte = lu([{**COMMUNE, "mission_locale": None}], [], [])
    assert referentiel_lu.communes["01053"].mission_locale is None
    assert compte == Compte()


@pytest.mark.parametrize(
    ("ecrit", "attendu", "ignores"),
    [
        ({"adresse": {"insee": "?"}}, {"insee": None}, 1),
        ({"reseaux": None}, {"reseaux": ()}, 0),
        ({"reseaux": ["cma", {}]}, {"reseaux": ("cma",)}, 1),
        ({"region": {"nom": "?"}}, {"region": None}, 1),
        ({"formateurs": ["?", {"uai": "0594899E"}]}, {}, 1),
        ({"identifiant": {"uai": "10856A", "siret": "1"}}, {"siret": ""}, 1),
    ],
)
def test_a_training_body(ecrit: dict[str, Any], attendu: dict[str, Any], ignores: int) -> None:
    referentiel_lu, compte = lu([], [], [{**ORGANISME, **ecrit}])
    assert dict(referentiel_lu.organismes) == {"0010856A": LigneOrganisme(**{**CFA_LU, **attendu})}
    assert compte == Compte(0, ignores)


@pytest.mark.parametrize(
    ("communes", "missions", "organismes"),
    [
        ([{**COMMUNE, "code": {"insee": ""}}], [], []),
        ([{**COMMUNE, "departement": None}], [], []),
        ([], [{**MISSION, "id": "?"}], []),
        ([], [], [{**ORGANISME, "nom": ""}]),
        ([], [], [{**ORGANISME, "identifiant": None}]),
        ([None], [], []),
    ],
)
def test_what_cannot_be_placed_is_rejected_alone(
    communes: list[Any], missions: list[Any], organismes: list[Any]
) -> None:
    referentiel_lu, compte = lu([*communes, COMMUNE], [*missions, MISSION], [*organismes, ORGANISME])
    tailles = [len(referentiel_lu.communes), len(referentiel_lu.missions_locales), len(referentiel_lu.organismes)]
    assert (tailles, compte.rejets) == ([1, 1, 1], 1)


def test_a_body_without_uai_cannot_be_a_perimeter() -> None:
    sans = {**ORGANISME, "identifiant": {"uai": None, "siret": "73282932000074"}}
    assert lu([], [], [sans])[0].organismes == {}


def test_three_lists_are_asked_together_by_thousands() -> None:
    (lot,), _ = mener(referentiel.referentiel(), par_operation({}))
    assert [(r.operation, r.chemin) for r in lot] == [
        ("communes", "/geographie/v1/communes"),
        ("mission-locale", "/geographie/v1/mission-locale"),
        ("organismes", "/organisme/v1/export"),
    ]
    assert {(r.pages, r.taille) for r in lot} == {(Pages.INDEX, 1000)}


def test_a_page_without_its_rows_is_no_empty_referential() -> None:
    with pytest.raises(ReponseInattendue):
        mener(referentiel.referentiel(), par_operation({"communes": [{"name": "Unauthorized"}]}))
