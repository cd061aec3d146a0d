"""Turns the keys: what is kept sealed is sealed again by the first of each ring, while gateways go on. Run again, it goes on."""

from collections.abc import Callable

from gateway.config import Configuration, load
from gateway.environment import ENVIRONMENT
from gateway.errors import CommandFailed
from gateway.server.services import build_journal
from gateway.server.store_list import STORES, KnownStore
from gateway.stores.journal_keys import turn_keys as turn_journal
from gateway.stores.journal_tables import JournalTampered
from gateway.stores.sealed_columns import Resealing, SealedColumn, reseal
from gateway.stores.sql import open_engine, told, writer

LOCK_WAIT = 30  # seconds behind a harvest that writes

Tell = Callable[[str], None]


async def turn_keys(tell: Tell) -> int:
    """How many rows no key opens. Raises CommandFailed for a journal that was altered."""
    configuration = load()
    await _turn_journal(configuration, tell)
    unreadable = 0
    for store in STORES:
        if store.sealed is not None and store.is_there(configuration.donnees, ENVIRONMENT):
            unreadable += await _reseal(configuration, store, store.sealed, tell)
    tell(
        "GATEWAY_CLES : la première clé scelle tout ; les autres peuvent être ôtées"
        if not unreadable
        else f"GATEWAY_CLES : {unreadable} ligne(s) qu'aucune clé n'ouvre ; n'en ôter aucune, et donner celle qui manque"
    )
    return unreadable


async def _turn_journal(configuration: Configuration, tell: Tell) -> None:
    readings_journal = build_journal(configuration, ENVIRONMENT)
    try:
        await readings_journal.open()
        done = await turn_journal(readings_journal)
    except JournalTampered as error:
        raise CommandFailed(f"journal altéré, sa clé n'est pas tournée : {error}") from None
    finally:
        await readings_journal.close()
    tell(f"journal : {'signé désormais' if done.turned else 'déjà signé'} par la première clé de GATEWAY_CLES_JOURNAL")
    asked = [sealer.name for sealer in configuration.journal_sealers]
    kept = [str(rank) for rank, name in enumerate(asked, 1) if name in done.needed]
    tell(f"GATEWAY_CLES_JOURNAL : à garder, les clés de rang {', '.join(kept)} (des entrées encore là)")


async def _reseal(configuration: Configuration, store: KnownStore, column: SealedColumn, tell: Tell) -> int:
    engine = open_engine(store.url(configuration.donnees, ENVIRONMENT), LOCK_WAIT, is_durable=True)
    resealing = writer(engine, LOCK_WAIT)
    try:
        with told(store.name):
            done = await reseal(resealing, column, configuration.sealer, lambda seen: tell(_line(store, seen)))
    finally:
        await resealing.close()
        await engine.dispose()
    return done.unreadable


def _line(store: KnownStore, done: Resealing) -> str:
    return f"{store.name} : {done.seen}/{done.rows} lignes, {done.resealed} scellées à nouveau"
