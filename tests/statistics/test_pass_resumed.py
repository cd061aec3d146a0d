"""A pass that is killed, repeated, or left alone by a partner: the same blocks, and never a smaller figure that is not told."""

import asyncio
import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date, timedelta
from random import Random
from typing import Any

import pytest
from sqlalchemy import Engine, event

from gateway.cli.count_statistics import count_night, describe_state, publish_counts
from gateway.errors import CommandFailed
from gateway.statistiques.nightly_lots import CountedPeriod, counted_period
from gateway.stores.blocks_writer import BlockWriter
from tests.support.databases import read, write
from tests.support.statistics.counted_world import CountedWorld, counted_world

TODAY = date(2026, 10, 15)
STATES = "SELECT etat, count(*) FROM statistiques_lots GROUP BY etat ORDER BY etat"
KILLS, STATEMENTS = 20, 120  # a whole pass has some more statements of the store
HEARD = "SELECT sum(couverts) FROM statistiques_couverture WHERE source = 'ERP_CFA'"
COVERED = "SELECT sum(couverts) FROM statistiques_couverture WHERE source = 'ERP_CFA' AND mois = '{}'"


class Killed(Exception):
    """What stands for the end of a process, wherever it falls."""


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CountedWorld]:
    with counted_world(tmp_path_factory.mktemp("relevé"), jeunes=200, departements=("02",), today=TODAY) as counted:
        yield counted


@pytest.fixture
def here(counted: CountedWorld, monkeypatch: pytest.MonkeyPatch) -> CountedWorld:
    """The same, whose commands run in this process."""
    for name, value in counted.environment.items():
        monkeypatch.setenv(name, value)
    return counted


def count_here() -> tuple[int, list[str]]:
    told: list[str] = []
    return asyncio.run(count_night(told.append)), told


def publish_here() -> int:
    return asyncio.run(publish_counts(lambda _: None))


def test_two_passes_without_a_change_publish_the_same_bytes(here: CountedWorld) -> None:
    before = here.blocks()
    assert before
    assert count_here()[0] == 0
    assert here.blocks() == before
    assert read(here.url, "SELECT count(*) FROM statistiques_releves") == [(2,)]


