"""Keys turn: what was sealed opens and is sealed again, the chain goes on, ids stay what they were, and a kill loses nothing."""

import asyncio
import base64
import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select, text

from gateway.audit.entries import act
from gateway.config import load
from gateway.domain.seal import OpaqueIds, Sealer, TurningSealer
from gateway.errors import ConfigurationError, JournalUnavailable
from gateway.stores import sealed_columns
from gateway.stores.journal import Journal, JournalEntry
from gateway.stores.journal_keys import rotate_keys
from gateway.stores.journal_purge import believe, purge_entries
from gateway.stores.journal_queries import BOUND_FAULT, readings_of, verify_chain
from gateway.stores.registry import ROWS, SEALED, RegistryStore, Window
from gateway.stores.sealed_columns import Resealing, check_sealed, reseal
from gateway.stores.sealing_keys import forget_keys
from gateway.stores.sql import open_engine, writer
from tests.support.unit.registry import importer
from tests.unit.test_config import GOOD
from tests.unit.test_store_registry import line, numeros

OLD, NEW, IDS, LOST = (Sealer(bytes([rank]) * 32) for rank in (1, 2, 3, 4))
START = datetime(2026, 1, 1, tzinfo=UTC)
_BYTES = {"sqlite": "x'00'", "postgresql": "'\\\\x00'"}
JANUARY = Window(date(2026, 1, 1), date(2026, 1, 31))


def text_of(rank: int) -> str:
    return base64.urlsafe_b64encode(bytes([rank]) * 32).decode()


def configured(folder: Path, **environ: str) -> tuple[Sealer, tuple[Sealer, ...], tuple[Sealer, ...]]:
    (folder / "gateway.toml").write_text(GOOD, encoding="utf-8")
    result = load({"GATEWAY_CONFIG": str(folder), **environ})
    return result.sealer, result.journal_sealers, result.cache_sealers


def test_one_key_is_every_key_that_is_not_told(tmp_path: Path) -> None:
    sealer, signers, cache = configured(tmp_path, GATEWAY_CLE=text_of(1))
    assert {sealer.name, sealer.stable.name, signers[0].name, cache[0].name} == {OLD.name}
    assert sealer.seal("u", b"clair") == OLD.seal("u", b"clair")
    assert OpaqueIds(sealer).seal("Jeune", "cle") == OpaqueIds(OLD).seal("Jeune", "cle")


def test_each_holder_has_its_own(tmp_path: Path) -> None:
    told = {
        "GATEWAY_CLES": f"{text_of(2)},{text_of(1)}",
        "GATEWAY_CLE_IDENTIFIANTS": text_of(3),
        "GATEWAY_CLES_JOURNAL": f"{text_of(2)}, {text_of(1)}",
        "GATEWAY_CACHE_CLES": text_of(4),
    }
    sealer, signers, cache = configured(tmp_path, **told)  # no GATEWAY_CLE is needed then
    assert sealer.seal("u", b"clair") == NEW.seal("u", b"clair")
    assert sealer.open("u", OLD.seal("u", b"clair")) == b"clair"
    assert sealer.open("u", IDS.seal("u", b"clair")) is None
    assert sealer.mac("u", b"clair") == IDS.mac("u", b"clair")
    assert OpaqueIds(sealer).seal("Jeune", "cle") == OpaqueIds(IDS).seal("Jeune", "cle")
    assert [one.name for one in signers] == [NEW.name, OLD.name]
    assert [one.name for one in cache] == [LOST.name]


@pytest.mark.parametrize(
    ("told", "names"),
    [
        ({}, [OLD]),
        ({"GATEWAY_CLE_IDENTIFIANTS": text_of(3), "GATEWAY_CLES": text_of(2)}, [IDS]),
        (
            {"GATEWAY_CLE_IDENTIFIANTS": text_of(3), "GATEWAY_CLES_CHIFFREMENT": f"{text_of(2)},{text_of(3)}"},
            [NEW, IDS],
        ),
    ],
    ids=["one-key", "as-before-the-ring", "turning"],
)
def test_what_issuers_encrypt_for_turns_by_itself(tmp_path: Path, told: dict[str, str], names: list[Sealer]) -> None:
    (tmp_path / "gateway.toml").write_text(GOOD, encoding="utf-8")
    result = load({"GATEWAY_CONFIG": str(tmp_path), "GATEWAY_CLE": text_of(1), **told})
    assert [one.name for one in result.encryption_sealers] == [one.name for one in names]


