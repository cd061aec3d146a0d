"""Two sources that contradict each other (docs/security.md U18): a published precedence, the loser kept, no silent merge."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from gateway.federation.join.join_records import link
from gateway.schema.nouns import Sexe
from tests.support.unit.federation import contrat, merged, provenance, told

YESTERDAY, TODAY = datetime(2026, 10, 13, tzinfo=UTC), datetime(2026, 10, 14, tzinfo=UTC)


def test_u18_of_two_phones_the_last_written_is_kept_and_the_other_told() -> None:
    one = merged(
        told("ypareo", modifie=YESTERDAY, telephone="0639980001"), told("imilo", modifie=TODAY, telephone="0639980002")
    )
    rows = provenance(one)
    assert one.jeune.telephone == "0639980002"
    assert (rows["telephone", "imilo"], rows["telephone", "ypareo"]) == ((True, True), (False, True))


def test_u18_of_two_states_of_a_contract_the_cfa_s_is_kept_and_the_registry_s_told() -> None:
    debut = date(2025, 9, 1)
    one = merged(
        told("registre", modifie=TODAY, contrats=[contrat(debut, date(2027, 7, 31), numero="1")]),
        told("ypareo", modifie=YESTERDAY, contrats=[contrat(debut, date(2027, 8, 31), date(2026, 9, 20), numero="1")]),
    )
    rows = provenance(one)
    (rupture,) = one.jeune.ruptures or []
    assert (rupture.date, rupture.sources, one.contrats[0].date_fin) == (
        date(2026, 9, 20),
        ["ypareo"],
        date(2027, 8, 31),
    )
    assert rows["dateFin", "registre"] == (False, True)


def test_u18_two_birth_dates_make_two_persons_unless_something_else_says_one() -> None:
    records = [told("ypareo"), told("registre", date_naissance=date(2001, 12, 25))]
    assert len(link(records)) == 2


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"sexe": Sexe.M}, {"sexe": Sexe.F}),
        ({"ine": "123456789AB"}, {"ine": "987654321CD"}),
    ],
)
def test_u18_homonyms_born_the_same_day_stay_two_when_something_tells_them_apart(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    assert len(link([told("ypareo", **one), told("registre", **other)])) == 2


def test_u18_homonyms_born_the_same_day_in_one_system_stay_two_and_a_third_record_is_neither() -> None:
    """That system holds them apart: it knows better."""
    records = [told("ypareo", "1"), told("ypareo", "2"), told("registre", "3")]
    assert len(link(records)) == 3
