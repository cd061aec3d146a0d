"""For which Mission locale a request is: that of the home; where the address does not tell it, the one that its author tells
(docs/ecritures.md)."""

from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest

from gateway.domain.statut import StatutApprenant
from gateway.schema.nouns import Jeune, Rupture, Statut
from gateway.schema.organisations import MissionLocale
from gateway.schema.write_states import MotifAccompagnement
from gateway.schema.writes import SaisieAccompagnement
from gateway.writes.eligibility import WriteTarget, checked
from tests.support.writes.world import SCHOOL

DAY = date(2026, 10, 15)
HOME, OTHER, FAR = (MissionLocale(code=code, nom=code) for code in ("60001", "60002", "75001"))


def placed(told: str | None, home: MissionLocale | None, possible: list[MissionLocale]) -> Any:
    """The Mission locale that is chosen, or the code of what is wrong and the field."""
    jeune = Jeune(
        age=20,
        statut=Statut(valeur=StatutApprenant.RUPTURANT, depuis=date(2026, 10, 1)),
        ruptures=[Rupture(date=date(2026, 10, 1), jours_depuis=14)],
        mission_locale=home,
        missions_locales_possibles=possible,
    )
    saisie = SaisieAccompagnement(
        cle="0123456789abcdef",  # type: ignore[arg-type]
        jeune="x",  # type: ignore[arg-type]
        motifs=[MotifAccompagnement.LOGEMENT],
        referent="Référente fictive",
        telephone_verifie="06 39 98 12 34",
        mission_locale=told,
    )
    person: Any = SimpleNamespace(jeune=jeune)
    found = checked(saisie, (person, None), SCHOOL.perimetre, DAY)
    if isinstance(found, WriteTarget):
        return found.mission_locale
    return [(error.code.value, error.champ) for error in found]


@pytest.mark.parametrize(
    ("told", "home", "possible", "awaited"),
    [
        (None, HOME, [HOME], "60001"),
        ("60001", HOME, [HOME], "60001"),
        ("60002", HOME, [HOME], [("INVALIDE", "missionLocale")]),
        (None, None, [HOME, OTHER], [("MISSION_LOCALE_AMBIGUE", "missionLocale")]),
        ("60002", None, [HOME, OTHER], "60002"),
        ("75001", None, [HOME, OTHER], [("MISSION_LOCALE_AMBIGUE", "missionLocale")]),
        (None, None, [], [("NON_ELIGIBLE", "jeune")]),
        ("60001", None, [], [("NON_ELIGIBLE", "jeune")]),
    ],
)
def test_a_request_is_for_the_mission_locale_of_the_home_or_the_one_that_is_chosen(
    told: str | None, home: MissionLocale | None, possible: list[MissionLocale], awaited: Any
) -> None:
    assert placed(told, home, possible) == awaited
