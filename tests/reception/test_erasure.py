"""One person erased from what was received, and kept away: the others stay, nightly resends are set aside."""

import asyncio
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from gateway.domain.official_numbers import identity_key
from gateway.reception.erasure import ReceivedErasure
from gateway.stores.receptions import ReceptionStore
from tests.reception.test_source import Process, keys
from tests.reception.test_store import kept, push
from tests.support.databases import at_rest, empty_all
from tests.support.reception.facts import SITE_UAI_ITEM, UAI, item
from tests.support.reception.world import NOW, SEALER, SITE_UAI

pytestmark = pytest.mark.anyio
GASTON = identity_key("Lenôtre", "Gaston", date(2007, 10, 28))
OTHER = {"nom_apprenant": "Martin", "id_erp_apprenant": "E-2"}
DAY = timedelta(days=1)
ROUNDS = 30


async def erase(store: ReceptionStore, identity: str = GASTON, at: Any = NOW) -> list[tuple[str, str, str]]:
    """What was erased of an identity: establishment, school year, number."""
    erasure = ReceivedErasure(store, SEALER)
    found = await erasure.find(identity)
    assert await erasure.erase(found, at) == len(found)
    return [(one.uai, one.annee, one.id_erp) for one in found]


async def test_every_dossier_of_the_person_is_erased_and_of_nobody_else(store: ReceptionStore) -> None:
    await push(store, item(), item(annee_scolaire="2025-2026"), item(**OTHER), item(**SITE_UAI_ITEM))
    assert await erase(store) == [
        (UAI, "2025-2026", "E-1"),
        (UAI, "2026-2027", "E-1"),
        (SITE_UAI, "2026-2027", "E-1"),
    ]
    assert set(await kept(store)) == {"E-2"}
    assert await kept(store, SITE_UAI) == {}


async def test_the_identity_is_the_exact_one_but_for_case_accents_and_marks(store: ReceptionStore) -> None:
    await push(store, item(nom_apprenant="LE-NOTRE"))
    assert await erase(store, identity_key("lenôtre", "GASTON", date(2007, 10, 28))) == [(UAI, "2026-2027", "E-1")]
    await push(store, item(id_erp_apprenant="E-5", date_de_naissance_apprenant="2007-10-29"))
    assert await erase(store) == []
    assert set(await kept(store)) == {"E-5"}


async def test_nightly_resends_are_set_aside_whatever_they_say_now(store: ReceptionStore) -> None:
    """Of thousands, in as many transactions as nights: the answer to the ERP is the same, and nothing comes back."""
    crowd = [item(id_erp_apprenant=f"C-{n}", nom_apprenant=f"Nom{n}") for n in range(700)]
    await push(store, item(), *crowd)
    await erase(store)
    for night in range(1, 4):
        moved = await push(store, item(prenom_apprenant=f"Gaston{night}"), *crowd, at=NOW + night * DAY)
        assert moved == frozenset()
    assert set(await kept(store)) == {f"C-{n}" for n in range(700)}


async def test_what_was_erased_leaves_every_process(store: ReceptionStore) -> None:
    one, other = Process(store), Process(store)
    await push(store, item(), item(**OTHER))
    assert keys(await one.read()) == keys(await other.read()) == ["E-1", "E-2"]
    await erase(store)
    assert keys(await one.read()) == keys(await other.read()) == ["E-2"]


async def test_it_is_remembered_as_long_as_the_erp_sends_it_and_a_year_more(store: ReceptionStore) -> None:
    await push(store, item())
    await erase(store)
    for month in range(1, 30):
        at = NOW + month * 30 * DAY
        await push(store, item(), at=at)
        await store.purge(at)
    assert await kept(store) == {}
    await store.purge(NOW + (29 * 30 + 366) * DAY)
    await push(store, item(), at=NOW + (29 * 30 + 367) * DAY)
    assert set(await kept(store)) == {"E-1"}


async def test_nothing_readable_is_left_at_rest_of_who_was_erased(store: ReceptionStore, url: str) -> None:
    await push(store, item(nom_apprenant="Canarinois"))
    await erase(store, identity_key("Canarinois", "Gaston", date(2007, 10, 28)))
    assert b"anarinois" not in await at_rest(url)


async def test_whoever_erases_or_purges_and_whoever_transmits_never_wait_for_each_other(postgresql: str) -> None:
    """PostgreSQL killed one of them, and an ERP was told 503 or an erasure failed: a transmission takes its CFAs, then its
    dossiers, and they took the dossiers first."""
    await empty_all(postgresql)
    stores = [ReceptionStore(postgresql) for _ in range(4)]
    for one in stores:
        await one.open()
    try:
        for night in range(ROUNDS):
            at = NOW + night * DAY
            await _race(stores, at)
        assert await kept(stores[0]) == await kept(stores[0], SITE_UAI) == {}
    finally:
        for one in stores:
            await one.close()


async def _race(stores: Sequence[ReceptionStore], at: datetime) -> None:
    """Dossiers of two CFAs received again while they are erased, purged, and those that were erased before forgotten."""
    crowd = [item(id_erp_apprenant=f"{at:%j}-{n}", **site) for n in range(40) for site in ({}, SITE_UAI_ITEM)]
    await push(stores[0], *crowd, at=at)
    transmitting, erasing, purging, other = stores
    found = await ReceivedErasure(erasing, SEALER).find(GASTON)
    keys_ = [one.key for one in found]
    sent = [{**one, "prenom_apprenant": "Gaston Pierre"} for one in crowd]
    await asyncio.gather(
        push(transmitting, *sent, at=at),
        erasing.erase(keys_[::-1], at),
        purging.purge(at + 400 * DAY),
        push(other, *sent[::-1], at=at),
        other.purge(at + 400 * DAY),
    )
    await erasing.erase(keys_, at)
