"""`depot transmettre`: what the gateway kept because no partner received it is given to one that now does, in its order."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from gateway.auth.policy.acts import Acte
from gateway.federation.collect.plan import plan_of_perimetre
from gateway.federation.views.build import find_view
from gateway.federation.views.view import Rights, View
from gateway.stores.write_queue import WriteQueue
from gateway.writes.delivery import Delivery, DeliveryMetrics
from gateway.writes.eligibility import WriteTarget
from gateway.writes.release import Released, release_kept
from gateway.writes.sealed_body import Destination
from tests.support.writes.partner import Partner, ToPartner
from tests.support.writes.world import (
    ADVISER,
    ASK,
    DECLARE,
    NOTE,
    REQUEST,
    SCHOOL,
    SEALER,
    WITHDRAW,
    WRITES,
    WrittenWorld,
    key,
    somebody,
    written_world,
)

pytestmark = pytest.mark.anyio
PEOPLE = [somebody(0), somebody(1, statut="APPRENTI"), somebody(2)]


@pytest.fixture
async def small(tmp_path: Path, url: str) -> AsyncIterator[WrittenWorld]:
    async with written_world(tmp_path, PEOPLE, url=url) as opened:
        yield opened


class NotOfTwo(ToPartner):
    """A partner that does not know the third person."""

    def destination(self, acte: Acte, target: WriteTarget) -> Destination:
        found = super().destination(acte, target)
        return found if found.dossier != "2" else Destination()


def queue(small: WrittenWorld) -> WriteQueue:
    return WriteQueue(small.store, lambda: 1_000_000.0)


async def seen(small: WrittenWorld, code: str) -> View:
    """What the Mission locale of these people sees."""
    assert code == "60001"
    gateway, directory = small.gateway, small.gateway.directory()
    rights = Rights(gateway.policy, ADVISER.profil, ADVISER.finalite, ADVISER.perimetre)
    plan = plan_of_perimetre(rights.perimetre, directory.referentiel, suivi=True)
    readings = await gateway.collector.collect(plan, directory)
    day = small.instant.date()
    view, _ = await find_view(gateway.views, gateway.id_assigner, readings, rights, directory, day)
    return view


async def test_what_was_kept_is_given_in_its_order_and_the_rest_is_kept(small: WrittenWorld) -> None:
    jeune = await small.id_of(ADVISER)
    contrat = (await small.jeune(SCHOOL, "contrats { id }", 1))["contrats"][0]["id"]
    for situation in ("RDV_PRIS", "REORIENTATION"):
        await small.write(ADVISER, NOTE, jeune=jeune, situation=situation)
    await small.write(SCHOOL, ASK, jeune=await small.id_of(SCHOOL), **REQUEST)
    await small.write(SCHOOL, DECLARE, contrat=contrat, date="2026-10-10")
    await small.write(ADVISER, NOTE, jeune=await small.id_of(ADVISER, 2), situation="RDV_PRIS")
    gone = await small.write(ADVISER, NOTE, jeune=jeune, situation="NOUVEAU_PROJET")
    await small.ask(ADVISER, WITHDRAW, cle=key(), ecriture=gone["ecriture"]["id"])
    writes = replace(small.writes, destinations=NotOfTwo())
    assert await release_kept(writes, queue(small), lambda code: seen(small, code)) == Released(3, 2)
    partner = Partner()
    metrics = DeliveryMetrics(CollectorRegistry())
    clocks = (lambda: small.instant), (lambda: 1_000_000.0), (lambda: 0.0)
    delivery = Delivery(queue(small), partner, SEALER, metrics, *clocks)
    while await delivery.deliver() is not None:
        pass
    assert [said.content.get("situation", said.acte) for said in partner.effects["0"]] == [
        "RDV_PRIS",
        "REORIENTATION",
        "DEMANDER_ACCOMPAGNEMENT",
    ]
    listed = (await small.ask(ADVISER, WRITES))["data"]["ecritures"]["nodes"]
    assert sorted(one["etat"] for one in listed) == ["ABANDONNEE", "CONSERVEE", "TRANSMISE", "TRANSMISE"]
    # Given once: there is nothing left for a second time, but what no partner takes.
    assert await release_kept(writes, queue(small), lambda code: seen(small, code)) == Released(0, 2)


async def test_a_structure_whose_sources_do_not_answer_is_told_and_keeps_its_writes(small: WrittenWorld) -> None:
    await small.write(ADVISER, NOTE, jeune=await small.id_of(ADVISER), situation="RDV_PRIS")

    async def silent(_: str) -> View | None:
        return None

    writes = replace(small.writes, destinations=ToPartner())
    assert await release_kept(writes, queue(small), silent) == Released(0, 1, ["60001"])
    assert (await small.ask(ADVISER, WRITES))["data"]["ecritures"]["nodes"][0]["etat"] == "CONSERVEE"