@pytest.mark.parametrize("name", ["GATEWAY_CLES", "GATEWAY_CLE_IDENTIFIANTS", "GATEWAY_CLES_JOURNAL"])
def test_a_wrong_key_is_named_and_not_shown(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        configured(tmp_path, GATEWAY_CLE=text_of(1), **{name: f"{text_of(2)},courte"})
    assert str(error.value) == f"variable d'environnement {name} : 32 octets en base64url attendus"


@given(st.binary(max_size=50), st.binary(max_size=9), st.permutations([OLD, NEW, IDS]))
def test_a_ring_opens_what_each_of_its_keys_sealed_and_nothing_else(
    plain: bytes, bound_to: bytes, ring: list[Sealer]
) -> None:
    turning = TurningSealer(LOST, ring)
    for rank, sealer in enumerate(ring):
        sealed = sealer.seal("u", plain, bound_to)
        assert turning.open("u", sealed, bound_to) == plain
        assert turning.is_current("u", sealed, bound_to) == (rank == 0)
    assert turning.seal("u", plain, bound_to) == ring[0].seal("u", plain, bound_to)
    assert turning.open("u", LOST.seal("u", plain, bound_to), bound_to) is None


def test_the_name_of_a_key_tells_nothing_of_it() -> None:
    names = {one.name for one in (OLD, NEW, IDS, LOST)}
    assert len(names) == 4
    assert all(len(bytes.fromhex(name)) == 8 for name in names)


@pytest.mark.anyio
class TestRegistry:
    ROWS_KEPT = 1234  # more than two batches

    @pytest.fixture
    async def kept(self, url: str) -> str:
        """A registry sealed by the old key."""
        store = RegistryStore(url, OLD)
        await store.open()
        await importer(store, JANUARY, [line(f"{rank:05}") for rank in range(self.ROWS_KEPT)], START)
        await store.close()
        return url

    async def resealed(self, url: str, sealer: Sealer, stop_after: int = 1000) -> list[Resealing]:
        """What each batch told; killed after some."""
        engine, told = open_engine(url, 5, is_durable=True), []

        def tell(done: Resealing) -> None:
            told.append(Resealing(done.rows, done.seen, done.resealed, done.unreadable))
            if len(told) == stop_after:
                raise KeyboardInterrupt

        resealing = writer(engine, 5)
        try:
            await reseal(resealing, SEALED, sealer, tell)
        finally:
            await resealing.close()
            await engine.dispose()
        return told

    async def read(self, url: str, sealer: Sealer) -> list[str]:
        store = RegistryStore(url, sealer)
        try:
            await store.open()
            return numeros(store, await store.contrats(["59000"], [], []))
        finally:
            await store.close()

    async def test_killed_between_batches_it_loses_nothing_and_goes_on(
        self, kept: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        ring, all_of_them = TurningSealer(OLD, [NEW, OLD]), [f"{rank:05}" for rank in range(self.ROWS_KEPT)]
        with pytest.raises(KeyboardInterrupt):
            await self.resealed(kept, ring, stop_after=1)
        assert await self.read(kept, ring) == all_of_them
        told = await self.resealed(kept, ring)
        assert [(one.seen, one.resealed) for one in told] == [(500, 0), (1000, 500), (1234, 734)]
        assert [(one.resealed, one.unreadable) for one in await self.resealed(kept, ring)][-1] == (0, 0)
        await self.forget(kept, ring)
        assert await self.read(kept, TurningSealer(OLD, [NEW])) == all_of_them
        assert caplog.text == ""

    async def forget(self, url: str, sealer: Sealer) -> None:
        engine = open_engine(url, 5, is_durable=True)
        async with engine.begin() as connection:
            await connection.run_sync(forget_keys, sealer)
        await engine.dispose()

    async def test_a_key_that_lacks_is_told_from_damage_and_stops_the_start(self, kept: str) -> None:
        ring = TurningSealer(OLD, [NEW, OLD])
        await self.read(kept, ring)  # a gateway opened with both: either may have sealed
        for alone in (TurningSealer(OLD, [NEW]), TurningSealer(OLD, [OLD]), TurningSealer(OLD, [LOST])):
            with pytest.raises(ConfigurationError) as refusal:
                await self.read(kept, alone)
            number = 2 if alone.ring == (LOST,) else 1
            assert str(refusal.value) == (
                f"GATEWAY_CLES : {number} clé(s) qui ont scellé ce qui est gardé n'y sont pas ; "
                "les remettre, puis « python -m gateway cle tourner » (docs/cles.md)"
            )
        await self.forget(kept, ring)
        with pytest.raises(ConfigurationError, match=r"^GATEWAY_CLES : 1 clé"):
            await self.read(kept, TurningSealer(OLD, [OLD]))

    async def test_damage_is_told_from_a_key_that_lacks_and_the_rest_is_served(
        self, kept: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        await self.damage(kept)
        assert await self.read(kept, OLD) == []
        assert caplog.messages[0].startswith("registre : copie altérée : aucune clé ne manque, et rien ne s'y ouvre")

    async def test_data_of_before_keys_were_noted_says_what_is_not_known(
        self, kept: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        await self.execute(kept, "DELETE FROM registre_cles")
        assert await self.read(kept, TurningSealer(OLD, [LOST])) == []
        assert caplog.messages[0].startswith("registre : copie que n'ouvre aucune clé de GATEWAY_CLES")
        assert len(await self.read(kept, TurningSealer(OLD, [NEW, OLD]))) == self.ROWS_KEPT  # and both are noted
        with pytest.raises(ConfigurationError, match=r"^GATEWAY_CLES : 1 clé"):
            await self.read(kept, TurningSealer(OLD, [OLD]))

    async def damage(self, url: str) -> None:
        await self.execute(url, f"UPDATE registre_lignes SET scelle = {_BYTES[url.split('+', maxsplit=1)[0]]}")

    async def execute(self, url: str, order: str) -> None:
        engine = open_engine(url, 5, is_durable=True)
        async with engine.begin() as connection:
            await connection.execute(text(order))
        await engine.dispose()

    async def test_a_row_written_meanwhile_is_not_put_back(self, kept: str) -> None:
        """Somebody else's row is sealed by the keys of the day: what was read before it is not written over it."""
        ring, newer = TurningSealer(OLD, [NEW, OLD]), b"autre"
        engine = open_engine(kept, 5, is_durable=True)
        async with engine.begin() as connection:
            row = (await connection.execute(select(ROWS).limit(1))).one()
            await connection.execute(ROWS.update().where(ROWS.c.contrat == row.contrat).values(scelle=newer))
            done = Resealing(1)
            await connection.run_sync(lambda c: sealed_columns._reseal_row(SEALED, ring, row, done, c))
            now = await connection.scalar(select(ROWS.c.scelle).where(ROWS.c.contrat == row.contrat))
        await engine.dispose()
        assert (now, done.resealed) == (newer, 0)

    async def test_what_no_key_opens_is_counted_and_left(self, kept: str) -> None:
        engine = open_engine(kept, 5, is_durable=True)
        async with engine.begin() as connection:
            first = await connection.scalar(select(func.min(ROWS.c.contrat)))
            await connection.execute(ROWS.update().where(ROWS.c.contrat == first).values(scelle=b"faux"))
        told = await self.resealed(kept, TurningSealer(OLD, [NEW, OLD]))
        assert (told[-1].resealed, told[-1].unreadable) == (self.ROWS_KEPT - 1, 1)
        checking = writer(engine, 5)
        checked = await check_sealed(checking, SEALED, TurningSealer(OLD, [NEW]))
        await checking.close()
        await engine.dispose()
        assert (checked.rows, checked.seen, checked.unreadable) == (self.ROWS_KEPT, self.ROWS_KEPT, 1)


def entry(rank: int) -> JournalEntry:
    return JournalEntry(act("LECTURE", START, rang=rank), ("zoe",))


@pytest.mark.anyio
class TestJournal:
    @pytest.fixture
    async def kept(self, url: str) -> str:
        """Five entries of before keys turned."""
        await self.append(url, [OLD], 5)
        return url

    async def append(self, url: str, signers: list[Sealer], number: int) -> None:
        journal = await self.opened(url, signers)
        for rank in range(number):
            await journal.append(entry(rank))
        await journal.close()

    async def opened(self, url: str, signers: list[Sealer]) -> Journal:
        journal = Journal(url, IDS, signers=signers)
        try:
            await journal.open()
        except ConfigurationError:
            await journal.close()
            raise
        return journal

    async def turned(self, url: str, signers: list[Sealer]) -> tuple[bool, set[str]]:
        journal = await self.opened(url, signers)
        done = await rotate_keys(journal)
        await journal.close()
        return done.turned, set(done.needed)

    async def fault(self, url: str, signers: list[Sealer]) -> str | None:
        journal = Journal(url, IDS, signers=signers)
        try:
            return (await verify_chain(journal)).fault
        finally:
            await journal.close()

    async def test_the_chain_goes_on_over_a_turn(self, kept: str) -> None:
        await self.append(kept, [NEW, OLD], 1)  # not turned yet: the key of the end signs on
        assert await self.fault(kept, [OLD]) is None
        assert await self.turned(kept, [NEW, OLD]) == (True, {OLD.name, NEW.name})
        assert await self.turned(kept, [NEW, OLD]) == (False, {OLD.name, NEW.name})
        await self.append(kept, [OLD, NEW], 2)  # whatever the order, once turned
        assert await self.fault(kept, [NEW, OLD]) is None
        journal = await self.opened(kept, [NEW, OLD])
        assert [json.loads(content)["rang"] for content, _ in await readings_of(journal, ["zoe"])] == [
            0,
            1,
            2,
            3,
            4,
            0,
            0,
            1,
        ]
        await journal.close()

    async def test_entries_of_a_key_that_is_gone_are_told(self, kept: str) -> None:
        await self.turned(kept, [NEW, OLD])
        await self.append(kept, [NEW], 1)
        assert await self.fault(kept, [NEW]) == "entrée 1 : signée par une clé que GATEWAY_CLES_JOURNAL ne donne pas"

    async def test_a_process_without_the_new_key_writes_nothing(self, kept: str) -> None:
        journal = await self.opened(kept, [OLD])
        await self.turned(kept, [NEW, OLD])
        with pytest.raises(JournalUnavailable):
            await journal.append(entry(9))
        await journal.close()
        with pytest.raises(ConfigurationError, match="autre GATEWAY_CLE"):
            await self.opened(kept, [OLD])

    async def test_whoever_has_the_old_key_cannot_go_on_with_it(self, kept: str) -> None:
        """Ends signed by the key of before, under entries that are said to be the new one's."""
        await self.turned(kept, [NEW, OLD])
        await self.append(kept, [NEW, OLD], 2)
        forger = await self.opened(kept, [NEW, OLD])
        backwards = await self.opened(kept, [OLD, NEW])
        await rotate_keys(backwards)
        await backwards.close()
        async with forger.engine.begin() as connection:  # turned back, and the note of it taken away
            await connection.execute(text("DELETE FROM journal_cles WHERE depuis > 6"))
        await forger.close()
        assert await self.fault(kept, [NEW, OLD]) == BOUND_FAULT

    async def test_a_note_that_was_moved_is_told(self, kept: str) -> None:
        await self.turned(kept, [NEW, OLD])
        await self.append(kept, [NEW, OLD], 2)
        journal = await self.opened(kept, [NEW, OLD])
        async with journal.engine.begin() as connection:
            await connection.execute(text("UPDATE journal_cles SET depuis = 7 WHERE depuis = 6"))
        await journal.close()
        assert await self.fault(kept, [NEW, OLD]) == "entrée 6 : altérée, déplacée ou refaite"

    async def test_a_purge_passes_over_a_turn_and_an_old_key_is_then_free(self, kept: str) -> None:
        await self.turned(kept, [NEW, OLD])
        await self.append(kept, [NEW, OLD], 2)
        journal = await self.opened(kept, [NEW, OLD])
        await believe(journal, START, lambda _: START)
        stale = iter([True] * 6 + [False] * 10)
        assert await purge_entries(journal, lambda _: next(stale), lambda total: act("PURGE", START, total=total)) == 6
        assert (await verify_chain(journal)).fault is None
        await journal.close()
        assert await self.turned(kept, [NEW, OLD]) == (False, {NEW.name})
        assert await self.fault(kept, [NEW]) is None

    async def test_writers_go_on_while_it_turns(self, kept: str) -> None:
        journals = [await self.opened(kept, [OLD, NEW]) for _ in range(3)]
        turning = await self.opened(kept, [NEW, OLD])
        written = [one.append(entry(rank)) for rank in range(20) for one in journals]
        await asyncio.gather(*written, rotate_keys(turning), *(one.append(entry(99)) for one in journals))
        for one in (*journals, turning):
            await one.close()
        assert await self.fault(kept, [NEW, OLD]) is None
        assert await self.turned(kept, [NEW, OLD]) == (False, {OLD.name, NEW.name})
