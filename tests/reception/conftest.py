"""A store of receptions on each kind of database, and the route of ERPs over it."""

from collections.abc import AsyncIterator
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette

from gateway.auth.policy.rules import Profil
from gateway.config import HttpSettings
from gateway.domain.days import paris_day
from gateway.edge.reception_http import reception_door, reception_routes
from gateway.edge.transmissions_page import page_routes
from gateway.reception.items import Family
from gateway.reception.reception import Reception, ReceptionMetrics, ReceptionSlots, key_digest
from gateway.reception.transmission import PreparedTransmission, prepare
from gateway.stores.quota_counters import RateLimits
from gateway.stores.receptions import ReceptionStore
from tests.support.reception.facts import UAI
from tests.support.reception.world import NOW, REFERENTIEL, SEALER

KEY = "2f9d1c84-5d0e-4a53-9a41-7c1a0c6c7f11"


@pytest.fixture
async def store(url: str) -> AsyncIterator[ReceptionStore]:
    opened = ReceptionStore(url)
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
async def reception(store: ReceptionStore) -> Reception:
    clients: Any = {
        "cfa": SimpleNamespace(role=Profil.CFA, organisation=UAI),
        "ml": SimpleNamespace(role=Profil.MISSION_LOCALE, organisation="60001"),
    }
    await store.import_key(key_digest(SEALER, KEY), "cfa", paris_day(NOW))
    metrics = ReceptionMetrics(CollectorRegistry())

    def read(body: bytes, family: Family, now: datetime) -> PreparedTransmission:
        return prepare(body, family, SEALER, now)

    return Reception(store, SEALER, clients, lambda: REFERENTIEL, lambda: NOW, metrics, ReceptionSlots(), read)


@pytest.fixture
async def erp(reception: Reception) -> AsyncIterator[httpx.AsyncClient]:
    """An ERP that has the key of a CFA."""
    door = reception_door(reception, HttpSettings(), RateLimits())
    app = Starlette(routes=[*reception_routes(door), *page_routes(door)])
    app.router.redirect_slashes = False
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://passerelle", headers={"authorization": f"Bearer {KEY}"}
    ) as client:
        yield client
