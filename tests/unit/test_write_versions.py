"""The version of a follow-up or of a request, from when it is kept to when its partner tells it (docs/ecritures.md)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from gateway.federation.views.overlay import _with_step
from gateway.schema.nouns import Collaboration, EtapeSuivi, SituationSuivi, Suivi
from gateway.schema.write_states import EtatEcriture, MotifAccompagnement

KEPT_AT = datetime(2026, 10, 15, 12, 0, 0, 250_003, UTC)
TOLD_AT = datetime(2026, 10, 15, 14, 0, tzinfo=ZoneInfo("Europe/Paris"))  # the same second, as i-milo writes it
STEP = EtapeSuivi(situation=SituationSuivi.RDV_PRIS, date=KEPT_AT)
NOTED = Suivi(situation=SituationSuivi.RDV_PRIS, date=KEPT_AT, historique=[STEP], ecriture=EtatEcriture.EN_ATTENTE)
ASKED = Collaboration(demandee_le=KEPT_AT, motifs=[MotifAccompagnement.LOGEMENT], ecriture=EtatEcriture.EN_ATTENTE)


def test_a_follow_up_keeps_its_version_while_it_is_delivered_and_once_its_partner_tells_it() -> None:
    delivered = replace(NOTED, ecriture=EtatEcriture.TRANSMISE)
    told = replace(NOTED, date=TOLD_AT, historique=[], ecriture=None)
    assert {one._version() for one in (delivered, told)} == {NOTED._version()}


def test_a_request_keeps_its_version_while_it_is_delivered_and_once_its_partner_tells_it() -> None:
    delivered = replace(ASKED, ecriture=EtatEcriture.TRANSMISE)
    told = replace(ASKED, demandee_le=TOLD_AT, ecriture=None)
    assert {one._version() for one in (delivered, told)} == {ASKED._version()}


@pytest.mark.parametrize(
    "change",
    [
        {"situation": SituationSuivi.REORIENTATION},
        {"situation_autre": "autre"},
        {"commentaire": "autre"},
        {"conseiller": "autre"},
        {"deja_connu": True},
        {"date": KEPT_AT + timedelta(seconds=1)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_whatever_is_told_anew_changes_the_version_of_a_follow_up(change: dict[str, object]) -> None:
    assert replace(NOTED, **change)._version() != NOTED._version()  # type: ignore[arg-type]


def test_a_step_that_the_partner_tells_already_is_told_once() -> None:
    told = EtapeSuivi(situation=SituationSuivi.RDV_PRIS, date=TOLD_AT)
    assert _with_step([told], STEP) == [told]


def test_a_step_of_another_second_or_of_another_situation_is_one_more() -> None:
    earlier = EtapeSuivi(situation=SituationSuivi.RDV_PRIS, date=TOLD_AT - timedelta(seconds=1))
    other = EtapeSuivi(situation=SituationSuivi.REORIENTATION, date=TOLD_AT)
    assert _with_step([other, earlier], STEP) == [STEP, other, earlier]


def test_a_note_without_situation_adds_no_step() -> None:
    assert _with_step([], replace(STEP, situation=None)) == []