def test_a_pass_killed_at_every_third_lot_goes_on_to_the_same_blocks(
    here: CountedWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, ordinary, written = here.blocks(), BlockWriter.write_lot, 0
    here.forget()

    async def write_lot(self: BlockWriter, *arguments: Any) -> None:
        nonlocal written
        written += 1
        if written % 3 == 0:
            raise Killed
        await ordinary(self, *arguments)

    monkeypatch.setattr(BlockWriter, "write_lot", write_lot)
    kills = 0
    while True:
        try:
            code, told = count_here()
            break
        except Killed:
            kills += 1
    assert code == 0
    assert kills > 5
    assert "repris" in told[0]
    assert here.blocks() == before


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # connections that the dead leave open
def test_a_pass_killed_at_twenty_statements_drawn_at_random_goes_on_to_the_same_blocks(here: CountedWorld) -> None:
    """Whatever the store was doing: a lot half written, a snapshot half protected, a place half taken."""
    before, randomness, kills = here.blocks(), Random(5), 0
    here.forget()
    while kills < KILLS:
        with killed_at(randomness.randint(1, STATEMENTS)) as killed, suppress(Killed):
            count_here()
        if not killed:
            here.forget()  # it went through before its end came: once more from nothing
        kills += bool(killed)
        write_if_there(here, "UPDATE statistiques_etat SET titulaire = NULL, echeance = 0")
    assert count_here()[0] == 0
    assert here.blocks() == before
    gc.collect()


def test_a_partner_that_is_asked_too_much_is_asked_again_after_a_rest_or_told_to_lack(
    here: CountedWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pass that goes on where another was killed meets the quotas that one spent, and has no count of theirs to keep."""
    monkeypatch.setattr("gateway.statistiques.nightly_pass.REST", 0.0)
    before, heard, told = here.blocks(), read(here.url, HEARD)[0][0], list[str]()
    here.forget()

    def tell(line: str) -> None:
        told.append(line)
        if "dernière fois" in line:
            here.world.check.lift_faults()  # as a minute does

    here.world.check.fault("gestibase", "rate_limit")
    try:
        assert count_here()[1][-2].endswith("sans leur source")
        assert dict(read(here.url, STATES))["SANS_SOURCE"] > 0
        assert 0 < read(here.url, HEARD)[0][0] < heard
        assert here.blocks() != before
        assert asyncio.run(count_night(tell)) == 0
    finally:
        here.world.check.lift_faults()
    assert [line for line in told if "dernière fois" in line]
    assert dict(read(here.url, STATES)).keys() == {"LU"}
    assert read(here.url, HEARD)[0][0] == heard
    assert here.blocks() == before


@contextmanager
def killed_at(rank: int) -> Iterator[list[str]]:
    """Raise Killed at this statement of the store of statistics, and at each that follows: what is dead does not tidy up.
    Gives the statements not executed."""
    killed, done = list[str](), 0

    def before(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        nonlocal done
        if "statistiques" in statement and "version" not in statement:
            done += 1
            if done >= rank:
                killed.append(statement)
                raise Killed

    event.listen(Engine, "before_cursor_execute", before)
    try:
        yield killed
    finally:
        event.remove(Engine, "before_cursor_execute", before)


def write_if_there(here: CountedWorld, order: str) -> None:
    """A minute later: nobody holds the place of the dead process."""
    if read(here.url, "SELECT name FROM sqlite_master WHERE name = 'statistiques_etat'"):
        write(here.url, order)


def test_a_publication_that_is_killed_leaves_the_former_snapshot(
    here: CountedWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, ordinary = here.blocks(), BlockWriter.publish

    async def publish(*_: Any) -> None:
        raise Killed

    monkeypatch.setattr(BlockWriter, "publish", publish)
    with pytest.raises(Killed):
        count_here()
    assert here.blocks() == before
    monkeypatch.setattr(BlockWriter, "publish", ordinary)
    assert publish_here() == 0
    assert here.blocks() == before


def test_a_killed_process_keeps_its_place_for_a_minute_and_not_longer(here: CountedWorld) -> None:
    write(here.url, "UPDATE statistiques_etat SET titulaire = 'mort', echeance = 9999999999")
    # Beyond any lease that a living process holds: the clock was set back since.
    assert publish_here() == 0
    write(here.url, f"UPDATE statistiques_etat SET titulaire = 'vivant', echeance = {_seconds(30)}")
    with pytest.raises(CommandFailed, match="un autre processus relève, ou s'est arrêté il y a moins d'une minute"):
        publish_here()
    write(here.url, f"UPDATE statistiques_etat SET titulaire = 'mort', echeance = {_seconds(-1)}")
    assert publish_here() == 0


def _seconds(later: float) -> float:
    return time.time() + later


def test_without_its_key_everything_is_counted_and_nothing_is_published(
    here: CountedWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    published = read(here.url, "SELECT max(numero) FROM statistiques_releves")
    monkeypatch.setenv("GATEWAY_CLE_STATISTIQUES", "")
    code, told = count_here()
    assert (code, told[-1]) == (1, "GATEWAY_CLE_STATISTIQUES absente : rien n'est protégé, donc rien n'est publié")
    assert read(here.url, "SELECT max(numero) FROM statistiques_releves") == published


def test_an_audit_that_fails_publishes_nothing_and_is_told(here: CountedWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    before = here.blocks()
    monkeypatch.setattr("gateway.statistiques.publication.fewest_values", lambda *_: 3)
    code, told = count_here()
    assert (code, told[-1]) == (
        1, "relevé refusé : une case ne laisse que 3 valeurs possibles ; le précédent reste",
    )  # fmt: skip
    assert here.blocks() == before
    assert "relevé refusé le" in asyncio.run(describe_state())
    monkeypatch.setattr("gateway.statistiques.publication.fewest_values", lambda *_: 4)
    assert publish_here() == 0
    assert "refusé" not in asyncio.run(describe_state())


def test_another_key_is_another_look_at_everything(here: CountedWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    before = here.blocks()
    monkeypatch.setenv("GATEWAY_CLE_STATISTIQUES", "C" * 42 + "A")
    assert publish_here() == 0
    assert here.blocks() != before
    monkeypatch.setenv("GATEWAY_CLE_STATISTIQUES", here.environment["GATEWAY_CLE_STATISTIQUES"])
    assert publish_here() == 0
    assert here.blocks() == before


def test_a_silent_partner_makes_figures_old_then_lets_coverage_fall(
    here: CountedWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last of the module: the world's calendar runs on for a month and a half."""
    monkeypatch.setattr("gateway.statistiques.nightly_pass.REST", 0.0)
    whole = here.cells("3b")
    here.world.check.fault("ypareo", "refuse")
    try:
        monkeypatch.setenv("GATEWAY_NOW", _day(20))
        assert count_here()[0] == 0
        states = dict(read(here.url, STATES))
        assert states["ANCIEN"] > 0
        assert states["LU"] > 0
        served = {tenant for tenant in here.world.population.accounts["ypareo"] if tenant in {u for u, _, _ in whole}}
        kept = here.cells("3b")
        for uai in served:
            former = {classe: n for (lieu, month, classe), n in whole.items() if (lieu, month) == (uai, "2026-10")}
            for later in ("2026-10", "2026-11"):
                assert {c: n for (lieu, month, c), n in kept.items() if (lieu, month) == (uai, later)} == former
        monkeypatch.setenv("GATEWAY_NOW", _day(40))
        assert count_here()[0] == 0
        states = dict(read(here.url, STATES))
        assert states["SANS_SOURCE"] > 0
        assert read(here.url, COVERED.format("2026-11"))[0][0] < read(here.url, COVERED.format("2026-10"))[0][0]
    finally:
        here.world.check.lift_faults()


def _day(later: int) -> str:
    return (TODAY + timedelta(days=later)).isoformat()


def test_a_registry_never_harvested_is_no_country_without_contracts(
    here: CountedWorld, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setenv("GATEWAY_DATABASE_URL", f"sqlite+aiosqlite:///{tmp_path / 'vide.sqlite'}")
    with pytest.raises(CommandFailed, match="jamais été moissonné"):
        count_here()


def test_half_a_quarter_is_never_counted() -> None:
    since = date(2024, 8, 1)
    assert counted_period(date(2026, 10, 15)) == CountedPeriod(since, date(2026, 10, 15), since)
    assert counted_period(date(2026, 10, 15), 12).since == date(2025, 8, 1)
    period = CountedPeriod(since, date(2024, 11, 15), since)
    assert period.stock_days == [date(2024, 8, 31), date(2024, 9, 30), date(2024, 10, 31), date(2024, 11, 15)]


@pytest.mark.parametrize(
    ("counted_on", "as_of", "first"),
    [
        (date(2026, 10, 14), date(2026, 10, 15), date(2026, 8, 31)),
        (date(2026, 7, 31), date(2026, 8, 1), date(2026, 8, 1)),  # July was counted to its end
        (date(2026, 7, 30), date(2026, 8, 1), date(2026, 7, 31)),  # a night was missed
        (date(2026, 5, 31), date(2026, 8, 3), date(2026, 6, 30)),
        (None, date(2026, 8, 1), date(2024, 8, 31)),
    ],
)
def test_month_ends_of_a_school_year_that_is_over_are_not_counted_again(
    counted_on: date | None, as_of: date, first: date
) -> None:
    assert counted_period(as_of).again(counted_on).stock_days[0] == first
