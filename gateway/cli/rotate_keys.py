"""Rotates the keys: what is kept sealed is sealed again by the first of each ring, while gateways run. Run again, it goes on."""

from collections.abc import Callable
from functools import partial

from gateway.cli.databases import opened
from gateway.config import Configuration, load
from gateway.domain.seal import Sealer
from gateway.environment import ENVIRONMENT
from gateway.errors import CommandFailed
from gateway.server.services import build_journal
from gateway.server.store_list import STORES, KnownStore, StorePlace
from gateway.stores.journal_keys import rotate_keys as rotate_journal
from gateway.stores.journal_tables import JournalTampered
from gateway.stores.sealed_columns import Resealing, reseal
from gateway.stores.sealing_keys import forget_keys

Tell = Callable[[str], None]


async def rotate_keys(tell: Tell) -> int:
    """How many rows no key opens. Raises CommandFailed for a journal that was altered."""
    configuration = load()
    await _turn_journal(configuration, tell)
    unreadable, place = 0, StorePlace(configuration.donnees, ENVIRONMENT)
    for store in STORES:
        if store.sealed and store.is_there(place):
            async with opened(store, place) as database:
                for column in store.sealed:
                    done = await reseal(database, column, configuration.sealer, partial(_tell_batch, store, tell))
                    unreadable += done.unreadable
    if not unreadable:
        await _forget_former(configuration.sealer, place)
    tell(
        "GATEWAY_CLES : la première clé scelle tout ; les autres peuvent être ôtées"
        if not unreadable
        else f"GATEWAY_CLES : {unreadable} ligne(s) qu'aucune clé n'ouvre ; n'en ôter aucune, et donner celle qui manque"
    )
    return unreadable


async def _forget_former(sealer: Sealer, place: StorePlace) -> None:
    """Nothing is sealed by the others: a start may do without them."""
    (store,) = (one for one in STORES if one.name == "registre")
    if store.is_there(place):
        async with opened(store, place) as database:
            await database.transaction(partial(forget_keys, sealer=sealer))


async def _turn_journal(configuration: Configuration, tell: Tell) -> None:
    readings_journal = build_journal(configuration, ENVIRONMENT)
    try:
        await readings_journal.open()
        done = await rotate_journal(readings_journal)
    except JournalTampered as error:
        raise CommandFailed(f"journal altéré, sa clé n'est pas tournée : {error}") from None
    finally:
        await readings_journal.close()
    tell(f"journal : {'signé désormais' if done.turned else 'déjà signé'} par la première clé de GATEWAY_CLES_JOURNAL")
    asked = [sealer.name for sealer in configuration.journal_sealers]
    kept = [str(rank) for rank, name in enumerate(asked, 1) if name in done.needed]
    tell(f"GATEWAY_CLES_JOURNAL : à garder, les clés de rang {', '.join(kept)} (des entrées encore là)")


def _tell_batch(store: KnownStore, tell: Tell, done: Resealing) -> None:
    tell(f"{store.name} : {done.seen}/{done.rows} lignes, {done.resealed} scellées à nouveau")
