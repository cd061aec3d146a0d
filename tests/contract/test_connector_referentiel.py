"""API-Alternance-like pages, and the referential they become."""

from typing import Any

import pytest

from gateway.connectors import referentiel
from gateway.connectors.base import PagingStyle, QualityCounts, UnexpectedAnswer
from gateway.domain.referentiel import CommuneLine, MissionLocaleRow, OrganismeRow, Referentiel
from tests.support.contract.connectors import by_operation, drive

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
READ_ONE = CommuneLine("01053", "Bourg-en-Bresse", ("01000",), "01", "84", "10", "01001")
CFA_READ: dict[str, Any] = {
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
NAMES = {
    ("DEPARTEMENT", "01"): "Ain",
    ("REGION", "84"): "Auvergne-Rhône-Alpes",
    ("ACADEMIE", "10"): "Lyon",
    ("MISSION_LOCALE", "01001"): "Mission locale de Bourg",
    ("CFA", "0010856A"): "CFA de Bourg",
}


def read_all(communes: list[Any], missions: list[Any], organismes: list[Any]) -> tuple[Referentiel, QualityCounts]:
    lists = {"communes": communes, "mission-locale": missions, "organismes": organismes}
    pages = {name: [{"data": list_query, "pagination": {}}] for name, list_query in lists.items()}
    return drive(referentiel.referentiel(), by_operation(pages))[1]


def test_the_whole_referential() -> None:
    assert read_all([COMMUNE], [MISSION], [ORGANISME]) == (
        Referentiel(
            communes={"01053": READ_ONE},
            missions_locales={
                "01001": MissionLocaleRow(
                    1001, "01001", "Mission locale de Bourg", "01053", "0465710002", "ml@ml.invalid"
                )
            },
            organismes={"0010856A": OrganismeRow(**CFA_READ)},
            noms=NAMES,
        ),
        QualityCounts(),
    )


def test_a_commune_may_have_no_mission_locale() -> None:
    referentiel_read, account = read_all([{**COMMUNE, "mission_locale": None}], [], [])
    assert referentiel_read.communes["01053"].mission_locale is None
    assert account == QualityCounts()


@pytest.mark.parametrize(
    ("written", "expected", "ignores"),
    [
        ({"adresse": {"insee": "?"}}, {"insee": None}, 1),
        ({"reseaux": None}, {"reseaux": ()}, 0),
        ({"reseaux": ["cma", {}]}, {"reseaux": ("cma",)}, 1),
        ({"region": {"nom": "?"}}, {"region": None}, 1),
        ({"formateurs": ["?", {"uai": "0594899E"}]}, {}, 1),
        ({"identifiant": {"uai": "10856A", "siret": "1"}}, {"siret": ""}, 1),
    ],
)
def test_a_training_body(written: dict[str, Any], expected: dict[str, Any], ignores: int) -> None:
    referentiel_read, account = read_all([], [], [{**ORGANISME, **written}])
    assert dict(referentiel_read.organismes) == {"0010856A": OrganismeRow(**{**CFA_READ, **expected})}
    assert account == QualityCounts(0, ignores)


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
    referentiel_read, account = read_all([*communes, COMMUNE], [*missions, MISSION], [*organismes, ORGANISME])
    sizes = [len(referentiel_read.communes), len(referentiel_read.missions_locales), len(referentiel_read.organismes)]
    assert (sizes, account.rejects) == ([1, 1, 1], 1)


def test_a_body_without_uai_cannot_be_a_perimeter() -> None:
    without = {**ORGANISME, "identifiant": {"uai": None, "siret": "73282932000074"}}
    assert read_all([], [], [without])[0].organismes == {}


def test_three_lists_are_asked_together_by_thousands() -> None:
    (batch,), _ = drive(referentiel.referentiel(), by_operation({}))
    assert [(r.operation, r.path) for r in batch] == [
        ("communes", "/geographie/v1/communes"),
        ("mission-locale", "/geographie/v1/mission-locale"),
        ("organismes", "/organisme/v1/export"),
    ]
    assert {(r.pages, r.size) for r in batch} == {(PagingStyle.INDEX, 1000)}


def test_a_page_without_its_rows_is_no_empty_referential() -> None:
    with pytest.raises(UnexpectedAnswer):
        drive(referentiel.referentiel(), by_operation({"communes": [{"name": "Unauthorized"}]}))
