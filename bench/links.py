"""Measures what docs/decisions/0009 quotes: the ids of a view of 800 persons (2,400 records), cold and warm.

    python -m bench.links [sqlalchemy URL]

Prints milliseconds, the best of RUNS, in a ledger of 50,000 other links; SQLite in a temporary file by default.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from functools import cache
from typing import Any

from gateway.connectors.base import Record
from gateway.domain.links import Link, LinkWrites, RecordKey
from gateway.domain.seal import OpaqueIds, Sealer
from gateway.federation.ids.id_assigner import IdAssigner, person_keys
from gateway.federation.ids.keep_or_create import RecordKeys, keep_or_create
from gateway.federation.join.join_records import Cluster, SourcedRecord
from gateway.schema.nouns import Contrat, Jeune
from gateway.schema.organisations import TypeSource
from gateway.stores.links import LinkStore

PERSONS, OTHERS, RUNS = 800, 50_000, 7
INSTANT = datetime(2026, 10, 15, tzinfo=UTC)
IDS = OpaqueIds(Sealer(bytes(32)))


def group(rank: int) -> Cluster:
    """A person told by an ERP, the registry and a Mission locale's system."""
    contrats = [Contrat(numero=f"N{rank}", date_debut=date(2025, 9, 1))]
    natures = {
        "ypareo": TypeSource.ERP_CFA,
        "registre": TypeSource.REGISTRE_CONTRATS,
        "imilo": TypeSource.MISSION_LOCALE,
    }
    told_values = []
    for source, nature in natures.items():
        jeune = Jeune(
            nom="N" + "A" * (rank % 40), prenom=f"P{rank}", date_naissance=date(2006, 1, 1), contrats=contrats
        )
        told_values.append(SourcedRecord(source, nature, f"T{rank % 60}", Record(str(rank), jeune), INSTANT))
    return Cluster("", tuple(told_values))


GROUPS = [group(rank) for rank in range(PERSONS)]


def key_sets() -> list[RecordKeys]:
    pseudonym = cache(IDS.pseudonym)
    return [person_keys(group, frozenset(), pseudonym) for group in GROUPS]


def derive(text: str) -> str:
    return IDS.pseudonym(f"objet|{text}")


async def cost_of(nom: str, make: Callable[[], Awaitable[Any]], count: int = RUNS) -> None:
    durations = []
    for _ in range(count):
        debut = time.perf_counter()
        await make()
        durations.append((time.perf_counter() - debut) * 1000)
    print(f"{nom:<58} {min(durations):7.1f} ms")


async def measure(url: str) -> None:
    ledger = LinkStore(url)
    noise = [
        Link(RecordKey(derive(f"x{n}"), derive(f"i{n}"), "o" * 32), derive(f"p{n // 3}"), INSTANT, INSTANT)
        for n in range(OTHERS)
    ]
    await ledger.write(LinkWrites(new=noise))
    id_assigner = IdAssigner(ledger, derive, lambda: INSTANT, lambda: print("the ledger did not answer"))
    own = key_sets()
    keys = [key.key for record_keys in own for key in record_keys.keys]

    async def pseudonyms() -> None:
        key_sets()

    async def decision() -> None:
        keep_or_create(own, known, derive, INSTANT)

    await cost_of(f"pseudonyms of {len(keys)} records", pseudonyms)
    await cost_of("first view: read, decide, write, read again", lambda: id_assigner.assign(own, ()), 1)
    known = await ledger.read(keys)
    await cost_of("reading the links of a view, aliases included", lambda: ledger.read(keys))
    await cost_of("deciding, all known", decision)
    await cost_of("next view: all of it", lambda: id_assigner.assign(own, ()))
    await ledger.close()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as record:
        asyncio.run(measure(sys.argv[1] if len(sys.argv) > 1 else f"sqlite+aiosqlite:///{record}/liens.sqlite"))
