"""Measures the reading journal: an entry written, "who read this person" among ten million entries, the whole chain verified.

    python -m bench.journal [ENTRIES [PERSONS_AN_ENTRY [DIRECTORY]]]

Makes a true chain in a SQLite file of several gigabytes, which it removes.
"""

import asyncio
import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from gateway.audit.entries import act
from gateway.auth.authentication.clients import DEFAULTS, caps
from gateway.auth.policy.rules import Profil
from gateway.domain.quota_rules import Account, CountUnder
from gateway.domain.seal import GENESIS, Anchor, Sealer, anchor_mac, next_
from gateway.stores.journal import Journal, JournalEntry
from gateway.stores.journal_queries import readings_of, verify_chain
from gateway.stores.journal_tables import END, pack, pseudonym, set_of

SEALER = Sealer(bytes(range(32)))
POPULATION = 200_000
START = datetime(2026, 1, 1, tzinfo=UTC)
COORDINATES = {"IDENTITE": ["Jeune.nom", "Jeune.prenom"], "PARCOURS": ["Rupture.jeune"], "RUPTURE": ["Rupture.date"]}
BATCH = 20_000

Row = tuple[int, bytes, bytes, bytes, int]


def _batches(entries: int, by_entry: int) -> Iterator[tuple[list[Row], list[tuple[int, int]], Anchor]]:
    randomness, anchor = random.Random(1), GENESIS
    codes = [pseudonym(SEALER, str(rank)) for rank in range(POPULATION)]
    for departure in range(0, entries, BATCH):
        rows: list[Row] = []
        index: list[tuple[int, int]] = []
        for rank in range(departure, min(departure + BATCH, entries)):
            own = randomness.sample(codes, by_entry)
            content, persons = _content(rank, by_entry), pack(own)
            anchor = next_(SEALER, anchor, content, persons)
            group = set_of(SEALER, own)
            rows.append((anchor.numero, content, persons, anchor.digest, group))
            index += [(code, group) for code in own]
        yield rows, index, anchor


def _content(rank: int, persons: int) -> bytes:
    group = {"categories": ["IDENTITE", "PARCOURS", "RUPTURE"], "personnes": persons}
    who = {"client": "ml", "compte": f"agent-{rank % 5000}", "profil": "MISSION_LOCALE", "organisation": "59010"}
    when = START + timedelta(seconds=3 * rank)
    return act("LECTURE", when, **who, finalite="ACCOMPAGNEMENT", coordonnees=COORDINATES, groupes=[group])


def _fill(path: Path, entries: int, by_entry: int) -> None:
    """The index is filled at the end, in its order: ten million appends are not what is measured here."""
    with sqlite3.connect(path) as base:
        base.executescript("PRAGMA synchronous=OFF; CREATE TABLE vrac (personne INTEGER, ensemble INTEGER)")
        fin = GENESIS
        for rows, index, fin in _batches(entries, by_entry):  # noqa: B007 - the last one is the end of the chain
            base.executemany("INSERT INTO journal_entrees VALUES (?, ?, ?, ?, ?)", rows)
            base.executemany("INSERT INTO vrac VALUES (?, ?)", index)
        base.execute("INSERT INTO journal_personnes SELECT DISTINCT * FROM vrac ORDER BY personne, ensemble")
        base.execute("DROP TABLE vrac")
        signed = (fin.numero, fin.digest, anchor_mac(SEALER, END, fin))
        base.execute("UPDATE journal_bornes SET numero = ?, empreinte = ?, sceau = ? WHERE nom = 'fin'", signed)


async def _write(journal: Journal, set_: int, times: int) -> float:
    """Milliseconds an entry, `set_` answers leaving together: accounts that read their first hundred persons."""
    randomness, departure = random.Random(set_), time.perf_counter()
    for _ in range(times):
        await asyncio.gather(*(journal.append(_first(randomness)) for _ in range(set_)))
    return (time.perf_counter() - departure) * 1000 / (times * set_)


def _account(agent: str) -> Account:
    return Account("client", agent, "0" * 32, sha256(agent.encode()).hexdigest()[:32])


def _first(randomness: random.Random) -> JournalEntry:
    """One of fifty organisations of four thousand persons each; an account of it that nobody saw yet."""
    rank = randomness.randrange(50)
    own = caps(DEFAULTS, Profil.MISSION_LOCALE, _account(f"agent {randomness.random()}"), f"ML/{rank}", START.date())
    keys = tuple(str(rank * 4000 + numero) for numero in randomness.sample(range(4000), 100))
    return JournalEntry(_content(0, 100), keys, CountUnder(own, f"ML/{rank}", 4000))


async def _reread(journal: Journal, times: int) -> float:
    """Milliseconds an entry of a page that its account read already."""
    page = _first(random.Random(3))
    await journal.append(page)
    departure = time.perf_counter()
    for _ in range(times):
        await journal.append(page)
    return (time.perf_counter() - departure) * 1000 / times


async def _measure(path: Path, entries: int, by_entry: int) -> None:
    journal = Journal(f"sqlite+aiosqlite:///{path}", SEALER)
    await journal.open()
    departure = time.perf_counter()
    await asyncio.to_thread(_fill, path, entries, by_entry)
    print(f"{entries:,} entries of {by_entry} persons, made in {time.perf_counter() - departure:.0f} s")
    for rank in (17, 170_000):
        departure = time.perf_counter()
        results = await readings_of(journal, [str(rank)])
        print(f"who read this person: {len(results)} readings in {time.perf_counter() - departure:.2f} s")
    for group, times in ((1, 200), (16, 50)):
        duration = await _write(journal, group, times)
        print(f"an entry of 100 persons not read yet, {group} at a time: {duration:.1f} ms")
    print(f"an entry of the same 100 persons again: {await _reread(journal, 200):.1f} ms")
    departure = time.perf_counter()
    verification = await verify_chain(journal)
    print(
        f"verified to {verification.last.numero:,} ({verification.fault or 'whole'}) in {time.perf_counter() - departure:.0f} s"
    )
    await journal.close()
    print(f"{sum(file.stat().st_size for file in path.parent.iterdir()) / 1e9:.1f} GB")


def main() -> None:
    """Run it with the numbers of the command line."""
    entries = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000
    by_entry = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    with tempfile.TemporaryDirectory(dir=sys.argv[3] if len(sys.argv) > 3 else None) as record:
        asyncio.run(_measure(Path(record) / "journal.sqlite", entries, by_entry))


if __name__ == "__main__":
    main()
