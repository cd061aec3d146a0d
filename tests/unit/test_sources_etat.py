"""The state of a partner from its recent calls: values in, state out."""

from datetime import UTC, datetime, time, timedelta

import pytest

from gateway.errors import SourceFermee, SourceIndisponible
from gateway.schema.lieux import EtatSource
from gateway.sources.etat import APPELS_RETENUS, Observations, ouverte

INSTANT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)  # 10:00 in Paris
PANNE = SourceIndisponible("erp", "")


def observees(*reussites: bool) -> Observations:
    vues = Observations()
    for rang, reussite in enumerate(reussites):
        vues.noter(None if reussite else PANNE, 0.25, INSTANT + timedelta(seconds=rang))
    return vues


@pytest.mark.parametrize(
    ("reussites", "etat", "taux"),
    [
        ((), EtatSource.DISPONIBLE, None),
        ((True,), EtatSource.DISPONIBLE, 0.0),
        ((False,), EtatSource.INDISPONIBLE, 1.0),
        ((True, False, False, False), EtatSource.INDISPONIBLE, 0.75),
        ((False, False, False, True), EtatSource.DEGRADEE, 0.75),
        ((True,) * 9 + (False,), EtatSource.DEGRADEE, 0.1),
        ((False,) + (True,) * 11, EtatSource.DISPONIBLE, 1 / 12),
        ((False,) * 10 + (True,) * APPELS_RETENUS, EtatSource.DISPONIBLE, 0.0),
    ],
)
def test_l_etat_vient_des_derniers_appels(reussites: tuple[bool, ...], etat: EtatSource, taux: float | None) -> None:
    vues = observees(*reussites)
    assert (vues.etat(INSTANT), vues.taux_erreur) == (etat, taux)


def test_la_derniere_reponse_est_la_derniere_reussie() -> None:
    vues = observees(True, True, False)
    assert (vues.derniere_reponse, vues.latence_ms) == (INSTANT + timedelta(seconds=1), 250.0)


def test_un_partenaire_ferme_l_est_jusqu_a_l_heure_dite() -> None:
    vues = observees(True)
    vues.noter(SourceFermee("erp", "", 60.0), 0.1, INSTANT)
    assert vues.etat(INSTANT + timedelta(seconds=59)) is EtatSource.FERMEE
    assert vues.etat(INSTANT + timedelta(seconds=60)) is EtatSource.DISPONIBLE
    assert vues.taux_erreur == 0.0


def test_une_reponse_rouvre_un_partenaire_ferme() -> None:
    vues = observees()
    vues.noter(SourceFermee("erp", "", 3600.0), 0.1, INSTANT)
    vues.noter(None, 0.1, INSTANT)
    assert vues.etat(INSTANT) is EtatSource.DISPONIBLE


def test_les_heures_d_ouverture_ferment_sans_qu_on_demande() -> None:
    vues = Observations((time(19), time(7)))
    assert vues.etat(INSTANT) is EtatSource.FERMEE
    assert vues.etat(INSTANT + timedelta(hours=9)) is EtatSource.DISPONIBLE


def test_u09_des_enregistrements_perdus_degradent() -> None:
    vues = observees(True)
    vues.noter_qualite(99, 1, 0)
    assert vues.etat(INSTANT) is EtatSource.DISPONIBLE
    vues.noter_qualite(0, 1, 0)
    assert vues.etat(INSTANT) is EtatSource.DEGRADEE


@pytest.mark.parametrize(
    ("heures", "ouvertes"),
    [
        ((time(19), time(7)), {0, 6, 19, 23}),
        ((time(8), time(18)), {8, 17}),
    ],
)
def test_l_ouverture_est_a_l_heure_de_paris(heures: tuple[time, time], ouvertes: set[int]) -> None:
    for heure in (0, 6, 7, 8, 17, 18, 19, 23):
        a_paris = datetime(2026, 7, 1, heure, 0, tzinfo=UTC) - timedelta(hours=2)
        assert ouverte(heures, a_paris) is (heure in ouvertes)


def test_u09_une_derive_du_format_degrade() -> None:
    vues = observees(True)
    vues.noter_qualite(100, 0, 5)
    assert vues.etat(INSTANT) is EtatSource.DISPONIBLE
    vues.noter_qualite(0, 0, 1)
    assert vues.etat(INSTANT) is EtatSource.DEGRADEE
