"""Status → meaning, and how long to wait (SECURITY U13)."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import ErreurSource, SourceFermee, SourceIndisponible, SourceInvalide, SourceRefusee
from gateway.sources.statuts import REESSAYER_MAX, erreur_du_statut, reessayer_dans

INSTANT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("statut", "reessayer", "sorte", "attente"),
    [
        (301, "", SourceInvalide, None),
        (400, "", SourceInvalide, None),
        (401, "", SourceRefusee, None),
        (403, "9", SourceRefusee, None),
        (404, "", SourceInvalide, None),
        (409, "", SourceInvalide, None),
        (413, "", SourceInvalide, None),
        (418, "", SourceInvalide, None),
        (429, "", SourceIndisponible, None),
        (429, "7", SourceIndisponible, 7.0),
        (500, "7", SourceIndisponible, None),
        (503, "", SourceIndisponible, None),
        (503, "120", SourceFermee, 120.0),
        (504, "", SourceIndisponible, None),
        (206, "", SourceInvalide, None),
        (999, "", SourceInvalide, None),
    ],
)
def test_u13_un_statut_a_un_sens(statut: int, reessayer: str, sorte: type[ErreurSource], attente: float | None) -> None:
    erreur = erreur_du_statut("erp", statut, reessayer, INSTANT)
    assert type(erreur) is sorte
    assert erreur.source == "erp"
    assert getattr(erreur, "reessayer_dans", None) == attente


@pytest.mark.parametrize("statut", [200, 204])
def test_un_succes_n_est_pas_une_erreur(statut: int) -> None:
    assert erreur_du_statut("erp", statut, "", INSTANT) is None


def test_401_et_403_disent_le_refus() -> None:
    assert str(erreur_du_statut("erp", 401, "", INSTANT)) == "accès refusé par le partenaire"


@pytest.mark.parametrize(
    ("entete", "attendu"),
    [
        ("0", 0.0),
        (" 30 ", 30.0),
        ("9" * 400, REESSAYER_MAX),
        ("-5", None),
        ("1e9", None),
        ("²", None),
        ("demain", None),
        ("", None),
        ("Mon, 02 Mar 2026 09:01:00 GMT", 60.0),
        ("Mon, 02 Mar 2026 09:01:00 -0000", 60.0),
        ("Mon, 02 Mar 2020 09:00:00 GMT", 0.0),
        ("Mon, 02 Mar 9026 09:00:00 GMT", REESSAYER_MAX),
    ],
)
def test_u13_retry_after_absurde_est_borne(entete: str, attendu: float | None) -> None:
    assert reessayer_dans(entete, INSTANT) == attendu


@given(st.text(max_size=60))
def test_u13_retry_after_ne_fait_rien_tomber(entete: str) -> None:
    attente = reessayer_dans(entete, INSTANT)
    assert attente is None or 0 <= attente <= REESSAYER_MAX
