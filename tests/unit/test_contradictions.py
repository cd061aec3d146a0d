"""Two sources that contradict each other (SECURITY U18): a published precedence, the loser kept, nobody merged in silence."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from gateway.federation.rapprochement import rapprocher
from gateway.schema.nouns import Sexe
from tests.unit.federation_outils import contrat, dit, fusion, provenance

HIER, AUJOURDHUI = datetime(2026, 10, 13, tzinfo=UTC), datetime(2026, 10, 14, tzinfo=UTC)


def test_u18_of_two_phones_the_last_written_is_kept_and_the_other_told() -> None:
    une = fusion(
        dit("ypareo", modifie=HIER, telephone="0639980001"), dit("imilo", modifie=AUJOURDHUI, telephone="0639980002")
    )
    lignes = provenance(une)
    assert une.jeune.telephone == "0639980002"
    assert (lignes["telephone", "imilo"], lignes["telephone", "ypareo"]) == ((True, True), (False, True))


def test_u18_of_two_states_of_a_contract_the_cfa_s_is_kept_and_the_registry_s_told() -> None:
    debut = date(2025, 9, 1)
    une = fusion(
        dit("registre", modifie=AUJOURDHUI, contrats=[contrat(debut, date(2027, 7, 31), numero="1")]),
        dit("ypareo", modifie=HIER, contrats=[contrat(debut, date(2027, 8, 31), date(2026, 9, 20), numero="1")]),
    )
    lignes = provenance(une)
    (rupture,) = une.jeune.ruptures or []
    assert (rupture.date, rupture.sources, une.contrats[0].date_fin) == (
        date(2026, 9, 20),
        ["ypareo"],
        date(2027, 8, 31),
    )
    assert lignes["dateFin", "registre"] == (False, True)


def test_u18_two_birth_dates_make_two_persons_unless_something_else_says_one() -> None:
    dites = [dit("ypareo"), dit("registre", date_naissance=date(2001, 12, 25))]
    assert len(rapprocher(dites)) == 2


@pytest.mark.parametrize(
    ("un", "autre"),
    [
        ({"sexe": Sexe.M}, {"sexe": Sexe.F}),
        ({"ine": "123456789AB"}, {"ine": "987654321CD"}),
    ],
)
def test_u18_homonyms_born_the_same_day_stay_two_when_something_tells_them_apart(
    un: dict[str, Any], autre: dict[str, Any]
) -> None:
    assert len(rapprocher([dit("ypareo", **un), dit("registre", **autre)])) == 2


def test_u18_homonyms_born_the_same_day_in_one_system_stay_two_and_a_third_record_is_neither() -> None:
    """That system holds them apart: it knows better."""
    dites = [dit("ypareo", "1"), dit("ypareo", "2"), dit("registre", "3")]
    assert len(rapprocher(dites)) == 3
