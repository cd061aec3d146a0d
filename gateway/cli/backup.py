"""Commands of an operator over a backup: whether one would give the service back, before it is needed."""

from collections.abc import Callable
from pathlib import Path

from gateway.cli.databases import faults_of
from gateway.cli.journal import read_anchor
from gateway.config import Configuration, load
from gateway.domain.seal import Anchor
from gateway.environment import ENVIRONMENT
from gateway.server.store_list import JOURNAL, STORES, KnownStore, StorePlace
from gateway.stores.journal import Journal
from gateway.stores.journal_queries import verify_chain

Tell = Callable[[str], None]


async def check_backup(folder: Path | None, anchor: str | None, tell: Tell) -> int:
    """Read what was restored, and change nothing; how many stores would not serve. What is read again from partners is not
    looked for. Raises CommandFailed for an anchor that is none."""
    configuration, through = load(), read_anchor(anchor) if anchor else None
    place = StorePlace(folder, {}) if folder else StorePlace(configuration.donnees, ENVIRONMENT)
    faulty = 0
    for store in STORES:
        if not store.remade:
            faults = await _faults(store, configuration, place, through)
            faulty += bool(faults)
            for line in faults or ["rendrait le service" if store.is_there(place) else "absente, et facultative"]:
                tell(f"{store.name} : {line}")
    return faulty


async def _faults(
    store: KnownStore, configuration: Configuration, place: StorePlace, anchor: Anchor | None
) -> list[str]:
    if not store.is_there(place):
        return [f"{store.file(place)} manque"] if store.needed else []
    faults = await faults_of(store, configuration.sealer, place)
    return faults or (await _journal_faults(configuration, place, anchor) if store is JOURNAL else [])


async def _journal_faults(configuration: Configuration, place: StorePlace, anchor: Anchor | None) -> list[str]:
    url, signers = JOURNAL.url(place), configuration.journal_sealers
    readings_journal = Journal(url, configuration.sealer, signers=signers)
    try:
        found = await verify_chain(readings_journal, anchor)
    finally:
        await readings_journal.close()
    return [found.fault] if found.fault else []
