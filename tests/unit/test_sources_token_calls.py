"""What a token costs its partner: it departs in its turn, and is counted by a name of its own."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import httpx
import pytest
import respx
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from gateway.connectors.base import PartnerRequest, Tenant
from gateway.errors import SourceError
from gateway.sources.metrics import SourceMetrics
from gateway.sources.partner_client import PartnerClient
from gateway.sources.partners.file_format import LimitsTable
from gateway.sources.partners.load import AccessConfig
from gateway.sources.resilience.budgets import Clock
from tests.support.sources import BASE, UAI_A, partner, transport, wall_clock

pytestmark = pytest.mark.anyio
TOKEN_URL = "http://127.0.0.1:9/jeton"


@pytest.fixture
def router() -> Iterator[respx.MockRouter]:
    with respx.mock(assert_all_called=False) as opened:
        yield opened


@dataclass
class Times:
    """A clock that sleeping moves, and the instants at which something was asked."""

    now: float = 0.0
    asked: list[tuple[str, float]] = field(default_factory=list)

    def seconds(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class Asked:
    client: PartnerClient
    metrics: CollectorRegistry
    times: Times

    def calls(self, operation: str, outcome: str) -> float | None:
        labels = {"partenaire": "erp", "operation": operation, "issue": outcome}
        return self.metrics.get_sample_value("passerelle_appels_total", labels)


def asked(router: respx.MockRouter, status: int = 200) -> Asked:
    times, metrics = Times(), CollectorRegistry()

    def token(request: httpx.Request) -> httpx.Response:
        times.asked.append(("jeton", times.now))
        return httpx.Response(status, json={"access_token": "j", "expires_in": 3600})

    def rows(request: httpx.Request) -> httpx.Response:
        times.asked.append(("liste", times.now))
        return httpx.Response(200, json=[])

    router.post(TOKEN_URL).mock(side_effect=token)
    router.get(f"{BASE}/liste").mock(side_effect=rows)
    own = partner(
        acces={"defaut": AccessConfig("oauth2", "passerelle", SecretStr("s"), url_jeton=TOKEN_URL)},
        limites=LimitsTable(par_seconde=1, simultanes=4),
    )
    clock = Clock(seconds=times.seconds, sleep=times.sleep, randomness=lambda: 0.0)
    return Asked(PartnerClient(own, transport(router), SourceMetrics(metrics), wall_clock, clock), metrics, times)


async def test_a_token_departs_in_its_turn(router: respx.MockRouter) -> None:
    """One departure a second: the request has the first, its token the second; the next request waits for a third."""
    one = asked(router)
    for _ in range(2):
        await one.client.request(PartnerRequest("liste", "/liste"), Tenant(UAI_A, code=UAI_A))
    assert [name for name, _ in one.times.asked] == ["jeton", "liste", "liste"]
    assert [at for _, at in one.times.asked] == pytest.approx([1.0, 1.0, 2.0], abs=0.2)  # the pacer keeps a margin
    assert (one.calls("jeton", "OK"), one.calls("liste", "OK")) == (1, 2)


async def test_a_token_that_is_refused_is_counted_as_such(router: respx.MockRouter) -> None:
    one = asked(router, status=401)
    with pytest.raises(SourceError, match="jeton refusé par le partenaire") as raised:
        await one.client.request(PartnerRequest("liste", "/liste"), Tenant(UAI_A, code=UAI_A))
    assert (one.calls("jeton", "OK"), one.calls("jeton", raised.value.code.value)) == (None, 1)
    assert ("liste", 0.0) not in one.times.asked
