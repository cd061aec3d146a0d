"""What ERPs transmitted and was set aside, counted by establishment and field, on each kind of database."""

from datetime import timedelta
from typing import Any

import pytest

from gateway.reception.fields import REQUIRED
from gateway.schema.organisations import NatureDefaut, Qualite
from gateway.sources.received_quality import ReceivedQuality
from gateway.stores.receptions import ReceptionStore
from tests.reception.test_source import Process
from tests.reception.test_store import push
from tests.support.reception.facts import UAI, item
from tests.support.reception.world import NOW, SITE_UAI

pytestmark = pytest.mark.anyio
SECOND = NOW.replace(microsecond=0)
BAD_MAIL = {"email_contact": "non communiqué"}


async def counted(store: ReceptionStore) -> Qualite:
    quality = ReceivedQuality(store, REQUIRED)
    await quality.look(await store.states())
    (own,) = quality.of(UAI)
    return own


def told(quality: Qualite) -> dict[tuple[NatureDefaut, str, str | None], int]:
    return {(one.nature, one.genre, one.champ): one.nombre for one in quality.defauts}


async def test_a_value_set_aside_and_a_dossier_refused_are_counted_by_field(store: ReceptionStore) -> None:
    wrong: list[dict[str, Any]] = [
        item(id_erp_apprenant="A", **BAD_MAIL),
        item(id_erp_apprenant="B", **BAD_MAIL, tel_apprenant="12"),
        item(id_erp_apprenant="C", date_de_naissance_apprenant="hier"),
    ]
    await push(store, item(), *wrong)
    own = await counted(store)
    assert (own.etablissement, own.lue_le, own.dossiers) == (UAI, SECOND, 3)
    assert told(own) == {
        (NatureDefaut.ECARTEE, "valeur", "email_contact"): 2,
        (NatureDefaut.ECARTEE, "valeur", "tel_apprenant"): 1,
        (NatureDefaut.ECARTEE, "dossier", "date_de_naissance_apprenant"): 1,
    }


async def test_the_last_day_counts_and_a_dossier_sent_twice_in_it_once(store: ReceptionStore) -> None:
    await push(store, item(id_erp_apprenant="A", **BAD_MAIL), item(id_erp_apprenant="B", **BAD_MAIL))
    next_day = NOW + timedelta(days=1)
    for prenom in ("Gaston", "Léon"):
        await push(store, item(id_erp_apprenant="A", prenom_apprenant=prenom, **BAD_MAIL), at=next_day)
    own = await counted(store)
    assert own.lue_le == SECOND + timedelta(days=1)
    assert told(own) == {(NatureDefaut.ECARTEE, "valeur", "email_contact"): 1}


async def test_what_is_mended_is_no_more_counted(store: ReceptionStore) -> None:
    process = Process(store)
    await push(store, item(**BAD_MAIL))
    await looked(process)
    (own,) = process.received.source().qualite or []
    assert len(own.defauts) == 1
    await push(store, item(), at=NOW + timedelta(days=1))
    await looked(process)
    (own,) = process.received.source().qualite or []
    assert own.defauts == []


async def test_each_cfa_is_told_its_own(store: ReceptionStore) -> None:
    process = Process(store)
    await push(store, item(**BAD_MAIL))
    await looked(process)
    source = process.received.source_of(UAI)
    assert source is not None
    assert [one.etablissement for one in source.qualite or ()] == [UAI]
    assert process.received.source_of(SITE_UAI) is None


async def test_who_has_not_transmitted_since_is_not_counted_again(
    store: ReceptionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await push(store, item(**BAD_MAIL))
    quality, states = ReceivedQuality(store, REQUIRED), await store.states()
    await quality.look(states)
    await push(store, item(tel_apprenant="12"))  # in the same second: the instant that the store keeps is the same
    await quality.look(states)
    (own,) = quality.all
    assert sum(one.nombre for one in own.defauts) == 2
    states = {UAI: states[UAI], SITE_UAI: states[UAI]._replace(transmitted_at=NOW + timedelta(days=1))}
    await quality.look(states)
    del states[SITE_UAI]
    monkeypatch.setattr(ReceptionStore, "errors", None)
    await quality.look(states)
    assert [one.etablissement for one in quality.all] == [UAI, SITE_UAI]


async def looked(process: Process) -> None:
    """One turn of what watches for ever."""

    class Ended(BaseException):
        pass

    async def once(_: float) -> None:
        raise Ended

    with pytest.raises(Ended):
        await process.received.watch(once)
