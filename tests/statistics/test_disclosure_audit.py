"""What grids side by side would tell of a cell: by hand, on a country of one département."""

from collections.abc import Sequence

from gateway.domain.referentiel import OrganismeRow, Referentiel
from gateway.statistiques.disclosure_audit import VALUES_MIN, AuditedCell, audited, fewest_values
from gateway.statistiques.places import Places


def places(cfas: int) -> Places:
    uais = [f"059{rank:04}A" for rank in range(cfas)]
    rows = {uai: OrganismeRow(uai, "", uai, "59350", "59", "32", "09") for uai in uais}
    return Places(Referentiel(communes={}, missions_locales={}, organismes=rows))


def of_cfas(counts: Sequence[tuple[int, int]]) -> list[AuditedCell]:
    """Of each CFA, its apprentices at the end of a month, as they are and as they are published."""
    cells = [(f"059{rank:04}A", "", "2026-09", "APPRENTI") for rank in range(len(counts))]
    return [audited(cell, *told, 5) for cell, told in zip(cells, counts, strict=True)]


def of_departement(count: int, protected: int) -> list[AuditedCell]:
    return [audited(("59", "4", "2026-09", "APPRENTI"), count, protected, 5)]


def test_a_block_alone_leaves_nine_counts_and_an_absence_five() -> None:
    assert fewest_values({"3b": of_cfas([(7, 5)])}, places(1), 5) == 9
    assert fewest_values({"3b": of_cfas([(3, 0)])}, places(1), 5) == 5
    assert fewest_values({}, places(1), 5) is None


def test_two_looks_at_the_same_people_leave_four() -> None:
    """A département of one CFA and one level: from 1 to 9 by the one, from 6 to 14 by the other."""
    told = {"3a": of_departement(7, 10), "3b": of_cfas([(7, 5)])}
    assert fewest_values(told, places(1), 5) == VALUES_MIN == 4
    assert [(cell.low, cell.high) for cells in told.values() for cell in cells] == [(6, 9), (6, 9)]


def test_a_sum_that_leaves_no_room_is_found() -> None:
    """Thirteen CFAs of at least one apprentice each, where the département has fourteen at most."""
    told = {"3a": of_departement(13, 10), "3b": of_cfas([(1, 5)] * 13)}
    assert fewest_values(told, places(13), 5) == 2
    assert {(cell.low, cell.high) for cell in told["3b"]} == {(1, 2)}


def test_what_is_not_published_may_be_there_too() -> None:
    """The same, and twenty CFAs of which nothing is published: each may have from nobody to four."""
    told = {"3a": of_departement(12, 15), "3b": of_cfas([(1, 5)] * 12)}
    assert fewest_values(told, places(32), 5) == 5
    assert {(cell.low, cell.high) for cell in told["3b"]} == {(1, 8)}  # the others hold eleven at least


def test_sums_that_do_not_agree_prove_nothing() -> None:
    """A CFA that moved since is counted in two départements: no total of theirs narrows a cell."""
    told = {"3a": of_departement(12, 10), "3b": of_cfas([(1, 5)] * 13)}
    assert fewest_values(told, places(13), 5) == 9


def test_a_greater_step_leaves_more() -> None:
    told = {"3a": [audited(("59", "4", "2026-09", "APPRENTI"), 17, 20, 10)]}
    assert fewest_values(told, places(1), 10) == 19
