"""Dates that are none, in each dialect (SECURITY U11): the field is absent and counted, the record stays, nothing falls."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import pytest

from gateway.connectors import aimaira, gestibase, imilo, ypareo
from gateway.connectors.base import Lu
from gateway.connectors.valeurs import instant_paris
from gateway.domain.temps import PARIS
from tests.contract import test_connecteur_aimaira as a
from tests.contract import test_connecteur_gestibase as g
from tests.contract import test_connecteur_imilo as i
from tests.contract import test_connecteur_ypareo as y
from tests.contract.connecteurs_outils import CFA, JOUR, MISSION, mener, par_operation
from tests.unit.federation_outils import contrat, dit, fusion, statut

Lire = Callable[[str], Lu]
NULLES = ("31/02/2026", "20260231", "2026-02-31", "0000-01-01", "99991231", "9999-12-31T23:00:00Z", "hier", "-1")


def _tables(tables: dict[str, list[Any]]) -> dict[str, list[Any]]:
    return {nom: [lignes] for nom, lignes in tables.items()}


def lire_ypareo(ecrit: str) -> Lu:
    tables = {**y.TABLES, "apprenants": [y.APPRENANT], "contrats": [{**y.CONTRAT, "dateFinContrat": ecrit}]}
    return mener(ypareo.dossiers(CFA, JOUR), par_operation(_tables(tables)))[1]


def lire_gestibase(ecrit: str) -> Lu:
    page = g.entiere([{**g.LIGNE, "Contrat date fin": ecrit}])
    return mener(gestibase.dossiers(CFA, JOUR), lambda _: [page])[1]


def lire_aimaira(ecrit: str) -> Lu:
    entites = {**a.ENTITES, "Convention": [{**a.CONVENTION, "DateFin": ecrit}]}
    pages = {nom: [{"value": lignes}] for nom, lignes in entites.items()}
    return mener(aimaira.dossiers(CFA, JOUR), par_operation(pages))[1]


def lire_imilo(ecrit: str) -> Lu:
    ligne = {**i.DOSSIER, "collaboration": {**i.COLLABORATION, "demandeeLe": ecrit}}
    return mener(imilo.dossiers(MISSION, JOUR), par_operation({"dossiers": [[ligne]]}))[1]


@pytest.mark.parametrize("ecrit", NULLES)
@pytest.mark.parametrize("lire", [lire_ypareo, lire_gestibase, lire_aimaira])
def test_u11_an_end_that_is_no_date_is_absent_and_its_contract_stays(lire: Lire, ecrit: str) -> None:
    lu = lire(ecrit)
    (lu_contrat,) = lu.dossiers[0].jeune.contrats or []
    assert (lu_contrat.date_debut, lu_contrat.date_fin) == (date(2024, 9, 1), None)
    assert (lu.rejets, lu.champs_ignores) == (0, 1)


@pytest.mark.parametrize("ecrit", NULLES)
def test_u11_an_instant_that_is_none_is_absent_and_the_follow_up_stays(ecrit: str) -> None:
    lu = lire_imilo(ecrit)
    collaboration = lu.dossiers[0].jeune.collaboration
    assert collaboration is not None
    assert (collaboration.demandee_le, collaboration.referent) == (None, "M. Durand")
    assert (lu.rejets, lu.champs_ignores) == (0, 1)


@pytest.mark.parametrize("ecrit", ["2026-03-29 02:30:00", "2026-10-25 02:30:00", "2026-03-29T02:30:00+01:00"])
def test_u11_an_hour_that_does_not_exist_or_comes_twice_is_an_instant(ecrit: str) -> None:
    lu = instant_paris(ecrit)
    assert lu is not None
    assert lu.utcoffset() is not None
    assert sorted([lu, datetime(2027, 1, 1, tzinfo=PARIS), datetime(2026, 1, 1, tzinfo=PARIS)])[1] == lu


@pytest.mark.parametrize(
    ("naissance", "age"),
    [
        (date(2030, 1, 1), None),  # to come
        (date(2023, 1, 1), None),  # three years old
        (date(1886, 1, 1), None),
        (date(2006, 10, 15), 20),
        (date(2006, 10, 16), 19),
    ],
)
def test_u11_no_age_is_made_of_a_birth_that_cannot_be(naissance: date, age: int | None) -> None:
    """The birth date is shown as it was told: its CFA has to see it to correct it."""
    jeune = fusion(dit("ypareo", date_naissance=naissance)).jeune
    assert (jeune.date_naissance, jeune.age, jeune.mineur) == (naissance, age, None if age is None else False)


def test_u11_a_rupture_before_the_start_is_told_and_leaves_no_day_of_contract() -> None:
    une = fusion(
        dit(
            "ypareo",
            contrats=[
                contrat(date(2026, 9, 15), rompu=date(2026, 9, 1)),
                contrat(date(2025, 9, 1), date(2026, 8, 31)),
            ],
        )
    )
    assert [rupture.date for rupture in une.jeune.ruptures or []] == [date(2026, 9, 1)]
    assert [c.date_debut for c in une.jeune.contrats or []] == [date(2026, 9, 15), date(2025, 9, 1)]
    assert statut(une).value != "APPRENTI"


def test_u11_ends_and_starts_in_the_wrong_order_or_absent_break_nothing() -> None:
    une = fusion(
        dit("ypareo", contrats=[contrat(date(2026, 9, 1), date(2026, 1, 1)), contrat(date(9999, 12, 31))]),
        dit("registre", contrats=[contrat(date(1, 1, 1), date(1, 1, 2))]),
    )
    assert len(une.contrats) == 3
